"""git's own answers: ``git merge-tree`` for single merges, with nothing of the engine between.

The merge base is given as each git has it: by crafted commits before 2.40, by name in the question from 2.40 on.
All questions with the same attribute files go to one process at once, and the answers are read at its end.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from git_poolside.git.process import PINNED, version

_NAMES_ITS_BASE = (2, 40)
_AT_ONCE = 64
_ASIDE = re.compile(rb"~[0-9a-f]{40}(?:_\d+)?")
NOBODY = b"<> 0 +0000"


class Verdict(Enum):
    """How a merge ends; a crash is git's own death over it."""

    CLEAN = "clean"
    CONFLICT = "conflict"
    CRASH = "crash"


@dataclass(frozen=True)
class Outcome:
    """What a merge came to: the tree of a clean one, the paths of a conflict."""

    verdict: Verdict
    tree: str = ""
    paths: frozenset[bytes] = frozenset()


def aside(path: bytes) -> bytes:
    """A path in conflict as it is for any two commits: git moves a file that stands where a folder has to be aside,
    to its name with the commit's.
    """
    return _ASIDE.sub(b"", path)


@dataclass(frozen=True)
class Question:
    """Three trees to merge, under the attribute files (path -> content) of the tree that is replayed onto."""

    base: str
    ours: str
    theirs: str
    attributes: Mapping[bytes, bytes] = field(default_factory=dict, hash=False)


def pinned() -> list[str]:
    """The options that the engine pins, and no attribute file of the user's or the machine's."""
    options = [*PINNED, f"core.attributesFile={os.devnull}", "core.bigFileThreshold=512m"]
    return [word for option in options for word in ("-c", option)]


class Store:
    """Loose objects, written by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: set[str] = set()

    def write(self, kind: str, data: bytes) -> str:
        """An object's name; it is there afterwards."""
        whole = f"{kind} {len(data)}\0".encode() + data
        oid = hashlib.sha1(whole).hexdigest()
        if oid not in self._known:
            self._known.add(oid)
            path = self.folder / oid[:2] / oid[2:]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(zlib.compress(whole, 1))
        return oid

    def commit(self, tree: str, *parents: str) -> str:
        """A commit of nobody's."""
        header = [f"tree {tree}", *(f"parent {oid}" for oid in parents)]
        return self.write(
            "commit", "\n".join(header).encode() + b"\nauthor " + NOBODY + b"\ncommitter " + NOBODY + b"\n\n"
        )


class Oracle:
    """``git merge-tree`` over some folders of objects; what it writes goes to `folder`."""

    def __init__(self, git_dir: Path, objects: Sequence[Path], folder: Path) -> None:
        self._worktree = folder / "worktree"
        self._store = Store(folder / "objects")
        self._store.folder.mkdir(parents=True)
        self._environment = {
            **os.environ,
            "GIT_DIR": str(git_dir),
            "GIT_WORK_TREE": str(self._worktree),
            "GIT_INDEX_FILE": str(folder / "no-index"),
            "GIT_OBJECT_DIRECTORY": str(self._store.folder),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(map(str, objects)),
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_ATTR_NOSYSTEM": "1",
            "LC_ALL": "C.UTF-8",
        }

    def ask(self, questions: Sequence[Question]) -> list[Outcome]:
        """One outcome for each question, in order."""
        outcomes: dict[int, Outcome] = {}
        groups: dict[tuple[tuple[bytes, bytes], ...], list[int]] = {}
        for number, question in enumerate(questions):
            groups.setdefault(tuple(sorted(question.attributes.items())), []).append(number)
        for attributes, numbers in groups.items():
            self._attributes(attributes)
            for start in range(0, len(numbers), _AT_ONCE):
                some = numbers[start : start + _AT_ONCE]
                outcomes |= zip(some, self._batch([questions[number] for number in some]), strict=True)
        return [outcomes[number] for number in range(len(questions))]

    def _attributes(self, attributes: Sequence[tuple[bytes, bytes]]) -> None:
        shutil.rmtree(self._worktree, ignore_errors=True)
        self._worktree.mkdir()
        for path, content in attributes:
            target = self._worktree / os.fsdecode(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

    def _batch(self, questions: Sequence[Question]) -> list[Outcome]:
        """The outcomes of one process; where it died, those of smaller batches, down to the question that kills it."""
        words = ["merge-tree", "--write-tree", "--stdin", "-z", "--name-only", "--no-messages"]
        done = subprocess.run(
            ["git", *pinned(), *words, "--allow-unrelated-histories"],
            input="".join(map(self._line, questions)).encode(),
            capture_output=True,
            cwd=self._worktree,
            env=self._environment,
            check=False,
        )
        if done.returncode == 0:
            return _read(done.stdout)
        if len(questions) == 1:
            return [Outcome(Verdict.CRASH)]
        half = len(questions) // 2
        return self._batch(questions[:half]) + self._batch(questions[half:])

    def _line(self, question: Question) -> str:
        base = self._store.commit(question.base)
        if version() >= _NAMES_ITS_BASE:
            ours, theirs = self._store.commit(question.ours), self._store.commit(question.theirs)
            return f"{base} -- {ours} {theirs}\n"
        return f"{self._store.commit(question.ours, base)} {self._store.commit(question.theirs, base)}\n"


def _read(output: bytes) -> list[Outcome]:
    """``<clean>``, ``<tree>``, the paths in conflict, and an empty field, for each question."""
    outcomes: list[Outcome] = []
    fields = iter(output.split(b"\0")[:-1])
    for clean in fields:
        tree = next(fields).decode()
        paths = frozenset(map(aside, iter(lambda: next(fields), b"")))
        conflict = clean == b"0"
        outcomes.append(Outcome(Verdict.CONFLICT, paths=paths) if conflict else Outcome(Verdict.CLEAN, tree))
    return outcomes
