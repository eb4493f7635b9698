"""When a patch may be dropped: what upstream's history says of it, what its replay says, and the table of both.

A drop is right only if the new snapshot holds the content, or upstream's own, unreverted version of the very
same change. Missing data is no evidence for a drop (design: Verdicts).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from git_poolside.stack.model import Commit, Fate, Oid, Role, Verdict
from git_poolside.stack.provenance import Undoing, bare_title, cherry_origin, pull_number, revert_reason, undoing


@dataclass(frozen=True, slots=True)
class UpstreamCommit:
    """What matters of one commit of upstream's; all of it is in the commit, so it never goes stale."""

    oid: Oid
    time: int
    subject: str
    title: str
    number: int | None
    undoing: Undoing | None
    reason: str = ""

    @classmethod
    def of(cls, oid: Oid, time: int, message: str, repository: str) -> UpstreamCommit:
        """The facts of a commit with that message; `repository` is upstream's, ``owner/name``."""
        return cls(
            oid,
            time,
            message.lstrip("\n").partition("\n")[0],
            bare_title(message),
            pull_number(message, repository),
            undoing(message, repository),
            revert_reason(message),
        )


@dataclass(frozen=True)
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


class State(Enum):
    """What upstream's last word on a patch is."""

    NONE = "none"
    LANDED = "landed"
    REVERTED = "reverted"


@dataclass(frozen=True)
class Identity:
    """Upstream's events about one patch up to the target; `later` is its landing after that, if that stands.

    `landings` and `reverts` are in order; `signals` are the words for what agreed on the landings since the
    last revert: ``trailer``, ``pull request``, ``patch-id``, ``reland``.
    """

    state: State
    landings: tuple[UpstreamCommit, ...] = ()
    reverts: tuple[UpstreamCommit, ...] = ()
    signals: tuple[str, ...] = ()
    later: UpstreamCommit | None = None
    number: int | None = None


def identify(commit: Commit, role: Role, history: History, same_patch: Sequence[Oid], repository: str) -> Identity:
    """Who landed this patch, and was that taken back: the last event up to the target decides.

    `same_patch` are upstream's commits whose patch-id is the patch's and whose content confirms it (L10).
    `repository` is upstream's, ``owner/name``; in the fork's own patches a number in the subject is the fork's.
    """
    origin = cherry_origin(commit.text)
    number = pull_number(commit.text, repository, subject_counts=role is Role.PICKS)
    signals: dict[int, set[str]] = {}
    if origin is not None and Oid(origin) in history.position:
        signals.setdefault(history.position[Oid(origin)], set()).add("trailer")
    for index in history.by_number.get(number, ()) if number is not None else ():
        about = history.commits[index].undoing
        if about is None or about.sign > 0:
            signals.setdefault(index, set()).add("pull request")
    for oid in same_patch:
        if oid in history.position:
            signals.setdefault(history.position[oid], set()).add("patch-id")

    told = _About(
        {bare_title(commit.text)} | {history.commits[index].title for index in signals},
        {n for n in (number, *(history.commits[index].number for index in signals)) if n is not None},
    )
    if origin is not None:
        told.note(origin, None, 1)
    state, later = State.NONE, None
    landings: list[UpstreamCommit] = []
    reverts: list[UpstreamCommit] = []
    agreed: set[str] = set()
    for index in sorted({*signals, *history.undoers}):
        event = history.commits[index]
        sign = 1 if index in signals else told.sign_of(event, history)
        if sign == 0:
            continue
        told.note(event.oid, event.number, sign)
        if index >= history.target_at:
            later = (later or event) if sign > 0 else None
        elif sign > 0:
            if state is State.REVERTED:
                agreed.clear()
            state = State.LANDED
            landings.append(event)
            agreed |= signals.get(index, {"reland"})
        else:
            state = State.REVERTED
            reverts.append(event)
    order = ("trailer", "pull request", "patch-id", "reland")
    return Identity(state, tuple(landings), tuple(reverts), tuple(s for s in order if s in agreed), later, number)


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
        return about.sign if about.title in self.titles and not about.numbers else 0


class Content(Enum):
    """What the replay of a patch on its new base gave."""

    EMPTY = "empty"
    CLEAN = "clean"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Evidence:
    """What content says of a patch.

    `same_change`: the landing did the very same (equal on the patch's paths when the patch is applied to its
    parent). `reverse_applies`: taking the patch back works on the target: the target holds it. `undone`: at
    some commit after the landing it applied anew. `lines_gone`: fewer lines changed than before. `elsewhere`: the
    patch touches a path that no landing does.
    `same_patch_id`: nothing around the change moved either.
    """

    content: Content
    same_change: bool = False
    reverse_applies: bool = False
    lines_gone: bool = False
    same_patch_id: bool = False
    born_empty: bool = False
    undone: bool = False
    elsewhere: bool = False


@dataclass(frozen=True)
class Decision:
    """A verdict with its fate; `snag` names the doubt where a person is asked."""

    verdict: Verdict
    fate: Fate
    snag: str | None = None


def judge(role: Role, state: State, evidence: Evidence) -> Decision:
    """The table of design's "Verdicts"."""
    content = evidence.content
    if state is State.LANDED:
        if content is Content.EMPTY:
            return Decision(Verdict.LANDED, Fate.DROPPED)
        asked = Decision(Verdict.UNDONE_SILENTLY, Fate.UNRESOLVED, "undone-silently")
        if content is Content.CONFLICT and evidence.undone:
            return asked
        if evidence.same_change:
            held = content is Content.CONFLICT or evidence.reverse_applies
            return Decision(Verdict.LANDED, Fate.DROPPED) if held else asked
        if content is Content.CONFLICT:
            if role is Role.PICKS and not evidence.elsewhere:
                return Decision(Verdict.LANDED_TWEAKED, Fate.DROPPED)
            return Decision(Verdict.LANDED_TWEAKED, Fate.UNRESOLVED, "landed-tweaked")
        if evidence.lines_gone:
            return Decision(Verdict.LANDED_PARTLY, Fate.KEPT)
    if state is State.REVERTED:
        if content is Content.EMPTY and not evidence.born_empty:
            return Decision(Verdict.LANDED, Fate.DROPPED)
        fate = Fate.UNRESOLVED if content is Content.CONFLICT else Fate.KEPT
        return Decision(Verdict.REVERTED_UPSTREAM, fate)
    if content is Content.CONFLICT:
        return Decision(Verdict.CONFLICT, Fate.UNRESOLVED)
    if content is Content.EMPTY and not evidence.born_empty:
        return Decision(Verdict.EMPTIED, Fate.DROPPED)
    if evidence.same_patch_id:
        return Decision(Verdict.CARRIED, Fate.KEPT)
    return Decision(Verdict.CHANGED, Fate.KEPT)
