"""Hunks as git tells of them."""

from __future__ import annotations

from git_poolside.git.hunks import Hunk, hunks
from git_poolside.git.process import open_repository
from git_poolside.stack.model import Oid
from tests.scenario import World


def test_C9_hunks_name_odd_paths_as_they_are(world: World) -> None:
    names = ["a b.md", 'q"t.md', "back\\slash é.md", "tab\there.md", "new\nline.md", "- dash.md"]
    base = world.commit(world.upstream, "odd", dict.fromkeys(names, "one\n"), "One\n")
    tip = Oid(world.commit(world.upstream, "odd", dict.fromkeys(names, "two\n"), "Two\n", parents=[base]))
    found = hunks(open_repository(world.upstream.path), [tip])[tip]
    assert sorted(found, key=lambda hunk: hunk.path) == [
        Hunk(path, 1, (b"-one", b"+two")) for path in sorted(name.encode() for name in names)
    ]
