"""What ``sync`` does with each patch, end to end: dropped only if the new snapshot holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TEN, Run, copied
from tests.scenario import Files, Repo, Result, World

EVERY = "trailer, pull, patch-id, same-result, reverse-apply"
NOTED = "Note what landed up to the nightly of 2026-07-10"
FORK_PULL = "Use our index (#11)\n"


def text(changes: Mapping[int, str] = {}) -> str:
    """Twenty numbered lines with some of them changed."""
    return "".join(f"{changes.get(n, f'line {n}')}\n" for n in range(1, 21))


@pytest.fixture
def begun(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """Upstream with a few files and a nightly, and a fork on it with no patch yet."""
    return copied(request, begun_world, tmp_path / "world")


def begun_world(world: World) -> None:
    world.land({"a.py": text(), "b.py": text(), "c.py": text()}, "Add the library", 2)
    world.nightly("2026-07-03")
    world.fork_at()


def pick_first(world: World, files: Files, subject: str = "Speed up relu", number: int = 11) -> str:
    """A pick taken from a pull request before it landed: its number, but no trailer and another author date."""
    message = f"{subject} (#{number})\n\nPull Request resolved: https://github.com/pytorch/pytorch/pull/{number}\n"
    oid = world.commit(world.fork, "poolside-cherry-picks", files, message)
    world.fork.git("update-ref", "refs/heads/poolside-main", oid)
    return oid


def judged(result: Result) -> dict[str, tuple[str, str]]:
    """Subject -> fate and verdict, of a run with --json."""
    layers = json.loads(result.out)["layers"]
    return {p["subject"]: (p["fate"], p["verdict"]) for layer in layers for p in layer["patches"]}


def patch_of(result: Result, subject: str) -> dict[str, Any]:
    layers = json.loads(result.out)["layers"]
    [found] = [p for layer in layers for p in layer["patches"] if p["subject"] == subject]
    assert isinstance(found, dict)
    return found


def snags(result: Result) -> list[str]:
    return [snag["name"] for snag in json.loads(result.out)["snags"]]


def synced(world: World, poolside: Run, *arguments: str, status: int = 0) -> tuple[Repo, Result]:
    """A new clone, and what a sync of it said as an object. A refused one has to leave every ref where it was."""
    clone = world.clone()
    before = clone.refs()
    result = poolside(clone, "sync", "--no-fetch", "--json", *arguments)
    assert result.status == status, (judged(result), snags(result))
    if status == 1:
        assert clone.refs() == before
    return clone, result


# Landed


def test_L1_landed_identically_is_dropped_and_says_why(begun: World, poolside: Run) -> None:
    landed = begun.land({"a.py": text({2: "two"})}, "Speed up relu", 11)
    begun.pick(landed)
    begun.nightly("2026-07-10")
    clone = begun.clone()
    result = poolside(clone, "sync")
    assert result.status == 0
    assert clone.rev("poolside-cherry-picks") == clone.rev("main") == landed
    assert "dropped" in result.out
    flat = " ".join(result.out.split())
    assert f"landed as {landed[:9]} Speed up relu (#11) (2025-06-15) [{EVERY}]" in flat


@pytest.mark.parametrize("drift", [False, True])
def test_L1_a_pick_from_before_it_landed_is_known_by_its_number(begun: World, poolside: Run, drift: bool) -> None:
    pick_first(begun, {"a.py": text({2: "two"})})
    if drift:
        begun.land({"a.py": text({18: "eighteen"})}, "Edit far away", 10)
    landed = begun.land({"a.py": text({2: "two"} | ({18: "eighteen"} if drift else {}))}, "Speed up relu", 11)
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside)
    pick = patch_of(result, "Speed up relu (#11)")
    assert (pick["fate"], pick["verdict"], pick["pull"], pick["new"]) == ("dropped", "landed", 11, None)
    assert (pick["signals"], pick["upstream"]) == (
        ["pull", "patch-id", "same-result", "reverse-apply"],
        [landed],
    )


def test_L1_an_own_patch_that_landed_is_dropped(begun: World, poolside: Run) -> None:
    begun.patch({"a.py": text({2: "two"})}, "Use our index\n")
    begun.land({"a.py": text({2: "two"})}, "Index, upstreamed", 30)
    begun.nightly("2026-07-10")
    clone, result = synced(begun, poolside)
    assert judged(result) == {"Use our index": ("dropped", "landed")}
    assert clone.rev("poolside-main") == clone.rev("main")


def test_L2_a_pick_that_landed_with_tweaks_gives_way_to_upstreams_version(begun: World, poolside: Run) -> None:
    pick_first(begun, {"a.py": text({2: "two"})})
    begun.land({"a.py": text({2: "two, reviewed"})}, "Speed up relu", 11)
    begun.nightly("2026-07-10")
    clone, result = synced(begun, poolside)
    assert judged(result) == {"Speed up relu (#11)": ("dropped", "landed-tweaked")}
    assert clone.show("poolside-main", "a.py") == text({2: "two, reviewed"})


def test_L2_a_pick_with_work_of_its_own_elsewhere_is_asked_about(begun: World, poolside: Run) -> None:
    files = {"a.py": text({2: "two"})}
    landed = begun.land(files, "Speed up relu", 11)
    message = f"Speed up relu (#11)\n\n(cherry picked from commit {landed})\n"
    oid = begun.commit(begun.fork, "poolside-cherry-picks", {**files, "own.txt": "own\n"}, message)
    begun.fork.git("update-ref", "refs/heads/poolside-main", oid)
    begun.land({"a.py": text({2: "two, again"})}, "Edit on", 12)
    begun.nightly("2026-07-20")
    _, result = synced(begun, poolside, status=1)
    assert snags(result) == ["landed-tweaked"]


def own_tweaked(world: World) -> str:
    """An own patch that says of which pull request it is, and landed in another form."""
    own = world.patch({"a.py": text({2: "two"})}, "Use our index\n\nPoolside-Pull: 30\n")
    world.patch({"b.py": text({9: "nine"})}, "Another patch\n")
    world.land({"a.py": text({2: "two, reviewed"})}, "Index", 30)
    world.nightly("2026-07-10")
    return own


def test_L2_an_own_patch_that_landed_with_tweaks_is_asked_about(begun: World, poolside: Run) -> None:
    own = own_tweaked(begun)
    _, result = synced(begun, poolside, status=1)
    assert snags(result) == ["landed-tweaked"]
    [snag] = json.loads(result.out)["snags"]
    assert snag["patch"] == own
    assert [words.partition(" --json ")[2] for words in snag["hint"].splitlines()] == [
        f"--keep {own[:9]}   (keeps it)",
        f"--drop {own[:9]}   (leaves it out)",
    ]
    assert judged(result)["Use our index"] == ("unresolved", "landed-tweaked")


@pytest.mark.parametrize("name", ["hash", "words"])
def test_L2_answered_with_drop_upstreams_version_stays(begun: World, poolside: Run, name: str) -> None:
    own = own_tweaked(begun)
    clone, result = synced(begun, poolside, "--drop", own[:9] if name == "hash" else "our INDEX")
    dropped = patch_of(result, "Use our index")
    assert (dropped["fate"], dropped["verdict"], dropped["reason"]) == (
        "dropped",
        "landed-tweaked",
        "dropped as asked (--drop)",
    )
    assert clone.subjects("main..poolside-main") == ["Another patch", NOTED]
    assert clone.show("poolside-main", "a.py") == text({2: "two, reviewed"})


def test_L2_answered_with_keep_the_conflict_is_resolved_by_hand(begun: World, poolside: Run) -> None:
    own = own_tweaked(begun)
    clone, result = synced(begun, poolside, "--keep", own[:9], status=3)
    assert json.loads(result.out)["conflict"]["patch"] == own
    (clone.path / "a.py").write_text(text({2: "two, ours"}))
    clone.git("add", "a.py")
    assert poolside(clone, "sync", "--continue").status == 0
    assert clone.subjects("main..poolside-main") == ["Use our index", "Another patch"]
    assert clone.show("poolside-main", "a.py") == text({2: "two, ours"})


def test_L2_allowed_by_name_upstreams_version_wins(begun: World, poolside: Run) -> None:
    own_tweaked(begun)
    clone, result = synced(begun, poolside, "--allow", "landed-tweaked")
    assert judged(result)["Use our index"] == ("dropped", "landed-tweaked")
    assert clone.subjects("main..poolside-main") == ["Another patch", NOTED]


@pytest.mark.parametrize(
    ("option", "words", "message"),
    [
        ("--drop", "ffff", "no patch of the stack is called 'ffff'"),
        ("--keep", "patch", "several patches of the stack are called 'patch'"),
        ("--drop", "HEAD~9", "no patch of the stack is called 'HEAD~9'"),
    ],
)
def test_L2_a_name_that_fits_no_patch_or_several_is_refused(
    begun: World, poolside: Run, option: str, words: str, message: str
) -> None:
    begun.patch({"a.py": text({2: "two"})}, "First patch\n")
    begun.patch({"a.py": text({3: "three"})}, "Second patch\n")
    clone = begun.clone()
    result = poolside(clone, "sync", option, words)
    assert result.status == 1
    assert message in result.err


def test_L3_landed_in_part_keeps_the_rest(begun: World, poolside: Run) -> None:
    pick_first(begun, {"a.py": text({2: "two"}), "b.py": text({5: "five"})})
    begun.land({"a.py": text({2: "two"})}, "Speed up relu", 11)
    begun.nightly("2026-07-10")
    clone, result = synced(begun, poolside)
    assert judged(result) == {"Speed up relu (#11)": ("kept", "landed-partly")}
    assert clone.git("diff", "--name-only", "main", "poolside-main") == "b.py"


@pytest.mark.parametrize("variable", ["", "--unified=20"])
def test_L3_P7_an_own_patch_of_which_hunks_landed_without_a_word_keeps_the_rest(
    begun: World, poolside: Run, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    if variable:
        monkeypatch.setenv("GIT_DIFF_OPTS", variable)
    begun.patch({"a.py": text({2: "two", 10: "ten", 18: "eighteen"}), "b.py": text({5: "five"})}, "Use our index\n")
    first = begun.land({"a.py": text({2: "two", 6: "six"})}, "Index, one", 21)
    second = begun.land({"a.py": text({2: "two", 6: "six", 18: "eighteen"}), "c.py": text({1: "x"})}, "Index, two", 22)
    begun.land({"b.py": text({15: "fifteen"})}, "Something else", 23)
    begun.nightly("2026-07-10")
    clone, result = synced(begun, poolside)
    own = patch_of(result, "Use our index")
    assert (own["fate"], own["verdict"], own["upstream"]) == ("kept", "landed-partly", [second, first])
    assert own["reason"] == (
        f"landed in part as {second[:9]} Index, two (#22) (2025-06-15); {first[:9]} Index, one (#21) (2025-06-15)"
    )
    assert own["notes"] == ["there already, so not in it any more: a.py:2 (+1 -1), a.py:18 (+1 -1)"]
    wanted = {2: "two", 6: "six", 10: "ten", 18: "eighteen"}
    assert clone.files("poolside-main") == {
        **clone.files("main"), "a.py": text(wanted), "b.py": text({5: "five", 15: "fifteen"})
    }  # fmt: skip


def test_L3_a_patch_whose_surroundings_changed_has_lost_nothing(begun: World, poolside: Run) -> None:
    begun.patch({"a.py": text({2: "two", 10: "ten"})}, "Use our index\n")
    begun.land({"a.py": text({6: "six", 13: "thirteen"})}, "Edit between", 21)
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside)
    own = patch_of(result, "Use our index")
    assert (own["fate"], own["verdict"], own["notes"]) == ("kept", "changed", [])


def test_L3_a_rename_of_a_file_that_upstream_edited_has_lost_nothing(begun: World, poolside: Run) -> None:
    begun.patch({"a.py": None, "ours.py": text({15: "fifteen"})}, "Rename a\n")
    begun.land({"a.py": text({2: "two", 3: "three"})}, "Edit a", 21)
    begun.nightly("2026-07-10")
    clone, result = synced(begun, poolside)
    own = patch_of(result, "Rename a")
    assert (own["fate"], own["verdict"], own["notes"]) == ("kept", "changed", [])
    assert clone.show("poolside-main", "ours.py") == text({2: "two", 3: "three", 15: "fifteen"})


@pytest.mark.parametrize("edited", [False, True])
def test_L4_overlapping_picks_squashed_into_one_commit_are_all_dropped(
    begun: World, poolside: Run, edited: bool
) -> None:
    pick_first(begun, {"a.py": text({2: "two"})}, "First", 11)
    pick_first(begun, {"b.py": text({9: "nine"})}, "Between", 14)
    pick_first(begun, {"a.py": text({2: "two and a half", 15: "fifteen"})}, "Second", 12)
    squashed = begun.land({"a.py": text({2: "two and a half", 15: "fifteen"})}, "Both at once", 13)
    if edited:
        begun.land({"a.py": text({2: "two and three quarters", 15: "fifteen"})}, "Edit on", 15)
    begun.nightly("2026-07-10")
    clone, result = synced(begun, poolside)
    verdict = "landed" if edited else "emptied"
    assert judged(result) == {
        "First (#11)": ("dropped", "landed"),
        "Between (#14)": ("kept", "carried"),
        "Second (#12)": ("dropped", verdict),
    }
    assert patch_of(result, "First (#11)")["reason"] == (
        f"landed as {squashed[:9]} Both at once (#13) (2025-06-15) [content]"
    )
    assert clone.git("diff", "--name-only", "main", "poolside-main") == "b.py"


def test_L4_overlapping_picks_of_which_only_the_first_landed_stay(begun: World, poolside: Run) -> None:
    pick_first(begun, {"a.py": text({2: "two"})}, "First", 11)
    pick_first(begun, {"a.py": text({2: "two and a half"})}, "Second", 12)
    begun.land({"a.py": text({2: "another"})}, "Something else", 13)
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside, "-n", status=3)
    assert judged(result)["First (#11)"] == ("unresolved", "conflict")


def test_L4_squashed_and_then_reverted_is_not_dropped(begun: World, poolside: Run) -> None:
    pick_first(begun, {"a.py": text({2: "two"})}, "First", 11)
    pick_first(begun, {"a.py": text({2: "two and a half"})}, "Second", 12)
    begun.revert(begun.land({"a.py": text({2: "two and a half"})}, "Both at once", 13), 13)
    begun.land({"a.py": text({2: "another"})}, "Something else", 14)
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside, "-n", status=3)
    assert judged(result) == {
        "First (#11)": ("unresolved", "reverted-upstream"),
        "Second (#12)": ("unresolved", "reverted-upstream"),
    }


def test_L5_an_own_patch_split_over_commits_and_edited_since_is_dropped_citing_them(
    begun: World, poolside: Run
) -> None:
    begun.patch({"a.py": text({2: "two", 15: "fifteen"}), "b.py": text({5: "five"})}, "Use our index\n")
    first = begun.land({"a.py": text({2: "two, at first"})}, "Index, begun", 21)
    second = begun.land({"a.py": text({2: "two", 15: "fifteen"}), "b.py": text({5: "five"})}, "Index, done", 22)
    begun.land({"a.py": text({2: "two", 15: "fifteen and a half"}), "b.py": text({5: "five"})}, "Edit on", 23)
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside)
    own = patch_of(result, "Use our index")
    assert (own["fate"], own["verdict"]) == ("dropped", "landed")
    assert second in own["upstream"] and first in own["upstream"]


def test_L5_split_and_taken_back_since_without_a_word_is_asked_about(begun: World, poolside: Run) -> None:
    begun.patch({"a.py": text({2: "two"}), "b.py": text({5: "five"})}, "Use our index\n")
    begun.land({"a.py": text({2: "two"})}, "Index, begun", 21)
    begun.land({"b.py": text({5: "five"})}, "Index, done", 22)
    begun.land({"a.py": text(), "b.py": text({5: "five and a half"})}, "Tidy up", 23)
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside, status=1)
    assert snags(result) == ["undone-silently"]


def test_L4_several_picks_squashed_into_one_commit_are_all_dropped(begun: World, poolside: Run) -> None:
    pick_first(begun, {"a.py": text({2: "two"})}, "First half", 11)
    pick_first(begun, {"a.py": text({2: "two", 15: "fifteen"})}, "Second half", 12)
    squashed = begun.land({"a.py": text({2: "two", 15: "fifteen"})}, "Both halves", 13)
    begun.nightly("2026-07-10")
    clone, result = synced(begun, poolside)
    assert judged(result) == {
        "First half (#11)": ("dropped", "emptied"),
        "Second half (#12)": ("dropped", "emptied"),
    }
    assert squashed[:9] in patch_of(result, "First half (#11)")["reason"]
    assert clone.rev("poolside-main") == squashed


def test_L5_a_pick_split_over_several_commits_is_dropped_citing_them(begun: World, poolside: Run) -> None:
    pick_first(begun, {"a.py": text({2: "two"}), "b.py": text({5: "five"})})
    first = begun.land({"a.py": text({2: "two"})}, "Speed up relu, one", 21)
    second = begun.land({"b.py": text({5: "five"})}, "Speed up relu, two", 22)
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside)
    pick = patch_of(result, "Speed up relu (#11)")
    assert (pick["fate"], pick["verdict"]) == ("dropped", "emptied")
    assert first[:9] in pick["reason"] and second[:9] in pick["reason"]


# Landed and taken back


@pytest.mark.parametrize("form", ["bot", "github", "hash", "back out"])
def test_L6_landed_then_reverted_is_kept(begun: World, poolside: Run, form: str) -> None:
    landed = begun.land({"a.py": text({2: "two"})}, "Speed up relu", 11)
    begun.pick(landed)
    if form == "bot":
        begun.revert(landed, 11, "it broke the iOS build")
    else:
        subject, body = {
            "github": ('Revert "Speed up relu (#11)" (#19)', "Reverts pytorch/pytorch#11"),
            "hash": (f"Revert {landed[:10]}, which broke the iOS build (#19)", ""),
            "back out": ('Back out "Speed up relu"', ""),
        }[form]
        begun.land({"a.py": text()}, subject, body=body)
    begun.nightly("2026-07-10")
    clone = begun.clone()
    result = poolside(clone, "sync")
    assert result.status == 0, result.err
    assert clone.subjects("main..poolside-cherry-picks") == ["Speed up relu (#11)"]
    assert clone.show("poolside-main", "a.py") == text({2: "two"})
    flat = " ".join(result.out.split())
    assert "reverted-upstream: taken back by" in flat
    assert form != "bot" or "due to" in flat or ": it broke the iOS build" in flat


def test_L6_an_own_patch_that_was_reverted_upstream_is_kept(begun: World, poolside: Run) -> None:
    begun.patch({"a.py": text({2: "two"})}, "Use our index\n")
    landed = begun.land({"a.py": text({2: "two"})}, "Index, upstreamed", 30)
    begun.revert(landed, 30)
    begun.nightly("2026-07-10")
    clone, result = synced(begun, poolside)
    assert judged(result) == {"Use our index": ("kept", "reverted-upstream")}
    assert clone.subjects("main..poolside-main") == ["Use our index"]


def test_L6_reverted_and_no_longer_applying_stops(begun: World, poolside: Run) -> None:
    landed = begun.land({"a.py": text({2: "two"})}, "Speed up relu", 11)
    begun.pick(landed)
    begun.revert(landed, 11)
    begun.land({"a.py": text({2: "rewritten"})}, "Rewrite relu", 12)
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside, "--no-stop", status=3)
    assert json.loads(result.out)["conflict"]["subject"] == "Speed up relu (#11)"


def test_L6_reverted_and_landed_again_only_after_the_nightly_says_both(begun: World, poolside: Run) -> None:
    landed = begun.land({"a.py": text({2: "two"})}, "Speed up relu", 11)
    begun.pick(landed)
    revert = begun.revert(landed, 11, "it broke the iOS build")
    begun.nightly("2026-07-10")
    again = begun.land({"a.py": text({2: "two"})}, "Speed up relu", 11)
    _, result = synced(begun, poolside, "--nightly", "2026-07-10")
    pick = patch_of(result, "Speed up relu (#11)")
    assert (pick["fate"], pick["verdict"]) == ("kept", "reverted-upstream")
    assert pick["reason"].startswith(f"taken back by {revert[:9]} ")
    assert pick["reason"].endswith(": it broke the iOS build")
    assert pick["notes"] == [
        f"landed later, as {again[:9]} Speed up relu (#11) (2025-06-15): no nightly has it yet"
    ]  # fmt: skip


def test_L6_reverted_in_words_but_still_there_is_dropped(begun: World, poolside: Run) -> None:
    landed = begun.land({"a.py": text({2: "two"})}, "Speed up relu", 11)
    begun.pick(landed)
    begun.land({"b.py": text({1: "one"})}, 'Revert "Speed up relu (#11)"', body=f"This reverts commit {landed}.")
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside)
    assert judged(result) == {"Speed up relu (#11)": ("dropped", "landed")}


@pytest.mark.parametrize(
    ("subject", "number", "body"),
    [
        ("Speed up relu", 11, ""),
        ("[reland] Speed up relu", 25, ""),
        ('Reland "Speed up relu"', 25, ""),
        ("Speed up relu, mended", 25, "Reland of #11"),
        ('Reapply "Speed up relu (#11)"', 25, ""),
    ],
)
def test_L7_relanded_is_dropped_citing_the_reland(
    begun: World, poolside: Run, subject: str, number: int, body: str
) -> None:
    pick_first(begun, {"a.py": text({2: "two"})})
    landed = begun.land({"a.py": text({2: "two"})}, "Speed up relu", 11)
    begun.revert(landed, 11)
    again = begun.land({"a.py": text({2: "two"})}, subject, number, body)
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside)
    pick = patch_of(result, "Speed up relu (#11)")
    assert (pick["fate"], pick["verdict"]) == ("dropped", "landed")
    assert f"landed again as {again[:9]}" in pick["reason"]


def test_L7_a_revert_of_the_revert_is_a_reland(begun: World, poolside: Run) -> None:
    pick_first(begun, {"a.py": text({2: "two"})})
    undone = begun.revert(begun.land({"a.py": text({2: "two"})}, "Speed up relu", 11), 11)
    begun.land(
        {"a.py": text({2: "two"})}, 'Revert "Revert "Speed up relu (#11)""', body=f"This reverts commit {undone}."
    )
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside)
    assert judged(result) == {"Speed up relu (#11)": ("dropped", "landed")}


def test_L7_an_own_patch_that_was_relanded_in_another_form_is_asked_about(begun: World, poolside: Run) -> None:
    """The landing that did the very same is no evidence any more: it was reverted."""
    begun.patch({"a.py": text({2: "two"})}, "Use our index\n\nPoolside-Pull: 30\n")
    landed = begun.land({"a.py": text({2: "two"})}, "Index", 30)
    begun.revert(landed, 30)
    begun.land({"a.py": text({2: "two, reviewed"})}, "Index", 30)
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside, status=1)
    assert snags(result) == ["landed-tweaked"]


# Our own reverts


def own_revert(world: World) -> str:
    """A change of upstream's in the base, and our patch that reverts it."""
    landed = world.land({"a.py": text({2: "two"})}, "Speed up relu", 11)
    world.nightly("2026-07-04")
    world.fork_at()
    world.patch({"a.py": text()}, f'Revert "Speed up relu (#11)"\n\nThis reverts commit {landed}.\n\nToo slow.\n')
    world.patch({"b.py": text({5: "five"})}, "Use our index\n")
    return landed


