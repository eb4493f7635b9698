"""``git poolside upstream``: patches offered as a branch of the fork, with the least that they need."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.completion.terminal import Terminal
from tests.conftest import TEN, Run, copied
from tests.scenario import PATTERN_FILE, Repo, World, workflow
from tests.test_shape import sign_with

FIVE = TEN.replace("line 5\n", "line five\n")
CINQ = TEN.replace("line 5\n", "ligne cinq\n")


@pytest.fixture
def giving(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A fork with a pick and six patches: one stands on another, one on the pick, one brings its own bullet."""
    return copied(request, _giving, tmp_path / "world")


def _giving(world: World) -> None:
    world.land({"version.txt": "2.9.0a0\n", "a.py": TEN, "b.py": TEN, "c.py": TEN}, "Begin", 1)
    world.nightly("2026-07-03")
    world.fork_at()
    world.pick(world.land({"a.py": TEN.replace("line 2\n", "line two\n")}, "Speed up relu", 11))
    world.patch({PATTERN_FILE: workflow("20260703")}, "Add the build workflow\n")
    world.patch({"b.py": FIVE}, "Spell five out\n\nWords are nicer.\n")
    world.patch({"c.py": TEN + "end\n"}, "End c\n")
    message = (
        "Speak French (#7)\n\nIt is nicer.\n\nPoolside-Ticket: 12\nSigned-off-by: Pat Cher <pat@poolside.example>\n"
    )
    world.patch({"b.py": CINQ}, message)
    world.patch({"a.py": TEN.replace("line 2\n", "line 2, ours\n")}, "Tune relu\n")
    world.patch({"d.py": "d\n", "poolside-changes.md": "# Ours\n* [1st Jul 2026] Add d.\n"}, "Add d\n")
    world.land({"lib.py": TEN}, "Add lib", 12)


def find(clone: Repo, subject: str) -> str:
    """The hash of the stack's newest commit with this subject."""
    return clone.git("log", "-1", "--format=%H", "-F", f"--grep={subject}", "poolside-main")


def offered(world: World, branch: str, since: str = "main") -> list[str]:
    """The subjects of a branch on the fork's server."""
    return world.fork.subjects(f"{since}..upstream/{branch}")


def test_one_patch_becomes_a_branch_on_the_snapshot(giving: World, poolside: Run) -> None:
    clone = giving.clone()
    (clone.path / "b.py").write_text("not committed\n")
    before = clone.git("status", "--porcelain"), clone.refs(), clone.git("symbolic-ref", "HEAD")
    result = poolside(clone.path, "upstream", "End c")
    base, tip = clone.rev("origin/main"), giving.fork.rev("upstream/end-c")
    assert (result.status, result.err) == (0, "")
    assert result.out == (
        f"upstream/end-c: 1 patch on upstream's {base[:9]} (2025-06-15)\n\n"
        f"  {tip[:9]} End c\n\n"
        f"Pushed 'upstream/end-c' to 'origin': new -> {tip[:9]}\n"
    )
    assert giving.fork.rev(f"{tip}^") == base
    assert giving.fork.files(tip) == {**giving.fork.files(base), "c.py": TEN + "end\n"}
    people = "%an <%ae> %ad%n%B"
    assert clone.git("log", "-1", f"--format={people}", tip) == clone.git(
        "log", "-1", f"--format={people}", find(clone, "End c")
    )
    assert (clone.git("status", "--porcelain"), clone.refs(), clone.git("symbolic-ref", "HEAD")) == before
    assert clone.rev("refs/remotes/origin/upstream/end-c") == tip
    again = poolside(clone, "upstream", "End c")
    assert (again.status, again.out.splitlines()[-1]) == (0, "'origin' has it so already.")
    assert giving.fork.rev("upstream/end-c") == tip


def test_P4_what_a_killed_run_has_pushed_is_noted_by_the_next(giving: World, poolside: Run) -> None:
    """Killed behind the push: the branch is on the server, and nothing here says so."""
    clone = giving.clone()
    assert poolside(clone, "upstream", "End c").status == 0
    tip = giving.fork.rev("upstream/end-c")
    for ref in (
        "refs/poolside/operations",
        "refs/poolside/proposed/upstream/end-c",
        "refs/remotes/origin/upstream/end-c",
    ):
        clone.git("update-ref", "-d", ref)
    again = poolside(clone, "upstream", "End c")
    assert (again.status, again.out.splitlines()[-1]) == (0, "'origin' has it so already.")
    [operation] = json.loads(poolside(clone, "log", "--json").out)["operations"]
    assert (operation["kind"], operation["pushed"]) == ("upstream", {"refs/heads/upstream/end-c": tip})
    poolside(clone, "upstream", "End c")
    assert len(json.loads(poolside(clone, "log", "--json").out)["operations"]) == 1


