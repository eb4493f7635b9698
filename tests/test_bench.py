"""The benchmark's repository is the same each time, and its stack replays as the benchmark needs it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench.make_repo import Made, git, make
from tests.bench.measure import Contender, Row, in_turn, table, timed
from tests.bench.plan import Shape, plan

TINY = Shape(files=600, folders=40, commits=130, nightly=20, stacks=(6, 12), behind=40, far=80, far_stack=4, refs=3)


def refs(made: Made) -> str:
    return "".join(git(made.folder / name, "for-each-ref") for name in ("upstream.git", "fork.git"))


def test_the_same_shape_gives_the_same_repository_and_its_stacks_replay_alike(tmp_path: Path) -> None:
    made, again = (make(tmp_path / name, TINY) for name in ("one", "other"))
    assert refs(made) == refs(again)
    assert made.stacks == again.stacks
    assert [(s.name, s.size) for s in made.stacks] == [("near", 6), ("near", 12), ("far", 4)]
    for stack in made.stacks:
        assert int(git(made.work, "rev-list", "--count", f"{stack.base}..{stack.tip}")) == stack.size
        run = [
            timed([sys.executable, "-m", f"tests.bench.{way}", stack.base, stack.tip, stack.target], made.work)
            for way in ("ours", "loop")
        ]
        assert [one.status for one in run] == [0, 0], run
        assert run[0].out == run[1].out
    kept = (made.folder / "bench.json").stat().st_mtime_ns
    assert make(made.folder, TINY) == made
    assert (made.folder / "bench.json").stat().st_mtime_ns == kept


def test_a_plan_has_the_shape_that_was_asked_for() -> None:
    history = plan(TINY)
    assert len(history.commits) == 130
    assert len(history.commits[0].ops) == 600
    assert {len(path.split("/")) > 1 for path in history.paths[:20]} == {True}
    near = history.stacks[0]
    assert (near.base, near.target, len(near.patches)) == (79, 119, 12)
    assert plan(Shape(seed=2, files=600, folders=40, commits=130, stacks=(6,), far=0, behind=20)).paths != history.paths


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(SystemExit, match="not empty"):
        make(tmp_path, TINY)
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["mine"]


def test_contenders_run_in_turn_and_one_that_fails_is_left_out(tmp_path: Path) -> None:
    order: list[str] = []

    def note(name: str) -> Callable[[], None]:
        return lambda: order.append(name)

    said: dict[str, str] = {}
    good, bad = (
        Contender(n, ["sh", "-c", c], tmp_path, note(n)) for n, c in (("a", "echo t"), ("b", "echo no; exit 3"))
    )
    runs = in_turn([good, bad], 2, said)
    assert order == ["a", "b", "a", "a"]
    assert {name: len(found) for name, found in runs.items()} == {"a": 2, "b": 0}
    assert said == {"a": "t", "b": "failed: no"}


def test_the_table_is_in_columns() -> None:
    rows = [Row("replay", "1 s", "2 s", "2.00", "2.10", "2 times", True, "same tree"), Row("memory", "9 MB")]
    assert table(rows) == [
        "figure  ours  rival  times as fast  by cpu  to reach",
        "replay  1 s   2 s    2.00           2.10    2 times   yes  same tree",
        "memory  9 MB",
    ]