@pytest.mark.parametrize("same", [True, False])
def test_L15_our_revert_of_what_upstream_reverted_too_is_dropped(begun: World, poolside: Run, same: bool) -> None:
    landed = own_revert(begun)
    if same:
        revert = begun.revert(landed, 11, "it broke the iOS build")
    else:
        body = f"This reverts commit {landed}."
        revert = begun.land({"a.py": text(), "c.py": text({1: "x"})}, 'Revert "Speed up relu (#11)"', body=body)
    begun.nightly("2026-07-10")
    clone, result = synced(begun, poolside)
    ours = patch_of(result, 'Revert "Speed up relu (#11)"')
    assert (ours["fate"], ours["verdict"]) == ("dropped", "landed" if same else "emptied")
    assert revert[:9] in ours["reason"]
    if not same:
        assert ours["reason"].startswith("nothing of it is left: upstream reverted it too: ")
    assert clone.subjects("main..poolside-main")[0] == "Use our index"
    assert clone.show("poolside-main", "a.py") == text()


@pytest.mark.parametrize("how", ["more", "other lines"])
def test_L15_our_revert_would_delete_what_upstream_landed_again(begun: World, poolside: Run, how: str) -> None:
    landed = own_revert(begun)
    begun.revert(landed, 11)
    fixed: dict[str, str] = {"a.py": text({2: "two"}), "c.py": text({1: "x"})}
    if how == "other lines":
        fixed = {"a.py": text({2: "two, and it is faster"})}
    again = begun.land(fixed, "[reland] Speed up relu", 25)
    begun.nightly("2026-07-10")
    clone, result = synced(begun, poolside, status=1)
    [snag] = json.loads(result.out)["snags"]
    subject = 'Revert "Speed up relu (#11)"'
    assert (snag["name"], snag["patch"]) == ("undone-silently", patch_of(result, subject)["old"])
    assert snag["message"] == (
        f"{snag['patch'][:9]} {subject}: it would take out what upstream landed again (it reverts what upstream "
        f"reverted too, and landed again as {again[:9]} [reland] Speed up relu (#25) (2025-06-15))"
    )
    assert judged(result)[subject] == ("unresolved", "reverted-upstream")
    assert poolside(clone, "sync", "--drop", snag["patch"][:9]).status == 0
    assert clone.show("poolside-main", "a.py") == fixed["a.py"]


