"""Which GitHub is meant, and the token that belongs to it.

A token is looked for as `gh` and git users expect: the environment, ``gh auth token``, git's credential helpers with
prompts off. It is asked for by the host that it will be sent to, so that no host gets another one's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from git_poolside.errors import Refused
from git_poolside.git.process import Git, ask_program
from git_poolside.stack.values import field, frozen

API_URL = "GITHUB_API_URL"
_SCP_LIKE = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w.-]+):(?!//)(?P<path>.+)")
_LOCAL = ("localhost", "127.0.0.1", "::1")
_HELPERS = "git credential fill"
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


@frozen
class Forge:
    """One GitHub: `host` is its name in a repository's url, `api` the base of its REST interface, no slash behind."""

    host: str
    api: str


@frozen
class Token:
    """A secret and where it was found; no text of this object holds it."""

    value: str = field(repr=False)
    source: str


def split_url(url: str) -> tuple[str, str]:
    """The host and the path of a remote's url, in each of git's forms; two empty strings for a path on this machine.

    ``ssh.github.com``, which GitHub offers where port 22 is closed, is github.com.
    """
    if "://" in url:
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "") if parts.scheme != "file" else ""
            if parts.scheme in ("http", "https") and parts.port:
                host = f"{host}:{parts.port}"
        except ValueError:  # an address or a port that is none
            return "", ""
        path = parts.path
    else:
        found = _SCP_LIKE.fullmatch(url)
        host, path = (found["host"], found["path"]) if found else ("", "")
    host = host.lower()
    if not host:
        return "", ""
    return "github.com" if host == "ssh.github.com" else host, path.strip("/").removesuffix(".git")


def forge_of(url: str, environment: Mapping[str, str]) -> Forge:
    """The GitHub that serves the repository at `url`. Raises `Refused` where that cannot be told.

    ``GITHUB_API_URL``, which Actions sets, names the base, unless ``GITHUB_SERVER_URL`` beside it is another host
    than the url's. Otherwise: github.com has ``api.github.com``, a tenant of ghe.com ``api.TENANT.ghe.com``, and an
    Enterprise server ``HOST/api/v3``.
    """
    host, _ = split_url(url)
    given = environment.get(API_URL, "").rstrip("/")
    server, _ = split_url(environment.get("GITHUB_SERVER_URL", ""))
    if given and not (host and server and host != server):
        return _given(given)
    if not host:
        raise Refused(
            "the fork's remote is a path on this machine, so there is no GitHub to ask",
            hints=[f"export {API_URL}=https://HOST/api/v3   (names it)"],
        )
    forge = Forge(host, f"https://{host}/api/v3")
    return Forge(host, f"https://api.{host}") if is_hosted(forge) else forge


def _given(api: str) -> Forge:
    parts = urlsplit(api)
    plain = parts.scheme == "http" and parts.hostname in _LOCAL
    if not (parts.scheme == "https" or plain) or not parts.hostname or parts.username is not None or parts.query:
        raise Refused(
            f"{API_URL} is no https url of an interface",
            hints=[f"export {API_URL}=https://api.github.com"],
        )
    host = parts.netloc.lower()
    if host == "api.github.com" or (host.startswith("api.") and host.endswith(".ghe.com")):
        host = host.removeprefix("api.")
    return Forge(host, api)


def find_token(forge: Forge, git: Git) -> Token | None:
    """The first token for `forge`: the environment's, ``gh auth token``, ``git credential fill``; or None.

    ``GH_TOKEN`` and ``GITHUB_TOKEN`` belong to github.com, its tenants, and the server that ``GITHUB_API_URL`` names;
    ``GH_ENTERPRISE_TOKEN`` and ``GITHUB_ENTERPRISE_TOKEN`` to others, to ``GH_HOST`` alone if that is set
    (gh-environment(7)). Raises `Refused` for one that cannot be a header's value.
    """
    environment = git.environment
    hosted = is_hosted(forge)
    names: list[str] = []
    if hosted or environment.get(API_URL, "").rstrip("/") == forge.api:
        names += ["GH_TOKEN", "GITHUB_TOKEN"]
    if not hosted and environment.get("GH_HOST", forge.host).lower() == forge.host:
        names += ["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"]
    for name in names:
        if value := environment.get(name, "").strip():
            return _checked(Token(value, name))
    answer = ask_program(["gh", "auth", "token", "--hostname", forge.host], environment)
    if answer is not None and answer.status == 0 and answer.text:
        return _checked(Token(answer.text, "gh auth token"))
    silent = git.with_environment(GIT_TERMINAL_PROMPT="0", GIT_ASKPASS="", GCM_INTERACTIVE="never")
    filled = silent.try_run("credential", "fill", input=f"protocol=https\nhost={forge.host}\n\n".encode())
    said = dict(line.split("=", 1) for line in filled.text.splitlines() if "=" in line)
    if filled.status == 0 and said.get("password"):
        return _checked(Token(said["password"], _HELPERS))
    return None


def is_hosted(forge: Forge) -> bool:
    """Whether it is github.com or a tenant of ghe.com, and no Enterprise server."""
    return forge.host == "github.com" or forge.host.endswith(".ghe.com")


def is_certain(forge: Forge, token: Token | None, environment: Mapping[str, str]) -> bool:
    """Whether `forge` is a GitHub without asking it: what git's credential helpers know may be for any server."""
    named = API_URL in environment or (token is not None and token.source != _HELPERS)
    return is_hosted(forge) or named


def _checked(token: Token) -> Token:
    """A line break or a letter that is no ASCII in a header would be shown in somebody's error message."""
    if _PRINTABLE.fullmatch(token.value) is None:
        raise Refused(
            f"the token from {token.source} has a character that no token has",
            hints=["set it anew; it is not shown here"],
        )
    return token


def no_token(forge: Forge) -> Refused:
    """What to tell somebody who has none."""
    name = "GH_TOKEN" if is_hosted(forge) else "GH_ENTERPRISE_TOKEN"
    return Refused(
        f"there is no token for {forge.host}",
        hints=[
            f"export {name}=…   (a token that may use workflows and pull requests of the fork)",
            f"gh auth login --hostname {forge.host}",
        ],
    )
