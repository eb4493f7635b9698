"""``git poolside upstream --pull-request``: opened or renewed on a GitHub, and its number noted in the patches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import TEN, Run, copied
from tests.forge.fake import FakeGitHub, FakeRepository
from tests.scenario import PATTERN_FILE, Repo, Result, World
from tests.test_cherry_pick import cloned
from tests.test_upstream import CINQ, _giving, find, offered

ADDRESS = "https://github.com/pytorch/pytorch/pull"
TEMPLATE = "Fixes #ISSUE_NUMBER\n"


@pytest.fixture
def giving(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return copied(request, _giving, tmp_path / "world")


@pytest.fixture
def upstream(giving: World, github: FakeGitHub) -> FakeRepository:
    """Upstream on the forge, with some pull requests already; the fork is there too."""
    github.repository("poolsideai/pytorch", giving.fork.path, "poolside-main")
    made = github.repository("pytorch/pytorch", giving.upstream.path)
    made.issues.append({"number": 40, "state": "open", "title": "Slow", "body": "", "login": "x", "id": 1})
    return made


def message(clone: Repo, subject: str) -> str:
    return clone.git("log", "-1", "--format=%B", find(clone, subject))


def test_a_pull_request_is_opened_and_its_number_is_noted(
    giving: World, upstream: FakeRepository, github: FakeGitHub, poolside: Run
) -> None:
    giving.land({".github/PULL_REQUEST_TEMPLATE.md": TEMPLATE.replace("\n", "\r\n")}, "Ask for an issue", 14)
    clone = cloned(giving)
    (clone.path / "c.py").write_text("not committed\n")
    before = clone.git("status", "--porcelain"), clone.rev("poolside-main")
    result = poolside(clone, "upstream", "French", "--with-dependencies", "--pull-request", "--draft")
    assert result.status == 0, result.err
    base, tip, after = clone.rev("origin/main"), giving.fork.rev("upstream/speak-french"), clone.rev("poolside-main")
    assert result.out == (
        f"upstream/speak-french: 2 patches on upstream's {base[:9]} (2025-06-15)\n\n"
        f"  needed  {giving.fork.rev(f'{tip}^')[:9]} Spell five out\n"
        f"          {tip[:9]} Speak French (#7)\n\n"
        f"Pushed 'upstream/speak-french' to 'origin': new -> {tip[:9]}\n"
        f"Opened draft #41: {ADDRESS}/41\n"
        "Noted #41 in 2 patches:\n"
        f"  poolside-main  {before[1][:9]} -> {after[:9]}\n"
    )
    assert [(one["head"], one["base"], one["draft"]) for one in map(_asked, upstream.pulls)] == [
        ("poolsideai:upstream/speak-french", "main", True)
    ]
    assert upstream.pulls[0]["title"] == "Speak French"
    assert upstream.pulls[0]["body"] == (
        "### Spell five out\n\nWords are nicer.\n\n"
        "### Speak French\n\nIt is nicer.\n\nSigned-off-by: Pat Cher <pat@poolside.example>\n\nFixes #ISSUE_NUMBER"
    )
    assert message(clone, "Spell five out") == "Spell five out\n\nWords are nicer.\n\nPoolside-Upstream-Pull: 41"
    assert message(clone, "Speak French (#7)") == (
        "Speak French (#7)\n\nIt is nicer.\n\nPoolside-Ticket: 12\n"
        "Signed-off-by: Pat Cher <pat@poolside.example>\nPoolside-Upstream-Pull: 41"
    )
    assert clone.git("diff", before[1], after, "--stat") == ""
    assert clone.git("status", "--porcelain") == before[0]
    assert "Poolside-Upstream-Pull" not in giving.fork.git("log", "-2", "--format=%B", "upstream/speak-french")


def _asked(one: dict[str, object]) -> dict[str, object]:
    return {**one, "head": one["label"]}


def test_the_note_is_one_operation_and_undo_takes_it_back(
    giving: World, upstream: FakeRepository, poolside: Run
) -> None:
    clone = cloned(giving)
    before = clone.rev("poolside-main")
    poolside(clone, "upstream", "End c", "--pull-request")
    log = poolside(clone, "log").out.splitlines()
    assert [line.split("  ")[-1] for line in log if not line.startswith(" ")] == ["upstream 'End c' --pull-request"] * 2
    assert log[1:3] == [
        f"    noted    {find(clone, 'End c')[:9]} End c: offered upstream as #41",
        f"    poolside-main  {before[:9]} -> {clone.rev('poolside-main')[:9]}",
    ]
    result = poolside(clone, "undo")
    assert (result.status, clone.rev("poolside-main")) == (0, before), result.err
    assert upstream.pulls[0]["state"] == "open"
    assert offered(giving, "end-c") == ["End c"]
    again = poolside(clone, "upstream", "End c", "--pull-request")
    assert again.status == 0
    assert again.out.splitlines()[-3:-1] == [f"Open already: pull request #41: {ADDRESS}/41", "Noted #41 in 1 patch:"]
    assert len(upstream.pulls) == 1


def test_a_sync_recognises_the_landing_by_the_number(giving: World, upstream: FakeRepository, poolside: Run) -> None:
    clone = cloned(giving)
    poolside(clone, "upstream", "End c", "--pull-request")
    landed = giving.land({"c.py": giving.upstream.show("main", "c.py") + "the very end\n"}, "End c properly", 41)
    giving.nightly("2026-07-10")
    result = poolside(clone, "sync", "-n", "--json")
    said = {p["subject"]: p for layer in json.loads(result.out)["layers"] for p in layer["patches"]}
    assert (said["End c"]["verdict"], said["End c"]["upstream"]) == ("landed-tweaked", [landed])


def test_L4_a_pull_request_of_several_patches_that_landed_as_one_commit_is_recognised(
    giving: World, upstream: FakeRepository, poolside: Run
) -> None:
    """As a merge bot lands it: squashed. The sync drops the patches that were chosen, and those that came along."""
    clone = cloned(giving)
    poolside(clone, "upstream", "French", "--with-dependencies", "--pull-request")
    landed = giving.land({"b.py": CINQ}, "Speak French", 41)
    giving.nightly("2026-07-10")
    result = poolside(clone, "sync", "--json")
    said = {p["subject"]: p for layer in json.loads(result.out)["layers"] for p in layer["patches"]}
    assert [(said[name]["fate"], said[name]["verdict"], said[name]["upstream"]) for name in (
        "Spell five out", "Speak French (#7)",
    )] == [("dropped", "landed", [landed])] * 2  # fmt: skip
    assert clone.git("diff", "--name-only", "main", "poolside-main").split() == [
        PATTERN_FILE, "a.py", "c.py", "d.py", "poolside-changes.md",
    ]  # fmt: skip


def test_L6_a_pull_request_of_several_patches_that_was_reverted_is_kept(
    giving: World, upstream: FakeRepository, poolside: Run
) -> None:
    clone = cloned(giving)
    poolside(clone, "upstream", "French", "--with-dependencies", "--pull-request")
    giving.revert(giving.land({"b.py": CINQ}, "Speak French", 41), 41)
    giving.nightly("2026-07-10")
    result = poolside(clone, "sync", "--json")
    said = {p["subject"]: p for layer in json.loads(result.out)["layers"] for p in layer["patches"]}
    assert [said[name]["fate"] for name in ("Spell five out", "Speak French (#7)")] == ["kept", "kept"]


def test_L2_a_pull_request_of_several_patches_that_landed_otherwise_is_asked_about(
    giving: World, upstream: FakeRepository, poolside: Run
) -> None:
    clone = cloned(giving)
    poolside(clone, "upstream", "French", "--with-dependencies", "--pull-request")
    giving.land({"b.py": TEN.replace("line 5\n", "ligne V\n")}, "Speak French", 41)
    giving.nightly("2026-07-10")
    said = json.loads(poolside(clone, "sync", "-n", "--json").out)
    assert {snag["name"] for snag in said["snags"]} == {"landed-tweaked"}


def test_what_changed_goes_to_the_same_branch_and_pull_request(
    giving: World, upstream: FakeRepository, poolside: Run
) -> None:
    clone = cloned(giving)
    poolside(clone, "upstream", "Add d", "--pull-request")
    (clone.path / "d.py").write_text("d, mended\n")
    clone.git("commit", "-qa", "--amend", "-m", "Add d, whole\n\nIt was half.\n\nPoolside-Upstream-Pull: 41\n")
    tip = clone.rev("poolside-main")
    result = poolside(clone, "upstream", "Add d, whole", "--pull-request")
    assert result.status == 0, result.err
    assert result.out.splitlines()[-1] == f"Renewed pull request #41: {ADDRESS}/41"
    assert [(one["title"], one["body"]) for one in upstream.pulls] == [("Add d, whole", "It was half.")]
    assert giving.fork.show("upstream/add-d", "d.py") == "d, mended\n"
    assert clone.rev("poolside-main") == tip


def test_what_people_wrote_on_the_forge_stays(giving: World, upstream: FakeRepository, poolside: Run) -> None:
    clone = cloned(giving)
    poolside(clone, "upstream", "Spell five", "--pull-request")
    upstream.pulls[0] |= {"title": "Words, please", "body": "All reworded."}
    poolside(clone, "cherry-pick", "move", "Spell five", "--before", "build workflow")
    clone.git("checkout", "-q", "--detach", find(clone, "Spell five out"))
    clone.git("commit", "-q", "--amend", "-m", "Spell five in full\n\nWords are much nicer.\n")
    clone.git("rebase", "-q", "--onto", "HEAD", find(clone, "Spell five out"), "poolside-main")
    result = poolside(clone, "upstream", "in full", "--pull-request")
    assert result.status == 0, result.err
    assert [line for line in result.err.splitlines() if line.startswith("note: ")] == [
        "note: #41 keeps the title that people gave it",
        "note: #41 keeps the text that people gave it",
    ]
    assert (upstream.pulls[0]["title"], upstream.pulls[0]["body"]) == ("Words, please", "All reworded.")


def test_a_closed_pull_request_is_not_opened_again_but_followed(
    giving: World, upstream: FakeRepository, poolside: Run
) -> None:
    clone = cloned(giving)
    poolside(clone, "upstream", "End c", "--pull-request")
    upstream.pulls[0]["state"] = "closed"
    result = poolside(clone, "upstream", "End c", "--pull-request")
    assert (result.status, [one["state"] for one in upstream.pulls]) == (0, ["closed", "open"]), result.err
    assert message(clone, "End c") == "End c\n\nPoolside-Upstream-Pull: 42"


# What the forge refuses


def test_no_token_refuses_before_anything_is_pushed(
    giving: World, upstream: FakeRepository, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GH_TOKEN")
    monkeypatch.setenv("PATH", _without_gh(giving))
    clone = cloned(giving)
    before = giving.fork.refs("refs")
    result = poolside(clone, "upstream", "End c", "--pull-request")
    assert (result.status, result.err.splitlines()[0].startswith("error: there is no token for ")) == (1, True)
    assert giving.fork.refs("refs") == before


def _without_gh(world: World) -> str:
    """A PATH with git and a shell alone."""
    folder = world.root / "few"
    folder.mkdir()
    for name in ("git", "sh", "stdbuf"):
        found = next(Path(one) / name for one in ("/usr/local/bin", "/usr/bin", "/bin") if (Path(one) / name).exists())
        (folder / name).symlink_to(found)
    return str(folder)


def test_one_that_exists_already_is_taken(
    giving: World, upstream: FakeRepository, github: FakeGitHub, poolside: Run
) -> None:
    """The list does not have it yet when it is asked first: GitHub's own word is the 422."""
    clone = cloned(giving)
    poolside(clone, "upstream", "End c", "--pull-request")
    poolside(clone, "undo")
    github.fault("GET", "/repos/pytorch/pytorch/pulls$", 200, body=[])
    result = poolside(clone, "upstream", "End c", "--pull-request")
    assert result.status == 0, result.err
    assert f"Open already: pull request #41: {ADDRESS}/41" in result.out
    assert len(upstream.pulls) == 1
    assert message(clone, "End c") == "End c\n\nPoolside-Upstream-Pull: 41"


