"""Upstream's commits as facts for the verdicts, and who touched a path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from git_poolside.git.process import Git
from git_poolside.stack.model import Oid
from git_poolside.stack.provenance import bare_title, pull_number, revert_reason, undoing
from git_poolside.stack.verdict import History, UpstreamCommit


def read(git: Git, base: Oid, target: Oid, tip: Oid, repository: str) -> History:
    """Upstream's commits after `base`: first those up to `target`, then those that only `tip` has."""
    upto = _commits(git, [target, f"^{base}"], repository) if target != base else []
    after = _commits(git, [tip, f"^{target}", f"^{base}"], repository) if tip != target else []
    return History.of([*upto, *after], len(upto))


def _commits(git: Git, revisions: Sequence[str], repository: str) -> list[UpstreamCommit]:
    out = git.run("log", "-z", "--topo-order", "--reverse", "--format=%H %ct%n%B", *revisions, "--").stdout
    return [_facts(record.decode("utf-8", "replace"), repository) for record in out.split(b"\0") if record]


def _facts(record: str, repository: str) -> UpstreamCommit:
    head, _, message = record.partition("\n")
    oid, _, seconds = head.partition(" ")
    return UpstreamCommit(
        Oid(oid),
        int(seconds),
        message.lstrip("\n").partition("\n")[0],
        bare_title(message),
        pull_number(message, repository),
        undoing(message, repository),
        revert_reason(message),
    )


def touching(git: Git, base: Oid, target: Oid, paths: Iterable[bytes]) -> list[Oid]:
    """The commits of `base`..`target` that touch one of `paths`, oldest first."""
    names = [b":(literal)" + path for path in paths]
    if not names:
        return []
    revisions = f"{base}..{target}".encode()
    # --stdin takes revisions and pathspecs, so the number of paths has no limit (git-rev-list(1)).
    asked = b"\n".join([revisions, b"--", *names]) + b"\n"
    return [Oid(oid) for oid in git.lines("rev-list", "--topo-order", "--reverse", "--stdin", input=asked)]
