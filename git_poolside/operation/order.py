"""What a rebuild is determined by, fixed before it begins: so that going on after a stop is the same run again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from git_poolside.operation.choices import Choices
from git_poolside.stack.carry import MOVE, Move
from git_poolside.stack.model import UNTOLD, Oid, Role, Snag
from git_poolside.stack.plan import PLAN, Plan
from git_poolside.stack.shape import MAYBE, OID, ROLE, TEXT, Either, Shape
from git_poolside.stack.values import field, frozen

ORDER: Shape = {
    "command": [TEXT], "target": OID, "date": TEXT, "nightly": MAYBE, "upstream": OID, "refs": {TEXT: MAYBE},
    "tips": {role.value: MAYBE for role in Role}, "leases": {TEXT: MAYBE}, "identity": TEXT,
    "keep": {OID: TEXT}, "drop": {OID: TEXT}, "skip": {OID: TEXT}, "resolutions": {OID: [OID]}, "made": {TEXT: OID},
    "allow": [TEXT], "rerere": [OID], "adopt": bool, "strict": bool, "autosquash?": bool, "push": bool,
    "exec": Either((TEXT, None)), "config": TEXT, "notes": [TEXT], "explain?": MAYBE,
    "plan?": Either((PLAN, None)), "moves?": [MOVE], "taken?": {ROLE: [OID]},
}  # fmt: skip
"""What `Order.from_json` can read."""


@frozen
class Order:
    """One ordered rebuild; `explain` is the patch whose whole reasoning is asked for.

    `target` is the new snapshot, `upstream` the tip of upstream's branch then. `refs` are the local branches as
    they were (None: absent), `tips` what counts as each role's tip, `leases` what the fork's server had.
    `identity` is the committer with the date that all new commits get. With a `plan` it is an edit of the layers:
    `target` is the base that they stand on then, and the snapshot stays. With `moves` it is a pull: `tips` are the
    fork's, `target` is what they stand on. `taken` are commits of the fork's server that come on top of each layer.
    """

    command: tuple[str, ...]
    target: Oid
    date: str
    nightly: Oid | None
    upstream: Oid
    refs: Mapping[str, Oid | None]
    tips: Mapping[Role, Oid | None]
    leases: Mapping[str, Oid | None]
    identity: str
    choices: Choices = field(default_factory=Choices)
    push: bool = False
    exec: str | None = None
    config: str = ""
    snags: tuple[Snag, ...] = ()
    notes: tuple[str, ...] = field(default=())
    explain: Oid | None = None
    plan: Plan | None = None
    moves: tuple[Move, ...] = ()
    taken: Mapping[Role, tuple[Oid, ...]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """``sync``, ``cherry-pick``, ``upstream`` or ``pull``: what it is called in the log."""
        if self.moves:
            return "pull"
        if self.plan is None:
            return "sync"
        return "upstream" if self.plan.noted else "cherry-pick"

    @property
    def typed(self) -> tuple[str, ...]:
        """The command line with what no log has of it (`UNTOLD`)."""
        whole = {UNTOLD: self.exec or UNTOLD, f"--exec={UNTOLD}": f"--exec={self.exec}"}
        return tuple(whole.get(word, word) for word in self.command)

    @property
    def program(self) -> str:
        """What goes on with it after a stop."""
        return f"git poolside {self.kind}"

    @property
    def snapshot(self) -> Oid | None:
        """Where the snapshot branch is to be."""
        moves = self.plan is None or self.tips[Role.SNAPSHOT] is None
        return self.target if moves else self.tips[Role.SNAPSHOT]

    def to_json(self) -> dict[str, Any]:
        choices = self.choices
        return {
            "command": list(self.command),
            "target": self.target,
            "date": self.date,
            "nightly": self.nightly,
            "upstream": self.upstream,
            "refs": dict(self.refs),
            "tips": {role.value: oid for role, oid in self.tips.items()},
            "leases": dict(self.leases),
            "identity": self.identity,
            "keep": dict(choices.keep),
            "drop": dict(choices.drop),
            "skip": dict(choices.skip),
            "resolutions": {oid: list(made) for oid, made in choices.resolutions.items()},
            "made": dict(choices.made),
            "allow": sorted(choices.allow),
            "rerere": sorted(choices.rerere),
            "adopt": choices.adopt,
            "strict": choices.strict,
            "autosquash": choices.autosquash,
            "push": self.push,
            "exec": self.exec,
            "config": self.config,
            "notes": list(self.notes),
            "explain": self.explain,
            "plan": self.plan.to_json() if self.plan is not None else None,
            "moves": [move.to_json() for move in self.moves],
            "taken": {role.value: list(commits) for role, commits in self.taken.items()},
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Order:
        choices = Choices(
            raw["keep"],
            raw["drop"],
            raw["skip"],
            {Oid(oid): tuple(made) for oid, made in raw["resolutions"].items()},
            raw["made"],
            frozenset(raw["allow"]),
            frozenset(raw["rerere"]),
            raw["adopt"],
            raw["strict"],
            raw.get("autosquash", False),
        )
        return cls(
            tuple(raw["command"]),
            raw["target"],
            raw["date"],
            raw["nightly"],
            raw["upstream"],
            raw["refs"],
            {Role(role): oid for role, oid in raw["tips"].items()},
            raw["leases"],
            raw["identity"],
            choices,
            raw["push"],
            raw["exec"],
            raw["config"],
            notes=tuple(raw["notes"]),
            explain=raw.get("explain"),
            plan=Plan.from_json(raw["plan"]) if raw.get("plan") else None,
            moves=tuple(map(Move.from_json, raw.get("moves", ()))),
            taken={Role(role): tuple(commits) for role, commits in raw.get("taken", {}).items()},
        )
