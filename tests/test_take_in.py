"""``sync --take-in`` and the renewed lease of ``push``: what somebody pushed beside our own, unpushed work (P1, P6)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import TEN, Run, copied, ends_with, simple_world
from tests.scenario import Repo, World
from tests.test_pull import MATE, commit, state


def mate_pushed(world: World, poolside: Run, *commands: list[str]) -> Repo:
    """A teammate's clone after these commands and a push."""
    mate = world.clone("mate")
    for words in (*commands, ["push"]):
        result = poolside(mate, *words)
        assert result.status == 0, result.err
    return mate


def _beside(world: World) -> None:
    simple_world(world)
    clone = world.clone()
    assert ends_with(clone, "sync", "--push") == 0
    world.land({"lib/c.py": TEN + "more\nand more\n"}, "Extend again", 13)
    world.nightly("2026-07-11")
    assert ends_with(world.clone("mate"), "sync", "--push") == 0
    commit(clone, "own.txt", "own\n", "My patch")


@pytest.fixture
def beside(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A clone that was synced and pushed, with a commit of its own, while a teammate has moved the fork onto the next
    nightly.
    """
    return copied(request, _beside, tmp_path / "world")


def test_P1_what_came_is_replayed_on_top_and_the_push_succeeds(synced: World, poolside: Run) -> None:
    clone = synced.there()
    theirs = synced.patch({"mate.txt": "theirs\n"}, "A mate's patch\n", MATE)
    result = poolside(clone, "sync", "--take-in")
    assert result.status == 0, result.err
    assert f"note: taken in from 'origin': {theirs[:9]} A mate's patch" in result.err.splitlines()
    assert clone.subjects("main..poolside-main") == [
        "Add the build workflow",
        "Use our index",
        "A mate's patch",
        "Set the version to the nightly of 2026-07-10",
    ]
    assert clone.git("log", "-1", "--format=%an", "poolside-main~1") == "Team Mate"
    assert poolside(clone, "push").status == 0
    assert synced.fork.rev("poolside-main") == clone.rev("poolside-main")


def test_P1_status_says_what_a_push_would_be_refused_for(synced: World, poolside: Run) -> None:
    clone = synced.there()
    synced.patch({"mate.txt": "theirs\n"}, "A mate's patch\n", MATE)
    result = poolside(clone, "status", "--fetch")
    tips = [clone.rev(name)[:9] for name in ("poolside-main", "poolside-cherry-picks", "main")]
    assert result.out.splitlines() == [
        "On the nightly of 2026-07-10: the newest there is",
        "",
        f"  poolside-main          {tips[0]}  2 patches  made anew; the server has 1 commit more",
        f"  poolside-cherry-picks  {tips[1]}  0 picks    1 on the server alone",
        f"  main                   {tips[2]}  snapshot   not pushed",
    ]
    refused = poolside(clone, "push", "-n")
    assert refused.status == 4
    assert result.err.splitlines() == [
        "hint: git poolside sync --take-in   (replays them on this stack; then push again)",
        "hint: git poolside pull   (the fork's server has moved on: goes to its tips, with what is only here)",
    ]
    assert result.err.splitlines()[0] in refused.err.splitlines()
    assert poolside(clone, "sync", "--take-in").status == 0
    assert poolside(clone, "status").err.splitlines() == ["hint: git poolside push   (sends the branches)"]


def test_P1_taking_in_goes_along_with_a_sync_to_a_newer_nightly(synced: World, poolside: Run) -> None:
    clone = synced.there()
    synced.patch({"mate.txt": "theirs\n"}, "A mate's patch\n", MATE)
    synced.land({"lib/c.py": TEN + "more\nand more\n"}, "Extend again", 13)
    synced.nightly("2026-07-11")
    result = poolside(clone, "sync", "--take-in", "--push")
    assert result.status == 0, result.err
    assert clone.rev("main") == synced.upstream.rev("main") == synced.fork.rev("main")
    assert "A mate's patch" in synced.fork.git("log", "--format=%s", "main..poolside-main")


def test_P1_an_undo_of_what_was_taken_in_and_pushed_puts_the_whole_stack_back(beside: World, poolside: Run) -> None:
    clone = beside.there()
    before = clone.refs("refs/heads")
    done = poolside(clone, "sync", "--take-in", "--push")
    assert done.status == 0, done.err
    server = beside.fork.refs()
    assert poolside(clone, "undo", "--push").status == 4
    assert (clone.refs("refs/heads"), beside.fork.refs()) == (before, server)
    again = poolside(clone, "sync", "--take-in")
    assert again.status == 0, again.err
    assert "My patch" in clone.subjects("main..poolside-main")


def test_N6_a_teammates_sync_onto_what_upstream_has_no_more_is_not_pushed_over(beside: World, poolside: Run) -> None:
    clone = beside.there()
    clone.git("fetch", "-q", "upstream")
    beside.upstream.git("update-ref", "refs/heads/main", "main~1")
    beside.land({"d.py": "d\n"}, "Add d instead", 14)
    clone.git("fetch", "-q", "upstream")
    server = beside.fork.refs()
    result = poolside(clone, "push")
    assert (result.status, beside.fork.refs()) == (4, server), result.err
    assert f"it stands on {server['refs/heads/main'][:9]}, which" in result.err


def test_P1_a_teammates_pick_goes_into_the_picks(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    simple.land({"lib/c.py": TEN + "more\nand more\n"}, "Extend again", 13)
    simple.land({"pick.txt": "pick\n"}, "Wanted early", 42)
    poolside(clone, "sync")
    mate_pushed(simple, poolside, ["cherry-pick", "add", "upstream/main"])
    server = simple.fork.refs()
    refused = poolside(clone, "push")
    assert (refused.status, simple.fork.refs()) == (4, server)
    result = poolside(clone, "sync", "--take-in")
    assert result.status == 0, result.err
    assert clone.subjects("main..poolside-cherry-picks") == ["Wanted early (#42)"]
    assert clone.subjects("poolside-cherry-picks..poolside-main") == [
        "Add the build workflow",
        "Use our index",
        "Set the version to the nightly of 2026-07-10",
    ]
    assert poolside(clone, "push").status == 0


def test_P1_both_synced_to_the_same_nightly(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    commit(clone, "mine.txt", "one\n", "My patch")
    poolside(clone, "sync")
    mate_pushed(simple, poolside, ["sync"])
    result = poolside(clone, "push")
    assert result.status == 0, result.err
    assert simple.fork.subjects("main..poolside-main") == [
        "Add the build workflow",
        "Use our index",
        "My patch",
        "Set the version to the nightly of 2026-07-10",
    ]


def test_P1_an_amended_stamp_is_taken_in(simple: World, poolside: Run) -> None:
    mate = mate_pushed(simple, poolside, ["sync"])
    clone = simple.clone()
    commit(clone, "mine.txt", "one\n", "My patch")
    simple.land({"lib/c.py": TEN + "more\nand more\n"}, "Extend again", 13)
    simple.nightly("2026-07-11")
    poolside(clone, "sync")
    (mate.path / "hidden.txt").write_text("in the stamp\n")
    mate.git("add", "hidden.txt")
    mate.git("commit", "-q", "--amend", "--no-edit")
    assert poolside(mate, "push").status == 0
    assert poolside(clone, "push").status == 4
    result = poolside(clone, "sync", "--take-in", "--push")
    assert result.status == 0, result.err
    assert simple.fork.show("poolside-main", "hidden.txt") == "in the stamp\n"


def edited(mate: Repo, poolside: Run, how: str) -> None:
    """Rewrite the middle of the stack, and push."""
    if how == "dropped":
        mate.git("rebase", "-q", "--onto", "HEAD~2", "HEAD~1")
    elif how == "changed":
        (mate.path / "b.py").write_text(TEN.replace("line 9\n", "line neun\n"))
        mate.git("commit", "-q", "-a", "--amend", "--no-edit")
    elif how == "order":
        last, before = mate.rev("HEAD"), mate.rev("HEAD~1")
        mate.git("reset", "-q", "--hard", "HEAD~2")
        mate.git("cherry-pick", last, before)
    else:
        assert poolside(mate, "sync").status == 0
    assert poolside(mate, "push").status == 0


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("dropped", "Add the build workflow was dropped"),
        ("changed", "Use our index was changed"),
        ("order", "the patches were put in another order"),
        ("synced", "it stands on"),
    ],
)
def test_P1_an_edited_stack_is_not_combined_but_refused_with_the_way_out(
    simple: World, poolside: Run, how: str, said: str
) -> None:
    clone, mate = simple.clone(), simple.clone("mate")
    simple.land({"pick.txt": "pick\n"}, "Wanted early", 42)
    clone.git("fetch", "-q", "upstream")
    assert poolside(clone, "cherry-pick", "add", "upstream/main").status == 0
    base = clone.rev("origin/main")
    edited(mate, poolside, how)
    server, before = simple.fork.refs(), state(clone)
    pushed = poolside(clone, "push")
    assert (pushed.status, simple.fork.refs(), state(clone)) == (4, server, before)
    assert said in pushed.err
    assert pushed.err.splitlines()[-1] == (
        "hint: git poolside pull   (goes to the fork's stack, and carries over what is only here)"
    )
    looked = poolside(clone, "status")
    assert "made anew; edited on the server" in looked.out
    assert [line.split("   ")[0] for line in looked.err.splitlines()] == ["hint: git poolside pull"]
    taken = poolside(clone, "sync", "--take-in", "--onto", base)
    assert (taken.status, state(clone)) == (1, before)
    assert said in taken.err
    assert poolside(clone, "pull").status == 0
    assert clone.subjects(f"{simple.fork.rev('main')}..poolside-cherry-picks")[-1] == "Wanted early (#42)"
    assert poolside(clone, "push").status == 0


def test_P1_a_conflict_while_taking_in_stops_and_goes_on(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    commit(clone, "b.py", TEN.replace("line 9\n", "line mine\n"), "Mine in line nine")
    poolside(clone, "sync")
    simple.patch({"b.py": TEN.replace("line 9\n", "line theirs\n")}, "Theirs in line nine\n", MATE)
    result = poolside(clone, "sync", "--take-in")
    assert result.status == 3, result.err
    (clone.path / "b.py").write_text(TEN.replace("line 9\n", "line ours\n"))
    clone.git("add", "b.py")
    assert poolside(clone, "sync", "--continue").status == 0
    assert poolside(clone, "push").status == 0
    assert simple.fork.show("poolside-main", "b.py") == TEN.replace("line 9\n", "line ours\n")


def test_taking_in_where_nothing_came_is_a_plain_sync(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    assert poolside(clone, "sync", "--take-in").status == 0
    assert clone.rev("main") == simple.upstream.rev("main")


def test_P1_the_refusal_is_an_object_with_json(synced: World, poolside: Run) -> None:
    clone = synced.there()
    synced.patch({"mate.txt": "theirs\n"}, "A mate's patch\n", MATE)
    said = json.loads(poolside(clone, "push", "--json").out)
    assert (said["outcome"], said["exit"]) == ("refused", 4)
    assert "git poolside sync --take-in" in said["hints"][0]


def test_P1_picks_that_have_all_landed_leave_the_servers_branch_of_them_too(world: World, poolside: Run) -> None:
    """This clone has no branch of the picks, and its stack none of them: a teammate has pushed the first."""
    world.land({"a.py": TEN}, "Begin", 1)
    world.nightly("2026-07-03")
    world.fork_at()
    world.patch({"b.py": TEN}, "Add b\n")
    landed = world.land({"a.py": TEN + "more\n"}, "Extend a", 11)
    clone = world.clone()
    mate_pushed(world, poolside, ["cherry-pick", "add", "#11"])
    world.nightly("2026-07-10")
    commit(clone, "own.txt", "own\n", "My patch")
    assert poolside(clone, "sync", "--take-in").status == 0
    assert clone.rev("poolside-cherry-picks") == clone.rev("main") == landed
    assert poolside(clone, "push").status == 0
    assert world.fork.refs("refs/heads") == clone.refs("refs/heads")
