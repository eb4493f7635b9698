"""The engine against git itself: for each named case the verdict and the tree of a real ``git cherry-pick``."""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path

import pytest

from git_poolside.git.diff import changes
from git_poolside.git.merge import MergeCrashed, Merged, MergeOrt
from git_poolside.git.objects import BLOB, TREE, Objects
from git_poolside.git.process import PINNED, open_repository
from git_poolside.git.quarantine import quarantine
from git_poolside.git.replay import Engine
from git_poolside.stack.model import Conflict, Oid
from tests.scenario import Exec, Files, Link, Repo, World

TEN = "".join(f"line {n}\n" for n in range(1, 11))
BASE: Files = {
    "a.txt": TEN,
    "b.txt": TEN.replace("line", "row"),
    "dir/one.txt": TEN.replace("line", "one"),
    "dir/two.txt": TEN.replace("line", "two"),
    "dir/sub/three.txt": TEN.replace("line", "three"),
    "run.sh": "#!/bin/sh\n",
    "link": Link("a.txt"),
    "crlf.txt": "one\r\ntwo\r\nthree\r\n",
    **{f"a/f{n}": TEN.replace("line", f"f{n}") for n in range(4)},
    "b/sub/new": "new\n",
    "b/sub/other": "other\n",
}


def edited(word: str, at: int, name: str = "line") -> str:
    return TEN.replace("line", name).replace(f"{name} {at}\n", f"{word}\n")


def moved(old: str, new: str) -> Files:
    return {new: BASE[old], old: None}


DIR_RENAMED: Files = {
    **moved("dir/one.txt", "folder/one.txt"),
    **moved("dir/two.txt", "folder/two.txt"),
    **moved("dir/sub/three.txt", "folder/sub/three.txt"),
}

EDITS: Files = {
    "b.txt": edited("x", 1, "row"),
    "dir/one.txt": edited("x", 1, "one"),
    "run.sh": Exec("#!/bin/sh\n"),
    "link": Link("b.txt"),
}