def test_a_branch_with_nothing_new_opens_none(
    giving: World, upstream: FakeRepository, github: FakeGitHub, poolside: Run
) -> None:
    clone = cloned(giving)
    poolside(clone, "upstream", "End c")
    giving.upstream.git("fetch", "-q", str(giving.fork.path), "upstream/end-c")
    giving.upstream.git("update-ref", "refs/heads/main", "FETCH_HEAD")
    result = poolside(clone, "upstream", "End c", "--pull-request", "--no-fetch")
    assert (result.status, upstream.pulls) == (1, [])
    assert result.err.splitlines()[0] == (
        "error: upstream's 'main' holds all that 'upstream/end-c' has, so there is nothing to open"
    )


def test_an_answer_that_is_lost_is_looked_for(
    giving: World, upstream: FakeRepository, github: FakeGitHub, poolside: Run
) -> None:
    clone = cloned(giving)
    github.fault("POST", "/repos/pytorch/pytorch/pulls$", cut="after")
    result = poolside(clone, "upstream", "End c", "--pull-request")
    assert result.status == 0, result.err
    assert (len(upstream.pulls), github.asked("POST")) == (1, ["POST /repos/pytorch/pytorch/pulls"])
    assert message(clone, "End c") == "End c\n\nPoolside-Upstream-Pull: 41"


