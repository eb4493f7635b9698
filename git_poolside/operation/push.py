"""The push: three branches and the published record at once, each with an explicit lease."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from git_poolside import __version__
from git_poolside.config import Config
from git_poolside.errors import FarSideFailed, LeaseLost, PoolsideError, Refused
from git_poolside.git import layers, nightlies, refs
from git_poolside.git.layers import branch_of
from git_poolside.git.nightlies import upstream_tip
from git_poolside.git.objects import TAG, Committer, Objects, format_tag
from git_poolside.git.process import Answer, Git
from git_poolside.git.quarantine import quarantine
from git_poolside.git.remotes import Remote
from git_poolside.operation import journal, lock, log, retention
from git_poolside.operation.dated import standing_date
from git_poolside.operation.lease import refuse_apart, replaced
from git_poolside.operation.topics import Topic, left_behind
from git_poolside.stack.model import Fate, Oid, RefChange, Role
from git_poolside.stack.provenance import Provenance
from git_poolside.stack.retention import next_name
from git_poolside.stack.values import field, frozen
from git_poolside.terminal import by_line
from git_poolside.ui import Ui

_WORKFLOW_REFUSED = re.compile(r"refusing to allow .* workflow\b")
"""What GitHub says to a token without the scope ``workflow`` that pushes a change below ``.github/workflows/``."""


@frozen
class Pushed:
    """What a push did or would do: each ref's value on the server before and after; `record` the published ref.

    `found` says that an earlier push had been accepted without our hearing of it; that is in the log now.
    `topics` are the branches that still stand on an earlier stack, `gone` the records that were taken off the server.
    """

    refs: Mapping[str, tuple[Oid | None, Oid]] = field(default_factory=dict)
    record: str | None = None
    notes: tuple[str, ...] = ()
    found: bool = False
    topics: tuple[Topic, ...] = ()
    gone: tuple[str, ...] = ()


def push(git: Git, config: Config, ui: Ui, command: Sequence[str], *, dry_run: bool = False) -> Pushed:
    """Push the role branches with leases, atomically, and log it.

    The lease of each ref is what the server had when the unpushed work began. Raises `LeaseLost` when the
    server has commits that this stack does not account for, `Refused` for a hook's or rule's refusal,
    `FarSideFailed` for the rest.
    """
    objects = Objects(git)
    remote = Remote(git, config.remotes.fork, ui)
    remote.require(f"git remote add {config.remotes.fork} URL")
    names = [config.ref(branch_of(config, role)) for role in Role]
    local = refs.read(git, names)
    server = remote.listing([*names, f"{config.published.prefix}*"])
    known = log.known(git, objects)
    wanted = replaced(git, config, remote, local, server, known)
    local |= {ref: server[ref] for ref in names if local[ref] and ref not in wanted and ref in server}  # (A2)
    if not wanted:
        record = _unheard(git, config, objects, local, server)
        if dry_run or (record is None and not _unrecorded(git, config, objects, local, server)):
            return Pushed()
        if record is not None:
            remote.fetch([f"{record}:{record}"])
            sent = {ref: tip for ref, tip in local.items() if tip is not None}
            _log(git, config, command, local, {**sent, record: server[record]}, [])
            return Pushed({}, record, found=True)
    refuse_apart(git, config, local, server, known)
    with quarantine(git) as inner:
        own = Objects(inner.git)
        committer = Committer.of(own)
        record, tag = _record(git, config, own, committer, objects, local, server)
        if dry_run:
            return Pushed(wanted, record)
        inner.keep([tag])
    try:
        recorded, notes = _send(git, ui, remote, wanted, record, tag)
    except _Taken:
        return push(git, config, ui, command)  # asks the server again, which has that number now
    sent = {**{ref: tip for ref, (_, tip) in wanted.items()}, **({record: tag} if recorded else {})}
    here = refs.below(git, config.published.prefix).get(record)
    new = [RefChange(record, here, tag)] if recorded else []
    with went_through(config, "git poolside push"):
        _log(git, config, command, local, sent, new, committer.identity)
    notes = (*notes, *_follow(git, config, wanted))
    topics: list[Topic] = []
    before, tip = wanted.get(config.ref(config.branches.patches), (None, None))
    if before and tip and not refs.is_ancestor(git, before, tip):
        topics = left_behind(git, config, remote, tip, server)
    gone, left = _retire(git, config, remote, server, record, local) if recorded else ((), ())
    return Pushed(wanted, record if recorded else None, (*notes, *left), topics=tuple(topics), gone=gone)


def _retire(
    git: Git, config: Config, remote: Remote, server: Mapping[str, Oid], record: str, local: Mapping[str, Oid | None]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Take off the server what ``published.keep`` leaves out; a push that went through does not fail for it."""
    tip = local[config.ref(config.branches.patches)]
    if config.published.keep == "forever" or tip is None:
        return (), ()
    try:
        gone = retention.expired(git, config, remote, server, record, tip)
        return retention.take_off(git, remote, gone) if gone else ((), ())
    except PoolsideError as error:
        return (), (f"older records stay on '{remote.name}': {error.message}",)


