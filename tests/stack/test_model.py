"""The words of the domain: what they promise is what git itself says of the same commit."""

from __future__ import annotations

import pytest

from git_poolside.stack.model import Commit, Layer, Nightly, Oid, Role, Stack, subject_of
from tests.scenario import World

A = Oid("a" * 40)


def commit(message: bytes, encoding: bytes | None = None, author: bytes = b"Ann <ann@example.com> 1 +0000") -> Commit:
    return Commit(A, A, (), author, b"Com Mitter <com@example.com> 1750000000 +0200", message, encoding)


@pytest.mark.parametrize(
    "message",
    [
        "Add a file\n",
        "Add a file",
        "\n\n  \nAdd a file\n\nbody\n",
        "First line\nsecond line\n\nbody\n",
        "  indented\n  and so is this\n\nbody\n",
        "trailing   \nspaces\t\n\nbody\n",
        "# not a comment\n",
        "[tag] with (#1) (#2)\n",
        "one\n   \ntwo\n",
        "a non\u00a0breaking\u00a0\nspace\n",
        "form\x0cfeed\x0c\nand more\n",
        "diff --git a/x b/x\n---\n",
    ],
)
def test_a_subject_is_what_git_log_shows(world: World, message: str) -> None:
    oid = world.commit(world.upstream, "main", {"f": "1\n"}, message)
    shown = world.upstream.git("log", "-1", "--format=<%s>", oid)
    assert f"<{subject_of(message)}>" == shown


@pytest.mark.parametrize("message", ["", "\n", "\n\n"])
def test_no_message_has_an_empty_subject(message: str) -> None:
    assert subject_of(message) == ""


@pytest.mark.parametrize(
    ("message", "encoding", "text"),
    [
        ("grün\n".encode(), None, "grün\n"),
        ("grün\n".encode("latin-1"), b"ISO-8859-1", "grün\n"),
        ("grün\n".encode("latin-1"), None, "gr\ufffdn\n"),
        ("grün\n".encode("latin-1"), b"UTF-8", "gr\ufffdn\n"),
        ("grün\n".encode(), b"no-such-encoding", "grün\n"),
        (b"plain\n", b"hex", "plain\n"),
        (b"plain\n", b"undefined", "plain\n"),
        (b"plain\n", b"a\0b", "plain\n"),
        (b"pl\xffain\n", b"\xff", "pl\ufffdain\n"),
    ],
)
def test_S8_a_message_can_be_read_whatever_its_encoding_says(message: bytes, encoding: bytes | None, text: str) -> None:
    assert commit(message, encoding).text == text


def test_S8_the_bytes_of_a_commit_stay_as_they_are() -> None:
    one = commit("grün".encode("latin-1"), b"ISO-8859-1", "Jörg <j@example.com> 5 -0330".encode("latin-1"))
    assert (one.message, one.author) == (b"gr\xfcn", b"J\xf6rg <j@example.com> 5 -0330")
    assert one.commit_time == 1_750_000_000


def test_a_nightly_is_usable_unless_there_is_a_reason() -> None:
    assert Nightly("2026-07-03", A, A).usable
    assert not Nightly("2026-07-03", A, A, why="gone").usable


def test_the_layers_of_a_stack_come_lowest_first() -> None:
    picks, patches = (Layer(role, role.value, A, A, ()) for role in (Role.PICKS, Role.PATCHES))
    assert Stack(A, picks, patches).layers == (picks, patches)
