"""What `doctor` finds about GitHub: the token, what it may do, the workflow."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Run
from tests.forge.fake import Account, FakeGitHub, FakeRepository
from tests.scenario import PATTERN_FILE, Repo, World, workflow

FORK = "poolsideai/pytorch"
FILE = "poolside-nightly-build.yaml"


@pytest.fixture
def fork(github: FakeGitHub, simple: World) -> FakeRepository:
    return github.repository(FORK, simple.fork.path, "poolside-main")


def checks(clone: Repo, poolside: Run, *names: str) -> list[tuple[bool, str, str]]:
    """Those findings of doctor that are about GitHub, or have these names."""
    found = json.loads(poolside(clone, "doctor", "--json").out)["checks"]
    names = names or ("workflow file", "forge", "token", "repository", "rights", "scopes", "workflow")
    return [(one["holds"], one["message"], one["cure"]) for one in found if one["name"] in names]


def test_all_is_well(github: FakeGitHub, fork: FakeRepository, simple: World, poolside: Run) -> None:
    found = checks(simple.clone(), poolside)
    assert [holds for holds, _, _ in found] == [True] * 6
    assert [message for _, message, _ in found] == [
        f"{FILE} can be run with publish=true",
        f"the token for 127.0.0.1:{github.port} is of pat, from GH_TOKEN",
        f"the fork is {FORK}",
        "the token may write to it",
        "the token has the scopes repo, workflow",
        f"GitHub knows the workflow {FILE}",
    ]


def test_without_the_network_the_file_alone_is_looked_at(
    github: FakeGitHub, fork: FakeRepository, simple: World, poolside: Run
) -> None:
    shown = poolside(simple.clone(), "doctor", "--no-fetch").out
    assert f"ok     {FILE} can be run with publish=true\n" in shown
    assert github.seen == []


@pytest.mark.parametrize(
    ("scopes", "private", "message", "cure"),
    [
        (
            "gist", False,
            "the token has the scopes gist and lacks repo and workflow, which runs workflows and opens pull requests",
            "gh auth refresh --scopes repo,workflow",
        ),
        (
            "public_repo, workflow", True,
            "the token has the scopes public_repo, workflow and lacks repo, "
            "which runs workflows and opens pull requests",
            "gh auth refresh --scopes repo",
        ),
        (
            "public_repo", False,
            "the token has the scopes public_repo and lacks workflow, "
            "without which a push over https may not change .github/workflows/",
            "gh auth refresh --scopes workflow",
        ),
    ],
)  # fmt: skip
def test_a_scope_that_is_lacking_is_named(
    github: FakeGitHub, fork: FakeRepository, simple: World, poolside: Run,
    scopes: str, private: bool, message: str, cure: str,
) -> None:  # fmt: skip
    github.accounts[github.token] = Account("pat", scopes)
    fork.private = private
    assert checks(simple.clone(), poolside, "scopes") == [(False, message, cure)]


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (
            "github_pat_1",
            "GitHub does not tell what this token may do: a push over https needs Contents and Workflows, publish "
            "needs Actions, upstream needs Pull requests, each to write",
        ),
        (
            "ghs_1",
            "GitHub does not tell what an App's token may do: a push needs the permissions Contents and Workflows, "
            "which the token that Actions gives a job can never have both",
        ),
    ],
)
def test_a_token_whose_rights_github_does_not_tell(
    github: FakeGitHub, fork: FakeRepository, simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch,
    token: str, message: str,
) -> None:  # fmt: skip
    github.accounts[token] = Account("pat", scopes=None, may_push=False)
    monkeypatch.setenv("GH_TOKEN", token)
    clone = simple.clone()
    assert checks(clone, poolside, "scopes") == [(True, message, "")]
    assert checks(clone, poolside, "rights") == [
        (False, "the token may not write to it", f"give the account of the token from GH_TOKEN write access to {FORK}")
    ]


def test_a_token_that_is_not_accepted(github: FakeGitHub, fork: FakeRepository, simple: World, poolside: Run) -> None:
    github.accounts.clear()
    assert checks(simple.clone(), poolside)[1:] == [
        (
            False,
            f"127.0.0.1:{github.port} refused to show {FORK}: Bad credentials",
            "the token from GH_TOKEN is not accepted: it is wrong, expired or revoked",
        )
    ]


def test_no_token(simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "https://api.github.com")  # nothing is asked without a token
    assert checks(simple.clone(), poolside)[1:] == [
        (
            False,
            "there is no token for github.com",
            "export GH_TOKEN=…   (a token that may use workflows and pull requests of the fork)",
        )
    ]


def test_a_renamed_fork(github: FakeGitHub, fork: FakeRepository, simple: World, poolside: Run) -> None:
    fork.name = "poolsideai/torch"
    assert checks(simple.clone(), poolside, "repository") == [
        (
            False,
            f"{FORK} is poolsideai/torch now",
            'set fork = "poolsideai/torch" under [github] in .poolside.toml, on the patches branch',
        )
    ]


def test_a_workflow_that_github_does_not_know_or_does_not_run(
    github: FakeGitHub, fork: FakeRepository, simple: World, poolside: Run
) -> None:
    clone = simple.clone()
    fork.workflow_state = "disabled_manually"
    assert checks(clone, poolside, "workflow") == [
        (
            False,
            f"GitHub knows the workflow {FILE}, which is switched off (disabled_manually)",
            f"gh workflow enable {FILE} --repo {FORK}",
        )
    ]
    fork.default_branch = "main"
    assert checks(clone, poolside, "workflow") == [
        (
            False,
            f"GitHub knows no workflow {FILE}: it has to be on the default branch, 'main', too",
            f"add .github/workflows/{FILE} to 'main'",
        )
    ]


def test_a_workflow_that_would_not_take_the_inputs(
    github: FakeGitHub, fork: FakeRepository, simple: World, poolside: Run
) -> None:
    simple.patch({PATTERN_FILE: workflow().replace("publish", "upload")}, "Rename the input\n")
    assert checks(simple.clone(), poolside, "workflow file") == [
        (
            False,
            f".github/workflows/{FILE} on 'poolside-main' would not take the inputs:\n"
            "  it has no input 'publish' (it has: upload)",
            "git poolside publish --input NAME=VALUE",
        )
    ]


def test_a_fork_without_a_build_is_not_asked_about_one(
    github: FakeGitHub, fork: FakeRepository, simple: World, poolside: Run
) -> None:
    simple.patch({PATTERN_FILE: None}, "Build elsewhere\n")
    assert checks(simple.clone(), poolside, "workflow file", "workflow") == []


def test_a_fork_that_is_not_on_github_has_no_findings(simple: World, poolside: Run) -> None:
    assert checks(simple.clone(), poolside) == [(True, f"{FILE} can be run with publish=true", "")]