@contextmanager
def went_through(config: Config, again: str) -> Iterator[None]:
    """Around the log entry of a push that the server has taken: an error says so, and that `again` writes it."""
    try:
        yield
    except PoolsideError as error:
        error.hints = (f"{again}   (writes it into the log: '{config.remotes.fork}' has taken it all)",)
        raise


class _Taken(Exception):
    """Somebody else's record has got the number meanwhile; nothing was pushed."""


def _log(
    git: Git,
    config: Config,
    command: Sequence[str],
    local: Mapping[str, Oid | None],
    sent: Mapping[str, Oid],
    more: Sequence[RefChange],
    identity: bytes | None = None,
) -> None:
    """Write the push into the operation log, and the refs of `more` with it."""
    with quarantine(git) as inner:
        own = Objects(inner.git)
        committer = Committer.of(own, identity)
        operation = log.Operation(
            "push",
            log.without_secrets(command),
            log.moment(committer),
            (),
            {ref: oid for ref, oid in local.items() if oid is not None},
            pushed=sent,
        )
        previous = refs.read_one(git, refs.OPERATIONS)
        entry = log.write(own, committer, operation, previous, config.operations.keep)
        assert entry.after is not None
        inner.keep([entry.after])
        journal.carry_out(git, "poolside push", [entry, *more])


def _unheard(
    git: Git, config: Config, objects: Objects, local: Mapping[str, Oid | None], server: Mapping[str, Oid]
) -> str | None:
    """The record on the server of a push of ours that we never heard the end of (edge case P4)."""
    newest = next(log.entries(git, objects), None)
    if newest is None or newest.kind == "push":
        return None
    tip = local[config.ref(config.branches.patches)]
    here = refs.below(git, config.published.prefix)
    found = [name for name, oid in server.items() if name.endswith("^{}") and oid == tip]
    return next((name[:-3] for name in reversed(found) if name[:-3] not in here), None)


def _record(
    git: Git,
    config: Config,
    objects: Objects,
    committer: Committer,
    real: Objects,
    local: Mapping[str, Oid | None],
    server: Mapping[str, Oid],
) -> tuple[str, Oid]:
    """The name and the object of the published record: an annotated tag on the patches tip (git-mktag(1))."""
    tips_there = {role.value: local[config.ref(branch_of(config, role))] for role in Role}
    tip = tips_there["patches"] or tips_there["picks"] or tips_there["snapshot"]
    if tip is None:
        raise Refused("there is nothing to push", hints=["git poolside status"])
    patches = config.ref(config.branches.patches)
    last = next((op for op in log.entries(git, real) if op.nightly and _is_below(git, op, patches, tip)), None)
    nightly = dict(last.nightly) if last is not None and last.nightly else None
    dropped = [r.old for r in last.patches if r.fate is Fate.DROPPED and r.old] if last is not None else []
    if nightly is None:
        recent = (Provenance.of(real.commit(Oid(oid)).text) for oid in git.lines("rev-list", "-n", "50", tip, "--"))
        stamp = next((one for one in recent if one.nightly and one.upstream), None)
        if stamp is not None and stamp.nightly and stamp.upstream:
            nightly = {"date": stamp.nightly, "commit": stamp.upstream}
    nightly = nightly or _adopted(git, config, real, tip)
    date = nightly["date"] if nightly else log.moment(committer)[:10]
    prefix = config.published.prefix
    taken = (ref.removeprefix(prefix) for ref in (*server, *refs.below(git, prefix)) if ref.startswith(prefix))
    name = prefix + next_name(date, taken)
    body = {"schema": 1, "tips": tips_there, "nightly": nightly, "dropped": dropped, "tool": __version__}
    message = json.dumps(body, indent=1).encode() + b"\n"
    return name, objects.write(TAG, format_tag(tip, name.rpartition("/")[2], committer.identity, message))


