"""What happens in the benchmark's history: pure decisions, from a shape and a seed, before any content is made.

The shape is pytorch's as measured on real clones: churn by a Zipf law, a median of two files a commit, a revert
in twenty commits, files and folders renamed now and then. Only `random.Random.random` is used, and no floating
point function, so that the same shape gives the same history on every machine and Python.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

_LIST = (
    "alloc attn autograd backend batch bench bias block cache caffe cast channel codegen compile conv core cuda data "
    "decomp dense dispatch distributed dtype dynamo eager embed engine export fake flash fold func fuse fx graph grid "
    "guard hash helper index inductor init jit kernel launch layer layout lazy linear loader loop loss lower mask math "
    "matmul mem meta mobile module mps native nested node norm op optim pack pad pass plan pool prim profile quant "
    "queue ragged random reduce ref registry rnn scan schedule scope script shape shard sort sparse split stack step "
    "storage stream stride symbolic sync tensor test thread tile trace transform tree tune type util variable view"
)
WORDS = tuple(_LIST.split())
_EXTENSIONS = ("py", "py", "py", "cpp", "cpp", "h", "h", "cu", "md", "yaml")
_FILES_PER_COMMIT = (
    (38, 1, 1),
    (62, 2, 2),
    (74, 3, 3),
    (82, 4, 4),
    (88, 5, 6),
    (93, 7, 10),
    (98, 11, 20),
    (100, 21, 60),
)
"""Up to this per cent of the commits: from so many files to so many."""
_DEEPEST = 6
_RECENT = 40
"""A revert takes back one of so many last commits."""
_MERGED = 60
"""Per cent of the patches that touch a path that upstream touched too; some of that upstream takes back itself."""
_PICKS = (1, 1, 1, 1, 1, 1, -1, 0, 0, 0)
"""What becomes of each pick: landed by the target (1), that and reverted (-1), landed only after it (0)."""
_SLOT = 10
"""Every so many commits there is one that may land something of the fork's."""


class Dice:
    """A stream of decisions that a key determines."""

    def __init__(self, *key: object) -> None:
        self._random = random.Random(repr(key))

    def below(self, limit: int) -> int:
        return int(self._random.random() * limit)

    def chance(self, of: int) -> bool:
        """True once in `of` times."""
        return self.below(of) == 0

    def word(self) -> str:
        return WORDS[self.below(len(WORDS))]

    def heavy(self, sums: Sequence[float]) -> int:
        """An index, each as likely as its share of the running sums."""
        return min(bisect(sums, self._random.random() * sums[-1]), len(sums) - 1)


@dataclass(frozen=True)
class Shape:
    """The parameters of a repository. `stacks` are sizes of one stack, each the beginning of the next larger one.

    The stack stands `behind` commits before the newest nightly, and a second one of `far_stack` patches `far`
    commits before it (none where that is 0). There is a nightly every `nightly` commits; half as many commits
    follow the last.
    """

    files: int = 20_000
    folders: int = 3_000
    commits: int = 20_000
    nightly: int = 100
    stacks: tuple[int, ...] = (50, 200, 1_000)
    behind: int = 500
    far: int = 10_000
    far_stack: int = 50
    refs: int = 200
    seed: int = 1

    @property
    def target(self) -> int:
        """The index of the commit that the newest nightly names; the first commit has 0."""
        return self.commits - 1 - self.nightly // 2


@dataclass(frozen=True)
class Op:
    """What a commit does to a file: edit, add, delete, move (to `path`), or own, the change of patch `number`.

    `undo` on own takes that change back. `salt` decides what an edit writes.
    """

    what: str
    file: int
    path: str = ""
    salt: int = 0
    number: int = 0
    undo: bool = False


@dataclass
class UpstreamCommit:
    """A commit of upstream's main. `reverts` is the index of the one taken back; its content is then restored."""

    index: int
    title: str
    ops: list[Op]
    reverts: int | None = None


@dataclass(frozen=True)
class Patch:
    """A commit of the fork's: the reserved sections of `files` are edited, `adds` made, `removes` deleted.

    `landing` is the upstream commit that has the same change; with `pick` this one was cherry-picked from it.
    """

    number: int
    title: str
    files: tuple[int, ...]
    adds: str = ""
    removes: int | None = None
    landing: int | None = None
    pick: bool = False


