"""What plain git made of a role branch: ``git pull``, ``git merge`` or ``git rebase`` onto the fork's new stack.

A sync makes the fork's patches anew. git takes the old ones, which a clone still has, for commits of its own: a merge
joins two whole stacks, a rebase without the right fork point replays the old copies on the new ones. Nothing is lost
by that, since the reflog has the branch as it was; from there ``git poolside pull`` carries over what is only here.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cached_property
from itertools import pairwise

from git_poolside.config import Config
from git_poolside.errors import PoolsideError, Refused
from git_poolside.git import reflogs, refs, worktree
from git_poolside.git.layers import branch_of, upstreams
from git_poolside.git.nightlies import upstream_tip
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.operation.former import Former, commits_of, former
from git_poolside.stack.model import Commit, Oid, Role
from git_poolside.stack.provenance import Provenance
from git_poolside.stack.values import frozen

_MOST = 20
"""So many movements of a branch that can be merges or rebases are looked at."""
_MERGED = re.compile(r"pull\b|merge\b|commit \(merge\)")
_REBASED = re.compile(r"(?:rebase|pull)\b.*(?:\(finish\)|finished):? .*\bonto ([0-9a-f]{40})")


@frozen
class Tangle:
    """`branch` was at `before` when plain git joined it with `onto`, a newer state of the fork's stack.

    `copies` are the fork's old commits that are in it by that. `mine` are the commits that this clone alone had,
    `later` those that came since. `pushed` says that the fork's server has it so. `way` is how git is asked to give it
    up while it is not finished.
    """

    branch: str
    merge: bool
    before: Oid
    onto: Oid
    copies: tuple[Commit, ...]
    mine: tuple[Oid, ...] = ()
    later: tuple[Oid, ...] = ()
    pushed: bool = False
    is_current: bool = False
    way: str = ""

    @property
    def message(self) -> str:
        """What happened, in plain words."""
        what, does, to = ("merge", "join", "with") if self.merge else ("rebase", "replay", "on")
        first = f"a plain git {what} {does}{'s' if self.way else 'ed'} the fork's old stack {to} its new one"
        lines = [f"  {commit.oid[:9]} {commit.subject}" for commit in self.copies[:5]]
        lines += [f"  … and {len(self.copies) - 5} more"] if len(self.copies) > 5 else []
        return "\n".join([f"{first}, in '{self.branch}'", "These old copies of its commits are there again:", *lines])

    @property
    def cure(self) -> str:
        """The command line that leads out; it stops by itself where it would lose anything."""
        if self.way:
            return f"{self.way} && git poolside pull"
        picked = [oid[:12] for oid in ((*self.mine, *self.later) if self.pushed else self.later)]
        steps = [] if self.is_current else [f"git checkout {self.branch}"]
        steps.append(f"git reset --keep {(self.onto if self.pushed else self.before)[:12]}")
        steps += [] if self.pushed else ["git poolside pull"]
        steps += [f"git cherry-pick {' '.join(picked)}"] if picked else []
        return " && ".join([*steps, *(["git poolside push"] if self.pushed else [])])


def found(git: Git, config: Config, role: Role) -> Tangle | None:
    """What plain git has made of the branch of `role`, if it still is in it; None where that cannot be found out."""
    try:
        return _Search(git, config, role).finished()
    except PoolsideError:
        return None


def refuse(git: Git, config: Config, allow: Collection[str]) -> None:
    """Raises `Refused` (snag ``tangled``) where picks or patches are so, unless that is in `allow` or pushed."""
    for role in (Role.PICKS, Role.PATCHES) if "tangled" not in allow else ():
        tangle = found(git, config, role)
        if tangle is not None and not tangle.pushed:
            first, _, more = tangle.message.partition("\n")
            raise Refused(f"{first} [tangled]\n{more}", snag="tangled", hints=[tangle.cure])


def refuse_in_progress(git: Git, config: Config) -> None:
    """`worktree.refuse_in_progress`, which says more where what is in progress would join two stacks."""
    try:
        worktree.refuse_in_progress(git)
    except Refused as error:
        tangle = _unfinished(git, config)
        if tangle is None:
            raise
        raise Refused(f"{error.message}\n{tangle.message}", hints=[tangle.cure]) from error


def _unfinished(git: Git, config: Config) -> Tangle | None:
    """The merge or rebase of two stacks that git stopped in, here."""
    merging = git.try_run("rev-parse", "-q", "--verify", "MERGE_HEAD")
    folder = git.git_dir / "rebase-merge"
    try:
        if merging.status == 0:
            branch, before, onto, picked = worktree.branch(git) or "", worktree.head(git) or "", merging.text, None
        else:
            branch, before, onto = ((folder / name).read_text().strip() for name in ("head-name", "orig-head", "onto"))
            listed = (folder / "done").read_text() + (folder / "git-rebase-todo").read_text()
            picked = set(re.findall(r"\b[0-9a-f]{40}\b", listed))
    except (OSError, ValueError):
        return None
    role = next((role for role in Role if branch == config.ref(branch_of(config, role))), None)
    if role is None:
        return None
    return _Search(git, config, role).unfinished(Oid(before), Oid(onto), picked)


class _Search:
    """Looks through one role's branch."""

    def __init__(self, git: Git, config: Config, role: Role) -> None:
        self.git = git
        self.config = config
        self.objects = Objects(git)
        self.branch = branch_of(config, role)
        self.role = role

    @cached_property
    def known(self) -> Former:
        return former(self.git, self.config, self.objects, self.upstream, {})

    @cached_property
    def upstream(self) -> Oid:
        return upstream_tip(self.git, self.config)

    def finished(self) -> Tangle | None:
        """The oldest that the branch still has."""
        ref = self.config.ref(self.branch)
        moved = _movements(self.git, ref)
        tip = refs.read_one(self.git, ref) if moved else None
        if tip is None or self.role is Role.SNAPSHOT:
            return None
        oldest: Tangle | None = None
        for before, after, onto in moved:
            if refs.is_ancestor(self.git, after, tip):
                oldest = self._judged(before, after, onto, tip) or oldest
        return oldest

    def _judged(self, before: Oid, after: Oid, onto: Oid | None, tip: Oid) -> Tangle | None:
        merge = onto is None
        if onto is None:
            parents = self.objects.commit(after).parents
            if len(parents) != 2 or parents[0] != before:
                return None
            onto = parents[1]
        old, mine = self._apart(before, onto, after)
        if merge:
            copies = old
        else:
            names = {(commit.author, commit.subject) for commit in old}
            copies = [commit for commit in self._commits(after, onto) if (commit.author, commit.subject) in names]
        if not copies:
            return None
        there = refs.read_one(self.git, self.config.fork_ref(self.branch))
        pushed = there is not None and refs.is_ancestor(self.git, after, there)
        later = [commit.oid for commit in self._commits(tip, after) if pushed or not self.known.had(commit.oid)]
        is_current = worktree.branch(self.git) == self.config.ref(self.branch)
        return Tangle(
            self.branch, merge, before, onto, tuple(copies), tuple(mine), tuple(later), pushed, is_current
        )  # fmt: skip

    def unfinished(self, before: Oid, onto: Oid, picked: set[str] | None) -> Tangle | None:
        """The merge, or the rebase of the commits `picked`, that was begun at `before`."""
        old, mine = self._apart(before, onto, None)
        copies = [commit for commit in old if picked is None or commit.oid in picked]
        merge = picked is None
        way = f"git {'merge' if merge else 'rebase'} --abort"
        return Tangle(self.branch, merge, before, onto, tuple(copies), tuple(mine), way=way) if copies else None

    def _apart(self, before: Oid, onto: Oid, after: Oid | None) -> tuple[list[Commit], list[Oid]]:
        """The commits of `before` that `onto` lacks: the fork's and stamps, and those of this clone alone.

        None are the fork's where `onto` is no state of the same layer on its server, what `after` brought there not
        counted, or lies below `before`: then the stack itself was edited.
        """
        if refs.is_ancestor(self.git, onto, before):
            return [], []
        ids = self.known.tips[self.role]
        if after is not None:
            asked = "".join(f"{oid}\n" for oid in (*ids, f"^{after}")).encode()
            newer = set(self.git.lines("rev-list", "--ancestry-path", "--stdin", input=asked))
            ids = frozenset(oid for oid in ids if oid != after and oid not in newer)
        states = commits_of(self.git, self.config, ids, self.upstream)
        below = self.known.tips[Role.PICKS] if self.role is Role.PATCHES else frozenset()
        if onto not in states or onto in commits_of(self.git, self.config, below, self.upstream):
            return [], []
        own = self._commits(before, onto)
        made = {commit.oid for commit in own if Provenance.of(commit.text).is_stamp}
        mine = [oid for oid in self.known.lineage.own([commit.oid for commit in own], states) if oid not in made]
        return [commit for commit in own if commit.oid not in mine], mine

    def _commits(self, tip: Oid, limit: Oid) -> list[Commit]:
        """The fork's own commits of `tip` that `limit` has not, oldest first."""
        limits = (f"^{oid}" for oid in (limit, *upstreams(self.git, self.config, self.upstream)))
        listed = self.git.lines("rev-list", "--topo-order", "--reverse", "--no-merges", tip, *limits, "--")
        return [self.objects.commit(Oid(oid)) for oid in listed]


def _movements(git: Git, ref: str) -> list[tuple[Oid, Oid, Oid | None]]:
    """Where merges and rebases have brought a branch, newest first: from what to what, a rebase with its new base."""
    rows = [line.partition(" ") for line in reflogs.said(git, ref)]
    moved: list[tuple[Oid, Oid, Oid | None]] = []
    for (after, _, said), (before, _, _) in pairwise(rows):
        if rebased := _REBASED.match(said):
            moved.append((Oid(before), Oid(after), Oid(rebased[1])))
        elif _MERGED.match(said):
            moved.append((Oid(before), Oid(after), None))
    return moved[:_MOST]
