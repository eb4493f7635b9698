"""Worktrees: which there are, what git is doing in them, and bringing one along when its branch moves."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from git_poolside.errors import GitFailed, Refused
from git_poolside.git import ref_files, refs
from git_poolside.git.process import Git
from git_poolside.git.unsaved import in_the_way, refuse_unmerged, typed_in
from git_poolside.stack.model import Oid
from git_poolside.stack.values import frozen, replace

_WORKERS = 8
"""So many processes at most write a checkout's files, from a hundred files on (git-config(1), checkout.workers)."""
_UNWRITTEN = re.compile(r"^(?:error: (?=unable to )|warning: (?=unable to unlink ))(.*)", re.MULTILINE)
"""What a checkout says of a file that it leaves as it was, though it goes on and ends well."""
CHECKOUT = ("checkout", "-q", "--no-overwrite-ignore", "--no-recurse-submodules")


@frozen
class Worktree:
    """One entry of ``git worktree list``: `branch` is the full name of the checked-out ref, None if detached.

    A rebase there has one of its own for each branch that it moves when it is done.
    """

    path: Path
    head: Oid | None
    branch: str | None
    missing: bool
    locked: bool


def all_of(git: Git) -> list[Worktree]:
    """Every worktree of the repository with files in it (the bare one has none)."""
    if (only := _only(git)) is not None:
        return [only, *(replace(only, branch=ref) for ref in _rebased(git.common_dir))]
    found: list[Worktree] = []
    fields: dict[bytes, bytes] = {}
    out = git.run("worktree", "list", "--porcelain", "-z").stdout
    for line in [*out.split(b"\0"), b""]:
        if line:
            name, _, value = line.partition(b" ")
            fields[name] = value
        elif fields:
            if b"bare" not in fields:
                path = Path(os.fsdecode(fields[b"worktree"]))
                found.append(
                    Worktree(
                        path,
                        Oid(fields[b"HEAD"].decode()) if b"HEAD" in fields else None,
                        os.fsdecode(fields[b"branch"]) if b"branch" in fields else None,
                        not path.is_dir(),
                        b"locked" in fields,
                    )
                )
            fields = {}
    if git.worktree is not None and "GIT_WORK_TREE" in git.environment:
        found = [w for w in found if w.path.resolve() != git.git_dir.parent.resolve()]
        found.insert(0, Worktree(git.worktree, head(git), branch(git), False, False))
    links = (git.common_dir / "worktrees").glob("*/gitdir")
    linked = {
        Path(os.path.normpath(file.parent / os.fsdecode(file.read_bytes().strip()))).parent: file.parent
        for file in links
    }
    rebased = ((tree, ref) for tree in found for ref in _rebased(linked.get(tree.path, git.common_dir)))
    return [*found, *(replace(tree, branch=ref) for tree, ref in rebased)]


def _only(git: Git) -> Worktree | None:
    """The worktree of a clone that has one, in the common place; None where git has to list them."""
    plain = git.worktree is not None and git.git_dir == git.common_dir == git.worktree / ".git"
    if not plain or "GIT_WORK_TREE" in git.environment or (git.common_dir / "worktrees").exists():
        return None
    here, on = head_and_branch(git)
    return Worktree(git.folder, here, on, False, False) if here is not None and git.folder.is_dir() else None


def _rebased(folder: Path) -> list[str]:
    """The branches that a rebase in progress will move when it is done; `folder` is where git keeps its worktree's
    state. git does not let them be moved either (git-branch(1)).
    """
    files = [folder / name for name in ("rebase-merge/head-name", "rebase-merge/update-refs", "rebase-apply/head-name")]
    lines = [line for file in files if file.is_file() for line in os.fsdecode(file.read_bytes()).split("\n")]
    return [line for line in lines if line.startswith("refs/heads/")]


def place(git: Git) -> str:
    """Where git keeps the state of this worktree, below the common folder: the same wherever the files are moved to."""
    return os.path.relpath(git.git_dir, git.common_dir)


