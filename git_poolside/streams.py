"""The standard streams where they are not what a program counts on: closed, or such that they take nothing more."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as type checkers read it; typing is slow to import
if TYPE_CHECKING:
    from typing import TextIO


def open_closed() -> None:
    """One that is closed (``>&-``) is ``/dev/null`` from now on, as with git: else a file opened later would be it."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - a number is no path, and it stays open
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115


def give_up(stream: TextIO) -> None:
    """What is written to `stream` goes nowhere from now on, and so does what waits there for the program's end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def unwritten(error: OSError, stream: TextIO) -> OSError:
    """The error of a stream that took nothing, with its name, which the system does not give."""
    if not error.filename:
        error.filename = "standard error" if stream is sys.stderr else "standard output"
    return error
