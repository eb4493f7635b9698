"""A pull's moves, made in memory: the commits that a branch alone has go onto its new tip, judged as in a sync.

What a patch is looked for in here is everything that the new tip has and its old base had not: upstream's new commits
and those of the fork's stack. So a commit that a teammate took along is recognised as one that landed would be.
"""

from __future__ import annotations

from collections.abc import Sequence

from git_poolside.git import refs
from git_poolside.git.layers import StackReader, base_of
from git_poolside.operation.evidence import Witness
from git_poolside.operation.ledger import Ledger
from git_poolside.operation.order import Order
from git_poolside.operation.rebuild import Rebuild
from git_poolside.operation.rebuilt import Rebuilt
from git_poolside.operation.workshop import Made, Moved, Workshop
from git_poolside.stack.carry import Move
from git_poolside.stack.model import Layer, Oid, PatchResult, Role, Stack
from git_poolside.stack.values import replace


def carry(shop: Workshop, order: Order) -> Made:
    """Every branch of the order where it is to be; ends early at a stop."""
    told = Rebuilt(order.target)
    made = Made(_stack(shop, order.moves[0], order.target), told, [])
    tips: dict[str, Oid] = {}
    moves = list(order.moves)
    picks = next((move for move in moves if move.role is Role.PICKS and move.commits), None)
    if picks is not None:
        patches = next(move for move in moves if move.role is Role.PATCHES)
        moves = [move for move in moves if move not in (picks, patches)]
        old, new = _whole(shop, order, picks, patches)
        _tell(shop, order, made, old, new, [picks, patches])
        tips |= {move.ref: new.tips[move.role] for move in (picks, patches) if move.role in new.tips}
    for move in moves:
        if told.stop is not None and not shop.dry_run:
            break
        onto = tips.get(move.onto, Oid(move.onto))
        if not move.commits:
            tips[move.ref] = onto
            made.moved.append(Moved(move))
            continue
        old = _stack(shop, move, onto)
        new = _carried(shop, order, old, onto)
        _tell(shop, order, made, old, new, [move])
        if Role.PATCHES in new.tips:
            tips[move.ref] = new.tips[Role.PATCHES]
    made.after = dict(tips)
    return made


def _stack(shop: Workshop, move: Move, onto: Oid) -> Stack:
    """The commits of one branch as a stack of their own, on what they stand on."""
    base = move.base if move.commits else onto
    commits = tuple(shop.objects.commit(oid) for oid in move.commits)
    tip = move.commits[-1] if move.commits else base
    return Stack(
        base, Layer(Role.PICKS, "", base, base, ()), Layer(Role.PATCHES, move.branch, base, tip, commits)
    )  # fmt: skip


def _carried(shop: Workshop, order: Order, old: Stack, onto: Oid) -> Rebuilt:
    ledger = Ledger(shop.git, shop.config, shop.objects, old, onto, order.choices)
    witness = Witness(shop.git, shop.config, shop.ui, shop.objects, shop.engine, old, onto, onto)
    return Rebuild(
        shop.git, shop.config, shop.ui, shop.objects, shop.engine, shop.committer, witness, ledger, onto, order.date,
        order.choices, dry_run=shop.dry_run, whole=False,
    ).run()  # fmt: skip


def _whole(shop: Workshop, order: Order, picks: Move, patches: Move) -> tuple[Stack, Rebuilt]:
    """The fork's stack with new picks on its picks, so that its patches are made anew, and the new patches on those.

    Only what is new is judged: by what upstream did since what it stood on here.
    """
    reader = StackReader(shop.git, shop.config, shop.objects, shop.merge, order.upstream)
    stack = reader.read(order.tips[Role.PICKS], order.tips[Role.PATCHES], order.target)
    new = {Role.PICKS: picks.commits, Role.PATCHES: patches.commits}
    stack = replace(
        stack.topped({role: [shop.objects.commit(oid) for oid in commits] for role, commits in new.items()}),
        base=order.target,
    )
    ledger = Ledger(shop.git, shop.config, shop.objects, stack, order.target, order.choices)
    base = base_of(shop.git, shop.config, picks.commits[-1], order.upstream) or order.target
    since = replace(stack, base=base)
    witness = Witness(shop.git, shop.config, shop.ui, shop.objects, shop.engine, since, order.target, order.upstream)
    rebuilt = Rebuild(
        shop.git, shop.config, shop.ui, shop.objects, shop.engine, shop.committer, witness, ledger, order.target,
        order.date, order.choices, dry_run=shop.dry_run, judged=frozenset().union(*new.values()),
    ).run()  # fmt: skip
    return stack, rebuilt


def _tell(shop: Workshop, order: Order, made: Made, old: Stack, new: Rebuilt, moves: Sequence[Move]) -> None:
    """Put the account of one rebuild with that of the others."""
    told = made.rebuilt
    new.results[:] = [_worded(shop, order, result) for result in new.results]
    told.results += new.results
    told.snags += new.snags
    told.notes += new.notes
    told.made |= new.made
    told.stamps |= new.stamps
    if told.stop is None and new.stop is not None:
        told.stop = new.stop
    made.parts.append((old, new))
    for move in moves:
        commits = set(move.commits)
        made.moved.append(Moved(move, tuple(result for result in new.results if result.old in commits)))


def _worded(shop: Workshop, order: Order, result: PatchResult) -> PatchResult:
    """What is in the fork's stack has not landed: the fork has it."""
    if result.landed is None or refs.is_ancestor(shop.git, result.landed, order.upstream):
        return result
    return replace(result, reason=result.reason.replace("landed as ", f"'{shop.config.remotes.fork}' has it as ", 1))
