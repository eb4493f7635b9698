"""``git poolside cherry-pick``, end to end: the picks edited in one operation, and what upstream made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TEN, Run, copied
from tests.scenario import PATTERN_FILE, Repo, Result, World, workflow

PULL = "https://github.com/pytorch/pytorch/pull/"


def text(*changed: int) -> str:
    """Ten numbered lines, some of them changed."""
    return "".join(f"line {n}{' changed' if n in changed else ''}\n" for n in range(1, 11))


@pytest.fixture
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A fork on a nightly with one pick (#11), the workflow and one patch; upstream has landed #12 and #13 since."""
    return copied(request, _kept, tmp_path / "world")


def _kept(world: World) -> None:
    world.land({"version.txt": "2.9.0a0\n", "a.py": TEN, "b.py": TEN, "c.py": TEN}, "Begin", 1)
    world.nightly("2026-07-03")
    world.fork_at()
    world.pick(world.land({"a.py": text(2)}, "Speed up relu", 11))
    world.patch({PATTERN_FILE: workflow("20260702")}, "Add the build workflow\n")
    world.patch({"b.py": text(9)}, "Use our index\n")
    world.patch({PATTERN_FILE: workflow("20260703")}, "Bump the date\n")
    world.land({"c.py": text(5)}, "Fix the loader", 12)
    world.land({"a.py": text(2, 8)}, "Speed up gelu", 13)


def cloned(world: World) -> Repo:
    """A clone with all three branches."""
    clone = world.clone()
    for branch in ("main", "poolside-cherry-picks"):
        clone.git("branch", branch, f"origin/{branch}")
    return clone


def pull(world: World, number: int, files: dict[str, str], subject: str, base: str = "main", branch: str = "") -> str:
    """A commit of an open pull request, on `base`; its head is on upstream's server as GitHub has it."""
    message = f"{subject}\n\nWhy.\n"
    oid = world.commit(world.upstream, branch or f"pull-{number}", files, message, parents=[world.upstream.rev(base)])
    world.upstream.git("update-ref", f"refs/pull/{number}/head", oid)
    world.upstream.git("update-ref", "-d", f"refs/heads/{branch or f'pull-{number}'}")
    return oid


def picks(clone: Repo) -> list[str]:
    return clone.subjects("main..poolside-cherry-picks")


def patches(clone: Repo) -> list[str]:
    return clone.subjects("poolside-cherry-picks..poolside-main")


def message(clone: Repo, revision: str) -> str:
    return clone.git("log", "-1", "--format=%B", revision)


def added(result: Result) -> list[dict[str, Any]]:
    layers = json.loads(result.out)["layers"]
    return [p for layer in layers for p in layer["patches"] if p["verdict"] == "added"]


# add


def test_picks_are_added_in_upstreams_order_and_the_patches_follow(kept: World, poolside: Run) -> None:
    clone = cloned(kept)
    landed, earlier = kept.upstream.rev("main"), kept.upstream.rev("main~1")
    base, snapshot = clone.rev("main"), clone.refs()["refs/heads/main"]
    result = poolside(clone, "cherry-pick", "add", landed[:10], "#12")
    assert result.err == "hint: git poolside push   (sends the branches)\nhint: git poolside undo   (takes it back)\n"
    tips = {name: clone.rev(name)[:9] for name in ("poolside-main", "poolside-cherry-picks")}
    assert result.out == (
        f"Added 2 picks, still on the nightly of 2026-07-03 ({base[:9]})\n\n"
        f"  poolside-main          {kept.fork.rev('poolside-main')[:9]} -> {tips['poolside-main']}  "
        "2 patches: 2 kept, stamped\n"
        f"  poolside-cherry-picks  {kept.fork.rev('poolside-cherry-picks')[:9]} -> {tips['poolside-cherry-picks']}  "
        "3 picks: 1 kept, 2 new\n"
        f"  main                   {base[:9]} unchanged     upstream at 2026-07-03\n\n"
        f"  new        {clone.rev('poolside-cherry-picks~1')[:9]} Fix the loader (#12)\n"
        f"             picked from {earlier[:9]}; #12, landed\n"
        f"  new        {tips['poolside-cherry-picks']} Speed up gelu (#13)\n"
        f"             picked from {landed[:9]}\n"
    )
    assert picks(clone) == ["Speed up relu (#11)", "Fix the loader (#12)", "Speed up gelu (#13)"]
    assert patches(clone) == ["Add the build workflow", "Use our index", "Set the version to the nightly of 2026-07-03"]
    assert message(clone, "poolside-cherry-picks") == (
        f"Speed up gelu (#13)\n\n\nPull Request resolved: {PULL}13\n\n"
        f"(cherry picked from commit {landed})\nPoolside-Pull: 13"
    )
    written = clone.git("log", "-1", "--format=%an %ad", "poolside-cherry-picks")
    assert written == kept.upstream.git("log", "-1", "--format=%an %ad", landed)
    assert f"Poolside-Picks: {clone.rev('poolside-cherry-picks')}" in message(clone, "poolside-main")
    assert clone.show("poolside-main", PATTERN_FILE) == workflow("20260703")
    assert clone.rev("main") == snapshot
    assert clone.git("status", "--porcelain") == ""
    assert clone.git("symbolic-ref", "HEAD") == "refs/heads/poolside-main"