def test_a_forge_that_fails_leaves_the_branch_and_the_same_command_goes_on(
    giving: World, upstream: FakeRepository, github: FakeGitHub, poolside: Run
) -> None:
    clone = cloned(giving)
    github.fault("POST", "/pulls$", 403, body={"message": "Resource not accessible by personal access token"})
    result = poolside(clone, "upstream", "End c", "--pull-request")
    assert (result.status, offered(giving, "end-c"), upstream.pulls) == (5, ["End c"], [])
    again = poolside(clone, "upstream", "End c", "--pull-request", "--json")
    said = json.loads(again.out)
    assert (again.status, said["pushed"], said["pull"]["number"], len(said["noted"])) == (0, False, 41, 1)


def test_a_number_that_cannot_be_noted_now_is_told(giving: World, upstream: FakeRepository, poolside: Run) -> None:
    clone = cloned(giving)
    poolside(clone, "changes", "--write")
    (clone.path / "poolside-changes.md").write_text("my own words\n")
    tip = clone.rev("poolside-main")
    result = poolside(clone, "upstream", "End c", "--pull-request")
    assert (result.status, clone.rev("poolside-main"), len(upstream.pulls)) == (0, tip, 1), result.err
    assert "warning: #41 is not noted in the stack yet: " in result.err
    assert "hint: the same command notes it, when that is mended" in result.err.splitlines()
    clone.git("checkout", "poolside-changes.md")
    assert "Noted #41 in 1 patch:" in poolside(clone, "upstream", "End c", "--pull-request").out


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".github/pull_request_template.md", "lower"),
        ("PULL_REQUEST_TEMPLATE.md", "root"),
        ("docs/Pull_Request_Template.txt", "docs"),
        (".github/PULL_REQUEST_TEMPLATE/bug.md", None),
    ],
)
def test_upstreams_template_is_found_where_github_finds_it(
    giving: World, upstream: FakeRepository, poolside: Run, path: str, text: str | None
) -> None:
    giving.land({path: f"{text}\n"}, "Add a template", 14)
    clone = cloned(giving)
    poolside(clone, "upstream", "End c", "--pull-request")
    assert upstream.pulls[0]["body"] == (text or "")


