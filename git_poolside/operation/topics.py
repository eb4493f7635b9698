"""Topic branches and open pull requests that a push has left behind, on an earlier state of the fork's stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

from git_poolside.config import Config
from git_poolside.errors import PoolsideError, Refused
from git_poolside.git import refs
from git_poolside.git.layers import upstreams
from git_poolside.git.nightlies import upstream_tip
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.git.remotes import Remote
from git_poolside.operation.former import Former, commits_of, former
from git_poolside.stack.model import Oid
from git_poolside.stack.values import frozen

if TYPE_CHECKING:
    from git_poolside.forge.github import Pull

_MOST = 50
"""So many earlier states are looked at, the newest of what each begins with."""
_PULLS = 100
"""So many open pull requests, the newest: what GitHub tells in one answer."""
_HASTE = (3.0, 5.0)
"""Seconds that GitHub has for the connection and for its answer: what was asked for is done already."""


@frozen
class Topic:
    """A branch on an earlier stack with `commits` of its own; `here` says whether this clone has it.

    `pull` is the number of its open pull request; `elsewhere`, that its branch is another repository's.
    """

    branch: str
    here: bool
    commits: int
    pull: int | None = None
    elsewhere: bool = False


def left_behind(git: Git, config: Config, remote: Remote, tip: Oid, server: Mapping[str, Oid]) -> list[Topic]:
    """The branches, of this clone, the fork's server and its open pull requests, on commits that the stack at `tip`
    has made anew.

    Empty where that cannot be found out: a push that went through is not to fail for it.
    """
    try:
        upstream = upstream_tip(git, config)
        known = former(git, config, Objects(git), upstream, server)
        stale = known.commits - commits_of(git, config, [tip], upstream)
        if not stale:
            return []
        found = _Search(git, config, remote, tip, upstream, known, stale)
        topics = {name: Topic(name, is_here, found.own(ref)) for name, ref, is_here in found.branches()}
    except PoolsideError:
        return []
    try:
        for pull in found.pulls():
            topic = found.of_pull(pull)
            before = topics.get(topic.branch, topic)
            topics[topic.branch] = Topic(
                topic.branch, before.here, before.commits, topic.pull, topic.elsewhere
            )  # fmt: skip
    except PoolsideError:
        pass  # there is no GitHub, no token, or no answer
    return list(topics.values())


@frozen
class _Search:
    """`stale` are the fork's former commits that the stack at `tip` has not."""

    git: Git
    config: Config
    remote: Remote
    tip: Oid
    upstream: Oid
    known: Former
    stale: frozenset[Oid]

    def own(self, revision: str) -> int:
        """How many commits a branch has that the fork never had."""
        mine = self._beside(revision)
        return len(self.known.lineage.own(mine, self.known.commits))

    def _beside(self, revision: str) -> list[Oid]:
        limits = (f"^{oid}" for oid in (self.tip, *upstreams(self.git, self.config, self.upstream)))
        return [Oid(oid) for oid in self.git.lines("rev-list", "--no-merges", revision, *limits, "--")]

    def branches(self) -> Iterator[tuple[str, str, bool]]:
        """Name and ref of each branch that is left behind, and whether it is here."""
        asked = "".join(f"{oid}\n" for oid in self.stale).encode()
        listed = (line.split() for line in self.git.lines("rev-list", "--no-walk", "--parents", "--stdin", input=asked))
        first = [oid for oid, *parents in listed if not self.stale.intersection(parents)][:_MOST]
        config, space = self.config, self.config.fork_ref("")
        names = self.git.lines(
            "for-each-ref", "--format=%(refname)", *(f"--contains={oid}" for oid in first), "refs/heads/", space
        )
        roles = {*config.branches.all, "HEAD"}
        local = [name.removeprefix("refs/heads/") for name in names if name.startswith("refs/heads/")]
        there = [name.removeprefix(space) for name in names if name.startswith(space)]
        there = [name for name in there if name not in local and name not in roles]
        if there:
            now = self.remote.listing([config.ref(name) for name in there])
            here = refs.read(self.git, [config.fork_ref(name) for name in there])
            there = [name for name in there if now.get(config.ref(name)) == here[config.fork_ref(name)]]
        yield from ((name, config.ref(name), True) for name in local if name not in roles)
        yield from ((name, config.fork_ref(name), False) for name in there)

    def pulls(self) -> list[Pull]:
        """The open pull requests into the fork's branches that are left behind.

        Raises `PoolsideError` where GitHub cannot be asked, or does not answer soon.
        """
        from git_poolside.forge.connection import connect, fork_of
        from git_poolside.forge.tokens import is_certain

        client = connect(self.git, self.config, _hurry, timeout=_HASTE)
        if not is_certain(client.forge, client.token, self.git.environment):
            return []
        into = (pull for pull in fork_of(client, self.config).open_pulls() if pull.base in self.config.branches.all)
        found = list(islice(into, _PULLS))
        asked = "".join(f"{pull.tip}\n" for pull in found).encode()
        missing = [line.split()[0] for line in self.git.lines("cat-file", "--batch-check", input=asked)
                   if line.endswith(" missing")]  # fmt: skip
        if missing and not self.remote.has(*missing):
            found = [pull for pull in found if pull.tip not in missing]
        return [pull for pull in found if self.stale.intersection(self._beside(pull.tip))]

    def of_pull(self, pull: Pull) -> Topic:
        owner, _, branch = pull.head.partition(":")
        elsewhere = owner.lower() != self.config.github.fork.partition("/")[0].lower()
        return Topic(pull.head if elsewhere else branch, False, self.own(pull.tip), pull.number, elsewhere)


def _hurry(seconds: float, why: str) -> None:
    """Nobody is to wait for GitHub here."""
    raise Refused(why, hints=["git poolside push"])
