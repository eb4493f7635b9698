"""One operation at a time in a repository: an ``flock`` with a readable note of who holds it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from git_poolside.errors import Refused
from git_poolside.git.process import Git


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


@contextmanager
def hold(git: Git, command: Sequence[str]) -> Iterator[None]:
    """Hold the repository's lock. Raises `Refused` naming the operation that has it (edge case P9).

    The kernel lets go of it when the process ends, however it ends.
    """
    git.state_dir.mkdir(parents=True, exist_ok=True)
    handle = os.open(git.state_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused(
                f"another poolside operation is running here: {_holder(git)}",
                hints=["wait until it has ended"],
            ) from error
        note = {
            "host": os.uname().nodename,
            "boot": _boot(),
            "pid": os.getpid(),
            "command": " ".join(command[:1]),
        }
        os.ftruncate(handle, 0)
        os.write(handle, json.dumps(note).encode())
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def is_held(git: Git) -> bool:
    """Whether an operation is running now."""
    try:
        handle = os.open(git.state_dir / "lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _holder(git: Git) -> str:
    try:
        note = json.loads((git.state_dir / "lock").read_text())
        return f"'git poolside {note['command']}', process {note['pid']} on {note['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "its note cannot be read"
