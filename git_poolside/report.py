"""What a sync says about itself: a compact picture of the layers for people, one object for programs."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from typing import Any

from git_poolside.config import Config
from git_poolside.git.layers import branch_of
from git_poolside.operation.log import result_to_json
from git_poolside.operation.rebuilt import Stop
from git_poolside.operation.sync import Outcome
from git_poolside.operation.topics import Topic
from git_poolside.stack.model import Fate, PatchResult, Role, Verdict
from git_poolside.stack.plan import Plan
from git_poolside.ui import Ui, clean, count, cut, folded, listed

_PLAIN = ("carried", "landed", "emptied", "skipped", "added")
_ORDINARY = (Verdict.CARRIED, Verdict.STAMP)
_SLOT = {Fate.DROPPED: "dropped", Fate.UNRESOLVED: "bad", Fate.NEW: "new", Fate.KEPT: "kept"}


def to_json(config: Config, outcome: Outcome) -> dict[str, Any]:
    """The object that ``sync --json`` prints (design: Interface)."""
    order, rebuilt = outcome.order, outcome.rebuilt
    results = list(rebuilt.results)
    after = {Role.SNAPSHOT: order.snapshot, **rebuilt.tips}
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
        "topics": topics(outcome.topics),
        "snags": snags(outcome),
        "layers": layers,
        "notes": [*outcome.notes],
    }
    if outcome.explanation:
        value["explanation"] = list(outcome.explanation)
    if rebuilt.stop is not None:
        value["conflict"] = conflict(rebuilt.stop)
    return value


def snags(outcome: Outcome) -> list[dict[str, Any]]:
    """The doubts that refuse it, for ``--json``."""
    return [{"name": s.name, "message": s.message, "hint": s.hint, "patch": s.patch} for s in outcome.snags]


def conflict(stop: Stop) -> dict[str, Any]:
    """What a stop is about, for ``--json``."""
    return {
        "layer": stop.role.value,
        "patch": stop.origin or stop.commit.oid,
        "subject": stop.commit.subject,
        "paths": list(stop.conflict.paths),
        "messages": list(stop.conflict.messages),
        "upstream": stop.culprit.oid if stop.culprit else None,
        "because": list(stop.because),
    }


def nothing(ui: Ui, notes: Sequence[str], why: str = "the layers are so already") -> int:
    """What there is to say about an edit or a pull that changes nothing."""
    ui.print(f"Nothing to do: {why}.")
    ui.talk(*(f"note: {clean(note)}" for note in notes))
    if ui.json:
        ui.object({"outcome": "nothing-to-do", "exit": 0, "notes": list(notes)})
    return 0


def show(ui: Ui, config: Config, outcome: Outcome) -> None:
    """The report for people, on stdout; what to type next on stderr."""
    order = outcome.order
    kind = outcome.kind
    if outcome.explanation:
        ui.print(*map(clean, outcome.explanation), "")
    if kind == "nothing-to-do":
        what = f"the stack stands on the nightly of {order.date} ({order.target[:9]})"
        ui.print(f"Nothing to do: {'the layers are so already' if order.plan is not None else what}.")
        told(ui, list(filter(_left_out, outcome.rebuilt.results)))
        _notes(ui, outcome)
        return
    head = f"{_headline(outcome)} the nightly of {ui.paint(order.date, 'title')} ({order.target[:9]})"
    ui.print(*folded(head, ui.width, 2, ""), "", *_layers(ui, config, outcome))
    if outcome.stood is None:
        moved = order.plan.moved if order.plan is not None else ()
        told(ui, [r for r in outcome.rebuilt.results if r.verdict not in _ORDINARY or r.notes or r.old in moved])
    end(ui, config, outcome)


def end(ui: Ui, config: Config, outcome: Outcome) -> None:
    """What else there is to say, and what to type next."""
    kind = outcome.kind
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
        left_behind(ui, config, outcome.topics)
    elif not outcome.dry_run and kind == "done":
        leases = outcome.order.leases
        sends = any(change.ref in leases and change.after != leases[change.ref] for change in outcome.changes)
        ui.hint(*(["git poolside push   (sends the branches)"] if sends else []), "git poolside undo   (takes it back)")


def topics(found: Sequence[Topic]) -> list[dict[str, Any]]:
    """The branches that a push has left behind, for ``--json``."""
    return [{"branch": one.branch, "here": one.here, "commits": one.commits, "pull": one.pull} for one in found]


def left_behind(ui: Ui, config: Config, found: Sequence[Topic]) -> None:
    """The topic branches and pull requests on an earlier stack, and the commands that move them."""
    if not found:
        return
    ui.print("", "Still on an earlier stack:")
    where = {(True, False): "", (False, False): "on the server", (False, True): "of another repository"}
    rows = []
    for one in found:
        pull = f"pull request #{one.pull}" if one.pull else ""
        rows.append((f"  {clean(one.branch)}", count(one.commits, "commit"),
                     ", ".join(filter(None, (where[one.here, one.elsewhere], pull)))))  # fmt: skip
    ui.print(*listed(rows, ui.width))
    fork = shlex.quote(config.remotes.fork)
    if here := [shlex.quote(one.branch) for one in found if one.here]:
        words = [*(["--"] if any(name.startswith("-") for name in here) else []), *here]
        ui.hint(f"git poolside pull {' '.join(words)}   (moves {'them' if len(here) > 1 else 'it'} onto the new one)")
    for one in (one for one in found if not one.here and not one.branch.startswith("-")):  # git switches to no such
        name = f"pull-{one.pull}" if one.elsewhere else shlex.quote(one.branch)
        get = f"git fetch {fork} pull/{one.pull}/head:{name}" if one.elsewhere else f"git fetch {fork}"
        ui.hint(f"{get} && git switch {name} && git poolside pull")


def _headline(outcome: Outcome) -> str:
    if outcome.order.plan is not None:
        return _edited(outcome, outcome.order.plan)
    if outcome.stood is not None:
        return "No branch has moved: stopped on the way to"
    if outcome.kind == "refused":
        return "Not moved onto"
    if outcome.dry_run:
        return "Would move onto"
    return "Moved onto" if outcome.kind == "done" else "Not moved onto"


def _edited(outcome: Outcome, plan: Plan) -> str:
    left = sum(map(_left_out, outcome.rebuilt.results))
    done, would, numbers = {
        "add": ("Added", "add", count(len(plan.incoming) - left, "pick")),
        "drop": ("Dropped", "drop", count(len(plan.left_out), "pick")),
        "update": ("Updated", "update", count(len(plan.left_out), "pick")),
        "move": ("Moved", "move", count(len(plan.moved), "patch")),
    }[plan.word]
    if outcome.stood is not None:
        return f"No branch has moved: stopped, to {would} {numbers}, still on"
    if outcome.kind != "done":
        return f"Did not {would} {numbers}, still on"
    return f"{f'Would {would}' if outcome.dry_run else done} {numbers}, still on"


def _layers(ui: Ui, config: Config, outcome: Outcome) -> list[str]:
    order, rebuilt = outcome.order, outcome.rebuilt
    after = {Role.SNAPSHOT: order.snapshot, **rebuilt.tips}
    rows: list[tuple[str, ...]] = []
    for role in (Role.PATCHES, Role.PICKS, Role.SNAPSHOT):
        before, new = order.tips[role], after.get(role)
        if rebuilt.stop is not None and role in (rebuilt.stop.role, Role.PATCHES):
            new = None  # what a conflict leaves out is not what the tip will be
        arrow = f"{before[:9] if before else 'new':9} -> {new[:9] if new else '…'}"
        if before == new and new:
            arrow = f"{new[:9]} unchanged"
        rows.append((f"  {clean(branch_of(config, role))}", arrow, layer_summary(outcome, role)))
    return listed(rows, ui.width)


def layer_summary(outcome: Outcome, role: Role) -> str:
    """How many patches a layer has, and what became of them, in words."""
    if role is Role.SNAPSHOT:
        return f"upstream at {outcome.order.date}"
    results = [r for r in outcome.rebuilt.results if r.role is role]
    back = {r.old for r in results if r.verdict is Verdict.RETURNED and r.fate is Fate.DROPPED}
    told = [r for r in results if r.verdict is not Verdict.STAMP and not (r.old and r.old in back)]
    fates = Counter("squashed" if r.verdict is Verdict.SQUASHED else r.fate.value for r in told if not _left_out(r))
    words = [f"{fates[word]} {word}" for word in (*(fate.value for fate in Fate), "squashed") if fates[word]]
    what = "pick" if role is Role.PICKS else "patch"
    by_hand = sum(r.fate is Fate.NEW and not r.upstream for r in told)
    gone = outcome.order.plan.left_out if outcome.order.plan is not None else ()
    judged = sum(r.old not in gone for r in told) - by_hand
    layer = outcome.stack.picks if role is Role.PICKS else outcome.stack.patches
    waiting = sum(commit.oid not in outcome.rebuilt.stamps for commit in layer.commits) - judged
    words += [f"{waiting} to go"] if waiting else []
    text = f"{count(fates.total() - by_hand + waiting, what)}" + (f": {', '.join(words)}" if words else "")
    through = outcome.rebuilt.stop is None or outcome.dry_run
    if through and any(r.verdict is Verdict.STAMP and r.new for r in results):
        text += ", stamped"
    return text


def _left_out(result: PatchResult) -> bool:
    """Whether it was to come in and did not, because nothing of it was left or somebody skipped it."""
    return result.old is None and result.new is None and result.fate is Fate.DROPPED


def told(ui: Ui, results: Sequence[PatchResult]) -> None:
    """The patches that there is something to say about, with the reasons."""
    if results:
        ui.print("", *[line for result in results for line in _patch(ui, result)])


def _patch(ui: Ui, result: PatchResult) -> list[str]:
    name = result.old or result.new or next(iter(result.upstream), "")
    word = result.fate.value
    if _left_out(result):
        word = "left out"
    elif result.verdict in (Verdict.CHANGED, Verdict.SQUASHED):
        word = result.verdict.value
    elif result.fate is Fate.UNRESOLVED:
        word = "conflict" if result.paths else "asked"
    head = f"  {ui.paint(f'{word:<10}', _SLOT[result.fate])} {name[:9]} {clean(result.subject)}"
    lines = [cut(head, ui.width)]
    indent = 13 if ui.width >= 60 else 4
    shown = (word, *_PLAIN)
    label = result.verdict.value if result.verdict.value not in shown else ""
    detail = ": ".join(part for part in (label, clean(result.reason)) if part)
    for text in (detail, *map(clean, result.notes)):
        if text:
            for oid in result.upstream:
                text = text.replace(oid[:9], ui.link(oid[:9], "commit", oid))
            lines += folded(text, ui.width, indent + 2, " " * indent)
    lines += [f"{' ' * indent}{clean(path)}" for path in result.paths[:5]]
    return lines


def _notes(ui: Ui, outcome: Outcome) -> None:
    for note in outcome.notes:
        ui.talk(f"note: {clean(note)}")


def _refusal(ui: Ui, outcome: Outcome) -> None:
    for snag in outcome.snags:
        first, *more = clean(snag.message).split("\n")
        ui.complain(f"{first} [{snag.name}]", *more)
        ui.hint(*snag.hint.split("\n"))
    ui.complain_end("nothing was changed" if outcome.stood is None else "no branch was changed, the stop still stands")


def _stop(ui: Ui, outcome: Outcome) -> None:
    stop = outcome.rebuilt.stop
    if outcome.stood is not None and outcome.stood.kind == "exec":
        ui.complain(f"'{outcome.order.exec}' failed at {outcome.stood.patch[:9]} {clean(outcome.stood.subject)}")
    elif stop is not None:
        ui.complain(f"{(stop.origin or stop.commit.oid)[:9]} {clean(stop.commit.subject)} does not apply")
        for message in stop.conflict.messages:
            ui.talk(f"  {clean(message)}")
        if outcome.stood is None and any(result.assumes for result in outcome.rebuilt.results):
            ui.talk("the patches after it were judged as if it were left out")
        if stop.culprit is not None:
            pull = f" (#{stop.culprit.number})" if stop.culprit.number else ""
            subject = clean(stop.culprit.subject)
            subject += pull if pull and pull.strip() not in subject else ""
            ui.talk(f"because of upstream's {stop.culprit.oid[:9]} {subject}")
        if stop.because:
            ui.talk(
                "upstream changed the same before it, and the snapshot has not got:"
                if stop.origin
                else "because of this edit:"
            )
            ui.talk(*(f"  {clean(line)}" for line in stop.because))
        if stop.reason:
            ui.talk(f"the patch was {clean(stop.reason).removeprefix('was ')}")
    if outcome.stood is None:
        if outcome.dry_run:
            command = shlex.join(word for word in outcome.order.typed if word not in ("-n", "--dry-run"))
            ui.hint(f"git poolside {command}   (stops there, for you to resolve it)")
        else:
            ui.complain_end("nothing was changed")
        return
    culprit = stop.culprit.oid[:9] if stop is not None and stop.culprit else None
    ui.hint(
        *outcome.mending,
        f"{outcome.order.program} --continue   (then)",
        f"{outcome.order.program} --skip   (leaves this patch out)",
        f"{outcome.order.program} --abort   (goes back to where all was)",
        *([f"git show {culprit}   (what upstream did)"] if culprit else []),
    )
