"""Lines that a resolution lost, and blocks that stand twice."""

from __future__ import annotations

import pytest

from git_poolside.stack.audit import Lost, Twice, doubtful, lost, twice

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


def found(base: str, ours: str, result: str) -> list[Twice]:
    return twice(doubtful(lines(ours), lines(result)), lines(base), lines(ours), lines(result))


BLOCK = "def helper(x):\n    y = prepare(x)\n    return finish(y)\n\n"


def test_L14_a_block_that_both_sides_added_stands_twice() -> None:
    ours, result = BLOCK + BASE, BLOCK + BASE + "\n" + BLOCK
    assert found(BASE, ours, result) == [Twice(tuple(lines(BLOCK)), 13)]
    assert found(BASE, ours, ours) == []
    assert found(BLOCK + BASE, ours, result) == []
    indented = result + BLOCK.replace("def", "    def").replace("    ", "        ")
    assert [one.line for one in found(BASE, ours, indented.replace(BASE + "\n" + BLOCK, BASE))] == [12]


@pytest.mark.parametrize(
    "block", ["    }\n    }\n    });\n", "    pass\n    return x\n", "x = 1\n", "import os\nimport sys\n"]
)
def test_L14_small_blocks_are_no_duplicates(block: str) -> None:
    assert found(BASE, block + BASE, block + BASE + "\n" + block) == []


def test_L14_one_long_line_is_a_block() -> None:
    line = "register('" + "a_very_long_name_of_an_operator, " * 3 + "')\n"
    assert len(found(BASE, line + BASE, line + BASE + line)) == 1


def test_L14_a_block_that_the_patch_moves_is_no_duplicate() -> None:
    assert found(BASE, BLOCK + BASE, BASE + "\n" + BLOCK) == []


def test_L14_what_the_file_repeats_anyway_is_no_duplicate() -> None:
    assert found(BASE + BLOCK, BLOCK + BASE + BLOCK, BLOCK + BASE + BLOCK + "\n" + BLOCK) == []
    assert found(BASE, BLOCK + BLOCK + BASE, BLOCK + BLOCK + BASE + BLOCK) == []


def test_L14_a_small_part_of_two_larger_additions_is_no_duplicate() -> None:
    more = "".join(f"a{n}_line_of_its_own = {n}\n" for n in range(9))
    rest = more.replace("a", "z")
    assert found(BASE, BLOCK + more + BASE, BLOCK + more + BASE + BLOCK + rest) == []
    assert len(found(BASE, BLOCK + BASE, BLOCK + BASE + BLOCK + rest)) == 1
