"""Fuzz one reader, or each in turn, for a number of runs, guided by coverage; ends at the first input that breaks it.

Needs atheris: ``pip install atheris``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Parse, fuzz each target in a process of its own, print the counts; the exit code."""
    from tests.fuzz.seeds import SEEDS

    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"{', '.join(SEEDS)}; all of them without one")
    parser.add_argument("--runs", type=int, default=10_000, help="how many inputs for each (default 10,000)")
    options = parser.parse_args(arguments)
    broken = []
    for name in options.targets or SEEDS:
        with tempfile.TemporaryDirectory(prefix="corpus-") as corpus:
            for number, seed in enumerate(SEEDS[name]):
                (Path(corpus) / str(number)).write_bytes(seed)
            words = [
                corpus,
                f"-runs={options.runs}",
                "-max_len=4096",
                "-timeout=20",
                "-verbosity=0",
                f"-artifact_prefix={corpus}/",
            ]
            code = f"from tests.fuzz.__main__ import _one; _one({name!r}, {words!r})"
            done = subprocess.run([sys.executable, "-c", code], cwd=Path.cwd(), env=dict(os.environ), check=False)
        print(f"{name}: {options.runs} runs, {'nothing broke' if done.returncode == 0 else 'BROKEN'}", flush=True)
        if done.returncode:
            broken.append(name)
    return 1 if broken else 0


def _one(name: str, words: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=["git_poolside"]):
        from tests.fuzz.targets import TARGETS, attempt
    atheris.Setup(["fuzz", *words], lambda data: attempt(TARGETS[name], data))
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
