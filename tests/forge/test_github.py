"""The operations, each against the fake's memory."""

from __future__ import annotations

from typing import Any

import pytest

from git_poolside.forge.failures import ApiFailed
from git_poolside.forge.github import Repository
from git_poolside.forge.http import Client
from git_poolside.forge.tokens import Forge, Token
from tests.conftest import TEN
from tests.forge.fake import Account, FakeGitHub
from tests.scenario import PATTERN_FILE, World

FORK, UPSTREAM = "poolsideai/pytorch", "pytorch/pytorch"
FILE = "poolside-nightly-build.yaml"


def asked(github: FakeGitHub, name: str) -> Repository:
    return Repository(Client(Forge("github.com", github.url), Token(github.token, "GH_TOKEN"), github_waits), name)


def github_waits(seconds: float, why: str) -> None:
    raise AssertionError(f"waited {seconds} s: {why}")


@pytest.fixture
def fork(github: FakeGitHub, simple: World) -> Repository:
    """The fork of the simple world; upstream is there too."""
    github.repository(FORK, simple.fork.path, "poolside-main")
    github.repository(UPSTREAM, simple.upstream.path)
    return asked(github, FORK)


def test_a_repository_and_what_the_token_may_do(github: FakeGitHub, fork: Repository) -> None:
    info = fork.info()
    assert (info.full_name, info.default_branch, info.may_push) == (FORK, "poolside-main", True)
    assert info.scopes == frozenset({"repo", "workflow"})
    github.accounts[github.token] = Account("pat", scopes=None)
    assert fork.info().scopes is None


def test_the_account_of_a_token(github: FakeGitHub, fork: Repository) -> None:
    assert fork.login() == "pat"
    github.accounts[github.token] = Account("github-actions[bot]", scopes=None)
    assert fork.login() is None


def test_a_pull_request_is_opened_found_and_updated(github: FakeGitHub, fork: Repository, simple: World) -> None:
    upstream = asked(github, UPSTREAM)
    simple.fork.git("branch", "fix-index", "poolside-main")
    head = "poolsideai:fix-index"
    assert upstream.pulls(head) == []
    made = upstream.create_pull(head=head, base="main", title="Use our index", body="It is faster.", draft=True)
    assert (made.number, made.state, made.draft, made.head, made.base) == (1, "open", True, head, "main")
    assert made.tip == simple.fork.rev("fix-index")
    assert upstream.pulls(head) == [made] == [upstream.pull(1)]
    with pytest.raises(ApiFailed) as caught:
        upstream.create_pull(head=head, base="main", title="Again", body="")
    assert caught.value.names("A pull request already exists for poolsideai:fix-index.")
    changed = upstream.update_pull(1, title="Use another index", state="closed")
    assert (changed.title, changed.state, changed.merged) == ("Use another index", "closed", False)
    assert upstream.pulls(head) == [changed]


def test_a_pull_request_without_commits_is_refused(github: FakeGitHub, fork: Repository, simple: World) -> None:
    simple.fork.git("branch", "nothing", "main")
    with pytest.raises(ApiFailed) as caught:
        fork.create_pull(head="poolsideai:nothing", base="main", title="Nothing", body="")
    assert caught.value.message == (
        "github.com refused to open a pull request: Validation Failed\n  No commits between main and nothing"
    )
    assert caught.value.hints == ("nothing is left to propose: upstream has these commits",)


def test_an_issue_is_opened_found_commented_and_closed(github: FakeGitHub, fork: Repository) -> None:
    made = fork.create_issue(title="Sync stopped", body="at a patch", labels=("sync",))
    fork.create_issue(title="Other", body="")
    assert list(fork.issues(labels="sync")) == [made]
    fork.comment(made.number, "still")
    fork.update_issue(made.number, body="at another patch", state="closed", state_reason="completed")
    assert [issue.title for issue in fork.issues()] == ["Other"]
    closed = next(issue for issue in fork.issues(state="all") if issue.number == made.number)
    assert (closed.state, closed.body) == ("closed", "at another patch")
    assert github.repositories[FORK].comments == [(1, "still")]


def test_pull_requests_are_no_issues(github: FakeGitHub, fork: Repository, simple: World) -> None:
    simple.fork.git("branch", "fix", "poolside-main")
    fork.create_pull(head="poolsideai:fix", base="main", title="Fix", body="")
    assert list(fork.issues()) == []


