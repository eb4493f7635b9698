"""``git poolside pull``: take a teammate's sync over, with what is only local carried along."""

from __future__ import annotations

import argparse

from git_poolside import ending, pulled, report
from git_poolside.commands import Parser, allowing
from git_poolside.context import Context
from git_poolside.errors import UsageError
from git_poolside.git.objects import Objects
from git_poolside.operation import prepare, pull, sync

_MORE = """
The role branches go to the fork's tips, once its server has moved on; commits that are only here are replayed on
top, and topic branches with them: those that are named, else the one that is checked out. What the fork's stack
has already, in the same form or in one that does the same, is left out and said."""


def parser() -> Parser:
    made = Parser("pull")
    made.description = f"{made.description}\n{_MORE}"
    made.add_argument("branches", metavar="BRANCH", nargs="*", help="a topic branch on an earlier stack")
    made.add_argument("-n", "--dry-run", action="store_true", help="show what would happen, change nothing")
    made.add_argument(
        "--keep",
        metavar="PATCH",
        action="append",
        default=[],
        help="keep PATCH whatever its verdict, if anything of it is left",
    )
    made.add_argument("--drop", metavar="PATCH", action="append", default=[], help="leave PATCH out")
    allowing(made)
    made.add_argument("--no-stop", action="store_true", help="report a conflict instead of stopping at it")
    made.add_argument("--no-fetch", action="store_true", help="do not ask the remotes, work with what is here")
    made.add_argument("--json", action="store_true", help="one JSON object on standard output")
    ending.options(made)
    return made


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Pulls, or goes on with what is stopped; the exit codes of the manual."""
    _check_usage(arguments)
    return ending.run(context, arguments, _answers(arguments), lambda: _pull(context, arguments))


def _answers(arguments: argparse.Namespace) -> prepare.Wishes:
    return prepare.Wishes(keep=arguments.keep, drop=arguments.drop, allow=arguments.allow)


def _pull(context: Context, arguments: argparse.Namespace) -> int:
    git, config, ui = context.git, context.config, context.ui
    objects = Objects(git)
    order = pull.order(
        git, config, ui, objects, context.command, arguments.branches,
        fetch=not arguments.no_fetch, wishes=_answers(arguments),
    )  # fmt: skip
    if not order.moves:
        return report.nothing(ui, order.notes, pulled.already(config))
    outcome = sync.execute(git, config, ui, order, dry_run=arguments.dry_run, no_stop=arguments.no_stop)
    return ending.finish(context, outcome)


def _check_usage(arguments: argparse.Namespace) -> None:
    if (arguments.go_on or arguments.skip or arguments.abort) and (arguments.branches or arguments.dry_run):
        raise UsageError("the flag goes on with a pull that was begun", hints=["git poolside pull --continue"])
