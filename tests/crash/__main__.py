"""``python -m tests.crash``: every command, killed at each of its steps in turn; what was tried is counted.

``--command`` and ``--act`` choose, several times; ``--every N`` takes each Nth step, ``--at`` repeats one by number.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import git_poolside.cli  # loaded before anything forks, so that no run has to
import git_poolside.operation.sync  # noqa: F401
from tests.crash.judge import Bench, attempt
from tests.crash.scenes import SCENES
from tests.crash.tracer import Act, available


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--command", action="append", choices=SCENES, help="this one, not all")
    parser.add_argument("--act", action="append", choices=[act.name.lower() for act in Act], help="the default is kill")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each Nth step")
    parser.add_argument("--at", type=int, metavar="STEP", help="this step, with all that the commands say")
    parser.add_argument("--list", action="store_true", help="the steps, and nothing else")
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm"), help="where to do it: best in memory")
    arguments = parser.parse_args()
    if not available():
        parser.error("it needs ptrace(2): Linux on x86_64")
    acts = [Act[name.upper()] for name in arguments.act or ["kill"]]
    tried: Counter[tuple[str, Act]] = Counter()
    failed: Counter[tuple[str, Act]] = Counter()
    for name in arguments.command or SCENES:
        folder = Path(tempfile.mkdtemp(prefix="crash-", dir=arguments.folder))
        try:
            bench = Bench.of(SCENES[name], folder)
            if arguments.list:
                print(*bench.steps, sep="\n")
                continue
            for act in acts:
                for number in [arguments.at] if arguments.at else range(1, len(bench.steps) + 1, arguments.every):
                    report = attempt(bench, number, act)
                    tried[name, act] += report.step is not None  # the last steps may be fewer from run to run
                    if report.wrong:
                        failed[name, act] += 1
                        print(f"{name}, {act.name.lower()} at {report.step}:", *report.wrong, sep="\n  ")
                    if arguments.at:
                        print(*report.said, sep="\n")
                print(f"{name}: {act.value}: {tried[name, act]} of {len(bench.steps)} steps tried, "
                      f"{failed[name, act]} failed", flush=True)  # fmt: skip
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{sum(tried.values())} tried, {sum(failed.values())} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
