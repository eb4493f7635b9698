"""The push: everything at once, each ref with its lease, and what the server says is heard (P1 to P6)."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.conftest import TEN, Run
from tests.scenario import Repo, World

RECORD = "refs/poolside/published/2026-07-10-1"
BRANCHES = ("refs/heads/main", "refs/heads/poolside-cherry-picks", "refs/heads/poolside-main")


@pytest.fixture(params=["file", "daemon"])
def served(request: pytest.FixtureRequest, synced: World) -> Iterator[Repo]:
    """A clone that was synced but not pushed, whose server is a path, or a git daemon on loopback."""
    with _serving(synced, synced.there(), request.param):
        yield synced.there()


@pytest.fixture(params=["file", "daemon"])
def served_afresh(request: pytest.FixtureRequest, simple: World) -> Iterator[Repo]:
    """A new clone, with the same servers."""
    clone = simple.clone()
    with _serving(simple, clone, request.param):
        yield clone


@contextmanager
def _serving(world: World, clone: Repo, kind: str) -> Iterator[None]:
    if kind == "file":
        yield
        return
    server = socket.create_server(("127.0.0.1", 0))
    children: list[subprocess.Popen[bytes]] = []
    answering = Thread(target=_answer, args=(server, world.root, children), daemon=True)
    answering.start()
    clone.git("config", "remote.origin.url", f"git://127.0.0.1:{server.getsockname()[1]}/fork.git")
    try:
        yield
    finally:
        server.shutdown(socket.SHUT_RDWR)
        answering.join()
        server.close()
        for child in children:
            child.wait()


def _answer(server: socket.socket, root: Path, children: list[subprocess.Popen[bytes]]) -> None:
    """Give each connection to a git daemon of its own, until the socket is shut down."""
    words = ["git", "daemon", "--inetd", "--export-all", "--enable=receive-pack", f"--base-path={root}"]
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            children.append(
                subprocess.Popen(
                    words,
                    stdin=connection.fileno(),
                    stdout=connection.fileno(),
                    stderr=subprocess.DEVNULL,
                    env=dict(os.environ),
                )
            )


def hook(server: Repo, name: str, script: str) -> None:
    path = server.path / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)


def teammate(world: World, message: str = "Fix what was broken\n") -> str:
    """A teammate's commit on the fork's server."""
    return world.patch({"mate.txt": "theirs\n"}, message, "Team Mate <mate@poolside.example>")


def test_a_push_sends_the_branches_and_the_record(synced: World, served: Repo, poolside: Run) -> None:
    old, dropped = served.rev("origin/poolside-main"), served.rev("origin/poolside-main~2")
    result = poolside(served, "push")
    assert result.status == 0, result.err
    base, target, tip = served.rev("origin/main@{1}"), synced.upstream.rev("main"), served.rev("poolside-main")
    assert result.out.splitlines() == [
        "Pushed to 'origin':",
        f"  main                   {base[:9]} -> {target[:9]}",
        f"  poolside-cherry-picks  {dropped[:9]} -> {target[:9]}",
        f"  poolside-main          {old[:9]} -> {tip[:9]}",
        f"  {RECORD}",
    ]
    assert synced.fork.refs("refs") == {
        "refs/heads/main": target,
        "refs/heads/poolside-cherry-picks": target,
        "refs/heads/poolside-main": tip,
        RECORD: served.rev(RECORD),
    }
    assert [served.rev(f"origin/{name}") for name in ("main", "poolside-cherry-picks", "poolside-main")] == [
        target, target, tip,
    ]  # fmt: skip
    again = poolside(served, "push")
    assert (again.status, again.out) == (0, "Nothing to push: 'origin' has these branches already.\n")
    assert "hint: git poolside push" not in poolside(served, "status").err


def test_the_published_record_says_what_was_published(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    dropped = clone.rev("poolside-main~2")
    poolside(clone, "sync")
    poolside(clone, "push")
    kind, _, body = simple.fork.git("cat-file", "tag", RECORD).partition("\n\n")
    tip, target = clone.rev("poolside-main"), clone.rev("main")
    assert kind.splitlines() == [
        f"object {tip}",
        "type commit",
        "tag 2026-07-10-1",
        "tagger Own Person <own@poolside.example> 1785585600 +0000",
    ]
    said = json.loads(body)
    assert said.pop("tool")
    assert said == {
        "schema": 1,
        "tips": {"snapshot": target, "picks": target, "patches": tip},
        "nightly": {"date": "2026-07-10", "commit": target, "nightly": simple.upstream.rev("nightly")},
        "dropped": [dropped],
    }
    simple.fork.git("fsck", "--strict")
    assert poolside(clone, "log", "--published").out == f"2026-07-10-1  {tip[:9]}  2026-08-01\n"


def test_the_first_record_of_an_adopted_fork_has_the_nightly_that_it_stands_on(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("commit", "-q", "--allow-empty", "-m", "One more")
    assert poolside(clone, "push").status == 0
    _, _, body = simple.fork.git("cat-file", "tag", "refs/poolside/published/2026-07-03-1").partition("\n\n")
    nightly = simple.upstream.rev("nightly~1")
    assert json.loads(body)["nightly"] == {"date": "2026-07-03", "commit": clone.rev("origin/main"), "nightly": nightly}


def test_one_that_stands_on_no_nightly_has_the_date_of_the_push(simple: World, poolside: Run) -> None:
    simple.fork_at("main~1")
    clone = simple.clone()
    clone.git("commit", "-q", "--allow-empty", "-m", "One more")
    assert json.loads(poolside(clone, "push", "--json").out)["published"] == "refs/poolside/published/2026-08-01-1"


def test_the_second_record_of_a_day_has_the_next_number(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    poolside(clone, "sync", "--push")
    clone.git("commit", "-q", "--allow-empty", "-m", "One more")
    result = poolside(clone, "push", "--json")
    assert json.loads(result.out)["published"] == "refs/poolside/published/2026-07-10-2"


def test_a_number_that_somebody_takes_meanwhile_is_passed_over(synced: World, poolside: Run) -> None:
    clone = synced.there()
    tip = synced.fork.rev("poolside-main")
    path = clone.path / ".git/hooks/pre-push"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\nrm $0\ngit --git-dir={synced.fork.path} update-ref {RECORD} {tip}\n")
    path.chmod(0o755)
    result = poolside(clone, "push")
    assert result.status == 0, result.err
    assert result.out.splitlines()[-1] == f"  {RECORD[:-1]}2"
    assert synced.fork.rev(RECORD) == tip
    assert (
        synced.fork.rev(f"{RECORD[:-1]}2^{{commit}}") == clone.rev("poolside-main") == synced.fork.rev("poolside-main")
    )


def test_a_dry_run_pushes_nothing(synced: World, served: Repo, poolside: Run) -> None:
    before, here = synced.fork.refs("refs"), served.refs("refs")
    result = poolside(served, "push", "-n")
    assert (result.status, result.out.splitlines()[0], result.out.splitlines()[-1]) == (
        0,
        "Would push to 'origin':",
        f"  {RECORD}",
    )
    said = json.loads(poolside(served, "push", "-n", "--json").out)
    assert (said["schema"], said["outcome"], said["dry_run"], said["published"]) == (1, "done", True, RECORD)
    assert sorted(said["refs"]) == list(BRANCHES)
    assert (synced.fork.refs("refs"), served.refs("refs")) == (before, here)


def test_what_is_pushed_is_not_for_the_remotes_settings_to_say(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    for key, value in (("mirror", "true"), ("push", "refs/heads/*:refs/heads/else/*")):
        clone.git("config", f"remote.origin.{key}", value)
    clone.git("config", "push.followTags", "true")
    clone.git("tag", "-a", "-m", "mine", "mine")
    assert poolside(clone, "sync", "--push").status == 0
    assert sorted(simple.fork.refs("refs")) == sorted([*BRANCHES, RECORD])


def test_sync_push_does_both(simple: World, served_afresh: Repo, poolside: Run) -> None:
    result = poolside(served_afresh, "sync", "--push", "--json")
    said = json.loads(result.out)
    assert (result.status, said["outcome"], said["pushed"]) == (0, "done", True)
    assert simple.fork.rev("poolside-main") == served_afresh.rev("poolside-main")


def test_sync_push_whose_push_is_refused_keeps_the_sync(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    hook(simple.fork, "pre-receive", "echo 'frozen until Monday' >&2\nexit 1\n")
    result = poolside(clone, "sync", "--push", "--json")
    said = json.loads(result.out)
    assert (result.status, said["outcome"], said["pushed"], said["exit"]) == (1, "done", False, 1)
    assert "frozen until Monday" in said["error"]
    assert clone.rev("main") == simple.upstream.rev("main")


# P1: leases


def test_P1_a_teammates_commit_is_named_and_nothing_moves(synced: World, served: Repo, poolside: Run) -> None:
    mate = teammate(synced)
    before = synced.fork.refs("refs")
    result = poolside(served, "push")
    assert result.status == 4
    assert result.err.splitlines() == [
        "error: 'origin' has commits that this stack does not have:",
        f"  {mate[:7]} Team Mate: Fix what was broken",
        "hint: git poolside sync --take-in   (replays them on this stack; then push again)",
        "hint: git poolside pull   (goes to the fork's stack, and carries over what is only here)",
    ]
    assert synced.fork.refs("refs") == before


def test_P1_a_background_fetch_does_not_defeat_the_lease(synced: World, served: Repo, poolside: Run) -> None:
    teammate(synced)
    served.git("fetch", "-q", "origin")
    before = synced.fork.refs("refs")
    assert poolside(served, "push").status == 4
    assert poolside(served, "push", "--json").status == 4
    assert synced.fork.refs("refs") == before


def test_P1_a_push_between_our_look_and_our_push_is_found(synced: World, poolside: Run) -> None:
    clone = synced.there()
    tip = synced.fork.rev("poolside-main")
    mate = synced.commit(synced.fork, "waiting", {"mate.txt": "x\n"}, "Quick\n", parents=[tip])
    path = clone.path / ".git/hooks/pre-push"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\nrm $0\ngit --git-dir={synced.fork.path} update-ref refs/heads/poolside-main {mate}\n")
    path.chmod(0o755)
    before = synced.fork.refs("refs")
    result = poolside(clone, "push")
    assert result.status == 4, result.err
    assert "error: somebody pushed to 'origin' meanwhile; nothing was pushed:" in result.err.splitlines()
    assert synced.fork.refs("refs") == {**before, "refs/heads/poolside-main": mate}
    assert "refs/poolside/published" not in " ".join(clone.refs("refs"))


def test_P1_the_lease_of_the_oldest_unpushed_operation_counts(synced: World, poolside: Run) -> None:
    clone = synced.there()
    mate = teammate(synced)
    clone.git("fetch", "-q", "origin")
    again = poolside(clone, "sync")
    assert again.status == 1
    assert "'poolside-main' and 'origin/poolside-main' have diverged" in again.err
    assert poolside(clone, "push").status == 4
    assert synced.fork.rev("poolside-main") == mate


def test_P1_commits_that_our_stack_accounts_for_renew_the_lease(synced: World, poolside: Run) -> None:
    clone = synced.there()
    mate = teammate(synced)
    clone.git("fetch", "-q", "origin")
    clone.git("cherry-pick", mate)
    result = poolside(clone, "push")
    assert result.status == 0, result.err
    assert synced.fork.rev("poolside-main") == clone.rev("poolside-main")


def test_P1_what_the_message_of_a_lost_lease_hints_at_works(synced: World, poolside: Run) -> None:
    clone = synced.there()
    teammate(synced)
    [hint] = [line for line in poolside(clone, "push").err.splitlines() if "--take-in" in line]
    assert poolside(clone, *hint.removeprefix("hint: git poolside ").partition("   (")[0].split()).status == 0
    assert poolside(clone, "push").status == 0
    assert clone.show("poolside-main", "mate.txt") == "theirs\n"


# P2: refusals


def test_P2_one_ref_refused_moves_nothing_and_the_rule_is_quoted(synced: World, served: Repo, poolside: Run) -> None:
    hook(synced.fork, "update", '[ "$1" != refs/heads/main ] || { echo "main is protected: ask Mo" >&2; exit 1; }\n')
    before = synced.fork.refs("refs")
    result = poolside(served, "push")
    assert result.status == 1
    assert "remote: main is protected: ask Mo" in result.err
    assert "error: 'origin' refused the push; nothing was pushed:" in result.err.splitlines()
    assert "  main: [remote rejected] (hook declined)" in result.err.splitlines()
    assert synced.fork.refs("refs") == before
    assert "refs/poolside/published" not in " ".join(served.refs("refs"))


def test_P2_a_pre_receive_hook_refuses_all(synced: World, served: Repo, poolside: Run) -> None:
    hook(synced.fork, "pre-receive", "echo 'GH013: Repository rule violations found' >&2\nexit 1\n")
    before = synced.fork.refs("refs")
    result = poolside(served, "push", "--json")
    said = json.loads(result.out)
    assert (result.status, said["outcome"], said["exit"]) == (1, "refused", 1)
    assert "GH013: Repository rule violations found" in said["error"]
    assert synced.fork.refs("refs") == before


def test_P2_a_pre_push_hook_of_the_clone_refuses(synced: World, poolside: Run) -> None:
    clone = synced.there()
    path = clone.path / ".git/hooks/pre-push"
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\necho 'run the tests first' >&2\nexit 1\n")
    path.chmod(0o755)
    before = synced.fork.refs("refs")
    result = poolside(clone, "push")
    assert (result.status, "run the tests first" in result.err) == (1, True), result.err
    assert synced.fork.refs("refs") == before


def test_P2_a_server_that_hides_refs_poolside_gets_the_branches(synced: World, served: Repo, poolside: Run) -> None:
    synced.fork.git("config", "receive.hideRefs", "refs/poolside")
    result = poolside(served, "push")
    assert result.status == 0, result.err
    assert list(synced.fork.refs("refs")) == list(BRANCHES)
    assert synced.fork.rev("poolside-main") == served.rev("poolside-main")
    assert f"warning: the server does not take {RECORD}" in result.err
    assert "set published.prefix to refs/tags/poolside/" in result.err
    assert poolside(served, "push").out == "Nothing to push: 'origin' has these branches already.\n"


_REFUSES_WORKFLOWS = """\
import sys

