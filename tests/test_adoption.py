"""The first run on a fork that was kept by hand."""

from __future__ import annotations

import json

import pytest

from tests.conftest import TEN, Run
from tests.scenario import PATTERN_FILE, Repo, Result, World, workflow

TWO = TEN.replace("line 2\n", "line two\n")
STAMP = "Set the version to the nightly of 2026-07-10"


def bare_clone_of(world: World, *options: str) -> Repo:
    """What ``git clone`` gives, with an upstream remote as people add one, and nothing of ours."""
    Repo(world.root, world.env).git("clone", "-q", *options, world.fork.path.as_uri(), "plain")
    clone = Repo(world.root / "plain", world.env)
    clone.git("remote", "add", "upstream", world.upstream.path.as_uri())
    return clone


def snags(result: Result) -> list[str]:
    return [snag["name"] for snag in json.loads(result.out)["snags"]]


def fates(result: Result) -> dict[str, tuple[str, str]]:
    layers = json.loads(result.out)["layers"]
    return {p["subject"]: (p["fate"], p["verdict"]) for layer in layers for p in layer["patches"]}


def own(clone: Repo) -> list[str]:
    return clone.subjects("poolside-cherry-picks..poolside-main")


def test_A1_a_fresh_clone_with_only_the_patches_branch(simple: World, poolside: Run) -> None:
    clone = bare_clone_of(simple)
    assert set(clone.refs()) == {"refs/heads/poolside-main"}
    result = poolside(clone, "sync")
    assert result.status == 0, result.err
    assert set(clone.refs()) == {f"refs/heads/{b}" for b in ("main", "poolside-cherry-picks", "poolside-main")}
    assert own(clone) == ["Add the build workflow", "Use our index", STAMP]


def test_A1_a_fork_without_a_picks_branch_gets_none(simple: World, poolside: Run) -> None:
    """An older fork has two branches; its patches then are all that is not upstream's."""
    simple.fork.git("update-ref", "-d", "refs/heads/poolside-cherry-picks")
    clone = bare_clone_of(simple)
    result = poolside(clone, "sync", "--json")
    assert result.status == 0, result.err
    assert set(clone.refs()) == {"refs/heads/main", "refs/heads/poolside-main"}
    assert fates(result)["Speed up relu (#11)"] == ("dropped", "landed")
    assert clone.subjects("main..poolside-main") == ["Add the build workflow", "Use our index", STAMP]


@pytest.mark.parametrize("local", [True, False])
def test_A2_a_stale_snapshot_is_harmless(simple: World, poolside: Run, local: bool) -> None:
    """Upstream's commits are never taken for patches."""
    simple.upstream.git("update-ref", "refs/heads/nightly", simple.upstream.rev("nightly^"))
    base = simple.fork.rev("main")
    stale = simple.fork.rev("main^")
    if not local:
        simple.fork.git("update-ref", "refs/heads/main", stale)
    clone = bare_clone_of(simple)
    clone.git("branch", "main", stale)
    simple.nightly("2026-07-10")
    result = poolside(clone, "sync", "--json")
    assert result.status == 0, result.err
    assert set(fates(result)) == {"Speed up relu (#11)", "Add the build workflow", "Use our index", STAMP}
    assert clone.git("merge-base", "--is-ancestor", base, "main") == ""
    assert clone.rev("main") == simple.upstream.rev("main")


def on_older_picks(world: World) -> str:
    """The picks branch is rebuilt on the server: the old pick remade, a second one added; the patches stay."""
    second = world.land({"lib/c.py": TEN + "more\nand more\n"}, "Extend c again", 13)
    base = world.fork.rev("main")
    world.fork.git("update-ref", "refs/heads/poolside-cherry-picks", base)
    patches = world.fork.rev("poolside-main")
    world.pick(world.upstream.rev("main~2"), trailer=False)
    picked = world.commit(world.fork, "poolside-cherry-picks", {"a.py": TWO + "tail\n"}, "Add a tail (#14)\n")
    world.fork.git("update-ref", "refs/heads/poolside-main", patches)
    assert second and picked != patches
    return picked


