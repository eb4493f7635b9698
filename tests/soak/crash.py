"""Killing a command at a chosen moment: in a process of its own, at the n-th git process or file that it begins."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
JOURNAL = "journal.json.new"


@dataclass(frozen=True)
class Moment:
    """When to kill: at the `at`-th thing begun, counted from the start or, `moving`, from the journal on.

    `delay` ms later the whole process group goes, git processes too; with 0 the command dies before the thing.
    """

    at: int
    moving: bool
    delay: float = 0


def killed(run: Callable[[], int], moment: Moment, log: Path) -> int | None:
    """Run in a child and kill it then; its exit code if it came to its end before."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        status = 255
        try:
            os.setpgid(0, 0)
            handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(handle, 1)
            os.dup2(handle, 2)
            sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
            sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
            sys.addaudithook(_Killer(moment))
            status = run()
            sys.stdout.flush()
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    _end_group(pid)
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else None


def _end_group(group: int) -> None:
    """What the dead left running goes too, before anything else is looked at."""
    while True:
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
        os.sched_yield()


class _Killer:
    """An audit hook (PEP 578) that counts what the command begins."""

    def __init__(self, moment: Moment) -> None:
        self._moment = moment
        self._left = moment.at
        self._counts = not moment.moving

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not (isinstance(flags, int) and flags & _WRITES and isinstance(path, str | Path)):
                return
            if ".git/" not in str(path) and "/poolside" not in str(path):
                return
            self._counts = self._counts or str(path).endswith(JOURNAL)
        elif event not in ("subprocess.Popen", "os.fork", "os.rename", "os.remove"):
            return
        if not self._counts:
            return
        self._left -= 1
        if self._left == 0:
            self._kill()

    def _kill(self) -> None:
        if not self._moment.delay:
            os.kill(os.getpid(), signal.SIGKILL)
        group = os.getpgid(0)
        if os.fork() == 0:
            try:
                os.setpgid(0, 0)
                os.closerange(3, 256)  # the lock of the command, which is to die with it
                time.sleep(self._moment.delay / 1000)
                os.killpg(group, signal.SIGKILL)
            finally:
                os._exit(0)
