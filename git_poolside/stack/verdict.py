"""When a patch may be dropped: what upstream's history says of it, what its replay says, and the table of both.

A drop is right only if the new snapshot holds the content, or upstream's own, unreverted version of the very
same change. Missing data is no evidence for a drop (design: Verdicts).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from git_poolside.stack.model import Commit, Fate, Oid, Role, Verdict
from git_poolside.stack.nightly import utc_date
from git_poolside.stack.provenance import Undoing, bare_title, cherry_origin, pull_number, revert_reason, undoing
from git_poolside.stack.values import field, frozen, replace


class UpstreamCommit(NamedTuple):
    """What matters of one commit of upstream's; all of it is in the commit, so it never goes stale."""

    oid: Oid
    time: int
    subject: str
    number: int | None
    undoing: Undoing | None
    reason: str = ""

    @property
    def title(self) -> str:
        return bare_title(self.subject)

    @classmethod
    def of(cls, oid: Oid, time: int, message: str, repository: str) -> UpstreamCommit:
        """The facts of a commit with that message; `repository` is upstream's, ``owner/name``."""
        return cls(
            oid,
            time,
            message.lstrip("\n").partition("\n")[0],
            pull_number(message, repository),
            undoing(message, repository),
            revert_reason(message),
        )


@frozen
class History:
    """Upstream's commits from the stack's base on, oldest first; those from `target_at` on are not in the target."""

    commits: Sequence[UpstreamCommit]
    target_at: int
    position: Mapping[Oid, int] = field(default_factory=dict)
    by_number: Mapping[int, Sequence[int]] = field(default_factory=dict)
    undoers: Sequence[int] = ()

    @classmethod
    def of(cls, commits: Sequence[UpstreamCommit], target_at: int) -> History:
        by_number: dict[int, list[int]] = {}
        for index, commit in enumerate(commits):
            if commit.number is not None:
                by_number.setdefault(commit.number, []).append(index)
        return cls(
            commits,
            target_at,
            {commit.oid: index for index, commit in enumerate(commits)},
            by_number,
            [index for index, commit in enumerate(commits) if commit.undoing is not None],
        )


def describe(commit: UpstreamCommit) -> str:
    """An upstream commit on one line: hash, subject, date."""
    return f"{commit.oid[:9]} {commit.subject} ({utc_date(commit.time)})"


class State(Enum):
    """What upstream's last word on a patch is."""

    NONE = "none"
    LANDED = "landed"
    REVERTED = "reverted"


@frozen
class Identity:
    """Upstream's events about one patch up to the target; `later` is its landing after that, if that stands.

    `landings` and `reverts` are in order, `standing` the landings since the last revert; `signals` are words of
    `SIGNALS`, for what named those. `undone_later` takes a standing landing back after the target.
    """

    state: State
    landings: tuple[UpstreamCommit, ...] = ()
    reverts: tuple[UpstreamCommit, ...] = ()
    signals: tuple[str, ...] = ()
    later: UpstreamCommit | None = None
    number: int | None = None
    standing: tuple[UpstreamCommit, ...] = ()
    undone_later: UpstreamCommit | None = None


SIGNALS = {
    "trailer": "the patch's (cherry picked from commit ...) line names the landing",
    "pull": "the landing has the patch's pull request number",
    "patch-id": "both have the same git-patch-id(1), and content confirms it",
    "reland": "the landing's words or hashes bring back what was reverted",
    "content": "a tree of upstream's held the whole patch: it was squashed with others, or split",
    "same-result": "applied to the landing's parent, the patch gives the landing's files",
    "reverse-apply": "the patch can be taken back from the new snapshot, so it is there",
}
"""What can speak for a landing, and what each word means; the first five name it, the others are content's."""


def identify(
    commit: Commit,
    role: Role,
    history: History,
    same_patch: Sequence[Oid],
    repository: str,
    how: str = "patch-id",
) -> Identity:
    """Who landed this patch, and was that taken back: the last event up to the target decides.

    `same_patch` are upstream's commits that content says hold the patch; `how` is the word of `SIGNALS` for why
    it was asked (an equal patch-id alone is no evidence, edge case L10).
    `repository` is upstream's, ``owner/name``; in the fork's own patches a number in the subject is the fork's.
    """
    origin = cherry_origin(commit.text)
    number = pull_number(commit.text, repository, subject_counts=role is Role.PICKS)
    signals = _numbered(number, history)
    if number is not None and pull_number(commit.text, repository, subject_counts=False) is None:
        # A bare number may be the fork's, of a patch that was moved: upstream's has the title with it, or part of it.
        title = bare_title(commit.text)
        alike = [index for index in signals if _one_begins_the_other(title, history.commits[index].title)]
        signals = {index: signals[index] for index in alike}
    if origin is not None and Oid(origin) in history.position:
        signals.setdefault(history.position[Oid(origin)], set()).add("trailer")
    for oid in same_patch:
        if oid in history.position:
            signals.setdefault(history.position[oid], set()).add(how)

    told = _About(
        {bare_title(commit.text)} | {history.commits[index].title for index in signals},
        {n for n in (number, *(history.commits[index].number for index in signals)) if n is not None},
    )
    if origin is not None:
        told.note(origin, None, 1)
    return _walk(State.NONE, signals, told, history, number)


