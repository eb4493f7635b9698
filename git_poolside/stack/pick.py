"""What became of a pick upstream, as a person asks it: is it in yet?"""

from __future__ import annotations

from enum import Enum

from git_poolside.stack.model import Verdict
from git_poolside.stack.verdict import Identity, State


class Fortune(Enum):
    """A pick's state at a nightly; the value is the word in output."""

    PENDING = "pending"
    LANDED = "landed"
    TWEAKED = "landed with tweaks"
    PARTLY = "landed in part"
    REVERTED = "reverted"
    RELANDED = "relanded"
    ORPHANED = "orphaned"

    @property
    def is_in(self) -> bool:
        """Whether the nightly holds it, in one form or another."""
        return self in (Fortune.LANDED, Fortune.TWEAKED, Fortune.RELANDED)


_BY_VERDICT = {
    Verdict.LANDED: Fortune.LANDED,
    Verdict.EMPTIED: Fortune.LANDED,
    Verdict.LANDED_TWEAKED: Fortune.TWEAKED,
    Verdict.LANDED_PARTLY: Fortune.PARTLY,
    Verdict.UNDONE_SILENTLY: Fortune.REVERTED,
    Verdict.REVERTED_UPSTREAM: Fortune.REVERTED,
    Verdict.RETURNED: Fortune.REVERTED,
}


def fortune(verdict: Verdict, identity: Identity, has_origin: bool) -> Fortune:
    """The state, by what a sync would find. `has_origin`: what it was made from is upstream's, or may yet be.

    Landed in a form that left the pick its whole is landed with tweaks.
    """
    if verdict is Verdict.LANDED and identity.reverts and identity.state is State.LANDED:
        return Fortune.RELANDED
    if verdict in _BY_VERDICT:
        return _BY_VERDICT[verdict]
    if identity.state is State.LANDED:
        return Fortune.TWEAKED
    if identity.state is State.REVERTED:
        return Fortune.REVERTED
    return Fortune.PENDING if has_origin or identity.later is not None else Fortune.ORPHANED
