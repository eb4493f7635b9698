"""``git poolside status``: the layers, how far behind, what is not pushed, what is in flight."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from git_poolside.commands import Parser, for_programs
from git_poolside.config import FILE, Config, Origin
from git_poolside.context import Context
from git_poolside.operation.remembered import MOVED_ON, TAKE_IN, LayerState, Survey, key, remember, remembered, sources
from git_poolside.prompt import keep
from git_poolside.stack.model import Role
from git_poolside.ui import Ui, clean, count, cut, folded, listed

if TYPE_CHECKING:
    from git_poolside.errors import PoolsideError
    from git_poolside.operation.stopped import Stopped


def parser() -> Parser:
    made = Parser("status")
    made.add_argument("--short", action="store_true", help="one line, for a shell prompt")
    made.add_argument("--fetch", action="store_true", help="ask both remotes first")
    for_programs(made)
    return made


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Reads this clone alone unless --fetch is given; works during a stop."""
    git, config, ui = context.git, context.config, context.ui
    if any(file.exists() and file.stat().st_size for file in (git.state_dir / "journal.json", git.state_dir / "lock")):
        from git_poolside.operation import journal

        journal.recover_if_dead(git, ui, context.command)
    if arguments.fetch:
        from git_poolside.git.remotes import ask_both

        ask_both(git, config, ui)
    stands = key(git, config)
    found = remembered(git, stands)
    if found is None:
        from git_poolside.operation.survey import survey

        found = survey(git, config)
        remember(git, stands, found)
    stop: Stopped | None = None
    unclear: PoolsideError | None = None
    if (git.state_dir / "stopped.json").exists():
        from git_poolside.git import worktree
        from git_poolside.operation import stopped

        stop = stopped.load(git)
        if stop is not None and not arguments.short:
            unclear = stopped.unclear(worktree.seen_from(git, stop.worktree), stop)
    problems = [*found.problems, *([unclear.message] if unclear is not None else [])]
    if ui.json:
        ui.object(_object(found, stop, problems))
        return 0
    if arguments.short:
        line = _short(found, stop)
        ui.print(line)
        _keep(config, line)
        return 0
    pages = ("", "")
    if ui.has_links:
        from git_poolside.git.web import page

        pages = page(git, config.remotes.upstream), page(git, config.remotes.fork)
    ui.print(*_picture(ui, found, *pages))
    if stop is not None:
        at = f"Stopped at {ui.paint(stop.known_as[:9], 'commit')} {clean(stop.subject)}"
        ui.print("", cut(at, ui.width), *(f"  {clean(path)}" for path in stop.paths if unclear is None))
    for problem in problems:
        ui.warn(problem)
    ui.hint(*(_go_on(str(git.worktree), stop, unclear) if stop is not None else _next(found)))
    return 0


def _next(found: Survey) -> list[str]:
    """What there is to do, by what was found."""
    if found.tangled:
        return ["git poolside doctor   (says the way back, on which nothing is lost)"]
    if found.edited or any(layer.came for layer in found.layers):
        return [*([] if found.edited else [TAKE_IN]), MOVED_ON]
    above = [layer for layer in found.layers if layer.role is not Role.SNAPSHOT]
    unpushed = found.unpushed and not all(layer.in_step for layer in found.layers)
    if any(layer.theirs for layer in above) or (not unpushed and any(layer.behind for layer in above)):
        return [MOVED_ON]
    unpushed = unpushed or any(layer.ahead for layer in above)
    push = ["git poolside push   (sends the branches)"] if unpushed else []
    return [*push, *(["git poolside sync -n   (shows what a sync would do)"] if found.commits else [])]


def _keep(config: Config, line: str) -> None:
    """For the next prompt, unless a file that no ref holds rules: then nothing would tell that it changed."""
    if config.origin is Origin.GIVEN or config.where == FILE:
        return
    ruling = [f"{FILE} of {name}" for name in (config.branches.patches, config.fork_ref(config.branches.patches))]
    keep(line, sources(config), by_default=config.origin is not Origin.OPERATION and config.where not in ruling)


