"""Pushing a proposal to the fork as a branch of its own, with a lease on what was pushed there before."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

from git_poolside.config import Config
from git_poolside.errors import LeaseLost, Refused
from git_poolside.git import refs
from git_poolside.git.diff import patch_ids
from git_poolside.git.objects import Committer, Objects
from git_poolside.git.process import Git
from git_poolside.git.quarantine import quarantine
from git_poolside.git.remotes import Remote
from git_poolside.operation import journal, log, proposals
from git_poolside.operation.edit import Desk
from git_poolside.operation.proposals import Record
from git_poolside.operation.push import failure, per_ref, send_refs, went_through
from git_poolside.stack.model import Commit, Oid, RefChange
from git_poolside.stack.proposal import branch_name
from git_poolside.stack.values import frozen, replace

_AGAIN = "git poolside upstream PATCH"


@frozen
class Target:
    """The branch that a proposal is for: `record` is what we pushed there last, `there` what the server has now."""

    branch: str
    record: Record | None
    there: Oid | None

    @property
    def ref(self) -> str:
        return f"refs/heads/{self.branch}"


def target(at: Desk, remote: Remote, lead: Commit, given: str | None) -> Target:
    """The branch that is `given`, else the one that the patch `lead` was offered as before, else one by its subject.

    Raises `Refused` for a name that is none, or a layer's.
    """
    records = proposals.read(at.git, at.objects)
    branch = given if given is not None else proposals.branch_of(records, lead, at.patches)
    if branch is None:
        branch = branch_name(lead, records)
    _check_name(at.git, at.config, branch)
    _refuse_upstream(at.git, at.config)
    ref = f"refs/heads/{branch}"
    return Target(branch, records.get(branch), remote.listing([ref]).get(ref))


def _check_name(git: Git, config: Config, branch: str) -> None:
    taken = {name.casefold() for name in config.branches.all}
    if branch.casefold() in taken:
        raise Refused(
            f"'{branch}' is a layer of the fork, which no proposal may replace",
            hints=[f"{_AGAIN} --branch NAME   (another name)"],
        )
    shaped = not branch.startswith(("-", "refs/")) and branch != "HEAD"
    if not shaped or git.try_run("check-ref-format", f"refs/heads/{branch}").status:
        raise Refused(
            f"'{branch}' is no name for a branch (git-check-ref-format(1))", hints=[f"{_AGAIN} --branch NAME"]
        )


def _refuse_upstream(git: Git, config: Config) -> None:
    """Raises `Refused` where the fork's remote pushes to upstream's url."""
    fork, upstream = config.remotes.fork, config.remotes.upstream
    urls = set(git.try_run("remote", "get-url", "--push", "--all", fork).text.splitlines())
    if urls & set(git.try_run("remote", "get-url", "--all", upstream).text.splitlines()):
        raise Refused(
            f"'{fork}' pushes to where '{upstream}' is, and nothing is ever pushed to upstream",
            hints=[f"git remote set-url {fork} URL   (the fork's own)"],
        )


def check_lease(at: Desk, remote: Remote, to: Target, new: Sequence[Commit], replace: str | None) -> None:
    """Raises `LeaseLost` where the branch on the server holds commits that `new` does not account for.

    What we pushed last is accounted for, and `replace`, the tip that somebody has looked at.
    """
    there = to.there
    if there is None or there in (new[-1].oid, to.record.tip if to.record else None):
        return
    if replace is not None and len(replace) >= 7 and there.startswith(replace.lower()):
        return
    if not at.objects.exists(there):
        remote.fetch([f"+{to.ref}:{at.config.fork_ref(to.branch)}"])
    if to.record is not None and refs.is_ancestor(at.git, there, to.record.tip):
        return
    known = [f"^{to.record.tip}"] if to.record is not None else []
    came = [Oid(oid) for oid in at.git.lines("rev-list", there, f"^{at.here.upstream}", *known, "--")]
    identities = patch_ids(at.git, [*came, *(commit.oid for commit in new)])

    def said(commit: Commit) -> tuple[object, ...]:
        return commit.author, commit.message, identities.get(commit.oid)

    ours = {said(commit) for commit in new}
    strange = [commit for commit in map(at.objects.commit, came) if said(commit) not in ours]
    if came and not strange:
        return
    whose = "that were not pushed from here" if to.record is not None else "and was not pushed from here"
    listing = [f"  {commit.oid[:9]} {_author(commit)}: {commit.subject}" for commit in strange[:10]]
    raise LeaseLost(
        "\n".join([f"'{to.branch}' on '{remote.name}' has commits {whose}:", *listing]),
        hints=[
            f"git show {there[:9]}   (take what is wanted of it into the patch)",
            f"{_AGAIN} --replace {there[:12]}   (then puts the patches in their place)",
            f"{_AGAIN} --branch NAME   (leaves them alone)",
        ],
    )


def _author(commit: Commit) -> str:
    return commit.author.partition(b" <")[0].decode("utf-8", "replace")


def send(at: Desk, remote: Remote, to: Target, tip: Oid) -> bool:
    """Push the branch, unless the server has it so already. Whether it was pushed; raises as `push` does."""
    if to.there == tip:
        return False
    answer = send_refs(at.git, at.ui, remote, {to.ref: (to.there, tip)}, {})
    if answer.status and remote.listing([to.ref]).get(to.ref) != tip:
        raise failure(remote, answer, per_ref(answer), _AGAIN)
    return True


def keep(at: Desk, command: Sequence[str], to: Target, record: Record, pushed: bool) -> Record:
    """Write a record of what was offered, and a push into the operation log; the record as it is kept.

    A run that was killed behind its push left it for this one to note, which finds the branch there (edge case P4).
    """
    git, config = at.git, at.config
    if record == to.record and not pushed:
        return to.record or record
    with quarantine(git) as inner:
        own = Objects(inner.git)
        committer = Committer.of(own)
        kept = proposals.change(own, committer, record, to.record)
        moves = [kept]
        if pushed or to.record is None or to.record.tip != record.tip:
            operation = log.Operation(
                "upstream",
                log.without_secrets(command),
                log.moment(committer),
                (),
                log.known(git, at.objects).leases,
                pushed={to.ref: record.tip},
            )
            previous = refs.read_one(git, refs.OPERATIONS)
            tracking = config.fork_ref(to.branch)
            moves.insert(0, log.write(own, committer, operation, previous, config.operations.keep))
            moves.append(RefChange(tracking, refs.read_one(git, tracking), record.tip))
        inner.keep([move.after for move in moves if move.after is not None])
        with went_through(config, _AGAIN) if pushed else nullcontext():
            journal.carry_out(git, "poolside upstream", moves)
        return replace(record, tag=kept.after)
