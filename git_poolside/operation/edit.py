"""Edits of the layers as orders: what is to be added, dropped, renewed or moved becomes the plan of an order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from git_poolside.config import Config
from git_poolside.errors import Refused
from git_poolside.git import refs, worktree
from git_poolside.git.diff import patch_ids
from git_poolside.git.layers import StackReader
from git_poolside.git.merge import MergeOrt
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.git.remotes import ask_both, ask_fork
from git_poolside.operation import prepare, tangled
from git_poolside.operation.choices import Choices
from git_poolside.operation.order import Order
from git_poolside.operation.picks import standing_picks
from git_poolside.operation.prepare import Ground
from git_poolside.operation.sources import Sources
from git_poolside.stack.model import Commit, Oid, Role, Stack
from git_poolside.stack.plan import Incoming, Plan, adding, dropping, moving, updating
from git_poolside.stack.provenance import Provenance, cherry_origin, pull_number
from git_poolside.stack.source import carried, named, of_pull
from git_poolside.stack.values import frozen, replace
from git_poolside.ui import Ui


@frozen
class Desk:
    """What an edit is made from: the ground, and the stack on the base that it keeps.

    `listed` is the picks tip before the remotes were asked, whose numbers a person may have in mind.
    """

    git: Git
    config: Config
    ui: Ui
    objects: Objects
    here: Ground
    stack: Stack
    listed: Oid | None

    @property
    def repository(self) -> str:
        return self.config.github.upstream

    @property
    def patches(self) -> list[Commit]:
        """The fork's own patches, without what is generated."""
        return [c for c in self.stack.patches.commits if not Provenance.of(c.text).is_stamp]

    def _named(self, name: str, commits: Sequence[Commit]) -> list[Commit]:
        picks = self.stack.picks.commits
        if name.isdecimal() and len(name) < 4 and self.listed not in (None, self.here.tips.chosen[Role.PICKS]):
            raise Refused(
                f"somebody has changed the picks on '{self.config.remotes.fork}', so {name} may be another one now",
                hints=["git poolside cherry-pick list"],
            )
        return named(name, commits, refs.resolve(self.git, name), self.repository, picks)

    def picks(self, name: str) -> list[Commit]:
        """The picks that a person names: by its number in the list, hash or words one, by ``#N`` maybe several.

        Raises `Refused`.
        """
        found = self._named(name, self.stack.picks.commits)
        if not found and (own := named(name, self.patches, refs.resolve(self.git, name), self.repository)):
            raise Refused(
                f"{own[0].oid[:9]} {own[0].subject} is a patch of the fork's own, not a pick",
                hints=[f"git poolside cherry-pick move {own[0].oid[:9]} --to picks   (makes it one)"],
            )
        return found if name.startswith("#") and found else [_only(name, found, "pick", "picks")]

    def patch(self, name: str) -> Commit:
        """A commit of either layer. Raises `Refused`."""
        found = self._named(name, [*self.stack.picks.commits, *self.patches])
        stamps = [c for c in self.stack.patches.commits if Provenance.of(c.text).is_stamp]
        for stamp in () if found else self._named(name, stamps):
            raise Refused(
                f"{stamp.oid[:9]} {stamp.subject} is the stamp: every operation makes it anew, as the last commit",
                hints=[f"git show {stamp.oid[:9]}   (shows what it holds)"],
            )
        return _only(name, found)

    def sources(self, fetch: bool) -> Sources:
        return Sources(self.git, self.config, self.ui, self.objects, self.stack.base, self.here.upstream, fetch)

    def order(self, command: Sequence[str], plan: Plan, allow: Sequence[str], notes: Sequence[str] = ()) -> Order:
        """The order for a plan; it keeps the base and the date of the stamp."""
        tangled.refuse(self.git, self.config, allow)
        snags = prepare.doubts(self.git, self.config, self.here)
        stands = prepare.standing(self.git, self.config, self.stack.base, self.here.date)
        chosen = replace(stands, date=self.here.date or stands.date)
        choices = Choices(allow=frozenset(allow), strict=self.config.sync.strict)
        made = prepare.fixed(self.git, self.config, command, self.here, chosen, choices, snags, notes)
        return replace(made, plan=plan)


