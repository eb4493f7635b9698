"""Making a stack anew on another base, in memory: verdict and replay of each patch, then the stamp.

What a person decides (keep, drop, skip, a resolution) comes in as `Choices`, so that going on after a stop is
the same run again with one choice more.
"""

from __future__ import annotations

from git_poolside.config import Config
from git_poolside.errors import Bug
from git_poolside.git.diff import Change, changes, patch_ids, tree_of_parent
from git_poolside.git.objects import Committer, Objects
from git_poolside.git.process import Git
from git_poolside.git.replay import Engine
from git_poolside.operation.account import Account
from git_poolside.operation.audit import audit
from git_poolside.operation.choices import Choices
from git_poolside.operation.evidence import Witness
from git_poolside.operation.folding import Folding, arrange
from git_poolside.operation.generated import Generated
from git_poolside.operation.ledger import Ledger
from git_poolside.operation.parts import tell_parts
from git_poolside.operation.rebuilt import Rebuilt, Stop
from git_poolside.stack.explanation import Grounds
from git_poolside.stack.model import (
    BY_HAND,
    Commit,
    Conflict,
    Fate,
    Layer,
    Oid,
    PatchResult,
    Role,
    Stack,
    Verdict,
)
from git_poolside.stack.provenance import Provenance, without_stamp_trailers
from git_poolside.stack.stamp import Stamp
from git_poolside.stack.values import replace
from git_poolside.stack.verdict import (
    Content,
    Decision,
    Evidence,
    Identity,
    State,
    describe,
    judge,
)
from git_poolside.ui import Ui


