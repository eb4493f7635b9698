"""What git would take a process for: reading refs and writing commits, by libgit2, and copying whole clones.

Building worlds and looking at them is most of what tests do beside running commands. test_scenario.py shows that
git says and makes the same.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha1
from pathlib import Path

import pygit2
from pygit2.enums import FileMode, ObjectType

Files = Mapping[str, tuple[int, bytes] | None]
"""Path -> mode and what the file holds; None for a path that goes."""
_PLAIN_NAME = re.compile(r"[\w/.-]*\w(?:~\d+|\^\{(?:commit|tree)\})?", re.ASCII)
_PLAIN_PATH = re.compile(r"(?!\.git/|\.\./)[\w./ -]+", re.ASCII)


def found(folder: Path, name: str) -> str | None:
    """The hash of what a plain name means; None where git has to be asked."""
    if _PLAIN_NAME.fullmatch(name) is None or (folder / "reftable").exists():
        return None
    try:
        return str(pygit2.Repository(str(folder)).revparse_single(name).id)
    except (KeyError, ValueError, pygit2.GitError):
        return None


def refs(folder: Path, prefix: str) -> dict[str, str] | None:
    """The refs at or below `prefix` by name; None where git has to be asked."""
    try:
        repository = pygit2.Repository(str(folder))
        inside = f"{prefix.removesuffix('/')}/"
        names = sorted(ref for ref in repository.listall_references() if ref == prefix or ref.startswith(inside))
        return {name: str(repository.lookup_reference(name).resolve().target) for name in names}
    except (KeyError, ValueError, pygit2.GitError):
        return None


def plain(paths: Iterable[str]) -> bool:
    """Whether libgit2 takes all of these paths as git does."""
    return all(_PLAIN_PATH.fullmatch(path) for path in paths)


def tree(folder: Path, files: Files, base: str | None) -> str:
    """A tree: that of `base`, a revision, with `files` put in."""
    return _tree(pygit2.Repository(str(folder)), files, base)


def _tree(repository: pygit2.Repository, files: Files, base: str | None) -> str:
    index = pygit2.Index()
    if base is not None:
        index.read_tree(repository.revparse_single(base).peel(pygit2.Tree))
    for path, entry in files.items():
        for gone in [one.path for one in index if one.path == path or one.path.startswith(f"{path}/")]:
            index.remove(gone)
        if entry is not None:
            index.add(pygit2.IndexEntry(path, repository.create_blob(entry[1]), FileMode(entry[0])))
    return str(index.write_tree(repository))


def commit(
    folder: Path, ref: str, files: Files, parents: Sequence[str], base: str | None, words: Sequence[bytes],
    message: bytes,
) -> str:  # fmt: skip
    """A commit on `ref` of a bare repository: the tree `base` or the first parent's, with `files` put in. `words` are
    the lines with author and committer.
    """
    repository = pygit2.Repository(str(folder))
    made = _tree(repository, files, base or (parents[0] if parents else None))
    lines = [f"tree {made}".encode(), *(f"parent {parent}".encode() for parent in parents), *words, b"", message]
    oid = repository.write(ObjectType.COMMIT, b"\n".join(lines))
    repository.references.create(ref, oid, force=True)
    return str(oid)


def copy(source: Path, target: Path, without: str) -> None:
    """A copy of a folder that never changes, but for what is called `without`, with the times of the files.

    What it holds is read once. Packs, which never change, are the same files in both.
    """
    if source not in _HELD:
        _HELD[source] = list(_held(source, "", without))
    target.mkdir(parents=True)
    for name, mode, times, data in _HELD[source]:
        path = f"{target}/{name}"
        if mode == stat.S_IFDIR:
            Path(path).mkdir()
        elif mode == stat.S_IFLNK:
            Path(path).symlink_to(os.fsdecode(data))
            os.utime(path, ns=times, follow_symlinks=False)
        elif "/objects/pack/" in path and _linked(f"{source}/{name}", path):
            continue
        else:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            os.write(file, data)
            os.utime(file, ns=times)
            os.close(file)


_HELD: dict[Path, list[tuple[str, int, tuple[int, int], bytes]]] = {}


def _held(folder: Path, prefix: str, without: str) -> Iterator[tuple[str, int, tuple[int, int], bytes]]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name == without:
            continue
        name, found = f"{prefix}{entry.name}", entry.stat(follow_symlinks=False)
        times = found.st_atime_ns, found.st_mtime_ns
        if entry.is_symlink():
            yield name, stat.S_IFLNK, times, os.fsencode(Path(entry.path).readlink())
        elif entry.is_dir():
            yield name, stat.S_IFDIR, times, b""
            yield from _held(Path(entry.path), f"{name}/", without)
        else:
            yield name, stat.S_IMODE(found.st_mode), times, Path(entry.path).read_bytes()


def _linked(one: str, other: str) -> bool:
    try:
        os.link(one, other)
    except OSError:  # another file system
        return False
    return True


def refresh(worktree: Path) -> bool:
    """Tell the index of a worktree that was copied that its files are those that were there, as ``git update-index
    --refresh`` would, which looks at what they hold. False where git has to do it (gitformat-index(5)).
    """
    index = worktree / ".git/index"
    data = bytearray(index.read_bytes())
    kind, version, count = struct.unpack_from(">4sLL", data)
    if kind != b"DIRC" or version != 2:
        return False
    at = 12
    for _ in range(count):
        _, _, seconds, part, _, _, _, _, _, size = struct.unpack_from(">10L", data, at)
        (flags,) = struct.unpack_from(">H", data, at + 60)
        name = bytes(data[at + 62 : data.index(0, at + 62)])
        if not flags & 0x3000:  # no stage of a conflict
            found = os.lstat(worktree / os.fsdecode(name))
            if (found.st_mtime_ns, found.st_size) == (seconds * 10**9 + part, size):
                changed = divmod(found.st_ctime_ns, 10**9)
                struct.pack_into(">2L", data, at, *changed)
                struct.pack_into(">2L", data, at + 16, found.st_dev & 0xFFFFFFFF, found.st_ino & 0xFFFFFFFF)
        at += (62 + len(name) + 8) // 8 * 8
    data[-20:] = sha1(data[:-20]).digest()
    index.write_bytes(data)
    return True
