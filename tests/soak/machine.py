"""The soak's state machine: what people, upstream and bad luck may do next."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.scenario import World
from tests.soak.crash import Moment
from tests.soak.history import FILES, LINES, Edit, Upstream, apply, begin
from tests.soak.people import NOTES, ROLES, TRACE, Clone, Server, counts

WHO = st.integers(0, 1)
EDITS = st.lists(
    st.tuples(st.sampled_from(["tag", "tag", "insert", "file"]), st.integers(0, FILES - 1), st.integers(0, LINES - 1)),
    min_size=1, max_size=2,
)  # fmt: skip
MOMENTS = st.one_of(
    st.builds(Moment, st.integers(1, 75), st.just(False), st.just(0)),
    st.builds(Moment, st.integers(1, 25), st.just(True), st.just(0)),
    st.builds(Moment, st.integers(1, 25), st.just(True), st.sampled_from([0.5, 2, 5, 10])),
)
ALLOWED = ("landed-tweaked", "undone-silently", "dropped-then-reverted", "derived-base", "duplicate-block")
_PREPARED: list[Upstream] = []


def prepared() -> Upstream:
    """The world in which every example begins, built once in a process."""
    if not _PREPARED:
        world = World(Path(tempfile.mkdtemp(prefix="soak-")) / "world", os.environ)
        _PREPARED.append(begin(world))
        world.prepare()
    return _PREPARED[0]


class Soak(RuleBasedStateMachine):
    """One example: a fork from its first day, until the steps are used up."""

    exact = False
    """Whether kills come at exact moments alone, so that a run repeats."""

    def __init__(self) -> None:
        super().__init__()
        TRACE.clear()
        self.root = Path(tempfile.mkdtemp(prefix="soak-"))
        first = prepared()
        self.world = first.world.copied(self.root / "world", os.environ)
        self.upstream = first.copied(self.world)
        self.server = Server("server", self.world.fork, self.upstream)
        self.server.settle(self.server.now(), frozenset(), "at first")
        self.clones = [Clone(name, self._clone(name), self.upstream, server=self.server) for name in ("ann", "ben")]
        for clone in self.clones:
            clone.settle(clone.now(), frozenset(), "at first")
        self.number = 0
        self.own: dict[str, tuple[tuple[Edit, ...], str]] = {}

    def _clone(self, name: str) -> Any:
        repo = self.world.clone(name)
        (repo.path / "notes.txt").write_text(NOTES)
        return repo

    def teardown(self) -> None:
        os.chdir("/")
        try:
            self._at_the_end()
        finally:
            shutil.rmtree(self.root, ignore_errors=True)

    def _at_the_end(self) -> None:
        """Nothing is broken, and nothing that ever was a tip is gone, garbage collected or not."""
        for place in (self.server, *self.clones):
            place.repo.git("fsck", "--strict", "--no-dangling")
        for clone in self.clones:
            clone.repo.git("-c", "gc.reflogExpire=now", "gc", "-q", "--prune=now")
            there = clone.repo.git("cat-file", "--batch-check", input="\n".join(clone.moved))
            assert "missing" not in there, f"{clone.name} has lost a tip to git gc:\n{there}"

    def _edits(self, kind: str, shape: Sequence[tuple[str, int, int]]) -> tuple[Edit, ...]:
        self.number += 1
        parts = [f"{kind}{self.number}{part}" for part in "ab"]
        return tuple(Edit(how, file, line, part) for (how, file, line), part in zip(shape, parts, strict=False))

    # Upstream

    @rule(shape=EDITS, which=st.one_of(st.none(), st.integers(0, 5)), nightly=st.booleans())
    def upstream_lands(self, shape: Sequence[tuple[str, int, int]], which: int | None, nightly: bool) -> None:
        """A change anywhere, or in the very line that the fork's patch `which` changes."""
        if which is not None and self.own:
            edit = list(self.own.values())[-1 - which % len(self.own)][0][0]
            shape = [(shape[0][0], edit.file, edit.line), *shape[1:]]
        edits = self._edits("U", shape)
        self.upstream.land(edits, f"Change {edits[0].marker}")
        self._nightly(nightly)

    @rule(which=st.integers(0, 5), half=st.booleans(), tweaked=st.booleans(), pull=st.booleans(), nightly=st.booleans())
    def upstream_lands_a_patch_of_the_fork(
        self, which: int, half: bool, tweaked: bool, pull: bool, nightly: bool
    ) -> None:
        landed = {marker for one in self.upstream.landings for marker in one.markers}
        there = [one for one in self.own.values() if not landed & {edit.marker for edit in one[0]}]
        if there:
            edits, title = there[-1 - which % len(there)]
            self.upstream.land(edits[:1] if half else edits, title, words=" tuned" if tweaked else "", pull=pull)
        self._nightly(nightly)

    @rule(which=st.integers(0, 5), again=st.sampled_from([None, None, False, True]), nightly=st.booleans())
    def upstream_takes_back(self, which: int, again: bool | None, nightly: bool) -> None:
        """Revert something that landed, or land again what was reverted: `again` under its old number."""
        landings = [one for one in self.upstream.landings if one.live is (again is None)]
        if landings and again is None:
            self.upstream.revert(landings[-1 - which % len(landings)])
        elif landings:
            self.upstream.reland(landings[-1 - which % len(landings)], bool(again))
        self._nightly(nightly)

    @rule(file=st.integers(0, FILES - 1), line=st.one_of(st.none(), st.integers(0, LINES - 1)), nightly=st.booleans())
    def upstream_rewrites(self, file: int, line: int | None, nightly: bool) -> None:
        """Write a line anew, or move the file."""
        if line is None:
            self.upstream.rename(file)
        else:
            self.upstream.rewrite(file, line)
        self._nightly(nightly)

    def _nightly(self, wanted: bool) -> None:
        if wanted:
            self.upstream.nightly()

    # People, with plain git

    @rule(who=WHO, shape=EDITS, amend=st.sampled_from([False, False, True]))
    def commits(self, who: int, shape: Sequence[tuple[str, int, int]], amend: bool) -> None:
        clone = self.clones[who]
        if not self._on_patches(clone):
            return
        edits = self._edits("P", shape)
        title = f"Own {edits[0].marker}"
        clone.commits(edits, title, *(["--amend", "--no-edit"] if amend else []))
        if not amend:
            self.own[edits[0].marker] = edits, title

    @rule(who=WHO, which=st.integers(0, 5))
    def picks_by_hand(self, who: int, which: int) -> None:
        """As before there was a tool: git cherry-pick -x onto the picks, the patches stay where they are."""
        clone = self.clones[who]
        if clone.is_stopped or not clone.tips[1] or not self.upstream.landings:
            return
        head = clone.head.removeprefix("refs/heads/")
        clone.repo.git("fetch", "-q", "upstream")
        clone.checkout(ROLES[1])
        landing = self.upstream.landings[-1 - which % len(self.upstream.landings)]
        clone.repo.git("cherry-pick", "-x", landing.oid, check=False)
        clone.repo.git("cherry-pick", "--abort", check=False)  # in conflict, or empty
        clone.checkout(*(["--detach"] if head == "HEAD" else [head]))
        self.server.by_hand.add(clone.now()[1])
        clone.settle(clone.now(), clone.owed, f"by a pick of {landing.title} by hand")

    @rule(who=WHO, which=st.integers(0, 9))
    def erases_own_work(self, who: int, which: int) -> None:
        clone = self.clones[who]
        own = sorted(marker for marker in clone.owed & clone.found(clone.tips[2]) if marker.startswith("P"))
        if own and self._on_patches(clone):
            clone.erases(frozenset({own[-1 - which % len(own)]}))

    @rule(who=WHO, branch=st.sampled_from([*ROLES, "", "topic"]))
    def switches(self, who: int, branch: str) -> None:
        """Check something else out; an editor fetches behind everybody's back."""
        clone = self.clones[who]
        clone.repo.git("fetch", "-q", "origin")
        if clone.is_stopped:
            return
        if branch == "topic":
            clone.checkout("-B", "topic", "--no-track", "origin/poolside-main")
        elif not branch:
            clone.checkout("--detach")
        elif f"refs/heads/{branch}" in clone.refs("refs/heads"):
            clone.checkout(branch)

    @rule(who=WHO)
    def takes_the_servers_branches(self, who: int) -> None:
        """What a person does who gives up: their own commits that the server lacks go, knowingly."""
        clone = self.clones[who]
        if clone.is_stopped or clone.tips == self.server.tips:
            return
        clone.repo.git("fetch", "-q", "origin")
        clone.checkout("--detach")
        for role in ROLES:
            clone.repo.git("branch", "-q", "-f", "--no-track", role, f"origin/{role}")
        clone.checkout(ROLES[2])
        clone.settle(clone.now(), self.server.owed, "by taking the server's branches")

    def _on_patches(self, clone: Clone) -> bool:
        return not clone.is_stopped and clone.head == f"refs/heads/{ROLES[2]}"

    # People, with our commands

    @rule(
        who=WHO, push=st.booleans(), as_json=st.booleans(), first=st.booleans(),
        answer=st.sampled_from(["allow", "keep", "drop", "no"]), moment=st.one_of(st.none(), st.none(), MOMENTS),
    )  # fmt: skip
    def syncs(self, who: int, push: bool, as_json: bool, first: bool, answer: str, moment: Moment | None) -> None:
        clone = self.clones[who]
        words = ["sync", *(["--push"] if push else []), *(["--json"] if as_json else [])]
        if first and not clone.is_stopped:
            self._changes_nothing(clone, "sync", "-n")
        result = clone.operate(*words, moment=self._when(moment))
        if result.status == 1 and result.out and as_json and answer != "no" and not clone.is_stopped:
            self._answers(clone, words, answer, result.out)

    @rule(who=WHO, take_in=st.booleans(), moment=st.one_of(st.none(), MOMENTS))
    def syncs_to_a_new_nightly(self, who: int, take_in: bool, moment: Moment | None) -> None:
        self.upstream.nightly()
        self.clones[who].operate("sync", "--push", *(["--take-in"] if take_in else []), moment=self._when(moment))

    def _answers(self, clone: Clone, words: list[str], answer: str, said: str) -> None:
        """Say yes to what a sync doubts, or answer for each patch, and run it again."""
        snags = json.loads(said).get("snags", [])
        more: list[str] = []
        gives_up: frozenset[str] = frozenset()
        for snag in snags:
            if snag["name"] not in ALLOWED:
                return
            if answer == "allow" or not snag["patch"]:
                more += ["--allow", snag["name"]]
            else:
                more += [f"--{answer}", snag["patch"]]
            if snag["patch"] and answer != "keep":
                gives_up |= self._brought(clone, snag["patch"])
        clone.operate(*words, *dict.fromkeys(more), gives_up=gives_up)

    def _brought(self, clone: Clone, commit: str) -> frozenset[str]:
        """The markers that a commit brings."""
        return clone.found(commit) - clone.found(f"{commit}^")

    @rule(who=WHO, moment=st.one_of(st.none(), st.none(), MOMENTS))
    def pulls(self, who: int, moment: Moment | None) -> None:
        self.clones[who].operate("pull", moment=self._when(moment))

    @rule(who=WHO, moment=st.one_of(st.none(), st.none(), MOMENTS))
    def pushes(self, who: int, moment: Moment | None) -> None:
        self.clones[who].operate("push", moment=self._when(moment))

    @rule(
        who=WHO, how=st.sampled_from(["", "--carry", "--allow"]), push=st.booleans(),
        moment=st.one_of(st.none(), st.none(), MOMENTS),
    )  # fmt: skip
    def undoes(self, who: int, how: str, push: bool, moment: Moment | None) -> None:
        clone = self.clones[who]
        words = ["undo", *([how] if how else []), *(["moved-since"] if how == "--allow" else [])]
        clone.operate(*words, *(["--push"] if push else []), moment=self._when(moment), back=True)

    @rule(who=WHO, which=st.integers(0, 5), moment=st.one_of(st.none(), st.none(), MOMENTS))
    def picks(self, who: int, which: int, moment: Moment | None) -> None:
        if landings := self.upstream.landings:
            landing = landings[-1 - which % len(landings)]
            name = landing.oid if which % 2 else f"#{landing.number}"
            self.clones[who].operate("cherry-pick", "add", name, moment=self._when(moment))

    @rule(who=WHO, which=st.integers(1, 4), moment=st.one_of(st.none(), st.none(), MOMENTS))
    def drops_a_pick(self, who: int, which: int, moment: Moment | None) -> None:
        clone = self.clones[who]
        picks = clone.repo.git("rev-list", ROLES[1], "^upstream/main", check=False).split() if clone.tips[1] else []
        if picks:
            pick = picks[which % len(picks)]
            clone.operate("cherry-pick", "drop", pick, moment=self._when(moment), gives_up=self._brought(clone, pick))

    @rule(who=WHO, which=st.integers(0, 6), there=st.integers(0, 6), moment=st.one_of(st.none(), st.none(), MOMENTS))
    def moves_a_patch(self, who: int, which: int, there: int, moment: Moment | None) -> None:
        clone = self.clones[who]
        stack = clone.repo.git("rev-list", ROLES[2], "^upstream/main").split()
        if len(stack) > 1:
            patch, other = stack[which % len(stack)], stack[there % len(stack)]
            where = [("--to", "picks"), ("--to", "patches"), ("--before", other)][there % 3]
            clone.operate("cherry-pick", "move", patch, *where, moment=self._when(moment))

    @rule(who=WHO, moment=st.one_of(st.none(), st.none(), MOMENTS))
    def writes_the_changes_file(self, who: int, moment: Moment | None) -> None:
        self.clones[who].operate("changes", "--write", moment=self._when(moment))

    @rule(
        who=WHO,
        words=st.sampled_from([
            ("status",), ("status", "--json"), ("log",), ("nightly",), ("range-diff",), ("doctor",), ("push", "-n"),
            ("cherry-pick", "list"), ("changes",),
        ]),
    )  # fmt: skip
    def looks(self, who: int, words: tuple[str, ...]) -> None:
        self._changes_nothing(self.clones[who], *words)

    def _changes_nothing(self, clone: Clone, *words: str) -> None:
        before = clone.now(), clone.refs("refs/poolside"), self.server.refs()
        clone.run(*words)
        assert (clone.now(), clone.refs("refs/poolside"), self.server.refs()) == before, f"{words} changed something"
        clone.look()

    # A stop

    def _stopped(self) -> list[Clone]:
        return [clone for clone in self.clones if clone.is_stopped]

    @precondition(lambda self: self._stopped())
    @rule(
        who=WHO, side=st.sampled_from(["both", "both", "both", "ours", "theirs"]),
        how=st.sampled_from(["index", "index", "commit", "more"]), answer=st.sampled_from([(), ("--allow",)]),
        shape=EDITS, moment=st.one_of(st.none(), st.none(), MOMENTS),
    )  # fmt: skip
    def goes_on(
        self, who: int, side: str, how: str, answer: tuple[str, ...], shape: Any, moment: Moment | None
    ) -> None:
        """Resolve what is in conflict, one way or another, and go on; what that leaves out is given up."""
        stopped = self._stopped()
        clone = stopped[who % len(stopped)]
        gives_up = clone.resolves(side)
        if how != "index" and clone.repo.git("diff", "--cached", "--name-only", "HEAD"):
            clone.repo.git("commit", "-q", "--no-edit")
            if how == "more":
                edits = self._edits("P", shape)
                clone.write(apply(edits, clone.files()))
                clone.repo.git("commit", "-q", "-m", f"Own {edits[0].marker}")
                clone.gains |= {edit.marker for edit in edits}
        words = ["--allow", "undone-silently", "--allow", "landed-tweaked"] if answer else []
        clone.operate("sync", "--continue", *words, moment=self._when(moment), gives_up=gives_up)

    @precondition(lambda self: self._stopped())
    @rule(who=WHO, moment=st.one_of(st.none(), st.none(), MOMENTS))
    def skips(self, who: int, moment: Moment | None) -> None:
        stopped = self._stopped()
        clone = stopped[who % len(stopped)]
        patch = clone.stopped_at
        gives_up = self._brought(clone, patch)
        clone.operate("sync", "--skip", moment=self._when(moment), gives_up=gives_up)

    @precondition(lambda self: self._stopped())
    @rule(who=WHO, first=st.sampled_from(["", "", "", "abort", "quit", "reset"]),
          moment=st.one_of(st.none(), st.none(), MOMENTS))  # fmt: skip
    def aborts(self, who: int, first: str, moment: Moment | None) -> None:
        stopped = self._stopped()
        clone = stopped[who % len(stopped)]
        before = clone.now()
        if first == "reset":
            clone.repo.git("reset", "-q", "--hard")
        elif first:
            clone.repo.git("cherry-pick", f"--{first}", check=False)
        result = clone.operate("sync", "--abort", moment=self._when(moment))
        assert clone.now() == before, f"an abort moved branches from {before} to {clone.now()}"
        assert result.status in (0, -9), result

    @invariant()
    def nothing_else_has_moved(self) -> None:
        counts()["steps"] += 1
        for place in (self.server, *self.clones):
            assert place.now() == place.tips, f"{place.name}'s branches moved from {place.tips} to {place.now()}"
        for clone in self.clones:
            clone.look()

    def _when(self, moment: Moment | None) -> Moment | None:
        if moment is not None and self.exact and moment.delay:
            return Moment(moment.at, moment.moving, 0)
        return moment
