"""``git poolside pull``: after somebody else's sync was pushed, with what is only here carried along (P6, P14, S11)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import TEN, Run, copied, ends_with, simple_world
from tests.scenario import PATTERN_FILE, Repo, World

MATE = "Team Mate <mate@poolside.example>"


def commit(clone: Repo, path: str, text: str, message: str) -> str:
    """A commit in the worktree, as a person makes it."""
    (clone.path / path).write_text(text)
    clone.git("add", path)
    clone.git("commit", "-q", "-m", message)
    return clone.rev("HEAD")


def synced(world: World, poolside: Run, *commands: list[str]) -> Repo:
    """The clone of a teammate who has synced and pushed."""
    mate = world.clone("mate")
    for words in commands or (["sync"], ["push"]):
        result = poolside(mate, *words)
        assert result.status == 0, result.err
    return mate


@pytest.fixture
def moved(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """The world of `simple` with a clone, and with that of a teammate who has synced and pushed since."""
    return copied(request, _moved, tmp_path / "world")


def _moved(world: World) -> None:
    simple_world(world)
    world.clone()
    mate = world.clone("mate")
    assert (ends_with(mate, "sync"), ends_with(mate, "push")) == (0, 0)


def state(clone: Repo) -> tuple[dict[str, str], str, str]:
    return clone.refs("refs/heads"), clone.git("symbolic-ref", "HEAD"), clone.git("status", "--porcelain")


def test_P14_local_commits_on_the_old_tip_are_carried_over_by_one_command(moved: World, poolside: Run) -> None:
    clone = moved.there()
    commit(clone, "mine.txt", "one\n", "My patch")
    commit(clone, "mine.txt", "two\n", "My second patch")
    before = state(clone)
    mate = moved.there("mate")
    tip = mate.rev("poolside-main")
    result = poolside(clone, "pull")
    assert result.status == 0, result.err
    assert clone.subjects(f"{tip}..poolside-main") == ["My patch", "My second patch"]
    assert clone.rev("poolside-main~2") == tip
    assert (clone.path / "mine.txt").read_text() == "two\n"
    assert (clone.path / "lib/c.py").read_text() == TEN + "more\n"
    assert clone.git("status", "--porcelain") == ""
    assert result.out.splitlines() == [
        f"Moved to the stack of 'origin', on the nightly of 2026-07-10 ({mate.rev('main')[:9]})",
        "",
        f"  poolside-main  {before[0]['refs/heads/poolside-main'][:9]} -> {clone.rev('poolside-main')[:9]}"
        "  2 commits carried over",
    ]
    assert result.err.splitlines() == [
        "hint: git poolside push   (sends the branches)",
        "hint: git poolside undo   (takes it back)",
    ]
    assert poolside(clone, "push").status == 0
    assert moved.fork.rev("poolside-main") == clone.rev("poolside-main")


def test_a_pull_is_one_operation_that_can_be_undone(moved: World, poolside: Run) -> None:
    clone = moved.there()
    commit(clone, "mine.txt", "one\n", "My patch")
    before = state(clone)
    poolside(clone, "pull")
    [logged] = json.loads(poolside(clone, "log", "--json").out)["operations"]
    assert (logged["kind"], logged["command"]) == ("pull", ["pull"])
    assert poolside(clone, "undo").status == 0
    assert state(clone) == before
    assert poolside(clone, "pull").status == 0


def test_an_undone_pull_is_not_pushed_over_the_teammates_sync(moved: World, poolside: Run) -> None:
    clone = moved.there()
    commit(clone, "mine.txt", "one\n", "My patch")
    for words in (["pull"], ["undo"]):
        assert poolside(clone, *words).status == 0
    server = moved.fork.refs()
    assert poolside(clone, "push").status == 4
    assert moved.fork.refs() == server


@pytest.mark.parametrize("later", [False, True])
def test_an_undone_pull_that_left_nothing_of_ones_own_is_not_pushed_over_it_either(
    simple: World, poolside: Run, later: bool
) -> None:
    """Then the branches were at the server's very tips: having been there is no rewriting of them."""
    clone = simple.clone()
    for branch in ("main", "poolside-cherry-picks"):
        clone.git("branch", "-q", branch, f"origin/{branch}")
    wanted = simple.land({"pick.txt": "pick\n"}, "Wanted early", 42)
    assert poolside(clone, "cherry-pick", "add", wanted).status == 0
    simple.nightly("2026-07-11")
    mate = synced(simple, poolside)
    for words in (["pull"], ["undo"]):
        assert poolside(clone, *words).status == 0
    if later:
        commit(clone, "mine.txt", "one\n", "My patch")
    server = simple.fork.refs()
    assert poolside(clone, "push").status == 4
    assert simple.fork.refs() == server
    assert poolside(clone, "pull").status == 0
    assert clone.rev("main") == clone.rev("poolside-cherry-picks") == mate.rev("main")
    assert clone.subjects(f"{mate.rev('HEAD')}..poolside-main")[:1] == (["My patch"] if later else [])