def test_A3_patches_on_an_older_picks_tip_are_shown_and_allowed_once(simple: World, poolside: Run) -> None:
    on_older_picks(simple)
    clone = simple.clone()
    before = clone.refs()
    result = poolside(clone, "sync")
    assert (result.status, clone.refs()) == (1, before)
    old_pick = simple.fork.rev("poolside-main~2")
    assert (
        "error: 'poolside-main' does not stand on 'poolside-cherry-picks'; it begins with 1 of its picks: "
        "[derived-base]\n"
        f"  {old_pick[:9]} Speed up relu (#11)\n"
        f"all that follows counts as patches, from {simple.fork.rev('poolside-main~1')[:9]} Add the build workflow\n"
    ) in result.err
    assert "--allow derived-base" in result.err
    assert poolside(clone, "sync", "--allow", "derived-base").status == 0
    assert clone.subjects("main..poolside-cherry-picks") == ["Add a tail (#14)"]
    assert own(clone) == ["Add the build workflow", "Use our index", STAMP]
    simple.land({"lib/d.py": "d\n"}, "Add d", 15)
    simple.nightly("2026-07-17")
    assert poolside(clone, "sync").status == 0
    assert own(clone)[:2] == ["Add the build workflow", "Use our index"]


def test_A3_the_stamp_records_the_picks_even_when_the_branch_moves_on(synced: World, poolside: Run) -> None:
    clone = synced.there()
    tail = synced.land({"a.py": TWO + "tail\n"}, "Add a tail", 14)
    synced.nightly("2026-07-11", synced.land({"lib/d.py": "d\n"}, "Add d", 15))
    clone.git("fetch", "-q", "upstream")
    clone.git("checkout", "-q", "poolside-cherry-picks")
    clone.git("cherry-pick", "-x", tail)
    clone.git("checkout", "-q", "poolside-main")
    result = poolside(clone, "sync", "--json")
    assert (result.status, snags(result)) == (0, [])
    assert fates(result)["Add a tail (#14)"] == ("dropped", "landed")
    assert own(clone) == ["Add the build workflow", "Use our index", STAMP.replace("-10", "-11")]


def test_A3_patches_rebased_by_hand_onto_new_picks_are_not_doubled(synced: World, poolside: Run) -> None:
    """The old stamp's record comes along in the rebase, and the new pick lies above it."""
    clone = synced.there()
    synced.nightly("2026-07-11", synced.land({"lib/d.py": "d\n"}, "Add d", 15))
    tail = synced.land({"a.py": TWO + "tail\n"}, "Add a tail", 14)
    clone.git("fetch", "-q", "upstream")
    clone.git("checkout", "-q", "poolside-cherry-picks")
    clone.git("cherry-pick", "-x", tail)
    clone.git("rebase", "-q", "poolside-cherry-picks", "poolside-main")
    result = poolside(clone, "sync", "--json")
    assert result.status == 0, result.err
    assert clone.subjects("main..poolside-cherry-picks") == ["Add a tail (#14)"]
    assert own(clone) == ["Add the build workflow", "Use our index", STAMP.replace("-10", "-11")]


def test_A4_several_bumps_made_by_hand_are_stamps(simple: World, poolside: Run) -> None:
    for day in ("04", "05", "06"):
        simple.patch({PATTERN_FILE: workflow(f"202607{day}")}, f"Bump version to 202607{day}\n")
    clone = simple.clone()
    result = poolside(clone, "sync", "--json")
    assert [s for s, (_, verdict) in fates(result).items() if verdict == "stamp"] == [
        "Bump version to 20260704",
        "Bump version to 20260705",
        "Bump version to 20260706",
        STAMP,
    ]
    assert own(clone) == ["Add the build workflow", "Use our index", STAMP]


def test_A5_a_pick_that_had_landed_before_the_base_is_dropped(simple: World, poolside: Run) -> None:
    """Picked again by hand onto a snapshot that has it: git made an empty commit of it."""
    landed = simple.upstream.rev("main~1")
    for branch in ("main", "poolside-cherry-picks"):
        simple.fork.git("fetch", "-q", "-f", str(simple.upstream.path), f"{landed}:refs/heads/{branch}")
    message = f"Speed up relu (#11)\n\n(cherry picked from commit {landed})\n"
    simple.commit(simple.fork, "poolside-cherry-picks", {}, message)
    simple.fork.git("update-ref", "refs/heads/poolside-main", "poolside-cherry-picks")
    simple.patch({"own.py": "own\n"}, "Add own\n")
    clone = simple.clone()
    result = poolside(clone, "sync", "--json")
    assert result.status == 0, result.err
    assert fates(result) == {"Speed up relu (#11)": ("dropped", "landed"), "Add own": ("kept", "carried")}


