"""Syncing with nobody watching: the ready workflow's steps run by bash, the run's page, and the one issue."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

import git_poolside
from tests.conftest import TEN, Run
from tests.examples import ours
from tests.forge.fake import Account, FakeGitHub, FakeRepository
from tests.scenario import Repo, World

WORKFLOW = Path(git_poolside.__file__).parent / "poolside-sync.yaml"
HOSTILE = "::error::pwned ##[add-mask]x `` <img src=x> @all #1 | \x1b[31m"


@pytest.fixture
def fork(stuck: World, github: FakeGitHub) -> FakeRepository:
    """The fork on the forge; its default branch is the patches branch, with the file that says where upstream is."""
    return on_the_forge(stuck, github)


def on_the_forge(world: World, github: FakeGitHub) -> FakeRepository:
    text = f'[remotes]\nupstream-url = "{world.upstream.path.as_uri()}"\n'
    world.patch({".poolside.toml": text}, "Configure\n")
    world.fork.git("symbolic-ref", "HEAD", "refs/heads/poolside-main")
    return github.repository("poolsideai/pytorch", world.fork.path, "poolside-main")


class Runner:
    """A job's steps as GitHub's runner does them, with its variables: bash -e for each, a checkout is a clone.

    Where it is not `real`, a step is typed here, line by line: what it costs to start Python and to import all that
    talks to a forge is most of a run.
    """

    def __init__(self, world: World, folder: Path, github: FakeGitHub, *, real: bool = False) -> None:
        self.world = world
        self.folder = folder
        self.github = github
        self.real = real
        self.runs = 0

    def run(self) -> tuple[int, str, str]:
        """Exit code, what the log shows, and the summary."""
        self.runs += 1
        job = yaml.safe_load(WORKFLOW.read_text())["jobs"]["sync"]
        home = self.folder / f"run-{self.runs}"
        home.mkdir(parents=True)
        summary = home / "summary.md"
        variables = {
            "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_RUN_ID": "77",
            "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "poolsideai/pytorch",
        }  # fmt: skip
        log, status = "", 0
        for step in job["steps"]:
            if "uses" in step:
                assert step["uses"].startswith("actions/checkout@")
                options = [f"--filter={step['with']['filter']}"]
                subprocess.run(
                    ["git", "clone", "-q", *options, self.world.fork.path.as_uri(), str(home / "work")], check=True
                )
                continue
            if step["run"] == "pipx install git-poolside":
                continue  # the executables of this checkout are on PATH
            given = {name: self._filled(value) for name, value in step.get("env", {}).items()}
            lines = [step["run"]] if self.real else step["run"].splitlines()
            for line in lines:
                status, printed = self._typed(line, home / "work", {**variables, **given})
                log += printed
                if status:
                    break
            if status:
                break
        return status, log, summary.read_text() if summary.exists() else ""

    def _typed(self, script: str, work: Path, variables: dict[str, str]) -> tuple[int, str]:
        if not self.real:
            git, poolside, *words = script.split()
            assert (git, poolside) == ("git", "poolside")
            return ours(words, work, variables)
        done = subprocess.run(
            ["bash", "-e", "-c", script], cwd=work, env={**os.environ, **variables},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    def _filled(self, value: str) -> str:
        found = re.fullmatch(r"\$\{\{ (\S+) \}\}", value)
        return {"github.token": self.github.token}[found[1]] if found else value


@pytest.fixture
def runner(stuck: World, fork: FakeRepository, github: FakeGitHub, tmp_path: Path, installed: Path) -> Runner:
    return Runner(stuck, tmp_path / "runner", github)


def commands(log: str) -> list[str]:
    """What the runner takes for workflow commands in a log (actions/runner, ActionCommand.cs)."""
    return [line for line in log.splitlines() if line.lstrip().startswith("::") or "##[" in line]


def resolve(world: World, poolside: Run) -> Repo:
    """A teammate syncs by hand and pushes."""
    mate = world.clone("mate")
    assert poolside(mate, "sync").status == 3
    (mate.path / "a.py").write_text(TEN.replace("line 5\n", "line five, both\n"))
    mate.git("add", "a.py")
    assert poolside(mate, "sync", "--continue").status == 0
    assert poolside(mate, "push").status == 0
    return mate


def test_a_conflict_opens_one_issue_which_is_closed_when_a_sync_is_through(
    stuck: World, fork: FakeRepository, runner: Runner, poolside: Run
) -> None:
    before = stuck.fork.refs("refs")
    runner.real = True
    status, log, summary = runner.run()
    runner.real = False
    culprit, patch = stuck.upstream.rev("main~1"), stuck.fork.rev("poolside-main~3")
    assert (status, stuck.fork.refs("refs")) == (3, before), log
    assert commands(log) == [
        "::error title=git poolside sync%3A Stopped on the way to the nightly of 2026-07-10::"
        f"{patch[:9]} Tune line five does not apply%0ACONFLICT (content): Merge conflict in a.py%0A"
        f"because of upstream's {culprit[:9]} Rewrite line five (#21)"
    ]
    base, target, tip = (
        stuck.fork.rev("main")[:9],
        stuck.upstream.rev("main")[:9],
        before["refs/heads/poolside-main"][:9],
    )
    picks = base
    assert summary == (
        f"### Stopped on the way to the nightly of `2026-07-10` (`{target}`)\n\n"
        "| layer | before | after | |\n|---|---|---|---|\n"
        f"| `poolside-main` | `{tip}` | `{tip}` | 5 patches: 4 kept, 1 unresolved |\n"
        f"| `poolside-cherry-picks` | `{picks}` | `{picks}` | 0 picks |\n"
        f"| `main` | `{base}` | `{base}` | `upstream at 2026-07-10` |\n\n"
        f"#### The conflict\n\n`{patch[:9]} Tune line five` of the patches does not apply:\n\n"
        "- `CONFLICT (content): Merge conflict in a.py`\n\n"
        f"because of upstream's [`{culprit[:9]} Rewrite line five (#21)`]"
        f"(https://github.com/pytorch/pytorch/commit/{culprit})\n\n"
    )
    [issue] = fork.issues
    assert (issue["state"], issue["labels"]) == ("open", ["poolside-sync"])
    assert issue["title"] == "Stopped on the way to the nightly of 2026-07-10"
    assert f"`{patch[:9]} Tune line five` of the patches does not apply" in issue["body"]
    assert "[The run](https://github.com/poolsideai/pytorch/actions/runs/77)." in issue["body"]

    assert runner.run()[0] == 3
    assert (len(fork.issues), fork.comments) == (1, [])

    resolve(stuck, poolside)
    status, log, summary = runner.run()
    assert (status, fork.issues[0]["state"], fork.issues[0]["state_reason"]) == (0, "closed", "completed"), log
    assert fork.comments == [
        (1, "Nothing to do: the stack stands on the nightly of `2026-07-10`. "
            "[The run](https://github.com/poolsideai/pytorch/actions/runs/77).")
    ]  # fmt: skip
    assert commands(log) == [
        "::notice title=git poolside sync::Nothing to do: the stack stands on the nightly of 2026-07-10"
    ]


def test_a_sync_that_is_through_is_pushed_and_told(
    simple: World, github: FakeGitHub, tmp_path: Path, installed: Path
) -> None:
    fork = on_the_forge(simple, github)
    landed = simple.upstream.rev("main~1")
    status, log, summary = Runner(simple, tmp_path / "runner", github, real=True).run()
    assert (status, fork.issues) == (0, []), log
    assert simple.fork.rev("main") == simple.upstream.rev("main")
    assert commands(log) == ["::notice title=git poolside sync::Moved onto the nightly of 2026-07-10, and pushed"]
    assert summary.startswith(f"### Moved onto the nightly of `2026-07-10` (`{simple.upstream.rev('main')[:9]}`)\n")
    assert "\nPushed to `origin`.\n\n#### Dropped\n\n- `" in summary
    assert f"  - `landed as {landed[:9]} Speed up relu (#11)" in summary
    committer = simple.fork.git("log", "-1", "--format=%cn <%ce>", "poolside-main")
    assert committer == "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>"


def test_another_conflict_is_told_in_a_comment(
    stuck: World, fork: FakeRepository, runner: Runner, poolside: Run
) -> None:
    runner.run()
    stuck.land({"own.txt": "upstream's\n"}, "Add a file of that name", 23)
    resolve(stuck, poolside)
    stuck.nightly("2026-07-11")
    assert runner.run()[0] == 3
    assert [(one["number"], one["state"]) for one in fork.issues] == [(1, "open")]
    assert fork.issues[0]["title"] == "Stopped on the way to the nightly of 2026-07-11"
    [(number, comment)] = fork.comments
    assert (number, comment.splitlines()[0]) == (1, "It waits for something else now.")
    assert "Add a file of our own` of the patches does not apply" in comment


# Text from elsewhere


def test_P13_no_text_from_elsewhere_is_a_command_or_markup(
    stuck: World, github: FakeGitHub, tmp_path: Path, installed: Path
) -> None:
    fork = on_the_forge(stuck, github)
    stuck.patch({"b.py": TEN.replace("line 1\n", "line one, again\n")}, HOSTILE)
    stuck.land({"b.py": TEN.replace("line 1\n", "line 1, theirs\n")}, HOSTILE, 24)
    stuck.nightly("2026-07-12")
    status, log, summary = Runner(stuck, tmp_path / "runner", github).run()
    assert status == 3
    assert [line.partition("::")[0] or line[:8] for line in commands(log)] == ["::error "]
    assert "\x1b" not in log + summary
    for text in (summary, fork.issues[0]["body"]):
        assert "<img" not in _outside_code(text) and "@all" not in _outside_code(text)
        assert "#1" not in _outside_code(text).replace("####", "")
        assert "pwned" in text


def _outside_code(markdown: str) -> str:
    """Markdown without its code spans, which end at as many backticks as they begin with (CommonMark), and comments."""
    return re.sub(r"<!--.*?-->", "", re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", markdown, flags=re.DOTALL))


def test_P13_json_keeps_its_values(stuck: World, poolside: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck.patch({"x.py": "x\n"}, "##[add-mask]x\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    result = poolside(stuck.clone(), "sync", "-n", "--json")
    assert "##[" not in result.out
    subjects = [patch["subject"] for layer in json.loads(result.out)["layers"] for patch in layer["patches"]]
    assert "##[add-mask]x" in subjects


# What a run refuses, and what fails beside it


def test_a_refusal_is_told_and_keeps_the_issue(stuck: World, fork: FakeRepository, runner: Runner) -> None:
    stuck.commit(stuck.fork, "main", {"x": "x\n"}, "Commit on the snapshot\n")
    status, log, summary = runner.run()
    assert (status, len(fork.issues)) == (1, 1), log
    assert fork.issues[0]["title"] == "The sync is refused"
    assert [line.partition("::'main'")[0] for line in commands(log)] == ["::error title=git poolside sync"]
    assert summary.startswith("### `git poolside sync` has failed\n\n`'main' is to be a snapshot of ")


def test_a_forge_that_fails_does_not_change_what_the_sync_came_to(
    stuck: World, fork: FakeRepository, runner: Runner
) -> None:
    fork.issues_enabled = False
    status, log, _ = runner.run()
    assert status == 3
    assert "warning: the issue is not up to date: " in log


def test_an_issue_that_the_next_sync_would_not_find_is_told(
    stuck: World, fork: FakeRepository, runner: Runner, github: FakeGitHub
) -> None:
    """docs.github.com, "Create an issue": without push access labels are silently dropped."""
    github.accounts[github.token] = Account("pat", may_push=False)
    status, log, _ = runner.run()
    assert (status, len(fork.issues)) == (3, 1), log
    assert "warning: the issue is not up to date: #1 was opened without the label 'poolside-sync', by which" in log


def test_a_sync_that_went_well_ends_with_5_if_the_issue_cannot_be_closed(
    simple: World, github: FakeGitHub, tmp_path: Path, installed: Path
) -> None:
    fork = on_the_forge(simple, github)
    fork.issues_enabled = False
    status, log, _ = Runner(simple, tmp_path / "runner", github).run()
    assert (status, simple.fork.rev("main")) == (5, simple.upstream.rev("main")), log
    assert [line.partition(" ")[0] for line in commands(log)] == ["::notice", "::error"]


def test_no_token_is_refused_before_anything_is_done(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = clone.refs("refs")
    result = poolside(clone, "sync", "--issue")
    assert (result.status, clone.refs("refs")) == (1, before)
    dry = poolside(clone, "sync", "--issue", "-n")
    assert (dry.status, dry.err.splitlines()[0]) == (129, "error: a dry run changes nothing, so no issue either")


def test_P1_a_push_in_between_ends_the_run_with_4_and_loses_nothing(
    simple: World, github: FakeGitHub, tmp_path: Path, installed: Path
) -> None:
    fork = on_the_forge(simple, github)
    mates = simple.patch({"mate.txt": "theirs\n"}, "Mate\n")
    simple.fork.git("update-ref", "refs/heads/poolside-main", f"{mates}^")
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    push = f"git -C '{simple.fork.path}' update-ref refs/heads/poolside-main {mates}"
    (hooks / "post-checkout").write_text(f'#!/bin/sh\ncase "$GIT_REFLOG_ACTION" in poolside*) {push};; esac\n')
    (hooks / "post-checkout").chmod(0o755)
    runner = Runner(simple, tmp_path / "runner", github)
    Repo(tmp_path, os.environ).git("config", "--global", "core.hooksPath", str(hooks))
    status, log, summary = runner.run()
    assert (status, simple.fork.rev("poolside-main"), fork.issues) == (4, mates, []), log
    assert commands(log) == [
        "::error title=git poolside sync::'origin' has commits that this stack does not have:"
        f"%0A  {mates[:7]} Pat Cher: Mate"
    ]
    assert "\n**Not pushed** to `origin`.\n" in summary
    assert f"\n`'origin' has commits that this stack does not have:`\n- `{mates[:7]} Pat Cher: Mate`\n" in summary


# The file itself


def test_the_workflow_has_what_it_takes() -> None:
    workflow: dict[Any, Any] = yaml.safe_load(WORKFLOW.read_text())
    checkout = workflow["jobs"]["sync"]["steps"][0]["with"]
    assert (checkout["fetch-depth"], checkout["filter"]) == (0, "blob:none")
    assert checkout["token"] == "${{ secrets.POOLSIDE_TOKEN }}"
    assert workflow["permissions"] == {"contents": "read", "issues": "write"}
    assert workflow["concurrency"]["cancel-in-progress"] is False
    assert "schedule" in workflow[True]  # YAML 1.1 reads 'on' so


def test_the_conflicts_after_the_first_are_reported_too(stuck: World, poolside: Run) -> None:
    stuck.land({"own.txt": "upstream's\n"}, "Add a file of that name", 23)
    stuck.nightly("2026-07-11")
    said = json.loads(poolside(stuck.clone(), "sync", "--no-stop", "--json").out)
    fates = [(patch["subject"], patch["fate"]) for patch in said["layers"][2]["patches"]]
    assert ("Tune line five", "unresolved") in fates and ("Add a file of our own", "unresolved") in fates
    assert said["outcome"] == "stopped"
