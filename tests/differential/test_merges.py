"""Generated merges: verdict, tree and paths in conflict are those of ``git merge-tree``.

The same examples at every run. ``POOLSIDE_EXAMPLES=2000 pytest tests/differential`` draws that many new ones for
each test; a failure prints the steps that show it, shrunk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from git_poolside.git.process import open_repository
from tests.differential.compare import NARROW, Bench, Job, Patch
from tests.differential.compare import bench as opened
from tests.differential.oracle import Store
from tests.differential.trees import (
    ADDING,
    DRIVERS,
    FILE,
    FOLDER,
    GROUP,
    LINK,
    VERBS,
    File,
    Files,
    Step,
    after,
    content,
    steps,
    write,
)
from tests.scenario import World

MORE = int(os.environ.get("POOLSIDE_EXAMPLES", "0"))
MOVING = (
    *("move", "move_edited", "copy", "add", "delete", "swap", "change_case", "file_to_folder"),
    *(verb for verb in VERBS if "folder" in verb),
)
EDITING = (
    *("edit_most", "edit_most", "edit", "edit_twice", "insert", "cut") * 2,
    *("set_mode", "end_line", "end_lines_otherwise", "make_binary", "empty", "move", "move_folder", "set_attributes"),
)


def drawn(examples: int) -> settings:
    return settings(
        max_examples=MORE or examples,
        derandomize=not MORE,
        database=None,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.large_base_example,
        ],
    )


@pytest.fixture
def workbench(world: World) -> Iterator[tuple[Store, Bench]]:
    """An empty repository that knows the drivers of the generated attributes, and the two that are compared over it."""
    repo = world.upstream
    for name, value in DRIVERS.items():
        repo.git("config", name, value)
    git = open_repository(repo.path)
    with opened(git) as one:
        yield Store(git.object_dir), one


def agree(workbench: tuple[Store, Bench], base: list[Step], one: list[list[Step]], other: list[list[Step]]) -> None:
    """Every patch of each side, on every tree of the other side."""
    store, bench = workbench
    start = after({}, base)
    sides = [[write(store, files) for files in _states(start, side)] for side in (one, other)]
    jobs: list[Job] = []
    for mine, yours in (sides, reversed(sides)):
        patches = [Patch(f"{old} to {new}", old, new) for old, new in pairwise(mine) if old != new]
        jobs += [Job(ours, patches) for ours in yours[1:]]
    differ = bench.compare(jobs)
    bench.tally.disagreements.clear()
    assert not differ, "\n".join(map(str, differ))


def _states(start: Files, side: list[list[Step]]) -> list[Files]:
    states = [start]
    for patch in side:
        states.append(after(states[-1], patch))
    return states


@drawn(12)
@given(steps(2, 12, ADDING), *[steps(1, 4)] * 4)
def test_C5_C6_C7_C8_C9_anything_is_merged_as_git_merges_it(
    workbench: tuple[Store, Bench], base: list[Step], a: list[Step], b: list[Step], c: list[Step], d: list[Step]
) -> None:
    agree(workbench, base, [a, b], [c, d])


@drawn(20)
@given(steps(2, 10, ("add",)), *[steps(1, 3, MOVING)] * 3)
def test_C2_C3_C4_C5_whatever_is_moved_a_graft_is_what_git_merges(
    workbench: tuple[Store, Bench], base: list[Step], a: list[Step], b: list[Step], c: list[Step]
) -> None:
    agree(workbench, base, [a, b], [c])


@drawn(12)
@given(steps(6, 14, ADDING), *[steps(1, 3, EDITING)] * 3)
def test_C6_C7_many_files_changed_on_both_sides_are_merged_as_git_merges_them(
    workbench: tuple[Store, Bench], base: list[Step], a: list[Step], b: list[Step], c: list[Step]
) -> None:
    agree(workbench, base, [a, b], [c])


X, Y, Z = (File(FILE, b"%d\n" % n) for n in range(3))
NOTHING = File(FOLDER, b"")
BY_GROUP = File(GROUP, X.data)
ODD: dict[str, tuple[Files, Files, Files]] = {
    "a mode of ours alone": ({b"x": X, b"y": Y}, {b"x": BY_GROUP, b"y": Y}, {b"x": X, b"y": Z}),
    "a mode of all, both change the folder": (
        {b"x": BY_GROUP, b"y": Y, b"z": Y},
        {b"x": BY_GROUP, b"y": Z, b"z": Y},
        {b"x": BY_GROUP, b"y": Y, b"z": Z},
    ),
    "a mode in a folder that only the patch changes": (
        {b"d/x": X, b"y": Y},
        {b"d/x": X, b"y": Z},
        {b"d/x": X, b"d/new": BY_GROUP, b"y": Y},
    ),
    "a mode in a folder that the patch adds": (
        {b"x": X, b"y": Y},
        {b"x": X, b"y": Z},
        {b"x": X, b"y": Y, b"n/deep/new": BY_GROUP},
    ),
    "a mode, and the patch's own base below it": ({b"x": X, b"y": Y}, {b"x": X, b"y": Y}, {b"x": BY_GROUP, b"y": Z}),
    "the patch adds an empty folder": ({b"x": X, b"y": Y}, {b"x": Z, b"y": Y}, {b"x": X, b"y": Z, b"d": NOTHING}),
    "the patch leaves an empty folder where a file was": (
        {b"d/x": X, b"d/z": Z, b"y": Y},
        {b"d/x": X, b"d/z": Y, b"y": Y},
        {b"d/x": NOTHING, b"d/z": Z, b"y": Y},
    ),
    "the same, and ours leaves the folder as it was": (
        {b"d/x": X, b"y": Y},
        {b"d/x": X, b"y": Z},
        {b"d/x": NOTHING, b"y": Y},
    ),
    "a mode beside an edit of ours, far from what moved": (
        {b"f/d/x": BY_GROUP, b"f/d/a": X, b"f/d/k": Y, b"f/a": X, b"g": X, b"m": content(0)},
        {b"f/d/x": BY_GROUP, b"f/d/a": Y, b"f/d/k": Y, b"f/a": Y, b"g": X, b"n": content(0)},
        {b"f/d/x": BY_GROUP, b"f/d/a": X, b"f/d/k": Y, b"f/a": X, b"g": X, b"m": File(FILE, content(0).data + b"\n")},
    ),
    "the patch takes an empty folder away": (
        {b"x": X, b"y": Y, b"d": NOTHING},
        {b"x": Z, b"y": Y, b"d": NOTHING},
        {b"x": X, b"y": Z},
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_C5_trees_as_git_would_not_write_them_become_what_git_makes_of_them(
    workbench: tuple[Store, Bench], name: str
) -> None:
    store, bench = workbench
    base, ours, theirs = (write(store, files) for files in ODD[name])
    assert bench.compare([Job(ours, [Patch(name, base, theirs)])]) == []


@pytest.mark.parametrize("odd", [{}, {b"old": BY_GROUP}, {b"empty": NOTHING}])
def test_C5_markers_in_what_git_calls_merged_are_seen_however_it_is_asked(
    workbench: tuple[Store, Bench], odd: Files
) -> None:
    """Upstream moved a file and edited it; the patch edits the old one and has the new one, too."""
    store, bench = workbench
    old, new, mine = (File(FILE, content(0).data.replace(b"4", word)) for word in (b"4", b"upstream's", b"ours"))
    files = {b"a": old, b"o": X} | odd, {b"z": new, b"o": Y} | odd, {b"a": mine, b"z": new, b"o": X} | odd
    base, ours, theirs = (write(store, one) for one in files)
    assert bench.compare([Job(ours, [Patch("edited", base, theirs)])]) == []
    assert bench.tally.marked == 1


def test_C5_a_tree_that_a_question_was_asked_with_is_as_git_would_write_it(workbench: tuple[Store, Bench]) -> None:
    """The first merge asks without the edit of x; the second is onto the tree that this would be."""
    store, bench = workbench
    text, longer = content(0), File(FILE, content(0).data + b"more\n")
    base = {b"x": BY_GROUP, b"y": Y}
    first = [
        write(store, files) for files in (base | {b"m": text}, {b"x": Z, b"y": Y, b"n": text}, base | {b"m": longer})
    ]
    assert bench.compare([Job(first[1], [Patch("moved", first[0], first[2])])]) == []
    then = [write(store, base | {b"n": one, b"y": two}) for one, two in ((longer, Y), (text, Y), (longer, Z))]
    assert bench.compare([Job(then[1], [Patch("edited", then[0], then[2])])]) == []


def test_C3_a_folder_that_both_sides_changed_is_asked_as_it_is(workbench: tuple[Store, Bench]) -> None:
    """merge-ort does not look into D where ours has it as the base, and finds no other place for what was in d/e."""
    store, bench = workbench
    base = write(store, {b"D/a": X, b"d.x/a": Y, b"d/e/a": Y, b"f/a": X})
    ours = write(store, {b"D/a": Y, b"d.x/a": Y, b"e/a": Y, b"f/a": Z})
    theirs = write(store, {b"D/a": X, b"D/b": Y, b"e/a": Y, b"f/a": X})
    assert bench.compare([Job(ours, [Patch("moved", base, theirs)])]) == []


@pytest.mark.parametrize("between", ["the patch takes away what ours keeps", "ours gets what the base has not"])
def test_C3_a_folder_that_had_merely_edits_is_looked_at_again(workbench: tuple[Store, Bench], between: str) -> None:
    """The first patch follows what moved and sees that f has edits alone; after the second that is so no more."""
    store, bench = workbench
    text = [content(0), *(File(FILE, content(0).data + b"more\n" * times) for times in (1, 2))]
    before = {b"m": text[0], b"f/d/a": X, b"f/d/b": X, b"g": X}
    base = write(store, before)
    ours = write(store, {b"n": text[0], b"f/d/a": Y, b"f/d/b": Y, b"g": X})
    after = {path: file for path, file in before.items() if path != b"f/d/b"}
    if between == "ours gets what the base has not":
        second, after = before | {b"f/d/c": X, b"g": Y}, before
    else:
        second = after | {b"g": Y}
    patches = [
        Patch("follows", base, write(store, before | {b"m": text[1]})),
        Patch("between", base, write(store, second)),
        Patch("follows again", write(store, after), write(store, after | {b"m": text[2]})),
    ]
    assert bench.compare([Job(ours, patches)]) == []
    assert bench.tally.ways[NARROW] == 3


SETTINGS = {
    "one way": """
