"""Ctrl-C: remembered, because an exception that comes while an object is being deleted is lost."""

from __future__ import annotations

import signal
import threading
from types import FrameType

_came = False


def listen() -> None:
    """From now on Ctrl-C is remembered as well as raised; only a process's main thread can ask for that."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _note)


def _note(number: int, frame: FrameType | None) -> None:
    global _came
    _came = True
    raise KeyboardInterrupt


def check() -> None:
    """Raises `KeyboardInterrupt` if one came: asked before anything moves."""
    global _came
    if _came:
        _came = False
        raise KeyboardInterrupt
