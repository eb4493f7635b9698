"""Reading a nightly's message and choosing among nightlies."""

from __future__ import annotations

import re

import pytest

from git_poolside.config import NightlySource
from git_poolside.errors import Refused
from git_poolside.stack.model import Nightly, Oid
from git_poolside.stack.nightly import choose, newest_usable, parse, utc_date

PATTERN = re.compile(NightlySource().pattern)
A, B, C, D = (Oid(letter * 40) for letter in "abcd")


@pytest.mark.parametrize(
    "subject",
    [
        f"nightly release ({A})",
        f"2026-07-03 nightly release ({A[:39]})",
        f"2026-07-03 nightly release ({A}) again",
        f"Revert 2026-07-03 nightly release ({A})",
        "2026-07-03 nightly release (HEAD)",
        "Speed up relu (#11)",
        "",
    ],
)
def test_N2_other_subjects_are_no_nightlies(subject: str) -> None:
    assert parse(subject, PATTERN, 0) is None


def test_N1_the_date_and_the_commit_are_read_from_the_subject() -> None:
    assert parse(f"2026-07-03 nightly release ({A})", PATTERN, 0) == ("2026-07-03", A)


def test_without_a_date_group_the_date_is_the_commits_own_in_utc() -> None:
    pattern = re.compile(r"^build of (?P<commit>[0-9a-f]{40})$")
    assert parse(f"build of {A}", pattern, 1_751_500_799) == ("2025-07-02", A)
    assert parse(f"build of {A}", pattern, 1_751_500_800) == ("2025-07-03", A)


def test_a_date_group_that_took_no_part_falls_back_to_the_commits_own_date() -> None:
    pattern = re.compile(r"^(?:(?P<date>\d{4}-\d{2}-\d{2}) )?build of (?P<commit>[0-9A-F]{40})$")
    assert parse(f"build of {A.upper()}", pattern, 0) == ("1970-01-01", A)


def test_utc_date() -> None:
    assert [utc_date(0), utc_date(86_399), utc_date(86_400)] == ["1970-01-01", "1970-01-01", "1970-01-02"]


def _listed() -> list[Nightly]:
    """Newest first: two on the tenth, the upper unusable; none on the ninth; the last is a commit itself."""
    return [
        Nightly("2026-07-10", Oid("1" * 40), A, why="its tree differs"),
        Nightly("2026-07-10", Oid("2" * 40), B),
        Nightly("2026-07-08", Oid("3" * 40), B),
        Nightly("2026-07-03", C, C),
    ]


def test_the_newest_usable_one_is_the_first_usable() -> None:
    assert newest_usable(_listed()) == _listed()[1]
    assert newest_usable([]) is None


@pytest.mark.parametrize(
    ("wanted", "index", "note"),
    [
        ("2026-07-10", 0, ""),
        ("2026-07-08", 2, ""),
        ("2026-07-09", 2, "there is no nightly of 2026-07-09; the newest before it is of 2026-07-08"),
        ("2026-07-07", 3, "there is no nightly of 2026-07-07; the newest before it is of 2026-07-03"),
        ("2222", 1, f"2222 is the nightly of 2026-07-10 itself; it names {B[:12]}"),
        ("1" * 40, 0, f"{'1' * 12} is the nightly of 2026-07-10 itself; it names {A[:12]}"),
        (B, 1, ""),
        (B.upper(), 1, ""),
        (C[:7], 3, ""),
    ],
)
def test_N2_N3_choosing_by_date_and_by_hash(wanted: str, index: int, note: str) -> None:
    assert choose(_listed(), wanted) == (_listed()[index], note)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("2026-02-30", "'2026-02-30' is not a date"),
        ("2026-07-11", "there is no nightly of 2026-07-11 yet: the newest is of 2026-07-10"),
        ("2026-07-02", "there is no nightly of 2026-07-02 or before it"),
        ("eeee", "'eeee' is neither the date nor the hash of a nightly"),
        ("yesterday", "'yesterday' is neither the date nor the hash of a nightly"),
        ("", "'' is neither the date nor the hash of a nightly"),
    ],
)
def test_N2_what_is_no_nightly_is_refused_with_a_way_on(wanted: str, message: str) -> None:
    with pytest.raises(Refused, match=re.escape(message)) as refused:
        choose(_listed(), wanted)
    assert refused.value.hints


def test_no_nightly_at_all_is_refused() -> None:
    with pytest.raises(Refused, match="or before it"):
        choose([], "2026-07-10")
