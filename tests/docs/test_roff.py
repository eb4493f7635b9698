"""Markdown to man(7): nothing is lost, nothing is taken for a request."""

from __future__ import annotations

import pytest

from git_poolside.docs.roff import folded, sections


def lines(markdown: str) -> list[str]:
    return sections(f"# page(7): what\n\n## One\n\n{markdown}\n")["One"]


@pytest.mark.parametrize(
    ("markdown", "roff"),
    [
        ("a *b* **c** `d`", ["a \\fIb\\fR \\fBc\\fR \\fBd\\fR"]),
        ("see git-rebase(1) there", ["see \\fBgit\\-rebase\\fR(1) there"]),
        ("[poolside.toml(5)](poolside.toml.5.md)", ["\\fBpoolside.toml\\fR(5)"]),
        ("[words](https://example.com/a-b)", ["words (https://example.com/a\\-b)"]),
        ("a\n.b\n'c", ["a", "\\&.b", "\\(aqc"]),
        ("`C:\\x` -- `^~`", ["\\fBC:\\ex\\fR \\-\\- \\fB\\(ha\\(ti\\fR"]),
        ("one\n\ntwo", ["one", ".PP", "two"]),
        ("### Sub\n\ntext", [".SS Sub", "text"]),
        ("- a\n- b\n\n  c", [".IP \\(bu 2", "a", ".IP \\(bu 2", "b", ".IP", "c"]),
        ("1. a\n2. b", [".IP 1. 4", "a", ".IP 2. 4", "b"]),
        ("| k | v |\n|---|---|\n| `x` | y |", [".TP", "\\fBx\\fR", "y"]),
        ("| k | v | w |\n|---|---|---|\n| x | y | z |", [".TP", "x", "y", ".br", "w: z"]),
        ("a\n\n```text\n.b  c\n```", ["a", ".PP", ".RS 4", ".nf", "\\&.b  c", ".fi", ".RE"]),
        ("a\n\n<!-- $ hidden -->", ["a"]),
    ],
)
def test_what_the_pages_use(markdown: str, roff: list[str]) -> None:
    assert lines(markdown) == roff


@pytest.mark.parametrize("markdown", ["> quoted", "#### deep", "![a picture](x.png)", "a <b>c</b>", "---"])
def test_anything_else_is_an_error(markdown: str) -> None:
    with pytest.raises(ValueError, match="the manual has no"):
        lines(markdown)


def test_running_text_is_folded_and_what_is_set_in_is_not() -> None:
    long = " ".join(["words"] * 30)
    assert max(map(len, folded([long]))) <= 78
    assert list(folded([".nf", long, ".fi"])) == [".nf", long, ".fi"]
    assert list(folded([".TP", long])) == [".TP", long]


def test_no_folded_line_becomes_a_request() -> None:
    made = list(folded([" ".join(["x" * 70, ".so", "/etc/passwd"])]))
    assert not [line for line in made if line.startswith((".", "'"))]
