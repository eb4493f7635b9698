"""``git poolside log``: the operation log."""

from __future__ import annotations

import argparse
from contextlib import suppress
from typing import Any

from git_poolside.commands import Parser, for_programs, positive
from git_poolside.context import Context
from git_poolside.errors import PoolsideError, UsageError
from git_poolside.git import refs
from git_poolside.git.objects import Objects
from git_poolside.git.remotes import Remote
from git_poolside.git.web import page
from git_poolside.operation import builds, journal, log
from git_poolside.stack.model import Fate, PatchResult, Verdict
from git_poolside.ui import Ui, clean, columns, count, folded, listed

_CHANGED = ("moved", "offered upstream")
"""How the reasons of kept patches begin that an edit changed."""


def parser() -> Parser:
    made = Parser("log")
    made.add_argument("-n", dest="limit", metavar="N", type=positive, help="at most N")
    made.add_argument("--published", action="store_true", help="the published states instead")
    made.add_argument("--fetch", action="store_true", help="with --published: fetch those that are not here")
    for_programs(made)
    return made


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Newest first. Needs no configuration but for the published states."""
    git, ui = context.git, context.ui
    journal.recover_if_dead(git, ui, context.command)
    if arguments.published:
        return _published(context, arguments.limit, fetch=arguments.fetch)
    if arguments.fetch:
        raise UsageError("--fetch goes with --published", hints=["git poolside log --published --fetch"])
    found: list[log.Operation] = []
    for operation in log.entries(git, Objects(git)):
        if arguments.limit is not None and len(found) >= arguments.limit:
            break
        found.append(operation)
    if ui.json:
        ui.object(
            {
                "operations": [
                    {
                        "id": one.id,
                        "command": list(one.command),
                        "time": one.time,
                        "kind": one.kind,
                        "nightly": one.nightly,
                        "refs": {c.ref: {"before": c.before, "after": c.after} for c in one.refs},
                        "pushed": dict(one.pushed),
                    }
                    for one in found
                ]
            }
        )
        return 0
    if ui.has_links and not ui.json:
        with suppress(PoolsideError):  # a log can be read without a configuration
            ui.page = page(git, context.config.remotes.upstream)
    if not found:
        ui.print("No operation yet.")
    for operation in found:
        ui.print(*_lines(context, operation))
    return 0


def _lines(context: Context, operation: log.Operation) -> list[str]:
    ui = context.ui
    when = operation.time.replace("T", " ").removesuffix("Z")
    head = f"{ui.paint(operation.id, 'commit')}  {when}  "
    title = clean(operation.title)
    if columns(head + title) <= ui.width:
        lines = [head + ui.paint(title, "title")]
    else:
        lines = [head.rstrip(), *(ui.paint(line, "title") for line in folded(title, ui.width, 6, " " * 4))]
    patches = [result for result in operation.patches if result.verdict is not Verdict.STAMP]
    fates = {fate: sum(result.fate is fate for result in patches) for fate in (Fate.KEPT, Fate.DROPPED)}
    if operation.kind in ("cherry-pick", "upstream"):
        lines += [_edited(ui, r) for r in patches if r.fate is not Fate.KEPT or r.reason.startswith(_CHANGED)]
    elif operation.nightly:
        words = [f"{n} {fate.value}" for fate, n in fates.items() if n]
        date = ui.link(clean(operation.nightly["date"]), "commit", operation.nightly["commit"])
        onto = f"onto the nightly of {date}: {', '.join(words) or 'no patches'}"
        lines += folded(onto, ui.width, 6, " " * 4)
    if operation.undoes:
        lines += folded(f"took back {', '.join(operation.undoes)}", ui.width, 6, " " * 4)
    moved = (
        (f"    {clean(c.ref.removeprefix('refs/heads/'))}", f"{_short(c.before)} -> {_short(c.after)}")
        for c in operation.refs
    )
    lines += listed(moved, ui.width)
    if operation.pushed:
        branches = [ref.removeprefix("refs/heads/") for ref in operation.pushed]
        lines += folded(f"pushed {clean(', '.join(branches))}", ui.width, 6, " " * 4)
    return lines


def _edited(ui: Ui, result: PatchResult) -> str:
    """What an edit did to one patch, and why."""
    name = result.new or result.old or next(iter(result.upstream), "")
    word = "added" if result.new and not result.old else "moved" if result.new else "dropped"
    if result.reason.startswith(_CHANGED[1]):
        word = "noted"
    why = f": {clean(result.reason)}" if result.reason and word in ("dropped", "noted") else ""
    origin = next(iter(result.upstream), None)
    shown = ui.link(name[:9], "commit", origin) if origin else name[:9]
    return f"    {word:<8} {shown} {clean(result.subject)}{why}"


def _short(oid: str | None) -> str:
    return oid[:9] if oid else "none     "


def _published(context: Context, limit: int | None, *, fetch: bool) -> int:
    """The published states, the newest first, each with what was built of it."""
    git, config, ui = context.git, context.config, context.ui
    if fetch:
        prefixes = (config.published.prefix, builds.prefix(config))
        Remote(git, config.remotes.fork, ui).fetch(f"{prefix}*:{prefix}*" for prefix in prefixes)
    known = refs.below(git, config.published.prefix)
    states = list(reversed(known.items()))
    built: dict[str, list[dict[str, Any]]] = {}
    for ref, oid, body in builds.records(git, config):
        state = body.get("published")
        if state not in known:  # the server took no record of the push
            states.append((ref, oid))
        built.setdefault(state if state in known else ref, []).append(body)
    states = states[:limit]
    if ui.json:
        ui.object({"published": [{"ref": ref, "tag": oid, "builds": built.get(ref, [])} for ref, oid in states]})
        return 0
    for ref, oid in states:
        name = ref.removeprefix(config.published.prefix).removeprefix(builds.prefix(config))
        ui.print(f"{clean(name)}  {git.text('log', '-1', '--abbrev=9', '--format=%h  %cs', f'{oid}^{{commit}}')}")
        for one in built.get(ref, []):
            ui.print(
                f"    built by run {one['number']}: {clean(one.get('version') or 'no version')}",
                f"      {clean(one['url'])}",
            )
            ui.print(*(f"      {clean(artifact)}" for artifact in one["artifacts"]))
    if not states:
        ui.print(f"Nothing was published yet ({count(0, 'record')}).")
    return 0
