"""Where to: the sources of nightlies, which of their entries can be used, and the snapshot they move."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import Run
from tests.scenario import PATTERN_FILE, Repo, Result, World, workflow

TEN = "".join(f"line {n}\n" for n in range(1, 11))


def entry(world: World, subject: str, tree_of: str = "main", parents: list[str] | None = None) -> str:
    """A commit on the nightly branch with any subject and tree."""
    tree = world.upstream.rev(f"{tree_of}^{{tree}}")
    return world.commit(world.upstream, "nightly", {}, subject, parents=parents, tree=tree)


def listed(result: Result) -> list[tuple[str, str, str]]:
    """Date, the first digits of the commit, why not."""
    return [(n["date"], n["commit"][:7], n["why"]) for n in json.loads(result.out)["nightlies"]]


def configured(world: World, toml: str) -> None:
    world.patch({".poolside.toml": toml}, "Configure poolside\n")


def refused(result: Result, clone: Repo, before: dict[str, str], snag: str | None = None) -> str:
    """What a refusal said, after checking that nothing moved."""
    assert result.status == 1, result.out + result.err
    assert clone.refs() == before
    if snag is not None:
        assert f"[{snag}]" in result.err
    return result.err


def refused_object(result: Result) -> list[str]:
    said: dict[str, Any] = json.loads(result.out)
    assert (said["outcome"], said["exit"], result.status) == ("refused", 1, 1)
    return [snag["name"] for snag in said["snags"]]


# Which commit


def test_N1_the_named_commit_is_used_never_the_nightly_itself(synced: World, poolside: Run) -> None:
    clone = synced.there()
    assert clone.rev("main") == synced.upstream.rev("main") != synced.upstream.rev("nightly")
    assert clone.git("branch", "--all", "--contains", synced.upstream.rev("nightly")) == "remotes/upstream/nightly"


def test_N1_N2_the_list_says_of_each_whether_it_can_be_used(simple: World, poolside: Run) -> None:
    tip = simple.upstream.rev("main")
    simple.land({"d.py": "d\n"}, "Add d", 13)
    newer = simple.upstream.rev("main")
    side = simple.commit(simple.upstream, "side", {"x": "x\n"}, "Not on main", parents=[tip])
    simple.upstream.git("update-ref", "-d", "refs/heads/side")
    entry(simple, f"2026-07-11 nightly release ({newer})", tree_of=tip)
    entry(simple, f"2026-07-12 nightly release ({'1234567' * 5 + '12345'})")
    entry(simple, f"2026-07-13 nightly release ({side})", tree_of=side)
    entry(simple, "Not a nightly at all")
    simple.nightly("2026-07-14")
    simple.nightly("2026-07-14")
    clone = simple.clone()
    clone.git("fetch", "-q", "upstream", side)
    result = poolside(clone, "nightly", "--json")
    assert listed(result) == [
        ("2026-07-14", newer[:7], ""),
        ("2026-07-14", newer[:7], ""),
        ("2026-07-13", side[:7], "the commit that it names is not on upstream's branch"),
        ("2026-07-12", "1234567", "the commit that it names is not in this clone"),
        ("2026-07-11", newer[:7], "its tree is not the tree of the commit that it names"),
        ("2026-07-10", tip[:7], ""),
    ]
    assert [n["commits"] for n in json.loads(result.out)["nightlies"]] == [3, 3, None, None, None, 2]
    assert len(listed(poolside(clone, "nightly", "-n", "2", "--json"))) == 2


def test_N1_an_unusable_nightly_is_passed_over_and_that_is_said(simple: World, poolside: Run) -> None:
    tip = simple.upstream.rev("main")
    entry(simple, f"2026-07-12 nightly release ({'1234567' * 5 + '12345'})")
    clone = simple.clone()
    result = poolside(clone, "sync")
    assert (result.status, clone.rev("main")) == (0, tip)
    assert "note: the nightly of 2026-07-12 is passed over: the commit that it names is not in this clone" in result.err


def test_N1_when_only_unusable_ones_are_newer_that_is_said(synced: World, poolside: Run) -> None:
    clone = synced.there()
    entry(synced, f"2026-07-12 nightly release ({'1234567' * 5 + '12345'})")
    result = poolside(clone, "sync")
    assert (result.status, result.out.splitlines()[0]) == (
        0,
        f"Nothing to do: the stack stands on the nightly of 2026-07-10 ({clone.rev('main')[:9]}).",
    )
    assert "note: the nightly of 2026-07-12 is passed over" in result.err


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("absent", "which upstream does not hand out"),
        ("tree", "its tree is not the tree of the commit that it names"),
        ("side", "the commit that it names is not on upstream's branch"),
    ],
)
def test_N1_N8_an_unusable_nightly_asked_for_is_refused_naming_a_usable_one(
    simple: World, poolside: Run, kind: str, why: str
) -> None:
    tip = simple.upstream.rev("main")
    side = simple.commit(simple.upstream, "side", {"x": "x\n"}, "Not on main", parents=[tip])
    named = {"absent": "1234567" * 5 + "12345", "tree": tip, "side": side}[kind]
    tree_of = {"absent": tip, "tree": side, "side": side}[kind]
    entry(simple, f"2026-07-12 nightly release ({named})", tree_of=tree_of)
    clone = simple.clone()
    before = clone.refs()
    said = refused(poolside(clone, "sync", "--nightly", "2026-07-12"), clone, before)
    assert why in said
    assert "git poolside sync --nightly 2026-07-10" in said


def test_N1_a_nightly_that_does_not_descend_from_the_base_is_refused(simple: World, poolside: Run) -> None:
    base = simple.fork.rev("main")
    side = simple.commit(simple.upstream, "side", {"x": "x\n"}, "Side", parents=[f"{simple.upstream.rev(base + '^')}"])
    tip = simple.upstream.rev("main")
    tree = simple.upstream.tree({"x": "x\n"}, tip)
    simple.commit(simple.upstream, "main", {}, "Merge side", parents=[tip, side], tree=tree)
    entry(simple, f"2026-07-12 nightly release ({side})", tree_of=side)
    clone = simple.clone()
    before = clone.refs()
    assert ("2026-07-12", side[:7], "it does not descend from the snapshot") in listed(
        poolside(clone, "nightly", "--json")
    )
    said = refused(poolside(clone, "sync", "--nightly", "2026-07-12"), clone, before)
    assert "does not descend from" in said
    assert "does not descend from" in refused(poolside(clone, "sync", "--onto", side), clone, before)
    assert poolside(clone, "sync").status == 0
    assert clone.rev("main") == tip


# Which entry


def test_N2_the_topmost_of_a_date_counts(simple: World, poolside: Run) -> None:
    middle = simple.upstream.rev("main~1")
    simple.upstream.git("update-ref", "refs/heads/nightly", simple.upstream.rev("nightly^"))
    simple.nightly("2026-07-10", middle)
    simple.nightly("2026-07-10")
    clone = simple.clone()
    assert poolside(clone, "sync", "--nightly", "2026-07-10").status == 0
    assert clone.rev("main") == simple.upstream.rev("main")


def test_N2_a_missing_date_means_the_newest_before_it_and_says_so(simple: World, poolside: Run) -> None:
    simple.land({"d.py": "d\n"}, "Add d", 13)
    simple.nightly("2026-07-14")
    clone = simple.clone()
    result = poolside(clone, "sync", "--nightly", "2026-07-13")
    assert (result.status, clone.rev("main")) == (0, simple.upstream.rev("main~1"))
    assert "note: there is no nightly of 2026-07-13; the newest before it is of 2026-07-10" in result.err


@pytest.mark.parametrize("wanted", ["2026-08-01", "2026-06-01", "2026-13-01", "soon", "ffffffff"])
def test_N2_what_is_no_nightly_is_refused(simple: World, poolside: Run, wanted: str) -> None:
    clone = simple.clone()
    before = clone.refs()
    said = refused(poolside(clone, "sync", "--nightly", wanted), clone, before)
    assert f"'{wanted}'" in said or f"nightly of {wanted}" in said
    assert "hint: " in said


def test_N2_ordinary_commits_at_the_old_end_are_no_nightlies(world: World, poolside: Run) -> None:
    world.land({"a.py": "a\n"}, "Begin", 1)
    world.upstream.git("update-ref", "refs/heads/nightly", "main")
    first = world.nightly("2026-07-03")
    world.fork_at()
    world.patch({"own.py": "own\n"}, "Own\n")
    clone = world.clone()
    assert [n[0] for n in listed(poolside(clone, "nightly", "--json"))] == []
    assert poolside(clone, "sync").status == 0
    assert poolside(clone, "sync").out.startswith("Nothing to do: the stack stands on the nightly of 2026-07-03")
    assert clone.rev("main") == world.upstream.rev("main")
    assert clone.git("rev-list", "--count", first) == "2"


def test_N2_a_rewritten_nightly_branch_is_followed(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    simple.upstream.git("update-ref", "-d", "refs/heads/nightly")
    simple.nightly("2026-07-09", "main~1")
    assert poolside(clone, "sync").status == 0
    assert clone.rev("main") == simple.upstream.rev("main~1")
    assert clone.show("poolside-main", PATTERN_FILE) == workflow("20260709")


@pytest.mark.parametrize("option", ["--nightly", "--onto"])
def test_N3_the_nightlys_own_hash_means_what_it_names(simple: World, poolside: Run, option: str) -> None:
    clone = simple.clone()
    own = simple.upstream.rev("nightly")
    result = poolside(clone, "sync", option, own)
    assert (result.status, clone.rev("main")) == (0, simple.upstream.rev("main"))
    assert "is the nightly of 2026-07-10 itself" in result.err
    assert clone.show("poolside-main", PATTERN_FILE) == workflow("20260710")


def test_N4_an_older_nightly_needs_to_be_allowed(synced: World, poolside: Run) -> None:
    clone = synced.there()
    before = clone.refs()
    said = refused(poolside(clone, "sync", "--nightly", "2026-07-03"), clone, before, "older-nightly")
    assert "the nightly of 2026-07-03 is 2 commits older than the base of the stack" in said
    assert "--allow older-nightly" in said
    assert poolside(clone, "sync", "-n", "--nightly", "2026-07-03").status == 1
    back = ["--nightly", "2026-07-03", "--allow", "older-nightly", "--keep", "relu"]
    assert poolside(clone, "sync", *back).status == 0
    assert clone.rev("main") == synced.upstream.rev("main~2")
    assert clone.subjects("main..poolside-cherry-picks") == ["Speed up relu (#11)"]
    assert clone.show("poolside-main", PATTERN_FILE) == workflow("20260703")
    assert clone.subjects("poolside-cherry-picks..poolside-main") == ["Add the build workflow", "Use our index"]


def test_N5_the_same_nightly_again_is_nothing_to_do(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    poolside(clone, "sync", "--nightly", "2026-07-10")
    refs = clone.refs("refs")
    for arguments in ([], ["--nightly", "2026-07-10"], ["-n"], ["--onto", simple.upstream.rev("main")]):
        result = poolside(clone, "sync", *arguments)
        assert (result.status, result.out[:13]) == (0, "Nothing to do")
    assert clone.refs("refs") == refs


def test_N5_a_changed_stack_on_the_same_nightly_is_rebuilt(synced: World, poolside: Run) -> None:
    clone = synced.there()
    (clone.path / "own.py").write_text("own\n")
    clone.git("add", "own.py")
    clone.git("commit", "-q", "-m", "Add own")
    assert poolside(clone, "sync").status == 0
    assert clone.subjects("main..poolside-main")[-2:] == ["Add own", "Set the version to the nightly of 2026-07-10"]
    assert poolside(clone, "sync").out.startswith("Nothing to do")


def test_a_commit_of_upstreams_between_nightlies_can_be_named(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    assert poolside(clone, "sync", "--onto", "upstream/main~1").status == 0
    assert clone.rev("main") == simple.upstream.rev("main~1")
    assert clone.show("poolside-main", PATTERN_FILE) == workflow("20250615")


@pytest.mark.parametrize("name", ["poolside-main", "no-such-name", "--upload-pack=x"])
def test_a_commit_that_is_not_upstreams_is_refused(simple: World, poolside: Run, name: str) -> None:
    clone = simple.clone()
    before = clone.refs()
    refused(poolside(clone, "sync", f"--onto={name}"), clone, before)


# The snapshot and upstream


def rewritten(world: World) -> None:
    """Upstream takes its last commit back by force and goes on elsewhere."""
    world.upstream.git("update-ref", "refs/heads/main", "main~1")
    world.land({"d.py": "d\n"}, "Add d instead", 14)
    world.nightly("2026-07-12")


def test_N6_a_rewritten_upstream_is_shown_and_has_to_be_allowed(synced: World, poolside: Run) -> None:
    clone = synced.there()
    gone = clone.rev("main")
    rewritten(synced)
    before = clone.refs()
    said = refused(poolside(clone, "sync"), clone, before, "upstream-rewritten")
    assert gone[:7] in said and "Extend c (#12)" in said
    result = poolside(clone, "sync", "--allow", "upstream-rewritten")
    assert result.status == 0, result.err
    assert clone.rev("main") == synced.upstream.rev("main")
    assert clone.subjects("main..poolside-main") == [
        "Add the build workflow",
        "Use our index",
        "Set the version to the nightly of 2026-07-12",
    ]


def test_N6_a_stale_snapshot_does_not_hide_a_rewritten_upstream(synced: World, poolside: Run) -> None:
    clone = synced.there()
    clone.git("branch", "-f", "main", "main~2")
    gone = synced.upstream.rev("main")
    rewritten(synced)
    before = clone.refs()
    assert gone[:7] in refused(poolside(clone, "sync"), clone, before, "upstream-rewritten")
    assert poolside(clone, "sync", "--allow", "upstream-rewritten").status == 0
    assert "Extend c (#12)" not in clone.subjects("main..poolside-main")


def test_N6_an_edit_keeps_a_base_that_upstream_has_no_more(synced: World, poolside: Run) -> None:
    clone = synced.there()
    gone = clone.rev("main")
    rewritten(synced)
    clone.git("fetch", "-q", "upstream")
    added = poolside(clone, "cherry-pick", "add", "#14", "--allow", "upstream-rewritten")
    assert added.status == 0, added.err
    assert clone.rev("main") == clone.rev("poolside-cherry-picks~1") == gone
    assert clone.subjects("main..poolside-main") == [
        "Add d instead (#14)",
        "Add the build workflow",
        "Use our index",
        "Set the version to the nightly of 2026-07-10",
    ]


def test_N6_a_clone_that_never_saw_what_is_gone_is_told_how_it_can_know_it(simple: World, poolside: Run) -> None:
    """The stamp says that it was upstream's; without that they would pass for commits of somebody's (N7)."""
    clone = simple.clone()
    clone.git("update-ref", "-d", "refs/remotes/upstream/main")
    clone.git("update-ref", "refs/remotes/upstream/main", "origin/main")
    assert poolside(simple.clone("mate"), "sync", "--push").status == 0
    gone = simple.fork.rev("main")
    rewritten(simple)
    before = clone.refs("refs/heads")
    result = poolside(clone, "sync")
    assert (result.status, clone.refs("refs/heads")) == (1, before)
    hint = f"git update-ref refs/remotes/upstream/main {gone} && git fetch upstream"
    assert result.err.splitlines() == [
        "error: upstream/main was rewritten: 'main' has commits that it had, by the stamp, and this clone never saw:",
        f"  {gone[:7]} Extend c (#12)",
        f"hint: {hint}   (makes them known here)",
    ]
    for words in hint.split(" && "):
        clone.git(*words.split()[1:])
    assert "[upstream-rewritten]" in poolside(clone, "sync").err
    assert poolside(clone, "sync", "--allow", "upstream-rewritten").status == 0
    assert clone.rev("main") == simple.upstream.rev("main")


def test_N6_without_a_nightly_on_the_new_history_the_stack_stays(synced: World, poolside: Run) -> None:
    clone = synced.there()
    synced.upstream.git("update-ref", "refs/heads/main", "main~1")
    before = clone.refs("refs/heads")
    assert poolside(clone, "sync", "--allow", "upstream-rewritten").status == 0
    assert clone.refs("refs/heads") == before


def test_N6_L16_what_had_landed_in_commits_that_are_gone_is_asked_about(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    pick = clone.rev("origin/poolside-cherry-picks")
    poolside(clone, "sync")
    simple.upstream.git("update-ref", "refs/heads/main", "main~2")
    simple.land({"d.py": "d\n"}, "Add d instead", 14)
    simple.nightly("2026-07-12")
    before = clone.refs()
    allowed = ["--allow", "upstream-rewritten"]
    said = refused(poolside(clone, "sync", *allowed), clone, before, "dropped-then-reverted")
    assert f"{pick[:9]} Speed up relu (#11): it was dropped as landed in" in said
    assert "which upstream's branch has no more" in said
    kept = poolside(clone, "sync", *allowed, "--keep", "relu")
    assert kept.status == 0, kept.out + kept.err
    assert clone.subjects("main..poolside-cherry-picks") == ["Speed up relu (#11)"]


def test_N7_commits_on_the_snapshot_are_refused_with_a_way_to_move_them(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("checkout", "-q", "-b", "main", "origin/main")
    (clone.path / "mine.py").write_text("mine\n")
    clone.git("add", "mine.py")
    clone.git("commit", "-q", "-m", "Mine by mistake")
    before = clone.refs()
    result = poolside(clone, "sync")
    said = refused(result, clone, before)
    assert "Mine by mistake" in said
    assert refused_object(poolside(clone, "sync", "--json")) == ["snapshot-has-commits"]
    hints = [
        line.removeprefix("hint: ").partition("   (")[0] for line in said.splitlines() if line.startswith("hint: ")
    ]
    for command in hints:
        for words in command.split(" && "):
            clone.git(*words.split()[1:])
    assert poolside(clone, "sync").status == 0
    assert "Mine by mistake" in clone.subjects("main..poolside-main")


def test_N8_a_commit_that_only_the_nightly_names_is_fetched_by_its_hash(simple: World, poolside: Run) -> None:
    """It is here afterwards, and still not on upstream's branch."""
    tip = simple.upstream.rev("main")
    side = simple.commit(simple.upstream, "side", {"x": "x\n"}, "Not on main", parents=[tip])
    simple.upstream.git("update-ref", "-d", "refs/heads/side")
    entry(simple, f"2026-07-12 nightly release ({side})", tree_of=side)
    clone = simple.clone()
    assert "not on upstream's branch" in poolside(clone, "sync", "--nightly", "2026-07-12").err
    assert clone.git("cat-file", "-t", side) == "commit"


