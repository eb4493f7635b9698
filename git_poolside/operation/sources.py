"""Finding the commits that are to come in as picks: in this clone, on upstream's branch, in its pull requests.

History alone decides whether a pull request landed (facts: GitHub's own word on it is useless for such an
upstream); git alone is asked for its commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from git_poolside.config import Config
from git_poolside.errors import Refused
from git_poolside.git import history, refs
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.git.remotes import Remote
from git_poolside.stack.model import Commit, Oid, RefChange, Role
from git_poolside.stack.plan import Incoming
from git_poolside.stack.provenance import bare_title, pull_number, with_origin
from git_poolside.stack.source import HASH, parse
from git_poolside.stack.values import frozen, replace
from git_poolside.stack.verdict import History, Identity, State, describe, identify
from git_poolside.ui import Ui, count

_NOBODY = Commit(Oid(""), Oid(""), (), b"", b"", b"")


@frozen
class Version:
    """What a pull request is now: `commits` to pick, none where the snapshot holds it, which `said` tells."""

    commits: tuple[Incoming, ...]
    said: str = ""


def _spelt(number: int | None) -> tuple[str, ...]:
    """How messages write the number of a pull request."""
    return (f"#{number}", f"/pull/{number}") if number is not None else ()


class Sources:
    """Answers for a stack that stands on `base`; `upstream` is the tip of upstream's branch."""

    def __init__(self, git: Git, config: Config, ui: Ui, objects: Objects, base: Oid, upstream: Oid, fetch: bool):
        self.git = git
        self.config = config
        self.objects = objects
        self.base = base
        self.upstream = upstream
        self.fetch = fetch
        self.repository = config.github.upstream
        self.remote = Remote(git, config.remotes.upstream, ui)
        self.notes: list[str] = []

    @cached_property
    def history(self) -> History:
        """All that upstream did after the base."""
        return history.begin(self.git, self.base, self.upstream, self.upstream, self.repository)((), Ui(quiet=True))[0]

    def _ever(self, *words: str) -> History:
        """All that upstream ever did with one of these words in its message."""
        return history.telling(self.git, self.upstream, words, self.repository)

    def find(self, word: str) -> list[Incoming]:
        """What a word of the command line means, in the order of the commits. Raises `Refused`."""
        asked = parse(word, self.repository)
        if not asked.revision:
            assert asked.number is not None
            version = self.pull(asked.number)
            if version.said:
                self.notes.append(version.said)
            return list(version.commits)
        tip = self._commit(asked.revision)
        if not asked.since:
            return self._single(tip, asked.number)
        since = self._commit(asked.since)
        listing = self.git.lines("rev-list", "--topo-order", "--reverse", "--parents", tip, f"^{since}", "--")
        oids = [Oid(line.split()[0]) for line in listing if len(line.split()) <= 2]
        if merges := len(listing) - len(oids):
            self.notes.append(f"{word}: {count(merges, 'merge')} left out")
        if not oids:
            raise Refused(f"there is no commit in {word}", hints=["a range is written A..B: what B has and A has not"])
        return [one for oid in oids for one in self._single(oid, None)]

    def _commit(self, name: str) -> Oid:
        """The commit of a name; a whole hash that is not here is fetched by it."""
        found = refs.resolve(self.git, name)
        if found is not None:
            return found
        if HASH.fullmatch(name) and self.fetch and self.remote.has(name):
            found = refs.resolve(self.git, name)
        if found is not None:
            return found
        hints = ["a pull request is written '#N', with the quotes"] if name.isdigit() else []
        if HASH.fullmatch(name):
            raise Refused(
                f"{name[:12]} is not here, and '{self.config.remotes.upstream}' does not hand it out: "
                "a commit of another repository?",
                hints=[f"git fetch URL {name}   (then it is here)"],
            )
        raise Refused(f"'{name}' names no commit here", hints=[*hints, "a hash that is not here has to be whole"])

    def _single(self, oid: Oid, number: int | None) -> list[Incoming]:
        commit = self.objects.commit(oid)
        if len(commit.parents) > 1:
            raise Refused(
                f"{oid[:9]} {commit.subject} is a merge: a pick is a single commit",
                hints=[f"git poolside cherry-pick add {oid[:9]}^1..{oid[:9]}^2   (what it merged, without merges)"],
            )
        if self.git.try_run("merge-base", oid, self.upstream).status:
            raise Refused(
                f"{oid[:9]} {commit.subject} is a commit of another repository: it has no history in common with "
                f"{self.config.remotes.upstream}/{self.config.upstream.branch}",
                hints=["git poolside cherry-pick add COMMIT   (one of upstream's)"],
            )
        on_main = refs.is_ancestor(self.git, oid, self.upstream)
        number = number or pull_number(commit.text, self.repository, subject_counts=on_main)
        if not on_main:
            return [Incoming(oid, number, "" if number else "not on upstream's branch")]
        after = self.history
        if refs.is_ancestor(self.git, oid, self.base):
            after = self._ever(oid[:7], bare_title(commit.text), *_spelt(number))
        about = self._about(replace(commit, message=with_origin(commit.message, oid, number)), after)
        note = self._landed(about)
        if about.state is not State.REVERTED and refs.is_ancestor(self.git, oid, self.base):
            self.notes.append(f"{oid[:9]} {commit.subject}: in the snapshot already")
            return []
        return [Incoming(oid, number, note)]

    def _about(self, commit: Commit, after: History) -> Identity:
        return identify(commit, Role.PICKS, after, (), self.repository)

    def _landed(self, about: Identity) -> str:
        """What upstream did to a landed change since, in words."""
        if about.state is not State.REVERTED:
            return ""
        revert = about.reverts[-1]
        return f"upstream took it back: {describe(revert)}" + (f": {revert.reason}" if revert.reason else "")

    def pull(self, number: int) -> Version:
        """A pull request as it is now: landed and not taken back, or its newest version."""
        ended = self._ended(number)
        return ended if ended is not None else self._open(number, self._landed(self.events(number)))

    def events(self, number: int) -> Identity:
        """What upstream's history says of a pull request; all of it is asked only if it is not in the newer part."""
        asked = replace(_NOBODY, message=b"\n\nPoolside-Pull: %d\n" % number)
        about = self._about(asked, self.history)
        if about.state is not State.NONE:
            return about
        earlier = [commit for commit in self._ever(*_spelt(number)).commits if commit.number == number]
        if not earlier:
            return about
        words = [word for commit in earlier for word in (commit.oid[:7], commit.title)]
        return self._about(asked, self._ever(*words, *_spelt(number)))

    def _ended(self, number: int) -> Version | None:
        """A pull request that landed and was not taken back; None for every other."""
        about = self.events(number)
        if about.state is not State.LANDED:
            return None
        landed = about.landings[-1]
        if refs.is_ancestor(self.git, landed.oid, self.base):
            return Version((), f"#{number}: in the snapshot already, as {describe(landed)}")
        return Version((Incoming(landed.oid, number, f"#{number}, landed"),))

    def _open(self, number: int, note: str) -> Version:
        """The commits of a pull request that has not landed, or was taken back; for ghstack with what is below it."""
        tip = self._head(number, note)
        listing = self.git.lines("rev-list", "--topo-order", "--reverse", "--parents", tip, f"^{self.upstream}", "--")
        own = [Oid(line.split()[0]) for line in listing if len(line.split()) <= 2]
        if not own:
            raise Refused(
                f"#{number} has no commit that is not on upstream's branch" + (f" ({note})" if note else ""),
                hints=[f"git poolside cherry-pick add HASH   (a commit of {self.repository})"],
            )
        said = ""
        if merges := len(listing) - len(own):
            said = f"#{number}: {count(merges, 'merge')} of its branch left out; what they resolved may conflict again"
        found: list[Incoming] = []
        for oid in own:
            named = pull_number(self.objects.commit(oid).text, self.repository, subject_counts=False)
            if named is not None and named != number:  # a lower one of a ghstack, which has a life of its own
                lower = self._ended(named)
                found += lower.commits if lower is not None else [Incoming(oid, named, f"#{named}, open")]
            else:
                found.append(Incoming(oid, number, f"#{number}, open" + (f"; {note}" if note else "")))
        return Version(tuple(dict.fromkeys(found)), said)

    def _head(self, number: int, note: str = "") -> Oid:
        """The newest version of an open pull request, as upstream's server has it; kept below `refs.PULLS`."""
        kept = f"{refs.PULLS}{number}"
        if self.fetch:
            if not self.remote.has(f"+refs/pull/{number}/head:{kept}"):
                raise Refused(
                    f"#{number}: {note}; no newer version of it is on upstream's server"
                    if note
                    else f"{self.repository} has no pull request #{number}, and no commit that landed as one",
                    hints=[f"https://github.com/{self.repository}/pull/{number}   (is that it?)"],
                )
            head = refs.read_one(self.git, kept)
            for ref in (ref for ref, oid in self._stacks.items() if oid == head):
                original = f"{ref.removesuffix('/head')}/orig"  # what ghstack(1) was given, one commit for each
                self.remote.fetch([f"+{original}:{kept}"])
        tip = refs.read_one(self.git, kept)
        if tip is None:
            raise Refused(
                f"#{number} has not landed, and no version of it is in this clone", hints=["go on without --no-fetch"]
            )
        return tip

    @cached_property
    def _stacks(self) -> Mapping[str, Oid]:
        """The heads of ghstack(1) on upstream's server."""
        return self.remote.listing(["refs/heads/gh/*/head"], heads=True)

    def in_order(self, found: Iterable[Incoming]) -> list[Incoming]:
        """Each once: upstream's own in upstream's order, those of open pull requests after them as they were given."""
        once = list({one.commit: one for one in found}.values())
        position = self.history.position
        last = len(position)
        older = [o.commit for o in once if o.commit not in position and refs.is_ancestor(self.git, o.commit, self.base)]
        if older:
            listing = self.git.lines("rev-list", "--topo-order", self.base, "--")
            place = {oid: -index for index, oid in enumerate(listing)}
            return sorted(once, key=lambda one: position.get(one.commit, place.get(one.commit, last)))
        return sorted(once, key=lambda one: position.get(one.commit, last))

    def refresh(self, numbers: Iterable[int], keep: Iterable[int]) -> None:
        """Ask for the newest versions of the open pull requests `numbers`; forget those that are not in `keep`."""
        wanted = {f"{refs.PULLS}{number}" for number in keep}
        gone = [RefChange(ref, oid, None) for ref, oid in refs.below(self.git, refs.PULLS).items() if ref not in wanted]
        if gone:
            refs.move(self.git, gone, "poolside cherry-pick list")
        for number in numbers:
            try:
                self._head(number)
            except Refused as error:
                self.notes.append(error.message)
