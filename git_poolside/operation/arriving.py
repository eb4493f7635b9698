"""Reads three stacks, the one that our work began from, the server's and ours, and tells what came."""

from __future__ import annotations

from collections.abc import Mapping

from git_poolside.config import Config
from git_poolside.git import refs
from git_poolside.git.diff import patch_ids
from git_poolside.git.layers import StackReader, base_of
from git_poolside.git.merge import MergeOrt
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.git.quarantine import quarantine
from git_poolside.operation import log
from git_poolside.operation.former import former
from git_poolside.operation.generated import Generated
from git_poolside.stack.arrivals import Arrivals, Entry, arrivals
from git_poolside.stack.carry import Lineage
from git_poolside.stack.model import Commit, Oid, Role, Stack
from git_poolside.stack.provenance import Provenance

Tips = Mapping[Role, Oid | None]


def arriving(git: Git, config: Config, upstream: Oid, ours: Tips, theirs: Tips, target: Oid | None = None) -> Arrivals:
    """What came to the server beside our work. `target` is where our stack goes, None if it stays.

    Raises `Refused` for what is no stack.
    """
    with quarantine(git) as inner:
        objects = Objects(inner.git)
        known = former(git, config, Objects(git), upstream, {})
        with MergeOrt(objects, inner.git.object_dir) as merge:
            reader = StackReader(inner.git, config, objects, merge, upstream)
            mine, there = (reader.read(tips[Role.PICKS], tips[Role.PATCHES], upstream) for tips in (ours, theirs))
            old = _began(git, config, Objects(git), reader, mine, known.commits)
        generated = Generated(inner.git, config, objects)
        began, came, have = (entries(inner.git, generated, known.lineage, stack) for stack in (old, there, mine))
        stamps = (Provenance.of(commit.text) for commit in there.patches.commits)
        found = arrivals(began, came, have, {oid for stamp in stamps for oid, _, _ in stamp.dropped})
    base, onto = _base(git, config, theirs, upstream), target or _base(git, config, ours, upstream)
    if refs.is_ancestor(git, base, onto):
        return found
    newer = f"it stands on {base[:9]}, which {onto[:9]} has not"
    return Arrivals(found.came, (newer, *found.edits))


def _base(git: Git, config: Config, tips: Tips, upstream: Oid) -> Oid:
    """The commit of upstream that a stack stands on, be it one that its branch has no more (edge case N6)."""
    tip = tips[Role.PATCHES] or tips[Role.PICKS] or upstream
    return base_of(git, config, tip, upstream) or upstream


def _began(git: Git, config: Config, objects: Objects, reader: StackReader, mine: Stack, had: frozenset[Oid]) -> Stack:
    """The stack that our work began from: what the log calls the lease, else the newest of ours that the server had."""
    leases = log.known(git, objects).leases
    picks, patches = (leases.get(config.ref(name)) for name in (config.branches.picks, config.branches.patches))
    if patches is None:
        listed = reversed(mine.patches.commits)
        patches = next((commit.oid for commit in listed if commit.oid in had), mine.patches.base)
        picks = mine.picks.tip if all(commit.oid in had for commit in mine.picks.commits) else None
    return reader.read(picks, patches, mine.base)


def entries(git: Git, generated: Generated, lineage: Lineage, stack: Stack) -> list[Entry]:
    """The commits of a stack, without those that hold nothing but generated text."""
    commits: list[tuple[Role, Commit]] = [(layer.role, commit) for layer in stack.layers for commit in layer.commits]
    stamps = generated.stamps([commit for _, commit in commits])
    identities = patch_ids(git, [commit.oid for _, commit in commits])
    return [
        Entry(
            commit.oid, role, commit.author, commit.subject, identities.get(commit.oid),
            frozenset(lineage.line(commit.oid)),
        )
        for role, commit in commits
        if commit.oid not in stamps
    ]  # fmt: skip
