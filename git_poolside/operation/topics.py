"""Topic branches that a push has left behind: they still stand on an earlier state of the fork's stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from git_poolside.config import Config
from git_poolside.errors import PoolsideError
from git_poolside.git import refs
from git_poolside.git.nightlies import upstream_tip
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.git.remotes import Remote
from git_poolside.operation.former import commits_of, former
from git_poolside.stack.model import Oid

_MOST = 50
"""So many earlier states are looked at, the newest of what each begins with."""


@dataclass(frozen=True)
class Topic:
    """A branch on an earlier stack with `commits` of its own; `here` says whether this clone has it."""

    branch: str
    here: bool
    commits: int


def left_behind(git: Git, config: Config, remote: Remote, tip: Oid, server: Mapping[str, Oid]) -> list[Topic]:
    """The branches, of this clone and of the fork's server, on commits that the stack at `tip` has made anew.

    Empty where that cannot be found out: a push that went through is not to fail for it.
    """
    try:
        return _left_behind(git, config, remote, tip, server)
    except PoolsideError:
        return []


def _left_behind(git: Git, config: Config, remote: Remote, tip: Oid, server: Mapping[str, Oid]) -> list[Topic]:
    upstream = upstream_tip(git, config)
    known = former(git, config, Objects(git), upstream, server)
    stale = known.commits - commits_of(git, [tip], upstream)
    asked = "".join(f"{oid}\n" for oid in stale).encode()
    listed = (line.split() for line in git.lines("rev-list", "--no-walk", "--parents", "--stdin", input=asked))
    first = [oid for oid, *parents in listed if not stale.intersection(parents)][:_MOST] if stale else []
    if not first:
        return []
    space = config.fork_ref("")
    names = git.lines(
        "for-each-ref", "--format=%(refname)", *(f"--contains={oid}" for oid in first), "refs/heads/", space
    )
    roles = {*config.branches.all, "HEAD"}
    local = [name.removeprefix("refs/heads/") for name in names if name.startswith("refs/heads/")]
    there = [name.removeprefix(space) for name in names if name.startswith(space)]
    there = [name for name in there if name not in local and name not in roles]
    if there:
        now = remote.listing([config.ref(name) for name in there])
        here = refs.read(git, [config.fork_ref(name) for name in there])
        there = [name for name in there if now.get(config.ref(name)) == here[config.fork_ref(name)]]
    found = [(name, config.ref(name), True) for name in local if name not in roles]
    found += [(name, config.fork_ref(name), False) for name in there]
    topics: list[Topic] = []
    for name, ref, is_here in found:
        mine = git.lines("rev-list", "--no-merges", ref, f"^{tip}", f"^{upstream}", "--")
        topics.append(Topic(name, is_here, len(known.lineage.own([Oid(oid) for oid in mine], known.commits))))
    return topics
