"""What people see: stdout is data, stderr is talk; colour by git's rules; progress in git's style."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any, TextIO

from git_poolside import actions
from git_poolside.errors import PoolsideError
from git_poolside.streams import give_up, unwritten
from git_poolside.terminal import clean, columns, count, cut, ellipsis, folded, listed, shown, table, without_passwords

__all__ = ["Ui", "clean", "columns", "count", "cut", "folded", "listed", "table", "wants_colour"]

_ATTRIBUTES = {"bold": "1", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
SLOTS = {
    "title": "bold",
    "commit": "yellow",
    "kept": "cyan",
    "dropped": "yellow",
    "new": "green",
    "good": "green",
    "bad": "red",
}
"""What has a colour of its own, ``color.poolside.<slot>`` in git-config(1)'s words, with the default."""
_FIRST_SHOWN = 1.0
_EVERY = 0.1


class Ui:
    """The two streams and how to write on them. `json` and `quiet` are the command line's, as is `porcelain`, which is
    `json` in another form. `page` is the address of upstream's repository, if it is known.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        json: bool = False,
        porcelain: bool = False,
        colour: Callable[[], bool] = lambda: False,
        slot: Callable[[str, str], str] = lambda slot, default: "",
        out: TextIO | None = None,
        err: TextIO | None = None,
    ) -> None:
        self.quiet = quiet
        self.json = json or porcelain
        self._porcelain = porcelain
        self._colour = colour
        self._slot = slot
        self._codes: dict[str, str] = {}
        self._coloured: bool | None = None
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._drawn = 0
        self._regardless = False
        self.unwritten: OSError | None = None
        self.page = ""
        self._linked = False

    def paint(self, text: str, slot: str) -> str:
        """`text` in the colour of a slot (`SLOTS`) if stdout shall have colour (``color.ui``, ``NO_COLOR``)."""
        if not self.is_coloured or not text:
            return text
        if slot not in self._codes:
            default = SLOTS[slot]
            self._codes[slot] = self._slot(slot, default) or f"\x1b[{_ATTRIBUTES[default]}m"
        return f"{self._codes[slot]}{text}\x1b[m"

    @property
    def has_links(self) -> bool:
        """Whether the terminal that data goes to shows links."""
        return _has_links(self._out.isatty())

    def link(self, text: str, *way: str, page: str | None = None) -> str:
        """`text` as a link to a place of a page, upstream's if none is given, ``commit/HASH`` or ``pull/N``."""
        page = self.page if page is None else page
        if not page or not text or not self.has_links:
            return text
        self._linked = True
        return f"\x1b]8;;{'/'.join((page, *way))}\x1b\\{text}\x1b]8;;\x1b\\"

    @property
    def is_coloured(self) -> bool:
        if self._coloured is None:
            self._coloured = self._colour()
        return self._coloured

    @property
    def width(self) -> int:
        if (given := os.environ.get("COLUMNS", "")).isdigit() and int(given):
            return int(given)
        try:
            return os.get_terminal_size(sys.__stdout__.fileno()).columns if sys.__stdout__ else 100
        except (OSError, ValueError):
            return 100

    @property
    def height(self) -> int:
        """The lines of the terminal that the talk goes to."""
        try:
            return os.get_terminal_size(self._err.fileno()).lines
        except (OSError, ValueError):
            return 24

    @property
    def is_terminal(self) -> bool:
        """Whether the talk is read by a person as it comes."""
        return self._err.isatty()

    def print(self, *lines: str) -> None:
        """Data, on stdout; nothing under ``--json``, where `object` says all."""
        if not self.json:
            for line in lines:
                self._write(self._out, self._shown(line) + "\n")

    def object(self, value: dict[str, Any]) -> None:
        """The one JSON object of ``--json``, or its values a line each."""
        import json

        whole = {"schema": 1, **value}
        if self._porcelain:
            text = "\n".join(f"{clean(key)}\t{clean(text)}" for key, text in _flat("", whole))
        else:
            text = json.dumps(whole, indent=2)
        self._write(self._out, (actions.harmless_json(text) if actions.running() else text) + "\n")

    def talk(self, *lines: str) -> None:
        """Talk, on stderr, unless ``-q``."""
        if not self.quiet:
            self._say(*map(self._shown, lines))

    def warn(self, message: str) -> None:
        self._say(f"warning: {clean(message)}")

    def _say(self, *lines: str) -> None:
        """Lines on stderr; on a terminal those that are wider are broken between words."""
        for line in lines:
            lead = len(line) - len(line.lstrip(" "))
            wide = self.is_terminal and columns(line) > max(self.width, 40)
            shown = folded(line, self.width, lead + 2, " " * lead) if wide else [line]
            self._write(self._err, "".join(f"{one}\n" for one in shown))

    def annotate(self, kind: str, title: str, message: str) -> None:
        """Show a message on the page of a run of GitHub Actions (`actions.annotation`); nothing anywhere else."""
        if actions.running():
            self._err.write(actions.annotation(kind, title, clean(message)) + "\n")
            self._err.flush()

    def hint(self, *lines: str) -> None:
        """What to type next (`PoolsideError`); on a narrow terminal what it does is folded, what is typed never."""
        for line in map(clean, lines):
            command, bracket, what = line.partition("   (")
            if not self.is_terminal or columns(f"hint: {line}") <= max(self.width, 40):
                shown = [f"hint: {line}"]
            elif bracket:
                shown = [f"hint: {command}", *folded(f"({what}", self.width, 9, " " * 8)]
            else:
                shown = folded(line, self.width, 6)
            self._write(self._err, "".join(f"hint: {one[6:]}\n" for one in shown))

    @property
    def can_ask(self) -> bool:
        """Whether a person is there to answer."""
        return not self.json and self.is_terminal and sys.stdin.isatty()

    def ask(self, question: str) -> bool | None:
        """A yes or no of the person at the terminal; None where nobody is there to answer."""
        if not self.can_ask:
            return None
        self._write(self._err, f"{self._shown(question)} [y/N] ")
        answer = sys.stdin.readline()
        if not answer.endswith("\n"):  # Ctrl-D
            self._write(self._err, "\n")
        return answer.strip().lower() in ("y", "yes")

    def complain(self, first: str, *more: str) -> None:
        """An error that is part of a report."""
        self._say(*map(self._shown, (f"error: {first}", *more)))

    def complain_end(self, what: str) -> None:
        self._say(self._shown(what))

    def error(self, error: PoolsideError) -> None:
        """An error's message and hints, as git shows its own; as an object too under ``--json``."""
        with self.regardless():
            self._error(error)

    def _error(self, error: PoolsideError) -> None:
        word = "fatal" if error.exit_code == 128 else "error"
        first, *more = clean(error.message).split("\n")
        self._say(f"{word}: {first}", *more)
        self.hint(*error.hints)
        if self.json:
            snags = []
            if error.snag:
                hint = error.hints[0] if error.hints else ""
                snags = [{"name": error.snag, "message": error.message, "hint": hint, "patch": error.patch}]
            self.object(
                {
                    "outcome": error.outcome,
                    "exit": error.exit_code,
                    "error": error.message,
                    "hints": list(error.hints),
                    "snags": snags,
                }
            )

    @contextmanager
    def regardless(self) -> Iterator[None]:
        """In the block a stream that takes nothing is only remembered, as `unwritten`: the other one is to tell all."""
        before, self._regardless = self._regardless, True
        try:
            yield
        finally:
            self._regardless = before

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        """A line that counts up to `total` on a terminal once it has taken a second, with how many it is a second and
        about how long the rest takes: ``Title:  45% (9/20), 12/s, 1 s left``.
        """
        if self.quiet or total == 0 or not self._err.isatty():
            yield lambda done: None
            return
        began = monotonic()
        last = began + _FIRST_SHOWN - _EVERY
        shown = False

        def step(done: int) -> None:
            nonlocal last, shown
            now = monotonic()
            if now - last >= _EVERY:
                last, shown = now, True
                line = f"{title}: {100 * done // total:3}% ({done}/{total})"
                if done and now > began:
                    rate = done / (now - began)
                    speed = f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}"
                    line += f", {speed}/s, {math.ceil((total - done) / rate)} s left"
                self._write(self._err, f"\r{cut(line, self.width)}\x1b[K")

        yield step
        if shown:
            took = f"{monotonic() - began:.1f} s"
            self._write(self._err, f"\r{title}: 100% ({total}/{total}), {took}, done.\x1b[K\n")

    def sleep(self, seconds: float) -> None:
        """Wait without a word."""
        sleep(seconds)

    def redraw(self, lines: Sequence[str]) -> None:
        """Talk that takes the place of what was drawn before: no line may be wider than the terminal."""
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        self._write(self._err, up + "".join(f"\r{line}\x1b[K\n" for line in lines) + "\x1b[J")
        self._drawn = len(lines)

    def pause(self, seconds: float, why: str) -> None:
        """Wait, and say for how long and why; on a terminal the seconds count down."""
        if self.quiet:
            self.sleep(seconds)
            return
        whole = math.ceil(seconds)
        if not self._err.isatty():
            self.talk(f"{clean(why)}: waiting {whole} s")
            self.sleep(seconds)
            return
        line = ""
        for left in range(whole, 0, -1):
            line = cut(f"{clean(why)}: waiting {left} s", self.width)
            self._write(self._err, f"\r{line}\x1b[K")
            self.sleep(min(1.0, seconds))
        self._write(self._err, f"\r{' ' * len(line)}\r")

    def flush(self) -> None:
        self._out.flush()
        self._err.flush()

    def _shown(self, line: str) -> str:
        """`line` as it may be written, should its writer have forgotten to clean a part (edge case P13)."""
        return shown(line) if self._coloured or self._linked else clean(line)

    def _write(self, stream: TextIO, text: str) -> None:
        text = without_passwords(text)
        text = text.replace("…", ellipsis())
        if actions.running():
            text = actions.harmless(text)
        try:
            try:
                stream.write(text)
            except UnicodeEncodeError:
                encoding = stream.encoding or "ascii"
                stream.write(text.encode(encoding, "replace").decode(encoding))
            stream.flush()
        except OSError as error:
            give_up(stream)
            self.unwritten = unwritten(error, stream)
            if not self._regardless:
                raise


