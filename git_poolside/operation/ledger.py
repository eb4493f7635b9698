"""What earlier syncs dropped because it had landed, and what is to be done when upstream takes a landing back.

The stamp remembers each drop (``Poolside-Dropped``), so any clone knows it; where the stack has no stamp, the
operation log of this clone does. A landing that is reverted since, or that an older snapshot has not, brings the
patch back to the table: snag ``dropped-then-reverted`` (edge case L16).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from git_poolside.config import Config
from git_poolside.errors import FarSideFailed, Refused
from git_poolside.git import line, refs
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.git.remotes import Remote
from git_poolside.operation import log
from git_poolside.operation.choices import Choices
from git_poolside.stack.explanation import explain_dropped
from git_poolside.stack.model import (
    Commit,
    Dropped,
    Fate,
    Layer,
    Oid,
    PatchResult,
    Role,
    Snag,
    Stack,
    Verdict,
    keep_or_drop,
)
from git_poolside.stack.provenance import Provenance
from git_poolside.stack.values import frozen, replace
from git_poolside.stack.verdict import History, Identity, State, UpstreamCommit, aftermath, describe
from git_poolside.ui import Ui

_REMEMBERED = 180 * 24 * 60 * 60
"""Seconds from a landing to the target for which a drop is remembered (design: The stamp)."""

SNAG = "dropped-then-reverted"


def remembered(git: Git, objects: Objects, commits: Sequence[Commit]) -> tuple[Dropped, ...]:
    """The drops that the stack of `commits` remembers, and that are not in it again."""
    stamps = [stamp for stamp in (Provenance.of(commit.text) for commit in commits) if stamp.is_stamp]
    said = [entry for stamp in stamps for entry in stamp.dropped] if stamps else list(_logged(git, objects))
    there = {commit.oid for commit in commits}
    words = {(commit.author, commit.message) for commit in commits}
    found: dict[Dropped, None] = {}
    for old, landed, layer in said:
        if layer not in (Role.PICKS.value, Role.PATCHES.value) or not objects.exists(Oid(landed)) or old in there:
            continue
        if objects.exists(Oid(old)) and (objects.commit(Oid(old)).author, objects.commit(Oid(old)).message) in words:
            continue
        found[Dropped(Oid(old), Oid(landed), Role(layer))] = None
    return tuple(found)


def _logged(git: Git, objects: Objects) -> Iterable[tuple[str, str, str]]:
    """The drops of the operation log, each by the newest operation that has the patch."""
    told: set[str] = set()
    for operation in log.entries(git, objects):
        for result in operation.patches:
            if result.old is None or result.old in told:
                continue
            told.add(result.old)
            for landed in landings(result):
                yield result.old, landed, result.role.value


def landings(result: PatchResult) -> tuple[Oid, ...]:
    """Upstream's commits that a drop rests on: what one of them brought goes if it is taken back."""
    if result.fate is not Fate.DROPPED:
        return ()
    if result.verdict is Verdict.EMPTIED:
        return result.upstream
    return (result.landed,) if result.landed else ()


def title(objects: Objects, entry: Dropped) -> str:
    """The subject of a remembered patch; upstream's where the patch itself is not in this clone."""
    return objects.commit(entry.old if objects.exists(entry.old) else entry.landed).subject


def obtain(git: Git, config: Config, ui: Ui, entry: Dropped, *, fetch: bool) -> None:
    """Have the old patch here: from the fork's server by its hash, else with a published state that holds it.

    Raises `Refused`, saying what to do, if it cannot be had.
    """
    if Objects(git).exists(entry.old):
        return
    if fetch:
        remote = Remote(git, config.remotes.fork, ui)
        for wanted in ([entry.old], [f"{config.published.prefix}*:{config.published.prefix}*"]):
            try:
                remote.fetch(wanted)
            except FarSideFailed:
                continue
            if Objects(git).exists(entry.old):
                return
    asked = f", nor does '{config.remotes.fork}' give it" if fetch else ""
    raise Refused(
        f"the dropped patch {entry.old[:12]} is not in this clone{asked}",
        snag=SNAG,
        patch=entry.old,
        hints=[
            *([] if fetch else ["without --no-fetch it can be fetched"]),
            f"git poolside sync --drop {entry.old[:9]} && git cherry-pick -x {entry.landed[:12]}"
            "   (makes it anew from upstream's commit)",
        ],
    )


@frozen
class Return:
    """A remembered patch whose landing does not stand any more, and why, in words."""

    entry: Dropped
    title: str
    why: str


