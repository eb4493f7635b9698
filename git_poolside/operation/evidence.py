"""Gathering what the verdicts need: upstream's events about each patch, and what content says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from git_poolside.config import Config
from git_poolside.git import history, nightlies, refs
from git_poolside.git.diff import Change, changed_lines, changes, patch_ids, paths_of
from git_poolside.git.objects import FILES, Objects
from git_poolside.git.process import Git
from git_poolside.git.promised import bring
from git_poolside.git.replay import Engine
from git_poolside.stack.model import EMPTY_TREE, Commit, Conflict, Nightly, Oid, PatchResult, Role, Stack
from git_poolside.stack.nightly import utc_date
from git_poolside.stack.provenance import cherry_origin
from git_poolside.stack.verdict import Content, Evidence, History, Identity, State, UpstreamCommit, identify
from git_poolside.ui import Ui

_MOST = 0.8
_BLAMED = 60
"""So many commits are tried at most to find the one behind a conflict."""


def tree_of_parent(objects: Objects, commit: Commit) -> Oid:
    return objects.commit(commit.parents[0]).tree if commit.parents else EMPTY_TREE


class Witness:
    """Answers for one stack and one target; upstream's history is read once, content only where it matters."""

    def __init__(
        self,
        git: Git,
        config: Config,
        ui: Ui,
        objects: Objects,
        engine: Engine,
        stack: Stack,
        target: Oid,
        upstream: Oid,
    ) -> None:
        self.git = git
        self.config = config
        self.ui = ui
        self.objects = objects
        self.engine = engine
        self.target = target
        self.base = self._oldest(stack)
        self.patches = [*stack.picks.commits, *stack.patches.commits]
        pairs = [(tree_of_parent(objects, commit), commit.tree) for commit in self.patches]
        self.changes: dict[Oid, Change] = {
            commit.oid: change for commit, change in zip(self.patches, changes(git, pairs), strict=True)
        }
        engine.stand_on(objects.commit(target).tree, list(self.changes.values()))
        sets = {change.paths for change in self.changes.values() if change.touches}
        self.history: History
        self.history, alike = history.read(git, self.base, target, upstream, config.github.upstream, sets, ui)
        self._candidates = self._same_patch_ids(alike)
        self._newer: list[Nightly] | None = None

    def _oldest(self, stack: Stack) -> Oid:
        """The older of the commits of upstream that the two layers stand on."""
        standing = [layer.base for layer in stack.layers if layer.base not in {c.oid for c in stack.picks.commits}]
        oldest = stack.base
        for base in standing:
            if refs.is_ancestor(self.git, base, oldest):
                oldest = base
        return oldest

    def _same_patch_ids(self, alike: Mapping[Oid, frozenset[bytes]]) -> Mapping[Oid, Sequence[Oid]]:
        """Upstream's commits with a patch's patch-id, among those that are `alike`: with the same set of paths."""
        if not alike:
            return {}
        sets = set(alike.values())
        mine = [oid for oid, change in self.changes.items() if change.paths in sets]
        theirs = [self.objects.commit(oid) for oid in alike]
        made = changes(self.git, [(tree_of_parent(self.objects, commit), commit.tree) for commit in theirs])
        touches = [touch for change in (*made, *(self.changes[oid] for oid in mine)) for touch in change.touches]
        sides = [side for t in touches for side in ((t.old_mode, t.old), (t.new_mode, t.new))]
        bring(self.objects, (oid for mode, oid in sides if mode in FILES))
        identities = patch_ids(self.git, [*mine, *alike])
        by_id: dict[str, list[Oid]] = {}
        for oid in sorted(alike, key=lambda oid: self.history.position[oid]):
            if oid in identities:
                by_id.setdefault(identities[oid], []).append(oid)
        return {oid: by_id[identities[oid]] for oid in mine if identities.get(oid) in by_id}

    def identity(self, commit: Commit, role: Role) -> Identity:
        """Upstream's events about the patch (edge case L10: an equal patch-id counts if content confirms it)."""
        same = [oid for oid in self._candidates.get(commit.oid, ()) if self.did_the_same(commit, oid)]
        return identify(commit, role, self.history, same, self.config.github.upstream)

    def did_the_same(self, commit: Commit, landing: Oid) -> bool:
        """Whether applying the patch to the landing's parent gives the landing's tree on the patch's paths."""
        landed = self.objects.commit(landing)
        change = self.changes[commit.oid]
        result = self.engine.apply(change, tree_of_parent(self.objects, landed))
        return isinstance(result, str) and self.engine.same_at(change.paths, result, landed.tree)

    def landed_before(self, commit: Commit) -> Oid | None:
        """The commit that an empty pick was made from, if the old base had it already (edge case A5)."""
        origin = cherry_origin(commit.text)
        if origin is None or not self.objects.exists(Oid(origin)):
            return None
        return Oid(origin) if refs.is_ancestor(self.git, Oid(origin), self.target) else None

    def evidence(
        self, commit: Commit, identity: Identity, result: Oid | Conflict, ours: Oid, new: Oid | None
    ) -> Evidence:
        """What content says, given the replay's `result` on the tree `ours` and the new commit made of it."""
        change = self.changes[commit.oid]
        content = (Content.EMPTY if result == ours else Content.CLEAN) if isinstance(result, str) else Content.CONFLICT
        if identity.state is not State.LANDED or content is Content.EMPTY:
            return Evidence(content, born_empty=not change.touches)
        since = identity.reverts[-1] if identity.reverts else None
        position = self.history.position
        standing = [
            landing for landing in identity.landings if since is None or position[landing.oid] > position[since.oid]
        ]
        same = any(self.did_the_same(commit, one.oid) for one in standing)
        reverse, fewer, undone = False, False, False
        landed = paths_of(self.git, [one.oid for one in standing])
        elsewhere = not change.paths <= frozenset().union(*landed.values())
        if content is Content.CONFLICT:
            undone = any(self._undone_since(change if same else None, one.oid) for one in standing)
        else:
            reverse = self._holds(change, self.objects.commit(self.target).tree)
            if new is not None:
                counts = changed_lines(self.git, [commit.oid, new])
                fewer = counts[new] < counts[commit.oid]
        return Evidence(
            content, same, reverse, fewer, born_empty=not change.touches, undone=undone, elsewhere=elsewhere
        )

    def _holds(self, change: Change, tree: Oid) -> bool:
        """Whether the whole of `change` is in `tree`: it can be taken back, and that undone gives `tree` again."""
        without = self.engine.reverse(change, tree)
        return isinstance(without, str) and without != tree and self.engine.apply(change, without) == tree

    def _undone_since(self, change: Change | None, landing: Oid) -> bool:
        """Whether some commit between the landing and the target left what the landing changed as before it.

        There the change (the landing's own if None is given) applies again and is not empty. What was edited
        after that hides it: on the target it only conflicts (edge case L18).
        """
        landed = self.objects.commit(landing)
        if change is None:
            [change] = changes(self.git, [(tree_of_parent(self.objects, landed), landed.tree)])
        before = tree_of_parent(self.objects, landed)
        edits = [touch.path for touch in change.touches if touch.old_mode and touch.new_mode]
        for oid in history.touching(self.git, landing, self.target, change.paths):
            tree = self.objects.commit(oid).tree
            again = self.engine.apply(change, tree)
            if isinstance(again, str) and again != tree and not self._holds(change, tree):
                return True
        # One file may have been put back as it was while another was edited on, so that the whole conflicts.
        now = self.objects.commit(self.target).tree
        return any(
            self._put_back(path, before, landed.tree, now) and not self._moved_away(path, before, landed)
            for path in edits
        )

    def _put_back(self, path: bytes, before: Oid, landed: Oid, now: Oid) -> bool:
        """Whether a file that a landing changed is again what it was before it."""
        old, new, here = (self.objects.lookup(tree, path) for tree in (before, landed, now))
        return old is not None and old == here != new

    def _moved_away(self, path: bytes, before: Oid, landed: Commit) -> bool:
        """Whether most of what a landing added to a file was added to other files by those who took it out there."""
        old, new = (self.objects.lookup(tree, path) for tree in (before, landed.tree))
        wanted = self._added(old.oid if old else None, new.oid if new else None)
        elsewhere: Counter[bytes] = Counter()
        for oid in history.touching(self.git, landed.oid, self.target, [path]):
            commit = self.objects.commit(oid)
            [change] = changes(self.git, [(tree_of_parent(self.objects, commit), commit.tree)])
            for touch in change.touches:
                if touch.path != path and touch.new_mode in FILES:
                    elsewhere += self._added(touch.old if touch.old_mode in FILES else None, touch.new)
        return bool(wanted) and (wanted & elsewhere).total() >= _MOST * wanted.total()

    def _added(self, old: Oid | None, new: Oid | None) -> Counter[bytes]:
        """The lines that a file has more of than before, without indentation and blank ones."""
        before, after = (
            Counter(line.strip() for line in self.objects.read(oid).splitlines() if line.strip()) if oid else Counter()
            for oid in (old, new)
        )
        return after - before

    def culprit(self, commit: Commit, stack_base: Oid, conflict: Conflict) -> UpstreamCommit | None:
        """The upstream commit behind a conflict: the first of those, back from the target, that still conflict.

        The patch alone is tried on each commit that touches its paths; a patch that needs lower ones of the
        stack would conflict on all of them, so then the whole stack up to it is tried.
        """
        change = self.changes[commit.oid]
        paths = {path.encode("utf-8", "surrogateescape") for path in conflict.paths} | change.paths
        touching = [
            oid for oid in history.touching(self.git, stack_base, self.target, paths) if oid in self.history.position
        ]
        if not touching:
            return None

        def conflicts(oid: Oid) -> bool:
            result = self.engine.apply(change, self.objects.commit(oid).tree)
            return isinstance(result, Conflict) and bool(set(result.paths) & set(conflict.paths))

        if conflicts(stack_base):
            [change] = changes(self.git, [(self.objects.commit(stack_base).tree, commit.tree)])
        found = touching[-1]
        for oid in touching[: -_BLAMED - 1 : -1]:
            if not conflicts(oid):
                break
            found = oid
        return self.history.commits[self.history.position[found]]

    def first_nightly(self, commit: Oid) -> str:
        """From which nightly on a landing can be had, in words (edge case L8)."""
        if self._newer is None:
            self._newer = [n for n in reversed(nightlies.known(self.git, self.config, self.target)) if n.usable]
        for nightly in self._newer:
            if refs.is_ancestor(self.git, commit, nightly.commit):
                return f"it can go from the nightly of {nightly.date} on"
        return "no nightly has it yet"

    def bringers(self, commit: Commit, below: Sequence[PatchResult]) -> str:
        """What brought the content of a patch that became empty, in words (edge cases L5, L13)."""
        change = self.changes[commit.oid]
        names: list[str] = []
        for result in below:
            picked = result.role is Role.PICKS and result.new is not None and result.old is not None
            if picked and result.old and self.changes[result.old].paths & change.paths:
                names.append(f"the pick {(result.new or '')[:9]} {result.subject}")
        for oid in reversed(history.touching(self.git, self.base, self.target, change.paths)):
            known = self.history.position.get(oid)
            if known is not None:
                names.append(describe(self.history.commits[known]))
        return "; ".join(names[:3])


def describe(commit: UpstreamCommit) -> str:
    """An upstream commit on one line: hash, subject, date."""
    return f"{commit.oid[:9]} {commit.subject} ({utc_date(commit.time)})"
