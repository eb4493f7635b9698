"""What upstream does: it lands, takes back, lands again, renames, rewrites and forces, and names its nightlies."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.soak.history import FILES, LINES
from tests.soak.stage import EDITS, Stage


class UpstreamMoves(Stage):
    """Upstream's rules."""

    @rule(shape=EDITS, which=st.one_of(st.none(), st.integers(0, 5)), nightly=st.booleans())
    def upstream_lands(self, shape: Sequence[tuple[str, int, int]], which: int | None, nightly: bool) -> None:
        """A change anywhere, or in the very line that the fork's patch `which` changes."""
        if which is not None and self.own:
            edit = list(self.own.values())[-1 - which % len(self.own)][0][0]
            shape = [(shape[0][0], edit.file, edit.line), *shape[1:]]
        edits = self.edits("U", shape)
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

    @rule(depth=st.integers(1, 4), again=st.booleans(), shape=EDITS, nightly=st.booleans())
    def upstream_forces(self, depth: int, again: bool, shape: Sequence[tuple[str, int, int]], nightly: bool) -> None:
        """Rewrite the branch: its newest commits go, and another comes; what landed in them lands `again` or not."""
        lost = self.upstream.force(depth)
        edits = self.edits("U", shape)
        self.upstream.land(edits, f"Change {edits[0].marker}")
        for landing in lost if again else []:
            self.upstream.land(landing.edits, landing.title, number=landing.number)
        self._nightly(nightly)

    @rule(keep=st.integers(1, 3), nightly=st.booleans())
    def upstream_forces_its_nightlies(self, keep: int, nightly: bool) -> None:
        self.upstream.force_nightlies(keep)
        self._nightly(nightly)

    def _nightly(self, wanted: bool) -> None:
        if wanted:
            self.upstream.nightly()
