"""The same merge over fewer folders: ours without most of what it has merely edited.

merge-ort reads every folder in which ours differs from the base when it looks for where a file went, and that is
most of its work (a few added and deleted files among thousands of edited ones). But a file that the base and ours
both have is no end of a rename, and where the patch does not touch it ours wins. So the question is asked
with the base's entry in its place, and the answer's changes are put into ours.

Where a file has several ends that are equally good, merge-ort takes the one that it met first, and folders that one
side alone has changed come later, in an order that their number decides. So what it looks at first stays: a folder
that the patch touches keeps ours' edits, and a folder beside it that differs goes on differing, be it by one mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from stat import S_IFMT

from git_poolside.git.diff import Change, change
from git_poolside.git.meanwhile import meanwhile
from git_poolside.git.merge import MergeOrt
from git_poolside.git.objects import FILES, FOLDER, TREE_MODE, Entry, Objects, Row, Rows, entry, folders
from git_poolside.stack.model import Conflict, Oid, Touch

_OTHER_MODE = {b"100644": b"100755", b"100755": b"100644"}
_MOVED = b"directory rename"
"""What the kinds of a conflict have in common that come of a folder's move: its paths need all that is in the way."""


MARKED = "git calls it merged, but leaves conflict markers in"


class WholeTrees(Exception):
    """It takes a merge of whole trees."""


