"""Commits that say which one they belong into: ``fixup!``, ``squash!``, ``amend!`` (git-rebase(1), --autosquash)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from git_poolside.stack.model import Commit, Oid
from git_poolside.stack.values import field, frozen

_KINDS = ("fixup", "squash", "amend")
_HASH = frozenset("0123456789abcdef")


@frozen
class Arranged:
    """A layer's commits with each such one behind its target: `into` names the targets, `orphans` have none."""

    commits: tuple[Commit, ...]
    into: Mapping[Oid, Oid] = field(default_factory=dict)
    orphans: tuple[Commit, ...] = ()


def kind_of(commit: Commit) -> str | None:
    """``fixup``, ``squash`` or ``amend``; None for an ordinary commit."""
    word, mark, _ = commit.subject.partition("! ")
    return word if mark and word in _KINDS else None


def arranged(commits: Sequence[Commit], apart: Collection[Oid] = ()) -> Arranged:
    """The commits of a layer, each that names an earlier one right behind it and those that name the same.

    The name is a whole subject, an abbreviated hash, or the beginning of a subject, in this order, as git reads it;
    ``fixup! fixup! X`` is for X. Those of `apart` stand for themselves, whatever they are called.
    """
    into: dict[Oid, Oid] = {}
    orphans: list[Commit] = []
    ordinary: list[Commit] = []
    for commit in commits:
        if kind_of(commit) is None or commit.oid in apart:
            ordinary.append(commit)
        elif (target := _target(_named_by(commit), ordinary)) is not None:
            into[commit.oid] = target.oid
        else:
            orphans.append(commit)
    behind: dict[Oid, list[Commit]] = {}
    for commit in commits:
        if commit.oid in into:
            behind.setdefault(into[commit.oid], []).append(commit)
    order = [one for commit in commits if commit.oid not in into for one in (commit, *behind.get(commit.oid, ()))]
    return Arranged(tuple(order), into, tuple(orphans))


def squashed(message: bytes, encoding: bytes | None, commit: Commit) -> tuple[bytes, bytes | None]:
    """The message, and its encoding, that a target has once `commit` is in it.

    A fixup leaves it as it is; an amend brings its own below its first line; a squash adds its own there.
    """
    kind = kind_of(commit)
    rest = commit.message.partition(b"\n\n")[2]
    if kind == "fixup" or not rest.strip():
        return message, encoding
    if kind == "amend":
        return rest, commit.encoding
    if commit.encoding != encoding:
        target = Commit(commit.oid, commit.tree, (), b"", b"", message, encoding)
        extra = Commit(commit.oid, commit.tree, (), b"", b"", rest, commit.encoding)
        return f"{target.text.rstrip()}\n\n{extra.text.lstrip()}".encode(), None
    return message.rstrip() + b"\n\n" + rest.lstrip(), encoding


def _named_by(commit: Commit) -> str:
    name = commit.subject
    while (mark := name.partition("! "))[0] in _KINDS and mark[1]:
        name = mark[2].lstrip()
    return name


def _target(name: str, ordinary: Sequence[Commit]) -> Commit | None:
    def first(fits: list[Commit]) -> Commit | None:
        return fits[0] if fits else None

    is_hash = len(name) >= 4 and set(name) <= _HASH
    return (
        first([commit for commit in ordinary if commit.subject == name])
        or (first([commit for commit in ordinary if commit.oid.startswith(name)]) if is_hash else None)
        or (first([commit for commit in ordinary if commit.subject.startswith(name)]) if name else None)
    )