@dataclass(frozen=True)
class StackPlan:
    """A stack on `base`, an index of upstream's; `sizes` counts the patches that are kept under a name each."""

    name: str
    base: int
    target: int
    sizes: tuple[int, ...]
    patches: tuple[Patch, ...]
    picks: int


@dataclass
class History:
    """Everything that happens. `paths` are the first paths of the files, later ones added at the end."""

    shape: Shape
    paths: list[str]
    first: int
    commits: list[UpstreamCommit] = field(default_factory=list)
    stacks: list[StackPlan] = field(default_factory=list)


def plan(shape: Shape) -> History:
    """The whole history of a shape."""
    folders = _folders(shape)
    paths, homes = _files(shape, folders)
    history = History(shape, paths, len(paths))
    _Upstream(history, homes).run()
    taken: set[int] = set()
    used: set[int] = set()
    near = _Window(history, shape.target - shape.behind, shape.target)
    history.stacks.append(_stack(history, "near", near, shape.stacks, taken, used))
    if shape.far and shape.far_stack:
        far = _Window(history, shape.target - shape.far, shape.target)
        history.stacks.append(_stack(history, "far", far, (shape.far_stack,), taken, used))
    return history


def _folders(shape: Shape) -> list[str]:
    dice = Dice(shape.seed, "folders")
    folders, depths, taken = [""], [0], {""}
    while len(folders) < shape.folders + 1:
        parent = 0 if dice.chance(50) else dice.below(len(folders))
        if depths[parent] >= _DEEPEST:
            continue
        path = f"{folders[parent]}{dice.word()}"
        if path + "/" in taken:
            path += f"_{len(folders)}"
        folders.append(path + "/")
        depths.append(depths[parent] + 1)
        taken.add(path + "/")
    return folders


def _files(shape: Shape, folders: Sequence[str]) -> tuple[list[str], list[int]]:
    """The first paths, and the folder of each; every folder has one, the first ones have more."""
    dice = Dice(shape.seed, "files")
    paths: list[str] = []
    homes: list[int] = []
    taken = set(folders)
    for number in range(shape.files):
        home = number + 1 if number < len(folders) - 1 else dice.below(1 + dice.below(len(folders)))
        path = f"{folders[home]}{dice.word()}_{dice.word()}.{_EXTENSIONS[dice.below(len(_EXTENSIONS))]}"
        if path in taken or path + "/" in taken:
            path = path.replace(".", f"_{number}.")
        taken.add(path)
        paths.append(path)
        homes.append(home)
    return paths, homes


