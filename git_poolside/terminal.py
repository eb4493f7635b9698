"""Text on a terminal: what it would obey made visible, and how wide it stands there. Imports nothing slow."""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers read it; typing is slow to import
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TextIO

_OBEYED = (
    *range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)
)  # fmt: skip
_PAINT = r"(\x1b\[[0-9;]*m|\x1b\]8;[^\x00-\x1f\x7f-\x9f]*\x1b\\)"
_VISIBLE = {code: f"^{chr(code ^ 0x40)}" if code < 0x80 else f"<{code:X}>" for code in _OBEYED}


def clean(text: str) -> str:
    """`text` without what a terminal would obey (edge case P13): control characters become visible."""
    return text.encode("utf-8", "replace").decode().translate(_VISIBLE)


def shown(text: str) -> str:
    """`text` with its colours and links, and without all else that a terminal would obey."""
    if "\x1b" not in text:
        return clean(text)
    import re

    return "".join(piece if at % 2 else clean(piece) for at, piece in enumerate(re.split(_PAINT, text)))


def relayed(text: str) -> str:
    """What another program says, for our own stderr: `clean`, without passwords, carriage returns kept for progress."""
    return without_passwords("\r".join(map(clean, text.split("\r"))))


class Relay:
    """What another program says, passed on as it comes: whole lines, so that no password and no sequence comes in two
    halves. `heard` is all of it; `then` is done to what is shown.
    """

    def __init__(self, to: TextIO | None, then: Callable[[str], str] = str) -> None:
        self._then = then
        self.heard = ""
        self._shown = 0
        self._to = to

    def hear(self, chunk: str) -> None:
        """Take the next piece."""
        self.heard += chunk
        self._show(max(self.heard.rfind("\r"), self.heard.rfind("\n")) + 1)

    def end(self) -> None:
        """Show what was begun and not ended."""
        self._show(len(self.heard))

    def _show(self, end: int) -> None:
        if self._to is not None and end > self._shown:
            self._to.write(self._then(relayed(self.heard[self._shown : end])))
            self._to.flush()
            self._shown = end


def without_passwords(text: str) -> str:
    """`text` without the passwords of the urls in it; of http's the user goes too, which may be a token."""
    if "@" not in text:
        return text
    import re

    text = re.sub(r"(?i)(https?|ftps?)://[^/\s]*@", r"\1://", text)
    text = re.sub(r"://([^/\s:@]*):[^/\s]*@", r"://\1@", text)
    return re.sub(r"(?<![\w./@:-])([\w.+-]+):[^\s/:@]+@(?=[\w.-])", r"\1@", text)  # ssh and git name the host so


def by_line(text: str) -> list[str]:
    """The lines that another program has printed: `str.splitlines` would also cut at signs that a ref may have."""
    return text.removesuffix("\n").split("\n") if text else []


def count(number: int, what: str, plural: str | None = None) -> str:
    """``1 pick``, ``2 patches``."""
    if number == 1:
        return f"1 {what}"
    return f"{number} {plural or (what + ('es' if what.endswith(('ch', 's')) else 's'))}"


def columns(text: str) -> int:
    """How many columns `text` takes: wide characters take two, combining ones and what paints it none."""
    if "\x1b" in text:
        text = "".join(piece for piece in _pieces(text) if piece[0] != "\x1b")
    return len(text) if text.isascii() else sum(map(_columns, text))


def cut(line: str, width: int) -> str:
    """`line` in `width` columns (never fewer than 40); what paints it stays whole."""
    width = max(width, 40)
    if columns(line) <= width:
        return line
    room = width - len(ellipsis())
    shown: list[str] = []
    full = False
    for piece in _pieces(line):
        if piece[0] == "\x1b":
            shown.append(piece)
            continue
        for character in piece if not full else "":
            room -= _columns(character)
            if room < 0:
                shown.append(ellipsis())
                full = True
                break
            shown.append(character)
    return "".join(shown)


def pad(text: str, width: int) -> str:
    """`text` with spaces after it up to `width` columns."""
    return text + " " * (width - columns(text))


def table(rows: Iterable[tuple[str, ...]], gap: int = 2) -> list[str]:
    """Rows as lines with aligned columns; the last column is free."""
    rows = list(rows)
    widths = [max(columns(row[i]) for row in rows) for i in range(len(rows[0]) - 1)] if rows else []
    return [
        ("".join(pad(cell, width + gap) for cell, width in zip(row, widths, strict=False)) + row[-1]).rstrip()
        for row in rows
    ]


def listed(rows: Iterable[tuple[str, ...]], width: int) -> list[str]:
    """Rows as a table if it fits into `width` columns, else each with its last cells on lines of their own."""
    rows = list(rows)
    width = max(width, 40)
    lines = table(rows)
    if all(columns(line) <= width for line in lines):
        return lines
    heads = 2 if all(columns("  ".join(row[:2])) <= width for row in rows) and len(rows[0]) > 2 else 1
    found: list[str] = []
    for row in rows:
        found.append("  ".join(row[:heads]).rstrip())
        if rest := ", ".join(filter(None, row[heads:])):
            indent = len(row[0]) - len(row[0].lstrip()) + 2
            found += folded(rest, width, indent + 2, " " * indent)
    return found


def folded(text: str, width: int, indent: int = 0, head: str | None = None) -> list[str]:
    """`text` in lines of at most `width` columns (never fewer than 40), broken between words alone.

    `head` begins the first line in place of the indent.
    """
    lines: list[str] = []
    line = " " * indent if head is None else head
    empty = True
    for word in text.split():
        if not empty and columns(line) + 1 + columns(word) > max(width, 40):
            lines.append(line)
            line, empty = " " * indent, True
        line += word if empty else f" {word}"
        empty = False
    return [*lines, line]


def ellipsis() -> str:
    """The sign for what was left out; three full stops where the locale is not UTF-8 (locale(7))."""
    import os

    names = (os.environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next(filter(None, names), "").lower()
    return "…" if "utf-8" in locale or "utf8" in locale else "..."


def _pieces(text: str) -> list[str]:
    """`text` cut before and after each sequence that paints it: ``ESC [ ... m``, ``ESC ] 8 ; ... ESC \\``."""
    import re

    return [piece for piece in re.split(_PAINT, text) if piece]


def _columns(character: str) -> int:
    if character.isascii():
        return 1
    from unicodedata import category, east_asian_width

    if category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1