def test_what_is_there_already_is_said_and_nothing_is_done(kept: World, poolside: Run) -> None:
    clone = cloned(kept)
    before = clone.refs("refs")
    picked = kept.upstream.rev("main~2")
    result = poolside(clone, "cherry-pick", "add", picked, "#1", clone.rev("main"))
    assert (result.status, result.out) == (0, "Nothing to do: the layers are so already.\n"), result.err
    begin = f"{clone.rev('main')[:9]} Begin (#1)"
    assert [line.removeprefix("note: ") for line in result.err.splitlines()] == [
        f"#1: in the snapshot already, as {begin} (2025-06-15)",
        f"{begin}: in the snapshot already",
        f"{picked[:9]} Speed up relu (#11): carried already, as {clone.rev('poolside-cherry-picks')[:9]}",
    ]
    assert clone.refs("refs") == before


REFUSED = {
    "https://github.com/poolsideai/pytorch/pull/3": "poolsideai/pytorch is another repository",
    "#999": "pytorch/pytorch has no pull request #999",
    "f" * 40: "ffffffffffff is not here, and 'upstream' does not hand it out: a commit of another repository?",
    "nonsense": "'nonsense' names no commit here",
    "main..main": "there is no commit in main..main",
    "merge": "is a merge: a pick is a single commit",
    "stranger": "is a commit of another repository",
}


def test_what_cannot_be_a_pick_is_refused(kept: World, poolside: Run) -> None:
    clone = cloned(kept)
    tip, tree = clone.rev("upstream/main"), clone.rev("main^{tree}")
    clone.git("branch", "merge", clone.git("commit-tree", tree, "-p", tip, "-p", tip + "~1", "-m", "Merge"))
    clone.git("branch", "stranger", clone.git("commit-tree", tree, "-m", "Stranger"))
    before = clone.refs()
    for word, said in REFUSED.items():
        result = poolside(clone, "cherry-pick", "add", "#12", word)
        assert (result.status, result.out, said in result.err) == (1, "", True), result.err
    assert clone.refs() == before


def test_a_range_is_added_without_its_merges(kept: World, poolside: Run) -> None:
    clone = cloned(kept)
    assert poolside(clone, "cherry-pick", "add", "upstream/main~2..upstream/main").status == 0
    assert picks(clone)[1:] == ["Fix the loader (#12)", "Speed up gelu (#13)"]


def test_a_hash_that_is_not_here_is_fetched_by_it(kept: World, poolside: Run) -> None:
    clone = cloned(kept)
    oid = pull(kept, 40, {"c.py": text(1)}, "Try something")
    result = poolside(clone, "cherry-pick", "add", f"https://github.com/pytorch/pytorch/pull/40/commits/{oid}")
    assert result.status == 0, result.err
    assert message(clone, "poolside-cherry-picks").endswith(f"(cherry picked from commit {oid})\nPoolside-Pull: 40")


def test_an_open_pull_request_gives_each_of_its_commits(kept: World, poolside: Run) -> None:
    first = pull(kept, 40, {"c.py": text(1, 5)}, "Try something")
    second = pull(kept, 40, {"c.py": text(1, 5, 9)}, "Try more (#7)", base=first)
    clone = cloned(kept)
    result = poolside(clone, "cherry-pick", "add", PULL + "40", "#12", "--json")
    assert result.status == 0, result.err
    assert picks(clone)[1:] == ["Fix the loader (#12)", "Try something", "Try more (#7)"]
    assert [(one["upstream"], one["pull"], one["fate"], one["old"]) for one in added(result)] == [
        ([kept.upstream.rev("main~1")], 12, "new", None),
        ([first], 40, "new", None),
        ([second], 40, "new", None),
    ]


