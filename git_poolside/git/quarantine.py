"""New objects, apart from the repository until they are wanted.

They wait in memory (`Pending`). A git process that has to see them finds them as loose files in a folder of
their own, which has the real database as its alternate; what a result reaches is written there as one pack, and
`Quarantine.keep` moves that into the repository. Nothing of an operation that is given up gets there.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import time
import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import closing, contextmanager, suppress
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from git_poolside import interrupt
from git_poolside.errors import GitFailed
from git_poolside.git import processes
from git_poolside.git.objects import COMMIT, TAG, TREE, parse_commit
from git_poolside.git.packs import REF_DELTA, Pack, Spot, delta_at, delta_of, head, indexed, stored
from git_poolside.git.process import DURABLE, Git
from git_poolside.stack.model import Oid
from git_poolside.stack.values import frozen, replace

_NAMES = {1: b"commit", 2: b"tree", 3: b"blob", 4: b"tag"}
_KINDS = {name: kind for kind, name in _NAMES.items()}
_HASH = re.compile(rb"[0-7]+ [^\0]+\0(.{20})", re.DOTALL)
_FORGOTTEN = 14 * 86400.0
"""Seconds after which nobody is taken to work any more where that cannot be seen; git waits as long before it prunes
what a process has left (git-config(1), gc.pruneExpire)."""
_BEGUN = 60.0
"""Seconds that another container has for locking a quarantine after it has made it."""
_DEPTH = 50
"""Deltas stand on deltas at most so often, as ``git repack`` has it (git-config(1), pack.depth)."""


class _New(NamedTuple):
    """A new object, and what is known of how it came about."""

    kind: int
    data: bytes
    like: Oid | None = None
    new: Sequence[Oid] = ()
    spots: Sequence[Spot] | None = None


class Pending:
    """The new objects of one quarantine; `folder` is where the processes of `git` look for them.

    `packs` are the names of those that are to go into the repository.
    """

    def __init__(self, folder: Path, real: Git) -> None:
        self.folder = folder
        self.real = real
        self._objects: dict[Oid, _New] = {}
        self._hidden: set[Oid] = set()
        self._taken: set[Oid] = set()
        self.packs: list[str] = []
        self._showing, self._adding = Lock(), Lock()

    def get(self, oid: Oid) -> bytes | None:
        """The bytes of an object that was made here, or None."""
        found = self._objects.get(oid)
        return None if found is None else found.data

    def add(
        self,
        kind: int,
        data: bytes,
        like: Oid | None = None,
        new: Sequence[Oid] = (),
        spots: Sequence[Spot] | None = None,
    ) -> Oid:
        """Keep an object; `like` is a tree whose entries it has, but for those that are `new`, or for the `spots`."""
        oid = Oid(hashlib.sha1(_whole(kind, data)).hexdigest())
        with self._adding:  # who finds the object here may rely on it to be shown
            if oid not in self._objects:
                self._objects[oid] = _New(kind, data, like, new, spots)
                self._hidden.add(oid)
        return oid

    def show(self, tips: Iterable[Oid] | None = None) -> None:
        """Let git processes see what `tips` reach (None: everything)."""
        with self._showing:  # another thread may be showing what this one needs
            wanted = list(self._hidden) if tips is None else self._reached(tips, self._hidden)
            if not wanted:
                return
            self._hidden.difference_update(wanted)
            # Read soon and thrown away: not worth any compression, nor git's checks.
            parts = ((oid, *self._objects[oid][:2]) for oid in wanted)
            self._write_pack({oid: head(kind, len(data)) + stored(data) for oid, kind, data in parts})

    def _write_pack(self, parts: Mapping[Oid, bytes]) -> None:
        """A pack for git to find while it looks: its index comes last, whole."""
        folder = self.folder / "pack"
        folder.mkdir(exist_ok=True)
        pack, index = indexed(parts)
        name = f"pack-{pack[-20:].hex()}"
        (folder / f"{name}.pack").write_bytes(pack)
        (folder / "new").write_bytes(index)
        (folder / "new").rename(folder / f"{name}.idx")

    def take(self, tips: Iterable[Oid]) -> Generator[bytes]:
        """A pack, in pieces, of what `tips` reach and only the quarantine has; no piece if that is nothing.

        That is on its way into the repository now.
        """
        with self._showing:  # another thread may still be asking ahead
            loose = (Oid(path.parent.name + path.name) for path in self.folder.glob("[0-9a-f][0-9a-f]/*"))
            among = {*self._objects, *(oid for oid in loose if oid not in self._taken and len(oid) == 40)}
            reached = set(self._reached(tips, among, whole_stack=True))
            self._hidden -= reached
            if not reached:
                return
            pack = Pack(len(reached))
            yield pack.head
            depths: dict[Oid, int] = {}
            for oid, (kind, data, like, _, spots) in self._objects.copy().items():
                if oid not in reached:
                    continue
                delta = b""
                if like is not None and depths.get(like, _DEPTH) < _DEPTH:
                    old = self._objects[like].data
                    delta = delta_of(old, data) if spots is None else delta_at(len(old), len(data), spots)
                if delta and like is not None:
                    depths[oid] = depths[like] + 1
                    yield pack.entry(head(REF_DELTA, len(delta)) + bytes.fromhex(like) + stored(delta))
                else:
                    depths[oid] = 0
                    # A tree is hashes, for the greater part, of which compression makes little.
                    yield pack.entry(head(kind, len(data)) + (stored(data) if kind == TREE else zlib.compress(data, 1)))
            yield pack.tail
            for oid in depths:
                del self._objects[oid]
            self._taken |= reached

    def _reached(self, tips: Iterable[Oid], among: Set[Oid], *, whole_stack: bool = False) -> list[Oid]:
        """What `tips` reach by way of nothing but objects of `among`, which have to be ours or written here by git.

        A tree's entries are its new ones and those of the tree that it is like. For a `whole_stack`, where that one
        is reached as well, they are found so, without reading the tree; what stands there no more may come along.
        """
        found: dict[Oid, None] = {}
        inside: set[Oid] = set()
        waiting = [(tip, True) for tip in tips]
        while waiting:
            oid, itself = waiting.pop()
            if oid not in among:
                continue
            if itself:
                found[oid] = None
            if oid in inside:
                continue
            inside.add(oid)
            kind, data, like, new, _ = self._objects.get(oid) or self._written(oid)
            if kind == COMMIT:
                commit = parse_commit(oid, data)
                waiting += [(one, True) for one in (commit.tree, *commit.parents)]
            elif kind == TAG:
                waiting.append((Oid(data[7:47].decode()), True))
            elif kind == TREE and like is not None and whole_stack:
                waiting += [(one, True) for one in new]
                waiting.append((like, False))
            elif kind == TREE:
                names = (Oid(sha.hex()) for sha in _HASH.findall(data))
                waiting += [(name, True) for name in names if name in among]
        return list(found)

    def _written(self, oid: Oid) -> _New:
        """An object that git wrote here, which is ours from now on."""
        header, _, data = zlib.decompress((self.folder / oid[:2] / oid[2:]).read_bytes()).partition(b"\0")
        made = self._objects[oid] = _New(_KINDS[header.partition(b" ")[0]], data)
        return made


def _whole(kind: int, data: bytes) -> bytes:
    return b"%s %d\0%s" % (_NAMES[kind], len(data), data)


@frozen
class Quarantine:
    """A folder for new objects until they are wanted; `git` sees them and the repository's own."""

    git: Git
    real: Git
    pending: Pending

    def pack(self, tips: Iterable[Oid]) -> None:
        """Write what `tips` reach as a pack, on the disk, where the processes of `git` alone see it."""
        pieces = self.pending.take(tips)
        if (first := next(pieces, None)) is None:
            return
        git = replace(self.git, pending=None).with_options(*DURABLE)
        # It reads while we compress; what is not read to the end holds others up.
        with closing(pieces), git.conversation("index-pack", "--stdin") as process:
            assert process.stdin and process.stdout and process.stderr
            with suppress(BrokenPipeError):
                process.stdin.writelines(chain([first], pieces))
                process.stdin.close()
            said, complaint = process.stdout.read().decode(), process.stderr.read().decode("utf-8", "replace")
            status = process.wait()
        if status:
            raise GitFailed(["index-pack"], status, complaint.strip())
        self.pending.packs.append(f"pack-{said.strip().rpartition(chr(9))[2]}")

    def keep(self, tips: Iterable[Oid]) -> None:
        """Move what `tips` reach, and what a partial clone fetched meanwhile, into the repository."""
        self.pack(tips)
        source, target = self.git.object_dir / "pack", self.real.object_dir / "pack"
        names = {*self.pending.packs, *(path.stem for path in source.glob("pack-*.promisor"))}
        # Who finds a pack's index takes the rest for granted, so that comes last, as in git's own quarantine.
        made = sorted((f for f in source.glob("pack-*") if f.stem in names), key=lambda path: path.suffix == ".idx")
        for name in self.pending.packs:
            (source / f"{name}.idx").stat()  # it would not do to go on without one
        if not made:
            return
        target.mkdir(exist_ok=True)
        for path in made:
            try:
                path.rename(target / path.name)
            except OSError:  # the objects are on another file system than the state
                if path.suffix == ".pack":
                    self.real.with_options(*DURABLE).run("index-pack", "--stdin", input=path.read_bytes())
                elif path.suffix == ".promisor":
                    (target / path.name).write_bytes(path.read_bytes())
        self.pending.packs.clear()
        folder = os.open(target, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def clear(git: Git) -> None:
    """Delete the quarantines of processes that are dead, or that were another machine's and are old."""
    for left in git.state_dir.glob("quarantine-*-*"):
        with suppress(OSError):
            if _is_dead(left):
                shutil.rmtree(left, ignore_errors=True)


def _is_dead(folder: Path) -> bool:
    """Whether nobody works with a quarantine any more, as far as can be told from here.

    The number of a process means nothing in another container, but on the same kernel its lock is seen there as well.
    """
    pid, *machine = folder.name.split("-")[1:4]
    same = [here == there for here, there in zip(_machine().split("-"), machine, strict=False)]
    age = time.time() - folder.stat().st_mtime
    if not any(same):
        return age > _FORGOTTEN
    if not same[0] and age < _BEGUN:
        return False
    if not same[1]:
        return True
    if not processes.known() or processes.lives(int(pid)):
        return False
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # there are file systems without locks
        return same[0]
    finally:
        os.close(handle)
    return True


def _machine() -> str:
    """Which host this is, and which run of a kernel, as far as a file's name has to tell."""
    return f"{hashlib.sha1(os.fsencode(os.uname().nodename)).hexdigest()[:8]}-{processes.boot()[:8]}"


@contextmanager
def quarantine(git: Git) -> Iterator[Quarantine]:
    """A quarantine for one operation, deleted afterwards, and with it those that a crash has left behind."""
    import tempfile

    git.state_dir.mkdir(parents=True, exist_ok=True)
    clear(git)
    folder = Path(tempfile.mkdtemp(prefix=f"quarantine-{os.getpid()}-{_machine()}-", dir=git.state_dir))
    lock = os.open(folder, os.O_RDONLY)
    with suppress(OSError):
        fcntl.flock(lock, fcntl.LOCK_EX)
    alternates = [str(git.object_dir)]
    if existing := git.environment.get("GIT_ALTERNATE_OBJECT_DIRECTORIES"):
        alternates.append(existing)
    inner = git.with_environment(
        GIT_OBJECT_DIRECTORY=str(folder), GIT_ALTERNATE_OBJECT_DIRECTORIES=os.pathsep.join(alternates)
    )
    try:
        inner = replace(inner, object_dir=folder)
        pending = Pending(folder, git)
        yield Quarantine(replace(inner, pending=pending), git, pending)
    finally:
        with interrupt.held_back():
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)
