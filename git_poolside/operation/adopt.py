"""Making a clone a poolside fork: the upstream remote, the role branches, the configuration file."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from git_poolside.config import FILE, Config, Github, Origin, load, parse, render
from git_poolside.errors import NotAFork, Refused, UsageError
from git_poolside.git import nightlies, refs, worktree
from git_poolside.git.layers import branch_of
from git_poolside.git.objects import BLOB, Committer, Entry, Objects
from git_poolside.git.process import Git
from git_poolside.git.quarantine import quarantine
from git_poolside.git.remotes import Remote, ask_fork, upstream_branches
from git_poolside.operation import journal, log
from git_poolside.stack.model import Oid, RefChange, Role
from git_poolside.stack.names import is_url
from git_poolside.stack.nightly import newest_usable
from git_poolside.stack.values import replace
from git_poolside.ui import Ui

NO_PUSH = "DISABLE"


def settings(git: Git, given: str | None, wanted: Config, changed: Sequence[str]) -> Config:
    """The configuration to adopt: the fork's own file if it has one, else `wanted`.

    Raises `Refused` if a file rules already and options (`changed` names them) would say something else.
    """
    try:
        found = load(git, given, None)
    except NotAFork:
        found = Config()
    if not found.text or found.origin is Origin.DEFAULTS or FILE not in found.where:
        return replace(wanted, github=_github(git, wanted)) if changed else wanted
    for option in changed:
        table, _, key = option.partition(".")
        if option == "remotes.upstream_url":  # where this clone finds upstream is the clone's own affair
            found = replace(found, remotes=replace(found.remotes, upstream_url=wanted.remotes.upstream_url))
        elif getattr(getattr(found, table), key) != getattr(getattr(wanted, table), key):
            raise Refused(
                f"the {found.where} says that {table}.{key.replace('_', '-')} is "
                f"'{getattr(getattr(found, table), key)}'",
                hints=["edit the file on the patches branch, then run init without that option"],
            )
    return found


def _github(git: Git, config: Config) -> Github:
    """``owner/name`` of both sides, where their urls are GitHub's."""
    import re

    def name(url: str, default: str) -> str:
        found = re.search(r"github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?\Z", url)
        return found.group(1) if found else default

    fork = git.try_run("remote", "get-url", config.remotes.fork).text
    return Github(name(fork, config.github.fork), name(config.remotes.upstream_url, config.github.upstream))


def add_upstream(git: Git, config: Config, ui: Ui, given: bool) -> list[str]:
    """The upstream remote: its two branches alone, no tags, push disabled. An existing one is adopted.

    Nothing is written before the url has answered. `given` says that the url was named on the command line:
    then an existing remote that points elsewhere refuses.
    """
    name = config.remotes.upstream
    done: list[str] = []
    url = git.try_run("config", "--get", f"remote.{name}.url").text
    if not url:
        if not is_url(config.remotes.upstream_url):
            raise UsageError(
                f"'{config.remotes.upstream_url}' is no url that git fetches by itself",
                hints=["git poolside init --upstream URL   (a path is written ./DIR or /DIR)"],
            )
        Remote(git, config.remotes.upstream_url, ui).listing([f"refs/heads/{config.upstream.branch}"])
        git.run("config", f"remote.{name}.url", config.remotes.upstream_url)
        for refspec in refspecs(config):
            git.run("config", "--add", f"remote.{name}.fetch", refspec)
        git.run("config", f"remote.{name}.tagOpt", "--no-tags")
        git.run("config", f"remote.{name}.pruneTags", "false")
        _filter_alike(git, config.remotes.fork, name)
        done.append(f"added the remote '{name}': {config.remotes.upstream_url}")
    elif url != config.remotes.upstream_url and given:
        raise Refused(
            f"the remote '{name}' is {url}",
            hints=[
                f"git remote set-url {name} {shlex.quote(config.remotes.upstream_url)}"
                "   (if it is right; init again then)",
                "git poolside init   (adopts the remote as it is)",
            ],
        )
    elif url != config.remotes.upstream_url:
        ui.talk(f"note: the remote '{name}' is adopted as it is: {url}")
    if not git.try_run("config", "--get-all", f"remote.{name}.pushurl").text:
        git.run("config", f"remote.{name}.pushurl", NO_PUSH)
        done.append(f"disabled pushing to '{name}'")
    return done


def _filter_alike(git: Git, fork: str, upstream: str) -> None:
    """In a partial clone upstream is a partial remote too, or one fetch would bring every blob (git-clone(1))."""
    wanted = git.try_run("config", "--get", f"remote.{fork}.partialCloneFilter").text
    if wanted:
        git.run("config", f"remote.{upstream}.promisor", "true")
        git.run("config", f"remote.{upstream}.partialCloneFilter", wanted)


def refspecs(config: Config) -> list[str]:
    """What the upstream remote fetches."""
    return [f"+refs/heads/{branch}:{config.upstream_ref(branch)}" for branch in upstream_branches(config)]