# Not landed


@pytest.mark.parametrize("known", [True, False])
def test_L8_landed_and_taken_back_only_after_the_nightly_is_dropped_with_a_note(
    begun: World, poolside: Run, known: bool
) -> None:
    landed = begun.land({"a.py": text({2: "two"})}, "Speed up relu", 11)
    begun.pick(landed)
    begun.nightly("2026-07-10")
    revert = begun.revert(landed, 11, "it broke the iOS build")
    if known:
        begun.land({"a.py": text({2: "two"})}, "Speed up relu", 11)
    _, result = synced(begun, poolside, "--nightly", "2026-07-10")
    pick = patch_of(result, "Speed up relu (#11)")
    assert (pick["fate"], pick["verdict"]) == ("dropped", "landed")
    why = "it broke the iOS build; a later sync will ask about it"
    subject = 'Revert "Speed up relu (#11)"'
    note = f"taken back after this nightly by {revert[:9]} {subject} (2025-06-15): {why}"
    assert pick["notes"] == ([] if known else [note])


@pytest.mark.parametrize("known", [True, False])
def test_L8_landed_after_the_nightly_is_kept_with_a_note(begun: World, poolside: Run, known: bool) -> None:
    begun.nightly("2026-07-10", begun.land({"b.py": text({1: "one"})}, "Something else", 9))
    later = begun.land({"a.py": text({2: "two"})}, "Speed up relu", 11)
    begun.pick(later)
    if known:
        begun.nightly("2026-07-11")
    clone, result = synced(begun, poolside, "--nightly", "2026-07-10")
    pick = patch_of(result, "Speed up relu (#11)")
    assert (pick["fate"], pick["verdict"]) == ("kept", "carried")
    [note] = pick["notes"]
    when = "it can go from the nightly of 2026-07-11 on" if known else "no nightly has it yet"
    assert note == f"landed later, as {later[:9]} Speed up relu (#11) (2025-06-15): {when}"
    assert clone.subjects("main..poolside-cherry-picks") == ["Speed up relu (#11)"]


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Something else (#111)", ""),
        ("Something else (#1)", ""),
        ("Something else (#11) (#12)", ""),
        ("Something else (#12)", "Follows #11 and https://github.com/pytorch/pytorch/pull/11"),
        ("Something else (#12)", "> Pull Request resolved: https://github.com/pytorch/pytorch/pull/11"),
        ("Something else (#12)", "Pull Request resolved: https://github.com/other/project/pull/11"),
        ("Speed up relu", ""),
    ],
)
def test_L9_a_number_in_other_places_is_no_landing(begun: World, poolside: Run, subject: str, body: str) -> None:
    pick_first(begun, {"a.py": text({2: "two"})})
    begun.land({"a.py": text({18: "eighteen"})}, subject, body=body)
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside)
    pick = patch_of(result, "Speed up relu (#11)")
    assert (pick["fate"], pick["verdict"], pick["upstream"]) == ("kept", "carried", [])


