"""Worktrees: which there are, what git is doing in them, and bringing one along when its branch moves."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Sequence, Set
from pathlib import Path

from git_poolside.errors import GitFailed, Refused
from git_poolside.git import refs
from git_poolside.git.diff import changes
from git_poolside.git.process import Git
from git_poolside.stack.model import Oid
from git_poolside.stack.values import frozen, replace

_WORKERS = 8
"""So many processes at most write a checkout's files, from a hundred files on (git-config(1), checkout.workers)."""
_PLAIN_INDEX = ("core.splitIndex=false", "core.fsmonitor=false", "core.ignoreStat=false")
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


def head(git: Git) -> Oid | None:
    answer = git.try_run("rev-parse", "-q", "--verify", "HEAD^{commit}")
    return Oid(answer.text) if answer.status == 0 else None


def branch(git: Git) -> str | None:
    """The full name of the branch that is checked out; None when HEAD is detached."""
    answer = git.try_run("symbolic-ref", "-q", "HEAD")
    return answer.text if answer.status == 0 else None


def head_and_branch(git: Git) -> tuple[Oid | None, str | None]:
    """`head` and `branch`, by one process in all but odd cases."""
    asked = git.try_run("rev-parse", "HEAD^{commit}", "--symbolic-full-name", "HEAD")
    said = asked.text.split("\n")
    if asked.status or len(said) != 2:  # one unborn; or a branch or tag is called HEAD, and git does not tell then
        return head(git), branch(git)
    return Oid(said[0]), None if said[1] == "HEAD" else said[1]


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
    if git.setting("extensions.refStorage") not in (None, "files"):  # there a pseudo-ref is no file
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
            raise _in_the_way(git, [line.strip() for line in answer.complaint.splitlines() if line.startswith("\t")])
        _refuse_unmerged(git)
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


def refuse_overlap(git: Git, old: Oid, new: Oid) -> None:
    """Raises `Refused` if a checkout from `old` to `new` here would be refused, before any is begun elsewhere."""
    if found := overlap(git, old, new):
        raise _in_the_way(git, found)


def _in_the_way(git: Git, paths: Sequence[str]) -> Refused:
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


def attach(git: Git, ref: str, tip: Oid, action: str) -> None:
    """Put HEAD back on `ref` without touching a file, if HEAD still is `tip`, detached, and so is `ref`."""
    asked = git.try_run("rev-parse", "HEAD^{commit}", f"{ref}^{{commit}}", "--symbolic-full-name", "HEAD")
    said = asked.text.split()
    if asked.status or said[:2] != [tip, tip]:
        return
    # A HEAD that is detached is called HEAD; it is not told where a branch or tag is called so too.
    if said[2:] == ["HEAD"] or (not said[2:] and branch(git) is None):
        git.run("symbolic-ref", "-m", action, "HEAD", ref)


def overlap(git: Git, old: Oid, new: Oid, more: Iterable[bytes] = ()) -> list[str]:
    """Local changes and untracked files on the paths where `old` and `new` differ, or on `more`.

    Ignored files count: a checkout may not overwrite them either.
    """
    old_tree, new_tree = git.lines("rev-parse", f"{old}^{{tree}}", f"{new}^{{tree}}")
    [change] = changes(git, [(Oid(old_tree), Oid(new_tree))])
    switched = change.paths | set(more)
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


def refuse_staged(git: Git) -> None:
    """Raises `Refused` (snag ``dirty-for-stop``) when the index is not HEAD: one staged change stops a cherry-pick."""
    asked = ("diff-index", "--cached", "--name-only", "-z", "--ignore-submodules=none")
    staged = git.run(*asked, "HEAD", "--").stdout
    if not staged:
        return
    _refuse_unmerged(git)
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


def _refuse_unmerged(git: Git) -> None:
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


def with_markers(git: Git, paths: Sequence[str]) -> list[str]:
    """Those of the paths whose files hold a whole set of conflict markers."""
    found: list[str] = []
    for path in paths:
        file = (git.worktree or Path()) / path
        if file.is_symlink() or not file.is_file():
            continue
        lines = file.read_bytes().split(b"\n")
        if any(line.startswith(b"<<<<<<< ") for line in lines) and any(line.startswith(b">>>>>>> ") for line in lines):
            found.append(path)
    return found


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
