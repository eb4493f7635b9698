"""Text on a terminal: what it would obey, and how wide it stands there."""

from __future__ import annotations

import pytest

from git_poolside.terminal import clean, columns, cut, folded, listed, table

RED, PLAIN = "\x1b[31m", "\x1b[m"
LINK, END = "\x1b]8;;https://example.com/1\x1b\\", "\x1b]8;;\x1b\\"


def test_what_a_terminal_would_obey_becomes_visible_p13() -> None:
    assert clean("a\x1b[2Jb\x07\x7f\x9b1m\r\u202ec") == "a^[[2Jb^G^?<9B>1m^M<202E>c"
    assert clean("tab\tand\nline, ä 日本") == "tab\tand\nline, ä 日本"
    assert clean("half a pair \udc80") == "half a pair ?"


@pytest.mark.parametrize(
    ("text", "width"),
    [("abc", 3), ("日本", 4), ("e\u0301", 1), ("🦀", 2), (f"{RED}abc{PLAIN}", 3), (f"{LINK}日{END}", 2), ("", 0)],
)
def test_columns(text: str, width: int) -> None:
    assert columns(text) == width


def test_cut_counts_columns_and_leaves_what_paints_it_whole() -> None:
    assert cut("a" * 40, 40) == "a" * 40
    assert cut("a" * 41, 40) == "a" * 39 + "…"
    assert cut("日" * 21, 40) == "日" * 19 + "…"
    assert cut(f"{RED}{'a' * 50}{PLAIN} b", 40) == f"{RED}{'a' * 39}…{PLAIN}"
    assert cut(f"{RED}{'a' * 40}{PLAIN}", 40) == f"{RED}{'a' * 40}{PLAIN}"


def test_the_sign_for_what_was_left_out_is_ascii_in_another_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    assert cut("a" * 41, 40) == "a" * 37 + "..."
    monkeypatch.delenv("LC_ALL")
    monkeypatch.setenv("LANG", "de_DE.utf8")
    assert cut("a" * 41, 40) == "a" * 39 + "…"


def test_a_table_aligns_wide_and_painted_cells() -> None:
    assert table([("日本", "1", "x"), (f"{RED}ab{PLAIN}", "22", "y")]) == ["日本  1   x", f"{RED}ab{PLAIN}    22  y"]


def test_rows_that_do_not_fit_are_lines_of_their_own() -> None:
    rows = [("  a-branch", "b" * 9, "one thing more"), ("  another-branch", "c" * 9, "")]
    assert listed(rows, 60) == table(rows)
    assert listed(rows, 40) == [f"  a-branch  {'b' * 9}", "    one thing more", f"  another-branch  {'c' * 9}"]
    assert listed([("  a", "b" * 20, "c" * 20)], 40) == [f"  a  {'b' * 20}", f"    {'c' * 20}"]
    assert listed([("    name", "b" * 50)], 40) == ["    name", f"      {'b' * 50}"]


def test_words_are_folded_and_never_broken() -> None:
    text = " ".join(["word"] * 9)
    assert folded(text, 40, 2, "") == ["word word word word word word word word", "  word"]
    assert folded("日本 " * 8, 40, 4) == ["    " + " ".join(["日本"] * 7), "    日本"]
    assert folded("x" * 60, 40) == ["x" * 60]
