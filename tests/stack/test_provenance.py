"""What commit messages say: trailers, pull request numbers, reverts and relands as upstream writes them."""

from __future__ import annotations

import pytest

from git_poolside.stack.provenance import (
    Provenance,
    Undoing,
    bare_title,
    cherry_origin,
    pull_number,
    revert_reason,
    undoing,
    with_origin,
    without_stamp_trailers,
)

REPO = "pytorch/executorch"
URL = "https://github.com/pytorch/executorch/pull/"
A, B = "a" * 40, "b" * 40


def test_a_message_without_trailers_is_no_stamp() -> None:
    assert Provenance.of("Fix\n\nSigned-off-by: A\n") == Provenance()
    assert not Provenance.of("Fix\n\nPoolside-Nightly: 2026-07-10\n").is_stamp


def test_the_last_of_several_trailers_counts_and_torn_ones_do_not() -> None:
    message = (
        "x\n\nPoolside-Nightly: 2026-07-03\nPoolside-Nightly: 2026-07-10\nPoolside-Upstream: 1\n"
        "Poolside-Dropped: one two\nPoolside-Dropped: one two three\n"
    )
    read = Provenance.of(message)
    assert (read.nightly, read.upstream, read.picks, read.dropped) == (
        "2026-07-10",
        "1",
        None,
        (("one", "two", "three"),),
    )


def test_S6_only_the_stamps_own_lines_are_taken_out() -> None:
    message = b"Set it\n\nand caf\xe9\n\nPoolside-Nightly: x\nPoolside-Pull: 5\nPoolside-Dropped: a b c\n"
    assert without_stamp_trailers(message) == b"Set it\n\nand caf\xe9\n\nPoolside-Pull: 5\n"
    assert without_stamp_trailers(b"Set it\n\nPoolside-Nightly: x\nPoolside-Upstream: y\n") == b"Set it\n"


@pytest.mark.parametrize(
    ("message", "origin"),
    [
        (f"x\n\n(cherry picked from commit {A})\n", A),
        (f"x\n\n(cherry picked from commit {A})\n(cherry picked from commit {B})\n", B),
        (f"x\n\n  (cherry picked from commit {A})\n", None),
        (f"x\n\n(cherry picked from commit {A[:12]})\n", None),
        (f"x\n\nas in (cherry picked from commit {A})\n", None),
    ],
)
def test_the_last_cherry_pick_line_names_the_origin(message: str, origin: str | None) -> None:
    assert cherry_origin(message) == origin


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ("X (#12)\n", 12),
        ("X (#12)  \n", 12),
        ("X (#1) (#2)\n", 2),
        ("X (#12) and more\n", None),
        ("X #12\n", None),
        ("X\n\n(#12)\n", None),
        ("X\n\nsee (#12)\n", None),
        (f"X (#12)\n\nPull Request resolved: {URL}34\n", 34),
        (f"X\n\nPull Request resolved: {URL}34/\n", 34),
        (f"X\n\nPull-Request-resolved: {URL}34\n", 34),
        (f"X\n\nPull-Request: {URL}34\n", 34),
        (f"X\r\n\r\nPull Request resolved: {URL}34\r\n", 34),
        (f"X\n\nPull Request resolved: {URL}33\nPull Request resolved: {URL}34\n", 34),
        (f"X\n\nfollows Pull Request resolved: {URL}34\n", None),
        (f"X\n\n> Pull Request resolved: {URL}34\n", None),
        (f"X\n\nPull Request resolved: {URL}34#issuecomment-1\n", None),
        ("X (#12)\n\nPull Request resolved: https://github.com/pytorch/pytorch/pull/34\n", 12),
        ("X\n\nPull Request resolved: https://github.com/PyTorch/Executorch/pull/34\n", 34),
        ("X\n\nPoolside-Pull: 56\n", 56),
        ("X\n\nPoolside-Pull: five\n", None),
        ("", None),
    ],
)
def test_L9_the_pull_request_that_a_commit_landed_as(message: str, number: int | None) -> None:
    assert pull_number(message, REPO) == number


def test_L9_in_the_forks_own_patches_the_subjects_number_is_the_forks() -> None:
    assert pull_number("X (#12)\n", REPO, subject_counts=False) is None
    assert pull_number(f"X (#12)\n\nPull Request resolved: {URL}34\n", REPO, subject_counts=False) == 34


