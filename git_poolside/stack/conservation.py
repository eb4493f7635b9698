"""The check that nothing was lost, on the finished objects, independent of what made them.

Each old patch has exactly one fate; each new commit has exactly one source, or is the stamp or added; a carried
pair has equal patch-ids; the new tip differs from the new snapshot only in paths of kept patches and generated
files. What does not hold is a bug of ours, and refuses the operation (design: Conservation).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from git_poolside.stack.model import Fate, Oid, PatchResult, Verdict
from git_poolside.stack.values import frozen


@frozen
class Finished:
    """What was found by reading the old and the new tips again.

    `old` and `new` are the commits of the layers, lowest first; `paths` and `words` (author and message) are those of
    both, `patch_ids` (verbatim) those of what is called carried; `differs` is where the new tip differs from the new
    snapshot. `order` are the old commits as they are to stand, `incoming` upstream's that were to come in.
    """

    old: Sequence[Oid]
    new: Sequence[Oid]
    patch_ids: Mapping[Oid, str]
    paths: Mapping[Oid, frozenset[bytes]]
    words: Mapping[Oid, tuple[bytes, bytes]]
    differs: frozenset[bytes]
    generated: frozenset[bytes]
    order: Sequence[Oid]
    incoming: Sequence[Oid] = ()


def violations(results: Sequence[PatchResult], finished: Finished) -> list[str]:
    """What does not hold, in words; empty when all is well."""
    found: list[str] = []
    fates = Counter(result.old for result in results if result.old is not None)
    for oid in finished.old:
        # A kept patch may have several new commits when a person split it: the first has the source.
        if fates[oid] != 1:
            found.append(f"the old patch {oid[:12]} has {fates[oid]} fates")
    # What was dropped at an earlier sync and stays so has a line of its own, and is in neither stack.
    absent = {r.old for r in results if r.verdict is Verdict.RETURNED and r.fate is Fate.DROPPED}
    unknown = set(fates) - set(finished.old) - absent
    found += [f"a fate for {oid[:12]}, which is no patch" for oid in fates if oid in unknown]

    sources = Counter(r.new for r in results if r.new is not None and r.verdict is not Verdict.SQUASHED)
    for oid in finished.new:
        if sources[oid] != 1:
            found.append(f"the new commit {oid[:12]} has {sources[oid]} sources")
    found += [f"{oid[:12]} is accounted for but is not in the stack" for oid in sources if oid not in set(finished.new)]

    for result in results:
        if result.fate is Fate.KEPT and result.new is None:
            found.append(f"the patch {_name(result)} is kept but has no new commit")
        if result.verdict is Verdict.SQUASHED and result.new not in sources:
            found.append(f"the patch {_name(result)} is squashed into nothing")
        if result.fate is Fate.DROPPED and result.new is not None:
            found.append(f"the patch {_name(result)} is dropped but has a new commit")
        if result.fate is Fate.DROPPED and not result.reason:
            found.append(f"the patch {_name(result)} is dropped without a reason")
        if result.fate is Fate.UNRESOLVED:
            found.append(f"the patch {_name(result)} is unresolved")
        if result.old is None and result.new and result.verdict not in (Verdict.STAMP, Verdict.ADDED):
            found.append(f"the new commit {_name(result)} has no source")
        if result.verdict is Verdict.CARRIED and result.old and result.new:
            before, after = (finished.patch_ids.get(oid) for oid in (result.old, result.new))
            if result.old != result.new and (before is None or before != after):
                found.append(f"the patch {_name(result)} is called carried but is not the same patch")
            if finished.words.get(result.old) != finished.words.get(result.new):
                found.append(f"the patch {_name(result)} has another author or message")

    order = [result.old for result in results if result.old in fates and result.new is not None]
    if order != [oid for oid in finished.order if oid in set(order)]:
        found.append("the kept patches are not in their order")
    came = Counter(result.upstream[0] for result in results if result.old is None and result.upstream)
    for oid in dict.fromkeys([*finished.incoming, *came]):
        if came[oid] != 1 or oid not in finished.incoming:
            found.append(f"{oid[:12]}, which was to come in, has {came[oid]} fates")

    allowed = set(finished.generated)
    for result in results:
        # What is carried touches what it touched; a changed one may have followed a rename, or was resolved.
        source = result.old if result.verdict is Verdict.CARRIED else result.new
        if result.new is not None and source is not None and result.verdict is not Verdict.STAMP:
            allowed |= finished.paths.get(source, frozenset())
    strangers = sorted(finished.differs - allowed)
    if strangers:
        shown = ", ".join(path.decode("utf-8", "replace") for path in strangers[:5])
        found.append(f"the new tip differs from the snapshot in paths of no patch: {shown}")
    return found


def _name(result: PatchResult) -> str:
    return f"{(result.old or result.new or '?')[:12]} {result.subject}"
