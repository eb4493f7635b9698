"""Merges of single files, many at once: what a stack will need is asked ahead of it, in a few questions.

A path that is a regular file in all three trees, in base, ours and theirs, is merged by its content alone: it is
no end of a rename and lies in no folder that a side made or took away. So such files of many patches are put
beside each other in three small trees, and merge-ort merges them in one go. Attributes are the one thing that
depends on the path; paths that have some which rule a merge are left to the merge of whole trees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Condition, Thread
from typing import NamedTuple

from git_poolside.errors import PoolsideError
from git_poolside.git.diff import Change
from git_poolside.git.merge import MergeCrashed, MergeOrt
from git_poolside.git.objects import FILES, Entry, Objects
from git_poolside.git.promised import bring
from git_poolside.stack.model import Oid


class Three(NamedTuple):
    """One file in base, ours and theirs."""

    base: Entry
    ours: Entry
    theirs: Entry

    def simply(self) -> Entry | None:
        """The result where no content has to be looked at."""
        if self.base == self.ours or self.ours == self.theirs:
            return self.theirs
        return self.ours if self.base == self.theirs else None


_TOGETHER = 32
"""So many merges are asked for at most in one question: the stack goes on while git works on the next."""


class _Course:
    """What the patches to come do to one path, and how far it is foretold."""

    def __init__(self, now: Entry | None) -> None:
        self.now = now
        self.steps: list[tuple[int, Entry, Entry]] = []
        self.ended = now is None or now.mode not in FILES
        self.done = 0

    def next(self, results: dict[Three, Entry | None]) -> tuple[int, Three] | None:
        """The first merge whose result is unknown, and which patch needs it, as long as every patch before applies."""
        while self.done < len(self.steps) and self.now is not None:
            number, base, theirs = self.steps[self.done]
            three = Three(base, self.now, theirs)
            result = three.simply()
            if result is None:
                if three not in results:
                    return number, three
                result = results[three]
            if result is None:
                break
            self.now, self.done = result, self.done + 1
        return None

    def contents(self) -> list[Oid]:
        """Every content that merges of this path may read."""
        later = [entry.oid for _, *both in self.steps[self.done :] for entry in both]
        return [self.now.oid, *later] if self.now is not None else later


class Contents:
    """Results of merging files. What a stack will need is asked for ahead, by a thread: git works meanwhile."""

    def __init__(self, objects: Objects, merge: MergeOrt) -> None:
        self._objects = objects
        self._merge = merge
        self._results: dict[Three, Entry | None] = {}
        self._courses: list[_Course] = []
        self._news = Condition()
        self._ahead: Thread | None = None

    def foresee(self, changes: Sequence[Change], now: Mapping[bytes, Entry | None]) -> None:
        """These changes are going to be applied in this order, where their paths have these entries `now`.

        What was foreseen before and is not asked yet is given up.
        """
        with self._news:
            self._courses = []
            self._news.wait_for(lambda: self._ahead is None)
        courses = {path: _Course(entry) for path, entry in now.items()}
        for number, touch in ((number, touch) for number, change in enumerate(changes) for touch in change.touches):
            course = courses[touch.path]
            if touch.old_mode not in FILES or touch.new_mode not in FILES:
                course.ended = True
            elif not course.ended:
                course.steps.append((number, Entry(touch.old_mode, touch.old), Entry(touch.new_mode, touch.new)))
        self._courses = [course for course in courses.values() if course.steps]
        if merging := [course for course in self._courses if course.next(self._results) is not None]:
            bring(self._objects, (oid for course in merging for oid in course.contents()))
            self._ahead = Thread(target=self._run_ahead, daemon=True)
            self._ahead.start()

    def merge(self, three: Three) -> Entry | None:
        """The file that git's merge makes of three, or None if that is a conflict."""
        result = three.simply()
        if result is not None:
            return result
        with self._news:
            self._news.wait_for(lambda: three in self._results or self._ahead is None)
        if three not in self._results:
            self._ask([three])
        return self._results[three]

    def _foretold(self) -> list[Three]:
        """The merges that the stack needs next, one a path at most, the soonest first."""
        courses = self._courses
        coming = {course: first for course in courses if (first := course.next(self._results)) is not None}
        courses[:] = coming  # the others need nothing any more
        soonest = sorted(coming.values(), key=lambda one: one[0])
        return list(dict.fromkeys(three for _, three in soonest))[:_TOGETHER]

    def _run_ahead(self) -> None:
        # What goes wrong here goes wrong again, and is told, where the merge is needed.
        try:
            with suppress(PoolsideError, OSError, ValueError):
                while asked := self._foretold():
                    self._ask(asked)
                    with self._news:
                        self._news.notify_all()
        finally:
            with self._news:
                self._ahead = None
                self._news.notify_all()

    def _ask(self, asked: Sequence[Three]) -> None:
        names = [b"%08d" % number for number in range(len(asked))]
        sides = zip(*((three.base, three.ours, three.theirs) for three in asked), strict=True)
        base, ours, theirs = (self._objects.write_tree(dict(zip(names, side, strict=True))) for side in sides)
        try:
            merged = self._merge.plain.merge(base, ours, theirs)
        except MergeCrashed:
            self._results.update(dict.fromkeys(asked))
            return
        result = self._objects.tree(merged.tree)
        conflicts = {path.encode() for path in merged.conflict.paths} if merged.conflict else set()
        self._results |= {
            three: None if name in conflicts else result.get(name) for name, three in zip(names, asked, strict=True)
        }