def _adopted(git: Git, config: Config, objects: Objects, tip: Oid) -> dict[str, str] | None:
    """The nightly that a stack without a stamp of ours stands on, as far as one names its base."""
    if refs.read_one(git, config.upstream_ref(config.upstream.branch)) is None:
        return None
    base = layers.base_of(git, config, tip, upstream_tip(git, config))
    date = standing_date(git, config, objects, tip)
    found = nightlies.naming(git, config, base, date) if base is not None else None
    return {"date": found.date, "commit": found.commit, "nightly": found.nightly} if found is not None else None


def _is_below(git: Git, operation: log.Operation, patches: str, tip: Oid) -> bool:
    """Whether the operation made the patches that `tip` is or stands on."""
    made = (change.after for change in operation.refs if change.ref == patches and change.after)
    return any(refs.is_ancestor(git, after, tip) for after in made)


def _unrecorded(
    git: Git, config: Config, objects: Objects, local: Mapping[str, Oid | None], server: Mapping[str, Oid]
) -> bool:
    """Whether the server has our branches, but no record of this state: a push broke off before it (edge case P3)."""
    newest = next(log.entries(git, objects), None)
    tip = local[config.ref(config.branches.patches)]
    records = {oid for ref, oid in server.items() if ref.startswith(config.published.prefix)}
    return newest is not None and newest.kind != "push" and bool(newest.refs) and tip not in (None, *records)


def _send(
    git: Git, ui: Ui, remote: Remote, wanted: Mapping[str, tuple[Oid | None, Oid]], record: str, tag: Oid
) -> tuple[bool, tuple[str, ...]]:
    """One atomic push; a server that takes no refs but branches and tags gets the branches alone, which is said.

    Returns whether the record is there, and what there is to say.
    """
    answer = send_refs(git, ui, remote, wanted, {record: tag})
    if answer.status == 0:
        return True, ()
    if "atomic" in answer.complaint and "support" in answer.complaint:
        return _one_by_one(git, ui, remote, wanted, record, tag)
    outcome = per_ref(answer)
    now = remote.listing([*wanted, record])
    if (
        now.get(record) not in (None, tag)
        and now.items() >= {ref: old for ref, (old, _) in wanted.items() if old}.items()
    ):
        raise _Taken
    if all(now.get(ref) == tip for ref, (_, tip) in wanted.items()):
        if now.get(record) == tag:
            return True, ()  # accepted, the answer was lost
        return False, (_no_record(record, outcome),)
    if outcome.get(record, ("", ""))[0] == "!" and not any(
        flag == "!" and "atomic" not in reason for ref, (flag, reason) in outcome.items() if ref != record
    ):
        again = send_refs(git, ui, remote, wanted, {})
        if again.status == 0:
            return False, (_no_record(record, outcome),)
        answer, outcome = again, per_ref(again)
    raise failure(remote, answer, outcome, "git poolside push")


def _one_by_one(
    git: Git, ui: Ui, remote: Remote, wanted: Mapping[str, tuple[Oid | None, Oid]], record: str, tag: Oid
) -> tuple[bool, tuple[str, ...]]:
    """To a server that cannot take several refs at once: from the snapshot up, each with its lease, the record last.

    The stamp tells what the patches stand on, so each state in between is a stack; a push that breaks off is gone on
    with by the next one (edge case P3).
    """
    went: list[str] = []
    for ref, (before, tip) in wanted.items():
        answer = send_refs(git, ui, remote, {ref: (before, tip)}, {}, atomic=False)
        if answer.status and remote.listing([ref]).get(ref) != tip:
            error = failure(remote, answer, per_ref(answer), "git poolside push")
            if went:
                said = f"{', '.join(went)} had gone before it, as the server takes no atomic push"
                error.message = f"{error.message.replace('; nothing was pushed', '')}\n{said}"
                error.hints = ("git poolside push   (goes on from there)", *error.hints)
            raise error
        went.append(ref.removeprefix("refs/heads/"))
    note = f"'{remote.name}' takes no atomic push: the branches went one after the other"
    answer = send_refs(git, ui, remote, {}, {record: tag}, atomic=False)
    if answer.status and remote.listing([record]).get(record) != tag:
        return False, (note, _no_record(record, per_ref(answer)))
    return True, (note,)


def _no_record(record: str, outcome: Mapping[str, tuple[str, str]]) -> str:
    reason = outcome.get(record, ("", "it said nothing"))[1]
    return f"the server does not take {record} ({reason}); set published.prefix to refs/tags/poolside/"


