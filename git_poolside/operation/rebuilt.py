"""What a rebuild comes to: the account of each patch, the new tips, or where it halted."""

from __future__ import annotations

from git_poolside.stack.explanation import Grounds
from git_poolside.stack.model import Commit, Conflict, Oid, PatchResult, Role, Snag, Verdict
from git_poolside.stack.values import field, frozen, mutable
from git_poolside.stack.verdict import UpstreamCommit


@frozen
class Stop:
    """Where a replay halted: the patch does not apply on `partial`, the tip made so far.

    In an edit `origin` is the commit that was to come in, `because` what explains the conflict, a line for each.
    """

    role: Role
    commit: Commit
    partial: Oid
    conflict: Conflict
    verdict: Verdict
    culprit: UpstreamCommit | None
    reason: str = ""
    origin: Oid | None = None
    because: tuple[str, ...] = ()


@mutable
class Rebuilt:
    """A stack made anew, as far as it came.

    `made` maps 'old parent' to the new commit, for going on; `stamps` are the old commits that held only
    generated text. `grounds` are what each verdict rests on. `order` is how the
    old commits were taken. `unfolded` has, for a commit that another one went into, the tip where both still stood.
    """

    target: Oid
    results: list[PatchResult] = field(default_factory=list)
    tips: dict[Role, Oid] = field(default_factory=dict)
    snags: list[Snag] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stop: Stop | None = None
    made: dict[str, Oid] = field(default_factory=dict)
    stamp: Oid | None = None
    stamps: frozenset[Oid] = frozenset()
    order: tuple[Oid, ...] = ()
    unfolded: dict[Oid, Oid] = field(default_factory=dict)
    grounds: dict[Oid, Grounds] = field(default_factory=dict)
