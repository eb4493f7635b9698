"""New objects: seen by git when asked about, in the repository when wanted, and nowhere if given up."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
import zlib
from pathlib import Path
from threading import Thread

import pytest

from git_poolside.errors import GitFailed
from git_poolside.git.objects import BLOB, Committer, Entry, Objects
from git_poolside.git.process import Git, open_repository
from git_poolside.git.quarantine import quarantine
from git_poolside.stack.model import Oid
from tests.scenario import Repo, World

FILES = {f"lib/sub/file{n:03}.py": f"{n}\n" for n in range(60)}


def edits(repo: Repo, base: str, count: int) -> Oid:
    """The last of `count` commits, each with one file more and one file changed, made and kept as an operation's."""
    with quarantine(open_repository(repo.path)) as inner:
        objects = Objects(inner.git)
        committer = Committer.of(objects)
        tip = Oid(base)
        for number in range(count):
            changes = {
                b"lib/sub/file%03d.py" % (number % 60): Entry(0o100644, objects.write(BLOB, b"edit %d\n" % number)),
                b"lib/new%03d.py" % number: Entry(0o100644, objects.write(BLOB, b"new %d\n" % number)),
            }
            tree = objects.graft(objects.commit(tip).tree, changes)
            tip = committer.commit(tree, [tip], b"Edit %d\n" % number)
        assert inner.git.text("rev-parse", f"{tip}:lib/new000.py") == inner.git.text(
            "rev-parse", f"{tip}~0:lib/new000.py"
        )
        inner.keep([tip])
    return tip


def test_a_long_stack_is_one_sound_pack_with_short_chains(world: World) -> None:
    repo = world.upstream
    base = world.commit(repo, "base", FILES, "base\n")
    before = set((repo.path / "objects/pack").glob("*"))
    tip = edits(repo, base, 120)
    [pack] = set((repo.path / "objects/pack").glob("*.idx")) - before
    repo.git("update-ref", "refs/heads/made", tip)
    assert repo.git("fsck", "--strict", "--full") == ""
    assert repo.git("rev-list", "--count", f"{base}..{tip}") == "120"
    lines = repo.git("verify-pack", "-v", str(pack)).splitlines()
    depths = [int(line.split()[5]) for line in lines if len(line.split()) == 7]
    assert max(depths) == 50
    sizes = [int(line.split()[3]) for line in lines if " tree " in line and len(line.split()) == 7]
    assert sum(sizes) / len(sizes) < 120  # an edit of a folder of a hundred files takes little more than a hash
    assert repo.show(tip, "lib/new119.py") == "new 119\n"


def test_what_is_given_up_is_nowhere(world: World) -> None:
    repo = world.upstream
    base = world.commit(repo, "base", FILES, "base\n")
    state = open_repository(repo.path).state_dir
    with quarantine(open_repository(repo.path)) as inner:
        objects = Objects(inner.git)
        blob = objects.write(BLOB, b"given up\n")
        assert inner.git.text("cat-file", "blob", blob) == "given up"
        assert objects.exists(blob) and objects.read(blob) == b"given up\n"
    assert repo.git("cat-file", "-t", blob, check=False) == ""
    assert list(state.glob("quarantine-*")) == []
    assert repo.rev("base") == base


LEFT = {
    "a dead process of this machine": ("", "", False, 0, False),
    "a process of another container, which lives": ("other", "", True, 1, True),
    "a process of another container, which has just begun": ("other", "", False, 0, True),
    "a process of another container, which is dead": ("other", "", False, 1, False),
    "a process before this machine was booted": ("", "other", False, 0, False),
    "a process of another machine": ("other", "other", False, 0, True),
    "a process of another machine, a month ago": ("other", "other", False, 30, False),
}


@pytest.mark.parametrize("whose", LEFT)
def test_what_may_be_another_living_processs_stays(world: World, whose: str) -> None:
    host, boot, locked, days, stays = LEFT[whose]
    git = open_repository(world.upstream.path)
    with quarantine(git) as inner:
        word, _, *machine, _ = inner.git.object_dir.name.split("-")
    gone = os.posix_spawnp("true", ["true"], os.environ)
    os.waitpid(gone, 0)
    left = git.state_dir / "-".join([word, str(gone), host or machine[0], boot or machine[1], "made"])
    left.mkdir()
    os.utime(left, (time.time() - days * 86400,) * 2)
    handle = os.open(left, os.O_RDONLY)
    try:
        if locked:
            fcntl.flock(handle, fcntl.LOCK_EX)
        with quarantine(git):
            assert left.exists() == stays
    finally:
        os.close(handle)


