"""Publishing: the build workflow is run for the pushed patches tip, after everything was checked that can be.

A run builds the branch's tip at the moment of its start, a second dispatch kills a running build where the workflow
cancels those in progress, and a dispatch is never sent twice (facts: GitHub REST).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from git_poolside.config import Config
from git_poolside.errors import FarSideFailed, LeaseLost, Refused
from git_poolside.forge.failures import ApiFailed, Unanswered
from git_poolside.forge.github import Repository, Run
from git_poolside.git import refs
from git_poolside.git.layers import branch_of
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.git.remotes import Remote
from git_poolside.operation import builds
from git_poolside.operation.builds import Build
from git_poolside.stack import version, workflow
from git_poolside.stack.model import Oid, Role
from git_poolside.stack.provenance import Provenance
from git_poolside.ui import Ui, clean

FOLDER = ".github/workflows/"
EVENT = "workflow_dispatch"
RUNNING = "running-build"
_LATELY = 100
"""Runs looked at, newest first: one that is older than so many is not in progress any more."""
_APPEARS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between looks for a run that was begun."""


@dataclass(frozen=True)
class Order:
    """What is asked for: the workflow's `inputs`, the snags allowed, whether to `join` a run that is on the way,
    to build `again` what was built so, or to check only (`dry_run`).
    """

    inputs: Mapping[str, str]
    allow: frozenset[str]
    join: bool = False
    again: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Begun:
    """What came of it: the `run`, which was there before if `joined`; or the `record` of a build that was made so
    before; or neither, in a dry run.
    """

    build: Build
    run: Run | None = None
    joined: bool = False
    record: Mapping[str, Any] | None = None


@dataclass(frozen=True)
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
    tip = refs.read_one(git, config.ref(config.branches.patches))
    if not order.dry_run and (known := builds.remembered(git)) is not None:
        run = _shown(fork, known.run)
        if run is not None and order.join and (not run.is_over or known.tip == tip):
            return Begun(known, run, joined=True)
        if run is None:
            builds.forget(git)
        elif run.is_over:
            settle(git, config, remote, fork, known, run)
            ui.talk(f"note: run {run.number}, begun before, ended: {clean(run.conclusion or '')}")
    build = prepared(git, config, remote, order.inputs)
    if not order.again and (record := builds.find(git, config, build)) is not None:
        return Begun(build, record=record)
    if order.join and not order.dry_run and (run := unfinished(fork, build.workflow, build.tip)) is not None:
        return Begun(_remembered(git, build, run), run, joined=True)
    check_far_side(fork, build, order.allow)
    if order.dry_run:
        return Begun(build)
    run = begin(fork, build, ui.pause)
    return Begun(_remembered(git, build, run), run)


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


def prepared(git: Git, config: Config, remote: Remote, inputs: Mapping[str, str]) -> Build:
    """What would be built. Asks the fork's server, and raises `Refused` where the tip is not fit for it."""
    names = {role: config.ref(branch_of(config, role)) for role in Role}
    server = remote.listing([*names.values(), f"{config.published.prefix}*"])
    tip = _pushed(git, config, server.get(names[Role.PATCHES]))
    objects = Objects(git)
    snapshot = server.get(names[Role.SNAPSHOT])
    nightly, value = _stamped(git, config, objects, tip, snapshot)
    file = config.publish.workflow
    check_workflow(objects, config, tip, inputs)
    published = [ref.removesuffix("^{}") for ref, oid in server.items() if ref.endswith("^{}") and oid == tip]
    tips = {role.value: server.get(names[role]) for role in Role}
    return Build(
        config.branches.patches, tip, tips, nightly, value, file, dict(inputs), published[-1] if published else None
    )


def _pushed(git: Git, config: Config, there: Oid | None) -> Oid:
    """The patches tip, which has to be the same here and on the server: what is checked here is built there."""
    branch = config.branches.patches
    here = refs.read_one(git, config.ref(branch))
    if here is None:
        raise Refused(f"'{branch}' is not in this clone", hints=["git poolside init   (makes it from the fork's)"])
    if there != here:
        stands = f"{there[:9]} on" if there else "not on"
        raise Refused(
            f"'{branch}' is {here[:9]} here and {stands} '{config.remotes.fork}', which is where it is built from",
            hints=["git poolside push   (sends what is here)", "git poolside status   (shows how they differ)"],
        )
    return here


def _stamped(
    git: Git, config: Config, objects: Objects, tip: Oid, snapshot: Oid | None
) -> tuple[dict[str, str] | None, str | None]:
    """The nightly that the stamp names and the version's value. Raises `Refused` where they do not fit the snapshot.

    A stack without a stamp is fit only if there is no version to set.
    """
    main, again = config.branches.snapshot, ["git poolside sync   (sets the version anew)", "git poolside push"]
    value, date = _version(config, objects, tip)
    below = [f"^{snapshot}"] if snapshot and objects.has_commit(snapshot) else ["-n50"]
    commits = git.lines("rev-list", tip, *below, "--")
    stamp = next((one for oid in commits if (one := Provenance.of(objects.commit(Oid(oid)).text)).is_stamp), None)
    if stamp is None or stamp.nightly is None or stamp.upstream is None:
        if value is None:
            return None, None
        raise Refused(f"no commit of the stack says which nightly the version {value} is of", hints=again)
    if stamp.upstream != snapshot:
        stands = f"{snapshot[:9]} on" if snapshot else "not on"
        raise Refused(
            f"the version is of the nightly of {stamp.nightly} ({stamp.upstream[:9]}), but '{main}' is {stands} "
            f"'{config.remotes.fork}'",
            hints=again,
        )
    if date is not None and date != stamp.nightly.replace("-", ""):
        raise Refused(f"the version is {value}, but the stack stands on the nightly of {stamp.nightly}", hints=again)
    return {"date": stamp.nightly, "commit": stamp.upstream}, value