def test_L9_the_forks_own_number_is_not_upstreams(begun: World, poolside: Run) -> None:
    begun.patch({"a.py": text({2: "two"})}, FORK_PULL)
    begun.land({"a.py": text({2: "other"})}, "Something else", 11)
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside, "-n", status=3)
    assert judged(result) == {FORK_PULL.strip(): ("unresolved", "conflict")}


def test_L10_an_equal_patch_id_elsewhere_in_the_file_is_no_landing(begun: World, poolside: Run) -> None:
    block = "begin\n  do\nend\n"
    begun.land({"r.py": block * 8}, "Add repeated text", 3)
    begun.nightly("2026-07-04")
    begun.fork_at()
    added = "begin\n  do\n  check\nend\n"
    own = begun.patch({"r.py": block * 2 + added + block * 5}, "Check the third\n")
    other = begun.land({"r.py": block * 5 + added + block * 2}, "Check the sixth", 12)
    begun.nightly("2026-07-10")
    clone, result = synced(begun, poolside)
    ids = [
        clone.git("patch-id", "--stable", input=clone.git("diff-tree", "-p", oid)).split()[0] for oid in (own, other)
    ]
    assert ids[0] == ids[1]
    assert judged(result)["Check the third"][0] == "kept"
    assert patch_of(result, "Check the third")["upstream"] == []
    assert clone.show("poolside-main", "r.py") == block * 2 + added + block * 2 + added + block * 2