def read():
    lines = []
    while (size := int(sys.stdin.buffer.read(4), 16)) > 4:
        lines.append(sys.stdin.buffer.read(size - 4).split(b"\\0")[0].rstrip())
    return lines

def write(*lines):
    for line in lines:
        sys.stdout.buffer.write(b"%04x%s" % (len(line) + 4, line))
    sys.stdout.buffer.write(b"0000")
    sys.stdout.buffer.flush()

read()
write(b"version=1\\n")
why = (
    b"refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml` "
    b"without `workflows` permission"
)
write(*(b"ng " + line.split()[2] + b" " + why for line in read()))
"""


def test_P2_a_token_that_may_not_write_workflow_files(synced: World, served: Repo, poolside: Run) -> None:
    """GitHub's own words, said by git's own receive-pack (githooks(5), proc-receive)."""
    synced.fork.git("config", "receive.procReceiveRefs", "refs/heads/main")
    (synced.fork.path / "refuse.py").write_text(_REFUSES_WORKFLOWS)
    hook(synced.fork, "proc-receive", f'exec "{sys.executable}" "{synced.fork.path}/refuse.py"\n')
    before = synced.fork.refs("refs")
    result = poolside(served, "push")
    assert (result.status, synced.fork.refs("refs")) == (1, before)
    said = result.err[result.err.index("error: 'origin' refused") :].splitlines()
    assert said[0] == "error: 'origin' refused the push, since the token may not write workflow files:"
    assert (
        "  main: [remote rejected] (refusing to allow a GitHub App to create or update workflow "
        "`.github/workflows/ci.yml` without `workflows` permission)"
    ) in said
    assert [line for line in said if line.startswith("hint: ")] == [
        "hint: upstream changes .github/workflows/ daily: a classic token needs the scope workflow, "
        "a fine-grained one or an App's the permission 'Workflows: write'",
        "hint: the token that Actions gives a job (GITHUB_TOKEN) never has it: check out with one of those",
    ]


def test_the_records_can_be_tags(simple: World, poolside: Run) -> None:
    simple.patch({".poolside.toml": '[published]\nprefix = "refs/tags/poolside/"\n'}, "Configure\n")
    clone = simple.clone()
    result = poolside(clone, "sync", "--push")
    assert result.status == 0, result.err
    assert list(simple.fork.refs("refs/tags")) == ["refs/tags/poolside/2026-07-10-1"]


# P4: the network


def test_P4_a_server_that_is_gone(synced: World, poolside: Run) -> None:
    clone = synced.there()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    clone.git("config", "remote.origin.url", f"git://127.0.0.1:{port}/fork.git")
    here = clone.refs("refs")
    result = poolside(clone, "push")
    assert result.status == 5
    assert result.err.splitlines()[0].startswith("error: the remote 'origin' cannot be reached: ")
    assert poolside(clone, "push", "--json").status == 5
    assert clone.refs("refs") == here


def test_P4_a_connection_that_dies_after_the_server_accepted_is_a_push(
    synced: World, served: Repo, poolside: Run
) -> None:
    hook(synced.fork, "post-receive", 'kill -KILL "$PPID"\n')
    result = poolside(served, "push")
    assert result.status == 0, result.err
    assert synced.fork.rev("poolside-main") == served.rev("poolside-main")
    assert synced.fork.rev(RECORD) == served.rev(RECORD)
    assert json.loads(poolside(served, "log", "--json").out)["operations"][0]["kind"] == "push"


def test_P4_a_push_that_is_killed_when_it_notes_what_the_server_has_leaves_no_lock(
    synced: World, poolside: Run
) -> None:
    clone = synced.there()
    script = clone.path / ".git/hooks/reference-transaction"
    script.parent.mkdir(exist_ok=True)
    script.write_text(
        '#!/bin/sh\n[ "$1" = prepared ] && grep -q refs/remotes/origin/ || exit 0\nrm "$0"\nkill -KILL "$PPID"\n'
    )
    script.chmod(0o755)
    result = poolside(clone, "push")
    assert result.status == 0, result.err
    assert not script.exists()
    assert [str(path) for path in (clone.path / ".git").rglob("*.lock")] == []
    assert synced.fork.rev("poolside-main") == clone.rev("poolside-main") == clone.rev("origin/poolside-main")


def test_P4_tracking_refs_that_cannot_be_moved_are_only_noted(synced: World, poolside: Run) -> None:
    clone = synced.there()
    locked = clone.path / ".git/refs/remotes/origin/main.lock"
    locked.parent.mkdir(parents=True, exist_ok=True)
    locked.touch()
    result = poolside(clone, "push")
    said, _, why = result.err.splitlines()[-1].partition(": 'git update-ref' failed (exit 128): ")
    assert (result.status, said) == (
        0,
        "warning: 'origin' has all of it, but its tracking branches are behind until the next fetch",
    )
    assert f"Unable to create '{locked}'" in why
    assert synced.fork.refs("refs/heads") == {ref: clone.rev(ref) for ref in BRANCHES}
    locked.unlink()
    assert poolside(clone, "push").out == "Nothing to push: 'origin' has these branches already.\n"


@pytest.mark.parametrize("command", ["sync", "undo"])
def test_P4_a_command_that_pushes_too_tells_what_could_not_be_noted(synced: World, poolside: Run, command: str) -> None:
    clone = synced.there()
    if command == "undo":
        assert poolside(clone, "push").status == 0
    locked = clone.path / ".git/refs/remotes/origin/main.lock"
    locked.parent.mkdir(parents=True, exist_ok=True)
    locked.touch()
    result = poolside(clone, command, "--push")
    assert result.status == 0, result.err
    assert ": 'origin' has all of it, but its tracking branches are behind until the next fetch: " in result.err


def test_P4_a_log_that_cannot_be_written_tells_that_the_push_went_through(synced: World, poolside: Run) -> None:
    clone = synced.there()
    locked = clone.path / ".git/refs/poolside/operations.lock"
    hook(synced.fork, "post-receive", f": > {locked}\n")
    result = poolside(clone, "push")
    assert (result.status, result.err.splitlines()[-1]) == (
        128,
        "hint: git poolside push   (writes it into the log: 'origin' has taken it all)",
    )
    assert synced.fork.rev("poolside-main") == clone.rev("poolside-main")
    locked.unlink()
    assert poolside(clone, "push").out.startswith("'origin' had taken these branches already, with ")


def test_P4_killed_after_the_server_accepted_running_again_finds_out(synced: World, poolside: Run) -> None:
    clone = synced.there()
    operations = clone.rev("refs/poolside/operations")
    poolside(clone, "push")
    tag = clone.rev(RECORD)
    clone.git("update-ref", "refs/poolside/operations", operations)
    clone.git("update-ref", "-d", RECORD)
    result = poolside(clone, "push")
    assert (result.status, result.out) == (
        0,
        f"'origin' had taken these branches already, with {RECORD}; that is recorded now.\n",
    )
    assert clone.rev(RECORD) == tag
    assert json.loads(poolside(clone, "log", "--json").out)["operations"][0]["pushed"] == {
        **{ref: clone.rev(ref) for ref in BRANCHES},
        RECORD: tag,
    }
    assert poolside(clone, "push").out == "Nothing to push: 'origin' has these branches already.\n"


def test_P4_a_server_that_dies_before_it_accepts(synced: World, served: Repo, poolside: Run) -> None:
    hook(synced.fork, "pre-receive", 'kill -KILL "$PPID"\n')
    before = synced.fork.refs("refs")
    result = poolside(served, "push")
    assert result.status == 5, result.err
    assert synced.fork.refs("refs") == before
    (synced.fork.path / "hooks/pre-receive").unlink()
    assert poolside(served, "push").status == 0


def test_P4_a_server_that_cannot_keep_the_objects_has_failed(simple: World, poolside: Run) -> None:
    served = simple.clone()
    poolside(served, "sync")
    simple.fork.git("config", "receive.maxInputSize", "1")
    before = simple.fork.refs("refs")
    result = poolside(served, "push")
    assert result.status == 5, result.err
    assert "error: the push to 'origin' failed: error: remote unpack failed: " in result.err
    assert simple.fork.refs("refs") == before
    simple.fork.git("config", "--unset", "receive.maxInputSize")
    assert poolside(served, "push").status == 0


@pytest.mark.parametrize("command", ["push", "sync"])
def test_P10_a_server_that_asks_who_we_are_fails_without_a_question(synced: World, poolside: Run, command: str) -> None:
    class Guard(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="fork"')
            self.end_headers()

        def log_message(self, *words: object) -> None:
            """Nothing is to be said."""

    clone = synced.there()
    here = clone.refs("refs")
    with HTTPServer(("127.0.0.1", 0), Guard) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        clone.git("config", "remote.origin.url", f"http://127.0.0.1:{server.server_port}/fork.git")
        result = poolside(clone, command)
        server.shutdown()
    assert result.status == 5
    assert result.err.splitlines()[0].startswith(
        "error: the remote 'origin' cannot be reached: could not read Username"
    )
    assert clone.refs("refs") == here


# P3, P5, P6


def test_P3_a_server_without_atomic_push_gets_the_branches_from_the_snapshot_up(simple: World, poolside: Run) -> None:
    simple.fork.git("config", "receive.advertiseAtomic", "false")
    hook(simple.fork, "update", "echo $1 >>order\n")
    clone = simple.clone()
    poolside(clone, "sync")
    result = poolside(clone, "push")
    assert result.status == 0, result.err
    assert "'origin' takes no atomic push: the branches went one after the other" in result.err
    assert (simple.fork.path / "order").read_text().splitlines() == [*BRANCHES, RECORD]
    assert simple.fork.rev("poolside-main") == clone.rev("poolside-main")
    assert poolside(clone, "push").out == "Nothing to push: 'origin' has these branches already.\n"


def test_P3_a_push_that_broke_off_is_gone_on_with(simple: World, poolside: Run) -> None:
    simple.fork.git("config", "receive.advertiseAtomic", "false")
    hook(simple.fork, "update", '[ "$1" != refs/heads/poolside-main ] || { echo "not now" >&2; exit 1; }\n')
    clone = simple.clone()
    poolside(clone, "sync")
    before = simple.fork.rev("poolside-main")
    result = poolside(clone, "push")
    assert result.status == 1, result.err
    assert "main, poolside-cherry-picks had gone before it, as the server takes no atomic push" in result.err
    assert "hint: git poolside push   (goes on from there)" in result.err.splitlines()
    assert simple.fork.refs() == {
        "refs/heads/main": clone.rev("main"),
        "refs/heads/poolside-cherry-picks": clone.rev("poolside-cherry-picks"),
        "refs/heads/poolside-main": before,
    }
    (simple.fork.path / "hooks/update").unlink()
    assert poolside(clone, "push").status == 0
    assert simple.fork.rev("poolside-main") == clone.rev("poolside-main")
    assert simple.fork.rev(f"{RECORD}^{{commit}}") == clone.rev("poolside-main")


def test_P3_a_push_that_broke_off_before_the_record_is_recorded_by_the_next(synced: World, poolside: Run) -> None:
    clone = synced.there()
    clone.git("push", "-q", "-f", "origin", "main", "poolside-cherry-picks", "poolside-main")
    result = poolside(clone, "push")
    assert (result.status, result.out) == (0, f"Pushed to 'origin':\n  {RECORD}\n")
    assert synced.fork.rev(f"{RECORD}^{{commit}}") == clone.rev("poolside-main")
    assert poolside(clone, "push").out == "Nothing to push: 'origin' has these branches already.\n"


def test_P5_the_first_push_makes_missing_branches(simple: World, served_afresh: Repo, poolside: Run) -> None:
    simple.fork.git("update-ref", "-d", "refs/heads/poolside-cherry-picks")
    poolside(served_afresh, "init")
    assert poolside(served_afresh, "sync").status == 0
    result = poolside(served_afresh, "push")
    assert result.status == 0, result.err
    assert f"  poolside-cherry-picks  new       -> {served_afresh.rev('main')[:9]}" in result.out.splitlines()
    assert simple.fork.rev("poolside-cherry-picks") == served_afresh.rev("poolside-cherry-picks")


def test_P5_a_branch_that_appeared_meanwhile_is_not_overwritten(simple: World, poolside: Run) -> None:
    simple.fork.git("update-ref", "-d", "refs/heads/poolside-cherry-picks")
    clone = simple.clone()
    poolside(clone, "init")
    poolside(clone, "sync")
    theirs = simple.commit(simple.fork, "poolside-cherry-picks", {"p.txt": "p\n"}, "Their pick\n",
                           parents=[simple.fork.rev("main")])  # fmt: skip
    before = simple.fork.refs("refs")
    result = poolside(clone, "push")
    assert result.status == 4, result.err
    assert f"  {theirs[:7]} Com" not in result.err
    assert f"{theirs[:7]} Ann Author: Their pick" in result.err
    assert simple.fork.refs("refs") == before


def test_P6_own_commits_made_after_the_sync_go_along(synced: World, poolside: Run) -> None:
    clone = synced.there()
    (clone.path / "b.py").write_text(TEN)
    clone.git("commit", "-q", "-a", "-m", "After all not")
    assert poolside(clone, "push").status == 0
    assert synced.fork.rev("poolside-main") == clone.rev("poolside-main")


def test_P6_a_local_branch_behind_the_server_is_not_pushed_back(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    mate = teammate(simple)
    result = poolside(clone, "push")
    assert result.status == 4, result.err
    assert simple.fork.rev("poolside-main") == mate


def test_A2_a_stale_local_snapshot_does_not_keep_patches_from_the_server(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("branch", "-q", "main", "origin/main~1")
    clone.git("commit", "-q", "--allow-empty", "-m", "Later work")
    before = simple.fork.rev("main")
    result = poolside(clone, "push")
    assert result.status == 0, result.err
    assert simple.fork.rev("main") == before
    assert simple.fork.rev("poolside-main") == clone.rev("poolside-main")


def test_P6_sync_takes_a_branch_that_is_behind_along(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    teammate(simple)
    assert poolside(clone, "sync", "--push").status == 0
    assert clone.subjects("main..poolside-main")[-2:] == [
        "Fix what was broken",
        "Set the version to the nightly of 2026-07-10",
    ]
    assert simple.fork.rev("poolside-main") == clone.rev("poolside-main")


def test_the_url_in_a_message_has_no_password(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    clone.git("config", "remote.origin.url", f"http://me:hunter2@127.0.0.1:{port}/fork.git")
    result = poolside(clone, "push")
    assert result.status == 5
    assert "hunter2" not in result.err + result.out


def test_nothing_is_pushed_to_upstream(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = simple.upstream.refs("refs")
    assert poolside(clone, "sync", "--push").status == 0
    assert simple.upstream.refs("refs") == before
    assert not Path(simple.root / "DISABLE").exists()


def test_a_pushed_sync_that_was_undone_is_what_the_next_one_goes_on_from(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    for branch in ("main", "poolside-cherry-picks"):
        clone.git("branch", "-q", branch, f"origin/{branch}")
    before = clone.refs()
    for words in (["sync"], ["push"], ["undo"]):
        assert poolside(clone, *words).status == 0
    assert clone.refs() == before
    again = poolside(clone, "sync", "-n")
    assert f"main                   {before['refs/heads/main'][:9]} -> " in again.out
    assert "1 dropped" in again.out


def test_P1_a_stale_clone_that_is_made_a_fork_does_not_push_over_a_teammate(simple: World, poolside: Run) -> None:
    stale, mine = simple.clone("stale"), simple.clone("mine")
    for words in (["init"], ["sync"]):
        assert poolside(mine, *words).status == 0
    mine.git("commit", "-q", "--allow-empty", "-m", "A new patch")
    assert poolside(mine, "push").status == 0
    server = simple.fork.refs()
    assert poolside(stale, "init", "--commit", "--snapshot", "main").status == 0
    result = poolside(stale, "push")
    assert result.status == 4, result.err
    assert simple.fork.refs() == server


def test_P14_a_clone_with_nothing_of_its_own_is_moved_along_after_a_teammates_sync(
    simple: World, poolside: Run
) -> None:
    mine, other = simple.clone("mine"), simple.clone("other")
    for repo in (mine, other):
        assert poolside(repo, "init").status == 0
    for words in (["sync"], ["push"]):
        assert poolside(mine, *words).status == 0
    refused = poolside(other, "push")
    assert refused.status == 4
    assert refused.err.splitlines()[-1] == "hint: git poolside pull   (moves this clone's branches along)"
    assert poolside(other, "sync").status == 0
    assert other.refs() == mine.refs()
    assert poolside(other, "push").status == 0
    assert simple.fork.refs() == mine.refs()


def test_a_pushed_commit_that_was_reset_away_is_taken_along_again_not_deleted(synced: World, poolside: Run) -> None:
    clone = synced.there()
    clone.git("commit", "-q", "--allow-empty", "-m", "Mine")
    assert poolside(clone, "push").status == 0
    pushed = clone.rev("HEAD")
    clone.git("reset", "-q", "--hard", "HEAD^")
    assert poolside(clone, "push").status == 4
    assert poolside(clone, "sync").status == 0
    assert clone.git("merge-base", "--is-ancestor", pushed, "poolside-main", check=False) == ""
    assert "Mine" in clone.subjects("main..poolside-main")


def test_P1_a_teammates_push_beside_an_unpushed_operation_is_not_to_be_rebased_onto(
    synced: World, poolside: Run
) -> None:
    clone = synced.there()
    synced.patch({"team.txt": "team\n"}, "Teammate\n")
    synced.land({"lib/c.py": TEN + "more\nand more\n"}, "Extend again", 13)
    synced.nightly("2026-07-11")
    result = poolside(clone, "sync")
    assert (result.status, "'poolside-main' and 'origin/poolside-main' have diverged" in result.err) == (1, True)
    assert [line for line in result.err.splitlines() if line.startswith("hint:")] == [
        "hint: git poolside sync --take-in   (keeps this clone's stack, and replays what came on it)",
        "hint: git poolside pull   (goes to the fork's stack, and carries over what is only here)",
    ]
    assert poolside(clone, "push").status == 4


def test_every_published_state_can_be_checked_out_in_a_fresh_clone(simple: World, poolside: Run) -> None:
    """Wheels stay rebuildable: what a later push replaced is on the server under its record's name."""
    clone = simple.clone()
    tips = []
    for number in range(1, 12):
        clone.git("commit", "-q", "--allow-empty", "-m", f"Number {number}")
        assert poolside(clone, "push").status == 0
        tips.append(clone.rev("HEAD"))
    assert poolside(clone, "sync", "--push").status == 0
    fresh = simple.clone("fresh")
    assert poolside(fresh, "log", "--published").out == "Nothing was published yet (0 records).\n"
    result = poolside(fresh, "log", "--published", "--fetch")
    names = [line.split()[0] for line in result.out.splitlines()]
    assert (result.status, names) == (0, ["2026-07-10-1", *(f"2026-07-03-{n}" for n in range(11, 0, -1))])
    for number, tip in enumerate(tips, 1):
        fresh.git("checkout", "-q", f"refs/poolside/published/2026-07-03-{number}")
        assert fresh.rev("HEAD") == tip
    assert poolside(fresh, "log", "--fetch").status == 129
    shown = poolside(fresh, "range-diff", "2026-07-03-1", "2026-07-03-3")
    assert [line.split()[-1] for line in shown.out.splitlines() if " > " in line] == ["2", "3"]


