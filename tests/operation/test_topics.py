"""The open pull requests that a push has left on an earlier stack, as GitHub knows them (P14)."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tests.conftest import Run
from tests.forge.fake import FakeGitHub, FakeRepository
from tests.scenario import Repo, World
from tests.test_pull import commit, topic
from tests.test_pull_request import _without_gh


@pytest.fixture
def fork(simple: World, github: FakeGitHub) -> FakeRepository:
    return github.repository("poolsideai/pytorch", simple.fork.path, "poolside-main")


def open_pull(github: FakeGitHub, fork: FakeRepository, label: str, base: str = "poolside-main") -> int:
    """A pull request into the fork, as somebody opened it on the forge; its number."""
    made = {
        "id": github.id(), "number": len(fork.pulls) + 1, "state": "open", "title": label, "body": None, "draft": False,
        "label": label, "base": base, "merged_at": None, "login": "pat", "created": "2026-08-01T12:00:00Z",
    }  # fmt: skip
    fork.pulls.append(made)
    return len(fork.pulls)


def colleague(world: World) -> Repo:
    """Somebody's clone with a branch ``far`` that is pushed, and one in a repository of their own."""
    other = world.clone("other")
    topic(other, "far")
    other.git("push", "-q", "origin", "far")
    return other


def listed(poolside: Run, clone: Repo) -> tuple[list[str], list[str]]:
    """What a sync and a push say about what was left behind, and which commands they name for it."""
    poolside(clone, "sync")
    result = poolside(clone, "push")
    assert result.status == 0, result.err
    _, _, behind = result.out.partition("\nStill on an earlier stack:\n")
    hints = [line.removeprefix("hint: ") for line in result.err.splitlines() if line.startswith("hint: ")]
    return behind.splitlines(), hints


def test_P14_open_pull_requests_on_the_old_stack_are_listed_with_the_way(
    simple: World, fork: FakeRepository, github: FakeGitHub, poolside: Run
) -> None:
    clone = simple.clone()
    topic(clone, "one")
    clone.git("push", "-q", "origin", "one")
    other = colleague(simple)  # whose branch this clone has not fetched
    theirs = github.repository("sam/pytorch", simple.root / "theirs.git")
    other.git("clone", "-q", "--bare", str(other.path), str(simple.root / "theirs.git"))
    topic(other, "fix")
    other.git("push", "-q", str(simple.root / "theirs.git"), "fix")
    other.git("push", "-q", "origin", "fix:refs/pull/3/head")
    other.git("push", "-q", "origin", "origin/main:refs/heads/apart")
    for label in ("poolsideai:one", "poolsideai:far", "sam:fix", "poolsideai:apart"):
        open_pull(github, fork, label)
    open_pull(github, fork, "poolsideai:far", base="elsewhere")
    assert theirs.tip("fix") == simple.fork.rev("refs/pull/3/head")
    behind, hints = listed(poolside, clone)
    assert behind == [
        "  one      1 commit  pull request #1",
        "  sam:fix  1 commit  of another repository, pull request #3",
        "  far      1 commit  on the server, pull request #2",
    ]
    assert hints == [
        "git poolside pull one   (moves it onto the new one)",
        "git fetch origin pull/3/head:pull-3 && git switch pull-3 && git poolside pull",
        "git fetch origin && git switch far && git poolside pull",
    ]
    assert github.asked() == ["GET /repos/poolsideai/pytorch/pulls"]
    for line in hints[1:]:
        for step in line.split(" && "):
            words = step.split()[1:]
            if words[0] == "poolside":
                assert poolside(clone, *words[1:]).status == 0
            else:
                clone.git(*words)
    assert clone.subjects("poolside-main..pull-3") == ["Work on fix"]
    assert clone.subjects("poolside-main..far") == ["Work on far"]


def test_P14_json_and_the_summary_of_a_run_name_the_pull_request(
    simple: World, fork: FakeRepository, github: FakeGitHub, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = simple.root / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    clone = simple.clone()
    colleague(simple)
    number = open_pull(github, fork, "poolsideai:far")
    said = json.loads(poolside(clone, "sync", "--push", "--json").out)
    assert said["topics"] == [{"branch": "far", "here": False, "commits": 1, "pull": number}]
    assert f"\nStill on an earlier stack:\n\n- `far`, pull request {number}\n" in summary.read_text()


@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"status": 401}, {"status": 403, "headers": {"retry-after": "60"}}, {"cut": "before"},
     {"status": 200, "body": {"no": "list"}}, {"status": 200, "body": [{"number": 1}]}],
    ids=lambda fault: " ".join(map(str, fault.values())),
)  # fmt: skip
def test_a_forge_that_fails_neither_fails_the_push_nor_delays_it(
    simple: World, fork: FakeRepository, github: FakeGitHub, poolside: Run, fault: Mapping[str, object]
) -> None:
    clone = simple.clone()
    topic(clone, "one")
    colleague(simple)
    open_pull(github, fork, "poolsideai:far")
    github.fault("GET", "pulls", **{"body": {"message": "No"}, **fault})  # type: ignore[arg-type]
    assert listed(poolside, clone)[0] == ["  one  1 commit"]
    assert (github.asked(), github.slept) == (["GET /repos/poolsideai/pytorch/pulls"], [])


def test_a_forge_that_does_not_answer_is_not_waited_for(
    simple: World, fork: FakeRepository, github: FakeGitHub, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("git_poolside.operation.topics._HASTE", (1.0, 0.1))
    clone = simple.clone()
    topic(clone, "one")
    github.fault("GET", "pulls", hang=True)
    assert listed(poolside, clone)[0] == ["  one  1 commit"]


def test_without_a_token_or_with_nothing_replaced_nobody_is_asked(
    simple: World, fork: FakeRepository, github: FakeGitHub, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = simple.clone()
    commit(clone, "mine.txt", "mine\n", "My patch")
    assert poolside(clone, "push").status == 0
    monkeypatch.delenv("GH_TOKEN")
    monkeypatch.setenv("PATH", _without_gh(simple))
    assert listed(poolside, clone) == ([], [])
    assert github.asked() == []
