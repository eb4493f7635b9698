"""Making a proposal in memory: chosen patches, and the least that they need, on a commit of upstream's."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from git_poolside.errors import Bug, Refused
from git_poolside.git import history, refs
from git_poolside.git.diff import Change, changes, tree_of_parent
from git_poolside.git.merge import MergeOrt
from git_poolside.git.objects import Committer, Objects
from git_poolside.git.quarantine import Quarantine, quarantine
from git_poolside.git.replay import Engine
from git_poolside.operation.edit import Desk
from git_poolside.stack.model import Commit, Conflict, Oid
from git_poolside.stack.needs import least, related
from git_poolside.stack.proposal import offered_message
from git_poolside.stack.provenance import cherry_origin, pull_number
from git_poolside.stack.values import frozen, replace

_SHOWN = 5


@frozen
class Offered:
    """One patch of a proposal: the stack's commit, and upstream's to be. `needed` by others; `picked` from upstream."""

    old: Commit
    new: Commit
    needed: bool
    picked: bool


@frozen
class Failed:
    """Where a series ended: `conflict` is None for a patch of which nothing is left."""

    patch: Oid
    conflict: Conflict | None


@frozen
class Proposal:
    """Patches on `onto`, lowest first; `alone` says why the chosen ones need others, if they do."""

    onto: Oid
    patches: tuple[Offered, ...]
    notes: tuple[str, ...]
    alone: str

    @property
    def tip(self) -> Oid:
        return self.patches[-1].new.oid

    @property
    def chosen(self) -> tuple[Offered, ...]:
        return tuple(one for one in self.patches if not one.needed)

    @property
    def needed(self) -> tuple[Offered, ...]:
        return tuple(one for one in self.patches if one.needed)


class Bench:
    """Tries series of patches on one tree; what a patch makes of a tree is worked out once."""

    def __init__(self, engine: Engine, onto: Oid, order: Sequence[Oid], made: Mapping[Oid, Change]) -> None:
        self.engine = engine
        self.onto = onto
        self.order = order
        self.made = made
        self._known: dict[tuple[Oid, Oid], Oid | Conflict] = {}

    def run(self, wanted: Collection[Oid], spare: Collection[Oid] = ()) -> tuple[dict[Oid, Oid], Failed | None]:
        """The tree after each patch of `wanted`, lowest first. Those of `spare` that fail are left out."""
        series = [oid for oid in self.order if oid in wanted]
        self.engine.stand_on(self.onto, [self.made[oid] for oid in series])
        trees: dict[Oid, Oid] = {}
        tree = self.onto
        for oid in series:
            result = self._known.get((tree, oid))
            if result is None:
                result = self._known[tree, oid] = self.engine.apply(self.made[oid], tree)
            if isinstance(result, Conflict) or result == tree:
                if oid in spare:
                    continue
                return trees, Failed(oid, result if isinstance(result, Conflict) else None)
            self.engine.stepped(self.made[oid], result)
            trees[oid] = tree = result
        return trees, None

    def enough(self, wanted: Collection[Oid]) -> bool:
        return self.run(wanted)[1] is None


@contextmanager
def proposal(
    at: Desk, named: Sequence[Commit], onto: str | None, before: Oid | None
) -> Iterator[tuple[Proposal, Quarantine]]:
    """The proposal of the patches `named`, its objects in a quarantine that lasts as long as the block.

    `before` is an earlier tip of the branch, whose commits are used again where they are the same. Raises `Refused`
    for a patch that has nothing to offer, and for one that does not apply whatever comes along.
    """
    chosen = {commit.oid for commit in named}
    target, notes = _target(at, onto)
    with quarantine(at.git) as inner:
        objects = Objects(inner.git)
        everything = [*at.stack.picks.commits, *at.patches]
        last = max(index for index, commit in enumerate(everything) if commit.oid in chosen)
        commits = {commit.oid: commit for commit in everything[: last + 1]}
        pairs = [(tree_of_parent(objects, commit), commit.tree) for commit in commits.values()]
        summary = at.config.changes.file.encode()
        read = dict(zip(commits, changes(inner.git, pairs), strict=True))
        made = {oid: _without(objects, change, summary) for oid, change in read.items()}
        for oid in chosen:
            if not made[oid].touches:
                what = f"changes nothing but {at.config.changes.file}" if read[oid].touches else "changes nothing"
                raise Refused(
                    f"{_name(commits[oid])} {what}, so there is nothing to offer", hints=["name another patch"]
                )
        with MergeOrt(objects, inner.git.object_dir) as merge:
            bench = Bench(Engine(objects, merge), objects.commit(target).tree, list(commits), made)
            alone, wanted = _wanted(at, bench, commits, chosen, target)
            trees, failed = bench.run(wanted)
        if failed is not None:
            raise Bug("the patches of a proposal do not apply any more", hints=["please report this"])
        picks = {commit.oid for commit in at.stack.picks.commits}
        offered = [
            Offered(commits[oid], commit, oid not in chosen, oid in picks)
            for oid, commit in _commits(at, objects, commits, trees, target, picks, before).items()
        ]
        notes += [_of_pick(at, one.old) for one in offered if one.picked]
        notes += [
            f"{_name(one.old)} ends in the number of a pull request, which upstream takes for its own"
            for one in offered
            if not one.picked and pull_number(one.new.text, at.repository) is not None
        ]
        notes += [f"{at.config.changes.file} is the fork's own: left out of {_name(commits[oid])}" for oid in trees
                  if made[oid] is not read[oid]]  # fmt: skip
        yield Proposal(target, tuple(offered), tuple(notes), alone), inner


def _of_pick(at: Desk, pick: Commit) -> str:
    """What there is to say about a pick that patches need: upstream has it, or somebody else has offered it."""
    origin, number = cherry_origin(pick.text), pull_number(pick.text, at.repository)
    branch = f"{at.config.remotes.upstream}/{at.config.upstream.branch}"
    if origin and at.objects.exists(Oid(origin)) and refs.is_ancestor(at.git, Oid(origin), at.here.upstream):
        return f"{_name(pick)} is a pick, which upstream has by now: --onto {branch} does without"
    pull = f"#{number}" if number is not None else "a commit of theirs"
    return f"{_name(pick)} is a pick: upstream has {pull} from somebody else, and gets it once more"


def own(at: Desk, name: str) -> Commit:
    """A patch of the fork's own. Raises `Refused`."""
    found = at.patch(name)
    if found in at.stack.picks.commits:
        raise Refused(f"{_name(found)} is a pick, so upstream has it already", hints=["name a patch of the fork's own"])
    return found


