"""Going back: ``undo`` is an operation itself, moves only what has not moved since, and puts the server back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import TEN, Run, copied, ends_with, simple_world
from tests.operation.test_stopped import everything
from tests.scenario import Repo, World

ROLES = ("main", "poolside-cherry-picks", "poolside-main")


def branches(repo: Repo) -> dict[str, str]:
    return repo.refs("refs/heads")


def operations(clone: Repo, poolside: Run) -> list[str]:
    """The ids in the log, newest first."""
    return [one["id"] for one in json.loads(poolside(clone, "log", "--json").out)["operations"]]


def ready(world: World) -> Repo:
    """A clone with all three branches."""
    clone = world.clone()
    for branch in ROLES[:2]:
        clone.git("branch", "-q", branch, f"origin/{branch}")
    return clone


def _done(world: World) -> None:
    simple_world(world)
    assert ends_with(ready(world), "sync") == 0


@pytest.fixture
def done(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """The world of `simple` with a clone that had all three branches as the server has them, and was synced."""
    return copied(request, _done, tmp_path / "world")


def own_commit(clone: Repo, path: str, text: str, message: str = "Later work") -> str:
    (clone.path / path).write_text(text)
    clone.git("add", path)
    clone.git("commit", "-q", "-m", message)
    return clone.rev("HEAD")


def test_undo_restores_branches_and_files(simple: World, poolside: Run) -> None:
    clone = ready(simple)
    before = branches(clone), clone.git("status", "--porcelain"), clone.rev("HEAD^{tree}")
    poolside(clone, "sync")
    after = branches(clone)
    [made] = operations(clone, poolside)
    result = poolside(clone, "undo")
    assert result.status == 0, result.err
    assert (branches(clone), clone.git("status", "--porcelain"), clone.rev("HEAD^{tree}")) == before
    assert result.out.splitlines() == [
        f"Took back {made}  sync",
        *(f"  {name:21}  {after[f'refs/heads/{name}'][:9]} -> {before[0][f'refs/heads/{name}'][:9]}" for name in ROLES),
    ]
    assert result.err.splitlines() == ["hint: git poolside undo   (brings it back)"]  # the server is there
    assert (clone.path / "lib/c.py").read_text() == TEN


def test_A1_branches_that_were_only_on_the_server_go_back_there_too(simple: World, poolside: Run) -> None:
    clone = simple.clone()  # with the patches branch alone
    server = branches(simple.fork)
    assert poolside(clone, "sync", "--push").status == 0
    assert branches(simple.fork) != server
    result = poolside(clone, "undo", "--push")
    assert result.status == 0, result.err
    assert branches(simple.fork) == branches(clone) == server


def test_A1_branches_that_an_unpushed_sync_made_go_again(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = branches(clone)
    assert poolside(clone, "sync").status == 0
    assert poolside(clone, "undo").status == 0
    assert branches(clone) == before


def test_undo_of_the_undo_brings_it_back(done: World, poolside: Run) -> None:
    clone = done.there()
    after = branches(clone)
    poolside(clone, "undo")
    assert poolside(clone, "undo").status == 0
    assert branches(clone) == after
    assert clone.git("status", "--porcelain") == ""
    assert len(operations(clone, poolside)) == 3


def test_undo_takes_branches_away_that_the_sync_made(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = branches(clone)
    poolside(clone, "sync")
    assert len(branches(clone)) == 3
    assert poolside(clone, "undo").status == 0
    assert branches(clone) == before


def test_undo_of_an_older_operation_takes_back_everything_from_it_on(done: World, poolside: Run) -> None:
    clone, before = done.there(), branches(done.fork)
    done.land({"README.md": "newer\n"}, "Write more", 13)
    done.nightly("2026-07-11")
    poolside(clone, "sync")
    newest, oldest = operations(clone, poolside)
    result = poolside(clone, "undo", oldest[:8], "--json")
    said = json.loads(result.out)
    assert (result.status, said["schema"], said["outcome"], said["undone"]) == (0, 1, "done", [newest, oldest])
    assert branches(clone) == before
    assert said["refs"]["refs/heads/main"]["after"] == before["refs/heads/main"]
    assert poolside(clone, "undo").status == 0
    assert clone.rev("main") == done.upstream.rev("main")


def test_a_dry_run_says_what_an_undo_would_take_back_and_changes_nothing(done: World, poolside: Run) -> None:
    clone = done.there()
    done.land({"README.md": "newer\n"}, "Write more", 13)
    done.nightly("2026-07-11")
    assert poolside(clone, "sync", "--push").status == 0
    own_commit(clone, "own.txt", "own\n")
    _, newest, oldest = operations(clone, poolside)
    here, before = everything(clone), branches(clone)
    result = poolside(clone, "undo", "-n", oldest, "--carry", "--push")
    assert (result.status, result.err, everything(clone)) == (0, "", here)
    told = result.out.splitlines()
    assert told[:2] == [f"Would take back {newest}  sync --push", f"Would take back {oldest}  sync"]
    assert [line.split()[:2] for line in told[2:5]] == [[name, before[f"refs/heads/{name}"][:9]] for name in ROLES]
    assert told[5:] == ["  1 later commit carried over"]
    said = json.loads(poolside(clone, "undo", "--dry-run", oldest, "--carry", "--push", "--json").out)
    assert (said["operation"], said["undone"], said["pushed"]) == (None, [newest, oldest], False)
    refused = poolside(clone, "undo", "-n", oldest)
    assert (refused.status, everything(clone)) == (1, here)


def test_undo_of_what_is_not_there(simple: World, poolside: Run) -> None:
    clone = ready(simple)
    assert poolside(clone, "undo").err.splitlines()[0] == "error: there is no operation to take back"
    poolside(clone, "sync")
    before = everything(clone)
    result = poolside(clone, "undo", "fffffff")
    assert (result.status, result.err.splitlines()[0]) == (1, "error: no operation with the id 'fffffff'")
    assert (poolside(clone, "undo", "").status, everything(clone)) == (1, before)
    poolside(clone, "push")
    push = operations(clone, poolside)[0]
    assert poolside(clone, "undo", push).err.splitlines()[0] == f"error: the operation {push} moved no branch"
    assert everything(clone)[1:] == before[1:]


def test_what_moved_since_is_refused_and_carried_when_asked(done: World, poolside: Run) -> None:
    clone, before = done.there(), branches(done.fork)
    own_commit(clone, "b.py", TEN.replace("line 9\n", "line nine\n") + "later\n")
    state = everything(clone)
    result = poolside(clone, "undo")
    assert (result.status, result.err.splitlines()) == (
        1,
        [
            "error: 'poolside-main' has moved since that operation",
            "hint: git poolside undo --carry   (replays what came later on top)",
            "hint: git poolside undo --allow moved-since   (what came later stays in the reflog only)",
        ],
    )
    said = json.loads(poolside(clone, "undo", "--json").out)
    assert [snag["name"] for snag in said["snags"]] == ["moved-since"]
    assert everything(clone) == state
    result = poolside(clone, "undo", "--carry")
    assert result.status == 0, result.err
    assert result.out.splitlines()[-1] == "  1 later commit carried over"
    old = before["refs/heads/poolside-main"]
    assert clone.subjects(f"{old}..poolside-main") == ["Later work"]
    assert clone.rev("poolside-main~1") == old
    assert clone.show("poolside-main", "b.py") == TEN.replace("line 9\n", "line nine\n") + "later\n"
    assert clone.git("status", "--porcelain") == ""
    assert clone.rev("main") == before["refs/heads/main"]


def test_what_was_committed_between_two_operations_has_moved_since(done: World, poolside: Run) -> None:
    clone, before = done.there(), branches(done.fork)
    own_commit(clone, "between.txt", "between\n", "Between them")
    done.land({"README.md": "newer\n"}, "Write more", 13)
    done.nightly("2026-07-11")
    poolside(clone, "sync")
    own_commit(clone, "after.txt", "after\n", "After them")
    state, first = everything(clone), operations(clone, poolside)[-1]
    result = poolside(clone, "undo", first)
    assert (result.status, result.err.splitlines()) == (
        1,
        [
            "error: 'poolside-main' has moved since that operation",
            f"hint: git poolside undo {first} --carry   (replays what came later on top)",
            f"hint: git poolside undo {first} --allow moved-since   (what came later stays in the reflog only)",
        ],
    )
    assert everything(clone)[1:] == state[1:]
    result = poolside(clone, "undo", first, "--carry")
    assert result.out.splitlines()[-1] == "  2 later commits carried over"
    assert clone.subjects(f"{before['refs/heads/poolside-main']}..poolside-main") == ["Between them", "After them"]


def test_what_was_committed_between_two_operations_is_carried_where_nothing_came_after(
    done: World, poolside: Run
) -> None:
    clone, before = done.there(), branches(done.fork)
    own_commit(clone, "between.txt", "between\n", "Between them")
    done.land({"README.md": "newer\n"}, "Write more", 13)
    done.nightly("2026-07-11")
    poolside(clone, "sync")
    first = operations(clone, poolside)[-1]
    assert poolside(clone, "undo", first).status == 1
    assert poolside(clone, "undo", first, "--carry").status == 0
    assert clone.subjects(f"{before['refs/heads/poolside-main']}..poolside-main") == ["Between them"]


def test_what_was_committed_between_an_operation_and_its_undo_is_not_lost(done: World, poolside: Run) -> None:
    clone = done.there()
    poolside(clone, "undo")
    own_commit(clone, "between.txt", "between\n", "Between them")
    poolside(clone, "sync")
    first = operations(clone, poolside)[-1]
    assert poolside(clone, "undo", first).status == 1
    assert poolside(clone, "undo", first, "--carry").status == 0
    assert "between.txt" in clone.files("poolside-main")


def test_what_moved_since_can_be_left_to_the_reflog(done: World, poolside: Run) -> None:
    clone, before = done.there(), branches(done.fork)
    later = own_commit(clone, "later.txt", "later\n")
    assert poolside(clone, "undo", "--allow", "moved-since").status == 0
    assert branches(clone) == before
    assert clone.rev("poolside-main@{1}") == later


def test_what_does_not_apply_where_it_would_be_carried_is_refused(done: World, poolside: Run) -> None:
    clone = done.there()
    later = own_commit(clone, "lib/c.py", TEN + "more and more\n")
    state = everything(clone)
    for name in ([], operations(clone, poolside)):
        result = poolside(clone, "undo", *name, "--carry")
        again = " ".join(["git poolside undo", *name, "--allow moved-since"])
        assert (result.status, result.err.splitlines()) == (
            1,
            [
                f"error: {later[:9]} Later work does not apply to where 'poolside-main' returns to",
                f"hint: {again} && git cherry-pick {later[:12]}   (by hand)",
            ],
        )
        assert everything(clone) == state


def test_a_branch_that_was_rewritten_since_cannot_be_carried(done: World, poolside: Run) -> None:
    clone = done.there()
    clone.git("reset", "-q", "--hard", "HEAD~1")
    state = everything(clone)
    [first] = operations(clone, poolside)
    result = poolside(clone, "undo", first, "--carry")
    assert (result.status, result.err.splitlines()) == (
        1,
        [
            "error: 'poolside-main' was rewritten since, so what came later cannot be told apart",
            "hint: git log -g poolside-main   (shows where it was)",
            f"hint: git poolside undo {first} --allow moved-since   (what came later stays in the reflog only)",
        ],
    )
    assert everything(clone) == state


def test_local_changes_in_the_way_of_an_undo(done: World, poolside: Run) -> None:
    clone = done.there()
    (clone.path / "lib/c.py").write_text("mine\n")
    state = everything(clone)
    result = poolside(clone, "undo")
    assert (result.status, "  lib/c.py" in result.err.splitlines()) == (1, True)
    assert everything(clone) == state
    assert (clone.path / "lib/c.py").read_text() == "mine\n"


def test_undo_push_puts_the_server_back(simple: World, poolside: Run) -> None:
    clone = ready(simple)
    before = branches(simple.fork)
    poolside(clone, "sync", "--push")
    record = clone.rev("refs/poolside/published/2026-07-10-1")
    result = poolside(clone, "undo", "--push", "--json")
    assert (result.status, json.loads(result.out)["pushed"]) == (0, True)
    assert branches(simple.fork) == before == branches(clone)
    assert simple.fork.rev("refs/poolside/published/2026-07-10-1") == record


def test_undo_of_something_pushed_then_push_puts_the_server_back(simple: World, poolside: Run) -> None:
    clone = ready(simple)
    before = branches(simple.fork)
    poolside(clone, "sync", "--push")
    assert poolside(clone, "undo").err.splitlines() == [
        "hint: git poolside undo   (brings it back)",
        "hint: git poolside push   (puts the server there too)",
    ]
    assert poolside(clone, "status").err.splitlines() == [
        "hint: git poolside push   (sends the branches)",
        "hint: git poolside sync -n   (shows what a sync would do)",
    ]
    result = poolside(clone, "push")
    assert result.status == 0, result.err
    assert branches(simple.fork) == before


def test_where_the_server_is_already_after_an_undo_of_an_undo_nothing_is_to_be_pushed(
    simple: World, poolside: Run
) -> None:
    clone = ready(simple)
    poolside(clone, "sync", "--push")
    poolside(clone, "undo")
    assert poolside(clone, "undo").err.splitlines() == ["hint: git poolside undo   (brings it back)"]
    assert branches(clone) == branches(simple.fork)
    assert poolside(clone, "status").err.splitlines() == []


def test_undo_push_does_not_overwrite_a_teammate(simple: World, poolside: Run) -> None:
    clone = ready(simple)
    before = branches(clone)
    poolside(clone, "sync", "--push")
    mate = simple.patch({"mate.txt": "x\n"}, "Theirs\n")
    result = poolside(clone, "undo", "--push")
    assert result.status == 4, result.err
    assert mate[:7] in result.err
    assert result.out.splitlines()[0].startswith("Took back ")  # here it is undone all the same
    assert simple.fork.rev("poolside-main") == mate
    assert branches(clone) == before


def test_after_an_undo_the_sync_can_be_done_again(done: World, poolside: Run) -> None:
    clone = done.there()
    after = branches(clone)
    poolside(clone, "undo")
    assert poolside(clone, "sync").status == 0
    assert branches(clone) == after


def test_a_teammates_commit_that_an_undone_sync_took_along_is_not_pushed_back(simple: World, poolside: Run) -> None:
    clone = ready(simple)
    mate = simple.patch({"team.txt": "team\n"}, "Teammate's\n")
    assert poolside(clone, "sync").status == 0
    hints = [
        "hint: git poolside undo   (brings it back)",
        "hint: git poolside pull   (the fork's server has moved on: goes to its tips, with what is only here)",
    ]
    assert poolside(clone, "undo").err.splitlines() == hints
    assert "team.txt" not in clone.files("poolside-main")
    assert poolside(clone, "status").err.splitlines() == hints[1:]
    assert poolside(clone, "push").status == 4
    assert simple.fork.rev("poolside-main") == mate
    assert poolside(clone, "sync").status == 0
    assert "team.txt" in clone.files("poolside-main")


def test_undo_of_a_pushed_sync_still_puts_the_server_back(simple: World, poolside: Run) -> None:
    clone = ready(simple)
    before = simple.fork.refs("refs/heads")
    assert poolside(clone, "sync", "--push").status == 0
    assert poolside(clone, "undo", "--push").status == 0
    assert simple.fork.refs("refs/heads") == before


def test_undo_push_of_what_had_taken_a_teammates_sync_along_leaves_that_on_the_server(
    simple: World, poolside: Run
) -> None:
    """The branch here was behind when the operation began, so what it made was pushed over the teammate's state."""
    clone, mate = ready(simple), simple.clone("mate")
    assert poolside(mate, "sync", "--push").status == 0
    theirs = branches(simple.fork)
    clone.git("fetch", "-q", "origin")
    assert poolside(clone, "changes", "--write").status == 0
    assert poolside(clone, "push").status == 0
    assert branches(simple.fork) != theirs
    assert poolside(clone, "undo", "--push").status == 0
    assert branches(simple.fork) == theirs
    assert clone.rev("poolside-main") == simple.fork.rev("poolside-main")


