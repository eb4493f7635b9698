"""Reading a nightly's message and choosing among nightlies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from git_poolside.errors import Refused
from git_poolside.stack.model import Nightly, Oid

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_HASH = re.compile(r"[0-9a-f]{40}")
LAST_SECOND = 253_402_300_799
"""The last second of the year 9999: git keeps later ones, a date cannot be made of them."""
_LONGEST = 500
"""No nightly's subject is longer; a pattern that is slow on a long one has nothing to be slow on."""


def parse(subject: str, pattern: re.Pattern[str], commit_time: int) -> tuple[str, Oid] | None:
    """The date and the commit that a nightly's subject names, or None if it is not a nightly's.

    `pattern` has a group ``commit``; the date is its group ``date`` where it has one, else the nightly
    commit's own date in UTC (design: The stamp).
    """
    found = pattern.match(subject) if len(subject) <= _LONGEST else None
    if found is None:
        return None
    groups = found.groupdict()
    date, commit = groups.get("date") or utc_date(commit_time), (groups["commit"] or "").lower()
    return (date, Oid(commit)) if _is_date(date) and _HASH.fullmatch(commit) else None


def utc_date(seconds: int) -> str:
    """``YYYY-MM-DD`` in UTC."""
    return datetime.fromtimestamp(min(max(seconds, 0), LAST_SECOND), UTC).strftime("%Y-%m-%d")


def _is_date(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y-%m-%d")
    except ValueError:
        return False
    return _DATE.fullmatch(text) is not None


def newest_usable(nightlies: Sequence[Nightly]) -> Nightly | None:
    """The first usable one; they come newest first."""
    return next((nightly for nightly in nightlies if nightly.usable), None)


def choose(nightlies: Sequence[Nightly], wanted: str) -> tuple[Nightly, str]:
    """The nightly of a date or hash, and a note where it is not literally what was asked (edge cases N2, N3).

    `nightlies` come newest first; the topmost of a date counts. A date without a nightly means the newest
    before it. Raises `Refused` when there is none.
    """
    if not _DATE.fullmatch(wanted):
        return _by_hash(nightlies, wanted)
    if not _is_date(wanted):
        raise Refused(f"'{wanted}' is not a date", hints=["dates are written YYYY-MM-DD"])
    for nightly in nightlies:
        if nightly.date == wanted:
            return nightly, ""
    if nightlies and wanted > nightlies[0].date:
        raise Refused(
            f"there is no nightly of {wanted} yet: the newest is of {nightlies[0].date}",
            hints=[f"git poolside sync --nightly {nightlies[0].date}", "git poolside nightly   (lists them)"],
        )
    for nightly in nightlies:
        if nightly.date < wanted:
            return nightly, f"there is no nightly of {wanted}; the newest before it is of {nightly.date}"
    raise Refused(
        f"there is no nightly of {wanted} or before it",
        hints=["git poolside nightly   (lists the nightlies)", "git poolside sync --onto COMMIT"],
    )


def _by_hash(nightlies: Sequence[Nightly], wanted: str) -> tuple[Nightly, str]:
    if re.fullmatch(r"[0-9a-f]{4,40}", wanted.lower()):
        for nightly in nightlies:
            if nightly.nightly.startswith(wanted.lower()) and nightly.nightly != nightly.commit:
                note = f"{wanted[:12]} is the nightly of {nightly.date} itself; it names {nightly.commit[:12]}"
                return nightly, note
        for nightly in nightlies:
            if nightly.commit.startswith(wanted.lower()):
                return nightly, ""
    raise Refused(
        f"'{wanted}' is neither the date nor the hash of a nightly",
        hints=[
            "git poolside nightly   (lists them)",
            "git poolside sync --onto COMMIT   (any commit of upstream)",
        ],
    )
