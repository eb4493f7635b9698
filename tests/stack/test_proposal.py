"""What upstream gets to see: branch names, messages, the text of a pull request."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_poolside.stack.model import Commit, Oid
from git_poolside.stack.proposal import body, branch_name, offered_message, renewed_body, shortened, with_pull
from git_poolside.stack.provenance import pull_number

AUTHOR = b"Pat Cher <pat@poolside.example> 1785585600 +0000"


def commit(message: str | bytes, encoding: bytes | None = None) -> Commit:
    data = message if isinstance(message, bytes) else message.encode("utf-8", "surrogateescape")
    return Commit(Oid("1" * 40), Oid("2" * 40), (), AUTHOR, AUTHOR, data, encoding)


@pytest.mark.parametrize(
    ("subject", "branch"),
    [
        ("Use our package index", "use-our-package-index"),
        ("[inductor] Don't fuse  twice (#7) (#12)", "inductor-dont-fuse-twice"),
        ("Größe: naïve façade", "groe-naive-facade"),
        ("日本語", "patch-3edf3526"),
        ("", "why"),
        ("../../main.lock", "main-lock"),
        ("--mirror", "mirror"),
        ("refs/heads/poolside-main", "refs-heads-poolside-main"),
        ("\x1b]0;title\x07 @{-1} ~^:?*[\\ x", "0-title-1-x"),
        ("x" * 300, "x" * 50),
        ("one two three four five six seven eight nine ten eleven", "one-two-three-four-five-six-seven-eight-nine-ten"),
    ],
)
def test_P13_the_branchs_name_is_the_subject_in_safe_letters(subject: str, branch: str) -> None:
    assert branch_name(commit(f"{subject}\n\nWhy.\n")) == f"upstream/{branch}"


@given(st.text())
def test_P13_no_subject_gives_an_unsafe_name(subject: str) -> None:
    message = subject.encode("utf-8", "replace")
    assert re.fullmatch(r"upstream/[a-z0-9]+(?:-[a-z0-9]+)*", branch_name(commit(message)))


def test_a_name_that_is_taken_gets_a_number() -> None:
    assert branch_name(commit("A b\n"), {"upstream/a-b", "upstream/a-b-2"}) == "upstream/a-b-3"


@pytest.mark.parametrize(
    ("message", "offered"),
    [
        ("Subject", "Subject"),
        ("Subject\n\nBody\r\n\r\n", "Subject\n\nBody\r\n\r\n"),
        ("Subject\n\nBody\n\nPoolside-Upstream-Pull: 3\n", "Subject\n\nBody\n"),
        ("Subject\n\nPoolside-Ticket: a\n  b\nSigned-off-by: A <a@b>\n", "Subject\n\nSigned-off-by: A <a@b>\n"),
        ("Subject\r\n\r\nPoolside-Ticket: a\r\nSigned-off-by: A <a@b>\r\n", "Subject\r\n\r\nSigned-off-by: A <a@b>\n"),
        ("Read Poolside-Ticket: lines\n\n Poolside-X: no\n", "Read Poolside-Ticket: lines\n\n Poolside-X: no\n"),
        ("S\n\n(cherry picked from commit " + "a" * 40 + ")\n", "S\n\n(cherry picked from commit " + "a" * 40 + ")\n"),
    ],
)
def test_S8_the_forks_own_trailers_go_and_every_other_byte_stays(message: str, offered: str) -> None:
    assert offered_message(message.encode(), picked=False) == offered.encode()


def test_a_picks_origin_goes_with_them() -> None:
    origin = "(cherry picked from commit " + "a" * 40 + ")"
    message = f"S (#3)\n\nB\n\n{origin}\nPoolside-Pull: 3\n".encode()
    assert offered_message(message, picked=True) == b"S (#3)\n\nB\n"


@given(st.binary(), st.integers(1, 10**9))
def test_S8_the_number_goes_into_the_message_and_can_be_read(message: bytes, number: int) -> None:
    noted = with_pull(message, number)
    assert pull_number(commit(noted).text, "pytorch/pytorch") == number or b"/pull/" in message
    assert with_pull(noted, number) == noted


def test_a_newer_number_takes_the_place_of_the_older() -> None:
    noted = with_pull(b"S\n\nB\n\nSigned-off-by: A <a@b>\n", 3)
    assert noted == b"S\n\nB\n\nSigned-off-by: A <a@b>\nPoolside-Upstream-Pull: 3\n"
    assert with_pull(noted, 4) == b"S\n\nB\n\nSigned-off-by: A <a@b>\nPoolside-Upstream-Pull: 4\n"


def test_the_pull_requests_text_is_the_messages_and_upstreams_template() -> None:
    one, other = commit("Fix it (#7)\n\nWhy.\n\nAnd how.\n"), commit("Tidy up\n")
    assert body([one], "Fixes #ISSUE\n") == "Why.\n\nAnd how.\n\nFixes #ISSUE"
    assert body([other], "") == ""
    assert body([one, other], "T") == "### Fix it\n\nWhy.\n\nAnd how.\n\n### Tidy up\n\nT"


def test_a_text_is_no_longer_than_GitHub_takes() -> None:
    assert len(shortened("x" * 300)) == 256
    long = body([commit("S\n\n" + "y" * 100_000)], "Fixes #ISSUE")
    assert len(long) < 65_536 and long.endswith("y…\n\nFixes #ISSUE")


def test_what_people_wrote_into_the_text_stays() -> None:
    before, after = [commit("Fix it\n\nWhy.\n")], [commit("Fix it\n\nWhy, better.\n")]
    assert renewed_body("Why.\r\n\r\nFixes #12", before, after) == "Why, better.\n\nFixes #12"
    assert renewed_body("Reworded.\n\nFixes #12", before, after) is None
    assert renewed_body("Anything", before, before) == "Anything"
    assert renewed_body("Filled in", [commit("Fix it\n")], after) is None