CASES: dict[str, tuple[Files, Files, bool]] = {
    # name: what ours did to the base, what the patch does to it, whether that takes no merge of whole trees
    "disjoint paths": ({"b.txt": edited("x", 1, "row")}, {"a.txt": edited("p", 5)}, True),
    "added file": ({"b.txt": edited("x", 1, "row")}, {"new/deep/file": "n\n"}, True),
    "deleted file": ({"b.txt": edited("x", 1, "row")}, {"a.txt": None}, True),
    "executable bit": ({"b.txt": edited("x", 1, "row")}, {"run.sh": Exec("#!/bin/sh\n")}, True),
    "whole folder deleted": ({"b.txt": edited("x", 1, "row")}, {"dir/sub/three.txt": None}, True),
    "same file, far apart": ({"a.txt": edited("x", 1)}, {"a.txt": edited("p", 10)}, True),
    "same line": ({"a.txt": edited("x", 5)}, {"a.txt": edited("p", 5)}, False),
    "same change": ({"a.txt": edited("x", 5)}, {"a.txt": edited("x", 5)}, True),
    "C1 modify/delete": ({"a.txt": None}, {"a.txt": edited("p", 5)}, False),
    "C1 delete/modify": ({"a.txt": edited("x", 5)}, {"a.txt": None}, False),
    "C2 ours renamed the file": (moved("a.txt", "z.txt"), {"a.txt": edited("p", 5)}, False),
    "C2 ours renamed the file, to one of two places": (
        {"a.txt": None, "dir/sub/new/z.txt": TEN, "dir/z.txt": TEN, "b.txt": edited("x", 1, "row")},
        {"a.txt": edited("p", 5), "dir/sub/three.txt": edited("p", 5, "three")},
        False,
    ),
    "C2 ours moved one of two files that are the same": (
        {"dir/one.txt": TEN, "dir/sub/one.txt": TEN, "a.txt": None, "dir/two.txt": edited("x", 1, "two")},
        {"a.txt": edited("p", 5), "dir/two.txt": edited("p", 9, "two")},
        False,
    ),
    "C2 theirs renamed the file": ({"a.txt": edited("x", 5)}, moved("a.txt", "z.txt"), False),
    "C2 ours moved the file and edited others": (
        {**moved("a.txt", "dir/z.txt"), **EDITS},
        {"a.txt": edited("p", 5)},
        False,
    ),
    "C2 ours moved and edited the file and others": (
        {"a.txt": None, "z.txt": edited("x", 1), **EDITS},
        {"a.txt": edited("p", 5), "dir/one.txt": edited("p", 9, "one")},
        False,
    ),
    "C2 ours moved the file and edited the same lines, and others": (
        {"a.txt": None, "z.txt": edited("x", 5), **EDITS},
        {"a.txt": edited("p", 5)},
        False,
    ),
    "C2 theirs moved what ours edited, beside others": (
        {"a.txt": edited("x", 1), **EDITS},
        moved("a.txt", "z.txt"),
        False,
    ),
    "C2 theirs moved what ours edited to two places that are as good": (
        {"b.txt": edited("x", 1, "row"), "dir/sub/three.txt": edited("x", 1, "three")},
        {"dir/sub/three.txt": None, "b/f": BASE["dir/sub/three.txt"], "dir/z": BASE["dir/sub/three.txt"]},
        False,
    ),
    "C2 theirs moved what ours edited to one of two folders that ours edited": (
        {"dir/one.txt": edited("x", 1, "one"), "dir/sub/three.txt": edited("x", 1, "three")},
        {"dir/sub/three.txt": None, "dir/f": BASE["dir/sub/three.txt"], "dir/sub/z": BASE["dir/sub/three.txt"]},
        False,
    ),
    "C3 ours renamed a folder onto one that it edited, theirs adds what is there": (
        {f"a/f{n}": None for n in range(4)}
        | {f"b/f{n}": TEN.replace("line", f"f{n}") for n in range(4)}
        | {"b/sub/other": "edited\n"},
        {"a/sub/new": "theirs\n", "a/y": "y\n"},
        False,
    ),
    "C3 ours renamed a folder and edited others": (
        {**moved("dir/sub/three.txt", "under/three.txt"), **EDITS},
        {"dir/sub/new.txt": "n\n"},
        False,
    ),
    "C3 theirs renamed a folder, ours added in it and edited others": (
        {"dir/sub/new.txt": "n\n", **EDITS},
        moved("dir/sub/three.txt", "under/three.txt"),
        False,
    ),
    "C3 ours renamed the folder, theirs adds in it": (DIR_RENAMED, {"dir/new.txt": "n\n"}, False),
    "C3 theirs renamed the folder, ours added in it": ({"dir/new.txt": "n\n"}, DIR_RENAMED, False),
    "C5 rename/rename": (moved("a.txt", "y.txt"), moved("a.txt", "z.txt"), False),
    "C5 rename/add": ({"z.txt": "other\n"}, moved("a.txt", "z.txt"), False),
    "C5 add/add": ({"n.txt": "x\n"}, {"n.txt": "p\n"}, False),
    "C5 file against folder": ({"n": "x\n"}, {"n/inside": "p\n"}, False),
    "C5 folder against file": ({"n/inside": "x\n"}, {"n": "p\n"}, False),
    "C5 file becomes a folder": ({"b.txt": edited("x", 1, "row")}, {"a.txt": None, "a.txt/in": "p\n"}, False),
    "C5 file becomes a link": ({"b.txt": edited("x", 1, "row")}, {"a.txt": Link("b.txt")}, False),
    "C5 link against file": ({"link": "now a file\n"}, {"link": Link("b.txt")}, False),
    "C5 mode on one side, content on the other": ({"run.sh": Exec("#!/bin/sh\n")}, {"run.sh": "#!/bin/bash\n"}, True),
    "C6 union attribute": (
        {".gitattributes": "*.txt merge=union\n", "a.txt": edited("x", 5)},
        {"a.txt": edited("p", 5)},
        False,
    ),
    "C6 CRLF under text=auto": (
        {".gitattributes": "* text=auto\n", "crlf.txt": "ONE\ntwo\nthree\n"},
        {"crlf.txt": "one\r\ntwo\r\nTHREE\r\n"},
        False,
    ),
    "C6 the patch brings attributes": ({"a.txt": edited("x", 5)}, {".gitattributes": "*.txt -merge\n"}, True),
    "C7 binary": ({"a.txt": b"\0ours"}, {"a.txt": b"\0theirs"}, False),
    "C9 odd names": ({"b.txt": edited("x", 1, "row")}, {'sp ace/"quo\tted"\n-x': "p\n", "-dash": "d\n"}, True),
    "C9 odd name in conflict": ({"é\nü": "x\n"}, {"é\nü": "p\n"}, False),
}


