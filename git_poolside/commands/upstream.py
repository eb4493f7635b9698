"""``git poolside upstream``: offer patches to upstream, as a branch of the fork and a pull request."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from git_poolside import offering
from git_poolside.commands import Parser
from git_poolside.context import Context
from git_poolside.errors import FarSideFailed, Refused, UsageError
from git_poolside.git.remotes import Remote, ask_upstream
from git_poolside.operation import edit, journal, lock, offer, proposals, propose, stopped
from git_poolside.operation.proposals import Record
from git_poolside.operation.propose import Proposal
from git_poolside.stack.values import replace
from git_poolside.ui import clean, count

if TYPE_CHECKING:
    from git_poolside.forge.github import Repository


def parser() -> Parser:
    made = Parser("upstream")
    made.add_argument("patches", metavar="PATCH", nargs="*", help="by hash, or words of its subject")
    made.add_argument("--branch", metavar="NAME", help="the branch's name; the default is upstream/ and the subject")
    made.add_argument("--onto", metavar="COMMIT", help="a commit of upstream's branch; the default is the snapshot")
    made.add_argument("--with-dependencies", action="store_true", help="take along what the patches need to apply")
    made.add_argument("--pull-request", action="store_true", help="open a pull request, or renew the one that there is")
    made.add_argument("--draft", action="store_true", help="open it as a draft")
    made.add_argument(
        "--replace", metavar="COMMIT", help="the branch's tip on the server: replace it, whatever commits it has"
    )
    made.add_argument("--list", action="store_true", help="show what was offered, and what became of it")
    made.add_argument("-n", "--dry-run", action="store_true", help="show what would be done")
    made.add_argument("--no-fetch", action="store_true", help="take the layers as they are here")
    made.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return made


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Nothing that is checked out matters; a pull request's number is noted in the patches."""
    if arguments.list:
        return _list(context, arguments)
    if not arguments.patches:
        raise UsageError("which patch is to be offered?", hints=["git poolside upstream PATCH"])
    if arguments.draft and not arguments.pull_request:
        raise UsageError("--draft is for a pull request", hints=["git poolside upstream PATCH --pull-request --draft"])
    git, ui = context.git, context.ui
    context.mutating_config()
    if arguments.dry_run:
        journal.recover_if_dead(git, ui, context.command)
        return _offer(context, arguments)
    with lock.hold(git, context.command):
        journal.recover(git, ui)
        return _offer(context, arguments)


def _list(context: Context, arguments: argparse.Namespace) -> int:
    """Reads; works during a stop."""
    from git_poolside.operation import offered

    wrong = [arguments.patches, arguments.branch, arguments.onto, arguments.pull_request, arguments.dry_run]
    if any(wrong) or arguments.draft or arguments.replace or arguments.with_dependencies:
        raise UsageError("--list goes alone, or with --no-fetch and --json", hints=["git poolside upstream --list"])
    git, config, ui = context.git, context.config, context.ui
    journal.recover_if_dead(git, ui, context.command)
    upstream: Repository | None = None
    try:
        if not arguments.no_fetch:
            ask_upstream(git, config, ui)
            upstream = _upstream(context, anonymous=True)
    except (FarSideFailed, Refused) as error:
        ui.talk(f"note: {clean(error.message)}")
    rows = offered.listing(git, config, ui, upstream)
    offering.show_list(ui, rows) if not ui.json else ui.object(offering.list_to_json(rows))
    return 0


def _offer(context: Context, arguments: argparse.Namespace) -> int:
    git, config, ui = context.git, context.config, context.ui
    stopped.refuse_if_stopped(git)
    remote = Remote(git, config.remotes.fork, ui)
    remote.require(f"git remote add {config.remotes.fork} URL   (the fork's server)")
    upstream = _upstream(context) if arguments.pull_request and not arguments.dry_run else None
    at = edit.desk(git, config, ui, fetch=not arguments.no_fetch, upstream=arguments.onto is not None)
    named = list(dict.fromkeys(propose.own(at, name) for name in arguments.patches))
    to = offer.target(at, remote, named[0], arguments.branch)
    before = to.record.tip if to.record is not None else to.there
    with propose.proposal(at, named, arguments.onto, before) as (made, inner):
        free = arguments.with_dependencies or arguments.dry_run or not made.needed
        if not free and not ui.can_ask:
            raise _needing(context, made)
        offering.show(ui, git, to.branch, made)
        if not free and not ui.ask(f"\n{clean(made.alone)}\nOffer what is needed too?"):
            ui.print("Nothing was pushed.")
            return 0
        inner.keep([made.tip])
    offer.check_lease(at, remote, to, [one.new for one in made.patches], arguments.replace)
    said: dict[str, Any] = {"pushed": False, "pull": None, "noted": []}
    if arguments.dry_run:
        ui.print("", *offering.pushing(config, to, made, arguments.pull_request))
    else:
        was = to.record.pull if to.record is not None else None
        record = proposals.Record(to.branch, made.tip, made.onto, proposals.identified(named), was)
        said["pushed"] = offer.send(at, remote, to, made.tip)
        ui.print("", *offering.pushed(config, to, made))
        record = offer.keep(at, context.command, to, record, said["pushed"])
        if upstream is not None:
            said |= _pull_request(context, at, upstream, to, made, record, arguments.draft)
    if ui.json:
        ui.object(offering.to_json(to, made, arguments.dry_run, said))
    return 0


def _upstream(context: Context, *, anonymous: bool = False) -> Repository:
    """Upstream on its forge. Raises `Refused` where there is no token, unless it may be `anonymous`."""
    from git_poolside.forge.connection import connect, upstream_of

    return upstream_of(connect(context.git, context.config, context.ui.pause, anonymous=anonymous), context.config)


def _pull_request(
    context: Context, at: edit.Desk, upstream: Repository, to: offer.Target, made: Proposal, record: Record, draft: bool
) -> dict[str, Any]:
    """Open or renew the pull request, then note its number in the stack's patches."""
    from git_poolside.operation import pull_request

    words = pull_request.Words.of(made, record.patches[0][1])
    done = pull_request.offer(at, upstream, to.branch, words, pull_request.earlier(at, to.record), draft)
    number = done.pull.number
    offer.keep(at, context.command, replace(to, record=record), replace(record, pull=number), False)
    offering.show_pull(context.ui, done)
    noted = pull_request.note(at, context.command, made, number)
    offering.show_noted(context.ui, noted, number)
    pull = {"number": number, "url": done.pull.url, "opened": done.opened, "draft": done.pull.draft}
    return {"pull": pull, "noted": list(noted.patches)}


def _needing(context: Context, made: Proposal) -> Refused:
    context.ui.talk(*(f"note: {clean(note)}" for note in made.notes))
    needed = [f"  {one.old.oid[:9]} {one.old.subject}" for one in made.needed]
    return Refused(
        "\n".join([made.alone, f"it needs {count(len(needed), 'other patch', 'other patches')}:", *needed]),
        hints=["--with-dependencies   (offers that too)"],
    )
