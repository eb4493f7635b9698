"""What was offered upstream and what became of it, for ``upstream --list``: read from the stack, the records, history.

Whether something landed is history's to say; a forge's own word on it means little for an upstream whose bot lands.
"""

from __future__ import annotations

from collections.abc import Sequence

from git_poolside.config import Config
from git_poolside.errors import FarSideFailed, Refused
from git_poolside.forge.github import Pull, Repository
from git_poolside.git import nightlies, refs
from git_poolside.git.hunks import gone, hunks
from git_poolside.git.layers import upstreams
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.operation import proposals
from git_poolside.operation.proposals import Record
from git_poolside.operation.sources import Sources
from git_poolside.stack.model import Commit, Oid
from git_poolside.stack.provenance import Provenance, bare_title, pull_number
from git_poolside.stack.values import frozen, replace
from git_poolside.stack.verdict import State, describe
from git_poolside.ui import Ui


@frozen
class Row:
    """One proposal: a branch, a pull request, or both. `patches` are the stack's, `title` the first one's.

    `state` is landed or reverted, by history; open, draft or closed, by the forge; else offered (a number is known)
    or pushed. `details` say the rest.
    """

    branch: str | None
    pull: int | None
    title: str
    patches: tuple[Oid, ...]
    state: str = "pushed"
    url: str | None = None
    landed: Oid | None = None
    details: tuple[str, ...] = ()


def listing(git: Git, config: Config, ui: Ui, upstream: Repository | None) -> list[Row]:
    """Every proposal that is known here; `upstream` is asked about those that have not landed."""
    objects = Objects(git)
    main = nightlies.upstream_tip(git, config)
    commits = _patches(git, config, objects, main)
    records = proposals.read(git, objects)
    found = [(record, record.find(commits)) for record in records.values()]
    rows: list[tuple[Row, Record | None, list[Commit]]] = []
    for record, patches in found:
        number = record.pull or next(filter(None, (_number(config, one) for one in patches)), None)
        title = bare_title(patches[0].text) if patches else record.patches[0][1]
        row = Row(record.branch, number, title, tuple(one.oid for one in patches))
        rows.append((row, record, patches))
    known = {row.pull for row, _, _ in rows}
    for commit in commits:
        number = _number(config, commit)
        if number is not None and number not in known:
            known.add(number)
            same = [one for one in commits if _number(config, one) == number]
            row = Row(None, number, bare_title(commit.text), tuple(one.oid for one in same))
            rows.append((row, None, same))
    judge = _Judge(git, config, ui, objects, main, commits, upstream)
    return [judge.judged(*one) for one in rows]


def _patches(git: Git, config: Config, objects: Objects, upstream: Oid) -> list[Commit]:
    """The fork's own commits, lowest first."""
    name = config.branches.patches
    tips = refs.read(git, [config.ref(name), config.fork_ref(name)])
    tip = tips[config.ref(name)] or tips[config.fork_ref(name)]
    limits = (f"^{oid}" for oid in upstreams(git, config, upstream))
    listing = git.lines("rev-list", "--topo-order", "--reverse", tip, *limits, "--") if tip else []
    commits = (objects.commit(Oid(oid)) for oid in listing)
    return [commit for commit in commits if not Provenance.of(commit.text).is_stamp]


def _number(config: Config, commit: Commit) -> int | None:
    """The pull request that a patch says it was offered as."""
    if "Poolside-Upstream-Pull:" not in commit.text:
        return None
    return pull_number(commit.text, config.github.upstream, subject_counts=False)


class _Judge:
    """Asks history, then the forge, until it has failed once."""

    def __init__(
        self, git: Git, config: Config, ui: Ui, objects: Objects, main: Oid, commits: Sequence[Commit],
        upstream: Repository | None,
    ) -> None:  # fmt: skip
        self.git = git
        self.config = config
        self.ui = ui
        self.objects = objects
        self.upstream = upstream
        base = Oid(git.text("merge-base", commits[-1].oid, main).split()[0]) if commits else main
        self.sources = Sources(git, config, ui, objects, base, main, False)

    def judged(self, row: Row, record: Record | None, patches: Sequence[Commit]) -> Row:
        if row.pull is None and row.branch is not None and (there := self._ask(row)) is not None:
            row = self._on_the_forge(replace(row, pull=there.number), there)
        if row.pull is not None:
            about = self.sources.events(row.pull)
            if about.state is State.LANDED:
                landed = about.landings[-1] if about.landings else about.later
                assert landed is not None
                return replace(row, state="landed", landed=landed.oid, details=(f"as {describe(landed)}",))
            if about.state is State.REVERTED:
                revert = about.reverts[-1]
                why = f": {revert.reason}" if revert.reason else ""
                row = replace(row, state="reverted", details=(f"by {describe(revert)}{why}",))
            elif row.url is None:
                there = self._ask(row)
                row = replace(row, state="offered") if there is None else self._on_the_forge(row, there)
        return replace(row, details=(*row.details, *self._more(row, record, patches)))

    def _on_the_forge(self, row: Row, there: Pull) -> Row:
        return replace(row, state="draft" if there.draft and there.state == "open" else there.state, url=there.url)

    def _ask(self, row: Row) -> Pull | None:
        if self.upstream is None:
            return None
        try:
            if row.pull is not None:
                return self.upstream.pull(row.pull)
            head = f"{self.config.github.fork.partition('/')[0]}:{row.branch}"
            return next(iter(self.upstream.pulls(head)), None)
        except (FarSideFailed, Refused) as error:
            self.ui.talk(f"note: the states of pull requests are not known: {error.message.partition(chr(10))[0]}")
            self.upstream = None
            return None

    def _more(self, row: Row, record: Record | None, patches: Sequence[Commit]) -> list[str]:
        if not patches:
            return ["no patch of the stack is it any more"]
        said: list[str] = []
        if row.pull is not None and any(_number(self.config, one) is None for one in patches):
            said.append(f"#{row.pull} is not noted in the patch: offer it again with --pull-request")
        if record is not None and self._differs(record, patches):
            said.append("the patch has changed since it was pushed: offer it again")
        return said

    def _differs(self, record: Record, patches: Sequence[Commit]) -> bool:
        """Whether the branch lacks lines of the patches, in or out, or has more of theirs."""
        listing = self.git.lines("rev-list", record.tip, f"^{record.onto}", "--")
        branch = [self.objects.commit(Oid(oid)) for oid in listing]
        theirs = {(commit.author, bare_title(commit.text)): commit.oid for commit in branch}
        named = [(one.oid, theirs.get((one.author, bare_title(one.text)))) for one in patches]
        pairs = [(ours, there) for ours, there in named if there is not None]
        summary = self.config.changes.file.encode()
        found = hunks(self.git, [oid for pair in pairs for oid in pair])
        for ours, there in pairs:
            mine, other = ([hunk for hunk in found[oid] if hunk.path != summary] for oid in (ours, there))
            if gone(mine, other) or gone(other, mine):
                return True
        return len(pairs) < len(patches)
