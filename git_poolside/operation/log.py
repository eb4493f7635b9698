"""The operation log: a chain of commits under ``refs/poolside/operations``, one for each operation.

Each commit's tree holds ``operation.json``; its first parent is the operation before, the others are every tip
before and after, so that nothing that an operation replaced is ever collected as garbage.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from git_poolside import __version__
from git_poolside.errors import Refused
from git_poolside.git import refs
from git_poolside.git.objects import BLOB, Committer, Entry, Objects
from git_poolside.git.process import PINNED, Git, version
from git_poolside.git.standing import Known
from git_poolside.stack.model import UNTOLD, Fate, Oid, PatchResult, RefChange, Role, Verdict
from git_poolside.stack.nightly import LAST_SECOND
from git_poolside.stack.values import field, frozen
from git_poolside.terminal import without_passwords

FILE = b"operation.json"
_ISO = "%Y-%m-%dT%H:%M:%SZ"


@frozen
class Operation:
    """One entry. `refs` are the branches that it moved; `leases` what the fork's server had then, which
    the unpushed work was made from; `onto` the snapshot that the stack stands on afterwards, `base` the one before.
    """

    kind: str
    command: tuple[str, ...]
    time: str
    refs: tuple[RefChange, ...]
    leases: Mapping[str, Oid | None] = field(default_factory=dict)
    nightly: Mapping[str, str] | None = None
    base: Oid | None = None
    onto: Oid | None = None
    patches: tuple[PatchResult, ...] = ()
    pushed: Mapping[str, Oid] = field(default_factory=dict)
    undoes: tuple[str, ...] = ()
    id: str = ""
    commit: Oid | None = None

    @property
    def title(self) -> str:
        """The command line, as it would be typed."""
        import shlex

        return shlex.join(self.command)


def moment(committer: Committer) -> str:
    """The operation's time, ISO 8601 in UTC: the date that its commits get (``git var GIT_COMMITTER_IDENT``)."""
    seconds = int(committer.identity.rpartition(b">")[2].split()[0])
    return datetime.fromtimestamp(min(seconds, LAST_SECOND), UTC).strftime(_ISO)


def without_secrets(command: Sequence[str]) -> tuple[str, ...]:
    """A command line without the passwords of its urls and without the command of ``--exec``: who may read a clone
    need not read that, and what a secret looks like in it nobody can tell.
    """
    words: list[str] = []
    for word in command:
        if words[-1:] == ["--exec"]:
            word = UNTOLD
        elif word.startswith("--exec="):
            word = f"--exec={UNTOLD}"
        words.append(without_passwords(word))
    return tuple(words)


def result_to_json(result: PatchResult) -> dict[str, Any]:
    return {
        "role": result.role.value,
        "old": result.old,
        "new": result.new,
        "subject": result.subject,
        "fate": result.fate.value,
        "verdict": result.verdict.value,
        "upstream": list(result.upstream),
        "pull": result.pull,
        "signals": list(result.signals),
        "reason": result.reason,
        "paths": list(result.paths),
        "notes": list(result.notes),
        "assumes": list(result.assumes),
        "landed": result.landed,
    }


def result_from_json(raw: Mapping[str, Any]) -> PatchResult:
    return PatchResult(
        Role(raw["role"]),
        raw["old"],
        raw["new"],
        raw["subject"],
        Fate(raw["fate"]),
        Verdict(raw["verdict"]),
        raw.get("reason", ""),
        tuple(raw.get("upstream", ())),
        raw.get("pull"),
        tuple(raw.get("signals", ())),
        tuple(raw.get("paths", ())),
        tuple(raw.get("notes", ())),
        tuple(raw.get("assumes", ())),
        raw.get("landed"),
    )


def _to_json(operation: Operation) -> dict[str, Any]:
    return {
        "schema": 1,
        "kind": operation.kind,
        "command": list(operation.command),
        "time": operation.time,
        "nightly": operation.nightly,
        "base": operation.base,
        "onto": operation.onto,
        "refs": {c.ref: {"before": c.before, "after": c.after} for c in operation.refs},
        "leases": dict(operation.leases),
        "pushed": dict(operation.pushed),
        "undoes": list(operation.undoes),
        "patches": [result_to_json(result) for result in operation.patches],
        "tool": __version__,
        "git": ".".join(map(str, version())),
        "pinned": list(PINNED),
    }


def _from_json(raw: Mapping[str, Any], blob: Oid, commit: Oid) -> Operation:
    return Operation(
        raw["kind"],
        tuple(raw["command"]),
        raw["time"],
        tuple(RefChange(ref, v["before"], v["after"]) for ref, v in raw["refs"].items()),
        raw.get("leases", {}),
        raw.get("nightly"),
        raw.get("base"),
        raw.get("onto"),
        tuple(result_from_json(result) for result in raw.get("patches", ())),
        raw.get("pushed", {}),
        tuple(raw.get("undoes", ())),
        _named(blob),
        commit,
    )


