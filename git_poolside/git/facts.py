"""The verdict index: what upstream's commits say of themselves, kept so that each is read once.

A commit never changes, so nothing here goes stale; what the reading depends on besides (upstream's name, the
code that reads messages) stands in the first line, and another first line makes another index. Each line has a
checksum: one that was torn, by a crash or by two writers, is not there. Deleting the file is always right.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from zlib import crc32

from git_poolside.git.meanwhile import meanwhile
from git_poolside.git.process import Git
from git_poolside.stack import provenance, verdict
from git_poolside.stack.model import Oid
from git_poolside.stack.provenance import Undoing
from git_poolside.stack.values import as_dict
from git_poolside.stack.verdict import UpstreamCommit

Fact = tuple[UpstreamCommit, bytes]
"""A commit of upstream's, and the paths that it touches, as `joined` writes them."""

_UNDOING = UpstreamCommit._fields.index("undoing")
_MANY = 20_000
_ASKED = 2000


def joined(paths: Collection[bytes]) -> bytes:
    """A set of paths as one key."""
    return b"\0".join(sorted(paths))


class Facts:
    """Reads facts about commits, from the index where it has them."""

    def __init__(self, git: Git, repository: str) -> None:
        self._git = git
        self._repository = repository
        self._path = git.state_dir / "facts"
        code = b"".join(Path(file or "").read_bytes() for file in (__file__, provenance.__file__, verdict.__file__))
        self._first = f"poolside facts {hashlib.sha1(code).hexdigest()} {repository}\n".encode("utf-8", "replace")

    def read(self, commits: Sequence[Oid]) -> Iterator[Fact]:
        """The facts about `commits`, in no order, as they are found; git is asked at once for what is not known."""
        missing = {oid: oid for oid in commits}
        count = 0
        known: list[Fact] = []
        for line in self._lines():
            count += 1
            oid = missing.get(Oid(line[9:49].decode("ascii", "replace")))
            if oid is not None and (fact := _parsed(line, oid)) is not None:
                del missing[oid]
                known.append(fact)
        if count > _MANY and count > 4 * len(commits):
            self._begin()
        asked = [oid for oid in commits if oid in missing]
        parts = [asked[start : start + _ASKED] for start in range(0, len(asked), _ASKED)]
        return self._found(known, parts, self._ask(parts))

    def _found(
        self, known: Sequence[Fact], parts: Sequence[Sequence[Oid]], answer: Callable[[], bytes]
    ) -> Iterator[Fact]:
        yield from known
        for place in range(len(parts)):
            out = answer()
            answer = self._ask(parts[place + 1 :])
            found = list(self._read(out, {oid: oid for oid in parts[place]}))
            self._add(found)
            yield from found

    def _ask(self, parts: Sequence[Sequence[Oid]]) -> Callable[[], bytes]:
        """Ask git itself about the first part (git-diff-tree(1)); a merge says what it says and touches nothing."""
        if not parts:
            return bytes
        words = (
            "diff-tree", "--stdin", "-r", "--root", "--always", "--raw", "-z", "--no-renames",
            "--ignore-submodules=none", "--format=%H %ct%n%B",
        )  # fmt: skip
        asked = "".join(f"{oid}\n" for oid in parts[0]).encode()
        return meanwhile(lambda: self._git.run(*words, input=asked).stdout)

    def _read(self, out: bytes, asked: Mapping[Oid, Oid]) -> Iterator[Fact]:
        """What git said of the commits that it was asked about, which are taken for those that it names."""
        current = b""
        paths: list[bytes] = []
        chunks = iter(out.split(b"\0"))
        for chunk in chunks:
            if chunk.startswith((b":", b"\n:")):
                paths.append(next(chunks))
                continue
            if current:
                yield self._fact(current, paths, asked)
            current, paths = chunk, []
        if current:
            yield self._fact(current, paths, asked)

    def _fact(self, record: bytes, paths: Collection[bytes], asked: Mapping[Oid, Oid]) -> Fact:
        head, _, message = record.decode("utf-8", "replace").partition("\n")
        oid, _, seconds = head.partition(" ")
        return UpstreamCommit.of(asked[Oid(oid)], int(seconds), message, self._repository), joined(paths)

    def _lines(self) -> Iterator[bytes]:
        try:
            with self._path.open("rb") as file:
                if file.readline() == self._first:
                    yield from file
        except OSError:
            return

    def _begin(self) -> None:
        """An empty index in the place of the one there is."""
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new = self._path.with_suffix(f".{os.getpid()}")
            new.write_bytes(self._first)
            new.replace(self._path)

    def _add(self, facts: Sequence[Fact]) -> None:
        """Put facts at the end. Who may not write goes without an index."""
        with suppress(OSError):
            try:
                with self._path.open("rb") as file:
                    fits = file.readline() == self._first
            except FileNotFoundError:
                fits = False
            if not fits:
                self._begin()
            with self._path.open("ab") as file:
                file.write(b"\n" + b"".join(map(_line, facts)))  # what is torn before ends here


def _line(fact: Fact) -> bytes:
    commit, paths = fact
    values: list[object] = list(commit)
    values[_UNDOING] = commit.undoing and list(as_dict(commit.undoing).values())
    content = commit.oid.encode() + json.dumps([paths.decode("utf-8", "surrogateescape"), *values]).encode()
    return b"%08x %s\n" % (crc32(content), content)


def _parsed(line: bytes, oid: Oid) -> Fact | None:
    content = line[9:-1]
    if line[:8] != b"%08x" % crc32(content):
        return None
    paths, _, *values = json.loads(content[40:])
    if (undone := values[_UNDOING - 1]) is not None:
        sign, commits, pulls, title, numbers = undone
        values[_UNDOING - 1] = Undoing(sign, tuple(commits), tuple(pulls), title, tuple(numbers))
    return UpstreamCommit(oid, *values), str(paths).encode("utf-8", "surrogateescape")
