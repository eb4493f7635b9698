"""``git poolside sync``: move the whole stack onto a nightly."""

from __future__ import annotations

import argparse

from git_poolside import ending, unattended
from git_poolside.commands import Parser, allowing
from git_poolside.context import Context
from git_poolside.errors import Refused, UsageError
from git_poolside.git.objects import Objects
from git_poolside.operation import prepare, sync


def parser() -> Parser:
    made = Parser("sync")
    where = made.add_argument_group("where to")
    target = where.add_mutually_exclusive_group()
    target.add_argument("--nightly", metavar="DATE", help="the nightly of DATE; the default is the newest usable one")
    target.add_argument("--onto", metavar="COMMIT", help="any commit of upstream's branch")
    how = made.add_argument_group("how")
    how.add_argument("-n", "--dry-run", action="store_true", help="show what would happen, change nothing")
    how.add_argument("--push", action="store_true", help="push afterwards, when all went well")
    how.add_argument("--exec", metavar="CMD", help="run CMD at each new commit; stop where it fails")
    how.add_argument(
        "--keep",
        metavar="PATCH",
        action="append",
        default=[],
        help="keep PATCH whatever its verdict, if anything of it is left",
    )
    how.add_argument("--drop", metavar="PATCH", action="append", default=[], help="drop PATCH")
    allowing(how)
    how.add_argument("--autosquash", action="store_true", help="put fixup! and squash! commits where they belong")
    how.add_argument(
        "--take-in", action="store_true", help="replay what somebody pushed beside this clone's work on its stack"
    )
    how.add_argument("--explain", metavar="PATCH", help="print the whole reasoning about PATCH too")
    how.add_argument("--strict", action="store_true", help="refuse what the audit of merges and resolutions doubts")
    how.add_argument("--no-stop", action="store_true", help="report a conflict instead of stopping at it")
    how.add_argument(
        "--issue", action="store_true", help="keep one issue on the fork while a person has to look, close it after"
    )
    how.add_argument("--no-fetch", action="store_true", help="do not ask the remotes, work with what is here")
    how.add_argument("--json", action="store_true", help="one JSON object on standard output")
    ending.options(made)
    return made


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Runs or goes on with a sync; the exit codes of the manual."""
    _check_usage(arguments)
    return ending.run(context, arguments, _wishes(arguments), lambda: _ordered(context, arguments))


def _wishes(arguments: argparse.Namespace) -> prepare.Wishes:
    return prepare.Wishes(
        arguments.nightly,
        arguments.onto,
        arguments.keep,
        arguments.drop,
        arguments.allow,
        arguments.push,
        arguments.exec,
        not arguments.no_fetch,
        arguments.explain,
        arguments.strict,
        autosquash=arguments.autosquash,
        take_in=arguments.take_in,
    )


def _ordered(context: Context, arguments: argparse.Namespace) -> int:
    git, config, ui = context.git, context.config, context.ui
    fork = unattended.fork(context) if arguments.issue else None
    try:
        ordered = prepare.order(git, config, ui, Objects(git), context.command, _wishes(arguments))
        outcome = sync.execute(git, config, ui, ordered, dry_run=arguments.dry_run, no_stop=arguments.no_stop)
    except Refused as error:
        if fork is not None:
            unattended.tell_refusal(context, fork, error)
        raise
    return ending.finish(context, outcome, fork)


def _check_usage(arguments: argparse.Namespace) -> None:
    if arguments.take_in and arguments.autosquash:
        raise UsageError("take the commits in first, squash afterwards", hints=["git poolside sync --take-in"])
    going = next((f"--{w}" for w, on in (("continue", arguments.go_on), ("skip", arguments.skip),
                                         ("abort", arguments.abort)) if on), None)  # fmt: skip
    fixed = [
        arguments.nightly, arguments.onto, arguments.dry_run, arguments.push, arguments.exec, arguments.no_stop,
        arguments.strict, arguments.take_in, arguments.autosquash, arguments.issue,
    ]  # fmt: skip
    answers = [arguments.keep, arguments.drop, arguments.allow]
    if (going and any(fixed)) or (arguments.abort and any(answers)):
        raise UsageError(
            f"{going} goes on as the sync was begun" + ("" if arguments.abort else "; it takes answers alone: --keep, "
                                                        "--drop, --allow"),
            hints=[f"git poolside sync {going}"],
        )  # fmt: skip
    if arguments.issue and arguments.dry_run:
        raise UsageError("a dry run changes nothing, so no issue either", hints=["git poolside sync -n"])
