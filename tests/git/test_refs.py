"""Refs are asked for once, as long as the files that hold them stand as they did; whoever moves one is seen."""

from __future__ import annotations

import pytest

from git_poolside.git import refs
from git_poolside.git.process import Git, open_repository
from tests.scenario import World

MAIN, PATCHES, ALIAS, GONE = (f"refs/heads/{name}" for name in ("main", "poolside-main", "alias", "gone"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What git processes are asked, in order."""
    words: list[str] = []
    lines = Git.lines

    def listen(self: Git, *arguments: str, input: bytes | None = None) -> list[str]:
        words.append(" ".join(arguments[3:]))
        return lines(self, *arguments, input=input)

    monkeypatch.setattr(Git, "lines", listen)
    return words


def test_what_stands_is_asked_once(simple: World, asked: list[str]) -> None:
    git = open_repository(simple.fork.path)
    there = refs.read(git, [MAIN, PATCHES, GONE])
    assert there == {MAIN: simple.fork.rev(MAIN), PATCHES: simple.fork.rev(PATCHES), GONE: None}
    assert refs.read(git, [PATCHES, GONE, MAIN]) == there
    assert asked == [f"{MAIN} {PATCHES} {GONE}"]


@pytest.mark.parametrize("packed", [False, True])
def test_whoever_moves_deletes_or_makes_one_is_seen(simple: World, packed: bool) -> None:
    fork = simple.fork
    git, old, new = open_repository(fork.path), fork.rev(MAIN), fork.rev(PATCHES)
    if packed:
        fork.git("pack-refs", "--all")
    assert refs.read_one(git, MAIN) == old
    fork.git("update-ref", MAIN, new)
    assert refs.read_one(git, MAIN) == new
    fork.git("pack-refs", "--all")
    assert refs.read_one(git, MAIN) == new
    fork.git("update-ref", "-d", MAIN)
    assert refs.read_one(git, MAIN) is None
    fork.git("branch", "main", old)
    assert refs.read_one(git, MAIN) == old


def test_all_that_is_asked_for_ahead_is_asked_in_one_question(simple: World, asked: list[str]) -> None:
    fork = simple.fork
    for name in ("day-10", "day-2"):
        fork.git("update-ref", f"refs/poolside/published/{name}", MAIN)
    git = open_repository(fork.path)
    refs.read_ahead(git, [MAIN, GONE, "refs/poolside/published/"])
    assert list(refs.below(git, "refs/poolside/published/")) == [
        "refs/poolside/published/day-2", "refs/poolside/published/day-10",
    ]  # fmt: skip
    assert refs.read(git, [MAIN, GONE]) == {MAIN: fork.rev(MAIN), GONE: None}
    refs.read_ahead(git, [MAIN, "refs/poolside/published/"])
    assert asked == [f"{MAIN} {GONE} refs/poolside/published/"]


@pytest.mark.parametrize("packed", [False, True])
def test_whoever_moves_deletes_or_makes_one_below_a_prefix_is_seen(simple: World, packed: bool) -> None:
    fork = simple.fork
    git, old, new = open_repository(fork.path), fork.rev(MAIN), fork.rev(PATCHES)
    one, other = "refs/poolside/published/one", "refs/poolside/published/deep/other"
    assert refs.below(git, "refs/poolside/published/") == {}
    fork.git("update-ref", one, old)
    if packed:
        fork.git("pack-refs", "--all")
    assert refs.below(git, "refs/poolside/published/") == {one: old}
    fork.git("update-ref", other, old)
    assert refs.below(git, "refs/poolside/published/") == {other: old, one: old}
    fork.git("update-ref", one, new)
    assert refs.below(git, "refs/poolside/published/") == {other: old, one: new}
    fork.git("symbolic-ref", one, MAIN)
    assert refs.below(git, "refs/poolside/published/") == {other: old, one: old}
    fork.git("update-ref", MAIN, new)
    assert refs.below(git, "refs/poolside/published/") == {other: old, one: new}
    fork.git("update-ref", "-d", other)
    assert refs.below(git, "refs/poolside/published/") == {one: new}


def test_one_that_stands_for_another_goes_with_it(simple: World) -> None:
    fork = simple.fork
    git, new = open_repository(fork.path), fork.rev(PATCHES)
    fork.git("symbolic-ref", ALIAS, MAIN)
    assert refs.read_one(git, ALIAS) == fork.rev(MAIN)
    fork.git("update-ref", MAIN, new)
    assert refs.read_one(git, ALIAS) == new


def test_each_worktree_has_its_own_bisection(simple: World) -> None:
    clone = simple.clone()
    clone.git("worktree", "add", "-q", "--detach", "../other")
    clone.git("update-ref", "refs/bisect/bad", "HEAD")
    here, there = open_repository(clone.path), open_repository(clone.path.parent / "other")
    assert refs.read_one(here, "refs/bisect/bad") == clone.rev("HEAD")
    assert refs.read_one(there, "refs/bisect/bad") is None


def test_nothing_is_remembered_where_refs_may_be_kept_otherwise_than_in_files(simple: World) -> None:
    git = open_repository(simple.fork.path)
    assert refs.in_files(git)
    assert not refs.in_files(git.with_environment(GIT_REFERENCE_BACKEND="reftable:///somewhere"))
    other = open_repository(simple.upstream.path)
    other.run("config", "extensions.refStorage", "reftable:///somewhere")
    assert not refs.in_files(other)
