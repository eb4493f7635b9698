"""What an edit makes of the layers: the commits that each is to have, which come in, which go, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from git_poolside.stack.model import Commit, Oid, Role, Stack
from git_poolside.stack.shape import OID, TEXT, Either, Row, Shape
from git_poolside.stack.values import field, frozen


@frozen
class Incoming:
    """A commit that comes in as a pick: `commit` is upstream's own, or an open pull request's.

    `note` is what there is to say about it, in words.
    """

    commit: Oid
    pull: int | None = None
    note: str = ""


PLAN: Shape = {
    "word": TEXT, "picks": [OID], "patches": [OID], "incoming": [Row((OID, Either((int, None)), TEXT))],
    "left_out": {OID: TEXT}, "moved": [OID], "noted?": {OID: int},
}  # fmt: skip
"""What `Plan.from_json` can read."""


@frozen
class Plan:
    """The wanted commits of both layers, lowest first: those of the stack by their hashes, `incoming` by theirs.

    `left_out` are the commits of the stack that go, with the reason; `moved` those that change their place;
    `noted` those that get the number of upstream's pull request which offers them into their messages.
    `word` is what the edit is called: add, drop, update, move, note.
    """

    word: str
    picks: tuple[Oid, ...]
    patches: tuple[Oid, ...]
    incoming: Mapping[Oid, Incoming] = field(default_factory=dict)
    left_out: Mapping[Oid, str] = field(default_factory=dict)
    moved: frozenset[Oid] = frozenset()
    noted: Mapping[Oid, int] = field(default_factory=dict)

    def layer(self, role: Role) -> tuple[Oid, ...]:
        return self.picks if role is Role.PICKS else self.patches

    @property
    def is_empty(self) -> bool:
        """Whether all stays as it is."""
        return not (self.incoming or self.left_out or self.moved or self.noted)

    @property
    def order(self) -> tuple[Oid, ...]:
        """The commits of the stack that stay, lowest first."""
        return tuple(oid for oid in (*self.picks, *self.patches) if oid not in self.incoming)

    def to_json(self) -> dict[str, Any]:
        return {
            "word": self.word,
            "picks": list(self.picks),
            "patches": list(self.patches),
            "incoming": [[one.commit, one.pull, one.note] for one in self.incoming.values()],
            "left_out": dict(self.left_out),
            "moved": sorted(self.moved),
            "noted": dict(self.noted),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Plan:
        return cls(
            raw["word"],
            tuple(raw["picks"]),
            tuple(raw["patches"]),
            _by_hash(Incoming(*one) for one in raw["incoming"]),
            raw["left_out"],
            frozenset(raw["moved"]),
            raw.get("noted", {}),
        )


def _by_hash(incoming: Iterable[Incoming]) -> dict[Oid, Incoming]:
    return {one.commit: one for one in incoming}


def _oids(commits: Sequence[Commit]) -> list[Oid]:
    return [commit.oid for commit in commits]


def adding(stack: Stack, incoming: Sequence[Incoming]) -> Plan:
    """New picks on top of the others."""
    picks = [*_oids(stack.picks.commits), *(one.commit for one in incoming)]
    return Plan("add", tuple(picks), tuple(_oids(stack.patches.commits)), _by_hash(incoming))


def dropping(stack: Stack, reasons: Mapping[Oid, str]) -> Plan:
    """Without the commits of `reasons`."""
    picks, patches = (
        tuple(oid for oid in _oids(layer.commits) if oid not in reasons) for layer in (stack.picks, stack.patches)
    )
    return Plan("drop", picks, patches, left_out=dict(reasons))


def updating(stack: Stack, versions: Sequence[tuple[Sequence[Oid], Sequence[Incoming], str]]) -> Plan:
    """Other commits in the place of picks: each entry has the old ones, the new ones and the reason."""
    picks = _oids(stack.picks.commits)
    incoming: list[Incoming] = []
    left_out: dict[Oid, str] = {}
    for old, new, reason in versions:
        at = min(picks.index(oid) for oid in old)
        picks[at:at] = [one.commit for one in new]
        picks = [oid for oid in picks if oid not in old]
        incoming += new
        left_out |= dict.fromkeys(old, reason)
    return Plan("update", tuple(picks), tuple(_oids(stack.patches.commits)), _by_hash(incoming), left_out)


def noting(stack: Stack, numbers: Mapping[Oid, int]) -> Plan:
    """The same patches, some with the number of upstream's pull request in their messages."""
    return Plan("note", tuple(_oids(stack.picks.commits)), tuple(_oids(stack.patches.commits)), noted=dict(numbers))


def moving(stack: Stack, patch: Oid, *, to: Role | None = None, before: Oid | None = None) -> Plan:
    """`patch` at the near end of another layer, where it passes fewest others, or below another patch."""
    picks = [oid for oid in _oids(stack.picks.commits) if oid != patch]
    patches = [oid for oid in _oids(stack.patches.commits) if oid != patch]
    if before is not None:
        layer = picks if before in picks else patches
        layer.insert(layer.index(before), patch)
    elif to is Role.PICKS:
        picks.append(patch)
    else:
        patches.insert(0, patch)
    unmoved = (picks, patches) == (_oids(stack.picks.commits), _oids(stack.patches.commits))
    return Plan("move", tuple(picks), tuple(patches), moved=frozenset() if unmoved else frozenset({patch}))