def ghstack(world: World, number: int, subject: str, files: dict[str, str], below: str, at: int) -> str:
    """One pull request of a ghstack: a head of synthetic commits, and the original on the one below."""
    body = f"ghstack-source-id: 0\nPull Request resolved: {PULL}{number}\n"
    orig = world.commit(world.upstream, f"gh/ann/{at}/orig", files, f"{subject}\n\n{body}", parents=[below])
    head = world.commit(world.upstream, f"gh/ann/{at}/head", files, f"Update\n\n{subject}\n", parents=[below])
    world.upstream.git("update-ref", f"refs/pull/{number}/head", head)
    return orig


def test_a_ghstack_pull_request_comes_with_the_open_ones_below_it(kept: World, poolside: Run) -> None:
    base = kept.upstream.rev("main")
    low = ghstack(kept, 50, "Lay the ground", {"c.py": text(1, 5)}, base, 1)
    middle = ghstack(kept, 51, "Build on it", {"c.py": text(1, 2, 5)}, low, 2)
    ghstack(kept, 52, "Top it off", {"c.py": text(1, 2, 5, 9)}, middle, 3)
    landed = kept.land({"c.py": text(1, 5)}, "Lay the ground", 50)
    clone = cloned(kept)
    result = poolside(clone, "cherry-pick", "add", "#51", "#12", "--json")
    assert result.status == 0, result.err
    assert picks(clone)[1:] == ["Fix the loader (#12)", "Lay the ground (#50)", "Build on it"]
    assert [one["upstream"] for one in added(result)] == [[kept.upstream.rev("main~2")], [landed], [middle]]
    assert message(clone, "poolside-cherry-picks").endswith("\nPoolside-Pull: 51")


def test_a_pull_request_that_was_taken_back_gives_its_newest_version(kept: World, poolside: Run) -> None:
    kept.revert(kept.upstream.rev("main"), 13, "it was slow")
    again = pull(kept, 13, {"a.py": text(2, 8, 10)}, "Speed up gelu")
    clone = cloned(kept)
    result = poolside(clone, "cherry-pick", "add", "#13", "--json")
    [one] = added(result)
    assert one["upstream"] == [again]
    assert "upstream took it back" in one["reason"]
    assert one["reason"].endswith("it was slow")


def test_what_was_taken_back_before_the_snapshot_is_added_again(world: World, poolside: Run) -> None:
    world.land({"a.py": TEN}, "Begin", 1)
    risky = world.land({"a.py": text(3)}, "Risk it", 16)
    world.revert(risky, 16)
    world.nightly("2026-07-03")
    world.fork_at()
    clone = cloned(world)
    result = poolside(clone, "cherry-pick", "add", risky, "--json")
    [one] = added(result)
    assert (one["upstream"], "upstream took it back" in one["reason"]) == ([risky], True)
    assert clone.show("poolside-main", "a.py") == text(3)
    refused = poolside(clone, "cherry-pick", "add", "#16")
    assert (refused.status, "#16: upstream took it back" in refused.err) == (1, True)


def test_what_leaves_nothing_is_not_added(kept: World, poolside: Run) -> None:
    clone = cloned(kept)
    before = clone.refs()
    twin = kept.commit(
        kept.upstream, "twin", {"a.py": text(2)}, "Speed up relu, once more\n", parents=[clone.rev("main")]
    )
    result = poolside(clone, "cherry-pick", "add", twin)
    assert (result.status, result.out.splitlines()[0]) == (0, "Nothing to do: the layers are so already.")
    assert f"left out   {twin[:9]} Speed up relu, once more" in result.out
    assert clone.refs() == before


def test_S8_a_message_in_another_encoding_keeps_its_bytes(kept: World, poolside: Run) -> None:
    words = "Grüße (#14)\n\nFür alle.\n\nSigned-off-by: Jörg <j@example.com>\n".encode("latin-1")
    tree = kept.upstream.tree({"c.py": text(5, 7)}, "main")
    raw = kept.upstream.git("cat-file", "commit", "main").encode("utf-8", "surrogateescape")
    head = [b"tree " + tree.encode(), b"parent " + kept.upstream.rev("main").encode()]
    head += [line for line in raw.partition(b"\n\n")[0].split(b"\n") if line.startswith((b"author", b"committer"))]
    oid = kept.upstream.git(
        "hash-object", "-t", "commit", "-w", "--stdin", input=b"\n".join([*head, b"encoding latin-1", b"", words])
    )
    kept.upstream.git("update-ref", "refs/heads/main", oid)
    clone = cloned(kept)
    assert poolside(clone, "cherry-pick", "add", oid).status == 0
    made = clone.git("cat-file", "commit", "poolside-cherry-picks").encode("utf-8", "surrogateescape")
    assert b"\nencoding latin-1\n" in made
    added_lines = f"(cherry picked from commit {oid})\nPoolside-Pull: 14".encode()
    assert made.partition(b"\n\n")[2] == words + added_lines


