"""A clone of the fork with its person, and the fork's server: what each owes, and the checks that hold after a step."""

from __future__ import annotations

import io
import json
import os
from collections import Counter
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from git_poolside.cli import main
from tests.scenario import Repo, Result
from tests.soak.crash import Moment, killed
from tests.soak.history import Upstream, markers
from tests.soak.tree import Tree

ROLES = ("main", "poolside-cherry-picks", "poolside-main")
PUBLISHED = "refs/poolside/published/"
LOG, STOPPED = "refs/poolside/operations", "refs/poolside/stopped"
_CODES = (0, 1, 3, 4)
_COUNT = Counter[str]()
_MARKERS: dict[str, frozenset[str]] = {}
_BASES: dict[str, str] = {}


TRACE: list[str] = []
"""What has been typed in this example, and what came of it."""
BEFORE: list[str] = []
"""The same of the example before: where a failure does not repeat, that is the one that failed."""


def counts() -> Counter[str]:
    """How often each command came to what, in this process."""
    return _COUNT


@dataclass
class Place:
    """One repository's stack as the soak believes it to be.

    `owed` has to be there (`Place.check`), `released` is what its person gave up knowingly, `had` every patches tip
    that this place has had, with what was owed then.
    """

    name: str
    repo: Repo
    upstream: Upstream
    owed: frozenset[str] = frozenset()
    released: frozenset[str] = frozenset()
    had: dict[str, frozenset[str]] = field(default_factory=dict)
    tips: tuple[str, ...] = ()

    def refs(self, *prefixes: str) -> dict[str, str]:
        lines = self.repo.git("for-each-ref", "--format=%(refname) %(objectname)", *prefixes).splitlines()
        return dict(line.split(" ") for line in lines)

    def now(self) -> tuple[str, ...]:
        """The tips of the three roles; a branch that is not there is an empty word."""
        there = self.refs("refs/heads")
        return tuple(there.get(f"refs/heads/{role}", "") for role in ROLES)

    def found(self, tip: str) -> frozenset[str]:
        """The markers in a commit's files, asked of git alone."""
        if tip not in _MARKERS:
            self.repo.git("cat-file", "-e", tip)
            _MARKERS[tip] = markers(self.repo.git("grep", "-h", "-I", "-e", r"\[[UP][0-9]", tip, check=False))
        return _MARKERS[tip]

    def base(self, tip: str) -> str:
        """The commit of upstream that a tip stands on: the first of its history that upstream's branch ever had."""
        if tip not in _BASES:
            known = self.upstream.known
            _BASES[tip] = next(oid for oid in self.repo.git("rev-list", tip).splitlines() if oid in known)
        return _BASES[tip]

    def carried(self, tip: str) -> frozenset[str]:
        """The markers that the stack of a tip has above upstream's."""
        return self.found(tip) - self.found(self.base(tip))

    def erased(self, tip: str) -> frozenset[str]:
        """The markers that a commit of the stack takes away on purpose: it is carried along as any other."""
        subjects = self.repo.git("log", "--format=%s", "--grep=^Erase ", tip, f"^{self.base(tip)}").splitlines()
        return frozenset(marker for subject in subjects for marker in subject.removeprefix("Erase ").split(", "))

    def check(self, tip: str, owed: Iterable[str], why: str) -> None:
        """Every owed marker is in the tip, or upstream holds it at the commit that the tip stands on."""
        missing = frozenset(owed) - self.found(tip)
        if missing:
            missing -= self.upstream.known[self.base(tip)]
        assert not missing, f"{self.name} lost {', '.join(sorted(missing))} {why} (tip {tip})"

    def settle(self, tips: tuple[str, ...], owed: frozenset[str], why: str) -> None:
        """The place stands at `tips` now and owes `owed`; what else stands there is owed from now on as well."""
        tip = tips[2]
        self.check(tip, owed, why)
        self.released |= self.owed - owed
        self.owed = owed | self.carried(tip)
        self.released -= self.owed
        self.tips = tips
        TRACE.append(
            f"  {self.name} {why}: {' '.join(tip[:9] or '-' for tip in tips)} owes {', '.join(sorted(self.owed))}"
        )
        self.had[tip] = self.owed


@dataclass
class Server(Place):
    """The fork's server: published records never go or change, the three branches move at once or not at all."""

    records: dict[str, str] = field(default_factory=dict)

    def look(self) -> None:
        now = self.refs(PUBLISHED)
        assert now.items() >= self.records.items(), "a published record has gone or changed on the server"
        self.records = now

    def pushed_by(self, clone: Clone, heard: bool) -> None:
        """Something may have been pushed: what the server had is accounted for in what it has.

        `heard` says that the command came to its end, so that its log has to know of the push.
        """
        tips = self.now()
        if tips != self.tips:
            own = clone.now()
            for role, old, new, theirs in zip(ROLES, self.tips, tips, own, strict=True):
                stale = role == "main" and clone.repo.git("merge-base", theirs or new, new) == theirs
                assert new == theirs or (new == old and (stale or not theirs)), (
                    f"the server's {role} went from {old} to {new}; {clone.name} has {theirs}"
                )
            kept = self.owed - clone.released if self.tips[2] in clone.had else self.owed
            self.check(tips[2], kept - clone.erased(tips[2]), f"by {clone.name}'s push")
            self.released |= clone.released
            self.settle(tips, clone.owed, f"by {clone.name}'s push")
            assert any(ref not in self.records for ref in self.refs(PUBLISHED)), "a push left no published record"
            if heard:
                pushed = clone.log()[0]["pushed"]
                there = {f"refs/heads/{role}": new for role, new in zip(ROLES, tips, strict=True)}
                assert pushed.items() >= {ref: there[ref] for ref in pushed if ref in there}.items(), pushed
        self.look()


