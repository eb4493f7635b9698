"""From the fork's remote to its GitHub and the token for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_poolside.config import parse
from git_poolside.errors import Refused
from git_poolside.forge.connection import connect, fork_of, upstream_of
from git_poolside.git.process import open_repository
from tests.forge.fake import FakeGitHub
from tests.scenario import World


def test_the_remote_and_the_configuration_name_one_fork(
    github: FakeGitHub, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.fork.git("remote", "add", "origin", "git@git.corp.example:me/PyTorch.git")
    config = parse('[github]\nfork = "me/pytorch"\n')
    client = connect(open_repository(world.fork.path), config, lambda seconds, why: None)
    assert (client.forge.api, client.token and client.token.source) == (github.url, "GH_TOKEN")
    assert (fork_of(client, config).name, upstream_of(client, config).name) == ("me/pytorch", "pytorch/pytorch")
    with pytest.raises(Refused) as caught:
        connect(open_repository(world.fork.path), parse(""), lambda seconds, why: None)
    assert caught.value.message == (
        "'origin' is me/PyTorch on git.corp.example, and not poolsideai/pytorch, as github.fork says"
    )
    assert caught.value.hints == ('set fork = "me/PyTorch" under [github] in .poolside.toml, on the patches branch',)


def test_without_a_token_a_question_may_still_be_asked(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world.fork.git("remote", "add", "origin", "https://git.corp.example/poolsideai/pytorch")
    git = open_repository(world.fork.path).with_environment(GH_HOST="github.com")
    assert connect(git, parse(""), lambda seconds, why: None, anonymous=True).token is None
    with pytest.raises(Refused) as caught:
        connect(git, parse(""), lambda seconds, why: None)
    assert caught.value.message == "there is no token for git.corp.example"
    assert caught.value.hints == (
        "export GH_ENTERPRISE_TOKEN=…   (a token that may use workflows and pull requests of the fork)",
        "gh auth login --hostname git.corp.example",
    )


def test_a_fork_on_this_machine_has_no_github(world: World) -> None:
    world.fork.git("remote", "add", "origin", str(world.upstream.path))
    with pytest.raises(Refused, match="there is no GitHub to ask"):
        connect(open_repository(world.fork.path), parse(""), lambda seconds, why: None)
