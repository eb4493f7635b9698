"""Git's objects, through libgit2's object database alone.

The repository is never opened through libgit2, which knows neither reftable nor partial clones nor split
indexes; its object database is, and is hung on nothing. New objects wait in memory (`quarantine.Pending`)
until git or the repository needs them.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from git_poolside.errors import EXIT_FAR_SIDE, GitFailed, Refused
from git_poolside.git.packs import Spot, patched
from git_poolside.git.process import Git
from git_poolside.stack.model import EMPTY_TREE, Commit, Oid

if TYPE_CHECKING:
    import pygit2

TREE_MODE = 0o40000
FILES = (0o100644, 0o100755)

COMMIT, TREE, BLOB, TAG = 1, 2, 3, 4
_ROW = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)
FOLDER = b"40000"
"""A tree's mode in a row."""
_MODES = {FOLDER, b"100644", b"100755", b"120000", b"160000"}
_EMPTY = bytes.fromhex(EMPTY_TREE)
_REMEMBERED = 3072
"""So many trees are kept as they were read: a replay meets most folders of the repository again and again."""


class Entry(NamedTuple):
    """One entry of a tree."""

    mode: int
    oid: Oid

    @property
    def is_tree(self) -> bool:
        return self.mode == TREE_MODE


Tree = Mapping[bytes, Entry]
Row = tuple[bytes, bytes]
"""An entry as it is written: the mode in octal digits, and the hash's twenty bytes."""
Rows = dict[bytes, Row]


class MissingObject(GitFailed):
    """An object is not to be had: it was promised and cannot be fetched, or the repository is damaged."""

    def __init__(self, oid: Oid, error: GitFailed) -> None:
        super().__init__(["cat-file", oid], error.status, error.stderr)
        self.hints = self.hints if self.exit_code == EXIT_FAR_SIDE else ("git fsck   (tells what is damaged)",)


@cache
def _libgit2() -> Any:
    """pygit2's compiled core alone, or pygit2: the package around the core takes five times as long to import."""
    spec = find_spec("pygit2") if "pygit2" not in sys.modules else None
    if spec is not None:
        sys.modules["pygit2"] = module_from_spec(spec)  # not executed; who wants all of it imports it anew
        sys.modules["pygit2.enums"] = _Numbers("pygit2.enums")
        try:
            core = import_module("pygit2._pygit2")
            core._cache_enums()
            return core
        except (ImportError, AttributeError):  # another pygit2 than those that are known
            pass
        finally:
            del sys.modules["pygit2"], sys.modules["pygit2.enums"]
    return import_module("pygit2")


class _Numbers(ModuleType):
    """In the place of the names that pygit2 has for libgit2's numbers, while the core looks for them."""

    def __getattr__(self, name: str) -> type[int]:
        if name.startswith("_"):
            raise AttributeError(name)
        return int


def libgit2_version() -> str:
    return str(_libgit2().LIBGIT2_VERSION)


