"""``--exec``: a command of the user's at each new commit, in a worktree of its own (edge case C13)."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from git_poolside.git import leftovers
from git_poolside.git.process import INHERITED, Git
from git_poolside.stack.model import Oid


def first_failure(git: Git, command: str, commits: Sequence[Oid]) -> Oid | None:
    """The first of `commits` at which `command` (given to the shell) does not exit 0; None if there is none.

    The user's own worktree is not touched. The command's output goes to stderr, as talk.
    """
    if not commits:
        return None
    folder = Path(tempfile.mkdtemp(prefix="exec-", dir=git.state_dir)) / "worktree"
    own = {k: v for k, v in git.environment.items() if k not in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")}
    try:
        git.run("worktree", "add", "-q", "--detach", "--no-checkout", os.fspath(folder), commits[0])
        inside = git.at(folder)
        for oid in commits:
            inside.run("checkout", "-q", "-f", "--detach", oid)
            done = subprocess.run(
                ["/bin/sh", "-c", command], cwd=folder, env=own, stdout=2, pass_fds=INHERITED, check=False
            )
            if done.returncode:
                return oid
        return None
    finally:
        leftovers.remove_worktree(git, folder)
