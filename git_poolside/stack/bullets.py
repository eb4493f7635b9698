"""The bullets of the changes file: one for each patch, with the words that people put on it.

A bullet is ``* [16th Dec 2024] Subject (Author). [PR](URL). <!-- poolside KEY SUM STATE -->``. What stands before
the comment is made anew as long as it is what was written last (SUM); what somebody put there instead stays, and
so does whatever follows the comment. KEY is the patch's author with the time, which no replay changes; STATE is
what is known of a pick.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import sha1

from git_poolside.stack.dates import DATED, Style
from git_poolside.stack.model import Commit, Role
from git_poolside.stack.provenance import bare_title, cherry_origin, pull_number, pull_of
from git_poolside.stack.values import frozen, replace

_BULLET = re.compile(r"(?P<indent> {0,3})(?P<mark>[*+-])[ \t]+(?P<text>.*)\Z", re.DOTALL)
_OURS = re.compile(r"[ \t]*<!-- poolside (?P<key>[0-9a-f]{8}) (?P<sum>[0-9a-f]{6}|own)(?: (?P<state>[a-z-]+))? -->")
_STATES = {
    "waiting": "Not in the snapshot yet.",
    "reverted-upstream": "Taken back upstream.",
    "landed-partly": "Landed upstream in part.",
    "landed-tweaked": "Landed upstream in another form.",
    "undone-silently": "Landed, and undone upstream.",
}


@frozen
class Entry:
    """What a bullet says of one patch. `state` is a word of `_STATES`, empty where nothing new is known."""

    key: str
    seconds: int
    zone: str
    subject: str
    author: str
    links: tuple[tuple[str, str], ...] = ()
    picked: bool = False
    origin: str | None = None
    state: str = ""

    @classmethod
    def of(cls, commit: Commit, role: Role, fork: str, upstream: str, verdict: str = "") -> Entry:
        """`fork` and `upstream` are repositories as ``owner/name``; `verdict` is the word of the last sync."""
        name, _, when = _decoded(commit.author, commit.encoding).rpartition(">")
        seconds, zone = (*when.split(), "0", "+0000")[:2]
        picked = role is Role.PICKS
        numbers = [] if picked else [("PR", fork, pull_of(commit.text, fork))]
        numbers.append(("Upstream PR", upstream, pull_number(commit.text, upstream, subject_counts=picked)))
        return cls(
            sha1(commit.author).hexdigest()[:8],
            int(seconds) if seconds.lstrip("-").isdigit() else 0,
            zone,
            _harmless(bare_title(commit.text)),
            _harmless(name.partition("<")[0]),
            tuple((what, f"https://github.com/{where}/pull/{number}") for what, where, number in numbers if number),
            picked,
            cherry_origin(commit.text) if picked else None,
            verdict if picked and verdict in _STATES else "",
        )

    def front(self, style: Style, state: str) -> str:
        """The generated part of the bullet."""
        author = f" ({self.author})" if self.author else ""
        origin = f" {self.origin[:9]}" if self.origin else ""
        picked = f", picked from upstream{origin}" if self.picked else ""
        parts = [f"[{style.date(self.seconds, self.zone)}] {self.subject.rstrip('. ')}{author}{picked}."]
        parts += [f"[{what}]({url})." for what, url in self.links]
        return " ".join([*parts, *([_STATES[state]] if state else [])])


def _decoded(author: bytes, encoding: bytes | None) -> str:
    try:
        return author.decode((encoding or b"utf-8").decode("ascii", "replace"))
    except (ValueError, LookupError):  # not these bytes, or no encoding at all
        return author.decode("utf-8", "replace")


def _harmless(text: str) -> str:
    """Text on one line that can neither begin nor end an HTML comment (edge case P13)."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line.replace("<!--", "&lt;!--").replace("-->", "--&gt;")


def renewed(lines: Sequence[str], entries: Sequence[Entry], style: Style) -> list[str]:
    """The lines of a section with a bullet for each of `entries`, lowest first; other words stay where they are."""
    items = _items(lines)
    matched = _matched(items, entries)
    entry_at = {index: number for number, index in matched.items()}
    made: list[tuple[_Item, int | None]] = []
    for index, item in enumerate(items):
        number = entry_at.get(index)
        left = _orphan(item) if number is None else _bullet(item, entries[number], style)
        if left is not None:
            made.append((left, number))
    wanted = list(range(len(entries)))
    standing = [number for _, number in made if number is not None]
    if len(standing) > 1 and standing == sorted(standing, reverse=True):
        wanted.reverse()  # the newest comes first in this file
    for at, number in enumerate(wanted):
        if number not in matched:
            new = _bullet(_Item("", "", style.mark), entries[number], style)
            made.insert(_place(made, wanted, at), (new, number))
    return [str(item) for item, _ in made]


