"""Upstream's commits as facts for the verdicts, and who touched a path."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable

from git_poolside.git import line
from git_poolside.git.facts import Facts, joined
from git_poolside.git.process import Git
from git_poolside.stack.model import Oid
from git_poolside.stack.verdict import History, UpstreamCommit
from git_poolside.ui import Ui

Read = tuple[History, dict[Oid, frozenset[bytes]]]


def begin(
    git: Git, base: Oid, target: Oid, tip: Oid, repository: str
) -> Callable[[Collection[frozenset[bytes]], Ui], Read]:
    """Begin to read upstream's commits after `base`: first those up to `target`, then those that only `tip` has.

    What is returned gives them, and those that touch just the paths of one of the sets that it is called with, each
    with its set.
    """
    after = line.own(git, tip, [base], [target]) if tip != target else []
    upto = line.own(git, target, [base]) if target != base else []
    facts = Facts(git, repository).read([*upto, *after])

    def read(sets: Collection[frozenset[bytes]], ui: Ui) -> Read:
        wanted = {joined(paths): paths for paths in sets}
        found: dict[Oid, UpstreamCommit] = {}
        alike: dict[Oid, frozenset[bytes]] = {}
        with ui.progress("Reading upstream's commits", len(upto) + len(after)) as step:
            for commit, paths in facts:
                found[commit.oid] = commit
                if paths in wanted:
                    alike[commit.oid] = wanted[paths]
                step(len(found))
        return History.of([found[oid] for oid in (*upto, *after)], len(upto)), alike

    return read


def telling(git: Git, tip: Oid, words: Iterable[str], repository: str, since: int = 0) -> History:
    """Those commits of the branch up to `tip` whose messages hold one of `words`, which are searched by git.

    Of the whole branch, or of what was committed after `since`, in seconds since the epoch.
    """
    after = [f"--since={since}"] if since else []
    return _said(git, repository, "-F", *after, *(f"--grep={word}" for word in words if word), tip)


def said(git: Git, base: Oid, target: Oid, repository: str) -> History:
    """Upstream's commits after `base` up to `target` by their messages alone."""
    return _said(git, repository, target, f"^{base}")


def _said(git: Git, repository: str, *asked: str) -> History:
    out = git.run("log", "-z", "--topo-order", "--reverse", "--format=%H %ct%n%B", *asked, "--").stdout
    found: list[UpstreamCommit] = []
    for record in out.decode("utf-8", "replace").split("\0"):
        head, _, message = record.partition("\n")
        if head:
            oid, _, seconds = head.partition(" ")
            found.append(UpstreamCommit.of(Oid(oid), int(seconds), message, repository))
    return History.of(found, len(found))


def touching(git: Git, base: Oid, target: Oid, paths: Iterable[bytes]) -> list[Oid]:
    """The commits of `base`..`target` that touch one of `paths`, oldest first."""
    names = [b":(literal)" + path for path in paths]
    if not names:
        return []
    # --stdin takes revisions and pathspecs, so the number of paths has no limit (git-rev-list(1)). It reads lines, that
    # end as on Windows too: a path with such an end in it is an argument (edge case C9).
    odd = [name for name in names if b"\n" in name or name.endswith(b"\r")]
    asked = b"\n".join([f"{base}..{target}".encode(), b"--", *(name for name in names if name not in odd)]) + b"\n"
    arguments = ["--topo-order", "--reverse", "--stdin", "--", *map(os.fsdecode, odd)]
    return [Oid(oid) for oid in git.lines("rev-list", *arguments, input=asked)]
