"""What a step of GitHub Actions says to its runner, and what nobody else can say through it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_poolside import actions
from git_poolside.markdown import cell, code


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("::error::x", ": :error::x"),
        ("a\n \t::add-mask::x\n", "a\n \t: :add-mask::x\n"),
        ("a ::b::", "a ::b::"),
        ("x ##[error]y", "x ## [error]y"),
        ("50%\r::error::x", "50%\r: :error::x"),
        (":::error::", ": ::error::"),
        ("\u2003::notice::x", "\u2003: :notice::x"),
    ],
)
def test_P13_what_looks_like_a_command_does_not_any_more(text: str, harmless: str) -> None:
    assert actions.harmless(text) == harmless


@given(st.text(st.sampled_from(":# []\n\r\t\x85\u2028ae\u00a0%")))
def test_P13_no_text_is_a_command(text: str) -> None:
    """As actions/runner reads a line: without the white space before it, and ``##[`` anywhere (ActionCommand.cs)."""
    for line in actions.harmless(text).replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        assert not line.strip().startswith("::") and "##[" not in line


def test_an_annotation_is_one_line_that_the_runner_takes_apart_again() -> None:
    made = actions.annotation("error", "a: b, c", "100%\r\nof it::")
    assert made == "::error title=a%3A b%2C c::100%25%0D%0Aof it::"


def test_a_summary_is_no_longer_than_GitHub_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    actions.summarise("first\n")
    actions.summarise("x" * 2_000_000)
    assert file.read_bytes().startswith(b"first\n\nx") and len(file.read_bytes()) < 1_048_576


@given(st.text())
def test_P13_code_spans_hold_any_text(text: str) -> None:
    """A span is closed by just as many backticks as opened it, and is on one line (CommonMark, "Code spans")."""
    span = code(text)
    fence = span[: len(span) - len(span.lstrip("`"))]
    inside = span[len(fence) : -len(fence)]
    assert span.endswith(fence) and "\n" not in span and "\r" not in span
    assert all(len(run) != len(fence) for run in re.findall("`+", inside))
    assert "|" not in cell(text).replace("\\|", "")