@pytest.mark.parametrize("same", [True, False])
def test_L10_binary_patches_are_told_apart_by_content(begun: World, poolside: Run, same: bool) -> None:
    begun.patch({"x.bin": b"\0ours" * 100}, "Add a binary\n")
    begun.land({"x.bin": b"\0ours" * 100 if same else b"\0else" * 100}, "Add a binary", 12)
    begun.nightly("2026-07-10")
    if same:
        _, result = synced(begun, poolside)
        assert judged(result) == {"Add a binary": ("dropped", "landed")}
    else:
        _, result = synced(begun, poolside, "--no-stop", status=3)
        assert json.loads(result.out)["conflict"]["paths"] == ["x.bin"]


def test_L11_a_trailer_that_names_an_absent_commit_is_no_evidence(begun: World, poolside: Run) -> None:
    begun.patch({"a.py": text({2: "two"})}, f"Use our index\n\n(cherry picked from commit {'1234' * 10})\n")
    begun.land({"b.py": text({2: "two"})}, f"Mirror\n\n(cherry picked from commit {'1234' * 10})", 12)
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside)
    assert judged(result) == {"Use our index": ("kept", "carried")}


def test_L12_when_everything_landed_the_branches_are_equal(begun: World, poolside: Run) -> None:
    landed = begun.land({"a.py": text({2: "two"})}, "Speed up relu", 11)
    begun.pick(landed)
    begun.patch({"b.py": text({5: "five"})}, "Use our index\n")
    target = begun.land({"b.py": text({5: "five"})}, "Index", 12)
    begun.nightly("2026-07-10")
    clone, _ = synced(begun, poolside)
    assert {clone.rev(b) for b in ("main", "poolside-cherry-picks", "poolside-main")} == {target}
    assert poolside(clone, "sync").out.startswith("Nothing to do")