@pytest.mark.parametrize("name", CASES)
def test_the_engine_gives_what_git_cherry_pick_gives(name: str, world: World, tmp_path: Path) -> None:
    ours, theirs, quick = CASES[name]
    repo = world.upstream
    base = world.commit(repo, "base", BASE, "base\n")
    mine = world.commit(repo, "ours", ours, "ours\n", parents=[base])
    patch = world.commit(repo, "theirs", theirs, "theirs\n", parents=[base])
    want = cherry_picked(repo, tmp_path / "worktree", mine, patch)
    git = open_repository(repo.path)
    with quarantine(git) as inner:
        objects = Objects(inner.git)
        trees = [objects.commit(Oid(oid)).tree for oid in (base, patch, mine)]
        [change] = changes(git, [(trees[0], trees[1])])
        with MergeOrt(objects, inner.git.object_dir) as merge:
            engine = Engine(objects, merge)
            engine.stand_on(trees[2])
            got = engine.apply(change, trees[2])
            assert (None if isinstance(got, Conflict) else got) == want
            assert (inner.git.object_dir / "attributes").exists() is not quick


def cherry_picked(repo: Repo, folder: Path, onto: str, patch: str) -> str | None:
    """The tree that a real cherry-pick in a worktree gives; None for a conflict."""
    repo.git("worktree", "add", "-q", "--detach", str(folder), onto)
    there = Repo(folder, repo.env)
    pins = [word for pin in PINNED for word in ("-c", pin)]
    there.git(*pins, "cherry-pick", "--allow-empty", "--keep-redundant-commits", patch, check=False)
    picking = there.git("rev-parse", "-q", "--verify", "CHERRY_PICK_HEAD", check=False)
    return None if picking else there.rev("HEAD^{tree}")


def test_C8_submodule_moved_on_both_sides_is_a_conflict(world: World) -> None:
    repo = world.upstream

    def with_pointer(tree: str, oid: str) -> str:
        entry = f"160000 commit {oid}\tsub\n"
        return repo.git("mktree", "--missing", input=repo.git("ls-tree", tree) + "\n" + entry)

    plain = repo.tree({"a.txt": TEN})
    trees = [Oid(with_pointer(plain, digit * 40)) for digit in "123"]
    git = open_repository(repo.path)
    with quarantine(git) as inner:
        objects = Objects(inner.git)
        [change] = changes(git, [(trees[0], trees[1])])
        with MergeOrt(objects, inner.git.object_dir) as merge:
            engine = Engine(objects, merge)
            got = engine.apply(change, trees[2])
            assert isinstance(got, Conflict)
            assert got.paths == ("sub",)
            # The process is in step with its answers afterwards.
            [second] = changes(git, [(Oid(plain), repo_tree := Oid(repo.tree({"a.txt": edited("p", 5)})))])
            assert engine.apply(second, Oid(repo.tree({"a.txt": edited("x", 10)}))) == repo.tree(
                {"a.txt": edited("p", 5).replace("line 10\n", "x\n")}
            )
            assert repo_tree


def test_trees_are_written_as_git_mktree_writes_them(world: World) -> None:
    repo = world.upstream
    tree = Oid(repo.tree({"a.b": "1", "a/b": "2", "a0": "3", "a-": "4", "é": "5", "x/y/z": "6"}))
    with quarantine(open_repository(repo.path)) as inner:
        objects = Objects(inner.git)
        assert objects.write_tree(objects.tree(tree)) == tree
        grafted = objects.graft(tree, {b"x/y/z": None, b"a/c": objects.lookup(tree, b"a0")})
    assert grafted == repo.tree({"a.b": "1", "a/b": "2", "a/c": "3", "a0": "3", "a-": "4", "é": "5"})


