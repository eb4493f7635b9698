"""``git poolside publish``: run the build workflow for the pushed tip."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from git_poolside import watching
from git_poolside.commands import Parser
from git_poolside.context import Context
from git_poolside.errors import EXIT_FAR_SIDE
from git_poolside.forge.connection import connect, fork_of
from git_poolside.forge.github import Repository, Run
from git_poolside.git.remotes import Remote
from git_poolside.operation import journal, lock, publish
from git_poolside.operation.builds import Build
from git_poolside.ui import clean, table


def parser() -> Parser:
    made = Parser("publish")
    made.add_argument(
        "--input", metavar="NAME=VALUE", type=_pair, action="append", default=[], help="an input of the workflow"
    )
    made.add_argument("--watch", action="store_true", help="follow the run to its end; one that is on the way, if any")
    made.add_argument("--again", action="store_true", help="run it though this tip was built so already")
    made.add_argument(
        "--allow", metavar="SNAG", choices=(publish.RUNNING, "foreign-config"), action="append", default=[],
        help="go on in spite of the doubt with this name",
    )  # fmt: skip
    made.add_argument("-n", "--dry-run", action="store_true", help="check everything and print the request")
    made.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return made


def _pair(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"'{word}' is not NAME=VALUE")
    return name, value


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Exit 0 when the run was begun, with ``--watch`` only when it succeeded."""
    git, ui = context.git, context.ui
    config = context.mutating_config(frozenset(arguments.allow))
    remote = Remote(git, config.remotes.fork, ui)
    remote.require(f"git remote add {config.remotes.fork} URL   (the fork's server)")
    with lock.hold(git, context.command):
        journal.recover(git, ui)
        fork = fork_of(connect(git, config, ui.pause), config)
        order = publish.Order(
            {**config.publish.inputs, **dict(arguments.input)},
            dict(arguments.input),
            frozenset(arguments.allow),
            join=arguments.watch and publish.RUNNING not in arguments.allow,
            again=arguments.again,
            dry_run=arguments.dry_run,
        )
        begun = publish.publish(git, config, ui, remote, fork, order)
    if begun.record is not None:
        return _show_record(context, begun.build, begun.record, arguments.dry_run)
    if begun.run is not None and arguments.watch:
        return _follow(context, fork, remote, begun, begun.run)
    return _show(context, fork, begun.build, begun.run)


def _show_record(context: Context, build: Build, record: Mapping[str, Any], dry_run: bool) -> int:
    ui = context.ui
    if ui.json:
        ui.object({"outcome": "nothing-to-do", "exit": 0, "dry_run": dry_run, **record})
    ui.print(f"Nothing to do: run {record['number']} has built {build.tip[:9]} with these inputs.")
    ui.print(clean(record["url"]))
    ui.hint("git poolside publish --again   (builds it once more)")
    return 0


def _show(context: Context, fork: Repository, build: Build, run: Run | None) -> int:
    """The run that was begun, or the request that a dry run would have sent."""
    ui, where = context.ui, f"{clean(build.branch)} ({build.tip[:9]}):"
    value = {**_object(build, run), "outcome": "done", "exit": 0, "dry_run": run is None}
    if run is None:
        value["request"] = asked = publish.request(fork, build)
        ui.print(f"Would run {build.workflow} on {where}", *_facts(build))
        ui.print("", f"{asked['method']} {clean(asked['url'])}", clean(json.dumps(asked["body"], ensure_ascii=False)))
    else:
        ui.print(f"Run {run.number} of {build.workflow} builds {where}", *_facts(build), f"  {clean(run.url)}")
        ui.hint("git poolside publish --watch   (follows it)")
    if ui.json:
        ui.object(value)
    return 0


def _facts(build: Build) -> list[str]:
    inputs = ", ".join(f"{name}={value}" for name, value in (build.inputs or {}).items())
    rows = {
        "version": build.version or "",
        "nightly": build.nightly["date"] if build.nightly else "",
        "inputs": inputs,
    }
    return table((f"  {name}", clean(value)) for name, value in rows.items() if value)


def _follow(context: Context, fork: Repository, remote: Remote, begun: publish.Begun, run: Run) -> int:
    """Watch the run to its end, and record what it came to."""
    git, ui, config, build = context.git, context.ui, context.config, begun.build
    verb = "is on the way already" if begun.joined else "has begun"
    ui.talk(f"Run {run.number} of {build.workflow} {verb}:", f"  {clean(run.url)}")
    try:
        run, jobs = watching.watch(fork, run.id, ui)
    except KeyboardInterrupt:
        where = f"run {run.number} goes on; 'git poolside publish --watch' goes on watching it"
        raise KeyboardInterrupt(where) from None
    end = publish.settle(git, config, remote, fork, build, run)
    took = watching.since(run.created, run.updated)
    value = {**_object(build, run), "artifacts": list(end.artifacts), "record": end.record, "dry_run": False}
    if run.conclusion != "success":
        why = watching.failed(jobs)
        if ui.json:
            ui.object({**value, "outcome": "error", "exit": EXIT_FAR_SIDE, "error": "; ".join(why)})
        ui.complain(f"run {run.number} ended after {took}: {clean(run.conclusion or '')}", *(f"  {one}" for one in why))
        ui.hint(run.url, f"gh run view {run.id} --log-failed --repo {fork.name}   (shows what it said)")
        return EXIT_FAR_SIDE
    if ui.json:
        ui.object({**value, "outcome": "done", "exit": 0})
    ui.print(f"Run {run.number} succeeded after {took}.", *(f"  {clean(name)}" for name in end.artifacts))
    ui.print(f"Recorded as {clean(end.record or '')}.")
    if end.unsent:
        ui.warn(f"'{config.remotes.fork}' does not take the record: {end.unsent}")
        ui.hint(f"git push {config.remotes.fork} {end.record}   (sends it)")
    return 0


def _object(build: Build, run: Run | None) -> dict[str, Any]:
    """What ``--json`` says of a build and its run."""
    names = ("number", "url", "status", "conclusion")
    return {**build.said, "run": run.id if run else None, **{name: getattr(run, name, None) for name in names}}