def test_a_dry_run_changes_nothing(kept: World, poolside: Run) -> None:
    clone = cloned(kept)
    before = clone.refs()
    result = poolside(clone, "cherry-pick", "add", "-n", "#12")
    assert (result.status, result.out.splitlines()[0][:16]) == (0, "Would add 1 pick")
    assert clone.refs() == before


def test_a_teammates_push_is_taken_along_and_the_edit_can_be_pushed(kept: World, poolside: Run) -> None:
    clone = cloned(kept)
    kept.patch({"own.txt": "theirs\n"}, "A teammate's patch\n")
    assert poolside(clone, "cherry-pick", "add", "#12").status == 0
    assert patches(clone)[2] == "A teammate's patch"
    assert poolside(clone, "push").status == 0
    assert kept.fork.rev("poolside-main") == clone.rev("poolside-main")


def test_an_edit_is_taken_back_whole(kept: World, poolside: Run) -> None:
    clone = cloned(kept)
    before = clone.refs()
    poolside(clone, "cherry-pick", "add", "#12")
    poolside(clone, "cherry-pick", "drop", "2", "--reason", "no gain")
    pick = clone.rev("poolside-cherry-picks@{1}")
    said = poolside(clone, "log").out.splitlines()
    assert said[0].endswith("cherry-pick drop 2 --reason 'no gain'")
    assert said[1] == f"    dropped  {pick[:9]} Fix the loader (#12): no gain"
    assert said[5] == f"    added    {pick[:9]} Fix the loader (#12)"
    assert poolside(clone, "undo").status == 0
    assert picks(clone) == ["Speed up relu (#11)", "Fix the loader (#12)"]
    assert poolside(clone, "undo", said[4].partition(" ")[0]).status == 0
    assert clone.refs() == before


def test_a_number_of_a_list_that_somebody_changed_is_refused(kept: World, poolside: Run) -> None:
    clone = cloned(kept)
    theirs = kept.clone("theirs")
    poolside(theirs, "cherry-pick", "add", "#12")
    poolside(theirs, "cherry-pick", "drop", "1")
    poolside(theirs, "push")
    result = poolside(clone, "cherry-pick", "drop", "1")
    assert (result.status, "somebody has changed the picks on 'origin'" in result.err) == (1, True)
    assert "Fix the loader (#12)" in poolside(clone, "cherry-pick", "list").out
    assert poolside(clone, "cherry-pick", "drop", "1").status == 0
    assert clone.rev("poolside-cherry-picks") == clone.rev("main")


# The stop


@pytest.fixture
def clashing(kept: World) -> World:
    """Upstream's #15 builds on #14, which is not in the snapshot: it does not apply alone."""
    kept.land({"c.py": text(5).replace("line 6\n", "line six\n")}, "Spell six", 14)
    kept.land({"c.py": text(5).replace("line 6\n", "line VI\n")}, "Spell it in Latin", 15)
    return kept


def test_a_conflict_stops_and_either_command_goes_on(clashing: World, poolside: Run) -> None:
    clone = cloned(clashing)
    before = clone.refs()
    result = poolside(clone, "cherry-pick", "add", "#15", "#13")
    first, missing = clashing.upstream.rev("main")[:9], clashing.upstream.rev("main~1")[:9]
    assert result.status == 3
    assert result.out.startswith("No branch has moved: stopped, to add 2 picks, still on the nightly of 2026-07-03")
    assert result.err.splitlines() == [
        f"error: {first} Spell it in Latin (#15) does not apply",
        "  CONFLICT (content): Merge conflict in c.py",
        "upstream changed the same before it, and the snapshot has not got:",
        f"  {clashing.upstream.rev('main~3')[:9]} Fix the loader (#12)",
        f"  {missing} Spell six (#14)",
        "hint: git add c.py   (when you have resolved it)",
        "hint: git poolside cherry-pick --continue   (then)",
        "hint: git poolside cherry-pick --skip   (leaves this patch out)",
        "hint: git poolside cherry-pick --abort   (goes back to where all was)",
    ]
    assert clone.refs() == before
    refused = poolside(clone, "cherry-pick", "add", "#12")
    assert (refused.status, "hint: git poolside cherry-pick --continue" in refused.err) == (1, True)
    assert poolside(clone, "status", "--short").out == f"2026-07-03 STOPPED at {first}\n"
    (clone.path / "c.py").write_text(TEN.replace("line 6\n", "line VI\n"))
    clone.git("add", "c.py")
    result = poolside(clone, "sync", "--continue")
    assert result.status == 0, result.err
    assert picks(clone) == ["Speed up relu (#11)", "Speed up gelu (#13)", "Spell it in Latin (#15)"]
    origin = clashing.upstream.rev("main")
    assert message(clone, "poolside-cherry-picks").endswith(f"(cherry picked from commit {origin})\nPoolside-Pull: 15")
    assert clone.git("symbolic-ref", "HEAD") == "refs/heads/poolside-main"
    assert clone.git("status", "--porcelain") == ""
    assert (clone.path / "c.py").read_text() == TEN.replace("line 6\n", "line VI\n")


