"""The changes file from outside: printed, checked, written, and carried through syncs without a word lost."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from git_poolside.stack.changes import BEGIN, END, TITLE
from tests.conftest import TEN, Run, copied, ends_with, simple_world
from tests.scenario import Link, Repo, World
from tests.test_shape import STAMP, fates, later, own

FILE = "poolside-changes.md"
HAND = f"{TITLE}\n* [16th Dec 2024] Added READMEs. TODO: commit here\n"
BULLETS = [
    "* [15th Jun 2025] Add the build workflow (Pat Cher).",
    "* [15th Jun 2025] Use our index (Pat Cher).",
]


def seen(text: str) -> list[str]:
    """The lines without the comments that a rendered page does not show, hashes as one word."""
    shown = re.sub(r" ?<!-- poolside [0-9a-f]{8} .*? -->", "", text)
    return re.sub(r"upstream [0-9a-f]{9}", "upstream HASH", shown).splitlines()


def file(repo: Repo, revision: str = "poolside-main") -> str:
    return repo.show(revision, FILE)


def edited(
    repo: Repo, text: str, message: str = "Edit the changes file", *, files: dict[str, str] | None = None
) -> None:
    """A commit on the patches branch, made in the clone by hand."""
    for path, content in {FILE: text, **(files or {})}.items():
        (repo.path / path).write_text(content)
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", message)


@pytest.fixture
def written(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[World, Repo]:
    """`simple` with a hand-kept changes file that was adopted, and a third nightly waiting behind the second."""
    world = copied(request, _written, tmp_path / "world")
    return world, world.there()


def _written(world: World) -> None:
    simple_world(world)
    world.patch({FILE: HAND}, "Describe the fork\n")
    assert ends_with(world.clone(), "changes", "--write") == 0
    later(world)


def test_the_section_is_printed_and_nothing_changes(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = clone.refs("refs")
    result = poolside(clone, "changes")
    pick = (
        "* [15th Jun 2025] Speed up relu (Ann Author), picked from upstream HASH. "
        "[Upstream PR](https://github.com/pytorch/pytorch/pull/11). Not in the snapshot yet."
    )
    assert (result.status, seen(result.out), result.err) == (0, [*BULLETS, pick], "")
    value = json.loads(poolside(clone, "changes", "--json").out)
    assert (value["outcome"], value["agrees"], value["file"]) == ("done", False, FILE)
    assert seen("\n".join(value["section"])) == [*BULLETS, pick]
    assert clone.refs("refs") == before


def test_write_adopts_the_file_in_the_stamp_and_can_be_undone(simple: World, poolside: Run) -> None:
    simple.patch({FILE: HAND}, "Describe the fork\n")
    clone = simple.clone()
    clone.git("checkout", "-q", "--detach")
    before = clone.refs()
    result = poolside(clone, "changes", "--write")
    assert (result.status, result.out) == (0, f"Wrote {FILE} on 'poolside-main': 4 bullets\n")
    lines = seen(file(clone))
    assert lines[:5] == [TITLE, BEGIN, HAND.splitlines()[1], *BULLETS]
    assert lines[5].startswith("* [15th Jun 2025] Speed up relu") and lines[6:] == [END]
    assert own(clone)[-2:] == ["Describe the fork", f"{STAMP} 2026-07-03"]
    assert clone.git("rev-parse", "main") == clone.git("rev-parse", "origin/main")
    again = poolside(clone, "changes", "--write")
    assert (again.status, again.out) == (0, f"Nothing to write: {FILE} says what the stack holds.\n")
    assert poolside(clone, "undo").status == 0
    assert clone.refs()["refs/heads/poolside-main"] == before["refs/heads/poolside-main"]


def test_write_makes_the_file_where_there_is_none(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    assert poolside(clone, "changes", "--write", "--json").status == 0
    assert seen(file(clone))[:4] == [TITLE, BEGIN, *BULLETS]
    assert poolside(clone, "sync").status == 0
    assert seen(file(clone)) == [TITLE, BEGIN, *BULLETS, END]


def test_check_fails_when_file_and_stack_disagree(written: tuple[World, Repo], poolside: Run) -> None:
    _, clone = written
    assert poolside(clone, "changes", "--check").status == 0
    edited(clone, file(clone), "Add own", files={"own.txt": "own\n"})
    result = poolside(clone, "changes", "--check")
    assert result.status == 1
    assert [line for line in seen(result.out) if line[:1] in "+-"][2:] == ["+* [1st Aug 2026] Add own (Own Person)."]
    assert result.err == (
        f"error: {FILE} is not what the stack says\n"
        "hint: git poolside changes --write   (so does the next sync, once the file has a section)\n"
    )
    value = json.loads(poolside(clone, "changes", "--check", "--json").out)
    assert (value["outcome"], value["exit"], value["agrees"]) == ("refused", 1, False)
    assert poolside(clone, "changes", "--write").status == 0
    assert poolside(clone, "changes", "--check").out == f"{FILE} says what the stack holds.\n"


def test_a_sync_keeps_the_section_and_drops_the_bullets_of_what_landed(
    written: tuple[World, Repo], poolside: Run
) -> None:
    _, clone = written
    assert poolside(clone, "sync").status == 0
    assert seen(file(clone)) == [TITLE, BEGIN, HAND.splitlines()[1], *BULLETS, END]
    assert poolside(clone, "changes", "--check").status == 0
    before = clone.refs()
    assert json.loads(poolside(clone, "sync", "--json").out)["outcome"] == "nothing-to-do"
    assert clone.refs() == before


def test_a_fork_without_markers_is_left_alone(simple: World, poolside: Run) -> None:
    simple.patch({FILE: HAND}, "Describe the fork\n")
    clone = simple.clone()
    assert poolside(clone, "sync").status == 0
    assert file(clone) == HAND


def test_broken_markers_stop_no_sync_and_are_named(simple: World, poolside: Run) -> None:
    simple.patch({FILE: f"{HAND}{BEGIN}\n"}, "Describe the fork\n")
    clone = simple.clone()
    result = poolside(clone, "sync")
    assert result.status == 0 and f"note: {FILE} needs one line" in result.err
    assert file(clone) == f"{HAND}{BEGIN}\n"
    for option in ("--write", "--check"):
        result = poolside(clone, "changes", option)
        assert result.status == 1 and "mend the two lines on 'poolside-main'" in result.err


# S6: none of these may ever stop a sync or lose a word


def test_S6_bullets_edited_by_hand_survive_a_sync(written: tuple[World, Repo], poolside: Run) -> None:
    _, clone = written
    text = file(clone).replace("Use our index", "Use our own index").replace("READMEs.", "READMEs, all.")
    edited(clone, text.replace(f"\n{END}", f" Jo knows.\n{END}") + "Prose below.\n")
    result = poolside(clone, "sync", "--json")
    assert result.status == 0, result.err
    assert seen(file(clone)) == [
        TITLE,
        BEGIN,
        HAND.splitlines()[1].replace("READMEs.", "READMEs, all."),
        BULLETS[0],
        BULLETS[1].replace("Use our index", "Use our own index"),
        "* [15th Jun 2025] Speed up relu (Ann Author), picked from upstream HASH. "
        "[Upstream PR](https://github.com/pytorch/pytorch/pull/11). Not in the snapshot yet. Jo knows.",
        END,
        "Prose below.",
    ]
    assert ("Edit the changes file", "kept", "changed") in fates(result)
    assert poolside(clone, "changes", "--check").status == 0


def test_S6_a_hand_edit_of_the_section_alone_is_a_stamp_and_its_words_stay(
    written: tuple[World, Repo], poolside: Run
) -> None:
    _, clone = written
    edited(clone, file(clone).replace("Use our index", "Use our own index"))
    result = poolside(clone, "sync", "--json")
    assert ("Edit the changes file", "dropped", "stamp") in fates(result)
    assert "Use our own index (Pat Cher)" in file(clone)


@pytest.mark.parametrize("markers", [False, True])
def test_S6_bullets_that_each_patch_brings_along_never_conflict(simple: World, poolside: Run, markers: bool) -> None:
    text = f"{TITLE}\n{BEGIN}\n{END}\n" if markers else f"{TITLE}\n"
    end = f"{END}\n" if markers else ""
    simple.patch({FILE: text}, "Describe the fork\n")
    for n in range(4):
        text = text.removesuffix(end) + f"* [1st Jul 2026] Patch {n}, with words {n}.\n" + end
        simple.patch({FILE: text, f"own{n}.txt": f"{n}\n"}, f"Patch {n}\n")
    simple.land({"own1.txt": "1\n"}, "Take patch 1", 13)
    simple.nightly("2026-07-11")
    clone = simple.clone()
    result = poolside(clone, "sync", "--json")
    assert result.status == 0, result.err
    assert [(f[0], f[2]) for f in fates(result) if f[1] == "dropped"] == [
        ("Speed up relu (#11)", "landed"),
        ("Patch 1", "landed"),
    ]
    assert [p["notes"] for layer in json.loads(result.out)["layers"] for p in layer["patches"] if p["notes"]] == []
    assert [line for line in text.splitlines() if line not in seen(file(clone))] == []
    assert own(clone)[-4:] == ["Patch 0", "Patch 2", "Patch 3", f"{STAMP} 2026-07-11"]
    assert clone.git("show", "--format=", "--name-only", "poolside-main~1").splitlines() == (
        ["own3.txt"] if markers else ["own3.txt", FILE]
    )
    later(simple)
    assert poolside(clone, "sync").status == 0
    assert [line for line in text.splitlines() if line not in seen(file(clone))] == []


def test_S6_a_file_edited_by_two_people_stops_nothing(written: tuple[World, Repo], poolside: Run) -> None:
    world, clone = written
    assert poolside(clone, "push").status == 0
    other = world.clone("other")
    text = file(clone)
    edited(clone, text.replace("Use our index", "Use my index") + "Mine.\n", "Mine", files={"mine": "m\n"})
    edited(other, text.replace("Use our index", "Use their index") + "Theirs.\n", "Theirs", files={"theirs": "t\n"})
    clone.git("fetch", "-q", str(other.path), "poolside-main")
    clone.git("cherry-pick", "-X", "theirs", "FETCH_HEAD")
    edited(clone, f"{file(clone)}Mine again.\n", "Mine again")
    result = poolside(clone, "sync", "--json")
    assert result.status == 0, result.err
    assert "Theirs.\n" in file(clone) and "their index" in file(clone) and "Mine again.\n" in file(clone)


def test_S6_the_stamp_amended_with_a_bullet_and_with_work_loses_neither(
    written: tuple[World, Repo], poolside: Run
) -> None:
    _, clone = written
    (clone.path / FILE).write_text(file(clone).replace("Use our index", "Use my index") + "Prose.\n")
    (clone.path / "mine").write_text("m\n")
    clone.git("add", "-A")
    clone.git("commit", "-q", "--amend", "--no-edit")
    assert poolside(clone, "sync").status == 0
    assert own(clone)[-2:] == [f"{STAMP} 2026-07-03", f"{STAMP} 2026-07-17"]
    assert clone.git("show", "--format=", "--name-only", "poolside-main~1") == "mine"
    assert "Use my index" in file(clone) and file(clone).endswith("Prose.\n")


def test_S6_what_a_person_writes_there_at_a_stop_is_taken(stuck: World, poolside: Run) -> None:
    text = f"{TITLE}\n* one\n"
    stuck.patch({FILE: text}, "Describe the fork\n")
    fixed = TEN.replace("line 5\n", "line 5, rewritten and tuned\n")
    clone = stuck.clone()
    assert poolside(clone, "changes", "--write").status == 0
    assert poolside(clone, "sync").status == 3
    (clone.path / "a.py").write_text(fixed)
    (clone.path / FILE).write_text("Said at the stop.\n")
    clone.git("add", "-A")
    result = poolside(clone, "sync", "--continue")
    assert result.status == 0, result.err
    lines = file(clone).splitlines()
    assert "Said at the stop." in lines and lines[0] == TITLE and "* one" in lines
    assert poolside(clone, "changes", "--check").status == 0


def test_S6_at_a_stop_the_changes_file_is_no_question(stuck: World, poolside: Run) -> None:
    text = f"{TITLE}\n"
    stuck.patch({FILE: text}, "Describe the fork\n")
    for n, path in enumerate(("gone.txt", "a.py", "more.txt")):
        text += f"* [1st Jul 2026] Patch {n}.\n"
        stuck.patch({FILE: text, path: TEN.replace("line 5\n", "line five\n")}, f"Patch {n}\n")
    stuck.land({"gone.txt": TEN.replace("line 5\n", "line five\n")}, "Take patch 0", 23)
    stuck.nightly("2026-07-11")
    clone = stuck.clone()
    assert poolside(clone, "sync", "--drop", "Tune line five", "--drop", "Tune line ten").status == 3
    assert clone.git("diff", "--name-only", "--diff-filter=U") == "a.py"
    assert (clone.path / FILE).read_text() == f"{TITLE}\n* [1st Jul 2026] Patch 1.\n"
    (clone.path / "a.py").write_text(TEN.replace("line 5\n", "line 5, rewritten\n"))
    clone.git("add", "a.py")
    result = poolside(clone, "sync", "--continue")
    assert result.status == 0, result.err
    assert file(clone) == text
    assert clone.git("show", "--format=", "--name-only", "poolside-main~2") == FILE


def test_an_edit_of_the_prose_that_is_dropped_by_name_is_gone(simple: World, poolside: Run) -> None:
    simple.patch({FILE: HAND}, "Describe the fork\n")
    simple.patch({FILE: HAND + "Obsolete.\n"}, "Say more\n")
    simple.patch({FILE: HAND + "Obsolete.\nNews.\n"}, "Say news\n")
    clone = simple.clone()
    assert poolside(clone, "sync", "--drop", "Say more").status == 0
    assert file(clone) == HAND + "News.\n"


@pytest.mark.parametrize("name", [FILE, "docs"])
def test_P13_a_changes_file_behind_a_symbolic_link_is_refused(simple: World, poolside: Run, name: str) -> None:
    config = '[changes]\nfile = "docs/poolside-changes.md"\n' if name == "docs" else ""
    simple.patch({name: Link("lib"), ".poolside.toml": config}, "Link\n")
    clone = simple.clone()
    before = clone.refs()
    for option in ("--write", "--check"):
        result = poolside(clone, "changes", option)
        assert result.status == 1 and "is no plain file on 'poolside-main'" in result.err
    assert clone.refs() == before
    assert poolside(clone, "sync").status == 0
    assert clone.git("ls-tree", "poolside-main", "--", name).startswith("120000")


def test_an_own_patch_with_a_bullet_that_landed_upstream_is_landed(simple: World, poolside: Run) -> None:
    simple.patch({FILE: HAND}, "Describe the fork\n")
    simple.patch({FILE: HAND + "* Tail.\n", "tail.py": "t\n"}, "Add a tail\n")
    tail = simple.land({"tail.py": "t\n"}, "Add a tail", 13)
    simple.nightly("2026-07-11")
    clone = simple.clone()
    result = poolside(clone, "sync", "--json")
    dropped = [
        p for layer in json.loads(result.out)["layers"] for p in layer["patches"] if p["subject"] == "Add a tail"
    ]
    assert [(p["fate"], p["verdict"], p["upstream"], p["signals"]) for p in dropped] == [
        ("dropped", "landed", [tail], ["patch-id", "same-result", "reverse-apply"])
    ]
    assert file(clone) == HAND + "* Tail.\n"


def test_the_state_of_a_pick_stays_from_sync_to_sync(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    assert poolside(clone, "changes", "--write").status == 0
    landed = simple.upstream.git("log", "--format=%H", "--grep", "Speed up relu", "main")
    simple.revert(landed, 11)
    simple.nightly("2026-07-11")
    assert poolside(clone, "sync").status == 0
    assert "Taken back upstream. <!--" in file(clone)
    assert json.loads(poolside(clone, "sync", "--json").out)["outcome"] == "nothing-to-do"
    assert poolside(clone, "changes", "--check").status == 0
    later(simple)
    assert poolside(clone, "sync").status == 0
    assert "Taken back upstream. <!--" in file(clone)


def test_an_edit_of_the_picks_keeps_the_section(written: tuple[World, Repo], poolside: Run) -> None:
    world, clone = written
    extended = world.upstream.git("log", "--format=%H", "--grep", "Extend c .#12", "main")
    result = poolside(clone, "cherry-pick", "add", extended)
    assert result.status == 0, result.err
    assert "Extend c (Ann Author), picked from upstream HASH." in "\n".join(seen(file(clone)))
    assert poolside(clone, "changes", "--check").status == 0
    assert poolside(clone, "cherry-pick", "drop", "Extend c").status == 0
    assert "Extend c" not in file(clone)
    assert poolside(clone, "changes", "--check").status == 0
