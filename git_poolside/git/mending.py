"""A checkout that was cut short: what it wrote, what is the user's, and taking it back."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from git_poolside.errors import Refused
from git_poolside.git.diff import change_to
from git_poolside.git.process import Git
from git_poolside.git.worktree import remove_file
from git_poolside.stack.model import Oid, Touch
from git_poolside.stack.values import frozen

_SUBMODULE = 0o160000
_MARKER = re.compile(rb"^(<{7,}|\|{7,}|>{7,}) .*", re.MULTILINE)


@frozen
class Found:
    """What stands on the paths of a checkout: as a blob, None for nothing. `ours` hold what git wrote or began to."""

    touches: tuple[Touch, ...]
    blobs: dict[bytes, str | None]
    ours: frozenset[bytes]

    @property
    def foreign(self) -> list[bytes]:
        """The paths that hold something of the user's."""
        return [t.path for t in self.touches if not self._is_version(t) and t.path not in self.ours]

    @property
    def begun(self) -> bool:
        """Whether a file was written, or taken away."""
        changed = any(self.blobs[t.path] == t.new != t.old for t in self.touches if t.new_mode)
        missing = any(self.blobs[t.path] is None for t in self.touches if t.old_mode)
        return changed or missing or bool(self.ours)

    def _is_version(self, touch: Touch) -> bool:
        return self.blobs[touch.path] in (None, touch.old, touch.new)


def look(git: Git, old: Oid, new: Oid, since: float, *, marked: bool = False) -> Found:
    """What a checkout from `old` to `new` (commits or trees) that was begun after `since` has left.

    A path that holds the beginning of one of its versions, written since (seconds since the epoch), was being written
    when git was killed. In a file with conflict markers (`marked`) what they call the sides does not count.
    """
    top = git.worktree or Path()
    sparse = {line[2:] for line in git.run("ls-files", "-t", "-z").stdout.split(b"\0") if line.startswith(b"S ")}
    touches = tuple(
        touch
        for touch in change_to(git, old, new).touches
        if _SUBMODULE not in (touch.old_mode, touch.new_mode)
        and not (touch.path in sparse and not (top / os.fsdecode(touch.path)).exists())
    )
    blobs = _on_disk(git, top, [touch.path for touch in touches])
    other = [touch for touch in touches if blobs[touch.path] not in (None, touch.old, touch.new)]
    ours = frozenset(touch.path for touch in other if _is_beginning(git, top, touch, since, marked))
    return Found(touches, blobs, ours)


def mend(git: Git, old: Oid, new: Oid, since: float, *, unlock: bool) -> None:
    """Take back a checkout from `old` to `new` that was cut short: every path it touched is at `old` again.

    The caller knows that the process is dead; `since` as for `look`. With `unlock` it was killed, so that a lock of the
    index is its; one that failed has left none. Raises `Refused` if a file of the user's stands on one of the paths.
    Does nothing but unlock the index where no file was written yet.
    """
    if git.worktree is None:
        return
    if unlock:
        (git.git_dir / "index.lock").unlink(missing_ok=True)
    found = look(git, old, new, since)
    if not (found.begun or _index_has(git, found.touches)):
        return
    if found.foreign:
        names = [f"  {path.decode('utf-8', 'replace')}" for path in found.foreign[:10]]
        raise Refused(
            f"an interrupted checkout in {git.worktree} left files that are neither the old nor the new version:\n"
            + "\n".join(names),
            hints=["git checkout HEAD -- FILE   (gives one up; then run the command again)", "or move them away"],
        )
    info = [b"%06o %s\t%s" % (touch.old_mode, touch.old.encode(), touch.path) for touch in found.touches]
    git.run("update-index", "-z", "--index-info", input=b"\0".join([*info, b""]))
    for touch in found.touches:
        if not touch.old_mode and found.blobs[touch.path] is not None:
            remove_file(git.worktree, git.worktree / os.fsdecode(touch.path))
    git.try_run("update-index", "-q", "--refresh")  # what is at the old version already is let alone
    write = [touch.path for touch in found.touches if touch.old_mode]
    git.run("checkout-index", "-f", "-q", "-u", "-z", "--stdin", input=b"\0".join([*write, b""]))


def _on_disk(git: Git, top: Path, paths: Sequence[bytes]) -> dict[bytes, str | None]:
    """What each path would be as a blob, as ``git add`` makes it; None for one that is not there."""
    found: dict[bytes, str | None] = dict.fromkeys(paths)
    regular: list[bytes] = []
    for path in paths:
        file = top / os.fsdecode(path)
        if file.is_symlink():
            data = os.fsencode(file.readlink())
            found[path] = git.run("hash-object", "--stdin", "--no-filters", input=data).text
        elif file.is_dir():
            found[path] = "a folder"
        elif file.is_file() and (b"\n" in path or path.startswith(b'"') or path.endswith(b"\r")):
            # --stdin-paths would take it for more than a line, quoted, or without its end (edge case C9).
            found[path] = git.run("hash-object", "--", os.fsdecode(path), cwd=top).text
        elif file.is_file():
            regular.append(path)
    answer = git.run("hash-object", "--stdin-paths", input=b"".join(p + b"\n" for p in regular), cwd=top)
    found.update(zip(regular, answer.text.split(), strict=True))
    return found


def _index_has(git: Git, touches: Sequence[Touch]) -> bool:
    """Whether the index holds a new version already."""
    entries = set(git.run("ls-files", "-s", "-z").stdout.split(b"\0"))
    return any(
        touch.new_mode and b"%06o %s 0\t%s" % (touch.new_mode, touch.new.encode(), touch.path) in entries
        for touch in touches
    )


def _is_beginning(git: Git, top: Path, touch: Touch, since: float, marked: bool) -> bool:
    file = top / os.fsdecode(touch.path)
    if file.is_symlink() or not file.is_file() or file.stat().st_mtime < since:
        return False
    data = file.read_bytes()
    versions = [oid for oid, mode in ((touch.old, touch.old_mode), (touch.new, touch.new_mode)) if mode]
    whole = [git.try_run("cat-file", "blob", oid).stdout for oid in versions]
    if not marked:
        return any(version.startswith(data) for version in whole)
    return any(_unnamed(version).startswith(_unnamed(data)) for version in whole)


def _unnamed(text: bytes) -> bytes:
    return _MARKER.sub(rb"\1", text)
