"""The stop: a real cherry-pick in the worktree, and every way of going on from it (design: The stop)."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from git_poolside.operation.stopped import Stopped
from git_poolside.stack.model import EMPTY_TREE
from git_poolside.stack.shape import Misshapen
from tests.conftest import TEN, Run
from tests.scenario import PATTERN_FILE, Repo, Result, World

ROLES = ("main", "poolside-cherry-picks", "poolside-main")
RESOLVED = TEN.replace("line 5\n", "line 5, rewritten and tuned\n")


def write(clone: Repo, path: str, text: str) -> None:
    (clone.path / path).parent.mkdir(parents=True, exist_ok=True)
    (clone.path / path).write_text(text)


def resolve(clone: Repo, text: str = RESOLVED) -> None:
    write(clone, "a.py", text)
    clone.git("add", "a.py")


def everything(clone: Repo) -> tuple[dict[str, str], str, str]:
    """Every ref, HEAD, and what git status says: what a refusal or an abort may not change."""
    return (
        clone.refs("refs/heads") | clone.refs("refs/poolside"),
        (clone.path / ".git/HEAD").read_text(),
        clone.git("status", "--porcelain", "--ignored"),
    )


def stop(clone: Repo, poolside: Run, *options: str) -> Result:
    result = poolside(clone, "sync", *options)
    assert result.status == 3, result.err
    return result


def partial(clone: Repo) -> str:
    return clone.rev("refs/poolside/stopped^1")


# The stop itself


def test_a_conflict_stops_with_a_real_cherry_pick_in_the_worktree(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    before = clone.refs()
    patch, target = clone.rev("poolside-main~2"), stuck.upstream.rev("main")
    result = stop(clone, poolside)
    assert clone.refs() == before
    assert clone.git("symbolic-ref", "-q", "HEAD", check=False) == ""
    assert clone.subjects("upstream/main..HEAD") == ["Add the build workflow"]
    assert clone.rev("HEAD~1") == target
    assert clone.rev("CHERRY_PICK_HEAD") == patch
    assert clone.git("status", "--porcelain").splitlines() == ["UU a.py", "M  b.py"]
    assert (clone.path / "a.py").read_text() == TEN.replace(
        "line 5\n",
        "<<<<<<< HEAD\nline 5, rewritten\n=======\nline five, tuned\n"
        f">>>>>>> {patch[:7]} (Tune line five)\n",
    )  # fmt: skip
    culprit = stuck.upstream.rev("main~1")[:9]
    assert result.out.splitlines() == [
        f"No branch has moved: stopped on the way to the nightly of 2026-07-10 ({target[:9]})",
        "",
        f"  poolside-main          {before['refs/heads/poolside-main'][:9]} -> …          4 patches: 1 kept, 3 to go",
        f"  poolside-cherry-picks  {clone.rev('origin/main')[:9]} -> {target[:9]}  0 picks",
        f"  main                   {clone.rev('origin/main')[:9]} -> {target[:9]}  upstream at 2026-07-10",
    ]
    assert result.err.splitlines() == [
        f"error: {patch[:9]} Tune line five does not apply",
        "  CONFLICT (content): Merge conflict in a.py",
        f"because of upstream's {culprit} Rewrite line five (#21)",
        "hint: git add a.py   (when you have resolved it)",
        "hint: git poolside sync --continue   (then)",
        "hint: git poolside sync --skip   (leaves this patch out)",
        "hint: git poolside sync --abort   (goes back to where all was)",
        f"hint: git show {culprit}   (what upstream did)",
    ]


def test_status_shows_the_stop(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    patch = clone.rev("poolside-main~2")
    result = poolside(clone, "status")
    assert result.out.splitlines()[-2:] == [f"Stopped at {patch[:9]} Tune line five", "  a.py"]
    assert result.err.splitlines() == [
        "hint: git poolside sync --continue   (when it is resolved)",
        "hint: git poolside sync --skip   (leaves the patch out)",
        "hint: git poolside sync --abort   (restores every branch)",
    ]
    assert json.loads(poolside(clone, "status", "--json").out)["stopped"] == {
        "operation": "sync",
        "layer": "patches",
        "patch": patch,
        "subject": "Tune line five",
        "paths": ["a.py"],
        "worktree": str(clone.path),
    }
    assert poolside(clone, "status", "--short").out == f"2026-07-03 +2 STOPPED at {patch[:9]}\n"


def test_json_of_a_stop(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    patch = clone.rev("poolside-main~2")
    result = stop(clone, poolside, "--json")
    said = json.loads(result.out)
    assert (said["schema"], said["outcome"], said["exit"], said["dry_run"]) == (1, "stopped", 3, False)
    assert (said["operation"], said["pushed"], said["snags"]) == (None, False, [])
    assert said["conflict"] == {
        "layer": "patches",
        "patch": patch,
        "subject": "Tune line five",
        "paths": ["a.py"],
        "messages": ["CONFLICT (content): Merge conflict in a.py"],
        "upstream": stuck.upstream.rev("main~1"),
        "because": [],
    }
    patches = next(layer for layer in said["layers"] if layer["role"] == "patches")
    assert patches["before"] == patches["after"] == clone.rev("poolside-main")


def test_a_dry_run_exits_as_the_stop_would_and_judges_the_rest_without_the_patch(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    before = everything(clone)
    result = poolside(clone, "sync", "-n", "--json")
    assert result.status == 3
    said = json.loads(result.out)
    patches = next(layer for layer in said["layers"] if layer["role"] == "patches")["patches"]
    assert [(p["subject"], p["fate"], p["verdict"], p["paths"]) for p in patches] == [
        ("Add the build workflow", "kept", "carried", []),
        ("Tune line five", "unresolved", "conflict", ["a.py"]),
        ("Add a file of our own", "kept", "carried", []),
        ("Tune line ten", "kept", "carried", []),
        ("Set the version to the nightly of 2026-07-10", "new", "stamp", []),
    ]
    assert [bool(p["assumes"]) for p in patches[:4]] == [False, False, True, True]
    assert everything(clone) == before


def test_no_stop_reports_the_same_and_leaves_no_state(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    before = everything(clone)
    result = poolside(clone, "sync", "--no-stop")
    assert result.status == 3
    assert result.err.splitlines()[:2] == [
        f"error: {clone.rev('poolside-main~2')[:9]} Tune line five does not apply",
        "  CONFLICT (content): Merge conflict in a.py",
    ]
    assert result.err.splitlines()[-1] == "nothing was changed"
    assert everything(clone) == before
    assert poolside(clone, "sync", "--continue").status == 1


def test_a_bare_repository_reports_the_conflict_as_no_stop_does(stuck: World, poolside: Run) -> None:
    bare = stuck.clone("bare.git", "--bare")
    before = bare.refs("refs/heads")
    result = poolside(bare, "sync")
    assert (result.status, result.err.splitlines()[-1]) == (3, "nothing was changed")
    assert "CONFLICT (content): Merge conflict in a.py" in result.err
    assert bare.refs("refs/heads") == before
    assert bare.refs("refs/poolside") == {}


def test_a_cherry_pick_that_dies_is_said_and_an_own_commit_goes_on(
    stuck: World, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = stuck.clone()
    real, folder = shutil.which("git"), stuck.root / "bin"
    folder.mkdir()
    (folder / "git").write_text(
        f'#!/bin/sh\ncase "$*" in *" cherry-pick --allow-empty"*) echo "BUG: assertion" >&2; exit 134;; esac\n'
        f'exec {real} "$@"\n'
    )
    (folder / "git").chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        result = stop(clone, poolside)
    assert (
        "note: git cherry-pick itself failed (exit 134: BUG: assertion); make the commit by hand, then --continue"
        in result.err.splitlines()
    )
    resolve(clone)
    clone.git("commit", "-q", "-m", "Tune line five")
    assert poolside(clone, "sync", "--continue").status == 0
    assert clone.show("poolside-main~3", "a.py") == RESOLVED


def test_nothing_else_starts_during_a_stop(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    patch = clone.rev("poolside-main~2")
    before = everything(clone)
    for command in (["sync"], ["sync", "-n"], ["push"], ["undo"], ["init"]):
        result = poolside(clone, *command)
        assert (result.status, result.err.splitlines()[0]) == (
            1,
            f"error: 'git poolside sync' is stopped at {patch[:9]} Tune line five",
        ), command
    assert everything(clone) == before
    assert poolside(clone, "log").status == 0


def test_everything_that_a_stop_needs_survives_gc(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    clone.git("reflog", "expire", "--expire=now", "--all")
    clone.git("gc", "-q", "--prune=now")
    resolve(clone)
    assert poolside(clone, "sync", "--continue").status == 0
    assert clone.show("poolside-main~3", "a.py") == RESOLVED


# --continue


def test_continue_takes_the_index_as_the_resolution(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    old = clone.rev("poolside-main~2")
    resolve(clone)
    result = poolside(clone, "sync", "--continue")
    assert result.status == 0, result.err
    assert clone.subjects("main..poolside-main") == [
        "Add the build workflow",
        "Tune line five",
        "Add a file of our own",
        "Tune line ten",
        "Set the version to the nightly of 2026-07-10",
    ]
    form = "--format=%an <%ae> %ad%n%B"
    assert clone.git("log", "-1", form, "poolside-main~3") == clone.git("log", "-1", form, old)
    assert clone.show("poolside-main~3", "a.py") == RESOLVED
    assert clone.show("poolside-main~3", "b.py") == TEN.replace("line 1\n", "line one\n")
    assert everything(clone)[1:] == ("ref: refs/heads/poolside-main\n", "")
    assert "refs/poolside/stopped" not in clone.refs("refs/poolside")
    assert (
        poolside(clone, "sync", "--continue").err == "error: no operation is stopped here\nhint: git poolside status\n"
    )
    entry = json.loads(clone.git("cat-file", "blob", "refs/poolside/operations:operation.json"))
    tuned = next(p for p in entry["patches"] if p["subject"] == "Tune line five")
    assert (tuned["old"], tuned["new"], tuned["reason"]) == (old, clone.rev("poolside-main~3"), "resolved by hand")


def test_continue_works_from_a_subfolder(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    resolve(clone)
    assert poolside(clone.path / "lib", "sync", "--continue").status == 0


def test_continue_takes_the_users_own_commit(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    resolve(clone)
    clone.git("commit", "-q", "--no-edit")
    made = clone.rev("HEAD")
    result = poolside(clone, "sync", "--continue")
    assert result.status == 0, result.err
    assert clone.git("log", "-1", "--format=%an|%B", "poolside-main~3") == "Pat Cher|Tune line five\n\nIt is slow."
    assert clone.rev("poolside-main~3^{tree}") == clone.rev(f"{made}^{{tree}}")


def test_git_cherry_pick_continue_counts_as_the_users_own_commit(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    old = clone.rev("poolside-main~2")
    resolve(clone)
    clone.git("cherry-pick", "--continue", env={"GIT_EDITOR": "true"})
    assert poolside(clone, "sync", "--continue").status == 0
    form = "--format=%an <%ae> %ad%n%B"
    assert clone.git("log", "-1", form, "poolside-main~3") == clone.git("log", "-1", form, old)


def test_a_message_that_the_user_changed_stays_changed(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    resolve(clone)
    clone.git("commit", "-q", "-m", "Tune line five again")
    assert poolside(clone, "sync", "--continue").status == 0
    assert clone.git("log", "-1", "--format=%B", "poolside-main~3") == "Tune line five again"


@pytest.mark.parametrize("comments", ["# Conflicts:\n#\ta.py\n", "\n\n"])
def test_gits_own_comments_are_no_change_of_the_message(stuck: World, poolside: Run, comments: str) -> None:
    message = "Tune line five\n\n\nIt  is slow.\n# not a comment\n"
    stuck.patch({"a.py": TEN.replace("line 5\n", "line V\n")}, message)
    stuck.fork.git("update-ref", "refs/heads/poolside-main", stuck.commit(
        stuck.fork, "other", {"a.py": TEN.replace("line 5\n", "line V\n")}, message,
        parents=[stuck.fork.rev("main")]))  # fmt: skip
    clone = stuck.clone()
    stop(clone, poolside)
    resolve(clone)
    clone.git("commit", "-q", "--cleanup=verbatim", "-F", "-", input=f"Tune line five\n\nIt  is slow.\n{comments}")
    assert poolside(clone, "sync", "--continue").status == 0
    made = clone.git("cat-file", "commit", "poolside-main").partition("\n\n")[2]
    assert made == message.strip()


def test_several_own_commits_are_the_patch_and_added_ones(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    old = clone.rev("poolside-main~2")
    resolve(clone)
    clone.git("commit", "-q", "--no-edit")
    write(clone, "extra.txt", "needed for it\n")
    clone.git("add", "extra.txt")
    clone.git("commit", "-q", "-m", "Prepare for tuning")
    result = poolside(clone, "sync", "--continue", "--json")
    assert result.status == 0, result.err
    assert clone.subjects("main..poolside-main") == [
        "Add the build workflow",
        "Tune line five",
        "Prepare for tuning",
        "Add a file of our own",
        "Tune line ten",
        "Set the version to the nightly of 2026-07-10",
    ]
    patches = next(layer for layer in json.loads(result.out)["layers"] if layer["role"] == "patches")["patches"]
    assert [(p["old"], p["new"], p["fate"], p["verdict"]) for p in patches[1:3]] == [
        (old, clone.rev("poolside-main~4"), "kept", "changed"),
        (None, clone.rev("poolside-main~3"), "new", "added"),
    ]


def test_a_resolution_to_nothing_drops_the_patch_with_its_reason(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    clone.git("checkout", "-q", "HEAD", "--", "a.py", "b.py")
    result = poolside(clone, "sync", "--continue", "--json")
    assert result.status == 0, result.err
    patches = next(layer for layer in json.loads(result.out)["layers"] if layer["role"] == "patches")["patches"]
    assert (patches[1]["fate"], patches[1]["verdict"], patches[1]["reason"]) == (
        "dropped",
        "emptied",
        "resolved to nothing",
    )
    assert "Tune line five" not in clone.subjects("main..poolside-main")


def test_a_file_whose_time_changed_alone_is_no_unadded_change(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    resolve(clone)
    (clone.path / "b.py").write_text((clone.path / "b.py").read_text())
    os.utime(clone.path / "b.py", (1, 1))
    result = poolside(clone, "sync", "--continue")
    assert result.status == 0, result.err


def test_several_stops_in_a_row(stuck: World, poolside: Run) -> None:
    stuck.land({"own.txt": "upstream has one too\n"}, "Add own.txt", 23)
    stuck.nightly("2026-07-11")
    clone = stuck.clone()
    before = clone.rev("poolside-main")
    stop(clone, poolside)
    resolve(clone)
    again = poolside(clone, "sync", "--continue")
    assert again.status == 3, again.err
    assert clone.git("status", "--porcelain") == "AA own.txt"
    assert clone.git("log", "-1", "--format=%s", "CHERRY_PICK_HEAD") == "Add a file of our own"
    assert clone.rev("poolside-main") == before
    assert json.loads(poolside(clone, "status", "--json").out)["stopped"]["paths"] == ["own.txt"]
    write(clone, "own.txt", "both\n")
    clone.git("add", "own.txt")
    done = poolside(clone, "sync", "--continue")
    assert done.status == 0, done.err
    assert clone.show("poolside-main", "a.py") == RESOLVED.replace("line 10\n", "line ten\n")
    assert clone.show("poolside-main", "own.txt") == "both\n"
    assert clone.git("symbolic-ref", "HEAD") == "refs/heads/poolside-main"
    assert clone.git("status", "--porcelain") == ""


def test_abort_at_the_second_stop_restores_the_first_state(stuck: World, poolside: Run) -> None:
    stuck.land({"own.txt": "upstream has one too\n"}, "Add own.txt", 23)
    stuck.nightly("2026-07-11")
    clone = stuck.clone()
    before = everything(clone)
    stop(clone, poolside)
    resolve(clone)
    assert poolside(clone, "sync", "--continue").status == 3
    assert poolside(clone, "sync", "--abort").status == 0
    assert everything(clone) == before


def test_continue_and_push_as_the_sync_was_begun(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    stop(clone, poolside, "--push")
    resolve(clone)
    result = poolside(clone, "sync", "--continue", "--json")
    assert (result.status, json.loads(result.out)["pushed"]) == (0, True)
    assert stuck.fork.rev("poolside-main") == clone.rev("poolside-main")


# C10, C11: what could be a mistake is refused, and nothing moves


def refused(clone: Repo, poolside: Run, *lines: str) -> None:
    before = everything(clone)
    result = poolside(clone, "sync", "--continue")
    assert result.status == 1
    assert result.err.splitlines()[: len(lines)] == list(lines)
    assert "hint: " in result.err
    assert everything(clone) == before


def test_C10_unmerged_paths_are_refused(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    refused(
        clone,
        poolside,
        "error: these paths are still unmerged:",
        "  a.py",
        "hint: git add PATH   (keeps it)",
        "hint: git rm PATH   (deletes it)",
        "hint: git poolside sync --continue",
    )


def test_C10_markers_in_a_path_that_was_in_conflict_are_refused(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    clone.git("add", "a.py")
    refused(clone, poolside, "error: conflict markers are left in:", "  a.py")


def test_C10_markers_in_the_users_own_commit_are_refused(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    clone.git("commit", "-q", "-a", "--no-edit")
    refused(clone, poolside, "error: conflict markers are left in:", "  a.py")


def test_C10_markers_elsewhere_are_the_users_text(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    resolve(clone)
    write(clone, "b.py", "<<<<<<< in a manual\n=======\n>>>>>>> of git\n")
    clone.git("add", "b.py")
    assert poolside(clone, "sync", "--continue").status == 0


@pytest.mark.parametrize("attribute", ["conflict-marker-size=11", "working-tree-encoding=UTF-16"])
def test_C10_markers_as_the_attributes_have_them_are_refused(stuck: World, poolside: Run, attribute: str) -> None:
    clone = stuck.clone()
    write(clone, ".git/info/attributes", f"a.py {attribute}\n")
    stop(clone, poolside)
    clone.git("add", "a.py")
    refused(clone, poolside, "error: conflict markers are left in:", "  a.py")


def test_C10_markers_of_a_renamed_file_are_longer(simple: World, poolside: Run) -> None:
    moved(simple, {"b.py": None, "y.py": TEN.replace("line 5\n", "ours\n")}, "line 5\n")
    clone = simple.clone()
    stop(clone, poolside)
    clone.git("add", "-A")
    assert "<<<<<<<< HEAD:z.py\n" in clone.show("", "y.py")
    refused(clone, poolside, "error: conflict markers are left in:", "  y.py", "  z.py")


def test_C10_a_marker_that_was_forgotten_is_refused(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    resolve(clone, RESOLVED + f">>>>>>> {clone.rev('poolside-main~2')[:7]} (Tune line five)\n")
    refused(clone, poolside, "error: conflict markers are left in:", "  a.py")


FIXTURE = "Title\n=======\n<<<<<<< HEAD\none\n=======\ntwo\n>>>>>>> theirs\n"


def moved(world: World, files: dict[str, str | None], line: str) -> None:
    """A patch that changes b.py by `files`, which upstream has moved to z.py with another edit of a line."""
    world.fork.git("update-ref", "refs/heads/poolside-main", world.fork.rev("poolside-cherry-picks"))
    world.patch(files, "Change b\n")
    world.land({"b.py": None, "z.py": TEN.replace(line, "theirs\n")}, "Move b", 13)
    world.nightly("2026-07-11")


def test_C10_markers_that_the_patch_puts_into_a_file_are_its_text(simple: World, poolside: Run) -> None:
    moved(simple, {"b.py": TEN.replace("line 5\n", FIXTURE)}, "line 5\n")
    clone = simple.clone()
    stop(clone, poolside)
    write(clone, "z.py", TEN.replace("line 5\n", FIXTURE + "theirs\n"))
    clone.git("add", "z.py")
    assert poolside(clone, "sync", "--continue").status == 0
    assert clone.show("poolside-main", "z.py") == TEN.replace("line 5\n", FIXTURE + "theirs\n")


@pytest.mark.parametrize("ends", ["lf", "crlf"])
def test_C10_markers_that_upstreams_file_has_are_its_text(simple: World, poolside: Run, ends: str) -> None:
    simple.patch({"own.txt": "ours\n"}, "Ours\n")
    simple.land({"own.txt": FIXTURE}, "Theirs", 13)
    simple.nightly("2026-07-11")
    clone = simple.clone()
    write(clone, ".git/info/attributes", f"own.txt eol={ends}\n")
    stop(clone, poolside)
    clone.git("add", "own.txt")
    refused(clone, poolside, "error: conflict markers are left in:", "  own.txt")
    write(clone, "own.txt", FIXTURE.replace("\n", "\r\n" if ends == "crlf" else "\n"))
    clone.git("add", "own.txt")
    assert poolside(clone, "sync", "--continue").status == 0


def test_C10_changes_that_are_not_added_are_refused(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    resolve(clone)
    write(clone, "a.py", "later thought\n")
    refused(clone, poolside, "error: these paths have changes that are not added:", "  a.py")


def test_C10_untracked_leftovers_stay_where_they_are(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    resolve(clone)
    write(clone, "a.py.orig", "a mergetool left it\n")
    assert poolside(clone, "sync", "--continue").status == 0
    assert clone.git("status", "--porcelain") == "?? a.py.orig"


@pytest.mark.parametrize(
    "command",
    [["cherry-pick", "--abort"], ["cherry-pick", "--skip"], ["reset", "-q", "--hard"]],
    ids=["abort", "skip", "reset"],
)
def test_C11_a_cherry_pick_that_is_gone_is_refused(stopped: World, poolside: Run, command: list[str]) -> None:
    clone = stopped.there()
    patch = clone.rev("poolside-main~2")
    clone.git(*command)
    said = [
        f"nothing tells how {patch[:9]} Tune line five is to be resolved: "
        "the cherry-pick is gone: skipped, aborted or reset",
        f"hint: git cherry-pick {patch[:12]}   (tries it again)",
        "hint: git poolside sync --skip   (leaves the patch out)",
        "hint: git poolside sync --abort   (restores every branch)",
    ]
    refused(clone, poolside, f"error: {said[0]}", *said[1:])
    result = poolside(clone, "status")
    assert result.out.splitlines()[-2:] == ["", f"Stopped at {patch[:9]} Tune line five"]
    assert result.err.splitlines() == [f"warning: {said[0]}", *said[1:]]
    assert json.loads(poolside(clone, "status", "--json").out)["problems"] == said[:1]


def test_C11_what_the_refusal_hints_at_works(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    patch = clone.rev("poolside-main~2")
    clone.git("cherry-pick", "--abort")
    clone.git("cherry-pick", patch[:12], check=False)
    resolve(clone)
    assert poolside(clone, "sync", "--continue").status == 0
    assert clone.show("poolside-main~3", "a.py") == RESOLVED


def test_C11_a_stashed_resolution_is_refused_and_taken_when_it_is_back(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    resolve(clone)
    clone.git("stash", "-q")
    assert "the cherry-pick is gone" in poolside(clone, "sync", "--continue").err
    clone.git("stash", "pop", "-q")
    patch = clone.rev("poolside-main~2")
    command = f"git add PATH && git commit -C {patch[:12]}"
    assert f"hint: {command}   (makes the patch of what stands here)" in poolside(clone, "sync", "--continue").err
    clone.git("add", "a.py", "b.py")
    clone.git("commit", "-q", "-C", patch)
    assert poolside(clone, "sync", "--continue").status == 0


def test_C11_head_elsewhere_is_refused_with_the_way_back(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    patch = clone.rev("poolside-main~2")
    tip = partial(clone)
    clone.git("checkout", "-q", "-f", "poolside-main")
    refused(
        clone,
        poolside,
        f"error: HEAD is not on the tip that the patch goes onto, {tip[:12]}",
        f"hint: git checkout --detach {tip[:12]} && git cherry-pick {patch[:12]}",
        "hint: git poolside sync --abort   (restores every branch)",
    )


def test_C11_a_branch_made_at_the_stop_is_refused(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    resolve(clone)
    clone.git("checkout", "-q", "-b", "resolving")
    clone.git("commit", "-q", "-m", "Tune line five")
    refused(clone, poolside, f"error: HEAD is not on the tip that the patch goes onto, {partial(clone)[:12]}")


def test_C11_commits_and_changes_on_top_are_refused(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    resolve(clone)
    clone.git("commit", "-q", "--no-edit")
    write(clone, "b.py", "and more\n")
    clone.git("add", "b.py")
    refused(clone, poolside, "error: there are commits and uncommitted changes on top of them")


def test_C11_a_merge_at_the_stop_is_refused(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    resolve(clone)
    clone.git("commit", "-q", "--no-edit")
    clone.git("merge", "-q", "-s", "ours", "-m", "Merge", "poolside-main")
    refused(clone, poolside, f"error: HEAD is not on the tip that the patch goes onto, {partial(clone)[:12]}")


def test_C11_a_rebase_of_the_resolution_has_to_end_first(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    resolve(clone)
    clone.git("commit", "-q", "-m", "Tune line five")
    clone.git("rebase", "-q", "-x", "false", "HEAD~1", check=False)
    for going in ("--continue", "--skip"):
        result = poolside(clone, "sync", going)
        assert (result.status, result.err.splitlines()) == (
            1,
            [
                f"error: a rebase is in progress in {clone.path}",
                "hint: git rebase --continue   (finishes it)",
                "hint: git rebase --abort   (gives it up)",
            ],
        )
    clone.git("rebase", "--continue")
    assert poolside(clone, "sync", "--continue").status == 0


def test_C11_another_worktree_is_refused(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    resolve(clone)
    other = stopped.root / "other"
    clone.git("worktree", "add", "-q", "--detach", str(other), "poolside-main")
    before = everything(clone)
    result = poolside(other, "sync", "--continue")
    assert (result.status, result.err) == (
        1,
        "error: the operation was stopped in another worktree\n"
        f"hint: cd {clone.path} && git poolside sync --continue\n",
    )
    assert everything(clone) == before


def test_skip_from_another_worktree_acts_on_the_one_of_the_stop(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    other = stopped.root / "other"
    clone.git("worktree", "add", "-q", "--detach", str(other), "upstream/main")
    result = poolside(other, "sync", "--skip")
    assert result.status == 0, result.err
    assert Repo(other, stopped.env).rev("HEAD") == stopped.upstream.rev("main")
    assert everything(clone)[1:] == ("ref: refs/heads/poolside-main\n", "")


@pytest.mark.parametrize("going", ["--continue", "--skip"])
def test_C11_a_role_ref_that_moved_is_refused_and_only_abort_works(stopped: World, poolside: Run, going: str) -> None:
    clone = stopped.there()
    resolve(clone)
    moved = clone.rev("poolside-main~1")
    clone.git("update-ref", "refs/heads/poolside-main", moved)
    result = poolside(clone, "sync", going)
    assert (result.status, result.err.splitlines()) == (
        1,
        [
            "error: 'poolside-main' has moved since the operation was stopped",
            "hint: git poolside sync --abort   (leaves it where it is now; then begin again)",
        ],
    )
    result = poolside(clone, "sync", "--abort")
    assert result.status == 0
    assert result.err.splitlines() == [
        "note: 'poolside-main' has moved since, and is left where it is",
        "Aborted: every other branch is where it was, and 'poolside-main' is checked out.",
    ]
    assert clone.rev("poolside-main") == moved
    assert poolside(clone, "status").out.count("Stopped") == 0


def test_C11_abort_brings_a_deleted_role_branch_back(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    clone.git("branch", "poolside-cherry-picks", "origin/poolside-cherry-picks")
    before = everything(clone)
    stop(clone, poolside)
    clone.git("branch", "-q", "-D", "poolside-main", "poolside-cherry-picks")
    result = poolside(clone, "sync", "--continue")
    assert (result.status, result.err.splitlines()[0]) == (
        1,
        "error: 'poolside-cherry-picks' has moved since the operation was stopped",
    )
    assert poolside(clone, "sync", "--abort").status == 0
    assert everything(clone) == before


def places(value: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to each value inside, and to the whole."""
    yield way
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inside:
        yield from places(one, (*way, name))


