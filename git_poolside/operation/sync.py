"""Carrying an order out: rebuild, snags, conservation, log, journal; or the stop.

`execute` is one run of an order; what a stop waits for is in `resume`.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from git_poolside.config import Config
from git_poolside.errors import EXIT_REFUSED, EXIT_STOPPED, Refused
from git_poolside.git import refs, worktree
from git_poolside.git.diff import changes, tree_of_parent
from git_poolside.git.layers import StackReader, branch_of
from git_poolside.git.meanwhile import meanwhile
from git_poolside.git.objects import Committer, Objects
from git_poolside.git.process import Git
from git_poolside.git.quarantine import Quarantine
from git_poolside.operation import journal, log, planned, stopped
from git_poolside.operation.carry import carry
from git_poolside.operation.check import conserve
from git_poolside.operation.evidence import Witness
from git_poolside.operation.exec import first_failure
from git_poolside.operation.explain import explanation
from git_poolside.operation.generated import Generated
from git_poolside.operation.ledger import Ledger
from git_poolside.operation.order import Order
from git_poolside.operation.prepare import with_choices
from git_poolside.operation.rebuild import Rebuild
from git_poolside.operation.rebuilt import Rebuilt, Stop
from git_poolside.operation.stand import stand, to_mend
from git_poolside.operation.stopped import CONFLICT, EXEC, Stopped
from git_poolside.operation.topics import Topic
from git_poolside.operation.workshop import Made, Moved, Workshop, workshop
from git_poolside.stack.model import Conflict, Oid, PatchResult, RefChange, Role, Snag, Stack, Touch, Verdict
from git_poolside.stack.values import field, mutable
from git_poolside.ui import Ui


@mutable
class Outcome:
    """What a run came to, for the report. `changes` are the branches that moved (or would), `topics` those that the
    push has left behind. `mending` is what to type when the files of a stop are edited.
    """

    kind: str
    order: Order
    stack: Stack
    rebuilt: Rebuilt
    changes: tuple[RefChange, ...] = ()
    snags: tuple[Snag, ...] = ()
    notes: list[str] = field(default_factory=list)
    operation: str | None = None
    dry_run: bool = False
    pushed: bool = False
    topics: tuple[Topic, ...] = ()
    stood: Stopped | None = None
    mending: Sequence[str] = ()
    submodules: tuple[str, ...] = ()
    explanation: tuple[str, ...] = ()
    moved: tuple[Moved, ...] = ()

    @property
    def status(self) -> int:
        return {"refused": EXIT_REFUSED, "stopped": EXIT_STOPPED}.get(self.kind, 0)


def execute(
    git: Git,
    config: Config,
    ui: Ui,
    order: Order,
    *,
    dry_run: bool = False,
    no_stop: bool = False,
    standing: Stopped | None = None,
) -> Outcome:
    """Run an order. `standing` is the stop that it goes on from. Nothing moves unless all of it holds.

    A bare repository is no place to resolve a conflict, so there a stop is reported as with `no_stop`.
    """
    no_stop = no_stop or git.worktree is None
    with workshop(git, config, ui, order, dry_run=dry_run or no_stop) as shop:
        inner, objects, committer = shop.inner, shop.objects, shop.committer
        made = carry(shop, order) if order.moves else _make(shop, order)
        rebuilt = made.rebuilt
        outcome = Outcome(
            "done",
            order,
            made.stack,
            rebuilt,
            dry_run=dry_run,
            notes=[*order.notes, *made.notes, *rebuilt.notes],
            explanation=made.explanation,
            moved=tuple(made.moved),
        )
        doubts = (*order.snags, *made.snags, *rebuilt.snags)
        again = f"{order.program} --continue" if standing is not None else f"git poolside {shlex.join(order.typed)}"
        outcome.snags = tuple(snag.in_full(again) for snag in doubts if snag.name not in order.choices.allow)
        shop.merge.end()  # nothing is asked ahead any more when the user is talked to
        if rebuilt.stop is not None and not outcome.snags and not (dry_run or no_stop):
            _stop(git, inner, objects, committer, outcome, rebuilt.stop, standing)
            Generated(inner.git, config, objects).settle(git, rebuilt.stop.commit, rebuilt.stop.partial)
            return outcome
        if rebuilt.stop is not None:
            outcome.kind = "stopped"
        if outcome.snags:
            outcome.kind, outcome.stood = "refused", standing
        if outcome.kind != "done":
            return outcome
        generated = frozenset(Generated(inner.git, config, objects).files)
        for old, new in made.parts:
            conserve(inner.git, objects, old, new, generated, order.plan)
        if not planned.changes_nothing(order.plan, rebuilt):
            changes = (RefChange(ref, order.refs[ref], oid) for ref, oid in made.after.items())
            outcome.changes = tuple(change for change in changes if change.before != change.after)
        if not outcome.changes:
            outcome.kind = "nothing-to-do"
        if dry_run or not outcome.changes:
            return outcome
        if order.exec and (failed := _exec(git, inner, outcome, order.exec)) is not None:
            if no_stop:
                outcome.kind = "stopped"
                return outcome
            _stop(git, inner, objects, committer, outcome, failed, standing, EXEC)
            return outcome
        _publish(git, config, inner, objects, committer, outcome, standing)
        return outcome


def _make(shop: Workshop, order: Order) -> Made:
    """The whole stack anew, as a sync or an edit of it orders."""
    git, config, ui, objects = shop.git, shop.config, shop.ui, shop.objects
    reader = StackReader(git, config, objects, shop.merge, order.upstream)
    stack = reader.read(order.tips[Role.PICKS], order.tips[Role.PATCHES], order.target)
    stack = stack.topped({role: [objects.commit(oid) for oid in order.taken[role]] for role in order.taken})
    plan = order.plan
    new = planned.Wanted(stack)
    if plan is not None:
        new = planned.wanted(objects, shop.committer.identity, stack, order.target, plan)
    ledger = Ledger(git, config, objects, new.stack, order.target, order.choices)
    if plan is None:
        stack = ledger.stack
    # Where the snapshot stays, upstream's later commits are nobody's witness.
    upstream = order.upstream if plan is None else order.target
    witness = Witness(git, config, ui, objects, shop.engine, ledger.stack, order.target, upstream)
    judged = None if plan is None and not order.choices.adopt else frozenset[Oid]()
    rebuilt = Rebuild(
        git, config, ui, objects, shop.engine, shop.committer, witness, ledger, order.target, order.date,
        order.choices, dry_run=shop.dry_run, judged=judged, anew=new.anew,
    ).run()  # fmt: skip
    if plan is not None:
        planned.account(git, objects, stack, new, plan, rebuilt)
        planned.refuse_lost(plan, rebuilt, order.choices.resolutions)
    made = Made(ledger.stack, rebuilt, [(stack, rebuilt)], notes=reader.notes, snags=reader.snags)
    if order.explain is not None:
        made.explanation = explanation(witness, ledger, rebuilt, order.explain)
    if Role.PATCHES in rebuilt.tips:
        made.after = _after(config, order, rebuilt)
    return made


def _after(config: Config, order: Order, rebuilt: Rebuilt) -> dict[str, Oid | None]:
    """The new tip of each branch; no picks branch is made for nothing, unless the server's has to move."""
    after = {Role.SNAPSHOT: order.target, **rebuilt.tips}
    found: dict[str, Oid | None] = {}
    for role in Role:
        ref = config.ref(branch_of(config, role))
        nothing = order.tips[role] is None and role is not Role.SNAPSHOT and after[role] == order.target
        if nothing and order.leases.get(ref) in (None, order.target):
            continue
        if order.plan is not None and role is Role.SNAPSHOT and order.refs[ref] is not None:
            continue  # a stale snapshot is harmless (edge case A2), and no business of an edit
        found[ref] = after[role]
    return found


