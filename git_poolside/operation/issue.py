"""The one issue on the fork that says that a sync waits for a person: opened, renewed, closed."""

from __future__ import annotations

from hashlib import sha1
from typing import TYPE_CHECKING

from git_poolside.errors import FarSideFailed

if TYPE_CHECKING:  # most syncs have no issue, and the client of the forge is slow to import
    from git_poolside.forge.github import Issue, Repository

LABEL = "poolside-sync"
"""Only who may write to the repository can set a label, so nobody else's issue is taken for ours."""


def _mark(branch: str) -> str:
    return f"<!-- git poolside sync {sha1(branch.encode()).hexdigest()[:12]}"


def find(fork: Repository, branch: str) -> Issue | None:
    """The open issue about the stack of a patches branch."""
    return next((one for one in fork.issues(labels=LABEL) if one.body.startswith(_mark(branch))), None)


def renew(fork: Repository, branch: str, title: str, text: str, cause: str, news: str) -> tuple[Issue, bool]:
    """Open the issue, or bring the open one up to date; and whether it was opened.

    Where `cause` is another than before, the `news` are a comment, since GitHub tells nobody of a text that changed.
    Raises `FarSideFailed` where it was opened and will not be found again.
    """
    reason = sha1(cause.encode("utf-8", "replace")).hexdigest()[:12]
    body = f"{_mark(branch)} {reason} -->\n{text}"
    found = find(fork, branch)
    if found is None:
        made = fork.create_issue(title=title, body=body, labels=(LABEL,))
        if LABEL not in made.labels:  # GitHub drops it without a word where the token may not set one
            raise FarSideFailed(
                f"#{made.number} was opened without the label '{LABEL}', by which the next sync would know it",
                hints=[
                    f"gh issue edit {made.number} --add-label {LABEL} --repo {fork.name}",
                    "or give the token the right to write to the repository",
                ],
            )
        return made, True
    if (found.title, found.body.replace("\r\n", "\n")) != (title, body):
        fork.update_issue(found.number, title=title, body=body)
    if not found.body.startswith(f"{_mark(branch)} {reason} "):
        fork.comment(found.number, news)
    return found, False


def close(fork: Repository, branch: str, why: str) -> Issue | None:
    """Close the issue if one is open, and say why."""
    found = find(fork, branch)
    if found is not None:
        fork.comment(found.number, why)
        fork.update_issue(found.number, state="closed", state_reason="completed")
    return found
