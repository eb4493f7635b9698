"""A pick's state at a nightly."""

from __future__ import annotations

import pytest

from git_poolside.stack.model import Oid, Verdict
from git_poolside.stack.pick import Fortune, fortune
from git_poolside.stack.verdict import Identity, State, UpstreamCommit

ONE = UpstreamCommit(Oid("1" * 40), 0, "one", None, None)
NONE = Identity(State.NONE)
LANDED = Identity(State.LANDED, (ONE,))
AGAIN = Identity(State.LANDED, (ONE, ONE), (ONE,))
BACK = Identity(State.REVERTED, (ONE,), (ONE,))
LATER = Identity(State.NONE, later=ONE)


@pytest.mark.parametrize(
    ("verdict", "identity", "has_origin", "state"),
    [
        (Verdict.LANDED, LANDED, True, Fortune.LANDED),
        (Verdict.LANDED, AGAIN, True, Fortune.RELANDED),
        (Verdict.LANDED, BACK, True, Fortune.LANDED),  # taken back in words, and the content is in
        (Verdict.EMPTIED, NONE, False, Fortune.LANDED),
        (Verdict.LANDED_TWEAKED, LANDED, True, Fortune.TWEAKED),
        (Verdict.CHANGED, LANDED, True, Fortune.TWEAKED),
        (Verdict.LANDED_PARTLY, LANDED, True, Fortune.PARTLY),
        (Verdict.UNDONE_SILENTLY, LANDED, True, Fortune.REVERTED),
        (Verdict.REVERTED_UPSTREAM, BACK, True, Fortune.REVERTED),
        (Verdict.CARRIED, NONE, True, Fortune.PENDING),
        (Verdict.CONFLICT, LATER, False, Fortune.PENDING),
        (Verdict.CARRIED, NONE, False, Fortune.ORPHANED),
    ],
)
def test_states(verdict: Verdict, identity: Identity, has_origin: bool, state: Fortune) -> None:
    assert fortune(verdict, identity, has_origin) is state