def put(value: Any, way: tuple[str | int, ...], new: Any) -> Any:
    """A copy with another value in one place."""
    if not way:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[way[0]] = put(copy[way[0]], way[1:], new)
    return copy


def test_a_state_with_any_value_of_another_kind_is_refused_as_that(stuck: World, poolside: Run) -> None:
    """Nothing that cannot have been written is taken for what was: no place of it is passed over."""
    clone = stuck.clone()
    stop(clone, poolside, "--drop", "Add a file of our own", "--allow", "landed-tweaked")
    written = json.loads((clone.path / ".git/poolside/stopped.json").read_text())
    assert Stopped.from_json(written).to_json() == written
    tried = 0
    for way in places(written):
        for new in (None, True, 7, 0.5, "", "x", "0" * 39, [], [None], [["x"]], {}, {"x": None}):
            changed = put(written, way, new)
            if new is None and way[-1:] in (("head",), ("exec",), ("nightly",), ("plan",), ("explain",), ("origin",)):
                continue
            tried += 1
            try:
                again = Stopped.from_json(changed).to_json()
            except Misshapen:
                continue
            assert again == changed, f"{way} became {new!r}"
    assert tried > 500


@pytest.mark.parametrize(
    "way, new, why",
    [
        ((), [], "the whole of it is not what it should be"),
        (("kind",), "other", "kind is not what it should be"),
        (("order", "refs"), ["x"], "order.refs is not what it should be"),
        (("order", "choices"), None, None),
        (("order", "target"), "--output=x", "order.target is not what it should be"),
        (("paths", 0), {}, "paths[0] is not what it should be"),
        (("patch",), "f" * 40, f"{'f' * 40}, which is no commit of this clone, is not what it should be"),
        (("partial",), EMPTY_TREE, f"{EMPTY_TREE}, which is no commit of this clone, is not what it should be"),
    ],
)
def test_a_damaged_state_file_is_named_with_the_way_out(
    stuck: World, poolside: Run, way: tuple[str | int, ...], new: Any, why: str | None
) -> None:
    clone = stuck.clone()
    before = clone.refs(), clone.git("symbolic-ref", "HEAD"), clone.git("status", "--porcelain", "--ignored")
    stop(clone, poolside)
    path = clone.path / ".git/poolside/stopped.json"
    written = json.loads(path.read_text())
    if why is None:
        path.write_text(path.read_text()[:200])
        why = "it is no JSON"
    else:
        path.write_text(json.dumps(put(written, way, new)))
    out = [
        f"hint: rm {path}   (forgets the stop; no branch has moved)",
        "hint: git reset --merge && git checkout BRANCH   (leads back from where it stands)",
    ]
    for words in (["status"], ["sync", "--continue"], ["sync", "--skip"], ["sync", "--abort"], ["push"], ["doctor"]):
        result = poolside(clone, *words)
        assert (result.status, result.err.splitlines()) == (1, [f"error: {path} cannot be read: {why}", *out]), words
    path.unlink()
    clone.git("reset", "--merge")
    clone.git("checkout", "-q", "poolside-main")
    assert poolside(clone, "status").status == 0
    assert (clone.refs(), clone.git("symbolic-ref", "HEAD"), clone.git("status", "--porcelain", "--ignored")) == before