def test_N9_tags_are_a_source_of_nightlies(simple: World, poolside: Run) -> None:
    configured(simple, '[nightly]\nsource = "tags"\ntags = "rc-*"\n')
    simple.upstream.git("tag", "rc-1", "main~1")
    simple.upstream.git("tag", "-a", "-m", "annotated", "rc-2", "main")
    simple.land({"d.py": "d\n"}, "Add d", 13)
    simple.upstream.git("tag", "other", "main")
    clone = simple.clone()
    mine = clone.refs("refs/tags")
    assert poolside(clone, "sync").status == 0
    assert clone.rev("main") == simple.upstream.rev("rc-2^{commit}")
    assert clone.show("poolside-main", PATTERN_FILE) == workflow("20250615")
    assert clone.refs("refs/tags") == mine == {}
    assert [n[1] for n in listed(poolside(clone, "nightly", "--json"))] == []


def test_N9_the_tip_is_a_source_of_nightlies(simple: World, poolside: Run) -> None:
    configured(simple, '[nightly]\nsource = "tip"\nbranch = "viable/strict"\n')
    simple.upstream.git("update-ref", "refs/heads/viable/strict", "main~1")
    simple.upstream.git("update-ref", "-d", "refs/heads/nightly")
    clone = Repo(simple.root / "clone", simple.env)
    Repo(simple.root, simple.env).git("clone", "-q", simple.fork.path.as_uri(), "clone")
    clone.git("remote", "add", "upstream", simple.upstream.path.as_uri())
    clone.git("config", "poolside.branch", "poolside-main")
    assert poolside(clone, "sync").status == 0
    assert clone.rev("main") == simple.upstream.rev("main~1")
    simple.upstream.git("update-ref", "refs/heads/viable/strict", "main")
    assert poolside(clone, "sync").status == 0
    assert clone.rev("main") == simple.upstream.rev("main")