class Ledger:
    """The remembered drops of one rebuild of `stack` onto `target`; `stack` here has those that were asked back."""

    def __init__(self, git: Git, config: Config, objects: Objects, stack: Stack, target: Oid, choices: Choices) -> None:
        self.git = git
        self.config = config
        self.objects = objects
        self.target = target
        self.choices = choices
        self.entries = remembered(git, objects, [*stack.picks.commits, *stack.patches.commits])
        self._goes_back = not line.is_ancestor(git, stack.base, target)
        self.restored: dict[Oid, Dropped] = {}
        self.stack = stack
        for entry in self.entries:
            if entry.old in choices.keep and entry.old not in self.restored:
                self.restored[entry.old] = entry
                self.stack = self._put_back(self.stack, entry)

    def _put_back(self, stack: Stack, entry: Dropped) -> Stack:
        """`stack` with the old patch above those that it was above of, in its layer."""
        layer = stack.picks if entry.role is Role.PICKS else stack.patches
        upstream = [f"^{self.target}", f"^{stack.base}"]
        below = self.git.lines("rev-list", "--first-parent", "--skip=1", entry.old, *upstream, "--")
        here = {(commit.author, commit.message): at for at, commit in enumerate(layer.commits)}
        words = ((commit.author, commit.message) for commit in map(self.objects.commit, map(Oid, below)))
        at = next((here[one] + 1 for one in words if one in here), 0)
        commits = (*layer.commits[:at], self.objects.commit(entry.old), *layer.commits[at:])
        return _with_layer(stack, replace(layer, commits=commits))

    def returns(self, upstream: History) -> list[Return]:
        """Those whose landing was taken back up to the target, or is not in it."""
        found: dict[Oid, Return] = {}
        for entry in self.entries:
            if entry.old not in found and (why := self._taken_back(entry, upstream)):
                found[entry.old] = Return(entry, title(self.objects, entry), why)
        return list(found.values())

    def _taken_back(self, entry: Dropped, upstream: History) -> str:
        landed = self._landing(entry.landed)
        if self._goes_back and not refs.is_ancestor(self.git, entry.landed, self.target):
            older = refs.is_ancestor(self.git, self.target, self.stack.base)
            lacks = "that older snapshot has not" if older else "upstream's branch has no more"
            return f"was dropped as landed in {describe(landed)}, which {lacks}"
        since = self._since(entry, upstream)
        if since.state is not State.REVERTED:
            return ""
        revert = since.reverts[-1]
        why = f": {revert.reason}" if revert.reason else ""
        return f"was dropped as landed in {describe(landed)}, and upstream took that back in {describe(revert)}{why}"

    def _since(self, entry: Dropped, upstream: History) -> Identity:
        message = self.objects.commit(entry.landed).text
        return aftermath(entry.landed, message, upstream, self.config.github.upstream)

    def _landing(self, oid: Oid) -> UpstreamCommit:
        commit = self.objects.commit(oid)
        return UpstreamCommit.of(oid, commit.commit_time, commit.text, self.config.github.upstream)

    def explained(self, entry: Dropped, upstream: History) -> list[str]:
        """The reasoning about one entry, for ``--explain``."""
        why = self._taken_back(entry, upstream)
        landed, since = self._landing(entry.landed), self._since(entry, upstream)
        return explain_dropped(entry, title(self.objects, entry), landed, since, why)

    def questions(self, returns: Sequence[Return]) -> list[Snag]:
        """A snag for each that nobody has answered yet."""
        return [
            Snag(
                SNAG,
                f"{one.entry.old[:9]} {one.title}: it {one.why}",
                keep_or_drop(one.entry.old[:9], "puts it back", "leaves it out for good"),
                one.entry.old,
            )
            for one in returns
            if not self._answered(one)
        ]

    def _answered(self, one: Return) -> bool:
        return one.entry.old in self.restored or one.entry.old in self.choices.drop

    def notes(self, returns: Sequence[Return]) -> list[str]:
        """What ``--allow dropped-then-reverted`` leaves out."""
        if SNAG not in self.choices.allow:
            return []
        return [
            f"{one.entry.old[:9]} {one.title} stays out: it {one.why}; --keep {one.entry.old[:9]} puts it back"
            for one in returns
            if not self._answered(one)
        ]

    def results(self, returns: Sequence[Return]) -> list[PatchResult]:
        """The account of those that stay dropped because a person said so."""
        return [
            PatchResult(
                one.entry.role, one.entry.old, None, one.title, Fate.DROPPED, Verdict.RETURNED,
                f"it {one.why}; stays out as asked (--drop)",
            )
            for one in returns
            if one.entry.old in self.choices.drop and one.entry.old not in self.restored
        ]  # fmt: skip

    def remember(self, results: Sequence[PatchResult], upstream: History) -> tuple[Dropped, ...]:
        """What the new stamp remembers: what it did, unless answered now, and this rebuild's drops."""
        fates = {result.old: result for result in results if result.old}
        kept: dict[Dropped, None] = {}
        for entry in self.entries:
            fate = fates.get(entry.old)
            if entry.old in self.choices.drop or (fate is not None and not _still_landed(fate)):
                continue
            since = self._since(entry, upstream)
            landed = since.standing[-1].oid if since.standing else entry.landed
            if self._age(landed) <= _REMEMBERED:
                kept[replace(entry, landed=landed)] = None
        for result in results:
            for landed in landings(result) if result.old else ():
                assert result.old
                kept[Dropped(result.old, landed, result.role)] = None
        return tuple(kept)

    def _age(self, commit: Oid) -> int:
        """Seconds from a commit of upstream's to the target."""
        return self.objects.commit(self.target).commit_time - self.objects.commit(commit).commit_time


def _still_landed(result: PatchResult) -> bool:
    """Whether what was put back turned out to be there after all."""
    return result.fate is Fate.DROPPED and result.verdict in (Verdict.EMPTIED, Verdict.LANDED)


def _with_layer(stack: Stack, layer: Layer) -> Stack:
    return replace(stack, picks=layer) if layer.role is Role.PICKS else replace(stack, patches=layer)
