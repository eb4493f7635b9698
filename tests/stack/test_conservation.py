"""The check that nothing was lost: each way of losing something is found."""

from __future__ import annotations

import pytest

from git_poolside.stack.conservation import Finished, violations
from git_poolside.stack.model import Fate, Oid, PatchResult, Role, Verdict
from git_poolside.stack.values import replace

A, B, C, D = (Oid(letter * 40) for letter in "abcd")
A2, B2, STAMP = (Oid(letter * 40) for letter in "12e")
FILE = frozenset({b"f"})


def result(old: Oid | None, new: Oid | None, fate: Fate, verdict: Verdict, reason: str = "") -> PatchResult:
    return PatchResult(Role.PATCHES, old, new, "Subject", fate, verdict, reason)


RESULTS = [
    result(A, A2, Fate.KEPT, Verdict.CARRIED),
    result(B, B2, Fate.KEPT, Verdict.CHANGED),
    result(C, None, Fate.DROPPED, Verdict.LANDED, "landed as x"),
    result(D, None, Fate.DROPPED, Verdict.STAMP, "generated anew"),
    result(None, STAMP, Fate.NEW, Verdict.STAMP),
]
FINISHED = Finished(
    [A, B, C, D],
    [A2, B2, STAMP],
    {A: "same", A2: "same", B: "one", B2: "other"},
    {A: FILE, A2: FILE, B2: frozenset({b"g"}), STAMP: frozenset({b"version"})},
    {A: (b"me", b"words"), A2: (b"me", b"words")},
    frozenset({b"f", b"g", b"version"}),
    frozenset({b"version"}),
    [A, B, C, D],
)


def test_all_is_well() -> None:
    assert violations(RESULTS, FINISHED) == []


def test_an_empty_stack_is_well() -> None:
    assert violations([], Finished([], [], {}, {}, {}, frozenset(), frozenset(), [])) == []


@pytest.mark.parametrize(
    ("index", "changes", "words"),
    [
        (0, {"old": None}, f"the old patch {A[:12]} has 0 fates"),
        (0, {"old": B}, f"the old patch {B[:12]} has 2 fates"),
        (0, {"new": B2}, f"the new commit {B2[:12]} has 2 sources"),
        (0, {"new": Oid("9" * 40)}, f"{'9' * 12} is accounted for but is not in the stack"),
        (0, {"old": Oid("9" * 40)}, f"a fate for {'9' * 12}, which is no patch"),
        (0, {"new": None}, f"the patch {A[:12]} Subject is kept but has no new commit"),
        (0, {"fate": Fate.UNRESOLVED}, f"the patch {A[:12]} Subject is unresolved"),
        (1, {"verdict": Verdict.CARRIED}, f"the patch {B[:12]} Subject is called carried but is not the same patch"),
        (2, {"new": STAMP}, f"the patch {C[:12]} Subject is dropped but has a new commit"),
        (2, {"reason": ""}, f"the patch {C[:12]} Subject is dropped without a reason"),
        (4, {"verdict": Verdict.CHANGED}, f"the new commit {STAMP[:12]} Subject has no source"),
    ],
)
def test_each_violation_is_named(index: int, changes: dict[str, object], words: str) -> None:
    results = list(RESULTS)
    results[index] = replace(results[index], **changes)
    assert words in violations(results, FINISHED)


def test_a_new_commit_that_nobody_accounts_for_is_found() -> None:
    stranger = Oid("9" * 40)
    finished = replace(FINISHED, new=[*FINISHED.new, stranger])
    assert violations(RESULTS, finished) == [f"the new commit {stranger[:12]} has 0 sources"]


def test_an_old_patch_that_nobody_accounts_for_is_found() -> None:
    assert violations(RESULTS[:1] + RESULTS[2:], FINISHED)[0] == f"the old patch {B[:12]} has 0 fates"


def test_kept_patches_in_another_order_are_found() -> None:
    results = [RESULTS[1], RESULTS[0], *RESULTS[2:]]
    assert violations(results, FINISHED) == ["the kept patches are not in their order"]


def test_a_path_that_no_patch_touches_is_found() -> None:
    finished = replace(FINISHED, differs=FINISHED.differs | {b"stranger"})
    assert violations(RESULTS, finished) == ["the new tip differs from the snapshot in paths of no patch: stranger"]


def test_a_patch_that_stays_the_same_object_needs_no_patch_id() -> None:
    finished = replace(FINISHED, old=[A], new=[A], patch_ids={}, differs=FILE, paths={A: FILE})
    assert violations([result(A, A, Fate.KEPT, Verdict.CARRIED)], finished) == []


def test_a_carried_patch_that_cannot_be_compared_is_found() -> None:
    finished = replace(FINISHED, patch_ids={})
    assert violations(RESULTS, finished) == [f"the patch {A[:12]} Subject is called carried but is not the same patch"]


def test_a_carried_patch_may_not_change_its_author_or_message() -> None:
    altered = replace(FINISHED, words={**FINISHED.words, A2: (b"you", b"words")})
    assert violations(RESULTS, altered) == [f"the patch {A[:12]} Subject has another author or message"]


def test_what_a_carried_patch_did_not_touch_may_not_differ() -> None:
    wider = replace(FINISHED, paths={**FINISHED.paths, A2: frozenset({b"f", b"stray"})})
    wider = replace(wider, differs=FINISHED.differs | {b"stray"})
    assert violations(RESULTS, wider) == ["the new tip differs from the snapshot in paths of no patch: stray"]


NEW, ORIGIN = Oid("f" * 40), Oid("9" * 40)
INCOMING = replace(FINISHED, new=[A2, B2, NEW, STAMP], incoming=[ORIGIN])


def came(new: Oid | None, fate: Fate) -> PatchResult:
    return PatchResult(Role.PICKS, None, new, "x", fate, Verdict.ADDED, "picked", upstream=(ORIGIN,))


def test_what_comes_in_has_one_fate() -> None:
    assert violations([*RESULTS, came(NEW, Fate.NEW)], INCOMING) == []
    without = replace(INCOMING, new=FINISHED.new)
    assert violations([*RESULTS, came(None, Fate.DROPPED)], without) == []
    assert violations(RESULTS, without) == [f"{ORIGIN[:12]}, which was to come in, has 0 fates"]


def test_a_move_has_its_own_order() -> None:
    swapped = [RESULTS[1], RESULTS[0], *RESULTS[2:]]
    assert violations(swapped, replace(FINISHED, order=[B, A, C, D])) == []
    assert violations(RESULTS, replace(FINISHED, order=[B, A, C, D])) == ["the kept patches are not in their order"]
