"""Generated stacks: a sync gives the commits, hash for hash, that ``git rebase --onto`` gives, or stops where it does.

Rebase keeps a patch that upstream has too (``--reapply-cherry-picks``) and drops what became empty, and so do we
where nothing in history says that a patch landed: upstream's commit here touches a path that no patch does.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass

import pytest
from hypothesis import given

from git_poolside.git.process import open_repository
from tests.conftest import Run
from tests.differential.oracle import Store, pinned
from tests.differential.test_merges import EDITING, MOVING, drawn
from tests.differential.trees import ADDING, DRIVERS, FILE, RULES_OF_MERGES, VERBS, File, Step, after, steps, write
from tests.scenario import Repo, World

PATCH = (
    b"author Pat Cher <pat@poolside.example> 1760000000 +0200\n"
    b"committer Com Mitter <com@example.com> 1760000000 +0000\n"
)


@dataclass(frozen=True)
class Came:
    """What became of a stack: its new tip, or the patch that conflicts, the commit before it, and the paths."""

    tip: str
    patch: str = ""
    paths: frozenset[bytes] = frozenset()


class Yard:
    """A fork whose branches are set at will, and a repository beside it in which git rebases the same commits."""

    def __init__(self, world: World, poolside: Run) -> None:
        self.poolside = poolside
        self.fork = self._repository(world, "fork")
        self.beside = self._repository(world, "beside")
        info = self.beside.path / ".git/objects/info"
        info.mkdir(exist_ok=True)
        (info / "alternates").write_text(f"{self.fork.path / '.git/objects'}\n")
        self.fork.git("symbolic-ref", "HEAD", "refs/heads/elsewhere")
        for name in ("origin", "upstream"):
            self.fork.git("config", f"remote.{name}.url", str(world.root / "nowhere"))
        self.store = Store(open_repository(self.fork.path).object_dir)

    def _repository(self, world: World, name: str) -> Repo:
        path = world.root / name
        path.mkdir()
        repo = Repo(path, world.env)
        repo.git("init", "-q")
        for driver, value in DRIVERS.items():
            repo.git("config", driver, value)
        return repo

    def commit(self, tree: str, parents: list[str], message: str) -> str:
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        return self.store.write("commit", "\n".join(lines).encode() + b"\n" + PATCH + f"\n{message}\n".encode())

    def synced(self, base: str, target: str, picks: str, tip: str) -> Came:
        """What ``git poolside sync`` makes of it, as an unattended run."""
        heads = {"main": base, "poolside-cherry-picks": picks, "poolside-main": tip}
        refs = {f"refs/heads/{name}": oid for name, oid in heads.items()}
        refs |= {f"refs/remotes/origin/{name}": oid for name, oid in heads.items()}
        refs |= {"refs/remotes/upstream/main": target, "refs/remotes/upstream/nightly": target}
        there = self.fork.refs("refs/poolside")
        lines = [f"update {ref} {oid}\n" for ref, oid in refs.items()] + [f"delete {ref}\n" for ref in there]
        self.fork.git("update-ref", "--stdin", input="".join(lines))
        result = self.poolside(self.fork, "sync", "--no-fetch", "--no-stop", "--onto", target, "--json")
        said = json.loads(result.out)
        assert (result.status, said["snags"]) in ((0, []), (3, [])), result.err
        if result.status == 0:
            tip = self.fork.rev("poolside-main")
            self.fork.git("rev-list", "--objects", "--quiet", tip)
            return Came(tip)
        kept = [patch["new"] for layer in said["layers"] for patch in layer["patches"] if patch["new"]]
        paths = frozenset(_plain(os.fsencode(path)) for path in said["conflict"]["paths"])
        return Came(kept[-1] if kept else target, said["conflict"]["patch"], paths)

    def rebased(self, base: str, target: str, tip: str) -> Came:
        """What git makes of it in a worktree."""
        git_dir = self.beside.path / ".git"
        if (git_dir / "rebase-merge").exists():
            self._git("rebase", "--quit")
        self._git("checkout", "-q", "-f", "--detach", target)
        self._git("clean", "-q", "-ffdx")
        done = self._git("rebase", "--onto", target, "--empty=drop", "--reapply-cherry-picks", base, tip, check=False)
        if done.returncode == 0:
            return Came(self.beside.rev("HEAD"))
        assert (git_dir / "rebase-merge").exists(), done.stderr
        unmerged = self._git("diff", "--name-only", "--diff-filter=U", "-z").stdout.split(b"\0")[:-1]
        return Came(self.beside.rev("HEAD"), self.beside.rev("REBASE_HEAD"), frozenset(map(_plain, unmerged)))

    def _git(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        words = ["git", *pinned(), "-c", "advice.detachedHead=false", *arguments]
        env = self.beside.env
        return subprocess.run(words, capture_output=True, cwd=self.beside.path, env=env, check=check)


def _plain(path: bytes) -> bytes:
    """A file that git moved aside is named after the commit, which is another in a rebase."""
    return path.partition(b"~")[0]


@pytest.fixture
def yard(world: World, poolside: Run) -> Yard:
    return Yard(world, poolside)


def of_merges(patch: list[Step]) -> list[Step]:
    """The steps with no attribute that changes what a checkout writes: rebase would take that for a local change."""
    return [Step(s.verb, s.a, s.b, s.c % len(RULES_OF_MERGES)) if s.verb == "set_attributes" else s for s in patch]


CALM = (*EDITING, *EDITING, *MOVING[:5])


WRITTEN_BY_GIT = [verb for verb in VERBS if verb != "write_oddly"]


@drawn(10)
@given(steps(3, 12, ADDING), steps(1, 4, WRITTEN_BY_GIT), *[steps(0, 2, CALM)] * 4)
def test_S1_S8_a_stack_is_what_rebase_makes_of_it(
    yard: Yard, base: list[Step], upstream: list[Step], a: list[Step], b: list[Step], c: list[Step], d: list[Step]
) -> None:
    store = yard.store
    files = after({}, base)
    start = yard.commit(write(store, files), [], "base")
    theirs = {**after(files, of_merges(upstream)), b"upstreams": File(FILE, b"moved\n")}
    target = yard.commit(write(store, theirs), [start], "upstream")
    stack = [start]
    for number, patch in enumerate((a, b, c, d)):
        files = after(files, of_merges(patch))
        stack.append(yard.commit(write(store, files), [stack[-1]], f"patch {number}\n\nits body"))
    synced = yard.synced(start, target, stack[1], stack[-1])
    assert synced == yard.rebased(start, target, stack[-1])


def test_C6_attributes_that_a_patch_brings_rule_the_patches_after_it(yard: Yard) -> None:
    text = [f"line {number}\n".encode() for number in range(9)]

    def tree(*lines: bytes, rule: bytes = b"") -> str:
        files = {b"a": File(FILE, b"".join(lines))} | ({b".gitattributes": File(FILE, rule)} if rule else {})
        return write(yard.store, files)

    start = yard.commit(tree(*text), [], "base")
    target = yard.commit(tree(*text[:4], b"upstream's\n", *text[5:]), [start], "upstream")
    first = yard.commit(tree(*text[:8], b"eight\n"), [start], "Merge without")
    second = yard.commit(tree(*text[:8], b"eight\n", rule=b"* merge=union\n"), [first], "Bring the rule")
    third = yard.commit(tree(*text[:4], b"ours\n", *text[5:8], b"eight\n", rule=b"* merge=union\n"), [second], "Use it")
    came = yard.synced(start, target, start, third)
    assert came == yard.rebased(start, target, third)
    assert b"upstream's\nours\n" in yard.fork.show(came.tip, "a").encode()


def test_S8_S10_headers_of_a_patch_become_what_rebase_makes_of_them(yard: Yard) -> None:
    """Odd zones stay; a signature and headers that git does not know do not."""
    files = {b"a": File(FILE, b"a\n")}
    start = yard.commit(write(yard.store, files), [], "base")
    target = yard.commit(write(yard.store, files | {b"upstreams": File(FILE, b"u\n")}), [start], "upstream")
    tip = start
    heads = {
        b"author J. Zone <j@x> 1700000000 -0330": b"",
        b"author S. Igner <s@x> 1700000000 +1345": b"gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END\n",
        b"author E. Xtra <e@x> 1700000000 -1200": b"HG:extra rebase_source:abc\n",
    }
    for number, (author, more) in enumerate(heads.items()):
        files[b"%d" % number] = File(FILE, b"own\n")
        tree = write(yard.store, files).encode()
        data = b"tree " + tree + b"\nparent " + tip.encode() + b"\n" + author + b"\n" + PATCH.splitlines()[1] + b"\n"
        tip = yard.store.write("commit", data + more + b"\nPatch %d\n\nbody\n" % number)
    assert yard.synced(start, target, start, tip) == yard.rebased(start, target, tip)
