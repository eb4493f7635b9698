"""Where the fork has been: every tip that its server is known to have had, so that what is only local can be told.

Known from the published states, the operation log and the reflogs of the tracking refs; never from a merge base or
fork-point (facts: rebasing without the recorded old tip conflicts on what was carried already).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from git_poolside.config import Config
from git_poolside.git import refs
from git_poolside.git.layers import branch_of, upstreams
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.git.reflogs import reflog
from git_poolside.operation import log
from git_poolside.stack.carry import Lineage
from git_poolside.stack.model import Oid, Role
from git_poolside.stack.values import frozen


@frozen
class Former:
    """The tips that each role has had on the fork's server and that are here; `commits` are the fork's own in them.

    `lineage` tells which commit our operations made from which.
    """

    tips: Mapping[Role, frozenset[Oid]]
    commits: frozenset[Oid]
    lineage: Lineage

    @property
    def all(self) -> frozenset[Oid]:
        return frozenset().union(*self.tips.values())

    def had(self, oid: Oid) -> bool:
        """Whether the fork's server had the commit, or what it was made from."""
        return not self.lineage.own([oid], self.commits)


def former(git: Git, config: Config, objects: Objects, upstream: Oid, listing: Mapping[str, Oid]) -> Former:
    """Read it. `listing` has what the server says of its published states now, as far as it was asked."""
    names = {config.ref(branch_of(config, role)): role for role in Role}
    found: dict[Role, set[str]] = {
        role: {*reflog(git, config.fork_ref(branch_of(config, role)))} for role in names.values()
    }
    prefix = config.published.prefix
    peeled = git.lines("for-each-ref", "--format=%(*objectname)", prefix)
    found[Role.PATCHES] |= {*peeled} | {
        oid for ref, oid in listing.items() if ref.startswith(prefix) and ref.endswith("^{}")
    }
    pairs: list[tuple[Oid, Oid]] = []
    for operation in log.entries(git, objects):
        for there in (operation.leases, operation.pushed):
            for ref, oid in there.items():
                if ref in names and oid:
                    found[names[ref]].add(oid)
        pairs += [(result.old, result.new) for result in operation.patches if result.old and result.new]
    tracking = refs.read(git, [config.fork_ref(branch_of(config, role)) for role in Role])
    for role in Role:
        if (tip := tracking[config.fork_ref(branch_of(config, role))]) is not None:
            found[role].add(tip)
    here = _commits_here(git, {oid for tips in found.values() for oid in tips if oid})
    tips = {role: frozenset(Oid(oid) for oid in oids if oid in here) for role, oids in found.items()}
    return Former(tips, commits_of(git, config, here, upstream), Lineage(pairs))


def commits_of(git: Git, config: Config, tips: Iterable[str], upstream: Oid) -> frozenset[Oid]:
    """The commits of the fork's own that `tips` reach."""
    limits = (f"^{oid}" for oid in upstreams(git, config, upstream))
    asked = "".join(f"{oid}\n" for oid in (*tips, *limits)).encode()
    return frozenset(Oid(oid) for oid in git.lines("rev-list", "--stdin", input=asked))


def _commits_here(git: Git, oids: Iterable[str]) -> set[str]:
    asked = "".join(f"{oid}\n" for oid in oids).encode()
    answers = git.lines("cat-file", "--batch-check=%(objectname) %(objecttype)", input=asked) if asked else []
    return {line.partition(" ")[0] for line in answers if line.endswith(" commit")}
