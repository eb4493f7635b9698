"""Publishing: what is checked before, one dispatch and never two, the run that it became, what is recorded."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from pathlib import Path

import pytest

from tests.conftest import TEN, Run, copied
from tests.forge.fake import FakeGitHub, FakeRepository
from tests.scenario import PATTERN_FILE, Repo, World

FORK = "poolsideai/pytorch"
FILE = "poolside-nightly-build.yaml"
ACTIONS = f"/repos/{FORK}/actions"
RUN_URL = f"https://github.com/{FORK}/actions/runs/1001"


def build_workflow(date: str = "20260703", inputs: str = "", version: str | None = None) -> str:
    """The build workflow in the shape that the fork's has."""
    inputs = inputs or (
        "      publish:\n"
        "        description: Upload the wheels\n"
        "        type: choice\n"
        "        options:\n"
        '          - "true"\n'
        '          - "false"\n'
        "        default: true\n"
    )
    version = f'  PYTORCH_BUILD_VERSION_PREFIX: "2.9.0.dev{date}+cu126.poolside"\n' if version is None else version
    return (
        "name: poolside-linux-binary-manywheel\n\n"
        "on:\n  workflow_dispatch:\n    inputs:\n" + inputs + "\n"
        "concurrency:\n  group: poolside-nightly\n  cancel-in-progress: true\n\n"
        "env:\n" + version + "  DESIRED_CUDA: cu126\n\n"
        "jobs:\n  build:\n    if: github.repository_owner == 'poolsideai'\n    runs-on: builders\n"
    )


def stamp(world: World, files: dict[str, str], date: str = "2026-07-03", upstream: str | None = None) -> str:
    """A stamp as a sync makes it."""
    main = upstream or world.fork.rev("main")
    trailers = f"Poolside-Nightly: {date}\nPoolside-Upstream: {main}\nPoolside-Picks: {main}\n"
    return world.patch(files, f"Set the version to the nightly of {date}\n\n{trailers}")


def _stamped(world: World) -> None:
    world.land({"version.txt": "2.9.0a0\n", "a.py": TEN}, "Begin", 1)
    world.nightly("2026-07-03")
    world.fork_at()
    world.patch({PATTERN_FILE: build_workflow("20260601")}, "Add the build workflow\n")
    world.patch({"own.py": "own\n"}, "Add a file of our own\n")
    stamp(world, {PATTERN_FILE: build_workflow()})


