"""What a sync says about itself: a compact picture of the layers for people, one object for programs."""

from __future__ import annotations

import shlex
import textwrap
from collections import Counter
from typing import Any

from git_poolside.config import Config
from git_poolside.git.layers import branch_of
from git_poolside.operation.log import result_to_json
from git_poolside.operation.sync import Outcome
from git_poolside.stack.model import Fate, PatchResult, Role, Verdict
from git_poolside.ui import Ui, clean, count, cut, table

_PLAIN = ("carried", "landed", "emptied", "skipped", "added")
_ORDINARY = (Verdict.CARRIED, Verdict.STAMP)
_COLOUR = {Fate.DROPPED: "yellow", Fate.UNRESOLVED: "red", Fate.NEW: "green", Fate.KEPT: "cyan"}


def to_json(config: Config, outcome: Outcome) -> dict[str, Any]:
    """The object that ``sync --json`` prints (design: Interface)."""
    order, rebuilt = outcome.order, outcome.rebuilt
    results = list(rebuilt.results)
    after = {Role.SNAPSHOT: order.target, **rebuilt.tips}
    moved = outcome.kind == "done"
    layers = []
    for role in Role:
        layers.append(
            {
                "role": role.value,
                "branch": branch_of(config, role),
                "before": order.tips[role],
                "after": after.get(role) if moved or outcome.dry_run else order.tips[role],
                "patches": [result_to_json(r) for r in results if r.role is role],
            }
        )
    value: dict[str, Any] = {
        "outcome": outcome.kind,
        "exit": outcome.status,
        "dry_run": outcome.dry_run,
        "operation": outcome.operation,
        "nightly": {"date": order.date, "commit": order.target, "nightly": order.nightly},
        "pushed": outcome.pushed,
        "snags": [{"name": s.name, "message": s.message, "hint": s.hint, "patch": s.patch} for s in outcome.snags],
        "layers": layers,
        "notes": [*outcome.notes],
    }
    if outcome.explanation:
        value["explanation"] = list(outcome.explanation)
    if rebuilt.stop is not None:
        culprit = rebuilt.stop.culprit
        value["conflict"] = {
            "layer": rebuilt.stop.role.value,
            "patch": rebuilt.stop.commit.oid,
            "subject": rebuilt.stop.commit.subject,
            "paths": list(rebuilt.stop.conflict.paths),
            "messages": list(rebuilt.stop.conflict.messages),
            "upstream": culprit.oid if culprit else None,
        }
    return value


def show(ui: Ui, config: Config, outcome: Outcome) -> None:
    """The report for people, on stdout; what to type next on stderr."""
    order = outcome.order
    kind = outcome.kind
    if outcome.explanation:
        ui.print(*map(clean, outcome.explanation), "")
    if kind == "nothing-to-do":
        ui.print(f"Nothing to do: the stack stands on the nightly of {order.date} ({order.target[:9]}).")
        _notes(ui, outcome)
        return
    ui.print(f"{_headline(outcome)} the nightly of {ui.paint(order.date, 'bold')} ({order.target[:9]})")
    ui.print("", *_layers(ui, config, outcome))
    told = [r for r in outcome.rebuilt.results if r.verdict not in _ORDINARY or r.notes]
    if told and outcome.stood is None:
        ui.print("", *[line for result in told for line in _patch(ui, result)])
    _notes(ui, outcome)
    if outcome.submodules:
        ui.print("", f"Moved submodules: {', '.join(map(clean, outcome.submodules[:8]))}"
                 + (" …" if len(outcome.submodules) > 8 else ""))  # fmt: skip
        ui.hint("git submodule update --init --recursive   (brings them along)")
    if kind == "refused":
        _refusal(ui, outcome)
    elif kind == "stopped":
        _stop(ui, outcome)
    elif outcome.pushed:
        ui.print("", f"Pushed to '{config.remotes.fork}'.")
    elif not outcome.dry_run:
        ui.hint("git poolside push   (sends the branches)", "git poolside undo   (takes it back)")


def _headline(outcome: Outcome) -> str:
    if outcome.stood is not None:
        return "No branch has moved: stopped on the way to"
    if outcome.kind == "refused":
        return "Not moved onto"
    if outcome.dry_run:
        return "Would move onto"
    return "Moved onto" if outcome.kind == "done" else "Not moved onto"


def _layers(ui: Ui, config: Config, outcome: Outcome) -> list[str]:
    order, rebuilt = outcome.order, outcome.rebuilt
    after = {Role.SNAPSHOT: order.target, **rebuilt.tips}
    rows: list[tuple[str, ...]] = []
    for role in (Role.PATCHES, Role.PICKS, Role.SNAPSHOT):
        before, new = order.tips[role], after.get(role)
        if rebuilt.stop is not None and role in (rebuilt.stop.role, Role.PATCHES):
            new = None  # what a conflict leaves out is not what the tip will be
        arrow = f"{before[:9] if before else 'new':9} -> {new[:9] if new else '…'}"
        if before == new and new:
            arrow = f"{new[:9]} unchanged"
        rows.append((f"  {clean(branch_of(config, role))}", arrow, _summary(outcome, role)))
    lines = table(rows)
    if max(map(len, lines)) <= ui.width:
        return lines
    return [line for name, arrow, what in rows for line in (f"{name}  {arrow}", f"    {what}")]


