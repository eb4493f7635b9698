"""From a command line to the order for a pull: what the fork's server has, what is only local, what moves where."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from git_poolside.config import Config
from git_poolside.errors import Refused
from git_poolside.git import layers, nightlies, refs, worktree
from git_poolside.git.layers import StackReader, Tips, branch_of
from git_poolside.git.merge import MergeOrt
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.git.quarantine import quarantine
from git_poolside.git.reflogs import reflog
from git_poolside.git.remotes import ask_both, needless
from git_poolside.git.standing import Standing, standing
from git_poolside.operation import log, prepare, tangled
from git_poolside.operation.arriving import entries
from git_poolside.operation.choices import Choices
from git_poolside.operation.dated import standing_date
from git_poolside.operation.former import Former, commits_of, former
from git_poolside.operation.generated import Generated
from git_poolside.operation.order import Order
from git_poolside.operation.prepare import Ground, Wishes
from git_poolside.stack.arrivals import arrivals
from git_poolside.stack.carry import Move
from git_poolside.stack.model import BY_HAND, Oid, Role
from git_poolside.stack.provenance import Provenance
from git_poolside.stack.values import replace
from git_poolside.ui import Ui, count

_BEHIND = (Standing.THEIRS, Standing.DIVERGED)


def order(
    git: Git, config: Config, ui: Ui, objects: Objects, command: Sequence[str], names: Sequence[str], *, fetch: bool,
    wishes: Wishes,
) -> Order:  # fmt: skip
    """The order for a pull of the role branches and the topic branches called `names`. Raises `Refused`.

    Without names the branch that is checked out goes along, if it is a topic of the stack. An order without moves has
    nothing to do.
    """
    tangled.refuse_in_progress(git, config)
    listing: dict[str, Oid] = {}
    if fetch:
        with needless():
            listing = ask_both(git, config, ui, [f"{config.published.prefix}*"])
    layers.refuse_shallow(git)
    tangled.refuse(git, config, wishes.allow)
    upstream = nightlies.upstream_tip(git, config)
    tips = _tips(git, config)
    top = tips.remote[Role.PATCHES]
    if top is None:
        raise Refused(
            f"'{config.remotes.fork}' has no branch '{config.branches.patches}'",
            hints=["git poolside push   (makes it there)"],
        )
    base = layers.base_of(git, config, top, upstream)
    if base is None:
        raise Refused(f"'{config.remotes.fork}' has no history in common with upstream", hints=["git poolside doctor"])
    here = Ground(tips, upstream, base, standing_date(git, config, objects, top))
    with quarantine(git) as inner, MergeOrt(own := Objects(inner.git), inner.git.object_dir) as merge:
        reader = StackReader(inner.git, config, own, merge, upstream)
        known = former(git, config, objects, upstream, listing)
        planner = _Planner(git, config, objects, reader, here, known)
        moves = planner.roles()
        moves += planner.topics(names, moves)
    stands = prepare.standing(git, config, base, here.date)
    chosen = replace(stands, date=here.date or stands.date)
    choices = Choices(strict=config.sync.strict)
    notes = [*reader.notes, *planner.notes]
    made = prepare.fixed(git, config, command, here, chosen, choices, prepare.doubts(git, config, here), notes)
    topics = {move.ref: refs.read_one(git, move.ref) for move in moves if move.role is None}
    made = replace(made, moves=tuple(moves), refs={**made.refs, **topics})
    return prepare.answered(git, config, objects, made, wishes)


def _tips(git: Git, config: Config) -> Tips:
    """What is here and what the server has; the server's count."""
    names = {role: branch_of(config, role) for role in Role}
    values = refs.read(git, [ref for name in names.values() for ref in (config.ref(name), config.fork_ref(name))])
    local = {role: values[config.ref(name)] for role, name in names.items()}
    remote = {role: values[config.fork_ref(name)] for role, name in names.items()}
    return Tips(local, remote, {role: remote[role] or local[role] for role in Role})


