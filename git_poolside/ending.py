"""How a command that makes the stack anew runs and ends, and what its three flags do after a stop: alike for each."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from git_poolside import pulled, report, unattended
from git_poolside.context import Context
from git_poolside.errors import PoolsideError
from git_poolside.git import refs
from git_poolside.git.web import page
from git_poolside.operation import journal, lock, resume, stopped
from git_poolside.operation.prepare import Wishes
from git_poolside.operation.sync import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_poolside.forge.github import Repository


def options(parser: argparse.ArgumentParser) -> None:
    """``--continue``, ``--skip`` and ``--abort``."""
    after = parser.add_argument_group("after a stop")
    going = after.add_mutually_exclusive_group()
    going.add_argument("--continue", dest="go_on", action="store_true", help="the conflict is resolved")
    going.add_argument("--skip", action="store_true", help="leave the patch out")
    going.add_argument("--abort", action="store_true", help="restore everything")


def run(context: Context, arguments: argparse.Namespace, answers: Wishes, begin: Callable[[], int]) -> int:
    """Go on with what is stopped, by `answers`, or `begin`; under the lock unless it is a dry run."""
    git, ui = context.git, context.ui
    context.mutating_config(frozenset(arguments.allow))
    if getattr(arguments, "dry_run", False):
        journal.recover_if_dead(git, ui, context.command)
        stopped.refuse_if_stopped(git)
        return begin()
    with lock.hold(git, context.command, arguments.allow):
        journal.recover(git, ui)
        if arguments.abort:
            return _abort(context)
        if arguments.go_on or arguments.skip:
            going = resume.skip if arguments.skip else resume.go_on
            return finish(context, going(git, context.config, ui, answers))
        stopped.refuse_if_stopped(git)
        return begin()


def _abort(context: Context) -> int:
    """Give up what is stopped."""
    ui = context.ui
    state, said = resume.abort(context.git)
    for line in said:
        ui.talk(f"note: {line}")
    where = (state.head or state.head_oid[:12]).removeprefix("refs/heads/")
    other = "" if refs.read(context.git, state.order.refs) == state.order.refs else "other "
    back = f", and '{where}' is checked out" if Path(state.worktree).is_dir() else ""
    ui.talk(f"Aborted: every {other}branch is where it was{back}.")
    if ui.json:
        ui.object({"outcome": "done", "exit": 0, "aborted": state.known_as})
    return 0


def finish(context: Context, outcome: Outcome, fork: Repository | None = None) -> int:
    """Go on from what rerere resolved if that is accepted, push if that was asked, then report.

    With `fork` the one issue there is opened, renewed or closed.
    """
    ui = context.ui
    outcome = resume.accept_rerere(context.git, context.config, ui, outcome)
    failure = None
    if outcome.kind in ("done", "nothing-to-do") and outcome.order.push and not outcome.dry_run:
        from git_poolside.operation.push import push

        try:
            pushed = push(context.git, context.config, ui, context.command)
            outcome.topics, outcome.pushed = pushed.topics, True
            outcome.notes += pushed.notes
        except PoolsideError as error:
            failure = error
    with ui.regardless():
        return _tell(context, outcome, fork, failure)


def _tell(context: Context, outcome: Outcome, fork: Repository | None, failure: PoolsideError | None) -> int:
    """Report what was done, and `failure` if it was not pushed. Returns the exit code."""
    ui = context.ui
    if not ui.json:
        ui.page = page(context.git, context.config.remotes.upstream)
    (pulled if outcome.order.moves else report).show(ui, context.config, outcome)
    unattended.show(context, outcome)
    if fork is not None and failure is None:
        failure = unattended.tell(context, fork, outcome)
        if failure is not None and outcome.status:
            ui.warn(f"the issue is not up to date: {failure.message}")
            failure = None
    if failure is not None and not ui.json:
        raise failure
    if ui.json:
        value = (pulled if outcome.order.moves else report).to_json(context.config, outcome)
        if failure is not None:
            value |= {"exit": failure.exit_code, "error": failure.message, "hints": list(failure.hints)}
        ui.object(value)
        if failure is not None:
            unattended.failed(context, failure)
            return failure.exit_code
    return outcome.status
