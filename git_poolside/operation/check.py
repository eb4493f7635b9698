"""Reads the finished objects again for the conservation check, with nothing of the engine but its result."""

from __future__ import annotations

from git_poolside.errors import Bug
from git_poolside.git.diff import changes, patch_ids, paths_of
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.operation.rebuild import Rebuilt
from git_poolside.stack.conservation import Finished, violations
from git_poolside.stack.model import Oid, Role, Stack


def conserve(git: Git, objects: Objects, stack: Stack, rebuilt: Rebuilt, generated: frozenset[bytes]) -> None:
    """Raises `Bug` when a patch would be lost, doubled or altered; nothing has moved then."""
    old = [commit.oid for layer in stack.layers for commit in layer.commits]
    tip = rebuilt.tips[Role.PATCHES]
    new = [Oid(oid) for oid in git.lines("rev-list", "--topo-order", "--reverse", tip, f"^{rebuilt.target}", "--")]
    moved = [oid for oid in dict.fromkeys([*old, *new]) if oid not in set(old) & set(new)]
    identities = patch_ids(git, moved, verbatim=True)
    trees = (objects.commit(rebuilt.target).tree, objects.commit(tip).tree)
    differs = changes(git, [trees])[0].paths
    everything = list(dict.fromkeys([*old, *new]))
    words = {commit.oid: (commit.author, commit.message) for commit in map(objects.commit, everything)}
    finished = Finished(old, new, identities, paths_of(git, everything), words, differs, generated)
    found = violations(rebuilt.results, finished)
    if found:
        raise Bug(
            "the result does not account for every patch, so nothing was moved:\n"
            + "\n".join(f"  {line}" for line in found),
            hints=["please report this, with the output of the same command and --json"],
        )