# The list


def states(result: Result) -> list[tuple[str | None, int | None, str]]:
    return [(one["branch"], one["pull"], one["state"]) for one in json.loads(result.out)["proposals"]]


def test_the_list_says_what_became_of_each(
    giving: World, upstream: FakeRepository, github: FakeGitHub, poolside: Run
) -> None:
    clone = cloned(giving)
    assert poolside(clone, "upstream", "--list").out == "Nothing was offered upstream yet.\n"
    poolside(clone, "upstream", "Add d")
    poolside(clone, "upstream", "End c", "--pull-request", "--draft")
    poolside(clone, "upstream", "Spell five", "--pull-request")
    landed = giving.land({"b.py": giving.fork.show("poolside-main~4", "b.py")}, "Spell five out", 42)
    clone.git("commit", "-q", "--amend", "-m", "Add d\n\nPoolside-Upstream-Pull: 9\n")
    upstream.pulls.append({**upstream.pulls[0], "number": 9, "state": "closed", "label": "someone:else", "id": 9})
    (clone.path / "d.py").write_text("d, mended\n")
    clone.git("commit", "-qa", "--amend", "--no-edit")
    result = poolside(clone, "upstream", "--list")
    assert result.status == 0, result.err
    assert result.out == (
        "3 proposals\n"
        "  #9   closed  Add d\n"
        "       upstream/add-d\n"
        f"       {ADDRESS}/9\n"
        "       the patch has changed since it was pushed: offer it again\n"
        "  #41  draft   End c\n"
        "       upstream/end-c\n"
        f"       {ADDRESS}/41\n"
        "  #42  landed  Spell five out\n"
        "       upstream/spell-five-out\n"
        f"       as {landed[:9]} Spell five out (#42) (2025-06-15)\n"
    )
    github.fault("GET", "/pulls/", 500, body={}, times=9)
    offline = poolside(clone, "upstream", "--list", "--json")
    assert states(offline) == [
        ("upstream/add-d", 9, "offered"),
        ("upstream/end-c", 41, "offered"),
        ("upstream/spell-five-out", 42, "landed"),
    ]
    assert "note: the states of pull requests are not known: " in offline.err


