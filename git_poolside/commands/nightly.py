"""``git poolside nightly``: the nightlies newer than the base."""

from __future__ import annotations

import argparse

from git_poolside.commands import Parser, for_programs, positive
from git_poolside.context import Context
from git_poolside.git import nightlies
from git_poolside.git.objects import Objects
from git_poolside.git.remotes import ask_upstream, needless
from git_poolside.git.web import page
from git_poolside.operation import journal, prepare
from git_poolside.ui import clean, cut, table


def parser() -> Parser:
    made = Parser("nightly")
    made.add_argument("-n", dest="limit", metavar="N", type=positive, default=20, help="at most N (default 20)")
    made.add_argument("--no-fetch", action="store_true", help="do not ask upstream, list what is here")
    for_programs(made)
    return made


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Newest first, each usable or with the reason why not."""
    git, config, ui = context.git, context.config, context.ui
    journal.recover_if_dead(git, ui, context.command)
    if not arguments.no_fetch:
        with needless():
            ask_upstream(git, config, ui)
    here = prepare.ground(git, config, Objects(git))
    found = nightlies.known(git, config, here.base, arguments.limit)
    if ui.json:
        ui.object(
            {
                "nightlies": [
                    {
                        "date": one.date,
                        "nightly": one.nightly,
                        "commit": one.commit,
                        "usable": one.usable,
                        "why": one.why,
                        "commits": one.commits,
                    }
                    for one in found
                ]
            }
        )
        return 0
    if not found:
        ui.print(f"No nightly is newer than the base of the stack, {here.base[:9]}.")
        return 0
    ui.page = page(git, config.remotes.upstream)
    rows: list[tuple[str, ...]] = []
    for one in found:
        subject = git.text("log", "-1", "--format=%s", one.commit) if one.usable else one.why
        ahead = f"+{one.commits}" if one.commits is not None else ""
        mark = "" if one.usable else "unusable: "
        rows.append((one.date, ui.link(one.commit[:9], "commit", one.commit), ahead, mark + clean(subject)))
    ui.print(*(cut(line, ui.width) for line in table(rows)))
    return 0