def found_again(git: Git, path: str, place: str, tip: Oid) -> str:
    """Where the worktree of `place` is that was at `path`: its folder may have been moved, or be mounted elsewhere.

    Another one may have got the place of one that is gone: it counts only if it stands on `tip`.
    """
    folder = git.common_dir / place
    if not place or Path(path).is_dir() or not folder.is_dir():
        return path
    link = folder / "gitdir"
    there = folder / os.fsdecode(link.read_bytes().strip()) if link.is_file() else git.common_dir
    top = git.worktree if git.git_dir == folder else Path(os.path.normpath(there.parent))
    if top is None or not (top / ".git").exists():
        return path
    at = git.at(top)
    here = head(at)
    stands = branch(at) is None and here is not None and refs.is_ancestor(git, tip, here)
    return str(top) if stands or not link.is_file() else path


def seen_from(git: Git, path: str) -> Git:
    """The repository from the worktree at `path`, wherever the command is typed; from here where that is gone."""
    folder = Path(path)
    return git if git.worktree == folder or not folder.is_dir() else git.at(folder)


def head(git: Git) -> Oid | None:
    return head_and_branch(git)[0]


def branch(git: Git) -> str | None:
    """The full name of the branch that is checked out; None when HEAD is detached."""
    return head_and_branch(git)[1]


def head_and_branch(git: Git) -> tuple[Oid | None, str | None]:
    """The commit that is checked out, and the branch; by the files that tell it, or else by few processes."""
    if ref_files.in_use(git):
        with suppress(ref_files.Odd):
            standing, on = ref_files.head(git.git_dir)
            return refs.read_one(git, on) if on is not None else standing, on
    asked = git.try_run("rev-parse", "HEAD^{commit}", "--symbolic-full-name", "HEAD")
    said = asked.text.split("\n")
    if asked.status == 0 and len(said) == 2:
        return Oid(said[0]), None if said[1] == "HEAD" else said[1]
    # HEAD is unborn; or a branch or tag is called HEAD, and git does not tell then.
    commit = git.try_run("rev-parse", "-q", "--verify", "HEAD^{commit}")
    name = git.try_run("symbolic-ref", "-q", "HEAD")
    return Oid(commit.text) if commit.status == 0 else None, name.text if name.status == 0 else None


_IN_PROGRESS = (
    ("CHERRY_PICK_HEAD", True, "a cherry-pick", "git cherry-pick --continue", "git cherry-pick --abort"),
    ("REVERT_HEAD", True, "a revert", "git revert --continue", "git revert --abort"),
    ("MERGE_HEAD", True, "a merge", "git merge --continue", "git merge --abort"),
    ("rebase-merge", False, "a rebase", "git rebase --continue", "git rebase --abort"),
    ("rebase-apply", False, "a rebase or am", "git rebase --continue", "git rebase --abort"),
    ("sequencer", False, "a series of cherry-picks", "git cherry-pick --continue", "git cherry-pick --abort"),
    ("BISECT_START", False, "a bisection", "", "git bisect reset"),
)  # fmt: skip


def refuse_in_progress(git: Git, but: str = "") -> None:
    """Raises `Refused` while git itself is in the middle of something here: a checkout would cancel it.

    `but` is the file of what may be.
    """
    there = {name for name, *_ in _IN_PROGRESS if (git.git_dir / name).exists()}
    if not ref_files.in_use(git):  # there a pseudo-ref is no file
        asked = [name for name, is_ref, *_ in _IN_PROGRESS if is_ref]
        said = git.lines("cat-file", "--batch-check=%(objecttype)", input="\n".join([*asked, ""]).encode())
        there |= {name for name, answer in zip(asked, said, strict=True) if answer == "commit"}
    for name, _, what, finish, abort in _IN_PROGRESS:
        if name in there and name != but:
            elsewhere = "" if typed_in(git) else f"cd {shlex.quote(str(git.folder))} && "
            finishes = [f"{elsewhere}{finish}   (finishes it)"] if finish else []
            raise Refused(
                f"{what} is in progress in {git.folder}", hints=[*finishes, f"{elsewhere}{abort}   (gives it up)"]
            )