@pytest.fixture
def stamped(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A fork of two patches and a stamp on the nightly of 2026-07-03, as it is after a sync and a push."""
    return copied(request, _stamped, tmp_path / "world")


@pytest.fixture
def clone(stamped: World) -> Repo:
    return stamped.clone()


@pytest.fixture
def fork(github: FakeGitHub, stamped: World) -> FakeRepository:
    """The fork on GitHub, its default branch the patches."""
    return github.repository(FORK, stamped.fork.path, "poolside-main")


def posts(github: FakeGitHub) -> list[str]:
    return github.asked("POST")


def refused(github: FakeGitHub, clone: Repo, poolside: Run, *arguments: str) -> str:
    """What a refused publish says; nothing was dispatched, nothing remembered."""
    result = poolside(clone, "publish", *arguments)
    assert result.status == 1, result.out + result.err
    assert posts(github) == []
    assert not (clone.path / ".git/poolside/build.json").exists()
    return result.err


def test_the_workflow_is_run_for_the_pushed_tip(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run
) -> None:
    tip = clone.rev("poolside-main")
    result = poolside(clone, "publish")
    assert (result.status, result.out, result.err) == (
        0,
        f"Run 1 of {FILE} builds poolside-main ({tip[:9]}):\n"
        "  version  2.9.0.dev20260703+cu126.poolside\n"
        "  nightly  2026-07-03\n"
        "  inputs   publish=true\n"
        f"  {RUN_URL}\n",
        "hint: git poolside publish --watch   (follows it)\n",
    )
    assert [one.body for one in github.seen if one.method == "POST"] == [
        {"ref": "poolside-main", "inputs": {"publish": "true"}, "return_run_details": True}
    ]
    assert [(run.head, run.inputs) for run in fork.runs] == [(tip, {"publish": "true"})]
    assert github.slept == []


def test_a_dry_run_checks_all_and_shows_the_request(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run
) -> None:
    tip = clone.rev("poolside-main")
    result = poolside(clone, "publish", "-n", "--input", "publish=false")
    assert (result.status, result.err) == (0, "")
    assert result.out == (
        f"Would run {FILE} on poolside-main ({tip[:9]}):\n"
        "  version  2.9.0.dev20260703+cu126.poolside\n"
        "  nightly  2026-07-03\n"
        "  inputs   publish=false\n"
        "\n"
        f"POST {github.url}{ACTIONS}/workflows/{FILE}/dispatches\n"
        '{"ref": "poolside-main", "inputs": {"publish": "false"}, "return_run_details": true}\n'
    )
    assert posts(github) == []
    said = json.loads(poolside(clone, "publish", "-n", "--json").out)
    assert (said["run"], said["request"]["body"]["inputs"]) == (None, {"publish": "true"})
    assert not (clone.path / ".git/poolside/build.json").exists()


def test_json_says_the_run_and_its_url(github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run) -> None:
    result = poolside(clone, "publish", "--json")
    tip, main = clone.rev("poolside-main"), clone.rev("origin/main")
    assert json.loads(result.out) == {
        "schema": 1,
        "outcome": "done",
        "exit": 0,
        "dry_run": False,
        "run": 1001,
        "number": 1,
        "url": RUN_URL,
        "status": "queued",
        "conclusion": None,
        "workflow": FILE,
        "inputs": {"publish": "true"},
        "branch": "poolside-main",
        "tip": tip,
        "tips": {"snapshot": main, "picks": main, "patches": tip},
        "nightly": {"date": "2026-07-03", "commit": main},
        "version": "2.9.0.dev20260703+cu126.poolside",
        "published": None,
    }


# Before anything


def test_what_is_not_pushed_is_not_published(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, stamped: World, poolside: Run
) -> None:
    there = clone.rev("poolside-main")
    clone.git("commit", "-q", "--allow-empty", "-m", "local")
    here = clone.rev("poolside-main")
    assert refused(github, clone, poolside) == (
        f"error: 'poolside-main' is {here[:9]} here and {there[:9]} on 'origin', which is where it is built from\n"
        "hint: git poolside push   (sends what is here)\n"
        "hint: git poolside status   (shows how they differ)\n"
    )
    stamped.fork.git("update-ref", "-d", "refs/heads/poolside-main")
    assert "and not on 'origin', which is" in refused(github, clone, poolside)


def test_a_stamp_of_another_nightly_is_not_published(
    github: FakeGitHub, fork: FakeRepository, stamped: World, poolside: Run
) -> None:
    old = stamped.fork.rev("main")
    new = stamped.land({"a.py": TEN + "more\n"}, "Extend a", 2)
    stamped.fork.git("fetch", "-q", str(stamped.upstream.path), f"{new}:main")
    said = refused(github, stamped.clone("other"), poolside)
    assert said == (
        f"error: the version is of the nightly of 2026-07-03 ({old[:9]}), but 'main' is {new[:9]} on 'origin'\n"
        "hint: git poolside sync   (sets the version anew)\n"
        "hint: git poolside push\n"
    )


def test_a_version_changed_by_hand_is_not_published(
    github: FakeGitHub, fork: FakeRepository, stamped: World, poolside: Run
) -> None:
    stamped.patch({PATTERN_FILE: build_workflow("20260801")}, "Set the date\n")
    said = refused(github, stamped.clone("other"), poolside).splitlines()[0]
    assert said == (
        "error: the version is 2.9.0.dev20260801+cu126.poolside, but the stack stands on the nightly of 2026-07-03"
    )


def test_a_version_that_no_stamp_speaks_of_is_not_published(
    github: FakeGitHub, fork: FakeRepository, stamped: World, poolside: Run
) -> None:
    stamped.fork.git("update-ref", "refs/heads/poolside-main", "poolside-main~1")
    said = refused(github, stamped.clone("other"), poolside).splitlines()[0]
    assert said == (
        "error: no commit of the stack says which nightly the version 2.9.0.dev20260601+cu126.poolside is of"
    )


VALUE = "2.9.0.dev20260703+cu126.poolside"
VERSIONS = {
    "quoted": (f'  PYTORCH_BUILD_VERSION_PREFIX: "{VALUE}"\n', VALUE),
    "bare": (f"  PYTORCH_BUILD_VERSION_PREFIX: {VALUE}  # set at every sync\n", VALUE),
    "absent": ("", None),
}


@pytest.mark.parametrize("spelling", VERSIONS)
def test_each_spelling_of_the_version(
    github: FakeGitHub, fork: FakeRepository, stamped: World, poolside: Run, spelling: str
) -> None:
    line, value = VERSIONS[spelling]
    stamped.patch({PATTERN_FILE: build_workflow(version=line)}, "Spell it so\n")
    result = poolside(stamped.clone("other"), "publish", "--json")
    assert result.status == 0, result.err
    assert json.loads(result.out)["version"] == value


def test_a_fork_without_version_and_stamp_is_published(
    github: FakeGitHub, fork: FakeRepository, stamped: World, poolside: Run
) -> None:
    stamped.fork.git("update-ref", "refs/heads/poolside-main", "main")
    stamped.patch({PATTERN_FILE: build_workflow(version="")}, "Add the build workflow\n")
    result = poolside(stamped.clone("other"), "publish")
    assert (result.status, result.out.splitlines()[1:]) == (0, ["  inputs  publish=true", f"  {RUN_URL}"])


def replaced(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


WRONG = {
    "no workflow": (None, f"there is no .github/workflows/{FILE} on 'poolside-main'"),
    "no trigger": (
        replaced(build_workflow(), "workflow_dispatch", "workflow_call"),
        f".github/workflows/{FILE} on 'poolside-main' cannot be run by hand: it has no 'workflow_dispatch'",
    ),
    "no yaml": (
        replaced(build_workflow(), "on:\n", "on: [\n"), f".github/workflows/{FILE} on 'poolside-main' cannot be read: ",
    ),
    "too deep": (
        f"on: {'[' * 1200}\n", f".github/workflows/{FILE} on 'poolside-main' cannot be read: it is nested too deep",
    ),
    "a list": ("- on\n", f".github/workflows/{FILE} on 'poolside-main' cannot be read: it is no mapping"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_workflow_that_cannot_be_run_is_not(
    github: FakeGitHub, fork: FakeRepository, stamped: World, poolside: Run, name: str
) -> None:
    text, said = WRONG[name]
    stamped.patch({".poolside.toml": '[version]\nfile = "v.txt"\n', PATTERN_FILE: text}, "Change it\n")
    assert refused(github, stamped.clone("other"), poolside).startswith(f"error: {said}")


def test_inputs_that_github_would_refuse_are_refused_before(
    github: FakeGitHub, fork: FakeRepository, stamped: World, poolside: Run
) -> None:
    inputs = (
        "      publish: {type: choice, options: ['true', 'false'], default: true}\n"
        "      reason: {required: true}\n"
        "      debug: {type: boolean, default: false}\n"
    )
    stamped.patch({PATTERN_FILE: build_workflow(inputs=inputs)}, "Ask for more\n")
    clone = stamped.clone("other")
    wrong = [word for pair in ("publish=maybe", "debug=yes", "colour=red") for word in ("--input", pair)]
    assert refused(github, clone, poolside, *wrong) == (
        f"error: .github/workflows/{FILE} on 'poolside-main' would not take the inputs:\n"
        "  it has no input 'colour' (it has: publish, reason, debug)\n"
        "  its input 'publish' has to be one of: true, false\n"
        "  its input 'reason' has to be given\n"
        "  its input 'debug' has to be one of: true, false\n"
        "hint: git poolside publish --input NAME=VALUE\n"
        "hint: or set inputs under [publish] in .poolside.toml\n"
    )
    right = [word for pair in ("publish=false", "debug=true", "reason=a=b") for word in ("--input", pair)]
    assert poolside(clone, "publish", *right).status == 0
    assert fork.runs[0].inputs == {"publish": "false", "debug": "true", "reason": "a=b"}


def test_the_configuration_names_workflow_and_inputs(
    github: FakeGitHub, fork: FakeRepository, stamped: World, poolside: Run
) -> None:
    configured = '[publish]\nworkflow = "wheels.yml"\ninputs = { publish = "false" }\n'
    stamped.patch({".github/workflows/wheels.yml": build_workflow(version=""), ".poolside.toml": configured}, "Build\n")
    result = poolside(stamped.clone("other"), "publish")
    assert result.status == 0, result.err
    assert [(run.workflow, run.inputs) for run in fork.runs] == [("wheels.yml", {"publish": "false"})]


def test_a_workflow_that_the_default_branch_lacks_is_said(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run
) -> None:
    fork.default_branch = "main"
    assert refused(github, clone, poolside) == (
        f"error: GitHub knows no workflow {FILE} in {FORK}: it has to be on the default branch, 'main', too\n"
        f"hint: add .github/workflows/{FILE} to 'main'\n"
        "hint: or make 'poolside-main' the default branch in the repository's settings\n"
    )


def test_a_workflow_that_is_switched_off_is_said(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run
) -> None:
    fork.workflow_state = "disabled_inactivity"
    assert refused(github, clone, poolside) == (
        f"error: the workflow {FILE} is switched off (disabled_inactivity)\n"
        f"hint: gh workflow enable {FILE} --repo {FORK}\n"
    )


def test_P11_a_running_build_is_not_killed(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run
) -> None:
    tip = clone.rev("poolside-main")
    assert poolside(clone, "publish").status == 0
    for seconds, status in ((0, "queued"), (60, "in progress")):
        github.sleep(seconds)
        result = poolside(clone, "publish")
        assert (result.status, result.err) == (
            1,
            f"error: run 1 of {FILE} is {status}, begun by pat on 'poolside-main' ({tip[:9]}); another one may end it\n"
            f"hint: {RUN_URL}\n"
            "hint: git poolside publish --watch   (follows it)\n"
            "hint: git poolside publish --allow running-build   (begins one all the same)\n",
        )
    assert json.loads(poolside(clone, "publish", "--json").out)["snags"][0]["name"] == "running-build"
    assert len(fork.runs) == 1
    assert poolside(clone, "publish", "--allow", "running-build").status == 0
    assert [run.cancelled is not None for run in fork.runs] == [True, False]


# One dispatch


def test_a_server_without_run_details_has_its_run_looked_for(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run
) -> None:
    fork.run_details = False
    fork.hidden = 2
    result = poolside(clone, "publish")
    assert (result.status, result.err) == (
        0,
        "the run does not show yet: waiting 1 s\nthe run does not show yet: waiting 2 s\n"
        "hint: git poolside publish --watch   (follows it)\n",
    )
    assert RUN_URL in result.out
    filters = [dict(one.query) for one in github.seen if one.path.endswith("/runs")][-1]
    assert filters == {
        "per_page": "100",
        "event": "workflow_dispatch",
        "branch": "poolside-main",
        "created": ">=2026-08-01T12:00:00Z",
        "actor": "pat",
    }


@pytest.mark.parametrize("fault", [{"status": 502}, {"cut": "before"}], ids=["502", "before"])
def test_a_dispatch_without_an_answer_is_not_repeated(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run, fault: dict[str, object]
) -> None:
    github.fault("POST", "/dispatches", **fault)  # type: ignore[arg-type]
    result = poolside(clone, "publish")
    assert (result.status, sum(github.slept)) == (5, 60)
    page = f"https://127.0.0.1:{github.port}/{FORK}/actions   (does it appear there?)"
    assert [line for line in result.err.splitlines() if "waiting" not in line][1:] == [
        "  no run of it shows yet, but one may begin",
        f"hint: {page}",
        "hint: git poolside publish --watch   (looks again)",
    ]
    tip = clone.rev("poolside-main")
    for arguments in ([], ["--watch"], ["-n"]):
        result = poolside(clone, "publish", *arguments)
        assert (result.status, result.err) == (
            1,
            f"error: a run of {FILE} for {tip[:9]} was asked for at 2026-08-01T12:00:00Z, and does not show\n"
            f"hint: {page}\n"
            "hint: git poolside publish --allow running-build   (asks again, once you are sure that it does not)\n",
        )
    assert posts(github) == [f"POST {ACTIONS}/workflows/{FILE}/dispatches"]
    assert poolside(clone, "publish", "--allow", "running-build").status == 0
    assert (len(posts(github)), len(fork.runs)) == (2, 1)


def test_a_dispatch_whose_connection_is_cut_after_it_was_taken_has_its_run_found(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run
) -> None:
    github.fault("POST", "/dispatches", cut="after")
    result = poolside(clone, "publish")
    assert (result.status, result.out.splitlines()[-1], len(posts(github))) == (0, f"  {RUN_URL}", 1)


@pytest.mark.parametrize(("details", "fault"), [(True, "cut"), (True, "nothing"), (False, "nothing")])
def test_a_run_that_shows_late_is_joined_and_not_begun_again(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run, details: bool, fault: str
) -> None:
    fork.run_details, fork.hidden = details, 99
    if fault == "cut":
        github.fault("POST", "/dispatches", cut="after")
    assert poolside(clone, "publish").status == 5
    assert poolside(clone, "publish").status == 1
    fork.runs[0].hidden = 0
    assert poolside(clone, "publish", "--watch").status == 0
    assert len(fork.runs) == 1
    [record] = clone.refs("refs/poolside/builds")
    body = json.loads(clone.git("cat-file", "tag", record).partition("\n\n")[2])
    assert (body["run"], body["number"], body["url"]) == (1001, 1, RUN_URL)


def test_ctrl_c_while_the_answer_is_awaited_does_not_lose_the_run(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run
) -> None:
    github.after_dispatch = lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    result = poolside(clone, "publish")
    assert (result.status, result.err) == (
        130,
        "\ninterrupted: the run was asked for; 'git poolside publish --watch' looks for it\n",
    )
    github.after_dispatch = lambda: None
    result = poolside(clone, "publish", "--watch")
    assert (result.status, len(fork.runs), len(posts(github))) == (0, 1, 1), result.err


def test_a_refused_dispatch_may_be_sent_again(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run
) -> None:
    github.fault("POST", "/dispatches", 403, body={"message": "Resource not accessible by integration"})
    result = poolside(clone, "publish")
    assert (result.status, result.err) == (
        5,
        f"error: 127.0.0.1:{github.port} refused to run {FILE}: Resource not accessible by integration\n"
        "hint: give the workflow's token the permission: permissions: { actions: write }\n"
        "hint: or run with a personal access token in GH_TOKEN\n",
    )
    assert poolside(clone, "publish").status == 0


def test_a_failing_server_that_took_the_dispatch_has_its_run_found(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run
) -> None:
    github.fault("POST", "/dispatches", 504, done=True)
    result = poolside(clone, "publish")
    assert (result.status, result.out.splitlines()[-1]) == (0, f"  {RUN_URL}")
    assert len(posts(github)) == len(fork.runs) == 1


def test_somebody_elses_run_is_not_taken_for_ours(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run
) -> None:
    fork.run_details = False
    others = fork.begin(FILE, "poolside-main", "somebody", github)
    others.plan.jobs = {"build": [("Fail", 1, "failure")]}
    github.sleep(60)
    github.after_dispatch = lambda: fork.begin(FILE, "poolside-main", "somebody", github)
    result = poolside(clone, "publish", "--json")
    assert json.loads(result.out)["run"] == next(run.id for run in fork.runs if run.actor == "pat")


def test_a_push_in_between_is_found_out(
    github: FakeGitHub, fork: FakeRepository, stamped: World, clone: Repo, poolside: Run
) -> None:
    tip = clone.rev("poolside-main")
    came: list[str] = []
    github.before_dispatch = lambda: came.append(stamped.patch({"mate.txt": "theirs\n"}, "Mate\n"))
    result = poolside(clone, "publish")
    assert (result.status, result.err) == (
        4,
        f"error: run 1 builds {came[0][:9]}, and not {tip[:9]}, which was checked: somebody pushed to 'poolside-main' "
        "in between\n"
        f"hint: {RUN_URL}\n"
        f"hint: gh run cancel 1001   (ends it)\n"
        "hint: git poolside status   (shows what came)\n",
    )


def test_an_answer_that_cannot_be_read_may_be_a_yes(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run
) -> None:
    github.fault("POST", "/dispatches", 200, body=b'{"workflow_run_id": 10', done=True)
    result = poolside(clone, "publish")
    assert (result.status, result.out.splitlines()[-1]) == (0, f"  {RUN_URL}"), result.err
    assert len(posts(github)) == len(fork.runs) == 1


@pytest.mark.parametrize("details", [True, False])
def test_a_run_that_shows_late_is_compared_too(
    github: FakeGitHub, fork: FakeRepository, stamped: World, clone: Repo, poolside: Run, details: bool
) -> None:
    """Of another commit than was checked: it is not followed, and what it makes is not recorded as ours."""
    fork.run_details, fork.hidden = details, 99
    tip = clone.rev("poolside-main")
    came: list[str] = []
    github.before_dispatch = lambda: came.append(stamped.patch({"mate.txt": "theirs\n"}, "Mate\n"))
    assert poolside(clone, "publish").status == 5
    fork.runs[0].hidden = 0
    result = poolside(clone, "publish", "--watch")
    assert result.status == 4
    assert result.err.splitlines()[0] == (
        f"error: run 1 builds {came[0][:9]}, and not {tip[:9]}, which was checked: somebody pushed to 'poolside-main' "
        "in between"
    )
    github.sleep(3600)
    assert poolside(clone, "publish", "--watch").status == 1
    assert (len(fork.runs), clone.refs("refs/poolside/builds")) == (1, {})


# Watching


WATCHED = """\
Run 1 of poolside-nightly-build.yaml has begun:
  https://github.com/poolsideai/pytorch/actions/runs/1001
     0s  build: queued
     0s  run 1: queued
    10s  build: 1/2 Check out
    10s  run 1: in progress
    20s  build: 2/2 Build the wheel
 1m 50s  build: success
 1m 50s  run 1: success
"""


def test_a_run_is_watched_to_its_success_and_recorded(
    github: FakeGitHub, fork: FakeRepository, stamped: World, clone: Repo, poolside: Run
) -> None:
    fork.plan.artifacts = ("torch-2.9.0-cp312.whl", "torch-2.9.0-cp313.whl")
    result = poolside(clone, "publish", "--watch")
    assert (result.status, result.err) == (0, WATCHED)
    record = "refs/poolside/builds/2026-07-03.1001"
    assert result.out == (
        f"Run 1 succeeded after 1m 45s.\n  torch-2.9.0-cp312.whl\n  torch-2.9.0-cp313.whl\nRecorded as {record}.\n"
    )
    tip, main = clone.rev("poolside-main"), clone.rev("origin/main")
    assert stamped.fork.rev(record) == clone.rev(record)
    assert clone.rev(f"{record}^{{commit}}") == tip
    body = json.loads(clone.git("cat-file", "tag", record).partition("\n\n")[2])
    assert body.pop("tool")
    assert body == {
        "schema": 1,
        "branch": "poolside-main",
        "tip": tip,
        "tips": {"snapshot": main, "picks": main, "patches": tip},
        "nightly": {"date": "2026-07-03", "commit": main},
        "version": "2.9.0.dev20260703+cu126.poolside",
        "workflow": FILE,
        "inputs": {"publish": "true"},
        "published": None,
        "run": 1001,
        "number": 1,
        "url": RUN_URL,
        "artifacts": ["torch-2.9.0-cp312.whl", "torch-2.9.0-cp313.whl"],
    }
    clone.git("fsck", "--strict")
    shown = poolside(clone, "log", "--published")
    assert shown.out == (
        f"2026-07-03.1001  {tip[:9]}  2025-06-15\n"
        "    built by run 1: 2.9.0.dev20260703+cu126.poolside\n"
        f"      {RUN_URL}\n"
        "      torch-2.9.0-cp312.whl\n"
        "      torch-2.9.0-cp313.whl\n"
    )
    other = stamped.clone("other")
    assert poolside(other, "log", "--published").out == "Nothing was published yet (0 records).\n"
    assert poolside(other, "log", "--published", "--fetch").out == shown.out


def test_what_was_built_is_not_built_again_unless_told(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run
) -> None:
    assert poolside(clone, "publish", "--watch").status == 0
    for arguments in ([], ["--watch"], ["-n"]):
        result = poolside(clone, "publish", *arguments)
        tip = clone.rev("poolside-main")
        assert (result.status, result.out, result.err) == (
            0,
            f"Nothing to do: run 1 has built {tip[:9]} with these inputs.\n{RUN_URL}\n",
            "hint: git poolside publish --again   (builds it once more)\n",
        )
    said = json.loads(poolside(clone, "publish", "--json").out)
    assert (said["outcome"], said["run"], said["url"]) == ("nothing-to-do", 1001, RUN_URL)
    assert len(fork.runs) == 1
    assert poolside(clone, "publish", "--input", "publish=false").status == 0
    github.sleep(3600)
    assert poolside(clone, "publish", "--again").status == 0
    assert len(fork.runs) == 3


def test_a_failed_run_is_shown_with_its_step(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run
) -> None:
    fork.plan.jobs = {
        "build (3.12)": [("Check out", 5, "success"), ("Build the wheel", 300, "failure"), ("Upload", 5, "success")],
        "build (3.13)": [("Check out", 5, "success"), ("Build the wheel", 200, "success")],
    }
    result = poolside(clone, "publish", "--watch")
    assert (result.status, result.out) == (5, "")
    assert result.err.splitlines()[-4:] == [
        "error: run 1 ended after 5m 10s: failure",
        "  build (3.12): failure at 'Build the wheel'",
        f"hint: {RUN_URL}",
        f"hint: gh run view 1001 --log-failed --repo {FORK}   (shows what it said)",
    ]
    assert clone.refs("refs/poolside/builds") == {}
    said = json.loads(poolside(clone, "publish", "--watch", "--json").out)
    assert (said["outcome"], said["exit"], said["run"], said["conclusion"]) == ("error", 5, 1002, "failure")
    assert said["error"] == "build (3.12): failure at 'Build the wheel'"


def test_ctrl_c_stops_watching_and_not_the_run(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted_at(github, 60, monkeypatch)
    result = poolside(clone, "publish", "--watch")
    assert result.status == 130
    assert result.err.endswith("\ninterrupted: run 1 goes on; 'git poolside publish --watch' goes on watching it\n")
    monkeypatch.setattr("git_poolside.ui.sleep", github.sleep)
    github.seen.clear()
    result = poolside(clone, "publish", "--watch")
    assert result.status == 0
    assert result.err.splitlines()[0] == f"Run 1 of {FILE} is on the way already:"
    assert posts(github) == []
    assert clone.refs("refs/poolside/builds") != {}


def interrupted_at(github: FakeGitHub, seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C comes once so much time has passed."""

    def sleep(length: float) -> None:
        github.sleep(length)
        if sum(github.slept) >= seconds:
            raise KeyboardInterrupt

    monkeypatch.setattr("git_poolside.ui.sleep", sleep)


@pytest.mark.parametrize("conclusion", ["success", "failure"])
def test_a_run_that_ended_unseen_is_told_and_not_begun_again(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run, conclusion: str
) -> None:
    fork.plan.jobs = {"build": [("Build", 60, conclusion)]}
    poolside(clone, "publish")
    github.sleep(3600)
    result = poolside(clone, "publish", "--watch")
    assert (result.status, len(fork.runs)) == (0 if conclusion == "success" else 5, 1)
    assert len(clone.refs("refs/poolside/builds")) == (conclusion == "success")
    assert not (clone.path / ".git/poolside/build.json").exists()


def test_the_end_of_an_earlier_run_is_recorded_before_the_next(
    github: FakeGitHub, fork: FakeRepository, stamped: World, clone: Repo, poolside: Run
) -> None:
    poolside(clone, "publish")
    built = clone.rev("poolside-main")
    github.sleep(3600)
    stamped.patch({"own.py": "more\n"}, "Add more\n")
    clone.git("pull", "-q")
    result = poolside(clone, "publish", "--watch")
    assert result.status == 0
    assert result.err.startswith("note: run 1, begun before, ended: success\n")
    assert [clone.rev(f"{ref}^{{commit}}") for ref in sorted(clone.refs("refs/poolside/builds"))] == [
        built, clone.rev("poolside-main"),
    ]  # fmt: skip


def test_a_run_is_not_joined_where_another_one_is_allowed(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run
) -> None:
    assert poolside(clone, "publish").status == 0
    result = poolside(clone, "publish", "--watch", "--allow", "running-build", "--input", "publish=false")
    assert result.status == 0
    assert [(run.cancelled is not None, run.inputs["publish"]) for run in fork.runs] == [
        (True, "true"),
        (False, "false"),
    ]


def test_a_run_that_somebody_else_began_is_joined(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run
) -> None:
    fork.begin(FILE, "poolside-main", "somebody", github)
    result = poolside(clone, "publish", "--watch")
    assert (result.status, len(fork.runs)) == (0, 1)
    assert result.err.splitlines()[0] == f"Run 1 of {FILE} is on the way already:"


def test_a_record_does_not_claim_the_inputs_of_somebody_elses_run(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run
) -> None:
    """GitHub does not tell them, and a run that uploaded nothing is no reason to build nothing."""
    fork.begin(FILE, "poolside-main", "somebody", github, {"publish": "false"})
    said = json.loads(poolside(clone, "publish", "--watch", "--json").out)
    assert (said["run"], said["inputs"]) == (1001, None)
    [record] = clone.refs("refs/poolside/builds")
    assert json.loads(clone.git("cat-file", "tag", record).partition("\n\n")[2])["inputs"] is None
    assert poolside(clone, "publish").status == 0
    assert [run.inputs["publish"] for run in fork.runs] == ["false", "true"]


def test_a_run_with_other_inputs_than_are_asked_for_is_not_joined(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run
) -> None:
    assert poolside(clone, "publish", "--input", "publish=false").status == 0
    result = poolside(clone, "publish", "--watch", "--input", "publish=true")
    assert (result.status, len(fork.runs)) == (1, 1)
    assert result.err.splitlines()[-1] == (
        "hint: git poolside publish --allow running-build   (begins one all the same)"
    )
    assert poolside(clone, "publish", "--watch").status == 0
    assert clone.refs("refs/poolside/builds") != {}


def test_watching_outlives_a_network_that_is_away_for_minutes(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run
) -> None:
    github.fault("GET", r"/actions/runs/\d+$", 503, times=40)
    fork.run_details = False
    result = poolside(clone, "publish", "--watch")
    assert result.status == 0, result.err
    assert "127.0.0.1" in result.err and "failed to show the run 1001 (HTTP 503): waiting 4 s" in result.err


def test_a_network_that_stays_away_ends_the_watching_and_not_the_run(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("git_poolside.watching._PATIENCE", 2)
    poolside(clone, "publish")
    github.fault("GET", r"/jobs$", 503, times=999)
    result = poolside(clone, "publish", "--watch")
    assert (result.status, result.err.splitlines()[-3:]) == (
        5,
        [
            f"error: 127.0.0.1:{github.port} failed to list the jobs of run 1001 (HTTP 503)",
            f"hint: try again later; ask those who keep 127.0.0.1:{github.port}",
            "hint: git poolside publish --watch   (goes on watching)",
        ],
    )
    github.faults.clear()
    result = poolside(clone, "publish", "--watch")
    assert (result.status, len(posts(github)), len(clone.refs("refs/poolside/builds"))) == (0, 1, 1), result.err


def test_a_record_that_the_server_does_not_take_is_kept_here(
    github: FakeGitHub, fork: FakeRepository, stamped: World, clone: Repo, poolside: Run
) -> None:
    stamped.fork.git("config", "receive.hideRefs", "refs/poolside")
    result = poolside(clone, "publish", "--watch")
    assert result.status == 0
    assert result.err.splitlines()[-2:] == [
        "warning: 'origin' does not take the record: [remote rejected] (deny updating a hidden ref)",
        "hint: git push origin refs/poolside/builds/2026-07-03.1001   (sends it)",
    ]
    assert len(clone.refs("refs/poolside/builds")) == 1


def test_a_synced_and_pushed_stack_is_published_with_its_published_state(
    github: FakeGitHub, fork: FakeRepository, stamped: World, clone: Repo, poolside: Run
) -> None:
    stamped.land({"b.py": TEN}, "Add b", 2)
    stamped.nightly("2026-07-10")
    assert poolside(clone, "sync", "--push").status == 0
    fork.plan.artifacts = ("wheel",)
    result = poolside(clone, "publish", "--watch", "--json")
    said = json.loads(result.out)
    assert (said["published"], said["record"]) == (
        "refs/poolside/published/2026-07-10-1", "refs/poolside/builds/2026-07-10-1.1001",
    )  # fmt: skip
    tip = clone.rev("poolside-main")
    assert poolside(clone, "log", "--published").out == (
        f"2026-07-10-1  {tip[:9]}  2026-08-01\n"
        "    built by run 1: 2.9.0.dev20260710+cu126.poolside\n"
        f"      {RUN_URL}\n"
        "      wheel\n"
    )
    listed = json.loads(poolside(clone, "log", "--published", "--json").out)["published"]
    assert [(one["ref"], [built["run"] for built in one["builds"]]) for one in listed] == [
        ("refs/poolside/published/2026-07-10-1", [1001])
    ]


HOSTILE = {
    "no json": "{",
    "a list": "[]",
    "no run": '{"url": "x", "workflow": "x", "artifacts": []}',
    "wrong types": '{"run": 1, "number": 1, "url": 7, "workflow": "x", "artifacts": [1], "version": {}}',
    "an option": '{"run": 1, "number": 1, "url": "\\u001b[2Jx", "workflow": "x", "artifacts": ["\\u001b[31m"],'
    ' "tip": "--output=x", "published": "--all"}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_record_that_somebody_made_up_does_no_harm(
    github: FakeGitHub, fork: FakeRepository, clone: Repo, poolside: Run, name: str
) -> None:
    tip = clone.rev("poolside-main")
    text = f"object {tip}\ntype commit\ntag x\ntagger A <a@b.example> 1 +0000\n\n{HOSTILE[name]}\n"
    tag = clone.git("hash-object", "-t", "tag", "-w", "--stdin", input=text)
    clone.git("update-ref", "refs/poolside/builds/x", tag)
    result = poolside(clone, "log", "--published")
    shown = f"x  {tip[:9]}  2025-06-15\n    built by run 1: no version\n      ^[[2Jx\n      ^[[31m\n"
    assert (result.status, result.err) == (0, "")
    assert result.out == (shown if name == "an option" else "Nothing was published yet (0 records).\n")
    assert poolside(clone, "publish", "-n").status == 0
    assert not (clone.path / "x").exists()


def test_the_token_appears_nowhere(
    github: FakeGitHub,
    fork: FakeRepository,
    clone: Repo,
    poolside: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not in what is printed, nor in the state, the records, or the arguments of any process (ps(1))."""
    programs, calls = tmp_path / "programs", tmp_path / "calls"
    programs.mkdir()
    for name in ("git", "gh"):
        real = shutil.which(name) or "false"
        (programs / name).write_text(f'#!/bin/sh\necho "$0 $@" >> {calls}\nexec {real} "$@"\n')
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    said = []
    for arguments in (["-n"], ["--json"], ["--watch"], ["--again", "--json"], ["--input", "colour=red"]):
        result = poolside(clone, "publish", *arguments)
        said += [result.out, result.err]
    github.fault("GET", "/workflows/", 401, body={"message": f"Bad credentials: {github.token}"})
    for words in (["publish", "--again"], ["doctor"], ["log", "--published", "--json"]):
        result = poolside(clone, *words)
        said += [result.out, result.err]
    kept = [path.read_bytes() for path in (clone.path / ".git").rglob("*") if path.is_file()]
    kept.append(clone.git("cat-file", "--batch", "--batch-all-objects").encode("utf-8", "surrogateescape"))
    assert any("Bad credentials: ***" in text for text in said)
    assert "credential" not in calls.read_text()  # the environment had one: nobody else was asked
    assert [text for text in [*said, calls.read_text()] if github.token in text] == []
    assert [text for text in kept if github.token.encode() in text] == []