def test_picks_made_by_hand_are_not_pushed_before_the_patches_stand_on_them(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    assert poolside(clone, "sync", "--push").status == 0
    landed = simple.land({"b.py": TEN + "eleven\n"}, "Extend b", 14)
    clone.git("fetch", "-q", "upstream")
    clone.git("checkout", "-q", "poolside-cherry-picks")
    clone.git("cherry-pick", "-x", landed)
    clone.git("checkout", "-q", "poolside-main")
    server, pick = simple.fork.refs(), clone.rev("poolside-cherry-picks")
    for words in (["-n"], []):
        result = poolside(clone, "push", *words)
        assert (result.status, result.out) == (1, "")
        assert result.err.splitlines() == [
            "error: 'poolside-main' does not stand on 'poolside-cherry-picks', and would lack of it:",
            f"  {pick[:7]} Extend b (#14)",
            "hint: git poolside sync   (puts the patches on the picks again; then push)",
        ]
    assert simple.fork.refs() == server
    assert poolside(clone, "sync", "--push").status == 0
    assert simple.fork.show("poolside-main", "b.py") == TEN.replace("line 9\n", "line nine\n") + "eleven\n"


def test_a_fork_that_was_apart_before_may_be_pushed_so(simple: World, poolside: Run) -> None:
    simple.pick(simple.land({"b.py": TEN + "eleven\n"}, "Extend b", 14))
    simple.fork.git("update-ref", "refs/heads/poolside-main", "poolside-cherry-picks^")
    clone = simple.clone()
    clone.git("branch", "-q", "poolside-cherry-picks", "origin/poolside-cherry-picks")
    clone.git("commit", "-q", "--allow-empty", "-m", "Later work")
    assert poolside(clone, "push").status == 0
    assert simple.fork.subjects("poolside-main^..poolside-main") == ["Later work"]
