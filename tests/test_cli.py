"""The dispatcher and the executables, as a person's shell and git call them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from git_poolside import __version__, cli
from git_poolside.commands import COMMANDS, Parser
from tests.conftest import BIN, Run
from tests.scenario import World


def dispatch(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """What ``bin/git-poolside`` does; its exit status."""
    monkeypatch.setattr(sys, "argv", ["git-poolside", *words])
    with pytest.raises(SystemExit) as leaving:
        cli.dispatch()
    assert isinstance(leaving.value.code, int)
    return leaving.value.code


def test_every_command_has_an_executable_and_no_other(installed: Path) -> None:
    assert sorted(path.name for path in installed.iterdir()) == sorted(
        ["git-poolside", *(f"git-poolside-{name}" for name in COMMANDS)]
    )
    for name in COMMANDS:
        assert (
            BIN / f"git-poolside-{name}"
        ).read_text() == f'#!python\nfrom git_poolside.cli import run\nrun("{name}")\n'


def test_git_finds_the_dispatcher_and_the_dispatcher_the_command(simple: World, installed: Path) -> None:
    clone = simple.clone()
    done = subprocess.run(
        ["git", "poolside", "status", "--short"], cwd=clone.path, env=dict(os.environ), capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "2026-07-03 +2\n", "")
    done = subprocess.run(
        ["git", "-C", str(clone.path), "poolside-sync", "-n", "-q"], cwd="/", env=dict(os.environ),
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Would move onto the nightly of 2026-07-10")


def test_a_word_that_is_not_ours_is_looked_up_on_path(installed: Path, tmp_path: Path) -> None:
    other = installed / "git-poolside-frobnicate"
    other.write_text('#!/bin/sh\necho "frobnicating $*"\nexit 7\n')
    other.chmod(0o755)
    done = subprocess.run(
        ["git", "poolside", "frobnicate", "a b", "-n"], cwd=tmp_path, env=dict(os.environ), capture_output=True,
        text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (7, "frobnicating a b -n\n", "")


@pytest.mark.parametrize(("word", "near"), [("snyc", "sync"), ("stauts", "status"), ("pusj", "push")])
def test_a_near_miss_is_suggested(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], word: str, near: str
) -> None:
    assert dispatch(monkeypatch, word) == 129
    out, err = capsys.readouterr()
    assert (out, err) == (
        "",
        f"git-poolside: '{word}' is not a poolside command. See 'git poolside -h'.\n"
        f"\nThe most similar command is\n\t{near}\n",
    )


@pytest.mark.parametrize("word", ["xyzzy", "--frobnicate", "-x", "../../bin/sh"])
def test_an_unknown_word(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], word: str) -> None:
    assert dispatch(monkeypatch, word) == 129
    assert capsys.readouterr().err == f"git-poolside: '{word}' is not a poolside command. See 'git poolside -h'.\n"


def test_an_unknown_word_cannot_write_on_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dispatch(monkeypatch, "x\x1b[2Jy") == 129
    assert "\x1b" not in capsys.readouterr().err


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"git-poolside {__version__}\n"


def test_the_versions_of_what_is_beneath(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(monkeypatch, "--version", "--build-options") == 0
    own, git, libgit2, python = capsys.readouterr().out.splitlines()
    assert own == f"git-poolside {__version__}"
    assert git.startswith("git version 2.")
    assert re.fullmatch(r"libgit2 version \d+\.\d+\.\d+", libgit2)
    assert python.startswith(f"python version {sys.version.split()[0]} (/")


def test_the_overview_lists_every_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(monkeypatch, "-h") == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[0] == "usage: git poolside <command> [<options>]"
    assert [line.split()[0] for line in shown.splitlines() if line.startswith("   ")] == list(COMMANDS)
    assert dispatch(monkeypatch) == 129
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize("command", COMMANDS)
def test_h_is_short_help_and_needs_no_repository(tmp_path: Path, poolside: Run, command: str) -> None:
    result = poolside(tmp_path, command, "-h")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith(f"usage: git poolside {command} ")
    assert "-q, --quiet" in result.out


@pytest.mark.skipif(shutil.which("man") is None, reason="there is no man here")
@pytest.mark.parametrize("seen", [True, False], ids=["where-man-looks", "where-man-does-not-look"])
def test_help_opens_the_page(
    tmp_path: Path, installed: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], seen: bool
) -> None:
    shutil.copytree(BIN.parent / "man/man1", tmp_path / "share/man/man1")
    if seen:
        monkeypatch.setenv("MANPATH", str(tmp_path / "share/man"))
    else:
        monkeypatch.setenv("MANPATH", str(tmp_path))
        monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert dispatch(monkeypatch, "sync", "--help") == 0
    assert "git-poolside-sync - move the whole stack onto a nightly" in capfd.readouterr().out
    assert dispatch(monkeypatch, "help", "sync") == 0
    assert "git-poolside-sync - move the whole stack onto a nightly" in capfd.readouterr().out


@pytest.mark.skipif(shutil.which("man") is None, reason="there is no man here")
def test_git_help_opens_the_pages(tmp_path: Path, installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git runs man itself, and man looks beside what is on PATH (manpath(1))."""
    for folder in ("man1", "man5", "man7"):
        shutil.copytree(BIN.parent / "man" / folder, installed.parent / "share/man" / folder)
    bin_folder = installed.rename(installed.parent / "bin")
    monkeypatch.setenv("PATH", f"{bin_folder}{os.pathsep}{os.environ['PATH']}")
    for words, name in (
        (["git", "poolside", "--help"], "git-poolside - keep a fork"),
        (["git", "help", "poolside-sync"], "git-poolside-sync - move"),
        (["man", "poolside.toml"], "poolside.toml - what"),
        (["man", "gitpoolside-workflow"], "gitpoolside-workflow - how"),
        (["man", "7", "git-poolside"], "gitpoolside - the words"),
    ):
        done = subprocess.run(words, cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True)
        assert (done.returncode, name in done.stdout) == (0, True), done.stderr