def about(sign: int, title: str, commits: tuple[str, ...] = (), pulls: tuple[int, ...] = (), *numbers: int) -> Undoing:
    return Undoing(sign, commits, pulls, title, numbers)


@pytest.mark.parametrize(
    ("message", "meaning"),
    [
        # The merge bot's revert.
        (f'Revert "X (#5)"\n\nThis reverts commit {A}.\n\nReverted {URL}5 on behalf of y due to z\n', about(-1, "X", (A,), (), 5)),  # noqa: E501
        # GitHub's own.
        ('Revert "X (#5)" (#9)\n\nReverts pytorch/executorch#5\n', about(-1, "X", (), (5,), 5)),
        ('Revert "X" (#9)\n\nReverts pytorch/executorch#5', about(-1, "X", (), (5,))),
        ('Revert "X" (#9)\n\nReverts pytorch/executorch#5, it broke iOS\n', about(-1, "X", (), (5,))),
        ('Revert "X" (#9)\r\n\r\nReverts PyTorch/ExecuTorch#5\r\n', about(-1, "X", (), (5,))),
        ('Revert "X" (#9)\n\nReverts pytorch/pytorch#5\n', about(-1, "X")),
        # git's.
        (f'Revert "X"\n\nThis reverts commit {A}.\n', about(-1, "X", (A,))),
        ('Revert "X"\n\nThis reverts commit 1234567.\n', about(-1, "X", ("1234567",))),
        (f'Revert "X"\n\nThis reverts commit {A}, reversing\nchanges made to {B}.\n', about(-1, "X", (A,))),
        (f'Reapply "X"\n\nThis reverts commit {A}.\n', about(1, "X", (A,))),
        # By hash in the subject.
        ("Revert 636daf1547, which broke the build\n", about(1, "Revert 636daf1547, which broke the build", ("636daf1547",))),  # noqa: E501
        # By numbers in the subject, several at once.
        ("Revert #5 and #7 (#9)\n", about(1, "Revert #5 and #7", (), (5, 7))),
        ("Reverts PRs #5, #7 (#9)\n", about(1, "Reverts PRs #5, #7", (), (5, 7))),
        ("Reapply #5 and #7 (tidied) (#9)\n", about(1, "#5 and #7 (tidied)", (), (), 5, 7)),
        # Cut by the forge.
        ('Revert "X goes on and… (#9)\n', about(-1, "X goes on and…")),
        ('Revert "X goes on and (#…\n', about(-1, "X goes on and…")),
        ('Revert "Revert "X goes on… (#9)\n', about(1, "X goes on…")),
        ('Revert "Revert "X goes on" … (#9)\n', about(1, "X goes on")),
        # Wrapped.
        ('Revert "Revert "X"" (#9)\n', about(1, "X")),
        ('Revert "Revert "X (#5)" (#7)" (#9)\n', about(1, "X", (), (), 5)),
        ('Revert "Revert "Revert "X"""\n', about(-1, "X")),
        ('Back out "X"\n', about(-1, "X")),
        ('Back out "Revert "X""\n', about(1, "X")),
        ('Back out "Back out "X""\n', about(1, "X")),
        # Relands.
        ('Reland "X" (#9)\n', about(1, "X")),
        ('Reland "X (#5)" (#9)\n', about(1, "X", (), (), 5)),
        ('Reapply "X" (#9)\n', about(1, "X")),
        ('Re-land "X"\n', about(1, "X")),
        ("[reland] X (#9)\n", about(1, "X")),
        ("[RELAND] X (#9)\n", about(1, "X")),
        ("[Reland2] X (#9)\n", about(1, "X")),
        ("[Reland 2] X (#9)\n", about(1, "X")),
        ("[re-land] X (#9)\n", about(1, "X")),
        ("[reland][ROCm] X (#9)\n", about(1, "[ROCm] X")),
        ("[reland] [reland] X (#9)\n", about(1, "X")),
        ("Reland: X (#9)\n", about(1, "X")),
        ("Relanding X (#9)\n", about(1, "X")),
        ('[reland] "X" (#9)\n', about(1, "X")),
        ('[reland] Revert "X" (#9)\n', about(-1, "X")),
        ("X again (#9)\n\nReland of #5\n", about(1, "X again", (), (), 5)),
        (f"X again (#9)\n\nThis relands {URL}5\n", about(1, "X again", (), (), 5)),
    ],
)  # fmt: skip
def test_L6_L7_reverts_and_relands_in_every_spelling(message: str, meaning: Undoing) -> None:
    assert undoing(message, REPO) == meaning