def _go_on(here: str, stop: Stopped, unclear: PoolsideError | None) -> list[str]:
    import shlex

    elsewhere = f"cd {shlex.quote(stop.worktree)} && " if stop.worktree != here else ""
    ways = [
        f"{stop.order.program} --continue   (when it is resolved)",
        f"{stop.order.program} --skip   (leaves the patch out)",
        stop.back,
    ]
    return [f"{elsewhere}{way}" for way in (ways if unclear is None else unclear.hints)]


def _picture(ui: Ui, found: Survey, upstream: str, fork: str) -> list[str]:
    """The layers. A tip is a link where it can be looked at: on the page of upstream, or of the fork if that has it."""
    standing = f"the nightly of {ui.paint(found.nightly.date, 'title')}" if found.nightly else "no nightly"
    if found.commits and found.latest:
        behind = (
            f"{count(found.commits, 'commit')}, {count(found.days, 'day')} and "
            f"{count(found.nightlies, 'nightly', 'nightlies')} behind {found.latest.date}"
        )
    else:
        behind = "the newest there is"
    rows = []
    for layer in reversed(found.layers):
        if layer.role is Role.SNAPSHOT:
            what = "snapshot"
        else:
            what = count(layer.patches, "pick" if layer.role is Role.PICKS else "patch")
            what += f", {layer.landed} landed" if layer.landed else ""
        tip = ui.paint(layer.tip[:9], "commit") if layer.tip else "absent"
        if layer.tip and (layer.in_step or layer.role is Role.SNAPSHOT):
            tip = ui.link(tip, "commit", layer.tip, page=upstream if layer.role is Role.SNAPSHOT else fork)
        rows.append((f"  {clean(layer.branch)}", tip, what, _pushed(layer, found)))
    return [*folded(f"On {standing}: {behind}", ui.width, 2, ""), "", *listed(rows, ui.width)]


def _pushed(layer: LayerState, found: Survey) -> str:
    if layer.tip is None:
        return ""
    if layer.remote is None:
        return "not on the server"
    if layer.in_step:
        return "pushed"
    if layer.came:
        return f"made anew; the server has {count(layer.came, 'commit')} more"
    if layer.theirs and not layer.ahead and not layer.behind:
        return "behind the server"
    if not layer.behind:
        return f"{layer.ahead} not pushed" if layer.ahead else "not pushed"
    if not layer.ahead:
        return f"{layer.behind} on the server alone"
    if found.unpushed:
        return "made anew; edited on the server" if found.edited else "made anew, not pushed"
    return f"{layer.ahead} here, {layer.behind} on the server alone"


def _short(found: Survey, stop: Stopped | None) -> str:
    parts = [found.nightly.date if found.nightly else "-"]
    if found.commits:
        parts.append(f"+{found.commits}")
    if any(not layer.in_step for layer in found.layers):
        parts.append("unpushed")
    if stop is not None:
        parts.append(f"STOPPED at {stop.known_as[:9]}")
    return " ".join(parts)


def _object(found: Survey, stop: Stopped | None, problems: list[str]) -> dict[str, Any]:
    def layer(state: LayerState) -> dict[str, Any]:
        return {
            "role": state.role.value,
            "branch": state.branch,
            "base": state.base,
            "tip": state.tip,
            "patches": state.patches,
            "remote": state.remote,
            "ahead": state.ahead,
            "behind": state.behind,
            "landed": state.landed,
        }

    at, latest = found.nightly, found.latest
    return {
        "nightly": {"date": at.date, "commit": at.commit} if at else None,
        "latest": {"date": latest.date, "commit": latest.commit, "nightly": latest.nightly} if latest else None,
        "behind": {"commits": found.commits, "days": found.days, "nightlies": found.nightlies},
        "layers": [layer(state) for state in found.layers],
        "stopped": {
            "operation": " ".join(stop.order.command),
            "layer": stop.role.value,
            "patch": stop.known_as,
            "subject": stop.subject,
            "paths": list(stop.paths),
            "worktree": stop.worktree,
        }
        if stop is not None
        else None,
        "problems": problems,
    }
