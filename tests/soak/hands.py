"""What people do with plain git and an editor, in any of their worktrees."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.soak.people import ROLES
from tests.soak.stage import EDITS, WHO, Stage
from tests.soak.tree import NOTES


class HandMoves(Stage):
    """The rules of plain git."""

    @rule(who=WHO, shape=EDITS, amend=st.sampled_from([False, False, True]))
    def commits(self, who: int, shape: Sequence[tuple[str, int, int]], amend: bool) -> None:
        clone = self.clones[who]
        if not self.on_patches(clone):
            return
        edits = self.edits("P", shape)
        title = f"Own {edits[0].marker}"
        clone.tree.commits(edits, *(["--amend", "--no-edit"] if amend else ["-m", title]))
        clone.settle(clone.now(), clone.owed | {edit.marker for edit in edits}, f"in {title}")
        if not amend:
            self.own[edits[0].marker] = edits, title

    @rule(who=WHO, which=st.integers(0, 9))
    def erases_own_work(self, who: int, which: int) -> None:
        clone = self.clones[who]
        own = sorted(marker for marker in clone.owed & clone.found(clone.tips[2]) if marker.startswith("P"))
        if own and self.on_patches(clone):
            gone = frozenset({own[-1 - which % len(own)]})
            clone.tree.erases(gone)
            clone.settle(clone.now(), clone.owed - gone, "by hand")

    @rule(who=WHO, which=st.integers(0, 5))
    def picks_by_hand(self, who: int, which: int) -> None:
        """As before there was a tool: git cherry-pick -x onto the picks, the patches stay where they are."""
        clone = self.clones[who]
        if clone.is_stopped or not clone.tips[1] or not self.upstream.landings:
            return
        tree, head = clone.tree, clone.tree.head
        clone.repo.git("fetch", "-q", "upstream")
        tree.tidies()
        tree.checkout(ROLES[1])
        if tree.head != ROLES[1]:
            return  # another worktree has it
        landing = self.upstream.landings[-1 - which % len(self.upstream.landings)]
        tree.repo.git("cherry-pick", "-x", landing.oid, check=False)
        tree.repo.git("cherry-pick", "--abort", check=False)  # in conflict, or empty
        tree.checkout(head or "--detach")
        clone.by_hand.add(clone.now()[1])
        clone.settle(clone.now(), clone.owed, f"by a pick of {landing.title} by hand")

    @rule(who=WHO, branch=st.sampled_from([*ROLES, "", "topic"]))
    def switches(self, who: int, branch: str) -> None:
        """Check something else out; an editor fetches behind everybody's back."""
        clone = self.clones[who]
        clone.repo.git("fetch", "-q", "origin")
        if clone.is_stopped:
            return
        if branch == "topic" and all(tree.head != "topic" for tree in clone.trees if tree is not clone.tree):
            clone.tree.checkout("-B", "topic", "--no-track", "origin/poolside-main")
        elif not branch:
            clone.tree.checkout("--detach")
        elif f"refs/heads/{branch}" in clone.refs("refs/heads"):
            clone.tree.checkout(branch)

    @rule(who=WHO)
    def takes_the_servers_branches(self, who: int) -> None:
        """What a person does who gives up: their own commits that the server lacks go, knowingly."""
        clone = self.clones[who]
        if clone.is_stopped or clone.tips == self.server.tips:
            return
        clone.repo.git("fetch", "-q", "origin")
        for tree in clone.trees:
            tree.tidies()
            tree.checkout("--detach")
        for role in ROLES:
            clone.repo.git("branch", "-q", "-f", "--no-track", role, f"origin/{role}")
        clone.tree.checkout(ROLES[2])
        clone.settle(clone.now(), self.server.owed, "by taking the server's branches")

    @rule(who=WHO)
    def goes_to_the_other_worktree(self, who: int) -> None:
        clone = self.clones[who]
        if len(clone.trees) == 1:
            clone.adds_a_worktree()
        clone.at = 1 - clone.at

    @rule(who=WHO, how=st.sampled_from(["changed", "staged", "in the way"]), which=st.integers(0, 19))
    def leaves_something_about(self, who: int, how: str, which: int) -> None:
        """Change a file without a commit, or leave one where a commit of somebody's will want to have its own."""
        clone, tree = self.clones[who], self.clones[who].tree
        if clone.is_stopped or set(tree.dirt) - {NOTES}:
            return
        if how == "in the way":
            edits = [edit for landing in self.upstream.landings for edit in landing.edits]
            edits += [edit for edits, _ in self.own.values() for edit in edits]
            paths = [f"src/new-{edit.marker}.txt" for edit in edits if edit.kind == "file"]
            paths += ["lib", "lib/f0.txt", "lib/f1.txt", "src/g0.txt", "src/g1.txt", "poolside-changes.md"]
            tree.puts(paths[which % len(paths)])
        else:
            there = list(tree.files())
            tree.edits(there[which % len(there)], how == "staged")

    @rule(who=WHO)
    def tidies_up(self, who: int) -> None:
        for tree in self.clones[who].trees:
            tree.tidies()
