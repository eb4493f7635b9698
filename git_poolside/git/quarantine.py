"""New objects, apart from the repository until they are wanted.

They wait in memory (`Pending`). A git process that has to see them finds them as loose files in a folder of
their own, which has the real database as its alternate; what a result reaches is written there as one pack, and
`Quarantine.keep` moves that into the repository. Nothing of an operation that is given up gets there.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from git_poolside.git.objects import COMMIT, TAG, TREE, parse_commit
from git_poolside.git.process import DURABLE, Git
from git_poolside.stack.model import Oid

_NAMES = {1: b"commit", 2: b"tree", 3: b"blob", 4: b"tag"}
_KINDS = {name: kind for kind, name in _NAMES.items()}
_HASH = re.compile(rb"[0-7]+ [^\0]+\0(.{20})", re.DOTALL)
_FEW = 24
_REF_DELTA = 7
_DEPTH = 50
"""Deltas stand on deltas at most so often, as ``git repack`` has it (git-config(1), pack.depth)."""


class Pending:
    """The new objects of one quarantine; `folder` is where the processes of `git` look for them."""

    def __init__(self, folder: Path, git: Git) -> None:
        self.folder = folder
        self.git = git
        self._objects: dict[Oid, tuple[int, bytes, Oid | None]] = {}
        self._hidden: dict[Oid, None] = {}
        self._taken: set[Oid] = set()
        self._showing = Lock()

    def get(self, oid: Oid) -> bytes | None:
        """The bytes of an object that was made here, or None."""
        found = self._objects.get(oid)
        return None if found is None else found[1]

    def add(self, kind: int, data: bytes, like: Oid | None = None) -> Oid:
        """Keep an object; `like` is one that its bytes are nearly equal to."""
        oid = Oid(hashlib.sha1(_whole(kind, data)).hexdigest())
        if oid not in self._objects:
            self._objects[oid] = (kind, data, like)
            self._hidden[oid] = None
        return oid

    def show(self, tips: Iterable[Oid] | None = None) -> None:
        """Let git processes see what `tips` reach (None: everything)."""
        if not self._hidden:
            return
        with self._showing:
            self._show(tips)

    def _show(self, tips: Iterable[Oid] | None) -> None:
        wanted = list(self._hidden) if tips is None else self._reached(tips, self._hidden)
        for oid in wanted:
            del self._hidden[oid]
        if len(wanted) > _FEW:
            self.git.run("index-pack", "--stdin", input=self._pack(set(wanted)))
            return
        for oid in wanted:
            folder = self.folder / oid[:2]
            folder.mkdir(exist_ok=True)
            (folder / "new").write_bytes(zlib.compress(_whole(*self._objects[oid][:2]), 1))
            (folder / "new").rename(folder / oid[2:])

    def take(self, tips: Iterable[Oid]) -> bytes:
        """A pack of what `tips` reach and only the quarantine has; empty if that is nothing.

        That is on its way into the repository now; what they do not reach is not shown to anybody any more.
        """
        for path in self.folder.glob("[0-9a-f][0-9a-f]/*"):
            oid = Oid(path.parent.name + path.name)
            if oid not in self._objects and oid not in self._taken and len(oid) == 40:  # written by git
                header, _, data = zlib.decompress(path.read_bytes()).partition(b"\0")
                self._objects[oid] = (_KINDS[header.partition(b" ")[0]], data, None)
        reached = set(self._reached(tips, self._objects))
        self._hidden.clear()
        data = self._pack(reached) if reached else b""
        for oid in reached:
            del self._objects[oid]
        self._taken |= reached
        return data

    def _pack(self, wanted: Set[Oid]) -> bytes:
        """A pack of these objects (gitformat-pack(5))."""
        out = [b"PACK\0\0\0\2" + len(wanted).to_bytes(4, "big")]
        depths: dict[Oid, int] = {}
        for oid, (kind, data, like) in list(self._objects.items()):
            if oid not in wanted:
                continue
            delta = b""
            if like is not None and depths.get(like, _DEPTH) < _DEPTH:
                delta = _delta(self._objects[like][1], data)
            if delta and like is not None:
                depths[oid] = depths[like] + 1
                out += [_head(_REF_DELTA, len(delta)), bytes.fromhex(like), zlib.compress(delta, 1)]
            else:
                depths[oid] = 0
                out += [_head(kind, len(data)), zlib.compress(data, 1)]
        body = b"".join(out)
        return body + hashlib.sha1(body).digest()

    def _reached(self, tips: Iterable[Oid], among: Iterable[Oid]) -> list[Oid]:
        """What `tips` reach by way of nothing but objects of `among`, which have to be ours."""
        own = set(among)
        hashes = {bytes.fromhex(oid) for oid in own}
        found: dict[Oid, None] = {}
        waiting = list(tips)
        while waiting:
            oid = waiting.pop()
            if oid in found or oid not in own:
                continue
            found[oid] = None
            kind, data, _ = self._objects[oid]
            if kind == COMMIT:
                commit = parse_commit(oid, data)
                waiting += [commit.tree, *commit.parents]
            elif kind == TAG:
                waiting.append(Oid(data[7:47].decode()))
            elif kind == TREE:
                waiting += [Oid(sha.hex()) for sha in hashes.intersection(_HASH.findall(data))]
        return list(found)


def _whole(kind: int, data: bytes) -> bytes:
    return b"%s %d\0%s" % (_NAMES[kind], len(data), data)


def _head(kind: int, size: int) -> bytes:
    """The head of a pack's entry: kind and size, seven bits a byte after the first."""
    first, size = (kind << 4) | (size & 15), size >> 4
    return bytes([first | 0x80]) + _number(size) if size else bytes([first])


