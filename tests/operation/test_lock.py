"""One operation at a time in a repository (edge case P9)."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from git_poolside.git import processes
from git_poolside.git.process import open_repository
from git_poolside.operation import lock
from tests import apart
from tests.conftest import Run
from tests.operation.test_journal import hook
from tests.operation.test_stopped import everything
from tests.scenario import Repo, World


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


def left(clone: Repo, host: str, boot: str) -> Path:
    """The lock of an operation that did not end, with its note."""
    state = clone.path / ".git/poolside"
    state.mkdir(exist_ok=True)
    (state / "lock").write_text(json.dumps({"host": host, "boot": boot, "pid": 12, "command": "sync"}))
    return state / "lock"


@pytest.mark.parametrize("where", ["here", "here before it was restarted", "another container of this machine"])
def test_P9_the_note_of_a_dead_process_holds_nothing(simple: World, poolside: Run, where: str) -> None:
    clone = simple.clone()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    host = "0f5f7f2a51d2" if where.startswith("another") else socket.gethostname()
    path = left(clone, host, "before" if "restarted" in where else boot)
    assert poolside(clone, "sync").status == 0
    assert path.read_text() == ""


def test_P9_the_lock_of_another_machine_may_be_a_live_ones(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    path = left(clone, "elsewhere", "x")
    before = everything(clone), path.read_text()
    for command, hint in (
        (["sync", "-q"], "git poolside sync -q --allow stale-lock   (if it has ended there)"),
        (["push"], "git poolside push --allow stale-lock   (if it has ended there)"),
        (["init"], f"rm {path}   (if it has ended there)"),
    ):
        result = poolside(clone, *command)
        assert (result.status, result.err.splitlines()) == (
            1,
            [
                "error: another poolside operation was begun here: 'git poolside sync', process 12 on elsewhere; "
                "whether it still runs, nobody can tell from this machine",
                "hint: look on elsewhere whether the process 12 still runs",
                f"hint: {hint}",
            ],
        )
    result = poolside(clone, "undo", "--json")
    assert json.loads(result.out)["snags"][0]["name"] == "stale-lock"
    assert poolside(clone, "status").status == 0
    assert (everything(clone), path.read_text()) == before
    assert poolside(clone, "sync", "--allow", "stale-lock").status == 0
    assert path.read_text() == ""


def test_P9_a_note_that_cannot_be_read_is_said(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    git = open_repository(clone.path)
    with lock.hold(git, ["sync"]):
        (git.state_dir / "lock").write_text("")
        result = poolside(clone, "sync")
    assert result.err.splitlines()[0] == "error: another poolside operation is running here: its note cannot be read"


@pytest.mark.parametrize("where", ["clone", "other"])
def test_P9_two_operations_in_two_shells(simple: World, poolside: Run, where: str) -> None:
    """The first waits in a hook for a byte from us."""
    clone = simple.clone()
    clone.git("worktree", "add", "-q", "--detach", str(simple.root / "other"))
    os.mkfifo(simple.root / "fifo")
    hook(clone, "post-checkout", f"echo waiting\nread -r line < {simple.root / 'fifo'}\n")
    first = apart.begin(clone.path, "sync")
    with (simple.root / "fifo").open("w") as release:  # opens when the hook reads
        before = everything(clone)
        running = f"'git poolside sync', process {first.pid} on {socket.gethostname()}"
        second = poolside(simple.root / where, "sync")
        told = poolside(simple.root / where, "status")
        assert everything(clone) == before
        release.write("go\n")
    done = first.wait()
    assert done.returncode == 0, done.stderr
    assert (second.status, second.err.splitlines()) == (
        1,
        [f"error: another poolside operation is running here: {running}", "hint: wait until it has ended"],
    )
    assert (told.status, told.err.splitlines()[0]) == (0, f"note: an operation is running here: {running}")
    assert clone.rev("main") == simple.upstream.rev("main")


def test_P9_what_a_killed_operation_began_is_waited_for(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    os.mkfifo(simple.root / "fifo")
    hook(clone, "post-checkout", f"read -r line < {simple.root / 'fifo'}\n")
    first = apart.begin(clone.path, "sync")
    with (simple.root / "fifo").open("w") as release:
        first.kill()
        os.waitpid(first.pid, 0)
        second = poolside(clone, "sync")
        release.write("go\n")
    [line, hint] = second.err.splitlines()
    assert line.startswith(
        "error: another poolside operation is running here: "
        f"'git poolside sync', process {first.pid} on {socket.gethostname()}, was killed, but 'git checkout' (process "
    )
    assert line.endswith(", which it began, is still at work")
    assert hint == "hint: wait until it has ended"


def test_P9_a_lock_that_somebody_alive_may_have_made_is_left(simple: World, poolside: Run) -> None:
    """Somebody is a git process that nobody here has begun; it waits for the end of what it reads."""
    clone = simple.clone()
    asked, said = simple.root / "asked", simple.root / "said"
    os.mkfifo(asked)
    os.mkfifo(said)
    words = ["sh", "-c", f"git cat-file --batch-check < {asked} > {said} & echo $!"]
    with subprocess.Popen(words, cwd=clone.path, stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        alive = shell.stdout.readline().strip()
    lock_of_git = clone.path / ".git/index.lock"
    with asked.open("w") as questions, said.open() as answers:
        questions.write("HEAD\n")
        questions.flush()
        assert answers.readline()
        left(clone, socket.gethostname(), Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        lock_of_git.touch()
        result = poolside(clone, "sync")
        assert (result.status, result.err.splitlines()) == (
            1,
            [
                "error: a killed operation may have left these locks, but "
                f"'git cat-file' (process {alive}) may have made them too:",
                "  index.lock",
                "hint: run the command again when it has ended",
            ],
        )
        assert lock_of_git.exists()
        questions.close()
        assert not answers.read()
    while processes.lives(int(alive)):  # it has said all and is about to end
        os.sched_yield()
    result = poolside(clone, "sync")
    assert (result.status, result.err.splitlines()[0]) == (0, "note: removed index.lock, which a dead process left")
    assert not lock_of_git.exists()


def test_P9_a_lock_that_is_older_than_the_dead_operation_is_left(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    lock_of_git = clone.path / ".git/index.lock"
    lock_of_git.touch()
    os.utime(lock_of_git, (1, 1))
    left(clone, socket.gethostname(), boot)
    assert poolside(clone, "status").status == 0
    assert lock_of_git.exists()