class _Upstream:
    """Plans upstream's commits one after the other."""

    def __init__(self, history: History, homes: list[int]) -> None:
        self.history = history
        self.shape = history.shape
        self.dice = Dice(self.shape.seed, "upstream")
        self.homes = homes
        self.now: list[str] = list(history.paths)
        self.last: dict[int, int] = {}
        self.spare: deque[int] = deque()
        self.dead: set[int] = set()
        count = len(homes)
        order = sorted(range(count), key=lambda _: self.dice.below(1 << 52))
        self.ranked = order
        self.sums = list(accumulate(1 / (rank + 3) for rank in range(count)))
        self.siblings: dict[int, list[int]] = {}
        for number, home in enumerate(homes):
            self.siblings.setdefault(home, []).append(number)

    def run(self) -> None:
        self.history.commits.append(UpstreamCommit(0, "Begin", [Op("add", file) for file in range(len(self.homes))]))
        for index in range(1, self.shape.commits):
            commit = self._special(index) if index % _SLOT else None
            self.history.commits.append(commit or self._ordinary(index))

    def _title(self) -> str:
        dice = self.dice
        return f"[{dice.word()}] {dice.word().capitalize()} {dice.word()} {dice.word()} in {dice.word()}"

    def _busy(self) -> int:
        return self.ranked[self.dice.heavy(self.sums)]

    def _ordinary(self, index: int) -> UpstreamCommit:
        per_cent = self.dice.below(100)
        _, least, most = next(row for row in _FILES_PER_COMMIT if per_cent < row[0])
        wanted = least + self.dice.below(most - least + 1)
        first = self._busy()
        near = self.siblings[self.homes[first]]
        files = {first: None}
        for _ in range(wanted * 2):
            if len(files) == wanted:
                break
            other = near[self.dice.below(len(near))] if self.dice.chance(2) else self._busy()
            if other not in self.dead:
                files[other] = None
        for file in files:
            self.last[file] = index
        return UpstreamCommit(index, self._title(), [self._edit(file) for file in files])

    def _edit(self, file: int) -> Op:
        return Op("edit", file, salt=self.dice.below(1 << 30))

    def _special(self, index: int) -> UpstreamCommit | None:
        draw = self.dice.below(1000)
        if draw < 50:
            return self._revert(index)
        if draw < 52:
            return self._move_folder(index)
        if draw < 62:
            return self._move(index)
        if draw < 82:
            return self._add(index)
        if draw < 97 and self.spare:
            return self._delete(index)
        return None

    def _revert(self, index: int) -> UpstreamCommit | None:
        for back in range(1 + self.dice.below(5), _RECENT):
            at = index - back
            if at < 1 or at % _SLOT == 0:
                continue
            old = self.history.commits[at]
            if old.reverts is None and all(op.what == "edit" and self.last[op.file] == at for op in old.ops):
                for op in old.ops:
                    self.last[op.file] = index
                return UpstreamCommit(index, f'Revert "{old.title}', list(old.ops), reverts=at)
        return None

    def _move(self, index: int) -> UpstreamCommit:
        file = self._busy()
        stem, _, extension = self.now[file].rpartition(".")
        ops = [self._moved(file, f"{stem}_{index}.{extension}", index)]
        if self.dice.chance(2):
            ops.append(self._edit(file))
        return UpstreamCommit(index, self._title(), ops)

    def _moved(self, file: int, path: str, index: int) -> Op:
        self.now[file] = path
        self.last[file] = index
        return Op("move", file, path=path)

    def _move_folder(self, index: int) -> UpstreamCommit | None:
        folder = self.now[self.dice.below(len(self.now))].rpartition("/")[0]
        inside = [f for f, path in enumerate(self.now) if path.startswith(folder + "/") and f not in self.dead]
        if not folder or not 2 <= len(inside) <= 60:
            return None
        ops = [self._moved(f, f"{folder}_{index}{self.now[f][len(folder) :]}", index) for f in inside]
        return UpstreamCommit(index, self._title(), ops)

    def _add(self, index: int) -> UpstreamCommit:
        beside = self._busy()
        folder, slash, _ = self.now[beside].rpartition("/")
        file = len(self.now)
        path = f"{folder}{slash}{self.dice.word()}_{index}.py"
        self.now.append(path)
        self.history.paths.append(path)
        self.homes.append(self.homes[beside])
        self.spare.append(file)
        self.last[file] = index
        return UpstreamCommit(index, self._title(), [Op("add", file), self._edit(beside)])

    def _delete(self, index: int) -> UpstreamCommit | None:
        rank = self.dice.below(len(self.ranked))
        file = self.ranked[rank]
        near = self.siblings[self.homes[file]]
        if len(near) < 3:
            return None
        self.ranked[rank] = self.spare.popleft()
        near[near.index(file)] = self.ranked[rank]
        self.homes[self.ranked[rank]] = self.homes[file]
        self.dead.add(file)
        self.last[file] = index
        return UpstreamCommit(index, self._title(), [Op("delete", file)])


