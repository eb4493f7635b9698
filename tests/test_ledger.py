"""What was dropped because it had landed comes back to the table when upstream takes the landing back (L16)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from git_poolside.stack.provenance import Provenance
from tests.conftest import Run, copied, ends_with
from tests.scenario import Files, Repo, Result, World, workflow
from tests.test_verdicts import judged, patch_of, pick_first, snags, text

WHY = "it broke the iOS build"
WORKFLOW = ".github/workflows/poolside-nightly-build.yaml"


@dataclass
class Told:
    """A fork from which a pick was dropped, as it had landed, and that was pushed; `old` is the pick."""

    world: World
    clone: Repo
    old: str
    landed: str

    def revert(self, date: str = "2026-07-17") -> str:
        oid = self.world.revert(self.landed, 11, WHY)
        self.world.nightly(date)
        return oid

    def remembered(self, branch: str = "poolside-main") -> list[str]:
        return [" ".join(one) for one in Provenance.of(self.clone.git("log", "-1", "--format=%B", branch)).dropped]


@pytest.fixture(params=["version", "no version"])
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Told:
    """Two picks and two patches; the first pick landed and was dropped with the nightly of 2026-07-10."""
    return _told(request, tmp_path, _with_version if request.param == "version" else _without_version)


def _told(request: pytest.FixtureRequest, tmp_path: Path, build: Callable[[World], None]) -> Told:
    world = copied(request, build, tmp_path / "world")
    return Told(
        world,
        world.there(),
        world.there().rev("refs/remotes/origin/poolside-cherry-picks@{1}~1"),
        world.upstream.rev("main"),
    )


def _with_version(world: World) -> None:
    _build(world, {WORKFLOW: workflow()})


def _without_version(world: World) -> None:
    _build(world, {})


def _build(world: World, own: Files) -> None:
    world.land({"a.py": text(), "b.py": text(), "c.py": text()}, "Add the library", 2)
    world.nightly("2026-07-03")
    world.fork_at()
    pick_first(world, {"b.py": text({3: "three"})}, "Tidy b", 10)
    pick_first(world, {"a.py": text({2: "two"})})
    pick_first(world, {"b.py": text({3: "three", 15: "fifteen"})}, "Tidy b again", 12)
    world.patch({"c.py": text({5: "five"}), **own}, "Use our index\n")
    world.land({"a.py": text({2: "two"})}, "Speed up relu", 11)
    world.nightly("2026-07-10")
    clone = world.clone()
    assert (ends_with(clone, "sync"), ends_with(clone, "push")) == (0, 0)


@pytest.fixture
def plain(request: pytest.FixtureRequest, tmp_path: Path) -> Told:
    return _told(request, tmp_path, _with_version)


def refused(poolside: Run, clone: Repo, *arguments: str) -> dict[str, Any]:
    """The one snag of a sync that leaves every ref as it is."""
    before = clone.refs("refs")
    result = poolside(clone, "sync", "--json", *arguments)
    assert result.status == 1, result.out
    after = clone.refs("refs")
    for ref in (*before, *after):
        assert ref.startswith("refs/remotes/") or before[ref] == after[ref]
    [snag] = json.loads(result.out)["snags"]
    assert isinstance(snag, dict)
    return snag


def done(poolside: Run, clone: Repo, *arguments: str) -> Result:
    result = poolside(clone, "sync", "--json", *arguments)
    assert result.status == 0, result.out
    return result


def test_L16_a_drop_is_remembered_in_the_stamp_and_the_same_sync_again_does_nothing(told: Told, poolside: Run) -> None:
    assert told.remembered() == [f"{told.old} {told.landed} picks"]
    tip = told.clone.rev("poolside-main")
    assert poolside(told.clone, "sync").out.startswith("Nothing to do")
    told.world.nightly("2026-07-11")
    done(poolside, told.clone)
    assert told.remembered() == [f"{told.old} {told.landed} picks"]
    assert told.clone.rev("poolside-main^") == told.clone.git("rev-parse", f"{tip}^")


@pytest.mark.parametrize("clone", ["the same", "a fresh one"])
def test_L16_dropped_then_reverted_is_asked_about_with_upstreams_words(told: Told, poolside: Run, clone: str) -> None:
    revert = told.revert()
    where = told.clone if clone == "the same" else told.world.clone("fresh")
    snag = refused(poolside, where)
    assert snag == {
        "name": "dropped-then-reverted",
        "message": (
            f"{told.old[:9]} Speed up relu (#11): it was dropped as landed in {told.landed[:9]} Speed up relu (#11) "
            f"(2025-06-15), and upstream took that back in {revert[:9]} "
            f'Revert "Speed up relu (#11)" (2025-06-15): {WHY}'
        ),
        "hint": f"git poolside sync --json --keep {told.old[:9]}   (puts it back)\n"
        f"git poolside sync --json --drop {told.old[:9]}   (leaves it out for good)",
        "patch": told.old,
    }


@pytest.mark.parametrize("clone", ["the same", "a fresh one"])
@pytest.mark.parametrize("name", ["hash", "words"])
def test_L16_returned_with_keep_stands_in_its_place_again(told: Told, poolside: Run, clone: str, name: str) -> None:
    revert = told.revert()
    told.clone = told.clone if clone == "the same" else told.world.clone("fresh")
    result = done(poolside, told.clone, "--keep", told.old[:9] if name == "hash" else "speed up")
    pick = patch_of(result, "Speed up relu (#11)")
    assert (pick["old"], pick["fate"], pick["verdict"]) == (told.old, "kept", "returned")
    assert (
        pick["reason"].endswith(f"({'2025-06-15'}): {WHY}; put back as asked (--keep)") and revert[:9] in pick["reason"]
    )
    subjects = ["Tidy b (#10)", "Speed up relu (#11)", "Tidy b again (#12)"]
    assert told.clone.subjects("main..poolside-cherry-picks") == subjects
    assert told.clone.show("poolside-main", "a.py") == text({2: "two"})
    assert told.remembered() == []
    assert poolside(told.clone, "sync").out.startswith("Nothing to do")


def test_L16_the_list_says_of_a_pick_that_was_put_back_what_took_it_back(plain: Told, poolside: Run) -> None:
    revert = plain.revert()
    done(poolside, plain.clone, "--keep", plain.old[:9])
    pick = plain.clone.rev("poolside-cherry-picks^")
    result = poolside(plain.clone, "cherry-pick", "list")
    assert result.out.splitlines()[3:5] == [
        f"  2  {pick[:9]}  #11  411d  reverted  Speed up relu (#11)",
        f'       by {revert[:9]} Revert "Speed up relu (#11)" (2025-06-15): {WHY}',
    ]
    said = json.loads(poolside(plain.clone, "cherry-pick", "list", "--json").out)["picks"]
    assert [(one["state"], one["landed"], one["reverts"]) for one in said] == [
        ("pending", None, []),
        ("reverted", plain.landed, [revert]),
        ("pending", None, []),
    ]


def test_L16_a_drop_after_a_silent_reland_rests_on_the_reland(world: World, poolside: Run) -> None:
    world.land({"a.py": text()}, "Add the library", 2)
    world.nightly("2026-07-03")
    world.fork_at()
    old = world.patch({"a.py": text({5: "five"})}, "Use our index\n")
    world.patch({"b.py": text()}, "Stay\n")
    landed = world.land({"a.py": text({5: "five"})}, "Use our index")
    reverted = world.revert(landed)
    world.land({"a.py": text({3: "three"})}, "Tidy three", 40)
    again = world.land({"a.py": text({3: "three", 5: "five"})}, "Index, once more", 41)
    world.nightly("2026-07-10")
    clone = world.clone()
    patch = patch_of(done(poolside, clone), "Use our index")
    assert (patch["fate"], patch["verdict"], patch["upstream"]) == ("dropped", "landed", [landed, again, reverted])
    assert patch["reason"] == (
        f'taken back by {reverted[:9]} Revert "Use our index" (2025-06-15): it broke the build; '
        f"landed again as {again[:9]} Index, once more (#41) (2025-06-15) [content, same-result, reverse-apply]"
    )
    told = Told(world, clone, old, again)
    assert told.remembered() == [f"{old} {again} patches"]
    world.revert(again, 41)
    world.nightly("2026-07-17")
    assert refused(poolside, clone)["patch"] == old
    done(poolside, clone, "--keep", old[:9])
    assert clone.show("poolside-main", "a.py") == text({3: "three", 5: "five"})


def test_L16_an_own_patch_returns_to_its_layer(world: World, poolside: Run) -> None:
    world.land({"a.py": text(), "b.py": text()}, "Add the library", 2)
    world.nightly("2026-07-03")
    world.fork_at()
    world.patch({"a.py": text({2: "two"})}, "First\n")
    old = world.patch({"b.py": text({5: "five"})}, "Use our index\n")
    world.patch({"a.py": text({2: "two", 9: "nine"})}, "Last\n")
    landed = world.land({"b.py": text({5: "five"})}, "Index, upstreamed", 30)
    world.nightly("2026-07-10")
    clone = world.clone()
    done(poolside, clone)
    world.revert(landed, 30)
    world.nightly("2026-07-17")
    assert refused(poolside, clone)["patch"] == old
    done(poolside, clone, "--keep", "our index")
    assert clone.subjects("main..poolside-main") == ["First", "Use our index", "Last"]


def test_L16_answered_with_drop_it_stays_out_and_is_not_asked_again(told: Told, poolside: Run) -> None:
    told.revert()
    result = done(poolside, told.clone, "--drop", told.old[:9])
    pick = patch_of(result, "Speed up relu (#11)")
    assert (pick["fate"], pick["verdict"], pick["new"]) == ("dropped", "returned", None)
    assert pick["reason"].endswith("; stays out as asked (--drop)")
    assert told.clone.subjects("main..poolside-cherry-picks") == ["Tidy b (#10)", "Tidy b again (#12)"]
    assert told.remembered() == []
    told.world.land({"d.py": "d\n"}, "Something else", 40)
    told.world.nightly("2026-07-24")
    assert "Speed up relu (#11)" not in judged(done(poolside, told.clone))


def test_L16_allowed_it_stays_out_with_a_note_and_can_come_back_later(plain: Told, poolside: Run) -> None:
    plain.revert()
    result = done(poolside, plain.clone, "--allow", "dropped-then-reverted")
    [note] = [one for one in json.loads(result.out)["notes"] if "relu" in one]
    assert note.startswith(f"{plain.old[:9]} Speed up relu (#11) stays out: it was dropped as landed in")
    assert note.endswith(f"; --keep {plain.old[:9]} puts it back")
    assert "Speed up relu (#11)" not in judged(result)
    done(poolside, plain.clone, "--keep", plain.old[:9])
    assert "Speed up relu (#11)" in plain.clone.subjects("main..poolside-cherry-picks")


def test_L16_relanded_before_anybody_looked_is_not_asked_about(plain: Told, poolside: Run) -> None:
    plain.world.revert(plain.landed, 11, WHY)
    again = plain.world.land({"a.py": text({2: "two"})}, "[reland] Speed up relu", 25)
    plain.world.nightly("2026-07-17")
    done(poolside, plain.clone)
    assert plain.remembered() == [f"{plain.old} {again} picks"]
    plain.world.revert(again, 25, WHY)
    plain.world.nightly("2026-07-24")
    assert refused(poolside, plain.clone)["name"] == "dropped-then-reverted"


def test_L16_a_patch_that_upstream_had_squashed_with_others_returns_too(world: World, poolside: Run) -> None:
    world.land({"a.py": text(), "b.py": text()}, "Add the library", 2)
    world.nightly("2026-07-03")
    world.fork_at()
    pick_first(world, {"a.py": text({2: "two"})}, "First", 11)
    old = pick_first(world, {"a.py": text({2: "two", 15: "fifteen"})}, "Second", 12)
    world.patch({"b.py": text({5: "five"})}, "Use our index\n")
    squashed = world.land({"a.py": text({2: "two", 15: "fifteen"})}, "Both", 13)
    world.nightly("2026-07-10")
    clone = world.clone()
    done(poolside, clone)
    world.revert(squashed, 13)
    world.nightly("2026-07-17")
    result = poolside(clone, "sync", "--json")
    assert snags(result) == ["dropped-then-reverted"] * 2
    done(poolside, clone, "--keep", "First", "--drop", old[:9])
    assert clone.subjects("main..poolside-cherry-picks") == ["First (#11)"]


def test_L16_a_patch_that_does_not_apply_any_more_stops(plain: Told, poolside: Run) -> None:
    revert = plain.world.revert(plain.landed, 11, WHY)
    rewritten = plain.world.land({"a.py": text({2: "rewritten"})}, "Rewrite relu", 40)
    plain.world.nightly("2026-07-17")
    clone = plain.world.clone("fresh")
    result = poolside(clone, "sync", "--keep", plain.old[:9])
    assert result.status == 3
    assert result.err.splitlines()[2:5] == [
        f"because of upstream's {rewritten[:9]} Rewrite relu (#40)",
        f"the patch was dropped as landed in {plain.landed[:9]} Speed up relu (#11) (2025-06-15), and upstream took "
        f'that back in {revert[:9]} Revert "Speed up relu (#11)" (2025-06-15): {WHY}; put back as asked (--keep)',
        "hint: git add a.py   (when you have resolved it)",
    ]
    clone.git("gc", "-q", "--prune=now")
    (clone.path / "a.py").write_text(text({2: "two, rewritten"}))
    clone.git("add", "a.py")
    assert poolside(clone, "sync", "--continue").status == 0
    assert clone.show("poolside-main", "a.py") == text({2: "two, rewritten"})


def test_L16_an_older_nightly_brings_what_landed_since_back(plain: Told, poolside: Run) -> None:
    result = poolside(plain.clone, "sync", "--json", "--nightly", "2026-07-03", "--allow", "older-nightly")
    assert result.status == 1
    [snag] = json.loads(result.out)["snags"]
    assert snag["name"] == "dropped-then-reverted"
    assert snag["message"].endswith(
        f"was dropped as landed in {plain.landed[:9]} Speed up relu (#11) (2025-06-15), "
        "which that older snapshot has not"
    )
    done(poolside, plain.clone, "--nightly", "2026-07-03", "--allow", "older-nightly", "--keep", plain.old[:9])
    assert plain.clone.show("poolside-main", "a.py") == text({2: "two"})
    done(poolside, plain.clone)
    assert plain.remembered()[0].endswith(f" {plain.landed} picks")


def test_L16_a_patch_that_nobody_has_any_more_is_refused_saying_what_to_do(plain: Told, poolside: Run) -> None:
    plain.revert()
    fresh = plain.world.clone("fresh")
    plain.world.fork.git("gc", "-q", "--prune=now")
    before = fresh.refs("refs/heads")
    result = poolside(fresh, "sync", "--keep", plain.old[:9])
    assert (result.status, fresh.refs("refs/heads")) == (1, before)
    assert result.err.splitlines()[-2:] == [
        f"error: the dropped patch {plain.old[:12]} is not in this clone, nor does 'origin' give it",
        f"hint: git poolside sync --drop {plain.old[:9]} && git cherry-pick -x {plain.landed[:12]}   "
        "(makes it anew from upstream's commit)",
    ]
    assert poolside(fresh, "sync", "--keep", plain.old[:9], "--no-fetch").status == 1


def test_L16_a_patch_that_a_person_left_out_is_not_remembered(plain: Told, poolside: Run) -> None:
    plain.world.land({"d.py": "d\n"}, "Something else", 40)
    plain.world.nightly("2026-07-17")
    done(poolside, plain.clone, "--drop", "Tidy b again")
    assert plain.remembered() == [f"{plain.old} {plain.landed} picks"]