def test_a_workflow_is_dispatched_and_runs(github: FakeGitHub, fork: Repository, simple: World) -> None:
    workflow = fork.workflow(FILE)
    assert (workflow.path, workflow.state) == (PATTERN_FILE, "active")
    number = fork.dispatch(FILE, "poolside-main", {})
    assert number is not None
    run, now = fork.run(number)
    assert (run.status, run.event, run.branch, run.actor) == ("queued", "workflow_dispatch", "poolside-main", "pat")
    assert (run.head, run.created, now) == (simple.fork.rev("poolside-main"), github.now, github.now)
    github.repositories[FORK].runs[0].plan.artifacts = ("torch-2.9.0-cp312.whl",)
    github.sleep(10)
    assert fork.run(number)[0].status == "in_progress"
    job = fork.jobs(number)[0]
    assert [(step.name, step.status) for step in job.steps] == [
        ("Check out", "in_progress"), ("Build the wheel", "queued"),
    ]  # fmt: skip
    assert fork.artifacts(number) == []
    github.sleep(600)
    run, _ = fork.run(number)
    assert (run.is_over, run.conclusion) == (True, "success")
    assert [artifact.name for artifact in fork.artifacts(number)] == ["torch-2.9.0-cp312.whl"]
    assert list(fork.runs(FILE, event="workflow_dispatch", branch="poolside-main", head_sha=run.head)) == [run]
    assert list(fork.runs(FILE, branch="main")) == []


def test_a_server_that_knows_no_run_details_is_asked_without(github: FakeGitHub, fork: Repository) -> None:
    github.repositories[FORK].run_details = False
    assert fork.dispatch(FILE, "poolside-main", {}) is None
    assert [one.body for one in github.seen if one.method == "POST"] == [
        {"ref": "poolside-main", "inputs": {}, "return_run_details": True},
        {"ref": "poolside-main", "inputs": {}},
    ]
    assert len(github.repositories[FORK].runs) == 1


def test_a_server_that_says_400_to_the_word_is_asked_without_too(github: FakeGitHub, fork: Repository) -> None:
    github.fault("POST", "/dispatches", 400, body={"message": "Unknown key: return_run_details"})
    assert fork.dispatch(FILE, "poolside-main", {}) is None
    github.fault("POST", "/dispatches", 400, body={"message": "Problems parsing JSON"})
    with pytest.raises(ApiFailed):
        fork.dispatch(FILE, "poolside-main", {})
    assert [len(one.body) for one in github.seen if one.method == "POST"] == [3, 2, 3]


def test_a_failed_step_ends_its_job(github: FakeGitHub, fork: Repository) -> None:
    github.repositories[FORK].plan.jobs = {"build": [("Build", 10, "failure"), ("Upload", 10, "success")]}
    number = fork.dispatch(FILE, "poolside-main", {})
    assert number is not None
    github.sleep(60)
    assert fork.run(number)[0].conclusion == "failure"
    assert [step.conclusion for step in fork.jobs(number)[0].steps] == ["failure", "skipped"]


INPUTS = "git poolside publish --input NAME=VALUE   (or set inputs under [publish] in .poolside.toml)"
TEXTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no branch": (
        {"ref": "gone"}, "No ref found for: gone", "git poolside push   (the branch is not on the server)",
    ),
    "no trigger": (
        {"ref": "main"}, "Workflow does not have 'workflow_dispatch' trigger",
        "add workflow_dispatch: below the file's on:, commit and push that",
    ),
    "unknown input": ({"inputs": {"colour": "red"}}, 'Unexpected inputs provided: ["colour"]', INPUTS),
    "missing input": ({"inputs": {}}, "Required input 'reason' not provided", INPUTS),
    "no choice": (
        {"inputs": {"reason": "x", "publish": "maybe"}},
        "Provided value 'maybe' for input 'publish' not in the list of allowed values",
        INPUTS,
    ),
}  # fmt: skip
CHOICE = """\
name: build
on:
  workflow_dispatch:
    inputs:
      publish: {type: choice, options: ["true", "false"], default: true}
      reason: {required: true}
"""


@pytest.mark.parametrize("name", TEXTS)
def test_every_text_of_a_refused_dispatch(github: FakeGitHub, fork: Repository, simple: World, name: str) -> None:
    changed, text, hint = TEXTS[name]
    simple.patch({PATTERN_FILE: CHOICE, "a.py": TEN}, "Add inputs\n")
    given: dict[str, Any] = {"ref": "poolside-main", "inputs": {}, **changed}
    with pytest.raises(ApiFailed) as caught:
        fork.dispatch(FILE, given["ref"], given["inputs"])
    assert caught.value.message == f"github.com refused to run {FILE}: {text}"
    assert (caught.value.exit_code, caught.value.hints) == (5, (hint,))


def test_a_workflow_that_the_default_branch_lacks_is_not_found(github: FakeGitHub, fork: Repository) -> None:
    github.repositories[FORK].default_branch = "main"
    with pytest.raises(ApiFailed) as caught:
        fork.dispatch(FILE, "poolside-main", {})
    assert (caught.value.status, caught.value.message) == (404, f"github.com refused to run {FILE}: Not Found")
