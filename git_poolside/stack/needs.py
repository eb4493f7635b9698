"""Which other patches a patch needs in order to apply."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import combinations

from git_poolside.stack.model import Oid

_TRIALS = 500


def related(wanted: Collection[Oid], candidates: Sequence[Oid], paths: Mapping[Oid, frozenset[bytes]]) -> list[Oid]:
    """Those of `candidates` that have to do with `wanted`, directly or by way of each other, in their order.

    They touch the same paths, or one's path is a folder above the other's.
    """
    files: set[bytes] = set()
    above: set[bytes] = set()
    found: set[Oid] = set()
    new = list(wanted)
    while new:
        for oid in new:
            files |= paths[oid]
            above.update(folder for path in paths[oid] for folder in _folders(path))
        new = [
            oid
            for oid in candidates
            if oid not in found
            and any(path in files or path in above or not files.isdisjoint(_folders(path)) for path in paths[oid])
        ]
        found.update(new)
    return [oid for oid in candidates if oid in found]


def _folders(path: bytes) -> list[bytes]:
    parts = path.split(b"/")
    return [b"/".join(parts[:depth]) for depth in range(1, len(parts))]


def least(
    candidates: Sequence[Oid], start: Collection[Oid], enough: Callable[[frozenset[Oid]], bool]
) -> frozenset[Oid]:
    """A least set of `candidates` (lowest first) that is `enough`; `start` is one that is.

    No member of it can be spared. Nor is any set with fewer members enough, as far as 500 trials show: sets of one
    member are tried first, then of two and so on, the highest candidates first.
    """
    if enough(frozenset()):
        return frozenset()
    found = frozenset(start)
    before = None
    while found != before:
        before = found
        for oid in [oid for oid in reversed(candidates) if oid in found]:
            if enough(found - {oid}):
                found -= {oid}
    trials = 0
    for size in range(1, len(found)):
        for chosen in combinations(reversed(candidates), size):
            trials += 1
            if trials > _TRIALS:
                return found
            if enough(frozenset(chosen)):
                return frozenset(chosen)
    return found
