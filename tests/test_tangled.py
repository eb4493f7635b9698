"""What plain git makes of a role branch after a teammate's sync, and the way back that is shown (P6, P14)."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.conftest import TEN, Run, copied, ends_with, simple_world
from tests.scenario import Repo, World
from tests.test_pull import MATE, commit, state, synced

DROPPED = (["sync", "--drop", "Use our index"], ["push"])


def findings(clone: Repo, poolside: Run) -> dict[str, tuple[str, str]]:
    """What doctor finds wrong about what git did: the messages and the cures."""
    found = json.loads(poolside(clone, "doctor", "--json", "--no-fetch").out)["checks"]
    wrong = [one for one in found if not one["holds"]]
    return {one["name"]: (one["message"], one["cure"]) for one in wrong if one["name"].endswith(("history", "flight"))}


def typed(clone: Repo, poolside: Run, line: str) -> None:
    """Type a command line that was shown, as it is."""
    for step in line.split(" && "):
        words = shlex.split(step)
        assert words[0] == "git"
        if words[1] == "poolside":
            result = poolside(clone, *words[2:])
            assert result.status == 0, result.err
        else:
            clone.git(*words[1:])


def copies(*commits: tuple[str, str]) -> list[str]:
    return [f"  {oid[:9]} {subject}" for oid, subject in commits]


def _merged(world: World) -> None:
    simple_world(world)
    clone, mate = world.clone(), world.clone("mate")
    commit(clone, "mine.txt", "one\n", "My patch")
    assert [ends_with(mate, *words) for words in DROPPED] == [0, 0]
    clone.git("pull", "-q", "--no-rebase", "--no-edit", "-X", "theirs", "origin", "poolside-main")


@pytest.fixture
def merged(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """The world of `simple` with a clone that has a patch of its own, over which plain git pulled the sync of a
    teammate, whose clone is there too.
    """
    return copied(request, _merged, tmp_path / "world")


def who(world: World) -> tuple[Repo, Repo, str]:
    """The clone of `merged`, the teammate's, and the clone's own patch."""
    return world.there(), world.there("mate"), world.there().rev("HEAD~1")


def test_P6_a_merge_of_two_stacks_is_explained_and_the_way_back_loses_nothing(merged: World, poolside: Run) -> None:
    clone, mate, mine = who(merged)
    later = commit(clone, "later.txt", "later\n", "After the merge")
    (clone.path / "draft.txt").write_text("not committed\n")
    message, cure = findings(clone, poolside)["patches history"]
    assert message.splitlines() == [
        "a plain git merge joined the fork's old stack with its new one, in 'poolside-main'",
        "These old copies of its commits are there again:",
        *copies(
            (clone.rev(f"{mine}~3"), "Speed up relu (#11)"),
            (clone.rev(f"{mine}~2"), "Add the build workflow"),
            (clone.rev(f"{mine}~1"), "Use our index"),
        ),
    ]
    assert cure == f"git reset --keep {mine[:12]} && git poolside pull && git cherry-pick {later[:12]}"
    typed(clone, poolside, cure)
    assert clone.subjects(f"{mate.rev('HEAD')}..HEAD") == ["My patch", "After the merge"]
    assert clone.git("status", "--porcelain") == "?? draft.txt"
    assert findings(clone, poolside) == {}
    assert poolside(clone, "push").status == 0


def test_P6_a_rebase_within_the_stack_itself_makes_no_old_copies(simple: World, poolside: Run) -> None:
    """So a person drops a patch by hand, or puts two in another order."""
    simple.patch({"more.txt": "more\n"}, "Say more\n")
    clone = simple.clone()
    clone.git("rebase", "-q", "--onto", "HEAD~2", "HEAD~1")
    assert findings(clone, poolside) == {}
    assert poolside(clone, "sync").status == 0
    assert clone.subjects("main..poolside-main")[:2] == ["Add the build workflow", "Say more"]


def test_P6_old_copies_that_a_rebase_put_on_the_new_stack_are_found(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    mine = commit(clone, "mine.txt", "one\n", "My patch")
    mate = synced(simple, poolside, *DROPPED)
    clone.git("fetch", "-q", "origin")
    clone.git("rebase", "-q", "origin/poolside-main")
    assert "Use our index" in clone.subjects("origin/poolside-main..HEAD")
    message, cure = findings(clone, poolside)["patches history"]
    assert message.splitlines() == [
        "a plain git rebase replayed the fork's old stack on its new one, in 'poolside-main'",
        "These old copies of its commits are there again:",
        *copies((clone.rev("HEAD~1"), "Use our index")),
    ]
    assert cure == f"git reset --keep {mine[:12]} && git poolside pull"
    typed(clone, poolside, cure)
    assert clone.subjects(f"{mate.rev('HEAD')}..HEAD") == ["My patch"]


def test_P6_pull_rebase_after_an_unpushed_sync_of_ones_own(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    commit(clone, "mine.txt", "one\n", "My patch")
    assert poolside(clone, "sync").status == 0
    before = state(clone)
    mate = synced(simple, poolside, *DROPPED)
    clone.git("pull", "-q", "--rebase", "-X", "theirs", "origin", "poolside-main")
    assert "Use our index" in clone.subjects("origin/poolside-main..HEAD")
    cure = findings(clone, poolside)["patches history"][1]
    assert cure == f"git reset --keep {before[0]['refs/heads/poolside-main'][:12]} && git poolside pull"
    typed(clone, poolside, cure)
    assert clone.subjects(f"{mate.rev('HEAD')}..HEAD") == ["My patch"]


@pytest.mark.parametrize("how", ["merge", "rebase"])
def test_P6_a_pull_that_git_stopped_in_is_explained(simple: World, poolside: Run, how: str) -> None:
    clone = simple.clone()
    commit(clone, "mine.txt", "one\n", "My patch")
    assert poolside(clone, "sync").status == 0
    before = state(clone)
    simple.land({"lib/c.py": TEN + "more\nand more\n"}, "Extend c again", 13)
    simple.nightly("2026-07-11")
    mate = synced(simple, poolside)
    clone.git("pull", "--rebase" if how == "rebase" else "--no-rebase", "origin", "poolside-main", check=False)
    message, cure = findings(clone, poolside)["in flight"]
    what = "merge joins the fork's old stack with" if how == "merge" else "rebase replays the fork's old stack on"
    assert message.splitlines()[:3] == [
        f"a {how} is in progress in {clone.path}",
        f"a plain git {what} its new one, in 'poolside-main'",
        "These old copies of its commits are there again:",
    ]
    assert cure == f"git {how} --abort && git poolside pull"
    for command in ("pull", "sync"):
        refused = poolside(clone, command)
        assert (refused.status, refused.err.splitlines()[-1]) == (1, f"hint: {cure}")
    typed(clone, poolside, cure.partition(" && ")[0])
    assert state(clone) == before
    typed(clone, poolside, cure.partition(" && ")[2])
    assert clone.subjects(f"{mate.rev('HEAD')}..HEAD") == ["My patch"]


def test_P6_commands_refuse_such_a_stack_unless_it_is_allowed(merged: World, poolside: Run) -> None:
    clone, _, mine = who(merged)
    wanted = merged.land({"pick.txt": "pick\n"}, "Wanted early", 42)
    before, server = state(clone), merged.fork.refs("refs")
    for words in (["sync"], ["pull"], ["push"], ["cherry-pick", "add", wanted]):
        result = poolside(clone, *words, "--json")
        said = json.loads(result.out)
        assert (result.status, said["snags"][0]["name"]) == (1, "tangled"), words
        assert said["hints"] == [f"git reset --keep {mine[:12]} && git poolside pull"]
    assert (state(clone), merged.fork.refs("refs")) == (before, server)
    assert poolside(clone, "push", "--allow", "tangled").status == 0


def test_P6_status_tells_of_such_a_stack(merged: World, poolside: Run) -> None:
    clone, _, _ = who(merged)
    result = poolside(clone, "status")
    assert "a plain git merge joined the fork's old stack with its new one, in 'poolside-main'" in result.err
    assert result.err.splitlines()[-1] == "hint: git poolside doctor   (says the way back, on which nothing is lost)"


def test_P6_from_another_branch_the_way_back_begins_with_a_checkout(merged: World, poolside: Run) -> None:
    clone, mate, mine = who(merged)
    clone.git("checkout", "-q", "-b", "aside", "upstream/main")
    cure = findings(clone, poolside)["patches history"][1]
    assert cure == f"git checkout poolside-main && git reset --keep {mine[:12]} && git poolside pull"
    typed(clone, poolside, cure)
    assert clone.subjects(f"{mate.rev('HEAD')}..HEAD") == ["My patch"]


def test_P6_one_that_was_pushed_is_taken_off_the_server_too(merged: World, poolside: Run) -> None:
    clone, mate, mine = who(merged)
    clone.git("push", "-q", "origin", "poolside-main")
    later = commit(clone, "later.txt", "later\n", "After the push")
    cure = findings(clone, poolside)["patches history"][1]
    new = mate.rev("HEAD")
    assert cure == (f"git reset --keep {new[:12]} && git cherry-pick {mine[:12]} {later[:12]} && git poolside push")
    typed(clone, poolside, cure)
    assert merged.fork.subjects(f"{new}..poolside-main") == ["My patch", "After the push"]
    assert findings(clone, poolside) == {}


def test_what_plain_git_does_right_is_nothing_to_mend(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    commit(clone, "mine.txt", "one\n", "My patch")
    simple.patch({"mate.txt": "theirs\n"}, "A mate's patch\n", MATE)
    clone.git("pull", "-q", "--no-rebase", "--no-edit", "origin", "poolside-main")
    assert findings(clone, poolside) == {}
    mate = synced(simple, poolside, *DROPPED)
    clone.git("reset", "-q", "--hard", "HEAD~1")
    clone.git("pull", "-q", "--rebase", "origin", "poolside-main")  # finds the fork point
    assert clone.subjects(f"{mate.rev('HEAD')}..HEAD") == ["My patch"]
    assert findings(clone, poolside) == {}
    assert poolside(clone, "sync", "--onto", "upstream/main").status == 0


def test_the_forks_stack_made_anew_by_hand_is_nothing_to_mend(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("checkout", "-q", "-b", "poolside-cherry-picks", "origin/poolside-cherry-picks")
    clone.git("rebase", "-q", "upstream/main")
    clone.git("checkout", "-q", "poolside-main")
    clone.git("rebase", "-q", "--onto", "poolside-cherry-picks", "origin/poolside-cherry-picks")
    assert clone.subjects("upstream/main..HEAD") == ["Add the build workflow", "Use our index"]
    assert findings(clone, poolside) == {}