def _target(at: Desk, onto: str | None) -> tuple[Oid, list[str]]:
    """The commit to offer the patches on: the base of the stack, or another one of upstream's branch."""
    if onto is None:
        return at.stack.base, []
    found = refs.resolve(at.git, onto)
    branch = f"{at.config.remotes.upstream}/{at.config.upstream.branch}"
    newest = f"git poolside upstream PATCH --onto {branch}   (upstream's newest)"
    if found is None:
        raise Refused(f"'{onto}' names no commit here", hints=[newest])
    if not refs.is_ancestor(at.git, found, at.here.upstream):
        raise Refused(f"{found[:9]} is not on upstream's branch", hints=[newest])
    return found, []


def _without(objects: Objects, change: Change, path: bytes) -> Change:
    """A change without what it does to one file."""
    if path not in change.paths:
        return change
    theirs = objects.graft(change.theirs, {path: objects.lookup(change.base, path)})
    touches = tuple(touch for touch in change.touches if touch.path != path)
    return Change(change.base, theirs, touches, odd=change.odd)


def _wanted(
    at: Desk, bench: Bench, commits: Mapping[Oid, Commit], chosen: set[Oid], target: Oid
) -> tuple[str, set[Oid]]:
    """Why the chosen patches need others, if they do; and all of them, with the least set of others."""
    _, failed = bench.run(chosen)
    if failed is None:
        return "", chosen
    others = [oid for oid in commits if oid not in chosen]
    feasible, stuck = bench.run(commits, spare=others)
    if stuck is not None:
        raise _inapplicable(at, commits[stuck.patch], stuck.conflict, target)
    near = related(chosen, others, {oid: change.paths for oid, change in bench.made.items()})
    start = [oid for oid in near if oid in feasible]
    if not bench.enough({*chosen, *start}):
        near, start = others, [oid for oid in others if oid in feasible]
    paths = failed.conflict.paths[:_SHOWN] if failed.conflict is not None else ()
    why = "\n".join([f"{_name(commits[failed.patch])} does not apply by itself", *(f"  {path}" for path in paths)])
    return why, chosen | least(near, start, lambda these: bench.enough(chosen | these))


def _inapplicable(at: Desk, patch: Commit, conflict: Conflict | None, target: Oid) -> Refused:
    where = f"{target[:9]} ({at.git.text('log', '-1', '--format=%cs', target)})"
    if conflict is None:
        return Refused(
            f"{_name(patch)} changes nothing on {where}: upstream has it already",
            hints=["git poolside sync -n   (shows what a sync would drop)"],
        )
    paths = [path.encode("utf-8", "surrogateescape") for path in conflict.paths]
    since = history.touching(at.git, at.stack.base, target, paths) if target != at.stack.base else []
    lines = [f"  {message}" for message in conflict.messages]
    if since:
        lines.append("upstream changed the same since:")
        lines += [f"  {oid[:9]} {at.objects.commit(oid).subject}" for oid in since[-_SHOWN:]]
    return Refused(
        "\n".join([f"{_name(patch)} does not apply to {where}, with all that is below it either", *lines]),
        hints=["git poolside sync   (brings the stack there first, and stops for you to resolve it)"],
    )


def _commits(
    at: Desk,
    objects: Objects,
    commits: Mapping[Oid, Commit],
    trees: Mapping[Oid, Oid],
    target: Oid,
    picks: Collection[Oid],
    before: Oid | None,
) -> dict[Oid, Commit]:
    """The commits of the branch, by those of the stack: author and message as there, but for what is the fork's own."""
    committer = Committer.of(objects)
    earlier: dict[Commit, Oid] = {}
    if before is not None and objects.exists(before):
        listing = at.git.lines("rev-list", before, f"^{at.here.upstream}", "--")
        earlier = {_content(commit): commit.oid for commit in (objects.commit(Oid(oid)) for oid in listing)}
    made: dict[Oid, Commit] = {}
    tip = target
    for oid, tree in trees.items():
        old = commits[oid]
        message = offered_message(old.message, picked=oid in picks)
        new = replace(old, tree=tree, parents=(tip,), message=message)
        tip = earlier.get(_content(new)) or committer.commit(tree, [tip], message, old.author, old.encoding)
        made[oid] = objects.commit(tip)
    return made


def _content(commit: Commit) -> Commit:
    """A commit without its name and its committer: what makes two of them the same patch on the same parent."""
    return replace(commit, oid=Oid(""), committer=b"")


def _name(commit: Commit) -> str:
    return f"{commit.oid[:9]} {commit.subject}"
