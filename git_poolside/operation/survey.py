"""Where everything stands, for ``status``: reads this clone alone, refuses nothing that can be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from git_poolside.config import Config
from git_poolside.errors import Refused
from git_poolside.git import nightlies, refs
from git_poolside.git.layers import StackReader, branch_of
from git_poolside.git.merge import MergeOrt
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.operation import log
from git_poolside.operation.generated import Generated
from git_poolside.operation.prepare import standing_date
from git_poolside.stack.model import Nightly, Oid, Role
from git_poolside.stack.nightly import newest_usable


@dataclass(frozen=True)
class LayerState:
    """One layer: `patches` counts its commits without the stamp; `ahead` and `behind` are the fork's own commits
    that this clone, or the server when last asked, has alone; `moved` says that the snapshots differ.
    """

    role: Role
    branch: str
    base: Oid | None
    tip: Oid | None
    patches: int
    remote: Oid | None
    ahead: int
    behind: int

    @property
    def in_step(self) -> bool:
        return self.tip == self.remote


@dataclass(frozen=True)
class Survey:
    """`nightly` is the one that the stack stands on, `latest` the newest usable one."""

    nightly: Nightly | None
    latest: Nightly | None
    commits: int
    days: int
    nightlies: int
    layers: tuple[LayerState, ...]
    problems: tuple[str, ...] = ()
    unpushed: tuple[log.Operation, ...] = ()


def survey(git: Git, config: Config) -> Survey:
    """Raises `Refused` when upstream was never fetched or no role branch exists."""
    objects = Objects(git)
    upstream = nightlies.upstream_tip(git, config)
    names = {role: branch_of(config, role) for role in Role}
    values = refs.read(git, [r for name in names.values() for r in (config.ref(name), config.fork_ref(name))])
    local = {role: values[config.ref(name)] for role, name in names.items()}
    remote = {role: values[config.fork_ref(name)] for role, name in names.items()}
    tips = {role: local[role] or remote[role] for role in Role}
    top = tips[Role.PATCHES] or tips[Role.PICKS] or tips[Role.SNAPSHOT]
    if top is None:
        raise Refused("no role branch exists, here or on the fork", hints=["git poolside init"])
    answer = git.try_run("merge-base", top, upstream)
    if answer.status:
        raise Refused("the fork has no history in common with upstream", hints=["git poolside doctor"])
    base = Oid(answer.text.splitlines()[0])
    counts, bases, problems = _count(git, config, objects, upstream, base, tips)
    layers = [
        LayerState(
            role,
            names[role],
            bases.get(role),
            tips[role],
            counts.get(role, 0),
            remote[role],
            _own(git, tips[role], remote[role], upstream),
            _own(git, remote[role], tips[role], upstream),
        )
        for role in Role
    ]
    listed = nightlies.known(git, config, base)
    latest = newest_usable(listed)
    standing = nightlies.naming(git, config, base, standing_date(git, config, objects, top))
    latest = latest or standing
    return Survey(
        standing,
        latest,
        (latest.commits or 0) if latest is not None else 0,
        _days(standing, latest),
        len([nightly for nightly in listed if nightly.usable]),
        tuple(layers),
        tuple(problems),
        tuple(_unpushed(git, objects)),
    )


def _count(
    git: Git, config: Config, objects: Objects, upstream: Oid, base: Oid, tips: Mapping[Role, Oid | None]
) -> tuple[dict[Role, int], dict[Role, Oid], list[str]]:
    with MergeOrt(objects, git.state_dir / "status") as merge:
        reader = StackReader(git, config, objects, merge, upstream)
        try:
            stack = reader.read(tips[Role.PICKS], tips[Role.PATCHES], base, check_merges=False)
        except Refused as error:
            return {}, {Role.SNAPSHOT: base}, [error.message]
    stamps = Generated(git, config, objects).stamps([c for layer in stack.layers for c in layer.commits])
    counts = {layer.role: sum(commit.oid not in stamps for commit in layer.commits) for layer in stack.layers}
    bases = {Role.SNAPSHOT: base, **{layer.role: layer.base for layer in stack.layers}}
    return counts, bases, [snag.message for snag in reader.snags]


def _own(git: Git, tip: Oid | None, other: Oid | None, upstream: Oid) -> int:
    """How many commits of the fork's own `tip` has and `other` has not."""
    if tip is None or tip == other:
        return 0
    limits = [f"^{other}"] if other else []
    return int(git.text("rev-list", "--count", tip, *limits, f"^{upstream}", "--"))


def _days(old: Nightly | None, new: Nightly | None) -> int:
    if old is None or new is None or old.commit == new.commit:
        return 0
    try:
        return (date.fromisoformat(new.date) - date.fromisoformat(old.date)).days
    except ValueError:
        return 0


def _unpushed(git: Git, objects: Objects) -> list[log.Operation]:
    """The operations that moved branches since the last push, newest first."""
    found: list[log.Operation] = []
    for operation in log.entries(git, objects):
        if operation.kind == "push":
            break
        if operation.refs:
            found.append(operation)
    return found
