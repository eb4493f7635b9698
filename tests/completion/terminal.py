"""A real shell in a terminal of its own: type, and read what stands on the screen."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyte

PATIENCE = 120.0
"""Seconds until a screen that does not come is given up; nothing waits that long when all is well."""
_UNKNOWN = re.compile(rb"\x1b\[[=><?]\d*(?:;\d*)*u|\x1bP[^\x1b]*\x1b\\")
"""What the screen would show as text: how fish 4 asks for other codes of the keys and what the terminal can do."""
_BEGUN = re.compile(rb"\x1b(?:\[(?:[=><?][\d;]*)?|P[^\x1b]*\x1b?)?\Z")
"""The beginning of that, at the end of what has come."""


class _Screen(pyte.Screen):
    """One that answers when it is asked what it is: fish 4 waits for that."""

    def __init__(self, columns: int, lines: int, answer: Callable[[str], None]) -> None:
        super().__init__(columns, lines)
        self._answer = answer

    def write_process_input(self, data: str) -> None:
        self._answer(data)


class Terminal:
    """A process with a terminal. Lines on the screen come without the spaces behind them."""

    def __init__(self, words: Sequence[str], folder: Path, environment: Mapping[str, str], columns: int = 100) -> None:
        self._screen = _Screen(columns, 50, self.type)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = bytearray()
        self._rest = b""
        self._process, self._descriptor = pty.fork()
        if self._process == 0:
            os.chdir(folder)
            os.execvpe(words[0], list(words), {**environment, "TERM": "xterm"})
        import fcntl
        import struct
        import termios

        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))

    @property
    def lines(self) -> list[str]:
        shown = [line.rstrip() for line in self._screen.display]
        while shown and not shown[-1]:
            shown.pop()
        return shown

    def type(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    def until(self, enough: Callable[[list[str]], bool]) -> list[str]:
        """The screen as soon as it is enough; as it is when patience is over."""
        end = time.monotonic() + PATIENCE
        while not enough(self.lines) and time.monotonic() < end:
            if not select.select([self._descriptor], [], [], 0.2)[0]:
                continue
            try:
                said = os.read(self._descriptor, 65536)
            except OSError:  # it has ended
                break
            self.raw += said
            said = self._rest + said
            whole = len(_BEGUN.sub(b"", said))
            self._rest = said[whole:]
            self._stream.feed(_UNKNOWN.sub(b"", said[:whole]))
        return self.lines

    def shows(self, expected: list[str]) -> list[str]:
        """The screen as soon as it is `expected`: for an assertion that it came to that."""
        return self.until(lambda lines: lines == expected)

    def close(self) -> None:
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._descriptor)