def detach(git: Git, tip: Oid, action: str) -> None:
    """Check `tip` out detached, touching only files that differ. Raises `Refused` with git's own reasons.

    Judged by where HEAD is afterwards, not by the exit code: a hook may have failed (githooks(5)).
    """
    workers = () if git.setting("checkout.workers") else (f"checkout.workers={min(os.cpu_count() or 1, _WORKERS)}",)
    checking = git.with_environment(GIT_REFLOG_ACTION=action).with_options(*workers)
    answer = checking.try_run(*CHECKOUT, "--detach", tip, cwd=typed_in(git))
    if answer.status and head(git) != tip:
        if "would be overwritten" in answer.complaint or "would lose untracked" in answer.complaint:
            raise in_the_way(git, [line.strip() for line in answer.complaint.splitlines() if line.startswith("\t")])
        refuse_unmerged(git)
        raise GitFailed([*CHECKOUT[:1], tip], answer.status, answer.complaint)
    if unwritten := _UNWRITTEN.findall(answer.complaint):
        _go_back(git, tip, action, unwritten)


def _go_back(git: Git, tip: Oid, action: str, unwritten: Sequence[str]) -> None:
    """Raises `Refused` with all as it was before a checkout of `tip` that left some files as they were.

    git has told that, but takes it for done: they would stand there as local changes, which undo upstream's.
    """
    from git_poolside.git.mending import mend

    before = Oid(git.text("rev-parse", "HEAD@{1}"))
    mend(git, before, tip, float("inf"), unlock=False)
    git.run("update-ref", "--no-deref", "-m", action, "HEAD", before, tip)
    raise Refused(
        f"git cannot write all files of {git.folder}:\n" + "\n".join(f"  {line}" for line in unwritten[:10]),
        hints=[
            "make them writable, then run the command again",
            f"git -C {shlex.quote(str(git.folder))} checkout --detach   (or so; no file has to be written then)",
        ],
    )


def attach(git: Git, ref: str, tip: Oid, action: str) -> None:
    """Put HEAD back on `ref` without touching a file, if HEAD still is `tip`, detached, and so is `ref`."""
    if head_and_branch(git) == (tip, None) and refs.read_one(git, ref) == tip:
        git.run("symbolic-ref", "-m", action, "HEAD", ref)


def restore(git: Git, paths: Sequence[bytes]) -> None:
    """Make `paths` what HEAD has, in the index and in the worktree; unmerged ones too, which git restore leaves."""
    if not paths or git.worktree is None:
        return
    literal = git.with_environment(GIT_LITERAL_PATHSPECS="1")
    named = b"\0".join([*paths, b""])
    literal.run("reset", "-q", "--pathspec-from-file=-", "--pathspec-file-nul", "HEAD", input=named)
    listing = literal.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", "HEAD", "--", *map(os.fsdecode, paths))
    there = set(listing.stdout.split(b"\0")[:-1])
    for path in paths:
        file = git.worktree / os.fsdecode(path)
        if path not in there and (file.is_symlink() or file.is_file()):
            remove_file(git.worktree, file)
    tagged = literal.run("ls-files", "-t", "-z", "--full-name", "--", *map(os.fsdecode, paths)).stdout.split(b"\0")
    there -= {record[2:] for record in tagged if record[:1] == b"S"}  # a sparse checkout leaves them out
    git.run("checkout-index", "-f", "-q", "-u", "-z", "--stdin", input=b"\0".join([*sorted(there), b""]))


def remove_file(top: Path, path: Path) -> None:
    """Delete a file of the worktree at `top`, with the folders that it leaves empty, as a checkout would."""
    path.unlink(missing_ok=True)
    folder = path.parent
    while folder not in (top, Path.cwd()):
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
