"""How a branch stands to the fork's server's: whose tip counts."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from git_poolside.git import refs
from git_poolside.git.process import Git
from git_poolside.git.reflogs import reflog
from git_poolside.stack.model import Oid
from git_poolside.stack.values import field, frozen


@frozen
class Known:
    """What the operation log knows of the fork's server: `leases` is what each ref had there when we last asked or
    pushed, `put` where our own operations have put each ref since the last push, `over` what it had there when
    one did so that was no undo.
    """

    leases: Mapping[str, Oid | None] = field(default_factory=dict)
    put: Mapping[str, Oid | None] = field(default_factory=dict)
    over: Mapping[str, Oid | None] = field(default_factory=dict)


class Standing(Enum):
    """How a branch stands to the fork's server's: whose tip counts."""

    OURS = "ours"
    REWRITTEN = "rewritten here"
    THEIRS = "theirs"
    DIVERGED = "diverged"


def standing(git: Git, ref: str, tracking: str, here: Oid, there: Oid, known: Known) -> Standing:
    """Whose tip of `ref` counts, `here` or the server's `there`; sync, push and status go by the same rule.

    Ours, if it is ahead, or if the server still has what our unpushed operations began from. Theirs, if ours is
    behind, or if all of ours was on the server before: somebody moved the fork on. Rewritten here, if this branch once
    had the server's tip (``git push --force-if-includes`` asks the same of the reflog).
    """
    lease = known.leases.get(ref)
    if here == there or refs.is_ancestor(git, there, here):
        return Standing.OURS
    if there == lease and known.put.get(ref) == here and (there == known.over.get(ref) or there in reflog(git, ref)):
        return Standing.OURS  # put back on purpose (N4), or by an undo, and the branch had all that it goes back from
    if refs.is_ancestor(git, here, there):
        return Standing.THEIRS
    if there == lease:
        return Standing.OURS
    if here in reflog(git, tracking):
        return Standing.THEIRS  # also where an undo took back what was moved along: that is not ours to take back there
    put = known.put.get(ref)
    if put is not None and refs.is_ancestor(git, put, here):
        return Standing.DIVERGED  # what an undo left here did not come out of the tip that it went back from
    if there in reflog(git, ref):
        return Standing.REWRITTEN
    return Standing.DIVERGED