def _publish(
    git: Git,
    config: Config,
    inner: Quarantine,
    objects: Objects,
    committer: Committer,
    outcome: Outcome,
    standing: Stopped | None,
) -> None:
    order = outcome.order
    operation = log.Operation(
        order.kind,
        order.command,
        log.moment(committer),
        outcome.changes,
        order.leases,
        {"date": order.date, "commit": order.target, "nightly": order.nightly or order.target},
        outcome.stack.base,
        order.target,
        tuple(outcome.rebuilt.results),
    )
    previous = refs.read_one(git, refs.OPERATIONS)
    entry = log.write(objects, committer, operation, previous, config.operations.keep)
    assert entry.after is not None
    inner.keep([entry.after, *(change.after for change in outcome.changes if change.after)])
    title = f"poolside {' '.join(order.command)}"
    back = _back(git, outcome, standing) if standing is not None else None
    real = Objects(git)
    moving = {change.ref: (change.before, change.after) for change in outcome.changes}
    before, after = moving.get(config.ref(config.branches.patches), (None, None))  # what is checked out, most often
    told = meanwhile(lambda: _between(real, before, after) if before and after else ())
    along = journal.carry_out(git, title, [entry, *outcome.changes], back)
    told()
    _carry_notes(git, outcome.rebuilt.results)
    outcome.operation = log.id_of(real, entry.after)
    for moved in along:
        stood = standing.head_oid if standing is not None and moved == back else moved.before
        outcome.submodules += _moved_submodules(_between(real, stood, moved.after))


def _carry_notes(git: Git, results: Sequence[PatchResult]) -> None:
    """Patches made anew keep their notes where ``notes.rewriteRef`` asks for that, as in a rebase (git-config(1))."""
    if git.setting("notes.rewriteRef") or git.environment.get("GIT_NOTES_REWRITE_REF"):
        pairs = "".join(f"{one.old} {one.new}\n" for one in results if one.old and one.new and one.old != one.new)
        git.try_run("notes", "copy", "--for-rewrite=rebase", "--stdin", input=pairs.encode())


