"""The journal: what is about to move, on the disk before anything moves, so that a kill is finished or taken back.

`carry_out` is the only way in which role branches move. `recover` is what the next command of any kind runs.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from git_poolside import interrupt
from git_poolside.errors import GitFailed, PoolsideError, Refused
from git_poolside.git import mending, refs, unsaved, worktree
from git_poolside.git.process import Git
from git_poolside.operation import lock
from git_poolside.stack.model import Oid, RefChange
from git_poolside.stack.shape import MAYBE, OID, TEXT, Either, Misshapen, Row, Shape, require
from git_poolside.stack.values import frozen, replace
from git_poolside.ui import Ui, clean

PREPARED, REFS = "prepared", "refs"
FINISHED, TAKEN_BACK = "finished", "taken back"
_UNCHANGED = "nothing was changed; run the command again"
_SHAPE: Shape = {
    "action": TEXT, "phase": re.compile(f"{PREPARED}|{REFS}"), "stop": bool, "begins?": Either(({}, None)),
    "changes": [Row((TEXT, MAYBE, MAYBE))], "worktrees": [Row((TEXT, Either((TEXT, None)), OID, OID))],
}  # fmt: skip


@frozen
class BroughtAlong:
    """A worktree that is checked out anew: from which commit (what its files are at) to which.

    `ref` is the branch that its HEAD goes back to afterwards, None for a HEAD that stays detached.
    """

    path: str
    ref: str | None
    before: Oid
    after: Oid


@frozen
class Journal:
    """One movement of refs and worktrees. `phase` is how far it may have come.

    With `stop` it ends a stop; with `begins` it begins the one of that state (`stopped.Stopped`, as JSON).
    """

    action: str
    changes: tuple[RefChange, ...]
    worktrees: tuple[BroughtAlong, ...]
    phase: str = PREPARED
    stop: bool = False
    begins: Mapping[str, Any] | None = None

    @staticmethod
    def path(git: Git) -> Path:
        return git.state_dir / "journal.json"

    def save(self, git: Git) -> None:
        """Write, fsync, rename, fsync the folder."""
        durable(
            self.path(git),
            json.dumps(
                {
                    "action": self.action,
                    "phase": self.phase,
                    "stop": self.stop,
                    "begins": self.begins,
                    "changes": [[c.ref, c.before, c.after] for c in self.changes],
                    "worktrees": [[w.path, w.ref, w.before, w.after] for w in self.worktrees],
                },
                indent=1,
            ),
            private=bool(self.begins and self.begins["order"]["exec"]),
        )

    @classmethod
    def load(cls, git: Git) -> Journal | None:
        path = cls.path(git)
        try:
            raw = json.loads(path.read_text())
            require(raw, _SHAPE)
            if raw.get("begins") is not None:
                from git_poolside.operation.stopped import STATE

                require(raw["begins"], STATE, "begins")
            return cls(
                raw["action"],
                tuple(RefChange(*change) for change in raw["changes"]),
                tuple(BroughtAlong(*entry) for entry in raw["worktrees"]),
                raw["phase"],
                raw["stop"],
                raw.get("begins"),
            )
        except FileNotFoundError:
            return None
        except (ValueError, RecursionError, Misshapen) as error:
            why = str(error) if isinstance(error, Misshapen) else "it is no JSON"
            raise Refused(
                f"{path} cannot be read: {why}",
                hints=[
                    f"rm {path}   (forgets the interrupted operation; look at 'git reflog' of the role branches first)"
                ],
            ) from error

    def delete(self, git: Git) -> None:
        self.path(git).unlink(missing_ok=True)


def durable(path: Path, text: str, *, private: bool = False) -> None:
    """Replace a file's text so that after a crash there is the old or the new, whole.

    One that is `private` its owner alone may read.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    with open(temporary, "w", opener=_own if private else None) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _own(path: str, flags: int) -> int:
    """Open a file that its owner alone may read, where it is new."""
    return os.open(path, flags, 0o600)


def worktrees_of(git: Git, changes: Sequence[RefChange]) -> tuple[BroughtAlong, ...]:
    """The worktrees that have one of the moving branches checked out. Raises `Refused` for one that is busy."""
    moving = {change.ref: change for change in changes}
    found: list[BroughtAlong] = []
    for tree in worktree.all_of(git):
        change = moving.get(tree.branch or "")
        if change is None or (tree.missing and not tree.locked):
            continue
        name, path = change.ref.removeprefix("refs/heads/"), shlex.quote(str(tree.path))
        if tree.missing:
            raise Refused(
                f"'{name}' is checked out in {tree.path}, a locked worktree that is not there now",
                hints=[f"git worktree unlock {path} && git worktree prune   (if it does not come back)"],
            )
        if change.after is None:
            raise Refused(
                f"{tree.path} has {name} checked out, which would go away", hints=[f"git -C {path} checkout --detach"]
            )
        worktree.refuse_in_progress(_git_of(git, tree.path))
        if change.before is None:
            raise Refused(
                f"{tree.path} is on '{name}', an unborn branch, which would be made under its files",
                hints=[f"git -C {path} checkout BRANCH   (one that has a commit)"],
            )
        found.append(BroughtAlong(str(tree.path), change.ref, change.before, change.after))
    return tuple(found)