@pytest.mark.parametrize("whole", [True, False])
def test_L13_what_a_new_pick_holds_goes_from_an_own_patch(begun: World, poolside: Run, whole: bool) -> None:
    begun.nightly("2026-07-10", begun.land({"c.py": text({1: "one"})}, "Something else", 9))
    pick = begun.pick(begun.land({"a.py": text({2: "two"}), "new.py": "new\n"}, "Speed up relu", 11))
    begun.fork.git("update-ref", "refs/heads/poolside-main", begun.fork.rev("main"))
    begun.patch({"a.py": text({2: "two"}), **({} if whole else {"b.py": text({5: "five"})})}, "Use our index\n")
    clone, result = synced(begun, poolside, "--nightly", "2026-07-10", "--allow", "derived-base")
    own = patch_of(result, "Use our index")
    if whole:
        assert (own["fate"], own["verdict"]) == ("dropped", "emptied")
        assert f"the pick {clone.rev('poolside-cherry-picks')[:9]} Speed up relu (#11)" in own["reason"]
        assert clone.rev("poolside-main") == clone.rev("poolside-cherry-picks")
    else:
        [note] = own["notes"]
        assert note.startswith(f"in the pick {clone.rev('poolside-cherry-picks')[:9]} Speed up relu (#11) already")
        assert note.endswith(": a.py:2 (+1 -1)")
        assert (own["fate"], own["verdict"]) == ("kept", "changed")
        assert clone.git("diff", "--name-only", "poolside-cherry-picks", "poolside-main") == "b.py"
    assert clone.rev("poolside-cherry-picks") != pick


def test_L17_landed_identically_then_edited_on_shows_no_conflict(begun: World, poolside: Run) -> None:
    pick_first(begun, {"a.py": text({2: "two"})})
    begun.land({"a.py": text({2: "two"})}, "Speed up relu", 11)
    begun.land({"a.py": text({2: "two and a half"})}, "Speed up relu more", 12)
    begun.nightly("2026-07-10")
    clone, result = synced(begun, poolside)
    assert judged(result) == {"Speed up relu (#11)": ("dropped", "landed")}
    assert clone.show("poolside-main", "a.py") == text({2: "two and a half"})


def test_L17_an_own_patch_too(begun: World, poolside: Run) -> None:
    begun.patch({"a.py": text({2: "two"})}, "Use our index\n")
    begun.land({"a.py": text({2: "two"})}, "Index", 11)
    begun.land({"a.py": text({2: "two and a half"})}, "Index more", 12)
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside)
    assert judged(result) == {"Use our index": ("dropped", "landed")}


# Landed and undone in silence


