"""``git poolside push``: the three branches at once, with leases."""

from __future__ import annotations

import argparse

from git_poolside import report
from git_poolside.commands import Parser, allowing
from git_poolside.context import Context
from git_poolside.operation import journal, lock, stopped, tangled
from git_poolside.operation.push import push
from git_poolside.ui import clean, listed


def parser() -> Parser:
    made = Parser("push")
    made.add_argument("-n", "--dry-run", action="store_true", help="show what would be pushed")
    allowing(made)
    made.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return made


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Pushes what the server does not have; nothing to do is fine."""
    git, ui = context.git, context.ui
    config = context.mutating_config()
    with lock.hold(git, context.command, arguments.allow):
        journal.recover(git, ui)
        stopped.refuse_if_stopped(git)
        tangled.refuse(git, config, arguments.allow)
        done = push(git, config, ui, context.command, dry_run=arguments.dry_run)
    if ui.json:
        ui.object(
            {
                "outcome": "done" if done.refs or done.record else "nothing-to-do",
                "exit": 0,
                "dry_run": arguments.dry_run,
                "refs": {ref: {"before": old, "after": new} for ref, (old, new) in done.refs.items()},
                "published": done.record,
                "gone": list(done.gone),
                "topics": report.topics(done.topics),
            }
        )
        return 0
    if done.found:
        ui.print(f"'{config.remotes.fork}' had taken these branches already, with {done.record}; that is recorded now.")
        return 0
    if not done.refs and not done.record:
        ui.print(f"Nothing to push: '{config.remotes.fork}' has these branches already.")
        return 0
    ui.print(f"{'Would push' if arguments.dry_run else 'Pushed'} to '{config.remotes.fork}':")
    ui.print(
        *listed(
            (
                (f"  {clean(ref.removeprefix('refs/heads/'))}", f"{old[:9] if old else 'new':9} -> {new[:9]}")
                for ref, (old, new) in done.refs.items()
            ),
            ui.width,
        )
    )
    if done.record:
        ui.print(f"  {clean(done.record)}")
    for record in done.gone:
        ui.print(f"  {clean(record)} deleted")
    for note in done.notes:
        ui.warn(note)
    report.left_behind(ui, config, done.topics)
    return 0
