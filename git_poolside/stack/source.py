"""What a person may call the commits that are to come in: a pull request, a commit, a range, by word or by URL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from git_poolside.errors import Refused
from git_poolside.stack.model import Commit, Oid
from git_poolside.stack.provenance import cherry_origin, pull_number
from git_poolside.stack.values import frozen
from git_poolside.terminal import without_passwords

_NUMBER = re.compile(r"#(\d{1,9})")
_FULL_NUMBER = re.compile(r"([\w.-]+/[\w.-]+)#(\d{1,9})")
_URL = re.compile(r"https?://[^/\s]+/(?P<repository>[\w.-]+/[\w.-]+)/(?P<rest>[^?#\s]*)(?:[?#]\S*)?")
_PULL = re.compile(r"pull/(?P<number>\d{1,9})(?:/(?:files|changes|commits|checks)?)?/?")
_COMMIT = re.compile(r"(?:pull/(?P<number>\d{1,9})/(?:commits|changes)|commit)/(?P<hash>[0-9a-f]{7,40})/?")
HASH = re.compile(r"[0-9a-f]{40}")


@frozen
class Asked:
    """What one word asks for: a pull request's `number` alone, a `revision`, or the range `since`..`revision`.

    `number` beside a revision is the pull request that a URL names with it.
    """

    number: int | None = None
    revision: str = ""
    since: str = ""


def parse(word: str, repository: str) -> Asked:
    """Read a word. `repository` is upstream's, ``owner/name``. Raises `Refused` for another's URL."""
    word = without_passwords(word)  # of no use here, and not to be shown
    if not word.strip():
        raise Refused(
            "an empty word names no commit",
            hints=["git poolside cherry-pick add HASH", "git poolside cherry-pick add '#N'"],
        )
    if found := _NUMBER.fullmatch(word):
        return Asked(int(found.group(1)))
    if found := _FULL_NUMBER.fullmatch(word):
        _check(found.group(1), repository)
        return Asked(int(found.group(2)))
    if "://" in word:
        return _url(word, repository)
    if "..." in word:
        raise Refused(f"'{word}' names two sides at once", hints=["a range is written A..B: what B has and A has not"])
    since, dots, revision = word.partition("..")
    if dots:
        return Asked(revision=revision or "HEAD", since=since or "HEAD")
    return Asked(revision=word)


def _url(word: str, repository: str) -> Asked:
    found = _URL.fullmatch(word)
    if found is not None:
        _check(found["repository"], repository)
        if pull := _PULL.fullmatch(found["rest"]):
            return Asked(int(pull["number"]))
        if commit := _COMMIT.fullmatch(found["rest"]):
            return Asked(int(commit["number"]) if commit["number"] else None, commit["hash"])
    raise Refused(
        f"'{word}' is no URL of a pull request or a commit",
        hints=[f"https://github.com/{repository}/pull/N, or …/commit/HASH"],
    )


def _check(theirs: str, repository: str) -> None:
    if theirs.lower() != repository.lower():
        raise Refused(
            f"{theirs} is another repository: picks come from {repository}",
            hints=["github.upstream in .poolside.toml names the repository"],
        )


def carried(origin: Oid, picks: Iterable[Commit], patches: Iterable[Commit]) -> Commit | None:
    """The commit of the stack that `origin` is, or that was picked from it."""
    for commit in (*picks, *patches):
        if commit.oid == origin or cherry_origin(commit.text) == origin:
            return commit
    return None


def of_pull(number: int, picks: Iterable[Commit], repository: str) -> list[Commit]:
    """The picks that came from a pull request."""
    return [commit for commit in picks if pull_number(commit.text, repository) == number]


def named(
    name: str, commits: Sequence[Commit], resolved: Oid | None, repository: str, numbered: Sequence[Commit] = ()
) -> list[Commit]:
    """Those of `commits` that a person may mean; the name is good if there is one.

    By ``#N`` (all from that pull request), by the number in `numbered`, by hash, by what git takes the name for
    (`resolved`), else by words of the subject. A number below 1000 is one of the list or none: inside a subject it
    would be found in others (edge case L9).
    """
    if found := _NUMBER.fullmatch(name):
        return [c for c in commits if pull_number(c.text, repository) == int(found.group(1))]
    if name.isdecimal() and len(name) < 4:
        return [numbered[int(name) - 1]] if 1 <= int(name) <= len(numbered) else []
    if re.fullmatch(r"[0-9a-f]{4,40}", name) and (by_hash := [c for c in commits if c.oid.startswith(name)]):
        return by_hash
    if resolved is not None and (by_name := [c for c in commits if c.oid == resolved]):
        return by_name
    return [commit for commit in commits if name.strip() and name.lower() in commit.subject.lower()]
