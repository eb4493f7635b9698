"""What a sync came to as Markdown, for a job's summary and for an issue.

Whatever comes from elsewhere (subjects, branches, paths, a server's words) stands in code spans, in which a forge sees
no markup, no HTML, no mention and no number of an issue.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from git_poolside import actions
from git_poolside.config import Config
from git_poolside.errors import PoolsideError
from git_poolside.git.layers import branch_of
from git_poolside.operation.sync import Outcome
from git_poolside.report import layer_summary
from git_poolside.stack.model import Fate, PatchResult, Role, Verdict
from git_poolside.ui import clean

_MOST = 200
"""Patches that are told of one by one."""


def code(text: str) -> str:
    """`text` on one line as a code span: fenced by more backticks than it has in a row (CommonMark, "Code spans").

    A bar is escaped, since a table of GitHub's would end its cell there even in code.
    """
    line = " ".join(clean(text).split()) or " "
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def cell(text: str) -> str:
    """The same in a table."""
    return code(text).replace("|", "\\|")


def headline(outcome: Outcome, shown: Callable[[str], str] = clean) -> str:
    """In one line what a sync came to; `shown` is how the nightly's date is written."""
    date = shown(outcome.order.date)
    if outcome.kind == "nothing-to-do":
        return f"Nothing to do: the stack stands on the nightly of {date}"
    if outcome.kind == "done":
        return f"{'Would move' if outcome.dry_run else 'Moved'} onto the nightly of {date}"
    if outcome.kind == "stopped":
        return f"Stopped on the way to the nightly of {date}"
    return f"Not moved onto the nightly of {date}: somebody has to decide"


def of_outcome(config: Config, outcome: Outcome) -> str:
    """The whole report."""
    return "\n".join(_lines(config, outcome)) + "\n"


def of_stop(config: Config, outcome: Outcome) -> str:
    """What a person has to look at, alone."""
    return "\n".join([*_conflict(config, outcome), *_snags(outcome)]).strip("\n") + "\n"


def of_error(command: str, error: PoolsideError) -> str:
    """An error that ended a command before there was anything to report."""
    first, *more = error.message.split("\n")
    lines = [f"### `git poolside {command}` has failed", "", code(first), *(f"- {code(line)}" for line in more)]
    return "\n".join([*lines, "", *(f"- {code(hint)}" for hint in error.hints)]) + "\n"


def _lines(config: Config, outcome: Outcome) -> Iterator[str]:
    order = outcome.order
    yield f"### {headline(outcome, code)} ({code(order.target[:9])})"
    if outcome.kind != "nothing-to-do":
        yield from ("", "| layer | before | after | |", "|---|---|---|---|")
        after = {Role.SNAPSHOT: order.snapshot, **outcome.rebuilt.tips}
        for role in (Role.PATCHES, Role.PICKS, Role.SNAPSHOT):
            old, new = order.tips[role], after.get(role) if outcome.kind == "done" else order.tips[role]
            tips = (cell(tip[:9]) if tip else "none" for tip in (old, new))
            what = cell(layer_summary(outcome, role)) if role is Role.SNAPSHOT else layer_summary(outcome, role)
            yield f"| {cell(branch_of(config, role))} | {' | '.join(tips)} | {what} |"
    if outcome.kind == "done" and outcome.order.push and outcome.changes:
        how = "Pushed" if outcome.pushed else "Would be pushed" if outcome.dry_run else "**Not pushed**"
        yield from ("", f"{how} to {code(config.remotes.fork)}.")
    if outcome.topics:
        yield from ("", "Still on an earlier stack:", "")
        pulls = {topic: f", pull request {topic.pull}" if topic.pull else "" for topic in outcome.topics}
        yield from (f"- {code(topic.branch)}{pull}" for topic, pull in pulls.items())
    results = [r for r in outcome.rebuilt.results if r.verdict is not Verdict.STAMP]
    told = {snag.patch for snag in outcome.snags}
    if outcome.rebuilt.stop is not None:
        told.add(outcome.rebuilt.stop.commit.oid)
    yield from _conflict(config, outcome)
    yield from _snags(outcome)
    for title, wanted in {
        "In conflict too, with that one left out": [
            r for r in results if r.fate is Fate.UNRESOLVED and r.paths and r.old not in told
        ],
        "Dropped": [r for r in results if r.fate is Fate.DROPPED],
        "Kept, with something to say": [r for r in results if r.fate is Fate.KEPT and (r.reason or r.notes)],
    }.items():
        yield from _patches(title, wanted)
    if outcome.notes:
        yield from ("", "#### Notes", "", *(f"- {code(note)}" for note in outcome.notes))


def _patches(title: str, results: Sequence[PatchResult]) -> Iterator[str]:
    if results:
        yield from ("", f"#### {title}", "")
    for result in results[:_MOST]:
        name = result.old or result.new or next(iter(result.upstream), "")
        yield f"- {code(f'{name[:9]} {result.subject}')}"
        word = result.verdict.value
        plain = word in ("landed", "emptied", "changed", "carried", "conflict", "skipped")
        reason = f": {code(result.reason)}" if result.reason else ""
        yield from [f"  - {code(result.reason) if plain else f'{word}{reason}'}"] if result.reason or not plain else []
        yield from (f"  - {code(detail)}" for detail in (*result.notes, *result.paths[:5]))
    if len(results) > _MOST:
        yield f"- and {len(results) - _MOST} more"


def _conflict(config: Config, outcome: Outcome) -> Iterator[str]:
    stop = outcome.rebuilt.stop
    if stop is None:
        return
    yield from ("", "#### The conflict", "")
    yield f"{code(f'{stop.commit.oid[:9]} {stop.commit.subject}')} of the {stop.role.value} does not apply:"
    yield from ("", *(f"- {code(message)}" for message in stop.conflict.messages))
    if stop.culprit is not None:
        cited = code(f"{stop.culprit.oid[:9]} {stop.culprit.subject}")
        repository = config.github.upstream
        if re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
            cited = f"[{cited}]({actions.server()}/{repository}/commit/{stop.culprit.oid})"
        yield from ("", f"because of upstream's {cited}")
    yield from (f"- {code(line)}" for line in stop.because)


def _snags(outcome: Outcome) -> Iterator[str]:
    if outcome.snags:
        yield from ("", "#### To be decided", "")
    for snag in outcome.snags:
        first, *more = snag.message.split("\n")
        yield f"- {code(first)} [{snag.name}]"
        yield from (f"  - {code(line)}" for line in (*more, *snag.hint.split("\n")) if line)
