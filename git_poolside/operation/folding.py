"""Putting ``fixup!``, ``squash!`` and ``amend!`` commits into their targets, once both are replayed (edge case S4)."""

from __future__ import annotations

from collections.abc import Mapping

from git_poolside.git.objects import Committer, Objects
from git_poolside.operation.choices import Choices
from git_poolside.operation.rebuilt import Rebuilt
from git_poolside.stack.model import Commit, Fate, Oid, PatchResult, Snag, Stack, Verdict, keep_or_drop
from git_poolside.stack.squash import arranged, kind_of, squashed
from git_poolside.stack.values import field, frozen, replace


@frozen
class Arrangement:
    """A stack whose commits stand as they are to be folded: each of `into` behind the target that it names."""

    stack: Stack
    into: Mapping[Oid, Oid] = field(default_factory=dict)
    snags: tuple[Snag, ...] = ()


def arrange(stack: Stack, choices: Choices) -> Arrangement:
    """`stack` in that order, layer by layer; as it is unless ``--autosquash`` was given."""
    if not choices.autosquash:
        return Arrangement(stack)
    picks, patches = (arranged(layer.commits, choices.keep) for layer in stack.layers)
    wanted = Stack(
        stack.base,
        replace(stack.picks, commits=picks.commits),
        replace(stack.patches, commits=patches.commits),
    )
    snags = tuple(
        _orphan(commit, "no patch below it in its layer has the name that it gives")
        for commit in (*picks.orphans, *patches.orphans)
        if commit.oid not in (*choices.drop, *choices.skip)
    )
    return Arrangement(wanted, {**picks.into, **patches.into}, snags)


def _orphan(commit: Commit, why: str) -> Snag:
    name = commit.oid[:9]
    return Snag("orphan-fixup", f"{name} {commit.subject}: {why}", keep_or_drop(name), commit.oid)


class Folding:
    """Folds as a rebuild goes; `out` is what it has come to so far."""

    def __init__(
        self, objects: Objects, committer: Committer, into: Mapping[Oid, Oid], choices: Choices, out: Rebuilt
    ) -> None:
        self.objects = objects
        self.committer = committer
        self.into = into
        self.choices = choices
        self.out = out

    def fold(self, commit: Commit, tip: Oid) -> Oid:
        """The new tip once `commit`, which stands at `tip`, is in its target, if it has one."""
        if commit.oid not in self.into:
            return tip
        mine, target = self._of(commit.oid), self._of(self.into[commit.oid])
        if mine.new is None or target.fate is Fate.UNRESOLVED:
            return tip
        if target.new is None:
            why = f"what it belongs into, {self.into[commit.oid][:9]} {target.subject}, is dropped"
            self.out.snags.append(_orphan(commit, why))
            return tip
        if mine.new != tip or self.objects.commit(tip).parents != (target.new,):
            note = f"not put into {target.subject}: a resolution made several commits of one"
            self._set(mine, replace(mine, notes=(*mine.notes, note)))
            return tip
        folded = self._folded(commit, target.new, tip)
        for result in [one for one in self.out.results if one.new == target.new]:
            self._set(result, replace(result, new=folded))
        target = self._of(self.into[commit.oid])
        reason = "; ".join(filter(None, [target.reason, f"{kind_of(commit)} {commit.oid[:9]} is in it now"]))
        self._set(target, replace(target, verdict=Verdict.CHANGED, reason=reason))
        into = f"into {target.subject}"
        self._set(mine, replace(mine, new=folded, fate=Fate.KEPT, verdict=Verdict.SQUASHED, reason=into))
        return folded

    def _folded(self, commit: Commit, target: Oid, tip: Oid) -> Oid:
        """The target with the commit in it; the same one again if it was made before a stop (it may be signed)."""
        key = f"{tip} folded"
        new = self.choices.made.get(key)
        if new is None or not self.objects.exists(new):
            old = self.objects.commit(target)
            message, encoding = squashed(old.message, old.encoding, commit)
            new = self.committer.commit(self.objects.commit(tip).tree, old.parents, message, old.author, encoding)
        self.out.made[key] = new
        self.out.unfolded[new] = tip
        return new

    def _of(self, oid: Oid) -> PatchResult:
        return next(result for result in self.out.results if result.old == oid)

    def _set(self, before: PatchResult, after: PatchResult) -> None:
        self.out.results[self.out.results.index(before)] = after
