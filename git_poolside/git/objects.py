"""Git's objects, through libgit2's object database alone.

The repository is never opened through libgit2, which knows neither reftable nor partial clones nor split
indexes; its object database is, and is hung on nothing. New objects go to a quarantine folder that has the
real database as its alternate; `Quarantine.keep` moves what is to stay into the real one as a pack.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from git_poolside.errors import GitFailed, Refused
from git_poolside.git.process import DURABLE, Git
from git_poolside.stack.model import Commit, Oid

if TYPE_CHECKING:
    import pygit2

TREE_MODE = 0o40000
FILES = (0o100644, 0o100755)

COMMIT, TREE, BLOB, TAG = 1, 2, 3, 4


@dataclass(frozen=True)
class Entry:
    """One entry of a tree."""

    mode: int
    oid: Oid

    @property
    def is_tree(self) -> bool:
        return self.mode == TREE_MODE


Tree = Mapping[bytes, Entry]


class MissingObject(Exception):
    """An object is not here: a partial clone, or a broken one."""


class Objects:
    """Reads objects of a repository, and writes new ones where `git` says (its own store or a quarantine)."""

    def __init__(self, git: Git) -> None:
        from pygit2._pygit2 import Odb

        self.git = git
        self._odb: pygit2.Odb = Odb(os.fspath(git.object_dir))
        extra = git.environment.get("GIT_ALTERNATE_OBJECT_DIRECTORIES", "")
        for folder in filter(None, extra.split(os.pathsep)):
            if Path(folder).is_dir():
                self._odb.add_disk_alternate(folder)
        self.tree = lru_cache(maxsize=16384)(self._tree)

    def read(self, oid: Oid) -> bytes:
        """The bytes of an object. Raises `MissingObject`, after git was asked: it may fetch what is promised."""
        try:
            return self._odb.read(oid)[1]
        except KeyError:
            pass
        try:
            kind = self.git.text("cat-file", "-t", oid)
            return self.git.run("cat-file", kind, oid).stdout
        except GitFailed as error:
            raise MissingObject(oid) from error

    def write(self, kind: int, data: bytes) -> Oid:
        return Oid(str(self._odb.write(kind, data)))

    def _tree(self, oid: Oid) -> Tree:
        return parse_tree(self.read(oid))

    def lookup(self, tree: Oid, path: bytes) -> Entry | None:
        """The entry at `path`, or None."""
        names = path.split(b"/")
        for depth, name in enumerate(names):
            entry = self.tree(tree).get(name)
            if entry is None or depth == len(names) - 1:
                return entry
            if not entry.is_tree:
                return None
            tree = entry.oid
        return None

    def write_tree(self, entries: Tree) -> Oid:
        return self.write(TREE, format_tree(entries))

    def graft(self, tree: Oid, changes: Mapping[bytes, Entry | None]) -> Oid:
        """`tree` with the entries of `changes` put in place (None takes one away); empty folders vanish."""
        here: dict[bytes, Entry] = dict(self.tree(tree))
        below: dict[bytes, dict[bytes, Entry | None]] = {}
        for path, entry in changes.items():
            name, slash, rest = path.partition(b"/")
            if slash:
                below.setdefault(name, {})[rest] = entry
            elif entry is None:
                here.pop(name, None)
            else:
                here[name] = entry
        for name, inner in below.items():
            old = here.get(name)
            base = old.oid if old is not None and old.is_tree else self.write_tree({})
            new = self.graft(base, inner)
            if self.tree(new):
                here[name] = Entry(TREE_MODE, new)
            else:
                here.pop(name, None)
        return self.write_tree(here)

    def commit(self, oid: Oid) -> Commit:
        return parse_commit(oid, self.read(oid))

    def exists(self, oid: Oid) -> bool:
        """Whether the object is in this clone, without fetching it."""
        return oid in self._odb


def parse_tree(data: bytes) -> dict[bytes, Entry]:
    """A tree object's entries, in its order."""
    entries: dict[bytes, Entry] = {}
    position = 0
    while position < len(data):
        space = data.index(b" ", position)
        end = data.index(b"\0", space)
        name = data[space + 1 : end]
        entries[name] = Entry(int(data[position:space], 8), Oid(data[end + 1 : end + 21].hex()))
        position = end + 21
    return entries


def format_tree(entries: Tree) -> bytes:
    """A tree object's bytes, entries sorted as ``git mktree`` sorts them: a folder as if its name ended in /."""

    def key(item: tuple[bytes, Entry]) -> bytes:
        return item[0] + b"/" if item[1].is_tree else item[0]

    return b"".join(
        b"%o %s\0%s" % (entry.mode, name, bytes.fromhex(entry.oid)) for name, entry in sorted(entries.items(), key=key)
    )


