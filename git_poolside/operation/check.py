"""Reads the finished objects again for the conservation check, with nothing of the engine but its result."""

from __future__ import annotations

from collections.abc import Mapping

from git_poolside.errors import Bug
from git_poolside.git.diff import changes, patch_ids, tree_of_parent
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.operation.rebuilt import Rebuilt
from git_poolside.stack.conservation import Finished, violations
from git_poolside.stack.model import Oid, Role, Stack, Touch, Verdict
from git_poolside.stack.plan import Plan
from git_poolside.stack.proposal import with_pull


def conserve(
    git: Git, objects: Objects, stack: Stack, rebuilt: Rebuilt, generated: frozenset[bytes], plan: Plan | None
) -> None:
    """Raises `Bug` when a patch would be lost, doubled or altered; nothing has moved then.

    `stack` is the old one; with a `plan` its patches are to be in that order, and what comes in accounted for too.
    Otherwise they are to be in the order in which the rebuild took them.
    """
    old = [commit.oid for layer in stack.layers for commit in layer.commits]
    tip = rebuilt.tips[Role.PATCHES]
    new = [Oid(oid) for oid in git.lines("rev-list", "--topo-order", "--reverse", tip, f"^{rebuilt.target}", "--")]
    everything = list(dict.fromkeys([*old, *new]))
    commits = [objects.commit(oid) for oid in everything]
    trees = (objects.commit(rebuilt.target).tree, objects.commit(tip).tree)
    whole, *made = changes(git, [trees, *((tree_of_parent(objects, commit), commit.tree) for commit in commits)])
    touches = {commit.oid: change.touches for commit, change in zip(commits, made, strict=True)}
    words = {commit.oid: (commit.author, commit.message) for commit in commits}
    for noted, number in (plan.noted if plan is not None else {}).items():
        author, message = words[noted]
        words[noted] = author, with_pull(message, number)  # what the new commit is to say
    paths = {oid: frozenset(touch.path for touch in found) for oid, found in touches.items()}
    order, incoming = (plan.order, tuple(plan.incoming)) if plan is not None else (rebuilt.order, ())
    identities = _identities(git, rebuilt, touches)
    finished = Finished(old, new, identities, paths, words, whole.paths, generated, order, incoming)
    found = violations(rebuilt.results, finished)
    if found:
        raise Bug(
            "the result does not account for every patch, so nothing was moved:\n"
            + "\n".join(f"  {line}" for line in found),
            hints=["please report this, with the output of the same command and --json"],
        )


def _identities(git: Git, rebuilt: Rebuilt, touches: Mapping[Oid, tuple[Touch, ...]]) -> dict[Oid, str]:
    """The patch-ids of what is called carried; words for the very same files, which need no reading."""
    carried = [(r.old, r.new) for r in rebuilt.results if r.verdict is Verdict.CARRIED and r.old and r.new]
    same = {
        oid: f"the same files as {old}"
        for old, new in carried
        if touches.get(old, ()) == touches.get(new)
        for oid in (old, new)
    }
    return same | patch_ids(git, [oid for pair in carried for oid in pair if oid not in same], verbatim=True)
