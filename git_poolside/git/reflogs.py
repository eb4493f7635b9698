"""Reflogs: every value that a ref has had, and what gave it that."""

from __future__ import annotations

import re

from git_poolside.git import ref_files
from git_poolside.git.process import Git
from git_poolside.stack.model import NULL_OID
from git_poolside.terminal import by_line

_ENTRY = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) [^\n>]*> \d+ [+-]\d{4}(?:\t([^\n]*))?\n")
"""A line of a reflog's file, the oldest one first (git-update-ref(1), LOGGING UPDATES)."""
_AT_ONCE = 64
"""So many entries are asked for at first."""


def reflog(git: Git, ref: str) -> list[str]:
    """Every value that a ref has had, newest first, as far as its reflog goes: the oldest entry's old value too."""
    entries = _entries(git, ref)
    if entries is None:
        return _values(git, ref)
    values = [after.decode() for _, after, _ in reversed(entries)]
    oldest = entries[0][0].decode() if entries else NULL_OID
    return values if oldest == NULL_OID else [*values, oldest]


def said(git: Git, ref: str) -> list[str]:
    """The entries of a ref's reflog, newest first, as ``value message``."""
    entries = _entries(git, ref)
    if entries is None:
        return _messages(git, ref)
    return [(after + b" " + message).decode("utf-8", "surrogateescape") for _, after, message in reversed(entries)]


def _entries(git: Git, ref: str) -> list[tuple[bytes, bytes, bytes]] | None:
    """Old value, new value and message of each entry, by the reflog's file; None in a repository that has no such."""
    if not ref_files.in_use(git):
        return None
    try:
        return _ENTRY.findall((git.common_dir / "logs" / ref).read_bytes())
    except OSError:
        return []


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
