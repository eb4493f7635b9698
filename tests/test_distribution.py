"""What is distributed: everything that an installation needs, the same bytes from the checkout and from the archive."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from git_poolside.commands import COMMANDS

ROOT = Path(__file__).parent.parent


def _built(source: Path, target: str, into: Path) -> Path:
    """What hatchling makes of a source tree, `target` being ``sdist`` or ``wheel``."""
    words = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(into)]
    subprocess.run(words, cwd=source, check=True, capture_output=True)
    [made] = into.iterdir()
    return made


def test_the_source_distribution_builds_the_wheel_of_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1793491200")
    archive = _built(ROOT, "sdist", tmp_path / "sdist")
    wheel = _built(ROOT, "wheel", tmp_path / "wheel")
    (tmp_path / "unpacked").mkdir()
    subprocess.run(["tar", "-xzf", str(archive)], cwd=tmp_path / "unpacked", check=True)
    [unpacked] = (tmp_path / "unpacked").iterdir()
    again = _built(unpacked, "wheel", tmp_path / "again")
    assert (again.name, again.read_bytes()) == (wheel.name, wheel.read_bytes())
    _is_whole(wheel)


def _is_whole(wheel: Path) -> None:
    names = ZipFile(wheel).namelist()
    data = f"{'-'.join(wheel.name.split('-')[:2])}.data"
    commands = {"git-poolside", *(f"git-poolside-{name}" for name in COMMANDS)}
    assert {Path(name).name for name in names if name.startswith(f"{data}/scripts/")} == commands
    shared = f"{data}/data/share/"
    below = {name.removeprefix(shared) for name in names if name.startswith(shared)}
    pages = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("man/man?/*")}
    assert pages <= below and {f"man/man1/{name}.1" for name in commands} <= below
    assert {name.partition("/")[0] for name in below} == {"man", "bash-completion", "zsh", "fish"}
