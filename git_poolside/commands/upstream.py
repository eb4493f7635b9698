"""``git poolside upstream``: offer patches to upstream, as a branch of the fork."""

from __future__ import annotations

import argparse
import shlex

from git_poolside import offering
from git_poolside.commands import Parser
from git_poolside.context import Context
from git_poolside.errors import Refused, UsageError
from git_poolside.git.remotes import Remote
from git_poolside.operation import edit, journal, lock, offer, proposals, propose, stopped
from git_poolside.operation.propose import Proposal
from git_poolside.ui import clean, count


def parser() -> Parser:
    made = Parser("upstream")
    made.add_argument("patches", metavar="PATCH", nargs="*", help="by hash, or words of its subject")
    made.add_argument("--branch", metavar="NAME", help="the branch's name; the default is upstream/ and the subject")
    made.add_argument("--onto", metavar="COMMIT", help="a commit of upstream's branch; the default is the snapshot")
    made.add_argument("--with-dependencies", action="store_true", help="take along what the patches need to apply")
    made.add_argument(
        "--replace", metavar="COMMIT", help="the branch's tip on the server: replace it, whatever commits it has"
    )
    made.add_argument("-n", "--dry-run", action="store_true", help="show what would be pushed")
    made.add_argument("--no-fetch", action="store_true", help="take the layers as they are here")
    made.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return made


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Nothing that is checked out matters, or changes."""
    if not arguments.patches:
        raise UsageError("which patch is to be offered?", hints=["git poolside upstream PATCH..."])
    git, ui = context.git, context.ui
    context.mutating_config()
    if arguments.dry_run:
        journal.recover_if_dead(git, ui, context.command)
        return _offer(context, arguments)
    with lock.hold(git, context.command):
        journal.recover(git, ui)
        return _offer(context, arguments)


def _offer(context: Context, arguments: argparse.Namespace) -> int:
    git, config, ui = context.git, context.config, context.ui
    stopped.refuse_if_stopped(git)
    remote = Remote(git, config.remotes.fork, ui)
    remote.require(f"git remote add {config.remotes.fork} URL   (the fork's server)")
    at = edit.desk(git, config, ui, fetch=not arguments.no_fetch, upstream=arguments.onto is not None)
    to = offer.target(at, remote, propose.own(at, arguments.patches[0]), arguments.branch)
    before = to.record.tip if to.record is not None else to.there
    with propose.proposal(at, arguments.patches, arguments.onto, before) as (made, inner):
        free = arguments.with_dependencies or arguments.dry_run or not made.needed
        if not free and not ui.can_ask:
            raise _needing(context, made)
        offering.show(ui, git, to.branch, made)
        if not free and not ui.ask(f"\n{clean(made.alone)}\nOffer what is needed too?"):
            ui.print("Nothing was pushed.")
            return 0
        inner.keep([made.tip])
    offer.check_lease(at, remote, to, [one.new for one in made.patches], arguments.replace)
    pushed = not arguments.dry_run and offer.send(at, remote, to, made.tip)
    if not arguments.dry_run:
        patches = proposals.identified([one.old for one in made.chosen])
        record = proposals.Record(to.branch, made.tip, made.onto, patches, to.record.pull if to.record else None)
        offer.note(at, context.command, to, record, pushed)
    said = _said(config.remotes.fork, to, made, pushed, arguments.dry_run)
    ui.print("", clean(said))
    if ui.json:
        ui.object(
            {
                "outcome": "nothing-to-do" if to.there == made.tip else "done",
                "exit": 0,
                "dry_run": arguments.dry_run,
                "before": to.there,
                "pushed": pushed,
                **offering.to_json(to.branch, made),
            }
        )
    return 0


def _needing(context: Context, made: Proposal) -> Refused:
    context.ui.talk(*(f"note: {clean(note)}" for note in made.notes))
    needed = [f"  {one.old.oid[:9]} {one.old.subject}" for one in made.needed]
    return Refused(
        "\n".join([made.alone, f"it needs {count(len(needed), 'other patch', 'other patches')}:", *needed]),
        hints=[f"git poolside {shlex.join(context.command)} --with-dependencies   (offers that too)"],
    )


def _said(fork: str, to: offer.Target, made: Proposal, pushed: bool, dry_run: bool) -> str:
    if to.there == made.tip:
        return f"'{fork}' has it so already."
    arrow = f"{to.there[:9] if to.there else 'new'} -> {made.tip[:9]}"
    return f"{'Would push' if dry_run else 'Pushed'} '{to.branch}' to '{fork}': {arrow}"
