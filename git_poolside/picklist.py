"""How ``cherry-pick list`` looks: a table that fits the terminal, or one object."""

from __future__ import annotations

from typing import Any

from git_poolside.operation.picks import Listing, Pick
from git_poolside.stack.pick import Fortune
from git_poolside.ui import Ui, clean, count, cut, folded, table

_SLOT = {
    Fortune.PENDING: "kept",
    Fortune.REVERTED: "bad",
    Fortune.ORPHANED: "bad",
    Fortune.PARTLY: "dropped",
    Fortune.TWEAKED: "dropped",
}
_WIDE = 80


def show(ui: Ui, listing: Listing) -> None:
    """A line for each pick, oldest first, and below it what its state does not say."""
    if not listing.picks:
        ui.print("No picks.")
        ui.hint("git poolside cherry-pick add '#N'   (takes a pull request of upstream's early)")
        return
    at = listing.nightly
    head = f"{count(len(listing.picks), 'pick')}, at the nightly of {ui.paint(at.date, 'title')} ({at.commit[:9]})"
    ui.print(*folded(head, ui.width, 2, ""))
    heads = table([_head(number, pick) for number, pick in enumerate(listing.picks, 1)])
    wide = ui.width >= _WIDE
    width = max(map(len, heads)) + 2
    for head, pick in zip(heads, listing.picks, strict=True):
        state = _state(pick)
        painted = ui.paint(state, _SLOT.get(pick.fortune, "good"))
        front = head[: len(head) - len(state)]
        if pick.pull is not None:
            front = front.replace(f"#{pick.pull}", ui.link(f"#{pick.pull}", "pull", str(pick.pull)))
        shown = front + painted
        subject = clean(pick.commit.subject)
        if wide:
            ui.print(cut(f"{shown}{' ' * (width - len(head))}{subject}", ui.width))
        else:
            ui.print(front.rstrip(), f"     {painted}", cut(f"     {subject}", ui.width))
        for detail in pick.details:
            ui.print(*folded(clean(detail), ui.width, 9, " " * 7))
    if any(pick.fortune.is_in for pick in listing.picks):
        ui.hint("git poolside sync   (drops what landed)")
    if any("newer version" in detail for pick in listing.picks for detail in pick.details):
        ui.hint("git poolside cherry-pick update   (shows the newer versions, and takes them)")


def _head(number: int, pick: Pick) -> tuple[str, ...]:
    pull = f"#{pick.pull}" if pick.pull is not None else "-"
    return (f"{number:>3}", pick.commit.oid[:9], pull, f"{pick.age:>3}d", _state(pick))


def _state(pick: Pick) -> str:
    return pick.fortune.value + (f" in {pick.nightly}" if pick.nightly else "")


def to_json(listing: Listing) -> dict[str, Any]:
    """The object of ``list --json``."""
    at = listing.nightly
    return {
        "nightly": {"date": at.date, "commit": at.commit, "nightly": at.nightly},
        "picks": [
            {
                "number": number,
                "pick": pick.commit.oid,
                "subject": pick.commit.subject,
                "origin": pick.origin,
                "pull": pick.pull,
                "age": pick.age,
                "state": pick.fortune.value,
                "nightly": pick.nightly,
                "landed": pick.landed,
                "reverts": list(pick.reverts),
                "details": list(pick.details),
                "paths": list(pick.conflict),
            }
            for number, pick in enumerate(listing.picks, 1)
        ],
    }
