"""One patch on another tree: with git's verdict and git's tree, and no work where there is none to do.

Paths that are the same in ours as in the patch's base are grafted, files that all sides have are merged by
`content`; everything else is a merge of trees by merge-ort (design: Replay): `Engine._folder` says what, and
`narrow` asks it.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from contextlib import suppress

from git_poolside.git.content import Contents, Three
from git_poolside.git.diff import Change
from git_poolside.git.merge import ATTRIBUTES, MergeCrashed, MergeOrt
from git_poolside.git.narrow import Narrow, WholeTrees
from git_poolside.git.objects import FILES, TREE_MODE, Entry, Objects, folders
from git_poolside.stack.model import EMPTY_TREE, NULL_OID, Conflict, Oid, Touch

_FILES = frozenset(FILES)


_NOTHING = Entry(0, NULL_OID)
_Inside = dict[bytes, tuple[Touch, "_Inside | None"]]


class Engine:
    """Applies changes to trees, in memory; new objects go where `objects` writes."""

    def __init__(self, objects: Objects, merge: MergeOrt) -> None:
        self.objects = objects
        self._merge = merge
        self._contents = Contents(objects, merge)
        self._narrow = Narrow(objects, merge)
        self._attributes: Oid | None = None
        self._foreseen: frozenset[bytes] = frozenset()
        self._ruled: dict[Oid, tuple[frozenset[bytes], frozenset[bytes]]] = {}

    def stand_on(self, tree: Oid, changes: Sequence[Change] = ()) -> None:
        """A replay of `changes` begins on `tree`: its attribute files rule the merges until one changes them."""
        self._attributes = tree
        first: dict[bytes, Touch] = {}
        for touch in (touch for change in changes for touch in change.touches):
            first.setdefault(touch.path, touch)
        now = {path: self.objects.lookup(tree, path) for path in first}
        self._foreseen = frozenset(now)
        self._contents.foresee(changes, now)
        if any(now[path] is None and touch.old_mode for path, touch in first.items()):  # it may be elsewhere now
            self._merge.foresee(tree)
            self._narrow.compare(changes[0].base, tree)

    def replay(self, change: Change, ours: Oid) -> Oid | Conflict:
        """`apply`, as the next step of the replay that `stand_on` began."""
        result = self.apply(change, ours)
        if isinstance(result, str):
            self.stepped(change, result)
        return result

    def stepped(self, change: Change, result: Oid) -> None:
        """The replay stands on `result` now, which `change` made (a resolution may have, too)."""
        if any(touch.path.rpartition(b"/")[2] == ATTRIBUTES for touch in change.touches):
            self._attributes = result

    def apply(self, change: Change, ours: Oid) -> Oid | Conflict:
        """The tree that `change` makes of the tree `ours`, or the conflict. It may be `ours` itself: empty."""
        self._narrow.learn(change)
        if change.base == ours and self.objects.written_by_git(change.theirs):
            return change.theirs
        if not change.odd:
            with suppress(WholeTrees):
                return self._folder(ours, self._patch(change))
        try:
            return self._merged(change, ours)
        except MergeCrashed as error:
            paths = tuple(touch.path.decode("utf-8", "surrogateescape") for touch in change.touches)
            return Conflict(paths, (f"git could not merge this patch: {error}",))

    def _merged(self, change: Change, ours: Oid) -> Oid | Conflict:
        """What merge-ort makes of it. Raises `MergeCrashed`."""
        self._merge.attributes_of(self._attributes or ours)
        if not change.odd:
            with suppress(WholeTrees):
                return self._narrow.apply(change, ours)
        return self._narrow.whole(change, ours)

    def reverse(self, change: Change, ours: Oid) -> Oid | Conflict:
        """The tree that taking `change` back makes of `ours`."""
        touches, inside = (tuple(map(_back, one)) for one in (change.touches, change.folders))
        return self.apply(Change(change.theirs, change.base, touches, inside, change.odd), ours)

    def same_at(self, paths: frozenset[bytes], one: Oid, other: Oid) -> bool:
        """Whether two trees have the same entries at `paths`."""
        return all(self.objects.lookup(one, path) == self.objects.lookup(other, path) for path in paths)

    def _patch(self, change: Change) -> _Inside:
        """The change as a tree of its own: what it does at each name of a folder, and inside of it."""
        root: _Inside = {}
        known = {touch.path: touch for touch in change.folders}
        inside: dict[bytes, _Inside] = {b"": root}
        for touch in change.touches:
            here = root
            for folder in folders(touch.path):
                if folder not in inside:
                    inside[folder] = {}
                    _put(here, known.get(folder) or self._between(change, folder), inside[folder])
                here = inside[folder]
            _put(here, touch, None)
        return root

    def _between(self, change: Change, folder: bytes) -> Touch:
        """What the change does to a folder that it does not tell of."""
        old, new = (self.objects.lookup(tree, folder) or Entry(0, NULL_OID) for tree in (change.base, change.theirs))
        return Touch(folder, old.mode, new.mode, old.oid, new.oid)

    def _folder(self, ours: Oid, inside: _Inside) -> Oid:
        """What merge-ort makes of a folder of ours, in which the patch does this.

        Where ours is as base, theirs is taken; a file that all three have is merged by its content; the rest raises
        `WholeTrees`: types that change, files against folders, and folders that a side may have renamed, as ours
        has not what the patch adds to, or has added to what the patch takes away.
        """
        objects = self.objects
        if not objects.written_by_git(ours):
            raise WholeTrees
        edits: dict[bytes, Entry | None] = {}
        kept = True
        for name, (touch, below) in inside.items():
            here = objects.child(ours, name)
            old = Entry(touch.old_mode, touch.old) if touch.old_mode else None
            new = Entry(touch.new_mode, touch.new) if touch.new_mode else None
            if below is not None and (old or new or _NOTHING).mode != TREE_MODE:
                raise WholeTrees
            if here == old and (old is None or new is None or stat.S_IFMT(old.mode) == stat.S_IFMT(new.mode)):
                edits[name] = new
            elif below is not None:
                if new is None or here is None or not here.is_tree:
                    raise WholeTrees
                made = self._folder(here.oid, below)
                edits[name] = Entry(TREE_MODE, made) if made != EMPTY_TREE else None
            elif here and old and new and {here.mode, old.mode, new.mode} <= _FILES and not self._rules(touch.path):
                merged = self._contents.merge(Three(old, here, new))
                if merged is None:
                    raise WholeTrees  # for git's own words about the conflict
                edits[name] = merged
            else:
                raise WholeTrees
            kept = kept and self._same_kind(here, edits[name])
        made = objects.edit(ours, edits)
        if kept:
            self._narrow.same_shape(made, ours)
        return made

    def _same_kind(self, old: Entry | None, new: Entry | None) -> bool:
        """Whether an entry is as it was but for what files contain."""
        if old is None or new is None or stat.S_IFMT(old.mode) != stat.S_IFMT(new.mode):
            return False
        return not old.is_tree or self._narrow.shape(old.oid) == self._narrow.shape(new.oid)

    def _rules(self, path: bytes) -> bool:
        """Whether a path has an attribute that rules its merge."""
        tree = self._attributes
        if tree is None:
            return True
        known, ruled = self._ruled.get(tree, (frozenset(), frozenset()))
        if path not in known:
            new = (self._foreseen | {path}) - known
            ruled |= self._merge.ruled(tree, new)
            self._ruled = {tree: (known | new, ruled)}
        return path in ruled


def _put(inside: _Inside, touch: Touch, below: _Inside | None) -> None:
    name = touch.path.rpartition(b"/")[2]
    if name in inside:
        raise WholeTrees  # a file in the place of a folder, or the other way round
    inside[name] = (touch, below)


def _back(touch: Touch) -> Touch:
    return Touch(touch.path, touch.new_mode, touch.old_mode, touch.new, touch.old)