def _number(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _delta(old: bytes, new: bytes) -> bytes:
    """How `new` is made of the start and the end of `old`; empty where too little of it is."""
    most = min(len(old), len(new))
    front = _longest(most, lambda low, high: old[low:high] == new[low:high])
    ends = len(old), len(new)
    back = _longest(
        most - front, lambda low, high: old[ends[0] - high : ends[0] - low] == new[ends[1] - high : ends[1] - low]
    )
    middle = new[front : len(new) - back]
    if len(middle) * 2 > len(new):
        return b""
    out = bytearray(_number(len(old)) + _number(len(new)))
    _copy(out, 0, front)
    for start in range(0, len(middle), 127):
        piece = middle[start : start + 127]
        out.append(len(piece))
        out += piece
    _copy(out, len(old) - back, back)
    return bytes(out)


def _longest(most: int, equal: Callable[[int, int], bool]) -> int:
    """How far two sequences are equal, at most `most`, given whether they are from one place to another."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if equal(low, middle):
            low = middle
        else:
            high = middle - 1
    return low


def _copy(out: bytearray, offset: int, size: int) -> None:
    while size:
        part = min(size, 0xFFFF)
        out.append(0xFF & ~0x40)
        out += offset.to_bytes(4, "little") + part.to_bytes(2, "little")
        offset, size = offset + part, size - part


@dataclass(frozen=True)
class Quarantine:
    """A folder for new objects until they are wanted; `git` sees them and the repository's own."""

    git: Git
    real: Git
    pending: Pending

    def pack(self, tips: Iterable[Oid]) -> None:
        """Write what `tips` reach as a pack, on the disk, where the processes of `git` alone see it.

        Everything else that was made here so far is given up.
        """
        if data := self.pending.take(tips):
            self.git.with_options(*DURABLE).run("index-pack", "--stdin", input=data)

    def keep(self, tips: Iterable[Oid]) -> None:
        """Move what `tips` reach, and what a partial clone fetched meanwhile, into the repository."""
        self.pack(tips)
        target = self.real.object_dir / "pack"
        # Who finds a pack's index takes the rest for granted, so that comes last, as in git's own quarantine.
        made = sorted((self.git.object_dir / "pack").glob("pack-*"), key=lambda path: path.suffix == ".idx")
        if not made:
            return
        target.mkdir(exist_ok=True)
        for path in made:
            try:
                path.rename(target / path.name)
            except OSError:  # the objects are on another file system than the state
                if path.suffix == ".pack":
                    self.real.with_options(*DURABLE).run("index-pack", "--stdin", input=path.read_bytes())
        folder = os.open(target, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def quarantine(git: Git) -> Iterator[Quarantine]:
    """A quarantine for one operation, deleted afterwards, and with it those that a crash has left behind."""
    import tempfile

    git.state_dir.mkdir(parents=True, exist_ok=True)
    for left in git.state_dir.glob("quarantine-*-*"):
        if not Path(f"/proc/{left.name.split('-')[1]}").exists() and Path("/proc/self").exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"quarantine-{os.getpid()}-", dir=git.state_dir))
    alternates = [str(git.object_dir)]
    if existing := git.environment.get("GIT_ALTERNATE_OBJECT_DIRECTORIES"):
        alternates.append(existing)
    inner = git.with_environment(
        GIT_OBJECT_DIRECTORY=str(folder), GIT_ALTERNATE_OBJECT_DIRECTORIES=os.pathsep.join(alternates)
    )
    try:
        inner = replace(inner, object_dir=folder)
        pending = Pending(folder, inner)
        yield Quarantine(replace(inner, pending=pending), git, pending)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
