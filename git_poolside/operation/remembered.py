"""What ``status`` found last, kept as long as nothing has moved: reading everything anew takes ten times as long.

All of a survey follows from refs, their objects, the configuration and this program, so those are the key.
Deleting the file is always right.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Any

from git_poolside import __version__
from git_poolside.config import Config
from git_poolside.git import refs
from git_poolside.git.process import Git
from git_poolside.stack.model import Nightly, Oid, Role
from git_poolside.stack.values import as_dict, frozen

TAKE_IN = "git poolside sync --take-in   (replays them on this stack; then push again)"
MOVED_ON = "git poolside pull   (the fork's server has moved on: goes to its tips, with what is only here)"


@frozen
class LayerState:
    """One layer: `patches` counts its commits without the stamp; `ahead` and `behind` are the fork's own commits
    that this clone, or the server when last asked, has alone. `landed` counts the patches that upstream's commits up to
    the newest nightly name, and have not taken back. `theirs`: it is the server's tip that counts. `came` counts the
    commits there that this stack, made anew, does not account for: a push would be refused.
    """

    role: Role
    branch: str
    base: Oid | None
    tip: Oid | None
    patches: int
    remote: Oid | None
    ahead: int
    behind: int
    landed: int = 0
    theirs: bool = False
    came: int = 0

    @property
    def in_step(self) -> bool:
        return self.tip == self.remote


@frozen
class Survey:
    """`nightly` is the one that the stack stands on, `latest` the newest usable one; `unpushed` counts the operations
    that moved branches since the last push. `tangled`: plain git has joined two states of the stack, as `problems` say.
    `edited`: the server's stack was edited beside what is unpushed, so that nobody can combine them.
    """

    nightly: Nightly | None
    latest: Nightly | None
    commits: int
    days: int
    nightlies: int
    layers: tuple[LayerState, ...]
    problems: tuple[str, ...] = ()
    unpushed: int = 0
    tangled: bool = False
    edited: bool = False


def remembered(git: Git, key: str) -> Survey | None:
    """The survey that was made when everything stood as `key` says, if there is one."""
    try:
        raw = json.loads(_path(git).read_text())
        return _from_json(raw["survey"]) if raw["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def remember(git: Git, key: str, survey: Survey) -> None:
    """Keep a survey for the next time that all stands as `key` says. Who may not write does without."""
    with suppress(OSError):
        git.state_dir.mkdir(parents=True, exist_ok=True)
        new = _path(git).with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps({"key": key, "survey": survey}, default=_plain))
        new.replace(_path(git))


def _plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else as_dict(value)


def _path(git: Git) -> Path:
    return git.state_dir / "status.json"


def sources(config: Config) -> list[str]:
    """The refs that a survey follows from, by name or prefix."""
    branches = [name for branch in config.branches.all for name in (config.ref(branch), config.fork_ref(branch))]
    upstream = [config.upstream_ref(config.upstream.branch), config.upstream_ref(config.nightly.branch)]
    return [*branches, *upstream, "refs/poolside/", config.published.prefix]


def key(git: Git, config: Config) -> str:
    """How everything stands now that a survey follows from; to be asked before it is made."""
    names = sources(config)
    there = refs.read(git, [name for name in names if name[-1] != "/"])
    for prefix in (name for name in names if name[-1] == "/"):
        there |= refs.below(git, prefix)
    return f"{__version__}\n{config!r}\n{there}"


def _from_json(raw: Mapping[str, Any]) -> Survey:
    def nightly(value: Mapping[str, Any] | None) -> Nightly | None:
        return None if value is None else Nightly(**value)

    layers = [LayerState(**{**layer, "role": Role(layer["role"])}) for layer in raw["layers"]]
    made = {**raw, "layers": tuple(layers), "problems": tuple(raw["problems"])}
    return Survey(**{**made, "nightly": nightly(raw["nightly"]), "latest": nightly(raw["latest"])})
