"""The picks and what became of each upstream, for ``cherry-pick list``: judged as a sync would, with nothing moved."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack

from git_poolside.config import Config
from git_poolside.errors import Refused
from git_poolside.git import nightlies, refs
from git_poolside.git.history import telling
from git_poolside.git.layers import StackReader, tips
from git_poolside.git.merge import MergeOrt
from git_poolside.git.objects import Committer, Objects
from git_poolside.git.process import Git
from git_poolside.git.quarantine import quarantine
from git_poolside.git.replay import Engine
from git_poolside.operation import log
from git_poolside.operation.choices import Choices
from git_poolside.operation.evidence import Witness
from git_poolside.operation.ledger import Ledger
from git_poolside.operation.prepare import standing
from git_poolside.operation.rebuild import Rebuild
from git_poolside.operation.rebuilt import Rebuilt
from git_poolside.operation.sources import Sources
from git_poolside.stack.model import Commit, Nightly, Oid, PatchResult, Role, Verdict
from git_poolside.stack.nightly import newest_usable
from git_poolside.stack.pick import Fortune, fortune
from git_poolside.stack.provenance import bare_title, cherry_origin, pull_number
from git_poolside.stack.values import field, frozen
from git_poolside.stack.verdict import Identity, State, describe, identify
from git_poolside.ui import Ui

_DAY = 24 * 60 * 60


@frozen
class Pick:
    """One pick. `age` is in days since its author's date; `nightly` the first that holds it; `landed` as which commit.

    `details` say in words what the state does not.
    """

    commit: Commit
    origin: Oid | None
    pull: int | None
    age: int
    fortune: Fortune
    nightly: str | None
    landed: Oid | None
    reverts: tuple[Oid, ...]
    details: tuple[str, ...]
    conflict: tuple[str, ...]


@frozen
class Listing:
    """The picks, oldest first, at the newest usable nightly (or where the stack stands, if none is newer)."""

    nightly: Nightly
    picks: Sequence[Pick] = field(default_factory=list)


def _anybody(git: Git) -> bytes:
    """Whoever asks, now (``git var``); a list can be asked for by somebody who has no name yet."""
    answer = git.try_run("var", "GIT_COMMITTER_IDENT")
    return answer.stdout.rstrip(b"\n") if answer.status == 0 else b"poolside <> %d +0000" % time.time()


def listing(git: Git, config: Config, ui: Ui, *, fetched: bool) -> Listing:
    """Judge every pick. With `fetched` the remotes were asked, and upstream is for its open pull requests now."""
    upstream = nightlies.upstream_tip(git, config)
    tip = standing_picks(git, config) or upstream
    with ExitStack() as opened:
        inner = opened.enter_context(quarantine(git))
        objects = Objects(inner.git)
        merge = opened.enter_context(MergeOrt(objects, inner.git.object_dir))
        stack = StackReader(inner.git, config, objects, merge, upstream).read(tip, tip, tip, check_merges=False)
        newer = [nightly for nightly in nightlies.known(git, config, stack.base) if nightly.usable]
        target = newest_usable(newer) or standing(git, config, stack.base, None)
        if not stack.picks.commits:
            return Listing(target)
        engine = Engine(objects, merge)
        committer = Committer(objects, _anybody(git), signing=False)
        witness = Witness(inner.git, config, ui, objects, engine, stack, target.commit, upstream)
        ledger = Ledger(inner.git, config, objects, stack, target.commit, Choices())
        rebuilt = Rebuild(
            inner.git, config, ui, objects, engine, committer, witness, ledger, target.commit, target.date,
            Choices(), dry_run=True,
        ).run()  # fmt: skip
        now = int(committer.identity.rpartition(b">")[2].split()[0])
        judge = _Judge(git, config, objects, witness, rebuilt, newer, stack.base, upstream, now)
        if fetched:
            sources = Sources(git, config, ui, objects, stack.base, upstream, True)
            sources.refresh(*judge.open_pulls(stack.picks.commits))
            for note in sources.notes:
                ui.talk(f"note: {note}")
        by_old = {result.old: result for result in rebuilt.results}
        return Listing(target, [judge.judged(pick, by_old[pick.oid]) for pick in stack.picks.commits])


def standing_picks(git: Git, config: Config) -> Oid | None:
    """The tip of the picks that an edit would begin from; where that cannot be told, this clone's own."""
    try:
        return tips(git, config, log.known(git, Objects(git))).chosen[Role.PICKS]
    except Refused:
        return refs.read_one(git, config.ref(config.branches.picks))


def _written(pick: Commit) -> int:
    """The author's date, in seconds since the epoch; 0 where there is none."""
    seconds = pick.author.rpartition(b">")[2].partition(b" ")[2].partition(b" ")[0]
    return int(seconds) if seconds.isdigit() else 0


