"""The nightlies that this clone knows: read from upstream's nightly branch, tags or tip, each one checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from git_poolside.config import Config
from git_poolside.errors import Refused
from git_poolside.git import line, refs
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.git.remotes import Remote, tag_space
from git_poolside.git.subjects import Subjects
from git_poolside.stack.model import Nightly, Oid
from git_poolside.stack.nightly import utc_date
from git_poolside.stack.values import replace

_OLDER = 8
"""So many nightlies in a row that are not newer: the rest is older, they move forward but for a few exceptions."""
_PAGES = (200, 20_000)
"""So many commits of the nightly branch are read at first, and so many where those do not answer the question."""
_OTHER_TREE = "its tree is not the tree of the commit that it names"
_STRANGERS = 64
"""So many commits in a row that are no nightlies: the old end of the branch (edge case N2)."""


def upstream_tip(git: Git, config: Config) -> Oid:
    """Upstream's branch as last fetched. Raises `Refused` when it never was."""
    ref = config.upstream_ref(config.upstream.branch)
    tip = refs.read_one(git, ref)
    if tip is None:
        raise Refused(
            f"there is no {ref.removeprefix('refs/remotes/')} in this clone yet",
            hints=["git poolside init --upstream URL   (adds the remote)", "git poolside nightly   (fetches it)"],
        )
    return tip


def entries(git: Git, config: Config) -> Iterator[tuple[Nightly, Oid]]:
    """Every nightly, newest first, unchecked, each with its own tree."""
    if config.nightly.source == "tip":
        tip = _branch_tip(git, config)
        tree, _, seconds = git.text("log", "-1", "--format=%T %ct", tip).partition(" ")
        yield Nightly(utc_date(int(seconds)), tip, tip), Oid(tree)
    elif config.nightly.source == "tags":
        listing = "%(objectname) %(*objectname) %(tree)%(*tree) %(committerdate:unix)%(*committerdate:unix)"
        order = ["--sort=-*committerdate", "--sort=-committerdate", "--sort=-version:refname"]
        found: list[tuple[Nightly, Oid]] = []
        for line in git.lines("for-each-ref", *order, f"--format={listing}", tag_space(config)):
            tag, peeled, tree, seconds = line.split(" ")
            if seconds:
                commit = Oid(peeled or tag)
                found.append((Nightly(utc_date(int(seconds)), Oid(tag), commit), Oid(tree)))
        yield from sorted(found, key=lambda pair: pair[0].date, reverse=True)
    else:
        yield from _on_branch(git, config)


def _branch_tip(git: Git, config: Config) -> Oid:
    """The tip of the branch that nightlies are read from, as last fetched."""
    ref = config.upstream_ref(config.nightly.branch)
    tip = refs.read_one(git, ref)
    if tip is None:
        raise Refused(
            f"there is no {ref.removeprefix('refs/remotes/')} in this clone yet",
            hints=["git poolside nightly   (fetches it)", "set nightly.branch in .poolside.toml"],
        )
    return tip


def _on_branch(git: Git, config: Config) -> Iterator[tuple[Nightly, Oid]]:
    subjects = Subjects(config.nightly.pattern)
    strangers = 0
    for record in _records(git, _branch_tip(git, config)):
        oid, tree, seconds, *subject = record.split(" ", 3)
        named = subjects.parse(subject[0] if subject else "", int(seconds))
        if named is None:
            strangers += 1
            if strangers == _STRANGERS:
                return
            continue
        strangers = 0
        yield Nightly(named[0], Oid(oid), named[1]), Oid(tree)


def _records(git: Git, tip: Oid) -> Iterator[str]:
    """The commits of a nightly branch, newest first: hash, tree, time and subject."""
    listing = ("log", "-z", "--first-parent", "--format=%H %T %ct %s")
    seen = 0
    for count in _PAGES:
        out = git.settled(*listing, "-n", str(count), f"--skip={seen}", tip, "--").stdout
        records = out.decode("utf-8", "replace").split("\0")[:-1]
        yield from records
        seen += len(records)
        if len(records) < count:
            return


def known(git: Git, config: Config, base: Oid | None, limit: int | None = None) -> list[Nightly]:
    """The nightlies newer than `base` (all, without one), newest first, each usable or with the reason why not."""
    tip = upstream_tip(git, config)
    if base is not None and not refs.is_ancestor(git, base, tip):
        base = line.standing(git, base, tip)  # it was upstream's once (edge case N6): what is newer came after that
    newer = _Newer(git, base, tip)
    objects = Objects(git)
    found: list[Nightly] = []
    for nightly, tree in islice(_not_passed(git, config, base, newer), limit):
        commit = nightly.commit
        if commit not in newer:
            why = _why_not(git, commit, tip)
        elif objects.commit(commit).tree != tree:
            why = _OTHER_TREE
        elif not newer.descends(commit):
            why = "it does not descend from the snapshot"
        else:
            why = ""
        found.append(replace(nightly, why=why, commits=newer.count(commit) if not why else None))
    return found