# C12: rerere


def test_C12_what_rerere_resolved_stops_all_the_same_and_is_said(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    clone.git("config", "rerere.enabled", "true")
    clone.git("config", "rerere.autoUpdate", "true")
    stop(clone, poolside)
    resolve(clone)
    clone.git("rerere")
    poolside(clone, "sync", "--abort")
    result = stop(clone, poolside)
    assert clone.git("status", "--porcelain").splitlines() == ["M  a.py", "M  b.py"]
    assert (clone.path / "a.py").read_text() == RESOLVED
    assert "note: rerere put an earlier resolution into a.py: look at it" in result.err.splitlines()
    assert poolside(clone, "sync", "--continue").status == 0
    assert clone.show("poolside-main~3", "a.py") == RESOLVED


def test_C12_rerere_without_autoupdate_leaves_the_paths_to_be_added(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    clone.git("config", "rerere.enabled", "true")
    stop(clone, poolside)
    resolve(clone)
    clone.git("rerere")
    poolside(clone, "sync", "--abort")
    result = stop(clone, poolside)
    assert (clone.path / "a.py").read_text() == RESOLVED
    assert "note: rerere put an earlier resolution into a.py: look at it" in result.err.splitlines()
    assert poolside(clone, "sync", "--continue").status == 1
    clone.git("add", "a.py")
    assert poolside(clone, "sync", "--continue").status == 0


def test_C12_continue_teaches_rerere_the_resolution(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    clone.git("config", "rerere.enabled", "true")
    stop(clone, poolside)
    resolve(clone)
    assert poolside(clone, "sync", "--continue").status == 0
    assert poolside(clone, "undo").status == 0
    result = stop(clone, poolside)
    assert "note: rerere put an earlier resolution into a.py: look at it" in result.err.splitlines()
    assert (clone.path / "a.py").read_text() == RESOLVED


def test_C12_with_rerere_accept_the_sync_goes_on_and_marks_the_patch(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    clone.git("config", "rerere.enabled", "true")
    stop(clone, poolside)
    resolve(clone)
    clone.git("rerere")
    poolside(clone, "sync", "--abort")
    write(clone, ".poolside.toml", '[sync]\nrerere = "accept"\n')
    clone.git("add", ".poolside.toml")
    clone.git("commit", "-q", "-m", "Accept what rerere resolves")
    result = poolside(clone, "sync", "--json")
    assert result.status == 0, result.err
    patches = json.loads(result.out)["layers"][2]["patches"]
    [resolved] = [patch for patch in patches if patch["reason"] == "resolved by rerere"]
    assert resolved["subject"] == "Tune line five"
    assert clone.show(resolved["new"], "a.py") == RESOLVED
    assert clone.git("status", "--porcelain") == ""


# --skip


def test_a_conflict_for_want_of_a_dropped_patch_is_not_put_on_upstream(stuck: World, poolside: Run) -> None:
    text = stuck.fork.show("poolside-main", "b.py")
    for word in ("five", "FIVE"):
        stuck.patch({"b.py": text.replace("line 5\n", f"line {word}\n")}, f"Say {word}\n")
    stuck.land({"b.py": TEN.replace("line 10\n", "line 10, far away\n")}, "Edit b", 31)
    stuck.nightly("2026-07-11")
    clone = stuck.clone()
    result = poolside(clone, "sync", "--drop", "Tune line five", "--drop", clone.rev("HEAD~1"))
    assert (result.status, "Say FIVE does not apply" in result.err, "because of" in result.err) == (3, True, False)


def test_skip_leaves_the_patch_out_and_records_why(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    old = clone.rev("poolside-main~2")
    write(clone, "a.py", "half a resolution\n")
    result = poolside(clone, "sync", "--skip", "--json")
    assert result.status == 0, result.err
    patches = next(layer for layer in json.loads(result.out)["layers"] if layer["role"] == "patches")["patches"]
    assert (patches[1]["old"], patches[1]["fate"], patches[1]["verdict"], patches[1]["reason"]) == (
        old,
        "dropped",
        "skipped",
        "skipped by hand: it did not apply",
    )
    assert clone.subjects("main..poolside-main") == [
        "Add the build workflow",
        "Add a file of our own",
        "Tune line ten",
        "Set the version to the nightly of 2026-07-10",
    ]
    assert everything(clone)[1:] == ("ref: refs/heads/poolside-main\n", "")


def test_skip_after_the_users_own_commit_is_refused(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    resolve(clone)
    clone.git("commit", "-q", "--no-edit")
    before = everything(clone)
    result = poolside(clone, "sync", "--skip")
    assert (result.status, result.err.splitlines()) == (
        1,
        [
            "error: HEAD is not where the operation stopped: there are commits on it, or it is somewhere else",
            "hint: git poolside sync --continue   (takes the commits as the resolution)",
            f"hint: git checkout --detach {partial(clone)[:12]} && git poolside sync --skip   (leaves them out)",
        ],
    )
    assert everything(clone) == before


# --abort


def test_abort_restores_refs_index_and_branch(stopped: World, poolside: Run) -> None:
    clone, before = stopped.there(), everything(stopped.clone("before"))
    result = poolside(clone, "sync", "--abort")
    assert (result.status, result.out, result.err) == (
        0,
        "",
        "Aborted: every branch is where it was, and 'poolside-main' is checked out.\n",
    )
    assert everything(clone) == before
    assert json.loads(poolside(clone, "status", "--json").out)["stopped"] is None
    assert not (clone.path / ".git/CHERRY_PICK_HEAD").exists()


def test_abort_after_own_commits_says_where_they_are(stopped: World, poolside: Run) -> None:
    clone, before = stopped.there(), everything(stopped.clone("before"))
    resolve(clone)
    clone.git("commit", "-q", "--no-edit")
    made = clone.rev("HEAD")
    result = poolside(clone, "sync", "--abort")
    assert result.status == 0
    assert result.err.splitlines()[0] == f"note: the commits made meanwhile are at {made[:12]}"
    assert everything(clone) == before


@pytest.mark.parametrize("ignored", [False, True], ids=["untracked", "ignored"])
def test_a_file_made_at_the_stop_where_the_branch_has_one_is_not_overwritten(
    stopped: World, poolside: Run, ignored: bool
) -> None:
    clone = stopped.there()
    write(clone, "own.txt", "mine\n")
    write(clone, ".git/info/exclude", "own.txt\n" if ignored else "")
    stashing = "git stash -u   (puts them aside; git stash pop brings them back)"
    hints = ["move them away"] if ignored else [stashing, "or commit them, or move them away"]
    for going in ("--skip", "--abort"):
        result = poolside(clone, "sync", going)
        said = [f"error: local changes in {clone.path} are in the way:", "  own.txt", *(f"hint: {h}" for h in hints)]
        assert (result.status, result.err.splitlines()) == (1, said)
        assert (clone.path / "own.txt").read_text() == "mine\n"
    clone.git("stash", "-a" if ignored else "-u")
    assert poolside(clone, "sync", "--abort").status == 0
    assert (clone.path / "own.txt").read_text() == "own\n"


def test_abort_with_half_a_resolution_keeps_untracked_files(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    write(clone, "a.py", "half a resolution\n")
    write(clone, "notes.txt", "mine\n")
    assert poolside(clone, "sync", "--abort").status == 0
    assert clone.git("status", "--porcelain") == "?? notes.txt"
    assert (clone.path / "a.py").read_text() == clone.show("poolside-main", "a.py")


def test_abort_keeps_what_the_user_staged_beside_the_patch(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    write(clone, "mine.txt", "mine\n")
    write(clone, "README.md", "mine too\n")
    clone.git("add", "mine.txt", "README.md")
    assert poolside(clone, "sync", "--abort").status == 0
    assert clone.git("status", "--porcelain").splitlines() == ["M README.md", "?? mine.txt"]


def test_abort_from_another_branch_goes_back_to_the_first(stopped: World, poolside: Run) -> None:
    clone, before = stopped.there(), everything(stopped.clone("before"))
    clone.git("checkout", "-q", "-f", "-b", "elsewhere")
    clone.git("commit", "-q", "--allow-empty", "-m", "Mine")
    result = poolside(clone, "sync", "--abort")
    assert result.status == 0
    made = clone.rev("elsewhere")
    assert everything(clone) == (before[0] | {"refs/heads/elsewhere": made}, *before[1:])


def test_abort_from_a_branch_with_work_in_progress_keeps_it(stopped: World, poolside: Run) -> None:
    clone = stopped.there()
    clone.git("checkout", "-q", "-f", "-b", "elsewhere", "origin/poolside-main~1")
    write(clone, "mine.txt", "mine\n")
    clone.git("add", "mine.txt")
    assert poolside(clone, "sync", "--abort").status == 0
    assert clone.git("symbolic-ref", "HEAD") == "refs/heads/poolside-main"
    assert clone.git("status", "--porcelain") == "A  mine.txt"


def test_abort_from_another_worktree_acts_on_the_one_of_the_stop(stopped: World, poolside: Run) -> None:
    clone, before = stopped.there(), everything(stopped.clone("before"))
    other = stopped.root / "other"
    clone.git("worktree", "add", "-q", "--detach", str(other), "upstream/main")
    assert poolside(other, "sync", "--abort").status == 0
    assert Repo(other, stopped.env).rev("HEAD") == stopped.upstream.rev("main")
    assert everything(clone) == before


@pytest.mark.parametrize("linked", [False, True])
def test_a_worktree_of_a_stop_that_was_moved_is_found_again(stuck: World, poolside: Run, linked: bool) -> None:
    clone = stuck.clone()
    moved = Repo(stuck.root / "moved", stuck.env)
    if linked:
        clone.git("checkout", "-q", "--detach")
        other = Repo(stuck.root / "linked", stuck.env)
        clone.git("worktree", "add", "-q", str(other.path), "poolside-main")
        stop(other, poolside)
        clone.git("worktree", "move", str(other.path), str(moved.path))
        result = poolside(clone, "sync", "--continue")
        hint = f"hint: cd {moved.path} && git poolside sync --continue"
        assert (result.status, result.err.splitlines()[-1]) == (1, hint)
    else:
        stop(clone, poolside)
        clone.path.rename(moved.path)
    resolve(moved)
    result = poolside(moved, "sync", "--continue")
    assert result.status == 0, result.err
    assert moved.git("symbolic-ref", "HEAD") == "refs/heads/poolside-main"
    assert moved.git("status", "--porcelain") == ""


@pytest.mark.parametrize("again", [False, True])
def test_abort_when_the_worktree_of_the_stop_is_gone(stuck: World, poolside: Run, again: bool) -> None:
    clone = stuck.clone()
    other = stuck.root / "other"
    clone.git("worktree", "add", "-q", "--detach", str(other), "poolside-main")
    before = everything(clone)
    assert poolside(other, "sync").status == 3
    clone.git("worktree", "remove", "--force", str(other))
    if again:  # under the name that git had for it
        clone.git("worktree", "add", "-q", "--detach", str(stuck.root / "else" / "other"), "origin/main")
    result = poolside(clone, "sync", "--skip")
    assert (result.status, result.err.splitlines()) == (
        1,
        [
            "error: the operation was stopped in another worktree, which is gone",
            "hint: git poolside sync --abort   (restores every branch)",
        ],
    )
    result = poolside(clone, "sync", "--abort")
    assert (result.status, result.err) == (0, "Aborted: every branch is where it was.\n")
    assert everything(clone) == before
    assert poolside(clone, "sync", "-n").status == 3


@pytest.mark.parametrize("where", ["topic", "detached", "main"])
def test_the_stop_goes_back_to_where_head_was(stuck: World, poolside: Run, where: str) -> None:
    clone = stuck.clone()
    if where == "detached":
        clone.git("checkout", "-q", "--detach", "origin/poolside-main~1")
    elif where == "topic":
        clone.git("checkout", "-q", "-b", "topic", "origin/poolside-main~3")
    else:
        clone.git("checkout", "-q", "-b", "main", "origin/main")
    head = (clone.path / ".git/HEAD").read_text()
    before = everything(clone)
    stop(clone, poolside)
    assert poolside(clone, "sync", "--abort").status == 0
    assert everything(clone) == before
    stop(clone, poolside)
    resolve(clone)
    assert poolside(clone, "sync", "--continue").status == 0
    assert (clone.path / ".git/HEAD").read_text() == head
    assert clone.git("status", "--porcelain") == ""


# C1 and other kinds of conflict


def gone(stuck: World) -> tuple[Repo, str]:
    """A clone whose patch edits lib/c.py, which upstream has deleted; upstream's commit."""
    stuck.fork.git("update-ref", "refs/heads/poolside-main", stuck.fork.rev("main"))
    stuck.patch({"lib/c.py": TEN.replace("line 3\n", "line three\n")}, "Fix line three\n")
    deletion = stuck.land({"lib/c.py": None}, "Remove c", 31)
    stuck.nightly("2026-07-11")
    return stuck.clone(), deletion


def test_C1_modify_delete_stops_and_names_who_deleted_the_file(stuck: World, poolside: Run) -> None:
    clone, deletion = gone(stuck)
    result = stop(clone, poolside)
    assert clone.git("status", "--porcelain") == "DU lib/c.py"
    assert result.err.splitlines()[1:3] == [
        "  CONFLICT (modify/delete): lib/c.py deleted in the new base and modified in the patch",
        f"because of upstream's {deletion[:9]} Remove c (#31)",
    ]
    assert told(result) == [
        "git add lib/c.py   (keeps it, as the patch does)",
        "git rm lib/c.py   (deletes it, as without the patch)",
    ]


def told(result: Result) -> list[str]:
    """The hints of a stop up to its own three ways out."""
    hints = [line.removeprefix("hint: ") for line in result.err.splitlines() if line.startswith("hint: ")]
    return hints[: hints.index("git poolside sync --continue   (then)")]


def test_C1_of_files_that_the_patch_deletes_both_ways_are_hinted_at(stuck: World, poolside: Run) -> None:
    stuck.fork.git("update-ref", "refs/heads/poolside-main", stuck.fork.rev("main"))
    tuned = TEN.replace("line 5\n", "line five\n")
    stuck.patch({"lib/c.py": None, "b.py": None, "a.py": tuned}, "Remove what is not ours\n")
    stuck.land({"b.py": TEN + "more\n"}, "Extend b", 31)
    stuck.nightly("2026-07-11")
    clone = stuck.clone()
    result = stop(clone, poolside)
    assert clone.git("status", "--porcelain").splitlines() == ["UU a.py", "UD b.py", "UD lib/c.py"]
    assert told(result) == [
        "git add a.py   (when you have resolved it)",
        "git rm b.py lib/c.py   (deletes them, as the patch does)",
        "git add b.py lib/c.py   (keeps them, as without the patch)",
    ]
    resolve(clone)
    clone.git("rm", "-q", "b.py", "lib/c.py")
    result = poolside(clone, "sync", "--continue")
    assert result.status == 0, result.err
    assert clone.files("poolside-main").keys() == clone.files("main").keys() - {"b.py", "lib/c.py"}


def test_C1_resolved_by_removing_or_by_keeping(stuck: World, poolside: Run) -> None:
    clone, _ = gone(stuck)
    stop(clone, poolside)
    assert poolside(clone, "sync", "--continue").status == 1
    clone.git("add", "lib/c.py")
    assert poolside(clone, "sync", "--continue").status == 0
    assert clone.show("poolside-main", "lib/c.py") == TEN.replace("line 3\n", "line three\n")
    assert poolside(clone, "undo").status == 0
    stop(clone, poolside)
    clone.git("rm", "-q", "lib/c.py")
    assert poolside(clone, "sync", "--continue").status == 0
    assert clone.rev("poolside-main") == clone.rev("main")


@pytest.mark.parametrize("going", ["--abort", "--skip"])
def test_C1_skip_and_abort_leave_nothing_behind(stuck: World, poolside: Run, going: str) -> None:
    clone, _ = gone(stuck)
    stop(clone, poolside)
    assert poolside(clone, "sync", going).status == 0
    assert clone.git("status", "--porcelain", "--ignored") == ""
    assert (clone.path / "lib/c.py").exists() == (going == "--abort")


@pytest.mark.parametrize(
    ("theirs", "ours", "where", "beside"),
    [("own/x", "own", "the new base", "own~HEAD"), ("own", "own/x", "the patch", "own~{patch} (Add our own)")],
    ids=["upstream's", "the patch's"],
)
def test_C5_a_file_in_the_place_of_a_folder_is_told_of_by_its_own_name(
    stuck: World, poolside: Run, theirs: str, ours: str, where: str, beside: str
) -> None:
    stuck.fork.git("update-ref", "refs/heads/poolside-main", stuck.fork.rev("main"))
    patch = stuck.patch({theirs: "ours\n"}, "Add our own\n")
    culprit = stuck.land({ours: "upstream's\n"}, "Add own", 31)
    stuck.nightly("2026-07-11")
    clone = stuck.clone()
    result = stop(clone, poolside)
    assert result.err.splitlines()[:3] == [
        f"error: {patch[:9]} Add our own does not apply",
        f"  CONFLICT (file/directory): directory in the way of own from {where}",
        f"because of upstream's {culprit[:9]} Add own (#31)",
    ]
    moved = beside.format(patch=patch[:7])
    assert told(result) == [f"git add own {shlex.quote(moved)}   (when you have resolved them)"]
    assert poolside(clone, "status").out.splitlines()[-2:] == ["  own", f"  {moved}"]
    clone.git("add", "own", moved)
    assert poolside(clone, "sync", "--continue").status == 0


def test_C8_a_submodule_that_moved_is_told_of_at_the_end_of_a_stop_too(stuck: World, poolside: Run) -> None:
    upstream = stuck.upstream
    listing = f"{upstream.git('ls-tree', 'main')}\n160000 commit {upstream.rev('main~1')}\tsub\n"
    tree = upstream.git("mktree", input=listing)
    stuck.commit(upstream, "main", {}, "Add the submodule\n", tree=tree)
    stuck.nightly("2026-07-11")
    clone = stuck.clone()
    assert "Moved submodules" not in stop(clone, poolside).out
    resolve(clone)
    result = poolside(clone, "sync", "--continue")
    assert result.status == 0, result.err
    assert result.out.splitlines()[-2:] == ["", "Moved submodules: sub"]
    assert result.err.splitlines() == [
        "hint: git submodule update --init --recursive   (brings them along)",
        "hint: git poolside push   (sends the branches)",
        "hint: git poolside undo   (takes it back)",
    ]


def test_C9_a_path_of_any_bytes_is_one_path(stuck: World, poolside: Run) -> None:
    name = b'caf\xe9 "x"\n-.py'.decode("utf-8", "surrogateescape")
    stuck.fork.git("update-ref", "refs/heads/poolside-main", stuck.fork.rev("main"))
    stuck.patch({name: "ours\n"}, "Ours\n")
    stuck.land({name: "theirs\n"}, "Theirs", 32)
    stuck.nightly("2026-07-12")
    clone = stuck.clone()
    before = everything(clone)
    stop(clone, poolside)
    assert json.loads(poolside(clone, "status", "--json").out)["stopped"]["paths"] == [name]
    clone.git("add", "-A")
    result = poolside(clone, "sync", "--continue")
    assert (result.status, result.err.splitlines()[0]) == (1, "error: conflict markers are left in:")
    assert poolside(clone, "sync", "--abort").status == 0
    assert everything(clone) == before
    stop(clone, poolside)
    write(clone, name, "both\n")
    clone.git("add", "-A")
    assert poolside(clone, "sync", "--continue").status == 0
    assert clone.show("poolside-main", name) == "both\n"


# dirty-for-stop


def test_a_local_change_on_a_path_of_the_switch_refuses_the_stop(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    write(clone, "lib/c.py", "mine\n")
    before = everything(clone)
    result = poolside(clone, "sync")
    assert result.status == 1
    assert result.err.splitlines() == [
        f"error: {clone.rev('poolside-main~2')[:9]} Tune line five does not apply",
        "  CONFLICT (content): Merge conflict in a.py",
        "local changes or untracked files are in the way of resolving it here:",
        "  lib/c.py",
        "hint: git stash   (puts them aside; git stash pop brings them back)",
        "hint: or commit them",
    ]
    assert everything(clone) == before
    said = json.loads(poolside(clone, "sync", "--json").out)
    assert (said["outcome"], said["exit"], [s["name"] for s in said["snags"]]) == ("refused", 1, ["dirty-for-stop"])


def test_what_is_only_noted_as_to_be_added_refuses_the_stop_with_what_helps(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    write(clone, "new.txt", "new\n")
    clone.git("add", "-N", "new.txt")
    assert poolside(clone, "sync").err.splitlines()[2:5] == [
        "there are staged changes:",
        "  new.txt",
        "hint: git reset -q -- new.txt   (leaves what is only noted as to be added; git stash cannot)",
    ]
    clone.git("reset", "-q", "--", "new.txt")
    stop(clone, poolside)
    assert (clone.path / "new.txt").read_text() == "new\n"


def test_a_local_change_on_a_clean_path_of_the_patch_refuses_the_stop(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    clone.git("checkout", "-q", "--detach", "upstream/main")
    write(clone, "b.py", "mine\n")
    before = everything(clone)
    result = poolside(clone, "sync")
    assert result.status == 1
    assert "  b.py" in result.err.splitlines()
    assert everything(clone) == before


def test_a_staged_change_refuses_the_stop(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    write(clone, "README.md", "mine\n")
    clone.git("add", "README.md")
    before = everything(clone)
    result = poolside(clone, "sync")
    assert result.status == 1
    assert result.err.splitlines()[2:] == [
        "there are staged changes:",
        "  README.md",
        "hint: git stash   (puts them aside)",
        "hint: or commit them",
    ]
    assert everything(clone) == before


@pytest.mark.parametrize("ignored", [False, True], ids=["untracked", "ignored"])
def test_an_untracked_or_ignored_file_in_the_way_refuses_the_stop(stuck: World, poolside: Run, ignored: bool) -> None:
    stuck.land({"built.txt": "upstream's\n"}, "Add built.txt", 24)
    stuck.nightly("2026-07-11")
    clone = stuck.clone()
    write(clone, "built.txt", "mine\n")
    if ignored:
        (clone.path / ".git/info").mkdir(exist_ok=True)
        write(clone, ".git/info/exclude", "built.txt\n")
    before = everything(clone)
    result = poolside(clone, "sync")
    assert (result.status, "  built.txt" in result.err.splitlines()) == (1, True)
    assert everything(clone) == before
    assert (clone.path / "built.txt").read_text() == "mine\n"


def test_an_unrelated_local_change_survives_the_stop_and_all_that_follows(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    write(clone, "README.md", "mine\n")
    write(clone, "notes.txt", "mine too\n")
    status = "M README.md\n?? notes.txt"
    stop(clone, poolside)
    assert poolside(clone, "sync", "--abort").status == 0
    assert clone.git("status", "--porcelain") == status
    stop(clone, poolside)
    resolve(clone)
    assert poolside(clone, "sync", "--continue").status == 0
    assert clone.git("status", "--porcelain") == status
    assert clone.show("poolside-main", "README.md") == "upstream\n"


def test_an_unborn_branch_refuses_the_stop(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    clone.git("checkout", "-q", "--orphan", "nothing")
    clone.git("rm", "-q", "-r", "-f", ".")
    result = poolside(clone, "sync")
    assert result.status == 1
    assert result.err.splitlines()[2] == "HEAD is on an unborn branch, so a conflict cannot be resolved here"
    assert (clone.path / ".git/HEAD").read_text() == "ref: refs/heads/nothing\n"


# --exec


def test_exec_runs_at_every_new_commit_and_nowhere_near_the_worktree(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    log = simple.root / "exec.log"
    result = poolside(clone, "sync", "--exec", f"git log -1 --format=%s >> {log}; pwd >> {log}.where")
    assert result.status == 0, result.err
    assert log.read_text().splitlines() == clone.subjects("main..poolside-main~1")
    assert str(clone.path / "lib") not in Path(f"{log}.where").read_text()
    assert clone.git("worktree", "list").count("\n") == 0
    assert not list((clone.path / ".git/poolside").glob("exec-*"))


def test_C13_a_failing_exec_stops_and_an_amended_commit_goes_on(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = clone.refs()
    old = clone.rev("poolside-main")
    result = poolside(clone, "sync", "--exec", "! grep -q 'line nine' b.py")
    assert result.status == 3
    assert clone.refs() == before
    assert clone.git("log", "-1", "--format=%s") == "Use our index"
    lines = result.err.splitlines()
    assert f"error: '! grep -q 'line nine' b.py' failed at {old[:9]} Use our index" in lines
    assert "hint: git commit --amend   (when you have mended it)" in lines
    write(clone, "b.py", TEN.replace("line 9\n", "line 9, ours\n"))
    clone.git("commit", "-q", "-a", "--amend", "--no-edit")
    result = poolside(clone, "sync", "--continue")
    assert result.status == 0, result.err
    assert clone.subjects("main..poolside-main") == [
        "Add the build workflow",
        "Use our index",
        "Set the version to the nightly of 2026-07-10",
    ]
    assert clone.show("poolside-main", "b.py") == TEN.replace("line 9\n", "line 9, ours\n")
    assert clone.git("symbolic-ref", "HEAD") == "refs/heads/poolside-main"


def test_C13_an_exec_that_still_fails_stops_again(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    assert poolside(clone, "sync", "--exec", "! grep -q 'line nine' b.py").status == 3
    head = clone.rev("HEAD")
    again = poolside(clone, "sync", "--continue")
    assert again.status == 3, again.err
    assert clone.rev("HEAD") == head
    assert poolside(clone, "sync", "--abort").status == 0
    assert everything(clone)[1:] == ("ref: refs/heads/poolside-main\n", "")


def test_what_is_asked_after_a_stop_is_answered_with_continue(world: World, poolside: Run) -> None:
    world.land({"a.py": TEN, "b.py": TEN}, "Begin", 1)
    world.nightly("2026-07-03")
    world.fork_at()
    world.patch({"a.py": TEN.replace("line 5\n", "line five, tuned\n")}, "Tune line five\n")
    asked = world.patch(
        {"b.py": TEN.replace("line 2\n", "line two\n")},
        "Speed b up\n\nPull Request resolved: https://github.com/pytorch/pytorch/pull/11\n",
    )
    world.land({"a.py": TEN.replace("line 5\n", "LINE 5\n")}, "Shout", 10)
    world.land({"b.py": TEN.replace("line 2\n", "line 2, fast\n")}, "Speed b up", 11)
    world.nightly("2026-07-10")
    clone = world.clone()
    assert poolside(clone, "sync", "--drop", asked).status == 3
    assert poolside(clone, "sync", "--abort").status == 0
    assert poolside(clone, "sync").status == 3
    write(clone, "a.py", TEN.replace("line 5\n", "LINE five\n"))
    clone.git("add", "a.py")
    refused = poolside(clone, "sync", "--continue")
    assert refused.status == 1
    assert refused.err.splitlines()[-3:] == [
        f"hint: git poolside sync --continue --keep {asked[:9]}   (keeps it)",
        f"hint: git poolside sync --continue --drop {asked[:9]}   (leaves it out)",
        "no branch was changed, the stop still stands",
    ]
    done = poolside(clone, "sync", "--continue", "--drop", asked[:9])
    assert done.status == 0, done.err
    noted = "Note what landed up to the nightly of 2026-07-10"
    assert clone.subjects("main..poolside-main") == ["Tune line five", noted]
    assert clone.show("poolside-main", "a.py") == TEN.replace("line 5\n", "LINE five\n")


def test_C13_exec_is_not_run_at_the_stamp_which_nobody_could_mend(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    result = poolside(clone, "sync", "--exec", f"! grep -q 20260710 {PATTERN_FILE}")
    assert result.status == 0, result.err


def test_C13_an_exec_that_fails_at_a_resolved_patch_stands_on_its_resolution(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    stop(clone, poolside, "--exec", "! grep -q 'line one' b.py || test -f good.txt")
    resolve(clone)
    clone.git("-c", "core.editor=true", "cherry-pick", "--continue")
    write(clone, "added.txt", "added\n")
    clone.git("add", "added.txt")
    clone.git("commit", "-qm", "Add more")
    assert poolside(clone, "sync", "--continue").status == 3
    assert clone.subjects("upstream/main..HEAD") == ["Add the build workflow", "Tune line five", "Add more"]
    assert poolside(clone, "sync", "--continue").status == 3
    write(clone, "good.txt", "good\n")
    clone.git("add", "good.txt")
    clone.git("commit", "-q", "--fixup", "HEAD~1")
    clone.git("-c", "sequence.editor=true", "rebase", "-q", "-i", "--autosquash", "HEAD~3")
    result = poolside(clone, "sync", "--continue")
    assert result.status == 0, result.err
    assert {"good.txt", "added.txt"} <= set(clone.files("poolside-main"))


def test_C13_going_on_after_gc_makes_the_commits_again(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    stop(clone, poolside, "--exec", f"! test -f {PATTERN_FILE}")
    clone.git("reflog", "expire", "--expire=now", "--all")
    clone.git("gc", "-q", "--prune=now")
    assert poolside(clone, "sync", "--continue").status == 3
    assert poolside(clone, "sync", "--abort").status == 0


def test_an_ignored_file_in_the_way_of_a_second_stop_is_not_overwritten(stuck: World, poolside: Run) -> None:
    stuck.patch({"build/out.txt": "patch\n", "lib/c.py": TEN.replace("line 10\n", "ten\n")}, "Conflict too\n")
    clone = stuck.clone()
    stop(clone, poolside)
    write(clone, ".git/info/exclude", "build/\n")
    write(clone, "build/out.txt", "precious\n")
    resolve(clone)
    result = poolside(clone, "sync", "--continue")
    assert (result.status, "  build/" in result.err) == (1, True), result.err
    assert (clone.path / "build/out.txt").read_text() == "precious\n"
    (clone.path / "build/out.txt").unlink()
    assert poolside(clone, "sync", "--continue").status == 3
    assert (clone.path / "build/out.txt").read_text() == "patch\n"


def test_C3_an_ignored_file_where_a_renamed_folder_takes_a_patch_is_not_overwritten(
    world: World, poolside: Run
) -> None:
    other = TEN + "b\n"
    world.land({"version.txt": "2.9.0a0\n", "lib/a.py": TEN, "lib/b.py": other}, "Begin", 1)
    world.nightly("2026-07-03")
    world.fork_at()
    world.patch({"lib/new.py": "new\n"}, "Add new\n")
    moved = {"lib/a.py": None, "lib/b.py": None, "library/a.py": TEN, "library/b.py": other}
    world.land(moved, "Rename", 12)
    world.nightly("2026-07-10")
    clone = world.clone()
    write(clone, ".git/info/exclude", "library/new.py\n")
    write(clone, "library/new.py", "precious\n")
    result = poolside(clone, "sync")
    assert (result.status, "  library/new.py" in result.err) == (1, True), result.err
    assert (clone.path / "library/new.py").read_text() == "precious\n"


# What git is told not to look at, or to leave out


@pytest.mark.parametrize("flag", ["assume-unchanged", "skip-worktree"])
def test_a_change_that_git_is_told_not_to_look_at_refuses_the_stop(stuck: World, poolside: Run, flag: str) -> None:
    clone = stuck.clone()
    clone.git("checkout", "-q", "-b", "topic", "origin/main")
    clone.git("update-index", f"--{flag}", "README.md", "b.py")
    write(clone, "b.py", "mine\n")
    before = everything(clone)
    result = poolside(clone.path / "lib", "sync")
    assert result.status == 1
    assert result.err.splitlines()[2:] == [
        "local changes or untracked files are in the way of resolving it here:",
        "  b.py",
        f"hint: git update-index --no-{flag} ../b.py   (lets git see the changes)",
        "hint: git stash   (puts them aside; git stash pop brings them back)",
        "hint: or commit them",
    ]
    assert (everything(clone), (clone.path / "b.py").read_text()) == (before, "mine\n")
    clone.git("update-index", f"--no-{flag}", "b.py")
    clone.git("stash", "-u")
    stop(clone, poolside)


@pytest.mark.parametrize("going", ["--abort", "--skip"])
def test_P7_a_stop_in_a_sparse_checkout_ends_with_the_same_paths_left_out(
    stuck: World, poolside: Run, going: str
) -> None:
    ten = stuck.fork.show("poolside-main", "a.py")
    stuck.patch({"lib/c.py": TEN.replace("line 1\n", "LINE 1\n"), "lib/new.py": "n\n",
                 "a.py": ten.replace("line 3\n", "line three\n")}, "Touch what is left out\n")  # fmt: skip
    stuck.land({"a.py": TEN.replace("line 5\n", "line 5, rewritten\n").replace("line 3\n", "3\n")}, "Rewrite", 31)
    stuck.nightly("2026-07-11")
    clone = stuck.clone()
    clone.git("sparse-checkout", "set", "--cone", ".github")
    stop(clone, poolside)
    result = poolside(clone.path / ".github", "sync", "--skip")
    assert (result.status, "hint: git add --sparse ../a.py   (when you have resolved it)" in result.err) == (3, True)
    result = poolside(clone, "sync", going)
    assert result.status == 0, result.err
    assert clone.git("symbolic-ref", "HEAD") == "refs/heads/poolside-main"
    assert clone.git("status", "--porcelain") == ""
    assert not (clone.path / "lib").exists()
