"""``python -m tests.bench FOLDER``: git poolside's speed beside its rivals', in one table."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from tests.bench import costs, real, replay, whole
from tests.bench.make_repo import make
from tests.bench.measure import Row, machine, progress, table
from tests.bench.plan import Shape

_QUICK = Shape(files=2_000, folders=300, commits=2_500, stacks=(50, 200), behind=500, far=1_500)
_FIGURES = ("replay", "sync", "verdicts", "memory", "growth", "startup")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the repositories are made, and kept for the next run")
    parser.add_argument("--quick", action="store_true", help="a small repository and 3 rounds: a trial, no figures")
    parser.add_argument("--clone", type=Path, metavar="PATH", help="take the history of a real clone; it is only read")
    parser.add_argument("--only", metavar="FIGURE,...", default=",".join(_FIGURES), help=f"of {', '.join(_FIGURES)}")
    parser.add_argument("--rivals", metavar="NAME,...", default="", help=f"of {', '.join(replay.GOALS)}")
    parser.add_argument("--sizes", metavar="N,...", default="", help="sizes of the stack")
    parser.add_argument("--rounds", type=int, default=0, metavar="N", help="5 unless --quick")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    given = parser.parse_args()
    for words, known in ((given.only, _FIGURES), (given.rivals, replay.GOALS)):
        if unknown := [word for word in words.split(",") if word and word not in known]:
            parser.error(f"'{unknown[0]}' is none of {', '.join(known)}")
    rounds = given.rounds or (3 if given.quick else 5)
    progress(f"the repository in {given.folder}")
    shape = _QUICK if given.quick else Shape()
    if given.clone:
        made = real.make(given.folder, given.clone, shape.stacks, shape.behind, shape.far, shape.far_stack)
    else:
        made = make(given.folder, shape)
    sizes = [int(n) for n in given.sizes.split(",") if n] or [s.size for s in made.stacks if s.name == "near"]
    rivals = [name for name in given.rivals.split(",") if name]
    figures: dict[str, Callable[[], list[Row]]] = {
        "replay": lambda: replay.figure(made, sizes, rounds, rivals),
        "sync": lambda: whole.figure(made, sizes, rounds),
        "verdicts": lambda: costs.verdicts(made, rounds),
        "memory": lambda: costs.memory(made, alone=given.quick or bool(given.clone)),
        "growth": lambda: costs.growth(made, rounds, quick=given.quick),
        "startup": lambda: costs.startup(made, rounds),
    }
    rows: list[Row] = []
    for name in given.only.split(","):
        progress(name)
        rows += figures[name]()
    on = {**machine(), "rounds": str(rounds)}
    if given.json:
        print(json.dumps({"schema": 1, "machine": on, "rows": [asdict(row) for row in rows]}, indent=1))
    else:
        print(", ".join(f"{name} {value}" for name, value in on.items()), "", *table(rows), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
