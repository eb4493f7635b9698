"""``git poolside undo``: take an operation back."""

from __future__ import annotations

import argparse

from git_poolside.commands import Parser, allowing
from git_poolside.config import Config
from git_poolside.context import Context
from git_poolside.errors import PoolsideError
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.git.web import page
from git_poolside.operation import journal, lock, log, stopped
from git_poolside.operation.lease import are_theirs, standings
from git_poolside.operation.push import push
from git_poolside.operation.remembered import MOVED_ON
from git_poolside.operation.undo import Undone, undo
from git_poolside.ui import Ui, clean, count, folded, listed


def parser() -> Parser:
    made = Parser("undo")
    made.add_argument("operation", metavar="OPERATION", nargs="?", help="take back everything from this one on")
    made.add_argument("-n", "--dry-run", action="store_true", help="show what would happen, change nothing")
    made.add_argument("--carry", action="store_true", help="replay what came later on top")
    made.add_argument("--push", action="store_true", help="put the server back too, with leases")
    allowing(made)
    made.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return made


def run(context: Context, arguments: argparse.Namespace) -> int:
    """An undo is an operation itself: undoing it again brings back what it took."""
    git, ui = context.git, context.ui
    config = context.mutating_config()
    with lock.hold(git, context.command, arguments.allow):
        journal.recover(git, ui)
        stopped.refuse_if_stopped(git)
        done = undo(
            git, config, context.command, arguments.operation, arguments.carry, frozenset(arguments.allow),
            dry_run=arguments.dry_run,
        )  # fmt: skip
        try:
            wanted = arguments.push and not arguments.dry_run
            pushed = push(git, config, ui, context.command) if wanted else None
        except PoolsideError:
            _show(context, config, done)  # here it is done
            raise
    if ui.json:
        ui.object(
            {
                "outcome": "done",
                "exit": 0,
                "operation": done.operation,
                "undone": [one.id for one in done.operations],
                "refs": {c.ref: {"before": c.before, "after": c.after} for c in done.changes},
                "pushed": pushed is not None,
            }
        )
        return 0
    _show(context, config, done)
    for note in () if pushed is None else pushed.notes:
        ui.warn(note)
    if pushed is None and not arguments.dry_run:
        ui.hint("git poolside undo   (brings it back)", *_next(git, config))
    return 0


def _show(context: Context, config: Config, done: Undone) -> None:
    ui = context.ui
    if ui.json:
        return
    ui.page = page(context.git, config.remotes.upstream)
    snapshot = config.ref(config.branches.snapshot)
    what = "Took back" if done.operation else "Would take back"
    for one in done.operations:
        ui.print(*folded(clean(one.title), ui.width, 4, f"{what} {one.id}  "))
    ui.print(
        *listed(
            (
                (
                    f"  {clean(c.ref.removeprefix('refs/heads/'))}",
                    " -> ".join(_tip(ui, oid, c.ref == snapshot) for oid in (c.before, c.after)),
                )
                for c in done.changes
            ),
            ui.width,
        )
    )
    if done.carried:
        ui.print(f"  {count(done.carried, 'later commit')} carried over")


def _next(git: Git, config: Config) -> list[str]:
    """What there is to do about the server, if it is elsewhere."""
    stands = standings(git, config, log.known(git, Objects(git)))
    if are_theirs(stands):
        return [MOVED_ON]
    return ["git poolside push   (puts the server there too)"] if stands else []


def _tip(ui: Ui, oid: str | None, upstreams: bool) -> str:
    """A tip, which is a link if it is a commit of upstream's."""
    if oid is None:
        return "none"
    return ui.link(oid[:9], "commit", oid) if upstreams else oid[:9]
