"""The least set of patches that others need."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from git_poolside.stack.model import Oid
from git_poolside.stack.needs import least, related

NAMES = [Oid(letter) for letter in "abcdefg"]
SETS = st.frozensets(st.sampled_from(NAMES), max_size=4)


@given(st.lists(SETS, min_size=1, max_size=4), st.lists(SETS, max_size=3))
def test_no_smaller_set_is_enough(enough: list[frozenset[Oid]], harmful: list[frozenset[Oid]]) -> None:
    """Also where more is not always better: what is enough may not be, with another patch."""

    def suffices(these: frozenset[Oid]) -> bool:
        if these == frozenset(NAMES):
            return True
        return any(one <= these for one in enough) and not any(one and one <= these for one in harmful)

    found = least(NAMES, NAMES, suffices)
    assert suffices(found)
    smaller = (frozenset(these) for size in range(len(found)) for these in combinations(NAMES, size))
    assert not any(map(suffices, smaller))


def test_beyond_the_trials_no_member_can_be_spared() -> None:
    names = [Oid(f"{number:02}") for number in range(40)]
    wanted = frozenset(names[::4])
    assert least(names, names, lambda these: wanted <= these) == wanted


def test_what_touches_the_same_paths_is_related_by_way_of_each_other() -> None:
    paths = {
        Oid("a"): frozenset([b"lib/x"]),
        Oid("b"): frozenset([b"lib/x", b"lib/y"]),
        Oid("c"): frozenset([b"other"]),
        Oid("d"): frozenset([b"lib"]),
        Oid("e"): frozenset([b"libs/z"]),
        Oid("f"): frozenset([b"lib/y"]),
    }
    assert related([Oid("f")], [Oid(name) for name in "abcde"], paths) == ["a", "b", "d"]