@pytest.mark.parametrize("role", ["pick", "own"])
@pytest.mark.parametrize("how", ["whole", "one file of two", "one hunk of two", "whole, then edited on"])
def test_L18_landed_and_undone_without_a_word_is_asked_about(begun: World, poolside: Run, role: str, how: str) -> None:
    patch: dict[str, str] = {"a.py": text({2: "two", 15: "fifteen"}), "b.py": text({5: "five"})}
    if role == "pick":
        pick_first(begun, patch)
    else:
        begun.patch(patch, "Speed up relu (#11)\n")
    begun.land(patch, "Speed up relu", 11)
    undone: dict[str, str] = {
        "whole": {"a.py": text(), "b.py": text()},
        "one file of two": {"b.py": text()},
        "one hunk of two": {"a.py": text({2: "two"})},
        "whole, then edited on": {"a.py": text(), "b.py": text()},
    }[how]
    begun.land(undone, "Clean up", 12)
    if how == "whole, then edited on":
        begun.land({"a.py": text({3: "three", 14: "fourteen"}), "b.py": text({6: "six"})}, "Edit on", 13)
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside, status=1)
    assert snags(result) == ["undone-silently"]


def test_L18_tweaked_and_then_undone_is_not_dropped(begun: World, poolside: Run) -> None:
    pick_first(begun, {"a.py": text({2: "two"})})
    begun.land({"a.py": text({2: "two, reviewed"})}, "Speed up relu", 11)
    begun.land({"a.py": text()}, "Clean up", 12)
    begun.land({"a.py": text({3: "three"})}, "Edit on", 13)
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside, status=1)
    assert snags(result) == ["undone-silently"]


@pytest.mark.parametrize("name", ["a\nb.py", "a.py\r", "\udcff\n"])
def test_C9_L18_who_undid_a_path_of_any_bytes_is_found(world: World, poolside: Run, name: str) -> None:
    world.land({name: text(), "c.py": text()}, "Begin", 1)
    world.nightly("2026-07-03")
    world.fork_at()
    patch = {name: text({2: "two"}), "c.py": text({2: "two"})}
    pick_first(world, patch)
    world.land(patch, "Speed up relu", 11)
    world.land({name: text()}, "Clean up", 12)
    world.land({name: text({2: "zwei"})}, "Edit on", 13)
    world.nightly("2026-07-10")
    _, result = synced(world, poolside, "-n", status=1)
    assert snags(result) == ["undone-silently"]


@pytest.mark.parametrize("how", ["deleted, then made anew", "added, then deleted"])
def test_L18_a_file_that_is_there_again_or_gone_again_is_asked_about(begun: World, poolside: Run, how: str) -> None:
    files: dict[str, str | None] = {"b.py": None} if how.startswith("deleted") else {"new.py": "import a\n" * 9}
    pick_first(begun, {"a.py": text({2: "two"}), **files})
    begun.land({"a.py": text({2: "two"}), **files}, "Speed up relu", 11)
    again: dict[str, str | None] = {"b.py": "otherwise\n"} if how.startswith("deleted") else {"new.py": None}
    begun.land({"a.py": text({2: "two, edited on"}), **again}, "Edit on", 12)
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside, status=1)
    assert snags(result) == ["undone-silently"]


def test_L17_a_file_that_was_added_and_is_called_otherwise_now_is_there(begun: World, poolside: Run) -> None:
    added = "".join(f"def test_{n}(): pass\n" for n in range(20))
    pick_first(begun, {"a.py": text({2: "two"}), "new.py": added})
    begun.land({"a.py": text({2: "two"}), "new.py": added}, "Speed up relu", 11)
    begun.land({"a.py": text({2: "two, edited on"}), "new.py": None, "newer.py": added + "# more\n"}, "Edit on", 12)
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside)
    assert judged(result) == {"Speed up relu (#11)": ("dropped", "landed")}


@pytest.mark.parametrize(
    ("answer", "subjects"),
    [("--keep", ["Speed up relu (#11)"]), ("--drop", []), ("--allow", ["Speed up relu (#11)"])],
)
def test_L18_the_answer_decides(begun: World, poolside: Run, answer: str, subjects: list[str]) -> None:
    pick_first(begun, {"a.py": text({2: "two"})})
    begun.land({"a.py": text({2: "two"})}, "Speed up relu", 11)
    begun.land({"a.py": text()}, "Clean up", 12)
    begun.nightly("2026-07-10")
    clone, _ = synced(begun, poolside, answer, "undone-silently" if answer == "--allow" else "relu")
    assert clone.subjects("main..poolside-main") == subjects


def test_L14_landed_and_repeated_elsewhere_is_dropped(begun: World, poolside: Run) -> None:
    """Upstream holds the block in its place and once more: taking the patch back works, so it is there."""
    pick_first(begun, {"a.py": text({2: "two"})})
    begun.land({"a.py": text({2: "two"})}, "Speed up relu", 11)
    begun.land({"a.py": text({2: "two", 12: "two"})}, "Once more", 12)
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside)
    assert judged(result) == {"Speed up relu (#11)": ("dropped", "landed")}


# Empty


@pytest.mark.parametrize("layer", ["picks", "patches"])
def test_S1_born_empty_is_kept_and_becoming_empty_is_dropped_with_a_reason(
    begun: World, poolside: Run, layer: str
) -> None:
    make = begun.patch
    if layer == "picks":

        def make(files: Files, message: str | bytes, author: str = "") -> str:
            oid = begun.commit(begun.fork, "poolside-cherry-picks", files, message)
            begun.fork.git("update-ref", "refs/heads/poolside-main", oid)
            return oid

    make({}, "Trigger the build\n")
    make({"a.py": text({2: "two"})}, "Use our index\n")
    brought = begun.land({"a.py": text({2: "two"}), "b.py": text({2: "two"})}, "A big change", 12)
    begun.nightly("2026-07-10")
    clone, result = synced(begun, poolside)
    expected = {"Trigger the build": ("kept", "carried"), "Use our index": ("dropped", "emptied")}
    assert {subject: said for subject, said in judged(result).items() if subject != NOTED} == expected
    assert brought[:9] in patch_of(result, "Use our index")["reason"]
    stamp = [NOTED] if layer == "patches" else []
    assert clone.subjects("main..poolside-main") == ["Trigger the build", *stamp]


