"""Soak the whole tool for a number of steps: people, upstream and crashes in any order, checked after every step.

Each round is one seed; the seed of a round that fails is printed, and `--seed N --rounds 1` runs it again.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.scenario import hermetic_environment
from tests.soak.machine import Soak
from tests.soak.people import BEFORE, TRACE, counts


def main(arguments: list[str]) -> int:
    """Parse, soak, print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--steps", type=int, default=1000, help="how many steps to take (default 1000)")
    parser.add_argument("--length", type=int, default=50, help="steps of one example at most (default 50)")
    parser.add_argument("--seed", type=int, default=0, help="the first round's seed (default 0)")
    parser.add_argument("--rounds", type=int, default=0, help="end after so many rounds (default: by --steps)")
    parser.add_argument("--exact", action="store_true", help="kill at exact moments alone, so that a round repeats")
    parser.add_argument("--keep-going", action="store_true", help="go on after a failure")
    parser.add_argument("--folder", type=Path, default=None, help="where the repositories are made (/dev/shm is fast)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="soak-home-", dir=options.folder) as home:
        for name in [name for name in os.environ if name.startswith(("GIT_", "NO_COLOR", "XDG_"))]:
            del os.environ[name]
        os.environ |= hermetic_environment(Path(home))
        tempfile.tempdir = home
        Soak.exact = options.exact
        return _rounds(options)


def _rounds(options: argparse.Namespace) -> int:
    failed: list[int] = []
    begun, number = time.monotonic(), options.seed
    how = settings(
        max_examples=5, stateful_step_count=options.length, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), verbosity=Verbosity.normal, print_blob=False,
    )  # fmt: skip
    while counts()["steps"] < options.steps and not (options.rounds and number >= options.seed + options.rounds):
        try:
            run_state_machine_as_test(seed(number)(type("Soak", (Soak,), {})), settings=how)
        except Exception:
            traceback.print_exc()
            print("\n".join(["before:", *BEFORE, "again:", *TRACE] if BEFORE != TRACE else TRACE))
            failed.append(number)
        took = time.monotonic() - begun
        told = f"seed {number}{' FAILED' if number in failed[-1:] else ''}"
        print(f"{told}: {counts()['steps']} steps in {took:.0f} s, {counts()['kills']} kills", flush=True)
        if failed and not options.keep_going:
            break
        number += 1
    print("\n".join(f"{count:6} {what}" for what, count in sorted(counts().items())))
    print(f"failed seeds: {failed or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
