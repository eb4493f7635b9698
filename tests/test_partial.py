"""A partial clone: what is not needed is not fetched, and what is needed comes in one go."""

from __future__ import annotations

import re

from git_poolside.git.objects import Objects
from git_poolside.git.process import open_repository
from git_poolside.git.promised import bring
from git_poolside.stack.model import Oid
from tests.conftest import Run
from tests.scenario import Repo, World

ROWS = "".join(f"row {n}\n" for n in range(1, 31))


def fetched(clone: Repo) -> int:
    """How often objects were fetched: each time leaves one promisor pack."""
    return len(list((clone.path / ".git/objects/pack").glob("*.promisor")))


def blobless(world: World) -> Repo:
    """A clone without blobs but for what is checked out, that has both remotes as they are now."""
    return world.clone("blobless", "--filter=blob:none")


def with_stack(world: World, files: int) -> None:
    """Upstream with many files and a stack that changes some of them, each patch another."""
    names = [f"lib/file{n}.py" for n in range(20)]
    base = world.land({name: f"# {name}\n{ROWS}" for name in names}, "Begin", 1)
    world.fork_at(base)
    for name in names[:files]:
        world.patch({name: f"# {name}\n{ROWS.replace('row 3', 'own 3')}"}, f"Change {name}")


def test_a_stack_that_upstream_did_not_touch_is_replayed_without_one_blob(world: World, poolside: Run) -> None:
    with_stack(world, 3)
    world.nightly("2026-07-10", world.land({"lib/file19.py": "other\n"}, "Rewrite the last", 2))
    clone = blobless(world)
    before = fetched(clone)
    result = poolside(clone, "sync", "-n")
    assert result.status == 0, result.err
    assert fetched(clone) == before


def test_no_blob_is_needed_where_upstream_did_not_touch_the_paths(world: World, poolside: Run) -> None:
    """The servers are gone, so that nothing can be fetched into any folder, one that is thrown away or not."""
    with_stack(world, 3)
    world.patch({"lib/file1.py": None, "tools/new.py": "new\n"}, "Take one away, add one")
    world.nightly("2026-07-10", world.land({"lib/file19.py": "other\n", "lib/more.py": "more\n"}, "Rewrite", 2))
    clone, full = blobless(world), world.clone("full")
    clone.git("checkout", "-q", "-b", "elsewhere", "origin/main")
    for server in (world.fork, world.upstream):
        server.path.rename(server.path.with_suffix(".gone"))
    blobs = clone.git("cat-file", "--batch-all-objects", "--batch-check=%(objecttype)").split().count("blob")
    for repo in (clone, full):
        result = poolside(repo, "sync", "--no-fetch")
        assert result.status == 0, result.err
    assert clone.refs() == full.refs() | {"refs/heads/elsewhere": clone.rev("elsewhere")}
    after = clone.git("cat-file", "--batch-all-objects", "--batch-check=%(objecttype)").split().count("blob")
    assert after == blobs + 1, "the operation log's own"


def test_what_cannot_be_fetched_now_is_the_far_sides_failure(world: World, poolside: Run) -> None:
    with_stack(world, 1)
    world.nightly("2026-07-10", world.land({"lib/file0.py": f"# lib/file0.py\n{ROWS}more\n"}, "Change the end", 2))
    clone = blobless(world)
    clone.git("checkout", "-q", "-b", "elsewhere", "origin/main")
    before = clone.refs()
    for server in (world.fork, world.upstream):
        server.path.rename(server.path.with_suffix(".gone"))
    result = poolside(clone, "sync", "--no-fetch")
    assert (result.status, result.out) == (5, "")
    message, hint = result.err.splitlines()
    why = f"'{world.fork.path}' does not appear to be a git repository"
    assert message == f"error: this partial clone cannot fetch what it needs: {why}"
    assert re.fullmatch(r"hint: git cat-file -t [0-9a-f]{40}   \(tries to fetch it alone\)", hint)
    assert clone.refs() == before


def test_a_configuration_that_cannot_be_fetched_now_is_not_taken_for_none(simple: World, poolside: Run) -> None:
    simple.patch({".poolside.toml": "[sync]\npush = true\n"}, "Configure\n")
    clone = simple.clone("blobless", "--filter=blob:none", "--no-checkout")
    simple.fork.path.rename(simple.fork.path.with_suffix(".gone"))
    result = poolside(clone, "sync", "-n", "--no-fetch")
    assert (result.status, result.err.splitlines()[1]) == (
        5,
        f"hint: git cat-file -t {clone.rev('poolside-main^0:.poolside.toml')}   (tries to fetch it alone)",
    )


def test_blobs_that_merges_need_are_fetched_in_one_batch(world: World, poolside: Run) -> None:
    with_stack(world, 6)
    names = [f"lib/file{n}.py" for n in range(6)]
    change = {name: f"# {name}\n{ROWS.replace('row 27', 'upstream 27')}" for name in names}
    world.nightly("2026-07-10", world.land(change, "Change the ends", 2))
    # As on a forge, where a fork and its upstream share their objects.
    (world.fork.path / "objects/info/alternates").write_text(f"{world.upstream.path}/objects\n")
    clone = blobless(world)
    before = fetched(clone)
    result = poolside(clone, "sync", "-n")
    assert result.status == 0, result.err
    assert fetched(clone) == before + 1
    assert poolside(clone, "sync", "--json").status == 0
    for name in names:
        text = clone.show("poolside-main", name)
        assert "own 3\n" in text and "upstream 27\n" in text


def test_what_no_server_has_all_of_is_fetched_from_both(world: World) -> None:
    """A server that lacks one of what it is asked for hands out nothing."""
    with_stack(world, 2)
    again = {f"lib/file{n}.py": "own, again\n" for n in range(2)}
    world.patch(again, "Change both again")
    world.nightly("2026-07-10")
    clone = blobless(world)
    world.land({"lib/file0.py": "upstream's\n"}, "Rewrite the first", 2)
    clone.git("fetch", "-q", "--filter=blob:none", "upstream")
    wanted = [
        *(world.fork.rev(f"poolside-main~1:lib/file{n}.py") for n in range(2)),
        world.upstream.rev("main:lib/file0.py"),
    ]
    git = open_repository(clone.path)
    assert [Objects(git).exists(Oid(oid)) for oid in wanted] == [False, False, False]
    bring(Objects(git), map(Oid, wanted))
    assert [Objects(git).exists(Oid(oid)) for oid in wanted] == [True, True, True]


def test_P1_status_fetches_nothing_to_see_what_came(simple: World, poolside: Run) -> None:
    """Without the blobs of what came it cannot be told apart; the push asks for them."""
    clone = blobless(simple)
    assert poolside(clone, "sync").status == 0
    simple.patch({"mate.txt": "theirs\n", "b.py": "theirs\n"}, "A mate's patch\n")
    clone.git("fetch", "-q", "origin")
    for server in (simple.fork, simple.upstream):
        server.path.rename(server.path.with_suffix(".gone"))
    result = poolside(clone, "status")
    assert (result.status, result.err) == (0, "hint: git poolside push   (sends the branches)\n")
    for server in (simple.fork, simple.upstream):
        server.path.with_suffix(".gone").rename(server.path)
    assert poolside(clone, "push", "-n").status == 4
