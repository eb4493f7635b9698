"""What the soak believes, apart from the product: upstream's history and which marker has to be where.

Every change carries markers, ``[U7a]`` of upstream's or ``[P3b]`` of the fork's own. A marker that somebody's stack
has carried is owed there for ever: it is in the tip, or upstream holds it at the snapshot, or a person gave it up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.scenario import PATTERN_FILE, World, workflow

MARKER = re.compile(r"\[([UP]\d+[ab])\]")
FILES, LINES = 3, 6


def markers(text: str) -> frozenset[str]:
    """The markers in a text."""
    return frozenset(MARKER.findall(text))


def first_files() -> dict[str, str]:
    """Upstream's files at the beginning: the first line names the file wherever it is moved to."""
    made = {"version.txt": "2.9.0a0\n"}
    for number in range(FILES):
        lines = [f"# f{number}", *(f"f{number} line {line:02}" for line in range(LINES))]
        made[f"src/f{number}.txt"] = "\n".join(lines) + "\n"
    return made


@dataclass(frozen=True)
class Edit:
    """One place of a change: `kind` is how its marker gets in, ``tag``, ``insert`` or ``file``."""

    kind: str
    file: int
    line: int
    marker: str

    def apply(self, files: Mapping[str, str], words: str = "") -> dict[str, str]:
        """What it makes of `files`: path -> content of the one that changes. `words` make it another edit."""
        path = next((path for path, text in files.items() if text.startswith(f"# f{self.file}\n")), None)
        if self.kind == "file" or path is None:
            return {f"src/new-{self.marker}.txt": f"a file of its own{words}\n[{self.marker}]\n"}
        lines = files[path].split("\n")
        start = f"f{self.file} line {self.line:02}"
        at = next((place for place, line in enumerate(lines) if line.startswith(start)), len(lines) - 2)
        if self.kind == "tag":
            lines[at] += f" [{self.marker}]{words}"
        else:
            lines.insert(at + 1, f"f{self.file} more{words} [{self.marker}]")
        return {path: "\n".join(lines)}


def apply(edits: Iterable[Edit], files: Mapping[str, str], words: str = "") -> dict[str, str]:
    """All of `edits`, one after the other; the files that change."""
    changed: dict[str, str] = {}
    for edit in edits:
        changed |= edit.apply({**files, **changed}, words)
    return changed


def without(gone: frozenset[str], text: str) -> str | None:
    """A text without those markers: a line that is there for one goes, a file that held nothing else too."""
    lines = []
    for line in text.split("\n"):
        left = line
        for marker in markers(line) & gone:
            left = re.sub(rf" ?\[{marker}\](?: tuned)?", "", left)
        if left != line and (" more" in line or not left):
            continue
        lines.append(left)
    new = "\n".join(lines)
    return None if new.startswith("a file of its own") and not markers(new) else new


@dataclass
class Landing:
    """A change that landed: its commit, pull request, edits and title; `live` until it is taken back."""

    oid: str
    number: int
    edits: tuple[Edit, ...]
    title: str
    live: bool = True

    @property
    def markers(self) -> frozenset[str]:
        return frozenset(edit.marker for edit in self.edits)


@dataclass(frozen=True)
class Event:
    """A commit of upstream's branch, with its files and what had landed by then."""

    oid: str
    files: Mapping[str, str]
    landings: tuple[Landing, ...]


