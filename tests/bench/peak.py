"""``python -m tests.bench.peak COMMAND…`` runs it and prints the memory of its largest process, in bytes, twice.

First what is its own (proc(5), RssAnon), looked at a hundred times a second; then with what it has of files, as packs
are mapped: the system's cache, counted in each process that looks at it (getrusage(2)). A process counts what the one
that began it had before, so a small one has to begin it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path


def main(words: list[str]) -> int:
    child = os.posix_spawnp(words[0], words, os.environ)
    own = 0
    while True:
        ended, status, used = os.wait4(child, os.WNOHANG)
        if ended:
            break
        own = max(own, *map(_own, _family(child)))
        time.sleep(0.01)
    print(own, used.ru_maxrss * 1024)
    return os.waitstatus_to_exitcode(status)


def _family(process: int) -> Iterator[int]:
    """A process and all that it began."""
    yield process
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


def _own(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:")), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
