"""The operation log: what it shows, what it keeps alive, and for how long."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Run
from tests.scenario import Repo, World

LOG = "refs/poolside/operations"


def entry(clone: Repo, revision: str = LOG) -> dict[str, object]:
    loaded: dict[str, object] = json.loads(clone.git("cat-file", "blob", f"{revision}:operation.json"))
    return loaded


def test_an_empty_log(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    assert poolside(clone, "log").out == "No operation yet.\n"
    assert json.loads(poolside(clone, "log", "--json").out) == {"schema": 1, "operations": []}
    assert poolside(clone, "log", "--published").out.startswith("Nothing was published yet")


def test_the_log_shows_each_operation_newest_first(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = clone.rev("poolside-main")
    snapshot, picks = simple.fork.rev("main"), simple.fork.rev("poolside-cherry-picks")
    poolside(clone, "sync")
    after, target = clone.rev("poolside-main"), clone.rev("main")
    poolside(clone, "push")
    poolside(clone, "undo")
    ids = [one["id"] for one in json.loads(poolside(clone, "log", "--json").out)["operations"]]
    assert [len(one) for one in ids] == [12, 12, 12]
    assert poolside(clone, "log").out.splitlines() == [
        f"{ids[0]}  2026-08-01 12:00:00  undo",
        f"    took back {ids[2]}",
        f"    main                   {target[:9]} -> {snapshot[:9]}",
        f"    poolside-cherry-picks  {target[:9]} -> {picks[:9]}",
        f"    poolside-main          {after[:9]} -> {before[:9]}",
        f"{ids[1]}  2026-08-01 12:00:00  push",
        "    pushed main, poolside-cherry-picks, poolside-main, refs/poolside/published/2026-07-10-1",
        f"{ids[2]}  2026-08-01 12:00:00  sync",
        "    onto the nightly of 2026-07-10: 2 kept, 1 dropped",
        f"    main                   none      -> {target[:9]}",
        f"    poolside-cherry-picks  none      -> {target[:9]}",
        f"    poolside-main          {before[:9]} -> {after[:9]}",
    ]
    assert poolside(clone, "log", "-n", "1").out.splitlines()[0] == f"{ids[0]}  2026-08-01 12:00:00  undo"


def test_json_of_the_log(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    before = clone.rev("poolside-main")
    poolside(clone, "sync", "--nightly", "2026-07-10")
    [one] = json.loads(poolside(clone, "log", "--json").out)["operations"]
    assert one["command"] == ["sync", "--nightly", "2026-07-10"]
    assert (one["time"], one["kind"]) == ("2026-08-01T12:00:00Z", "sync")
    assert one["refs"] == {
        "refs/heads/main": {"before": None, "after": clone.rev("main")},
        "refs/heads/poolside-cherry-picks": {"before": None, "after": clone.rev("main")},
        "refs/heads/poolside-main": {"before": before, "after": clone.rev("poolside-main")},
    }


def test_an_entry_records_what_decided(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    server = {
        f"refs/heads/{name}": simple.fork.rev(name) for name in ("main", "poolside-cherry-picks", "poolside-main")
    }
    poolside(clone, "sync")
    recorded = entry(clone)
    assert recorded["leases"] == server
    assert "merge.renames=true" in json.dumps(recorded["pinned"])
    assert recorded["git"] and recorded["tool"]
    assert recorded["nightly"] == {
        "date": "2026-07-10",
        "commit": clone.rev("main"),
        "nightly": simple.upstream.rev("nightly"),
    }


def test_a_dry_run_and_a_refusal_write_no_entry(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    poolside(clone, "sync", "-n")
    poolside(clone, "sync", "--nightly", "2020-01-01")
    assert clone.refs("refs/poolside") == {}


def test_a_secret_in_a_command_is_not_recorded(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    result = poolside(clone, "sync", "--exec", ": https://me:hunter2@example.com/x")
    assert result.status == 0, result.err
    assert "hunter2" not in json.dumps(entry(clone))
    assert "hunter2" not in poolside(clone, "log").out
    assert "hunter2" not in clone.git("log", "-g", "--format=%gs", "poolside-main")


def test_the_log_has_a_reflog(synced: World, poolside: Run) -> None:
    clone = synced.there()
    poolside(clone, "undo")
    assert clone.git("log", "-g", "--format=%gs", LOG).splitlines() == ["poolside undo", "poolside sync"]


def test_everything_that_the_log_names_survives_gc(stuck: World, poolside: Run) -> None:
    clone = stuck.clone()
    poolside(clone, "init")
    before = clone.refs("refs/heads")
    assert poolside(clone, "sync", "--drop", "line five").status == 0
    after = clone.refs("refs/heads")
    clone.git("commit", "-q", "--allow-empty", "-m", "x")
    clone.git("reset", "-q", "--hard", "HEAD~1")
    poolside(clone, "undo")
    for name in ("origin/poolside-main", "origin/HEAD"):
        clone.git("update-ref", "-d", f"refs/remotes/{name}")
    clone.git("reflog", "expire", "--expire=now", "--all")
    clone.git("gc", "-q", "--prune=now")
    for oid in (*before.values(), *after.values()):
        assert clone.git("cat-file", "-t", oid) == "commit"
    assert poolside(clone, "undo").status == 0
    assert clone.refs("refs/heads") == after


@pytest.mark.parametrize(("keep", "left"), [("30 days", 2), ("90 days", 3), ("forever", 3)])
def test_operations_keep_bounds_the_log(
    simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch, keep: str, left: int
) -> None:
    simple.patch({".poolside.toml": f'[operations]\nkeep = "{keep}"\n'}, "Configure\n")
    clone = simple.clone()
    first = clone.rev("poolside-main")
    at = 1785585600
    for days, command in ((0, "sync"), (20, "undo"), (45, "undo")):
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"{at + days * 86400} +0000")
        assert poolside(clone, command).status == 0
    shown = json.loads(poolside(clone, "log", "--json").out)["operations"]
    assert [one["command"] for one in shown] == [["undo"], ["undo"], ["sync"]][:left]
    assert poolside(clone, "undo").status == 0
    assert clone.rev("poolside-main") == first


def test_S8_a_date_that_no_calendar_holds_is_its_last_second(
    simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = simple.clone()
    monkeypatch.setenv("GIT_COMMITTER_DATE", "@253402300800 +0000")
    assert poolside(clone, "sync").status == 0
    assert entry(clone)["time"] == "9999-12-31T23:59:59Z"
    assert clone.git("log", "-1", "--format=%ct", "poolside-main") == "253402300800"


def test_the_log_needs_no_configuration(synced: World, poolside: Run) -> None:
    clone = synced.there()
    clone.git("checkout", "-q", "--detach")
    for branch in ("main", "poolside-cherry-picks", "poolside-main"):
        clone.git("branch", "-q", "-D", branch)
    assert poolside(clone, "log").status == 0
