"""Refs: reading them at one moment, and moving several in one transaction with their expected old values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from git_poolside.errors import GitFailed, Refused
from git_poolside.git import ref_files
from git_poolside.git.process import DURABLE, Git
from git_poolside.stack.model import NULL_OID, Oid, RefChange

OPERATIONS = "refs/poolside/operations"
STOPPED = "refs/poolside/stopped"
PULLS = "refs/poolside/pulls/"
"""Below it, by number, the last version seen of each open pull request that picks come from."""
PROPOSED = "refs/poolside/proposed/"
"""Below it, by branch, what was offered upstream as this branch of the fork, as we last pushed it: a tag object."""


_MOMENT: dict[str, Oid | None] = {}


@contextmanager
def at_one_moment(git: Git, refs: Iterable[str]) -> Iterator[None]:
    """Inside, each of `refs` has the value that it has now: they are read once, and no two are from different times.

    Nothing in the block may move one of them.
    """
    _MOMENT.update(read(git, refs))
    try:
        yield
    finally:
        _MOMENT.clear()


def read(git: Git, refs: Iterable[str]) -> dict[str, Oid | None]:
    """The value of each ref; None where it does not exist. By their files, or else by one process."""
    found: dict[str, Oid | None] = {}
    odd: list[str] = []
    files = ref_files.in_use(git)
    for ref in refs:
        if ref in _MOMENT:
            found[ref] = _MOMENT[ref]
            continue
        with suppress(ref_files.Odd):
            if files:
                found[ref] = ref_files.value(git.common_dir, ref)
                continue
        odd.append(ref)
    if odd:
        asked = _ask(git, odd)
        found |= {ref: asked.get(ref) for ref in odd}
    return found


def read_one(git: Git, ref: str) -> Oid | None:
    return read(git, [ref])[ref]


def below(git: Git, prefix: str) -> dict[str, Oid]:
    """All refs whose names start with `prefix`, which ends with a slash, in the order of their names, ``-2`` before
    ``-10``.
    """
    if ref_files.in_use(git):
        with suppress(ref_files.Odd):
            return ref_files.below(git.common_dir, prefix)
    return _ask(git, [prefix])


def _ask(git: Git, names: Iterable[str]) -> dict[str, Oid]:
    """What git has for refs and below prefixes."""
    lines = git.lines("for-each-ref", "--sort=version:refname", "--format=%(objectname) %(refname)", *names)
    return {ref: Oid(oid) for oid, ref in (line.split(" ") for line in lines)}


def resolve(git: Git, name: str) -> Oid | None:
    """The commit that a name means to git, or None."""
    if name in _MOMENT:
        return _MOMENT[name]
    answer = git.try_run("rev-parse", "-q", "--verify", "--end-of-options", f"{name}^{{commit}}")
    return Oid(answer.text) if answer.status == 0 else None


def is_ancestor(git: Git, older: Oid, newer: Oid) -> bool:
    """Whether `newer` descends from `older` or is it. What the names say stays so: it is asked once."""
    key = (older, newer)
    if key not in _ANCESTRY:
        status = git.run("merge-base", "--is-ancestor", older, newer, ok=(0, 1)).status if older != newer else 0
        _ANCESTRY[key] = status == 0
    return _ANCESTRY[key]


def remember_ancestor(older: Oid, newer: Oid) -> None:
    """An answer for `is_ancestor`, found otherwise."""
    _ANCESTRY[older, newer] = True


_ANCESTRY: dict[tuple[Oid, Oid], bool] = {}


def refuse_moved(
    git: Git, changes: Iterable[RefChange], hint: str = "git poolside status   (shows where everything stands)"
) -> None:
    """Raises `Refused` where a ref is not at its expected value any more; `hint` is what there is to do then."""
    expected = {change.ref: change.before for change in changes}
    now = read(git, expected)
    if moved := [ref.removeprefix("refs/heads/") for ref in expected if now[ref] != expected[ref]]:
        raise Refused(
            f"'{moved[0]}' was moved by somebody else while poolside worked",
            snag="moved-since",
            hints=[hint],
        )


def move(git: Git, changes: Sequence[RefChange], message: str) -> None:
    """Move refs in one ``git update-ref --stdin`` transaction; `message` goes to their reflogs.

    Success is git's own line ``commit: ok`` and nothing else (design: Who owns what). Raises `Refused` when a
    ref is not at its expected value, `GitFailed` for the rest; no ref has moved then.
    """
    lines = ["start"]
    for change in changes:
        before = change.before or NULL_OID
        if change.after is None:
            lines.append(f"delete {change.ref}\0{before}")
        else:
            lines.append(f"update {change.ref}\0{change.after}\0{before}")
    lines += ["prepare", "commit"]
    answer = git.with_options(*DURABLE).try_run(
        "update-ref", "-m", message, "--create-reflog", "--stdin", "-z",
        input=("\0".join(lines) + "\0").encode("utf-8", "surrogateescape"),
    )  # fmt: skip
    said = answer.stdout.decode("utf-8", "replace").splitlines()
    if answer.status == 0 and "commit: ok" in said:
        return
    if "cannot lock ref" in answer.complaint:  # that is before any ref has moved
        refuse_moved(git, changes)
    raise GitFailed(["update-ref"], answer.status, answer.complaint)