@pytest.mark.parametrize("flag", ["--skip", "--abort"])
def test_a_stopped_edit_is_skipped_or_given_up(clashing: World, poolside: Run, flag: str) -> None:
    clone = cloned(clashing)
    before = clone.refs()
    poolside(clone, "cherry-pick", "add", "#15", "#13")
    assert poolside(clone, "cherry-pick", flag).status == 0
    assert picks(clone)[1:] == (["Speed up gelu (#13)"] if flag == "--skip" else [])
    if flag == "--abort":
        assert clone.refs() == before
    assert clone.git("status", "--porcelain") == ""


@pytest.mark.parametrize("how", ["--skip", "--continue"])
def test_an_edit_that_comes_to_nothing_is_stopped_no_more(clashing: World, poolside: Run, how: str) -> None:
    clone = cloned(clashing)
    before = clone.refs()
    assert poolside(clone, "cherry-pick", "add", "#15").status == 3
    if how == "--continue":
        clone.git("checkout", "--ours", "c.py")
        clone.git("add", "c.py")
    result = poolside(clone, "cherry-pick", how)
    assert (result.status, result.out.splitlines()[0]) == (0, "Nothing to do: the layers are so already."), result.err
    assert clone.refs() == before
    assert clone.git("symbolic-ref", "HEAD") == "refs/heads/poolside-main"
    assert clone.git("status", "--porcelain") == ""
    assert clone.refs("refs/poolside/stopped") == {}
    assert poolside(clone, "cherry-pick", "add", "#12").status == 0


def test_a_patch_that_needs_a_dropped_pick_stops(kept: World, poolside: Run) -> None:
    kept.patch({"a.py": text(2).replace("line 2 changed\n", "line 2 tuned\n")}, "Tune relu\n")
    clone = cloned(kept)
    pick = clone.rev("origin/poolside-cherry-picks")[:9]
    result = poolside(clone, "cherry-pick", "drop", "relu", "--no-stop")
    assert result.status == 3
    assert f"because of this edit:\n  {pick} Speed up relu (#11) goes away\n" in result.err


# drop, move


def test_a_pick_is_named_by_number_hash_words_or_pull_request(kept: World, poolside: Run) -> None:
    clone = cloned(kept)
    poolside(clone, "cherry-pick", "add", "#12", "#13")
    for name, left in (("#12", ["Speed up relu (#11)", "Speed up gelu (#13)"]), ("gelu", ["Speed up relu (#11)"])):
        assert poolside(clone, "cherry-pick", "drop", name).status == 0
        assert picks(clone) == left
    refused = poolside(clone, "cherry-pick", "drop", "index")
    assert (refused.status, "is a patch of the fork's own, not a pick" in refused.err) == (1, True)
    assert poolside(clone, "cherry-pick", "drop", "2").status == 1
    assert poolside(clone, "cherry-pick", "drop", clone.rev("poolside-cherry-picks")[:8]).status == 0
    assert clone.rev("poolside-cherry-picks") == clone.rev("main")


def test_a_patch_is_moved_between_the_layers(kept: World, poolside: Run) -> None:
    clone = cloned(kept)
    old = clone.rev("poolside-main~1")
    result = poolside(clone, "cherry-pick", "move", "our index", "--to", "picks", "--json")
    assert result.status == 0, result.err
    assert picks(clone) == ["Speed up relu (#11)", "Use our index"]
    assert patches(clone)[0] == "Add the build workflow"
    layers = json.loads(result.out)["layers"]
    [moved] = [p for layer in layers for p in layer["patches"] if p["subject"] == "Use our index"]
    assert (moved["old"], moved["new"], moved["fate"], moved["reason"]) == (
        old, clone.rev("poolside-cherry-picks"), "kept", "moved to the picks",
    )  # fmt: skip
    assert poolside(clone, "cherry-pick", "move", "1", "--to", "patches").status == 0
    assert (picks(clone), patches(clone)[:2]) == (["Use our index"], ["Speed up relu (#11)", "Add the build workflow"])
    assert poolside(clone, "cherry-pick", "move", "workflow", "--before", "our index").status == 0
    assert picks(clone) == ["Add the build workflow", "Use our index"]
    assert poolside(clone, "sync", "-n", "--onto", clone.rev("main")).status == 0


