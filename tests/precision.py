"""How often the verdicts are right on real history: ``python -m tests.precision CLONE``.

Every landing of the last two years that upstream took back by name is a case. Its labels come from the messages
alone, by the regular expressions below, not by the code under test: from the landing on a patch is upstream's, from
the revert on it is not, from the reland on it is again. The patch is made as if it had been picked before it landed
(on an earlier commit, without the resolved line, another author date) and judged at ten commits of upstream's,
spread over those spans, in three forms: as a pick that knows its number, as a pick and as an own patch that know
nothing. Counted is whether it was rightly kept or dropped; a question or a conflict where it should have been
dropped is "unsure". No wrong drop is acceptable.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from git_poolside.config import Config
from git_poolside.errors import GitFailed
from git_poolside.git.diff import changes
from git_poolside.git.merge import MergeOrt
from git_poolside.git.objects import Committer, MissingObject, Objects
from git_poolside.git.process import Git, open_repository
from git_poolside.git.quarantine import Quarantine, quarantine
from git_poolside.git.replay import Engine
from git_poolside.operation.choices import Choices
from git_poolside.operation.evidence import Witness
from git_poolside.operation.ledger import Ledger
from git_poolside.operation.rebuild import Rebuild
from git_poolside.stack.model import Fate, Layer, Oid, PatchResult, Role, Stack
from git_poolside.stack.values import replace
from git_poolside.ui import Ui

NUMBER = re.compile(r"\(#(\d+)\)\s*$")
RESOLVED = re.compile(r"^Pull[- ]Request(?:[- ]resolved)?: *https://github\.com/\S+/pull/(\d+)", re.M)
REVERT = re.compile(r"^(?:revert|back ?out)\b", re.I)
RELAND = re.compile(r"\b(?:re-?land|re-?appl(?:y|ies))", re.I)
TWICE = re.compile(r"^(?:revert|back ?out) \"(?:revert|back ?out) ", re.I)
HASHES = re.compile(r"This reverts commit ([0-9a-f]{40})")
PULLS = re.compile(r"^Reverts \S+?#(\d+)", re.M)
INNER = re.compile(r"\(#(\d+)\)\"")

KNOWING, UNKNOWING, OWN = "pick, number known", "pick, nothing known", "own patch, nothing known"
RIGHT, HELD, UNSURE, MISSED, WRONG = (
    "right", "right: there again without a word", "unsure", "kept though it could go", "WRONG DROP",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A commit of upstream's branch by its place on it."""

    at: int
    oid: Oid
    subject: str
    body: str

    @cached_property
    def number(self) -> int | None:
        found = RESOLVED.findall(self.body) or NUMBER.findall(self.subject)
        return int(found[-1]) if found else None

    @cached_property
    def title(self) -> str:
        return re.sub(r"(\s*\(#\d+\))+\s*$", "", self.subject).strip().rstrip("…")


@dataclass(frozen=True)
class Case:
    """A landing with what took it back and brought it again: `turns` are places, alternately down and up."""

    landing: Entry
    turns: tuple[Entry, ...]

    def is_in(self, at: int) -> bool:
        """Whether upstream has the change at that place, by the labels."""
        return at >= self.landing.at and sum(turn.at <= at for turn in self.turns) % 2 == 0


def branch(repo: Path, since: str, tip: str) -> list[Entry]:
    out = subprocess.run(
        ["git", "log", "-z", "--first-parent", "--reverse", f"--since={since}", "--format=%H%n%s%n%b", tip, "--"],
        cwd=repo, capture_output=True, check=True,
    ).stdout.decode("utf-8", "replace")  # fmt: skip
    records = [record for record in out.split("\0") if record]
    return [Entry(at, Oid(r[:40]), *r[41:].partition("\n")[::2]) for at, r in enumerate(records)]


def cases(entries: Sequence[Entry]) -> Iterator[Case]:
    """Every landing that a later commit takes back by hash or number, with all that happened to it since."""
    by_oid = {entry.oid: entry for entry in entries}
    by_number = {entry.number: entry for entry in reversed(entries) if entry.number and not REVERT.match(entry.subject)}
    reverts: dict[Oid, list[Entry]] = {}
    for entry in entries:
        if not REVERT.match(entry.subject):
            continue
        numbers = [*PULLS.findall(entry.body), *INNER.findall(entry.subject)]
        named = [by_oid.get(Oid(h)) for h in HASHES.findall(entry.body)] or [by_number.get(int(n)) for n in numbers]
        for landing in named:
            if landing is not None and landing.at < entry.at:
                reverts.setdefault(landing.oid, []).append(entry)
    for oid, downs in reverts.items():
        landing = by_oid[oid]
        if REVERT.match(landing.subject) or RELAND.search(landing.subject):
            continue  # told as the reland of another case
        turns: list[Entry] = []
        alive = landing
        down: Entry | None = downs[0]
        while down is not None:
            turns.append(down)
            up = next((e for e in entries[down.at + 1 :] if _brings_back(e, landing, down)), None)
            if up is None:
                break
            turns.append(up)
            alive = up
            down = next((e for e in reverts.get(alive.oid, []) if e.at > up.at), None)
        yield Case(landing, tuple(turns))


