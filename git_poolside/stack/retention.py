"""Which published states are too many: all but the newest so many, by ``published.keep``."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NAME = re.compile(r"(?P<date>.+)-(?P<number>\d{1,9})")


def beyond(names: Iterable[str], keep: str) -> list[str]:
    """Those of `names`, ``<date>-<number>``, that `keep` (``N states`` or ``forever``) leaves out, oldest first.

    A name of another form is nobody's to take away.
    """
    if keep == "forever":
        return []
    places = {name: (found["date"], int(found["number"])) for name in names if (found := _NAME.fullmatch(name))}
    return sorted(places, key=places.__getitem__)[: -int(keep.split()[0])]


def next_name(date: str, taken: Iterable[str]) -> str:
    """The name of a new state of `date`: a number above all that are `taken`, since one that is gone stays gone."""
    found = (_NAME.fullmatch(name) for name in taken)
    numbers = [int(one["number"]) for one in found if one and one["date"] == date]
    return f"{date}-{max(numbers, default=0) + 1}"
