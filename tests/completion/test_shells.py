"""The three shells as a person has them: TAB is pressed, and what appears is compared."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from git_poolside.commands import COMMANDS
from git_poolside.errors import ALLOWABLE_SNAGS
from tests.completion.terminal import Terminal
from tests.conftest import Run, copied
from tests.scenario import Repo, World

BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")
HOSTILE = "Sneak: `touch pwned` $(touch pwned) %F{red} \x1b[31m\x07 'x\" \\n 日本\ttab"
SHOWN = "Sneak: `touch pwned` $(touch pwned) %F{red} ^[[31m^G 'x\" \\n 日本 tab"
BRANCH = "b;touch${IFS}pwned"

Offers = list[tuple[str, str]]


class Shell:
    """A shell with our completion installed, at its prompt."""

    def __init__(self, name: str, folder: Path, home: Path) -> None:
        words = {
            "bash": ["bash", "--noprofile", "--rcfile", str(home / ".bashrc"), "-i"],
            "zsh": ["zsh", "-i"],
            "fish": ["fish", "-i"],
        }
        (home / ".bashrc").write_text(f". {BASH_COMPLETION}\nPS1='$ '\nbind 'set bell-style none'\n")
        fpath = f"fpath=({home}/.local/share/zsh/site-functions $fpath)"
        (home / ".zshrc").write_text(
            f"{fpath}\nautoload -U compinit\ncompinit -D -u\nPS1='$ '\nunsetopt beep prompt_sp\n"
        )
        fish = home / ".config" / "fish"
        fish.mkdir(parents=True, exist_ok=True)
        (fish / "config.fish").write_text("function fish_prompt; echo -n '$ '; end\nset -g fish_greeting\n")
        self.name = name
        self.terminal = Terminal(words[name], folder, os.environ)
        assert self.terminal.shows(["$"]) == ["$"]

    def offers(self, typed: str, expected: Offers) -> Offers:
        """What is listed with its meaning once TAB is pressed behind `typed`, as soon as it is as expected."""
        self._clear()
        self.terminal.type(typed)
        self.terminal.until(lambda lines: bool(lines) and lines[0] == f"$ {typed}".rstrip())
        self.terminal.type({"bash": "\t\t\t", "zsh": "\t\t", "fish": "\t"}[self.name])  # what is common comes first
        if self.name == "fish" and typed.startswith("git "):  # it sorts what another command's completion gave
            return sorted(self._listed(self.terminal.until(lambda lines: sorted(self._listed(lines)) == expected)))
        return self._listed(self.terminal.until(lambda lines: self._listed(lines) == expected))

    def line(self, typed: str, expected: str) -> str:
        """The command line once TAB is pressed behind `typed`."""
        self._clear()
        self.terminal.type(typed + "\t")
        return self.terminal.until(lambda lines: lines[:1] == [f"$ {expected}"])[0].removeprefix("$ ")

    def _clear(self) -> None:
        self.terminal.type("\x15\x0c")
        assert self.terminal.shows(["$"]) == ["$"]

    def _listed(self, lines: list[str]) -> Offers:
        pattern = {
            "bash": r"^(\S+) {2,}(.*)$",
            "zsh": r"^(\S+) +-- (.*)$",
            "fish": r"(?:^|(?<=  ))(\S+) +\((.*?)\)(?=  |$)",
        }[self.name]
        shown = [found for line in lines if line[:2] != "$ " for found in re.findall(pattern, line)]
        return list(dict.fromkeys(shown))


def _world(world: World) -> None:
    world.land({"version.txt": "2.9.0a0\n", "a.py": "a\n"}, "Begin", 1)
    world.nightly("2026-07-03")
    world.fork_at()
    landed = [world.land({name: "new\n"}, f"Add {name}", 11 + at) for at, name in enumerate(("b.py", "c.py"))]
    world.nightly("2026-07-10")
    for commit in landed:
        world.pick(commit)
    world.patch({"own.txt": "own\n"}, "Add a file of our own\n")
    world.patch({"other.txt": "own\n"}, HOSTILE + "\n")
    world.land({"d.py": "new\n"}, "Add d.py", 13)
    world.nightly("2026-07-17")


@pytest.fixture
def clone(request: pytest.FixtureRequest, tmp_path: Path, poolside: Run) -> Repo:
    """A clone with two nightlies to go to, two picks, two patches and two operations."""
    made = copied(request, _world, tmp_path / "world").clone()
    assert poolside(made, "cherry-pick", "drop", "Add b.py", "--no-fetch").status == 0
    assert poolside(made, "undo").status == 0
    made.git("branch", BRANCH)
    return made


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell(
    request: pytest.FixtureRequest,
    clone: Repo,
    poolside: Run,
    installed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Shell]:
    name = request.param
    if shutil.which(name) is None or (name == "bash" and not BASH_COMPLETION.exists()):
        pytest.skip(f"{name} with its completions is not installed")
    assert poolside(clone, "completion", name, "--install").status == 0
    made = Shell(name, clone.path, tmp_path / "home")
    try:
        yield made
    finally:
        made.terminal.close()


def test_commands_options_and_live_values(shell: Shell, clone: Repo, poolside: Run) -> None:
    """One shell for all, since starting it is most of the time."""
    subjects = {subject: oid[:9] for oid, subject in _commits(clone)}
    patches = [(subjects[HOSTILE], SHOWN), (subjects["Add a file of our own"], "Add a file of our own")]
    picks = [(subjects[s], s) for s in ("Add b.py (#11)", "Add c.py (#12)")]
    nightlies = [("2026-07-17", "Add d.py (#13)"), ("2026-07-10", "Add c.py (#12)")]
    by_name = sorted(COMMANDS.items())
    operations = _operations(clone, poolside)
    words = [
        ("add", "add upstream's commits or pull requests as picks, on top of the others"),
        ("drop", "take picks out"),
        ("list", "show each pick with what became of it upstream"),
        ("move", "move a patch into another layer, or below another patch"),
        ("update", "take the newer versions of pull requests that picks came from"),
    ]
    options = [
        ("--carry", "replay what came later on top"),
        ("--color", "colour the output; the default follows color.ui and NO_COLOR"),
        ("--config", "read FILE instead of .poolside.toml"),
    ]
    for typed, expected in (
        ("git poolside ", by_name),
        ("git-poolside ", by_name),
        ("git poolside cherry-pick ", words),
        ("git poolside sync --nightly ", nightlies),
        ("git-poolside-sync --nightly ", nightlies),
        ("git poolside cherry-pick drop ", picks),
        ("git-poolside-cherry-pick drop ", picks),
        (f"git-poolside cherry-pick drop {picks[0][0]} ", picks),
        ("git poolside sync --keep ", [*patches, *picks]),
        ("git poolside undo ", operations),
        ("git-poolside-undo ", operations),
        ("git poolside sync --allow ", list(ALLOWABLE_SNAGS.items())),
        ("git-poolside-undo --push --c", options),
    ):
        wanted = sorted(expected) if shell.name == "fish" and typed.startswith("git ") else expected
        assert shell.offers(typed, wanted) == wanted, typed
    for typed, completed in (
        ("git poolside st", "git poolside status"),
        ("git-poolside-sync --no-f", "git-poolside-sync --no-fetch"),
        ("git poolside sync --allow older", "git poolside sync --allow older-nightly"),
        ("git-poolside-sync --nightly=2026-07-17", "git-poolside-sync --nightly=2026-07-17"),
        ("git poolside completion z", "git poolside completion zsh"),
        ("git -C . poolside doc", "git -C . poolside doctor"),
    ):
        assert shell.line(typed, completed) == completed
    assert b"\x1b[31m\x07" not in shell.terminal.raw


def test_a_name_from_elsewhere_cannot_run_anything_p13(shell: Shell, clone: Repo) -> None:
    quoted = {"bash": r"b\;touch\$\{IFS\}pwned", "zsh": r"b\;touch\$\{IFS\}pwned", "fish": r"b\;touch\$\{IFS\}pwned"}
    line = f"git-poolside-init --patches {quoted[shell.name]}"
    assert shell.line("git-poolside-init --patches b", line) == line
    shell.terminal.type(" --config /nowhere\r")
    shell.terminal.until(lambda lines: lines[-1] == "$")
    assert not (clone.path / "pwned").exists()


def _commits(clone: Repo) -> list[tuple[str, str]]:
    lines = clone.git("log", "--format=%H%x00%s", "poolside-main").splitlines()
    return [(oid, subject) for oid, _, subject in (line.partition("\0") for line in lines)]


def _operations(clone: Repo, poolside: Run) -> Offers:
    listed = json.loads(poolside(clone, "log", "--json").out)["operations"]
    return [(one["id"], " ".join(one["command"])) for one in listed]