def list_in(lines: Sequence[str]) -> tuple[int, int]:
    """The lines of the first list of bullets with a date, or (n, n) at the end of the text where there is none."""
    items = _items(lines)
    starts = [0]
    for item in items:
        starts.append(starts[-1] + item.text.count("\n") + 1)
    dated = next((index for index, item in enumerate(items) if DATED.match(str(item))), None)
    if dated is None:
        end = len(lines) - 1 if lines and not lines[-1] else len(lines)
        return end, end
    first, last = dated, dated
    while first and items[first - 1].mark:
        first -= 1
    while last + 1 < len(items) and items[last + 1].mark:
        last += 1
    return starts[first], starts[last + 1]


@frozen
class _Item:
    """A bullet with the lines that go on with it, or a line that is none (`mark` is empty then)."""

    text: str
    indent: str = ""
    mark: str = ""

    def __str__(self) -> str:
        return f"{self.indent}{self.mark} {self.text}" if self.mark else self.text


def _items(lines: Sequence[str]) -> list[_Item]:
    """Bullets with the lines that belong to them (indented, or going on without a blank), and other lines."""
    items: list[_Item] = []
    for index, line in enumerate(lines):
        if found := _BULLET.match(line):
            items.append(_Item(found["text"], found["indent"], found["mark"]))
        elif items and items[-1].mark and _goes_on(lines, index):
            items[-1] = replace(items[-1], text=f"{items[-1].text}\n{line}")
        else:
            items.append(_Item(line))
    return items


def _goes_on(lines: Sequence[str], index: int) -> bool:
    line = lines[index]
    if line.strip():
        return line[0] in " \t" or (not line.startswith(("#", "<!--")) and bool(lines[index - 1].strip()))
    after = next((later for later in lines[index:] if later.strip()), "")
    return after[:1] in (" ", "\t") and _BULLET.match(after) is None


def _matched(items: Sequence[_Item], entries: Sequence[Entry]) -> dict[int, int]:
    """Which bullet is which patch's: by key; else a bullet without one by its link, or its words (edge case S5)."""
    left = dict.fromkeys(index for index, item in enumerate(items) if item.mark)
    keys = {index: found["key"] for index in left if (found := _OURS.search(items[index].text))}
    matched: dict[int, int] = {}

    def claim(fits: Callable[[int, Entry], bool]) -> None:
        for number, entry in enumerate(entries):
            index = next((i for i in left if number not in matched and fits(i, entry)), None)
            if index is not None:
                matched[number] = index
                del left[index]

    def says(index: int, entry: Entry) -> bool:
        return bool(entry.subject) and entry.subject.casefold() in " ".join(items[index].text.split()).casefold()

    def links(index: int, entry: Entry) -> bool:
        return any(re.search(re.escape(url) + r"(?!\d)", items[index].text) for _, url in entry.links)

    claim(lambda index, entry: keys.get(index) == entry.key and says(index, entry))
    claim(lambda index, entry: keys.get(index) == entry.key)
    claim(lambda index, entry: index not in keys and links(index, entry))
    claim(lambda index, entry: index not in keys and says(index, entry))
    return matched


def _place(made: Sequence[tuple[_Item, int | None]], wanted: Sequence[int], at: int) -> int:
    """Where a new bullet goes: behind the one before it, else before the next one, else behind the last bullet."""
    where = {number: index for index, (_, number) in enumerate(made) if number is not None}
    if behind := [where[number] for number in wanted[:at] if number in where]:
        return behind[-1] + 1
    if before := [where[number] for number in wanted[at:] if number in where]:
        return before[0]
    return max((index + 1 for index, (item, _) in enumerate(made) if item.mark), default=len(made))


def _bullet(item: _Item, entry: Entry, style: Style) -> _Item:
    """The bullet of `entry`, with the words that people put on `item`."""
    ours = _OURS.search(item.text)
    front, tail = (item.text[: ours.start()], item.text[ours.end() :]) if ours else _cut(item.text, style)
    state = entry.state or (ours["state"] if ours and ours["state"] in _STATES else "")
    state = state or ("waiting" if entry.picked else "")
    new, mark = entry.front(style, state), ours["sum"] if ours else "own"
    if " ".join(front.split()) in ("", new) or mark == _sum(front):
        front, mark = new, _sum(new)
    comment = " ".join(["<!-- poolside", entry.key, mark, *([state] if state else []), "-->"])
    return replace(item, text=f"{front} {comment}{tail}")


def _cut(text: str, style: Style) -> tuple[str, str]:
    """A bullet without a comment, before and behind the place where it goes."""
    front = text.rstrip()
    return front, text[len(front) :] if text else style.eol


def _orphan(item: _Item) -> _Item | None:
    """What is left of a bullet whose patch is gone: what people wrote, and None where that is nothing."""
    ours = _OURS.search(item.text) if item.mark else None
    if ours is None:
        return item
    front, tail = item.text[: ours.start()], item.text[ours.end() :]
    return replace(item, text=front + tail) if tail.strip() or _sum(front) != ours["sum"] else None


def _sum(front: str) -> str:
    return sha1(" ".join(front.split()).encode("utf-8", "surrogateescape")).hexdigest()[:6]
