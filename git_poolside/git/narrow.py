"""A merge of whole trees made narrow: the few paths that it can be about, in three trees of their own.

A path that is a file in base, ours and theirs, and that theirs has as base has, is ours' after any merge: it is no
end of a rename, since renames are looked for among what a side took away and what it added, and nothing can come in
its place without a conflict. Such paths are left out, but for one in each folder: a folder that a side took away
whole may have been renamed, so those have to stay that are there (git's technical/directory-rename-detection).
What merge-ort makes of the narrow trees cleanly is what it makes of the whole ones.
"""

from __future__ import annotations

from git_poolside.git.objects import FOLDER, Objects, Row, Rows
from git_poolside.stack.model import EMPTY_TREE, Oid

Three = tuple[Oid, Oid, Oid]
_STANDS_FOR_OTHERS: Row = (b"100644", bytes.fromhex("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"))
"""What one of the paths that are left out becomes on all three sides: nobody reads it."""
_MOST = 50_000


class Unusual(Exception):
    """A tree is not as git writes trees: git may tidy up what lies far from the patch."""


class Narrow:
    """Makes trees narrow. What it found in folders that a patch leaves as they are serves the next one too."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._known: dict[bytes, Three | None] = {}
        self._proper: set[bytes] = set()

    def trees(self, base: Oid, ours: Oid, theirs: Oid) -> Three:
        """Base, ours and theirs with nothing in them but what a merge may be about. Raises `Unusual`."""
        if len(self._known) > _MOST:
            self._known.clear()
        found = self._narrow(*map(bytes.fromhex, (base, ours, theirs)))
        return found or (EMPTY_TREE, EMPTY_TREE, EMPTY_TREE)

    def _narrow(self, *hashes: bytes) -> Three | None:
        """A folder on the three sides, made narrow; None where nothing in it matters."""
        key = b"".join(hashes)
        if key in self._known:
            return self._known[key]
        three = [Oid(one.hex()) for one in hashes]
        if not all(map(self._objects.written_by_git, three)):
            raise Unusual
        base, ours, theirs = map(self._objects.rows, three)
        kept: tuple[Rows, Rows, Rows] = {}, {}, {}
        changed = {name for name, _ in (base.items() ^ ours.items()) | (base.items() ^ theirs.items())}
        for name in tuple(changed):
            rows = base.get(name), ours.get(name), theirs.get(name)
            kinds = [None if row is None else row[0] == FOLDER for row in rows]
            if all(kinds):
                inner = self._narrow(*(row[1] for row in rows if row))
                if inner is None:
                    changed.discard(name)
                for side, tree in zip(kept, inner or (), strict=False):
                    if tree != EMPTY_TREE:
                        side[name] = FOLDER, bytes.fromhex(tree)
            elif rows[0] == rows[2] and kinds == [False, False, False]:
                changed.discard(name)
            else:
                for side, row in zip(kept, rows, strict=True):
                    if row is not None:
                        self._check(row)
                        side[name] = row
        self._known[key] = found = None if not any(kept) else self._written(kept, base, changed)
        return found

    def _written(self, kept: tuple[Rows, Rows, Rows], base: Rows, matters: set[bytes]) -> Three:
        left_out = next((name for name in base if name not in matters), None)
        if left_out is not None:
            for side in kept:
                side[left_out] = _STANDS_FOR_OTHERS
        one, two, three = map(self._objects.write_rows, kept)
        return one, two, three

    def _check(self, row: Row) -> None:
        """Raises `Unusual` for a folder in which something is not as git writes it."""
        if row[0] != FOLDER or row[1] in self._proper:
            return
        tree = Oid(row[1].hex())
        if not self._objects.written_by_git(tree):
            raise Unusual
        for inner in self._objects.rows(tree).values():
            self._check(inner)
        self._proper.add(row[1])

    def widened(self, ours: Oid, narrow: Oid, result: Oid) -> Oid:
        """The tree `ours` with what a merge made of it when it was `narrow`."""
        objects = self._objects
        before, after = objects.rows(narrow), objects.rows(result)
        edits: dict[bytes, Row | None] = {}
        for name in {name for name, _ in before.items() ^ after.items()}:
            old, new = before.get(name), after.get(name)
            if new is not None and old is not None and old[0] == new[0] == FOLDER:
                inside = objects.rows(ours)[name][1]
                made = self.widened(*(Oid(sha.hex()) for sha in (inside, old[1], new[1])))
                new = (FOLDER, bytes.fromhex(made)) if made != EMPTY_TREE else None
            edits[name] = new
        return objects.edit_rows(ours, edits)
