"""Dates as the changes file writes them: found in its bullets, and written the same way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone

from git_poolside.stack.values import frozen

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_SHORT = {name[:3]: name for name in _MONTHS}
DATED = re.compile(r" {0,3}(?P<mark>[*+-])[ \t]+\[(?P<date>[^\]\n]{6,24})\]")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_DAY_FIRST = re.compile(r"\d{1,2}(?P<th>st|nd|rd|th)? (?P<month>[A-Z][a-z]+) \d{4}")
_MONTH_FIRST = re.compile(r"(?P<month>[A-Z][a-z]+) \d{1,2}(?P<th>st|nd|rd|th)?, \d{4}")


@frozen
class Style:
    """How a file writes its bullets: their mark, the form of a date, the end of a line (``\\r`` or nothing)."""

    mark: str = "*"
    iso: bool = False
    day_first: bool = True
    ordinal: bool = True
    short: bool = True
    eol: str = ""

    def date(self, seconds: int, zone: str) -> str:
        """The day of a commit's time, in its own time zone (``+0200``)."""
        when = _local(seconds, zone)
        if self.iso:
            return f"{when.year:04}-{when.month:02}-{when.day:02}"
        name = _MONTHS[when.month - 1]
        month = name[:3] if self.short else name
        day = f"{when.day}{_ordinal(when.day) if self.ordinal else ''}"
        return f"{day} {month} {when.year}" if self.day_first else f"{month} {day}, {when.year}"


def style_of(lines: Iterable[str]) -> Style:
    """The style of the first bullet with a date; without one ``* [16th Dec 2024]``."""
    lines = list(lines)
    eol = "\r" if lines and lines[0].endswith("\r") else ""
    marks = [found["mark"] for line in lines if (found := re.match(r" {0,3}(?P<mark>[*+-])[ \t]", line))]
    for line in lines:
        if (found := DATED.match(line)) is None:
            continue
        mark, date = found["mark"], found["date"]
        if _ISO.fullmatch(date):
            return Style(mark, iso=True, eol=eol)
        for form, day_first in ((_DAY_FIRST, True), (_MONTH_FIRST, False)):
            if (parts := form.fullmatch(date)) and parts["month"][:3] in _SHORT:
                return Style(mark, False, day_first, bool(parts["th"]), parts["month"] in _SHORT, eol)
    return Style(marks[0] if marks else "*", eol=eol)


def _ordinal(day: int) -> str:
    return "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _local(seconds: int, zone: str) -> datetime:
    """A moment on the clock of its zone; what no calendar holds is 1970 (edge case S8)."""
    found = re.fullmatch(r"([+-])(\d{2})(\d{2})", zone)
    offset = timedelta()
    if found:
        offset = timedelta(hours=int(found[2]), minutes=int(found[3])) * (-1 if found[1] == "-" else 1)
    try:
        return datetime(1970, 1, 1, tzinfo=timezone(offset)) + offset + timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return datetime(1970, 1, 1, tzinfo=UTC)
