"""What every example of the soak begins with, and what holds after each of its steps."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.scenario import World
from tests.soak.crash import Moment
from tests.soak.history import FILES, LINES, Edit, Upstream, begin
from tests.soak.people import BEFORE, ROLES, TRACE, Clone, Server, counts

WHO = st.integers(0, 1)
EDITS = st.lists(
    st.tuples(st.sampled_from(["tag", "tag", "insert", "file"]), st.integers(0, FILES - 1), st.integers(0, LINES - 1)),
    min_size=1, max_size=2,
)  # fmt: skip
MOMENTS = st.one_of(
    st.builds(Moment, st.integers(1, 75), st.just(False), st.just(0)),
    st.builds(Moment, st.integers(1, 25), st.just(True), st.just(0)),
    st.builds(Moment, st.integers(1, 25), st.just(True), st.sampled_from([0.5, 2, 5, 10])),
)
SELDOM = st.one_of(st.none(), st.none(), MOMENTS)
"""When a command is killed, which it mostly is not."""
_PREPARED: list[Upstream] = []


def prepared() -> Upstream:
    """The world in which every example begins, built once in a process."""
    if not _PREPARED:
        world = World(Path(tempfile.mkdtemp(prefix="soak-")) / "world", os.environ)
        _PREPARED.append(begin(world))
        world.prepare()
    return _PREPARED[0]


class Stage(RuleBasedStateMachine):
    """One example: a fork from its first day, until the steps are used up."""

    exact = False
    """Whether kills come at exact moments alone, so that a run repeats."""

    def __init__(self) -> None:
        super().__init__()
        BEFORE[:] = TRACE
        TRACE.clear()
        self.root = Path(tempfile.mkdtemp(prefix="soak-"))
        first = prepared()
        self.world = first.world.copied(self.root / "world", os.environ)
        self.upstream = first.copied(self.world)
        self.server = Server("server", self.world.fork, self.upstream)
        self.server.settle(self.server.now(), frozenset(), "at first")
        self.clones = [
            Clone(name, self.world.clone(name), self.upstream, server=self.server) for name in ("ann", "ben")
        ]
        for clone in self.clones:
            clone.settle(clone.now(), frozenset(), "at first")
        self.number = 0
        self.own: dict[str, tuple[tuple[Edit, ...], str]] = {}
        """The fork's own patches by their first markers: edits and title."""

    def teardown(self) -> None:
        os.chdir("/")
        try:
            self._at_the_end()
        finally:
            shutil.rmtree(self.root, ignore_errors=True)

    def _at_the_end(self) -> None:
        """Nothing is broken, and nothing that ever was a tip is gone, garbage collected or not."""
        for place in (self.server, *self.clones):
            place.repo.git("fsck", "--strict", "--no-dangling")
        for clone in self.clones:
            clone.repo.git("-c", "gc.reflogExpire=now", "gc", "-q", "--prune=now")
            there = clone.repo.git("cat-file", "--batch-check", input="\n".join(clone.moved))
            assert "missing" not in there, f"{clone.name} has lost a tip to git gc:\n{there}"

    @invariant()
    def nothing_else_has_moved(self) -> None:
        counts()["steps"] += 1
        for place in (self.server, *self.clones):
            assert place.now() == place.tips, f"{place.name}'s branches moved from {place.tips} to {place.now()}"
        for clone in self.clones:
            clone.look()

    # What the rules share

    def edits(self, kind: str, shape: Sequence[tuple[str, int, int]]) -> tuple[Edit, ...]:
        """New edits of upstream's, ``U``, or the fork's own, ``P``."""
        self.number += 1
        parts = [f"{kind}{self.number}{part}" for part in "ab"]
        return tuple(Edit(how, file, line, part) for (how, file, line), part in zip(shape, parts, strict=False))

    def when(self, moment: Moment | None) -> Moment | None:
        if moment is not None and self.exact and moment.delay:
            return Moment(moment.at, moment.moving, 0)
        return moment

    def on_patches(self, clone: Clone) -> bool:
        return not clone.is_stopped and clone.tree.head == ROLES[2]

    def stopped(self) -> list[Clone]:
        return [clone for clone in self.clones if clone.is_stopped]