def test_a_word_of_a_command_takes_what_argparse_hands_on() -> None:
    """Since Python 3.14 a subparser is given ``color`` (argparse, add_parser)."""
    word = Parser(prog="git poolside cherry-pick list", what="Show each pick.", color=True)
    assert word.color is False and word.format_usage().startswith("usage: git poolside cherry-pick list ")


@pytest.mark.parametrize(
    ("words", "error", "near"),
    [
        (["sync", "--cont"], "unrecognized arguments: --cont", "option is\n\t--continue"),
        (["sync", "--nighlty=2026-07-10"], "unrecognized arguments: --nighlty=2026-07-10", "option is\n\t--nightly"),
        (["cherry-pick", "drop", "1", "--raeson", "x"], "unrecognized arguments: --raeson x", "option is\n\t--reason"),
        (["cherry-pick", "ls"], "argument WORD: invalid choice: 'ls' (choose from", "word is\n\tlist"),
        (["sync", "--xyzzy"], "unrecognized arguments: --xyzzy", ""),
        (["log", "-x"], "unrecognized arguments: -x", ""),
        (["cherry-pick", "frobnicate"], "argument WORD: invalid choice: 'frobnicate' (choose from", ""),
        (["sync", "here"], "unrecognized arguments: here", ""),
    ],
)
def test_a_near_miss_of_an_option_or_a_word_is_suggested(
    tmp_path: Path, poolside: Run, words: list[str], error: str, near: str
) -> None:
    result = poolside(tmp_path, *words)
    said, _, suggested = result.err.partition("\n\nThe most similar ")
    assert (result.status, result.out, suggested) == (129, "", f"{near}\n" if near else "")
    assert said.splitlines()[-1].startswith(f"error: {error}")


def test_quiet_says_nothing_but_hints_and_errors(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    result = poolside(clone, "sync", "-q", "-n")
    assert result.status == 0
    assert not [line for line in result.err.splitlines() if not line.startswith(("hint: ", "error: "))]


@pytest.mark.parametrize(
    ("arguments", "environment", "coloured"),
    [
        ((), {}, False),
        (("--color",), {}, True),
        (("--color=never",), {}, False),
        (("--color=always",), {"NO_COLOR": "1"}, True),
    ],
)
def test_colour_is_gits(
    simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...],
    environment: dict[str, str], coloured: bool,
) -> None:  # fmt: skip
    clone = simple.clone()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in poolside(clone, "sync", "-n", *arguments).out) == coloured


def test_colour_ui_always_colours_and_no_color_wins(
    simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = simple.clone()
    clone.git("config", "color.ui", "always")
    assert "\x1b[" in poolside(clone, "sync", "-n").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in poolside(clone, "sync", "-n").out


def test_a_bug_is_70_with_the_traceback_in_a_file(
    simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import tempfile

    clone = simple.clone()
    monkeypatch.setattr("git_poolside.commands.log.run", lambda *_: "x".index("https://me:s3cret@h/x"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    result = poolside(clone, "log")
    [file] = tmp_path.glob("git-poolside-*.txt")
    assert (result.status, result.out) == (70, "")
    assert "Traceback" not in result.err
    assert f"hint: the details are in {file}: please report them" in result.err.splitlines()
    assert "Traceback (most recent call last)" in file.read_text()
