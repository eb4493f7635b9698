"""One operation at a time in a repository: an ``flock`` with a readable note of who holds it.

Every git process of an operation holds the lock too, so that it is held as long as one of them lives, though
poolside itself was killed. A note that is still there when nobody holds the lock is a dead operation's.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from git_poolside import interrupt
from git_poolside.errors import GitFailed, PoolsideError, Refused
from git_poolside.git import leftovers, processes
from git_poolside.git.process import INHERITED, Git

T = TypeVar("T")


def _path(git: Git) -> Path:
    return git.state_dir / "lock"


@contextmanager
def hold(git: Git, command: Sequence[str], allow: Sequence[str] | None = None) -> Iterator[None]:
    """Hold the repository's lock; what a dead operation left behind is cleared away first.

    Raises `Refused` naming the operation that has the lock (edge case P9), or that had it on another machine, where
    nobody here can tell whether it lives (snag ``stale-lock``, unless it is one of `allow`).
    """
    git.state_dir.mkdir(parents=True, exist_ok=True)
    handle = os.open(_path(git), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused(
                f"another poolside operation is running here: {holder(git)}", hints=["wait until it has ended"]
            ) from error
        before = _note(git)
        if before is not None and _elsewhere(before) and "stale-lock" not in (allow or ()):
            raise Refused(
                f"another poolside operation was begun here: {_named(before)}; whether it still runs, nobody can tell "
                "from this machine",
                snag="stale-lock",
                hints=[
                    f"look on {before['host']} whether the process {before['pid']} still runs",
                    f"rm {_path(git)}   (if it has ended there)"
                    if allow is None
                    else "--allow stale-lock   (if it has ended there)",
                ],
            )
        removed = leftovers.clear(git, os.fstat(handle).st_mtime) if before is not None else []
        note = {
            "host": os.uname().nodename,
            "boot": processes.boot(),
            "pid": os.getpid(),
            "command": " ".join(command[:1]),
            "removed": removed,
            "after": None if before is None else before.get("command"),
        }
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(note).encode(), 0)
        os.set_inheritable(handle, True)  # by those that are told to: Python's children close the rest
        INHERITED.append(handle)
        try:
            yield
        except BaseException as error:
            if was_killed(error):
                with interrupt.held_back(), suppress(PoolsideError):
                    clear(git)
            raise
        finally:
            INHERITED.remove(handle)
            with suppress(OSError):
                os.ftruncate(handle, 0)
            fcntl.flock(handle, fcntl.LOCK_UN)  # a process that a hook has put into the background has it too
    finally:
        os.close(handle)


def was_killed(error: BaseException) -> bool:
    """Whether a git process of ours did not end by itself: what we waited for when Ctrl-C came was killed."""
    return isinstance(error, KeyboardInterrupt) or (isinstance(error, GitFailed) and error.status < 0)


def surely(git: Git, step: Callable[[], T]) -> T:
    """What the holder has to do now: a signal waits, and if it killed a git process of the step's, the step is done
    again."""
    with interrupt.held_back():
        try:
            return step()
        except GitFailed as error:
            if not was_killed(error):
                raise
            with suppress(Refused):
                clear(git)
            return step()


def clear(git: Git) -> list[str]:
    """Take away what a git process of the holder's, us, has left, since all of them are dead; which locks."""
    return leftovers.clear(git, _path(git).stat().st_mtime) if _path(git).exists() else []


def found(git: Git) -> tuple[str | None, list[str]]:
    """Of the lock's holder, us: the command that died with the lock before, and which of its own locks were removed."""
    note = _note(git) or {}
    return note.get("after"), note.get("removed", [])


def is_left(git: Git) -> bool:
    """Whether somebody holds the lock, or died with it."""
    try:
        return _path(git).stat().st_size > 0
    except OSError:
        return False


def is_held(git: Git) -> bool:
    """Whether an operation is running now, or may be on another machine."""
    try:
        handle = os.open(_path(git), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    note = _note(git)
    return note is not None and _elsewhere(note)


def _note(git: Git) -> Mapping[str, Any] | None:
    """What the holder wrote, None if there is none; of one that was killed while it wrote, only that it was there."""
    try:
        text = _path(git).read_bytes()
    except OSError:
        return None
    try:
        note = json.loads(text)
        return {**note, "pid": int(note["pid"]), "host": str(note["host"])}
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return {} if text else None


def _elsewhere(note: Mapping[str, Any]) -> bool:
    """Whether the holder ran under another kernel that may still be up: this one alone knows who lives here."""
    return bool(note) and note["host"] != os.uname().nodename and note.get("boot") != processes.boot()


def _named(note: Mapping[str, Any]) -> str:
    return f"'git poolside {note.get('command')}', process {note['pid']} on {note['host']}"


def holder(git: Git) -> str:
    """Who has the lock; if it was killed, which of its git processes is still at work."""
    note = _note(git)
    if not note:
        return "its note cannot be read"
    if _elsewhere(note) or processes.lives(note["pid"]):
        return _named(note)
    working = processes.having_open(_path(git))
    if not working:
        return _named(note)
    return f"{_named(note)}, was killed, but {', '.join(map(str, working))}, which it began, is still at work"
