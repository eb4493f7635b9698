"""The whole reasoning about one patch as text, for ``sync --explain``: 100 columns, nothing but what was found."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from git_poolside.stack.model import Commit, Conflict, Dropped, Fate, Oid, PatchResult, Role, Verdict
from git_poolside.stack.provenance import cherry_origin
from git_poolside.stack.values import frozen
from git_poolside.stack.verdict import Content, Decision, Evidence, Identity, State, UpstreamCommit, describe

_WIDTH = 100
_LABEL = 18


@frozen
class Grounds:
    """What the verdict on one patch rests on. `judged` is the table's decision, `decided` the one after the answers
    of people; `result` is what its replay gave.
    """

    role: Role
    commit: Commit
    identity: Identity
    evidence: Evidence
    result: Oid | Conflict
    judged: Decision
    decided: Decision


@frozen
class Searched:
    """What was searched for a patch: so many commits of upstream's, the paths it touches, those with its patch-id,
    and from which nightly on each of upstream's commits can be had.
    """

    commits: int
    paths: Sequence[str] = ()
    same_patch_id: Sequence[Oid] = ()
    nightlies: Mapping[Oid, str] | None = None


def explain(grounds: Grounds, account: PatchResult, searched: Searched) -> list[str]:
    """The patch, its keys, upstream's events, the content checks, the rule that decided, what could change it."""
    commit, identity = grounds.commit, grounds.identity
    lines = _wrapped(f"{commit.oid[:9]} {commit.subject}", "", "  ")
    lines += ["  what it is known by", *_keys(grounds, searched)]
    lines += [
        f"  upstream's commits about it, of {searched.commits} searched",
        *_events(identity, searched.nightlies or {}),
    ]
    lines += ["  content", *_content(grounds)]
    lines += ["  rule", *_wrapped(grounds.judged.rule or "none of the table's: see above", "    ")]
    if grounds.decided != grounds.judged:
        lines += _wrapped(f"then as people answered: {_said(grounds.decided)}", "    ")
    lines += ["  verdict", *_wrapped(f"{account.verdict.value}: {account.fate.value}", "    ")]
    for text in filter(None, (account.reason, *account.notes)):
        lines += _wrapped(text, "    ")
    return [*lines, "  what could change it", *_ways(grounds, account)]


def explain_dropped(entry: Dropped, title: str, landed: UpstreamCommit, since: Identity, why: str) -> list[str]:
    """The same for a patch that an earlier sync dropped and the stamp remembers."""
    lines = _wrapped(f"{entry.old[:9]} {title}", "", "  ")
    lines += [
        "  what it is known by",
        *_row_lines("remembered", f"dropped from the {entry.role.value} as it had landed"),
    ]
    lines += ["  upstream's commits about it", *_row_lines("landed", describe(landed))]
    lines += _events(since, {}, none="")
    rule = "recorded as dropped at an earlier sync, its landing "
    rule += "reverted since -> returned: asked (dropped-then-reverted)" if why else "stands -> it stays dropped"
    lines += ["  rule", *_wrapped(rule, "    ")]
    name = entry.old[:9]
    ways = [f"--keep {name} puts it back"] + ([f"--drop {name} leaves it out for good"] if why else [])
    return [*lines, "  what could change it", *(f"    {way}" for way in ways)]


def explain_plainly(account: PatchResult) -> list[str]:
    """For what no table was asked about: a stamp, what a person resolved or skipped."""
    name = account.old or account.new or ""
    lines = _wrapped(f"{name[:9]} {account.subject}", "", "  ")
    lines += ["  verdict", *_wrapped(f"{account.verdict.value}: {account.fate.value}", "    ")]
    return lines + (_wrapped(account.reason, "    ") if account.reason else [])


def _keys(grounds: Grounds, searched: Searched) -> list[str]:
    origin = cherry_origin(grounds.commit.text)
    number = grounds.identity.number
    same = ", ".join(oid[:9] for oid in searched.same_patch_id)
    paths = ", ".join(searched.paths[:4]) + (f" and {len(searched.paths) - 4} more" if len(searched.paths) > 4 else "")
    layer = "picks" if grounds.role is Role.PICKS else "patches: a number in the subject is the fork's own"
    return [
        *_row_lines("layer", layer),
        *_row_lines("origin", f"picked from {origin[:9]}" if origin else "no '(cherry picked from commit …)' line"),
        *_row_lines("number", f"pull request #{number}" if number else "no pull request of upstream's is named"),
        *_row_lines("patch-id", f"the same as of {same}" if same else "no commit of upstream's has the same"),
        *_row_lines("paths", paths or "none: it is empty"),
    ]


