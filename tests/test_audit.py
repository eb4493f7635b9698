"""The audit of merges and resolutions: doubts in the report, refusals with ``--strict``."""

from __future__ import annotations

import json

import pytest

from tests.conftest import TEN, Run
from tests.scenario import Repo, Result, World

FIVE = "line 5\n"
UPSTREAM = TEN.replace(FIVE, "line 5, rewritten\n")
PATCH = TEN.replace(FIVE, "line five, tuned\n")
BOTH = TEN.replace(FIVE, "line five, tuned, rewritten\n")
LOST = "the resolution of a.py lacks upstream's 'line 5, rewritten'"
OURS = "the resolution of a.py lacks the patch's 'line five, tuned'"
BLOCK = "def helper(value):\n    prepared = prepare(value)\n    return finish(prepared)\n"
MANY = "".join(f"line {n} of many\n" for n in range(30))
TWICE = "a.py has 3 lines twice, which upstream added too: line 34, 'def helper(value):'"


def notes(result: Result) -> dict[str, list[str]]:
    layers = json.loads(result.out)["layers"]
    return {p["subject"]: p["notes"] for layer in layers for p in layer["patches"] if p["notes"]}


def resolve(clone: Repo, text: str) -> None:
    (clone.path / "a.py").write_text(text)
    clone.git("add", "a.py")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (PATCH, [LOST]),
        (UPSTREAM, [OURS]),
        (
            TEN,
            [
                f"{LOST} and has 'line 5' again, against upstream's",
                f"{OURS} and has 'line 5' again, against the patch's",
            ],
        ),
        (BOTH, []),
    ],
)
def test_what_a_resolution_lost_is_told(stopped: World, poolside: Run, text: str, found: list[str]) -> None:
    clone = stopped.there()
    resolve(clone, text)
    result = poolside(clone, "sync", "--continue", "--json")
    assert result.status == 0, result.err
    assert notes(result).get("Tune line five", []) == found