def test_N9_another_pattern_without_a_date(simple: World, poolside: Run) -> None:
    configured(simple, "[nightly]\nbranch = 'builds'\npattern = '^build of (?P<commit>[0-9a-f]{40})$'\n")
    oid = simple.upstream.rev("main")
    simple.commit(simple.upstream, "builds", {}, f"build of {oid}", tree=simple.upstream.rev("main^{tree}"))
    clone = simple.clone()
    assert poolside(clone, "sync").status == 0
    assert (clone.rev("main"), clone.show("poolside-main", PATTERN_FILE)) == (oid, workflow("20250615"))


def test_N10_a_shallow_clone_is_refused_and_a_blobless_one_works(simple: World, poolside: Run) -> None:
    shallow = simple.clone("shallow", "--depth", "2")
    before = shallow.refs()
    assert refused_object(poolside(shallow, "sync", "--json")) == ["shallow"]
    assert "git fetch --unshallow" in refused(poolside(shallow, "sync"), shallow, before)
    blobless = simple.clone("blobless", "--filter=blob:none")
    full = simple.clone("full")
    assert poolside(blobless, "sync").status == poolside(full, "sync").status == 0
    assert blobless.refs() == full.refs()


def test_N10_a_grafted_history_does_not_move_the_base(simple: World, poolside: Run) -> None:
    """A replace ref of the user's is not upstream's history."""
    clone, plain = simple.clone(), simple.clone("plain")
    clone.git("replace", "--graft", "poolside-main~2", "origin/main~1")
    assert poolside(clone, "sync").status == poolside(plain, "sync").status == 0
    assert clone.refs() == plain.refs()


