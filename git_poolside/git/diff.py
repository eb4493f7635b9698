"""What patches change: paths, patch-ids, counts of lines. All by ``git diff-tree``, in batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from git_poolside.errors import GitFailed
from git_poolside.git.meanwhile import meanwhile
from git_poolside.git.objects import TREE_MODE, Objects, folders
from git_poolside.git.process import Git
from git_poolside.stack.model import EMPTY_TREE, Commit, Oid, Touch
from git_poolside.stack.values import frozen

_TREES = ("diff-tree", "--stdin", "-r", "--no-renames", "--ignore-submodules=none")
"""A submodule counts even if ``.gitmodules`` or the user says ``ignore = all``: its pointer is content."""
_PATCH = (
    *_TREES,
    "-p",
    "--no-ext-diff",
    "--no-textconv",
    "--full-index",
)


@frozen
class Change:
    """What a patch does: it makes the tree `theirs` of the tree `base`, at the paths of `touches`.

    `folders` are those whose entries differ, before and after, outermost first; `odd` says that one of them differs
    in something else than the touches, which no diff of files tells of.
    """

    base: Oid
    theirs: Oid
    touches: tuple[Touch, ...]
    folders: tuple[Touch, ...] = ()
    odd: bool = False

    @property
    def paths(self) -> frozenset[bytes]:
        return frozenset(touch.path for touch in self.touches)


_MANY = 32
_CHANGES: dict[tuple[Oid, Oid], Change] = {}
_PATCH_IDS: dict[tuple[Oid, bool], str | None] = {}
"""What was asked already: what objects are does not change. None for a commit that changes nothing."""


def tree_of_parent(objects: Objects, commit: Commit) -> Oid:
    """The tree that `commit` changed, the empty one for a root."""
    return objects.commit(commit.parents[0]).tree if commit.parents else EMPTY_TREE


def changes(git: Git, pairs: Sequence[tuple[Oid, Oid]]) -> list[Change]:
    """The change between the two trees of each pair, in the same order; many that are not known by two processes."""
    new = [pair for pair in dict.fromkeys(pairs) if pair not in _CHANGES]
    half = len(new) // 2 if len(new) >= _MANY else 0
    first = meanwhile(lambda: _changes(git, new[:half])) if half else list
    second = _changes(git, new[half:])
    _CHANGES.update(zip(new, first() + second, strict=True))
    return [_CHANGES[pair] for pair in pairs]


def change_to(git: Git, old: str, new: str) -> Change:
    """The change from the tree of one commit to that of another; both may be trees."""
    before, after = git.lines("rev-parse", f"{old}^{{tree}}", f"{new}^{{tree}}")
    return changes(git, [(Oid(before), Oid(after))])[0]


def change(git: Git, base: Oid, theirs: Oid) -> Change:
    """The change between two trees, which is not remembered: all that upstream did in months is much."""
    return _changes(git, [(base, theirs)])[0]


def _changes(git: Git, pairs: Sequence[tuple[Oid, Oid]]) -> list[Change]:
    if not pairs:
        return []
    asked = "".join(f"{base} {theirs}\n" for base, theirs in pairs).encode()
    out = git.run(*_TREES, "-t", "--raw", "--no-abbrev", "-z", input=asked)
    touches: list[list[Touch]] = []
    fields = iter(out.stdout.split(b"\0"))
    for chunk in fields:
        while chunk and not chunk.startswith(b":"):
            _, _, chunk = chunk.partition(b"\n")
            touches.append([])
        if not chunk:
            continue
        old_mode, new_mode, old, new, _ = chunk[1:].split(b" ")
        touches[-1].append(
            Touch(next(fields), int(old_mode, 8), int(new_mode, 8), Oid(old.decode()), Oid(new.decode()))
        )
    if len(touches) != len(pairs):  # a tree that cannot be read is passed over, with a word and a status of 0
        raise GitFailed(_TREES[:2], out.status, out.complaint)
    return [_change(base, theirs, found) for (base, theirs), found in zip(pairs, touches, strict=True)]


def _change(base: Oid, theirs: Oid, listed: Sequence[Touch]) -> Change:
    """The change, from the entries that differ, folders among them."""
    inside = tuple(touch for touch in listed if TREE_MODE in (touch.old_mode, touch.new_mode))
    touches = tuple(touch for touch in listed if TREE_MODE not in (touch.old_mode, touch.new_mode))
    above = {folder for touch in touches for folder in folders(touch.path)}
    return Change(base, theirs, touches, inside, any(touch.path not in above for touch in inside))


def patch_ids(git: Git, commits: Iterable[Oid], *, verbatim: bool = False) -> dict[Oid, str]:
    """The patch-id of each commit that changes something (git-patch-id(1)); merges have none."""
    wanted = list(commits)
    new = [oid for oid in wanted if (oid, verbatim) not in _PATCH_IDS]
    found = _patch_ids(git, new, verbatim)
    _PATCH_IDS.update(((oid, verbatim), found.get(oid)) for oid in new)
    return {oid: name for oid in wanted if (name := _PATCH_IDS[oid, verbatim]) is not None}


def _patch_ids(git: Git, commits: Sequence[Oid], verbatim: bool) -> dict[Oid, str]:
    asked = "".join(f"{oid}\n" for oid in commits).encode()
    if not asked:
        return {}
    out = git.impartial().pipe([*_PATCH, "--root"], ["patch-id", "--verbatim" if verbatim else "--stable"], asked)
    found: dict[Oid, str] = {}
    for line in out.decode().splitlines():
        identity, _, oid = line.partition(" ")
        found[Oid(oid)] = identity
    return found


def paths_of(git: Git, commits: Sequence[Oid]) -> dict[Oid, frozenset[bytes]]:
    """The paths that each commit touches, renames as two paths; merges touch none."""
    asked = "".join(f"{oid}\n" for oid in commits).encode()
    if not asked:
        return {}
    out = git.run(*_TREES, "--root", "--raw", "-z", input=asked)
    found: dict[Oid, set[bytes]] = {oid: set() for oid in commits}
    current: set[bytes] = set()
    fields = iter(out.stdout.split(b"\0"))
    for chunk in fields:
        if chunk.startswith(b":"):
            current.add(next(fields))
        elif chunk:
            current = found[Oid(chunk.decode())]
    return {oid: frozenset(paths) for oid, paths in found.items()}


def changed_lines(git: Git, commits: Sequence[Oid]) -> dict[Oid, int]:
    """How many lines each commit adds and takes away; a binary file counts as one."""
    counts: dict[Oid, int] = dict.fromkeys(commits, 0)
    if not commits:
        return counts
    asked = "".join(f"{oid}\n" for oid in commits).encode()
    out = git.impartial().run(*_TREES, "--root", "--numstat", input=asked)
    current: Oid | None = None
    for line in out.stdout.split(b"\n"):
        added, _, rest = line.partition(b"\t")
        if rest:
            removed = rest.partition(b"\t")[0]
            numbers = [int(n) if n.isdigit() else 1 for n in (added, removed)]
            if current is not None:
                counts[current] += sum(numbers)
        elif len(line) == 40:
            current = Oid(line.decode())
    return counts
