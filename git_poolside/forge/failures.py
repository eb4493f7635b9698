"""From an answer that says no to a message that says what to do.

The texts and headers are GitHub's (docs.github.com, "Troubleshooting the REST API" and "Rate limits for the REST
API"); text from a server is shown, never obeyed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from git_poolside.errors import FarSideFailed
from git_poolside.forge.tokens import Forge, Token, is_hosted

_INPUTS = "git poolside publish --input NAME=VALUE   (or set inputs under [publish] in .poolside.toml)"
_REFUSALS = {
    "No ref found for": "git poolside push   (the branch is not on the server)",
    "does not have 'workflow_dispatch' trigger": "add workflow_dispatch: below the file's on:, commit and push that",
    "Unexpected inputs provided": _INPUTS,
    "Required input": _INPUTS,
    "in the list of allowed values": _INPUTS,
    "A pull request already exists": "git poolside upstream --list   (shows what was proposed)",
    "No commits between": "nothing is left to propose: upstream has these commits",
}
"""What GitHub answers with 422, and what to do then."""


class ApiFailed(FarSideFailed):
    """GitHub answered, and said no: `status` and the texts that it `said`. Exit 5."""

    def __init__(self, message: str, *, status: int, said: tuple[str, ...], hints: tuple[str, ...]) -> None:
        super().__init__(message, hints=hints)
        self.status = status
        self.said = said

    def names(self, words: str) -> bool:
        """Whether one of the texts holds `words`, in any case."""
        return any(words.lower() in text.lower() for text in self.said)


class Unanswered(FarSideFailed):
    """No answer, or one that does not tell whether the request was carried out. Exit 5."""


def texts(data: Any) -> tuple[str, ...]:
    """What an error answer says: its message, then the message of each error, or what stands in its place."""
    if not isinstance(data, dict):
        return ()
    said = [data["message"]] if isinstance(data.get("message"), str) else []
    errors = data.get("errors")
    for error in errors if isinstance(errors, list) else [errors] if errors else []:
        if isinstance(error, str):
            said.append(error)
        elif isinstance(error, dict) and isinstance(error.get("message"), str):
            said.append(error["message"])
        elif isinstance(error, dict):
            said.append(" ".join(str(error[key]) for key in ("resource", "field", "code") if error.get(key)))
    return tuple(said)


def refusal(
    forge: Forge, token: Token | None, doing: str, status: int, headers: Mapping[str, str], data: Any
) -> ApiFailed:
    """The error for an answer of `status` that is no success and no rate limit; `doing` is what was asked for."""
    said = tuple(text.replace(token.value, "***") if token else text for text in texts(data))
    first, *more = said or (f"it said nothing (HTTP {status})",)
    message = "\n".join([f"{forge.host} refused to {doing}: {first}", *(f"  {text}" for text in more)])
    hints = tuple(_cures(forge, token, status, headers, said))
    return ApiFailed(message, status=status, said=said, hints=hints)


def _cures(
    forge: Forge, token: Token | None, status: int, headers: Mapping[str, str], said: tuple[str, ...]
) -> list[str]:
    source = token.source if token else "no token"
    login = f"gh auth login --hostname {forge.host}"
    if status == 401:
        return [f"the token from {source} is not accepted: it is wrong, expired or revoked", login]
    if status == 403:
        return _forbidden(forge, source, headers, said)
    if status == 404:
        lacking = _scopes(headers)
        return [
            f"the token from {source} lacks the scope {lacking}"
            if lacking
            else f"it does not exist, or the token from {source} may not see it",
            "git poolside doctor   (checks token, scopes and workflow)",
        ]
    if status == 410:
        return ["this is switched off in the repository's settings"]
    if status in (400, 409, 422):
        found = [cure for words, cure in _REFUSALS.items() if any(words in text for text in said)]
        return found or ["nothing was done; the words above are the server's"]
    return [f"the words above are the server's; {state_of(forge)}"]


def state_of(forge: Forge) -> str:
    """Where to learn whether a GitHub is well."""
    return "https://www.githubstatus.com shows its state" if is_hosted(forge) else f"ask those who keep {forge.host}"


def _forbidden(forge: Forge, source: str, headers: Mapping[str, str], said: tuple[str, ...]) -> list[str]:
    text = " ".join(said).lower()
    wanted = headers.get("x-accepted-github-permissions", "").replace("=", ": ")
    if "by integration" in text:
        return [
            f"give the workflow's token the permission: permissions: {{ {wanted or 'actions: write'} }}",
            "or run with a personal access token in GH_TOKEN",
        ]
    if "by personal access token" in text:
        return [f"give the fine-grained token from {source} the permission {wanted or 'that this needs'}"]
    if sso := headers.get("x-github-sso", ""):
        return [f"authorize the token from {source} for the organization: {sso.partition('url=')[2] or sso}"]
    if lacking := _scopes(headers):
        return [
            f"the token from {source} lacks the scope {lacking}",
            f"gh auth refresh --hostname {forge.host} --scopes {lacking.split(' or ')[0]}",
        ]
    return [f"the account of the token from {source} needs write access to the repository"]


def _scopes(headers: Mapping[str, str]) -> str:
    """The scopes of which one would do, where a classic token has none of them."""
    if "x-oauth-scopes" not in headers:
        return ""
    has, accepted = (
        {scope.strip() for scope in headers.get(name, "").split(",")} - {""}
        for name in ("x-oauth-scopes", "x-accepted-oauth-scopes")
    )
    return " or ".join(sorted(accepted)) if accepted and not accepted & has else ""
