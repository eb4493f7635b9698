"""What can go wrong, as kinds of exception: each carries its message, its cure and its exit code."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as type checkers read it; typing is slow to import
if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_REFUSED = 1
EXIT_STOPPED = 3
EXIT_LEASE_LOST = 4
EXIT_FAR_SIDE = 5
EXIT_BUG = 70
EXIT_GIT_DIED = 128
EXIT_USAGE = 129
EXIT_CLOSED_PIPE = 141

ALLOWABLE_SNAGS = {
    "older-nightly": "the nightly is older than what the stack stands on",
    "foreign-config": "a .poolside.toml from another branch would rule",
    "derived-base": "the old tip of the picks is recorded nowhere",
    "landed-tweaked": "upstream landed a patch in another form",
    "undone-silently": "a patch landed, and upstream undid it without a word",
    "dropped-then-reverted": "a patch was dropped as landed, and upstream took it back",
    "upstream-rewritten": "upstream's branch was rewritten",
    "tangled": "plain git joined two states of the stack",
    "moved-since": "a branch moved after the operation",
    "version-ambiguous": "the version's variable is set on two lines",
    "duplicate-block": "with --strict: a block stands twice",
    "orphan-fixup": "with --autosquash: a fixup! names no patch below it",
    "resolution-lost-lines": "with --strict: a resolution lacks lines",
    "stale-lock": "another machine's operation may still run here",
    "running-build": "a run of the build workflow is on the way",
}
"""Snags that ``--allow NAME`` accepts, with what they mean; every other one stands until its cause is gone."""


def in_full(hint: str, again: str) -> str:
    """A hint as it can be typed: ``--option …`` is for the command `again`, which ``poolside …`` stands for too."""
    return f"{again} {hint}" if hint.startswith("--") else hint.replace("poolside …", again.removeprefix("git "))


class PoolsideError(Exception):
    """A command ends here: `message` says what and why, `hints` what to type, `exit_code` is documented.

    A hint is a command that can be typed (`in_full`), with what it does in brackets behind three spaces; or words, with
    no command in them. `outcome` is the word that ``--json`` uses for it.
    """

    exit_code = EXIT_REFUSED
    outcome = "refused"

    def __init__(
        self,
        message: str,
        *,
        hints: Sequence[str] = (),
        snag: str | None = None,
        patch: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hints = tuple(hints)
        self.snag = snag
        self.patch = patch


class Refused(PoolsideError):
    """A precondition does not hold; nothing was changed. Exit 1."""


class NotAFork(Refused):
    """A repository without any sign of poolside: ``init`` makes it one."""


class LeaseLost(PoolsideError):
    """The fork's server has commits that this stack was not made from. Exit 4."""

    exit_code = EXIT_LEASE_LOST


class FarSideFailed(PoolsideError):
    """The network or a server failed. Exit 5."""

    exit_code = EXIT_FAR_SIDE
    outcome = "error"


class Bug(PoolsideError):
    """Our own check found that we are wrong; nothing was changed. Exit 70."""

    exit_code = EXIT_BUG
    outcome = "error"


class NotARepository(PoolsideError):
    """git finds no repository here, or one that cannot be worked with. Exit 128."""

    exit_code = EXIT_GIT_DIED
    outcome = "error"


class UsageError(PoolsideError):
    """The command line makes no sense. Exit 129, as git's own."""

    exit_code = EXIT_USAGE
    outcome = "error"


class GitFailed(PoolsideError):
    """A git process that should have worked did not: its words, its exit code. Exit 128.

    Exit 5 where it could not fetch what a partial clone was promised (git-clone(1), ``--filter``).
    """

    exit_code = EXIT_GIT_DIED
    outcome = "error"

    def __init__(self, arguments: Sequence[str], status: int, stderr: str) -> None:
        words = " ".join(word for word in arguments[:4])
        said, promised = stderr.strip(), stderr.partition("could not fetch ")[2].partition(" from promisor remote")
        message = f"'git {words}' failed (exit {status}): {said or 'it said nothing'}"
        hints = ["git poolside status   (shows where everything stands)"]
        if promised[1]:
            self.exit_code = EXIT_FAR_SIDE
            message = f"this partial clone cannot fetch what it needs: {said.splitlines()[0].removeprefix('fatal: ')}"
            hints = [f"git cat-file -t {promised[0]}   (tries to fetch it alone)"]
        super().__init__(message, hints=hints)
        self.status = status
        self.stderr = stderr


class SystemFailed(PoolsideError):
    """The operating system did not let us read or write, as when the disk is full. Exit 128."""

    exit_code = EXIT_GIT_DIED
    outcome = "error"

    def __init__(self, error: OSError) -> None:
        what = error.strerror or str(error)
        super().__init__(
            f"{what}: {os.fsdecode(error.filename)}" if error.filename else what,
            hints=["git poolside status   (shows where everything stands)"],
        )
