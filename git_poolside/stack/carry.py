"""What a pull makes of the branches: each goes onto a new tip, with the commits that it alone has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from git_poolside.stack.model import Oid, Role
from git_poolside.stack.shape import OID, ROLE, TEXT, Either, Row, Shape
from git_poolside.stack.values import frozen

MOVE: Shape = Row((TEXT, Either((ROLE, None)), OID, TEXT, [OID]))
"""What `Move.from_json` can read."""


@frozen
class Move:
    """A branch that goes onto `onto`, a commit, or the ref of a move before this one, with its `commits` on top.

    `base` is the commit that they stand on now; `role` that of the branch, or None for a topic branch.
    """

    ref: str
    role: Role | None
    base: Oid
    onto: str
    commits: tuple[Oid, ...] = ()

    @property
    def branch(self) -> str:
        return self.ref.removeprefix("refs/heads/")

    def to_json(self) -> list[Any]:
        return [self.ref, self.role.value if self.role else None, self.base, self.onto, list(self.commits)]

    @classmethod
    def from_json(cls, raw: Sequence[Any]) -> Move:
        ref, role, base, onto, commits = raw
        return cls(ref, Role(role) if role else None, base, onto, tuple(commits))


class Lineage:
    """Which commit each commit was made from, by our own operations: pairs of an old and a new one."""

    def __init__(self, pairs: Iterable[tuple[Oid, Oid]]) -> None:
        self._old: Mapping[Oid, Oid] = {new: old for old, new in pairs if old != new}

    def line(self, oid: Oid) -> Iterator[Oid]:
        """The commit, what it was made from, and so on."""
        seen: set[Oid] = set()
        at: Oid | None = oid
        while at is not None and at not in seen:
            seen.add(at)
            yield at
            at = self._old.get(at)

    def own(self, commits: Sequence[Oid], known: AbstractSet[Oid]) -> list[Oid]:
        """Those of `commits` that neither are in `known` nor were made from one of them."""
        return [oid for oid in commits if not any(one in known for one in self.line(oid))]