def _brings_back(entry: Entry, landing: Entry, revert: Entry) -> bool:
    if landing.number and entry.number == landing.number and not REVERT.match(entry.subject):
        return True
    if revert.oid in HASHES.findall(entry.body) or str(revert.number) in PULLS.findall(entry.body):
        return True
    title = landing.title[:40].lower()
    if entry.subject.lower().startswith(title) or (TWICE.match(entry.subject) and title in entry.subject.lower()):
        return True
    words = f"{entry.subject}\n{entry.body}"
    named = bool(landing.number) and re.search(rf"#{landing.number}\b", words) is not None
    return bool(RELAND.search(entry.subject)) and (title in entry.subject.lower() or named)


def places(case: Case, first: int, last: int) -> list[int]:
    """Ten places on the branch: spread over the spans before, between and after the turns."""
    edges = [first, case.landing.at, *(turn.at for turn in case.turns)]
    edges.append(min(edges[-1] + 400, last))
    spans = [(low, high) for low, high in pairwise(edges) if high > low]
    shares = [1 if span is spans[0] else 0 for span in spans]
    while sum(shares) < 10 and any(s < high - low for s, (low, high) in zip(shares, spans, strict=True)):
        widest = [s if s < high - low else 99 for s, (low, high) in zip(shares, spans, strict=True)]
        shares[widest.index(min(widest))] += 1
    found: list[int] = []
    for share, (low, high) in zip(shares, spans, strict=True):
        found += [low + round((high - 1 - low) * k / max(share - 1, 1)) for k in range(share)]
    return sorted(set(found))


class Trial:
    """Judges one case at one place, with the parts that a sync uses, in memory."""

    def __init__(self, inner: Quarantine, config: Config, entries: Sequence[Entry], engine: Engine) -> None:
        self.git: Git = inner.git
        self.config = config
        self.entries = entries
        self.at = {entry.oid: entry.at for entry in entries}
        self.engine = engine
        self.objects = engine.objects
        self.ui = Ui(quiet=True)
        self.committer = Committer(self.objects, b"Tri Al <trial@example.com> 1700000000 +0000", signing=False)

    def picked(self, case: Case, form: str) -> tuple[Oid, Oid]:
        """The patch as it was picked before it landed, and the commit of upstream's that it stands on."""
        landed = self.objects.commit(case.landing.oid)
        before = self.objects.commit(landed.parents[0])
        [change] = changes(self.git, [(before.tree, landed.tree)])
        for back in (20, 10, 5, 2, 1):
            base = self.entries[max(case.landing.at - back, 0)].oid
            tree = self.engine.apply(change, self.objects.commit(base).tree)
            if isinstance(tree, str) and tree != self.objects.commit(base).tree:
                break
        else:
            base, tree = before.oid, landed.tree
        title = case.landing.title
        message = f"{title} (#{case.landing.number})\n" if form == KNOWING else f"{title}\n\nAs it was proposed.\n"
        author = b"Early Bird <early@example.com> 1600000000 +0100"
        return self.committer.commit(tree, [base], message.encode(), author), base

    def came_back(self, case: Case, patch: Oid, base: Oid, at: int) -> bool:
        """Whether plain git can take the patch back somewhere from the last revert to that place.

        Then upstream had it again there, whatever the messages say: the label is mended.
        """
        down = max(turn.at for turn in case.turns if turn.at <= at)
        paths = self.git.lines("diff", "--name-only", "--no-renames", base, patch)
        span = [f"{self.entries[down].oid}..{self.entries[at].oid}"]
        touching = self.git.lines("rev-list", "--first-parent", *span, "--", *paths)
        return any(self._holds(patch, base, oid) for oid in [self.entries[at].oid, *touching])

    def _holds(self, patch: Oid, base: Oid, there: str) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            git = self.git.with_environment(GIT_INDEX_FILE=f"{folder}/index")
            git.run("read-tree", there)
            diff = git.run("diff", "--binary", "--full-index", base, patch).stdout
            try:
                git.run("apply", "--cached", "--reverse", "--check", input=diff)
            except GitFailed:
                return False
            return True

    def judge(self, patch: Oid, base: Oid, form: str, at: int) -> PatchResult:
        commit = self.objects.commit(patch)
        nothing = Layer(Role.PICKS, "picks", base, base, ())
        if form == OWN:
            stack = Stack(base, nothing, Layer(Role.PATCHES, "patches", base, patch, (commit,)))
        else:
            picks = Layer(Role.PICKS, "picks", base, patch, (commit,))
            stack = Stack(base, picks, Layer(Role.PATCHES, "patches", patch, patch, ()))
        target = self.entries[at].oid
        witness = Witness(self.git, self.config, self.ui, self.objects, self.engine, stack, target, target)
        ledger = Ledger(self.git, self.config, self.objects, stack, target, Choices())
        rebuilt = Rebuild(
            self.git, self.config, self.ui, self.objects, self.engine, self.committer, witness, ledger, target,
            "2026-01-01", Choices(), dry_run=True,
        ).run()  # fmt: skip
        return next(result for result in rebuilt.results if result.old == patch)

    def judged(self, case: Case, counts: Counter[tuple[str, str]]) -> Iterator[dict[str, object]]:
        """A line for every form and place of a case; what is not simply right is printed too."""
        for form in (KNOWING, UNKNOWING, OWN):
            patch, base = self.picked(case, form)
            for at in places(case, self.at[base], len(self.entries) - 1):
                result = self.judge(patch, base, form, at)
                marked = mark(case, at, result)
                if marked == WRONG and case.landing.at <= at and self.came_back(case, patch, base, at):
                    marked = HELD
                counts[form, marked] += 1
                line = _line(case, form, self.entries[at], at, result, marked)
                if marked != RIGHT:
                    _show(line)
                yield line


