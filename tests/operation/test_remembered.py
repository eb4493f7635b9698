"""``status`` remembers what it found, for as long as nothing moves and not longer."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from git_poolside.operation import survey as surveys
from git_poolside.operation.remembered import Survey
from tests.conftest import Run
from tests.scenario import World


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one each time that everything is read anew."""
    made: list[int] = []
    real = surveys.survey

    def counting(*arguments: Any) -> Survey:
        made.append(1)
        return real(*arguments)

    monkeypatch.setattr(surveys, "survey", counting)
    return made


def test_status_is_read_anew_when_something_moved_and_only_then(
    simple: World, poolside: Run, counted: list[int]
) -> None:
    clone = simple.clone()
    first = poolside(clone, "status", "--json")
    assert (poolside(clone, "status", "--json"), len(counted)) == (first, 1)
    clone.git("commit", "-q", "--allow-empty", "-m", "Mine")
    moved = poolside(clone, "status", "--json")
    assert (len(counted), moved.out == first.out) == (2, False)
    clone.git("reset", "-q", "--hard", "HEAD~1")
    assert (poolside(clone, "status", "--json"), len(counted)) == (first, 3)
    clone.git("update-ref", "refs/remotes/upstream/nightly", "refs/remotes/upstream/nightly~1")
    poolside(clone, "status", "--json")
    assert len(counted) == 4


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": 1, "survey": {}}'])
def test_a_damaged_memory_is_no_memory(simple: World, poolside: Run, counted: list[int], content: str) -> None:
    clone = simple.clone()
    first = poolside(clone, "status")
    (clone.path / ".git/poolside/status.json").write_text(content)
    assert (poolside(clone, "status"), len(counted)) == (first, 2)


def test_status_in_a_repository_that_cannot_be_written(simple: World, poolside: Run, counted: list[int]) -> None:
    clone = simple.clone()
    (clone.path / ".git/poolside").write_text("not a folder\n")
    first = poolside(clone, "status")
    assert first.status == 0
    assert (poolside(clone, "status"), len(counted)) == (first, 2)


def test_a_remembered_status_imports_next_to_nothing(simple: World, poolside: Run) -> None:
    """Start-up counts: neither libgit2 nor what talks to a server is imported where nothing has to be read."""
    clone = simple.clone()
    assert poolside(clone, "status").status == 0
    script = (
        "import sys\nfrom git_poolside.cli import main\nmain('status', [])\n"
        "print(sorted({'pygit2', 'sh', 'requests', 'asyncio', 'git_poolside.operation.survey',"
        " 'git_poolside.stack.verdict', 'hashlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        cwd=clone.path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert (done.stdout.splitlines()[-1], done.returncode) == ("[]", 0), done.stderr
