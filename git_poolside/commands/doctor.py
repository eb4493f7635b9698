"""``git poolside doctor``: every precondition, each with its cure."""

from __future__ import annotations

import argparse

from git_poolside.commands import Parser, for_programs
from git_poolside.context import Context
from git_poolside.errors import EXIT_REFUSED
from git_poolside.operation import forge_checkup, journal, lock
from git_poolside.operation.checkup import Finding, examine
from git_poolside.ui import clean, folded


def parser() -> Parser:
    made = Parser("doctor")
    made.add_argument("--fix", action="store_true", help="carry out those cures that lose nothing")
    made.add_argument("--no-fetch", action="store_true", help="do not ask the remotes")
    for_programs(made)
    return made


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Exit 1 when something is left to cure."""
    git, ui = context.git, context.ui
    config = context.mutating_config() if arguments.fix else context.config
    journal.recover_if_dead(git, ui, context.command)
    ask = not arguments.no_fetch
    found = [*examine(git, config, ui, ask=ask), *forge_checkup.examine(git, config, ui, ask=ask)]
    fixed: list[Finding] = []
    if arguments.fix:
        with lock.hold(git, context.command):
            for finding in found:
                if not finding.holds and finding.fix is not None:
                    finding.fix()
                    fixed.append(finding)
    left = [finding for finding in found if not finding.holds and finding not in fixed]
    for finding in found:
        if finding in fixed:
            mark = ui.paint("fixed", "good")
        else:
            mark = ui.paint("ok   ", "good") if finding.holds else ui.paint("wrong", "bad")
        first, *more = clean(finding.message).split("\n")
        ui.print(*folded(first, ui.width, 7, f"{mark}  "))
        for line in more:
            ui.print(*folded(line, ui.width, 9, " " * 7))
        if finding in left and finding.cure:
            ui.print(f"       cure: {clean(finding.cure)}")
    if ui.json:
        ui.object(
            {
                "outcome": "refused" if left else "done",
                "exit": EXIT_REFUSED if left else 0,
                "checks": [
                    {
                        "name": finding.name,
                        "holds": finding.holds or finding in fixed,
                        "message": finding.message,
                        "cure": finding.cure,
                        "fixed": finding in fixed,
                    }
                    for finding in found
                ],
            }
        )
    return EXIT_REFUSED if left else 0
