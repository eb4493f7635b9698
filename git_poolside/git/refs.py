"""Refs: reading them at one moment, and moving several in one transaction with their expected old values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from git_poolside.errors import GitFailed, Refused
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
    """The value of each ref, by one process at most; None where it does not exist.

    What git said before is still so where the files that it read stand as they did.
    """
    refs = list(refs)
    found: dict[str, Oid | None] = {ref: _MOMENT.get(ref) for ref in refs}
    anew: dict[str, object] = {}
    for ref, stands in _stand(git, (ref for ref in refs if ref not in _MOMENT)).items():
        said = _remembered(git, ref, stands)
        if said is None:
            anew[ref] = stands
        else:
            found[ref] = said.get(ref)
    asked = _ask(git, anew) if anew else {}
    return found | {ref: asked.get(ref) for ref in anew}


def read_one(git: Git, ref: str) -> Oid | None:
    return read(git, [ref])[ref]


def below(git: Git, prefix: str) -> dict[str, Oid]:
    """All refs whose names start with `prefix`, which ends with a slash, in the order of their names, ``-2`` before
    ``-10``. What git said before is still so as in `read`.
    """
    stands = _stand(git, [prefix])
    found = _remembered(git, prefix, stands[prefix])
    return dict(found if found is not None else _ask(git, stands))


def read_ahead(git: Git, names: Iterable[str]) -> None:
    """Ask for all of these by one process, refs and what is below prefixes: what stands is not asked for again."""
    wanted = _stand(git, names).items()
    if anew := {name: stands for name, stands in wanted if _remembered(git, name, stands) is None}:
        _ask(git, anew)


def _ask(git: Git, wanted: Mapping[str, object]) -> dict[str, Oid]:
    """What git has for refs and below prefixes; it is remembered for how each of them `stands`."""
    said: dict[str, Oid] = {}
    symbolic: list[str] = []
    form = "--format=%(objectname) %(refname) %(symref)"
    for line in git.lines("for-each-ref", "--sort=version:refname", form, *wanted):
        oid, ref, target = line.split(" ")
        said[ref] = Oid(oid)
        symbolic += [ref] if target else []
    for name, stands in wanted.items():
        inside = {ref: oid for ref, oid in said.items() if ref == name or (name[-1] == "/" and ref.startswith(name))}
        if stands is not None and not any(ref in inside for ref in symbolic):
            _READ[git.common_dir, name] = stands, inside
    return said


def _remembered(git: Git, name: str, stands: object) -> dict[str, Oid] | None:
    """What git said of a ref or prefix when its files stood as they do; None where that is not known."""
    before, said = _READ.get((git.common_dir, name), (None, None))
    return said if stands is not None and stands == before else None


_SHARED = ("refs/heads/", "refs/remotes/", "refs/tags/", "refs/poolside/")
"""Refs whose files lie in the common folder, whichever worktree asks (gitrepository-layout(5))."""
_READ: dict[tuple[Path, str], tuple[object, dict[str, Oid]]] = {}


def in_files(git: Git) -> bool:
    """Whether refs and their logs are files: git has another format, and another place, for them (git-config(1))."""
    return git.setting("extensions.refStorage") in (None, "files") and "GIT_REFERENCE_BACKEND" not in git.environment


def _stand(git: Git, names: Iterable[str]) -> dict[str, object]:
    """How the files of each ref, or of all below a prefix, stand; None where refs are kept in no files."""
    packed = _stamp(git.common_dir / "packed-refs") if in_files(git) else None
    found: dict[str, object] = {}
    for name in names:
        place = git.common_dir / name
        if packed is None or not name.startswith(_SHARED):
            found[name] = None
        elif name[-1] == "/":
            files = sorted(path for path in place.rglob("*") if path.is_file())
            found[name] = packed, [(file, _stamp(file)) for file in files]
        else:
            found[name] = packed, _stamp(place)
    return found


def _stamp(path: Path) -> object:
    """What is another whenever git has written the file anew: it puts a new file in the old one's place."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


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


def refuse_moved(git: Git, changes: Iterable[RefChange]) -> None:
    """Raises `Refused` where a ref is not at its expected value any more, before anything is begun."""
    expected = {change.ref: change.before for change in changes}
    now = read(git, expected)
    if moved := [ref.removeprefix("refs/heads/") for ref in expected if now[ref] != expected[ref]]:
        raise Refused(
            f"'{moved[0]}' was moved by somebody else while poolside worked",
            snag="moved-since",
            hints=["nothing was changed; run the command again"],
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
    if "but expected" in answer.complaint or "reference already exists" in answer.complaint:
        raise Refused(
            f"a branch moved while poolside worked: {answer.complaint.removeprefix('fatal: ')}",
            snag="moved-since",
            hints=["nothing was changed; run the command again"],
        )
    raise GitFailed(["update-ref"], answer.status, answer.complaint)
