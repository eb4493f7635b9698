"""Patches offered upstream: the branch's name, the messages without what is the fork's own, the pull request's text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from hashlib import sha1

from git_poolside.stack.model import Commit
from git_poolside.stack.provenance import bare_title, with_trailers

PREFIX = "upstream/"
_LONGEST = 50
_TITLE, _TEXT = 256, 60_000
"""Characters that GitHub takes; of the text it takes 65,536."""
_FORK_ONLY = re.compile(rb"^Poolside-[A-Za-z-]+:.*(?:\n[ \t]+\S.*)*\n?", re.MULTILINE)
_ORIGIN = re.compile(rb"^\(cherry picked from commit ([0-9a-f]{40})\)\r?\n?", re.MULTILINE)
TEMPLATES = ("pull_request_template.md", "pull_request_template.txt", "pull_request_template")
"""Names of a pull request template, in any case; a file of one lies in ``.github``, the root or ``docs``."""
TEMPLATE_FOLDERS = (".github", "", "docs")


def key_of(author: bytes) -> str:
    """A patch's key: its author with the time, which no replay changes (as in the changes file)."""
    return sha1(author).hexdigest()[:8]


def branch_name(commit: Commit, taken: Collection[str] = ()) -> str:
    """``upstream/<slug>``: the subject's letters and digits, in ASCII and lower case, words joined by hyphens.

    At most 50 characters, cut between words; without the pull request numbers at its end. A subject with no letter
    or digit gives ``patch-`` and the patch's key. What is `taken` gets a number.
    """
    plain = unicodedata.normalize("NFKD", bare_title(commit.text)).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain.replace("'", ""))
    slug = (words[0] if words else f"patch-{key_of(commit.author)}")[:_LONGEST]
    for word in words[1:]:
        if len(slug) + 1 + len(word) > _LONGEST:
            break
        slug += f"-{word}"
    names = [PREFIX + slug, *(f"{PREFIX}{slug}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def offered_message(message: bytes, *, picked: bool) -> bytes:
    """A message without the fork's own trailers: lines ``Poolside-…:``, and of a pick the one that says from where.

    Every other byte stays, whatever the encoding (edge case S8).
    """
    kept = _FORK_ONLY.sub(b"", message)
    if picked and (found := list(_ORIGIN.finditer(kept))):
        kept = kept[: found[-1].start()] + kept[found[-1].end() :]
    if kept == message:
        return message
    return kept.rstrip(b"\r\n") + b"\n" if kept.strip() else kept


def with_pull(message: bytes, number: int) -> bytes:
    """A message that says as which pull request of upstream's the patch was offered."""
    trailer = b"Poolside-Upstream-Pull: %d" % number
    kept = re.sub(rb"^Poolside-Upstream-Pull:.*\n?", b"", message, flags=re.MULTILINE)
    if kept != message:
        kept = kept.rstrip(b"\r\n") + b"\n"
    return with_trailers(kept, [trailer])


def shortened(title: str) -> str:
    """A pull request's title, as long as GitHub takes it."""
    return title if len(title) <= _TITLE else title[: _TITLE - 1] + "…"


def described(commits: Sequence[Commit]) -> str:
    """What the messages say beyond the title: one's body, or each of several under its subject."""
    bodies = [commit.text.strip("\n").partition("\n")[2].strip("\n") for commit in commits]
    if len(commits) == 1:
        return bodies[0]
    parts = [
        f"### {bare_title(commit.text)}" + (f"\n\n{body}" if body else "")
        for commit, body in zip(commits, bodies, strict=True)
    ]
    return "\n\n".join(parts)


def body(commits: Sequence[Commit], template: str) -> str:
    """A pull request's text: what the messages say, then upstream's template to be filled in."""
    said = described(commits)
    if len(said) + len(template) > _TEXT:
        said = said[: _TEXT - len(template)] + "…"
    return "\n\n".join(part for part in (said, template.strip("\n")) if part)


def renewed_body(now: str, before: Sequence[Commit], after: Sequence[Commit]) -> str | None:
    """The text of an open pull request with our part of it renewed; None where people have rewritten that part."""
    old, new = described(before), described(after)
    text = now.replace("\r\n", "\n")
    if old == new:
        return now
    if not text.startswith(old) or (not old and text):
        return None
    return (new + text[len(old) :]).strip("\n")
