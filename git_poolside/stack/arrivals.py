"""What came to the fork's server beside our own work: which of its commits our stack lacks, and what else was done.

Commits can be taken in mechanically, by replaying them on top. A patch that was dropped, changed or moved there cannot:
whose version is meant, only a person knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from git_poolside.stack.model import Oid, Role
from git_poolside.stack.values import frozen


@frozen
class Entry:
    """A commit of a stack by what tells it from others: `identity` is its patch-id, None for one that has none.

    `sources` are the commits that it was made from by our operations, itself among them.
    """

    oid: Oid
    role: Role
    author: bytes
    subject: str
    identity: str | None
    sources: frozenset[Oid] = frozenset()

    def is_like(self, other: Entry) -> bool:
        """Whether it is the same patch, as it is."""
        if self.oid == other.oid:
            return True
        words = self.author == other.author or self.subject == other.subject
        return words and self.identity is not None and self.identity == other.identity

    @property
    def name(self) -> str:
        return f"{self.oid[:9]} {self.subject}"


@frozen
class Arrivals:
    """`came` are the commits that our stack has in no form, lowest first; `edits` what else was done, in words."""

    came: tuple[Entry, ...] = ()
    edits: tuple[str, ...] = ()

    def of(self, role: Role) -> tuple[Oid, ...]:
        return tuple(entry.oid for entry in self.came if entry.role is role)


def arrivals(
    old: Sequence[Entry], theirs: Sequence[Entry], ours: Sequence[Entry], said: Iterable[str] = (), *,
    changes: bool = True,
) -> Arrivals:  # fmt: skip
    """Compare the stack that our work began from with the server's and with ours, without stamps.

    `said` are the patches that a stamp there calls dropped because they landed: our own sync judges those itself.
    Without `changes` a patch that was changed is not told of.
    """
    pairs = _pairs(old, theirs)
    came: list[Entry] = []
    edits: list[str] = []
    for entry in theirs:
        before = pairs.get(entry.oid)
        if before is None:
            if not any(entry.is_like(mine) for mine in ours):
                came.append(entry)
        elif entry.role is not before.role:
            edits.append(f"{entry.name} was moved to the {entry.role.value}")
        elif changes and not entry.is_like(before) and not any(entry.is_like(mine) for mine in ours):
            edits.append(f"{entry.name} was changed")
    kept = {before.oid for before in pairs.values()}
    landed = set(said)
    for before in old:
        if before.oid not in kept and not before.sources & landed and any(before.oid in mine.sources for mine in ours):
            edits.append(f"{before.name} was dropped")
    stayed = [pairs[e.oid] for e in theirs if e.oid in pairs and pairs[e.oid].role is e.role]
    if stayed != [entry for entry in old if entry in stayed]:
        edits.append("the patches were put in another order")
    return Arrivals(tuple(came), tuple(edits))


def _pairs(old: Sequence[Entry], theirs: Sequence[Entry]) -> Mapping[Oid, Entry]:
    """Which of the old commits each of theirs is: the same one, the same patch, or the same author and words."""
    pairs: dict[Oid, Entry] = {}
    left = list(old)
    for same in (
        lambda one, other: one.oid == other.oid,
        lambda one, other: one.is_like(other),
        lambda one, other: (one.author, one.subject) == (other.author, other.subject),
    ):
        for entry in theirs:
            found = next((before for before in left if same(entry, before)), None) if entry.oid not in pairs else None
            if found is not None:
                pairs[entry.oid] = found
                left.remove(found)
    return pairs
