"""``git poolside sync``: the main job, end to end."""

from __future__ import annotations

import json

from tests.conftest import Run
from tests.scenario import PATTERN_FILE, World, workflow


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
