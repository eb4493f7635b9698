"""Patches of which a part is upstream already: which hunks are gone, and who brought them (edge cases L3, L13)."""

from __future__ import annotations

from git_poolside.git.hunks import Hunk, gone, hunks
from git_poolside.git.process import Git
from git_poolside.operation.evidence import Witness
from git_poolside.stack.model import Fate, PatchResult, Verdict
from git_poolside.stack.values import replace
from git_poolside.stack.verdict import describe

_JUDGED = (Verdict.CHANGED, Verdict.LANDED_PARTLY, Verdict.REVERTED_UPSTREAM, Verdict.RETURNED)
_LISTED = 8


def tell_parts(git: Git, witness: Witness, results: list[PatchResult]) -> None:
    """Say of each kept patch that has fewer hunks than it had where they are.

    One that nothing named is ``landed-partly`` if upstream brought them.
    """
    asked = [
        (at, r, r.old, r.new)
        for at, r in enumerate(results)
        if r.fate is Fate.KEPT and r.verdict in _JUDGED and r.old in witness.changes and r.old != r.new
    ]
    found = hunks(git, [oid for _, _, old, new in asked for oid in (old, new) if oid])
    own = witness.config.changes.file.encode()  # what a patch says of itself there is no part of it
    made = {oid: [hunk for hunk in patch if hunk.path != own] for oid, patch in found.items()}
    for at, result, old, new in asked:
        assert old and new
        missing = gone(made[old], made[new]) if _size(made[new]) < _size(made[old]) else []
        if missing and (result.verdict is not Verdict.CHANGED or not result.reason):
            results[at] = _told(witness, results[:at], result, missing)


def _size(patch: list[Hunk]) -> int:
    return sum(len(hunk.lines) for hunk in patch)


def _told(witness: Witness, below: list[PatchResult], result: PatchResult, missing: list[Hunk]) -> PatchResult:
    assert result.old
    commit = next(commit for commit in witness.patches if commit.oid == result.old)
    named = ", ".join(map(str, missing[:_LISTED])) + (f" and {len(missing) - _LISTED} more" * (len(missing) > _LISTED))
    brought = witness.brought(commit, missing)
    if brought:
        note = f"there already, so not in it any more: {named}"
        if result.verdict is not Verdict.CHANGED:
            return replace(result, notes=(*result.notes, note))
        cited = "; ".join(describe(one) for one in brought[:3])
        return replace(
            result,
            verdict=Verdict.LANDED_PARTLY,
            reason=f"landed in part as {cited}",
            upstream=tuple(one.oid for one in brought),
            notes=(*result.notes, note),
        )
    picks = witness.picks_in(commit, below)
    where = f"the pick {(picks[0].new or '')[:9]} {picks[0].subject}" if picks else "the new base"
    return replace(result, notes=(*result.notes, f"in {where} already, so not in it any more: {named}"))