class Narrow:
    """Asks such questions of `merge`; what was found of a folder is kept, since the next patch meets most of it.

    A folder that has merely edits is not even read, if another version of it was seen so and patches have but edited
    since.
    """

    def __init__(self, objects: Objects, merge: MergeOrt) -> None:
        self._objects = objects
        self._merge = merge
        self._known: dict[tuple[Oid, Oid], Oid] = {}
        self._others: dict[tuple[Oid, Oid], Oid] = {}
        self._shapes: dict[Oid, Oid] = {}
        self._alike: set[tuple[Oid, Oid]] = set()
        self._compared: Callable[[], list[tuple[Oid, Oid]]] | None = None

    def compare(self, base: Oid, ours: Oid) -> None:
        """Find out, meanwhile, in which folders the two differ by edits alone: questions about them are to come."""
        self._compared = meanwhile(lambda: self._edited_between(base, ours))

    def _edited_between(self, base: Oid, ours: Oid) -> list[tuple[Oid, Oid]]:
        """The folders in which one tree differs from the other by edits alone, as they are in both."""
        whole = change(self._objects.git, base, ours)
        inside = [one for one in whole.folders if one.new_mode == TREE_MODE]
        odd = [one.path for one in inside if not self._objects.written_by_git(one.new)]
        return [(one.old, one.new) for one in _merely_edited(whole, odd)]

    def learn(self, change: Change) -> None:
        """Which folders the patch leaves in their shape."""
        for folder in _merely_edited(change):
            self.same_shape(folder.new, folder.old)

    def shape(self, tree: Oid) -> Oid:
        """One tree for all those that are known to have the same things of the same kinds, in all of their folders."""
        return self._shapes.get(tree, tree)

    def same_shape(self, new: Oid, old: Oid) -> None:
        """`new` was made of `old` by edits alone."""
        if new != old:
            self._shapes[new] = self._shapes.get(old, old)

    def apply(self, change: Change, ours: Oid) -> Oid | Conflict:
        """The tree that `change` makes of `ours`, or the conflict. Raises `WholeTrees` and `MergeCrashed`."""
        asked = self.question(change, ours)
        merged = self._merge.merge(change.base, asked, change.theirs)
        if merged.conflict is not None:
            if any(_MOVED in kind for kind in merged.kinds):
                raise WholeTrees
            return merged.conflict
        made: dict[bytes, Entry | None] = {}
        for path, before, after in self._differences(asked, merged.tree, b""):
            if self._objects.lookup(ours, path) != before:
                raise WholeTrees  # something came to where ours has an edit
            made[path] = after
        return self._marked(made, merged.label) or self._objects.graft(ours, made)

    def whole(self, change: Change, ours: Oid) -> Oid | Conflict:
        """The same by a merge of the trees as they are. Raises `MergeCrashed`."""
        merged = self._merge.merge(change.base, ours, change.theirs)
        if merged.conflict is not None:
            return merged.conflict
        made = {path: after for path, _, after in self._differences(ours, merged.tree, b"")}
        return self._marked(made, merged.label) or merged.tree

    def question(self, change: Change, ours: Oid) -> Oid:
        """What is asked in the place of `ours`. Raises `WholeTrees`."""
        if self._compared is not None:
            found, self._compared = self._compared(), None
            self._alike |= {(self.shape(old), self.shape(new)) for old, new in found}
        touched = {folder for touch in change.touches for folder in folders(touch.path)}
        return self._above(change.base, ours, touched, b"")

    def _marked(self, made: Mapping[bytes, Entry | None], label: Oid) -> Conflict | None:
        """The conflict in files in which a merge that git calls clean has left conflict markers.

        So it does where both sides have the file that one of them has moved there, and the other's edit of the old one
        conflicts (seen with git 2.39 to 2.55). What is not in this clone was not made by the merge.
        """
        marked = [
            path
            for path, one in made.items()
            if one is not None
            and one.mode in FILES
            and self._objects.exists(one.oid)
            and label.encode() in self._objects.read(one.oid)
        ]
        paths = tuple(path.decode("utf-8", "surrogateescape") for path in sorted(marked))
        return Conflict(paths, tuple(f"CONFLICT (content): {MARKED} {path}" for path in paths)) if paths else None

    def _above(self, base: Oid, ours: Oid, touched: Set[bytes], above: bytes) -> Oid:
        """`ours`, a folder that the patch touches, with fewer edits in the folders that it does not."""
        before = self._rows(base, ours)
        edits: dict[bytes, Row] = {}
        for name, row in self._objects.rows(ours).items():
            old = before.get(name)
            if old is not None and old != row and old[0] == row[0] == FOLDER:
                pair, path = (Oid(old[1].hex()), Oid(row[1].hex())), above + name
                made = self._above(*pair, touched, path + b"/") if path in touched else self._beside(*pair)
                edits[name] = (FOLDER, bytes.fromhex(made))
        return self._objects.edit_rows(ours, edits)

    def _beside(self, base: Oid, ours: Oid) -> Oid:
        """`ours` without its edits, or with another one if it would be the base."""
        if (base, ours) not in self._others:
            made = self._without_edits(base, ours)
            self._others[base, ours] = made if made != base else self._one_mode_changed(base) or ours
        return self._others[base, ours]

    def _one_mode_changed(self, folder: Oid) -> Oid | None:
        """`folder` with the mode of one of its files changed, as high up as there is one; None without one."""
        rows = self._objects.rows(folder)
        for name, (mode, sha) in rows.items():
            if mode in _OTHER_MODE:
                return self._objects.edit_rows(folder, {name: (_OTHER_MODE[mode], sha)})
        for name, (mode, sha) in rows.items():
            if mode == FOLDER and (inside := self._one_mode_changed(Oid(sha.hex()))):
                return self._objects.edit_rows(folder, {name: (FOLDER, bytes.fromhex(inside))})
        return None

    def _without_edits(self, base: Oid, ours: Oid) -> Oid:
        """`ours` with the base's entry for everything that both have as a thing of the same kind."""
        if base == ours or (shapes := (self.shape(base), self.shape(ours))) in self._alike:
            return base
        if (base, ours) not in self._known:
            before = self._rows(base, ours)
            now = self._objects.rows(ours)
            edits: dict[bytes, Row] = {}
            differs = len(before) != len(now)
            for name, row in now.items():
                old = before.get(name)
                if old == row:
                    continue
                if old is None or old[0][:3] != row[0][:3]:
                    differs = True
                    continue
                edits[name] = old
                if row[0] == FOLDER:
                    inside = self._without_edits(Oid(old[1].hex()), Oid(row[1].hex()))
                    edits[name] = (FOLDER, bytes.fromhex(inside))
                    differs = differs or edits[name] != old
            if not differs:
                self._alike.add(shapes)
            self._known[base, ours] = self._objects.edit_rows(ours, edits) if differs else base
        return self._known[base, ours]

    def _rows(self, base: Oid, ours: Oid) -> Rows:
        """The base's entries. Raises `WholeTrees` where git would not write one of the two so.

        What is made of it would not be as git writes it either, and is not looked at again.
        """
        if not (self._objects.written_by_git(base) and self._objects.written_by_git(ours)):
            raise WholeTrees
        return self._objects.rows(base)

    def _differences(self, one: Oid, other: Oid, above: bytes) -> Iterator[tuple[bytes, Entry | None, Entry | None]]:
        """Where two trees differ, with what is there in each: a folder as a whole where the other has none."""
        before, after = self._objects.rows(one), self._objects.rows(other)
        for name in [*after, *(before.keys() - after.keys())]:
            old, new = before.get(name), after.get(name)
            if old == new:
                continue
            path = above + name
            if old is not None and new is not None and old[0] == new[0] == FOLDER:
                yield from self._differences(Oid(old[1].hex()), Oid(new[1].hex()), path + b"/")
            else:
                yield path, None if old is None else entry(*old), None if new is None else entry(*new)


def _merely_edited(change: Change, odd: Iterable[bytes] = ()) -> Iterator[Touch]:
    """The folders in which a change merely edits: all that is in them, and further inside, stays of the same kind.

    Not those that are `odd`, nor those above: git would write them otherwise, and does where it looks into them.
    """
    if change.odd:
        return
    others = {above for path in odd for above in (path, *folders(path))}
    for touch in change.touches:
        if S_IFMT(touch.old_mode) != S_IFMT(touch.new_mode):
            others.update(folders(touch.path))
    yield from (one for one in change.folders if one.path not in others and one.old_mode == one.new_mode)