class Rebuild:
    """One rebuild of `stack` onto `target`, whose nightly has the date `date`.

    All patches are judged, or those that are `judged`: none in an edit, where the snapshot does not move and no patch
    has landed since; in a pull those that the fork never had, and its stamp remembers none of them. The commits of
    `anew` are never taken as they are, though nothing below them may have changed. Commits that only go onto another
    branch are not a `whole` stack: they get no stamp, and none that were dropped earlier come back.
    """

    def __init__(
        self,
        git: Git,
        config: Config,
        ui: Ui,
        objects: Objects,
        engine: Engine,
        committer: Committer,
        witness: Witness,
        ledger: Ledger,
        target: Oid,
        date: str,
        choices: Choices,
        *,
        dry_run: bool = False,
        judged: frozenset[Oid] | None = None,
        anew: frozenset[Oid] = frozenset(),
        whole: bool = True,
    ) -> None:
        self.judged = judged
        self.anew = anew
        self.whole = whole
        self.git = git
        self.config = config
        self.ui = ui
        self.objects = objects
        self.engine = engine
        self.committer = committer
        self.witness = witness
        self.ledger = ledger
        self.target = target
        self.date = date
        self.choices = choices
        self.dry_run = dry_run
        self.generated = Generated(git, config, objects)
        self.out = Rebuilt(target)
        self._amended: set[Oid] = set()  # stamps with work in them, whose words change (edge case S6)
        self.account = Account(witness, choices, self.out.results)
        arrangement = arrange(ledger.stack, choices)
        self.stack: Stack = arrangement.stack
        self.out.order = tuple(commit.oid for layer in self.stack.layers for commit in layer.commits)
        self.out.snags += arrangement.snags
        self.folding = Folding(objects, committer, arrangement.into, choices, self.out)

    def run(self) -> Rebuilt:
        """Both layers and the stamp; ends early at a stop."""
        self.out.stamps = self.generated.stamps(self.witness.patches, list(self.witness.changes.values()))
        if self.whole:
            self._come_back()
        tip = self.target
        total = len(self.witness.patches)
        with self.ui.progress("Replaying patches", total) as step:
            done = 0
            for layer in self.stack.layers:
                for commit in layer.commits:
                    new_tip = self._one(layer, commit, tip)
                    if new_tip is None:
                        self._tell_kept()
                        return self.out
                    tip = self.folding.fold(commit, new_tip)
                    done += 1
                    step(done)
                self.out.tips[layer.role] = tip
        if self.whole:
            self._stamp(tip)
        self._tell_kept()
        return self.out

    def _come_back(self) -> None:
        """The patches that were dropped as landed and are not upstream any more come to the table (L16)."""
        returns = self.ledger.returns(self.witness.history)
        self.account.returned = {one.entry.old: one for one in returns}
        self.out.snags += self.ledger.questions(returns)
        self.out.notes += self.ledger.notes(returns)
        self.out.results += self.ledger.results(returns)

    def _one(self, layer: Layer, commit: Commit, tip: Oid) -> Oid | None:
        """Replay one patch on `tip`; the new tip, or None at a stop."""
        oid = commit.oid
        if (reason := self.choices.skip.get(oid)) is not None:
            self._drop(layer.role, commit, Verdict.SKIPPED, reason)
            return tip
        if oid in self.choices.resolutions:
            return self._resolved(layer, commit, tip)
        ours = self.objects.commit(tip).tree
        stamp = Provenance.of(commit.text).is_stamp
        change = self.generated.neutral(self.witness.changes[oid], ours, stamp=stamp)
        was_stamp = self._is_stamp(commit, change)
        if was_stamp and change.base == change.theirs:
            self._drop(layer.role, commit, Verdict.STAMP, "generated anew at every sync")
            return tip
        unmoved = (
            oid not in self.anew and commit.parents == (tip,) and change == self.witness.changes[oid] and not was_stamp
        )
        result = commit.tree if unmoved else self.engine.apply(change, ours)
        new: Oid | None = None
        content = self.generated.content(change, result, ours)
        if isinstance(result, str) and (content != ours or not change.touches):
            new = oid if unmoved else self._commit(commit, result, tip, was_stamp)
        if was_stamp:
            self._amended.add(oid)
        asked = self.judged is None or oid in self.judged
        identity = self.witness.identity(commit, layer, content, ours) if asked else Identity(State.NONE)
        evidence = self.witness.evidence(commit, identity, content, ours, new)
        decision = judge(layer.role, identity.state, evidence)
        if asked and evidence.born_empty and (before := self.witness.landed_before(commit)) is not None:
            self._drop(layer.role, commit, Verdict.LANDED, f"empty: {before[:9]} was in the snapshot already")
            return tip
        judged, decision = decision, self._chosen(commit, decision, evidence.content)
        self.out.grounds[oid] = Grounds(layer.role, commit, identity, evidence, result, judged, decision)
        followed = self._follow(layer, commit, tip, identity, evidence, decision, result, new)
        if new is not None and followed == new:
            self.engine.stepped(change, self.objects.commit(new).tree)
            if new != oid:
                self._audit(commit, ours, new, resolved=False)
        return followed

    def _audit(self, commit: Commit, ours: Oid, new: Oid, *, resolved: bool) -> None:
        """Tell of the patch what its merge or resolution may have lost or doubled; refuse for it when strict."""
        change, result = self.witness.content[commit.oid], self.objects.commit(new).tree
        found = audit(self.git, self.objects, change, ours, result, resolved=resolved)
        entry = max(index for index, one in enumerate(self.out.results) if one.old == commit.oid)
        told = self.out.results[entry]
        self.out.results[entry] = replace(told, notes=(*told.notes, *(one.message for one in found)))
        self.out.snags += [one.snag(commit) for one in found if self.choices.strict]

    def _chosen(self, commit: Commit, decision: Decision, content: Content) -> Decision:
        """The decision after ``--keep``, ``--drop`` and ``--allow``."""
        if commit.oid in self.choices.drop:
            asked = decision.snag is not None
            return Decision(decision.verdict if asked else Verdict.SKIPPED, Fate.DROPPED)
        if commit.oid in self.choices.keep:
            verdict = Verdict.RETURNED if commit.oid in self.ledger.restored else decision.verdict
            if content is Content.CONFLICT:
                return Decision(verdict, Fate.UNRESOLVED)
            if content is Content.CLEAN:
                return Decision(verdict, Fate.KEPT)
        if decision.snag in self.choices.allow:
            # Allowed in general: upstream's form of a change wins, and what is not upstream's is kept.
            fate = Fate.DROPPED if decision.verdict is Verdict.LANDED_TWEAKED else Fate.KEPT
            return Decision(decision.verdict, fate)
        return decision

    def _follow(
        self,
        layer: Layer,
        commit: Commit,
        tip: Oid,
        identity: Identity,
        evidence: Evidence,
        decision: Decision,
        result: Oid | Conflict,
        new: Oid | None,
    ) -> Oid | None:
        entry = self.account.entry(layer.role, commit, identity, evidence, decision)
        if self.out.stop is not None:
            entry = replace(entry, assumes=(self.out.stop.commit.oid,))
        if decision.fate is Fate.DROPPED:
            if commit.oid in self.choices.keep:
                entry = replace(entry, notes=(*entry.notes, "nothing of it is left that --keep could keep"))
            self.out.results.append(entry)
            return tip
        if decision.fate is Fate.KEPT and new is not None:
            self.out.results.append(replace(entry, new=new))
            return new
        if decision.snag is not None:
            self.out.snags.append(self.account.question(commit, decision, entry, evidence))
            entry = replace(entry, paths=result.paths if isinstance(result, Conflict) else ())
            self.out.results.append(replace(entry, new=new))
            return new or tip
        if not isinstance(result, Conflict):
            raise Bug(f"no rule for {commit.oid[:12]} {commit.subject}", hints=["please report this"])
        culprit = self.witness.culprit(commit, self.stack.base, result)
        if self.out.stop is None:
            self.out.stop = Stop(layer.role, commit, tip, result, decision.verdict, culprit, entry.reason)
        if not self.dry_run:
            return None
        told = culprit is not None and culprit.oid in entry.upstream
        because = [f"because of upstream's {describe(culprit)}"] if culprit and not told else []
        reason = "; ".join([*because, *filter(None, [entry.reason])])
        self.out.results.append(replace(entry, paths=result.paths, reason=reason))
        return tip

    def _drop(self, role: Role, commit: Commit, verdict: Verdict, reason: str) -> None:
        self.out.results.append(PatchResult(role, commit.oid, None, commit.subject, Fate.DROPPED, verdict, reason))

    def _commit(self, commit: Commit, tree: Oid, parent: Oid, was_stamp: bool) -> Oid:
        """The patch's own author and message on a new parent; the same commit again if it was made before."""
        key = f"{commit.oid} {parent}"
        new = self.choices.made.get(key)
        if new is None or not self.objects.exists(new) or self.objects.commit(new).tree != tree:
            message = without_stamp_trailers(commit.message) if was_stamp else commit.message
            new = self.committer.commit(tree, [parent], message, commit.author, commit.encoding)
        self.out.made[key] = new
        return new

    def _resolved(self, layer: Layer, commit: Commit, tip: Oid) -> Oid:
        """Take the commits that a person made of the patch; the first is it, the others are added."""
        made = self.choices.resolutions[commit.oid]
        if not made:
            self._drop(layer.role, commit, Verdict.EMPTIED, "resolved to nothing")
            return tip
        first = self.objects.commit(made[0])
        if first.parents != (tip,):
            raise Bug(
                f"the resolution of {commit.oid[:12]} sits on {first.parents[0][:12]}, not on {tip[:12]}",
                hints=["the operation's --abort restores everything", "please report this"],
            )
        for index, oid in enumerate(made):
            new = self.objects.commit(oid)
            source = commit.oid if index == 0 else None
            fate, verdict = (Fate.KEPT, Verdict.CHANGED) if source else (Fate.NEW, Verdict.ADDED)
            how = "resolved by rerere" if commit.oid in self.choices.rerere else BY_HAND
            reason = how if source else ""
            self.out.results.append(PatchResult(layer.role, source, oid, new.subject, fate, verdict, reason))
        self._audit(commit, self.objects.commit(tip).tree, made[-1], resolved=True)
        self.generated.resolved(self.witness.changes[commit.oid], self.objects.commit(tip).tree, made)
        self.engine.stepped(self.witness.changes[commit.oid], self.objects.commit(made[-1]).tree)
        return made[-1]

    def _is_stamp(self, commit: Commit, change: Change) -> bool:
        """Whether the commit was a stamp: by its trailers, or because it changes nothing but generated text."""
        if Provenance.of(commit.text).is_stamp:
            return True
        return bool(self.witness.changes[commit.oid].touches) and change.base == change.theirs

    def _stamp(self, tip: Oid) -> None:
        """Remake the stamp as the last commit of the patches layer; none if there is nothing to write or remember."""
        results, adopt = self.out.results, self.choices.adopt
        written = self.generated.write(tip, self.stack, self.target, self.date, results, adopt=adopt)
        self.out.snags += [written.snag] if written.snag else []
        self.out.notes += written.notes
        had = [one for one in self.out.results if not self.judged or one.old not in self.judged]
        dropped = self.ledger.remember(had, self.witness.history)
        sets = written.tree != self.objects.commit(tip).tree
        if not sets and (not dropped or tip == self.out.tips[Role.PICKS]):
            return
        message = Stamp(self.date, self.target, self.out.tips[Role.PICKS], dropped, sets).message()
        self._finish_stamp(tip, written.tree, message)

    def _finish_stamp(self, tip: Oid, tree: Oid, message: bytes) -> None:
        for index, result in enumerate(self.out.results):
            if result.verdict is Verdict.STAMP and result.old is not None:
                old = self.objects.commit(result.old)
                if (old.parents, old.tree, old.message) == ((tip,), tree, message):
                    self.out.results[index] = replace(result, new=old.oid, fate=Fate.KEPT)
                    self.out.stamp = old.oid
        if self.out.stamp is None:
            self.out.stamp = self.committer.commit(tree, [tip], message)
            subject = message.decode().partition("\n")[0]
            self.out.results.append(PatchResult(Role.PATCHES, None, self.out.stamp, subject, Fate.NEW, Verdict.STAMP))
        self.out.tips[Role.PATCHES] = self.out.stamp

    def _tell_kept(self) -> None:
        """Call those kept patches carried whose patch-id is what it was, context and all; see what the others lack."""
        pairs = [
            (index, result)
            for index, result in enumerate(self.out.results)
            if result.verdict is Verdict.CHANGED
            and result.old
            and result.new
            and not result.reason
            and result.old not in self._amended
        ]
        moved = [(r.old, self.objects.commit(r.new)) for _, r in pairs if r.old and r.new and r.old != r.new]
        made = changes(self.git, [(tree_of_parent(self.objects, new), new.tree) for _, new in moved])
        read = [
            oid
            for (old, new), change in zip(moved, made, strict=True)
            if change.touches != self.witness.changes[old].touches  # the very same files need no reading
            for oid in (old, new.oid)
        ]
        identities = patch_ids(self.git, read, verbatim=True)
        for index, result in pairs:
            old, new = result.old, result.new
            if old == new or (old and new and identities.get(old) == identities.get(new)):
                self.out.results[index] = replace(result, verdict=Verdict.CARRIED)
        tell_parts(self.git, self.witness, self.out.results)
