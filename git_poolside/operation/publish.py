"""Publishing: the build workflow is run for the pushed patches tip, after everything was checked that can be.

A run builds the branch's tip at the moment of its start, a second dispatch kills a running build where the workflow
cancels those in progress, and a dispatch is never sent twice (facts: GitHub REST).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from git_poolside.config import Config
from git_poolside.errors import FarSideFailed, LeaseLost, Refused
from git_poolside.forge.failures import ApiFailed, Unanswered
from git_poolside.forge.github import Repository, Run
from git_poolside.git import refs
from git_poolside.git.process import Git
from git_poolside.git.remotes import Remote
from git_poolside.operation import builds
from git_poolside.operation.builds import Build
from git_poolside.operation.publishable import FOLDER, prepared
from git_poolside.stack.model import Oid
from git_poolside.stack.values import frozen, replace
from git_poolside.ui import Ui, clean

EVENT = "workflow_dispatch"
RUNNING = "running-build"
_LATELY = 100
"""Runs looked at, newest first: one that is older than so many is not in progress any more."""
_APPEARS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between looks for a run that was begun."""


@frozen
class Order:
    """What is asked for: the workflow's `inputs`, those among them that were `named` on the command line, the snags
    allowed, whether to `join` a run that is on the way, to build `again` what was built so, or to check only
    (`dry_run`).
    """

    inputs: Mapping[str, str]
    named: Mapping[str, str]
    allow: frozenset[str]
    join: bool = False
    again: bool = False
    dry_run: bool = False


@frozen
class Begun:
    """What came of it: the `run`, which was there before if `joined`; or the `record` of a build that was made so
    before; or neither, in a dry run.
    """

    build: Build
    run: Run | None = None
    joined: bool = False
    record: Mapping[str, Any] | None = None


@frozen
class End:
    """The end of a run: what it made, the ref of its record, and why the fork's server does not have that ("")."""

    artifacts: tuple[str, ...] = ()
    record: str | None = None
    unsent: str = ""


def publish(git: Git, config: Config, ui: Ui, remote: Remote, fork: Repository, order: Order) -> Begun:
    """Run the build workflow for the pushed patches tip, or join the run that is on the way.

    Raises `Refused` where something is not fit for it, `LeaseLost` where another commit is built than was checked,
    `FarSideFailed` for the rest.
    """
    known = builds.remembered(git)
    if known is not None:
        tip = refs.read_one(git, config.ref(config.branches.patches))
        known, run = _known(git, fork, known, order)
        fits = order.named.items() <= (known.inputs or {}).items()
        if run is not None and order.join and fits and (not run.is_over or known.tip == tip):
            return Begun(known, run, joined=True)
        if run is not None and run.is_over and not order.dry_run:
            settle(git, config, remote, fork, known, run)
            ui.talk(f"note: run {run.number}, begun before, ended: {clean(run.conclusion or '')}")
    build = prepared(git, config, remote, order.inputs)
    if not order.again and (record := builds.find(git, config, build)) is not None:
        return Begun(build, record=record)
    if order.join and not order.named and (run := unfinished(fork, build.workflow, build.tip)) is not None:
        return Begun(_remembered(git, replace(build, inputs=None), run), run, joined=True)
    check_far_side(fork, build, order.allow)
    if order.dry_run:
        return Begun(build)
    run = begin(git, fork, build, ui.pause)
    return Begun(_remembered(git, build, run), run)


def _known(git: Git, fork: Repository, known: Build, order: Order) -> tuple[Build, Run | None]:
    """The run that is remembered. Raises `Refused` where it was asked for and never showed: it may begin yet; and
    `LeaseLost` where it builds another commit than was checked.
    """
    run = _shown(fork, known.run) if known.run else _new(fork, known, ())
    if run is not None:
        _check_head(git, known, run)
        return (known if known.number else _remembered(git, known, run)), run
    if RUNNING not in order.allow:
        raise Refused(
            f"a run of {known.workflow} for {known.tip[:9]} was asked for at {known.asked}, and does not show",
            snag=RUNNING,
            hints=[
                f"{_page(fork)}   (does it appear there?)",
                f"git poolside publish --allow {RUNNING}   (asks again, once you are sure that it does not)",
            ],
        )
    return known, None


def _page(repository: Repository) -> str:
    """Where a browser shows the runs."""
    return f"https://{repository.client.forge.host}/{repository.name}/actions"


def _remembered(git: Git, build: Build, run: Run) -> Build:
    made = replace(build, run=run.id, number=run.number, url=run.url)
    builds.remember(git, made)
    return made


def settle(git: Git, config: Config, remote: Remote, fork: Repository, build: Build, run: Run) -> End:
    """Record the run that is over, if it succeeded; it need not be remembered any more."""
    end = End()
    if run.conclusion == "success":
        artifacts = tuple(artifact.name for artifact in fork.artifacts(run.id))
        end = End(artifacts, *builds.record(git, config, remote, build, artifacts))
    builds.forget(git)
    return end