def test_undo_push_after_an_undo_that_was_not_pushed_goes_back_to_that(simple: World, poolside: Run) -> None:
    clone = ready(simple)
    before = branches(clone)
    assert poolside(clone, "sync", "--push").status == 0
    assert poolside(clone, "undo").status == 0
    assert poolside(clone, "changes", "--write").status == 0
    assert poolside(clone, "push").status == 0
    assert poolside(clone, "undo", "--push").status == 0
    assert branches(clone) == branches(simple.fork) == before


def test_N4_what_a_sync_put_back_on_an_older_nightly_is_ours_and_an_undo_goes_back_to_it(
    simple: World, poolside: Run
) -> None:
    assert poolside(simple.clone("mate"), "sync", "--push").status == 0
    clone = simple.clone()  # with the patches branch alone
    back = ("--allow", "older-nightly", "--allow", "dropped-then-reverted")
    assert poolside(clone, "sync", "--nightly", "2026-07-03", *back).status == 0
    older = branches(clone)
    simple.land({"lib/c.py": TEN + "more\nand more\n"}, "Extend c again", 13)
    simple.nightly("2026-07-17")
    assert poolside(clone, "sync", "--push").status == 0
    assert poolside(clone, "undo").status == 0
    assert branches(clone) == older


def test_what_came_later_and_is_upstreams_is_not_carried(done: World, poolside: Run) -> None:
    clone, before = done.there(), branches(done.fork)
    newer = done.land({"b.py": TEN + "eleven\n"}, "Extend b", 14)
    clone.git("fetch", "-q", "upstream")
    clone.git("branch", "-q", "-f", "main", newer)
    assert poolside(clone, "undo", "--carry").status == 0
    assert branches(clone) == before


def test_what_came_later_stays_as_it_is_where_nothing_below_it_goes(simple: World, poolside: Run) -> None:
    """The sync made the branches where the server had them already, and that is where they go back to."""
    assert poolside(simple.clone("mate"), "sync", "--push").status == 0
    clone = simple.clone()
    clone.git("checkout", "-q", "--detach")
    clone.git("branch", "-q", "-D", "poolside-main")
    assert poolside(clone, "sync").status == 0
    clone.git("checkout", "-q", "poolside-main")
    own_commit(clone, "own.txt", "own\n")
    clone.git("commit", "-q", "--amend", "--no-edit", env={"GIT_COMMITTER_NAME": "Somebody Else"})
    assert poolside(clone, "push").status == 0
    after = branches(clone)
    assert poolside(clone, "undo", "--carry").status == 0
    assert branches(clone) == after


def test_what_came_later_is_carried_where_upstream_was_never_fetched(done: World, poolside: Run) -> None:
    clone = done.there()
    own_commit(clone, "own.txt", "own\n")
    clone.git("update-ref", "-d", "refs/remotes/upstream/main")
    assert poolside(clone, "undo", "--carry").status == 0
    assert clone.subjects("poolside-main~1..poolside-main") == ["Later work"]
