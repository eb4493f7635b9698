"""The fake as GitHub's own command line client sees it, which knows the real one (gh(1), Debian's package)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from git_poolside.forge.github import Repository
from git_poolside.forge.http import Client
from git_poolside.forge.tokens import Forge, Token
from tests.forge.fake import FakeGitHub

pytestmark = pytest.mark.skipif(shutil.which("gh") is None, reason="gh is not installed: apt-get install gh")

FILE = "build.yaml"
HOST = "github.localhost"
WORKFLOW = """\
name: build
on:
  workflow_dispatch:
    inputs:
      publish: {type: choice, options: ["true", "false"], default: true}
"""
Gh = Callable[..., tuple[int, str, str]]


def _version() -> str:
    """The version of `gh`, without what comes after its second number."""
    if shutil.which("gh") is None:
        return ""
    said = subprocess.run(["gh", "--version"], capture_output=True, text=True, check=False).stdout
    return ".".join(said.split()[2].split(".")[:2])


speaks_graphql = pytest.mark.skipif(_version() != "2.23", reason="the fake knows the GraphQL of Debian 12's gh alone")


@pytest.fixture
def gh(github: FakeGitHub, tmp_path: Path) -> Gh:
    """Run `gh`, which takes the fake for a proxy to a GitHub on ``github.localhost``."""
    fork, upstream = github.repository("o/r"), github.repository("up/r")
    fork.refs, upstream.refs = {"main": "a" * 40, "fix": "b" * 40}, {"main": "c" * 40}
    fork.files = {f".github/workflows/{FILE}": WORKFLOW}
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "http_proxy": f"http://127.0.0.1:{github.port}",
        "GH_HOST": HOST,
        "GH_TOKEN": github.token,
        "GH_PROMPT_DISABLED": "1",
        "GH_NO_UPDATE_NOTIFIER": "1",
    }

    def run(*words: str) -> tuple[int, str, str]:
        done = subprocess.run(
            ["gh", *words], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )
        return done.returncode, done.stdout, done.stderr

    return run


def ours(github: FakeGitHub, name: str) -> Repository:
    """The same repository by our own client."""
    return Repository(Client(Forge(HOST, github.url), Token(github.token, "GH_TOKEN"), lambda *_: None), name)


def seen(github: FakeGitHub, method: str) -> list[tuple[str, Any]]:
    return [(one.path, one.body) for one in github.seen if one.method == method]


def test_gh_runs_a_workflow_as_we_do(github: FakeGitHub, gh: Gh) -> None:
    assert gh("workflow", "run", FILE, "-R", f"{HOST}/o/r", "--ref", "fix", "-f", "publish=false") == (0, "", "")
    ours(github, "o/r").dispatch(FILE, "fix", {"publish": "false"})
    (gh_path, gh_body), (our_path, our_body) = seen(github, "POST")
    assert our_body == {**gh_body, "return_run_details": True}
    number = str(ours(github, "o/r").workflow(FILE).id)  # gh looks the file up and goes by its number
    assert gh_path.replace(number, FILE) == our_path
    assert [(run.branch, run.head, run.inputs) for run in github.repositories["o/r"].runs] == [
        ("fix", "b" * 40, {"publish": "false"})
    ] * 2


def test_gh_and_we_see_the_same_run(github: FakeGitHub, gh: Gh) -> None:
    client = ours(github, "o/r")
    number = client.dispatch(FILE, "fix", {})
    assert number is not None
    for seconds in (0, 30, 300):
        github.sleep(seconds)
        fields = "databaseId,status,conclusion,event,headBranch,headSha,number,url"
        status, listed, complaint = gh("run", "list", "-R", f"{HOST}/o/r", "--workflow", FILE, "--json", fields)
        assert (status, complaint) == (0, "")
        run = next(client.runs(FILE))
        assert json.loads(listed) == [
            {
                "databaseId": run.id,
                "status": run.status,
                "conclusion": run.conclusion or "",
                "event": run.event,
                "headBranch": run.branch,
                "headSha": run.head,
                "number": run.number,
                "url": run.url,
            }
        ]
    shown = json.loads(gh("run", "view", str(number), "-R", f"{HOST}/o/r", "--json", "jobs")[1])["jobs"]
    jobs = client.jobs(number)
    assert [(one["name"], one["conclusion"], [step["name"] for step in one["steps"]]) for one in shown] == [
        (job.name, job.conclusion, [step.name for step in job.steps]) for job in jobs
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--ref", "gone"], "HTTP 422: No ref found for: gone"),
        (["--ref", "fix", "-f", "colour=red"], 'HTTP 422: Unexpected inputs provided: ["colour"]'),
        (
            ["--ref", "fix", "-f", "publish=x"],
            "HTTP 422: Provided value 'x' for input 'publish' not in the list of allowed values",
        ),
    ],
)
def test_gh_reads_the_fakes_refusals(github: FakeGitHub, gh: Gh, words: list[str], said: str) -> None:
    status, _, complaint = gh("workflow", "run", FILE, "-R", f"{HOST}/o/r", *words)
    assert status == 1
    assert said in complaint


def test_gh_opens_a_pull_request_that_we_find(github: FakeGitHub, gh: Gh) -> None:
    fields = [word for pair in ("head=o:fix", "base=main", "title=Fix", "body=It is.") for word in ("-f", pair)]
    status, opened, complaint = gh("api", "repos/up/r/pulls", *fields, "--jq", ".number, .html_url")
    assert (status, complaint) == (0, "")
    pull = ours(github, "up/r").pulls("o:fix")[0]
    assert opened.split() == [str(pull.number), pull.url]
    status, found, _ = gh("api", "repos/up/r/pulls?head=o:fix&state=all", "--jq", ".[].title")
    assert (status, found) == (0, "Fix\n")
    status, again, complaint = gh("api", "repos/up/r/pulls", *fields)
    assert (status, json.loads(again)["errors"][0]["message"]) == (1, "A pull request already exists for o:fix.")
    assert "Validation Failed" in complaint


@speaks_graphql
def test_gh_creates_a_pull_request_as_we_do(github: FakeGitHub, gh: Gh) -> None:
    github.repositories["o/r"].refs["tidy"] = "d" * 40
    words = ["pr", "create", "-R", f"{HOST}/up/r", "--base", "main", "--title", "Fix", "--body", "It is.", "--draft"]
    status, opened, _ = gh(*words, "--head", "o:fix")
    client, pulls = ours(github, "up/r"), github.repositories["up/r"].pulls
    found = client.pulls("o:fix")[0]
    assert (status, opened) == (0, f"{found.url}\n")
    made = client.create_pull(head="o:tidy", base="main", title="Fix", body="It is.", draft=True)
    own = ("id", "number", "label")
    assert [{key: one[key] for key in one if key not in own} for one in pulls[:1]] == [
        {key: one[key] for key in one if key not in own} for one in pulls[1:]
    ]
    for pull in (found, made):  # whoever opened it, it is found by both, and not opened twice
        status, opened, complaint = gh(*words, "--head", pull.head)
        said = f'a pull request for branch "{pull.head}" into branch "main" already exists:\n{pull.url}\n'
        assert (status, opened, complaint.endswith(said)) == (1, "", True), complaint
    assert len(pulls) == 2


@speaks_graphql
def test_gh_reads_why_a_pull_request_is_refused(github: FakeGitHub, gh: Gh) -> None:
    words = ["pr", "create", "-R", f"{HOST}/up/r", "--base", "main", "--title", "Fix", "--body", ""]
    status, opened, complaint = gh(*words, "--head", "o:gone")
    assert (status, opened) == (1, "")
    assert "Validation Failed" in complaint