def carry_out(
    git: Git, action: str, changes: Sequence[RefChange], standing: BroughtAlong | None = None
) -> tuple[BroughtAlong, ...]:
    """Move `changes` at once, with the worktrees that have one of them checked out; all or nothing.

    `standing` is the worktree of a stopped operation, which ends with this: its HEAD is detached now and goes back
    to where it was. The first of `changes` is the operation log's. Raises `Refused` when local changes are in the
    way, or a ref has moved; everything is as it was then.
    """
    interrupt.check()
    moving = tuple(change for change in changes if change.before != change.after)
    refs.refuse_moved(git, moving, _UNCHANGED)
    along = worktrees_of(git, moving)
    if standing is not None:
        along = (*(entry for entry in along if entry.path != standing.path), standing)
    for entry in along if len(along) > 1 else ():
        unsaved.refuse_overlap(_git_of(git, Path(entry.path)), entry.before, entry.after)
    journal = Journal(action, moving, along, stop=standing is not None)
    try:
        journal.save(git)
        for entry in along:
            worktree.detach(_git_of(git, Path(entry.path)), entry.after, action)
        journal = replace(journal, phase=REFS)
        journal.save(git)
        refs.move(git, moving, action)
    except BaseException as error:
        done = _settle_at_once(git, journal, error)
        if isinstance(error, Refused) and error.snag == "moved-since":
            if done == FINISHED:  # somebody else has done a part of it, and we the rest
                return along
            error.hints = (_UNCHANGED,)
        if done == FINISHED and isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt("the branches had moved already; git poolside undo takes it back") from error
        raise
    lock.surely(git, lambda: _finish(git, journal))
    return along


@contextmanager
def checking_out(
    git: Git, action: str, entry: BroughtAlong, begins: Mapping[str, Any] | None = None, *, stop_ends: bool = False
) -> Iterator[None]:
    """Check `entry` out detached; what is done in the block belongs to it, and so does that a stop ends with it.

    Killed before its end it is taken back; but where a stop `begins`, what is left of the block is done again.
    """
    journal = Journal(action, (), (entry,), begins=begins)
    try:
        journal.save(git)
        worktree.detach(git, entry.after, action)
        if begins is not None:
            journal = replace(journal, phase=REFS)
            journal.save(git)
        yield
    except BaseException as error:
        _settle_at_once(git, journal, error)
        raise

    def end() -> None:
        if begins is None:
            replace(journal, phase=REFS, stop=stop_ends).save(git)
        if stop_ends:
            _forget_stop(git)
        journal.delete(git)

    lock.surely(git, end)


def _forget_stop(git: Git) -> None:
    from git_poolside.operation.stopped import forget

    forget(git)


def _finish(git: Git, journal: Journal) -> None:
    """The refs have moved: every HEAD goes back to its branch, and the stop is over, or has begun."""
    if journal.begins is not None:
        from git_poolside.operation.stand import begin_again

        begin_again(git, journal.begins, Journal.path(git).stat().st_mtime)
        journal.delete(git)
        return
    for entry in journal.worktrees:
        if entry.ref is not None and Path(entry.path).is_dir():
            worktree.attach(_git_of(git, Path(entry.path)), entry.ref, entry.after, journal.action)
    if journal.stop:
        _forget_stop(git)
    journal.delete(git)


def recover(git: Git, ui: Ui) -> None:
    """Finish or take back what a dead process left; nothing to do in the ordinary case. Says what it did."""
    from git_poolside.operation import stopped

    dead, unlocked = lock.found(git)
    journal = Journal.load(git)
    _tell(ui, unlocked)
    if journal is not None:
        done, unlocked = _settle(git, journal)
        _tell(ui, unlocked)
        ui.talk(f"note: an interrupted '{clean(journal.action)}' was found and {done}")
    if dead is not None and stopped.load(git) is None:
        stopped.forget(git)


def _tell(ui: Ui, unlocked: Sequence[str]) -> None:
    ui.talk(*(f"note: removed {clean(name)}, which a dead process left" for name in unlocked))


