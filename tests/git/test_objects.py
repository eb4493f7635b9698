"""Reading objects that are damaged; what is made of them is tested with replays."""

from __future__ import annotations

import random

import pytest

from git_poolside.git.objects import MissingObject, Objects
from git_poolside.git.process import open_repository
from git_poolside.stack.model import Oid
from tests.scenario import World


def test_of_two_copies_the_good_one_is_read(world: World) -> None:
    """A pack is asked before a file of the object's own."""
    repo = world.upstream
    data = random.Random(1).randbytes(1000)
    oid = Oid(repo.git("hash-object", "-w", "--stdin", input=data))
    repo.git("pack-objects", "-q", "objects/pack/pack", input=f"{oid}\n")
    [pack] = (repo.path / "objects/pack").glob("*.pack")
    pack.chmod(0o644)
    pack.write_bytes(pack.read_bytes().replace(data[400:500], bytes(100)))
    assert Objects(open_repository(repo.path)).read(oid) == data
    (repo.path / f"objects/{oid[:2]}/{oid[2:]}").unlink()
    with pytest.raises(MissingObject) as caught:
        Objects(open_repository(repo.path)).read(oid)
    assert (caught.value.exit_code, caught.value.hints) == (128, ("git fsck   (tells what is damaged)",))
