"""After a stop: going on with a resolution, skipping the patch, or giving the whole operation up."""

from __future__ import annotations

from pathlib import Path

from git_poolside.config import Config
from git_poolside.errors import Refused
from git_poolside.git import refs, worktree
from git_poolside.git.objects import Committer, Objects
from git_poolside.git.process import Git
from git_poolside.operation import stopped
from git_poolside.operation.order import Order
from git_poolside.operation.prepare import Wishes, answered, with_choices
from git_poolside.operation.stopped import EXEC, Stopped
from git_poolside.operation.sync import Outcome, execute
from git_poolside.stack.model import Oid, RefChange
from git_poolside.stack.values import replace
from git_poolside.ui import Ui


def accept_rerere(git: Git, config: Config, ui: Ui, outcome: Outcome) -> Outcome:
    """Go on by itself from stops that git-rerere(1) resolved whole, if ``sync.rerere = "accept"`` (C12)."""
    while config.sync.rerere == "accept" and outcome.kind == "stopped" and outcome.stood is not None:
        state = outcome.stood
        resolved = stopped.resolved_by_rerere(git, state)
        if not state.paths or set(resolved) != set(state.paths):
            break
        git.with_environment(GIT_LITERAL_PATHSPECS="1").run("add", "-A", "--", *resolved)
        outcome = go_on(git, config, ui, Wishes(), by_rerere=True)
    return outcome


def go_on(git: Git, config: Config, ui: Ui, wishes: Wishes, *, by_rerere: bool = False) -> Outcome:
    """``--continue``: take the resolution from the worktree and run the order again with it.

    `wishes` may answer what is asked about later patches; `by_rerere` says whose resolution it is.
    """
    state = _required(git)
    _refuse_moved(git, state)
    objects = Objects(git)
    committer = Committer.of(objects, state.order.identity.encode("utf-8", "surrogateescape"))
    made = stopped.resolution(git, objects, committer, state)
    order = answered(git, config, objects, state.order, wishes)
    if state.kind == EXEC and made == (state.order.choices.resolutions.get(state.patch) or (state.stands_at,)):
        return _again(git, config, ui, state, order, ())  # nothing was mended: --exec decides again
    rerere = order.choices.rerere | ({state.patch} if by_rerere else set())
    resolutions = {**order.choices.resolutions, state.patch: made}
    return _again(git, config, ui, state, with_choices(order, resolutions=resolutions, rerere=rerere), made[-1:])


def skip(git: Git, config: Config, ui: Ui, wishes: Wishes) -> Outcome:
    """``--skip``: leave the patch out, which its reason records. `wishes` as in `go_on`."""
    state = _required(git)
    git = worktree.seen_from(git, state.worktree)
    stopped.refuse_elsewhere(git, state, "--skip")
    _refuse_moved(git, state)
    _refuse_resolved(git, state)
    order = answered(git, config, Objects(git), state.order, wishes)
    stopped.clear(git, state)
    reason = "skipped by hand: it did not apply"
    order = with_choices(order, skip={**order.choices.skip, state.patch: reason})
    return _again(git, config, ui, state, order, ())


def _again(git: Git, config: Config, ui: Ui, state: Stopped, order: Order, made: tuple[Oid, ...]) -> Outcome:
    """Stand on the choice, and run the order again.

    Killed in between, the next ``--continue`` finds the resolution again: in the index, or as HEAD.
    """
    standing = replace(state, order=order, partial=made[0] if made else state.partial)
    objects = Objects(git)
    committer = Committer.of(objects, order.identity.encode("utf-8", "surrogateescape"))
    kept = stopped.keep_reachable(git, objects, committer, order, (state.partial, state.patch))
    refs.move(git, [kept], "poolside: stopped")
    if made:
        worktree.detach(git, made[0], state.action)
    git.try_run("cherry-pick", "--quit")
    outcome = execute(git, config, ui, order, standing=standing)
    if outcome.kind == "nothing-to-do":  # all that was wanted is left out: nothing is stopped any more
        stopped.go_back(git, standing)
    return outcome


def abort(git: Git) -> tuple[Stopped, list[str]]:
    """``--abort``: every ref, the index and the branch as before; what has moved since is left alone and said."""
    state = _required(git)
    git = worktree.seen_from(git, state.worktree)
    gone = not Path(state.worktree).is_dir()
    current = refs.read(git, state.order.refs)
    deleted = [RefChange(ref, None, oid) for ref, oid in state.order.refs.items() if oid and current[ref] is None]
    if deleted:
        refs.move(git, deleted, f"{state.order.program.removeprefix('git ')} --abort")
    moved = [ref for ref, oid in state.order.refs.items() if current[ref] not in (oid, None)]
    said = [f"'{ref.removeprefix('refs/heads/')}' has moved since, and is left where it is" for ref in moved]
    if not gone:
        here, branch = worktree.head_and_branch(git)
        if here is not None and here not in (state.partial, state.stands_at, state.head_oid):
            said.append(f"the commits made meanwhile are at {here[:12]}")
        if branch is None or here == state.partial:
            stopped.clear(git, state)
        stopped.go_back(git, state)
    else:
        stopped.forget(git)
    return state, said


def _refuse_resolved(git: Git, state: Stopped) -> None:
    """Raises `Refused` where a skip would throw commits away, or HEAD is somewhere else."""
    here = worktree.head(git)
    if here in (state.partial, state.stands_at):
        return
    raise Refused(
        "HEAD is not where the operation stopped: there are commits on it, or it is somewhere else",
        hints=[
            f"{state.order.program} --continue   (takes the commits as the resolution)",
            f"git checkout --detach {state.stands_at[:12]} && {state.order.program} --skip   (leaves them out)",
        ],
    )


def _required(git: Git) -> Stopped:
    state = stopped.load(git)
    if state is None:
        raise Refused("no operation is stopped here", hints=["git poolside status"])
    return state


def _refuse_moved(git: Git, state: Stopped) -> None:
    current = refs.read(git, state.order.refs)
    for ref, oid in state.order.refs.items():
        if current[ref] != oid:
            raise Refused(
                f"'{ref.removeprefix('refs/heads/')}' has moved since the operation was stopped",
                snag="moved-since",
                hints=[f"{state.order.program} --abort   (leaves it where it is now; then begin again)"],
            )