def _not_passed(git: Git, config: Config, base: Oid | None, newer: _Newer) -> Iterator[tuple[Nightly, Oid]]:
    """The entries that do not name `base` or one of its ancestors, up to where all the rest are older."""
    older = 0
    listed = entries(git, config)
    while some := list(islice(listed, 2 * _OLDER)):
        passed = _below(git, [n.commit for n, _ in some if n.commit not in newer], base) if base else set()
        for nightly, tree in some:
            if nightly.commit not in passed:
                older = 0
                yield nightly, tree
            elif (older := older + 1) >= _OLDER:
                return


def _below(git: Git, commits: Sequence[Oid], base: Oid) -> set[Oid]:
    """Those of `commits` that are here and are `base` or its ancestors, all asked at once."""
    objects = Objects(git)
    passed = {base}.intersection(commits)
    here = [oid for oid in dict.fromkeys(commits) if oid != base and objects.has_commit(oid)]
    if not here:
        return passed
    beyond = git.lines("rev-list", "--stdin", input="".join(f"{oid}\n" for oid in (*here, f"^{base}")).encode())
    return passed.union(here).difference(beyond)


class _Newer:
    """Upstream's commits after `base`: which they are, whether they descend from it, how many lie between."""

    def __init__(self, git: Git, base: Oid | None, tip: Oid) -> None:
        self._git = git
        self._base = base
        self._place = line.after(git, tip, base) if base else None
        self._commits = frozenset(line.own(git, tip, [base] if base else []) if self._place is None else ())
        self._counts: dict[Oid, int] = {}

    def __contains__(self, commit: Oid) -> bool:
        return self._place.get(commit, 0) > 0 if self._place is not None else commit in self._commits

    def descends(self, commit: Oid) -> bool:
        return self._base is None or line.is_ancestor(self._git, self._base, commit)

    def count(self, commit: Oid) -> int | None:
        """How many commits `commit` is ahead of the base."""
        if self._base is None:
            return None
        if self._place is not None:
            return self._place[commit]
        if commit not in self._counts:
            self._counts[commit] = int(self._git.text("rev-list", "--count", commit, f"^{self._base}", "--"))
        return self._counts[commit]


def check(git: Git, config: Config, nightly: Nightly, tree: Oid | None) -> str:
    """Why a nightly cannot be used, whatever the stack stands on; empty when it can."""
    why = _why_not(git, nightly.commit, upstream_tip(git, config))
    if not why and tree is not None and _tree(git, nightly.commit) != tree:
        why = _OTHER_TREE
    return why


def naming(git: Git, config: Config, commit: Oid, date: str | None) -> Nightly | None:
    """The nightly that names `commit`: the one of `date` if there is one, else the newest."""
    found: Nightly | None = None
    for nightly, _ in entries(git, config):
        if nightly.commit == commit:
            if nightly.date == date:
                return nightly
            found = found or nightly
    return found


def _why_not(git: Git, commit: Oid, tip: Oid) -> str:
    if not _here(git, commit):
        return "the commit that it names is not in this clone"
    if not refs.is_ancestor(git, commit, tip):
        return "the commit that it names is not on upstream's branch"
    return ""


def _here(git: Git, commit: Oid) -> bool:
    """Whether a commit is in this clone; a promised one is not fetched for the question."""
    return Objects(git).has_commit(commit)


def _tree(git: Git, commit: Oid) -> Oid:
    return Oid(git.text("rev-parse", f"{commit}^{{tree}}"))


def obtain(git: Git, nightly: Nightly, others: list[Nightly], remote: Remote) -> None:
    """Make sure that the nightly's commit is here, fetching exactly it if need be (edge case N8).

    Raises `Refused` naming the newest usable nightly before it.
    """
    if _here(git, nightly.commit):
        return
    from git_poolside.errors import FarSideFailed

    try:
        remote.fetch([nightly.commit])
    except FarSideFailed as error:
        earlier = next((n for n in others if n.usable and n.date <= nightly.date), None)
        hint = (
            f"git poolside sync --nightly {earlier.date}   (the newest usable one before it)"
            if earlier
            else "git poolside nightly   (lists the nightlies, usable or not)"
        )
        raise Refused(
            f"the nightly of {nightly.date} names {nightly.commit[:12]}, which upstream does not hand out",
            hints=[hint],
        ) from error
