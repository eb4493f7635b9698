"""What the tests' worlds are made of without git's own commands is what git makes of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import store
from tests.conftest import copied, simple_world, stuck_world
from tests.scenario import Exec, Link, Repo, World


def written(folder: Path, without: str = "objects") -> dict[str, str]:
    """Every file below a folder, but objects and the index, and every empty folder."""
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else ""
        for path in folder.rglob("*")
        if not path.is_relative_to(folder / without)
        and path.name != "index"
        and (path.is_file() or not any(path.iterdir()))
    }


def test_a_bare_repository_is_what_git_init_makes(world: World) -> None:
    folder = world.root / "made.git"
    Repo(world.root, os.environ).git("init", "-q", "--bare", "-b", "main", str(folder))
    assert written(folder, "none") == written(world.fork.path, "none")


def test_a_clone_is_what_git_clone_and_git_fetch_make(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    simple_world(world)
    world.fork.git("update-ref", "refs/poolside/anything", world.fork.rev("main"))
    clone = world._put_together(world.root / "clone")
    assert clone is not None
    index = clone.git("ls-files", "-s", "--debug")
    assert clone.git("status", "--porcelain") == ""
    monkeypatch.setattr(World, "_put_together", lambda *_: None)
    made = world.clone("made")
    assert written(clone.path / ".git", "objects") == written(made.path / ".git", "objects")
    assert written(clone.path, ".git") == written(made.path, ".git")
    assert [line for line in index.splitlines() if line[0] != " "] == made.git("ls-files", "-s").splitlines()
    objects = "cat-file", "--batch-all-objects", "--batch-check"
    assert clone.git(*objects) == made.git(*objects)
    assert clone.refs("refs") == made.refs("refs") == _asked(clone, "refs")


def test_a_copied_clone_is_as_clean_and_as_changed_as_its_source(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    source, copy = copied(request, _changed, tmp_path / "source"), tmp_path / "copy"
    store.copy(source.there().path, copy, "none")
    assert written(copy, ".git/objects") == written(source.there().path, ".git/objects")
    repo = Repo(copy, os.environ)
    stale = repo.git("diff-files", "--raw").splitlines()
    assert {line.partition("\t")[2] for line in stale} >= {"a.py", "link", "lib/c.py"}
    assert store.refresh(copy)
    assert repo.git("diff-files", "--raw").splitlines() == [line for line in stale if line.endswith(("b.py", "a.py"))]
    assert repo.git("status", "--porcelain") == "UU a.py\n M b.py"


def _changed(world: World) -> None:
    """A clone with a conflict, a changed file and a link."""
    stuck_world(world)
    world.patch({"link": Link("a.py")}, "Link\n")
    clone = world.clone()
    clone.git("cherry-pick", world.upstream.rev("main~1"), check=False)
    (clone.path / "b.py").write_text("changed\n")


def _asked(repo: Repo, prefix: str) -> dict[str, str]:
    lines = repo.git("for-each-ref", "--format=%(refname) %(objectname)", prefix).splitlines()
    return dict(line.split(" ") for line in lines)


def test_refs_and_names_are_what_git_says(simple: World) -> None:
    simple.fork.git("pack-refs", "--all")
    simple.fork.git("tag", "-a", "-m", "words", "v1", "main")
    simple.fork.git("update-ref", "refs/heads-of-another/kind", "main")
    for prefix in ("refs", "refs/heads", "refs/tags/", "refs/heads/main", "refs/none"):
        assert simple.fork.refs(prefix) == _asked(simple.fork, prefix)
    for name in ("main", "HEAD", "v1", "v1^{commit}", "poolside-main~1", "main^{tree}", "refs/heads/main", "main:a.py"):
        assert simple.fork.rev(name) == simple.fork.git("rev-parse", "--verify", name)


def test_a_commit_is_what_git_fast_import_makes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def history() -> list[str]:
        world.clock = 0
        first = world.land({"a": "a\n", "b/c": Exec("c\n"), "l": Link("a"), "d/e/f": "f\n"}, "Begin \u00e9", 1)
        second = world.land({"a": None, "b": "a file now\n", "d/e": None, "none": None, "l/x": "in a folder\n"}, "Turn")
        merge = world.commit(world.upstream, "side", {"x": b"\xff\0"}, b"Bytes \xe9", parents=[first, second])
        return [first, second, merge, world.nightly("2026-07-03", merge)]

    made = history()
    world.upstream.git("update-ref", "--stdin", input="delete refs/heads/main\ndelete refs/heads/nightly\n")
    monkeypatch.setattr("tests.store.plain", lambda _: False)
    assert history() == made
