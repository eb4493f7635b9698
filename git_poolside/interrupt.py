"""Ctrl-C, a closed terminal, a polite kill: each ends a command by the same exception, and leaves as little behind.

They are remembered as well, because an exception that comes while an object is being deleted is lost.

One wish may be told twice: by the terminal, and by git, which passes on to us what ends it; timeout(1) tells us and our
process group. The second would come while we tidy up.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_came = 0
_last = signal.SIGINT
_held_back = False
_since = float("-inf")
_TWICE = 1.0
"""So many seconds after one signal another says nothing new."""


def listen() -> None:
    """From now on these signals are remembered as well as raised; only a process's main thread can ask for that.

    One that is ignored, by nohup(1) or in the background of a script, stays so.
    """
    global _since
    if threading.current_thread() is threading.main_thread():
        _since = float("-inf")
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _note)
        sys.unraisablehook = _unless_interrupted


def _note(number: int, frame: FrameType | None) -> None:
    global _came, _last, _since
    now = time.monotonic()
    if now - _since < _TWICE:
        return
    _since = now
    _came += 1
    _last = signal.Signals(number)
    if not _held_back or _came > 1:
        raise KeyboardInterrupt


def _unless_interrupted(lost: sys.UnraisableHookArgs) -> None:
    if not isinstance(lost.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(lost)


def check(ended: int = 0) -> None:
    """Raises `KeyboardInterrupt` if a signal came: asked before anything moves.

    Where one ended a git process of ours, with exit status `ended`, it comes to us as well, but maybe later.
    """
    global _came, _last, _since
    if -ended in _SIGNALS and not _came:
        _came, _last, _since = 1, signal.Signals(-ended), time.monotonic()
    if _came:
        _came = 0
        raise KeyboardInterrupt


def status() -> int:
    """The exit status of a program that the signal ended, as a shell tells it: 130 for Ctrl-C."""
    global _came
    _came = 0
    return 128 + _last


@contextmanager
def held_back() -> Iterator[None]:
    """A signal waits for the end of the block, which is short; only a second one does not.

    Signals come to the main thread, so another has nothing to hold back.
    """
    global _held_back
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    outer, before, _held_back = _held_back, _came, True
    try:
        yield
    finally:
        _held_back = outer
    if not _held_back and _came > before:
        check()
