"""What commits are made with in memory, and what a run has made before it is checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from git_poolside.config import Config
from git_poolside.git.merge import MergeOrt
from git_poolside.git.objects import Committer, Objects
from git_poolside.git.process import Git
from git_poolside.git.quarantine import Quarantine, quarantine
from git_poolside.git.replay import Engine
from git_poolside.operation.order import Order
from git_poolside.operation.rebuilt import Rebuilt
from git_poolside.stack.carry import Move
from git_poolside.stack.model import Oid, PatchResult, Snag, Stack
from git_poolside.stack.values import field, frozen, mutable
from git_poolside.ui import Ui


@frozen
class Workshop:
    """The tools of one run; the processes of `git` see what is in the quarantine, too."""

    inner: Quarantine
    config: Config
    ui: Ui
    objects: Objects
    merge: MergeOrt
    engine: Engine
    committer: Committer
    dry_run: bool

    @property
    def git(self) -> Git:
        return self.inner.git


@contextmanager
def workshop(git: Git, config: Config, ui: Ui, order: Order, *, dry_run: bool) -> Iterator[Workshop]:
    """The tools for `order`; what they make is gone afterwards unless it was kept."""
    with ExitStack() as opened:
        inner = opened.enter_context(quarantine(git))
        objects = Objects(inner.git)
        merge = opened.enter_context(MergeOrt(objects, inner.git.object_dir))
        committer = Committer.of(objects, order.identity.encode("utf-8", "surrogateescape"))
        yield Workshop(inner, config, ui, objects, merge, Engine(objects, merge), committer, dry_run)


@frozen
class Moved:
    """One branch of a pull: what became of the commits that it alone had, as far as it came."""

    move: Move
    results: tuple[PatchResult, ...] = ()


@mutable
class Made:
    """What a run came to in memory: `after` are the branches as they are to be.

    `parts` are the old stacks, each with what was made of it, for the conservation check; `stack` and `rebuilt` are
    what there is to tell.
    """

    stack: Stack
    rebuilt: Rebuilt
    parts: list[tuple[Stack, Rebuilt]]
    after: Mapping[str, Oid | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    snags: list[Snag] = field(default_factory=list)
    explanation: tuple[str, ...] = ()
    moved: list[Moved] = field(default_factory=list)