def test_a_number_of_the_forks_that_upstream_reads_otherwise_is_told_of(kept: World, poolside: Run) -> None:
    """A pick's number is upstream's: a patch of the fork's pull request 12 would go when upstream's 12 lands."""
    kept.patch({"b.py": text(2, 9)}, "Tune the loader (#12)")
    clone = cloned(kept)
    result = poolside(clone, "cherry-pick", "move", "Tune", "--to", "picks", "-n")
    assert (result.status, result.err) == (
        0,
        f"note: {clone.rev('poolside-main')[:9]} Tune the loader (#12): "
        "as a pick it lands when pytorch/pytorch#12 does; "
        "if that is another one, write its subject without the number first\n",
    )


@pytest.mark.parametrize("words", [("Set the version", "--before", "Add the build"), ("our index", "--before", "HEAD")])
def test_the_stamp_is_told_for_what_it_is(synced: World, poolside: Run, words: tuple[str, ...]) -> None:
    clone = synced.there()
    before = clone.refs()
    result = poolside(clone, "cherry-pick", "move", *words)
    assert (result.status, result.out, clone.refs()) == (1, "", before)
    assert result.err == (
        f"error: {clone.rev('HEAD')[:9]} Set the version to the nightly of 2026-07-10 is the stamp: "
        "every operation makes it anew, as the last commit\n"
        f"hint: git show {clone.rev('HEAD')[:9]}   (shows what it holds)\n"
    )


def test_a_move_loses_no_patch(kept: World, poolside: Run) -> None:
    """Below what it takes back a revert would be empty: dropped, what it took out would be back without a word."""
    kept.patch({"c.py": TEN + "more\n"}, "Add a line")
    kept.patch({"c.py": TEN}, "Take the line out")
    clone = cloned(kept)
    before = clone.refs("refs")
    for words in (["-n"], []):
        result = poolside(clone, "cherry-pick", "move", "Take the", "--before", "Add a line", *words)
        assert (result.status, result.err) == (
            1,
            f"error: {clone.rev('poolside-main')[:9]} Take the line out would be empty after this move, and be lost\n"
            "hint: git poolside cherry-pick move PATCH --before PATCH   (another place)\n",
        )
    assert clone.refs("refs") == before


def test_a_pick_whose_author_has_no_date_is_listed(kept: World, poolside: Run) -> None:
    clone = cloned(kept)
    raw = clone.git("cat-file", "commit", "poolside-cherry-picks")
    author = next(line for line in raw.splitlines() if line.startswith("author "))
    odd = clone.git(
        "hash-object", "-t", "commit", "-w", "--stdin", "--literally", input=raw.replace(author, "author A <a@b>")
    )
    clone.git("update-ref", "refs/heads/poolside-cherry-picks", odd)
    result = poolside(clone, "cherry-pick", "list")
    assert result.status == 0, result.err
    assert result.out.splitlines()[1].split()[:4] == ["1", odd[:9], "#11", "0d"]


# update


def test_a_new_version_is_shown_before_it_is_taken(kept: World, poolside: Run) -> None:
    old = pull(kept, 40, {"c.py": text(1, 5)}, "Try something")
    clone = cloned(kept)
    poolside(clone, "cherry-pick", "add", "#40", "#13")
    new = pull(kept, 40, {"c.py": text(1, 5, 9)}, "Try something")
    pick, before = clone.rev("poolside-cherry-picks"), clone.refs()
    refused = poolside(clone, "cherry-pick", "update")
    assert refused.status == 1
    assert refused.err == (
        "error: 1 newer version to take; nothing was changed\n"
        "hint: git poolside cherry-pick update --yes   (takes them)\n"
        "hint: or name the picks\n"
    )
    lines = refused.out.splitlines()
    assert lines[:2] == [f"#40: {pick[:9]} -> {new[:9]}", f"1:  {pick[:7]} ! 1:  {new[:7]} Try something"]
    assert "    -    (cherry picked from commit " + old + ")" in lines
    assert "    ++line 9 changed" in lines
    assert clone.refs() == before
    result = poolside(clone, "cherry-pick", "update", "#40", "--json")
    assert result.status == 0, result.err
    assert picks(clone) == ["Speed up relu (#11)", "Speed up gelu (#13)", "Try something"]
    assert message(clone, "poolside-cherry-picks").endswith(f"(cherry picked from commit {new})\nPoolside-Pull: 40")
    assert clone.show("poolside-main", "c.py") == text(1, 9)
    assert poolside(clone, "cherry-pick", "update").out == "Nothing to do: the layers are so already.\n"