def _has_links(terminal: bool) -> bool:
    """Whether a terminal is known to show links (OSC 8); ``FORCE_HYPERLINK`` is 0 or 1, as other tools have it."""
    if forced := os.environ.get("FORCE_HYPERLINK"):
        return forced != "0"
    names = ("WT_SESSION", "KITTY_WINDOW_ID", "KONSOLE_VERSION", "WEZTERM_PANE", "GHOSTTY_RESOURCES_DIR")
    known = any(map(os.environ.get, names)) or os.environ.get("TERM_PROGRAM") in ("iTerm.app", "vscode")
    vte = os.environ.get("VTE_VERSION", "")
    known = known or (vte.isdigit() and int(vte) >= 5000) or os.environ.get("TERM") in ("alacritty", "foot")
    return terminal and known


def _flat(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """Each value inside with the way to it, ``layers.0.tip``; a string as in JSON but for its quotes, null is empty."""
    import json

    if isinstance(value, dict | list):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for name, one in inside:
            yield from _flat(f"{key}.{name}" if key else str(name), one)
    elif isinstance(value, str):
        yield key, json.dumps(value, ensure_ascii=False)[1:-1]
    else:
        yield key, "" if value is None else json.dumps(value)


def wants_colour(choice: str, configured: Callable[[], bool]) -> bool:
    """Whether stdout shall have colour: ``--color``, ``NO_COLOR``, then git's ``color.ui``."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return configured()