class _Window:
    """What upstream does after `base` up to `target`, and which files a patch made at `base` may touch."""

    def __init__(self, history: History, base: int, target: int) -> None:
        if base < 1:
            raise ValueError("the stack would stand before the first commit: give more commits, or less to be behind")
        self.base, self.target = base, target
        born, paths = set(range(history.first)), dict(enumerate(history.paths[: history.first]))
        moved: set[int] = set()
        edits: dict[int, int] = {}
        gone: set[int] = set()
        renamed: set[str] = set()
        for commit in history.commits[1:]:
            late = commit.index > base
            if late and commit.index % _SLOT == 0:
                continue  # it may land something instead
            for op in commit.ops:
                if op.what == "add" and not late:
                    born.add(op.file)
                    paths[op.file] = history.paths[op.file]
                elif op.what == "delete":
                    gone.add(op.file)
                elif op.what == "move" and not late:
                    paths[op.file] = op.path
                elif op.what == "move":
                    moved.add(op.file)
                    renamed.add(paths.get(op.file, "").rpartition("/")[0])
                if late:
                    edits[op.file] = edits.get(op.file, 0) + 1
        slots = [c.index for c in history.commits[base + 1 :] if c.index % _SLOT == 0]
        for index in slots:
            for op in history.commits[index].ops:
                edits.setdefault(op.file, 0)
        there = sorted(born - gone)
        self.paths = paths
        self.slots = [index for index in slots if index <= target]
        self.later = [index for index in slots if index > target]
        # A file that was edited all over would not be recognised after its renaming, by anybody.
        self.moved = [f for f in there if f in moved and edits[f] <= 3]
        self.busy = [f for f in there if edits.get(f, 0) and f not in moved]
        self.quiet = [f for f in there if f not in edits and paths[f].rpartition("/")[0] not in renamed]


def _stack(
    history: History, name: str, window: _Window, sizes: tuple[int, ...], taken: set[int], used: set[int]
) -> StackPlan:
    """A stack that replays cleanly. `taken` are files that another change has to itself, `used` all with patches."""
    dice = Dice(history.shape.seed, "stack", name)
    patches: list[Patch] = []

    def alone() -> int:
        file = _one(dice, window.quiet, taken | used)
        taken.add(file)
        return file

    def land(patch: Patch, slots: list[int], reverted: bool = False) -> Patch:
        at = slots.pop(dice.below(len(slots) // 2 + 1) if reverted else dice.below(len(slots)))
        ops = [Op("own", file, number=patch.number) for file in patch.files]
        history.commits[at] = UpstreamCommit(at, patch.title, ops)
        if reverted:
            back = slots.pop()
            undone = [replace(op, undo=True) for op in ops]
            history.commits[back] = UpstreamCommit(back, f'Revert "{patch.title}', undone, reverts=at)
        return replace(patch, landing=at)

    base_number = 1_000_000 * (len(history.stacks) + 1)
    picks = min(len(_PICKS), len(window.slots) // 2, max(sizes[0] // 5, 1))
    for index in range(max(sizes)):
        title = f"{dice.word().capitalize()} {dice.word()} for {dice.word()} {dice.word()}"
        number = base_number + index
        if index < picks:
            fate = _PICKS[index] if len(window.slots) > 2 else 0
            if not fate and not window.later:
                fate = 1
            patch = Patch(number, title, (alone(),), pick=True)
            patches.append(land(patch, window.slots if fate else window.later, reverted=fate < 0))
            continue
        if index % 40 == 39 and len(window.slots) > 2:
            patches.append(land(Patch(number, title, (alone(), alone())), window.slots))
            continue
        files: dict[int, None] = {}
        pools = [window.quiet]
        if index * _MERGED % 100 < _MERGED:
            pool = window.moved if window.moved and dice.chance(12) else window.busy
            files[_one(dice, pool, taken)] = None
            pools.append(window.busy)
        for _ in range((0, 0, 0, 0, 1, 1, 2, 2, 3, 4)[dice.below(10)]):
            files[_one(dice, pools[dice.below(len(pools))], taken)] = None
        adds, removes = "", None
        if dice.chance(12):
            beside = window.paths[_one(dice, window.quiet, taken)]
            adds = f"{beside.rpartition('/')[0]}/poolside_{dice.word()}_{index}.py".lstrip("/")
        elif dice.chance(60):
            removes = alone()
        if not files and not adds:
            files[_one(dice, window.quiet, taken)] = None
        used.update(files)
        patches.append(Patch(number, title, tuple(files), adds, removes))
    return StackPlan(name, window.base, window.target, sizes, tuple(patches), picks)


def _one(dice: Dice, pool: Sequence[int], taken: set[int]) -> int:
    """A file of the pool that is free. Raises `ValueError` where there is none."""
    for _ in range(100):
        if pool and (file := pool[dice.below(len(pool))]) not in taken:
            return file
    free = [file for file in pool if file not in taken]
    if not free:
        raise ValueError("upstream touches too many files for such a stack: give more files, or less to be behind")
    return free[dice.below(len(free))]
