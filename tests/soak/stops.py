"""What people do where an operation has stopped on a conflict."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.soak.crash import Moment
from tests.soak.history import apply
from tests.soak.people import Clone
from tests.soak.stage import EDITS, SELDOM, WHO, Stage


class StopMoves(Stage):
    """The rules of a stop; `elsewhere` a person forgets to go to its worktree first."""

    @precondition(lambda self: self.stopped())
    @rule(
        who=WHO, side=st.sampled_from(["both", "both", "both", "ours", "theirs"]),
        how=st.sampled_from(["index", "index", "commit", "more"]), answer=st.sampled_from([(), ("--allow",)]),
        shape=EDITS, moment=SELDOM, elsewhere=st.booleans(),
    )  # fmt: skip
    def goes_on(
        self, who: int, side: str, how: str, answer: tuple[str, ...], shape: Any, moment: Moment | None,
        elsewhere: bool,
    ) -> None:  # fmt: skip
        """Resolve what is in conflict, one way or another, and go on; what that leaves out is given up."""
        clone = self._one(who, elsewhere)
        tree = clone.tree
        gives_up = clone.resolves(side)
        if how != "index" and tree.repo.git("diff", "--cached", "--name-only", "HEAD"):
            tree.repo.git("commit", "-q", "--no-edit")
            if how == "more":
                edits = self.edits("P", shape)
                tree.tidies()
                tree.write(apply(edits, tree.files()))
                tree.repo.git("commit", "-q", "-m", f"Own {edits[0].marker}")
                clone.gains |= {edit.marker for edit in edits}
        words = ["--allow", "undone-silently", "--allow", "landed-tweaked"] if answer else []
        clone.operate("sync", "--continue", *words, moment=self.when(moment), gives_up=gives_up)

    @precondition(lambda self: self.stopped())
    @rule(who=WHO, moment=SELDOM, elsewhere=st.booleans())
    def skips(self, who: int, moment: Moment | None, elsewhere: bool) -> None:
        clone = self._one(who, elsewhere)
        gives_up = clone.brought(clone.stopped["patch"])
        clone.operate("sync", "--skip", moment=self.when(moment), gives_up=gives_up)

    @precondition(lambda self: self.stopped())
    @rule(
        who=WHO, first=st.sampled_from(["", "", "", "abort", "quit", "reset"]), moment=SELDOM, elsewhere=st.booleans()
    )
    def aborts(self, who: int, first: str, moment: Moment | None, elsewhere: bool) -> None:
        clone = self._one(who, elsewhere)
        before = clone.now()
        if first == "reset":
            clone.tree.tidies()
            clone.tree.repo.git("reset", "-q", "--hard")
        elif first:
            clone.tree.repo.git("cherry-pick", f"--{first}", check=False)
        result = clone.operate("sync", "--abort", moment=self.when(moment))
        assert clone.now() == before, f"an abort moved branches from {before} to {clone.now()}"
        assert result.status in (0, -9), result

    def _one(self, who: int, elsewhere: bool) -> Clone:
        """One of the clones with a stop, its person in the worktree of the stop."""
        stopped = self.stopped()
        clone = stopped[who % len(stopped)]
        clone.goes_to_the_stop()
        if elsewhere and len(clone.trees) > 1:
            clone.at = 1 - clone.at
            refused = clone.operate("sync", "--continue")
            assert refused.status == 1 and clone.is_stopped, refused
            clone.goes_to_the_stop()
        return clone