def _only(name: str, found: Sequence[Commit], *what: str) -> Commit:
    by_hash = {commit.oid: commit for commit in found}
    return by_hash[prepare.the_one(name, {oid: commit.subject for oid, commit in by_hash.items()}, *what)]


def desk(git: Git, config: Config, ui: Ui, *, fetch: bool, upstream: bool = False) -> Desk:
    """Ask the fork (and `upstream`), and read the stack. Raises `Refused` where the layers are on two bases."""
    worktree.refuse_in_progress(git)
    listed = standing_picks(git, config)
    if fetch:
        (ask_both if upstream else ask_fork)(git, config, ui)
    objects = Objects(git)
    here = prepare.ground(git, config, objects)
    tips = here.tips.chosen
    with MergeOrt(objects, git.state_dir / "edit") as merge:
        reader = StackReader(git, config, objects, merge, here.upstream)
        stack = reader.read(tips[Role.PICKS], tips[Role.PATCHES], here.base, check_merges=False)
    if not stack.picks.commits:
        stack = replace(stack, base=here.base)
    elif stack.patches.commits and stack.base != here.base:
        raise Refused(
            f"the picks stand on {stack.base[:9]}, the patches on {here.base[:9]}: an edit keeps the base",
            hints=["git poolside sync   (brings both onto one)"],
        )
    return Desk(git, config, ui, objects, here, stack, listed)


def add(at: Desk, words: Sequence[str], fetch: bool) -> tuple[Plan, list[str]]:
    """The plan for new picks, and what there is to say about those that are none. Raises `Refused`."""
    sources = at.sources(fetch)
    found = sources.in_order([one for word in words for one in sources.find(word)])
    notes = sources.notes
    incoming: list[Incoming] = []
    for one in found:
        commit = at.objects.commit(one.commit)
        there = carried(one.commit, at.stack.picks.commits, at.patches)
        if there is not None:
            notes.append(f"{one.commit[:9]} {commit.subject}: carried already, as {there.oid[:9]}")
        elif one.pull is not None and (older := of_pull(one.pull, at.stack.picks.commits, at.repository)) and (
            not _beside(at, one.commit, older)
        ):  # fmt: skip
            notes.append(
                f"{one.commit[:9]} {commit.subject}: carried already, in another version, as {older[0].oid[:9]} "
                f"(git poolside cherry-pick update '#{one.pull}' takes the newer one)"
            )
        else:
            incoming.append(one)
    return adding(at.stack, incoming), notes


def _beside(at: Desk, oid: Oid, picks: Sequence[Commit]) -> bool:
    """Whether a commit stands beside those of its pull request that are picks: they are on the same branch of it."""
    origins = [Oid(origin) for pick in picks if (origin := cherry_origin(pick.text))]
    return any(
        at.objects.exists(one)
        and (refs.is_ancestor(at.git, one, oid) or refs.is_ancestor(at.git, oid, one))
        and not refs.is_ancestor(at.git, one, at.here.upstream)
        for one in origins
    )


def drop(at: Desk, names: Sequence[str], reason: str) -> Plan:
    """The plan without those picks. Raises `Refused`."""
    return dropping(at.stack, {pick.oid: reason for name in names for pick in at.picks(name)})


def move(at: Desk, name: str, to: str | None, before: str | None) -> tuple[Plan, list[str]]:
    """The plan with one patch elsewhere, and what there is to say about it. Raises `Refused`."""
    patch = at.patch(name)
    plan = _moving(at, patch, to, before)
    number = pull_number(patch.text, at.repository)
    new_there = patch.oid in plan.picks and patch in at.stack.patches.commits
    if not new_there or number is None or pull_number(patch.text, at.repository, subject_counts=False) is not None:
        return plan, []
    return plan, [
        f"{patch.oid[:9]} {patch.subject}: as a pick it lands when {at.repository}#{number} does; "
        "if that is another one, write its subject without the number first"
    ]