def test_an_undone_sync_that_took_a_teammates_along_is_not_pushed_over_it(moved: World, poolside: Run) -> None:
    clone = moved.there()
    for words in (["sync"], ["undo"]):
        assert poolside(clone, *words).status == 0
    server = moved.fork.refs()
    assert poolside(clone, "push").status == 4
    assert moved.fork.refs() == server


def test_a_dry_run_says_the_same_and_changes_nothing(moved: World, poolside: Run) -> None:
    clone = moved.there()
    mine = commit(clone, "mine.txt", "one\n", "My patch")
    before = state(clone)
    said = json.loads(poolside(clone, "pull", "-n", "--json").out)
    assert state(clone) == before
    assert (said["schema"], said["outcome"], said["exit"], said["dry_run"], said["operation"]) == (
        1, "done", 0, True, None,
    )  # fmt: skip
    [patches] = said["branches"]
    assert (patches["branch"], patches["role"], patches["before"]) == ("poolside-main", "patches", mine)
    [patch] = patches["patches"]
    assert (patch["old"], patch["fate"], patch["verdict"]) == (mine, "kept", "carried")


def test_nothing_to_pull(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    commit(clone, "mine.txt", "one\n", "My patch")
    before = state(clone)
    result = poolside(clone, "pull")
    assert (result.status, result.out) == (0, "Nothing to do: the branches stand on the stack of 'origin' already.\n")
    assert state(clone) == before


def test_P6_a_clone_with_nothing_of_its_own_is_moved_along(moved: World, poolside: Run) -> None:
    clone = moved.there()
    for branch in ("main", "poolside-cherry-picks"):
        clone.git("branch", "-q", branch, f"origin/{branch}")
    mate = moved.there("mate")
    assert poolside(clone, "pull").status == 0
    assert clone.refs() == moved.fork.refs() == mate.refs()
    assert clone.git("status", "--porcelain") == ""


def test_commits_that_the_teammates_sync_holds_are_recognised(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    mine = commit(clone, "mine.txt", "one\n", "My patch")
    commit(clone, "other.txt", "one\n", "My other patch")
    mate = simple.clone("mate")
    mate.git("fetch", "-q", str(clone.path), "poolside-main")
    mate.git("cherry-pick", mine)
    poolside(mate, "sync")
    commit(mate, "mine.txt", "edited by a mate\n", "Edit it further")
    assert poolside(mate, "push").status == 0
    result = poolside(clone, "pull")
    assert result.status == 0, result.err
    assert clone.subjects(f"{mate.rev('HEAD')}..poolside-main") == ["My other patch"]
    theirs = mate.rev("HEAD~2")
    assert result.out.splitlines()[2:] == [
        f"  poolside-main  {clone.rev('poolside-main@{1}')[:9]} -> {clone.rev('poolside-main')[:9]}"
        "  1 commit carried over, 1 left out",
        "",
        f"  dropped    {mine[:9]} My patch",
        f"             'origin' has it as {theirs[:9]} My patch (2026-08-01) [patch-id, same-result]",
    ]


def test_a_commit_that_landed_upstream_meanwhile_is_left_out(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    commit(clone, "mine.txt", "one\n", "My patch")
    simple.land({"mine.txt": "one\n"}, "My patch", 40)
    simple.nightly("2026-07-11")
    synced(simple, poolside)
    result = poolside(clone, "pull")
    assert result.status == 0, result.err
    assert "landed as" in result.out
    assert clone.rev("poolside-main") == simple.fork.rev("poolside-main")


def test_a_conflict_stops_and_goes_on(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    commit(clone, "lib/c.py", TEN + "mine\n", "Extend c myself")
    before = state(clone)
    mate = stuck.clone("mate")
    assert poolside(mate, "sync", "--drop", "Tune line five", "--push").status == 0
    result = poolside(clone, "pull")
    assert result.status == 3, result.err
    assert result.err.splitlines()[-3:] == [
        "hint: git poolside pull --skip   (leaves this patch out)",
        "hint: git poolside pull --abort   (goes back to where all was)",
        f"hint: git show {stuck.upstream.rev('main')[:9]}   (what upstream did)",
    ]
    assert "Stopped at" in poolside(clone, "status").out
    assert poolside(clone, "pull", "--abort").status == 0
    assert state(clone) == before
    assert poolside(clone, "pull").status == 3
    (clone.path / "lib/c.py").write_text(TEN + "more\nmine\n")
    clone.git("add", "lib/c.py")
    done = poolside(clone, "pull", "--continue")
    assert done.status == 0, done.err
    assert clone.subjects("origin/poolside-main..poolside-main") == ["Extend c myself"]
    assert clone.git("symbolic-ref", "HEAD") == "refs/heads/poolside-main"
    assert clone.git("status", "--porcelain") == ""
    assert poolside(clone, "undo").status == 0
    assert state(clone) == before


def test_a_stop_can_be_skipped(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    commit(clone, "lib/c.py", TEN + "mine\n", "Extend c myself")
    commit(clone, "mine.txt", "mine\n", "My patch")
    assert poolside(stuck.clone("mate"), "sync", "--drop", "Tune line five", "--push").status == 0
    assert poolside(clone, "pull").status == 3
    assert poolside(clone, "pull", "--skip").status == 0
    assert clone.subjects("origin/poolside-main..poolside-main") == ["My patch"]


def test_what_the_fork_dropped_without_a_word_is_named(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    patch = clone.rev("poolside-main~2")
    assert poolside(stuck.clone("mate"), "sync", "--drop", "Tune line five", "--push").status == 0
    result = poolside(clone, "pull")
    assert [line for line in result.err.splitlines() if line.startswith("note:")] == [
        f"note: 'origin' has {patch[:9]} Tune line five no more, and no stamp says why "
        f"(git show {patch[:9]}, if it is missed)"
    ]


# Topic branches


def topic(clone: Repo, name: str, at: str = "poolside-main") -> str:
    clone.git("checkout", "-q", "-b", name, at)
    made = commit(clone, f"{name}.txt", "topic\n", f"Work on {name}")
    clone.git("checkout", "-q", "poolside-main")
    return made


def test_P14_a_topic_branch_goes_along_when_it_is_named(moved: World, poolside: Run) -> None:
    clone = moved.there()
    topic(clone, "one")
    result = poolside(clone, "pull", "one")
    assert result.status == 0, result.err
    assert clone.subjects("poolside-main..one") == ["Work on one"]
    assert clone.rev("one~1") == clone.rev("poolside-main") == moved.fork.rev("poolside-main")


def test_P14_the_topic_that_is_checked_out_goes_along(moved: World, poolside: Run) -> None:
    clone = moved.there()
    topic(clone, "one")
    clone.git("checkout", "-q", "one")
    assert poolside(clone, "pull").status == 0
    assert clone.git("symbolic-ref", "HEAD") == "refs/heads/one"
    assert clone.subjects("poolside-main..one") == ["Work on one"]
    assert (clone.path / "lib/c.py").read_text() == TEN + "more\n"
    assert clone.git("status", "--porcelain") == ""


def test_S11_other_branches_on_the_old_tip_are_left_alone(moved: World, poolside: Run) -> None:
    clone = moved.there()
    left = topic(clone, "left")
    topic(clone, "one")
    clone.git("branch", "kept", "poolside-main")
    old = clone.rev("poolside-main")
    assert poolside(clone, "pull", "one").status == 0
    assert (clone.rev("left"), clone.rev("kept")) == (left, old)


def test_P14_a_topic_on_a_local_commit_follows_it(moved: World, poolside: Run) -> None:
    clone = moved.there()
    commit(clone, "mine.txt", "one\n", "My patch")
    topic(clone, "one")
    assert poolside(clone, "pull", "one").status == 0
    assert clone.subjects("origin/poolside-main..one") == ["My patch", "Work on one"]
    assert clone.rev("one~1") == clone.rev("poolside-main")


def test_P14_a_topic_on_a_state_of_two_syncs_ago_is_found_through_the_published_states(
    simple: World, poolside: Run
) -> None:
    mate = synced(simple, poolside)
    old = mate.rev("poolside-main")
    simple.land({"lib/c.py": TEN + "more\nstill more\n"}, "Extend c again", 41)
    simple.nightly("2026-07-12")
    for words in (["sync"], ["push"]):
        assert poolside(mate, *words).status == 0
    fresh = simple.clone("fresh")  # was never at the state that the topic stands on
    fresh.git("fetch", "-q", "origin", "refs/poolside/published/2026-07-10-1")
    fresh.git("checkout", "-q", "-b", "one", old)
    commit(fresh, "one.txt", "topic\n", "Work on one")
    result = poolside(fresh, "pull")
    assert result.status == 0, result.err
    assert fresh.subjects("origin/poolside-main..one") == ["Work on one"]
    assert fresh.rev("one~1") == fresh.rev("origin/poolside-main")


@pytest.mark.parametrize("pushed", [True, False])
def test_P14_a_topic_after_ones_own_sync_is_moved_too(simple: World, poolside: Run, pushed: bool) -> None:
    clone = simple.clone()
    topic(clone, "one")
    assert poolside(clone, "sync", *(["--push"] if pushed else [])).status == 0
    pulled = poolside(clone, "pull", "one")
    assert pulled.status == 0, pulled.err
    where = f"of 'origin', on the nightly of 2026-07-10 ({clone.rev('main')[:9]})"
    assert pulled.out.splitlines()[0] == (f"Moved to the stack {where if pushed else 'of this clone'}")
    assert clone.subjects("poolside-main..one") == ["Work on one"]
    again = poolside(clone, "pull", "one")
    assert (again.status, again.err) == (0, "note: 'one' stands on the newest stack already\n")


def test_a_branch_that_stands_on_no_stack_is_refused_by_name_and_left_alone_without(
    moved: World, poolside: Run
) -> None:
    clone = moved.there()
    other = topic(clone, "other", at="upstream/main")
    result = poolside(clone, "pull", "other")
    assert result.status == 1
    assert "which is no earlier state of the fork's stack" in result.err
    clone.git("checkout", "-q", "other")
    assert poolside(clone, "pull").status == 0
    assert clone.rev("other") == other


@pytest.mark.parametrize("name", ["none", "-x", "refs/heads/none"])
def test_a_branch_that_is_not_there(simple: World, poolside: Run, name: str) -> None:
    clone = simple.clone()
    before = state(clone)
    result = poolside(clone, "pull", "--", name)
    assert (result.status, state(clone)) == (1, before)
    assert f"there is no branch '{name.removeprefix('refs/heads/')}' here" in result.err


def test_P7_a_topic_in_another_worktree_is_brought_along(moved: World, poolside: Run) -> None:
    clone = moved.there()
    topic(clone, "one")
    clone.git("worktree", "add", "-q", str(moved.root / "linked"), "one")
    linked = Repo(moved.root / "linked", clone.env)
    assert poolside(clone, "pull", "one").status == 0
    assert (linked.path / "lib/c.py").read_text() == TEN + "more\n"
    assert linked.git("status", "--porcelain") == ""
    assert linked.git("symbolic-ref", "HEAD") == "refs/heads/one"


# Operations that were not pushed


def test_P6_an_unpushed_sync_is_given_up_for_the_forks_and_its_new_commits_are_carried(
    simple: World, poolside: Run
) -> None:
    clone = simple.clone()
    commit(clone, "mine.txt", "one\n", "My patch")
    assert poolside(clone, "sync").status == 0
    commit(clone, "late.txt", "late\n", "After the sync")
    mate = synced(simple, poolside)
    result = poolside(clone, "pull")
    assert result.status == 0, result.err
    assert clone.subjects(f"{mate.rev('poolside-main')}..poolside-main") == ["My patch", "After the sync"]
    assert clone.show("poolside-main", PATTERN_FILE) == mate.show("poolside-main", PATTERN_FILE)
    assert poolside(clone, "push").status == 0


def test_P6_an_unpushed_pick_is_carried_onto_the_forks_picks(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    picked = simple.land({"pick.txt": "pick\n"}, "Wanted early", 42)
    clone.git("fetch", "-q", "upstream")
    assert poolside(clone, "cherry-pick", "add", picked).status == 0
    commit(clone, "mine.txt", "one\n", "My patch")
    mate = synced(simple, poolside)
    result = poolside(clone, "pull")
    assert result.status == 0, result.err
    assert clone.subjects(f"{mate.rev('main')}..poolside-cherry-picks") == ["Wanted early (#42)"]
    assert clone.subjects("poolside-cherry-picks..poolside-main") == [
        "Add the build workflow",
        "Use our index",
        "My patch",
        "Set the version to the nightly of 2026-07-10",
    ]
    assert poolside(clone, "push").status == 0
    assert poolside(clone, "sync").out.startswith("Nothing to do")


def test_a_merge_of_the_forks_plain_commits_is_put_in_line(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    commit(clone, "mine.txt", "one\n", "My patch")
    simple.patch({"mate.txt": "theirs\n"}, "A mate's patch\n", MATE)
    clone.git("pull", "-q", "--no-rebase", "--no-edit", "origin", "poolside-main")
    synced(simple, poolside)
    result = poolside(clone, "pull")
    assert result.status == 0, result.err
    assert clone.subjects("origin/poolside-main..poolside-main") == ["My patch"]
    assert clone.rev("poolside-main~1") == simple.fork.rev("poolside-main")


def test_status_tells_when_a_pull_is_needed(moved: World, poolside: Run) -> None:
    clone = moved.there()
    commit(clone, "mine.txt", "one\n", "My patch")
    result = poolside(clone, "status", "--fetch")
    assert result.err.splitlines() == [
        "hint: git poolside pull   (the fork's server has moved on: goes to its tips, with what is only here)"
    ]


def test_status_tells_what_is_behind_the_server_and_what_is_to_be_sent(moved: World, poolside: Run) -> None:
    clone = moved.there()
    clone.git("branch", "-q", "main", "origin/main")
    snapshot = poolside(clone, "status", "--fetch").out.splitlines()[4]
    assert snapshot.split() == ["main", clone.rev("main")[:9], "snapshot", "behind", "the", "server"]
    assert poolside(clone, "pull").err.splitlines() == ["hint: git poolside undo   (takes it back)"]
    assert poolside(clone, "undo").status == 0
    again = poolside(clone, "pull")  # what was undone is done again: nothing is given up
    assert again.err.splitlines() == ["hint: git poolside undo   (takes it back)"]
    assert poolside(clone, "status").err == ""
    commit(clone, "mine.txt", "one\n", "My patch")
    assert poolside(clone, "status").err.splitlines() == ["hint: git poolside push   (sends the branches)"]


def test_P14_a_push_lists_the_topics_that_it_left_on_an_earlier_stack(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    topic(clone, "one")
    topic(clone, "far")
    clone.git("push", "-q", "origin", "far")
    clone.git("branch", "-D", "-q", "far")
    topic(clone, "apart", at="upstream/main")
    poolside(clone, "sync")
    result = poolside(clone, "push")
    assert result.status == 0, result.err
    assert result.out.splitlines()[-4:] == [
        "",
        "Still on an earlier stack:",
        "  one  1 commit",
        "  far  1 commit  on the server",
    ]
    assert result.err.splitlines()[-2:] == [
        "hint: git poolside pull one   (moves it onto the new one)",
        "hint: git fetch origin && git switch far && git poolside pull",
    ]
    commit(clone, "mine.txt", "one\n", "On top")
    assert "earlier stack" not in poolside(clone, "push").out
    clone.git("fetch", "-q", "origin")
    clone.git("switch", "-q", "far")
    moved = poolside(clone, "pull")
    assert moved.status == 0
    assert clone.subjects("poolside-main..far") == ["Work on far"]
    assert moved.err.splitlines() == [
        "note: 'origin' has 'far' too; this sends it there: git push --force-with-lease origin far",
        "hint: git poolside undo   (takes it back)",
    ]
    clone.git("push", "--force-with-lease", "origin", "far")


def test_P14_the_push_of_a_sync_lists_them_too(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    topic(clone, "one")
    topic(clone, "two")
    result = poolside(clone, "sync", "--push")
    assert result.out.splitlines()[-5:] == [
        "Pushed to 'origin'.",
        "",
        "Still on an earlier stack:",
        "  one  1 commit",
        "  two  1 commit",
    ]
    assert result.err.splitlines()[-1] == "hint: git poolside pull one two   (moves them onto the new one)"
    assert poolside(clone, "pull", "one", "two").status == 0
    simple.land({"lib/c.py": TEN + "more\nstill more\n"}, "Extend c again", 41)
    simple.nightly("2026-07-12")
    said = json.loads(poolside(clone, "sync", "--push", "--json").out)
    assert said["topics"] == [{"branch": name, "here": True, "commits": 1, "pull": None} for name in ("one", "two")]


# What is answered beforehand


def test_a_commit_that_upstream_has_in_another_form_is_asked_about_and_kept_or_dropped(
    stuck: World, poolside: Run
) -> None:
    clone = stuck.clone()
    mine = commit(clone, "lib/c.py", TEN + "mine\n", "Extend c myself")
    assert poolside(stuck.clone("mate"), "sync", "--drop", "Tune line five", "--push").status == 0
    before = state(clone)
    refused = poolside(clone, "pull", "--no-stop")
    assert (refused.status, state(clone)) == (3, before)
    assert not (clone.path / ".git/poolside/stopped.json").exists()
    assert f"{mine[:9]} Extend c myself does not apply" in refused.err
    dropped = poolside(clone, "pull", "--drop", "Extend c myself")
    assert dropped.status == 0, dropped.err
    assert "dropped as asked (--drop)" in dropped.out
    assert clone.rev("poolside-main") == stuck.fork.rev("poolside-main")
    assert poolside(clone, "undo").status == 0
    assert state(clone) == before


@pytest.mark.parametrize("picked", [False, True])
def test_L18_a_commit_that_landed_and_was_undone_without_a_word_is_asked_about(
    simple: World, poolside: Run, picked: bool
) -> None:
    """With a pick of one's own too, the fork's stack is made anew, and nothing in it is asked about."""
    clone = simple.clone()
    if picked:
        simple.land({"pick.txt": "pick\n"}, "Wanted early", 42)
        assert poolside(clone, "cherry-pick", "add", "#42").status == 0
    mine = commit(clone, "a.py", (clone.path / "a.py").read_text().replace("line 7\n", "line seven\n"), "Tune seven")
    two = TEN.replace("line 2\n", "line two\n")
    simple.land({"a.py": two.replace("line 7\n", "line seven\n")}, "Tune seven", 15)
    simple.land({"a.py": two}, "Clean up", 16)
    simple.nightly("2026-07-12")
    synced(simple, poolside)
    before = state(clone)
    refused = poolside(clone, "pull")
    assert refused.status == 1, refused.out + refused.err
    assert state(clone) == before
    assert f"{mine[:9]} Tune seven: it landed, and upstream undid it without saying so" in refused.err
    assert "the fork's" not in refused.err
    allowed = poolside(clone, "pull", "--allow", "undone-silently")
    assert allowed.status == 0, allowed.err
    assert "Tune seven" in clone.subjects("origin/main..poolside-main")
    assert poolside(clone, "undo").status == 0
    assert poolside(clone, "pull", "--drop", "Tune seven").status == 0
    assert "Tune seven" not in clone.subjects("origin/main..poolside-main")


def test_one_of_two_commits_is_dropped_and_the_other_kept(moved: World, poolside: Run) -> None:
    clone = moved.there()
    commit(clone, "mine.txt", "one\n", "My patch")
    other = commit(clone, "other.txt", "one\n", "My other patch")
    mate = moved.there("mate")
    result = poolside(clone, "pull", "--drop", "My patch", "--keep", other)
    assert result.status == 0, result.err
    assert clone.subjects(f"{mate.rev('HEAD')}..poolside-main") == ["My other patch"]


def test_keep_of_what_is_left_with_nothing_says_so(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    mine = commit(clone, "mine.txt", "one\n", "My patch")
    mate = simple.clone("mate")
    mate.git("fetch", "-q", str(clone.path), "poolside-main")
    mate.git("cherry-pick", mine)
    for words in (["sync"], ["push"]):
        assert poolside(mate, *words).status == 0
    result = poolside(clone, "pull", "--keep", "My patch")
    assert result.status == 0, result.err
    assert "nothing of it is left that --keep could keep" in result.out
    assert clone.rev("poolside-main") == simple.fork.rev("poolside-main")


# Edits of the stack that were not pushed


def edited(clone: Repo, poolside: Run, how: str) -> str:
    """Edit the stack of the `simple` world; what that comes to, in words."""
    picks, workflow, index = clone.git("rev-list", "--reverse", "origin/main..origin/poolside-main").split()
    if how == "dropped":
        assert poolside(clone, "cherry-pick", "drop", "Speed up relu").status == 0
        return f"{picks[:9]} Speed up relu (#11) was dropped"
    if how == "moved":
        assert poolside(clone, "cherry-pick", "move", "Use our index", "--to", "picks").status == 0
        return f"{clone.rev('poolside-cherry-picks')[:9]} Use our index was moved to the picks"
    if how == "ordered":
        assert poolside(clone, "cherry-pick", "move", "Use our index", "--before", "Add the build").status == 0
    elif how == "dropped by hand":
        clone.git("rebase", "-q", "--onto", picks, workflow)
        return f"{workflow[:9]} Add the build workflow was dropped"
    else:
        clone.git("reset", "-q", "--hard", picks)
        clone.git("cherry-pick", index, workflow)
    return "the patches were put in another order"


@pytest.mark.parametrize("how", ["dropped", "moved", "ordered", "dropped by hand", "ordered by hand"])
def test_P6_an_unpushed_edit_is_given_up_with_a_word_and_undo_has_it(simple: World, poolside: Run, how: str) -> None:
    clone = simple.clone()
    words = edited(clone, poolside, how)
    commit(clone, "mine.txt", "one\n", "My patch")
    before = state(clone)
    mate = simple.clone("mate")
    commit(mate, "mate.txt", "theirs\n", "A mate's patch")
    assert poolside(mate, "push").status == 0
    told = f"note: given up for the fork's stack: {words} (git poolside undo brings it back; or do it again)"
    for options in (["-n"], []):
        result = poolside(clone, "pull", *options)
        assert result.status == 0, result.err
        assert [line for line in result.err.splitlines() if line.startswith("note:")] == [told]
    assert clone.subjects(f"{mate.rev('HEAD')}..poolside-main") == ["My patch"]
    assert poolside(clone, "undo").status == 0
    assert state(clone) == before


def test_P6_an_undo_that_was_not_pushed_is_given_up_with_a_word(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    assert poolside(clone, "sync", "--push").status == 0
    assert poolside(clone, "undo").status == 0
    before = state(clone)
    mate = simple.clone("mate")
    commit(mate, "mate.txt", "theirs\n", "A mate's patch")
    assert poolside(mate, "push").status == 0
    result = poolside(clone, "pull")
    assert result.status == 0, result.err
    assert "note: given up for the fork's stack: undo (git poolside undo brings it back; or do it again)" in result.err
    assert clone.rev("poolside-main") == simple.fork.rev("poolside-main")
    assert poolside(clone, "undo").status == 0
    assert state(clone) == before


def test_P6_an_unpushed_sync_with_work_in_it_is_given_up_with_a_word_and_taking_in_keeps_it(
    stopped: World, poolside: Run
) -> None:
    clone = stopped.there()
    (clone.path / "a.py").write_text(TEN.replace("line 5\n", "line 5, rewritten and tuned\n"))
    clone.git("add", "a.py")
    assert poolside(clone, "sync", "--continue").status == 0
    before = state(clone)
    stopped.patch({"mate.txt": "theirs\n"}, "A mate's patch\n", MATE)
    told = (
        "note: given up for the fork's stack: sync onto the nightly of 2026-07-10, 1 conflict resolved by hand "
        "(git poolside undo brings it back, and sync --take-in instead of a pull keeps it)"
    )
    for options in (["-n"], []):
        result = poolside(clone, "pull", *options)
        assert result.status == 0, result.err
        assert [line for line in result.err.splitlines() if line.startswith("note:")] == [told]
    assert clone.rev("poolside-main") == stopped.fork.rev("poolside-main")
    assert poolside(clone, "undo").status == 0
    assert state(clone) == before
    kept = poolside(clone, "sync", "--take-in")
    assert kept.status == 0, kept.err
    assert clone.subjects("main..poolside-main")[-2:] == [
        "A mate's patch",
        "Set the version to the nightly of 2026-07-10",
    ]
    assert poolside(clone, "push").status == 0


def test_N6_commits_that_upstream_has_no_more_are_not_carried_as_ones_own(simple: World, poolside: Run) -> None:
    """Upstream was forced after this clone had synced; a teammate moved the fork on from there."""
    clone = simple.clone()
    poolside(clone, "sync")
    commit(clone, "mine.txt", "one\n", "My patch")
    simple.upstream.git("update-ref", "refs/heads/main", "main~1")
    simple.land({"d.py": "d\n"}, "Add d instead", 14)
    simple.nightly("2026-07-12")
    mate = synced(simple, poolside)
    tip = mate.rev("poolside-main")
    said = poolside(clone, "pull", "-n")
    result = poolside(clone, "pull", "--allow", "upstream-rewritten")
    assert (said.status, result.status) == (0, 0), said.err + result.err
    assert clone.subjects(f"{tip}..poolside-main") == ["My patch"]
    assert "no more" not in result.err
    assert clone.rev("main") == mate.rev("main")
