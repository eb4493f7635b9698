"""Gathers what ``--explain PATCH`` tells of one patch, once the stack has been made anew."""

from __future__ import annotations

from collections.abc import Iterable

from git_poolside.git import nightlies, refs
from git_poolside.operation.evidence import Witness
from git_poolside.operation.ledger import Ledger
from git_poolside.operation.rebuilt import Rebuilt
from git_poolside.stack.explanation import Searched, explain, explain_plainly
from git_poolside.stack.model import Oid
from git_poolside.stack.verdict import UpstreamCommit


def explanation(witness: Witness, ledger: Ledger, rebuilt: Rebuilt, patch: Oid) -> tuple[str, ...]:
    """The lines about `patch`, which is of the stack or was dropped from it."""
    account = next((result for result in rebuilt.results if result.old == patch), None)
    grounds = rebuilt.grounds.get(patch)
    if grounds is not None and account is not None:
        identity = grounds.identity
        events = (*identity.landings, *identity.reverts, identity.later, identity.undone_later)
        paths = sorted(path.decode("utf-8", "replace") for path in witness.changes[patch].paths)
        searched = Searched(
            len(witness.history.commits),
            paths,
            witness.same_patch_id(patch),
            _nightlies(witness, [event for event in events if event is not None]),
        )
        return tuple(explain(grounds, account, searched))
    for entry in ledger.entries:
        if entry.old == patch:
            return tuple(ledger.explained(entry, witness.history))
    return tuple(explain_plainly(account)) if account is not None else ("the run ended before this patch",)


def _nightlies(witness: Witness, events: Iterable[UpstreamCommit]) -> dict[Oid, str]:
    """The first nightly that has each of the commits, in words."""
    usable = [n for n in reversed(nightlies.known(witness.git, witness.config, witness.base)) if n.usable]
    found: dict[Oid, str] = {}
    for event in events:
        first = next((n for n in usable if refs.is_ancestor(witness.git, event.oid, n.commit)), None)
        found[event.oid] = f"in the nightly of {first.date}" if first else "in no nightly yet"
    return found
