"""Generated text in the stack: it is state, not a patch's content, so it never conflicts and is written anew.

Here that is the date (and the base version) in the version variable (design: The stamp, edge case S6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from git_poolside.config import Config
from git_poolside.git.diff import Change, changes
from git_poolside.git.objects import BLOB, FILES, Entry, Objects
from git_poolside.git.process import Git
from git_poolside.stack import version
from git_poolside.stack.model import EMPTY_TREE, Commit, Oid, Snag, Stack
from git_poolside.stack.provenance import Provenance
from git_poolside.stack.stamp import stamped


@dataclass(frozen=True)
class Written:
    """A tree with the generated text of a sync in it, and what there is to say about it."""

    tree: Oid
    note: str = ""


class Generated:
    """Takes generated text out of patches, and writes it at the end."""

    def __init__(self, git: Git, config: Config, objects: Objects) -> None:
        self.git = git
        self.version = config.version
        self.objects = objects
        self.path = config.version.file.encode()

    def neutral(self, change: Change, ours: Oid) -> Change:
        """`change` with the generated text of `ours` on both its sides."""
        touch = next((t for t in change.touches if t.path == self.path), None)
        source = self._text(ours)
        if touch is None or source is None:
            return change
        sides: list[Oid] = []
        for tree, mode, oid in (
            (change.base, touch.old_mode, touch.old),
            (change.theirs, touch.new_mode, touch.new),
        ):
            if mode not in FILES:
                sides.append(tree)
                continue
            text = self.objects.read(oid)
            carried = version.carry(text, source, self.version.variable)
            sides.append(tree if carried == text else self._with(tree, mode, carried))
        if sides == [change.base, change.theirs]:
            return change
        return changes(self.git, [(sides[0], sides[1])])[0]

    def stamps(self, commits: Sequence[Commit], made: Sequence[Change] | None = None) -> frozenset[Oid]:
        """Those of `commits` that hold nothing but generated text: stamps, and dates set by hand (edge case A4).

        `made` are their changes where somebody has them already.
        """
        if made is None:
            made = self._changes(commits)
        return frozenset(
            commit.oid for commit, change in zip(commits, made, strict=True) if self._is_stamp(commit, change)
        )

    def _changes(self, commits: Sequence[Commit]) -> list[Change]:
        parents = [self.objects.commit(c.parents[0]).tree if c.parents else EMPTY_TREE for c in commits]
        return changes(self.git, [(parent, c.tree) for parent, c in zip(parents, commits, strict=True)])

    def _is_stamp(self, commit: Commit, change: Change) -> bool:
        if not change.touches:
            return Provenance.of(commit.text).is_stamp
        touch = change.touches[0]
        if len(change.touches) > 1 or touch.path != self.path or touch.old_mode != touch.new_mode:
            return False
        before, after = self.objects.read(touch.old), self.objects.read(touch.new)
        return version.carry(after, before, self.version.variable) == before

    def write(self, tip: Oid, stack: Stack, target: Oid, date: str) -> Written | Snag:
        """The tree of `tip` with the date set, and the base version where upstream's moved.

        The text at the old tip of `stack` is the source of what is not set. The snag is ``version-ambiguous``.
        """
        tree = self.objects.commit(tip).tree
        entry = self.objects.lookup(tree, self.path)
        text = self._text(tree)
        if entry is None or text is None:
            return Written(tree, f"{self.version.file} is not in the stack: no version is set")
        source = self._text(self.objects.commit(stack.patches.tip).tree)
        moved_to = self._base_moved(stack.base, target)
        try:
            new, why_not = stamped(text, self.version.variable, date, source, moved_to)
        except version.Ambiguous as error:
            return Snag(
                "version-ambiguous",
                f"{self.version.variable} is set with a date on more than one line of {self.version.file}: {error}",
                "leave one, or go on without setting it: --allow version-ambiguous",
            )
        if why_not:
            return Written(tree, f"{self.version.file}: {why_not}; no version is set")
        return Written(self._with(tree, entry.mode, new))

    def _text(self, tree: Oid) -> bytes | None:
        entry = self.objects.lookup(tree, self.path)
        return self.objects.read(entry.oid) if entry is not None and entry.mode in FILES else None

    def _with(self, tree: Oid, mode: int, text: bytes) -> Oid:
        return self.objects.graft(tree, {self.path: Entry(mode, self.objects.write(BLOB, text))})

    def _base_moved(self, old: Oid, new: Oid) -> bytes | None:
        """The new base version if upstream's ``version.txt`` names another release than at the old base."""
        path = self.version.base_file.encode()
        numbers = []
        for commit in (old, new):
            entry = self.objects.lookup(self.objects.commit(commit).tree, path)
            text = self.objects.read(entry.oid) if entry is not None and entry.mode in FILES else b""
            numbers.append(version.base_version(text))
        return numbers[1] if numbers[0] != numbers[1] else None
