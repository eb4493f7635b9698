"""``git poolside status --short`` for a shell's prompt: what it said last, while nothing has moved.

Within twice the time of a Python that does nothing, so it imports next to nothing. All that the line follows from is
kept with it: the refs, the branch whose configuration rules, this program, a stop. Deleting the file is always right.
"""

from __future__ import annotations

import os

from git_poolside import __version__
from git_poolside.git.brief import ask

TYPE_CHECKING = False  # as type checkers read it; typing is slow to import
if TYPE_CHECKING:
    from collections.abc import Sequence

_CONFIGURATION = ".poolside.toml"


def recall() -> str | None:
    """The line, if everything stands as it stood when it was kept."""
    folder, file, root = _places()
    if not folder or os.environ.get("GIT_POOLSIDE_CONFIG") or os.path.exists(f"{folder}/journal.json"):  # noqa: PTH110
        return None
    try:
        with open(file, encoding="utf-8") as kept:  # noqa: PTH123 - pathlib is slow to import
            line, patterns, by_default, state = kept.read().split("\n", 3)
    except (OSError, ValueError):
        return None
    if by_default and os.path.exists(f"{root}{_CONFIGURATION}"):  # noqa: PTH110
        return None
    return line if state == _state(folder, patterns.split(" ")) else None


def keep(line: str, refs: Sequence[str], *, by_default: bool) -> None:
    """Remember the line. It follows from `refs` and, unless `by_default`, from a configuration on one of them."""
    folder, file, _ = _places()
    patterns = [*refs, "refs/remotes/origin/HEAD"]
    text = "\n".join([line, " ".join(patterns), "by default" if by_default else "", _state(folder, patterns)])
    new = f"{file}.{os.getpid()}"
    try:
        with open(new, "w", encoding="utf-8") as out:  # noqa: PTH123
            out.write(text)
        os.replace(new, file)  # noqa: PTH105
    except OSError:
        return  # who may not write does without


def _places() -> tuple[str, str, str]:
    """The folder of our state, the file in it, and how the worktree's root is reached; empty without a repository."""
    common, _, root = ask("rev-parse", "--git-common-dir", "--show-cdup").partition("\n")
    folder = f"{common}/poolside" if common else ""
    return folder, f"{folder}/prompt", root.rstrip("\n")


def _state(folder: str, patterns: Sequence[str]) -> str:
    try:
        stop = os.stat(f"{folder}/stopped.json")  # noqa: PTH116
        stopped = f"{stop.st_mtime_ns} {stop.st_size}"
    except OSError:
        stopped = ""
    branch = ask("config", "--get", "poolside.branch")
    return f"{__version__}\n{stopped}\n{branch}\n{ask('for-each-ref', '--format=%(objectname) %(refname)', *patterns)}"
