"""The date that a stack has: its newest stamp's, else the one in its version variable."""

from __future__ import annotations

from git_poolside.config import Config
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.stack import version
from git_poolside.stack.model import Oid
from git_poolside.stack.provenance import Provenance

_SEARCHED = 50
"""So many commits at most are searched for a stamp, from the tip on."""


def standing_date(git: Git, config: Config, objects: Objects, tip: Oid) -> str | None:
    """The date that the stack is stamped with: the newest stamp's, else the one in the version variable."""
    stamp = _stamp(git, objects, tip)
    if stamp.is_stamp:
        return stamp.nightly
    entry = objects.lookup(objects.commit(tip).tree, config.version.file.encode())
    if entry is None or entry.is_tree:
        return None
    try:
        found = version.find(objects.read(entry.oid), config.version.variable)
    except version.Ambiguous:
        return None
    if found is None:
        return None
    digits = found.date.decode()
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"


def _stamp(git: Git, objects: Objects, tip: Oid) -> Provenance:
    """What the newest stamp says, empty where there is none; only the order of merged commits is git's to tell."""
    left = _SEARCHED
    while left:
        commit = objects.commit(tip)
        if (stamp := Provenance.of(commit.text)).is_stamp:
            return stamp
        if not commit.parents:
            return stamp
        if len(commit.parents) != 1:
            break
        [tip], left = commit.parents, left - 1
    for oid in git.lines("rev-list", "-n", str(left), tip, "--") if left else ():
        if (stamp := Provenance.of(objects.commit(Oid(oid)).text)).is_stamp:
            return stamp
    return Provenance()
