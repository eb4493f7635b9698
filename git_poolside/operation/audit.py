"""The audit of merges and resolutions: reads the four sides of a patch's files, and says what is doubtful."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from git_poolside.git.diff import Change, changes
from git_poolside.git.objects import FILES, Entry, MissingObject, Objects
from git_poolside.git.process import Git
from git_poolside.stack.audit import Lost, doubtful, lost, twice
from git_poolside.stack.model import Commit, Oid, Snag
from git_poolside.stack.values import frozen

_LARGEST = 1 << 20
_SHOWN = 60
_HINTS = {
    "duplicate-block": "--allow duplicate-block   (if it is to stand twice; else take it out of the patch)",
    "resolution-lost-lines": "git commit --amend   (puts what is missing into it)\n"
    "--allow resolution-lost-lines   (if nothing is missing)",
}


@frozen
class Finding:
    """One doubt: the snag's `name`, and what it is about."""

    name: str
    message: str

    def snag(self, commit: Commit) -> Snag:
        """The doubt as one that refuses the operation (``--strict``)."""
        message = f"{commit.oid[:9]} {commit.subject}: {self.message}"
        return Snag(self.name, message, _HINTS[self.name], commit.oid)


def audit(git: Git, objects: Objects, change: Change, ours: Oid, result: Oid, *, resolved: bool) -> list[Finding]:
    """What is doubtful about `result`, the tree that `change` became on the tree `ours`.

    Where the patch's files were as it had them nothing can be. Losses are looked for if it was `resolved` by a
    person or by rerere: git's own merge loses nothing.
    """
    paths = change.paths
    before = {touch.path: Entry(touch.old_mode, touch.old) if touch.old_mode else None for touch in change.touches}
    moved = [path for path, entry in before.items() if objects.lookup(ours, path) != entry]
    if not moved and not resolved:
        return []
    if resolved or any(objects.lookup(ours, path) is None for path in moved):
        paths |= changes(git, [(ours, result)])[0].paths  # the patch may have followed a rename
    sides = _Sides(objects, change, ours, result)
    found: list[Finding] = []
    for path in sorted(paths):
        here, new = sides.text(ours, path), sides.text(result, path)
        if here is None or new is None or not (added := doubtful(here, new)):
            continue
        for one in twice(added, sides.before(path), here, new):
            lines = f"{len(one.block)} lines" if len(one.block) > 1 else "a line"
            found.append(
                Finding(
                    "duplicate-block",
                    f"{_name(path)} has {lines} twice, which upstream added too: "
                    f"line {one.line}, '{_line(one.block[0])}'",
                )
            )
    if resolved:
        found += _losses(sides, sorted(paths))
    return found


class _Sides:
    """The texts of one patch's files on the four sides."""

    def __init__(self, objects: Objects, change: Change, ours: Oid, result: Oid) -> None:
        self.objects = objects
        self.change = change
        self.ours = ours
        self.result = result

    def text(self, tree: Oid, path: bytes) -> Sequence[bytes] | None:
        """A file's lines; None for what is no text, is not here, or is more than anybody reads."""
        entry = self.objects.lookup(tree, path)
        if entry is None or entry.mode not in FILES:
            return None
        try:
            data = self.objects.read(entry.oid)
        except MissingObject:
            return None
        return None if len(data) > _LARGEST or b"\0" in data[:8000] else data.splitlines()

    def before(self, path: bytes) -> Sequence[bytes]:
        """What the patch was made on; for a file that upstream has moved since, all of the patch's old files."""
        text = self.text(self.change.base, path)
        return self.whole(self.change.base) if text is None else text

    def moves(self, old: Sequence[bytes]) -> bool:
        """Whether a file that the patch deletes lives on in one that it adds: most of its lines are there."""
        added = (self.text(self.change.theirs, touch.path) for touch in self.change.touches if not touch.old_mode)
        there = Counter(line for text in added for line in text or ())
        return 2 * (Counter(old) & there).total() > len(old)

    def whole(self, tree: Oid) -> Sequence[bytes]:
        """All of the patch's files in a tree."""
        return [line for touch in self.change.touches for line in self.text(tree, touch.path) or ()]


def _losses(sides: _Sides, paths: Sequence[bytes]) -> list[Finding]:
    found: list[Finding] = []
    base, ours, theirs, result = sides.change.base, sides.ours, sides.change.theirs, sides.result
    elsewhere = [line for path in paths for line in sides.text(result, path) or ()]
    for path in paths:
        old, here, patch, new = (sides.text(tree, path) for tree in (base, ours, theirs, result))
        moved = elsewhere if new is None else ()
        if old is None and here is not None and patch is None:  # upstream moved it
            found += _lost("upstream's", path, lost(sides.whole(base), here, sides.whole(theirs), new or (), moved))
            continue
        deleted = old is not None and patch is None and new is None and not sides.moves(old)
        if here is not None and here != old and not deleted:
            found += _lost("upstream's", path, lost(old or (), here, patch or (), new or (), moved))
        if patch is not None and patch != old:
            found += _lost("the patch's", path, lost(old or (), patch, here or (), new or (), moved))
    return found


def _lost(whose: str, path: bytes, hunks: Sequence[Lost]) -> list[Finding]:
    """One finding for all that a file lost of one side."""
    added = [line for hunk in hunks for line in hunk.added]
    removed = [line for hunk in hunks for line in hunk.removed]
    what = [f"lacks {whose} {_first(added)}"] if added else []
    what += [f"has {_first(removed)} again, against {whose}"] if removed else []
    return [Finding("resolution-lost-lines", f"the resolution of {_name(path)} {' and '.join(what)}")] if what else []


def _first(lines: Sequence[bytes]) -> str:
    more = len(lines) - 1
    return f"'{_line(lines[0])}'" + (f" and {more} lines more" if more > 1 else " and a line more" if more else "")


def _name(path: bytes) -> str:
    return path.decode("utf-8", "replace")


def _line(line: bytes) -> str:
    text = line.decode("utf-8", "replace").strip()
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
