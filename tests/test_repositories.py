"""Repositories of every kind that git can make: a sync gives in each what it gives in a plain clone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from git_poolside.git.process import version
from tests.conftest import TEN, Run
from tests.scenario import Repo, World

KNOWS_REFTABLE = (2, 45)


def same_as_plain(world: World, other: Repo, poolside: Run) -> None:
    """A sync in `other` and in a plain clone give the same refs, and undo takes it back in both."""
    plain = world.clone("plain")
    before = other.refs()
    for repo in (plain, other):
        result = poolside(repo, "sync")
        assert result.status == 0, result.err
    assert other.refs("refs/heads/poolside-main") == plain.refs("refs/heads/poolside-main")
    assert other.refs("refs/poolside") == plain.refs("refs/poolside")
    assert other.git("status", "--porcelain") == ""
    other.git("fsck", "--strict", "--no-dangling", "--connectivity-only")
    result = poolside(other, "undo")
    assert result.status == 0, result.err
    assert other.rev("poolside-main") == before["refs/heads/poolside-main"]
    assert poolside(other, "status").status == 0


def with_merges(world: World) -> None:
    """Patches that need a merge of a file, one of whole trees, and a graft."""
    world.patch({"a.py": TEN.replace("line 9\n", "line nine\n"), "new/own.py": "own\n"}, "Merge a file\n")
    world.patch({"lib/c.py": TEN.replace("line 1\n", "line one\n")}, "Follow a rename\n")
    world.land({"lib/c.py": None, "lib/moved.py": TEN + "more\n"}, "Move c", 30)
    world.nightly("2026-07-11")


@pytest.mark.skipif(version() < KNOWS_REFTABLE, reason="this git knows no reftable")
def test_P7_a_repository_with_reftable(simple: World, poolside: Run) -> None:
    with_merges(simple)
    clone = simple.clone("reftable", "--ref-format=reftable")
    assert (clone.path / ".git/reftable").is_dir()
    same_as_plain(simple, clone, poolside)


@pytest.mark.skipif(version() < KNOWS_REFTABLE, reason="this git knows no reftable")
def test_P7_a_stop_in_a_repository_with_reftable(stuck: World, poolside: Run) -> None:
    clone = stuck.clone("reftable", "--ref-format=reftable")
    before = clone.refs("refs/heads")
    assert poolside(clone, "sync").status == 3
    (clone.path / "a.py").write_text(TEN.replace("line 5\n", "both\n"))
    clone.git("add", "a.py")
    assert poolside(clone, "sync", "--continue").status == 0
    assert "both\n" in clone.show("poolside-main", "a.py")
    assert poolside(clone, "undo").status == 0
    assert clone.rev("poolside-main") == before["refs/heads/poolside-main"]


def test_P7_a_clone_that_borrows_its_objects(simple: World, poolside: Run) -> None:
    with_merges(simple)
    clone = simple.clone("borrowing")
    lender = simple.root / "lender"
    shutil.move(clone.path / ".git/objects", lender)
    before = files(lender)
    (clone.path / ".git/objects/info").mkdir(parents=True)
    (clone.path / ".git/objects/info/alternates").write_text(f"{lender}\n")
    same_as_plain(simple, clone, poolside)
    assert files(lender) == before


def test_P7_objects_and_alternates_elsewhere(simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """All objects lie behind the variables; what is new goes to the folder that they name."""
    with_merges(simple)
    clone, plain = simple.clone("elsewhere"), simple.clone("plain")
    assert poolside(plain, "sync").status == 0
    store, borrowed = simple.root / "store", simple.root / "borrowed"
    shutil.move(clone.path / ".git/objects", borrowed)
    for folder in (clone.path / ".git/objects", store):
        (folder / "pack").mkdir(parents=True)
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(store))
    monkeypatch.setenv("GIT_ALTERNATE_OBJECT_DIRECTORIES", str(borrowed))
    there = {name: os.environ[name] for name in ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")}
    before = files(borrowed)
    result = poolside(clone, "sync")
    assert result.status == 0, result.err
    tip = clone.git("rev-parse", "poolside-main", env=there)
    assert tip == plain.rev("poolside-main")
    assert clone.git("status", "--porcelain", env=there) == ""
    assert (files(borrowed), files(clone.path / ".git/objects")) == (before, set())
    clone.git("rev-list", "--objects", "--quiet", tip, env=there)


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("what", ["an upstream commit", "a patch", "a file of a patch"])
def test_N10_replace_refs_change_no_result(simple: World, poolside: Run, what: str) -> None:
    with_merges(simple)
    clone, plain = simple.clone(), simple.clone("plain")
    assert poolside(plain, "sync").status == 0
    tip = clone.rev("poolside-main")
    other = clone.git("hash-object", "-w", "--stdin", input="another text\n")
    tree = clone.tree({"a.py": "another\n"}, "origin/main")
    replaced = {
        "an upstream commit": (clone.rev("upstream/main~1"), clone.git("commit-tree", tree, "-m", "another")),
        "a patch": (tip, clone.git("commit-tree", tree, "-p", "origin/main", "-m", "another")),
        "a file of a patch": (clone.rev(f"{tip}:lib/c.py"), other),
    }
    clone.git("checkout", "-q", "--detach")
    clone.git("replace", *replaced[what])
    result = poolside(clone, "sync")
    assert result.status == 0, result.err
    assert clone.refs() == plain.refs()


def test_P7_a_linked_worktree_of_a_bare_repository(simple: World, poolside: Run) -> None:
    with_merges(simple)
    plain = simple.clone("plain")
    bare = Repo(simple.root / "bare.git", simple.env)
    shutil.copytree(plain.path / ".git", bare.path)
    bare.git("config", "core.bare", "true")
    bare.git("symbolic-ref", "HEAD", "refs/heads/none")
    linked = Repo(simple.root / "linked", simple.env)
    bare.git("worktree", "add", "-q", str(linked.path), "poolside-main")
    for repo in (plain, linked):
        result = poolside(repo, "sync")
        assert result.status == 0, result.err
    assert linked.refs() == plain.refs()
    assert linked.git("symbolic-ref", "HEAD") == "refs/heads/poolside-main"
    assert linked.git("status", "--porcelain") == ""