def test_L6_a_landing_that_upstream_took_back_is_reverted(
    giving: World, upstream: FakeRepository, poolside: Run
) -> None:
    clone = cloned(giving)
    poolside(clone, "upstream", "End c", "--pull-request")
    landed = giving.land({"c.py": giving.fork.show("poolside-main~3", "c.py")}, "End c", 41)
    revert = giving.revert(landed, 41, "it is too long")
    said = poolside(clone, "upstream", "--list").out.splitlines()
    assert said[1] == "  #41  reverted  End c"
    assert said[3:] == [
        f'       by {revert[:9]} Revert "End c (#41)" (2025-06-15): it is too long',
    ]


def test_another_clone_lists_by_the_trailers_alone(giving: World, upstream: FakeRepository, poolside: Run) -> None:
    clone = cloned(giving)
    poolside(clone, "upstream", "End c", "--pull-request")
    clone.git("push", "-q", "--force", "origin", "poolside-main")
    other = giving.clone("other")
    assert states(poolside(other, "upstream", "--list", "--json")) == [(None, 41, "open")]
    assert states(poolside(other, "upstream", "--list", "--json", "--no-fetch")) == [(None, 41, "offered")]
    assert poolside(other, "upstream", "--list", "End c").status == 129


def test_S5_patches_of_one_author_and_moment_are_told_apart(giving: World, poolside: Run) -> None:
    clone = cloned(giving)
    for name in ("one", "two"):
        (clone.path / name).write_text(f"{name}\n")
        clone.git("add", name)
        clone.git("commit", "-qm", f"Add {name}")
    assert poolside(clone, "upstream", "Add two").status == 0
    assert poolside(clone, "upstream", "Add one").status == 0
    listed = poolside(clone, "upstream", "--list", "--no-fetch").out.splitlines()
    assert listed == [
        "2 proposals", "  -  pushed  Add one", "       upstream/add-one", "  -  pushed  Add two",
        "       upstream/add-two",
    ]  # fmt: skip
