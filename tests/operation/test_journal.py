"""Killed at any moment: the next command of any kind finishes the movement or takes it back, and says so (P8)."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests import apart
from tests.conftest import TEN, Run
from tests.operation.test_stopped import everything, resolve, stop, write
from tests.scenario import Repo, World

PARENT = 'read -r _ _ _ parent _ < "/proc/$PPID/stat"\n'
KILL = PARENT + "kill -KILL $parent $PPID\n"
SYNCED = ["Add the build workflow", "Use our index", "Set the version to the nightly of 2026-07-10"]
TAKEN_BACK = "note: an interrupted 'poolside sync' was found and taken back"
FINISHED = "note: an interrupted 'poolside sync' was found and finished"


def hook(clone: Repo, name: str, script: str) -> Path:
    path = clone.path / ".git/hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)
    return path


def spawn(clone: Repo, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ours in a process of its own, which can be killed."""
    done = apart.run(clone.path, *words)
    with (clone.path / ".git/poolside/lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the hook that killed it has the lock as long as it lives
    return done


def killed(clone: Repo, name: str, condition: str, *command: str) -> None:
    """Run a command that is killed, with the git process that it waits for, by a hook where `condition` holds."""
    path = hook(clone, name, f"{condition}\n{KILL}")
    done = spawn(clone, *(command or ("sync",)))
    assert done.returncode == -signal.SIGKILL, done.stderr
    path.unlink()


MOMENTS = {
    "after the files, before HEAD": ("post-index-change", "[ -e .git/poolside/journal.json ] || exit 0"),
    "HEAD locked": ("reference-transaction", '[ "$1" = prepared ] && grep -q " HEAD$" || exit 0'),
    "after the checkout": ("post-checkout", ""),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_P8_killed_while_the_worktree_is_brought_along_is_taken_back(simple: World, poolside: Run, moment: str) -> None:
    clone = simple.clone()
    before = everything(clone)
    killed(clone, *MOMENTS[moment])
    result = poolside(clone, "status")
    assert result.status == 0, result.err
    assert result.err.splitlines()[int(moment == "HEAD locked")] == TAKEN_BACK
    assert everything(clone) == before
    again = poolside(clone, "sync")
    assert (again.status, "note: an interrupted" in again.err) == (0, False)
    assert clone.git("status", "--porcelain") == ""


@pytest.mark.parametrize("value", ["upstream/main", "main~1"], ids=["where it goes", "elsewhere"])
def test_P7_a_branch_that_is_moved_while_the_worktree_is_brought_along(
    simple: World, poolside: Run, value: str
) -> None:
    clone = simple.clone()
    clone.git("branch", "main", "origin/main")
    before = everything(clone)
    hook(clone, "post-checkout", f'rm "$0"\ngit update-ref refs/heads/main {value}\n')
    result = poolside(clone, "sync")
    if value == "upstream/main":  # fetched by hand, say: what is wanted of it is done
        assert (result.status, clone.subjects("main..poolside-main")) == (0, SYNCED)
    else:
        assert (result.status, result.err.splitlines()) == (
            1,
            [
                "error: 'main' was moved by somebody else while poolside worked",
                "hint: nothing was changed; run the command again",
            ],
        )
        clone.git("update-ref", "refs/heads/main", "origin/main")
        assert everything(clone) == before


def smudging(clone: Repo, script: str) -> None:
    """A filter through which every file of lib/ goes when it is checked out."""
    (clone.path / ".git/info").mkdir(exist_ok=True)
    write(clone, ".git/info/attributes", "lib/* filter=late\n")
    path = clone.path / ".git/late"
    path.write_text(f"#!/bin/sh\n{script}\ncat\n")
    path.chmod(0o755)
    clone.git("config", "filter.late.smudge", str(path))
    clone.git("config", "filter.late.clean", "cat")


GREATGRANDPARENT = (
    'read -r _ _ _ git _ < "/proc/$PPID/stat"\n'
    '[ "$(cat /proc/$git/comm)" = git ] || git=$PPID\n'
    'read -r _ _ _ parent _ < "/proc/$git/stat"\n'
    "kill -KILL $parent $git\n"
)


def test_P8_killed_between_two_files_is_taken_back(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = everything(clone)
    smudging(clone, GREATGRANDPARENT)
    assert spawn(clone, "sync").returncode == -signal.SIGKILL
    assert (clone.path / ".git/index.lock").exists()
    assert clone.git("status", "--porcelain") != ""
    smudging(clone, "")
    result = poolside(clone, "status")
    assert result.status == 0, result.err
    assert result.err.splitlines()[:2] == ["note: removed index.lock, which a dead process left", TAKEN_BACK]
    assert not (clone.path / ".git/index.lock").exists()
    assert everything(clone) == before
    assert poolside(clone, "sync").status == 0


def test_P8_a_checkout_that_fails_between_two_files_is_taken_back_at_once(simple: World, poolside: Run) -> None:
    """A filter that fails is git's end too, after files were written: as a disk that is full when the index is."""
    clone = simple.clone()
    before = everything(clone)
    once = clone.path / ".git/once"
    smudging(clone, f"[ -e {once} ] || {{ : > {once}; exit 1; }}")
    clone.git("config", "filter.late.required", "true")
    result = poolside(clone, "sync")
    assert result.status == 128
    assert result.err.splitlines()[-2:] == [
        "fatal: lib/c.py: smudge filter late failed",
        "hint: git poolside status   (shows where everything stands)",
    ]
    assert everything(clone) == before
    assert clone.git("status", "--porcelain") == ""
    assert poolside(clone, "sync").status == 0


def test_P8_a_checkout_that_cannot_be_taken_back_at_once_is_by_the_next_command(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = everything(clone)
    smudging(clone, "exit 1")
    clone.git("config", "filter.late.required", "true")
    result = poolside(clone, "sync")
    assert result.status == 128
    assert result.err.splitlines()[-2:] == [
        "fatal: lib/c.py: smudge filter late failed",
        "hint: git poolside status   (takes back what was begun, when the cause is gone)",
    ]
    smudging(clone, "")
    assert poolside(clone, "status").err.splitlines()[0] == TAKEN_BACK
    assert everything(clone) == before
    assert poolside(clone, "sync").status == 0


def test_P8_the_lock_of_another_git_process_is_let_alone(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = everything(clone)
    lock = clone.path / ".git/index.lock"
    lock.touch()
    os.utime(lock, (2**31, 2**31))  # younger than our operation
    result = poolside(clone, "sync")
    assert result.status == 128
    assert "index.lock': File exists" in result.err
    assert lock.exists()
    lock.unlink()
    assert everything(clone) == before
    assert poolside(clone, "sync").status == 0


def test_P8_interrupted_between_two_files_is_taken_back_at_once(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = everything(clone)
    once = clone.path / ".git/once"
    smudging(clone, f"[ -e {once} ] || {{ : > {once}\n{GREATGRANDPARENT.replace('-KILL', '-INT')}}}")
    done = spawn(clone, "sync")
    smudging(clone, "")
    assert (done.returncode, done.stderr) == (130, "\ninterrupted: git poolside status shows where everything stands\n")
    assert not (clone.path / ".git/index.lock").exists()
    assert everything(clone) == before
    assert clone.git("status", "--porcelain") == ""
    assert poolside(clone, "sync").status == 0


def test_P8_a_file_of_the_users_in_a_killed_checkout_stops_and_is_named(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = everything(clone)
    smudging(clone, GREATGRANDPARENT)
    spawn(clone, "sync")
    smudging(clone, "")
    write(clone, "lib/c.py", "typed in between\n")
    result = poolside(clone, "status")
    assert result.status == 1
    assert result.err.splitlines()[1:3] == [
        f"error: an interrupted checkout in {clone.path} left files that are neither the old nor the new version:",
        "  lib/c.py",
    ]
    assert (clone.path / "lib/c.py").read_text() == "typed in between\n"
    (clone.path / "lib/c.py").unlink()
    assert poolside(clone, "status").status == 0
    assert everything(clone) == before


@pytest.mark.parametrize("moment", ["prepared", "committed"])
def test_P8_killed_in_the_ref_transaction_is_finished(simple: World, poolside: Run, moment: str) -> None:
    clone = simple.clone()
    old = clone.rev("poolside-main")
    killed(clone, "reference-transaction", f'[ "$1" = {moment} ] && grep -q refs/poolside/operations || exit 0')
    locked = list((clone.path / ".git/refs").rglob("*.lock"))
    assert bool(locked) == (moment == "prepared")
    result = poolside(clone, "status")
    assert result.status == 0, result.err
    assert FINISHED in result.err.splitlines()
    assert clone.rev("main") == clone.rev("poolside-cherry-picks") == simple.upstream.rev("main")
    assert clone.rev("poolside-main@{1}") == old
    assert everything(clone)[1:] == ("ref: refs/heads/poolside-main\n", "")
    assert not list((clone.path / ".git").rglob("*.lock"))
    assert poolside(clone, "log").out.count("sync") == 1
    assert poolside(clone, "undo").status == 0
    assert clone.rev("poolside-main") == old


def test_P8_C9_a_killed_checkout_of_paths_of_any_bytes_is_taken_back(simple: World, poolside: Run) -> None:
    simple.land(dict.fromkeys(['"a"', '"', "b\r", "c\nd", "\udcff"], "new\n"), "Add odd names", 13)
    simple.nightly("2026-07-17")
    clone = simple.clone()
    before = everything(clone)
    killed(clone, *MOMENTS["after the checkout"])
    result = poolside(clone, "status")
    assert (result.status, result.err.splitlines()[0]) == (0, TAKEN_BACK), result.err
    assert everything(clone) == before


@pytest.mark.parametrize("command", [["status"], ["log"], ["nightly"], ["range-diff"], ["sync", "-n"], ["push", "-n"],
                                     ["undo"], ["doctor"], ["init"]])  # fmt: skip
def test_P8_every_command_recovers_first(simple: World, poolside: Run, command: list[str]) -> None:
    clone = simple.clone()
    killed(clone, "reference-transaction", '[ "$1" = committed ] && grep -q refs/poolside/operations || exit 0')
    result = poolside(clone, *command)
    assert FINISHED in result.err.splitlines(), result.err
    assert not (clone.path / ".git/poolside/journal.json").exists()


def test_P8_a_killed_continue_that_is_finished_ends_the_stop(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    resolve(clone)
    condition = '[ "$1" = committed ] && grep -q refs/poolside/operations || exit 0'
    killed(clone, "reference-transaction", condition, "sync", "--continue")
    result = poolside(clone, "status")
    assert result.err.splitlines()[0] == FINISHED
    assert "Stopped" not in result.out
    assert everything(clone)[1:] == ("ref: refs/heads/poolside-main\n", "")
    assert "refs/poolside/stopped" not in clone.refs("refs/poolside")
    assert clone.subjects("main..poolside-main")[1] == "Tune line five"


def test_P8_a_killed_continue_that_is_taken_back_is_still_stopped(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    before = everything(clone)
    stop(clone, poolside)
    resolve(clone)
    condition = 'git log -1 --format=%s "$2" | grep -q "Set the version" || exit 0'
    killed(clone, "post-checkout", condition, "sync", "--continue")
    result = poolside(clone, "status")
    assert result.err.splitlines()[0] == TAKEN_BACK
    assert "Stopped at" in result.out
    assert clone.refs() == before[0]
    done = poolside(clone, "sync", "--continue")
    assert done.status == 0, done.err
    assert everything(clone)[1:] == ("ref: refs/heads/poolside-main\n", "")


@pytest.mark.parametrize("moment", MOMENTS)
def test_P8_killed_on_the_way_to_a_stop_is_taken_back(stuck: World, poolside: Run, moment: str) -> None:
    clone = stuck.clone()
    before = everything(clone)
    killed(clone, *MOMENTS[moment])
    result = poolside(clone, "status")
    assert "note: an interrupted 'poolside sync (stopped)' was found and taken back" in result.err.splitlines()
    assert "Stopped" not in result.out
    assert everything(clone)[1:] == before[1:]
    stop(clone, poolside)
    assert poolside(clone, "sync", "--abort").status == 0
    assert everything(clone) == before


def test_P8_killed_on_the_way_back_from_a_stop_with_head_detached(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    clone.git("checkout", "-q", "--detach", "origin/main")
    before = everything(clone)
    stop(clone, poolside)
    resolve(clone)
    condition = f'[ "$2" = {clone.rev("origin/main")} ] || exit 0'
    killed(clone, "post-checkout", condition, "sync", "--continue")
    assert poolside(clone, "status").err.splitlines()[0] == TAKEN_BACK
    done = poolside(clone, "sync", "--continue")
    assert done.status == 0, done.err
    assert everything(clone)[1:] == before[1:]


@pytest.mark.parametrize("where", ["on a branch", "detached"])
def test_P8_an_abort_whose_last_git_process_is_killed_has_ended_the_stop(
    stuck: World, poolside: Run, where: str
) -> None:
    clone = stuck.clone()
    if where == "detached":
        clone.git("checkout", "-q", "--detach", "origin/main")
    before = everything(clone)
    stopped = '[ "$1" = prepared ] && grep -q refs/poolside/stopped || exit 0'

    stop(clone, poolside)
    killed(clone, "reference-transaction", stopped, "sync", "--abort")
    told = poolside(clone, "status").err.splitlines()
    assert "note: an interrupted 'poolside sync --abort' was found and finished" in told
    assert everything(clone) == before
    assert "Stopped" not in poolside(clone, "status").out

    stop(clone, poolside)
    hook(clone, "reference-transaction", f'{stopped}\nrm "$0"\n{PARENT}kill -INT $parent $PPID\n')
    done = spawn(clone, "sync", "--abort")
    assert (done.returncode, done.stderr) == (130, "\ninterrupted: git poolside status shows where everything stands\n")
    assert everything(clone) == before
    assert "Stopped" not in poolside(clone, "status").out


def test_P8_a_killed_undo_is_finished(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = clone.refs()
    poolside(clone, "sync")
    killed(clone, "reference-transaction", '[ "$1" = committed ] && grep -q refs/poolside/operations || exit 0', "undo")
    result = poolside(clone, "status")
    assert result.err.splitlines()[0] == "note: an interrupted 'poolside undo' was found and finished"
    assert clone.refs() == before
    assert everything(clone)[1:] == ("ref: refs/heads/poolside-main\n", "")


def test_P8_a_killed_undo_that_deletes_branches_is_finished(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = clone.refs()
    poolside(clone, "sync")
    condition = '[ "$1" = prepared ] && grep -q refs/poolside/operations || exit 0'
    killed(clone, "reference-transaction", condition, "undo")
    assert (clone.path / ".git/packed-refs.lock").exists()
    result = poolside(clone, "status")
    assert result.status == 0, result.err
    assert "note: removed packed-refs.lock, which a dead process left" in result.err.splitlines()
    assert clone.refs() == before
    assert not list((clone.path / ".git").rglob("*.lock"))


def test_P8_interrupted_by_ctrl_c_in_the_checkout_all_is_as_before(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = everything(clone)
    hook(clone, "post-checkout", PARENT + 'rm "$0"\nkill -INT $parent\n')
    done = spawn(clone, "sync")
    assert (done.returncode, done.stdout, done.stderr) == (
        130,
        "",
        "\ninterrupted: git poolside status shows where everything stands\n",
    )
    assert not (clone.path / ".git/poolside/journal.json").exists()
    assert everything(clone) == before


def test_P8_quarantines_of_the_dead_are_deleted(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    killed(clone, "post-checkout", "")
    assert list((clone.path / ".git/poolside").glob("quarantine-*"))
    assert poolside(clone, "sync").status == 0
    assert not list((clone.path / ".git/poolside").glob("quarantine-*"))


# Journals made by hand


def journal(clone: Repo, phase: str, *changes: tuple[str, str | None, str | None]) -> Path:
    path = clone.path / ".git/poolside/journal.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({
        "action": "poolside sync", "phase": phase, "changes": changes, "worktrees": [], "stop": False,
    }))  # fmt: skip
    return path


def two(clone: Repo) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
    """Two branches that are about to move from one commit to the next."""
    old, new = clone.rev("origin/poolside-main~1"), clone.rev("origin/poolside-main")
    for name in ("one", "two"):
        clone.git("branch", "-f", name, old)
    return ("refs/heads/one", old, new), ("refs/heads/two", old, new)


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_P8_half_moved_refs_are_rolled_forward(simple: World, poolside: Run, moved: int) -> None:
    clone = simple.clone()
    changes = two(clone)
    for ref, _, new in changes[:moved]:
        clone.git("update-ref", ref, new)
    path = journal(clone, "refs", *changes)
    assert poolside(clone, "status").err.splitlines()[0] == FINISHED
    assert [clone.rev(ref) for ref, _, _ in changes] == [changes[0][2]] * 2
    assert not path.exists()


def test_P8_before_the_ref_phase_everything_is_taken_back(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    changes = two(clone)
    path = journal(clone, "prepared", *changes)
    assert poolside(clone, "status").err.splitlines()[0] == TAKEN_BACK
    assert [clone.rev(ref) for ref, _, _ in changes] == [changes[0][1]] * 2
    assert not path.exists()


def test_P8_refs_that_were_to_be_made_and_deleted_are_finished(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    old, new = clone.rev("origin/main"), clone.rev("origin/poolside-main")
    clone.git("branch", "gone", old)
    clone.git("pack-refs", "--all")
    journal(clone, "refs", ("refs/heads/made", None, new), ("refs/heads/gone", old, None))
    assert poolside(clone, "status").err.splitlines()[0] == FINISHED
    assert clone.rev("made") == new
    assert "refs/heads/gone" not in clone.refs()


def test_P8_a_third_value_stops_and_is_shown(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    one, other = two(clone)
    third = clone.rev("origin/main")
    clone.git("update-ref", one[0], one[2])
    clone.git("update-ref", other[0], third)
    path = journal(clone, "refs", one, other)
    before = everything(clone)
    for command in ("status", "sync", "undo"):
        result = poolside(clone, command)
        assert result.status == 1
        assert result.err.splitlines() == [
            "error: 'poolside sync' was interrupted, and these refs have moved since:",
            f"  refs/heads/two is {third}, was {other[1]}, was to become {other[2]}",
            "hint: git update-ref REF VALUE   (put each at one of the two values, then run any command again)",
            f"hint: rm {path}   (or forget the interrupted operation)",
        ]
    assert everything(clone) == before
    clone.git("update-ref", other[0], other[1])
    assert poolside(clone, "status").err.splitlines()[0] == FINISHED
    assert clone.rev("two") == other[2]


def test_P8_a_lock_with_the_journals_value_is_removed_and_said(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    one, other = two(clone)
    lock = clone.path / ".git/refs/heads/two.lock"
    lock.write_text(other[2] + "\n")
    journal(clone, "refs", one, other)
    said = poolside(clone, "status").err.splitlines()
    assert said[:2] == ["note: removed refs/heads/two.lock, which a dead process left", FINISHED]
    assert not lock.exists()
    assert clone.rev("two") == other[2]


def test_P8_a_lock_with_another_value_is_left_alone(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    one, other = two(clone)
    lock = clone.path / ".git/refs/heads/two.lock"
    lock.write_text(other[1] + "\n")
    path = journal(clone, "refs", one, other)
    result = poolside(clone, "status")
    assert result.status == 128
    assert "two.lock': File exists" in result.err
    assert lock.exists() and path.exists()
    assert clone.rev("one") == one[1]


def test_P8_a_stop_killed_behind_its_cherry_pick_is_begun_again_where_upstream_moved_files(
    world: World, poolside: Run
) -> None:
    """What the patch changes under a new name is not in the state yet when git has written it."""
    old = {name: f"{name}\n{TEN}" for name in ("a.py", "b.py")}
    world.land({"version.txt": "2.9.0a0\n", **old}, "Begin", 1)
    world.nightly("2026-07-03")
    world.fork_at()
    world.patch({name: text.replace("line 5\n", "line five\n") for name, text in old.items()}, "Tune both\n")
    moved = {"lib/a.py": old["a.py"].replace("line 5\n", "line 5, rewritten\n"), "lib/b.py": old["b.py"]}
    world.land({"a.py": None, "b.py": None, **moved}, "Move them", 3)
    world.nightly("2026-07-10")
    clone = world.clone()
    before = clone.refs("refs/heads"), clone.git("symbolic-ref", "HEAD"), clone.git("status", "--porcelain")
    killed(clone, "reference-transaction", '[ "$1" = committed ] && grep -q " CHERRY_PICK_HEAD$" || exit 0')
    assert clone.git("status", "--porcelain").splitlines() == ["UU lib/a.py", "M  lib/b.py"]
    assert poolside(clone, "status").status == 0
    assert clone.git("status", "--porcelain").splitlines() == ["UU lib/a.py", "M  lib/b.py"]
    assert clone.rev("CHERRY_PICK_HEAD") == before[0]["refs/heads/poolside-main"]
    clone.git("cherry-pick", "--abort")
    assert poolside(clone, "sync", "--abort").status == 0
    assert (clone.refs("refs/heads"), clone.git("symbolic-ref", "HEAD"), clone.git("status", "--porcelain")) == before


def test_P8_a_journal_that_cannot_be_read_stops(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    path = journal(clone, "refs")
    path.write_text('{"action": "poolside sy')
    result = poolside(clone, "status")
    assert (result.status, result.err.splitlines()) == (
        1,
        [
            f"error: {path} cannot be read: it is no JSON",
            f"hint: rm {path}   (forgets the interrupted operation; look at 'git reflog' of the role branches first)",
        ],
    )


def test_P8_one_worktree_of_several_is_taken_back_where_it_is(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("checkout", "-q", "--detach")
    other = Repo(simple.root / "other", simple.env)
    clone.git("worktree", "add", "-q", str(other.path), "poolside-main")
    before = everything(clone)
    killed(clone, "post-checkout", "")
    assert other.git("symbolic-ref", "-q", "HEAD", check=False) == ""
    assert poolside(clone, "status").err.splitlines()[0] == TAKEN_BACK
    assert other.git("symbolic-ref", "HEAD") == "refs/heads/poolside-main"
    assert other.git("status", "--porcelain") == ""
    assert everything(clone) == before


def test_P8_killed_between_two_files_of_another_worktree(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("checkout", "-q", "--detach")
    other = Repo(simple.root / "other", simple.env)
    clone.git("worktree", "add", "-q", str(other.path), "poolside-main")
    smudging(clone, GREATGRANDPARENT)
    assert spawn(clone, "sync").returncode == -signal.SIGKILL
    smudging(clone, "")
    assert poolside(clone, "status").err.splitlines()[:2] == [
        "note: removed worktrees/other/index.lock, which a dead process left",
        TAKEN_BACK,
    ]
    assert other.git("symbolic-ref", "HEAD") == "refs/heads/poolside-main"
    assert other.git("status", "--porcelain") == ""
    assert (other.path / "lib/c.py").read_text() == TEN


def test_P8_killed_while_the_worktree_of_exec_is_half_made(simple: World, poolside: Run) -> None:
    """git dies of an empty ``commondir`` in whatever it is asked about worktrees."""
    clone = simple.clone()
    half_made = f": > {clone.path}/.git/worktrees/worktree/commondir"
    killed(clone, "post-checkout", half_made, "sync", "--exec", "true")
    with pytest.raises(AssertionError, match=r"failed to read .git/worktrees/worktree/commondir"):
        clone.git("worktree", "list")
    assert poolside(clone, "sync", "--exec", "true").status == 0
    assert list((clone.path / ".git/worktrees").glob("*")) == list((clone.path / ".git/poolside").glob("exec-*")) == []


def test_a_git_that_is_killed_while_it_makes_the_worktree_of_exec_leaves_nothing(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    path = hook(clone, "post-checkout", f": > {clone.path}/.git/worktrees/worktree/commondir; kill -KILL $PPID\n")
    assert poolside(clone, "sync", "--exec", "true").status == 128
    assert list((clone.path / ".git/worktrees").glob("*")) == list((clone.path / ".git/poolside").glob("exec-*")) == []
    path.unlink()
    assert poolside(clone, "sync", "--exec", "true").status == 0


def interrupting(clone: Repo, monkeypatch: pytest.MonkeyPatch, words: str, end: str = "kill -INT $$") -> None:
    """A git that Ctrl-C ends once, when it is asked `words`; poolside itself has not heard of it yet.

    All but their transaction counts only when refs have moved.
    """
    folder = clone.path / ".git/wrapped"
    folder.mkdir()
    script = folder / "git"
    moved = f"[ -e {clone.path}/.git/refs/poolside/operations ] &&" if not words.startswith("update-ref") else ""
    once = f"{moved} [ ! -e {folder}/once ] && {{ : > {folder}/once; {end}; }}"
    script.write_text(f'#!/bin/sh\ncase " $* " in *" {words} "*) {once};; esac\nexec {shutil.which("git")} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_P8_what_has_to_be_done_is_done_again(simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The branches have moved; that HEAD goes back to its own is no matter of choice."""
    clone = simple.clone()
    with monkeypatch.context() as patched:
        interrupting(clone, patched, "symbolic-ref -m")
        assert poolside(clone, "sync").status == 0
    assert (clone.path / ".git/wrapped/once").exists()
    assert clone.git("symbolic-ref", "HEAD") == "refs/heads/poolside-main"
    assert not (clone.path / ".git/poolside/journal.json").exists()


LOCKED = ": > .git/HEAD.lock; kill -KILL"


def test_P8_git_that_is_killed_on_its_own_leaves_a_lock(
    simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``git symbolic-ref`` locks HEAD with an empty file and writes the reflog first."""
    clone = simple.clone()
    with monkeypatch.context() as patched:
        interrupting(clone, patched, "symbolic-ref -m", f"{LOCKED} $$")
        assert poolside(clone, "sync").status == 0
    assert clone.git("symbolic-ref", "HEAD") == "refs/heads/poolside-main"
    assert not (clone.path / ".git/HEAD.lock").exists()


def test_P8_an_empty_lock_of_head_is_removed_by_the_next_command(
    simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = simple.clone()
    with monkeypatch.context() as patched:
        interrupting(clone, patched, "symbolic-ref -m", f"{LOCKED} $PPID $$")
        assert spawn(clone, "sync").returncode == -signal.SIGKILL
    assert poolside(clone, "status").err.splitlines()[:2] == [
        "note: removed HEAD.lock, which a dead process left",
        FINISHED,
    ]
    assert clone.git("symbolic-ref", "HEAD") == "refs/heads/poolside-main"


def test_P8_ctrl_c_that_ends_git_first_is_no_failure_of_git(
    simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = simple.clone()
    before = everything(clone)
    with monkeypatch.context() as patched:
        interrupting(clone, patched, "update-ref -m poolside")
        result = poolside(clone, "sync")
    assert (result.status, result.err) == (
        130,
        "\ninterrupted: git poolside status shows where everything stands\n",
    )
    assert everything(clone) == before
    assert poolside(clone, "sync").status == 0
