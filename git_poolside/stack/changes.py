"""The changes file: prose that is people's own, and a section between two markers that is made anew.

The prose is content of patches, but a conflict in it stops nobody: both sides' lines stand then. The section is
nobody's content (design: The stamp).
"""

from __future__ import annotations

from collections.abc import Sequence

from git_poolside.stack.bullets import Entry, list_in, renewed
from git_poolside.stack.dates import style_of
from git_poolside.stack.lines import merge
from git_poolside.stack.values import frozen

TITLE = "# poolside changes compared to upstream:"
BEGIN = "<!-- poolside changes: made by 'git poolside changes --write' -->"
END = "<!-- poolside changes: end -->"
_HERE = b"\0section"


class BrokenMarkers(ValueError):
    """The markers of the section are not one pair in order."""


def written(text: bytes | None, entries: Sequence[Entry]) -> bytes:
    """The file with its section made anew; a file without one gets it around its list of bullets, or at its end.

    Raises `BrokenMarkers`.
    """
    lines = _decoded(text if text else f"{TITLE}\n".encode()).split("\n")
    style = style_of(lines)
    where = _markers(lines)
    if where is None:
        begin, end = list_in(lines)
        lines[begin:end] = [BEGIN + style.eol, *lines[begin:end], END + style.eol]
        where = (begin, end + 1)
    begin, end = where
    body = renewed(lines[begin + 1 : end], entries, style)
    return "\n".join([*lines[: begin + 1], *body, *lines[end:]]).encode("utf-8", "surrogateescape")


def section(text: bytes) -> list[str] | None:
    """The lines between the markers; None where there are no markers. Raises `BrokenMarkers`."""
    lines = _decoded(text).split("\n")
    where = _markers(lines)
    return [line.rstrip("\r") for line in lines[where[0] + 1 : where[1]]] if where else None


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _markers(lines: Sequence[str]) -> tuple[int, int] | None:
    """Where the two markers stand; None where there are none."""
    begins = [i for i, line in enumerate(lines) if line.strip() == BEGIN]
    ends = [i for i, line in enumerate(lines) if line.strip() == END]
    if not begins and not ends:
        return None
    if len(begins) != 1 or len(ends) != 1 or begins > ends:
        raise BrokenMarkers(f"needs one line '{BEGIN}' and, below it, one line '{END}'")
    return begins[0], ends[0]


@frozen
class ChangesFile:
    """The changes file as generated text: its section is never a patch's, and its prose never conflicts."""

    path: bytes

    def carried(
        self, before: bytes | None, after: bytes | None, ours: bytes | None
    ) -> tuple[bytes | None, bytes | None]:
        """Both sides of a patch's edit, as it goes onto `ours`: the section as there, the prose merged."""
        if after is None:
            return ours, None
        here = _collapsed(ours)
        old, new = _collapsed(before), _collapsed(after)
        kept = here.section
        if kept is None and old.section is None:
            kept = new.section
        prose = merge(*(side.without_section() if kept is None else side.prose for side in (old, here, new)))
        return ours, None if ours is None and prose == [b""] else _expanded(prose, kept)

    def same(self, before: bytes, after: bytes) -> bool:
        """Whether nothing but the section differs."""
        return _collapsed(before).prose == _collapsed(after).prose


def combined(base: bytes, ours: bytes, theirs: bytes) -> bytes:
    """`ours` with what `theirs` changed in `base`, section and prose; no word of either is lost."""
    old, here, new = _collapsed(base), _collapsed(ours), _collapsed(theirs)
    if here.section is None:
        return b"\n".join(merge(_whole(base), _whole(ours), _whole(theirs)))
    lines = merge(old.section or (), here.section, new.section if new.section is not None else old.section or ())
    return _expanded(merge(old.prose, here.prose, new.prose), tuple(lines))


@frozen
class _Collapsed:
    """A file's lines with one line for the section, and the section's own lines with its markers."""

    prose: list[bytes]
    section: tuple[bytes, ...] | None = None

    def without_section(self) -> list[bytes]:
        return [line for line in self.prose if line != _HERE]


def _whole(text: bytes | None) -> list[bytes]:
    return (text or b"").split(b"\n")


def _collapsed(text: bytes | None) -> _Collapsed:
    lines = _whole(text)
    try:
        where = _markers([_decoded(line) for line in lines])
    except BrokenMarkers:
        where = None
    if where is None:
        return _Collapsed(lines)
    begin, end = where
    return _Collapsed([*lines[:begin], _HERE, *lines[end + 1 :]], tuple(lines[begin : end + 1]))


def _expanded(prose: Sequence[bytes], section: Sequence[bytes] | None) -> bytes:
    lines: list[bytes] = []
    for line in prose:
        lines += (section or ()) if line == _HERE else [line]
    return b"\n".join(lines)
