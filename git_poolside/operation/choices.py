"""What people decided about single patches."""

from __future__ import annotations

from collections.abc import Mapping

from git_poolside.stack.model import Oid
from git_poolside.stack.values import field, frozen


@frozen
class Choices:
    """What was decided about single patches, by their old hashes; `resolutions` are the commits made of one.

    `made` are new commits of an earlier run, by 'old parent'; `rerere` those patches that git-rerere(1) resolved.
    `adopt`: the changes file gets a section if it has none. `strict`: what the audit finds refuses. `autosquash`:
    commits that name another one of their layer go into it.
    """

    keep: Mapping[Oid, str] = field(default_factory=dict)
    drop: Mapping[Oid, str] = field(default_factory=dict)
    skip: Mapping[Oid, str] = field(default_factory=dict)
    resolutions: Mapping[Oid, tuple[Oid, ...]] = field(default_factory=dict)
    made: Mapping[str, Oid] = field(default_factory=dict)
    allow: frozenset[str] = frozenset()
    rerere: frozenset[Oid] = frozenset()
    adopt: bool = False
    strict: bool = False
    autosquash: bool = False
