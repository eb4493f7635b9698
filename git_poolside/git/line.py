"""The fork's own commits, where they are a line: then one answer of git's tells about every tip on it.

Most stacks are: each commit is the next one's only parent. Which of them lie between two, and where they stand on
upstream, follows from their order. About what is no line git is asked each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from git_poolside.git import refs
from git_poolside.git.process import Git
from git_poolside.stack.model import Oid


class _Line(NamedTuple):
    """Commits, oldest first; `place` counts from what the first one stands on, which has 0."""

    commits: list[Oid]
    place: dict[Oid, int]


_LINES: dict[tuple[Path, frozenset[Oid]], list[_Line]] = {}


def own(git: Git, tip: Oid, upstreams: Sequence[Oid], below: Iterable[Oid] = ()) -> list[Oid]:
    """The commits of `tip` that none of `upstreams` and of `below` has, oldest first."""
    below = list(below)
    line = _line(git, tip, upstreams)
    if line is not None and all(oid in line.place for oid in below):
        begin = max((line.place[oid] for oid in below), default=0)
        return line.commits[begin : line.place[tip]]
    limits = dict.fromkeys(f"^{oid}" for oid in (*upstreams, *below))
    listing = git.settled("rev-list", "--topo-order", "--reverse", tip, *limits, "--")
    return [Oid(oid) for oid in listing.text.splitlines()]


def standing(git: Git, tip: Oid, upstream: Oid) -> Oid | None:
    """The commit of upstream's that `tip` stands on (git-merge-base(1)); None where they have no history in common."""
    line = _line(git, tip, [upstream])
    if line is not None:
        return next(iter(line.place))
    answer = git.settled("merge-base", tip, upstream, ok=range(256))
    return Oid(answer.text.splitlines()[0]) if answer.status == 0 else None


def is_ancestor(git: Git, older: Oid, newer: Oid) -> bool:
    """`refs.is_ancestor`, without a question where both are on a line that is known."""
    for line in (line for lines in _LINES.values() for line in lines):
        if older in line.place and newer in line.place:
            return line.place[older] <= line.place[newer]
    return refs.is_ancestor(git, older, newer)


def _line(git: Git, tip: Oid, upstreams: Sequence[Oid]) -> _Line | None:
    lines = _LINES.setdefault((git.common_dir, frozenset(upstreams)), [])
    for line in lines:
        if tip in line.place:
            return line
    limits = dict.fromkeys(f"^{oid}" for oid in upstreams)
    rows = git.settled("rev-list", "--topo-order", "--reverse", "--parents", tip, *limits, "--", ok=range(256))
    place: dict[Oid, int] = {}
    for row in rows.text.splitlines():
        commit, *parents = map(Oid, row.split())
        if len(parents) != 1 or (place and parents[0] != next(reversed(place))):
            return None
        if not place:
            place[parents[0]] = 0
        place[commit] = len(place)
    if rows.status:
        return None
    made = _Line(list(place)[1:], place or {tip: 0})
    lines.append(made)
    return made
