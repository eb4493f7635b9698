"""Every precondition of a sync, each with its cure; some cures can be carried out."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator

from git_poolside.config import Config, Origin
from git_poolside.errors import PoolsideError, Refused
from git_poolside.git import layers, nightlies, refs
from git_poolside.git.merge import MergeOrt
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git, version
from git_poolside.git.quarantine import quarantine
from git_poolside.git.remotes import Remote
from git_poolside.operation import adopt, prepare, stopped, tangled
from git_poolside.stack import version as variable
from git_poolside.stack.model import Role
from git_poolside.stack.values import frozen
from git_poolside.ui import Ui


@frozen
class Finding:
    """One check: `cure` is what to type when it does not hold, `fix` does it."""

    name: str
    holds: bool
    message: str
    cure: str = ""
    fix: Callable[[], None] | None = None


def examine(git: Git, config: Config, ui: Ui, *, ask: bool = True) -> Iterator[Finding]:
    """The findings, in the order in which they matter. `ask` also asks the two remotes."""
    yield from _programs(git)
    yield from _configuration(git, config)
    yield from _upstream_remote(git, config)
    yield _settled(git, config)
    if ask:
        yield from _servers(git, config, ui)
    yield from _branches(git, config)
    yield from _tangles(git, config)
    yield from _stack(git, config)
    yield _version_variable(git, config)


def _programs(git: Git) -> Iterator[Finding]:
    number = ".".join(map(str, version()))
    yield Finding("git", version()[:2] >= (2, 39), f"git {number}", "install git 2.39 or newer")
    from importlib.metadata import version as installed

    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", True, f"Python {python}, pygit2 {installed('pygit2')}")
    beside = f"{sys.prefix}/bin" in os.environ.get("PATH", "").split(os.pathsep)
    pages = "" if beside else " (git poolside completion SHELL --install puts its pages where man looks)"
    yield Finding(
        "installation",
        " " not in sys.prefix,
        f"installed in {sys.prefix}{pages}",
        "the launchers do not work from a path with a space: make the virtual environment elsewhere",
    )
    shallow = git.text("rev-parse", "--is-shallow-repository") == "true"
    message = "this clone is shallow" if shallow else "the whole history is here"
    yield Finding("history", not shallow, message, "git fetch --unshallow")
    rerere = git.try_run("config", "--type=bool", "--get", "rerere.enabled").text == "true"
    yield Finding(
        "rerere",
        rerere,
        "rerere is on" if rerere else "rerere is off: the same conflict has to be resolved again",
        "git config rerere.enabled true",
        lambda: _set(git, "rerere.enabled", "true"),
    )


def _set(git: Git, key: str, value: str) -> None:
    git.run("config", "--replace-all", key, value)  # somebody may have set it twice


def _configuration(git: Git, config: Config) -> Iterator[Finding]:
    branch = git.try_run("config", "--get", "poolside.branch").text
    patches = config.branches.patches
    yield Finding(
        "poolside.branch",
        branch == patches,
        f"poolside.branch is {branch!r}" if branch else "poolside.branch is not set",
        f"git config poolside.branch {patches}",
        lambda: _set(git, "poolside.branch", patches),
    )
    trusted = config.origin is not Origin.FOREIGN or not config.steers
    yield Finding(
        "configuration",
        trusted and not config.unknown,
        "; ".join([f"read from {config.where}", *config.unknown]),
        "mend the file on the patches branch and commit it",
    )


def _upstream_remote(git: Git, config: Config) -> Iterator[Finding]:
    name = config.remotes.upstream
    if not Remote(git, name, Ui()).exists:
        yield Finding("upstream", False, f"there is no remote '{name}'", "git poolside init --upstream URL")
        return
    push = git.try_run("config", "--get-all", f"remote.{name}.pushurl").text
    yield Finding(
        "upstream push",
        push == adopt.NO_PUSH,
        f"pushing to '{name}' is disabled" if push == adopt.NO_PUSH else f"pushing to '{name}' is possible",
        f"git remote set-url --push {name} {adopt.NO_PUSH}",
        lambda: _set(git, f"remote.{name}.pushurl", adopt.NO_PUSH),
    )
    wanted = adopt.refspecs(config)
    found = git.try_run("config", "--get-all", f"remote.{name}.fetch").text.splitlines()
    tags = git.try_run("config", "--get", f"remote.{name}.tagOpt").text
    narrow = sorted(found) == sorted(wanted) and tags == "--no-tags"
    yield Finding(
        "upstream refspecs",
        narrow,
        f"'{name}' fetches two branches and no tags" if narrow else f"'{name}' fetches more than is needed: "
        + ", ".join([*found, tags or "tags too"]),
        "git poolside doctor --fix   (narrows it)",
        lambda: _narrow(git, name, wanted),
    )  # fmt: skip


def _narrow(git: Git, name: str, wanted: list[str]) -> None:
    git.try_run("config", "--unset-all", f"remote.{name}.fetch")
    for refspec in wanted:
        git.run("config", "--add", f"remote.{name}.fetch", refspec)
    git.run("config", f"remote.{name}.tagOpt", "--no-tags")
    git.run("config", f"remote.{name}.pruneTags", "false")


def _settled(git: Git, config: Config) -> Finding:
    state = stopped.load(git)
    if state is not None:
        cure = f"{state.order.program} --continue   (or --skip, or --abort)"
        return Finding("in flight", False, f"stopped at {state.known_as[:9]} {state.subject}", cure)
    try:
        tangled.refuse_in_progress(git, config)
    except Refused as error:
        return Finding("in flight", False, error.message, error.hints[0])
    return Finding("in flight", True, "nothing is in progress")


def _servers(git: Git, config: Config, ui: Ui) -> Iterator[Finding]:
    for name in (config.remotes.fork, config.remotes.upstream):
        try:
            Remote(git, name, ui).listing(["HEAD"])
            yield Finding(f"{name} answers", True, f"'{name}' answers")
        except PoolsideError as error:
            yield Finding(f"{name} answers", False, error.message, error.hints[0])


def _branches(git: Git, config: Config) -> Iterator[Finding]:
    for role in Role:
        name = layers.branch_of(config, role)
        values = refs.read(git, [config.ref(name), config.fork_ref(name)])
        here, there = values[config.ref(name)], values[config.fork_ref(name)]
        if here is None:
            yield Finding(f"{role.value} branch", False, f"'{name}' is not in this clone", "git poolside init")
        elif there is None:
            yield Finding(f"{role.value} branch", True, f"'{name}' is here, and not on '{config.remotes.fork}' yet")
        else:
            yield Finding(f"{role.value} branch", True, f"'{name}' is here and on '{config.remotes.fork}'")


def _tangles(git: Git, config: Config) -> Iterator[Finding]:
    for role in (Role.PICKS, Role.PATCHES):
        if (tangle := tangled.found(git, config, role)) is not None:
            yield Finding(f"{role.value} history", False, tangle.message, tangle.cure)


def _stack(git: Git, config: Config) -> Iterator[Finding]:
    try:
        ground = prepare.ground(git, config, Objects(git))
        snag = layers.check_snapshot(git, config, ground.tips.chosen[Role.SNAPSHOT], ground.upstream)
        if snag is not None:
            yield Finding("snapshot", False, snag.message, snag.hint)
        else:
            yield Finding("snapshot", True, f"'{config.branches.snapshot}' is on upstream's branch")
        yield from _layers(git, config, ground)
        found = nightlies.known(git, config, ground.base, limit=5)
    except Refused as error:
        yield Finding("stack", False, error.message, error.hints[0])
        return
    bad = [nightly for nightly in found if not nightly.usable]
    message = f"{len(found) - len(bad)} of the newest {len(found)} nightlies are usable"
    yield Finding("nightlies", True, message if found else "no nightly is newer than the base of the stack")


def _layers(git: Git, config: Config, ground: prepare.Ground) -> Iterator[Finding]:
    """Whether the tips form one stack."""
    with quarantine(git) as inner:
        objects = Objects(inner.git)
        with MergeOrt(objects, inner.git.object_dir) as merge:
            reader = layers.StackReader(inner.git, config, objects, merge, ground.upstream)
            chosen = ground.tips.chosen
            stack = reader.read(chosen[Role.PICKS], chosen[Role.PATCHES], ground.base)
    for snag in reader.snags:
        yield Finding("stack", False, snag.message, snag.hint)
    if not reader.snags:
        picks, patches = len(stack.picks.commits), len(stack.patches.commits)
        yield Finding("stack", True, f"the layers form one stack: {picks} and {patches} commits")


def _version_variable(git: Git, config: Config) -> Finding:
    objects = Objects(git)
    file, name = config.version.file, config.version.variable
    tip = refs.resolve(git, config.ref(config.branches.patches))
    entry = objects.lookup(objects.commit(tip).tree, file.encode()) if tip is not None else None
    if entry is None or entry.is_tree:
        return Finding("version", True, f"{file} is not on the patches branch: no version will be set")
    try:
        found = variable.find(objects.read(entry.oid), name)
    except variable.Ambiguous as error:
        return Finding("version", False, f"{name} is set on several lines of {file}: {error}", "leave one of them")
    if found is None:
        return Finding("version", True, f"{name} is not set with a date in {file}: no version will be set")
    return Finding("version", True, f"{name} is on line {found.line} of {file}")