def _back(git: Git, outcome: Outcome, standing: Stopped) -> journal.BroughtAlong:
    """Where the worktree of a stop goes when all is done: back to its branch, or to where HEAD was detached."""
    current = worktree.head(git)
    assert current is not None
    if standing.head is None:
        return journal.BroughtAlong(standing.worktree, None, current, standing.head_oid)
    moving = {change.ref: change.after for change in outcome.changes}
    return journal.BroughtAlong(
        standing.worktree, standing.head, current, moving.get(standing.head) or standing.head_oid
    )


def _between(objects: Objects, before: Oid, after: Oid) -> tuple[Touch, ...]:
    trees = objects.commit(before).tree, objects.commit(after).tree
    return changes(objects.git, [trees])[0].touches


def _moved_submodules(touches: Sequence[Touch]) -> tuple[str, ...]:
    """Paths of submodules whose pointer moved (edge case C8)."""
    return tuple(
        touch.path.decode("utf-8", "replace") for touch in touches if 0o160000 in (touch.old_mode, touch.new_mode)
    )


def _exec(git: Git, inner: Quarantine, outcome: Outcome, command: str) -> Stop | None:
    """Run ``--exec`` at each new commit but the stamp; where it failed, as a stop at that patch."""
    new = [(r, r.new) for r in outcome.rebuilt.results if r.new and r.new != r.old and r.verdict is not Verdict.STAMP]
    inner.keep([*(oid for _, oid in new), *outcome.rebuilt.unfolded.values()])
    failed = first_failure(git, command, [oid for _, oid in new])
    if failed is None:
        return None
    result = next(r for r, oid in reversed(new) if oid == failed)
    objects = Objects(git)
    commit = objects.commit(outcome.rebuilt.unfolded.get(failed, failed))
    resolutions = outcome.order.choices.resolutions
    owner = next((old for old, made in resolutions.items() if commit.oid in made), result.old)
    source = objects.commit(owner) if owner else commit
    first = objects.commit(resolutions[owner][0]) if owner and resolutions.get(owner) else commit
    conflict = Conflict((), ("the command of --exec failed",))
    return Stop(result.role, source, first.parents[0], conflict, result.verdict, None)


def _stop(
    git: Git,
    inner: Quarantine,
    objects: Objects,
    committer: Committer,
    outcome: Outcome,
    stop: Stop,
    standing: Stopped | None,
    kind: str = CONFLICT,
) -> None:
    """Stand the user on the partial tip with a real cherry-pick of the patch."""
    made = outcome.rebuilt.made
    order = with_choices(outcome.order, made={**outcome.order.choices.made, **made})
    if standing is None:
        worktree.refuse_in_progress(git)
    touched = _check_worktree(inner, objects, stop)
    current, branch = worktree.head_and_branch(git)
    assert current is not None
    state = Stopped(
        order,
        kind,
        standing.worktree if standing else str(git.worktree),
        standing.head if standing else branch,
        standing.head_oid if standing else current,
        stop.role,
        stop.commit.oid,
        stop.commit.subject,
        stop.partial,
        stop.conflict.paths,
        touched,
        stop.origin,
        standing.place if standing else worktree.place(git),
    )
    kept = stopped.keep_reachable(git, objects, committer, order, (stop.partial, stop.commit.oid))
    assert kept.after is not None
    inner.keep([kept.after, *made.values()])
    try:
        refs.move(git, [kept], "poolside: stopped")
        state, said = stand(git, state)
    except BaseException:
        if stopped.load(git) is None:
            stopped.forget(git)
        raise
    outcome.kind, outcome.stood, outcome.mending = "stopped", state, to_mend(git, state)
    if resolved := stopped.resolved_by_rerere(git, state):
        outcome.notes.append(f"rerere put an earlier resolution into {', '.join(resolved)}: look at it")
    if said:
        outcome.notes.append(said)


def _check_worktree(inner: Quarantine, objects: Objects, stop: Stop) -> tuple[str, ...]:
    """The paths that a stop here will touch. Raises `Refused`, the conflict shown, if it would meet anything of the
    user's.

    Asked in the quarantine, which alone has the partial tip yet.
    """
    [change] = changes(inner.git, [(tree_of_parent(objects, stop.commit), stop.commit.tree)])
    # git puts a file into a folder that was renamed, or beside another, without asking what it overwrites there.
    beside = {path.encode("utf-8", "surrogateescape") for path in stop.conflict.paths}
    paths = change.paths | beside
    try:
        stopped.check_worktree(inner.git, stop.partial, paths)
    except Refused as error:
        lines = [f"{stop.commit.oid[:9]} {stop.commit.subject} does not apply"]
        lines += [f"  {message}" for message in stop.conflict.messages]
        raise Refused(
            "\n".join([*lines, error.message]), snag=error.snag, patch=stop.commit.oid, hints=error.hints
        ) from error
    return tuple(sorted(path.decode("utf-8", "surrogateescape") for path in paths))
