"""Replays a range with git poolside's own engine, as a sync does but without verdicts, layers and refs.

``python -m tests.bench.ours BASE TIP ONTO`` in a repository prints the new tip's tree. It ends when the new
commits are on the disk. This is the one place of the benchmark that knows the engine from inside.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from git_poolside.cli import _UNCOLLECTED, leave
from git_poolside.git.diff import changes, tree_of_parent
from git_poolside.git.merge import MergeOrt
from git_poolside.git.objects import Committer, Objects
from git_poolside.git.process import open_repository
from git_poolside.git.quarantine import quarantine
from git_poolside.git.replay import Engine
from git_poolside.stack.model import Oid


def main(base: str, tip: str, onto: str) -> None:
    """Replay `base`..`tip` onto `onto`; a patch that comes out empty is dropped. A conflict ends the program."""
    gc.set_threshold(_UNCOLLECTED)
    git = open_repository(Path.cwd())
    with quarantine(git) as inner:
        objects = Objects(inner.git)
        committer = Committer.of(objects)
        with MergeOrt(objects, inner.git.object_dir) as merge:
            engine = Engine(objects, merge)
            listing = inner.git.lines("rev-list", "--reverse", "--topo-order", tip, f"^{base}", "--")
            commits = [objects.commit(Oid(oid)) for oid in listing]
            pairs = [(tree_of_parent(objects, commit), commit.tree) for commit in commits]
            new, tree = Oid(onto), objects.commit(Oid(onto)).tree
            wanted = changes(inner.git, pairs)
            engine.stand_on(tree, wanted)
            for commit, change in zip(commits, wanted, strict=True):
                result = engine.replay(change, tree)
                if not isinstance(result, str):
                    sys.exit(f"{commit.oid} {commit.subject}: {result.messages}")
                if result != tree or not change.touches:
                    new = committer.commit(result, [new], commit.message, commit.author, commit.encoding)
                tree = result
        inner.keep([new])
    print(tree)


if __name__ == "__main__":
    main(*sys.argv[1:])
    leave(0)