def send_refs(
    git: Git, ui: Ui, remote: Remote, wanted: Mapping[str, tuple[Oid | None, Oid]], more: Mapping[str, Oid],
    *, atomic: bool = True,
) -> Answer:  # fmt: skip
    """Push atomically: refs of `wanted` from what they have to be there to what they shall be, new ones of `more`."""
    leases = [f"--force-with-lease={ref}:{before or ''}" for ref, (before, _) in wanted.items()]
    leases += [f"--force-with-lease={ref}:" for ref in more]
    specs = [f"{tip}:{ref}" for ref, (_, tip) in wanted.items()] + [f"{oid}:{ref}" for ref, oid in more.items()]
    progress = "--progress" if ui.is_terminal and not ui.quiet else "--no-progress"
    answer = remote.plain.talk(
        "push", "--atomic" if atomic else "--no-atomic", "--porcelain", "--no-follow-tags", "--no-recurse-submodules",
        progress, *leases, remote.name, *specs, ok=range(-64, 256), quiet=ui.quiet or ui.json,
    )  # fmt: skip
    if answer.status < 0:  # it was killed, and its locks would be in the way of noting what the server has
        with suppress(Refused):
            lock.clear(git)
    return answer


def per_ref(answer: Answer) -> dict[str, tuple[str, str]]:
    """Each ref's flag and reason, from ``git push --porcelain`` (git-push(1), OUTPUT)."""
    found: dict[str, tuple[str, str]] = {}
    for row in by_line(answer.stdout.decode("utf-8", "replace")):
        flag, _, rest = row.partition("\t")
        if len(flag) == 1 and "\t" in rest:
            pair, _, summary = rest.partition("\t")
            found[pair.rpartition(":")[2]] = (flag, summary)
    return found


def failure(
    remote: Remote, answer: Answer, outcome: Mapping[str, tuple[str, str]], again: str
) -> LeaseLost | Refused | FarSideFailed:
    """The error for a push that the server did not take; `again` is the command that tries it once more."""
    refused = {ref: reason for ref, (flag, reason) in outcome.items() if flag == "!"}
    lines = [f"  {ref.removeprefix('refs/heads/')}: {reason}" for ref, reason in refused.items()]
    if any("stale info" in reason or "fetch first" in reason for reason in refused.values()):
        return LeaseLost(
            "\n".join([f"somebody pushed to '{remote.name}' meanwhile; nothing was pushed:", *lines]),
            hints=[f"{again}   (looks at what came)"],
        )
    if any(_WORKFLOW_REFUSED.search(reason) for reason in refused.values()):
        return Refused(
            "\n".join([f"'{remote.name}' refused the push, since the token may not write workflow files:", *lines]),
            hints=[
                "upstream changes .github/workflows/ daily: a classic token needs the scope workflow, a fine-grained "
                "one or an App's the permission 'Workflows: write'",
                "the token that Actions gives a job (GITHUB_TOKEN) never has it: check out with one of those",
            ],
        )
    kept = not any("unpacker error" in reason for reason in refused.values())
    if kept and (refused or "hook" in answer.complaint):
        said = [f"  {line}" for line in answer.complaint.splitlines() if line.startswith("remote:")]
        return Refused(
            "\n".join([f"'{remote.name}' refused the push; nothing was pushed:", *lines, *said]),
            hints=[f"{again}   (when the rule above, which is the server's, is satisfied)"],
        )
    words = [line for line in answer.complaint.splitlines() if kept or "unpack" in line or "pack " in line]
    first = words[-1] if words else "it said nothing"
    return FarSideFailed(
        f"the push to '{remote.name}' failed: {first}",
        hints=[f"{again}   (again: it finds out what the server has)"],
    )


def _follow(git: Git, config: Config, wanted: Mapping[str, tuple[Oid | None, Oid]]) -> tuple[str, ...]:
    """The tracking refs name what the server has now, also where the remote has no such refspec.

    What there is to say if they cannot be moved: git-push(1) does not fail for that either.
    """
    tracking = {ref: config.fork_ref(ref.removeprefix("refs/heads/")) for ref in wanted}
    here = refs.read(git, tracking.values())
    moves = [
        RefChange(tracking[ref], here[tracking[ref]], tip)
        for ref, (_, tip) in wanted.items()
        if here[tracking[ref]] != tip
    ]
    try:
        if moves:
            refs.move(git, moves, "poolside push")
    except PoolsideError as error:
        why = error.message.partition("\n")[0]
        remote = config.remotes.fork
        return (f"'{remote}' has all of it, but its tracking branches are behind until the next fetch: {why}",)
    return ()
