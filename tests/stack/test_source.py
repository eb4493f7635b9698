"""What a person may write for a commit that is to come in, and for a patch that is there."""

from __future__ import annotations

import pytest

from git_poolside.errors import Refused
from git_poolside.stack.model import Commit, Oid
from git_poolside.stack.source import Asked, carried, named, of_pull, parse

UPSTREAM = "pytorch/pytorch"
URL = "https://github.com/pytorch/pytorch"
A, B, C, D = (Oid(letter * 40) for letter in "abcd")


def commit(oid: Oid, message: str) -> Commit:
    return Commit(oid, oid, (), b"me <me> 0 +0000", b"me <me> 0 +0000", message.encode())


PICKS = [
    commit(A, f"Speed up relu (#11)\n\n(cherry picked from commit {C})\n"),
    commit(B, "Speed up gelu\n\nPoolside-Pull: 12\n"),
]


@pytest.mark.parametrize(
    ("word", "asked"),
    [
        ("#12", Asked(12)),
        ("pytorch/pytorch#12", Asked(12)),
        (f"{URL}/pull/12", Asked(12)),
        (f"{URL}/pull/12/", Asked(12)),
        (f"{URL}/pull/12/files?w=1#diff-0", Asked(12)),
        ("https://github.com/PyTorch/pytorch/pull/12#issuecomment-3", Asked(12)),
        (f"{URL}/commit/{A}", Asked(None, A)),
        (f"{URL}/pull/12/commits/{A}", Asked(12, A)),
        ("https://me:secret@github.com/pytorch/pytorch/pull/12", Asked(12)),
        ("main~3", Asked(revision="main~3")),
        ("12", Asked(revision="12")),
        ("v1..v2", Asked(revision="v2", since="v1")),
        ("v1..", Asked(revision="HEAD", since="v1")),
    ],
)
def test_words(word: str, asked: Asked) -> None:
    assert parse(word, UPSTREAM) == asked


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("https://github.com/poolsideai/pytorch/pull/3", "poolsideai/pytorch is another repository"),
        ("poolsideai/pytorch#3", "poolsideai/pytorch is another repository"),
        (f"{URL}/issues/3", "is no URL of a pull request or a commit"),
        (f"{URL}/pull/3/commits/xyz", "is no URL of a pull request or a commit"),
        ("ext::sh -c true://x", "is no URL of a pull request or a commit"),
        ("a...b", "names two sides at once"),
    ],
)
def test_words_that_name_nothing_to_pick(word: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        parse(word, UPSTREAM)


@pytest.mark.parametrize("word", ["", "  "])
def test_an_empty_word_names_nothing(word: str) -> None:
    with pytest.raises(Refused, match="an empty word names no commit"):
        parse(word, UPSTREAM)


def test_L9_a_number_that_is_not_in_the_list_is_not_looked_for_inside_others() -> None:
    picks = [commit(A, "Spread the load over 10 threads (#21020)")]
    assert [named(name, picks, None, UPSTREAM, picks) for name in ("10", "102", "0", "²")] == [[]] * 4
    assert named("10", picks, None, UPSTREAM) == []
    assert named("21020", picks, None, UPSTREAM, picks) == picks


def test_P10_a_password_in_a_url_is_not_shown() -> None:
    with pytest.raises(Refused) as refused:
        parse("https://me:secret@github.com/x", UPSTREAM)
    assert refused.value.message == "'https://github.com/x' is no URL of a pull request or a commit"


def test_a_commit_is_carried_as_itself_or_by_its_trailer() -> None:
    assert carried(A, PICKS, []) == PICKS[0]
    assert carried(C, PICKS, []) == PICKS[0]
    assert carried(B, [], PICKS) == PICKS[1]
    assert carried(D, PICKS, []) is None


def test_picks_of_a_pull_request() -> None:
    assert of_pull(11, PICKS, UPSTREAM) == [PICKS[0]]
    assert of_pull(12, PICKS, UPSTREAM) == [PICKS[1]]
    assert of_pull(1, PICKS, UPSTREAM) == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("1", [A]), ("2", [B]), ("3", []), ("#12", [B]), ("#1", []), ("aaaa", [A]), ("bbbbbbb", [B]),
        ("speed", [A, B]), ("GELU", [B]), ("HEAD", [B]),
    ],
)  # fmt: skip
def test_names(name: str, found: list[Oid]) -> None:
    resolved = B if name == "HEAD" else None
    assert [one.oid for one in named(name, PICKS, resolved, UPSTREAM, PICKS)] == found


def test_a_number_is_the_lists_only_where_there_is_a_list() -> None:
    assert named("2", PICKS, None, UPSTREAM) == []


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_names_nothing(name: str) -> None:
    """A script's empty variable is no word that stands in every subject."""
    assert named(name, PICKS[:1], None, UPSTREAM, PICKS[:1]) == []


def test_a_number_that_the_list_has_not_is_no_word_of_a_subject() -> None:
    assert named("1", PICKS, None, UPSTREAM, PICKS) == [PICKS[0]]
    assert named("11", PICKS, None, UPSTREAM, PICKS) == []


@pytest.mark.parametrize("word", ["", " ", "https://me:secret@"])
def test_an_empty_word_is_refused(word: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(word, UPSTREAM)
    assert "secret" not in refused.value.message
