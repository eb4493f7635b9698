"""``sync --autosquash``: commits that name another one of their layer go into it (edge case S4)."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import TEN, Run
from tests.scenario import Repo, World


def edit(clone: Repo, path: str, text: str, message: str) -> str:
    """Commit a file on top of the patches, as a person would."""
    (clone.path / path).write_text(text)
    clone.git("add", path)
    clone.git("commit", "-q", "-F", "-", input=message)
    return clone.rev("HEAD")


def fates(out: str) -> list[tuple[str, str, str]]:
    layers = json.loads(out)["layers"]
    return [(p["subject"], p["fate"], p["verdict"]) for layer in layers for p in layer["patches"]]


def test_S4_a_fixup_goes_into_its_patch(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    nine = TEN.replace("line 9\n", "line nine\n")
    fixup = edit(clone, "b.py", nine.replace("line 3\n", "line three\n"), "fixup! Use our index\n")
    other = edit(clone, "own.txt", "own\n", "Add a file of our own\n")
    squash = edit(clone, "b.py", nine.replace("line 3\n", "line 3!\n"), "squash! Use our index\n\nAnd line three.\n")
    result = poolside(clone, "sync", "--autosquash")
    assert result.status == 0, result.err
    assert clone.subjects("main..poolside-main") == [
        "Add the build workflow",
        "Use our index",
        "Add a file of our own",
        "Set the version to the nightly of 2026-07-10",
    ]
    assert clone.show("poolside-main", "b.py") == nine.replace("line 3\n", "line 3!\n")
    folded = clone.rev("poolside-main~2")
    assert clone.git("log", "-1", "--format=%B|%an|%cn", folded) == (
        "Use our index\n\nAnd line three.\n|Pat Cher|Own Person"
    )
    assert clone.git("diff-tree", "--no-commit-id", "--name-only", "-r", folded) == "b.py"
    told = result.out.splitlines()
    assert f"  squashed   {fixup[:9]} fixup! Use our index" in told
    assert "             into Use our index" in told
    assert f"             fixup {fixup[:9]} is in it now; squash {squash[:9]} is in it now" in told
    assert "  poolside-main" in result.out
    assert "5 patches: 3 kept, 2 squashed, stamped" in result.out
    assert clone.git("merge-base", "--is-ancestor", other, "refs/poolside/operations") == ""
    assert poolside(clone, "undo").status == 0
    assert clone.rev("poolside-main") == squash


def test_S4_without_being_asked_nothing_is_folded(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("config", "rebase.autoSquash", "true")
    edit(clone, "b.py", TEN, "fixup! Use our index\n")
    assert poolside(clone, "sync").status == 0
    assert "fixup! Use our index" in clone.subjects("main..poolside-main")


def test_S4_an_orphan_is_a_snag(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    orphan = edit(clone, "own.txt", "own\n", "fixup! Speed up relu\n")
    before = clone.refs()
    result = poolside(clone, "sync", "--autosquash")
    assert (result.status, clone.refs()) == (1, before)
    assert (
        f"error: {orphan[:9]} fixup! Speed up relu: no patch below it in its layer has the name that it gives "
        "[orphan-fixup]\n"
        f"hint: git poolside sync --autosquash --keep {orphan[:9]}   (keeps it)\n"
        f"hint: git poolside sync --autosquash --drop {orphan[:9]}   (leaves it out)\n"
    ) in result.err
    assert poolside(clone, "sync", "-n", "--autosquash", "--drop", orphan).status == 0
    assert poolside(clone, "sync", "-n", "--autosquash", "--allow", "orphan-fixup").status == 0
    assert poolside(clone, "sync", "--autosquash", "--keep", orphan).status == 0
    assert "fixup! Speed up relu" in clone.subjects("main..poolside-main")


def test_S4_the_fixup_of_what_landed_is_an_orphan(simple: World, poolside: Run) -> None:
    """The patch goes, since upstream has it; what was put right in it is nobody's then but the fork's."""
    simple.land({"b.py": TEN.replace("line 9\n", "line nine\n")}, "Use our index", 13)
    simple.nightly("2026-07-11")
    clone = simple.clone()
    nine = TEN.replace("line 9\n", "line nine\n")
    fixup = edit(clone, "b.py", nine.replace("line 1\n", "line one\n"), "fixup! Use our index\n")
    result = poolside(clone, "sync", "--autosquash")
    assert result.status == 1
    assert f"{fixup[:9]} fixup! Use our index: what it belongs into, " in result.err
    assert "Use our index, is dropped [orphan-fixup]" in result.err


def test_S4_a_stop_at_either_of_the_two(stuck: World, poolside: Run) -> None:
    """The patch conflicts with upstream, and what is to go into it too: each is resolved by itself, then folded."""
    clone = stuck.clone()
    path = clone.path / "a.py"
    mended = path.read_text().replace("line five, tuned\n", "line five, tuned well\n")
    fixup = edit(clone, "a.py", mended, "fixup! Tune line five\n")
    assert poolside(clone, "sync", "--autosquash").status == 3
    path.write_text(TEN.replace("line 5\n", "line 5, rewritten and tuned\n"))
    clone.git("add", "a.py")
    stopped = poolside(clone, "sync", "--continue")
    assert stopped.status == 3
    assert f"error: {fixup[:9]} fixup! Tune line five does not apply" in stopped.err
    path.write_text(TEN.replace("line 5\n", "line 5, rewritten and tuned well\n"))
    clone.git("add", "a.py")
    done = poolside(clone, "sync", "--continue", "--json")
    assert done.status == 0
    assert ("fixup! Tune line five", "kept", "squashed") in fates(done.out)
    subjects = clone.subjects("main..poolside-main")
    assert subjects[:4] == ["Add the build workflow", "Tune line five", "Add a file of our own", "Tune line ten"]
    assert "line 5, rewritten and tuned well" in clone.show("poolside-main~3", "a.py")


def test_S4_exec_sees_what_is_folded_and_stops_at_it(simple: World, poolside: Run, tmp_path: Path) -> None:
    clone = simple.clone()
    seen = tmp_path / "seen"
    edit(clone, "b.py", TEN.replace("line 3\n", "line bad\n"), "fixup! Use our index\n")
    command = f"git log -1 --format=%s >>{seen}; ! grep -q bad b.py"
    stopped = poolside(clone, "sync", "--autosquash", "--exec", command)
    assert stopped.status == 3
    assert seen.read_text().splitlines()[-1] == "Use our index"
    assert "bad" in (clone.path / "b.py").read_text()
    (clone.path / "b.py").write_text(TEN.replace("line 3\n", "line good\n"))
    clone.git("commit", "-q", "-a", "--amend", "--no-edit")
    done = poolside(clone, "sync", "--continue")
    assert done.status == 0, done.err
    assert clone.show("poolside-main", "b.py") == TEN.replace("line 3\n", "line good\n")
    assert clone.subjects("main..poolside-main")[1:2] == ["Use our index"]
