"""The README says what is so: defaults, commands, snags and the demo's output."""

from __future__ import annotations

import re
from pathlib import Path

from git_poolside.commands import COMMANDS
from git_poolside.config import Config, Origin, parse
from git_poolside.errors import ALLOWABLE_SNAGS
from git_poolside.stack.values import replace

README = Path(__file__).parent.parent / "README.md"


def section(title: str) -> str:
    """The text below a heading."""
    return README.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def block(text: str, language: str) -> str:
    """The first fenced block of a language."""
    return text.partition(f"```{language}\n")[2].partition("```")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of a table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_the_configuration_shown_is_the_defaults() -> None:
    shown = parse(block(section(".poolside.toml"), "toml"))
    assert shown.unknown == ()
    assert replace(shown, origin=Origin.DEFAULTS, where=Config().where, text="") == Config()


def test_every_command_is_in_the_table() -> None:
    named = {re.match(r"`([a-z-]+)", row[0]) for row in rows(section("Commands"))}
    assert {found.group(1) for found in named if found} == set(COMMANDS)


def test_the_snags_that_can_be_allowed_are_those_that_can() -> None:
    allowed = {row[0].strip("`") for row in rows(section("Snags")) if row[-1].startswith("yes")}
    assert allowed == set(ALLOWABLE_SNAGS)


def test_both_commands_are_marked() -> None:
    assert "git-poolside demo" in block(README.read_text().partition("<!-- demo command -->")[2], "sh")
    assert "pytest -n auto" in block(README.read_text().partition("<!-- test command -->")[2], "sh")
