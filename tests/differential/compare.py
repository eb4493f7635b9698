"""The engine's outcome of a merge beside git's, and the count of what was compared."""

from __future__ import annotations

import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from git_poolside.git.diff import Change, changes
from git_poolside.git.merge import Merged, MergeOrt
from git_poolside.git.narrow import MARKED, Narrow, WholeTrees
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.git.quarantine import Quarantine, quarantine
from git_poolside.git.replay import Engine
from git_poolside.stack.model import Conflict, Oid
from tests.differential.oracle import Oracle, Outcome, Question, Verdict, aside

CRASHED = "git could not merge this patch"
GRAFTED, BY_CONTENT, NARROW, MERGED = "grafted", "merged file by file", "merged without edits", "merged whole"


@dataclass(frozen=True)
class Patch:
    """A patch to compare: from the tree `base` to the tree `theirs`. `name` is for people."""

    name: str
    base: str
    theirs: str


@dataclass(frozen=True)
class Job:
    """A tree, and patches that are applied to it: each for itself, and then one on the other."""

    ours: str
    patches: Sequence[Patch]


@dataclass(frozen=True)
class Answer:
    """What the engine says to a question, how it found that, and whether it is `marked` (`Tally`)."""

    name: str
    question: Question
    outcome: Outcome
    way: str
    marked: bool


@dataclass(frozen=True)
class Disagreement:
    """A merge over which the engine and git differ."""

    engine: Answer
    git: Outcome

    def __str__(self) -> str:
        asked = self.engine.question
        trees = f"base {asked.base} ours {asked.ours} theirs {asked.theirs}"
        said = f"engine ({self.engine.way}) {_told(self.engine.outcome)}, git {_told(self.git)}"
        return f"{self.engine.name}: {said}; {trees}"


def _told(outcome: Outcome) -> str:
    return f"{outcome.verdict.value} {outcome.tree}{sorted(outcome.paths) if outcome.paths else ''}"


@dataclass
class Tally:
    """What was compared. `crashes` are merges over which git died and the engine says so; `answered_where_git_died`
    those over which only git did (a blob is missing that a graft does not read): there is no verdict to hold them to.
    `marked` are merges that git calls clean though it leaves conflict markers: conflicts, says the engine.
    """

    pairs: int = 0
    ways: dict[str, int] = field(default_factory=lambda: dict.fromkeys((GRAFTED, BY_CONTENT, NARROW, MERGED), 0))
    conflicts: int = 0
    crashes: int = 0
    answered_where_git_died: int = 0
    marked: int = 0
    disagreements: list[Disagreement] = field(default_factory=list)

    def add(self, engine: Answer, git: Outcome) -> None:
        """One merge more."""
        self.pairs += 1
        self.ways[engine.way] += 1
        self.conflicts += git.verdict is Verdict.CONFLICT
        if git.verdict is Verdict.CRASH:
            self.crashes += engine.outcome.verdict is Verdict.CRASH
            self.answered_where_git_died += engine.outcome.verdict is not Verdict.CRASH
        elif engine.marked and git.verdict is Verdict.CLEAN:
            self.marked += 1
        elif git != engine.outcome:
            self.disagreements.append(Disagreement(engine, git))

    def __str__(self) -> str:
        ways = ", ".join(f"{count} {way}" for way, count in self.ways.items())
        died = f"{self.crashes} crashes, {self.answered_where_git_died} answered where git died, {self.marked} marked"
        return (
            f"{self.pairs} pairs: {ways}; {self.conflicts} conflicts, {died}, {len(self.disagreements)} disagreements"
        )


class _Counted(MergeOrt):
    """Knows the trees that whole merges were asked onto; those of single files go to another of its kind."""

    def __init__(self, objects: Objects, folder: Path) -> None:
        super().__init__(objects, folder)
        self.onto: list[Oid] = []

    def merge(self, base: Oid, ours: Oid, theirs: Oid) -> Merged:
        self.onto.append(ours)
        return super().merge(base, ours, theirs)

    def close(self) -> None:
        self.__exit__(None, None, None)


