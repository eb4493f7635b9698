"""``git poolside init``: make this clone a poolside fork."""

from __future__ import annotations

import argparse

from git_poolside.commands import Parser
from git_poolside.config import Config, parse, render
from git_poolside.context import Context
from git_poolside.git import layers
from git_poolside.git.remotes import ask_upstream
from git_poolside.operation import adopt, journal, lock, stopped
from git_poolside.stack.values import replace


def parser() -> Parser:
    made = Parser("init")
    defaults = Config()
    made.add_argument("--upstream", metavar="URL", help=f"where upstream is (default {defaults.remotes.upstream_url})")
    made.add_argument("--snapshot", metavar="B", help="the snapshot's branch (default main)")
    made.add_argument("--picks", metavar="B", help="the picks' branch (default poolside-cherry-picks)")
    made.add_argument("--patches", metavar="B", help="the patches' branch (default poolside-main)")
    made.add_argument("--nightly-branch", metavar="B", help="upstream's nightly branch (default nightly)")
    made.add_argument("--commit", action="store_true", help="commit .poolside.toml on the patches branch")
    return made


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Everything that is missing is made; running it again does nothing."""
    git, ui = context.git, context.ui
    wanted, changed = _wanted(arguments)
    parse(render(wanted), "the command line")  # the same checks as a file's
    with lock.hold(git, context.command):
        journal.recover(git, ui)
        stopped.refuse_if_stopped(git)
        layers.refuse_shallow(git)
        config = adopt.settings(git, context.config_file, wanted, changed)
        server = adopt.fork_tips(git, config, ui)
        if not arguments.commit:
            adopt.refuse_unwritable(git, config, server)
        done = adopt.add_upstream(git, config, ui, arguments.upstream is not None)
        ask_upstream(git, config, ui)
        done += adopt.make_branches(git, config, adopt.missing_branches(git, config, server), server)
        done += adopt.configure(git, config)
        done += adopt.write_file(git, config, arguments.commit, context.command)
    ui.print(*(f"  {line}" for line in done))
    ui.talk("This clone is a poolside fork." if done else "This clone is a poolside fork already.")
    ui.hint("git poolside doctor   (checks everything)", "git poolside sync -n   (shows what a sync would do)")
    return 0


def _wanted(arguments: argparse.Namespace) -> tuple[Config, list[str]]:
    """The configuration that the options ask for, and which keys they set."""
    config = Config()
    changed: list[str] = []
    for option, table, key in (
        (arguments.upstream, "remotes", "upstream_url"),
        (arguments.snapshot, "branches", "snapshot"),
        (arguments.picks, "branches", "picks"),
        (arguments.patches, "branches", "patches"),
        (arguments.nightly_branch, "nightly", "branch"),
    ):
        if option is not None:
            config = replace(config, **{table: replace(getattr(config, table), **{key: option})})
            changed.append(f"{table}.{key}")
    return config, changed