@pytest.mark.parametrize(
    "message",
    [
        "Add X (#5)\n",
        "Reverting is slow: make it fast (#5)\n",
        "Revert to the old allocator (#5)\n",
        "Add 'Revert' to the menu\n",
        "Relandscape the docs\n",
        "Fix X\n\nthe issue was #5, see https://github.com/pytorch/executorch/pull/7\n",
        "Ireland is a country\n",
        "X again (#9)\n\nThis relands https://github.com/pytorch/pytorch/pull/5\n",
        "",
    ],
)
def test_L9_ordinary_commits_take_nothing_back(message: str) -> None:
    assert undoing(message, REPO) is None


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("X (#1) (#2)\n\nbody (#3)\n", "X"),
        ("\n\nX\n", "X"),
        ("X (#1) y\n", "X (#1) y"),
        ("(#1)\n", ""),
    ],
)
def test_the_bare_title_has_no_numbers(message: str, title: str) -> None:
    assert bare_title(message) == title


def test_L6_the_reason_of_a_revert_is_upstreams_own() -> None:
    message = f'Revert "X (#5)"\n\nThis reverts commit {A}.\n\nReverted {URL}5 on behalf of {URL} due to it broke iOS\n'
    assert revert_reason(message) == "it broke iOS"
    assert revert_reason(f'Revert "X"\n\nThis reverts commit {A}.\n') == ""


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            'Revert "X" (#9)\n\nReverts pytorch/executorch#5\n\nThis breaks macos\nand linux\n\nMore.\n',
            "This breaks macos and linux",
        ),
        ('Revert "X" (#9)\n\nReverts pytorch/executorch#5, it broke iOS\n', "it broke iOS"),
        ('Revert "X" & "Y"\n\nReverts a/b#5 & a/b#7\n', ""),
        (f'Revert "X"\n\nThis reverts commit {A}, reversing\nchanges made to {B}.\n\nToo slow.\n', "Too slow."),
        ('Back out "X"\n\nSummary:\nToo slow.\n\nDifferential Revision: D5\n', "Too slow."),
        (f'Revert "X"\n\nDifferential Revision: D5\n\nPull Request resolved: {URL}5\n', ""),
        (f'Revert "X"\n\n{"word " * 60}\n', "word " * 39 + "word …"),
        ("X (#9)\n\nIt is faster.\n", ""),
    ],
)
def test_L6_a_reason_in_free_words_is_the_first_paragraph(message: str, reason: str) -> None:
    assert revert_reason(message) == reason


ORIGIN = f"(cherry picked from commit {A})".encode()


@pytest.mark.parametrize(
    ("message", "before"),
    [
        (b"X (#5)", b"X (#5)\n\n"),
        (b"X\n\nbody\n", b"X\n\nbody\n\n"),
        (b"X: y\n", b"X: y\n\n"),  # a subject is no trailer
        (b"X\n\nSigned-off-by: me <me>\n", b"X\n\nSigned-off-by: me <me>\n"),
        (b"X\n\nFixes: #1\n  and #2\n\n\n", b"X\n\nFixes: #1\n  and #2\n"),
        (b"X\n\ntext\nSigned-off-by: me <me>\n", b"X\n\ntext\nSigned-off-by: me <me>\n"),
        (b"X\n\na\nb\nc\nd\nSigned-off-by: me <me>\n", b"X\n\na\nb\nc\nd\nSigned-off-by: me <me>\n\n"),
        (b"X\r\n\r\nCo-authored-by: me\r\n", b"X\r\n\r\nCo-authored-by: me\n"),
        (b"X\n\nPull Request resolved: https://x/y\n", b"X\n\nPull Request resolved: https://x/y\n\n"),
        (b"X\n\nM\xfcller\n", b"X\n\nM\xfcller\n\n"),
    ],
)
def test_S8_a_picks_trailers_join_the_originals(message: bytes, before: bytes) -> None:
    assert with_origin(message, A, 7) == before + ORIGIN + b"\nPoolside-Pull: 7\n"
    assert with_origin(message, A, None) == before + ORIGIN + b"\n"
    assert with_origin(with_origin(message, A, 7), A, 7) == with_origin(message, A, 7)