@pytest.mark.parametrize("layer", ["poolside-cherry-picks", "poolside-main"])
def test_A6_S2_a_clean_merge_is_put_in_line(simple: World, poolside: Run, layer: str) -> None:
    tip = simple.fork.rev(layer)
    if layer != "poolside-main":
        simple.fork.git("update-ref", "refs/heads/poolside-main", tip)
    side = simple.commit(
        simple.fork, "side", {"side.py": "side\n"}, "On the side\n", parents=[simple.fork.rev(f"{tip}^")]
    )
    tree = simple.fork.tree({"side.py": "side\n"}, tip)
    merge = simple.commit(simple.fork, layer, {}, "Merge pull request #3\n", parents=[tip, side], tree=tree)
    simple.fork.git("update-ref", "-d", "refs/heads/side")
    if layer != "poolside-main":
        simple.fork.git("update-ref", "refs/heads/poolside-main", merge)
    clone = simple.clone()
    result = poolside(clone, "sync")
    assert result.status == 0, result.err
    assert f"note: {merge[:9]} Merge pull request #3: a merge with nothing of its own" in result.err
    assert clone.git("rev-list", "--merges", "main..poolside-main") == ""
    assert "On the side" in clone.subjects(f"main..{layer}")
    assert clone.show("poolside-main", "side.py") == "side\n"


@pytest.mark.parametrize("kind", ["evil", "octopus", "conflict"])
def test_A6_S2_any_other_merge_is_refused_and_named(simple: World, poolside: Run, kind: str) -> None:
    tip = simple.fork.rev("poolside-main")
    below = simple.fork.rev("poolside-main~1")
    files = {"b.py": TEN.replace("line 9\n", "else\n")} if kind == "conflict" else {"side.py": "side\n"}
    side = simple.commit(simple.fork, "side", files, "On the side\n", parents=[below])
    parents = [tip, side]
    if kind == "octopus":
        parents.append(simple.commit(simple.fork, "other", {"other.py": "o\n"}, "Another\n", parents=[below]))
    tree = simple.fork.tree({**files, "evil.py": "evil\n"} if kind == "evil" else files, tip)
    merge = simple.commit(simple.fork, "poolside-main", {}, "Merge it\n", parents=parents, tree=tree)
    clone = simple.clone()
    before = clone.refs()
    result = poolside(clone, "sync", "--json")
    assert (result.status, snags(result), clone.refs()) == (1, ["merge-in-layer"], before)
    assert json.loads(result.out)["snags"][0]["patch"] == merge
    assert f"{merge[:12]} Merge it" in result.err
    assert ("joins more than two lines" in result.err) == (kind == "octopus")


def test_A6_upstream_merged_into_the_patches_is_put_in_line(simple: World, poolside: Run) -> None:
    """'Update branch' on the forge: upstream's side of the merge is never taken for patches."""
    tip = simple.fork.rev("poolside-main")
    simple.fork.git("fetch", "-q", str(simple.upstream.path), "main")
    news = simple.upstream.rev("main")
    tree = simple.fork.tree({"lib/c.py": TEN + "more\n"}, tip)
    simple.commit(simple.fork, "poolside-main", {}, "Merge upstream\n", parents=[tip, news], tree=tree)
    simple.patch({"own.py": "own\n"}, "Add own\n")
    clone = simple.clone()
    result = poolside(clone, "sync")
    assert result.status == 0, result.err
    assert own(clone) == ["Add the build workflow", "Use our index", "Add own", STAMP]
    assert clone.rev("main") == news


def test_A7_an_upstream_remote_with_everything_is_adopted_as_it_is(simple: World, poolside: Run) -> None:
    simple.upstream.git("branch", "feature", "main")
    simple.upstream.git("tag", "trunk/1234", "main")
    clone = bare_clone_of(simple)
    clone.git("fetch", "-q", "--tags", "upstream")
    config = clone.git("config", "--get-regexp", "^remote")
    simple.land({"d.py": "d\n"}, "Add d", 13)
    simple.upstream.git("tag", "trunk/5678", "main")
    simple.nightly("2026-07-11")
    assert poolside(clone, "sync").status == 0
    assert clone.rev("main") == simple.upstream.rev("main")
    assert clone.git("tag").splitlines() == ["trunk/1234"]
    assert clone.git("config", "--get-regexp", "^remote") == config
    for key in ("rerere.enabled", "remote.upstream.pushurl"):  # set twice, as scripts do
        for _ in range(2):
            clone.git("config", "--add", key, "0")
    assert "cure: git poolside doctor --fix   (narrows it)" in poolside(clone, "doctor", "--no-fetch").out
    poolside(clone, "doctor", "--no-fetch", "--fix")
    found = clone.git("config", "--get-regexp", r"^remote\.upstream\.(fetch|push|tag)|^rerere").splitlines()
    assert sorted(found) == [
        "remote.upstream.fetch +refs/heads/main:refs/remotes/upstream/main",
        "remote.upstream.fetch +refs/heads/nightly:refs/remotes/upstream/nightly",
        "remote.upstream.pushurl DISABLE",
        "remote.upstream.tagopt --no-tags",
        "rerere.enabled true",
    ]


