"""One operation at a time in a repository (edge case P9)."""

from __future__ import annotations

import json
import os
import socket

import pytest

from git_poolside.git.process import open_repository
from git_poolside.operation import lock
from tests.conftest import Run
from tests.operation.test_stopped import everything
from tests.scenario import World


@pytest.mark.parametrize(
    "command", [["sync"], ["sync", "--continue"], ["sync", "--abort"], ["push"], ["undo"], ["init"]]
)
def test_P9_the_second_operation_is_refused_naming_the_first(simple: World, poolside: Run, command: list[str]) -> None:
    clone = simple.clone()
    before = everything(clone)
    with lock.hold(open_repository(clone.path), ["push", "--json"]):
        result = poolside(clone, *command)
    assert (result.status, result.err.splitlines()) == (
        1,
        [
            "error: another poolside operation is running here: "
            f"'git poolside push', process {os.getpid()} on {socket.gethostname()}",
            "hint: wait until it has ended",
        ],
    )
    assert everything(clone) == before


def test_P9_another_worktree_has_the_same_lock(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    other = simple.root / "other"
    clone.git("worktree", "add", "-q", "--detach", str(other))
    with lock.hold(open_repository(clone.path), ["sync"]):
        assert poolside(other, "sync").status == 1


def test_P9_reading_commands_work_meanwhile(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    with lock.hold(open_repository(clone.path), ["sync"]):
        for command in (["status"], ["log"], ["nightly"], ["sync", "-n"]):
            assert poolside(clone, *command).status == 0, command


def test_P9_the_note_of_a_dead_process_holds_nothing(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    state = clone.path / ".git/poolside"
    state.mkdir()
    (state / "lock").write_text(json.dumps({"host": "elsewhere", "boot": "x", "pid": 1, "command": "sync"}))
    assert poolside(clone, "sync").status == 0
    assert (state / "lock").read_text() == ""


def test_P9_a_note_that_cannot_be_read_is_said(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    git = open_repository(clone.path)
    with lock.hold(git, ["sync"]):
        (git.state_dir / "lock").write_text("")
        result = poolside(clone, "sync")
    assert result.err.splitlines()[0] == "error: another poolside operation is running here: its note cannot be read"
