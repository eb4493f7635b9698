"""Which published states are too many, and what a new one is called."""

from __future__ import annotations

from git_poolside.stack.retention import beyond, next_name


def test_the_newest_stay_by_date_and_number() -> None:
    names = ["2026-07-10-9", "2026-07-10-10", "2026-07-03-1", "2026-07-17-1"]
    assert beyond(names, "2 states") == ["2026-07-03-1", "2026-07-10-9"]
    assert beyond(names, "4 states") == beyond(names, "99 states") == beyond(names, "forever") == []


def test_a_name_of_another_form_neither_counts_nor_goes() -> None:
    assert beyond(["by-hand", "2026-07-03-1", "2026-07-03-2", "x-99999999999999999999"], "1 state") == ["2026-07-03-1"]


def test_a_number_is_not_given_again_while_a_later_one_is_known() -> None:
    assert next_name("2026-07-10", []) == "2026-07-10-1"
    assert next_name("2026-07-10", ["2026-07-10-2", "2026-07-10-10", "2026-07-11-11", "by-hand"]) == "2026-07-10-11"
