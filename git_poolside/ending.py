"""How a run that makes the stack anew ends, and what its three flags do after a stop: alike for each such command."""

from __future__ import annotations

import argparse

from git_poolside import pulled, report, unattended
from git_poolside.context import Context
from git_poolside.errors import PoolsideError
from git_poolside.git.web import page
from git_poolside.operation import resume
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


def abort(context: Context) -> int:
    """Give up what is stopped."""
    ui = context.ui
    state, said = resume.abort(context.git)
    for line in said:
        ui.talk(f"note: {line}")
    where = (state.head or state.head_oid[:12]).removeprefix("refs/heads/")
    ui.talk(f"Aborted: every branch is where it was, and '{where}' is checked out.")
    if ui.json:
        ui.object({"outcome": "done", "exit": 0, "aborted": state.known_as})
    return 0


def go_on(context: Context, wishes: Wishes, *, skip: bool) -> int:
    """Go on with what is stopped, whichever command began it."""
    going = resume.skip if skip else resume.go_on
    return finish(context, going(context.git, context.config, context.ui, wishes))


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
            push(context.git, context.config, ui, context.command)
            outcome.pushed = True
        except PoolsideError as error:
            failure = error
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