[merge]
	renames = false
	directoryRenames = true
	conflictStyle = diff3
	renormalize = true
	default = union
	verbosity = 0
[diff]
	renames = false
	algorithm = patience
	noprefix = true
	ignoreSubmodules = all
[core]
	autocrlf = true
	bigFileThreshold = 1
	attributesFile = {home}/attributes
	ignoreCase = true
	fileMode = false
	symlinks = false
""",
    "the other way": """
[merge]
	renames = copies
	directoryRenames = false
	conflictStyle = zdiff3
	renameLimit = 1
	default = binary
	verbosity = 5
	autoStash = true
[diff]
	renames = copies
	renameLimit = 1
	algorithm = minimal
	indentHeuristic = false
	orderFile = {home}/order
	relative = true
[core]
	autocrlf = input
	eol = crlf
	safecrlf = true
	whitespace = cr-at-eol
	commentChar = 1
[feature]
	experimental = true
	manyFiles = true
[attr]
	tree = refs/heads/odd
""",
}


@pytest.mark.parametrize("settings", [*SETTINGS, "a variable"])
def test_S9_settings_of_users_change_no_merge(
    workbench: tuple[Store, Bench], world: World, monkeypatch: pytest.MonkeyPatch, settings: str
) -> None:
    """The oracle has the settings, too, so it is asked before they are made."""
    store, bench = workbench
    base = after({}, [Step("add", place, place + 1, 6 * place) for place in range(8)])
    base[b"d/crlf"], base[b"link"] = content(8), File(LINK, b"d/a")
    sides = [
        [Step("move_folder", 1, 12), Step("edit_most", 0, 0, 1), Step("edit", 0, 3, 1)],
        [Step("edit_most", 1, 12, 2), Step("edit", 0, 3, 2), Step("add_in_a_folder", 1, 14, 3)],
        [Step("edit_most", 1, 15, 3), Step("set_mode", 2), Step("end_lines_otherwise", 4)],
        [Step("move_edited", 1, 3, 9), Step("edit", 5, 20, 1)],
    ]
    start, *trees = (write(store, files) for files in (base, *(after(base, side) for side in sides)))
    jobs = [Job(ours, [Patch(tree, start, tree) for tree in trees if tree != ours]) for ours in trees]
    assert bench.compare(jobs) == []
    home = Path(os.environ["HOME"])
    (home / "attributes").write_text("* merge=union\n")
    (home / "order").write_text("x*\n")
    odd = store.commit(write(store, {b".gitattributes": File(FILE, b"* merge=union\n")}))
    world.upstream.git("update-ref", "refs/heads/odd", odd)
    before = bench.answers(jobs)
    if settings == "a variable":
        monkeypatch.setenv("GIT_ATTR_SOURCE", "refs/heads/odd")
    else:
        with (home / ".gitconfig").open("a") as file:
            file.write(SETTINGS[settings].format(home=home))
    with opened(open_repository(world.upstream.path)) as another:
        assert another.answers(jobs) == before