def _events(identity: Identity, nightlies: Mapping[Oid, str], none: str = "none") -> list[str]:
    """Each landing, revert and reland; in the order of history those of one kind, and those after the target last."""
    told = [("landed", one) for one in identity.landings] + [("taken back", one) for one in identity.reverts]
    told.sort(key=lambda pair: pair[1].time)
    told += [("lands later", one) for one in (identity.later,) if one is not None]
    told += [("back later", one) for one in (identity.undone_later,) if one is not None]
    lines: list[str] = []
    for word, event in told:
        why = f": {event.reason}" if event.reason else ""
        when = f", {nightlies[event.oid]}" if event.oid in nightlies else ""
        lines += _row_lines(word, f"{describe(event)}{why}{when}")
    if identity.signals:
        lines += _row_lines("named by", ", ".join(identity.signals))
    return lines or ([f"    {none}"] if none else [])


def _content(grounds: Grounds) -> list[str]:
    evidence = grounds.evidence
    replay = {
        Content.EMPTY: "empty: nothing of it is left to do",
        Content.CLEAN: "clean: it applies",
        Content.CONFLICT: "conflict",
    }[evidence.content]
    if isinstance(grounds.result, Conflict):
        replay += f" in {', '.join(grounds.result.paths[:4])}"
    lines = _row_lines("replay", replay)
    if evidence.born_empty:
        lines += _row_lines("born empty", "yes: it never changed anything")
    if evidence.relanded is not None:
        lines += _row_lines("our revert", f"upstream landed that again: {describe(evidence.relanded)}")
    if grounds.identity.state is not State.LANDED:
        return lines
    lines += _row_lines("same-result", _yes(evidence.same_change, "it gives the landing's files on the parent of it"))
    if evidence.held:
        lines += _row_lines("content", "yes: a tree of upstream's held the whole of it")
    if evidence.content is Content.CONFLICT:
        lines += _row_lines("undone since", _yes(evidence.undone, "at a later commit it applied anew"))
        lines += _row_lines("elsewhere", _yes(evidence.elsewhere, "it touches paths that no landing does"))
    else:
        lines += _row_lines("reverse-apply", _yes(evidence.reverse_applies, "it can be taken back from the snapshot"))
    if evidence.lines_gone:
        lines += _row_lines("lines gone", "yes: it changes fewer lines than it did")
    return lines


def _ways(grounds: Grounds, account: PatchResult) -> list[str]:
    name = grounds.commit.oid[:9]
    ways: list[str] = []
    if account.fate is Fate.DROPPED:
        if grounds.evidence.content is not Content.EMPTY:
            ways.append(f"--keep {name} keeps it" + _stops(grounds))
        ways.append("a revert of the landing by upstream: a later sync asks whether to put it back")
    elif account.fate is Fate.UNRESOLVED and grounds.decided.snag is not None:
        ways.append(f"--keep {name} keeps it" + _stops(grounds))
        ways += [f"--drop {name} drops it", f"--allow {grounds.decided.snag} answers for all such patches"]
    elif account.fate is Fate.UNRESOLVED:
        ways += ["resolving the conflict at the stop", f"--drop {name} leaves it out"]
    else:
        ways.append(f"--drop {name} drops it")
        if account.verdict is not Verdict.STAMP and grounds.identity.later is None:
            ways.append("its landing upstream, under the number, the origin or with the content above")
    return [line for way in ways for line in _wrapped(way, "    ")]


def _stops(grounds: Grounds) -> str:
    return ", with a stop to resolve the conflict" if grounds.evidence.content is Content.CONFLICT else ""


def _said(decision: Decision) -> str:
    return f"{decision.verdict.value}, {decision.fate.value}"


def _yes(holds: bool, what: str) -> str:
    return f"yes: {what}" if holds else f"no (yes would be: {what})"


def _row_lines(label: str, text: str) -> list[str]:
    return _wrapped(f"{label:<{_LABEL - 4}}{text}", "    ", _LABEL)


def _wrapped(text: str, indent: str, further: int | str = "      ") -> list[str]:
    more = " " * further if isinstance(further, int) else further
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=more, break_long_words=False, break_on_hyphens=False,
        replace_whitespace=False, drop_whitespace=True,
    )  # fmt: skip
