"""The verdict index: read where it is sound, made anew where it is not, and never believed when it is torn."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import pytest

from git_poolside.git import history
from git_poolside.git.process import Git, open_repository
from git_poolside.stack.model import Oid
from git_poolside.stack.verdict import UpstreamCommit
from git_poolside.ui import Ui
from tests.scenario import World

UPSTREAM = "pytorch/pytorch"


@pytest.fixture
def landed(world: World) -> tuple[Git, Oid, Oid]:
    """A repository with five commits after a base: a revert, an odd name and an empty one among them."""
    base = world.land({"a.py": "one\n", "b.py": "one\n"}, "Begin", 1)
    world.land({"a.py": "two\n", "b.py": "two\n"}, "Change both", 2)
    first = world.land({"a.py": "three\n"}, "Change a", 3)
    world.revert(first, 3, reason="it broke the build")
    world.land({'odd "né\tw"': "x\n"}, "Add an odd name", 4)
    tip = world.land({}, "Nothing", 5)
    return open_repository(world.upstream.path), Oid(base), Oid(tip)


def read(landed: tuple[Git, Oid, Oid]) -> tuple[list[UpstreamCommit], dict[Oid, frozenset[bytes]]]:
    git, base, tip = landed
    sets = [frozenset({b"a.py", b"b.py"}), frozenset({b"a.py"}), frozenset({'odd "né\tw"'.encode()})]
    found, alike = history.begin(git, base, tip, tip, UPSTREAM)(sets, Ui(quiet=True))
    return list(found.commits), alike


def index(landed: tuple[Git, Oid, Oid]) -> Path:
    return landed[0].state_dir / "facts"


def test_facts_are_the_same_from_git_and_from_the_index(landed: tuple[Git, Oid, Oid]) -> None:
    commits, alike = read(landed)
    assert [(c.subject, c.number, c.reason) for c in commits] == [
        ("Change both (#2)", 2, ""),
        ("Change a (#3)", 3, ""),
        ('Revert "Change a (#3)"', None, "it broke the build"),
        ("Add an odd name (#4)", 4, ""),
        ("Nothing (#5)", 5, ""),
    ]
    assert commits[2].undoing is not None and commits[2].undoing.commits == (commits[1].oid,)
    assert sorted(map(len, alike.values())) == [1, 1, 1, 2]
    size = index(landed).stat().st_size
    assert read(landed) == (commits, alike)
    assert index(landed).stat().st_size == size


def test_what_the_index_holds_is_not_asked_again(landed: tuple[Git, Oid, Oid]) -> None:
    read(landed)
    lines = [line for line in index(landed).read_bytes().split(b"\n") if b"Change both" in line]
    content = lines[0][9:].replace(b"Change both", b"Changed in the index")
    told = index(landed).read_bytes().replace(lines[0], b"%08x %s" % (crc32(content), content))
    index(landed).write_bytes(told)
    assert read(landed)[0][0].subject == "Changed in the index (#2)"


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "torn at the end": lambda data: data[:-20],
    "torn in the middle": lambda data: re.sub(rb"Change both", b"Chan", data),
    "another first line": lambda data: b"poolside facts 0 somebody/else\n" + data.partition(b"\n")[2],
    "garbage": lambda data: b"\0\xff" * 100,
    "empty": lambda data: b"",
}


@pytest.mark.parametrize("name", DAMAGE)
def test_P8_a_damaged_index_changes_nothing(landed: tuple[Git, Oid, Oid], name: str) -> None:
    before = read(landed)
    index(landed).write_bytes(DAMAGE[name](index(landed).read_bytes()))
    assert read(landed) == before
    mended = index(landed).read_bytes()
    assert read(landed) == before
    assert index(landed).read_bytes() == mended


def test_an_index_that_cannot_be_written_is_done_without(landed: tuple[Git, Oid, Oid]) -> None:
    landed[0].state_dir.parent.mkdir(exist_ok=True)
    landed[0].state_dir.write_text("not a folder\n")
    assert len(read(landed)[0]) == 5
