"""Which GitHub, which token, in which order, and that no other host gets it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from git_poolside.errors import Refused
from git_poolside.forge.tokens import Forge, Token, find_token, forge_of, split_url
from git_poolside.git.process import Git, open_repository
from tests.scenario import Repo

GITHUB = Forge("github.com", "https://api.github.com")
ENTERPRISE = Forge("git.corp.example", "https://git.corp.example/api/v3")


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://github.com/poolsideai/pytorch", "github.com", "poolsideai/pytorch"),
        ("https://user:secret@GitHub.com/poolsideai/pytorch.git/", "github.com", "poolsideai/pytorch"),
        ("git@github.com:poolsideai/pytorch.git", "github.com", "poolsideai/pytorch"),
        ("github.com:poolsideai/pytorch", "github.com", "poolsideai/pytorch"),
        ("ssh://git@ssh.github.com:443/poolsideai/pytorch.git", "github.com", "poolsideai/pytorch"),
        ("ssh://git@git.corp.example:2222/o/r", "git.corp.example", "o/r"),
        ("https://git.corp.example:8443/o/r.git", "git.corp.example:8443", "o/r"),
        ("git://git.corp.example/o/r", "git.corp.example", "o/r"),
        ("/srv/git/fork.git", "", ""),
        ("../fork.git", "", ""),
        ("file:///srv/git/fork.git", "", ""),
        ("", "", ""),
    ],
)
def test_the_host_of_a_remote(url: str, host: str, path: str) -> None:
    assert split_url(url) == (host, path)


@pytest.mark.parametrize(
    ("url", "environment", "forge"),
    [
        ("git@github.com:o/r.git", {}, GITHUB),
        ("https://git.corp.example/o/r", {}, ENTERPRISE),
        ("https://acme.ghe.com/o/r", {}, Forge("acme.ghe.com", "https://api.acme.ghe.com")),
        ("git@github.com:o/r.git", {"GITHUB_API_URL": "https://api.github.com/"}, GITHUB),
        ("/srv/fork.git", {"GITHUB_API_URL": "https://git.corp.example/api/v3"}, ENTERPRISE),
        (
            "https://git.corp.example/o/r",
            {"GITHUB_API_URL": "https://api.github.com", "GITHUB_SERVER_URL": "https://github.com"},
            ENTERPRISE,
        ),
        (
            "/srv/fork.git",
            {"GITHUB_API_URL": "http://127.0.0.1:99/api/v3"},
            Forge("127.0.0.1:99", "http://127.0.0.1:99/api/v3"),
        ),
    ],
)
def test_the_interface_of_a_remote(url: str, environment: dict[str, str], forge: Forge) -> None:
    assert forge_of(url, environment) == forge


@pytest.mark.parametrize(
    "api", ["http://api.example", "ftp://api.example", "https://user:word@api.example", "api.example", "https://a/?b=c"]
)
def test_an_interface_that_would_give_the_token_away_is_refused(api: str) -> None:
    with pytest.raises(Refused, match="GITHUB_API_URL is no https url"):
        forge_of("git@github.com:o/r.git", {"GITHUB_API_URL": api})


def test_a_remote_on_this_machine_has_no_github() -> None:
    with pytest.raises(Refused) as caught:
        forge_of("/srv/fork.git", {})
    assert caught.value.message == "the fork's remote is a path on this machine, so there is no GitHub to ask"


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """A repository whose credential helper has a password for every host, and a `gh` that has one for ``GH_KNOWS``."""
    programs = tmp_path / "programs"
    programs.mkdir()
    scripts = {
        "gh": '[ "$*" = "auth token --hostname $GH_KNOWS" ] && echo from-gh\n',
        "helper": 'while read line; do case "$line" in host=*) echo "password=of-${line#host=}"; esac; done\n',
    }
    for name, script in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("GH_KNOWS", "github.com")
    repo = Repo(tmp_path, os.environ)
    repo.git("init", "-q", "repo")
    repo.git("-C", "repo", "config", "credential.helper", f"!{programs}/helper")
    repo.git("-C", "repo", "config", "credential.username", "x")
    return open_repository(tmp_path / "repo")


ORDER = [
    ({"GH_TOKEN": "one", "GITHUB_TOKEN": "two"}, GITHUB, "one", "GH_TOKEN"),
    ({"GH_TOKEN": " ", "GITHUB_TOKEN": "two\n"}, GITHUB, "two", "GITHUB_TOKEN"),
    ({"GH_ENTERPRISE_TOKEN": "three"}, GITHUB, "from-gh", "gh auth token"),
    ({"GH_KNOWS": "other"}, GITHUB, "of-github.com", "git credential fill"),
    ({"GH_ENTERPRISE_TOKEN": "three", "GITHUB_ENTERPRISE_TOKEN": "four"}, ENTERPRISE, "three", "GH_ENTERPRISE_TOKEN"),
    ({"GITHUB_ENTERPRISE_TOKEN": "four"}, ENTERPRISE, "four", "GITHUB_ENTERPRISE_TOKEN"),
    ({"GH_TOKEN": "one", "GITHUB_TOKEN": "two"}, ENTERPRISE, "of-git.corp.example", "git credential fill"),
    (
        {"GH_ENTERPRISE_TOKEN": "three", "GH_HOST": "other.corp.example"}, ENTERPRISE,
        "of-git.corp.example", "git credential fill",
    ),
    ({"GITHUB_TOKEN": "two", "GITHUB_API_URL": ENTERPRISE.api}, ENTERPRISE, "two", "GITHUB_TOKEN"),
]  # fmt: skip


@pytest.mark.parametrize(("environment", "forge", "value", "source"), ORDER)
def test_the_first_token_that_belongs_to_the_host_is_taken(
    git: Git, environment: dict[str, str], forge: Forge, value: str, source: str
) -> None:
    found = find_token(forge, git.with_environment(**environment))
    assert found == Token(value, source)


def test_no_token_at_all(git: Git) -> None:
    git.run("config", "--unset", "credential.helper")
    silent = git.with_environment(GH_KNOWS="other", GIT_ASKPASS="false", SSH_ASKPASS="false")
    assert find_token(GITHUB, silent) is None


def test_nobody_is_asked_for_a_password(git: Git, tmp_path: Path) -> None:
    git.run("config", "--unset", "credential.helper")
    asked = tmp_path / "asked"
    program = tmp_path / "askpass"
    program.write_text(f"#!/bin/sh\ntouch {asked}\necho typed\n")
    program.chmod(0o755)
    git.run("config", "core.askPass", str(program))
    variables = {name: str(program) for name in ("GIT_ASKPASS", "SSH_ASKPASS")}
    assert find_token(GITHUB, git.with_environment(GH_KNOWS="other", **variables)) is None
    assert not asked.exists()


@pytest.mark.parametrize("value", ["two words", "line\nbreak", "\x1b[31mred", "caf\u00e9"])
def test_a_token_that_cannot_be_one_is_refused_and_not_shown(git: Git, value: str) -> None:
    with pytest.raises(Refused) as caught:
        find_token(GITHUB, git.with_environment(GH_TOKEN=value))
    assert caught.value.message == "the token from GH_TOKEN has a character that no token has"
    assert value not in str(caught.value.hints)


def test_no_text_of_a_token_holds_it() -> None:
    token = Token("sesame", "GH_TOKEN")
    assert "sesame" not in f"{token} {token!r}"