def test_a_patch_that_needs_another_says_so_and_pushes_nothing(giving: World, poolside: Run) -> None:
    clone = giving.clone()
    before = clone.refs("refs"), giving.fork.refs("refs")
    result = poolside(clone, "upstream", "French")
    french, five = find(clone, "Speak French (#7)")[:9], find(clone, "Spell five out")[:9]
    assert (result.status, result.out) == (1, "")
    assert result.err.splitlines() == [
        f"note: {french} Speak French (#7) ends in the number of a pull request, which upstream takes for its own",
        f"error: {french} Speak French (#7) does not apply by itself",
        "  b.py",
        "it needs 1 other patch:",
        f"  {five} Spell five out",
        "hint: git poolside upstream French --with-dependencies   (offers that too)",
    ]
    assert (clone.refs("refs"), giving.fork.refs("refs")) == before


@pytest.mark.parametrize(
    ("answer", "last"), [("y", "Pushed 'upstream/"), ("n", "Nothing was"), ("\x04", "Nothing was")]
)
def test_on_a_terminal_it_is_asked_whether_what_is_needed_may_come(
    giving: World, installed: Path, answer: str, last: str
) -> None:
    clone = giving.clone()
    before = giving.fork.refs("refs")
    terminal = Terminal(["git-poolside-upstream", "French", "--no-fetch"], clone.path, os.environ)
    try:
        asked = terminal.until(lambda lines: lines[-1:] == ["Offer what is needed too? [y/N]"])
        assert [line.strip() for line in asked if line][-3:-1] == [
            f"{find(clone, 'Speak French (#7)')[:9]} Speak French (#7) does not apply by itself",
            "b.py",
        ]
        assert giving.fork.refs("refs") == before
        terminal.type(answer if answer == "\x04" else f"{answer}\n")
        said = terminal.until(lambda lines: any(line.startswith(last) for line in lines))
    finally:
        terminal.close()
    assert any(line.startswith(last) for line in said), said
    assert ("refs/heads/upstream/speak-french" in giving.fork.refs("refs")) == (answer == "y")


def test_what_is_needed_comes_along_and_nothing_else(giving: World, poolside: Run) -> None:
    clone = giving.clone()
    result = poolside(clone, "upstream", "French", "--with-dependencies", "--json")
    said = json.loads(result.out)
    assert result.status == 0, result.err
    assert [(patch["subject"], patch["needed"], patch["pick"]) for patch in said["patches"]] == [
        ("Spell five out", True, False),
        ("Speak French (#7)", False, False),
    ]
    assert (said["branch"], said["before"], said["pushed"]) == ("upstream/speak-french", None, True)
    assert offered(giving, "speak-french") == ["Spell five out", "Speak French (#7)"]
    assert giving.fork.git("log", "-1", "--format=%B", "upstream/speak-french") == (
        "Speak French (#7)\n\nIt is nicer.\n\nSigned-off-by: Pat Cher <pat@poolside.example>"
    )
    assert giving.fork.git("diff", "--name-only", "main", "upstream/speak-french") == "b.py"


def test_a_pick_that_is_needed_is_told_of_and_a_newer_base_does_without(giving: World, poolside: Run) -> None:
    clone = giving.clone()
    pick = find(clone, "Speed up relu (#11)")[:9]
    refused = poolside(clone, "upstream", "Tune relu")
    assert (refused.status, refused.err.splitlines()[0]) == (
        1,
        f"note: {pick} Speed up relu (#11) is a pick, which upstream has by now: --onto upstream/main does without",
    )
    result = poolside(clone, "upstream", "Tune relu", "--onto", "upstream/main")
    assert result.status == 0, result.err
    assert offered(giving, "tune-relu", giving.upstream.rev("main")) == ["Tune relu"]
    assert giving.fork.rev("upstream/tune-relu^") == giving.upstream.rev("main")


def test_a_pick_that_comes_along_has_upstreams_own_message(giving: World, poolside: Run) -> None:
    clone = giving.clone()
    result = poolside(clone, "upstream", "Tune relu", "--with-dependencies")
    assert result.status == 0, result.err
    assert offered(giving, "tune-relu") == ["Speed up relu (#11)", "Tune relu"]
    picked = giving.upstream.git("log", "-1", "--format=%B", "main~1")
    assert giving.fork.git("log", "-1", "--format=%B", "upstream/tune-relu^") == picked