def mark(case: Case, at: int, result: PatchResult) -> str:
    """Right or not, by the labels."""
    if case.is_in(at):
        return {Fate.DROPPED: RIGHT, Fate.UNRESOLVED: UNSURE}.get(result.fate, MISSED)
    if result.fate is Fate.DROPPED:
        return WRONG
    return RIGHT if result.fate is Fate.KEPT or result.verdict.value in ("reverted-upstream", "conflict") else UNSURE


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("clone", type=Path)
    parser.add_argument("--since", default="2024-08-22")
    parser.add_argument("--tip", default="refs/heads/main")
    parser.add_argument("--repository", default="pytorch/executorch")
    parser.add_argument("--case", help="only the landing with this hash or number")
    parser.add_argument("--json", type=Path, help="every verdict as a line of JSON")
    given = parser.parse_args(arguments)
    config = Config()
    config = replace(config, github=replace(config.github, upstream=given.repository))
    entries = branch(given.clone, given.since, given.tip)
    found = [case for case in cases(entries) if case.landing.at > 20]
    if given.case:
        found = [c for c in found if c.landing.oid.startswith(given.case) or str(c.landing.number) == given.case]
    relanded = sum(len(case.turns) > 1 for case in found)
    print(f"{len(entries)} commits since {given.since}, {len(found)} landings taken back, {relanded} of them relanded")
    counts: Counter[tuple[str, str]] = Counter()
    lines: list[dict[str, object]] = []
    for case in found:
        with quarantine(open_repository(given.clone)) as inner:
            objects = Objects(inner.git)
            with MergeOrt(objects, inner.git.object_dir) as merge:
                trial = Trial(inner, config, entries, Engine(objects, merge))
                try:
                    lines += trial.judged(case, counts)
                except (GitFailed, MissingObject) as error:
                    print(f"not judged: #{case.landing.number}: this clone lacks an object: {str(error)[-80:]}")
    for form in (KNOWING, UNKNOWING, OWN):
        print(f"{form:26}", *(f"{counts[form, word]:5} {word}" for word in (RIGHT, HELD, UNSURE, MISSED, WRONG)))
    if given.json:
        given.json.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return 1 if any(word == WRONG and count for (_, word), count in counts.items()) else 0


def _line(case: Case, form: str, there: Entry, at: int, result: PatchResult, marked: str) -> dict[str, object]:
    return {
        "mark": marked, "form": form, "landing": case.landing.oid, "number": case.landing.number,
        "title": case.landing.title, "turns": [turn.oid for turn in case.turns], "at": there.oid,
        "in": case.is_in(at), "distance": at - case.landing.at, "fate": result.fate.value,
        "verdict": result.verdict.value, "signals": list(result.signals), "reason": result.reason,
    }  # fmt: skip


def _show(line: dict[str, object]) -> None:
    print(
        f"{line['mark']}: #{line['number']} {str(line['landing'])[:9]} {str(line['title'])[:60]}\n"
        f"  {line['form']}, at {str(line['at'])[:9]} ({line['distance']} after the landing): "
        f"{line['fate']} {line['verdict']}: {line['reason']}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
