"""The examples of the manual, run: what a page shows is typed here and has to come out as shown.

A fenced block of a page's source (``man/src``) is an example. ```` ```console WORLD ```` begins in a copy of a prepared
world, in its clone; one without a world goes on where the block before it ended. ``$ `` starts what is typed; the
lines below it are what it prints, ``...`` stands for any lines. A comment ``# exits N`` says with what it ends if that
is not 0. What is not for the reader (somebody's editor, a colleague) is typed from a comment, ``<!-- $ ... -->`` or
``<!-- WORLD $ ... -->``.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from git_poolside.demo import histories
from git_poolside.demo.histories import SOFTMAX, US

if TYPE_CHECKING:
    from tests.forge.fake import FakeGitHub

_BLOCK = re.compile(
    r"^```(?P<language>\w+)(?: (?P<world>[\w-]+))?\n(?P<text>.*?)^```$"
    r"|^<!-- (?:(?P<begin>[\w-]+) )?\$ (?P<hidden>.*?) -->$",
    re.MULTILINE | re.DOTALL,
)
_EXITS = re.compile(r"#.*\bexits (\d+)")
_SHELL = re.compile(r"[|&;<>$`(){}*?\\]")
_BEGINS = datetime(2026, 7, 17, 9, tzinfo=UTC)
_OURS = "git poolside "


@dataclass(frozen=True)
class Example:
    """One thing typed: `shown` is what a page says that it prints, None where a page does not show it at all."""

    typed: str
    shown: str | None
    world: str | None = None
    """The world to begin in; None goes on in the one before."""

    @property
    def exits(self) -> int:
        found = _EXITS.search(self.typed)
        return int(found[1]) if found else 0


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """The language and the text of each fenced block that is no console's."""
    for found in _BLOCK.finditer(page):
        if found["language"] and found["language"] != "console":
            yield found["language"], found["text"]


def examples(page: str) -> list[Example]:
    """What a page types, in order."""
    made: list[Example] = []
    for found in _BLOCK.finditer(page):
        if found["hidden"]:
            made.append(Example(found["hidden"], None, found["begin"]))
        elif found["language"] == "console":
            typed = _typed(found["text"])
            made += [replace(typed[0], world=found["world"]), *typed[1:]]
    return made


def _typed(text: str) -> list[Example]:
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    if parts[0]:
        raise ValueError(f"a console's block begins with what is typed: {text!r}")
    made = []
    for part in parts[1:]:
        command, _, printed = part.partition("\n")
        while command.endswith("\\"):
            more, _, printed = printed.partition("\n")
            command = f"{command}\n{more}"
        made.append(Example(command, printed.rstrip("\n")))
    return made


_OPERATION = re.compile(r"^[0-9a-f]{12}(?=  \d{4}-)|(?<=ook back )[0-9a-f]{12}\b", re.MULTILINE)


def agrees(shown: str, printed: str) -> bool:
    """Whether a block shows what was printed; a line ``...`` stands for any lines.

    The ids of operations are left out: git's version is in what they name.
    """
    shown, printed = (_OPERATION.sub("OPERATION", text) for text in (shown, printed))
    pattern = "".join(r"(?:.*\n)*?" if line == "..." else re.escape(line) + "\n" for line in shown.splitlines())
    return re.fullmatch(pattern, f"{printed}\n" if printed else "") is not None


def with_printed(page: str, printed: list[str]) -> str:
    """The page with its consoles showing what their commands printed, where that does not agree."""
    left = iter(zip(examples(page), printed, strict=True))

    def block(found: re.Match[str]) -> str:
        if found["hidden"]:
            next(left)
        if found["language"] != "console":
            return found[0]
        lines = []
        for example in _typed(found["text"]):
            _, new = next(left)
            shown = example.shown or ""
            text = shown if agrees(shown, new) else new
            lines.append(f"$ {example.typed}\n" + (f"{text}\n" if text else ""))
            lines.append("\n" if text and found["text"].count("\n$ ") else "")
        head = found[0].partition("\n")[0]
        return head + "\n" + "".join(lines).rstrip("\n") + "\n```"

    return _BLOCK.sub(block, page)


@dataclass(frozen=True)
class Worlds:
    """The worlds that were built so far in this process, each in its folder."""

    folder: Path
    built: set[str] = field(default_factory=set)


