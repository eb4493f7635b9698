"""Refs as their files have them (gitrepository-layout(5)): what a process of git's would be started for.

A value stands in the ref's own file, or else in ``packed-refs``. Whoever packs refs writes that file before he takes
theirs away, so the ref's own is looked at first. Anything but a value, or another ref's name, is left to git.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from git_poolside.stack.model import NULL_OID, Oid
from git_poolside.stack.names import is_branch

if TYPE_CHECKING:
    from git_poolside.git.process import Git

SHARED = ("refs/heads/", "refs/remotes/", "refs/tags/", "refs/poolside/")
"""Refs whose files lie in the common folder, whichever worktree asks."""
_VALUE = re.compile(rb"([0-9a-f]{40})\n")
_PACKED: dict[Path, tuple[object, bytes]] = {}


class Odd(Exception):
    """What only git can tell."""


def in_use(git: Git) -> bool:
    """Whether refs and their logs are files: git has another format, and another place, for them (git-config(1))."""
    return git.setting("extensions.refStorage") in (None, "files") and "GIT_REFERENCE_BACKEND" not in git.environment


def value(common_dir: Path, ref: str, links: int = 5) -> Oid | None:
    """The value of a ref, or of the one that it stands for; None where there is no such. Raises `Odd`."""
    if not ref.startswith(SHARED) or not is_branch(ref) or not links:
        raise Odd
    said = _content(common_dir / ref)
    if said is not None and said.startswith(b"ref: "):
        found = value(common_dir, os.fsdecode(said[5:].removesuffix(b"\n")), links - 1)
        if found is None:
            raise Odd
        return found
    if said is not None:
        return _value(said)
    data = _packed(common_dir)
    at = data.find(b" %s\n" % os.fsencode(ref))
    return _checked(data, at) if at >= 0 else None


def head(git_dir: Path) -> tuple[Oid | None, str | None]:
    """What a worktree's HEAD holds: a value, or the full name of a branch. Raises `Odd`."""
    said = _content(git_dir / "HEAD") or b""
    if said.startswith(b"ref: refs/heads/") and is_branch(ref := os.fsdecode(said[5:].removesuffix(b"\n"))):
        return None, ref
    return _value(said), None


def below(common_dir: Path, prefix: str) -> dict[str, Oid]:
    """All refs below a prefix, which ends with a slash, in the order of their names. Raises `Odd`."""
    if not prefix.startswith(SHARED) or not is_branch(prefix[:-1]):
        raise Odd
    own = {ref: value(common_dir, ref) for ref in _files(common_dir / prefix, prefix)}
    found: dict[str, Oid] = {}
    data, words = _packed(common_dir), b" %s" % os.fsencode(prefix)
    at = data.find(words)
    while at >= 0:
        end = data.find(b"\n", at)
        ref = os.fsdecode(data[at + 1 : end])
        if end < 0 or not is_branch(ref):
            raise Odd
        found[ref] = _checked(data, at)
        at = data.find(words, end)
    found |= {ref: oid for ref, oid in own.items() if oid is not None}
    return {ref: found[ref] for ref in sorted(found, key=by_version)}


def by_version(name: str) -> list[str | tuple[int, int, str]]:
    """What names are sorted by so that ``-2`` comes before ``-10`` (git-for-each-ref(1), ``version:refname``).

    A number that begins with zeros is a fraction there, as in strverscmp(3).
    """
    parts = re.split(r"(\d+)", name, flags=re.ASCII)
    key: list[str | tuple[int, int, str]] = []
    for text, digits in zip(parts[::2], [*parts[1::2], ""], strict=True):
        key.append(f"{text}0" if digits else text)
        if digits[:1] == "0":
            key.append((0, 0, digits if digits.strip("0") else f"{digits}~"))
        elif digits:
            key.append((1, int(digits), ""))
    return key


def _files(folder: Path, prefix: str) -> Iterable[str]:
    """The names of the refs that have files of their own below a folder."""
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        name = f"{prefix}{entry.name}"
        if entry.name.startswith(".") or entry.name.endswith(".lock"):
            continue  # git passes these over too
        if not is_branch(name) or entry.is_symlink():
            raise Odd
        if entry.is_dir():
            yield from _files(folder / entry.name, f"{name}/")
        else:
            yield name


def _content(path: Path) -> bytes | None:
    """The beginning of a file, None where there is no such."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:  # a symbolic link is an old kind of symbolic ref
        raise Odd from error
    try:
        return os.read(file, 4096)
    except IsADirectoryError:
        return None
    finally:
        os.close(file)


def _value(said: bytes) -> Oid:
    found = _VALUE.fullmatch(said)
    if found is None or said.startswith(NULL_OID.encode()):
        raise Odd
    return Oid(found[1].decode())


def _packed(common_dir: Path) -> bytes:
    """``packed-refs``, read again when git has put another in its place."""
    path = common_dir / "packed-refs"
    try:
        found = path.stat()
        stamp = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        if _PACKED.get(common_dir, (None,))[0] != stamp:
            _PACKED[common_dir] = stamp, path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise Odd from error
    return _PACKED[common_dir][1]


def _checked(data: bytes, at: int) -> Oid:
    """The value on the line of ``packed-refs`` whose name begins behind `at`."""
    if data[max(at - 41, 0) : at - 40] not in (b"\n", b""):
        raise Odd
    return _value(data[at - 40 : at] + b"\n")
