"""What a dead operation leaves in a repository besides its journal, and taking it away.

A killed git process leaves its ``.lock`` files, and every later one refuses to work because of them.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from git_poolside.errors import GitFailed, Refused
from git_poolside.git import processes, quarantine
from git_poolside.git.process import Git

_TEMPORARY = re.compile(r"(facts|status|journal|stopped)\.(json\.)?(\d+|new)")
SLACK = 1.0
"""Seconds by which the times of files and of processes are off."""


def clear(git: Git, since: float) -> list[str]:
    """Take away what was left by an operation that began at `since` (seconds since the epoch) and is dead, with all
    its git processes; which locks that were.

    A lock is removed only if it was made since then and no git process that is as old works in the repository. Raises
    `Refused` if one does.
    """
    _clear_state(git)
    if not processes.known():
        return []
    made = {path: path.stat().st_mtime for path in _locks(git.common_dir)}
    left = {path: time for path, time in made.items() if time >= since - SLACK}
    if not left:
        return []
    folders = [git.common_dir, *_worktrees(git)]
    for process in processes.of_git_in(folders):
        theirs = [path for path, time in left.items() if process.began <= time + SLACK]
        if theirs:
            names = "\n".join(f"  {path.relative_to(git.common_dir)}" for path in theirs)
            raise Refused(
                f"a killed operation may have left these locks, but {process} may have made them too:\n{names}",
                hints=["run the command again when it has ended"],
            )
    for path in left:
        path.unlink(missing_ok=True)
    return [str(path.relative_to(git.common_dir)) for path in left]


def _clear_state(git: Git) -> None:
    quarantine.clear(git)
    for path in git.state_dir.iterdir():
        if _TEMPORARY.fullmatch(path.name):
            path.unlink(missing_ok=True)
        elif path.name.startswith("exec-"):
            remove_worktree(git, path / "worktree")


def remove_worktree(git: Git, folder: Path) -> None:
    """Take a worktree of ours away with the folder around it, though a git that was killed made half of it: that
    keeps git from working with worktrees at all.
    """
    with suppress(GitFailed):
        git.try_run("worktree", "remove", "--force", "--force", os.fspath(folder))
    for record in _records_of(git, folder.parent):
        shutil.rmtree(record, ignore_errors=True)
    shutil.rmtree(folder.parent, ignore_errors=True)


def _records_of(git: Git, folder: Path) -> list[Path]:
    """What git keeps of the worktrees below `folder` (gitrepository-layout(5), ``worktrees/<id>/gitdir``)."""
    files = (git.common_dir / "worktrees").glob("*/gitdir")
    return [file.parent for file in files if Path(file.read_text().strip()).is_relative_to(folder)]


def _locks(common: Path) -> Iterator[Path]:
    """The locks of a repository's refs, indexes and configuration, wherever git puts them (gitrepository-layout(5))."""
    for folder in (common, *(common / "worktrees").glob("*")):
        yield from folder.glob("*.lock")
        yield from folder.glob("refs/**/*.lock")
        yield from folder.glob("reftable/*.lock")
    yield from common.glob("objects/info/**/*.lock")


def _worktrees(git: Git) -> list[Path]:
    listing = git.run("worktree", "list", "--porcelain", "-z").stdout.split(b"\0")
    return [Path(os.fsdecode(line.removeprefix(b"worktree "))) for line in listing if line.startswith(b"worktree ")]
