"""An order with a plan, around the rebuild: the stack that is wanted before it, the account of it afterwards."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from git_poolside.errors import Refused
from git_poolside.git import history, refs
from git_poolside.git.diff import paths_of
from git_poolside.git.objects import Committer, Objects
from git_poolside.git.process import Git
from git_poolside.operation.rebuilt import Rebuilt, Stop
from git_poolside.stack.model import Commit, Fate, Oid, PatchResult, Role, Stack, Verdict
from git_poolside.stack.plan import Plan
from git_poolside.stack.proposal import with_pull
from git_poolside.stack.provenance import with_origin
from git_poolside.stack.values import field, frozen, replace

_SHOWN = 5


@frozen
class Wanted:
    """The stack as it is wanted. What comes in stands there as a commit like upstream's with our trailers in its
    message; `origins` has the plan's commit for each, `anew` those that are made anew even where nothing moved.
    `noted` has the stack's commit for each whose message says more than it did.
    """

    stack: Stack
    origins: Mapping[Oid, Oid] = field(default_factory=dict)
    noted: Mapping[Oid, Oid] = field(default_factory=dict)
    anew: frozenset[Oid] = frozenset()


def wanted(objects: Objects, identity: bytes, stack: Stack, target: Oid, plan: Plan) -> Wanted:
    """The stack on `target` that `plan` asks for; the commits that it needs are the same ones each time."""
    committer = Committer(objects, identity, signing=False)
    origins: dict[Oid, Oid] = {}
    noted: dict[Oid, Oid] = {}

    def commit(oid: Oid) -> Commit:
        original = objects.commit(oid)
        if oid in plan.incoming:
            message, known = with_origin(original.message, oid, plan.incoming[oid].pull), origins
        elif oid in plan.noted:
            message, known = with_pull(original.message, plan.noted[oid]), noted
        else:
            return original
        made = committer.commit(original.tree, original.parents, message, original.author, original.encoding)
        known[made] = oid
        return objects.commit(made)

    picks, patches = (
        replace(layer, commits=tuple(commit(oid) for oid in plan.layer(layer.role))) for layer in stack.layers
    )
    return Wanted(Stack(target, picks, patches), origins, noted, frozenset((*origins, *noted)) | plan.moved)


def account(git: Git, objects: Objects, old: Stack, new: Wanted, plan: Plan, rebuilt: Rebuilt) -> None:
    """Tell in `rebuilt` what became of the old stack and of what came in."""
    subjects = {commit.oid: commit.subject for layer in old.layers for commit in layer.commits}
    roles = {commit.oid: layer.role for layer in old.layers for commit in layer.commits}
    gone = [
        PatchResult(roles[oid], oid, None, subjects[oid], Fate.DROPPED, Verdict.SKIPPED, reason)
        for oid, reason in plan.left_out.items()
    ]
    kept = [_of(result, new, plan, roles) for result in rebuilt.results]
    if rebuilt.stop is not None:
        rebuilt.stop = _because(git, objects, new, plan, rebuilt.stop, rebuilt.results)
    rebuilt.results[:] = [*gone, *kept]


def refuse_lost(plan: Plan, rebuilt: Rebuilt, resolved: Collection[Oid]) -> None:
    """Raises `Refused` where a move leaves nothing of a patch, unless a person `resolved` it to nothing.

    Nothing has landed, so nothing may be dropped: the patch that another takes back, above it now, would come back.
    """
    for result in rebuilt.results if plan.moved else ():
        if result.verdict is Verdict.EMPTIED and result.old and result.old not in resolved:
            raise Refused(
                f"{result.old[:9]} {result.subject} would be empty after this move, and be lost",
                hints=["git poolside cherry-pick move PATCH --before PATCH   (another place)"],
            )


def changes_nothing(plan: Plan | None, rebuilt: Rebuilt) -> bool:
    """Whether nothing came in, and nothing else was asked for."""
    came = any(result.new and not result.old and result.upstream for result in rebuilt.results)
    return plan is not None and not (came or plan.left_out or plan.moved or plan.noted)


def _of(result: PatchResult, new: Wanted, plan: Plan, roles: Mapping[Oid, Role]) -> PatchResult:
    if result.old is not None and (noted := new.noted.get(result.old)) is not None:
        number = plan.noted[noted]
        return replace(result, old=noted, pull=number, reason=f"offered upstream as #{number}")
    if result.old in plan.moved and result.new is not None:
        how = "within" if roles[result.old] is result.role else "to"
        return replace(result, reason=f"moved {how} the {result.role.value}")
    origin = new.origins.get(result.old) if result.old else None
    if origin is None:
        return result
    incoming = plan.incoming[origin]
    cited = {"upstream": (origin,), "pull": incoming.pull, "old": None}
    if result.fate is not Fate.KEPT:
        return replace(result, **cited)
    parts = [f"picked from {origin[:9]}", incoming.note, result.reason]
    reason = "; ".join(part for part in parts if part)
    return replace(result, fate=Fate.NEW, verdict=Verdict.ADDED, reason=reason, **cited)


def _because(git: Git, objects: Objects, new: Wanted, plan: Plan, stop: Stop, results: Iterable[PatchResult]) -> Stop:
    """The stop with what in the edit explains it, and the name by which a person knows the commit."""
    origin = new.origins.get(stop.commit.oid)
    paths = {path.encode("utf-8", "surrogateescape") for path in stop.conflict.paths}
    lines: list[str] = []
    if origin is not None:
        lines = _missing(git, objects, new.stack.base, origin, paths)
    else:
        mine = {**dict.fromkeys(plan.left_out, "goes away"), **dict.fromkeys(plan.moved, "is moved")}
        mine |= {r.new: "comes in" for r in results if r.old in new.origins and r.new is not None}
        touched = paths_of(git, list(mine))
        lines = [
            f"{oid[:9]} {objects.commit(oid).subject} {what}"
            for oid, what in mine.items()
            if touched[oid] & paths and oid != stop.commit.oid
        ]
    return replace(stop, origin=origin, because=tuple(lines))


def _missing(git: Git, objects: Objects, base: Oid, origin: Oid, paths: set[bytes]) -> list[str]:
    """Upstream's commits below a pick, not in the snapshot, that touch what is in conflict: it may need them."""
    parents = objects.commit(origin).parents
    if not paths or not parents or refs.is_ancestor(git, origin, base):
        return []
    found = history.touching(git, base, parents[0], paths)
    lines = [f"{oid[:9]} {objects.commit(oid).subject}" for oid in found[-_SHOWN:]]
    return lines if len(found) <= _SHOWN else [f"{len(found) - _SHOWN} older ones", *lines]