def test_the_changes_file_stays_the_forks_own(giving: World, poolside: Run) -> None:
    clone = giving.clone()
    result = poolside(clone, "upstream", "Add d")
    assert result.err == (
        f"note: poolside-changes.md is the fork's own: left out of {find(clone, 'Add d')[:9]} Add d\n"
    )
    assert giving.fork.git("diff", "--name-only", "main", "upstream/add-d") == "d.py"
    giving.patch({"poolside-changes.md": "# Theirs\n"}, "Reword the summary\n")
    clone.git("pull", "-q")
    nothing = poolside(clone, "upstream", "Reword")
    assert (nothing.status, nothing.err.splitlines()[0]) == (
        1,
        f"error: {clone.rev('HEAD')[:9]} Reword the summary changes nothing but poolside-changes.md, "
        "so there is nothing to offer",
    )


def test_several_patches_go_in_the_order_of_the_stack(giving: World, poolside: Run) -> None:
    clone = giving.clone()
    result = poolside(clone, "upstream", "French", "End c", "Spell five")
    assert result.status == 0, result.err
    assert offered(giving, "speak-french") == ["Spell five out", "End c", "Speak French (#7)"]


@pytest.mark.parametrize("shape", ["bare", "linked", "another branch"])
def test_P7_it_works_from_anywhere(giving: World, poolside: Run, shape: str) -> None:
    clone = giving.clone()
    where = clone
    if shape == "bare":
        clone.git("config", "core.bare", "true")
        where = Repo(clone.path / ".git", clone.env)
    elif shape == "linked":
        clone.git("worktree", "add", "-q", "--detach", "../linked", "origin/main")
        where = Repo(giving.root / "linked", clone.env)
    else:
        clone.git("checkout", "-q", "--detach", "origin/main")
    before = where.git("rev-parse", "HEAD")
    result = poolside(where, "upstream", "End c")
    assert (result.status, offered(giving, "end-c")) == (0, ["End c"]), result.err
    assert where.git("rev-parse", "HEAD") == before


# Which patch


def test_a_pick_is_not_offered(giving: World, poolside: Run) -> None:
    clone = giving.clone()
    result = poolside(clone, "upstream", "Speed up relu")
    pick = find(clone, "Speed up relu (#11)")[:9]
    assert (result.status, result.err.splitlines()[0]) == (
        1,
        f"error: {pick} Speed up relu (#11) is a pick, so upstream has it already",
    )


def test_what_upstream_has_by_now_is_not_offered(giving: World, poolside: Run) -> None:
    giving.land({"c.py": TEN + "end\n"}, "End c otherwise", 13)
    clone = giving.clone()
    result = poolside(clone, "upstream", "End c", "--onto", "upstream/main")
    assert (result.status, result.err.splitlines()[0]) == (
        1,
        f"error: {find(clone, 'End c')[:9]} End c changes nothing on {giving.upstream.rev('main')[:9]} (2025-06-15): "
        "upstream has it already",
    )


def test_what_does_not_apply_names_the_commits_of_upstreams(giving: World, poolside: Run) -> None:
    giving.land({"c.py": TEN + "other end\n"}, "End c otherwise", 13)
    clone = giving.clone()
    result = poolside(clone, "upstream", "End c", "--onto", "upstream/main")
    main = giving.upstream.rev("main")
    assert (result.status, result.out) == (1, "")
    assert result.err.splitlines() == [
        f"error: {find(clone, 'End c')[:9]} End c does not apply to {main[:9]} (2025-06-15), with all that is below "
        "it either",
        "  CONFLICT (content): Merge conflict in c.py",
        "upstream changed the same since:",
        f"  {main[:9]} End c otherwise (#13)",
        "hint: git poolside sync   (brings the stack there first, and stops for you to resolve it)",
    ]


def test_a_base_has_to_be_on_upstreams_branch(giving: World, poolside: Run) -> None:
    clone = giving.clone()
    result = poolside(clone, "upstream", "End c", "--onto", "HEAD")
    assert (result.status, result.err) == (
        1,
        f"error: {clone.rev('HEAD')[:9]} is not on upstream's branch\n"
        "hint: git poolside upstream PATCH --onto upstream/main   (upstream's newest)\n",
    )


# Which branch