def parse_commit(oid: Oid, data: bytes) -> Commit:
    """A commit object's parts; headers that a replay does not carry (signatures) are left out."""
    header, _, message = data.partition(b"\n\n")
    fields: dict[bytes, bytes] = {}
    parents: list[Oid] = []
    for line in header.split(b"\n"):
        name, _, value = line.partition(b" ")
        if name == b"parent":
            parents.append(Oid(value.decode()))
        else:
            fields.setdefault(name, value)
    return Commit(
        oid,
        Oid(fields[b"tree"].decode()),
        tuple(parents),
        fields.get(b"author", b""),
        fields.get(b"committer", b""),
        message,
        fields.get(b"encoding"),
    )


def format_commit(
    tree: Oid, parents: Iterable[Oid], author: bytes, committer: bytes, message: bytes, encoding: bytes | None
) -> bytes:
    """A commit object's bytes."""
    lines = [b"tree " + tree.encode(), *(b"parent " + parent.encode() for parent in parents)]
    lines += [b"author " + author, b"committer " + committer]
    if encoding is not None:
        lines.append(b"encoding " + encoding)
    return b"\n".join(lines) + b"\n\n" + message


class Committer:
    """Makes commits in the name of the person who runs the command, all at one moment, signed if they want that."""

    def __init__(self, objects: Objects, identity: bytes, signing: bool) -> None:
        self.objects = objects
        self.identity = identity
        self.signing = signing

    @classmethod
    def of(cls, objects: Objects, identity: bytes | None = None) -> Committer:
        """The identity is ``git var GIT_COMMITTER_IDENT`` unless an operation that goes on has one already."""
        git = objects.git
        if identity is None:
            identity = git.run("var", "GIT_COMMITTER_IDENT").stdout.rstrip(b"\n")
        signing = git.try_run("config", "--type=bool", "--get", "commit.gpgSign").text == "true"
        return cls(objects, identity, signing)

    def commit(
        self,
        tree: Oid,
        parents: Iterable[Oid],
        message: bytes,
        author: bytes | None = None,
        encoding: bytes | None = None,
    ) -> Oid:
        """A new commit object. Raises `GitFailed` when it has to be signed and cannot be, `Refused` when signing
        would alter it: ``git commit-tree`` tidies names and messages up (edge cases S8, S10).
        """
        author = self.identity if author is None else author
        parents = tuple(parents)
        if not self.signing:
            data = format_commit(tree, parents, author, self.identity, message, encoding)
            return self.objects.write(COMMIT, data)
        arguments = ["commit-tree", "-S", *(word for parent in parents for word in ("-p", parent))]
        signed = self.objects.git.with_environment(**_person("AUTHOR", author), **_person("COMMITTER", self.identity))
        name = "UTF-8" if encoding is None else encoding.decode("ascii", "replace")
        signed = signed.with_options("i18n.commitEncoding=" + name)
        new = Oid(signed.run(*arguments, tree, input=message).text)
        made = parse_commit(new, self.objects.read(new))
        if (made.author, made.message) != (author, message):
            raise Refused(
                f"git cannot sign '{made.subject}' without changing its author or message",
                hints=["git -c commit.gpgSign=false poolside …   (makes this operation's commits unsigned)"],
            )
        return new


def _person(role: str, line: bytes) -> dict[str, str]:
    name, _, rest = line.partition(b"<")
    email, _, when = rest.rpartition(b">")
    seconds, _, zone = when.strip().partition(b" ")
    return {
        f"GIT_{role}_NAME": os.fsdecode(name.strip()),
        f"GIT_{role}_EMAIL": os.fsdecode(email),
        f"GIT_{role}_DATE": f"@{seconds.decode()} {zone.decode()}",
    }


@dataclass(frozen=True)
class Quarantine:
    """A folder for new objects until they are wanted; `git` sees them and the repository's own."""

    git: Git
    real: Git

    def keep(self, tips: Iterable[Oid]) -> None:
        """Move what `tips` reach and only the quarantine has into the repository, as one pack, on the disk."""
        new = {path.parent.name + path.name for path in self.git.object_dir.glob("[0-9a-f][0-9a-f]/*")}
        objects = Objects(self.git)
        wanted: dict[str, None] = {}
        waiting: list[tuple[str, int]] = [(tip, COMMIT) for tip in tips]
        while waiting:
            oid, kind = waiting.pop()
            if oid in wanted or oid not in new:
                continue
            wanted[oid] = None
            data = objects.read(Oid(oid)) if kind != BLOB else b""
            if kind == COMMIT and data.startswith(b"object "):
                waiting.append((data[7:47].decode(), COMMIT))
            elif kind == COMMIT:
                commit = parse_commit(Oid(oid), data)
                waiting.append((commit.tree, TREE))
                waiting += [(parent, COMMIT) for parent in commit.parents]
            elif kind == TREE:
                waiting += [(entry.oid, TREE if entry.is_tree else BLOB) for entry in parse_tree(data).values()]
        if wanted:
            names = "".join(f"{oid}\n" for oid in wanted).encode()
            pack = self.git.run("pack-objects", "--stdout", "-q", "--window=0", input=names).stdout
            self.real.with_options(*DURABLE).run("index-pack", "--stdin", input=pack)


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
    from dataclasses import replace

    try:
        yield Quarantine(replace(inner, object_dir=folder), git)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