def recover_if_dead(git: Git, ui: Ui, command: Sequence[str]) -> None:
    """What a reading command does first: recover, unless the operation still runs or the folder is not ours."""
    if not (Journal.path(git).exists() or lock.is_left(git)):
        return
    if lock.is_held(git):
        ui.talk(f"note: an operation is running here: {clean(lock.holder(git))}")
    elif os.access(git.state_dir, os.W_OK):
        with lock.hold(git, command):
            recover(git, ui)


def _settle_at_once(git: Git, journal: Journal, error: BaseException) -> str | None:
    """What became of an operation that met `error`; None if that failed too, and the journal stays for the next."""
    try:
        return lock.surely(git, lambda: _settle(git, journal, error))[0]
    except (GitFailed, OSError):
        if isinstance(error, PoolsideError):
            error.hints = ("git poolside status   (takes back what was begun, when the cause is gone)",)
        return None


def _settle(git: Git, journal: Journal, failure: BaseException | None = None) -> tuple[str, list[str]]:
    """Roll forward or take back; which of the two, and the locks that were removed.

    `failure` is what our own operation met; without one it is a dead process's. A git process that was killed left its
    locks; one that failed may have written files before, as when the disk is full or a filter fails.
    """
    running, killed = failure is not None, failure is None or lock.was_killed(failure)
    now = refs.read(git, [change.ref for change in journal.changes])
    strange = [c for c in journal.changes if now[c.ref] not in (c.before, c.after)]
    if strange and not running:
        lines = [f"  {c.ref} is {now[c.ref]}, was {c.before}, was to become {c.after}" for c in strange]
        raise Refused(
            f"'{journal.action}' was interrupted, and these refs have moved since:\n" + "\n".join(lines),
            hints=[
                "git update-ref REF VALUE   (put each at one of the two values, then run any command again)",
                f"rm {Journal.path(git)}   (or forget the interrupted operation)",
            ],
        )
    unlocked = [*(lock.clear(git) if running else []), *_remove_locks(git, journal)] if killed else []
    moved = any(now[c.ref] == c.after for c in journal.changes)
    if journal.phase == REFS and (moved or journal.begins is not None or not running):
        if left := [c for c in journal.changes if now[c.ref] != c.after]:
            refs.move(git, left, journal.action)
        _finish(git, journal)
        return FINISHED, unlocked
    since = Journal.path(git).stat().st_mtime
    begun = _Begun(since, killed) if killed or isinstance(failure, GitFailed) else None
    for entry in journal.worktrees:
        if Path(entry.path).is_dir():
            _restore(_git_of(git, Path(entry.path)), entry, journal.action, begun)
    journal.delete(git)
    return TAKEN_BACK, unlocked


@frozen
class _Begun:
    """A checkout that was cut short may have begun after the moment `since`; `killed` as against having failed."""

    since: float
    killed: bool


def _restore(git: Git, entry: BroughtAlong, action: str, begun: _Begun | None) -> None:
    """The worktree as it was before: its files at `before`, HEAD on its branch. The user's own HEAD is left alone."""
    standing, on = worktree.head_and_branch(git)
    if on not in (None, entry.ref):
        return
    if begun is not None and standing == entry.before:
        mending.mend(git, entry.before, entry.after, begun.since, unlock=begun.killed)
    if on is None and standing == entry.after != entry.before:
        if begun is not None:
            mending.mend(git, entry.after, entry.before, begun.since, unlock=begun.killed)
        worktree.detach(git, entry.before, action)
    if entry.ref is not None:
        worktree.attach(git, entry.ref, entry.before, action)


def _remove_locks(git: Git, journal: Journal) -> list[str]:
    """Take away the ``.lock`` of a ref that a killed transaction left: only if it holds the journal's value.

    A deletion locks ``packed-refs`` too, with an empty file, and so does ``git symbolic-ref`` HEAD. Returns what was
    removed.
    """
    found: list[str] = []
    wanted = {change.ref: (change.after or "",) for change in journal.changes}
    if any(change.after is None for change in journal.changes):
        wanted["packed-refs"] = ("",)
    for name, values in wanted.items():
        found += _unlock(git, name, values)
    for entry in journal.worktrees:
        if Path(entry.path).is_dir():
            found += _unlock(
                _git_of(git, Path(entry.path)), "HEAD", ("", entry.before, entry.after, f"ref: {entry.ref}")
            )
    return found


def _unlock(git: Git, name: str, values: tuple[str, ...]) -> list[str]:
    answer = git.try_run("rev-parse", "--path-format=absolute", "--git-path", f"{name}.lock")
    path = Path(answer.text)
    if answer.status or not path.is_file() or path.read_text().strip() not in values:
        return []
    path.unlink()
    return [f"{name}.lock"]


def _git_of(git: Git, path: Path) -> Git:
    return git if git.worktree is not None and git.worktree == path else git.at(path)