@pytest.mark.parametrize("how", ["file", "variable"])
def test_N10_a_graft_makes_no_patch_a_pick(
    simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """By the graft the tip of the patches stands on the picks, without the patch between."""
    clone, plain = simple.clone(), simple.clone("plain")
    grafts = clone.path / (".git/info/grafts" if how == "file" else "grafts")
    grafts.parent.mkdir(exist_ok=True)
    grafts.write_text(f"{clone.rev('poolside-main')} {clone.rev('origin/poolside-cherry-picks')}\n")
    expected = poolside(plain, "sync")
    with monkeypatch.context() as within:
        if how == "variable":
            within.setenv("GIT_GRAFT_FILE", str(grafts))
        result = poolside(clone, "sync")
    grafts.unlink()
    assert result == expected, result
    assert clone.refs() == plain.refs()
    assert clone.subjects("main..poolside-main")[:2] == ["Add the build workflow", "Use our index"]


def test_N4_an_older_date_of_the_same_commit_needs_to_be_allowed_too(simple: World, poolside: Run) -> None:
    simple.nightly("2026-07-12")
    clone = simple.clone()
    assert poolside(clone, "sync", "--nightly", "2026-07-12").status == 0
    tip = clone.rev("poolside-main")
    refused = poolside(clone, "sync", "--nightly", "2026-07-10")
    assert (refused.status, clone.rev("poolside-main")) == (1, tip)
    assert "[older-nightly]" in refused.err
    assert poolside(clone, "sync", "--nightly", "2026-07-10", "--allow", "older-nightly").status == 0


def test_N4_L16_going_back_asks_about_what_was_dropped_as_landed(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    pick = clone.rev("origin/poolside-cherry-picks")
    assert poolside(clone, "sync").status == 0
    back = ["--nightly", "2026-07-03", "--allow", "older-nightly"]
    refused = poolside(clone, "sync", *back)
    assert refused.status == 1
    said = f"error: {pick[:9]} Speed up relu (#11): it was dropped as landed in"
    assert any(line.startswith(said) and line.endswith("[dropped-then-reverted]") for line in refused.err.splitlines())
    gone = poolside(clone, "sync", *back, "--allow", "dropped-then-reverted")
    assert gone.status == 0
    assert f"note: {pick[:9]} Speed up relu (#11) stays out: it was dropped" in gone.err