class _Planner:
    """Decides for each branch what it alone has, and where it goes."""

    def __init__(
        self, git: Git, config: Config, objects: Objects, reader: StackReader, here: Ground, known: Former
    ) -> None:
        self.git = git
        self.config = config
        self.objects = objects
        self.reader = reader
        self.here = here
        self.known = known
        self.notes: list[str] = []
        self.local, self.remote = self.here.tips.local, self.here.tips.remote
        self.upstreams = layers.upstreams(git, config, here.upstream)
        self.local_own = commits_of(git, config, [oid for oid in self.local.values() if oid], here.upstream)

    def roles(self) -> list[Move]:
        """The moves of the role branches: all go to the fork's, if its picks or its patches have moved on."""
        stands = {role: self._stands(role) for role in Role}
        if not any(stands[role] in _BEHIND for role in (Role.PICKS, Role.PATCHES)):
            behind = stands[Role.SNAPSHOT] is Standing.THEIRS
            return [self._move(Role.SNAPSHOT, [])] if behind else []
        found: list[Move] = []
        for role in Role:
            tip = self.local[role]
            if tip is not None and self.remote[role] is not None:
                limits = [oid for oid in (self.remote[role], self.remote[Role.PATCHES]) if oid]
                mine = [] if role is Role.SNAPSHOT else self._only(tip, [*limits, *self._below(role)])
                found.append(self._move(role, mine))
        self._tell_given_up()
        self._tell_gone()
        return found

    def _tell_given_up(self) -> None:
        """Say what was done to the stack and not pushed that no commit holds: so it is not carried over."""
        unpushed, seen = self._unpushed()
        for edit in (*self._edits(), *self._taken_back(unpushed, seen)):
            self.notes.append(
                f"given up for the fork's stack: {edit} (git poolside undo brings it back; or do it again)"
            )
        if sync := self._sync(unpushed):
            self.notes.append(
                f"given up for the fork's stack: {sync} "
                "(git poolside undo brings it back, and sync --take-in instead of a pull keeps it)"
            )

    def _sync(self, unpushed: Sequence[log.Operation]) -> str:
        """The newest of the syncs, if it came further than the fork has, or one of them has work of a person in it."""
        syncs = [one for one in unpushed if one.kind == "sync"]
        newest, tip = next(iter(syncs), None), self.local[Role.PATCHES]
        if tip is None or newest is None or not (newest.onto and newest.nightly):
            return ""
        by_hand = sum(result.reason == BY_HAND for one in syncs for result in one.patches)
        further = not refs.is_ancestor(self.git, newest.onto, self.here.base)
        if not (further or by_hand) or not refs.is_ancestor(self.git, newest.onto, tip):
            return ""
        resolved = f", {count(by_hand, 'conflict')} resolved by hand" if by_hand else ""
        return f"sync onto the nightly of {newest.nightly['date']}{resolved}"

    def _edits(self) -> Sequence[str]:
        """What was moved, dropped or put in another order since this branch had a tip of the server's."""
        ref = self.config.ref(self.config.branches.patches)
        tips = self.known.tips
        began = next((Oid(oid) for oid in reflog(self.git, ref) if oid in tips[Role.PATCHES]), None)
        picks, patches = self.local[Role.PICKS], self.local[Role.PATCHES]
        if began is None or (patches == began and (picks is None or picks in tips[Role.PICKS])):
            return ()
        line = self.git.lines("rev-list", "--topo-order", began, *(f"^{oid}" for oid in self.upstreams), "--")
        below = next((Oid(oid) for oid in line if oid in tips[Role.PICKS]), None)
        one = self.reader
        reader = StackReader(one.git, one.config, one.objects, one.merge, one.upstream)  # its notes are not for this
        stands = ((below, began), (picks or below, patches), (self.remote[Role.PICKS], self.remote[Role.PATCHES]))
        try:
            old, ours, theirs = (reader.read(*tips, self.here.base, check_merges=False) for tips in stands)
        except Refused:
            return ()  # what is no stack has no edits that could be told
        generated = Generated(one.git, self.config, one.objects)
        had, have, there = (entries(one.git, generated, self.known.lineage, stack) for stack in (old, ours, theirs))
        said = {oid for commit in ours.patches.commits for oid, _, _ in Provenance.of(commit.text).dropped}
        return arrivals(had, have, there, said, changes=False).edits

    def _unpushed(self) -> tuple[list[log.Operation], set[str]]:
        """What has moved branches since the last push and stands, newest first; the ids of all since."""
        undone: set[str] = set()
        seen: set[str] = set()
        found: list[log.Operation] = []
        for operation in log.entries(self.git, self.objects):
            stands = operation.id not in undone
            if operation.kind in ("push", "pull") and stands:
                break
            seen.add(operation.id)
            if stands:
                undone.update(operation.undoes)
                found += [operation] if operation.refs else []
        return found, seen

    def _taken_back(self, found: Sequence[log.Operation], seen: set[str]) -> list[str]:
        """The newer versions of picks that were taken since the last push, and what was undone of before it."""
        updates = (one for one in found if one.command[:2] == ("cherry-pick", "update"))
        return [one.title for one in (*updates, *(one for one in found if set(one.undoes) - seen))]

    def _stands(self, role: Role) -> Standing:
        here, there = self.local[role], self.remote[role]
        if here is None or there is None:
            return Standing.OURS
        name = branch_of(self.config, role)
        known = log.known(self.git, self.objects)
        return standing(self.git, self.config.ref(name), self.config.fork_ref(name), here, there, known)

    def _below(self, role: Role) -> list[Oid]:
        """The local layer below: what is in it is not the layer's own."""
        picks = self.local[Role.PICKS]
        return [picks] if role is Role.PATCHES and picks is not None else []

    def _only(self, tip: Oid, limits: Sequence[Oid]) -> list[Oid]:
        """The commits of `tip` that the fork never had in any form, in line, oldest first."""
        stops = [f"^{oid}" for oid in (*self.upstreams, *limits, *self.known.all)]
        asked = "".join(f"{word}\n" for word in (tip, *dict.fromkeys(stops))).encode()
        listed = self.git.lines("rev-list", "--topo-order", "--reverse", "--stdin", input=asked)
        mine = self.known.lineage.own([Oid(oid) for oid in listed], self.known.commits)
        return [commit.oid for commit in self.reader.linear([self.objects.commit(oid) for oid in mine])]

    def _move(self, role: Role, commits: list[Oid]) -> Move:
        onto = self.remote[role]
        assert onto is not None
        return Move(
            self.config.ref(branch_of(self.config, role)), role, self._base(commits, onto), onto, tuple(commits)
        )

    def _base(self, commits: Sequence[Oid], tip: Oid) -> Oid:
        """What `commits` stand on; without any, `tip`."""
        parents = self.objects.commit(commits[0]).parents if commits else ()
        return parents[0] if parents else tip

    def _tell_gone(self) -> None:
        """Say which patches the fork had where this clone stands, and has no more without its stamp saying why."""
        there = self.remote[Role.PATCHES]
        if (tip := self.local[Role.PATCHES]) is None or there is None:
            return
        stack = [self.objects.commit(oid) for oid in commits_of(self.git, self.config, [there], self.here.upstream)]
        words = {(commit.author, commit.subject) for commit in stack}
        fork = self.config.remotes.fork
        said = {old for commit in stack for old, _, _ in Provenance.of(commit.text).dropped}
        words_of_git = ("rev-list", "--topo-order", "--reverse", "--no-merges")
        limits = (f"^{oid}" for oid in (there, *self.upstreams))
        listed = self.git.lines(*words_of_git, tip, *limits, "--")
        had = [self.objects.commit(Oid(oid)) for oid in listed if self.known.had(Oid(oid))]
        stamps = Generated(self.git, self.config, self.objects).stamps(had)
        for commit in had:
            known = (commit.author, commit.subject) in words or said & set(self.known.lineage.line(commit.oid))
            if not known and commit.oid not in stamps:
                self.notes.append(
                    f"'{fork}' has {commit.oid[:9]} {commit.subject} no more, and no stamp says why "
                    f"(git show {commit.oid[:9]}, if it is missed)"
                )

    def topics(self, names: Sequence[str], moves: Sequence[Move]) -> list[Move]:
        """The moves of the topic branches, onto where `moves` bring the layer that each stands on."""
        roles = {self.config.ref(name) for name in self.config.branches.all}
        current = worktree.branch(self.git)
        wanted = [f"refs/heads/{name.removeprefix('refs/heads/')}" for name in names]
        if not names and current is not None:
            wanted = [current]
        values = refs.read(self.git, wanted)
        found: list[Move] = []
        for ref, tip in values.items():
            if ref in roles:
                continue
            if tip is None:
                raise self._no_branch(ref.removeprefix("refs/heads/"))
            move = self._topic(ref, tip, moves, named=bool(names))
            found += [move] if move is not None else []
        return found

    def _no_branch(self, name: str) -> Refused:
        there = refs.read_one(self.git, self.config.fork_ref(name)) is not None
        return Refused(
            f"there is no branch '{name}' here" + (f", only on '{self.config.remotes.fork}'" if there else ""),
            hints=[f"git switch {name} && git poolside pull {name}" if there else "git branch   (lists them)"],
        )

    def _topic(self, ref: str, tip: Oid, moves: Sequence[Move], *, named: bool) -> Move | None:
        mine = self._only(tip, [oid for oid in self.local.values() if oid])
        mine = self.known.lineage.own(mine, self.local_own)
        base = self._base(mine, tip)
        role = self._stood_on(base)
        branch = ref.removeprefix("refs/heads/")
        if role is None:
            if named:
                raise Refused(
                    f"'{branch}' stands on {base[:12]}, which is no earlier state of the fork's stack",
                    hints=[f"git rebase --onto {self.config.branches.patches} {base[:12]} {branch}   (moves it)"],
                )
            return None
        target = self.config.ref(branch_of(self.config, role))
        onto: str | None = target if any(move.ref == target for move in moves) else self._newest(role)
        if onto is None or refs.is_ancestor(self.git, self._newest(role) or base, tip):
            if named:
                self.notes.append(f"'{branch}' stands on the newest stack already")
            return None
        if refs.read_one(self.git, self.config.fork_ref(branch)) is not None:
            fork, name = map(shlex.quote, (self.config.remotes.fork, ref if branch.startswith("-") else branch))
            self.notes.append(
                f"'{fork}' has '{branch}' too; this sends it there: git push --force-with-lease {fork} {name}"
            )
        return Move(ref, None, base, onto, tuple(mine))

    def _newest(self, role: Role) -> Oid | None:
        """The tip of a role as it is here, or where it moves to."""
        return self.remote[role] if self._stands(role) in _BEHIND else self.local[role] or self.remote[role]

    def _stood_on(self, base: Oid) -> Role | None:
        """The layer of an earlier stack that a topic branch was made on; None for a commit of no stack."""
        line = list(self.known.lineage.line(base))
        if any(oid in self.known.tips[Role.PATCHES] or oid == self.local[Role.PATCHES] for oid in line):
            return Role.PATCHES
        picks = [*self.known.tips[Role.PICKS], *([self.local[Role.PICKS]] if self.local[Role.PICKS] else [])]
        below = commits_of(self.git, self.config, [oid for oid in picks if oid], self.here.upstream)
        if any(oid in below or oid in picks for oid in line) and base not in self.known.tips[Role.SNAPSHOT]:
            return Role.PICKS
        stacks = self.known.commits | self.local_own
        return Role.PATCHES if any(oid in stacks for oid in line) else None
