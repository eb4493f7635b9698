"""One patch on another tree: with git's verdict and git's tree, and no work where there is none to do.

Paths that are the same in ours as in the patch's base are grafted, files that all sides have are merged by
`content`; everything else is a merge of whole trees by merge-ort (design: Replay). The conditions of `_plainly`
keep out what merge-ort would treat otherwise: type changes, a file in the place of a folder, and folder renames
in both directions; `_written_by_git` keeps out trees that it would tidy up.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Sequence

from git_poolside.git.content import Contents, Three
from git_poolside.git.diff import Change
from git_poolside.git.merge import ATTRIBUTES, MergeCrashed, MergeOrt
from git_poolside.git.objects import FILES, TREE_MODE, Entry, Objects, folders
from git_poolside.stack.model import Conflict, Oid

_FILES = frozenset(FILES)


class Engine:
    """Applies changes to trees, in memory; new objects go where `objects` writes."""

    def __init__(self, objects: Objects, merge: MergeOrt) -> None:
        self.objects = objects
        self._merge = merge
        self._contents = Contents(objects, merge)
        self._attributes: Oid | None = None
        self._foreseen: frozenset[bytes] = frozenset()
        self._ruled: dict[Oid, tuple[frozenset[bytes], frozenset[bytes]]] = {}

    def stand_on(self, tree: Oid, changes: Sequence[Change] = ()) -> None:
        """A replay of `changes` begins on `tree`: its attribute files rule the merges until one changes them."""
        self._attributes = tree
        self._contents.foresee(changes, tree)
        self._foreseen = frozenset(touch.path for change in changes for touch in change.touches)

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
        if change.base == ours and self.objects.written_by_git(change.theirs):
            return change.theirs
        entries = self._entries(change, ours)
        if entries is not None:
            return self.objects.graft(ours, entries)
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
        return self.apply(Change(change.theirs, change.base, touches, odd=change.odd), ours)

    def same_at(self, paths: frozenset[bytes], one: Oid, other: Oid) -> bool:
        """Whether two trees have the same entries at `paths`."""
        return all(self.objects.lookup(one, path) == self.objects.lookup(other, path) for path in paths)

    def _entries(self, change: Change, ours: Oid) -> dict[bytes, Entry | None] | None:
        """What merge-ort makes of each path of the patch, found without a merge of whole trees; None if it takes one.

        Where ours is as base, theirs is taken; a file that all three have is merged by its content.
        """
        found = self._folders_alike(change, ours)
        merges: dict[bytes, Three] = {}
        for touch in change.touches:
            whole = not found.keys().isdisjoint(folders(touch.path))
            here = self.objects.lookup(ours, touch.path) if not whole else None
            old = Entry(touch.old_mode, touch.old) if touch.old_mode else None
            new = Entry(touch.new_mode, touch.new) if touch.new_mode else None
            if whole or here == old:
                if not self._plainly(change, old, new, touch.path, ours):
                    return None
                if not whole:
                    found[touch.path] = new
            elif here and old and new and {here.mode, old.mode, new.mode} <= _FILES:
                merges[touch.path] = Three(old, here, new)
            else:
                return None
        if change.odd or not self._written_by_git(ours, found.keys() | merges) or self._rules(merges, ours):
            return None
        for path, three in merges.items():
            merged = self._contents.merge(three)
            if merged is None:
                return None
            found[path] = merged
        return found

    def _folders_alike(self, change: Change, ours: Oid) -> dict[bytes, Entry | None]:
        """The outermost folders that the patch changes or adds and ours has, or has not, as base: theirs, whole."""
        found: dict[bytes, Entry | None] = {}
        for folder in change.folders:
            outermost = found.keys().isdisjoint(folders(folder.path))
            before = Entry(folder.old_mode, folder.old) if folder.old_mode else None
            folder_or_nothing = folder.new_mode == TREE_MODE and folder.old_mode in (0, TREE_MODE)
            if folder_or_nothing and outermost and self.objects.lookup(ours, folder.path) == before:
                found[folder.path] = Entry(TREE_MODE, folder.new)
        return found

    def _plainly(self, change: Change, old: Entry | None, new: Entry | None, path: bytes, ours: Oid) -> bool:
        """Whether merge-ort could do nothing but take theirs at a path where ours is as base."""
        if old is not None and new is not None:
            return stat.S_IFMT(old.mode) == stat.S_IFMT(new.mode)
        lookup = self.objects.lookup
        for folder in folders(path):
            mine, before = lookup(ours, folder), lookup(change.base, folder)
            if old is None and mine is not None and not mine.is_tree:
                return False  # a file of ours in the place of the folder
            if before is None or not before.is_tree:
                continue
            if old is None and (mine is None or not mine.is_tree):
                return False  # ours may have renamed the folder that this path is added to
            if new is None:
                after = lookup(change.theirs, folder)
                if (after is None or not after.is_tree) and mine != before:
                    return False  # theirs may have renamed a folder to which ours added
        return True

    def _written_by_git(self, ours: Oid, paths: Iterable[bytes]) -> bool:
        """Whether git would write the folders of `ours` above `paths` so: it reads others, and tidies them up."""
        for folder in {b""}.union(*map(folders, paths)):
            entry = self.objects.lookup(ours, folder) if folder else Entry(TREE_MODE, ours)
            if entry is not None and entry.is_tree and not self.objects.written_by_git(entry.oid):
                return False
        return True

    def _rules(self, paths: Iterable[bytes], ours: Oid) -> bool:
        """Whether one of `paths` has an attribute that rules its merge."""
        tree = self._attributes or ours
        known, ruled = self._ruled.get(tree, (frozenset(), frozenset()))
        if new := frozenset(paths) - known:
            new |= self._foreseen - known
            ruled |= self._merge.ruled(tree, new)
            self._ruled = {tree: (known | new, ruled)}
        return not ruled.isdisjoint(paths)