class Session:
    """Types examples one after the other, each a minute after the one before."""

    def __init__(self, root: Path, executables: Path, worlds: Worlds, github: FakeGitHub | None = None) -> None:
        self._root, self._executables, self._worlds, self._github = root, executables, worlds, github
        self._home = self._place = root
        self._minutes = 0

    def run(self, example: Example) -> tuple[int, str]:
        """The exit status, and what was printed on both channels, as one would see it."""
        if example.world is not None:
            self._enter(example.world)
        self._minutes += 1
        dated = _dated(self._minutes)
        words = shlex.split(example.typed, comments=True)
        bare = example.typed.partition("  #")[0]
        if words[:1] == ["cd"]:
            self._place = (self._place / words[1]).resolve()
            return 0, ""
        if bare.startswith(_OURS) and not _SHELL.search(bare):
            status, printed = ours(words[2:], self._place, dated)
        else:
            path = f"{self._executables}{os.pathsep}{os.environ['PATH']}"
            done = subprocess.run(
                ["sh", "-c", example.typed], cwd=self._place, env={**os.environ, **dated, "PATH": path},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True,
            )  # fmt: skip
            status, printed = done.returncode, done.stdout
        lines = (line.rstrip() for line in printed.replace(str(self._home), "/home/robin").splitlines())
        return status, "\n".join(lines).strip("\n")

    def _enter(self, world: str) -> None:
        """Stand in the clone of a new copy of a world, which is built when it is first wanted."""
        if world not in self._worlds.built:
            base, typed = WORLDS[world]
            made = self._worlds.folder / world
            if base is None:
                made.mkdir()
                histories.build(made, {**os.environ, **_dated(0)})
            else:
                self._enter(base)
                self._home.rename(made)
            self._stand(made)
            for command in typed:
                example = Example(command, None)
                status, printed = self.run(example)
                assert status == example.exits, printed
            self._worlds.built.add(world)
        made = Path(tempfile.mkdtemp(dir=self._root))
        shutil.copytree(self._worlds.folder / world, made, symlinks=True, dirs_exist_ok=True)
        self._stand(made)
        if self._github is not None:
            fork = self._github.repository("poolsideai/pytorch", made / "fork.git", "poolside-main")
            fork.plan.artifacts = ("manywheel-py3_12-cuda12_6",)

    def _stand(self, home: Path) -> None:
        self._home, self._place, self._minutes = home, home / "clone", 60


def _dated(minutes: int) -> dict[str, str]:
    date = (_BEGINS + timedelta(minutes=minutes)).isoformat()
    named = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in zip(("NAME", "EMAIL"), US, strict=True)
    }
    return {**named, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}


def ours(words: list[str], place: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """A command of ours, run here: what starting Python again would cost is more than most of them do."""
    from git_poolside.cli import dispatch

    old, arguments = {name: os.environ.get(name) for name in environment}, sys.argv
    with tempfile.TemporaryFile() as file, _into(file.fileno()):
        back = Path.cwd()
        os.chdir(place)
        os.environ.update(environment)
        sys.argv = ["git-poolside", *words]
        try:
            dispatch()
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        finally:
            os.chdir(back)
            sys.argv = arguments
            for name, value in old.items():
                os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
        sys.stdout.flush()
        file.seek(0)
        return status, file.read().decode()


@contextmanager
def _into(target: int) -> Iterator[None]:
    """Both channels, and those of processes started meanwhile, into one file; nothing to read."""
    kept = [os.dup(channel) for channel in range(3)]
    streams = sys.stdin, sys.stdout, sys.stderr
    nothing = os.open(os.devnull, os.O_RDONLY)
    try:
        for channel, source in enumerate((nothing, target, target)):
            os.dup2(source, channel)
        sys.stdin, sys.stdout, sys.stderr = (open(n, "w" if n else "r", closefd=False) for n in range(3))  # noqa: SIM115
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdin, sys.stdout, sys.stderr = streams
        for channel, source in enumerate(kept):
            os.dup2(source, channel)
            os.close(source)
        os.close(nothing)


WORLDS: Mapping[str, tuple[str | None, tuple[str, ...]]] = {
    "fresh": (None, ("git remote set-url origin ../fork.git",)),
    "lagoon": ("fresh", ("git poolside init -q --upstream ../upstream.git --commit", "git poolside push -q")),
    "synced": (
        "lagoon",
        (
            "git poolside sync -q  # exits 3",
            f"git checkout -q --theirs {SOFTMAX} && git add {SOFTMAX}",
            "git poolside sync -q --continue",
            "git poolside push -q",
        ),
    ),
}
"""The demo's library with a clone of its fork, at the moments that pages begin with: the world that one is made from,
and what is typed in its clone. ``fresh`` was kept by hand so far; ``lagoon`` is adopted and pushed, a week behind;
``synced`` has been moved onto the newest nightly, with one conflict on the way, and pushed.
"""
