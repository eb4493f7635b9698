"""The words of the domain as types: commits, layers, a stack, the fate and verdict of each patch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NewType

from git_poolside.errors import in_full
from git_poolside.stack.values import field, frozen, replace

Oid = NewType("Oid", str)
"""The name of a git object: 40 lower-case hexadecimal digits."""

NULL_OID = Oid("0" * 40)
EMPTY_TREE = Oid("4b825dc642cb6eb9a060e54bf8d69288fbee4904")
_SPACE = " \t\n\r"


UNTOLD = "…"
"""Stands in a recorded command line for the command of ``--exec``."""
BY_HAND = "resolved by hand"
"""Why a patch has changed whose conflict a person resolved."""


class Role(Enum):
    """What a branch is for; the value is the word in output and in ``.poolside.toml``."""

    SNAPSHOT = "snapshot"
    PICKS = "picks"
    PATCHES = "patches"


@frozen
class Commit:
    """A commit object, its own bytes: `author`, `committer` and `message` are never decoded and encoded again."""

    oid: Oid
    tree: Oid
    parents: tuple[Oid, ...]
    author: bytes
    committer: bytes
    message: bytes
    encoding: bytes | None = None

    @property
    def subject(self) -> str:
        """The first paragraph on one line, as ``git log --format=%s`` has it."""
        return subject_of(self.text)

    @property
    def text(self) -> str:
        """The message as text, for reading only."""
        encoding = (self.encoding or b"utf-8").decode("ascii", "replace")
        try:
            return self.message.decode(encoding)
        except (ValueError, LookupError):  # not these bytes, or no encoding at all
            return self.message.decode("utf-8", "replace")

    @property
    def commit_time(self) -> int:
        """Seconds since 1970 of the committer's date."""
        return int(self.committer.rpartition(b">")[2].split()[0])


def subject_of(message: str) -> str:
    """The subject of a commit message (git-commit(1), DISCUSSION)."""
    lines: list[str] = []
    for line in message.split("\n"):
        kept = line.rstrip(_SPACE)
        if kept:
            lines.append(kept)
        elif lines:
            break
    return " ".join(lines)


@frozen
class Layer:
    """A branch role with its commits: `commits` oldest first, none of them on the layer below or upstream."""

    role: Role
    branch: str
    base: Oid
    tip: Oid
    commits: tuple[Commit, ...]


@frozen
class Stack:
    """The fork's layers on `base`, the commit of upstream that they stand on (the old snapshot)."""

    base: Oid
    picks: Layer
    patches: Layer

    @property
    def layers(self) -> tuple[Layer, Layer]:
        return (self.picks, self.patches)

    def topped(self, more: Mapping[Role, Sequence[Commit]]) -> Stack:
        """The stack with more commits on top of each layer."""
        picks, patches = (replace(layer, commits=(*layer.commits, *more.get(layer.role, ()))) for layer in self.layers)
        return Stack(self.base, picks, patches)


class Fate(Enum):
    """What became of a commit of the stack."""

    KEPT = "kept"
    DROPPED = "dropped"
    NEW = "new"
    UNRESOLVED = "unresolved"


class Verdict(Enum):
    """Why a patch has its fate (design: Verdicts)."""

    LANDED = "landed"
    LANDED_TWEAKED = "landed-tweaked"
    LANDED_PARTLY = "landed-partly"
    UNDONE_SILENTLY = "undone-silently"
    REVERTED_UPSTREAM = "reverted-upstream"
    RETURNED = "returned"
    EMPTIED = "emptied"
    CARRIED = "carried"
    CHANGED = "changed"
    CONFLICT = "conflict"
    SKIPPED = "skipped"
    SQUASHED = "squashed"
    STAMP = "stamp"
    ADDED = "added"
    PENDING = "pending"


@frozen
class Dropped:
    """What a stamp remembers of a patch that was dropped: upstream's commit `landed` had it, so `old` was left out."""

    old: Oid
    landed: Oid
    role: Role


@frozen
class PatchResult:
    """One line of an operation's account: an old commit (or None for a new one) and what became of it.

    `signals` are the words for what agreed on a landing; `paths` are those in conflict; `assumes` names a patch
    that does not apply, without which this one was judged (in a dry run). `landed` is upstream's commit that
    holds the change.
    """

    role: Role
    old: Oid | None
    new: Oid | None
    subject: str
    fate: Fate
    verdict: Verdict
    reason: str = ""
    upstream: tuple[Oid, ...] = ()
    pull: int | None = None
    signals: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    assumes: tuple[Oid, ...] = ()
    landed: Oid | None = None


@frozen
class Snag:
    """A named doubt that refuses an operation unless it is allowed by name. Each line of `hint` is one."""

    name: str
    message: str
    hint: str = ""
    patch: str | None = None

    def in_full(self, again: str) -> Snag:
        """With each line of its hint as it can be typed; `again` is the command that met it."""
        return replace(self, hint="\n".join(in_full(line, again) for line in self.hint.split("\n")))


def keep_or_drop(name: str, keep: str = "keeps it", drop: str = "leaves it out") -> str:
    """The hint of a doubt about the patch with this name, and what each answer does."""
    return f"--keep {name}   ({keep})\n--drop {name}   ({drop})"


@frozen
class Nightly:
    """One entry of upstream's nightly source: `commit` is upstream's own commit that it names.

    `nightly` is the entry itself: a commit of the nightly branch, or the commit again where the source is a
    tag or a tip. `date` is ISO 8601. `why` says why it cannot be used; empty when it can.
    """

    date: str
    nightly: Oid
    commit: Oid
    why: str = ""
    commits: int | None = None

    @property
    def usable(self) -> bool:
        return not self.why


@frozen
class RefChange:
    """A ref that an operation moves; None stands for a ref that does not exist."""

    ref: str
    before: Oid | None
    after: Oid | None


@frozen
class Touch:
    """One path of a patch as ``git diff-tree --raw`` has it: mode 0 stands for absent."""

    path: bytes
    old_mode: int
    new_mode: int
    old: Oid
    new: Oid


@frozen
class Conflict:
    """Why a patch does not apply: the paths in conflict and git's own words about them."""

    paths: tuple[str, ...]
    messages: tuple[str, ...] = field(default=())
