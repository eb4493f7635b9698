"""A command of ours in a process of its own, which can be killed: a fork of the test's, that has all modules."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Begun:
    """A command that runs, as `subprocess` would have it."""

    words: tuple[str, ...]
    pid: int
    out: int
    err: int

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> subprocess.CompletedProcess[str]:
        with os.fdopen(self.err) as err, os.fdopen(self.out) as out:
            said = err.read()
            status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            return subprocess.CompletedProcess(self.words, status, out.read(), said)


def begin(
    where: Path, *words: str, limits: Callable[[], None] | None = None, session: bool = False, **environment: str
) -> Begun:
    """Run a command in a folder; it says less than a pipe holds. `limits` is called first, in the new process."""
    out, err = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.dup2(out[1], 1)
            os.dup2(err[1], 2)
            for end in (*out, *err):
                os.close(end)
            sys.stdout, sys.stderr = (open(number, "w", closefd=False) for number in (1, 2))  # noqa: SIM115
            signal.signal(signal.SIGINT, signal.default_int_handler)
            if session:
                os.setsid()
            os.chdir(where)
            os.environ.update(environment)
            if limits is not None:
                limits()
            from git_poolside.cli import main

            status = main(words[0], list(words[1:]))
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    for end in (out[1], err[1]):
        os.close(end)
    return Begun(words, pid, out[0], err[0])


def run(
    where: Path, *words: str, limits: Callable[[], None] | None = None, session: bool = False, **environment: str
) -> subprocess.CompletedProcess[str]:
    return begin(where, *words, limits=limits, session=session, **environment).wait()
