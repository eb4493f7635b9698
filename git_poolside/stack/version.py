"""The version variable: finding its line as text, and putting a date and a base version into it.

The file is never parsed as YAML and written again: everything but the date (and the base version, where
that is asked) keeps its bytes (edge case P12).
"""

from __future__ import annotations

import re

from git_poolside.stack.values import frozen

_DATE = re.compile(rb"(?P<date>(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?!\d)")
_BASE = re.compile(rb"(?P<base>\d+(?:\.\d+)*)\.dev\Z")


class Ambiguous(ValueError):
    """The variable is set with a date on more than one line."""

    def __init__(self, lines: tuple[int, ...]) -> None:
        super().__init__(", ".join(str(line) for line in lines))
        self.lines = lines


@frozen
class Stamped:
    """Where in a file's bytes the date and the base version stand; `base` is None where the value has none. `value`
    is the whole value without its quotes.
    """

    date: bytes
    date_at: slice
    base: bytes | None
    base_at: slice | None
    line: int
    value: bytes


def find(text: bytes, variable: str) -> Stamped | None:
    """The one assignment of `variable` whose value holds a date ``YYYYMMDD``, or None.

    An assignment is a line ``VARIABLE: value`` or ``VARIABLE=value`` (quoted or not, exported or not, as a list
    item or not); a commented line is none. Raises `Ambiguous` when there are two.
    """
    assignment = re.compile(
        rb"^[ \t]*(?:-[ \t]+)?(?:export[ \t]+)?[\"']?" + re.escape(variable.encode()) + rb"[\"']?[ \t]*[:=]"
        rb"(?P<value>[^\r\n#]*)",
        re.MULTILINE,
    )
    found: list[Stamped] = []
    for line in assignment.finditer(text):
        value = line.group("value")
        date = next((m for m in _DATE.finditer(value) if not _digit_before(value, m.start())), None)
        if date is None:
            continue
        start = line.start("value")
        base = _BASE.search(value[: date.start()])
        found.append(
            Stamped(
                date.group("date"),
                slice(start + date.start("date"), start + date.end("date")),
                base.group("base") if base else None,
                slice(start + base.start("base"), start + base.end("base")) if base else None,
                text.count(b"\n", 0, line.start()) + 1,
                value.strip().strip(b"\"'"),
            )
        )
    if len(found) > 1:
        raise Ambiguous(tuple(one.line for one in found))
    return found[0] if found else None


def impose(text: bytes, at: Stamped, date: bytes, base: bytes | None) -> bytes:
    """`text` with the date at `at` replaced, and the base version too if it has one and `base` is given."""
    text = text[: at.date_at.start] + date + text[at.date_at.stop :]
    if base is not None and at.base_at is not None:
        text = text[: at.base_at.start] + base + text[at.base_at.stop :]
    return text


def carry(text: bytes, source: bytes, variable: str) -> bytes:
    """`text` with the generated parts (date, base version) that `source` has; as it is where either has none."""
    try:
        mine, theirs = find(text, variable), find(source, variable)
    except Ambiguous:
        return text
    if mine is None or theirs is None:
        return text
    return impose(text, mine, theirs.date, theirs.base)


@frozen
class VersionFile:
    """The file with the version variable as generated text: the date and the base version are no patch's."""

    path: bytes
    variable: str

    def carried(
        self, before: bytes | None, after: bytes | None, ours: bytes | None
    ) -> tuple[bytes | None, bytes | None]:
        """Both sides of a patch's edit with the generated parts that `ours` has."""
        old, new = (
            text if text is None or ours is None else carry(text, ours, self.variable) for text in (before, after)
        )
        return old, new

    def same(self, before: bytes, after: bytes) -> bool:
        """Whether nothing but the generated parts differs."""
        return carry(after, before, self.variable) == before


def base_version(text: bytes) -> bytes | None:
    """The release that a ``version.txt`` counts towards: ``2.6.0a0+git1a2b3c`` gives ``2.6.0``."""
    found = re.match(rb"\s*v?(\d+(?:\.\d+)*)", text)
    return found.group(1) if found else None


def _digit_before(value: bytes, position: int) -> bool:
    return position > 0 and value[position - 1 : position].isdigit()
