"""What is left of three trees when only that stays which a merge can be about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from git_poolside.git.narrow import Narrow, Unusual
from git_poolside.git.objects import Objects
from git_poolside.git.process import open_repository
from git_poolside.git.quarantine import quarantine
from git_poolside.stack.model import Oid
from tests.scenario import Files, World

BASE: Files = {
    "moved.c": "moved\n",
    "plain.c": "plain\n",
    "lib/one.c": "one\n",
    "lib/old/gone.c": "gone\n",
    "lib/old/stays.c": "stays\n",
    "far/away.c": "away\n",
    "far/deep/er.c": "deeper\n",
}


@pytest.fixture
def objects(world: World) -> Iterator[Objects]:
    with quarantine(open_repository(world.upstream.path)) as inner:
        yield Objects(inner.git)


def side(world: World, files: Files) -> Oid:
    return Oid(world.upstream.tree(files, side(world, BASE) if files is not BASE else None))


def listed(objects: Objects, tree: Oid, above: str = "") -> dict[str, str]:
    """The files of a tree, each with its text; one that only stands for others has none."""
    found: dict[str, str] = {}
    for name, entry in objects.tree(tree).items():
        path = above + name.decode()
        if entry.is_tree:
            found |= listed(objects, entry.oid, path + "/")
        else:
            found[path] = objects.read(entry.oid).decode() if objects.exists(entry.oid) else ""
    return found


def test_what_theirs_leaves_alone_goes_but_for_one_path_a_folder(world: World, objects: Objects) -> None:
    ours = side(world, {"moved.c": None, "new.c": "moved\n", "lib/one.c": "ours\n", "lib/old/gone.c": None})
    theirs = side(world, {"moved.c": "patched\n", "far/deep/er.c": "patched\n"})
    base, one, two = Narrow(objects).trees(side(world, BASE), ours, theirs)
    rest = {"far/away.c": "", "lib/old/stays.c": "", "lib/one.c": "", "plain.c": ""}
    assert listed(objects, base) == rest | {
        "far/deep/er.c": "deeper\n",
        "lib/old/gone.c": "gone\n",
        "moved.c": "moved\n",
    }
    assert listed(objects, one) == rest | {"far/deep/er.c": "deeper\n", "new.c": "moved\n"}
    assert listed(objects, two) == rest | {
        "far/deep/er.c": "patched\n",
        "lib/old/gone.c": "gone\n",
        "moved.c": "patched\n",
    }


def test_a_result_is_put_into_the_whole_of_ours(world: World, objects: Objects) -> None:
    ours = side(world, {"moved.c": None, "lib/new.c": "moved\n", "lib/one.c": "ours\n"})
    theirs = side(world, {"moved.c": "patched\n", "lib/old/gone.c": None, "lib/old/stays.c": None})
    narrow = Narrow(objects)
    _, one, _ = narrow.trees(side(world, BASE), ours, theirs)
    result = objects.graft(one, {b"lib/new.c": objects.lookup(theirs, b"moved.c"), b"lib/old/gone.c": None})
    result = objects.graft(result, {b"lib/old/stays.c": None})
    want = {name: text for name, text in BASE.items() if not name.startswith("lib/old/") and name != "moved.c"}
    assert listed(objects, narrow.widened(ours, one, result)) == want | {
        "lib/new.c": "patched\n",
        "lib/one.c": "ours\n",
    }


def test_what_git_would_write_otherwise_is_not_made_narrow(world: World, objects: Objects) -> None:
    odd = world.upstream.git(
        "mktree", "--missing", input=b"100664 blob e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\todd\n"
    )
    base = side(world, BASE)
    ours = objects.graft(base, {b"plain.c": None})
    rows = dict(objects.rows(ours)) | {b"far": (b"40000", bytes.fromhex(odd.strip()))}
    with pytest.raises(Unusual):
        Narrow(objects).trees(base, objects.write_rows(rows), base)
