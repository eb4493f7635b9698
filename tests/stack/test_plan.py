"""What an edit makes of the layers."""

from __future__ import annotations

import json

from git_poolside.stack.model import Commit, Layer, Oid, Role, Stack
from git_poolside.stack.plan import Incoming, Plan, adding, dropping, moving, updating

A, B, P, Q, X, Y = (Oid(letter * 40) for letter in "abcdef")


def commits(*oids: Oid) -> tuple[Commit, ...]:
    return tuple(Commit(oid, oid, (), b"", b"", b"") for oid in oids)


STACK = Stack(X, Layer(Role.PICKS, "picks", X, B, commits(A, B)), Layer(Role.PATCHES, "patches", B, Q, commits(P, Q)))


def test_new_picks_go_on_top() -> None:
    plan = adding(STACK, [Incoming(X, 1), Incoming(Y)])
    assert (plan.picks, plan.patches, plan.order) == ((A, B, X, Y), (P, Q), (A, B, P, Q))
    assert not plan.is_empty
    assert adding(STACK, []).is_empty


def test_a_drop_leaves_out_with_its_reason() -> None:
    plan = dropping(STACK, {A: "no gain"})
    assert (plan.picks, plan.patches, plan.left_out) == ((B,), (P, Q), {A: "no gain"})


def test_new_versions_stand_where_the_old_ones_stood() -> None:
    plan = updating(STACK, [([A], [Incoming(X), Incoming(Y)], "newer")])
    assert (plan.picks, plan.left_out) == ((X, Y, B), {A: "newer"})
    assert updating(STACK, [([A, B], [Incoming(X)], "newer")]).picks == (X,)


def test_moves_pass_as_few_as_they_can() -> None:
    assert moving(STACK, Q, to=Role.PICKS).picks == (A, B, Q)
    assert moving(STACK, A, to=Role.PATCHES).patches == (A, P, Q)
    assert moving(STACK, Q, before=P).patches == (Q, P)
    assert moving(STACK, P, before=A).picks == (P, A, B)
    assert moving(STACK, Q, before=P).moved == {Q}
    assert moving(STACK, A, before=B).is_empty


def test_a_plan_survives_a_stop() -> None:
    plan = updating(STACK, [([A], [Incoming(X, 7, "landed")], "newer")])
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
