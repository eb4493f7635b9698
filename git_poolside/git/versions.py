"""The versions of what we stand on, for a report of a bug."""

from __future__ import annotations

import os
import sys

from git_poolside.git.brief import ask
from git_poolside.git.objects import libgit2_version


def beneath() -> list[str]:
    """A line each for git, libgit2 and Python, in the words of ``git version``."""
    git = ask("version").strip() or "git version unknown: it does not run here"
    python = f"python version {sys.version.split()[0]} ({os.path.realpath(sys.executable)})"
    return [git, f"libgit2 version {libgit2_version()}", python]
