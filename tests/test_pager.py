"""A pager as git starts one: on a terminal alone, and the one that git would take."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.completion.terminal import Terminal
from tests.conftest import Run
from tests.scenario import Repo, World

Shown = Callable[..., list[str]]


@pytest.fixture
def clone(simple: World, poolside: Run) -> Repo:
    made = simple.clone()
    assert poolside(made, "sync").status == 0
    return made


@pytest.fixture
def shown(clone: Repo, installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shown]:
    """What stands on a terminal once a command line has ended."""
    open_ones: list[Terminal] = []
    monkeypatch.delenv("COLUMNS")

    def run(line: str, pager: str | None = "sed 's/^/| /'") -> list[str]:
        environment = {**os.environ, **({"GIT_PAGER": pager} if pager is not None else {})}
        terminal = Terminal(["sh", "-c", f'{line}; echo "exit $?"'], clone.path, environment, 80)
        open_ones.append(terminal)
        return terminal.until(lambda lines: bool(lines) and lines[-1].startswith("exit "))

    yield run
    for terminal in open_ones:
        terminal.close()


def test_long_output_goes_to_gits_pager(shown: Shown, clone: Repo) -> None:
    lines = shown("git poolside log")
    assert lines[-1] == "exit 0"
    assert lines[0].startswith("| ") and lines[0].endswith("  sync")
    assert all(line.startswith("| ") for line in lines[:-1])
    assert all(line.startswith("| ") for line in shown("git poolside range-diff")[:-1])
    assert not any(line.startswith("| ") for line in shown("git poolside status"))
    assert not any(line.startswith("| ") for line in shown("git poolside log --json"))
    assert not any(line.startswith("| ") for line in shown("git poolside log | cat"))
    assert not any(line.startswith("| ") for line in shown("git --no-pager poolside log"))


def test_the_configuration_chooses_the_pager(shown: Shown, clone: Repo) -> None:
    clone.git("config", "core.pager", "sed 's/^/core /'")
    assert shown("git poolside log", None)[0].startswith("core ")
    clone.git("config", "pager.poolside-log", "sed 's/^/ours /'")
    assert shown("git poolside log", None)[0].startswith("ours ")
    assert shown("git-poolside-range-diff", None)[0].startswith("core ")
    clone.git("config", "pager.poolside-log", "false")
    assert not shown("git poolside log", None)[0].startswith(("ours ", "core "))
    clone.git("config", "pager.poolside", "false")
    assert not shown("git poolside range-diff", None)[0].startswith("core ")
    assert not shown("git-poolside-range-diff", None)[0].startswith("core ")


def test_an_error_is_seen_and_a_reader_who_leaves_early_is_fine(shown: Shown) -> None:
    lines = shown("git poolside range-diff nonsense")
    assert lines == [
        "error: no operation with the id 'nonsense'",
        "hint: git poolside log   (lists them)",
        "exit 1",
    ]
    assert shown("git poolside log", "true")[-1] in ("exit 0", "exit 141")
