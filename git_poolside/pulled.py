"""What a pull says about itself: where each branch went, and what became of the commits that it alone had."""

from __future__ import annotations

from collections import Counter
from typing import Any

from git_poolside import report
from git_poolside.config import Config
from git_poolside.operation.log import result_to_json
from git_poolside.operation.order import Order
from git_poolside.operation.sync import Outcome
from git_poolside.operation.workshop import Moved
from git_poolside.stack.model import Fate, Oid, Role, Verdict
from git_poolside.ui import Ui, clean, count, folded, listed


def to_json(config: Config, outcome: Outcome) -> dict[str, Any]:
    """The object that ``pull --json`` prints."""
    order = outcome.order
    value: dict[str, Any] = {
        "outcome": outcome.kind,
        "exit": outcome.status,
        "dry_run": outcome.dry_run,
        "operation": outcome.operation,
        "nightly": {"date": order.date, "commit": order.target, "nightly": order.nightly},
        "snags": report.snags(outcome),
        "branches": [
            {
                "branch": moved.move.branch,
                "role": moved.move.role.value if moved.move.role else None,
                "before": order.refs[moved.move.ref],
                "after": _after(outcome, moved) if outcome.kind == "done" else order.refs[moved.move.ref],
                "patches": [result_to_json(result) for result in moved.results],
            }
            for moved in outcome.moved
        ],
        "notes": list(outcome.notes),
    }
    if outcome.rebuilt.stop is not None:
        value["conflict"] = report.conflict(outcome.rebuilt.stop)
    return value


def already(config: Config) -> str:
    """Why there is nothing to pull."""
    return f"the branches stand on the stack of '{clean(config.remotes.fork)}' already"


def show(ui: Ui, config: Config, outcome: Outcome) -> None:
    """The report for people, on stdout; what to type next on stderr."""
    order = outcome.order
    if outcome.kind == "nothing-to-do":
        ui.print(f"Nothing to do: {already(config)}.")
    else:
        ui.print(*folded(f"{_headline(outcome)} {_where(ui, config, order)}", ui.width, 2, ""))
        ui.print("", *listed(_rows(outcome), ui.width))
        if outcome.stood is None:
            results = [result for moved in outcome.moved for result in moved.results]
            report.told(ui, [r for r in results if r.verdict not in (Verdict.CARRIED, Verdict.STAMP) or r.notes])
    report.end(ui, config, outcome)


def _where(ui: Ui, config: Config, order: Order) -> str:
    """The stack that the branches go to: the fork's, or for topics one that was not pushed."""
    if all(move.role is None and Oid(move.onto) not in order.tips.values() for move in order.moves):
        return "the stack of this clone"
    nightly = f"{ui.paint(order.date, 'title')} ({order.target[:9]})"
    return f"the stack of '{clean(config.remotes.fork)}', on the nightly of {nightly}"


def _headline(outcome: Outcome) -> str:
    if outcome.stood is not None:
        return "No branch has moved: stopped on the way to"
    if outcome.kind != "done":
        return "Not moved to"
    return "Would move to" if outcome.dry_run else "Moved to"


def _rows(outcome: Outcome) -> list[tuple[str, ...]]:
    order = {Role.PATCHES: 0, Role.PICKS: 1, Role.SNAPSHOT: 2, None: 3}
    rows: list[tuple[str, ...]] = []
    for moved in sorted(outcome.moved, key=lambda moved: order[moved.move.role]):
        before, after = outcome.order.refs[moved.move.ref], _after(outcome, moved)
        if outcome.kind != "done":
            after = None
        arrow = f"{before[:9] if before else 'none':9} -> {after[:9] if after else '…'}"
        if before == after and after:
            arrow = f"{after[:9]} unchanged"
        rows.append((f"  {clean(moved.move.branch)}", arrow, _summary(moved)))
    return rows


def _after(outcome: Outcome, moved: Moved) -> Oid | None:
    changed = {change.ref: change.after for change in outcome.changes}
    return changed.get(moved.move.ref, outcome.order.refs[moved.move.ref])


def _summary(moved: Moved) -> str:
    results = [result for result in moved.results if result.verdict is not Verdict.STAMP]
    fates = Counter(result.fate for result in results)
    words = [f"{count(fates[Fate.KEPT], 'commit')} carried over"] if fates[Fate.KEPT] else []
    words += [f"{fates[Fate.DROPPED]} left out"] if fates[Fate.DROPPED] else []
    words += [f"{fates[Fate.UNRESOLVED]} in conflict"] if fates[Fate.UNRESOLVED] else []
    waiting = len(moved.move.commits) - len(moved.results)
    words += [f"{waiting} to go"] if waiting > 0 else []
    return ", ".join(words) or ("no commit of its own" if moved.move.role is None else "")
