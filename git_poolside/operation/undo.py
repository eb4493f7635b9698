"""Taking operations back: their branches return to where they were, as an operation of its own."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from git_poolside.config import Config
from git_poolside.errors import Refused
from git_poolside.git import line, refs, worktree
from git_poolside.git.diff import changes, tree_of_parent
from git_poolside.git.layers import upstreams
from git_poolside.git.merge import MergeOrt
from git_poolside.git.objects import Committer, Objects
from git_poolside.git.process import Git
from git_poolside.git.quarantine import quarantine
from git_poolside.git.replay import Engine
from git_poolside.git.standing import Standing, standing
from git_poolside.operation import journal, log
from git_poolside.stack.model import Conflict, Oid, RefChange
from git_poolside.stack.values import frozen


@frozen
class Undone:
    """What an undo took back, what moved, and how many later commits were carried over. A dry run is no operation."""

    operations: tuple[log.Operation, ...]
    changes: tuple[RefChange, ...]
    carried: int
    operation: str | None


def undo(
    git: Git,
    config: Config,
    command: Sequence[str],
    name: str | None,
    carry: bool,
    allow: frozenset[str],
    *,
    dry_run: bool = False,
) -> Undone:
    """Take back the newest operation that moved branches, or all from the one called `name` on.

    Raises `Refused` (snag ``moved-since``) when a branch has moved since; with `carry` its later commits are
    replayed onto where it returns to. A `dry_run` tells the same and changes nothing.
    """
    worktree.refuse_in_progress(git)
    objects = Objects(git)
    operations = _which(git, objects, name)
    movements: dict[str, list[RefChange]] = {}
    before: dict[str, Oid | None] = {}
    pushed, combined = _was_pushed(git, objects, operations[-1]), False
    for operation in operations:  # newest first
        for change in operation.refs:
            movements.setdefault(change.ref, []).append(change)
        origins = _origins(git, config, objects, operation) if pushed else {}
        combined = combined or origins is None
        before |= {change.ref: change.before for change in operation.refs} | (origins or {})
    current = refs.read(git, before)
    by_hand = {ref: _by_hand(made, current[ref]) for ref, made in movements.items()}
    moved = [ref for ref in before if by_hand[ref]]
    if moved and not carry and "moved-since" not in allow:
        names = ", ".join(f"'{ref.removeprefix('refs/heads/')}'" for ref in moved)
        raise Refused(
            f"{names} has moved since that operation" if len(moved) == 1 else f"{names} have moved since",
            snag="moved-since",
            hints=[
                "--carry   (replays what came later on top)",
                "--allow moved-since   (what came later stays in the reflog only)",
            ],
        )
    with quarantine(git) as inner:
        own = Objects(inner.git)
        committer = Committer.of(own)
        carried = 0
        again = " ".join(["git poolside undo", *([name] if name else []), "--allow moved-since"])
        for ref, after, then in ((name, *gap) for name in moved for gap in by_hand[name]) if carry else ():
            before[ref], count = _carry(inner.git, config, own, committer, ref, after, then, before[ref], again)
            carried += count
        moves = tuple(RefChange(ref, current[ref], before[ref]) for ref in before if current[ref] != before[ref])
        if dry_run:
            return Undone(tuple(operations), moves, carried, None)
        operation = log.Operation(
            "undo",
            log.without_secrets(command),
            log.moment(committer),
            moves,
            operations[-1].leases if combined else _leases(git, objects, operations[-1]),
            undoes=tuple(one.id for one in operations),
        )
        entry = log.write(own, committer, operation, refs.read_one(git, refs.OPERATIONS), config.operations.keep)
        assert entry.after is not None
        inner.keep([entry.after, *(change.after for change in moves if change.after)])
        journal.carry_out(git, f"poolside {' '.join(operation.command)}", [entry, *moves])
    return Undone(tuple(operations), moves, carried, next(log.entries(git, Objects(git))).id)


def _which(git: Git, objects: Objects, name: str | None) -> list[log.Operation]:
    """Newest first: the newest that moved branches, or every one down to `name`."""
    entries = list(log.entries(git, objects))
    movers = [operation for operation in entries if operation.refs]
    if name is None:
        if not movers:
            raise Refused("there is no operation to take back", hints=["git poolside log"])
        return movers[:1]
    wanted = log.find(git, objects, name)
    upto = entries.index(next(one for one in entries if one.id == wanted.id))
    found = [operation for operation in entries[: upto + 1] if operation.refs]
    if not found:
        raise Refused(f"the operation {name} moved no branch", hints=["git poolside log"])
    return found


def _was_pushed(git: Git, objects: Objects, oldest: log.Operation) -> bool:
    """Whether there was a push after the `oldest` operation."""
    later = itertools.takewhile(lambda one: one.id != oldest.id, log.entries(git, objects))
    return any(operation.kind == "push" for operation in later)


def _origins(git: Git, config: Config, objects: Objects, operation: log.Operation) -> dict[str, Oid | None] | None:
    """What a pushed operation made its branches from, where that was the server's tips and not what was here.

    A branch may not have been here then (edge case A1), or have been behind a teammate's; that is on the server then,
    and what goes back there may not be older. It is the rule of `standing`, for then. None where both
    had gone on and it combined them: what was here goes back as a whole, and is not what the server is to have.
    """
    known = log.known(git, objects, before=operation.id)
    origins: dict[str, Oid | None] = {}
    for change in operation.refs:
        here, there = change.before, operation.leases.get(change.ref)
        if there is None or here == there:
            continue
        if here is not None:
            how = standing(git, change.ref, config.fork_ref(change.ref.removeprefix("refs/heads/")), here, there, known)
            if how is Standing.DIVERGED:
                return None
            if how is not Standing.THEIRS:
                continue
        origins[change.ref] = there
    return origins


def _leases(git: Git, objects: Objects, oldest: log.Operation) -> Mapping[str, Oid | None]:
    """What the work that is left was made from: the server's tips as they were known before the `oldest` undone.

    What an undone sync or pull took over from the server is not ours to put back there; what we pushed is.
    """
    leases: Mapping[str, Oid | None] | None = None
    past = False
    for operation in log.entries(git, objects):
        leases = operation.leases if leases is None else leases
        if past:
            return operation.leases
        if operation.kind == "push":
            return leases
        past = operation.id == oldest.id
    return {}


def _by_hand(made: Sequence[RefChange], current: Oid | None) -> list[tuple[Oid | None, Oid | None]]:
    """Where a branch was moved by something else: after one of the movements `made` (newest first), or since all
    of them. From what to what, oldest first."""
    then = [current, *(change.before for change in made[:-1])]
    return [(change.after, at) for change, at in zip(made, then, strict=True) if change.after != at][::-1]


def _carry(
    git: Git,
    config: Config,
    objects: Objects,
    committer: Committer,
    ref: str,
    after: Oid | None,
    current: Oid | None,
    onto: Oid | None,
    again: str,
) -> tuple[Oid, int]:
    """Replay the commits that came on `ref` after the operation onto where it returns to; `again` does without.

    What upstream has is not carried: the snapshot was moved on by hand, say.
    """
    branch = ref.removeprefix("refs/heads/")
    if after is None or current is None or onto is None or not refs.is_ancestor(git, after, current):
        raise Refused(
            f"'{branch}' was rewritten since, so what came later cannot be told apart",
            snag="moved-since",
            hints=[
                f"git log -g {branch}   (shows where it was)",
                f"{again}   (what came later stays in the reflog only)",
            ],
        )
    tip = refs.read_one(git, config.upstream_ref(config.upstream.branch))
    theirs = upstreams(git, config, tip) if tip else []
    later = [objects.commit(oid) for oid in line.own(git, current, theirs, [after])]
    pairs = [(tree_of_parent(objects, commit), commit.tree) for commit in later]
    with MergeOrt(objects, git.object_dir) as merge:
        engine = Engine(objects, merge)
        tip, tree = onto, objects.commit(onto).tree
        engine.stand_on(tree)
        for commit, change in zip(later, changes(git, pairs), strict=True):
            result = engine.replay(change, tree)
            if isinstance(result, Conflict) or len(commit.parents) != 1:
                raise Refused(
                    f"{commit.oid[:9]} {commit.subject} does not apply to where '{branch}' returns to",
                    hints=[f"{again} && git cherry-pick {commit.oid[:12]}   (by hand)"],
                )
            if commit.parents == (tip,):
                tip, tree = commit.oid, commit.tree
                continue
            tip = committer.commit(result, [tip], commit.message, commit.author, commit.encoding)
            tree = result
    return tip, len(later)