def test_strict_refuses_a_resolution_that_lost_lines_until_it_is_mended(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    before = clone.refs()
    assert poolside(clone, "sync", "--strict").status == 3
    resolve(clone, PATCH)
    result = poolside(clone, "sync", "--continue")
    assert result.status == 1
    patch = clone.git("rev-parse", "--short=9", "poolside-main~2")
    assert result.err.endswith(
        f"error: {patch} Tune line five: {LOST} [resolution-lost-lines]\n"
        "hint: git commit --amend   (puts what is missing into it)\n"
        "hint: git poolside sync --continue --allow resolution-lost-lines   (if nothing is missing)\n"
        "no branch was changed, the stop still stands\n"
    )
    assert {**before, **clone.refs()} == {**clone.refs(), **before}
    resolve(clone, BOTH)
    clone.git("commit", "-q", "--amend", "--no-edit")
    assert poolside(clone, "sync", "--continue").status == 0
    assert clone.show("poolside-main", "a.py") == BOTH.replace("line 10\n", "line ten\n")


def test_strict_lost_lines_can_be_allowed(stuck: World, poolside: Run) -> None:
    stuck.patch({".poolside.toml": "[sync]\nstrict = true\n"}, "Be strict\n")
    clone = stuck.clone()
    assert poolside(clone, "sync").status == 3
    resolve(clone, PATCH)
    result = poolside(clone, "sync", "--continue", "--json")
    assert [snag["name"] for snag in json.loads(result.out)["snags"]] == ["resolution-lost-lines"]
    result = poolside(clone, "sync", "--continue", "--allow", "resolution-lost-lines", "--json")
    assert (result.status, notes(result)) == (0, {"Tune line five": [LOST]})


def test_C12_a_resolution_by_rerere_is_audited_too(stuck: World, poolside: Run) -> None:
    stuck.patch({".poolside.toml": '[sync]\nrerere = "accept"\n'}, "Trust rerere\n")
    clone = stuck.clone()
    clone.git("config", "rerere.enabled", "true")
    assert poolside(clone, "sync").status == 3
    resolve(clone, PATCH)
    assert poolside(clone, "sync", "--continue").status == 0
    assert poolside(clone, "undo").status == 0
    result = poolside(clone, "sync", "--json")
    assert (result.status, notes(result)) == (0, {"Tune line five": [LOST]})


def test_C2_a_resolution_in_a_file_that_upstream_renamed_is_audited(stuck: World, poolside: Run) -> None:
    stuck.land({"a.py": None, "moved.py": UPSTREAM}, "Move a", 23)
    stuck.nightly("2026-07-11")
    clone = stuck.clone()
    assert poolside(clone, "sync").status == 3
    (clone.path / "moved.py").write_text(PATCH)
    clone.git("add", "moved.py")
    result = poolside(clone, "sync", "--continue", "--json")
    assert (result.status, notes(result)) == (0, {"Tune line five": [LOST.replace("a.py", "moved.py")]})


def test_C1_a_file_that_both_touched_and_one_deleted_is_audited(stuck: World, poolside: Run) -> None:
    stuck.land({"a.py": None}, "Delete a", 23)
    stuck.nightly("2026-07-11")
    clone = stuck.clone()
    assert poolside(clone, "sync").status == 3
    clone.git("rm", "-q", "a.py")
    assert poolside(clone, "sync", "--continue").status == 3
    result = poolside(clone, "sync", "--skip", "--json")
    assert (result.status, notes(result)) == (0, {"Tune line five": [OURS]})


def test_what_a_whole_side_lost_is_a_line_for_each_file_and_side(stuck: World, poolside: Run) -> None:
    more = UPSTREAM.replace("line 2\n", "import shlex\nimport shutil\nline 2\n").replace("line 8\n", "line eight\n")
    stuck.land({"a.py": more, "b.py": TEN.replace("line 1\n", "line 1, rewritten\n")}, "Rewrite both", 23)
    stuck.nightly("2026-07-11")
    clone = stuck.clone()
    assert poolside(clone, "sync").status == 3
    clone.git("checkout", "-q", "--theirs", "a.py", "b.py")
    clone.git("add", "a.py", "b.py")
    result = poolside(clone, "sync", "--continue", "--json")
    assert (result.status, notes(result)) == (
        0,
        {
            "Tune line five": [
                "the resolution of a.py lacks upstream's 'import shlex' and 3 lines more "
                "and has 'line 8' again, against upstream's",
                "the resolution of b.py lacks upstream's 'line 1, rewritten'",
            ]
        },
    )


@pytest.mark.parametrize(
    ("own", "found"), [("other\n", []), (PATCH, [f"{LOST} and a line more"])], ids=["deleted", "moved"]
)
def test_C1_a_file_that_the_patch_deletes_lacks_nothing_one_that_it_moves_may(
    stuck: World, poolside: Run, own: str, found: list[str]
) -> None:
    stuck.fork.git("update-ref", "refs/heads/poolside-main", stuck.fork.rev("main"))
    stuck.patch({"a.py": None, "own.py": own}, "Take a\n")
    stuck.land({"a.py": UPSTREAM + "tail\n"}, "Extend a", 23)
    stuck.nightly("2026-07-11")
    clone = stuck.clone()
    assert poolside(clone, "sync").status == 3
    (clone.path / "own.py").write_text(own)
    (clone.path / "a.py").unlink(missing_ok=True)
    clone.git("add", "-A")
    result = poolside(clone, "sync", "--continue", "--json")
    assert (result.status, notes(result).get("Take a", [])) == (0, found)


@pytest.fixture
def doubled(world: World) -> World:
    """Upstream inserts at the top of a.py the block that a patch has at its end: a clean merge holds it twice."""
    world.land({"a.py": MANY, "b.py": TEN}, "Begin", 1)
    world.nightly("2026-07-03")
    world.fork_at()
    world.patch({"a.py": MANY + BLOCK}, "Add a helper\n")
    world.patch({"b.py": TEN.replace(FIVE, "ours\n")}, "Change b\n")
    world.land({"a.py": BLOCK + MANY, "b.py": TEN + "tail\n"}, "Add the helper at the top", 2)
    world.nightly("2026-07-10")
    return world


def test_L14_a_block_that_stands_twice_is_warned_about(doubled: World, poolside: Run) -> None:
    clone = doubled.clone()
    result = poolside(clone, "sync")
    assert result.status == 0
    assert f"             {TWICE}\n" in result.out
    assert clone.show("poolside-main", "a.py") == BLOCK + MANY + BLOCK


def test_L14_strict_makes_it_a_snag_that_can_be_allowed(doubled: World, poolside: Run) -> None:
    clone = doubled.clone()
    before = clone.refs()
    result = poolside(clone, "sync", "--strict", "--json")
    patch = clone.rev("poolside-main~1")
    assert result.status == 1 and clone.refs() == before
    assert json.loads(result.out)["snags"] == [
        {
            "name": "duplicate-block",
            "message": f"{patch[:9]} Add a helper: {TWICE}",
            "hint": "git poolside sync --strict --json --allow duplicate-block"
            "   (if it is to stand twice; else take it out of the patch)",
            "patch": patch,
        }
    ]
    result = poolside(clone, "sync", "--strict", "--allow", "duplicate-block", "--json")
    assert (result.status, notes(result)) == (0, {"Add a helper": [TWICE]})


def test_L14_a_block_in_a_file_that_upstream_renamed_too(doubled: World, poolside: Run) -> None:
    doubled.land({"a.py": None, "moved.py": BLOCK + MANY}, "Move a", 3)
    doubled.nightly("2026-07-11")
    result = poolside(doubled.clone(), "sync", "--json")
    assert notes(result) == {"Add a helper": [TWICE.replace("a.py", "moved.py")]}
