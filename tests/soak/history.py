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


@dataclass
class Upstream:
    """Upstream's branch, with what each commit of it brought and took back."""

    world: World
    files: dict[str, str] = field(default_factory=first_files)
    landings: list[Landing] = field(default_factory=list)
    number: int = 100
    day: int = 0
    events: list[tuple[str, frozenset[str], frozenset[str]]] = field(default_factory=list)
    """Each commit of the branch, what it brought and what it took back; oldest first."""

    def copied(self, world: World) -> Upstream:
        """The same history in a copy of the world."""
        return replace(
            self, world=world, files=dict(self.files), landings=list(self.landings), events=list(self.events)
        )

    def land(
        self, edits: Sequence[Edit], title: str, *, words: str = "", number: int = 0, pull: bool = True
    ) -> Landing:
        """A commit that brings the edits, as its bot lands a pull request or, without `pull`, as nobody's."""
        if not number:
            self.number += 1
            number = self.number
        changed = apply(edits, self.files, words)
        oid = self._commit(changed, title, number if pull else None, brings=frozenset(edit.marker for edit in edits))
        made = Landing(oid, number, tuple(edits), title)
        self.landings.append(made)
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
        self._commit(changed, f'Revert "{landing.title} (#{landing.number})"', None, body, takes=landing.markers)
        landing.live = False
        return True

    def reland(self, landing: Landing, again: bool) -> Landing:
        """Land once more what was taken back: `again` under its number, else under a new one."""
        title = landing.title if again else f"[reland] {landing.title}"
        made = self.land(landing.edits, title, number=landing.number if again else 0)
        landing.live = True
        self.landings.remove(landing)
        return made

    def rename(self, file: int) -> None:
        """Move a file to another name, in another folder each time."""
        path = next(path for path, text in self.files.items() if text.startswith(f"# f{file}\n"))
        folder, name = ("lib", path.rpartition("/")[2]) if path.startswith("src/") else ("src", f"g{file}.txt")
        target = f"{folder}/{name}"
        self._commit({path: None, target: self.files[path]}, f"Move f{file} to {folder}", None)

    def rewrite(self, file: int, line: int) -> None:
        """Write a line anew: what stood there, markers too, is no more, without a word about it."""
        path = next(path for path, text in self.files.items() if text.startswith(f"# f{file}\n"))
        start = f"f{file} line {line:02}"
        lines = [
            f"{start} rewritten {len(self.events)}" if one.startswith(start) else one
            for one in self.files[path].split("\n")
        ]
        self._commit({path: "\n".join(lines)}, f"Rewrite line {line} of f{file}", None)

    def nightly(self) -> None:
        """The next day's nightly names the newest commit."""
        self.day += 1
        self.world.nightly(f"2026-{7 + self.day // 28:02}-{1 + self.day % 28:02}")

    def holds(self, commit: str) -> frozenset[str]:
        """The markers that landed up to a commit and were not taken back by then; nothing for a commit not ours."""
        found: frozenset[str] = frozenset()
        for oid, brings, takes in self.events:
            found = (found | brings) - takes
            if oid == commit:
                return found
        raise AssertionError(f"{commit} is no commit of upstream's branch")

    def _commit(
        self,
        changed: Mapping[str, str | None],
        title: str,
        number: int | None,
        body: str = "",
        brings: frozenset[str] = frozenset(),
        takes: frozenset[str] = frozenset(),
    ) -> str:
        for path, text in changed.items():
            if text is None:
                self.files.pop(path, None)
            else:
                self.files[path] = text
        oid = self.world.land(changed, title, number, body)
        self.events.append((oid, brings, takes))
        return oid


def begin(world: World) -> Upstream:
    """Upstream with one nightly, and the fork on it with its build workflow."""
    upstream = Upstream(world)
    upstream._commit(upstream.files, "Begin", None)
    upstream.nightly()
    world.fork_at()
    world.patch({PATTERN_FILE: workflow("20260702")}, "Add the build workflow\n")
    return upstream
