"""Every precondition of publishing and of proposing upstream, each with its cure."""

from __future__ import annotations

from collections.abc import Iterator

from git_poolside.config import Config
from git_poolside.errors import PoolsideError, Refused
from git_poolside.forge.connection import connect, fork_of
from git_poolside.forge.failures import ApiFailed
from git_poolside.forge.github import Info, Repository
from git_poolside.forge.tokens import Token, is_hosted, no_token
from git_poolside.git import refs
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.operation import publishable
from git_poolside.operation.checkup import Finding
from git_poolside.ui import Ui


def examine(git: Git, config: Config, ui: Ui, *, ask: bool = True) -> Iterator[Finding]:
    """The findings; `ask` also asks GitHub. A fork that is not there, and one without a build, has none."""
    found = _workflow(git, config)
    if found is not None:
        yield found
    if ask:
        yield from _far_side(git, config, ui, builds=found is not None)


def _workflow(git: Git, config: Config) -> Finding | None:
    """Whether the workflow of the patches branch can be run as configured; None where there is none."""
    tip = refs.resolve(git, config.ref(config.branches.patches))
    file, objects = config.publish.workflow, Objects(git)
    if tip is None or objects.lookup(objects.commit(tip).tree, (publishable.FOLDER + file).encode()) is None:
        return None
    try:
        publishable.check_workflow(objects, config, tip, config.publish.inputs)
    except Refused as error:
        return Finding("workflow file", False, error.message, error.hints[0])
    return Finding("workflow file", True, f"{file} can be run with {_inputs(config)}")


def _inputs(config: Config) -> str:
    return ", ".join(f"{name}={value}" for name, value in config.publish.inputs.items()) or "no inputs"


def _far_side(git: Git, config: Config, ui: Ui, *, builds: bool) -> Iterator[Finding]:
    try:
        client = connect(git, config, ui.pause, anonymous=True)
    except Refused as error:
        if git.try_run("remote", "get-url", config.remotes.fork).text and "no GitHub to ask" not in error.message:
            yield Finding("forge", False, error.message, error.hints[0])
        return
    if client.token is None:
        if is_hosted(client.forge):  # any other server may be no GitHub at all
            none = no_token(client.forge)
            yield Finding("token", False, none.message, none.hints[0])
        return
    fork = fork_of(client, config)
    try:
        info, login = fork.info(), fork.login()
    except PoolsideError as error:
        yield Finding("token", False, error.message, error.hints[0])
        return
    of = f" of {login}" if login else ""
    yield Finding("token", True, f"the token for {client.forge.host} is{of}, from {client.token.source}")
    yield from _rights(fork, info, client.token)
    if builds:
        yield _known_workflow(fork, config, info)


def _rights(fork: Repository, info: Info, token: Token) -> Iterator[Finding]:
    yield Finding(
        "repository",
        info.full_name.lower() == fork.name.lower(),
        f"the fork is {info.full_name}" if info.full_name == fork.name else f"{fork.name} is {info.full_name} now",
        f'set fork = "{info.full_name}" under [github] in .poolside.toml, on the patches branch',
    )
    yield Finding(
        "rights",
        info.may_push,
        "the token may write to it" if info.may_push else "the token may not write to it",
        f"give the account of the token from {token.source} write access to {info.full_name}",
    )
    if info.scopes is None:
        yield Finding("scopes", True, _untold(token.value))
        return
    enough = {"repo"} if info.private else {"repo", "public_repo"}
    lacking = [] if info.scopes & enough else ["repo"]
    lacking += [] if "workflow" in info.scopes else ["workflow"]
    scopes = ", ".join(sorted(info.scopes)) or "none"
    what = "which runs workflows and opens pull requests" if "repo" in lacking else (
        "without which a push over https may not change .github/workflows/"
    )  # fmt: skip
    yield Finding(
        "scopes",
        not lacking,
        f"the token has the scopes {scopes}" + (f" and lacks {' and '.join(lacking)}, {what}" if lacking else ""),
        f"gh auth refresh --scopes {','.join(lacking)}",
    )


def _untold(token: str) -> str:
    """What a token needs whose rights GitHub tells only by refusing; its kind is in its prefix (docs.github.com, "About
    authentication to GitHub")."""
    if token.startswith("ghs_"):
        return (
            "GitHub does not tell what an App's token may do: a push needs the permissions Contents and Workflows, "
            "which the token that Actions gives a job can never have both"
        )
    return (
        "GitHub does not tell what this token may do: a push over https needs Contents and Workflows, publish needs "
        "Actions, upstream needs Pull requests, each to write"
    )


def _known_workflow(fork: Repository, config: Config, info: Info) -> Finding:
    file = config.publish.workflow
    try:
        known = fork.workflow(file)
    except ApiFailed as error:
        if error.status != 404:
            return Finding("workflow", False, error.message, error.hints[0])
        message = f"GitHub knows no workflow {file}: it has to be on the default branch, '{info.default_branch}', too"
        return Finding("workflow", False, message, f"add {publishable.FOLDER}{file} to '{info.default_branch}'")
    except PoolsideError as error:
        return Finding("workflow", False, error.message, error.hints[0])
    active = known.state == "active"
    message = f"GitHub knows the workflow {file}" + ("" if active else f", which is switched off ({known.state})")
    return Finding("workflow", active, message, f"gh workflow enable {file} --repo {fork.name}")
