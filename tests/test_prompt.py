"""``status --short`` at every prompt: what was kept is said only while it is still so."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from git_poolside import cli
from git_poolside.prompt import recall
from tests.conftest import Run
from tests.scenario import Repo, World

Short = Callable[[Repo], tuple[str, bool]]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Short:
    """The line that a prompt gets, and whether it was kept from the last time."""

    def run(clone: Repo) -> tuple[str, bool]:
        monkeypatch.chdir(clone.path)
        kept = recall() is not None
        monkeypatch.setattr(sys, "argv", ["git-poolside", "status", "--short"])
        capfd.readouterr()
        with pytest.raises(SystemExit):
            cli.dispatch()
        return capfd.readouterr().out, kept

    return run


def test_the_line_is_kept_until_something_moves(simple: World, poolside: Run, short: Short) -> None:
    clone = simple.clone()
    assert short(clone) == ("2026-07-03 +2\n", False)
    assert short(clone) == ("2026-07-03 +2\n", True)
    clone.git("commit", "-q", "--allow-empty", "-m", "Ours")
    assert short(clone) == ("2026-07-03 +2 unpushed\n", False)
    assert short(clone) == ("2026-07-03 +2 unpushed\n", True)
    assert poolside(clone, "sync", "--push").status == 0
    assert short(clone) == ("2026-07-10\n", False)
    assert short(clone) == ("2026-07-10\n", True)


def test_a_stop_is_said_at_once_and_forgotten_at_once(stuck: World, poolside: Run, short: Short) -> None:
    clone = stuck.clone()
    assert short(clone)[0] == "2026-07-03 +2\n"
    assert poolside(clone, "sync").status == 3
    line, kept = short(clone)
    assert (line.startswith("2026-07-03 +2 STOPPED at "), kept) == (True, False)
    assert short(clone) == (line, True)
    assert poolside(clone, "sync", "--abort").status == 0
    assert short(clone) == ("2026-07-03 +2\n", False)


def test_another_configuration_is_noticed(simple: World, short: Short, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = simple.clone()
    assert [short(clone)[1] for _ in range(2)] == [False, True]
    (clone.path / ".poolside.toml").write_text('[nightly]\nsource = "tip"\n')  # HEAD is the patches branch: it rules
    assert [short(clone)[1] for _ in range(2)] == [False, False]
    clone.git("add", ".poolside.toml")
    clone.git("commit", "-q", "-m", "Configure")
    assert [short(clone)[1] for _ in range(2)] == [False, True]
    clone.git("config", "poolside.branch", "main")
    assert short(clone)[1] is False
    clone.git("config", "poolside.branch", "poolside-main")
    monkeypatch.setenv("GIT_POOLSIDE_CONFIG", str(clone.path / ".poolside.toml"))
    assert [short(clone)[1] for _ in range(2)] == [False, False]


def test_a_torn_or_foreign_file_is_made_anew(simple: World, short: Short) -> None:
    clone = simple.clone()
    short(clone)
    for text in ("", "2026-01-01 +999\n", "a\nb\nc\nd"):
        (clone.path / ".git/poolside/prompt").write_text(text)
        assert short(clone) == ("2026-07-03 +2\n", False)
        assert short(clone) == ("2026-07-03 +2\n", True)


def test_in_a_subfolder_a_linked_worktree_and_nowhere(
    simple: World, short: Short, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = simple.clone()
    short(clone)
    assert short(Repo(clone.path / "lib", os.environ)) == ("2026-07-03 +2\n", True)
    clone.git("worktree", "add", "-q", "--detach", str(tmp_path / "linked"), "upstream/main")
    assert short(Repo(tmp_path / "linked", os.environ)) == ("2026-07-03 +2\n", True)
    monkeypatch.chdir(tmp_path)
    assert recall() is None


RECIPES = Path(__file__).parent.parent / "man/src/git-poolside-status.1.md"


@pytest.mark.parametrize(
    ("shell", "words", "shown"),
    [
        ("bash", ["bash", "--norc", "-c", "BASH\necho \"${PS1@P}\""], "CLONE 2026-07-03 +2 # "),
        ("zsh", ["zsh", "-f", "-c", "FUNCTION\nZSH\nprint -P \"$PROMPT\""], "CLONE 2026-07-03 +2 # "),
        ("fish", ["fish", "--no-config", "-c", "FISH\nfish_right_prompt"], "2026-07-03 +2"),
        ("starship", ["sh", "-c", "WHEN && COMMAND"], "2026-07-03 +2"),
    ],
)  # fmt: skip
def test_the_recipes_of_the_manual(simple: World, installed: Path, shell: str, words: list[str], shown: str) -> None:
    """As each shell reads them; starship's two commands as it runs them."""
    if shutil.which(words[0]) is None:
        pytest.skip(f"{shell} is not installed")
    bash, zsh, fish, starship = re.findall(r"```text\n(.*?)```", RECIPES.read_text(), re.DOTALL)
    custom = tomllib.loads(starship)["custom"]["poolside"]
    said = {"BASH": bash, "FUNCTION": bash.splitlines()[0], "ZSH": zsh, "FISH": fish,
            "WHEN": custom["when"] + " >/dev/null", "COMMAND": custom["command"]}  # fmt: skip
    clone = simple.clone()
    asked = [re.sub("[A-Z]{3,}", lambda found: said.get(found[0], found[0]), word) for word in words]
    done = subprocess.run(asked, cwd=clone.path, env=dict(os.environ), capture_output=True, text=True, check=False)
    prompt = done.stdout.rstrip("\n").replace(str(clone.path), "CLONE")
    assert (prompt.replace("$ ", "# ").replace("% ", "# "), done.stderr) == (shown, "")
