"""``published.keep``: which records of what was pushed stay on the fork's server."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Run
from tests.operation.test_push import hook
from tests.scenario import Repo, World
from tests.test_pull import commit

PREFIX = "refs/poolside/published/"


def keeping(world: World, keep: str) -> Repo:
    """A clone of the fork with that setting."""
    world.patch({".poolside.toml": f'[published]\nkeep = "{keep}"\n'}, "Configure\n")
    return world.clone()


def pushed(clone: Repo, poolside: Run, number: int) -> str:
    """A patch is committed and pushed; what that says."""
    commit(clone, "mine.txt", f"{number}\n", f"Count to {number}")
    result = poolside(clone, "push")
    assert result.status == 0, result.err
    return result.out + result.err


def states(repo: Repo) -> list[str]:
    return [ref.removeprefix(PREFIX) for ref in repo.refs(PREFIX)]


def test_the_newest_are_kept_and_older_ones_deleted_on_the_server_and_here(simple: World, poolside: Run) -> None:
    clone = keeping(simple, "2 states")
    for number in (1, 2):
        assert "deleted" not in pushed(clone, poolside, number)
    assert pushed(clone, poolside, 3).splitlines()[-2:] == [
        f"  {PREFIX}2026-07-03-3",
        f"  {PREFIX}2026-07-03-1 deleted",
    ]
    assert states(simple.fork) == states(clone) == ["2026-07-03-2", "2026-07-03-3"]
    commit(clone, "mine.txt", "4\n", "Count to 4")
    assert json.loads(poolside(clone, "push", "--json").out)["gone"] == [f"{PREFIX}2026-07-03-2"]
    assert poolside(clone, "push").out.startswith("Nothing to push")


def test_by_default_all_are_kept(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    for number in (1, 2, 3):
        pushed(clone, poolside, number)
    assert states(simple.fork) == ["2026-07-03-1", "2026-07-03-2", "2026-07-03-3"]


def test_one_that_was_built_stays(simple: World, poolside: Run) -> None:
    clone = keeping(simple, "1 state")
    pushed(clone, poolside, 1)
    simple.fork.git("update-ref", "refs/poolside/builds/2026-07-03-1.77", clone.rev("HEAD"))
    pushed(clone, poolside, 2)
    pushed(clone, poolside, 3)
    assert states(simple.fork) == ["2026-07-03-1", "2026-07-03-3"]


def test_L16_one_that_a_dropped_patch_would_be_put_back_from_stays(simple: World, poolside: Run) -> None:
    clone = keeping(simple, "1 state")
    pushed(clone, poolside, 1)
    pushed(clone, poolside, 2)
    assert poolside(clone, "sync", "--push").status == 0  # drops the pick, as landed
    other = simple.clone("other")
    pushed(other, poolside, 3)
    assert states(simple.fork) == ["2026-07-03-2", "2026-07-10-2"]
    simple.revert(simple.upstream.rev("main~1"), 11)
    simple.nightly("2026-07-11")
    result = poolside(other, "sync", "--keep", "Speed up relu")
    assert result.status == 0, result.err
    assert other.subjects("main..poolside-cherry-picks") == ["Speed up relu (#11)"]


def test_a_server_that_lets_nothing_be_deleted_is_told_of_and_the_push_holds(simple: World, poolside: Run) -> None:
    clone = keeping(simple, "1 state")
    pushed(clone, poolside, 1)
    hook(simple.fork, "update", f"test $3 != {'0' * 40}")
    said = pushed(clone, poolside, 2)
    assert said.splitlines()[-1] == (
        f"warning: 'origin' keeps {PREFIX}2026-07-03-1 although published.keep leaves it out: "
        "[remote rejected] (hook declined)"
    )
    assert states(simple.fork) == states(clone) == ["2026-07-03-1", "2026-07-03-2"]
    hook(simple.fork, "update", "exit 0")
    pushed(clone, poolside, 3)
    assert states(simple.fork) == states(clone) == ["2026-07-03-3"]


def test_a_record_that_somebody_replaced_is_left_alone(
    simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease of a deletion is what the server had when it was asked."""
    clone = keeping(simple, "1 state")
    pushed(clone, poolside, 1)
    from git_poolside.operation import retention

    take_off = retention.take_off

    def later(git, remote, gone):  # type: ignore[no-untyped-def]
        simple.fork.git("update-ref", f"{PREFIX}2026-07-03-1", simple.fork.rev("main"))
        return take_off(git, remote, gone)

    monkeypatch.setattr(retention, "take_off", later)
    assert "stale info" in pushed(clone, poolside, 2)
    assert states(simple.fork) == ["2026-07-03-1", "2026-07-03-2"]


@pytest.mark.parametrize("keep", ["", "0 states", "many", "3", "3 days", "-1 states", "3 states "])
def test_what_is_no_number_of_states_is_refused(simple: World, poolside: Run, keep: str) -> None:
    clone = keeping(simple, keep)
    result = poolside(clone, "push")
    assert result.status == 1
    assert "published.keep has to be like '50 states', or 'forever'" in result.err
