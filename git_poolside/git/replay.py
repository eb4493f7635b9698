"""One patch on another tree: with git's verdict and git's tree, and no work where there is none to do.

A patch whose paths are the same in ours as in its base is grafted; everything else is merge-ort's
(design: Replay). The conditions of `grafts` keep out what merge-ort would treat otherwise: type changes, a
file in the place of a folder, and folder renames in both directions.
"""

from __future__ import annotations

import stat

from git_poolside.git.diff import Change
from git_poolside.git.merge import ATTRIBUTES, MergeCrashed, MergeOrt
from git_poolside.git.objects import Entry, Objects
from git_poolside.stack.model import Conflict, Oid


class Engine:
    """Applies changes to trees, in memory; new objects go where `objects` writes."""

    def __init__(self, objects: Objects, merge: MergeOrt) -> None:
        self.objects = objects
        self._merge = merge
        self._attributes: Oid | None = None

    def stand_on(self, tree: Oid) -> None:
        """A replay begins on `tree`: its attribute files rule the merges until a patch changes one."""
        self._attributes = tree

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
        if change.base == ours:
            return change.theirs
        if self.grafts(change, ours):
            return self._graft(change, ours)
        self._merge.attributes_of(self._attributes or ours)
        try:
            merged = self._merge.merge(change.base, ours, change.theirs)
        except MergeCrashed as error:
            paths = tuple(touch.path.decode("utf-8", "surrogateescape") for touch in change.touches)
            return Conflict(paths, (f"git could not merge this patch: {error}",))
        return merged.tree if merged.conflict is None else merged.conflict

    def reverse(self, change: Change, ours: Oid) -> Oid | Conflict:
        """The tree that taking `change` back makes of `ours`."""
        touches = tuple(
            type(touch)(touch.path, touch.new_mode, touch.old_mode, touch.new, touch.old) for touch in change.touches
        )
        return self.apply(Change(change.theirs, change.base, touches), ours)

    def same_at(self, paths: frozenset[bytes], one: Oid, other: Oid) -> bool:
        """Whether two trees have the same entries at `paths`."""
        return all(self.objects.lookup(one, path) == self.objects.lookup(other, path) for path in paths)

    def _graft(self, change: Change, ours: Oid) -> Oid:
        return self.objects.graft(
            ours,
            {touch.path: Entry(touch.new_mode, touch.new) if touch.new_mode else None for touch in change.touches},
        )

    def grafts(self, change: Change, ours: Oid) -> bool:
        """Whether merge-ort could do nothing but take theirs at the patch's paths and ours elsewhere."""
        objects = self.objects
        for touch in change.touches:
            here = objects.lookup(ours, touch.path)
            if touch.old_mode == 0:
                if here is not None or self._below_a_file(ours, touch.path):
                    return False
            elif here is None or here.mode != touch.old_mode or here.oid != touch.old:
                return False
            both = touch.old_mode and touch.new_mode
            if both and stat.S_IFMT(touch.old_mode) != stat.S_IFMT(touch.new_mode):
                return False
            for folder in _folders(touch.path):
                before = objects.lookup(change.base, folder)
                if before is None or not before.is_tree:
                    continue
                mine = objects.lookup(ours, folder)
                if touch.old_mode == 0 and (mine is None or not mine.is_tree):
                    return False  # ours may have renamed the folder that this path is added to
                if touch.new_mode == 0:
                    after = objects.lookup(change.theirs, folder)
                    if (after is None or not after.is_tree) and mine != before:
                        return False  # theirs may have renamed a folder to which ours added
        return True

    def _below_a_file(self, tree: Oid, path: bytes) -> bool:
        for folder in _folders(path):
            entry = self.objects.lookup(tree, folder)
            if entry is not None and not entry.is_tree:
                return True
        return False


def _folders(path: bytes) -> list[bytes]:
    """The folders above a path, outermost first."""
    parts = path.split(b"/")[:-1]
    return [b"/".join(parts[: depth + 1]) for depth in range(len(parts))]
