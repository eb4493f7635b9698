"""From the fork's remote to the GitHub that serves it."""

from __future__ import annotations

from git_poolside.config import Config
from git_poolside.errors import Refused
from git_poolside.forge.github import Repository
from git_poolside.forge.http import TIMEOUT, Client, Pause
from git_poolside.forge.tokens import find_token, forge_of, no_token, split_url
from git_poolside.git.process import Git


def connect(
    git: Git, config: Config, pause: Pause, *, anonymous: bool = False, timeout: tuple[float, float] = TIMEOUT
) -> Client:
    """The client for the GitHub of the fork's remote, with its token; `anonymous` goes without where there is none.

    Raises `Refused` where there is no GitHub or no token, or the remote is another repository than ``github.fork``,
    so that what is pushed and what is run or proposed cannot be two different forks.
    """
    url = git.try_run("remote", "get-url", config.remotes.fork).text
    forge = forge_of(url, git.environment)
    host, path = split_url(url)
    if host and path.lower() != config.github.fork.lower():
        raise Refused(
            f"'{config.remotes.fork}' is {path} on {host}, and not {config.github.fork}, as github.fork says",
            hints=[f'set fork = "{path}" under [github] in .poolside.toml, on the patches branch'],
        )
    token = find_token(forge, git)
    if token is None and not anonymous:
        raise no_token(forge)
    return Client(forge, token, pause, timeout)


def fork_of(client: Client, config: Config) -> Repository:
    """The fork, as ``github.fork`` names it."""
    return Repository(client, config.github.fork)


def upstream_of(client: Client, config: Config) -> Repository:
    """Upstream, as ``github.upstream`` names it."""
    return Repository(client, config.github.upstream)