def sync_fork(world: World, where: str) -> None:
    """The forge's button: main of the fork becomes `where` of upstream's."""
    world.fork.git("fetch", "-q", "-f", str(world.upstream.path), f"{where}:refs/heads/main")


def test_A8_a_snapshot_moved_along_by_the_forge_is_fine(simple: World, poolside: Run) -> None:
    sync_fork(simple, simple.upstream.rev("main~1"))
    clone = simple.clone()
    assert poolside(clone, "sync").status == 0
    assert clone.rev("main") == simple.upstream.rev("main")


def test_A8_a_snapshot_moved_past_the_newest_nightly_has_to_be_allowed(simple: World, poolside: Run) -> None:
    target = simple.upstream.rev("main")
    simple.land({"d.py": "d\n"}, "Add d", 13)
    sync_fork(simple, "main")
    clone = simple.clone()
    before = clone.refs()
    result = poolside(clone, "sync")
    assert (result.status, clone.refs()) == (1, before)
    assert "'main' is 1 commit past the nightly of 2026-07-10" in result.err and "[older-nightly]" in result.err
    assert "Sync fork" in result.err
    assert poolside(clone, "sync", "--allow", "older-nightly").status == 0
    assert clone.rev("main") == target


def test_A8_a_snapshot_that_the_forge_merged_into_is_refused(simple: World, poolside: Run) -> None:
    """'Sync fork' on a main with commits of its own makes a merge."""
    mine = simple.commit(simple.fork, "main", {"mine.py": "mine\n"}, "Mine\n")
    simple.fork.git("fetch", "-q", str(simple.upstream.path), "main")
    news = simple.upstream.rev("main")
    tree = simple.fork.tree({"mine.py": "mine\n"}, news)
    merge = simple.commit(
        simple.fork, "main", {}, "Merge branch 'pytorch:main' into main\n", parents=[mine, news], tree=tree
    )
    clone = simple.clone()
    before = clone.refs()
    result = poolside(clone, "sync", "--json")
    assert (result.status, snags(result), clone.refs()) == (1, ["snapshot-has-commits"], before)
    assert "Merge branch 'pytorch:main' into main" in result.err
    assert [line for line in result.err.splitlines() if line.startswith("hint: ")] == [
        f"hint: git checkout poolside-main && git cherry-pick --no-merges {news[:12]}..{merge[:12]}"
        "   (keeps them as patches)",
        f"hint: git push --force-with-lease=main:{merge[:12]} origin {news[:12]}:refs/heads/main"
        "   (then takes them off main)",
    ]
    for command in json.loads(result.out)["hints"]:
        for words in command.partition("   (")[0].split(" && "):
            clone.git(*words.split()[1:])
    assert poolside(clone, "sync").status == 0
    assert "Mine" in own(clone)


def test_after_adoption_push_puts_the_stack_on_the_server(simple: World, poolside: Run) -> None:
    clone = bare_clone_of(simple)
    assert poolside(clone, "sync", "--push").status == 0
    assert simple.fork.refs() == clone.refs()
    other = simple.clone("other")
    assert poolside(other, "sync").status == 0
    assert other.refs() == clone.refs()


def test_S2_a_merge_of_an_unrelated_history_is_refused_and_named(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    blob = clone.git("hash-object", "-w", "--stdin", input="other\n")
    other = clone.git("commit-tree", clone.git("mktree", input=f"100644 blob {blob}\tother.txt\n"), "-m", "Other")
    clone.git("merge", "-q", "--allow-unrelated-histories", "--no-edit", other)
    result = poolside(clone, "sync")
    assert (result.status, "is a merge that holds changes of its own" in result.err) == (1, True)


def test_a_picks_branch_that_was_moved_past_the_stamp_is_refused(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    assert poolside(clone, "sync", "--push").status == 0
    below = clone.rev("poolside-cherry-picks")
    clone.git("branch", "-f", "poolside-cherry-picks", "poolside-main")
    clone.git("commit", "-q", "--allow-empty", "-m", "Later work")
    result = poolside(clone, "sync", "-n")
    assert result.status == 1
    assert f"hint: git branch -f poolside-cherry-picks {below}   (puts it below them again)" in result.err
