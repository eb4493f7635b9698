"""Gathering what the verdicts need: upstream's events about each patch, and what content says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from git_poolside.config import Config
from git_poolside.git import history, line, nightlies
from git_poolside.git.diff import Change, changed_lines, changes, patch_ids, paths_of, tree_of_parent
from git_poolside.git.hunks import Hunk
from git_poolside.git.objects import COMMIT, FILES, Objects, format_commit
from git_poolside.git.process import Git
from git_poolside.git.promised import bring
from git_poolside.git.replay import Engine
from git_poolside.stack.model import (
    Commit,
    Conflict,
    Layer,
    Nightly,
    Oid,
    PatchResult,
    Role,
    Stack,
    Touch,
)
from git_poolside.stack.provenance import cherry_origin, undoing
from git_poolside.stack.values import replace
from git_poolside.stack.verdict import (
    Content,
    Evidence,
    History,
    Identity,
    State,
    UpstreamCommit,
    aftermath,
    identify,
)
from git_poolside.ui import Ui

_MOST = 0.8
_BLAMED = 60
"""So many commits are tried at most to find the one behind a conflict."""
_HELD, _WOVEN = 200, 8
"""So many commits are searched at most for one that holds a patch, with so many patches after it at most."""


Edits = dict[bytes, tuple[Counter[bytes], Counter[bytes]]]
"""The lines that are added to each file, and those that are taken away, without indentation and blank ones."""


def _edits_of(parts: Sequence[Hunk]) -> Edits:
    edits: Edits = {}
    for hunk in parts:
        added, removed = edits.setdefault(hunk.path, (Counter(), Counter()))
        for changed in hunk.lines:
            if text := changed[1:].strip():
                (added if changed.startswith(b"+") else removed)[text] += 1
    return edits


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
        pending = git.pending is not None and git.pending.get(target) is not None  # a pull's: what it has just made
        self._past = git if pending else git.alone
        self.base = self._oldest(stack)
        read = history.begin(self._past, self.base, target, upstream, config.github.upstream)
        self.patches = [*stack.picks.commits, *stack.patches.commits]
        pairs = [(tree_of_parent(objects, commit), commit.tree) for commit in self.patches]
        self.changes: dict[Oid, Change] = {
            commit.oid: change for commit, change in zip(self.patches, changes(git, pairs), strict=True)
        }
        path = config.changes.file.encode()
        self.content = {oid: self._without(path, change) for oid, change in self.changes.items()}
        engine.stand_on(objects.commit(target).tree, list(self.content.values()))
        sets = {change.paths for change in self.content.values() if change.touches}
        self.history: History
        self.history, alike = read(sets, ui)
        self._candidates = self._same_patch_ids(alike)
        self._newer: list[Nightly] | None = None

    def _oldest(self, stack: Stack) -> Oid:
        """The older of the commits of upstream that the two layers stand on."""
        standing = [layer.base for layer in stack.layers if layer.base not in {c.oid for c in stack.picks.commits}]
        oldest = stack.base
        for base in standing:
            if line.is_ancestor(self._past, base, oldest):
                oldest = base
        return oldest

    def _same_patch_ids(self, alike: Mapping[Oid, frozenset[bytes]]) -> Mapping[Oid, Sequence[Oid]]:
        """Upstream's commits with a patch's patch-id, among those that are `alike`: with the same set of paths."""
        if not alike:
            return {}
        sets = set(alike.values())
        mine = {oid: self._content_of(oid) for oid, change in self.content.items() if change.paths in sets}
        theirs = [self.objects.commit(oid) for oid in alike]
        made = changes(self.git, [(tree_of_parent(self.objects, commit), commit.tree) for commit in theirs])
        touches = [touch for change in (*made, *(self.content[oid] for oid in mine)) for touch in change.touches]
        sides = [side for t in touches for side in ((t.old_mode, t.old), (t.new_mode, t.new))]
        bring(self.objects, (oid for mode, oid in sides if mode in FILES))
        identities = patch_ids(self.git, [*mine.values(), *alike])
        by_id: dict[str, list[Oid]] = {}
        for oid in sorted(alike, key=lambda oid: self.history.position[oid]):
            if oid in identities:
                by_id.setdefault(identities[oid], []).append(oid)
        return {oid: by_id[identities[same]] for oid, same in mine.items() if identities.get(same) in by_id}

    def _without(self, path: bytes, change: Change) -> Change:
        """`change` without the file at `path`, if it changes others too: what it says of itself is not what it does."""
        if path not in change.paths or change.paths == {path}:
            return change
        base = self.objects.graft(change.base, {path: self.objects.lookup(change.theirs, path)})
        touches = tuple(touch for touch in change.touches if touch.path != path)
        return Change(base, change.theirs, touches, odd=change.odd)

    def _content_of(self, oid: Oid) -> Oid:
        """A commit that changes the patch's content alone: the patch itself where that is all it changes."""
        change = self.content[oid]
        if change == self.changes[oid]:
            return oid
        author = self.objects.commit(oid).author
        parent = self.objects.write(COMMIT, format_commit(change.base, (), author, author, b"", None))
        return self.objects.write(COMMIT, format_commit(change.theirs, (parent,), author, author, b"", None))

    def same_patch_id(self, patch: Oid) -> Sequence[Oid]:
        """Upstream's commits with the patch-id of a patch, confirmed or not."""
        return self._candidates.get(patch, ())

    def identity(self, commit: Commit, layer: Layer, result: Oid | Conflict, ours: Oid) -> Identity:
        """Upstream's events about the patch, whose replay on the tree `ours` gave `result`.

        An equal patch-id counts if content confirms it (edge case L10). A patch that conflicts may have landed all the
        same, squashed with others or split (L4, L5), and been edited since: then some tree of upstream's held the
        whole of it. That names a landing where nothing else does, and confirms one that a number names. So does it
        where a patch was taken back and is upstream again, without a word of it: what is dropped rests on that (L16).
        """
        same = [oid for oid in self.same_patch_id(commit.oid) if self.did_the_same(commit, oid)]
        repository = self.config.github.upstream
        found = identify(commit, layer.role, self.history, same, repository)
        named = {one.oid for one in found.standing}
        conflict = isinstance(result, Conflict)
        if found.state is State.LANDED:
            alone = conflict and not any(self.did_the_same(commit, oid) for oid in named)
            if alone and not named.isdisjoint(self._held(commit, layer)):
                return replace(found, signals=(*found.signals, "content"))
        elif conflict or (found.reverts and result == ours):
            since = found.reverts[-1].oid if found.reverts else None
            if held := self._held(commit, layer, since):
                return identify(commit, layer.role, self.history, [*same, *held], repository, "content")
        return found

    def _held(self, commit: Commit, layer: Layer, since: Oid | None = None) -> list[Oid]:
        """The commits that brought the patch into upstream whole, alone or with patches that it is woven with.

        Only those count that come after the commit `since`.
        """
        first = self.history.position[since] + 1 if since else 0
        for change in self._woven(commit, layer):
            touching = [oid for oid in self._touching(change) if self.history.position[oid] >= first][:_HELD]
            for at, oid in enumerate(touching):
                tree = self.objects.commit(oid).tree
                if self.engine.apply(change, tree) == tree:
                    return self._bringing(self._edits(change), touching[: at + 1]) or [oid]
        return []

    def _woven(self, commit: Commit, layer: Layer) -> Iterator[Change]:
        """The patch's change, then what it comes to with the next ones of its layer that touch the same paths."""
        change = self.content[commit.oid]
        yield change
        paths = change.paths
        after = layer.commits[layer.commits.index(commit) + 1 :]
        together = [later for later in after if self.content[later.oid].paths & paths][:_WOVEN]
        for later in together:
            paths |= self.content[later.oid].paths
            new = {path: self.objects.lookup(later.tree, path) for path in paths}
            theirs = self.objects.graft(change.base, new)
            if theirs != change.base:
                yield changes(self.git, [(change.base, theirs)])[0]

    def _touching(self, change: Change) -> list[Oid]:
        """Upstream's commits up to the target that touch what the change touches, oldest first."""
        touching = history.touching(self._past, self.base, self.target, change.paths)
        return [oid for oid in touching if oid in self.history.position]

    def _bringing(self, wanted: Edits, touching: Sequence[Oid]) -> list[Oid]:
        """Those of `touching` that add or take away a line which is wanted, in the same file."""
        found: list[Oid] = []
        for oid in touching:
            landed = self.objects.commit(oid)
            [theirs] = changes(self.git, [(tree_of_parent(self.objects, landed), landed.tree)])
            for touch in theirs.touches:
                mine = wanted.get(touch.path)
                if mine and any((one & other).total() for one, other in zip(mine, self._edit(touch), strict=True)):
                    found.append(oid)
                    break
        return found

    def _edits(self, change: Change) -> Edits:
        return {touch.path: self._edit(touch) for touch in change.touches}

    def _edit(self, touch: Touch) -> tuple[Counter[bytes], Counter[bytes]]:
        """The lines that a change adds to a file and those that it takes away; a binary file is one line."""
        old = touch.old if touch.old_mode in FILES else None
        new = touch.new if touch.new_mode in FILES else None
        return self._added(old, new), self._added(new, old)

    def brought(self, commit: Commit, parts: Sequence[Hunk] | None = None) -> tuple[UpstreamCommit, ...]:
        """Upstream's commits that brought what the patch changes, or `parts` of it, the newest first (L3, L4, L5)."""
        change = self.content[commit.oid]
        touching = self._touching(change)
        if parts is None:
            found = self._bringing(self._edits(change), touching)
        else:
            found = self._bringing(_edits_of(parts), touching)
        return tuple(self.history.commits[self.history.position[oid]] for oid in reversed(found))

    def near(self, commit: Commit) -> tuple[UpstreamCommit, ...]:
        """Upstream's commits that touch a path of the patch's, the newest first."""
        touching = self._touching(self.content[commit.oid])
        return tuple(self.history.commits[self.history.position[oid]] for oid in reversed(touching))

    def picks_in(self, commit: Commit, below: Sequence[PatchResult]) -> list[PatchResult]:
        """The kept picks that touch a path of the patch's (edge case L13)."""
        paths = self.content[commit.oid].paths
        return [
            result
            for result in below
            if result.role is Role.PICKS and result.new and result.old and self.content[result.old].paths & paths
        ]

    def takes_back(self, commit: Commit) -> Identity | None:
        """What upstream did with the commit of its own that the patch reverts (edge case L15)."""
        about = undoing(commit.text, self.config.github.upstream)
        named = [oid for oid in map(Oid, about.commits) if self.objects.exists(oid)] if about else []
        if about is None or about.sign > 0 or not named:
            return None
        reverted = self.objects.commit(named[-1])
        since = aftermath(reverted.oid, reverted.text, self.history, self.config.github.upstream)
        return since if since.reverts else None

    def did_the_same(self, commit: Commit, landing: Oid) -> bool:
        """Whether applying the patch to the landing's parent gives the landing's tree on the patch's paths."""
        landed = self.objects.commit(landing)
        change = self.content[commit.oid]
        result = self.engine.apply(change, tree_of_parent(self.objects, landed))
        return isinstance(result, str) and self.engine.same_at(change.paths, result, landed.tree)

    def landed_before(self, commit: Commit) -> Oid | None:
        """The commit that an empty pick was made from, if the old base had it already (edge case A5)."""
        origin = cherry_origin(commit.text)
        if origin is None or not self.objects.exists(Oid(origin)):
            return None
        return Oid(origin) if line.is_ancestor(self._past, Oid(origin), self.target) else None

    def evidence(
        self, commit: Commit, identity: Identity, result: Oid | Conflict, ours: Oid, new: Oid | None
    ) -> Evidence:
        """What content says, given the replay's `result` on the tree `ours` and the new commit made of it."""
        change = self.content[commit.oid]
        content = (Content.EMPTY if result == ours else Content.CLEAN) if isinstance(result, str) else Content.CONFLICT
        born_empty = not change.touches
        reverted = self.takes_back(commit)
        relanded = reverted.standing[-1] if reverted and reverted.standing else None
        if identity.state is not State.LANDED:
            return Evidence(content, born_empty=born_empty, relanded=relanded)
        standing = identity.standing
        same = any(self.did_the_same(commit, one.oid) for one in standing)
        held = "content" in identity.signals
        if content is Content.EMPTY:
            reverse = self._holds(change, self.objects.commit(self.target).tree)
            return Evidence(content, same, reverse, born_empty=born_empty)
        reverse, fewer, undone = False, False, False
        landed = paths_of(self._past, [one.oid for one in standing])
        elsewhere = not change.paths <= frozenset().union(*landed.values())
        if content is Content.CONFLICT:
            undone = any(self._undone_since(change if same or held else None, one.oid) for one in standing)
        else:
            reverse = self._holds(change, self.objects.commit(self.target).tree)
            if new is not None:
                counts = changed_lines(self.git, [commit.oid, new])
                fewer = counts[new] < counts[commit.oid]
        return Evidence(
            content, same, reverse, fewer,
            born_empty=born_empty, undone=undone, elsewhere=elsewhere, relanded=relanded, held=held,
        )  # fmt: skip

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
        for oid in history.touching(self._past, landing, self.target, change.paths):
            tree = self.objects.commit(oid).tree
            again = self.engine.apply(change, tree)
            if isinstance(again, str) and again != tree and not self._holds(change, tree):
                return True
        # One file may have been put back as it was while another was edited on, so that the whole conflicts.
        now = self.objects.commit(self.target).tree
        return any(
            self._put_back(path, before, landed.tree, now) and not self._moved_away(path, before, landed)
            for path in change.paths
        )

    def _put_back(self, path: bytes, before: Oid, landed: Oid, now: Oid) -> bool:
        """Whether a file that a landing changed is again what it was before it: as it was, there, or gone."""
        old, new, here = (self.objects.lookup(tree, path) for tree in (before, landed, now))
        if old is None or new is None:
            return (old is None) == (here is None) != (new is None)
        return old == here != new

    def _moved_away(self, path: bytes, before: Oid, landed: Commit) -> bool:
        """Whether most of what a landing added to a file was added to other files by those who took it out there."""
        old, new = (self.objects.lookup(tree, path) for tree in (before, landed.tree))
        wanted = self._added(old.oid if old else None, new.oid if new else None)
        elsewhere: Counter[bytes] = Counter()
        for oid in history.touching(self._past, landed.oid, self.target, [path]):
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
        stack would conflict on all of them, so then the whole stack up to it is tried. None where upstream is not the
        reason.
        """
        change = self.content[commit.oid]
        paths = {path.encode("utf-8", "surrogateescape") for path in conflict.paths} | change.paths
        touching = [
            oid for oid in history.touching(self._past, stack_base, self.target, paths) if oid in self.history.position
        ]
        if not touching:
            return None

        def conflicts(oid: Oid) -> bool:
            result = self.engine.apply(change, self.objects.commit(oid).tree)
            return isinstance(result, Conflict) and bool(set(result.paths) & set(conflict.paths))

        if conflicts(stack_base):
            [change] = changes(self.git, [(self.objects.commit(stack_base).tree, commit.tree)])
            if not conflicts(touching[-1]):
                return None  # with all that was below it, it applies: something of that is missing now
        found = touching[-1]
        for oid in touching[: -_BLAMED - 1 : -1]:
            if not conflicts(oid):
                break
            found = oid
        return self.history.commits[self.history.position[found]]

    def first_nightly(self, commit: Oid) -> str:
        """From which nightly on a landing can be had, in words (edge case L8)."""
        if self._newer is None:
            self._newer = [n for n in reversed(nightlies.known(self._past, self.config, self.target)) if n.usable]
        for nightly in self._newer:
            if line.is_ancestor(self._past, commit, nightly.commit):
                return f"it can go from the nightly of {nightly.date} on"
        return "no nightly has it yet"
