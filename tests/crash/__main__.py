"""``python -m tests.crash``: every command, killed at each of its steps in turn; what was tried is counted.

``--command`` and ``--act`` choose, several times; ``--every N`` takes each Nth step, ``--at`` repeats one by number.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from itertools import product
from pathlib import Path

import git_poolside.cli  # loaded before anything forks, so that no run has to
import git_poolside.operation.sync  # noqa: F401
from tests.crash.judge import Bench, attempt, cramped
from tests.crash.network import cabled, cut, measured, slowly
from tests.crash.scenes import SCENES, Stage
from tests.crash.tracer import Act, available


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--command", action="append", choices=SCENES, help="this one, not all")
    parser.add_argument("--act", action="append", choices=[act.name.lower() for act in Act], help="the default is kill")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each Nth step")
    parser.add_argument("--at", type=int, metavar="STEP", help="this step, with all that the commands say")
    parser.add_argument("--refs", choices=("files", "reftable"), default="files", help="reftable needs git 2.45")
    parser.add_argument("--from", dest="first", type=int, default=1, metavar="STEP", help="begin at this one")
    parser.add_argument(
        "--network",
        type=int,
        metavar="BYTES",
        help="instead: cut the network after each so many bytes of push, sync and pull, then slow it down",
    )
    parser.add_argument(
        "--room",
        type=int,
        metavar="KIB",
        help="instead: leave so many KiB free on the file system of --folder, best a small tmpfs, then twice, "
        "thrice as many, until it is enough",
    )
    parser.add_argument("--list", action="store_true", help="the steps, and nothing else")
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm"), help="where to do it: best in memory")
    arguments = parser.parse_args()
    if not available():
        parser.error("it needs ptrace(2): Linux on x86_64")
    if arguments.network is not None:
        return _network(arguments.folder, arguments.network)
    acts = [Act[name.upper()] for name in arguments.act or ["kill"]]
    tried: Counter[tuple[str, Act]] = Counter()
    failed: Counter[tuple[str, Act]] = Counter()
    for name in arguments.command or SCENES:
        folder = Path(tempfile.mkdtemp(prefix="crash-", dir=arguments.folder))
        try:
            bench = Bench.of(SCENES[name], folder, arguments.refs)
            if arguments.list:
                print(*bench.steps, sep="\n")
                continue
            for room in range(0, 2**20, arguments.room) if arguments.room else ():
                report = cramped(bench, room)
                if report is None:
                    print(f"{name}: {room} KiB are enough", flush=True)
                    break
                tried[name, Act.FULL] += 1
                if report.wrong:
                    failed[name, Act.FULL] += 1
                    print(f"{name}, {room} KiB left:", *report.wrong, *report.said, sep="\n  ")
            for act in acts if not arguments.room else ():
                numbers = [step.number for step in bench.steps[arguments.first - 1 :] if step.can(act)]
                for number in [arguments.at] if arguments.at else numbers[:: arguments.every]:
                    report = attempt(bench, number, act)
                    tried[name, act] += report.step is not None  # the last steps may be fewer from run to run
                    if report.wrong:
                        failed[name, act] += 1
                        print(f"{name}, {act.name.lower()} at {report.step}:", *report.wrong, sep="\n  ")
                    if arguments.at:
                        print(*report.said, sep="\n")
                print(f"{name}: {act.value}: {tried[name, act]} of {len(numbers)} steps tried, "
                      f"{failed[name, act]} failed", flush=True)  # fmt: skip
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{sum(tried.values())} tried, {sum(failed.values())} failed")
    return 1 if failed else 0


def _network(memory: Path, every: int) -> int:
    tried = failed = 0
    for name in ("push", "sync", "pull"):
        folder = Path(tempfile.mkdtemp(prefix="crash-", dir=memory))
        try:
            stage = Stage(SCENES[name], folder)
            with cabled(stage) as cable:
                for way, carried in measured(stage, cable).items():
                    cuts = [*range(0, carried, every), carried - 1, carried]
                    for after, once in product(cuts, (False, True)):
                        report = cut(stage, cable, way, after, once=once)
                        tried += 1
                        if report.wrong:
                            failed += 1
                            print(f"{name}, cut {way} after {after} bytes:", *report.wrong, *report.said, sep="\n  ")
                    print(f"{name}: cut at {len(cuts)} of {carried} bytes {way}, for good and once", flush=True)
                began = time.monotonic()
                report = slowly(stage, cable, 200)
                tried += 1
                failed += bool(report.wrong)
                print(
                    f"{name}: {time.monotonic() - began:.0f} s at 256 bytes in 0.2 s",
                    *report.wrong,
                    sep="\n  ",
                    flush=True,
                )
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{tried} tried, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
