"""Killed at the worst of their steps, commands lose nothing (P8); ``python -m tests.crash`` tries every step."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.judge import Bench, attempt
from tests.crash.scenes import SCENES
from tests.crash.tracer import Act, Tracer, _Process, available

pytestmark = pytest.mark.skipif(not available(), reason="ptrace(2) of Linux on x86_64")

WORST = [
    ("sync", Act.KILL, "git update-ref: rename .*/refs/heads/main.lock"),
    ("sync", Act.ALONE, "git update-ref: rename .*/refs/heads/main.lock"),
    ("sync", Act.CHILD, "git checkout: write .*/lib/c.py"),
    ("sync", Act.TERM, "git checkout: write .*/lib/c.py"),
    ("sync", Act.HUP, "git update-ref: rename .*/refs/heads/main.lock"),
    ("sync that stops", Act.KILL, "git cherry-pick: write .*/a.py"),
    ("sync that stops", Act.ALONE, "git cherry-pick: write .*/a.py"),
    ("sync that stops", Act.CHILD, "git cherry-pick: rename .*/CHERRY_PICK_HEAD.lock"),
    ("sync that stops", Act.TERM, "git update-ref: open .*/logs/refs/poolside/stopped"),
    ("sync --abort", Act.KILL, "git checkout: write .*/a.py"),
    ("push", Act.KILL, "git push: rename .*/refs/remotes/origin/main.lock"),
    ("push", Act.KILL, "git update-ref: rename .*/refs/poolside/published/.*.lock"),
    ("upstream", Act.KILL, "git update-ref: rename .*/refs/poolside/proposed/.*.lock"),
]


@pytest.fixture(scope="module")
def benches() -> Iterator[dict[str, Bench]]:
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="crash-", dir=memory if memory.is_dir() else None))
    yield {name: Bench.of(SCENES[name], folder / f"{n}") for n, name in enumerate(dict.fromkeys(w[0] for w in WORST))}
    shutil.rmtree(folder)


@pytest.mark.parametrize(("name", "act", "step"), WORST)
def test_P8_nothing_is_lost_or_half_done(benches: dict[str, Bench], name: str, act: Act, step: str) -> None:
    report = attempt(benches[name], step, act)
    assert report.step is not None
    assert report.wrong == [], "\n".join(report.said)


def test_a_thread_that_was_over_before_its_beginning_was_told_is_not_left_running(tmp_path: Path) -> None:
    """On a busy machine the kernel tells of a short thread's end first, of its beginning by its parent later."""
    tracer = Tracer(tmp_path, tmp_path, {})
    parent, thread = _Process("git index-pack", git=True), 4242
    tracer.ended.add(thread)
    tracer._began(thread, parent)
    assert (tracer.processes, tracer.ended) == ({}, set())
    tracer._began(thread, parent)
    assert tracer.processes == {thread: _Process("git index-pack")}
