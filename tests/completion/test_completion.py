"""``git poolside completion``: printing, installing, taking away."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from git_poolside.commands import COMMANDS
from tests.conftest import BIN, Run

NAMES = ["git-poolside", *(f"git-poolside-{name}" for name in COMMANDS)]


def below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The installation's own bin is on PATH, so that man finds its pages."""
    monkeypatch.setenv("PATH", f"{sys.prefix}/bin{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("shell", "files"),
    [
        ("bash", [f".local/share/bash-completion/completions/{name}" for name in NAMES]),
        ("zsh", [".local/share/zsh/site-functions/_git-poolside"]),
        (
            "fish",
            [*(f".config/fish/completions/{name}.fish" for name in NAMES), ".config/fish/conf.d/git-poolside.fish"],
        ),
    ],
)
def test_install_and_uninstall_leave_nothing(tmp_path: Path, poolside: Run, shell: str, files: list[str]) -> None:
    home = Path(os.environ["HOME"])
    before = below(home)
    done = poolside(tmp_path, "completion", shell, "--install")
    folder = (home / files[0]).parent
    assert (done.status, done.out) == (0, f"Installed in {folder}\n")
    assert below(home) == sorted([*before, *files])
    assert poolside(tmp_path, "completion", shell, "--install").out == f"Nothing to do in {folder}.\n"
    (home / files[0]).write_text("an older one\n")
    assert poolside(tmp_path, "completion", shell, "--install").out == f"Installed in {folder}\n"
    assert poolside(tmp_path, "completion", shell, "--uninstall").out == f"Taken from {folder}\n"
    assert poolside(tmp_path, "completion", shell, "--uninstall").out == f"Nothing to do in {folder}.\n"
    assert below(home) == before


@pytest.mark.skipif(shutil.which("man") is None, reason="there is no man here")
def test_pages_that_man_does_not_find_are_put_where_it_looks(
    tmp_path: Path, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after ``uv tool install``: an executable in ~/.local/bin, the rest in a folder of its own."""
    home = Path(os.environ["HOME"])
    for folder in ("man1", "man5", "man7"):
        shutil.copytree(BIN.parent / "man" / folder, tmp_path / "tool/share/man" / folder)
    (home / ".local/bin").mkdir(parents=True)
    monkeypatch.setenv("PATH", f"{home}/.local/bin{os.pathsep}{os.environ['PATH'].partition(os.pathsep)[2]}")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "tool"))
    assert poolside(tmp_path, "completion", "bash", "--install").status == 0
    for page in ("git-poolside", "git-poolside-sync", "poolside.toml", "gitpoolside-workflow"):
        found = subprocess.run(["man", "-w", page], capture_output=True, text=True).stdout
        assert found.startswith(f"{home}/.local/share/man/"), page
    assert poolside(tmp_path, "completion", "bash", "--uninstall").status == 0
    assert below(home / ".local") == []


def test_zsh_is_told_the_line_that_it_needs(tmp_path: Path, poolside: Run) -> None:
    folder = Path(os.environ["HOME"]) / ".local/share/zsh/site-functions"
    done = poolside(tmp_path, "completion", "zsh", "--install")
    assert done.err == f"hint: fpath=({folder} $fpath)   (a line for ~/.zshrc, before it calls compinit)\n"


def test_the_places_that_the_environment_names(tmp_path: Path, poolside: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASH_COMPLETION_USER_DIR", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for shell, folder in (("bash", "own/completions"), ("zsh", "data/zsh/site-functions"), ("fish", "config/fish")):
        assert poolside(tmp_path, "completion", shell, "--install").status == 0
        assert below(tmp_path / folder)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, poolside: Run) -> None:
    (Path(os.environ["HOME"]) / ".config").write_text("a file\n")
    done = poolside(tmp_path, "completion", "fish", "--install")
    assert (done.status, done.out) == (1, "")
    assert done.err.endswith("hint: git poolside completion fish   (prints it, to put it elsewhere)\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_is_printed_is_of_the_shell(tmp_path: Path, poolside: Run, shell: str) -> None:
    import shutil

    printed = poolside(tmp_path, "completion", shell).out
    assert all(name in printed for name in NAMES)
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    checked = subprocess.run([shell, "-n"], input=printed, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_an_unknown_shell(tmp_path: Path, poolside: Run) -> None:
    done = poolside(tmp_path, "completion", "tcsh")
    assert done.status == 129
    assert "choose from" in done.err
