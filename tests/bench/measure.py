"""Whole processes measured in turn: seconds of the clock and of the processors, medians, a table."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.make_repo import ENVIRONMENT

ROOT = Path(__file__).parent.parent.parent
ENV = {
    **{name: value for name, value in ENVIRONMENT.items() if not name.startswith("PYTHON")},
    "PYTHONPATH": str(ROOT),
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
}
"""What every measured process gets: this Python's folder, with its git-poolside, comes first on PATH.

Nothing tells Python what to do: kept from writing what it compiled, it would compile everything in every round.
"""


_PATIENCE = 60


@dataclass(frozen=True)
class Run:
    """A finished process. `seconds` from start to end; `cpu` what it and its children had of the processors."""

    seconds: float
    cpu: float
    status: int
    out: str


@dataclass(frozen=True)
class Contender:
    """Something to be measured: `prepare` runs before each round and is not timed, `result` names what came out."""

    name: str
    command: Sequence[str]
    folder: Path
    prepare: Callable[[], object] = lambda: None
    result: Callable[[Run], str] = lambda run: run.out.strip()
    environment: Mapping[str, str] = field(default_factory=lambda: ENV)


def timed(command: Sequence[str], folder: Path, environment: Mapping[str, str] = ENV) -> Run:
    """Run a command to its end; its standard output and error are kept in one text."""
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read().decode("utf-8", "replace")
    return Run(seconds, used.ru_utime + used.ru_stime, process.returncode, said)


def in_turn(
    contenders: Sequence[Contender], rounds: int, said: dict[str, str], *, fixed: bool = False
) -> dict[str, list[Run]]:
    """Each contender `rounds` times, one after the other, every round begun by another one unless the order is `fixed`.

    A first round is not counted, but for one that takes more than a minute: that is measured once. What each came
    to goes into `said`; one that fails is left out of further rounds, its last words in `said`.
    """
    runs: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    standing = list(contenders)
    for turn in range(rounds + 1):
        at = 0 if fixed else turn % max(len(standing), 1)
        for contender in [*standing[at:], *standing[:at]]:
            try:
                contender.prepare()
            except subprocess.CalledProcessError as error:
                standing.remove(contender)
                said[contender.name] = f"failed: {error}"[:100]
                continue
            run = timed(contender.command, contender.folder, contender.environment)
            if run.status:
                standing.remove(contender)
                words = run.out.strip().splitlines() or [f"exit {run.status}"]
                said[contender.name] = f"failed: {words[-1][:90]}"
            else:
                said[contender.name] = contender.result(run)
                slow = run.seconds > _PATIENCE
                runs[contender.name] += [run] if turn or slow else []
                if slow and not turn and not fixed:
                    standing.remove(contender)
            progress(f"{contender.name}: {run.seconds:.2f} s")
    return runs


def median(runs: Sequence[Run]) -> float:
    """The median of the seconds; not a number where there are none."""
    return statistics.median(run.seconds for run in runs) if runs else float("nan")


def median_cpu(runs: Sequence[Run]) -> float:
    """The median of the processors' seconds, which a busy machine hardly changes."""
    return statistics.median(run.cpu for run in runs) if runs else float("nan")


def progress(words: str) -> None:
    print(f"  {words}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Row:
    """A line of the table: what was measured, the values, what is to be reached and whether it was (if it can be
    told).
    """

    figure: str
    ours: str
    rival: str = ""
    ratio: str = ""
    cpu: str = ""
    goal: str = ""
    reached: bool | None = None
    note: str = ""


def against(figure: str, ours: Sequence[Run], rival: Sequence[Run], goal: str, least: float, note: str = "") -> Row:
    """A row that says how many times as fast ours is, and whether that is at least `least`; 0 is no goal."""
    times = median(rival) / median(ours)
    reached = times >= least if times == times and least else None
    cpu = _times(median_cpu(rival) / median_cpu(ours))
    return Row(figure, seconds(median(ours)), seconds(median(rival)), _times(times), cpu, goal, reached, note)


def _times(ratio: float) -> str:
    return "" if ratio != ratio else f"{ratio:.2f}"


def seconds(value: float) -> str:
    return "" if value != value else f"{value:.3f} s"


def table(rows: Sequence[Row]) -> list[str]:
    """The rows as lines of text."""
    cells = [("figure", "ours", "rival", "times as fast", "by cpu", "to reach", "", "")]
    words = {True: "yes", False: "NO", None: ""}
    cells += [(r.figure, r.ours, r.rival, r.ratio, r.cpu, r.goal, words[r.reached], r.note) for r in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    versions = {"python": platform.python_version(), "cores": str(os.cpu_count()), "system": platform.platform()}
    for name in ("git", "stg", "jj"):
        path = shutil.which(name, path=ENV["PATH"])
        if path:
            done = subprocess.run([path, "--version"], capture_output=True, text=True, env=ENV, check=False)
            versions[name] = (done.stdout.splitlines() or [""])[0].removeprefix(f"{name} ").removeprefix("version ")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return {**versions, "load": f"{load:.1f}"}
