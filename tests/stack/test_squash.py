"""Which commits belong into which (edge case S4)."""

from __future__ import annotations

from git_poolside.stack.model import Commit, Oid
from git_poolside.stack.squash import arranged, kind_of, squashed


def commit(letter: str, message: str, encoding: bytes | None = None) -> Commit:
    return Commit(
        Oid(letter * 40), Oid(letter * 40), (), b"", b"", message.encode((encoding or b"utf-8").decode()), encoding
    )


A = commit("a", "Use our index\n\nIt is ours.\n")
B = commit("b", "Use our index everywhere\n")


def order(*commits: Commit) -> str:
    return "".join(one.oid[0] for one in arranged(commits).commits)


def test_S4_each_goes_behind_its_target() -> None:
    first, second = commit("1", "fixup! Use our index\n"), commit("2", "squash! Use our index everywhere\n")
    third = commit("3", "fixup! fixup! Use our index\n")
    found = arranged([A, B, first, second, third])
    assert [one.oid[0] for one in found.commits] == ["a", "1", "3", "b", "2"]
    assert found.into == {first.oid: A.oid, second.oid: B.oid, third.oid: A.oid}
    assert found.orphans == ()


def test_S4_a_target_is_named_by_subject_hash_or_beginning() -> None:
    assert order(B, A, commit("1", "fixup! Use our index\n")) == "ba1"
    assert order(A, B, commit("1", "fixup! bbbbb\n")) == "ab1"
    assert order(A, B, commit("1", "fixup! aaaaa\n")) == "a1b"
    assert order(A, B, commit("1", "fixup! Use our index ev\n")) == "ab1"
    assert order(A, B, commit("1", "fixup! Use\n")) == "a1b"


def test_S4_without_an_earlier_target_it_is_an_orphan() -> None:
    early, unknown = commit("1", "fixup! Use our index\n"), commit("2", "amend! Something else\n")
    empty = commit("3", "fixup! \n")
    found = arranged([early, A, unknown, empty])
    assert (order(early, A, unknown, empty), found.into, found.orphans) == ("1a23", {}, (early, unknown))


def test_S4_only_these_words_with_their_mark() -> None:
    words = ("fixup! A", "squash! A", "amend! A", "fixup A", "Fixup! A", "drop! A", "A fixup! B", "fixup!A")
    assert [kind_of(commit("1", word)) for word in words] == ["fixup", "squash", "amend", *[None] * 5]


def test_S4_messages() -> None:
    before = A.message, A.encoding
    assert squashed(*before, commit("1", "fixup! Use our index\n\nignored\n")) == before
    assert squashed(*before, commit("1", "squash! Use our index\n")) == before
    assert squashed(*before, commit("1", "squash! Use our index\n\nAnd more.\n")) == (
        b"Use our index\n\nIt is ours.\n\nAnd more.\n",
        None,
    )
    assert squashed(*before, commit("1", "amend! Use our index\n\nUse it\n\nWhy.\n")) == (b"Use it\n\nWhy.\n", None)


def test_S8_messages_of_two_encodings_meet_in_utf_8() -> None:
    latin = commit("1", "squash! Use our index\n\nFür alle.\n", b"iso-8859-1")
    assert squashed(A.message, None, latin) == ("Use our index\n\nIt is ours.\n\nFür alle.\n".encode(), None)
    assert squashed(latin.message, latin.encoding, commit("2", "fixup! x")) == (latin.message, b"iso-8859-1")
