"""Value classes behave as those of `dataclasses` do."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pytest

from git_poolside.stack.values import as_dict, field, fields, frozen, mutable, replace


@frozen
class Point:
    """A value."""

    x: int
    y: int = 2
    seen: Mapping[str, int] = field(default_factory=dict)
    note: str = field(default="", compare=False, repr=False)

    @cached_property
    def sum(self) -> int:
        return self.x + self.y


@mutable
class Box:
    """What changes."""

    held: list[int] = field(default_factory=list)


@frozen
class Unused:
    """Nobody has made one before."""

    name: str


def test_fields_are_given_by_place_by_name_or_by_default() -> None:
    assert Point(1) == Point(x=1, y=2, seen={}) != Point(1, 3)
    assert (Point(1).sum, Point(1, note="n").note, fields(Point)) == (3, "n", ("x", "y", "seen", "note"))
    assert repr(Point(1, note="n")) == "Point(x=1, y=2, seen={})"


@pytest.mark.parametrize("given", [{}, {"z": 1, "x": 1}])
def test_a_field_that_is_missing_or_unknown_is_named(given: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"Point\.__init__\(\) .*'[xz]'"):
        Point(**given)


def test_what_is_left_out_of_comparing_makes_no_difference() -> None:
    assert Point(1, note="a") == Point(1, note="b")
    assert Point(1).__eq__(object()) is NotImplemented


def test_a_frozen_one_has_a_hash_and_is_never_changed() -> None:
    point = Point(1, 2, ())  # type: ignore[arg-type]
    assert hash(point) == hash(Point(1, 2, (), "n"))  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match=r"Point\.x cannot be changed"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError, match=r"Point\.y cannot be changed"):
        del point.y


def test_a_mutable_one_changes_and_has_no_hash() -> None:
    one, other = Box(), Box()
    one.held.append(1)
    assert (one, other) == (Box([1]), Box([]))
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)


def test_nothing_is_made_of_a_class_before_its_first_instance() -> None:
    first = Unused.__init__
    assert Unused("a") == Unused("a")
    assert Unused.__init__ is not first
    first(one := Unused("a"), "b")  # whoever still has the first one
    assert one == Unused("b")


def test_replace_makes_another_of_dataclasses_too() -> None:
    plain = dataclasses.make_dataclass("Plain", ["a", "b"])
    assert as_dict(replace(Point(1), y=5)) == {"x": 1, "y": 5, "seen": {}, "note": ""}
    assert replace(plain(1, 2), b=3) == plain(1, 3)
    with pytest.raises(TypeError):
        replace(Point(1), z=1)


def test_each_case_matches_by_its_fields() -> None:
    match Point(1, 7):
        case Point(1, y):
            assert y == 7
        case _:
            pytest.fail("no match")
