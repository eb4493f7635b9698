"""Ctrl-C: remembered, because an exception that comes while an object is being deleted is lost."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType

_came = False


def listen() -> None:
    """From now on Ctrl-C is remembered as well as raised; only a process's main thread can ask for that."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _note)
        sys.unraisablehook = _unless_interrupted


def _note(number: int, frame: FrameType | None) -> None:
    global _came
    _came = True
    raise KeyboardInterrupt


def _unless_interrupted(lost: sys.UnraisableHookArgs) -> None:
    if not isinstance(lost.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(lost)


def check() -> None:
    """Raises `KeyboardInterrupt` if one came: asked before anything moves."""
    global _came
    if _came:
        _came = False
        raise KeyboardInterrupt
