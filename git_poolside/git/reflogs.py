"""Reflogs: every value that a ref has had, and what gave it that. git reads them; one that stands is read once."""

from __future__ import annotations

from collections.abc import Callable

from git_poolside.git.process import Git
from git_poolside.terminal import by_line

_AT_ONCE = 64
"""So many entries are asked for at first."""
_READ: dict[tuple[object, ...], list[str]] = {}


def reflog(git: Git, ref: str) -> list[str]:
    """Every value that a ref has had, newest first, as far as its reflog goes: the oldest entry's old value too."""
    return _once(git, ref, _values)


def said(git: Git, ref: str) -> list[str]:
    """The entries of a ref's reflog, newest first, as ``value message``."""
    return _once(git, ref, _messages)


def _values(git: Git, ref: str) -> list[str]:
    answer = git.try_run("rev-parse", *(f"{ref}@{{{n}}}" for n in range(_AT_ONCE)))
    if answer.status:  # there are fewer: it has said them, then died of the first that is not there
        return [line for line in by_line(answer.text) if "@" not in line]
    values = git.lines("rev-list", "-g", ref, "--")
    oldest = git.try_run("rev-parse", "-q", "--verify", f"{ref}@{{{len(values)}}}")
    return [*values, oldest.text] if oldest.status == 0 and oldest.text else values


def _messages(git: Git, ref: str) -> list[str]:
    answer = git.try_run("log", "-g", "--format=%H %gs", ref, "--")
    return by_line(answer.text) if answer.status == 0 else []


def _once(git: Git, ref: str, read: Callable[[Git, str], list[str]]) -> list[str]:
    """What `read` makes of a reflog, asked again only where its file has changed (gitrepository-layout(5), logs)."""
    if git.setting("extensions.refStorage") not in (None, "files"):
        return read(git, ref)
    try:
        stands = (git.common_dir / "logs" / ref).stat()
    except OSError:
        return []
    key = (git.common_dir, ref, read, stands.st_ino, stands.st_size, stands.st_mtime_ns)
    if key not in _READ:
        _READ[key] = read(git, ref)
    return list(_READ[key])