def test_a_pack_that_is_gone_was_not_kept(world: World) -> None:
    with quarantine(open_repository(world.upstream.path)) as inner:
        blob = Objects(inner.git).write(BLOB, b"wanted\n")
        inner.pack([blob])
        shutil.rmtree(inner.git.object_dir)
        with pytest.raises(FileNotFoundError):
            inner.keep([blob])


def test_what_was_not_kept_is_still_there_for_git(world: World) -> None:
    with quarantine(open_repository(world.upstream.path)) as inner:
        objects = Objects(inner.git)
        left, kept = objects.write(BLOB, b"left\n"), objects.write(BLOB, b"kept\n")
        inner.keep([kept])
        assert inner.git.text("cat-file", "blob", left) == "left"
    assert world.upstream.git("cat-file", "--batch-check", input=f"{left}\n{kept}\n").splitlines() == [
        f"{left} missing", f"{kept} blob 5"
    ]  # fmt: skip


def test_a_pack_that_git_refuses_leaves_nobody_waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Git.conversation
    with quarantine(open_repository(world.upstream.path)) as inner:
        oids = [Objects(inner.git).write(BLOB, os.urandom(100_000)) for _ in range(20)]
        with monkeypatch.context() as patched:
            patched.setattr(Git, "conversation", lambda self, *_: real(self, "index-pack", "--no-such-option"))
            try:
                inner.keep(oids)
            except GitFailed as error:
                assert error.status == 129
                asked = Thread(target=inner.pending.show, daemon=True)
                asked.start()
                asked.join(10)
                assert not asked.is_alive()
            else:
                pytest.fail("it was refused")


def test_objects_on_another_file_system_are_copied(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = world.upstream
    base = world.commit(repo, "base", FILES, "base\n")
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path.name.startswith("pack-"):
            raise OSError(18, os.strerror(18))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    tip = edits(repo, base, 3)
    repo.git("update-ref", "refs/heads/made", tip)
    assert repo.git("fsck", "--strict", "--full") == ""


def test_objects_may_come_in_while_others_are_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a stack needs is asked ahead by a thread, which does not wait for a stop to be written."""
    compress = zlib.compress

    def slowly(data: bytes, level: int) -> bytes:
        other = Thread(target=objects.write, args=(BLOB, b"asked ahead of " + data))
        other.start()
        other.join()
        return compress(data, level)

    with quarantine(open_repository(world.upstream.path)) as inner:
        objects = Objects(inner.git)
        names = {b"%d" % number: Entry(0o100644, objects.write(BLOB, b"%d\n" % number)) for number in range(3)}
        tip = Committer.of(objects).commit(objects.write_tree(names), [], b"One\n")
        monkeypatch.setattr(zlib, "compress", slowly)
        inner.keep([tip])
    assert world.upstream.git("fsck", "--strict", "--full", tip) == ""


def test_many_objects_that_git_has_to_see_are_a_sound_pack(world: World) -> None:
    repo = world.upstream
    world.commit(repo, "base", FILES, "base\n")
    with quarantine(open_repository(repo.path)) as inner:
        objects = Objects(inner.git)
        made = [objects.write(BLOB, b"%d\n" % number * number) for number in range(1, 300)]
        asked = "".join(f"{oid}\n" for oid in made).encode()
        sizes = inner.git.lines("cat-file", "--batch-check=%(objectname) %(objectsize)", input=asked)
        assert sizes == [f"{oid} {len(b'%d' % n + b'|') * n}" for n, oid in enumerate(made, 1)]
        [index] = (inner.git.object_dir / "pack").glob("*.idx")
        inner.git.run("verify-pack", os.fspath(index))
        inner.git.run("fsck", "--strict", "--no-dangling")
        assert [path.name for path in inner.git.object_dir.iterdir()] == ["pack"]