@pytest.mark.parametrize("name", ["main", "poolside-main", "Poolside-Main", "poolside-cherry-picks"])
def test_no_layer_can_be_named(giving: World, poolside: Run, name: str) -> None:
    clone = giving.clone()
    before = giving.fork.refs("refs")
    result = poolside(clone, "upstream", "End c", "--branch", name)
    assert (result.status, result.err.splitlines()[0]) == (
        1,
        f"error: '{name}' is a layer of the fork, which no proposal may replace",
    )
    assert giving.fork.refs("refs") == before


@pytest.mark.parametrize(
    "name", ["--mirror", "-x", "a..b", "a b", "HEAD", "refs/heads/main", "", "x.lock", "a\x1b[31m"]
)
def test_P13_a_name_has_to_be_a_branchs(giving: World, poolside: Run, name: str) -> None:
    clone = giving.clone()
    result = poolside(clone, "upstream", "End c", f"--branch={name}")
    assert result.status == 1
    assert "is no name for a branch" in result.err and "\x1b" not in result.err


def test_a_patch_that_was_reworded_keeps_its_branch(giving: World, poolside: Run) -> None:
    clone = giving.clone()
    poolside(clone, "upstream", "Add d")
    first = giving.fork.rev("upstream/add-d")
    (clone.path / "d.py").write_text("d, mended\n")
    clone.git("commit", "-qam", "Add d, whole\n", "--amend")
    result = poolside(clone, "upstream", "Add d, whole")
    second = giving.fork.rev("upstream/add-d")
    assert result.out.splitlines()[-1] == f"Pushed 'upstream/add-d' to 'origin': {first[:9]} -> {second[:9]}"
    assert (offered(giving, "add-d"), giving.fork.show(second, "d.py")) == (["Add d, whole"], "d, mended\n")


def test_S5_another_patch_with_the_same_subject_gets_another_branch(giving: World, poolside: Run) -> None:
    giving.patch({"e.py": "e\n"}, "End c\n", "Ann Other <ann@poolside.example>")
    clone = giving.clone()
    lower, upper = clone.rev("HEAD~4"), clone.rev("HEAD")
    for patch in (lower, upper):
        assert poolside(clone, "upstream", patch).status == 0
    assert giving.fork.git("diff", "--name-only", "main", "upstream/end-c") == "c.py"
    assert giving.fork.git("diff", "--name-only", "main", "upstream/end-c-2") == "e.py"


# Leases


def test_P1_a_branch_that_is_not_ours_is_left_alone(giving: World, poolside: Run) -> None:
    theirs = giving.commit(
        giving.fork, "upstream/end-c", {"x": "x\n"}, "Something else\n", parents=[giving.fork.rev("main")]
    )
    clone = giving.clone()
    result = poolside(clone, "upstream", "End c")
    assert (result.status, giving.fork.rev("upstream/end-c")) == (4, theirs)
    assert result.err.splitlines() == [
        "error: 'upstream/end-c' on 'origin' has commits and was not pushed from here:",
        f"  {theirs[:9]} Ann Author: Something else",
        f"hint: git show {theirs[:9]}   (take what is wanted of it into the patch)",
        f"hint: git poolside upstream PATCH --replace {theirs[:12]}   (then puts the patches in their place)",
        "hint: git poolside upstream PATCH --branch NAME   (leaves them alone)",
    ]
    replaced = poolside(clone, "upstream", "End c", "--replace", theirs[:12])
    assert (replaced.status, offered(giving, "end-c")) == (0, ["End c"])


def test_P1_a_reviewers_commit_on_our_branch_is_not_overwritten(giving: World, poolside: Run) -> None:
    clone = giving.clone()
    poolside(clone, "upstream", "End c")
    ours = giving.fork.rev("upstream/end-c")
    theirs = giving.commit(giving.fork, "upstream/end-c", {"c.py": TEN + "the end\n"}, "Apply the suggestion\n")
    clone.git("fetch", "-q", "origin")  # a background fetch is no lease
    clone.git("commit", "-q", "--amend", "--no-edit", "--date=2026-07-20T12:00:00Z")
    result = poolside(clone, "upstream", "End c")
    assert (result.status, giving.fork.rev("upstream/end-c")) == (4, theirs)
    assert f"  {theirs[:9]} Ann Author: Apply the suggestion" in result.err.splitlines()
    assert ours[:9] not in result.err
    wrong = poolside(clone, "upstream", "End c", "--replace", ours)
    assert (wrong.status, giving.fork.rev("upstream/end-c")) == (4, theirs)