def entries(git: Git, objects: Objects) -> Iterator[Operation]:
    """The operations, newest first."""
    tip = refs.read_one(git, refs.OPERATIONS)
    while tip is not None:
        commit = objects.commit(tip)
        try:
            entry = objects.tree(commit.tree)[FILE]
            raw = json.loads(objects.read(entry.oid))
            operation = _from_json(raw, entry.oid, tip)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Refused(
                f"the operation log cannot be read at {tip[:12]}",
                hints=[
                    f"git show {tip[:12]}   (shows the entry)",
                    f"git update-ref -d {refs.OPERATIONS}   (forgets the log; no branch moves)",
                ],
            ) from error
        yield operation
        tip = commit.parents[0] if commit.parents and raw.get("previous", True) else None


def write(objects: Objects, committer: Committer, operation: Operation, previous: Oid | None, keep: str) -> RefChange:
    """The operation's commit, and the change of the log's ref that goes first in its transaction.

    Entries older than `keep` (``operations.keep``) are left behind; what they alone held is garbage then.
    """
    chain = list(_young(objects, previous, keep, operation.time)) if previous is not None else []
    if previous is not None and len(chain) and chain[-1][1] is not None:
        below: Oid | None = None
        for raw, parents in reversed([(raw, rest) for raw, rest, _ in chain]):
            below = _commit(objects, committer, {**raw, "previous": below is not None}, below, parents or ())
        parent = below
    else:
        parent = previous
    raw = {**_to_json(operation), "previous": parent is not None}
    tips = [oid for c in operation.refs for oid in (c.before, c.after) if oid is not None]
    tips += [oid for oid in operation.leases.values() if oid is not None]
    new = _commit(objects, committer, raw, parent, tips)
    return RefChange(refs.OPERATIONS, previous, new)


def _young(
    objects: Objects, tip: Oid | None, keep: str, time: str
) -> Iterator[tuple[dict[str, Any], tuple[Oid, ...] | None, Oid]]:
    """The entries within `keep`; only if some are older do they come with what they held, to be made anew."""
    if keep == "forever":
        return
    limit = (datetime.strptime(time, _ISO) - timedelta(days=int(keep.split()[0]))).strftime(_ISO)
    found: list[tuple[dict[str, Any], tuple[Oid, ...], Oid]] = []
    older = False
    while tip is not None:
        commit = objects.commit(tip)
        raw = json.loads(objects.read(objects.tree(commit.tree)[FILE].oid))
        if raw["time"] < limit:
            older = True
            break
        linked = bool(raw.get("previous", True)) and bool(commit.parents)
        found.append((raw, commit.parents[1:] if linked else commit.parents, tip))
        tip = commit.parents[0] if linked else None
    if older:
        yield from found


def _commit(
    objects: Objects, committer: Committer, raw: dict[str, Any], previous: Oid | None, tips: Sequence[Oid]
) -> Oid:
    blob = objects.write(BLOB, json.dumps(raw, indent=1).encode())
    tree = objects.write_tree({FILE: Entry(0o100644, blob)})
    parents = ([previous] if previous else []) + [oid for oid in dict.fromkeys(tips) if oid != previous]
    message = f"{' '.join(raw['command'])}\n".encode("utf-8", "surrogateescape")
    return Committer(objects, committer.identity, signing=False).commit(tree, parents, message)


def known(git: Git, objects: Objects, before: str = "") -> Known:
    """What the log knows of the fork's server, and what our operations have done since the last push.

    As it was when the operation with the id `before` began, if one is named.
    """
    leases: dict[str, Oid | None] | None = None
    put: dict[str, Oid | None] = {}
    over: dict[str, Oid | None] = {}
    listed = entries(git, objects)
    if before:
        listed = itertools.islice(itertools.dropwhile(lambda one: one.id != before, listed), 1, None)
    for operation in listed:
        leases = dict(operation.leases) if leases is None else leases
        if operation.kind == "push":
            break
        for change in operation.refs:
            if change.ref not in put and not operation.undoes:
                over[change.ref] = operation.leases.get(change.ref)
            put.setdefault(change.ref, change.after)
    return Known(leases or {}, put, over)


def id_of(objects: Objects, entry: Oid) -> str:
    """What the operation of an entry is called by."""
    return _named(objects.tree(objects.commit(entry).tree)[FILE].oid)


def _named(blob: Oid) -> str:
    return blob[:12]


def find(git: Git, objects: Objects, name: str) -> Operation:
    """The operation whose id starts with `name`. Raises `Refused`."""
    found = [operation for operation in entries(git, objects) if name and operation.id.startswith(name)]
    if len(found) == 1:
        return found[0]
    what = "no operation" if not found else f"{len(found)} operations"
    raise Refused(f"{what} with the id '{name}'", hints=["git poolside log   (lists them)"])
