"""The stamp's text."""

from __future__ import annotations

import pytest

from git_poolside.stack.model import Dropped, Oid, Role
from git_poolside.stack.provenance import Provenance
from git_poolside.stack.stamp import Stamp, stamped
from git_poolside.stack.version import Ambiguous
from tests.scenario import workflow

NAME = "PYTORCH_BUILD_VERSION_PREFIX"
A, B = Oid("a" * 40), Oid("b" * 40)


def test_a_stamp_says_where_the_stack_stands_and_can_be_read_back() -> None:
    one, two = (Oid("1" * 40), Oid("2" * 40), Role.PICKS), (Oid("3" * 40), Oid("4" * 40), Role.PATCHES)
    stamp = Stamp("2026-07-10", A, B, (Dropped(*one), Dropped(*two)))
    assert stamp.message().decode() == (
        "Set the version to the nightly of 2026-07-10\n"
        "\n"
        "Poolside-Nightly: 2026-07-10\n"
        f"Poolside-Upstream: {A}\n"
        f"Poolside-Picks: {B}\n"
        f"Poolside-Dropped: {'1' * 40} {'2' * 40} picks\n"
        f"Poolside-Dropped: {'3' * 40} {'4' * 40} patches\n"
    )
    read = Provenance.of(stamp.message().decode())
    assert (read.nightly, read.upstream, read.picks, read.dropped) == (
        stamp.date, A, B, ((*one[:2], "picks"), (*two[:2], "patches")),
    )  # fmt: skip
    assert read.is_stamp


@pytest.mark.parametrize(
    ("text", "source", "moved_to", "expected"),
    [
        (workflow("20260703"), workflow("20260703"), None, workflow("20260710")),
        (workflow("20260710"), workflow("20260703"), None, workflow("20260710")),
        (workflow("20260703"), workflow("20260703"), "2.10.0", workflow("20260710", "2.10.0")),
        (workflow("20260703"), workflow("20260703", "2.10.0"), None, workflow("20260710", "2.10.0")),
        (workflow("20260703", cuda="cu128"), workflow("20260703"), None, workflow("20260710", cuda="cu128")),
        (workflow("20260703"), None, None, workflow("20260710")),
        (workflow("20260703"), "nothing\n", None, workflow("20260710")),
        (workflow("20260703"), workflow("20260703", "2.10.0") * 2, None, workflow("20260710")),
    ],
)
def test_the_date_is_set_and_the_base_where_it_moved(
    text: str, source: str | None, moved_to: str | None, expected: str
) -> None:
    found = stamped(
        text.encode(),
        NAME,
        "2026-07-10",
        None if source is None else source.encode(),
        None if moved_to is None else moved_to.encode(),
    )
    assert found == (expected.encode(), "")


def test_S6_without_the_variable_nothing_is_written_and_that_is_said() -> None:
    assert stamped(b"jobs: {}\n", NAME, "2026-07-10", None, None) == (
        b"jobs: {}\n",
        f"{NAME} is not set with a date",
    )


def test_S6_twice_is_ambiguous() -> None:
    with pytest.raises(Ambiguous):
        stamped(workflow().encode() * 2, NAME, "2026-07-10", None, None)
