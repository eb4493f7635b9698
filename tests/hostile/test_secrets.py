"""P10, P13: no password of a url appears in output, logs, ``--json``, process lists or the state folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from git_poolside.terminal import without_passwords
from tests.conftest import Run
from tests.scenario import Repo, Result, World

SECRET = "s3cr3t-w0rd"
LINES = {
    f"https://user:{SECRET}@host/x": "https://host/x",
    f"https://{SECRET}@host/x": "https://host/x",
    f"HTTP://u:p@{SECRET}@host": "HTTP://host",
    f"fatal: unable to access 'https://u:{SECRET}@host/x/': no": "fatal: unable to access 'https://host/x/': no",
    f"ssh://git:{SECRET}@host/x": "ssh://git@host/x",
    "ssh://git@host/x and git@host:x": "ssh://git@host/x and git@host:x",
    f"unable to look up user:{SECRET}@host (port 9418)": "unable to look up user@host (port 9418)",
    "note: me@x.example, a:b@{1}, x@y:z": "note: me@x.example, a:b@{1}, x@y:z",
    "mail me@x.example": "mail me@x.example",
}


@pytest.mark.parametrize("line", LINES)
def test_P10_a_password_is_taken_out_of_a_line(line: str) -> None:
    assert without_passwords(line) == LINES[line]


def nowhere(clone: Repo, results: list[Result]) -> None:
    """Asserts that the secret is in no output, and in no file of the repository but its own configuration."""
    for result in results:
        assert SECRET not in result.out + result.err
    for path in (clone.path / ".git").rglob("*"):
        if path.is_file() and path.name != "config":
            assert SECRET.encode() not in path.read_bytes(), path
    assert SECRET not in clone.git("cat-file", "--batch-all-objects", "--batch", "--unordered")


@pytest.mark.parametrize("scheme", ["https", "http", "git", "ssh"])
def test_P10_a_remote_with_a_password_that_cannot_be_reached(simple: World, poolside: Run, scheme: str) -> None:
    clone = simple.clone()
    clone.git("config", "core.sshCommand", "sh -c 'echo cannot reach \"$@\" >&2; exit 1' ssh")
    results = []
    for remote in ("origin", "upstream"):
        clone.git("config", f"remote.{remote}.url", f"{scheme}://user:{SECRET}@127.0.0.1:1/x.git")
        for words in (["sync"], ["sync", "--json"], ["push"], ["pull"], ["init"], ["doctor"], ["status"],
                      ["cherry-pick", "add", "#11"], ["doctor", "--json"], ["publish", "-n"]):  # fmt: skip
            results.append(poolside(clone, *words))
            assert "Traceback" not in results[-1].err and results[-1].status in (0, 1, 5)
    nowhere(clone, results)


def test_P10_a_url_with_a_password_is_not_taken(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("config", "--remove-section", "remote.upstream")
    url = f"https://user:{SECRET}@host.example/x"
    (simple.root / "c.toml").write_text(f"[remotes]\nupstream-url = {json.dumps(url)}\n")
    results = [
        poolside(clone, "init", "--upstream", url), poolside(clone, "status", "--config", str(simple.root / "c.toml")),
        poolside(clone, "cherry-pick", "add", f"{url}/pull/1"), poolside(clone, "cherry-pick", "add", url),
        poolside(clone, "sync", url), poolside(clone, "sync", "--onto", url), poolside(clone, "sync", "--keep", url),
        poolside(clone, "undo", url), poolside(clone, "init", "--upstream", url, "--json"),
    ]  # fmt: skip
    assert {result.status for result in results} <= {1, 129}
    assert "may hold no password" in results[0].err
    nowhere(clone, results)
    assert SECRET not in (clone.path / ".git/config").read_text()


@pytest.mark.parametrize("form", [["--exec", "COMMAND"], ["--exec=COMMAND"]])
def test_P10_the_command_of_exec_is_in_no_log(simple: World, poolside: Run, form: list[str]) -> None:
    clone = simple.clone()
    command = f"true -H 'Authorization: token {SECRET}' https://user:{SECRET}@host.example/x"
    words = [word.replace("COMMAND", command) for word in form]
    results = [poolside(clone, "sync", *words), poolside(clone, "log"), poolside(clone, "log", "--json"),
               poolside(clone, "undo"), poolside(clone, "log")]  # fmt: skip
    assert [result.status for result in results] == [0] * 5
    nowhere(clone, results)
    assert "--exec" in results[1].out


def test_P10_while_it_is_stopped_its_owner_alone_may_read_it(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    command = f"test {SECRET}; false"
    assert poolside(clone, "sync", "--drop", "Tune line five", "--exec", command).status == 3
    state = clone.path / ".git/poolside/stopped.json"
    assert state.stat().st_mode & 0o077 == 0
    refused = poolside(clone, "sync")
    status = poolside(clone, "status", "--json")
    again = poolside(clone, "sync", "--continue")
    assert (refused.status, status.status, again.status) == (1, 0, 3)  # it was run again
    assert poolside(clone, "sync", "--abort").status == 0
    nowhere(clone, [refused, status])
    unattended = poolside(clone, "sync", "--drop", "Tune line five", "--exec", command, "--no-stop", "--json")
    assert unattended.status == 3
    nowhere(clone, [unattended])


def test_P10_no_process_of_ours_has_a_password_among_its_arguments(
    simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A git that notes how it was called stands first on PATH; the remote's url has a password, and works."""
    clone = simple.clone()
    calls = simple.root / "calls"
    bin = simple.root / "bin"
    bin.mkdir()
    real = next(Path(place) / "git" for place in os.environ["PATH"].split(":") if (Path(place) / "git").exists())
    (bin / "git").write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {calls}\nexec {real} "$@"\n')
    (bin / "git").chmod(0o755)
    for name, repo in (("origin", simple.fork), ("upstream", simple.upstream)):
        clone.git("config", f"remote.{name}.url", f"https://user:{SECRET}@{name}.example/x")
        clone.git("config", f"url.{repo.path.as_uri()}.insteadOf", f"https://user:{SECRET}@{name}.example/x")
    monkeypatch.setenv("PATH", f"{bin}:{os.environ['PATH']}")
    results = [poolside(clone, *words) for words in (["sync"], ["push"], ["pull"], ["undo", "--push"], ["doctor"])]
    assert [result.status for result in results][:4] == [0, 0, 0, 0], results
    assert "push --atomic" in calls.read_text()
    assert SECRET not in calls.read_text()
    nowhere(clone, results)
