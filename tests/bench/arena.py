"""Copies of the benchmark's clone to run in, each put back as it was before every round.

The packs are hard links, so that all have the same warm files; what a round writes is thrown away, since the
objects that are there already would make the next round cheaper.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.bench.make_repo import Stack, git


def link_tree(source: Path, target: Path) -> None:
    """Copy a git directory; what git never writes again is linked."""

    def copy(one: str, other: str) -> None:
        if "/objects/" in one:
            os.link(one, other)
        else:
            shutil.copy2(one, other)

    shutil.copytree(source, target, symlinks=True, copy_function=copy)


class Arena:
    """A clone with its own worktree (none checked out unless asked for), and its git directory kept for later."""

    def __init__(self, work: Path, folder: Path, *, checkout: bool = False) -> None:
        self.folder = folder
        self._kept = folder.with_name(folder.name + ".kept")
        for old in (folder, self._kept):
            shutil.rmtree(old, ignore_errors=True)
        folder.mkdir(parents=True)
        link_tree(work / ".git", folder / ".git")
        if checkout:
            git(folder, "reset", "-q", "--hard")
        self.keep()

    def keep(self) -> None:
        """What the next `restore` goes back to is now."""
        shutil.rmtree(self._kept, ignore_errors=True)
        self._kept.mkdir()
        for name in (".git", ".jj"):
            if (self.folder / name).exists():
                link_tree(self.folder / name, self._kept / name)

    def restore(self) -> None:
        """The git directory as it was kept; the worktree is left to `stand`."""
        for name in (".git", ".jj"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            if (self._kept / name).exists():
                link_tree(self._kept / name, self.folder / name)

    def stand(self, commit: str, branch: str = "") -> None:
        """Check a commit out, as that branch or detached, with a fresh index and worktree."""
        self.restore()
        git(self.folder, "checkout", "-q", "-f", *(["-B", branch] if branch else ["--detach"]), commit)
        git(self.folder, "clean", "-f", "-d", "-q", "-x")
        git(self.folder, "reset", "-q", "--hard")

    def set_stack(self, stack: Stack) -> None:
        """The fork's branches, here and as last fetched, are that stack's from now on; HEAD is on none of them."""
        tips = {"main": stack.base, "poolside-cherry-picks": stack.picks, "poolside-main": stack.tip}
        lines = [
            f"update refs/{place}/{name} {tip}" for name, tip in tips.items() for place in ("heads", "remotes/origin")
        ]
        git(self.folder, "checkout", "-q", "--detach")
        git(self.folder, "update-ref", "--stdin", input="".join(f"{line}\n" for line in lines).encode())
        git(self.folder, "pack-refs", "--all")
        self.keep()

    def tree(self, revision: str = "HEAD") -> str:
        return git(self.folder, "rev-parse", f"{revision}^{{tree}}")