def check_far_side(repository: Repository, build: Build, allow: frozenset[str]) -> None:
    """Whether GitHub knows the workflow, and no run of it is on the way. Raises `Refused`, `ApiFailed`."""
    try:
        known = repository.workflow(build.workflow)
    except ApiFailed as error:
        if error.status != 404:
            raise
        branch = repository.info().default_branch  # raises where it is the repository that is not seen
        raise Refused(
            f"GitHub knows no workflow {build.workflow} in {repository.name}: it has to be on the default branch, "
            f"'{branch}', too",
            hints=[
                f"add {FOLDER}{build.workflow} to '{branch}'",
                f"or make '{build.branch}' the default branch in the repository's settings",
            ],
        ) from error
    if known.state != "active":
        raise Refused(
            f"the workflow {build.workflow} is switched off ({known.state})",
            hints=[f"gh workflow enable {build.workflow} --repo {repository.name}"],
        )
    if RUNNING not in allow and (running := unfinished(repository, build.workflow)) is not None:
        watch = ["git poolside publish --watch   (follows it)"] if running.head == build.tip else []
        raise Refused(
            f"run {running.number} of {build.workflow} is {running.status.replace('_', ' ')}, begun by "
            f"{running.actor} on '{running.branch}' ({running.head[:9]}); another one may end it",
            snag=RUNNING,
            hints=[running.url, *watch, f"git poolside publish --allow {RUNNING}   (begins one all the same)"],
        )


def unfinished(repository: Repository, file: str, head: Oid | None = None) -> Run | None:
    """The newest run that is queued or in progress, of the commit `head` if that is given."""
    found = islice(repository.runs(file), _LATELY)
    return next((run for run in found if not run.is_over and head in (None, run.head)), None)


def request(repository: Repository, build: Build) -> dict[str, Any]:
    """The request that `begin` sends."""
    path = f"/repos/{repository.name}/actions/workflows/{build.workflow}/dispatches"
    body = {"ref": build.branch, "inputs": dict(build.inputs or {}), "return_run_details": True}
    return {"method": "POST", "url": repository.client.forge.api + path, "body": body}


def begin(git: Git, repository: Repository, build: Build, pause: Callable[[float, str], None]) -> Run:
    """Run the workflow, once, and return its run.

    That it was asked for is written down before, so that whatever happens it is not asked for again by itself. Where
    the answer does not tell (or none comes) the run is looked for. Raises `Unanswered` if none is found after no
    answer, and `LeaseLost` for a run of another commit than was checked.
    """
    before = {run.id for run in islice(repository.runs(build.workflow, event=EVENT, branch=build.branch), _LATELY)}
    asked = replace(build, asked=repository.server_time().strftime("%Y-%m-%dT%H:%M:%SZ"))
    builds.remember(git, asked)
    try:
        number, unanswered = _asked_for(git, repository, asked)
        found = _look(lambda: _new(repository, asked, before) if number is None else _shown(repository, number), pause)
    except KeyboardInterrupt:
        where = "the run was asked for; 'git poolside publish --watch' looks for it"
        raise KeyboardInterrupt(where) from None
    if found is None:
        took = f"{repository.client.forge.host} took the request to run {build.workflow}"
        raise Unanswered(
            f"{unanswered.message if unanswered else took}\n  no run of it shows yet, but one may begin",
            hints=[f"{_page(repository)}   (does it appear there?)", "git poolside publish --watch   (looks again)"],
        )
    _check_head(git, build, found)
    return found


def _asked_for(git: Git, repository: Repository, build: Build) -> tuple[int | None, Unanswered | None]:
    """Send the request, once: the run's id if the answer tells it, and what kept an answer from coming."""
    try:
        number = repository.dispatch(build.workflow, build.branch, build.inputs or {})
    except Unanswered as error:
        return None, error
    except FarSideFailed:
        builds.forget(git)  # it was refused, or not sent
        raise
    if number is not None:
        builds.remember(git, replace(build, run=number))
    return number, None


def _check_head(git: Git, build: Build, run: Run) -> None:
    """Raises `LeaseLost` for a run of another commit than was checked, which is not remembered any more."""
    if run.head == build.tip:
        return
    builds.forget(git)
    raise LeaseLost(
        f"run {run.number} builds {run.head[:9]}, and not {build.tip[:9]}, which was checked: somebody pushed to "
        f"'{build.branch}' in between",
        hints=[run.url, f"gh run cancel {run.id}   (ends it)", "git poolside status   (shows what came)"],
    )


def _look(find: Callable[[], Run | None], pause: Callable[[float, str], None]) -> Run | None:
    """What `find` gives, at once or after some time: a new run does not show at once."""
    for seconds in _APPEARS:
        if (found := find()) is not None:
            return found
        pause(seconds, "the run does not show yet")
    return find()


def _shown(repository: Repository, number: int) -> Run | None:
    try:
        return repository.run(number)[0]
    except ApiFailed as error:
        if error.status == 404:
            return None
        raise


def _new(repository: Repository, build: Build, before: Iterable[int]) -> Run | None:
    """The run that was asked for, among those that were not there `before`: of our account since then, and of the tip
    if there is one, else the first of the branch.
    """
    filters = {"event": EVENT, "branch": build.branch, "created": f">={build.asked}"}
    if (actor := repository.login()) is not None:
        filters["actor"] = actor
    found = [run for run in repository.runs(build.workflow, **filters) if run.id not in before]
    return next((run for run in found if run.head == build.tip), found[-1] if found else None)
