"""How a proposal looks: its patches and where they go, or one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from git_poolside.config import Config
from git_poolside.git.process import Git
from git_poolside.operation.offer import Target
from git_poolside.operation.propose import Proposal
from git_poolside.ui import Ui, clean, count, cut, folded, table

if TYPE_CHECKING:
    from git_poolside.operation.offered import Row
    from git_poolside.operation.pull_request import Noted, Offer


def show(ui: Ui, git: Git, branch: str, made: Proposal) -> None:
    """The branch and a line for each of its patches, lowest first."""
    when = git.text("log", "-1", "--format=%cs", made.onto)
    head = f"{ui.paint(clean(branch), 'title')}: {count(len(made.patches), 'patch')}"
    ui.print(*folded(f"{head} on upstream's {made.onto[:9]} ({when})", ui.width, 2, ""), "")
    for one in made.patches:
        word = ui.paint(f"{'needed' if one.needed else '':<8}", "dropped") if made.needed else ""
        ui.print(cut(f"  {word}{one.new.oid[:9]} {clean(one.new.subject)}", ui.width))
    for note in made.notes:
        ui.talk(f"note: {clean(note)}")


def pushing(config: Config, to: Target, made: Proposal, pull_request: bool) -> list[str]:
    """What a dry run would do."""
    fork, there = config.remotes.fork, made.tip == to.there
    lines = [f"'{fork}' has it so already." if there else f"Would push '{to.branch}' to '{fork}': {_arrow(to, made)}"]
    if pull_request:
        lines.append(f"Would open its pull request on {config.github.upstream}, or renew the one that there is.")
    return [clean(line) for line in lines]


def pushed(config: Config, to: Target, made: Proposal) -> list[str]:
    """What the push did."""
    fork = config.remotes.fork
    if made.tip == to.there:
        return [clean(f"'{fork}' has it so already.")]
    return [clean(f"Pushed '{to.branch}' to '{fork}': {_arrow(to, made)}")]


def _arrow(to: Target, made: Proposal) -> str:
    return f"{to.there[:9] if to.there else 'new'} -> {made.tip[:9]}"


def show_pull(ui: Ui, done: Offer) -> None:
    """The pull request's address, whether it is new, and what was left as people wrote it."""
    what = "draft" if done.pull.draft else "pull request"
    how = f"Opened {what}" if done.opened else f"{'Renewed' if done.renewed else 'Open already:'} {what}"
    ui.print(clean(f"{how} #{done.pull.number}: {done.pull.url}"))
    ui.talk(*(f"note: {clean(note)}" for note in done.notes))


def show_noted(ui: Ui, done: Noted, number: int) -> None:
    """Where the number was noted and the branches that moved, or why it was not."""
    if done.why:
        ui.warn(f"#{number} is not noted in the stack yet: {done.why}")
        ui.hint("the same command notes it, when that is mended")
    if not done.patches:
        return
    moved = [
        (f"  {clean(ref.removeprefix('refs/heads/'))}", f"{(old or 'new')[:9]:9} -> {(new or 'none')[:9]}")
        for ref, (old, new) in done.tips.items()
    ]
    ui.print(f"Noted #{number} in {count(len(done.patches), 'patch')}:", *table(moved))
    ui.hint("git poolside push   (sends the branches)", "git poolside undo   (takes the note back)")


def to_json(to: Target, made: Proposal, dry_run: bool, said: Mapping[str, Any]) -> dict[str, Any]:
    """The object of ``upstream --json``."""
    done = said["pushed"] or said["noted"] or (said["pull"] or {}).get("opened") or (dry_run and made.tip != to.there)
    return {
        "outcome": "done" if done else "nothing-to-do",
        "exit": 0,
        "dry_run": dry_run,
        "branch": to.branch,
        "onto": made.onto,
        "before": to.there,
        "tip": made.tip,
        **said,
        "patches": [
            {
                "old": one.old.oid,
                "new": one.new.oid,
                "subject": one.new.subject,
                "needed": one.needed,
                "pick": one.picked,
            }
            for one in made.patches
        ],
        "notes": list(made.notes),
    }


_COLOURS = {"landed": "green", "open": "cyan", "draft": "cyan", "reverted": "red", "closed": "red"}


def show_list(ui: Ui, rows: Sequence[Row]) -> None:
    """A line for each proposal, and below it what its state does not say."""
    if not rows:
        ui.print("Nothing was offered upstream yet.")
        ui.hint("git poolside upstream PATCH   (offers one)")
        return
    ui.print(count(len(rows), "proposal"))
    heads = [(f"#{row.pull}" if row.pull is not None else "-", row.state, clean(row.title)) for row in rows]
    for head, line, row in zip(heads, table(heads), rows, strict=True):
        at = line.index(row.state, len(head[0]))
        painted = ui.paint(row.state, _COLOURS.get(row.state, "yellow"))
        ui.print(cut(f"  {line[:at]}{painted}{line[at + len(row.state) :]}", ui.width))
        for detail in (row.branch or "", row.url or "", *row.details):
            if detail:
                ui.print(*folded(clean(detail), ui.width, 9, " " * 7))


def list_to_json(rows: Sequence[Row]) -> dict[str, Any]:
    """The object of ``upstream --list --json``."""
    return {
        "proposals": [
            {
                "branch": row.branch,
                "pull": row.pull,
                "url": row.url,
                "state": row.state,
                "title": row.title,
                "patches": list(row.patches),
                "landed": row.landed,
                "details": list(row.details),
            }
            for row in rows
        ]
    }
