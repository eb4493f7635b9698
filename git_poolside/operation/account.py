"""The account of each patch: its line in the report, with the reason in words, and the question where one is asked."""

from __future__ import annotations

from collections.abc import Sequence

from git_poolside.operation.choices import Choices
from git_poolside.operation.evidence import Witness
from git_poolside.operation.ledger import Return
from git_poolside.stack.model import Commit, Fate, PatchResult, Role, Snag, Verdict, keep_or_drop
from git_poolside.stack.verdict import SIGNALS, Decision, Evidence, Identity, State, describe

_CITED = 3
"""So many of several landings are named in a reason."""


class Account:
    """Words for what was decided; `results` are the lines so far, of which picks may be cited."""

    def __init__(self, witness: Witness, choices: Choices, results: Sequence[PatchResult]) -> None:
        self.witness = witness
        self.choices = choices
        self.results = results
        self.returned: dict[str, Return] = {}

    def entry(
        self, role: Role, commit: Commit, identity: Identity, evidence: Evidence, decision: Decision
    ) -> PatchResult:
        """The line of one patch, without its new commit."""
        cited = (*identity.landings, *identity.reverts)
        held = identity.state is State.LANDED or decision.verdict is Verdict.LANDED
        landed = identity.landings[-1].oid if identity.landings and held else None
        reason = self._reason(commit, identity, evidence, decision)
        if decision.verdict is Verdict.EMPTIED:
            cited = self.witness.brought(commit)
            if commit.oid not in self.choices.drop:
                reason = self._emptied(commit)
        agreed = {*identity.signals, *(evidence.signals if identity.state is State.LANDED else ())}
        return PatchResult(
            role,
            commit.oid,
            None,
            commit.subject,
            decision.fate,
            decision.verdict,
            reason,
            tuple(one.oid for one in cited),
            identity.landings[-1].number if identity.landings else identity.number,
            tuple(word for word in SIGNALS if word in agreed),
            notes=tuple(self._notes(commit, identity, decision)),
            landed=landed,
        )

    def _notes(self, commit: Commit, identity: Identity, decision: Decision) -> list[str]:
        notes: list[str] = []
        if identity.later is not None and decision.fate is not Fate.DROPPED:
            when = self.witness.first_nightly(identity.later.oid)
            notes.append(f"landed later, as {describe(identity.later)}: {when}")
        if identity.undone_later is not None and decision.fate is Fate.DROPPED:
            revert = identity.undone_later
            why = f": {revert.reason}" if revert.reason else ""
            notes.append(f"taken back after this nightly by {describe(revert)}{why}; a later sync will ask about it")
        if identity.state is State.LANDED and decision.verdict in (Verdict.CARRIED, Verdict.CHANGED):
            notes.append(
                f"upstream landed {describe(identity.landings[-1])}, but the patch still applies whole: "
                f"--drop {commit.oid[:9]} if it is superseded"
            )
        return notes

    def _reason(self, commit: Commit, identity: Identity, evidence: Evidence, decision: Decision) -> str:
        if commit.oid in self.choices.drop and decision.fate is Fate.DROPPED:
            return self.choices.drop[commit.oid]
        if commit.oid in self.returned and decision.verdict is Verdict.RETURNED:
            return f"{self.returned[commit.oid].why}; put back as asked (--keep)"
        if evidence.relanded is not None:
            return f"it reverts what upstream reverted too, and landed again as {describe(evidence.relanded)}"
        parts: list[str] = []
        if identity.reverts:
            revert = identity.reverts[-1]
            why = f": {revert.reason}" if revert.reason else ""
            parts.append(f"taken back by {describe(revert)}{why}")
        if identity.state is State.LANDED:
            agreed = {*identity.signals, *evidence.signals}
            words = ", ".join(word for word in SIGNALS if word in agreed)
            how = {Verdict.LANDED_TWEAKED: ", changed,", Verdict.LANDED_PARTLY: " in part"}.get(decision.verdict, "")
            again = " again" if identity.reverts else ""
            named = "; ".join(describe(one) for one in identity.standing[-_CITED:])
            parts.append(f"landed{again}{how} as {named}" + (f" [{words}]" if words else ""))
        return "; ".join(parts)

    def _emptied(self, commit: Commit) -> str:
        """What brought the content of a patch that became empty (edge cases L4, L5, L13)."""
        picks = self.witness.picks_in(commit, self.results)
        names = [f"the pick {(pick.new or '')[:9]} {pick.subject}" for pick in picks]
        names += [describe(one) for one in self.witness.brought(commit) or self.witness.near(commit)]
        also = "upstream reverted it too: " if self.witness.takes_back(commit) is not None else ""
        found = "; ".join(names[:_CITED])
        return f"nothing of it is left: {also}{found}" if found else "nothing of it is left on the new base"

    def question(self, commit: Commit, decision: Decision, entry: PatchResult, evidence: Evidence) -> Snag:
        """The snag of a decision that a person has to take."""
        what = {
            "landed-tweaked": "upstream landed it in another form",
            "undone-silently": "it landed, and upstream undid it without saying so",
        }
        name = decision.snag or ""
        said = what.get(name, name) if evidence.relanded is None else "it would take out what upstream landed again"
        return Snag(
            name,
            f"{commit.oid[:9]} {commit.subject}: {said} ({entry.reason})",
            keep_or_drop(commit.oid[:9]),
            commit.oid,
        )
