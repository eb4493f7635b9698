"""``git poolside cherry-pick``: what the picks are, and editing them."""

from __future__ import annotations

import argparse

from git_poolside import ending, picklist, report
from git_poolside.commands import Parser, allowing
from git_poolside.context import Context
from git_poolside.errors import Refused, UsageError
from git_poolside.git.remotes import ask_both, needless
from git_poolside.git.web import page
from git_poolside.operation import edit, journal, picks, prepare, sync
from git_poolside.stack.plan import Plan
from git_poolside.ui import clean, count

_WORDS = {
    "add": "add upstream's commits or pull requests as picks, on top of the others",
    "list": "show each pick with what became of it upstream",
    "drop": "take picks out",
    "update": "take the newer versions of pull requests that picks came from",
    "move": "move a patch into another layer, or below another patch",
}
_MORE = {
    "add": """
A commit is a hash, a ref or a range A..B; a hash that is not here is fetched. A pull request is '#N' or its
URL: it is its landed commit, if it landed and was not taken back, else its newest version, one pick for each
commit; of a ghstack one with the open ones below it. Several at once go in upstream's order. Author, date and
message stay; "(cherry picked from commit ...)" and "Poolside-Pull: N" are added to the message.""",
    "list": """
The state is that at the newest usable nightly, by what a sync to it would find: pending, landed, landed with
tweaks, landed in part, reverted, relanded, or orphaned: it was made from no commit of upstream's and no pull
request. The age is since the author's date.""",
    "drop": """
A pick is named by its number in the list, by '#N', hash, or words of its subject that no other has.""",
    "update": """
Each newer version is shown as a range-diff first. Then you are asked; where nobody can answer, the picks have to
be named or --yes given.""",
    "move": """
--to puts it at the end of the other layer that is nearest; its fate in the operation log is kept.""",
}


def parser() -> Parser:
    made = Parser("cherry-pick")
    made.add_argument("--json", action="store_true", help="one JSON object on standard output")
    allowing(made)
    ending.options(made)
    words = made.add_subparsers(dest="word", metavar="WORD", title="words", parser_class=Parser)
    add, listing, drop, update, move = (
        words.add_parser(word, what=f"{what.capitalize()}.\n{_MORE[word]}", help=what) for word, what in _WORDS.items()
    )
    add.add_argument("commits", metavar="COMMIT|URL|'#N'", nargs="+", help="a commit, a range A..B, a pull request")
    drop.add_argument(
        "picks", metavar="PICK", nargs="+", help="by hash, words of its subject, '#N', number in the list"
    )
    drop.add_argument("--reason", metavar="TEXT", help="why; the operation log keeps it")
    update.add_argument("picks", metavar="PICK", nargs="*", help="these alone, and without asking")
    update.add_argument("--yes", action="store_true", help="take them without asking")
    move.add_argument("patch", metavar="PATCH", help="a pick, or a patch of the fork's own")
    where = move.add_mutually_exclusive_group(required=True)
    where.add_argument("--to", metavar="LAYER", help="picks or patches")
    where.add_argument("--before", metavar="PATCH", help="below that patch, in its layer")
    for one in (add, drop, update, move):
        one.add_argument("-n", "--dry-run", action="store_true", help="show what would happen, change nothing")
        allowing(one, argparse.SUPPRESS)
        one.add_argument("--no-stop", action="store_true", help="report a conflict instead of stopping at it")
        one.add_argument("--no-fetch", action="store_true", help="do not ask the remotes, work with what is here")
    listing.add_argument("--porcelain", action="store_true", help="the same, a line 'KEY TAB VALUE' for each value")
    listing.add_argument("--fetch", action="store_true", help="ask both remotes first")
    for one in (add, listing, drop, update, move):
        one.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="one JSON object")
    return made


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Lists, edits, or goes on with what is stopped; the exit codes of the manual."""
    _check_usage(arguments)
    if arguments.word == "list":
        return _list(context, arguments.fetch)
    return ending.run(context, arguments, prepare.Wishes(allow=arguments.allow), lambda: _edit(context, arguments))


def _list(context: Context, fetch: bool) -> int:
    """Reads this clone alone unless --fetch is given; works during a stop."""
    git, config, ui = context.git, context.config, context.ui
    journal.recover_if_dead(git, ui, context.command)
    if fetch:
        ask_both(git, config, ui)
    found = picks.listing(git, config, ui, fetched=fetch)
    ui.page = page(git, config.remotes.upstream)
    picklist.show(ui, found) if not ui.json else ui.object(picklist.to_json(found))
    return 0


def _edit(context: Context, arguments: argparse.Namespace) -> int:
    git, config, ui = context.git, context.config, context.ui
    fetch = not arguments.no_fetch
    with needless():
        at = edit.desk(git, config, ui, fetch=fetch, upstream=arguments.word in ("add", "update"))
    plan, notes = _update(at, arguments, fetch) if arguments.word == "update" else _plan(at, arguments, fetch)
    if plan.is_empty:
        return report.nothing(ui, notes)
    order = at.order(context.command, plan, arguments.allow, notes)
    outcome = sync.execute(git, config, ui, order, dry_run=arguments.dry_run, no_stop=arguments.no_stop)
    return ending.finish(context, outcome)


def _plan(at: edit.Desk, arguments: argparse.Namespace, fetch: bool) -> tuple[Plan, list[str]]:
    if arguments.word == "add":
        return edit.add(at, arguments.commits, fetch)
    if arguments.word == "drop":
        return edit.drop(at, arguments.picks, arguments.reason or "dropped as asked"), []
    return edit.move(at, arguments.patch, arguments.to, arguments.before)


def _update(at: edit.Desk, arguments: argparse.Namespace, fetch: bool) -> tuple[Plan, list[str]]:
    """Show the newer versions; take them if they were named, or somebody says yes."""
    found, notes = edit.renewals(at, arguments.picks, fetch)
    for one in found:
        versions = ", ".join(pick.oid[:9] for pick in one.old), ", ".join(new.commit[:9] for new in one.new)
        at.ui.print(f"#{one.number}: {' -> '.join(versions)}", *map(clean, edit.range_diff(at, one)), "")
    if found and not (arguments.picks or arguments.yes or arguments.dry_run):
        answer = at.ui.ask(f"Take {count(len(found), 'newer version')}?")
        if answer is None:
            raise Refused(
                f"{count(len(found), 'newer version')} to take; nothing was changed",
                hints=["git poolside cherry-pick update --yes   (takes them)", "or name the picks"],
            )
        found = found if answer else []
    return edit.update(at, found), notes


def _check_usage(arguments: argparse.Namespace) -> None:
    if not (arguments.word or arguments.go_on or arguments.skip or arguments.abort):
        raise UsageError("what is to be done with the picks?", hints=[f"one of {', '.join(_WORDS)}"])
    if arguments.word and (arguments.go_on or arguments.skip or arguments.abort):
        raise UsageError(f"{arguments.word} begins an edit, the flag goes on with one", hints=["give one of the two"])