class Bench:
    """The engine and an oracle over the same repository, each with a folder of its own for what it writes."""

    def __init__(self, inner: Quarantine, oracle: Oracle) -> None:
        self.tally = Tally()
        self.objects = Objects(inner.git)
        self._inner = inner
        self._oracle = oracle
        self._attributes: dict[str, dict[bytes, bytes]] = {}

    def compare(self, jobs: Sequence[Job]) -> list[Disagreement]:
        """Every merge of the jobs, by both; what they differ over."""
        before = len(self.tally.disagreements)
        answers = self.answers(jobs)
        self._inner.pending.show()
        for answer, git in zip(answers, self._oracle.ask([answer.question for answer in answers]), strict=True):
            self.tally.add(answer, git)
        return self.tally.disagreements[before:]

    def answers(self, jobs: Sequence[Job]) -> list[Answer]:
        """What the engine makes of every merge of the jobs."""
        patches = [patch for job in jobs for patch in job.patches]
        found = changes(self._inner.git, [(Oid(patch.base), Oid(patch.theirs)) for patch in patches])
        answers: list[Answer] = []
        for job in jobs:
            some, found = found[: len(job.patches)], found[len(job.patches) :]
            answers += self._answers(job, some)
        return answers

    def _answers(self, job: Job, found: Sequence[Change]) -> Iterator[Answer]:
        """As a sync goes about it: an engine for the stack, told what is to come."""
        with closing(_Counted(self.objects, self._inner.git.object_dir)) as merge:
            engine = Engine(self.objects, merge)
            engine.stand_on(Oid(job.ours), found)
            for patch, change in zip(job.patches, found, strict=True):
                yield self._answer(engine, merge, patch, change, Oid(job.ours))
        with closing(_Counted(self.objects, self._inner.git.object_dir)) as merge:
            engine = Engine(self.objects, merge)
            tree = Oid(job.ours)
            engine.stand_on(tree, found)
            for patch, change in zip(job.patches, found, strict=True):
                if tree != job.ours:
                    yield self._answer(engine, merge, patch, change, tree)
                result = engine.replay(change, tree)
                tree = tree if isinstance(result, Conflict) else result

    def _answer(self, engine: Engine, merge: _Counted, patch: Patch, change: Change, ours: Oid) -> Answer:
        merge.onto.clear()
        result = engine.apply(change, ours)
        marked = isinstance(result, Conflict) and any(MARKED in message for message in result.messages)
        lookup = self.objects.lookup
        as_base = all(lookup(ours, touch.path) == lookup(change.base, touch.path) for touch in change.touches)
        way = GRAFTED if as_base else BY_CONTENT
        if merge.onto:
            way = MERGED if merge.onto[-1] == ours else NARROW
        if way == NARROW:  # what the engine remembers of the patches before changes no question
            with suppress(WholeTrees):
                assert Narrow(self.objects, merge).question(change, ours) == merge.onto[-1]
        question = Question(patch.base, ours, patch.theirs, self._attribute_files(ours))
        return Answer(patch.name, question, _outcome(result), way, marked)

    def _attribute_files(self, tree: str) -> dict[bytes, bytes]:
        """The attribute files of a tree, by path; what is no plain file is none (gitattributes(5))."""
        if tree not in self._attributes:
            found: dict[bytes, bytes] = {}
            for name, entry in self.objects.tree(Oid(tree)).items():
                if entry.is_tree:
                    found |= {name + b"/" + path: data for path, data in self._attribute_files(entry.oid).items()}
                elif name == b".gitattributes" and stat.S_ISREG(entry.mode):
                    found[name] = self.objects.read(entry.oid)
            self._attributes[tree] = found
        return self._attributes[tree]


def _outcome(result: Oid | Conflict) -> Outcome:
    if not isinstance(result, Conflict):
        return Outcome(Verdict.CLEAN, result)
    if any(message.startswith(CRASHED) for message in result.messages):
        return Outcome(Verdict.CRASH)
    paths = (aside(path.encode("utf-8", "surrogateescape")) for path in result.paths)
    return Outcome(Verdict.CONFLICT, paths=frozenset(paths))


@contextmanager
def bench(git: Git) -> Iterator[Bench]:
    """A bench over a repository that nothing is written to."""
    with quarantine(git) as inner, tempfile.TemporaryDirectory(prefix="oracle-") as folder:
        oracle = Oracle(git.git_dir, [inner.git.object_dir, git.object_dir], Path(folder))
        yield Bench(inner, oracle)