def _version(config: Config, objects: Objects, tip: Oid) -> tuple[str | None, str | None]:
    """The version variable's value on the tip and the date in it."""
    entry = objects.lookup(objects.commit(tip).tree, config.version.file.encode())
    if entry is None or entry.is_tree:
        return None, None
    try:
        found = version.find(objects.read(entry.oid), config.version.variable)
    except version.Ambiguous as error:
        raise Refused(
            f"{config.version.variable} is set on several lines of {config.version.file}: {error}",
            hints=["leave one of them with a date, commit and push that"],
        ) from error
    return (None, None) if found is None else (found.value.decode("utf-8", "replace"), found.date.decode())


def check_workflow(objects: Objects, config: Config, tip: Oid, inputs: Mapping[str, str]) -> None:
    """Raises `Refused` where the workflow of the tip cannot be run by hand with these inputs."""
    path = FOLDER + config.publish.workflow
    where = f"{path} on '{config.branches.patches}'"
    entry = objects.lookup(objects.commit(tip).tree, path.encode())
    if entry is None or entry.is_tree or entry.mode == 0o120000:
        raise Refused(
            f"there is no {where}",
            hints=["set workflow under [publish] in .poolside.toml to the build's file", "git poolside doctor"],
        )
    try:
        found = workflow.read(objects.read(entry.oid))
    except workflow.Unreadable as error:
        raise Refused(f"{where} cannot be read: {error}", hints=["mend the file, commit and push it"]) from error
    if found is None:
        raise Refused(
            f"{where} cannot be run by hand: it has no '{workflow.TRIGGER}'",
            hints=[f"add {workflow.TRIGGER}: below its on:, commit and push that"],
        )
    if problems := found.problems(inputs):
        raise Refused(
            "\n".join([f"{where} would not take the inputs:", *(f"  {problem}" for problem in problems)]),
            hints=["git poolside publish --input NAME=VALUE", "or set inputs under [publish] in .poolside.toml"],
        )


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
        raise Refused(
            f"run {running.number} of {build.workflow} is {running.status.replace('_', ' ')}, begun by "
            f"{running.actor} on '{running.branch}' ({running.head[:9]}); another one may end it",
            snag=RUNNING,
            hints=[running.url, f"git poolside publish --allow {RUNNING}   (begins one all the same)"],
        )


def unfinished(repository: Repository, file: str, head: Oid | None = None) -> Run | None:
    """The newest run that is queued or in progress, of the commit `head` if that is given."""
    found = islice(repository.runs(file), _LATELY)
    return next((run for run in found if not run.is_over and head in (None, run.head)), None)


def request(repository: Repository, build: Build) -> dict[str, object]:
    """The request that `begin` sends."""
    path = f"/repos/{repository.name}/actions/workflows/{build.workflow}/dispatches"
    body = {"ref": build.branch, "inputs": dict(build.inputs), "return_run_details": True}
    return {"method": "POST", "url": repository.client.forge.api + path, "body": body}


def begin(repository: Repository, build: Build, pause: Callable[[float, str], None]) -> Run:
    """Run the workflow, once, and return its run.

    Where the answer does not tell (or none comes) the run is looked for. Raises `Unanswered` if none is found after
    no answer, and `LeaseLost` for a run of another commit than was checked.
    """
    before = {run.id for run in islice(repository.runs(build.workflow, event=EVENT, branch=build.branch), _LATELY)}
    began = repository.server_time()
    try:
        number = repository.dispatch(build.workflow, build.branch, build.inputs)
    except Unanswered as error:
        found = _look(lambda: _new(repository, build, before, began), pause)
        if found is None:
            raise Unanswered(
                f"{error.message}\n  no run of {build.workflow} has begun since, but one may yet",
                hints=[
                    f"https://{repository.client.forge.host}/{repository.name}/actions   (does one appear?)",
                    "git poolside publish   (once you are sure that none does)",
                ],
            ) from error
        return _of_tip(found, build)
    if number is None:
        found = _look(lambda: _new(repository, build, before, began), pause)
    else:
        found = _look(lambda: _shown(repository, number), pause)
    if found is None:
        raise FarSideFailed(
            f"{repository.client.forge.host} took the request to run {build.workflow}, but shows no run of it",
            hints=["git poolside publish --watch   (looks for it again)"],
        )
    return _of_tip(found, build)


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


def _new(repository: Repository, build: Build, before: Iterable[int], began: datetime) -> Run | None:
    """Our run, among those that were not there before: of our account and the tip, else the first of the branch."""
    since = began.strftime("%Y-%m-%dT%H:%M:%SZ")
    filters = {"event": EVENT, "branch": build.branch, "created": f">={since}"}
    if (actor := repository.login()) is not None:
        filters["actor"] = actor
    found = [run for run in repository.runs(build.workflow, **filters) if run.id not in before]
    return next((run for run in found if run.head == build.tip), found[-1] if found else None)


def _of_tip(run: Run, build: Build) -> Run:
    if run.head != build.tip:
        raise LeaseLost(
            f"run {run.number} builds {run.head[:9]}, and not {build.tip[:9]}, which was checked: somebody pushed to "
            f"'{build.branch}' in between",
            hints=[run.url, f"gh run cancel {run.id}   (ends it)", "git poolside status   (shows what came)"],
        )
    return run
