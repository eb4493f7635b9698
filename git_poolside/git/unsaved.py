"""What a person has in a worktree and in no commit, that nothing may be written over; and how they get it aside."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Sequence, Set
from pathlib import Path

from git_poolside.errors import Refused
from git_poolside.git.diff import Change, change_to
from git_poolside.git.objects import FILES, Objects
from git_poolside.git.process import Git
from git_poolside.stack.model import Oid

_MARKER = re.compile(rb"^(?:<{7,}|>{7,}) .*", re.MULTILINE)
_NOTHING = b"0 0 0"
_PLAIN_INDEX = ("core.splitIndex=false", "core.fsmonitor=false", "core.ignoreStat=false")


def overlap(git: Git, old: Oid, new: Oid, more: Iterable[bytes] = ()) -> list[str]:
    """Local changes and untracked files on the paths where `old` and `new` differ, or on `more`.

    Ignored files count: a checkout may not overwrite them either.
    """
    switched = change_to(git, old, new).paths | set(more)
    dirty: set[bytes] = set()
    out = git.run("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignored=matching",
                  "--ignore-submodules=all").stdout  # fmt: skip
    for record in out.split(b"\0"):
        if record:
            dirty.add(record[3:])
    found = {path for path in dirty if path in switched}
    for path in dirty:
        if path.endswith(b"/"):
            inside = {other for other in switched if other.startswith(path)}
            found |= {other for other in inside if os.path.lexists(git.folder / os.fsdecode(other))}
            found |= switched & {path[:-1]}
    found |= _changed_unseen(git, switched)
    for path in switched:
        parts = path.split(b"/")
        found |= {b"/".join(parts[:n]) for n in range(1, len(parts)) if b"/".join(parts[:n]) in dirty}
    return sorted(path.decode("utf-8", "replace") for path in found)


def refuse_overlap(git: Git, old: Oid, new: Oid) -> None:
    """Raises `Refused` if a checkout from `old` to `new` here would be refused, before any is begun elsewhere."""
    if found := overlap(git, old, new):
        raise in_the_way(git, found)


def in_the_way(git: Git, paths: Sequence[str]) -> Refused:
    return Refused(
        f"local changes in {git.folder} are in the way:\n" + "\n".join(f"  {path}" for path in paths),
        snag="dirty-for-stop",
        hints=aside(git, paths),
    )


def aside(git: Git, paths: Sequence[str]) -> list[str]:
    """How to get local changes and files out of the way: git-stash(1) leaves alone what it is not told to take."""
    literal = git.with_environment(GIT_LITERAL_PATHSPECS="1")
    out = literal.run("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignored=matching",
                      "--", *paths).stdout  # fmt: skip
    codes = {record[:2] for record in out.split(b"\0")} - {b""}
    seen = _seen_again(git, paths)
    if b"!!" in codes or not (codes or seen):  # in a repository inside of this one git sees nothing
        return [*seen, "move them away"]
    stash = "git stash -u" if b"??" in codes else "git stash"
    rest = "or commit them, or move them away" if b"??" in codes else "or commit them"
    return [*seen, f"{stash}   (puts them aside; git stash pop brings them back)", rest]


def _seen_again(git: Git, paths: Sequence[str]) -> list[str]:
    """The hint for those of `paths` that git was told not to look at: until it does, nothing puts them aside."""
    found = _unwatched(git, {path.encode("utf-8", "surrogateescape") for path in paths})
    hints: list[str] = []
    for option, tagged in (("--no-assume-unchanged", bytes.islower), ("--no-skip-worktree", b"Ss".__contains__)):
        names = [typed(git, os.fsdecode(path)) for path, record in found.items() if tagged(record[:1])]
        hints += [f"git update-index {option} {shlex.join(names)}   (lets git see the changes)"] if names else []
    return hints


def _unwatched(git: Git, paths: Set[bytes]) -> dict[bytes, bytes]:
    """Those of `paths` that are in the worktree and that git was told not to look at (git-update-index(1),
    ``--assume-unchanged`` and ``--skip-worktree``), each with its tag and its line for ``--index-info``.
    """
    found: dict[bytes, bytes] = {}
    for record in git.run("ls-files", "-v", "--stage", "-z", "--full-name", cwd=git.worktree).stdout.split(b"\0"):
        entry, _, path = record.partition(b"\t")
        unwatched = entry[:1] == b"S" or entry[:1].islower()
        if unwatched and path in paths and os.path.lexists(git.folder / os.fsdecode(path)):
            found[path] = record
    return found


def _changed_unseen(git: Git, paths: Set[bytes]) -> set[bytes]:
    """Those of `paths` that have changed though git was told not to look at them: ``git status`` is silent."""
    unwatched = _unwatched(git, paths)
    if not unwatched:
        return set()
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="git-poolside-") as folder:
        watching = git.with_environment(GIT_INDEX_FILE=f"{folder}/index").with_options(*_PLAIN_INDEX)
        watching.run(
            "update-index", "-z", "--index-info", input=b"".join(record[2:] + b"\0" for record in unwatched.values())
        )
        watching.try_run("update-index", "-q", "--refresh")
        return set(watching.run("diff-files", "--name-only", "-z").stdout.split(b"\0")[:-1])


def refuse_staged(git: Git) -> None:
    """Raises `Refused` (snag ``dirty-for-stop``) when the index is not HEAD: one staged change stops a cherry-pick."""
    asked = ("diff-index", "--cached", "--name-only", "-z", "--ignore-submodules=none")
    staged = git.run(*asked, "HEAD", "--").stdout
    if not staged:
        return
    refuse_unmerged(git)
    noted = set(staged.split(b"\0")) - set(
        git.run(*asked, "--ita-invisible-in-index", "HEAD", "--").stdout.split(b"\0")
    )
    names = shlex.join(sorted(typed(git, os.fsdecode(path)) for path in noted))
    forgets = (
        [f"git reset -q -- {names}   (leaves what is only noted as to be added; git stash cannot)"] if noted else []
    )
    listing = "".join(f"\n  {path.decode('utf-8', 'replace')}" for path in staged.split(b"\0")[:10] if path)
    raise Refused(
        f"there are staged changes:{listing}",
        snag="dirty-for-stop",
        hints=[*forgets, "git stash   (puts them aside)", "or commit them"],
    )


def refuse_unmerged(git: Git) -> None:
    """Raises `Refused` where the index has conflicts, as ``git stash pop`` leaves them: nothing can be checked out."""
    if (
        paths := git.run("diff", "--name-only", "--diff-filter=U", "-z")
        .stdout.decode("utf-8", "replace")
        .split("\0")[:-1]
    ):
        raise Refused(
            f"there are unmerged paths in {git.folder}:" + "".join(f"\n  {path}" for path in paths[:10]),
            snag="dirty-for-stop",
            hints=["git add PATH   (each, when you have resolved it)"],
        )


def with_markers(objects: Objects, paths: Sequence[str], change: Change, ours: Oid) -> list[str]:
    """Those of `paths` that hold a marker of the conflict between `change` and the tree `ours`, in the index or in the
    worktree, which a filter may have made different.

    A line that looks like one is the user's text if it stands in a file that either of them has at these paths or
    changes: it may have been renamed. How long a marker is differs (gitattributes(5), ``conflict-marker-size``; git
    writes longer ones into a file that was renamed as well).
    """
    git = objects.git
    listing = git.run("ls-files", "--stage", "-z", "--full-name", cwd=git.worktree).stdout.split(b"\0")
    staged = dict(record.split(b"\t", 1)[::-1] for record in listing if record)
    marked: dict[str, set[bytes]] = {}
    for path in paths:
        file = git.folder / path
        mode, oid, _ = staged.get(os.fsencode(path), _NOTHING).split(b" ")
        texts = [objects.read(Oid(oid.decode()))] if int(mode, 8) in FILES else []
        texts += [file.read_bytes()] if file.is_file() and not file.is_symlink() else []
        marked[path] = _marks(texts)
    if any(marked.values()):
        here = (objects.lookup(ours, path) for path in {*map(os.fsencode, paths), *change.paths})
        sides = {(one.mode, one.oid) for one in here if one is not None}
        sides |= {(touch.new_mode, touch.new) for touch in change.touches}
        known = _marks(objects.read(oid) for mode, oid in sides if mode in FILES)
        marked = {path: lines - known for path, lines in marked.items()}
    return [path for path, lines in marked.items() if lines]


def _marks(texts: Iterable[bytes]) -> set[bytes]:
    return {line.rstrip(b"\r") for text in texts for line in _MARKER.findall(text)}


def typed_in(git: Git) -> Path | None:
    """The folder that the command was typed in, if it is of this very worktree: from there git does not take it away
    when all that is in it goes (git-checkout(1) since 2.35).
    """
    here = Path.cwd()
    up = [folder for folder in (here, *here.parents) if (folder / ".git").exists()]
    return here if up[:1] == [git.worktree] and not here.is_relative_to(git.git_dir) else None


def typed(git: Git, path: str) -> str:
    """`path` of the worktree as git takes it from the folder that the command was typed in."""
    relative = os.path.relpath(git.folder / path)
    return f"./{relative}" if relative[0] in "-:" else relative
