"""Where everything stands, for ``status``: reads this clone alone, refuses nothing that can be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from git_poolside import interrupt
from git_poolside.config import Config
from git_poolside.errors import FarSideFailed, GitFailed, Refused
from git_poolside.git import history, nightlies, refs
from git_poolside.git.brief import NO_FETCH
from git_poolside.git.layers import StackReader, base_of, branch_of, upstreams
from git_poolside.git.layers import tips as read_tips
from git_poolside.git.merge import MergeOrt
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.git.standing import Standing
from git_poolside.operation import log, tangled
from git_poolside.operation.arriving import arriving
from git_poolside.operation.dated import standing_date
from git_poolside.operation.generated import Generated
from git_poolside.operation.lease import standings
from git_poolside.operation.remembered import LayerState, Survey
from git_poolside.stack.arrivals import Arrivals
from git_poolside.stack.model import Nightly, Oid, Role, Stack
from git_poolside.stack.nightly import newest_usable
from git_poolside.stack.verdict import State, identify


def survey(git: Git, config: Config) -> Survey:
    """Reads everything anew. Raises `Refused` when upstream was never fetched or no role branch exists."""
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
    base = base_of(git, config, top, upstream)
    if base is None:
        raise Refused("the fork has no history in common with upstream", hints=["git poolside doctor"])
    listed = nightlies.known(git, config, base)
    latest = newest_usable(listed)
    counts, bases, problems, stack = _count(git, config, objects, upstream, base, tips)
    landed = _landed(git, config, stack, base, latest.commit) if stack is not None and latest is not None else {}
    known = upstreams(git, config, upstream)
    apart = any(tips[role] != remote[role] for role in Role)
    stands = standings(git, config, log.known(git, objects)) if apart else {}
    unpushed = _unpushed(git, objects)
    found = (
        _arriving(git, config, objects, upstream) if unpushed and Standing.DIVERGED in stands.values() else Arrivals()
    )
    layers = [
        LayerState(
            role,
            names[role],
            bases.get(role),
            tips[role],
            counts.get(role, 0),
            remote[role],
            *_own(git, tips[role], remote[role], known),
            landed.get(role, 0),
            stands.get(role) is Standing.THEIRS,
            len(found.of(role)),
        )
        for role in Role
    ]
    standing = nightlies.naming(git, config, base, standing_date(git, config, objects, top))
    latest = latest or standing
    ahead = [layer.role for layer in layers if layer.ahead and layer.role is not Role.SNAPSHOT]
    tangles = [tangle for role in ahead if (tangle := tangled.found(git, config, role)) is not None]
    problems += [tangle.message for tangle in tangles]
    return Survey(
        standing,
        latest,
        (latest.commits or 0) if latest is not None else 0,
        _days(standing, latest),
        len([nightly for nightly in listed if nightly.usable]),
        tuple(layers),
        tuple(problems),
        unpushed,
        bool(tangles),
        bool(found.edits),
    )


def _count(
    git: Git, config: Config, objects: Objects, upstream: Oid, base: Oid, tips: Mapping[Role, Oid | None]
) -> tuple[dict[Role, int], dict[Role, Oid], list[str], Stack | None]:
    with MergeOrt(objects, git.state_dir / "status") as merge:
        reader = StackReader(git, config, objects, merge, upstream)
        try:
            stack = reader.read(tips[Role.PICKS], tips[Role.PATCHES], base, check_merges=False)
        except Refused as error:
            return {}, {Role.SNAPSHOT: base}, [error.message], None
    stamps = Generated(git, config, objects).stamps([c for layer in stack.layers for c in layer.commits])
    counts = {layer.role: sum(commit.oid not in stamps for commit in layer.commits) for layer in stack.layers}
    bases = {Role.SNAPSHOT: base, **{layer.role: layer.base for layer in stack.layers}}
    return counts, bases, [snag.message for snag in reader.snags], stack


def _landed(git: Git, config: Config, stack: Stack, base: Oid, target: Oid) -> dict[Role, int]:
    """How many patches of each layer have landed by the words of upstream's commits alone, without their content."""
    told = history.said(git, base, target, config.github.upstream)
    return {
        layer.role: sum(
            identify(commit, layer.role, told, (), config.github.upstream).state is State.LANDED
            for commit in layer.commits
        )
        for layer in stack.layers
    }


def _own(git: Git, one: Oid | None, other: Oid | None, known: Sequence[Oid]) -> tuple[int, int]:
    """How many commits of the fork's own `one` has and `other` has not, and the other way round."""
    if one == other:
        return 0, 0
    asked = f"{one}...{other}" if one and other else f"{one or other}"
    said = git.text("rev-list", "--count", "--left-right", asked, *(f"^{oid}" for oid in known), "--").split()
    if one and other:
        return int(said[0]), int(said[1])
    return (int(said[1]), 0) if one else (0, int(said[1]))


def _arriving(git: Git, config: Config, objects: Objects, upstream: Oid) -> Arrivals:
    """What came to the server beside our work, as a push would find it; nothing where this clone alone cannot tell."""
    try:
        here = read_tips(git, config, log.known(git, objects), ours=True)
        return arriving(git.with_environment(**NO_FETCH), config, upstream, here.chosen, here.remote)
    except GitFailed as error:
        interrupt.check(error.status)
    except (Refused, FarSideFailed, OSError):
        pass  # the push says what is wrong
    return Arrivals()


def _days(old: Nightly | None, new: Nightly | None) -> int:
    if old is None or new is None or old.commit == new.commit:
        return 0
    try:
        return (date.fromisoformat(new.date) - date.fromisoformat(old.date)).days
    except ValueError:
        return 0


def _unpushed(git: Git, objects: Objects) -> int:
    count = 0
    for operation in log.entries(git, objects):
        if operation.kind == "push":
            break
        count += bool(operation.refs)
    return count