class _Judge:
    """Puts together what the rebuild says of each pick and what upstream's history and pull requests do."""

    def __init__(
        self, git: Git, config: Config, objects: Objects, witness: Witness, rebuilt: Rebuilt,
        newer: Sequence[Nightly], base: Oid, upstream: Oid, now: int,
    ) -> None:  # fmt: skip
        self.git = git
        self.objects = objects
        self.repository = config.github.upstream
        self.witness = witness
        self.grounds = rebuilt.grounds
        self.oldest_first = list(reversed(newer))
        self.base = base
        self.upstream = upstream
        self.now = now

    def open_pulls(self, picks: Sequence[Commit]) -> tuple[list[int], list[int]]:
        """The pull requests of those picks that have not landed; and all."""
        about = {pull_number(pick.text, self.repository): self._identity(pick) for pick in picks}
        numbers = [number for number in about if number is not None]
        return [n for n in numbers if not about[n].landings and not about[n].later], numbers

    def judged(self, pick: Commit, result: PatchResult) -> Pick:
        identity = self._identity(pick)
        word = cherry_origin(pick.text)
        origin = Oid(word) if word is not None else None
        number = pull_number(pick.text, self.repository)
        on_main = origin is not None and self._reaches(origin, self.upstream)
        what = fortune(result.verdict, identity, on_main or number is not None)
        if what is Fortune.PENDING and identity.later is None and (before := self._before(pick, origin, on_main)):
            identity, what = before, Fortune.REVERTED
        landed = identity.landings[-1] if identity.landings else identity.later
        details = self._words(identity, what, result)
        if what is Fortune.PENDING and not on_main and identity.later is None and number is not None:
            details += self._versions(number, origin)
        return Pick(
            pick,
            origin,
            number,
            self._age(pick),
            what,
            self._first(landed.oid) if landed is not None and what.is_in else None,
            landed.oid if landed is not None else None,
            tuple(revert.oid for revert in identity.reverts),
            tuple(details),
            result.paths,
        )

    def _age(self, pick: Commit) -> int:
        """In days; none where its author's line has no date (git writes such a line in no commit of its own)."""
        written = _written(pick)
        return max(0, self.now - written) // _DAY if written else 0

    def _before(self, pick: Commit, origin: Oid | None, on_main: bool) -> Identity | None:
        """What upstream did with a pick before the base, where no sync looks, if it landed and was taken back there.

        A version of its pull request that is newer than that is another one (edge case L16).
        """
        if origin is not None and not on_main and not self.objects.exists(origin):
            return None
        number = pull_number(pick.text, self.repository)
        words = [origin or "", bare_title(pick.text), f"/pull/{number}" if number is not None else ""]
        told = telling(self.git, self.base, words, self.repository, max(0, _written(pick) - _DAY))
        found = identify(pick, Role.PICKS, told, (), self.repository)
        if found.state is not State.REVERTED or not found.landings:
            return None
        newer = origin is not None and not on_main and self.objects.commit(origin).commit_time > found.reverts[-1].time
        return None if newer else found

    def _identity(self, pick: Commit) -> Identity:
        ground = self.grounds.get(pick.oid)
        return ground.identity if ground is not None else Identity(State.NONE)

    def _reaches(self, older: Oid, newer: Oid) -> bool:
        return self.objects.exists(older) and refs.is_ancestor(self.git, older, newer)

    def _first(self, landed: Oid) -> str | None:
        """The date of the first nightly that holds a commit of upstream's."""
        position = self.witness.history.position
        for nightly in self.oldest_first:
            if position.get(landed, 0) <= position.get(nightly.commit, -1) and self._reaches(landed, nightly.commit):
                return nightly.date
        return None

    def _words(self, identity: Identity, what: Fortune, result: PatchResult) -> list[str]:
        said: list[str] = []
        if identity.later is not None and not what.is_in:
            said.append(f"landed as {describe(identity.later)}, in no nightly yet")
        if what is Fortune.REVERTED and identity.reverts:
            revert = identity.reverts[-1]
            said.append(f"by {describe(revert)}" + (f": {revert.reason}" if revert.reason else ""))
        elif what not in (Fortune.LANDED, Fortune.PENDING) or result.verdict is Verdict.EMPTIED:
            said.append(result.reason)
        if result.paths:
            said.append(f"does not apply there: {', '.join(result.paths[:3])}" + (" …" if result.paths[3:] else ""))
        return [one for one in said if one]

    def _versions(self, number: int, origin: Oid | None) -> list[str]:
        """What is known of an open pull request's newest version."""
        kept = refs.read_one(self.git, f"{refs.PULLS}{number}")
        if kept is None:
            return [f"of #{number} nothing is known here (--fetch looks)"]
        newest = self.git.text("rev-list", "--no-merges", "-n", "1", kept, f"^{self.upstream}", "--")
        if origin is None or not self._reaches(origin, kept):
            return [f"#{number} has a newer version, {newest[:9]}"]
        return []