@dataclass
class Upstream:
    """Upstream's branch as it is now, and what each commit that it ever had held."""

    world: World
    files: dict[str, str] = field(default_factory=first_files)
    landings: list[Landing] = field(default_factory=list)
    number: int = 100
    day: int = 0
    events: list[Event] = field(default_factory=list)
    """The commits of the branch, oldest first."""
    known: dict[str, frozenset[str]] = field(default_factory=dict)
    """Every commit that the branch ever had -> the markers that it holds."""
    named: list[tuple[str, str]] = field(default_factory=list)
    """The nightlies: date and the commit that it names, oldest first."""
    forced: bool = False
    """Whether the branch was ever rewritten."""

    def copied(self, world: World) -> Upstream:
        """The same history in a copy of the world."""
        return replace(
            self, world=world, files=dict(self.files), landings=[replace(one) for one in self.landings],
            events=list(self.events), known=dict(self.known), named=list(self.named),
        )  # fmt: skip

    def land(
        self, edits: Sequence[Edit], title: str, *, words: str = "", number: int = 0, pull: bool = True
    ) -> Landing:
        """A commit that brings the edits, as its bot lands a pull request or, without `pull`, as nobody's."""
        if not number:
            self.number += 1
            number = self.number
        changed = apply(edits, self.files, words)
        made = Landing("", number, tuple(edits), title)
        self._commit(changed, title, number if pull else None, landing=made)
        return made

    def revert(self, landing: Landing) -> bool:
        """Take a landing back with the bot's words; False where nothing of it is left to take."""
        changed = {path: without(landing.markers, text) for path, text in self.files.items()}
        changed = {path: text for path, text in changed.items() if text != self.files[path]}
        left = markers("".join(self.files[path] for path in changed)) & landing.markers
        if left != landing.markers:
            return False
        body = (
            f"This reverts commit {landing.oid}.\n\nReverted https://github.com/pytorch/pytorch/pull/{landing.number}"
            " on behalf of https://github.com/someone due to it broke the build\n"
        )
        landing.live = False
        self._commit(changed, f'Revert "{landing.title} (#{landing.number})"', body=body)
        return True

    def reland(self, landing: Landing, again: bool) -> Landing:
        """Land once more what was taken back: `again` under its number, else under a new one."""
        self.landings.remove(landing)
        title = landing.title if again else f"[reland] {landing.title}"
        return self.land(landing.edits, title, number=landing.number if again else 0)

    def rename(self, file: int) -> None:
        """Move a file to another name, in another folder each time."""
        path = next(path for path, text in self.files.items() if text.startswith(f"# f{file}\n"))
        folder, name = ("lib", path.rpartition("/")[2]) if path.startswith("src/") else ("src", f"g{file}.txt")
        target = f"{folder}/{name}"
        self._commit({path: None, target: self.files[path]}, f"Move f{file} to {folder}")

    def rewrite(self, file: int, line: int) -> None:
        """Write a line anew: what stood there, markers too, is no more, without a word about it."""
        path = next(path for path, text in self.files.items() if text.startswith(f"# f{file}\n"))
        start = f"f{file} line {line:02}"
        lines = [
            f"{start} rewritten {len(self.events)}" if one.startswith(start) else one
            for one in self.files[path].split("\n")
        ]
        self._commit({path: "\n".join(lines)}, f"Rewrite line {line} of f{file}")

    def force(self, depth: int) -> list[Landing]:
        """Take the newest commits off the branch, by force; what landed in them, oldest first."""
        depth = min(depth, len(self.events) - 1)
        gone = {event.oid for event in self.events[len(self.events) - depth :]}
        lost = [landing for landing in self.landings if landing.oid in gone and landing.live]
        del self.events[len(self.events) - depth :]
        at = self.events[-1]
        self.files, self.landings = dict(at.files), [replace(landing) for landing in at.landings]
        self.forced = self.forced or bool(gone)
        self.world.upstream.git("update-ref", "refs/heads/main", at.oid)
        return lost

    def nightly(self) -> None:
        """The next day's nightly names the newest commit."""
        self.day += 1
        self.named.append((f"2026-{7 + self.day // 28:02}-{1 + self.day % 28:02}", self.events[-1].oid))
        self.world.nightly(*self.named[-1])

    def force_nightlies(self, keep: int) -> None:
        """Make the nightly branch anew with its newest entries alone."""
        del self.named[: max(0, len(self.named) - keep)]
        self.world.upstream.git("update-ref", "-d", "refs/heads/nightly")
        for date, commit in self.named:
            self.world.nightly(date, commit)

    def _commit(
        self, changed: Mapping[str, str | None], title: str, number: int | None = None, body: str = "",
        landing: Landing | None = None,
    ) -> None:  # fmt: skip
        for path, text in changed.items():
            if text is None:
                self.files.pop(path, None)
            else:
                self.files[path] = text
        oid = self.world.land(changed, title, number, body)
        if landing is not None:
            landing.oid = oid
            self.landings.append(landing)
        live = [one for one in self.landings if one.live]
        self.known[oid] = frozenset(marker for one in live for marker in one.markers)
        self.events.append(Event(oid, dict(self.files), tuple(replace(one) for one in self.landings)))


def begin(world: World) -> Upstream:
    """Upstream with one nightly, and the fork on it with its build workflow."""
    upstream = Upstream(world)
    upstream._commit(upstream.files, "Begin")
    upstream.nightly()
    world.fork_at()
    world.patch({PATTERN_FILE: workflow("20260702")}, "Add the build workflow\n")
    return upstream
