"""``python -m tests.bench.peak COMMAND…`` runs it and prints the memory of its largest process, in bytes.

A process counts what the one that began it had before (getrusage(2)), so a small one has to begin it.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
    _, status, used = os.wait4(child, 0)
    print(used.ru_maxrss * 1024)
    sys.exit(os.waitstatus_to_exitcode(status))
