"""``git poolside changes``: the summary of the patches in the changes file."""

from __future__ import annotations

import argparse
from difflib import unified_diff

from git_poolside import report
from git_poolside.commands import Parser, allowing, for_programs
from git_poolside.config import Config
from git_poolside.context import Context
from git_poolside.errors import EXIT_REFUSED
from git_poolside.git.objects import Objects
from git_poolside.operation import journal, lock, prepare, stopped, sync
from git_poolside.operation.summary import Summary, summary
from git_poolside.ui import clean, count


def parser() -> Parser:
    made = Parser("changes")
    what = made.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="fail when the file is not what the stack says, for CI")
    what.add_argument(
        "--write", action="store_true", help="write the section, or make one, in the stamp of the patches branch"
    )
    allowing(made)
    made.add_argument("--no-fetch", action="store_true", help="do not ask the remotes before writing")
    for_programs(made)
    return made


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Prints the section as it would be; exit 1 when ``--check`` finds another."""
    git, ui = context.git, context.ui
    if arguments.write:
        return _write(context, arguments)
    found = summary(git, context.config)
    file = context.config.changes.file
    differs = _difference(found, file) if arguments.check else []
    status = EXIT_REFUSED if differs else 0
    if ui.json:
        outcome = "refused" if differs else "done"
        ui.object({"outcome": outcome, "exit": status, **_object(context.config, found), "difference": differs})
    elif not arguments.check:
        ui.print(*map(clean, found.section))
    elif differs:
        ui.print(*map(clean, differs))
        ui.complain(f"{file} is not what the stack says")
        ui.hint("git poolside changes --write   (so does the next sync, once the file has a section)")
    else:
        ui.print(f"{file} says what the stack holds.")
    return status


def _object(config: Config, found: Summary) -> dict[str, object]:
    return {"file": config.changes.file, "agrees": found.agrees, "section": found.section}


def _difference(found: Summary, file: str) -> list[str]:
    if found.agrees:
        return []
    before, after = ((text or b"").decode("utf-8", "replace").splitlines() for text in (found.now, found.planned))
    return list(unified_diff(before, after, file, f"{file} as it would be", lineterm=""))


def _write(context: Context, arguments: argparse.Namespace) -> int:
    """The stack made anew where it stands, with a stamp that holds the section."""
    git, ui = context.git, context.ui
    config = context.mutating_config(frozenset(arguments.allow))
    wishes = prepare.Wishes(allow=arguments.allow, fetch=not arguments.no_fetch, stay=True, adopt=True)
    with lock.hold(git, context.command, arguments.allow):
        journal.recover(git, ui)
        stopped.refuse_if_stopped(git)
        ordered = prepare.order(git, config, ui, Objects(git), context.command, wishes)
        before = summary(git, config)
        outcome = sync.execute(git, config, ui, ordered)
        if outcome.kind in ("refused", "stopped"):
            report.show(ui, config, outcome)
        elif outcome.kind == "nothing-to-do":
            ui.print(f"Nothing to write: {config.changes.file} says what the stack holds.")
        else:
            bullets = sum(line.lstrip()[:1] in ("*", "-", "+") for line in before.section)
            ui.print(f"Wrote {config.changes.file} on '{config.branches.patches}': {count(bullets, 'bullet')}")
            ui.hint("git poolside push   (sends the branches)", "git poolside undo   (takes it back)")
    if ui.json:
        ui.object({**report.to_json(config, outcome), "file": config.changes.file})
    return outcome.status