def test_P1_a_message_that_a_reviewer_mended_is_not_overwritten(giving: World, poolside: Run) -> None:
    clone = giving.clone()
    poolside(clone, "upstream", "End c")
    reviewer = giving.clone("reviewer")
    reviewer.git("checkout", "-q", "upstream/end-c")
    reviewer.git("commit", "-q", "--amend", "-m", "End c, as agreed")
    reviewer.git("push", "-q", "--force")
    theirs = reviewer.rev("HEAD")
    result = poolside(clone, "upstream", "End c", "--onto", "upstream/main")
    assert (result.status, giving.fork.rev("upstream/end-c")) == (4, theirs)
    assert f"  {theirs[:9]} Pat Cher: End c, as agreed" in result.err.splitlines()


def test_another_clone_goes_on_with_a_branch_that_holds_the_same(giving: World, poolside: Run) -> None:
    poolside(giving.clone(), "upstream", "End c")
    other = giving.clone("other")
    assert poolside(other, "upstream", "End c").out.splitlines()[-1] == "'origin' has it so already."
    result = poolside(other, "upstream", "End c", "--onto", "upstream/main")
    assert (result.status, giving.fork.rev("upstream/end-c^")) == (0, giving.upstream.rev("main"))


def test_nothing_is_pushed_to_upstream(giving: World, poolside: Run) -> None:
    clone = giving.clone()
    clone.git("config", "remote.origin.pushurl", giving.upstream.path.as_uri())
    before = giving.upstream.refs("refs")
    result = poolside(clone, "upstream", "End c")
    assert (result.status, result.err.splitlines()[0]) == (
        1,
        "error: 'origin' pushes to where 'upstream' is, and nothing is ever pushed to upstream",
    )
    assert giving.upstream.refs("refs") == before


# The log


def test_it_is_in_the_log_and_undo_leaves_it_alone(giving: World, poolside: Run) -> None:
    clone = giving.clone()
    poolside(clone, "upstream", "End c", "--onto", "upstream/main")
    lines = poolside(clone, "log").out.splitlines()
    assert lines[0].endswith("  upstream 'End c' --onto upstream/main")
    assert lines[1:] == ["    pushed upstream/end-c"]
    undone = poolside(clone, "undo")
    assert (undone.status, undone.err.splitlines()[0]) == (1, "error: there is no operation to take back")
    assert "upstream/end-c" in " ".join(giving.fork.refs())


def test_a_dry_run_changes_nothing(giving: World, poolside: Run) -> None:
    clone = giving.clone()
    poolside(clone, "status", "--fetch")
    before = clone.refs("refs"), giving.fork.refs("refs")
    result = poolside(clone, "upstream", "French", "-n")
    assert result.status == 0
    assert result.out.splitlines()[-1].startswith("Would push 'upstream/speak-french' to 'origin': new -> ")
    assert (clone.refs("refs"), giving.fork.refs("refs")) == before


def test_S8_bytes_and_encodings_stay(giving: World, poolside: Run) -> None:
    clone = giving.clone()
    body = b"Gr\xfc\xdfe: end b\n\n---\ndiff --git a/x b/x\n\nPoolside-Ticket: 3"
    tree = clone.tree({"b.py": TEN + "end\n"}, "poolside-main")
    made = clone.git(
        "-c", "i18n.commitEncoding=ISO-8859-1", "commit-tree", tree, "-p", "poolside-main", input=body,
        env={"GIT_AUTHOR_DATE": "1785585600 -0730"},
    )  # fmt: skip
    clone.git("update-ref", "refs/heads/poolside-main", made)
    result = poolside(clone, "upstream", made)
    assert result.status == 0, result.err
    raw = giving.fork.git("cat-file", "commit", "upstream/grue-end-b")
    assert raw.split("\n\n", 1)[1] == "Gr\udcfc\udcdfe: end b\n\n---\ndiff --git a/x b/x"
    assert "encoding ISO-8859-1" in raw and "1785585600 -0730" in raw


def test_S10_what_is_offered_is_signed_and_once(giving: World, poolside: Run, tmp_path: Path) -> None:
    clone = giving.clone()
    sign_with(clone, tmp_path)
    result = poolside(clone, "upstream", "French", "--with-dependencies")
    assert result.status == 0, result.err
    assert clone.git("log", "--format=%G? %s", "origin/main..origin/upstream/speak-french").splitlines() == [
        "G Speak French (#7)",
        "G Spell five out",
    ]
    clone.git("fsck", "--strict", "--no-dangling")
    again = poolside(clone, "upstream", "French", "--with-dependencies")
    assert again.out.splitlines()[-1] == "'origin' has it so already."