def test_S1_an_empty_commit_whose_pull_request_was_reverted_is_kept(begun: World, poolside: Run) -> None:
    pick_first(begun, {}, "Trigger the build", 11)
    landed = begun.land({"a.py": text({2: "two"})}, "Trigger the build", 11)
    begun.revert(landed, 11)
    begun.nightly("2026-07-10")
    _, result = synced(begun, poolside)
    assert judged(result) == {"Trigger the build (#11)": ("kept", "reverted-upstream")}


# The whole reasoning


@pytest.mark.parametrize("mode", ["-n", "--json"])
def test_explain_prints_the_whole_reasoning_about_one_patch(begun: World, poolside: Run, mode: str) -> None:
    landed = begun.land({"a.py": text({2: "two"})}, "Speed up relu", 11)
    pick = begun.pick(landed)
    revert = begun.revert(landed, 11, "it broke the iOS build")
    begun.nightly("2026-07-10")
    clone = begun.clone()
    subject = 'Revert "Speed up relu (#11)"'
    expected = [
        f"{pick[:9]} Speed up relu (#11)",
        "  what it is known by",
        "    layer         picks",
        f"    origin        picked from {landed[:9]}",
        "    number        pull request #11",
        f"    patch-id      the same as of {landed[:9]}",
        "    paths         a.py",
        "  upstream's commits about it, of 2 searched",
        f"    landed        {landed[:9]} Speed up relu (#11) (2025-06-15), in the nightly of 2026-07-10",
        f"    taken back    {revert[:9]} {subject} (2025-06-15): it broke the iOS build, in",
        "                  the nightly of 2026-07-10",
        "  content",
        "    replay        clean: it applies",
        "  rule",
        "    reverted upstream, and it is not empty -> kept (a conflict stops)",
        "  verdict",
        "    reverted-upstream: kept",
        f"    taken back by {revert[:9]} {subject} (2025-06-15): it broke the iOS build",
        "  what could change it",
        f"    --drop {pick[:9]} drops it",
        "    its landing upstream, under the number, the origin or with the content above",
    ]
    result = poolside(clone, "sync", mode, "--explain", "relu")
    assert result.status == 0
    told = json.loads(result.out)["explanation"] if mode == "--json" else result.out.splitlines()
    assert told[: len(expected)] == expected
    assert poolside(clone, "sync", "--explain", "nothing like it").status == 1


def test_L16_explain_knows_what_was_dropped_before(begun: World, poolside: Run) -> None:
    old = begun.patch({"a.py": text({2: "two"})}, "Use our index\n")
    begun.patch({"b.py": text({2: "two"})}, "Stay\n")
    landed = begun.land({"a.py": text({2: "two"})}, "Index", 30)
    begun.nightly("2026-07-10")
    clone, _ = synced(begun, poolside)
    told = poolside(clone, "sync", "-n", "--explain", old[:9]).out.splitlines()
    assert told[:5] == [
        f"{old[:9]} Use our index",
        "  what it is known by",
        "    remembered    dropped from the patches as it had landed",
        "  upstream's commits about it",
        f"    landed        {landed[:9]} Index (#30) (2025-06-15)",
    ]


# A dry run exits and judges as the real run


def test_a_dry_run_judges_the_patches_after_a_conflict_without_it(begun: World, poolside: Run) -> None:
    begun.patch({"a.py": text({2: "ours"})}, "Conflicting\n")
    begun.patch({"b.py": text({2: "ours"})}, "Following\n")
    begun.land({"a.py": text({2: "theirs"})}, "Edit", 12)
    begun.nightly("2026-07-10")
    clone, result = synced(begun, poolside, "-n", status=3)
    assert judged(result) == {"Conflicting": ("unresolved", "conflict"), "Following": ("kept", "carried")}
    assert patch_of(result, "Following")["assumes"] == [patch_of(result, "Conflicting")["old"]]
    assert set(clone.refs()) == {"refs/heads/poolside-main"}


def test_L18_undone_in_one_file_while_another_was_edited_on_is_asked_about(begun: World, poolside: Run) -> None:
    landed = begun.land({"a.py": text({2: "two"}), "b.py": text({2: "two"})}, "Speed up relu", 11)
    begun.pick(landed)
    begun.land({"a.py": text({2: "two, again"}), "b.py": text()}, "Edit on", 12)
    begun.nightly("2026-07-20")
    _, result = synced(begun, poolside, status=1)
    assert snags(result) == ["undone-silently"]


def test_L17_a_landing_whose_tests_were_moved_to_another_file_is_landed_all_the_same(
    world: World, poolside: Run
) -> None:
    tests = "".join(f"def test_{n}(): pass\n" for n in range(5))
    world.land({"a.py": TEN, "test_a.py": "import a\n"}, "Begin", 1)
    world.nightly("2026-07-03")
    world.fork_at()
    landed = world.land(
        {"a.py": TEN.replace("line 5\n", "line five\n"), "test_a.py": "import a\n" + tests}, "Speed a up", 11
    )
    world.pick(landed)
    world.land({"a.py": TEN.replace("line 5\n", "line FIVE\n")}, "Edit on", 12)
    world.land({"test_a.py": "import a\n", "test_fast.py": "import a\n" + tests}, "Move the tests", 13)
    world.nightly("2026-07-10")
    clone = world.clone()
    result = poolside(clone, "sync", "--json")
    assert result.status == 0, result.err
    [pick] = json.loads(result.out)["layers"][1]["patches"]
    assert (pick["fate"], pick["verdict"]) == ("dropped", "landed")
