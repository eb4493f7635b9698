"""How a proposal looks: its patches and where they go, or one object."""

from __future__ import annotations

from typing import Any

from git_poolside.git.process import Git
from git_poolside.operation.propose import Proposal
from git_poolside.ui import Ui, clean, count, cut


def show(ui: Ui, git: Git, branch: str, made: Proposal) -> None:
    """The branch and a line for each of its patches, lowest first."""
    when = git.text("log", "-1", "--format=%cs", made.onto)
    head = f"{ui.paint(clean(branch), 'bold')}: {count(len(made.patches), 'patch')}"
    ui.print(f"{head} on upstream's {made.onto[:9]} ({when})", "")
    for one in made.patches:
        word = ui.paint(f"{'needed' if one.needed else '':<8}", "yellow") if made.needed else ""
        ui.print(cut(f"  {word}{one.new.oid[:9]} {clean(one.new.subject)}", ui.width))
    for note in made.notes:
        ui.talk(f"note: {clean(note)}")


def to_json(branch: str, made: Proposal) -> dict[str, Any]:
    """What ``upstream --json`` says of the proposal."""
    return {
        "branch": branch,
        "onto": made.onto,
        "tip": made.tip,
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
