"""The stamp: the generated last commit of the patches layer. Its text, and when there is one."""

from __future__ import annotations

from git_poolside.stack import version
from git_poolside.stack.model import Dropped, Oid
from git_poolside.stack.values import frozen


@frozen
class Stamp:
    """What the stamp says. `dropped` are those of late; `sets` says whether it sets the version too."""

    date: str
    upstream: Oid
    picks: Oid
    dropped: tuple[Dropped, ...] = ()
    sets: bool = True

    def message(self) -> bytes:
        """A subject and the provenance as trailers (git-interpret-trailers(1))."""
        lines = [
            f"{'Set the version to' if self.sets else 'Note what landed up to'} the nightly of {self.date}",
            "",
            f"Poolside-Nightly: {self.date}",
            f"Poolside-Upstream: {self.upstream}",
            f"Poolside-Picks: {self.picks}",
            *(f"Poolside-Dropped: {one.old} {one.landed} {one.role.value}" for one in self.dropped),
        ]
        return ("\n".join(lines) + "\n").encode()


def stamped(
    text: bytes, variable: str, date: str, source: bytes | None, base_moved_to: bytes | None
) -> tuple[bytes, str]:
    """The version file's text with the date set, and why not where it is as before; raises `version.Ambiguous`.

    `source` is the file at the old tip: its base version is kept unless upstream's moved (`base_moved_to`).
    """
    at = version.find(text, variable)
    if at is None:
        return text, f"{variable} is not set with a date"
    base = base_moved_to
    if base is None and source is not None:
        try:
            old = version.find(source, variable)
        except version.Ambiguous:
            old = None
        base = old.base if old is not None else None
    return version.impose(text, at, date.replace("-", "").encode(), base), ""