def test_what_is_asked_ahead_ends_with_the_engine(world: World) -> None:
    """A sync that stops or is refused early does not wait for it: no thread, no process is left, nothing is told."""
    repo, others = world.upstream, set(threading.enumerate())
    names = [f"{number}.txt" for number in range(40)]
    trees = [Oid(repo.tree({name: edited(word, at) for name in names})) for word, at in (("x", 1), ("p", 5), ("q", 10))]
    later = [Oid(repo.tree({name: edited("p", 5).replace("2", str(step)) for name in names})) for step in range(4)]
    git = open_repository(repo.path)
    found = changes(git, [*pairwise([trees[0], trees[1], *later])])
    for _ in range(12):
        with quarantine(git) as inner:
            objects = Objects(inner.git)
            with MergeOrt(objects, inner.git.object_dir) as merge:
                Engine(objects, merge).stand_on(trees[2], found)
            with pytest.raises(MergeCrashed):
                merge.plain.merge(trees[0], trees[1], trees[2])
        for thread in set(threading.enumerate()) - others:
            thread.join(10)
            assert not thread.is_alive()


def test_a_file_that_is_not_in_this_clone_is_not_read_beside_one_that_ours_moved(world: World) -> None:
    repo = world.upstream
    base, ours = Oid(repo.tree({"a.txt": TEN})), Oid(repo.tree({"z.txt": TEN}))
    theirs = Oid(repo.tree({"a.txt": edited("p", 5), "large": "large\n"}))
    want = repo.tree({"z.txt": edited("p", 5), "large": "large\n"})
    large = repo.git("rev-parse", f"{theirs}:large")
    (repo.path / "objects" / large[:2] / large[2:]).unlink()
    git = open_repository(repo.path)
    [change] = changes(git, [(base, theirs)])
    with quarantine(git) as inner:
        objects = Objects(inner.git)
        with MergeOrt(objects, inner.git.object_dir) as merge:
            assert Engine(objects, merge).apply(change, ours) == want


def test_an_engine_that_stands_anew_waits_for_what_is_asked_ahead(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proposals replay several stacks with one engine: there is one question at a time, and each has its own answer."""
    repo = world.upstream
    names = [f"{number}.txt" for number in range(100)]
    base, ours, one, other = (
        Oid(repo.tree({name: f"{name}\n{text}" for name in names}))
        for text in (TEN, edited("x", 1), edited("p", 5), edited("q", 5))
    )
    want = repo.tree({name: f"{name}\n" + edited("x", 1).replace("line 5\n", "q\n") for name in names})
    git = open_repository(repo.path)
    first, second = changes(git, [(base, one), (base, other)])
    real, asking, most = MergeOrt.merge, [0], [0]

    def counted(self: MergeOrt, *trees: Oid) -> Merged:
        asking[0] += 1
        most[0] = max(most[0], asking[0])
        try:
            return real(self, *trees)
        finally:
            asking[0] -= 1

    monkeypatch.setattr(MergeOrt, "merge", counted)
    with quarantine(git) as inner:
        objects = Objects(inner.git)
        with MergeOrt(objects, inner.git.object_dir) as merge:
            engine = Engine(objects, merge)
            engine.stand_on(ours, [first])
            engine.stand_on(ours, [second])
            assert engine.apply(second, ours) == want
    assert most == [1]


@pytest.mark.parametrize("name", ["GIT_LITERAL_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_NOGLOB_PATHSPECS"])
def test_attribute_files_are_found_whatever_is_set(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    rules = {".gitattributes": "a -text\n", "deep/down/.gitattributes": "b merge=union\n"}
    base = world.commit(
        world.upstream, "base", {**BASE, **rules, ".GITATTRIBUTES": "a\n", "x.gitattributes": "a\n"}, "base\n"
    )
    monkeypatch.setenv(name, "1")
    objects = Objects(open_repository(world.upstream.path))
    place = tmp_path / "own" / "attributes"
    place.parent.mkdir()
    with MergeOrt(objects, place.parent) as merge:
        merge.attributes_of(objects.commit(Oid(base)).tree)
        found = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}
    assert found == set(rules)


def test_P13_attribute_files_lie_in_their_own_folder_alone(world: World) -> None:
    """A tree with `..` in it leads nowhere else."""
    with quarantine(open_repository(world.upstream.path)) as inner:
        objects = Objects(inner.git)
        tree = objects.write(TREE, b"100644 .gitattributes\0" + bytes.fromhex(objects.write(BLOB, b"* -merge\n")))
        for _ in range(6):
            tree = objects.write(TREE, b"40000 ..\0" + bytes.fromhex(tree))
        with MergeOrt(objects, inner.git.object_dir) as merge:
            merge.attributes_of(tree)
        places = [
            *Path(world.root).rglob(".gitattributes"),
            *(above / ".gitattributes" for above in world.root.parents),
        ]
        assert [place for place in places if place.exists()] == []