def fork_tips(git: Git, config: Config, ui: Ui) -> dict[str, Oid | None]:
    """The tips of the fork's server by branch, asked now."""
    listing = ask_fork(git, config, ui) if Remote(git, config.remotes.fork, ui).exists else {}
    return {branch: listing.get(config.ref(branch)) for branch in config.branches.all}


def refuse_unwritable(git: Git, config: Config, server: Mapping[str, Oid | None]) -> None:
    """Raises `Refused` where a configuration is needed that is on no patches branch, and the worktree is not its
    place.
    """
    ref = config.ref(config.branches.patches)
    if render(config) == render(Config()) or (git.worktree is not None and worktree.branch(git) == ref):
        return
    tip = refs.read_one(git, ref) or server[config.branches.patches]
    objects = Objects(git)
    if tip is None or objects.lookup(objects.commit(tip).tree, FILE.encode()) is None:
        raise Refused(
            f"HEAD is not on '{config.branches.patches}', so {FILE} cannot be written into the worktree",
            hints=["--commit   (commits it there without checking it out)"],
        )


def missing_branches(git: Git, config: Config, server: dict[str, Oid | None]) -> list[RefChange]:
    """The role branches to make: from the fork's; picks and snapshot else from the base of the patches.

    A fork that has none of them begins at the newest usable nightly. Never from HEAD.
    """
    names = {role: branch_of(config, role) for role in Role}
    local = refs.read(git, [config.ref(name) for name in names.values()])
    tips = {role: local[config.ref(name)] or server.get(name) for role, name in names.items()}
    upstream = nightlies.upstream_tip(git, config)
    top = tips[Role.PATCHES] or tips[Role.PICKS] or tips[Role.SNAPSHOT]
    if top is not None:
        answer = git.try_run("merge-base", top, upstream)
        if answer.status:
            raise Refused(
                "the fork has no history in common with upstream",
                hints=[f"git remote get-url {config.remotes.upstream}   (is that the fork's upstream?)"],
            )
        base = Oid(answer.text.splitlines()[0])
    else:
        newest = newest_usable(nightlies.known(git, config, None, limit=20))
        base = newest.commit if newest is not None else upstream
    defaults = {Role.SNAPSHOT: base, Role.PICKS: base, Role.PATCHES: tips[Role.PICKS] or base}
    return [
        RefChange(config.ref(name), None, tips[role] or defaults[role])
        for role, name in names.items()
        if local[config.ref(name)] is None
    ]


def make_branches(git: Git, config: Config, changes: Sequence[RefChange], server: dict[str, Oid | None]) -> list[str]:
    """Make them in one transaction, following the fork's where it has them."""
    if changes:
        refs.move(git, changes, "poolside init")
    done: list[str] = []
    for change in changes:
        name = change.ref.removeprefix("refs/heads/")
        where = change.after[:9] if change.after else ""
        if server.get(name) is not None:
            git.run("config", f"branch.{name}.remote", config.remotes.fork)
            git.run("config", f"branch.{name}.merge", change.ref)
            where = f"{config.remotes.fork}/{name}"
        done.append(f"made the branch '{name}' at {where}")
    return done


def configure(git: Git, config: Config) -> list[str]:
    """rerere on, and the branch whose configuration rules."""
    done: list[str] = []
    if not git.try_run("config", "--get", "rerere.enabled").text:
        git.run("config", "rerere.enabled", "true")
        done.append("switched rerere on, so that a conflict is resolved once")
    if git.try_run("config", "--get", "poolside.branch").text != config.branches.patches:
        git.run("config", "poolside.branch", config.branches.patches)
    return done


def write_file(git: Git, config: Config, commit: bool, command: Sequence[str]) -> list[str]:
    """Write ``.poolside.toml``: into the worktree, or as a commit on the patches branch without checking it out."""
    ref = config.ref(config.branches.patches)
    tip = refs.read_one(git, ref)
    assert tip is not None
    objects = Objects(git)
    tree = objects.commit(tip).tree
    if objects.lookup(tree, FILE.encode()) is not None:
        return []
    text = render(config)
    if commit:
        with quarantine(git) as inner:
            own = Objects(inner.git)
            committer = Committer.of(own)
            entry = Entry(0o100644, own.write(BLOB, text.encode()))
            new = committer.commit(
                own.graft(tree, {FILE.encode(): entry}), [tip], b"Add the configuration of git poolside\n"
            )
            change = RefChange(ref, tip, new)
            operation = log.Operation("init", log.without_secrets(command), log.moment(committer), (change,))
            logged = log.write(own, committer, operation, refs.read_one(git, refs.OPERATIONS), config.operations.keep)  # fmt: skip  # noqa: E501
            assert logged.after is not None
            inner.keep([new, logged.after])
            journal.carry_out(git, "poolside init", [logged, change])
        return [f"committed {FILE} on '{config.branches.patches}'"]
    if git.worktree is None or worktree.branch(git) != ref:
        return []
    path = git.worktree / FILE
    if path.exists() or path.is_symlink():
        return []
    path.write_text(parse(text).text)
    return [f"wrote {FILE}; commit it on '{config.branches.patches}'"]