def test_a_pick_whose_pull_request_has_landed_becomes_the_landed_commit(kept: World, poolside: Run) -> None:
    pull(kept, 40, {"c.py": text(1, 5)}, "Try something")
    clone = cloned(kept)
    poolside(clone, "cherry-pick", "add", "#40")
    landed = kept.land({"c.py": text(1, 5)}, "Try something, reviewed", 40)
    assert poolside(clone, "cherry-pick", "update", "--yes").status == 0
    assert picks(clone) == ["Speed up relu (#11)", "Try something, reviewed (#40)"]
    assert f"(cherry picked from commit {landed})" in message(clone, "poolside-cherry-picks")


# list


def test_the_list_says_what_became_of_each_pick(kept: World, poolside: Run) -> None:
    clone = cloned(kept)
    pull(kept, 40, {"c.py": text(1, 5)}, "Try something")
    reverted = kept.land({"b.py": text(3)}, "Risk it", 16)
    poolside(clone, "cherry-pick", "add", "#12", "#40", "#16")
    kept.nightly("2026-07-09")
    kept.revert(reverted, 16, "it broke the build")
    kept.nightly("2026-07-10")
    kept.land({"version.txt": "2.10.0a0\n"}, "Bump", 17)
    poolside(clone, "cherry-pick", "add", "#17")
    names = {}
    for line in clone.git("log", "--format=%h %s", "--abbrev=9", "main..poolside-cherry-picks").splitlines():
        names[line.partition(" ")[2]] = line[:9]
    result = poolside(clone, "cherry-pick", "list", "--fetch")
    revert, bump = kept.upstream.rev("main~1")[:9], kept.upstream.rev("main")[:9]
    assert result.status == 0, result.err
    assert result.out == (
        f"5 picks, at the nightly of 2026-07-10 ({revert})\n"
        f"  1  {names['Speed up relu (#11)']}  #11  411d  landed in 2026-07-09  Speed up relu (#11)\n"
        f"  2  {names['Fix the loader (#12)']}  #12  411d  landed in 2026-07-09  Fix the loader (#12)\n"
        f"  3  {names['Risk it (#16)']}  #16  411d  reverted              Risk it (#16)\n"
        f'       by {revert} Revert "Risk it (#16)" (2025-06-15): it broke the build\n'
        f"  4  {names['Try something']}  #40  411d  pending               Try something\n"
        f"  5  {names['Bump (#17)']}  #17  411d  pending               Bump (#17)\n"
        f"       landed as {bump} Bump (#17) (2025-06-15), in no nightly yet\n"
    )
    assert result.err == "hint: git poolside sync   (drops what landed)\n"
    said = json.loads(poolside(clone, "cherry-pick", "list", "--json").out)
    assert (said["schema"], said["nightly"]["date"]) == (1, "2026-07-10")
    assert [(one["number"], one["state"], one["nightly"]) for one in said["picks"]] == [
        (1, "landed", "2026-07-09"), (2, "landed", "2026-07-09"), (3, "reverted", None), (4, "pending", None),
        (5, "pending", None),
    ]  # fmt: skip
    newer = pull(kept, 40, {"c.py": text(1, 5, 9)}, "Try something")
    said = json.loads(poolside(clone, "cherry-pick", "list", "--fetch", "--json").out)
    assert said["picks"][3]["details"] == [f"#40 has a newer version, {newer[:9]}"]


def test_the_list_says_of_a_version_that_is_newer_than_a_revert_that_it_is_pending(kept: World, poolside: Run) -> None:
    kept.revert(kept.land({"b.py": text(3)}, "Risk it", 16), 16)
    kept.nightly("2026-07-10")
    clone = cloned(kept)
    assert poolside(clone, "sync").status == 0
    pull(kept, 16, {"b.py": text(3, 5)}, "Risk it")
    assert poolside(clone, "cherry-pick", "add", "#16").status == 0
    [pick] = json.loads(poolside(clone, "cherry-pick", "list", "--json").out)["picks"]
    assert (pick["pull"], pick["state"], pick["reverts"]) == (16, "pending", [])


