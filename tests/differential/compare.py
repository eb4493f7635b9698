"""The engine's outcome of a merge beside git's, and the count of what was compared."""

from __future__ import annotations

import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from git_poolside.git.diff import Change, changes
from git_poolside.git.merge import MergeOrt
from git_poolside.git.objects import Objects, quarantine
from git_poolside.git.process import Git
from git_poolside.git.replay import Engine
from git_poolside.stack.model import Conflict, Oid
from tests.differential.oracle import Oracle, Outcome, Question, Verdict, aside

CRASHED = "git could not merge this patch"


@dataclass(frozen=True)
class Disagreement:
    """A merge over which the engine and git differ; `name` tells it apart."""

    name: str
    question: Question
    engine: Outcome
    git: Outcome
    grafted: bool

    def __str__(self) -> str:
        trees = f"base {self.question.base} ours {self.question.ours} theirs {self.question.theirs}"
        how = "grafted" if self.grafted else "merged"
        return f"{self.name}: {how}: engine {_told(self.engine)}, git {_told(self.git)}; {trees}"


def _told(outcome: Outcome) -> str:
    return f"{outcome.verdict.value} {outcome.tree}{sorted(outcome.paths) if outcome.paths else ''}"


@dataclass
class Tally:
    """What was compared. `crashes` are merges over which git died and the engine says so; `answered_where_git_died`
    those over which only git did (a blob is missing that a graft does not read): there is no verdict to hold them to.
    """

    pairs: int = 0
    grafted: int = 0
    merged: int = 0
    conflicts: int = 0
    crashes: int = 0
    answered_where_git_died: int = 0
    disagreements: list[Disagreement] = field(default_factory=list)

    def add(self, name: str, question: Question, engine: Outcome, git: Outcome, grafted: bool) -> None:
        """One merge more."""
        self.pairs += 1
        self.grafted += grafted
        self.merged += not grafted
        self.conflicts += git.verdict is Verdict.CONFLICT
        if git.verdict is Verdict.CRASH:
            self.crashes += engine.verdict is Verdict.CRASH
            self.answered_where_git_died += engine.verdict is not Verdict.CRASH
        elif git != engine:
            self.disagreements.append(Disagreement(name, question, engine, git, grafted))

    def __str__(self) -> str:
        counts = f"{self.pairs} pairs: {self.grafted} grafted, {self.merged} merged; {self.conflicts} conflicts, "
        died = f"{self.crashes} crashes, {self.answered_where_git_died} answered where git died, "
        return counts + died + f"{len(self.disagreements)} disagreements"


@dataclass(frozen=True)
class Patch:
    """A patch to compare: from the tree `base` to the tree `theirs`."""

    name: str
    base: str
    theirs: str


@dataclass(frozen=True)
class Job:
    """A tree, and the patches that are applied to it."""

    ours: str
    patches: Sequence[Patch]


class Bench:
    """An engine and an oracle over the same repository, each with a folder of its own for what it writes."""

    def __init__(self, objects: Objects, engine: Engine, oracle: Oracle) -> None:
        self.objects = objects
        self.engine = engine
        self.oracle = oracle
        self.tally = Tally()
        self._known: dict[str, dict[bytes, bytes]] = {}

    def compare(self, jobs: Sequence[Job]) -> list[Disagreement]:
        """Every patch of each job on the job's tree, by both; what they differ over."""
        before = len(self.tally.disagreements)
        patches = [patch for job in jobs for patch in job.patches]
        found = iter(changes(self.objects.git, [(Oid(patch.base), Oid(patch.theirs)) for patch in patches]))
        questions = [
            Question(patch.base, job.ours, patch.theirs, self._attributes(job.ours))
            for job in jobs
            for patch in job.patches
        ]
        answers = zip(questions, self.oracle.ask(questions), strict=True)
        for job in jobs:
            ours = Oid(job.ours)
            self.engine.stand_on(ours)
            for patch in job.patches:
                change, (question, git) = next(found), next(answers)
                grafted = change.base != ours and self.engine.grafts(change, ours)
                self.tally.add(patch.name, question, self._outcome(change, ours), git, grafted)
        return self.tally.disagreements[before:]

    def _outcome(self, change: Change, ours: Oid) -> Outcome:
        result = self.engine.apply(change, ours)
        if not isinstance(result, Conflict):
            return Outcome(Verdict.CLEAN, result)
        if any(message.startswith(CRASHED) for message in result.messages):
            return Outcome(Verdict.CRASH)
        paths = (aside(path.encode("utf-8", "surrogateescape")) for path in result.paths)
        return Outcome(Verdict.CONFLICT, paths=frozenset(paths))

    def _attributes(self, tree: str) -> dict[bytes, bytes]:
        """The attribute files of a tree, by path; what is no plain file is none (gitattributes(5))."""
        if tree not in self._known:
            found: dict[bytes, bytes] = {}
            for name, entry in self.objects.tree(Oid(tree)).items():
                if entry.is_tree:
                    found |= {name + b"/" + path: data for path, data in self._attributes(entry.oid).items()}
                elif name == b".gitattributes" and stat.S_ISREG(entry.mode):
                    found[name] = self.objects.read(entry.oid)
            self._known[tree] = found
        return self._known[tree]


@contextmanager
def bench(git: Git) -> Iterator[Bench]:
    """A bench over a repository that nothing is written to."""
    with quarantine(git) as inner, tempfile.TemporaryDirectory(prefix="oracle-") as folder:
        objects = Objects(inner.git)
        with MergeOrt(objects, inner.git.object_dir) as merge:
            oracle = Oracle(git.git_dir, git.object_dir, Path(folder))
            yield Bench(objects, Engine(objects, merge), oracle)