def _moving(at: Desk, patch: Commit, to: str | None, before: str | None) -> Plan:
    if before is not None:
        above = at.patch(before)
        if above.oid == patch.oid:
            raise Refused(f"{patch.oid[:9]} cannot be moved before itself", hints=["git poolside cherry-pick list"])
        return moving(at.stack, patch.oid, before=above.oid)
    roles = {"picks": Role.PICKS, at.stack.picks.branch: Role.PICKS,
             "patches": Role.PATCHES, at.stack.patches.branch: Role.PATCHES}  # fmt: skip
    if to not in roles:
        move = f"git poolside cherry-pick move {patch.oid[:9]} --to"
        raise Refused(f"'{to}' is no layer that patches are in", hints=[f"{move} picks", f"{move} patches"])
    layer = at.stack.picks if roles[to] is Role.PICKS else at.stack.patches
    if patch in layer.commits:
        raise Refused(
            f"{patch.oid[:9]} {patch.subject} is one of the {roles[to].value} already",
            hints=[f"git poolside cherry-pick move {patch.oid[:9]} --before PATCH   (moves it in its layer)"],
        )
    return moving(at.stack, patch.oid, to=roles[to])


@frozen
class Renewal:
    """The picks of a pull request, and its commits as they are now."""

    number: int
    old: tuple[Commit, ...]
    new: tuple[Incoming, ...]

    @property
    def reason(self) -> str:
        return f"replaced by {', '.join(one.commit[:9] for one in self.new)} of #{self.number}"


def renewals(at: Desk, names: Sequence[str], fetch: bool) -> tuple[list[Renewal], list[str]]:
    """What is newer of the pull requests that the named picks came from (all picks, without names).

    Raises `Refused` for a named pick that came from none.
    """
    sources = at.sources(fetch)
    found: list[Renewal] = []
    notes: list[str] = []
    wanted = [pick for name in names for pick in at.picks(name)] or list(at.stack.picks.commits)
    numbers = {pick.oid: pull_number(pick.text, at.repository) for pick in at.stack.picks.commits}
    for pick in wanted if names else ():
        if numbers[pick.oid] is None:
            raise Refused(
                f"{pick.oid[:9]} {pick.subject} came from no pull request", hints=["git poolside cherry-pick list"]
            )
    for number in dict.fromkeys(numbers[pick.oid] for pick in wanted):
        if number is None:
            continue
        old = tuple(pick for pick in at.stack.picks.commits if numbers[pick.oid] == number)
        try:
            version = sources.pull(number)
        except Refused as error:
            if names:
                raise
            notes.append(error.message)
            continue
        notes += [version.said] if version.said else []
        new = tuple(one for one in version.commits if one.pull == number)
        if new and not _is_it_already(at, old, new):
            found.append(Renewal(number, old, new))
    return found, notes


def _is_it_already(at: Desk, old: Sequence[Commit], new: Sequence[Incoming]) -> bool:
    """Whether picks were made from just these commits, or from upstream's own that did the same (a reland)."""
    origins = [Oid(cherry_origin(pick.text) or "") for pick in old]
    commits = [one.commit for one in new]
    if origins == commits:
        return True
    if not all(at.objects.exists(oid) and refs.is_ancestor(at.git, oid, at.here.upstream) for oid in origins if oid):
        return False
    identities = patch_ids(at.git, [oid for oid in (*origins, *commits) if oid])
    return [identities.get(oid) for oid in origins] == [identities.get(oid) for oid in commits]


def update(at: Desk, found: Sequence[Renewal]) -> Plan:
    """The plan with the newer versions in the place of the older ones."""
    return updating(at.stack, [([pick.oid for pick in one.old], one.new, one.reason) for one in found])


def range_diff(at: Desk, one: Renewal) -> list[str]:
    """How the versions differ: git's own range-diff of each pair of commits (git-range-diff(1))."""
    said: list[str] = []
    for old, new in zip_longest(one.old, one.new):
        if old is None or new is None:
            oid = old.oid if new is None else new.commit
            said.append(f"{'-' if new is None else '+'} {oid[:9]} {at.objects.commit(oid).subject}")
            continue
        pair = [f"{old.oid}^..{old.oid}", f"{new.commit}^..{new.commit}"]
        said += at.git.lines("range-diff", "--creation-factor=100", "--no-notes", "--no-color", *pair)
    return said
