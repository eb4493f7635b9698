"""``git poolside sync``: the main job, end to end."""

from __future__ import annotations

import json

from tests.conftest import TEN, Run
from tests.scenario import PATTERN_FILE, Repo, World, workflow


def test_a_clean_sync_moves_the_three_branches_at_once(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = clone.refs()
    result = poolside(clone, "sync")
    target = simple.upstream.rev("main")
    assert result.status == 0, result.err
    assert clone.rev("main") == target
    assert clone.rev("poolside-cherry-picks") == target
    assert clone.subjects("main..poolside-main") == [
        "Add the build workflow",
        "Use our index",
        "Set the version to the nightly of 2026-07-10",
    ]
    assert clone.show("poolside-main", PATTERN_FILE) == workflow("20260710")
    assert clone.git("status", "--porcelain", "--branch").splitlines()[1:] == []
    assert clone.git("symbolic-ref", "HEAD") == "refs/heads/poolside-main"
    assert before["refs/heads/poolside-main"] == clone.rev("poolside-main@{1}")


def test_the_second_sync_has_nothing_to_do(synced: World, poolside: Run) -> None:
    clone = synced.there()
    refs = clone.refs("refs")
    result = poolside(clone, "sync")
    assert (result.status, result.out) == (
        0,
        f"Nothing to do: the stack stands on the nightly of 2026-07-10 ({clone.rev('main')[:9]}).\n",
    )
    assert clone.refs("refs") == refs


def test_a_dry_run_says_the_same_and_changes_nothing(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    refs = clone.refs("refs")
    result = poolside(clone, "sync", "-n", "--json")
    said = json.loads(result.out)
    assert result.status == 0
    assert (said["schema"], said["outcome"], said["dry_run"], said["operation"]) == (1, "done", True, None)
    picks = next(layer for layer in said["layers"] if layer["role"] == "picks")
    [pick] = picks["patches"]
    assert (pick["fate"], pick["verdict"], pick["pull"], pick["signals"]) == (
        "dropped",
        "landed",
        11,
        ["trailer", "pull", "patch-id", "same-result", "reverse-apply"],
    )
    assert clone.refs("refs/heads") == {k: v for k, v in refs.items() if k.startswith("refs/heads")}


def test_a_patch_is_not_kept_and_dropped_at_once(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = clone.refs()
    result = poolside(clone, "sync", "--keep", "our index", "--drop", clone.rev("poolside-main")[:9])
    assert result.status == 129
    assert "give --keep or --drop, not both" in result.err
    assert clone.refs() == before


def test_C5_conflict_markers_that_git_calls_merged_are_a_conflict(world: World, poolside: Run) -> None:
    """Upstream moved a file and edited it; the patch edits the old one and has the new one, too."""
    moved = TEN.replace("line 5\n", "upstream's five\n")
    world.land({"a.txt": TEN, "o.txt": "other\n"}, "Begin", 1)
    world.nightly("2026-07-03")
    world.fork_at()
    world.patch({"a.txt": TEN.replace("line 5\n", "our five\n"), "z.txt": moved}, "Have both\n")
    world.land({"a.txt": None, "z.txt": moved, "o.txt": "edited\n"}, "Move it", 2)
    world.nightly("2026-07-10")
    clone = world.clone()
    before = clone.refs()
    result = poolside(clone, "sync")
    assert result.status == 3, result
    assert "git applied the patch here although poolside could not; look at it" in result.out + result.err
    assert "<<<<<<< " in (clone.path / "z.txt").read_text()
    assert poolside(clone, "sync", "--abort").status == 0
    assert clone.refs() == before
    [patch] = json.loads(poolside(clone, "sync", "-n", "--json").out)["layers"][2]["patches"]
    assert (patch["fate"], patch["paths"]) == ("unresolved", ["z.txt"])


TWO = TEN.replace("line 2\n", "two\n")


def _ruled(world: World) -> tuple[Repo, list[str]]:
    """A clone of a fork whose first patch says that a.py is not merged by content, and two more edit that file."""
    world.land({"a.py": TEN}, "Begin", 1)
    world.nightly("2026-07-03")
    world.fork_at()
    world.patch({".gitattributes": "a.py -merge\n"}, "Rule\n")
    world.patch({"a.py": TWO}, "Second\n")
    world.patch({"a.py": TWO.replace("line 9\n", "nine\n")}, "Third\n")
    clone = world.clone()
    return clone, clone.git("rev-list", "--reverse", "origin/main..origin/poolside-main").split()


def test_C6_attributes_of_a_patch_that_stays_rule_those_above_it(world: World, poolside: Run) -> None:
    clone, (rule, second, third) = _ruled(world)
    moved = poolside(clone, "cherry-pick", "move", third, "--before", second, "--json")
    assert (moved.status, json.loads(moved.out)["outcome"]) == (3, "stopped")
    assert (clone.rev("HEAD"), clone.git("status", "--short")) == (rule, "UU a.py")


def test_C6_attributes_of_a_patch_that_is_dropped_rule_nothing(world: World, poolside: Run) -> None:
    clone, (rule, *_) = _ruled(world)
    five = TWO.replace("line 5\n", "five\n")
    world.land({"a.py": five.replace("two\n", "line 2\n")}, "Edit a", 2)
    world.nightly("2026-07-10")
    synced = poolside(clone, "sync", "--drop", rule, "--json")
    assert (synced.status, json.loads(synced.out)["outcome"]) == (0, "done")
    assert clone.git("show", "poolside-main:a.py") == five.replace("line 9\n", "nine\n").strip()
