"""What git would take a process for: reading a repository's refs and writing a commit, by libgit2.

Building worlds and looking at them is most of what tests do beside running commands. test_scenario.py shows that
git says and makes the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pygit2
from pygit2.enums import FileMode, ObjectType

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


def commit(
    folder: Path,
    ref: str,
    files: Mapping[str, tuple[int, bytes] | None],
    parents: Sequence[str],
    tree: str | None,
    words: Sequence[bytes],
    message: bytes,
) -> str:
    """A commit on `ref` of a bare repository: `tree` or the first parent's, with `files` put in, each a mode and what
    it holds, None for a path that goes. `words` are the lines with author and committer.
    """
    repository = pygit2.Repository(str(folder))
    index = pygit2.Index()
    if tree or parents:
        base = repository[tree or parents[0]].peel(pygit2.Tree)
        index.read_tree(base)
    for path, entry in files.items():
        for gone in [one.path for one in index if one.path == path or one.path.startswith(f"{path}/")]:
            index.remove(gone)
        if entry is not None:
            index.add(pygit2.IndexEntry(path, repository.create_blob(entry[1]), FileMode(entry[0])))
    made = str(index.write_tree(repository))
    lines = [f"tree {made}".encode(), *(f"parent {parent}".encode() for parent in parents), *words, b"", message]
    oid = repository.write(ObjectType.COMMIT, b"\n".join(lines))
    repository.references.create(ref, oid, force=True)
    return str(oid)