def _one_begins_the_other(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def aftermath(landed: Oid, message: str, history: History, repository: str) -> Identity:
    """What upstream did with its own commit `landed`, which has that message, as far as `history` goes."""
    number = pull_number(message, repository)
    signals = _numbered(number, history)
    told = _About({bare_title(message)}, {number} if number is not None else set())
    if landed in history.position:
        signals[history.position[landed]] = {"trailer"}
        return _walk(State.NONE, signals, told, history, number)
    told.note(landed, number, 1)
    return _walk(State.LANDED, signals, told, history, number)


def _numbered(number: int | None, history: History) -> dict[int, set[str]]:
    """The places of the landings of a pull request; its reverts may carry the number too."""
    about = {index: history.commits[index].undoing for index in history.by_number.get(number or 0, ())}
    return {index: {"pull"} for index, undoing in about.items() if undoing is None or undoing.sign > 0}


def _walk(
    state: State, signals: Mapping[int, set[str]], told: _About, history: History, number: int | None
) -> Identity:
    """The events in order, from `state` on: the last one up to the target decides."""
    later: UpstreamCommit | None = None
    undone_later: UpstreamCommit | None = None
    landings: list[UpstreamCommit] = []
    reverts: list[UpstreamCommit] = []
    standing: list[UpstreamCommit] = []
    agreed: set[str] = set()
    for index in sorted({*signals, *history.undoers}):
        event = history.commits[index]
        sign = 1 if index in signals else told.sign_of(event, history)
        if sign == 0:
            continue
        told.note(event.oid, event.number, sign)
        if index >= history.target_at:
            later = (later or event) if sign > 0 else None
            undone_later = None if sign > 0 or state is not State.LANDED else event
        elif sign > 0:
            state = State.LANDED
            landings.append(event)
            standing.append(event)
            agreed |= signals.get(index, {"reland"})
        else:
            state = State.REVERTED
            reverts.append(event)
            standing.clear()
            agreed.clear()
    words = tuple(word for word in SIGNALS if word in agreed)
    return Identity(state, tuple(landings), tuple(reverts), words, later, number, tuple(standing), undone_later)


_ENOUGH = 30
"""A title cut to fewer characters than this names nothing."""


class _About:
    """What is known to be about one patch: its titles and numbers, and the effect of each event so far."""

    def __init__(self, titles: set[str], numbers: set[int]) -> None:
        self.titles = titles
        self.numbers = numbers
        self.by_commit: dict[str, int] = {}
        self.by_number: dict[int, int] = {}

    def note(self, oid: str, number: int | None, sign: int) -> None:
        self.by_commit[oid] = sign
        if number is not None:
            self.by_number[number] = sign

    def sign_of(self, event: UpstreamCommit, history: History) -> int:
        """+1 if `event` brings the patch back, -1 if it takes it away, 0 if it is about something else."""
        about = event.undoing
        if about is None:
            return 0
        for oid, sign in self.by_commit.items():
            if any(oid.startswith(named) for named in about.commits):
                return -sign
        for number in about.pulls:
            if number in self.by_number:
                return -self.by_number[number]
        if not self.by_commit:
            return 0
        # What is named counts; words count only where nothing that history knows is named.
        if any(Oid(named) in history.position for named in about.commits) or any(
            number in history.by_number for number in about.pulls
        ):
            return 0
        if any(number in self.numbers for number in about.numbers):
            return about.sign
        return about.sign if self._is_title(about.title) and not about.numbers else 0

    def _is_title(self, title: str) -> bool:
        """Whether it is one of the titles, or the beginning of one that the forge has cut."""
        cut = title.removesuffix("…")
        return title in self.titles or (
            title != cut and len(cut) >= _ENOUGH and any(known.startswith(cut) for known in self.titles)
        )


class Content(Enum):
    """What the replay of a patch on its new base gave."""

    EMPTY = "empty"
    CLEAN = "clean"
    CONFLICT = "conflict"


@frozen
class Evidence:
    """What content says of a patch.

    `same_change`: the landing did the very same (equal on the patch's paths when the patch is applied to its
    parent). `reverse_applies`: taking the patch back works on the target: the target holds it. `undone`: at
    some commit after the landing it applied anew. `lines_gone`: fewer lines changed than before. `elsewhere`: the
    patch touches a path that no landing does.
    `same_patch_id`: nothing around the change moved either. `relanded`: the patch reverts a commit of upstream's
    which upstream reverted too, and then landed again: that is the landing (edge case L15).
    `held`: some tree of upstream's since the old base held all of the patch (edge cases L4, L5).
    """

    content: Content
    same_change: bool = False
    reverse_applies: bool = False
    lines_gone: bool = False
    same_patch_id: bool = False
    born_empty: bool = False
    undone: bool = False
    elsewhere: bool = False
    relanded: UpstreamCommit | None = None
    held: bool = False

    @property
    def signals(self) -> tuple[str, ...]:
        """The words of `SIGNALS` for what content says."""
        said = (("same-result", self.same_change), ("reverse-apply", self.reverse_applies))
        return tuple(word for word, holds in said if holds)


@frozen
class Decision:
    """A verdict with its fate; `snag` names the doubt where a person is asked, `rule` the table's row."""

    verdict: Verdict
    fate: Fate
    snag: str | None = None
    rule: str = field(default="", compare=False)


def judge(role: Role, state: State, evidence: Evidence) -> Decision:
    """The table of design's "Verdicts"."""
    content = evidence.content
    empty = content is Content.EMPTY and not evidence.born_empty
    if evidence.relanded is not None and content is not Content.EMPTY:
        rule = "a revert of ours, and upstream reverted the same and landed it again -> asked"
        return Decision(Verdict.REVERTED_UPSTREAM, Fate.UNRESOLVED, "undone-silently", rule)
    if state is State.LANDED and (decision := _landed(role, evidence)) is not None:
        return decision
    if state is State.REVERTED:
        if empty:
            rule = "reverted upstream, but empty after all -> landed: dropped"
            return Decision(Verdict.LANDED, Fate.DROPPED, rule=rule)
        fate = Fate.UNRESOLVED if content is Content.CONFLICT else Fate.KEPT
        rule = "reverted upstream, and it is not empty -> kept (a conflict stops)"
        return Decision(Verdict.REVERTED_UPSTREAM, fate, rule=rule)
    if content is Content.CONFLICT:
        return Decision(Verdict.CONFLICT, Fate.UNRESOLVED, rule="not landed, and it conflicts -> stop")
    if empty:
        return Decision(Verdict.EMPTIED, Fate.DROPPED, rule="nobody names it, and it became empty -> dropped")
    if evidence.same_patch_id:
        return Decision(Verdict.CARRIED, Fate.KEPT, rule="not landed, and the same patch -> kept")
    rule = "landed, yet it applies whole -> kept, with a note" if state is State.LANDED else "not landed -> kept"
    return Decision(Verdict.CHANGED, Fate.KEPT, rule=rule)


def _landed(role: Role, evidence: Evidence) -> Decision | None:
    """The rows for what has landed and stands; None where the patch applies whole all the same."""
    content = evidence.content
    if content is Content.EMPTY:
        return Decision(Verdict.LANDED, Fate.DROPPED, rule="landed, and it is empty -> dropped")
    rule = "landed, but at a later commit it applied anew: upstream undid it without a word -> asked"
    asked = Decision(Verdict.UNDONE_SILENTLY, Fate.UNRESOLVED, "undone-silently", rule)
    if content is Content.CONFLICT and evidence.undone:
        return asked
    if evidence.same_change or evidence.held:
        if content is Content.CONFLICT:
            rule = "landed, the same change, and a conflict because upstream edited on -> dropped"
            return Decision(Verdict.LANDED, Fate.DROPPED, rule=rule)
        if evidence.reverse_applies:
            rule = "landed, the same change, and it can be taken back: it is there -> dropped"
            return Decision(Verdict.LANDED, Fate.DROPPED, rule=rule)
        return replace(asked, rule="landed, the same change, but it applies anew: upstream undid it -> asked")
    if content is Content.CONFLICT:
        if role is Role.PICKS and not evidence.elsewhere:
            rule = "landed in another form, a pick in conflict -> dropped, upstream's version wins"
            return Decision(Verdict.LANDED_TWEAKED, Fate.DROPPED, rule=rule)
        what = "an own patch" if role is Role.PATCHES else "a pick that does more than the landing"
        rule = f"landed in another form, {what} in conflict -> asked"
        return Decision(Verdict.LANDED_TWEAKED, Fate.UNRESOLVED, "landed-tweaked", rule)
    if evidence.lines_gone:
        return Decision(Verdict.LANDED_PARTLY, Fate.KEPT, rule="landed in part -> the rest is kept")
    return None
