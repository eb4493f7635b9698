"""Generated text in the stack: it is state, not a patch's content, so it never conflicts and is written anew.

That is the date (and the base version) in the version variable, and the changes file (design: The stamp, S6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from git_poolside.config import Config
from git_poolside.git.diff import Change, changes, paths_of, tree_of_parent
from git_poolside.git.objects import BLOB, FILES, Entry, Objects
from git_poolside.git.process import Git
from git_poolside.stack import version
from git_poolside.stack.bullets import Entry as Bullet
from git_poolside.stack.changes import BrokenMarkers, ChangesFile, combined, section, written
from git_poolside.stack.model import (
    NULL_OID,
    Commit,
    Conflict,
    Oid,
    PatchResult,
    Role,
    Snag,
    Stack,
    Touch,
    Verdict,
)
from git_poolside.stack.provenance import Provenance
from git_poolside.stack.stamp import stamped
from git_poolside.stack.values import frozen
from git_poolside.stack.version import VersionFile


@frozen
class Written:
    """A tree with the generated text of a sync in it, and what there is to say about it."""

    tree: Oid
    notes: tuple[str, ...] = ()
    snag: Snag | None = None


class Generated:
    """Takes generated text out of patches, and writes it at the end."""

    def __init__(self, git: Git, config: Config, objects: Objects) -> None:
        self.git = git
        self.config = config
        self.version = config.version
        self.objects = objects
        self.path = config.version.file.encode()
        self.changes = ChangesFile(config.changes.file.encode())
        self.files: Mapping[bytes, VersionFile | ChangesFile] = {
            self.path: VersionFile(self.path, config.version.variable),
            self.changes.path: self.changes,
        }
        self._edits: list[tuple[bytes, bytes]] = []

    def neutral(self, change: Change, ours: Oid, *, stamp: bool = False) -> Change:
        """`change` with the generated text of `ours` on both its sides.

        A `stamp` (by its trailers) brings nothing of its own to the changes file: the text at the old tip does.
        """
        sides = change.base, change.theirs
        touches: list[Touch] = []
        for touch in change.touches:
            carried = self._carried(touch, ours, stamp=stamp)
            if carried is not None:
                old, new = carried
                base, theirs = (
                    self.objects.graft(tree, {touch.path: at}) for tree, at in zip(sides, carried, strict=True)
                )
                sides = base, theirs
                absent = Entry(0, NULL_OID)
                touch = Touch(
                    touch.path, (old or absent).mode, (new or absent).mode, (old or absent).oid, (new or absent).oid
                )
            if (touch.old_mode, touch.old) != (touch.new_mode, touch.new):
                touches.append(touch)
        return change if sides == (change.base, change.theirs) else Change(*sides, tuple(touches), odd=change.odd)

    def _carried(self, touch: Touch, ours: Oid, *, stamp: bool) -> tuple[Entry | None, Entry | None] | None:
        """The two sides of an edit of a generated file as they go onto `ours`; None for any other, or as they are."""
        file = self.files.get(touch.path)
        if file is None:
            return None
        here = self.objects.lookup(ours, touch.path)
        if not {touch.old_mode, touch.new_mode, here.mode if here else 0} <= {0, *FILES}:
            return None
        text = self.text(ours, touch.path)
        before = self.objects.read(touch.old) if touch.old_mode else None
        after = self.objects.read(touch.new) if touch.new_mode else None
        carried = (text, text) if stamp and file is self.changes else file.carried(before, after, text)
        if carried == (before, after):
            return None
        mode = here.mode if here else FILES[0]
        old, new = (
            None if side is None else Entry(kept or mode, self.objects.write(BLOB, side))
            for side, kept in zip(carried, (touch.old_mode, touch.new_mode), strict=True)
        )
        return old, new

    def content(self, change: Change, result: Oid | Conflict, ours: Oid) -> Oid | Conflict:
        """A replay's result without what the patch says of itself in the changes file, if it does more than that."""
        if not isinstance(result, str) or change.paths <= {self.changes.path} or self.changes.path not in change.paths:
            return result
        return self.objects.graft(result, {self.changes.path: self.objects.lookup(ours, self.changes.path)})

    def resolved(self, change: Change, ours: Oid, made: Sequence[Oid]) -> None:
        """Remember what a person wrote into the changes file when resolving a patch on the tree `ours`."""
        expected = self.neutral(change, ours)
        before = self.text(expected.theirs if self.changes.path in change.paths else ours, self.changes.path)
        for oid in made:
            after = self.text(self.objects.commit(oid).tree, self.changes.path)
            if after != before and after is not None:
                self._edits.append((before or b"", after))
            before = after

    def settle(self, git: Git, patch: Commit, partial: Oid) -> None:
        """Take the changes file out of a stop: what it is on `partial` with the patch's own words is no question."""
        path = self.changes.path
        literal = git.with_environment(GIT_LITERAL_PATHSPECS="1")
        if not literal.run("ls-files", "-u", "-z", "--", path.decode()).stdout:
            return
        [change] = self._changes([patch])
        text = self.text(self.neutral(change, self.objects.commit(partial).tree).theirs, path)
        literal.run("rm", "-q", "-f", "--", path.decode())
        if text is not None:
            blob = git.run("hash-object", "-w", "--stdin", input=text).stdout.strip()
            git.run("update-index", "-z", "--index-info", input=b"100644 %s 0\t%s\0" % (blob, path))
            git.run("checkout-index", "-q", "-u", "-z", "--stdin", input=path + b"\0")

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
        return changes(self.git, [(tree_of_parent(self.objects, commit), commit.tree) for commit in commits])

    def _is_stamp(self, commit: Commit, change: Change) -> bool:
        by_trailer = Provenance.of(commit.text).is_stamp
        return (by_trailer or bool(change.touches)) and all(
            self._is_state(touch, by_trailer) for touch in change.touches
        )

    def _is_state(self, touch: Touch, by_trailer: bool) -> bool:
        if by_trailer and touch.path == self.changes.path:
            return {touch.old_mode, touch.new_mode} <= {0, *FILES}
        file = self.files.get(touch.path)
        if file is None or touch.old_mode != touch.new_mode or touch.old_mode not in FILES:
            return False
        return file.same(self.objects.read(touch.old), self.objects.read(touch.new))

    def write(
        self, tip: Oid, stack: Stack, target: Oid, date: str, results: Iterable[PatchResult], *, adopt: bool
    ) -> Written:
        """The tree of `tip` with the date set, the base version where upstream's moved, and the changes file.

        The text at the old tip of `stack` is the source of what is not set. The snag is ``version-ambiguous``.
        """
        source = self.objects.commit(stack.patches.tip).tree
        one = self._write_version(tip, source, stack.base, target, date)
        now = self.text(one.tree, self.changes.path)
        text, note = self._changes_text(source, now, results, adopt)
        if text == now or text is None:
            return Written(one.tree, (*one.notes, *note), one.snag)
        entry = self.objects.lookup(source, self.changes.path)
        mode = entry.mode if entry is not None and entry.mode in FILES else FILES[0]
        return Written(self._with(one.tree, self.changes.path, mode, text), (*one.notes, *note), one.snag)

    def _write_version(self, tip: Oid, source: Oid, base: Oid, target: Oid, date: str) -> Written:
        tree = self.objects.commit(tip).tree
        entry = self.objects.lookup(tree, self.path)
        text = self.text(tree, self.path)
        if entry is None or text is None:
            return Written(tree, (f"{self.version.file} is not in the stack: no version is set",))
        moved_to = self._base_moved(base, target)
        try:
            new, why_not = stamped(text, self.version.variable, date, self.text(source, self.path), moved_to)
        except version.Ambiguous as error:
            snag = Snag(
                "version-ambiguous",
                f"{self.version.variable} is set with a date on more than one line of {self.version.file}: {error}",
                "--allow version-ambiguous   (sets none; else leave one line with a date)",
            )
            return Written(tree, snag=snag)
        if why_not:
            return Written(tree, (f"{self.version.file}: {why_not}; no version is set",))
        return Written(self._with(tree, self.path, entry.mode, new))

    def _changes_text(
        self, source: Oid, now: bytes | None, results: Iterable[PatchResult], adopt: bool
    ) -> tuple[bytes | None, tuple[str, ...]]:
        """The changes file's text for the new tip, None where it is none of ours, and what there is to say."""
        entry = self.objects.lookup(source, self.changes.path)
        if entry is not None and entry.mode not in FILES:
            return now, ()
        text = self.text(source, self.changes.path)
        text = now if text is None else text
        for before, after in [*self._edits, *self._left_out(results)]:
            text = after if text is None else combined(before, text, after)
        try:
            if adopt or (text is not None and section(text) is not None):
                other = (Verdict.STAMP, Verdict.SQUASHED)
                kept = [(r.role, r.new, r.verdict) for r in results if r.new and r.verdict not in other]
                text = written(text, self.bullets(kept))
        except BrokenMarkers as error:
            return text, (f"{self.config.changes.file} {error}; its section is left as it is",)
        return text, ()

    def _left_out(self, results: Iterable[PatchResult]) -> list[tuple[bytes, bytes]]:
        """The edits that take back what a person left out, of patches that are about the changes file alone."""
        patches = [self.objects.commit(r.old) for r in results if r.old and r.verdict is Verdict.SKIPPED]
        return [
            (self.objects.read(touch.new), self.objects.read(touch.old))
            for change in self._changes(patches)
            for touch in change.touches
            if change.paths == {self.changes.path} and touch.old_mode in FILES and touch.new_mode in FILES
        ]

    def bullets(self, patches: Iterable[tuple[Role, Oid, Verdict | None]]) -> list[Bullet]:
        """What the changes file says of the commits of a stack: own patches first, then picks, lowest first.

        A patch of the changes file alone has no bullet.
        """
        patches = sorted(patches, key=lambda patch: patch[0] is Role.PICKS)
        touched = paths_of(self.git, [oid for _, oid, _ in patches])
        github = self.config.github
        return [
            Bullet.of(self.objects.commit(oid), role, github.fork, github.upstream, verdict.value if verdict else "")
            for role, oid, verdict in patches
            if touched[oid] != {self.changes.path}
        ]

    def text(self, tree: Oid, path: bytes) -> bytes | None:
        """The text of a file in a tree."""
        entry = self.objects.lookup(tree, path)
        return self.objects.read(entry.oid) if entry is not None and entry.mode in FILES else None

    def _with(self, tree: Oid, path: bytes, mode: int, text: bytes | None) -> Oid:
        entry = None if text is None else Entry(mode, self.objects.write(BLOB, text))
        return self.objects.graft(tree, {path: entry})

    def _base_moved(self, old: Oid, new: Oid) -> bytes | None:
        """The new base version if upstream's ``version.txt`` names another release than at the old base."""
        path = self.version.base_file.encode()
        numbers = []
        for commit in (old, new):
            entry = self.objects.lookup(self.objects.commit(commit).tree, path)
            text = self.objects.read(entry.oid) if entry is not None and entry.mode in FILES else b""
            numbers.append(version.base_version(text))
        return numbers[1] if numbers[0] != numbers[1] else None
