"""What people do with our commands, killed now and then."""

from __future__ import annotations

import json

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.soak.crash import Moment
from tests.soak.people import ROLES, Clone
from tests.soak.stage import MOMENTS, SELDOM, WHO, Stage

ANSWERS = st.sampled_from(["allow", "keep", "drop", "no"])
ALLOWED = (
    "landed-tweaked", "undone-silently", "dropped-then-reverted", "derived-base", "duplicate-block", "older-nightly",
    "upstream-rewritten",
)  # fmt: skip


class CommandMoves(Stage):
    """The rules of our commands, but for those that go on after a stop."""

    @rule(
        who=WHO, push=st.booleans(), as_json=st.booleans(), first=st.booleans(), answer=ANSWERS, moment=SELDOM,
        back=st.one_of(st.none(), st.none(), st.none(), st.integers(0, 5)), commit=st.booleans(),
    )  # fmt: skip
    def syncs(
        self, who: int, push: bool, as_json: bool, first: bool, answer: str, moment: Moment | None, back: int | None,
        commit: bool,
    ) -> None:  # fmt: skip
        """To the newest nightly, or `back` to one before it or to a `commit` that none may name."""
        clone = self.clones[who]
        words = ["sync", *(["--push"] if push else []), *(["--json"] if as_json else [])]
        if back is not None and commit:
            words += ["--onto", self.upstream.events[-1 - back % len(self.upstream.events)].oid]
        elif back is not None:
            words += ["--nightly", self.upstream.named[-1 - back % len(self.upstream.named)][0]]
        if first and not clone.is_stopped:
            self._changes_nothing(clone, *words, "-n")
        clone.operate(*words, moment=self.when(moment))
        if as_json:
            self._answers(clone, words, answer)

    @rule(who=WHO, take_in=st.booleans(), moment=st.one_of(st.none(), MOMENTS))
    def syncs_to_a_new_nightly(self, who: int, take_in: bool, moment: Moment | None) -> None:
        self.upstream.nightly()
        words = ["--push", *(["--take-in"] if take_in else []), *self._forced()]
        self.clones[who].operate("sync", *words, moment=self.when(moment))

    @rule(who=WHO, as_json=st.booleans(), answer=ANSWERS, moment=SELDOM)
    def pulls(self, who: int, as_json: bool, answer: str, moment: Moment | None) -> None:
        words = ["pull", *(["--json"] if as_json else [])]
        self.clones[who].operate(*words, moment=self.when(moment))
        if as_json:
            self._answers(self.clones[who], words, answer)

    def _answers(self, clone: Clone, words: list[str], answer: str) -> None:
        """Say yes to what is doubted, or answer for each patch, and run it again, until no more is asked."""
        more: dict[tuple[str, str], None] = {}
        for _ in range(3):
            if clone.said.status != 1 or not clone.said.out or answer == "no" or clone.is_stopped:
                return
            gives_up: frozenset[str] = frozenset()
            for snag in json.loads(clone.said.out).get("snags", []):
                if snag["name"] not in ALLOWED:
                    return
                if answer == "allow" or not snag["patch"]:
                    more["--allow", snag["name"]] = None
                else:
                    more[f"--{answer}", snag["patch"]] = None
                if snag["patch"] and answer != "keep":
                    gives_up |= clone.brought(snag["patch"])
            clone.operate(*words, *(word for pair in more for word in pair), gives_up=gives_up)

    def _forced(self) -> list[str]:
        """Where upstream was rewritten once, people have got used to it."""
        return ["--allow", "upstream-rewritten"] if self.upstream.forced else []

    @rule(who=WHO, moment=SELDOM)
    def pushes(self, who: int, moment: Moment | None) -> None:
        self.clones[who].operate("push", moment=self.when(moment))

    @rule(who=WHO, how=st.sampled_from(["", "--carry", "--allow"]), push=st.booleans(), moment=SELDOM)
    def undoes(self, who: int, how: str, push: bool, moment: Moment | None) -> None:
        words = ["undo", *([how] if how else []), *(["moved-since"] if how == "--allow" else [])]
        self.clones[who].operate(*words, *(["--push"] if push else []), moment=self.when(moment), back=True)

    @rule(who=WHO, which=st.integers(0, 5), moment=SELDOM)
    def picks(self, who: int, which: int, moment: Moment | None) -> None:
        if landings := self.upstream.landings:
            landing = landings[-1 - which % len(landings)]
            name = landing.oid if which % 2 else f"#{landing.number}"
            self._picks(self.clones[who], "add", name, moment=moment)

    @rule(who=WHO, which=st.integers(1, 4), moment=SELDOM)
    def drops_a_pick(self, who: int, which: int, moment: Moment | None) -> None:
        clone = self.clones[who]
        picks = clone.repo.git("rev-list", ROLES[1], "^upstream/main", check=False).split() if clone.tips[1] else []
        if picks:
            pick = picks[which % len(picks)]
            before = clone.tips
            clone.dropped.add(pick)
            self._picks(clone, "drop", pick, moment=moment, gives_up=clone.brought(pick))
            if clone.tips == before and not clone.is_stopped:
                clone.dropped.discard(pick)

    @rule(who=WHO, which=st.integers(0, 6), there=st.integers(0, 6), moment=SELDOM)
    def moves_a_patch(self, who: int, which: int, there: int, moment: Moment | None) -> None:
        clone = self.clones[who]
        stack = clone.repo.git("rev-list", ROLES[2], "^upstream/main").split()
        if len(stack) > 1:
            patch, other = stack[which % len(stack)], stack[there % len(stack)]
            where = [("--to", "picks"), ("--to", "patches"), ("--before", other)][there % 3]
            self._picks(clone, "move", patch, *where, moment=moment)

    @rule(who=WHO, which=st.integers(0, 6), newest=st.booleans(), moment=SELDOM)
    def offers_a_patch(self, who: int, which: int, newest: bool, moment: Moment | None) -> None:
        """The branch that upstream is to be offered has what the patch brings, on a commit of upstream's."""
        clone = self.clones[who]
        if patches := clone.repo.git("rev-list", ROLES[2], f"^{ROLES[1]}", "^upstream/main", check=False).split():
            patch, before = patches[which % len(patches)], self.server.refs("refs/heads/upstream")
            onto = ["--onto", "upstream/main"] if newest else []
            clone.operate("upstream", patch, "--with-dependencies", *onto, moment=self.when(moment))
            after = self.server.refs("refs/heads/upstream")
            assert after.keys() >= before.keys(), "a branch that was offered is gone"
            for name in (name for name, tip in after.items() if tip != before.get(name)):
                lacking = clone.brought(patch) - self.server.found(after[name])
                assert lacking <= self.upstream.known[self.server.base(after[name])], f"{name} lacks {lacking}"

    def _picks(self, clone: Clone, *words: str, moment: Moment | None, gives_up: frozenset[str] = frozenset()) -> None:
        clone.operate("cherry-pick", *words, *self._forced(), moment=self.when(moment), gives_up=gives_up)

    @rule(who=WHO, moment=SELDOM)
    def writes_the_changes_file(self, who: int, moment: Moment | None) -> None:
        self.clones[who].operate("changes", "--write", *self._forced(), moment=self.when(moment))

    @rule(
        who=WHO,
        words=st.sampled_from([
            ("status",), ("status", "--json"), ("log",), ("nightly",), ("range-diff",), ("doctor",), ("push", "-n"),
            ("pull", "-n"), ("cherry-pick", "list"), ("changes",),
        ]),
    )  # fmt: skip
    def looks(self, who: int, words: tuple[str, ...]) -> None:
        self._changes_nothing(self.clones[who], *words)

    def _changes_nothing(self, clone: Clone, *words: str) -> None:
        before = clone.now(), clone.refs("refs/poolside"), self.server.refs()
        clone.run(*words)
        assert (clone.now(), clone.refs("refs/poolside"), self.server.refs()) == before, f"{words} changed something"
        clone.look()
