"""Texts as sequences of lines: what differs between two, and a merge of three that cannot fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

from git_poolside.stack.values import frozen

Lines = Sequence[bytes]


@frozen
class Edit:
    """`old` are lines ``[start:end]`` of the first text; the second has `new` there, from its line `at` on."""

    start: int
    end: int
    at: int
    old: tuple[bytes, ...]
    new: tuple[bytes, ...]


def edits(before: Lines, after: Lines) -> list[Edit]:
    """What makes `after` of `before`, in order; lines that stand once in both are what it holds on to."""
    found: list[Edit] = []
    at_before, at_after = 0, 0
    for start, begin, size in [*_same(before, after, 0, len(before), 0, len(after)), (len(before), len(after), 0)]:
        if start > at_before or begin > at_after:
            old, new = tuple(before[at_before:start]), tuple(after[at_after:begin])
            found.append(Edit(at_before, start, at_after, old, new))
        at_before, at_after = start + size, begin + size
    return found


def _same(a: Lines, b: Lines, a0: int, a1: int, b0: int, b1: int) -> list[tuple[int, int, int]]:
    """Runs of equal lines (start in `a`, start in `b`, length), by the lines that are unique in both."""
    head = 0
    while a0 + head < a1 and b0 + head < b1 and a[a0 + head] == b[b0 + head]:
        head += 1
    tail = 0
    while a1 - tail > a0 + head and b1 - tail > b0 + head and a[a1 - tail - 1] == b[b1 - tail - 1]:
        tail += 1
    found = [(a0, b0, head)] if head else []
    a_from, a_to, b_from, b_to = a0 + head, a1 - tail, b0 + head, b1 - tail
    if a_from < a_to and b_from < b_to:
        anchors = _anchors(a, b, a_from, a_to, b_from, b_to)
        if not anchors:
            matcher = SequenceMatcher(None, list(a[a_from:a_to]), list(b[b_from:b_to]), autojunk=False)
            found += [(a_from + m.a, b_from + m.b, m.size) for m in matcher.get_matching_blocks() if m.size]
        for here, there in zip([(a_from, b_from), *anchors], [*anchors, (a_to, b_to)], strict=True) if anchors else ():
            found += _same(a, b, here[0], there[0], here[1], there[1])
    if tail:
        found.append((a_to, b_to, tail))
    return found


def _anchors(a: Lines, b: Lines, a0: int, a1: int, b0: int, b1: int) -> list[tuple[int, int]]:
    """The longest run in order of lines that stand once in both parts."""
    ours, theirs = Counter(a[a0:a1]), Counter(b[b0:b1])
    where = {b[j]: j for j in range(b0, b1) if theirs[b[j]] == 1}
    pairs = [(i, where[a[i]]) for i in range(a0, a1) if ours[a[i]] == 1 and a[i] in where]
    # The longest rising run: piles[n] ends the best one of length n + 1 so far.
    piles: list[int] = []
    before: list[int | None] = []
    for index, (_, j) in enumerate(pairs):
        low, high = 0, len(piles)
        while low < high:
            middle = (low + high) // 2
            if pairs[piles[middle]][1] < j:
                low = middle + 1
            else:
                high = middle
        before.append(piles[low - 1] if low else None)
        piles[low : low + 1] = [index]
    run: list[tuple[int, int]] = []
    last = piles[-1] if piles else None
    while last is not None:
        run.append(pairs[last])
        last = before[last]
    return run[::-1]


def merge(base: Lines, ours: Lines, theirs: Lines) -> list[bytes]:
    """`ours` with what `theirs` changed in `base`. Where both changed the same lines, the lines of both stand."""
    mine, yours = edits(base, ours), edits(base, theirs)
    merged: list[bytes] = []
    at = 0
    while mine or yours:
        start = min(h[0].start for h in (mine, yours) if h)
        merged += base[at:start]
        end, taken = start, ([], [])  # type: tuple[int, tuple[list[Edit], list[Edit]]]
        grown = True
        while grown:
            grown = False
            for side, left in zip(taken, (mine, yours), strict=True):
                while left and (left[0].start < end or left[0].start == start):
                    side.append(left.pop(0))
                    end = max(end, side[-1].end)
                    grown = True
        one, other = (_applied(base, side, start, end) for side in taken)
        if not taken[1] or one == other:
            merged += one
        elif not taken[0]:
            merged += other
        else:
            merged += _both(one, [line for hunk in taken[1] for line in hunk.new], base[start:end])
        at = end
    return [*merged, *base[at:]]


def _applied(base: Lines, side: Sequence[Edit], start: int, end: int) -> list[bytes]:
    made: list[bytes] = []
    at = start
    for hunk in side:
        made += [*base[at : hunk.start], *hunk.new]
        at = hunk.end
    return [*made, *base[at:end]]


def _both(ours: Lines, added: Lines, base: Lines) -> list[bytes]:
    """`ours`, then the lines that theirs `added` and that neither ours nor the `base` has."""
    left = Counter(ours) | Counter(base)
    more: list[bytes] = []
    for line in added:
        if left[line] and line.strip():
            left[line] -= 1
        else:
            more.append(line)
    return [*ours, *more]