@dataclass
class Clone(Place):
    """A person's clone, with its worktrees. `gave_up` and `gains` are what its person decided in the operation that
    runs or is stopped; `moved` every tip that an operation began or ended at, `dropped` the picks that they dropped;
    `by_hand` every tip of picks that they made with plain git: an undo may go back to it, although the patches are
    not on it; `at` the worktree that they are in.
    """

    server: Server = None  # type: ignore[assignment]
    gave_up: frozenset[str] = frozenset()
    gains: frozenset[str] = frozenset()
    asked: tuple[str, frozenset[str], frozenset[str]] = ("", frozenset(), frozenset())
    said: Result = field(default_factory=lambda: Result(0, "", ""))
    moved: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)
    by_hand: set[str] = field(default_factory=set)
    trees: list[Tree] = field(default_factory=list)
    at: int = 0

    def __post_init__(self) -> None:
        (self.repo.path / ".git/info").mkdir(exist_ok=True)
        (self.repo.path / ".git/info/exclude").write_text("src/g*\n")
        self.trees = [Tree(self.repo, ROLES[2])]

    @property
    def tree(self) -> Tree:
        """The worktree that the person is in."""
        return self.trees[self.at]

    def adds_a_worktree(self) -> None:
        path = self.repo.path.parent / f"{self.name}-2"
        self.repo.git("worktree", "add", "-q", "--detach", str(path))
        self.trees.append(Tree(Repo(path, self.repo.env), ""))

    # Commands

    def run(self, *words: str, moment: Moment | None = None) -> Result:
        """A command of ours in this clone, as its executable would run it, or killed at a moment (status -9)."""
        os.chdir(self.tree.repo.path)
        _COUNT["runs"] += 1
        if moment is not None:
            log = self.repo.path.parent / f"{self.name}.log"
            code = killed(lambda: main(words[0], list(words[1:])), moment, log)
            _COUNT["kills" if code is None else "kills that came too late"] += 1
            self.said = Result(-9 if code is None else code, "", log.read_text("utf-8", "replace"))
        else:
            out, err = io.StringIO(), io.StringIO()
            with redirect_stdout(out), redirect_stderr(err):
                code = main(words[0], list(words[1:]))
            self.said = Result(code, out.getvalue(), err.getvalue())
        TRACE.append(f"{self.name}$ git poolside {' '.join(words)} -> {self.said.status}")
        if self.said.status:
            TRACE.extend(f"    {line}" for line in self.said.err.splitlines()[:4])
        said = f"{self.name}: {' '.join(words)}: exit {self.said.status}\n{self.said.out}{self.said.err}"
        assert self.said.status in (*_CODES, -9), said
        assert "Traceback" not in said, said
        assert self.said.status in (0, -9) or "hint: " in said or self.said.status == 3 or self.said.out, said
        _COUNT[f"{words[0]} {self.said.status}"] += 1
        return self.said

    def operate(
        self, *words: str, moment: Moment | None = None, gives_up: frozenset[str] = frozenset(), back: bool = False
    ) -> Result:
        """Run a command that may move the branches and push, and hold it to account; `back`: it goes back in time.

        Killed, the next command finishes it or takes it back, and then the same holds.
        """
        before, logged, stood = self.now(), self.refs(LOG).get(LOG, ""), self.is_stopped
        undone = next((entry for entry in self.log() if entry["refs"]), None) if back else None
        if not stood:
            self.gave_up = self.gains = frozenset()
            self.asked = self.server.tips[2], self.server.owed, self.server.released
        self.gave_up |= gives_up
        _tick()
        result = self.run(*words, moment=moment)
        if moment is not None:
            self._recovered()
        after = self.now()
        if after != before:
            self._agrees(before, after, logged)
            self.moved |= {tip for one in zip(before, after, strict=True) if one[0] != one[1] for tip in one if tip}
            owed = self._back(after[2], undone) if back else self._taken_in(after[2]) - self.erased(after[2])
            self.settle(after, (owed - self.gave_up) | self.gains, f"in {' '.join(words)}")
            self.released |= self.gave_up - self.owed  # also what was never here before the server had it
            if back and before[1] in self.by_hand:
                self.by_hand.add(after[1])  # an undo carries them over, where they are to be carried
            alone = "moved-since" in words  # one branch goes back, others stay where they were moved by hand
            if not alone and not (back and after[1] in self.by_hand):
                self._sits(after)
        self.server.pushed_by(self, heard=result.status >= 0)
        assert result.status != 3 or self.is_stopped, self.said
        self.look()
        return result

    def _taken_in(self, after: str) -> frozenset[str]:
        """What has to be there after an operation that asked the server: what others pushed and we never had too.

        What they gave up goes where we go along with it: to a tip that is new to us, or back to one that we had.
        """
        tip, theirs, released = self.asked  # when it began: a stop that goes on does not ask again
        ahead = tip in self.had and after != tip
        owed = self.owed if ahead else (self.owed - released) | (theirs - self._let_go())
        self.had.setdefault(tip, theirs)
        return owed

    def _let_go(self) -> frozenset[str]:
        """What is in picks of the server's that this person has dropped, the very commits."""
        there = self.dropped and self.server.repo.git("rev-list", self.server.tips[1]).split()
        return frozenset().union(*(self.brought(pick) for pick in self.dropped.intersection(there)))

    def _back(self, tip: str, undone: dict[str, Any] | None) -> frozenset[str]:
        """What was owed where an undo has put the branches, and what it carried over from after the operation."""
        if tip in self.had:
            return self.had[tip]
        assert undone is not None
        moved = undone["refs"][f"refs/heads/{ROLES[2]}"]
        then, later = self.had[moved["before"]], self.had[moved["after"]]
        return (then - (later - self.owed)) | (self.owed - later)

    def _recovered(self) -> None:
        """After a kill any command brings all to an end: no journal, no lock, the refs all old or all new."""
        stood = self.run("status")
        assert stood.status == 0, f"status after a kill: {stood}"
        left = [str(path) for path in (self.repo.path / ".git").rglob("*.lock")]
        assert not left, f"locks are left behind: {left}"
        assert not (self.repo.path / ".git/poolside/journal.json").exists(), "the journal is left behind"

    def log(self, since: str = "") -> list[dict[str, Any]]:
        """The entries of the log, newest first, as they lie in the object database; those after `since`."""
        listing = self.repo.git("rev-list", "--first-parent", LOG, *([f"^{since}"] if since else []), "--", check=False)
        entries = []
        for commit in listing.splitlines():
            there = self.repo.git("cat-file", "blob", f"{commit}:operation.json", check=False)
            if not there:
                break
            entries.append(json.loads(there))
            if not entries[-1]["previous"]:
                break
        return entries

    def _agrees(self, before: tuple[str, ...], after: tuple[str, ...], logged: str) -> None:
        """The branches moved as the new entries of the log say, and no other way."""
        entries = self.log(logged)
        assert entries, f"branches moved from {before} to {after} without an entry in the log"
        said = {f"refs/heads/{role}": old for role, old in zip(ROLES, before, strict=True)}
        for entry in reversed(entries):
            for ref, value in entry["refs"].items():
                if ref not in said:
                    continue  # a topic branch, which a pull carries along
                assert said[ref] == (value["before"] or ""), f"the log says {value} of {ref}, it was {said[ref]}"
                said[ref] = value["after"] or ""
        assert tuple(said.values()) == after, f"the log says {said}, the branches are {after}"

    def _sits(self, tips: tuple[str, ...]) -> None:
        """After an operation the layers sit on each other, and the snapshot is on upstream."""
        stack = [tip for tip in (*tips[::-1], "") if tip]
        for above, below in pairwise(stack):
            assert self.repo.git("merge-base", below, above) == below, f"{below} is not below {above}: {tips}"
        assert not tips[0] or self.base(tips[0]) == tips[0], f"the snapshot {tips[0]} is not on upstream"

    def look(self) -> None:
        """No worktree has changed but by the branches that moved."""
        where = self.stopped["worktree"] if self.is_stopped else ""
        for tree in self.trees:
            tree.look(str(tree.repo.path) == where)

    @property
    def is_stopped(self) -> bool:
        return (self.repo.path / ".git/poolside/stopped.json").exists()

    @property
    def stopped(self) -> dict[str, Any]:
        """The operation that is stopped."""
        found: dict[str, Any] = json.loads((self.repo.path / ".git/poolside/stopped.json").read_text())
        return found

    def goes_to_the_stop(self) -> None:
        """Change to the worktree of the stop."""
        where = self.stopped["worktree"]
        self.at = next(at for at, tree in enumerate(self.trees) if str(tree.repo.path) == where)

    def resolves(self, side: str) -> frozenset[str]:
        """Resolve what the operation is stopped at; the markers that this leaves out."""
        wanted = self.brought(self.stopped["patch"]) | self.carried(self.tree.repo.rev("HEAD"))
        self.tree.resolves(side)
        return wanted - self.tree.staged()

    def brought(self, commit: str) -> frozenset[str]:
        """The markers that a commit brings; the server may have it alone."""
        place = self if self.repo.git("cat-file", "-t", commit, check=False) else self.server
        return place.found(commit) - place.found(f"{commit}^")


def _tick() -> None:
    """The clock of our commands goes on by a minute."""
    seconds, zone = os.environ["GIT_COMMITTER_DATE"].split()
    os.environ["GIT_COMMITTER_DATE"] = f"{int(seconds) + 60} {zone}"
