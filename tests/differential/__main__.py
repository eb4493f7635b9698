"""Compare the engine with git on real history: patches of a clone, each on another commit's tree.

For each round a commit is drawn to stand on, and a few others around it, near and far, whose patches are
applied there, each for itself and one on the other. Prints the counts; exits 1 if the engine and git differ over
one merge.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from pathlib import Path

from git_poolside.git.objects import parse_commit
from git_poolside.git.process import open_repository, version
from git_poolside.stack.model import Oid
from tests.differential.compare import Bench, Job, Patch, Tally, bench

_ROUNDS = 40
"""After so many rounds the objects that they made are thrown away."""


def main(arguments: list[str]) -> int:
    """Parse, compare, print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument(
        "clone", type=Path, help="a clone with the history to take pairs from; nothing is written to it"
    )
    parser.add_argument("--pairs", type=int, default=1000, help="how many merges to compare (default 1000)")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other pairs (default 0)")
    parser.add_argument("--revision", default="HEAD", help="whose history (default HEAD)")
    parser.add_argument("--patches", type=int, default=4, help="how many go on each tree (default 4)")
    options = parser.parse_args(arguments)
    os.environ |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_NO_LAZY_FETCH": "1"}
    git = open_repository(options.clone)
    commits = git.lines("rev-list", "--no-merges", "--min-parents=1", options.revision)
    draw = random.Random(options.seed)
    total, begun = Tally(), time.monotonic()
    while total.pairs < options.pairs:
        with bench(git) as one:
            one.tally = total
            for _ in range(_ROUNDS):
                _round(one, commits, draw, options.patches)
                if total.pairs >= options.pairs:
                    break
        spent = time.monotonic() - begun
        print(f"{'.'.join(map(str, version()))}, seed {options.seed}, {spent:.0f} s: {total}", flush=True)
    for disagreement in total.disagreements:
        print(disagreement)
    return 1 if total.disagreements else 0


def _round(one: Bench, commits: list[str], draw: random.Random, count: int) -> None:
    """A few patches on one commit's tree: their distance is drawn so that near and far are as likely."""
    at = draw.randrange(len(commits))
    objects = one.objects
    ours = parse_commit(Oid(commits[at]), objects.read(Oid(commits[at]))).tree
    patches: list[Patch] = []
    while len(patches) < count:
        distance = int(2 ** draw.uniform(0, 12)) * draw.choice((-1, 1))
        if not 0 <= at + distance < len(commits):
            continue
        commit = objects.commit(Oid(commits[at + distance]))
        base = objects.commit(commit.parents[0]).tree
        if base != ours:
            patches.append(Patch(f"{commit.oid} on {commits[at]}", base, commit.tree))
    one.compare([Job(ours, patches)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