class Objects:
    """Reads and writes a repository's objects, as the git processes of `git` see them."""

    def __init__(self, git: Git) -> None:
        self.git = git
        self._odb: pygit2.Odb = _libgit2().Odb(os.fspath(git.object_dir))
        extra = git.environment.get("GIT_ALTERNATE_OBJECT_DIRECTORIES", "")
        for folder in filter(None, extra.split(os.pathsep)):
            if Path(folder).is_dir():
                self._odb.add_disk_alternate(folder)
        self._remembered: dict[Oid, Rows] = {}
        self._proper: set[Oid] = set()

    def read(self, oid: Oid) -> bytes:
        """The bytes of an object. Raises `MissingObject`, after git was asked: it may fetch what is promised, or have
        a good copy of what is damaged.
        """
        pending = self.git.pending
        if pending is not None and (waiting := pending.get(oid)) is not None:
            return waiting
        try:
            return self._odb.read(oid)[1]
        except (KeyError, _libgit2().GitError) as error:
            damaged = not isinstance(error, KeyError)
        try:
            if damaged:
                self.git.run("rev-parse", "--verify", f"{oid}^{{}}")  # which compares its bytes with its name
            kind = self.git.text("cat-file", "-t", oid)
            return self.git.run("cat-file", kind, oid).stdout
        except GitFailed as error:
            raise MissingObject(oid, error) from error

    def write(
        self,
        kind: int,
        data: bytes,
        like: Oid | None = None,
        new: Sequence[Oid] = (),
        spots: Sequence[Spot] | None = None,
    ) -> Oid:
        """A new object, for the quarantine that `git` belongs to or else at once in the repository.

        `like` names a tree that is much the same, but for the entries `new`, or just for what is at the `spots`.
        """
        if self.git.pending is None:
            return Oid(str(self._odb.write(kind, data)))
        return self.git.pending.add(kind, data, like, new, spots)

    def rows(self, oid: Oid) -> Rows:
        """The entries of a tree by name, in its order; not to be changed."""
        rows = self._remembered.get(oid)
        if rows is None:
            data = self.read(oid) if oid != EMPTY_TREE else b""
            rows = {name: (mode, sha) for mode, name, sha in _ROW.findall(data)}
            if _is_proper(data, rows):
                self._proper.add(oid)
            else:
                rows = {name: (mode.lstrip(b"0"), sha) for name, (mode, sha) in rows.items()}
            self._remember(oid, rows)
        return rows

    def _remember(self, oid: Oid, rows: Rows) -> Rows:
        if len(self._remembered) >= _REMEMBERED:
            for old in list(self._remembered)[: _REMEMBERED // 4]:
                self._remembered.pop(old, None)
        self._remembered[oid] = rows
        return rows

    def tree(self, oid: Oid) -> Tree:
        """The entries of a tree, in its order."""
        return {name: entry(*row) for name, row in self.rows(oid).items()}

    def child(self, tree: Oid, name: bytes) -> Entry | None:
        """The entry of a tree that has this name, or None."""
        row = self.rows(tree).get(name)
        return None if row is None else entry(*row)

    def lookup(self, tree: Oid, path: bytes) -> Entry | None:
        """The entry at `path`, or None."""
        *folders, name = path.split(b"/")
        for folder in folders:
            row = self.rows(tree).get(folder)
            if row is None or row[0] != FOLDER:
                return None
            tree = Oid(row[1].hex())
        row = self.rows(tree).get(name)
        return None if row is None else entry(*row)

    def written_by_git(self, tree: Oid) -> bool:
        """Whether git would write the entries of a tree so: no mode that it only reads, no folder with nothing in it.

        What is made here is, so it is not looked at.
        """
        if tree in self._proper or (self.git.pending is not None and self.git.pending.get(tree) is not None):
            return True
        self.rows(tree)
        return tree in self._proper

    def write_tree(self, entries: Tree) -> Oid:
        return self.write_rows({name: _row(entry) for name, entry in entries.items()})

    def write_rows(self, rows: Rows) -> Oid:
        return self.write(TREE, format_rows(rows))

    def graft(self, tree: Oid, changes: Mapping[bytes, Entry | None]) -> Oid:
        """`tree` with the entries of `changes` put in place (None takes one away); empty folders vanish."""
        here: dict[bytes, Entry | None] = {}
        below: dict[bytes, dict[bytes, Entry | None]] = {}
        for path, entry in changes.items():
            name, slash, rest = path.partition(b"/")
            if slash:
                below.setdefault(name, {})[rest] = entry
            else:
                here[name] = entry
        for name, inner in below.items():
            row = self.rows(tree).get(name)
            base = Oid(row[1].hex()) if row is not None and row[0] == FOLDER else EMPTY_TREE
            new = self.graft(base, inner)
            here[name] = Entry(TREE_MODE, new) if new != EMPTY_TREE else None
        return self.edit(tree, here)

    def edit(self, tree: Oid, changes: Mapping[bytes, Entry | None]) -> Oid:
        """`tree` with some of its own entries changed."""
        return self.edit_rows(tree, {name: None if one is None else _row(one) for name, one in changes.items()})

    def edit_rows(self, tree: Oid, changes: Mapping[bytes, Row | None]) -> Oid:
        """`tree` with some of its own entries changed: in its bytes where that is possible, which is quick."""
        before = self.rows(tree)
        after, new = dict(before), [name for name, row in changes.items() if row != before.get(name)]
        if not new:
            return tree
        data = self.read(tree) if before and self.written_by_git(tree) else None
        spots: list[Spot] | None = None if data is None else []
        for name in new:
            old, row = before.get(name), changes[name]
            if row is None:
                after.pop(name)
            else:
                after[name] = row
            if spots is None or data is None:
                continue
            if old is None or (row is not None and (row[0] == FOLDER) != (old[0] == FOLDER)):
                spots = None  # it has another place in the order
                continue
            was = _written(name, *old)
            at = data.find(was)
            if data.find(was, at + 1) >= 0:  # the same bytes in somebody's hash
                spots = None
            else:
                spots.append((at, len(was), b"" if row is None else _written(name, *row)))
        inside = [Oid(row[1].hex()) for name in new if (row := changes[name]) is not None]
        if spots is None or data is None:
            return self.write(TREE, format_rows(after), tree, inside)
        spots.sort()
        made = self.write(TREE, patched(data, spots), tree, inside, spots)
        self._remember(made, after)  # in the order of the bytes
        return made

    def commit(self, oid: Oid) -> Commit:
        return parse_commit(oid, self.read(oid))

    def has_commit(self, oid: Oid) -> bool:
        """Whether this is a commit in this clone; git would look for it in all that a partial clone was promised."""
        return oid in self._odb and int(self._odb.read(oid)[0]) == COMMIT

    def exists(self, oid: Oid) -> bool:
        """Whether the object is in this clone, without fetching it."""
        pending = self.git.pending
        return (pending is not None and pending.get(oid) is not None) or oid in self._odb


def folders(path: bytes) -> list[bytes]:
    """The folders above a path, outermost first."""
    parts = path.split(b"/")[:-1]
    return [b"/".join(parts[: depth + 1]) for depth in range(len(parts))]


def entry(mode: bytes, sha: bytes) -> Entry:
    return Entry(int(mode, 8), Oid(sha.hex()))


def _row(entry: Entry) -> tuple[bytes, bytes]:
    return b"%o" % entry.mode, bytes.fromhex(entry.oid)


def _written(name: bytes, mode: bytes, sha: bytes) -> bytes:
    return b"%s %s\0%s" % (mode, name, sha)


def _is_proper(data: bytes, rows: Rows) -> bool:
    """Whether git would write these entries so: no mode that it only reads, no folder with nothing in it."""
    modes = [mode for mode, _ in rows.values()]
    if not _MODES.issuperset(modes) or len(data) != sum(map(len, rows)) + sum(map(len, modes)) + 22 * len(modes):
        return False
    return _EMPTY not in data or (FOLDER, _EMPTY) not in rows.values()


def format_rows(rows: Rows) -> bytes:
    """A tree object's bytes, entries sorted as ``git mktree`` sorts them: a folder as if its name ended in /."""
    inorder = sorted(rows.items(), key=lambda item: item[0] + b"/" if item[1][0] == FOLDER else item[0])
    return b"".join(_written(name, *row) for name, row in inorder)


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


def format_tag(target: Oid, name: str, tagger: bytes, message: bytes) -> bytes:
    """The bytes of an annotated tag on a commit (git-mktag(1))."""
    lines = [b"object " + target.encode(), b"type commit", b"tag " + name.encode(), b"tagger " + tagger]
    return b"\n".join(lines) + b"\n\n" + message


def parse_tag(data: bytes) -> tuple[Oid, bytes]:
    """What a tag object is on, and its message."""
    header, _, message = data.partition(b"\n\n")
    return Oid(header.partition(b"\n")[0].removeprefix(b"object ").decode()), message


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
        return cls(objects, identity, git.switch("commit.gpgSign"))

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
