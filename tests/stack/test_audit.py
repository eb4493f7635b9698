"""Lines that a resolution lost, and blocks that stand twice."""

from __future__ import annotations

import pytest

from git_poolside.stack.audit import Lost, Twice, lost, twice

BASE = "def a():\n    one = 1\n    two = 2\n    return one\n\ndef b():\n    pass\n"


def lines(text: str) -> list[bytes]:
    return text.encode().splitlines()


def with_(old: str, new: str, text: str = BASE) -> list[bytes]:
    assert old in text
    return lines(text.replace(old, new))


UPSTREAM = with_("one = 1", "one = compute(1)")
PATCH = with_("one = 1", "one = fast(1)")


@pytest.mark.parametrize(
    ("result", "upstream", "patch"),
    [
        (PATCH, [Lost((b"    one = compute(1)",), ())], []),
        (UPSTREAM, [], [Lost((b"    one = fast(1)",), ())]),
        (
            lines(BASE),
            [Lost((b"    one = compute(1)",), (b"    one = 1",))],
            [Lost((b"    one = fast(1)",), (b"    one = 1",))],
        ),
        (with_("one = 1", "one = fast(compute(1))"), [], []),
        (with_("one = 1", "one = compute(1)\n    one = fast(one)"), [], []),
        (with_("    one = 1\n", "    if x:\n        one = compute(1)\n        one = fast(1)\n"), [], []),
    ],
)
def test_a_side_that_a_resolution_left_out_is_found(
    result: list[bytes], upstream: list[Lost], patch: list[Lost]
) -> None:
    assert lost(lines(BASE), UPSTREAM, PATCH, result) == upstream
    assert lost(lines(BASE), PATCH, UPSTREAM, result) == patch


@pytest.mark.parametrize(
    ("side", "other", "result", "found"),
    [
        ("two = 2", "", "", []),
        ("two = 2", "two = 2\n    three = 3", "", [Lost((), (b"    two = 2",))]),
        ("three = 3", "two = 2", "three = 3", []),
        ("two = 2\n    }", "two = 3", "two = 3", []),
    ],
)
def test_deletions_count_and_lines_without_a_word_do_not(side: str, other: str, result: str, found: list[Lost]) -> None:
    if found:
        side, result = "", "two = 2\n    three = 3"
    sides = [with_("two = 2", text) for text in (side, other, result)]
    assert lost(lines(BASE), *sides) == found


def test_a_line_that_moved_or_went_elsewhere_is_not_gone() -> None:
    result = [*with_("    one = 1\n", ""), b"one = compute(1)"]
    assert lost(lines(BASE), UPSTREAM, lines(BASE), result) == []
    assert lost(lines(BASE), UPSTREAM, (), (), [b"one = compute(1)"]) == []


BLOCK = "def helper(x):\n    y = prepare(x)\n    return finish(y)\n\n"


def test_L14_a_block_that_both_sides_added_stands_twice() -> None:
    ours = lines(BLOCK + BASE)
    result = lines(BLOCK + BASE + "\n" + BLOCK)
    assert twice(lines(BASE), ours, result) == [Twice(tuple(lines(BLOCK)), 13)]
    assert twice(lines(BASE), ours, ours) == []
    assert twice(lines(BLOCK + BASE), ours, result) == []


@pytest.mark.parametrize(
    "block", ["    }\n    }\n    });\n", "    pass\n    return x\n", "x = 1\n", "import os\nimport sys\n"]
)
def test_L14_small_blocks_are_no_duplicates(block: str) -> None:
    assert twice(lines(BASE), lines(block + BASE), lines(block + BASE + "\n" + block)) == []


def test_L14_one_long_line_is_a_block() -> None:
    line = "register('" + "a_very_long_name_of_an_operator, " * 3 + "')\n"
    assert len(twice(lines(BASE), lines(line + BASE), lines(line + BASE + line))) == 1


def test_L14_a_block_that_the_patch_moves_is_no_duplicate() -> None:
    assert twice(lines(BASE), lines(BLOCK + BASE), lines(BASE + "\n" + BLOCK)) == []