def test_the_list_knows_relands_tweaks_and_orphans(kept: World, poolside: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    first = kept.land({"b.py": text(3)}, "Risk it", 16)
    poolside(clone := cloned(kept), "cherry-pick", "add", "#16", "#13")
    poolside(clone, "cherry-pick", "move", "our index", "--to", "picks")
    kept.revert(first, 16)
    kept.land({"b.py": text(3)}, "Reland Risk it", 16)
    kept.revert(kept.upstream.rev("main~3"), 13)
    kept.land({"a.py": text(2, 8).replace("line 8 changed\n", "line 8, tweaked\n")}, "Speed up gelu", 13)
    kept.nightly("2026-07-10")
    clone.git("fetch", "-q", "upstream")
    monkeypatch.setenv("COLUMNS", "40")
    result = poolside(clone, "cherry-pick", "list")
    lines = result.out.splitlines()
    assert [lines[at + 1].strip() for at, line in enumerate(lines) if line.endswith("411d")] == [
        "landed in 2026-07-10", "landed with tweaks in 2026-07-10", "relanded in 2026-07-10", "orphaned",
    ]  # fmt: skip
    assert lines[-1] == "     Use our index"
    assert max(map(len, lines[1:])) <= 40


def test_a_list_can_be_asked_for_by_somebody_without_a_name(
    kept: World, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = cloned(kept)
    clone.git("config", "user.useConfigOnly", "true")
    for name in ("NAME", "EMAIL"):
        monkeypatch.delenv(f"GIT_COMMITTER_{name}")
        monkeypatch.delenv(f"GIT_AUTHOR_{name}")
    assert poolside(clone, "cherry-pick", "list").status == 0


def test_a_fork_without_picks_has_an_empty_list(world: World, poolside: Run) -> None:
    world.land({"a.py": TEN}, "Begin", 1)
    world.nightly("2026-07-03")
    world.fork_at()
    result = poolside(world.clone(), "cherry-pick", "list")
    assert (result.status, result.out) == (0, "No picks.\n")


def test_usage(kept: World, poolside: Run) -> None:
    clone = cloned(kept)
    assert poolside(clone, "cherry-pick").status == 129
    assert poolside(clone, "cherry-pick", "add").status == 129
    assert poolside(clone, "cherry-pick", "move", "x").status == 129
    assert poolside(clone, "cherry-pick", "--skip", "drop", "1").status == 129
    assert poolside(clone, "cherry-pick", "drop", "1", "--allow", "diverged").status == 129


def test_a_doubt_about_a_resolution_is_answered_as_its_hint_says(kept: World, poolside: Run) -> None:
    clone = cloned(kept)
    (clone.path / ".poolside.toml").write_text("[sync]\nstrict = true\n")
    clone.git("add", ".poolside.toml")
    clone.git("commit", "-q", "-m", "Be strict")
    pull(kept, 50, {"b.py": text(9).replace("line 9 changed", "line 9 otherwise")}, "Change nine otherwise")
    assert poolside(clone, "cherry-pick", "add", "#50").status == 3
    (clone.path / "b.py").write_text(text(9))
    clone.git("add", "b.py")
    asked = poolside(clone, "cherry-pick", "--continue")
    assert (asked.status, "--continue --allow resolution-lost-lines" in asked.err) == (1, True), asked.err
    wrong = poolside(clone, "cherry-pick", "--continue", "--allow", "nonsense")
    assert (wrong.status, "error: argument --allow: 'nonsense' is no snag that can be allowed\n" in wrong.err) == (
        129,
        True,
    )
    result = poolside(clone, "cherry-pick", "--continue", "--allow", "resolution-lost-lines")
    assert result.status == 0, result.err
    assert picks(clone)[-1] == "Change nine otherwise"


def test_a_snapshot_branch_that_is_made_lies_below_the_stack(simple: World, poolside: Run) -> None:
    """The fork's may be past it by its forge's "Sync fork" button (edge case A8)."""
    tip = simple.upstream.rev("main")
    simple.fork.git("fetch", "-q", str(simple.upstream.path), tip)
    base = simple.fork.rev("main")
    simple.fork.git("update-ref", "refs/heads/main", tip)
    clone = simple.clone()
    assert "refs/heads/main" not in clone.refs()
    assert poolside(clone, "cherry-pick", "add", "#12").status == 0
    assert clone.rev("main") == base == clone.git("merge-base", "main", "poolside-cherry-picks")
