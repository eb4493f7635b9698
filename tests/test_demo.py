"""``git poolside demo``: the first thing that a newcomer runs, on real git from end to end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from git_poolside.demo import story
from git_poolside.demo.histories import SOFTMAX, WORKFLOW
from git_poolside.demo.story import STEPS, Step
from git_poolside.docs.session import with_session
from git_poolside.docs.stack import with_stack
from tests.conftest import Run
from tests.scenario import Repo, Result
from tests.test_readme import README


def test_it_plays_to_its_end_as_the_readme_shows_it(tmp_path: Path) -> None:
    folder, result = _played(tmp_path / "first")
    _every_step_comes_out_as_told(result)
    _narration_and_commands_fit_a_hundred_columns(result, folder)
    _the_server_has_the_synced_fork(folder)
    _the_clone_is_on_its_branch_with_nothing_in_flight(folder)
    _the_home_is_neither_read_nor_written(folder.parent / "home")
    _the_readme_shows_what_it_prints(result, folder)


def _played(root: Path) -> tuple[Path, Result]:
    """A run outside any repository, with nothing of ours on PATH and a home whose git settings are broken."""
    home, folder = root / "home", root / "fork and all"
    (home / ".config/git").mkdir(parents=True)
    (home / ".gitconfig").write_text("[this is no configuration\n")
    (home / ".config/git/ignore").write_text("*\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "XDG_", "NO_COLOR"))}
    environment |= {"HOME": str(home), "PATH": _path_without_ours(), "COLUMNS": "100", "PYTHONDONTWRITEBYTECODE": "1"}
    places = [str(Path(place).absolute()) for place in sys.path]
    code = f"import sys; sys.path[:] = {places!r}; from git_poolside.cli import run; run('demo')"
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        capture_output=True,
        text=True,
        cwd=root,
        env=environment,
        check=False,
    )
    return folder, Result(done.returncode, done.stdout, done.stderr)


def _path_without_ours() -> str:
    places = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(place for place in places if not (Path(place) / "git-poolside").exists())


def _repo(folder: Path) -> Repo:
    return Repo(folder, os.environ)


def _every_step_comes_out_as_told(result: Result) -> None:
    assert (result.status, result.err) == (0, "")
    typed = [line for line in result.out.splitlines() if line.startswith("$ ")]
    assert typed[: len(STEPS)] == [f"$ {step.command}" for step in STEPS]
    assert "fatal:" not in result.out and "warning:" not in result.out and "wrong " not in result.out


def _narration_and_commands_fit_a_hundred_columns(result: Result, folder: Path) -> None:
    said = [line for line in result.out.splitlines() if line.startswith(("# ", "$ "))]
    assert [line for line in said if len(line) > 100 and str(folder) not in line] == []


def _the_server_has_the_synced_fork(folder: Path) -> None:
    upstream, server, clone = (_repo(folder / name) for name in ("upstream.git", "fork.git", "clone"))
    target = upstream.rev("main")
    assert server.refs() == clone.refs()
    assert server.rev("main") == target
    assert server.subjects("main..poolside-cherry-picks") == ["Compute attention in blocks of rows (#407)"]
    assert server.subjects("poolside-cherry-picks..poolside-main") == [
        "Build our own nightly wheels",
        "Name our own package index",
        "Compute softmax in float32",
        "Read sixteen batches ahead",
        "Add the configuration of git poolside",
        "Set the version to the nightly of 2026-07-17",
    ]
    assert "dev20260717+cu126" in server.show("poolside-main", WORKFLOW)
    assert "<<<" not in server.show("poolside-main", SOFTMAX)
    assert list(server.refs("refs/poolside/published")) == ["refs/poolside/published/2026-07-17-1"]


def _the_clone_is_on_its_branch_with_nothing_in_flight(folder: Path) -> None:
    clone = _repo(folder / "clone")
    assert clone.git("symbolic-ref", "--short", "HEAD") == "poolside-main"
    assert clone.git("status", "--porcelain", "--ignored") == ""
    assert [ref for ref in clone.refs("refs/poolside") if "stopped" in ref] == []


def _the_home_is_neither_read_nor_written(home: Path) -> None:
    files = sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file())
    assert files == [".config/git/ignore", ".gitconfig"]
    assert (home / ".gitconfig").read_text() == "[this is no configuration\n"


def _the_readme_shows_what_it_prints(result: Result, folder: Path) -> None:
    readme = README.read_text()
    assert readme == with_stack(readme, folder / "clone"), "python -m git_poolside.docs --session"
    assert readme == with_session(readme, result.out), "python -m git_poolside.docs --session"


def test_a_folder_with_anything_in_it_is_refused(tmp_path: Path, poolside: Run) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes").write_text("dear\n")
    result = poolside(tmp_path, "demo", "mine")
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("error: 'mine' is not empty")
    assert [path.name for path in mine.iterdir()] == ["notes"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path, poolside: Run) -> None:
    (tmp_path / "file").write_text("")
    result = poolside(tmp_path, "demo", "file")
    assert result.status == 1
    assert "cannot make the demo in 'file'" in result.err


def test_a_step_that_does_not_come_out_ends_it_as_a_bug(
    tmp_path: Path, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(story, "STEPS", (Step("Nothing is stopped.", "git poolside sync --skip"),))
    result = poolside(tmp_path, "demo", "here")
    assert result.status == 70
    assert "the demo's step 'git poolside sync --skip' exited 1, not 0" in result.err


def test_a_closed_pipe_ends_it_quietly(tmp_path: Path, poolside: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "STEPS", (Step("As under head(1).", "sh -c 'exit 141'"),))
    result = poolside(tmp_path, "demo", "here")
    assert (result.status, result.err) == (141, "")
