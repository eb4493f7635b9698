"""The manual: each example comes out as shown, each command has what a page of git's has, nothing is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from git_poolside.commands import COMMANDS
from git_poolside.config import parse
from git_poolside.stack.model import Verdict
from tests.examples import Session, Worlds, agrees, blocks, examples, with_printed

MANUAL = Path(__file__).parent.parent / "man"
SOURCES = sorted((MANUAL / "src").glob("*.md"))


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    return Worlds(tmp_path_factory.mktemp("worlds"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_the_examples_come_out_as_shown(
    source: Path,
    tmp_path: Path,
    installed: Path,
    worlds: Worlds,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    page = source.read_text()
    github = request.getfixturevalue("github") if "(on GitHub)" in page else None
    session = Session(tmp_path, installed, worlds, github)
    monkeypatch.setenv("COLUMNS", "80")
    printed, wrong = [], []
    for example in examples(page):
        status, text = session.run(example)
        printed.append(text)
        if status != example.exits:
            wrong.append(f"$ {example.typed}\n{text}\nexits {status}, not {example.exits}")
        elif example.shown is not None and not agrees(example.shown, text):
            wrong.append(f"$ {example.typed}\n{text}\nis not what is shown:\n{example.shown}")
    if request.config.getoption("--write-examples"):
        source.write_text(with_printed(page, printed))
        wrong = [one for one in wrong if "is not what is shown" not in one]
    assert not wrong, "\n\n".join([*wrong, "pytest tests/test_manual.py --write-examples puts in what is printed"])


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_what_is_no_console_is_right_in_its_language(source: Path) -> None:
    for language, text in blocks(source.read_text()):
        assert language in ("toml", "text"), f"nothing here tries {language}: {text}"
        if language == "toml":
            assert parse(text).unknown == ()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_described_with_examples(command: str) -> None:
    source = MANUAL / "src" / f"git-poolside-{command}.1.md"
    page = source.read_text()
    assert page.startswith(f"# git-poolside-{command}(1)\n")
    assert "\n## Description\n" in page and "\n## Examples\n" in page
    assert any(f"git poolside {command}" in example.typed for example in examples(page))


def test_every_verdict_has_its_meaning() -> None:
    page = (MANUAL / "src/git-poolside-sync.1.md").read_text()
    assert [verdict.value for verdict in Verdict if f"| `{verdict.value}` |" not in page] == ["pending"]


def test_every_page_that_is_named_is_there() -> None:
    there = {f"{path.stem}({path.suffix[1:]})" for path in MANUAL.glob("man?/*")}
    named = re.compile(r"\b(?:git-?poolside[\w-]*|poolside\.toml)\(\d\)")
    linked = re.compile(r"\]\((?:man/src/)?([\w.-]+)\.(\d)\.md")
    for source in [*SOURCES, MANUAL.parent / "README.md", MANUAL.parent / "CONTRIBUTING.md"]:
        text = source.read_text()
        assert {*named.findall(text), *(f"{name}({n})" for name, n in linked.findall(text))} <= there, source
