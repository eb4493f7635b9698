"""Commits that are a line: then one answer of git's tells about every two of them.

Most stacks are, and upstream's branch: each commit is the next one's only parent. Which of them lie between two, and
where they stand on upstream, follows from their order. About what is no line git is asked each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from git_poolside.git import refs
from git_poolside.git.process import Git
from git_poolside.stack.model import Oid


class _Line(NamedTuple):
    """Commits, oldest first; `place` counts from what the first one stands on, which has 0."""

    commits: list[Oid]
    place: dict[Oid, int]


_Asked = frozenset[Oid]
_LINES: dict[Path, dict[_Asked, list[_Line]]] = {}
_NONE: set[tuple[Path, _Asked, Oid]] = set()
"""The tips that no line leads to."""


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


def after(git: Git, tip: Oid, base: Oid) -> Mapping[Oid, int] | None:
    """The commits from `base` (0) to `tip`, each with how many there are after `base`; None if they are no line."""
    line = _line(git, tip, [base])
    return line.place if line is not None and base in line.place else None


def is_ancestor(git: Git, older: Oid, newer: Oid) -> bool:
    """`refs.is_ancestor`, without a question where a line that is known tells."""
    line = next(_with(git, older, newer), None)
    return line.place[older] <= line.place[newer] if line is not None else refs.is_ancestor(git, older, newer)


def _with(git: Git, one: Oid, other: Oid) -> Iterator[_Line]:
    """The known lines that both are on."""
    known = _LINES.get(git.common_dir, {}).values()
    return (line for lines in known for line in lines if one in line.place and other in line.place)


def _line(git: Git, tip: Oid, upstreams: Sequence[Oid]) -> _Line | None:
    asked = frozenset(upstreams)
    lines = _LINES.setdefault(git.common_dir, {}).setdefault(asked, [])
    for line in lines:
        if tip in line.place:
            return line
    if (git.common_dir, asked, tip) in _NONE:
        return None
    for line in _with(git, tip, upstreams[0]) if len(upstreams) == 1 else ():
        if (begin := line.place[upstreams[0]]) <= line.place[tip]:
            names = list(line.place)[begin:]
            lines.append(_Line(names[1:], {oid: place for place, oid in enumerate(names)}))
            return lines[-1]
    limits = dict.fromkeys(f"^{oid}" for oid in upstreams)
    rows = git.try_run("rev-list", "--topo-order", "--reverse", "--parents", tip, *limits, "--")
    place = {} if rows.status else _places(rows.text.splitlines())
    if place is None or rows.status:
        _NONE.add((git.common_dir, asked, tip))
        return None
    made = _Line(list(place)[1:], place or {tip: 0})
    if len(upstreams) == 1:
        refs.remember_ancestor(next(iter(made.place)), upstreams[0])
    lines.append(made)
    return made


def _places(rows: Iterable[str]) -> dict[Oid, int] | None:
    """Where the commits of a listing with their parents stand, if they are a line."""
    place: dict[Oid, int] = {}
    for row in rows:
        commit, *parents = map(Oid, row.split())
        if len(parents) != 1 or (place and parents[0] != next(reversed(place))):
            return None
        if not place:
            place[parents[0]] = 0
        place[commit] = len(place)
    return place
