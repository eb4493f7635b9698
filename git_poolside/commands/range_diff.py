"""``git poolside range-diff``: what an operation did to each patch, or what lies between two published states."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

from git_poolside.commands import Parser, for_programs
from git_poolside.context import Context
from git_poolside.errors import Refused
from git_poolside.git import nightlies, refs
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.operation import journal, log
from git_poolside.stack.model import Oid

_PAIR = re.compile(r" *(?:-|\d+): +([0-9a-f]{40}|-+) ([=!<>]) +(?:-|\d+): +([0-9a-f]{40}|-+) (.*)", re.DOTALL)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:-\d+)?")


def parser() -> Parser:
    made = Parser("range-diff")
    made.add_argument(
        "which", metavar="OPERATION|DATE", nargs="?", help="an operation's id, or a published state's date"
    )
    made.add_argument("to", metavar="DATE", nargs="?", help="the state to compare that date's with")
    for_programs(made)
    return made


def run(context: Context, arguments: argparse.Namespace) -> int:
    """git's own range-diff of the stack before and after, with git's colours."""
    git, config = context.git, context.config
    journal.recover_if_dead(git, context.ui, context.command)
    upstream = nightlies.upstream_tip(git, config)
    old, new = _sides(context, arguments)
    ranges = []
    for tip in (old, new):
        base = git.text("merge-base", tip, upstream)
        ranges.append(f"{base}..{tip}")
    if context.ui.json:
        context.ui.object({"old": old, "new": new, "pairs": _pairs(git, ranges)})
        return 0
    colour = "always" if context.ui.is_coloured else "never"
    context.ui.print(*git.lines("range-diff", "--creation-factor=90", f"--color={colour}", *ranges))
    return 0


def _pairs(git: Git, ranges: Sequence[str]) -> list[dict[str, str | None]]:
    """Each patch of the two sides, as git pairs them; what became of it in a word."""
    words = {"=": "same", "!": "changed", "<": "dropped", ">": "new"}
    pairs: list[dict[str, str | None]] = []
    full = git.with_options("core.abbrev=40")
    for line in full.lines("range-diff", "--creation-factor=90", "--no-patch", *ranges):
        old, sign, new, subject = _PAIR.fullmatch(line).groups()  # type: ignore[union-attr]
        sides = {"old": None if "-" in old else old, "new": None if "-" in new else new}
        pairs.append({"state": words[sign], **sides, "subject": subject})
    return pairs


def _sides(context: Context, arguments: argparse.Namespace) -> tuple[Oid, Oid]:
    """The patches tips to compare."""
    git, config = context.git, context.config
    objects = Objects(git)
    which = arguments.which
    if which is not None and _DATE.fullmatch(which):
        old = _published(context, which)
        if arguments.to is not None:
            return old, _published(context, arguments.to)
        now = refs.read_one(git, config.ref(config.branches.patches))
        assert now is not None
        return old, now
    patches = config.ref(config.branches.patches)
    if which is None:
        entries = (one for one in log.entries(git, objects) if any(c.ref == patches for c in one.refs))
        operation = next(entries, None)
        if operation is None:
            raise Refused("no operation has moved the patches yet", hints=["git poolside log"])
    else:
        operation = log.find(git, objects, which)
    for change in operation.refs:
        if change.ref == patches and change.before and change.after:
            return change.before, change.after
    raise Refused(f"the operation {operation.id} did not move the patches", hints=["git poolside log"])


def _published(context: Context, date: str) -> Oid:
    """The newest published state of a date, or exactly the one with a number."""
    git, prefix = context.git, context.config.published.prefix
    states = refs.below(git, prefix)
    found = [ref for ref in states if ref == prefix + date or ref.startswith(f"{prefix}{date}-")]
    if not found:
        raise Refused(
            f"nothing published on {date} is in this clone",
            hints=[
                "git poolside log --published --fetch   (fetches them, and lists what is)",
            ],
        )
    return Oid(git.text("rev-parse", f"{found[-1]}^{{commit}}"))
