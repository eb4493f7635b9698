"""A connection that breaks pushes nothing by half (P4); ``python -m tests.crash --network N`` cuts at every N bytes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.network import DOWN, UP, Cable, cabled, cut, measured
from tests.crash.scenes import SCENES, Stage


@pytest.fixture(scope="module")
def line() -> Iterator[tuple[Stage, Cable, dict[str, int]]]:
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="crash-", dir=memory if memory.is_dir() else None))
    stage = Stage(SCENES["push"], folder)
    with cabled(stage) as cable:
        yield stage, cable, measured(stage, cable)
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("way", "before_the_end", "once"), [(UP, 500, False), (UP, 0, False), (DOWN, 30, True), (DOWN, 30, False)]
)
def test_P4_a_push_whose_connection_breaks(
    line: tuple[Stage, Cable, dict[str, int]], way: str, before_the_end: int, once: bool
) -> None:
    stage, cable, carried = line
    report = cut(stage, cable, way, carried[way] - before_the_end, once=once)
    assert report.wrong == [], "\n".join(report.said)
