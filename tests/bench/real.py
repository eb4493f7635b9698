"""The benchmark's repositories made of a real clone: its history, and a stack of changes taken from it.

The newest commits serve as patches: each that applies to the stack, and from there to the target, becomes one.
So the stack replays cleanly, as `git replay` needs it. Objects are borrowed from the clone, which is only
read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.bench.loop import Merger
from tests.bench.make_repo import (
    CONFIG,
    VERSION,
    Made,
    Stack,
    clone_fork,
    date_of,
    git,
    ready,
    write_note,
)
from tests.scenario import PATTERN_FILE, workflow

_PERSON = b"Fork Author <fork.author@example.com>"


def make(folder: Path, clone: Path, sizes: Sequence[int], behind: int, far: int, far_size: int) -> Made:
    """The repositories in `folder`; stacks and distances as far as the history reaches."""
    history = git(clone, "rev-list", "--first-parent", "HEAD", "--").split()
    spare = min(10 * max(sizes), len(history) // 4)
    note = {"version": VERSION, "clone": str(clone.resolve()), "head": history[0], "sizes": list(sizes)}
    if (made := ready(folder, note)) is not None:
        return made
    folder = folder.resolve()
    objects = git(clone, "rev-parse", "--path-format=absolute", "--git-path", "objects")
    for name in ("upstream.git", "fork.git"):
        git(folder, "init", "-q", "--bare", "-b", "main", name)
        (folder / name / "objects" / "info" / "alternates").write_text(f"{objects}\n")
    upstream, fork = folder / "upstream.git", folder / "fork.git"
    target = history[spare]
    when = int(git(upstream, "log", "-1", "--format=%ct", target))
    message = f"{date_of(when)} nightly release ({target})"
    names = [word for role in ("author", "committer") for word in ("-c", f"{role}.name=A", "-c", f"{role}.email=a@a")]
    nightly = git(upstream, *names, "commit-tree", "-m", message, f"{target}^{{tree}}")
    _heads(upstream, {"main": history[0], "nightly": nightly})
    candidates = git(fork, "rev-list", "--no-merges", "--reverse", history[0], f"^{target}").split()
    stacks: list[Stack] = []
    for name, distance, wanted in (("near", behind, list(sizes)), ("far", far, [far_size])):
        if spare + distance < len(history):
            stacks += _stack(fork, name, history[spare + distance], target, wanted, candidates, when)
    first = stacks[0]
    tips = {"main": first.base, "poolside-cherry-picks": first.picks, "poolside-main": first.tip}
    _heads(fork, {**tips, **{f"bench/{stack.name}-{stack.size}": stack.tip for stack in stacks}})
    git(fork, "symbolic-ref", "HEAD", "refs/heads/poolside-main")
    # Only what is new: a walk of the history would want what the clone may lack.
    loose = "".join(f"{path.parent.name}{path.name}\n" for path in (fork / "objects").glob("[0-9a-f][0-9a-f]/*"))
    git(fork, "pack-objects", "-q", "objects/pack/pack", input=loose.encode())
    git(fork, "prune-packed", "-q")
    clone_fork(folder, shared=True)
    _leave_out(folder / "work", [target, *(stack.tip for stack in stacks)])
    git(folder / "work", "reset", "-q", "--hard")
    return write_note(folder, note, stacks)


def _heads(repository: Path, tips: dict[str, str]) -> None:
    lines = "".join(f"update refs/heads/{name} {tip}\n" for name, tip in tips.items())
    git(repository, "update-ref", "--stdin", input=lines.encode())


def _stack(
    fork: Path, name: str, base: str, target: str, sizes: Sequence[int], candidates: Sequence[str], when: int
) -> list[Stack]:
    made: list[Stack] = []
    with Merger(str(fork)) as merger:
        tip, chain = _configured(fork, base, when), target
        replayed = merger.merge(base, chain, tip)
        assert replayed is not None, "upstream has git poolside's files"
        chain = _commit(merger, replayed, chain, b"author %b 0 +0000" % _PERSON, b"x\n")
        count = 1
        for candidate in candidates:
            if count in sizes and (not made or made[-1].size != count):
                made.append(Stack(name, count, base, target, base, tip))
            if count >= max(sizes):
                break
            data: bytes = merger.odb.read(candidate)[1]
            header, _, message = data.partition(b"\n\n")
            parents = [line[7:].decode() for line in header.split(b"\n") if line.startswith(b"parent ")]
            author = next(line for line in header.split(b"\n") if line.startswith(b"author "))
            tree = merger.merge(parents[0], tip, candidate)
            if tree is None or tree == merger.tree(tip):
                continue
            patch = _commit(merger, tree, tip, author, message)
            replayed = merger.merge(tip, chain, patch)
            if replayed is None or replayed == merger.tree(chain):
                continue
            tip, chain = patch, _commit(merger, replayed, chain, author, message)
            count += 1
    return made


def _commit(merger: Merger, tree: str, parent: str, author: bytes, message: bytes) -> str:
    head = b"tree %b\nparent %b\n%b\ncommitter %b 0 +0000\n\n" % (tree.encode(), parent.encode(), author, _PERSON)
    return merger.commit(head + message)


def _configured(fork: Path, base: str, when: int) -> str:
    """The first patch: the configuration, and the workflow with the version."""
    script = f"commit refs/heads/configured\ncommitter {_PERSON.decode()} {when} +0000\ndata 4\nAdd\n\nfrom {base}\n"
    date = date_of(when).replace("-", "")
    for path, text in ((".poolside.toml", CONFIG), (PATTERN_FILE, workflow(date))):
        script += f"M 100644 inline {path}\ndata {len(text)}\n{text}\n"
    git(fork, "fast-import", "--quiet", input=script.encode())
    tip = git(fork, "rev-parse", "configured")
    git(fork, "update-ref", "-d", "refs/heads/configured")
    return tip


def _leave_out(work: Path, commits: Sequence[str]) -> None:
    """Keep files whose content the clone lacks out of the worktree (git-sparse-checkout(1))."""
    trees = [git(work, "rev-parse", f"{commit}^{{tree}}") for commit in commits]
    listing = git(work, "rev-list", "--objects", "--missing=print", "--no-walk", *commits)
    missing = {line[1:] for line in listing.splitlines() if line.startswith("?")}
    paths: set[str] = set()
    for tree in trees if missing else []:
        for line in git(work, "ls-tree", "-r", tree).splitlines():
            meta, _, path = line.partition("\t")
            if meta.split()[2] in missing:
                paths.add(path)
    if paths:
        patterns = "".join(f"{line}\n" for line in ["/*", *(f"!/{path}" for path in sorted(paths))])
        git(work, "sparse-checkout", "set", "--no-cone", "--stdin", input=patterns.encode())
