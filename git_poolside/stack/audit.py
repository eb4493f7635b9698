"""What a merge may have lost or doubled, found in the texts alone: lines of one side gone, a block of both there twice.

Two things that merges do without a word (edge case L14, and resolutions that take one side whole).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from git_poolside.stack.lines import Edit, Lines, edits
from git_poolside.stack.values import frozen

_WORD = re.compile(rb"\w+")
_ALIKE = 0.6
_LINES = 3
_LETTERS = 4
_LONG = 60
"""A block counts from three different lines with at least four letters or digits on, or one with sixty."""


@frozen
class Lost:
    """A hunk of one side that is gone: `added` lines that the result lacks, `removed` ones that it has again."""

    added: tuple[bytes, ...]
    removed: tuple[bytes, ...]


@frozen
class Twice:
    """A block that both sides added: its lines, and where the second one stands in the result, counted from 1."""

    block: tuple[bytes, ...]
    line: int


def lost(base: Lines, side: Lines, other: Lines, result: Lines, elsewhere: Iterable[bytes] = ()) -> list[Lost]:
    """The hunks from `base` to `side` that are gone from the `result` of merging it with `other`.

    A line is not gone that moved or was indented anew, that stands among the lines `elsewhere`, that `other` took
    away as well, or whose words are in a line which the result alone has: there both sides were put into one.
    """
    was, mine, yours, there = (_counted(text) for text in (base, side, other, result))
    lacking = mine - (was - yours) - there - _counted(elsewhere)
    back = there - mine - (yours - was)
    fresh = list((there - mine - yours - was).elements())
    found: list[Lost] = []
    for hunk in edits(base, side):
        added = _take(lacking, hunk.new)
        added = [line for line in added if not _worked_in(line, hunk, fresh)]
        removed = _take(back, hunk.old)
        if added or removed:
            found.append(Lost(tuple(added), tuple(removed)))
    return found


def doubtful(ours: Lines, result: Lines) -> list[Edit]:
    """Those hunks from `ours` to `result` that may hold a block which `ours` has already; cheap, for most have none."""
    here, after = Counter(_stripped(ours)), Counter(_stripped(result))
    again = {line for line, times in after.items() if times > here[line] > 0}
    if not _weight(list(again)):
        return []
    return [hunk for hunk in edits(ours, result) if _weight([line for line in hunk.new if line.strip() in again])]


def twice(added: Sequence[Edit], base: Lines, ours: Lines, result: Lines) -> list[Twice]:
    """The blocks of hunks that are `doubtful` which were added from `base` to `ours` too, where both now stand.

    A block that stood in `base` already, or more than once in `ours`, is a pattern of the file's own. It has to be
    half of what was added in one place, on either side.
    """
    first = [_stripped(hunk.new) for hunk in edits(base, ours) if _weight(hunk.new)]
    before, here, after = (_stripped(text) for text in (base, ours, result))
    found: list[Twice] = []
    for hunk in added:
        new = _stripped(hunk.new)
        for old in first:
            if set(old).isdisjoint(new):
                continue
            match = SequenceMatcher(None, old, new, autojunk=False).find_longest_match()
            block = new[match.b : match.b + match.size]
            weight = 2 * _weight(block)
            if not weight or (weight < _weight(old) and weight < _weight(new)):
                continue
            if (_times(block, before), _times(block, here), _times(block, after)) == (0, 1, 2):
                found.append(Twice(hunk.new[match.b : match.b + match.size], hunk.at + match.b + 1))
                break
    return found


def _stripped(lines: Lines) -> list[bytes]:
    return list(map(bytes.strip, lines))


def _counted(lines: Iterable[bytes]) -> Counter[bytes]:
    return Counter(line.strip() for line in lines if _WORD.search(line))


def _take(left: Counter[bytes], lines: Lines) -> list[bytes]:
    """Those of `lines` that are `left`, which has them no more."""
    taken: list[bytes] = []
    for line in lines:
        if left[line.strip()] > 0:
            left[line.strip()] -= 1
            taken.append(line)
    return taken


def _worked_in(line: bytes, hunk: Edit, fresh: Sequence[bytes]) -> bool:
    """Whether what a line brought is in lines that only the result has."""
    brought = set(_WORD.findall(line)) - {word for old in hunk.old for word in _WORD.findall(old)}
    if brought:
        return brought <= {word for new in fresh for word in _WORD.findall(new)}
    return any(SequenceMatcher(None, line.strip(), new, autojunk=False).ratio() >= _ALIKE for new in fresh)


def _weight(lines: Lines) -> int:
    """How many different lines of some length there are; 0 where that is too few to be a block."""
    sizes = {line.strip(): sum(map(len, _WORD.findall(line))) for line in lines}
    count = sum(size >= _LETTERS for size in sizes.values())
    return count if count >= _LINES or max(sizes.values(), default=0) >= _LONG else 0


def _times(block: Lines, lines: Lines) -> int:
    size = len(block)
    return sum(list(lines[at : at + size]) == list(block) for at in range(len(lines) - size + 1))
