"""What was offered upstream from this clone: a record for each branch, an annotated tag on what was pushed last.

The records outlive the operation log, since a pull request may be open for longer than that is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from git_poolside import __version__
from git_poolside.git import refs
from git_poolside.git.objects import TAG, Committer, Objects, format_tag, parse_tag
from git_poolside.git.process import Git
from git_poolside.stack.model import Commit, Oid, RefChange
from git_poolside.stack.proposal import key_of
from git_poolside.stack.provenance import bare_title
from git_poolside.stack.values import field, frozen


@frozen
class Record:
    """One branch as it was pushed last: `tip`, on `onto`; the patches that were named for it by key and title, and
    its pull request. `tag` is the record itself.
    """

    branch: str
    tip: Oid
    onto: Oid
    patches: tuple[tuple[str, str], ...]
    pull: int | None = None
    tag: Oid | None = field(default=None, compare=False)

    @property
    def ref(self) -> str:
        return refs.PROPOSED + self.branch

    def find(self, commits: Iterable[Commit]) -> list[Commit]:
        """Those of the stack's patches that it was made of: by key and title, else by a key that no other has."""
        found: list[Commit] = []
        commits = list(commits)
        for key, title in self.patches:
            alike = [commit for commit in commits if key_of(commit.author) == key]
            named = [commit for commit in alike if bare_title(commit.text) == title]
            found += named or (alike if len(alike) == 1 else [])
        return found


def read(git: Git, objects: Objects) -> dict[str, Record]:
    """The records, by branch."""
    found: dict[str, Record] = {}
    for ref, tag in refs.below(git, refs.PROPOSED).items():
        tip, message = parse_tag(objects.read(tag))
        raw = json.loads(message)
        patches = tuple((one["key"], one["title"]) for one in raw["patches"])
        branch = ref.removeprefix(refs.PROPOSED)
        found[branch] = Record(branch, tip, raw["onto"], patches, raw["pull"], tag)
    return found


def identified(commits: Sequence[Commit]) -> tuple[tuple[str, str], ...]:
    """What a record knows patches by."""
    return tuple((key_of(commit.author), bare_title(commit.text)) for commit in commits)


def change(objects: Objects, committer: Committer, record: Record, before: Record | None) -> RefChange:
    """Write a record; the change of its ref."""
    body = {
        "schema": 1,
        "onto": record.onto,
        "pull": record.pull,
        "patches": [{"key": key, "title": title} for key, title in record.patches],
        "tool": __version__,
    }
    message = json.dumps(body, indent=1).encode() + b"\n"
    tag = objects.write(TAG, format_tag(record.tip, record.branch, committer.identity, message))
    return RefChange(record.ref, before.tag if before is not None else None, tag)


def branch_of(records: Mapping[str, Record], lead: Commit, commits: Sequence[Commit]) -> str | None:
    """The branch that a patch was offered as before."""
    return next((branch for branch, record in records.items() if lead in record.find(commits)), None)