def _summary(outcome: Outcome, role: Role) -> str:
    if role is Role.SNAPSHOT:
        return f"upstream at {outcome.order.date}"
    results = [r for r in outcome.rebuilt.results if r.role is role]
    gone = {r.old for r in results if r.verdict is Verdict.RETURNED and r.fate is Fate.DROPPED}
    fates = Counter(r.fate for r in results if r.verdict is not Verdict.STAMP and r.old not in gone)
    words = [f"{fates[fate]} {fate.value}" for fate in Fate if fates[fate]]
    what = "pick" if role is Role.PICKS else "patch"
    judged = sum(n for fate, n in fates.items() if fate is not Fate.NEW)
    layer = outcome.stack.picks if role is Role.PICKS else outcome.stack.patches
    waiting = sum(commit.oid not in outcome.rebuilt.stamps for commit in layer.commits) - judged
    words += [f"{waiting} to go"] if waiting else []
    text = f"{count(judged + waiting, what)}" + (f": {', '.join(words)}" if words else "")
    if any(r.verdict is Verdict.STAMP and r.new for r in results):
        text += ", stamped"
    return text


def _patch(ui: Ui, result: PatchResult) -> list[str]:
    name = result.old or result.new or ""
    word = result.fate.value
    if result.verdict is Verdict.CHANGED:
        word = "changed"
    elif result.fate is Fate.UNRESOLVED:
        word = "conflict" if result.paths else "asked"
    head = f"  {ui.paint(f'{word:<10}', _COLOUR[result.fate])} {name[:9]} {clean(result.subject)}"
    lines = [cut(head, ui.width, len(head) - len(f"  {word:<10} {name[:9]} {clean(result.subject)}"))]
    indent = 13 if ui.width >= 60 else 4
    shown = (word, *_PLAIN)
    label = result.verdict.value if result.verdict.value not in shown else ""
    detail = ": ".join(part for part in (label, clean(result.reason)) if part)
    for text in (detail, *map(clean, result.notes)):
        if text:
            lines += textwrap.wrap(
                text, max(ui.width, 30), initial_indent=" " * indent, subsequent_indent=" " * (indent + 2),
                break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip
    lines += [f"{' ' * indent}{clean(path)}" for path in result.paths[:5]]
    return lines


def _notes(ui: Ui, outcome: Outcome) -> None:
    for note in outcome.notes:
        ui.talk(f"note: {clean(note)}")


def _refusal(ui: Ui, outcome: Outcome) -> None:
    again = "git poolside sync --continue " if outcome.stood is not None else ""
    for snag in outcome.snags:
        first, *more = clean(snag.message).split("\n")
        ui.complain(f"{first} [{snag.name}]", *more)
        ui.hint(snag.hint.replace("--keep", f"{again}--keep").replace("--drop", f"{again}--drop"))
    ui.complain_end("nothing was changed" if outcome.stood is None else "no branch was changed, the stop still stands")


def _stop(ui: Ui, outcome: Outcome) -> None:
    stop = outcome.rebuilt.stop
    if outcome.stood is not None and outcome.stood.kind == "exec":
        ui.complain(f"'{outcome.order.exec}' failed at {outcome.stood.patch[:9]} {clean(outcome.stood.subject)}")
    elif stop is not None:
        ui.complain(f"{stop.commit.oid[:9]} {clean(stop.commit.subject)} does not apply")
        for message in stop.conflict.messages:
            ui.talk(f"  {clean(message)}")
        if outcome.dry_run and any(result.assumes for result in outcome.rebuilt.results):
            ui.talk("the patches after it were judged as if it were left out")
        if stop.culprit is not None:
            pull = f" (#{stop.culprit.number})" if stop.culprit.number else ""
            subject = clean(stop.culprit.subject)
            subject += pull if pull and pull.strip() not in subject else ""
            ui.talk(f"because of upstream's {stop.culprit.oid[:9]} {subject}")
        if stop.reason:
            ui.talk(f"the patch was {clean(stop.reason)}")
    if outcome.stood is None:
        if outcome.dry_run:
            command = shlex.join(word for word in outcome.order.command if word not in ("-n", "--dry-run"))
            ui.hint(f"git poolside {command}   (stops there, for you to resolve it)")
        else:
            ui.complain_end("nothing was changed")
        return
    fix = "edit the files, git add them" if outcome.stood.kind == "conflict" else "mend the commit (git commit --amend)"
    culprit = stop.culprit.oid[:9] if stop is not None and stop.culprit else None
    ui.hint(
        f"{fix}, then: git poolside sync --continue",
        "git poolside sync --skip    (leaves this patch out)",
        "git poolside sync --abort   (goes back to where all was)",
        *([f"git show {culprit}   (what upstream did)"] if culprit else []),
    )
