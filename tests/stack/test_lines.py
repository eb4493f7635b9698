"""Line differences and the merge that cannot fail."""

from __future__ import annotations

import random

import pytest

from git_poolside.stack.lines import Edit, edits, merge


def lines(text: str) -> list[bytes]:
    return [word.encode() for word in text.split()]


def applied(before: list[bytes], found: list[Edit]) -> list[bytes]:
    made: list[bytes] = []
    at = 0
    for hunk in found:
        assert tuple(before[hunk.start : hunk.end]) == hunk.old
        made += [*before[at : hunk.start]]
        assert len(made) == hunk.at
        made += hunk.new
        at = hunk.end
    return [*made, *before[at:]]


def test_edits_hold_on_to_lines_that_stand_once() -> None:
    before, after = lines("{ a } { b } { c }"), lines("{ a } { new } { b } { c }")
    assert edits(before, after) == [Edit(4, 4, 4, (), tuple(lines("new } {")))]


def test_edits_make_the_second_text_of_the_first() -> None:
    dice = random.Random(7)
    for _ in range(300):
        before = [dice.choice("abcdefgh").encode() for _ in range(dice.randrange(14))]
        after = [dice.choice("abcdefgh").encode() for _ in range(dice.randrange(14))]
        assert applied(before, edits(before, after)) == after


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        ("a b c", "a b c", "a B c", "a B c"),
        ("a b c", "A b c", "a b C", "A b C"),
        ("a b c", "a b c d", "a b c e", "a b c d e"),
        ("a b c", "a b c d", "a b c d", "a b c d"),
        ("a b c", "a b c d", "a b c d e", "a b c d e"),
        ("a b c", "a c", "a B c", "a B c"),
        ("a b c", "a X c", "a Y c", "a X Y c"),
        ("a b c", "a b c", "", ""),
        ("", "x", "y", "x y"),
        ("a b", "b", "a b c", "b c"),
        ("a b c d", "a d", "a b2 c d", "a b2 d"),
        ("a b c d", "X b c d", "a b c Y", "X b c Y"),
    ],
)
def test_merge_takes_both_sides(base: str, ours: str, theirs: str, merged: str) -> None:
    assert merge(lines(base), lines(ours), lines(theirs)) == lines(merged)


def test_no_line_that_either_side_added_is_lost() -> None:
    dice = random.Random(11)
    for _ in range(500):
        base = [b"%d" % n for n in range(dice.randrange(8))]
        sides = []
        for name in (b"o", b"t"):
            side = [line for line in base if dice.random() > 0.3]
            for n in range(dice.randrange(4)):
                side.insert(dice.randrange(len(side) + 1), name + b"%d" % n)
            sides.append(side)
        merged = merge(base, *sides)
        new = {line for side in sides for line in side if line not in base}
        assert new <= set(merged)
        assert len(merged) == len(set(merged))
        assert merge(base, base, sides[1]) == sides[1]
        assert merge(base, sides[0], base) == sides[0]
        assert merge(base, sides[0], sides[0]) == sides[0]
