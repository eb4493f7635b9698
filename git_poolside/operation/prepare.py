"""From a command line to an `Order`: both remotes asked, tips and leases read, the nightly chosen and checked."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property

from git_poolside.config import Config
from git_poolside.errors import Refused, UsageError
from git_poolside.git import layers, line, nightlies, refs
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.git.remotes import Remote, ask_both, needless
from git_poolside.operation import ledger, log, tangled
from git_poolside.operation.arriving import arriving
from git_poolside.operation.choices import Choices
from git_poolside.operation.dated import standing_date
from git_poolside.operation.order import Order
from git_poolside.stack.model import Commit, Dropped, Nightly, Oid, Role, Snag
from git_poolside.stack.nightly import choose, newest_usable, utc_date
from git_poolside.stack.source import named
from git_poolside.stack.values import frozen, replace
from git_poolside.ui import Ui, count

_ALLOW_OLDER = "git poolside sync --nightly {} --allow older-nightly   (goes back to it)"


@frozen
class Wishes:
    """What the command line asks for; `stay` is the base that the stack stands on, `adopt` as in `Choices`.

    `take_in`: what somebody pushed beside our work is replayed on our stack.
    """

    nightly: str | None = None
    onto: str | None = None
    keep: Sequence[str] = ()
    drop: Sequence[str] = ()
    allow: Sequence[str] = ()
    push: bool = False
    exec: str | None = None
    fetch: bool = True
    explain: str | None = None
    strict: bool = False
    stay: bool = False
    adopt: bool = False
    autosquash: bool = False
    take_in: bool = False


@frozen
class Ground:
    """Where everything stands before an operation. `base` is the commit of upstream that the stack stands on."""

    tips: layers.Tips
    upstream: Oid
    base: Oid
    date: str | None

    @property
    def patches(self) -> Oid:
        tip = self.tips.chosen[Role.PATCHES] or self.tips.chosen[Role.PICKS] or self.tips.chosen[Role.SNAPSHOT]
        assert tip is not None
        return tip


def ground(git: Git, config: Config, objects: Objects, *, ours: bool = False) -> Ground:
    """Read where everything stands. Raises `Refused` for a shallow clone, no stack, diverged branches.

    `ours` as in `layers.tips`.
    """
    layers.refuse_shallow(git)
    upstream = nightlies.upstream_tip(git, config)
    tips = layers.tips(git, config, log.known(git, objects), ours=ours)
    tip = tips.chosen[Role.PATCHES] or tips.chosen[Role.PICKS] or tips.chosen[Role.SNAPSHOT]
    if tip is None:
        names = ", ".join(f"'{name}'" for name in config.branches.all)
        raise Refused(
            f"none of the branches {names} exists, here or on '{config.remotes.fork}'",
            hints=["git poolside init   (makes them)", "set [branches] in .poolside.toml"],
        )
    base = layers.base_of(git, config, tip, upstream)
    if base is None:
        raise Refused(
            f"the fork has no history in common with {config.remotes.upstream}/{config.upstream.branch}",
            hints=[f"git remote get-url {config.remotes.upstream}   (is that the fork's upstream?)"],
        )
    return Ground(tips, upstream, base, standing_date(git, config, objects, tip))


def order(git: Git, config: Config, ui: Ui, objects: Objects, command: Sequence[str], wishes: Wishes) -> Order:
    """The order for a sync. Raises `Refused`; doubts that can be allowed come along as its snags."""
    tangled.refuse_in_progress(git, config)
    if wishes.fetch:
        with needless():
            ask_both(git, config, ui)
    tangled.refuse(git, config, wishes.allow)
    with refs.at_one_moment(git, [*layers.refs_of(config), refs.OPERATIONS]):
        here = ground(git, config, objects, ours=wishes.take_in)
        snags = doubts(git, config, here)
        chosen, notes = _target(git, config, ui, here, wishes)
        snags += filter(None, [_older(git, config, here, chosen)])
    patches = _Names(git, config, objects, here.tips.chosen, here.upstream)
    choices = _choices(Choices(strict=config.sync.strict), patches, wishes)
    for oid in choices.keep:
        if (entry := patches.dropped.get(oid)) is not None:
            ledger.obtain(git, config, ui, entry, fetch=wishes.fetch)
    explain = patches.find(wishes.explain) if wishes.explain is not None else None
    made = fixed(git, config, command, here, chosen, choices, snags, notes)
    if here.tips.diverged:
        made = _take_in(git, config, made, here)
    return replace(made, push=wishes.push or config.sync.push, exec=wishes.exec, explain=explain)


def _take_in(git: Git, config: Config, ordered: Order, here: Ground) -> Order:
    """`ordered` with what came to the fork's server. Raises `Refused` where the two cannot be combined mechanically."""
    found = arriving(git, config, here.upstream, here.tips.chosen, here.tips.remote, ordered.target)
    fork = config.remotes.fork
    if found.edits:
        raise Refused(
            "\n".join([f"the stack of '{fork}' was edited too, and cannot be combined with this one by itself:",
                       *(f"  {edit}" for edit in found.edits)]),
            snag="diverged",
            hints=[layers.PULL, "git poolside sync   (then, if there is a newer nightly)"],
        )  # fmt: skip
    notes = [f"taken in from '{fork}': {entry.name}" for entry in found.came]
    taken = {role: found.of(role) for role in (Role.PICKS, Role.PATCHES)}
    return replace(ordered, taken=taken, notes=(*ordered.notes, *notes))


def doubts(git: Git, config: Config, here: Ground) -> list[Snag]:
    """What is doubtful about the ground, whatever is to be done. Raises `Refused` for a misspelt branch."""
    _require_named(git, config, here)
    snag = layers.check_snapshot(git, config, here.tips.chosen[Role.SNAPSHOT], here.upstream)
    if snag is None:
        snag = layers.check_base(git, config, here.patches, here.upstream)
    return [snag] if snag is not None else []


def fixed(
    git: Git,
    config: Config,
    command: Sequence[str],
    here: Ground,
    chosen: Nightly,
    choices: Choices,
    snags: Sequence[Snag],
    notes: Sequence[str],
) -> Order:
    """The order for what was chosen on this ground: everything that decides the result is in it."""
    names = {role: config.ref(layers.branch_of(config, role)) for role in Role}
    rewritten = [
        f"'{name}' was rewritten here since it had the fork's commits; a push replaces them there"
        for name in here.tips.rewritten
    ]
    return Order(
        log.without_secrets(command),
        chosen.commit,
        chosen.date,
        chosen.nightly if chosen.nightly != chosen.commit else None,
        here.upstream,
        {names[role]: here.tips.local[role] for role in Role},
        here.tips.chosen,
        {names[role]: here.tips.remote[role] for role in Role},
        git.text("var", "GIT_COMMITTER_IDENT"),
        choices,
        config=config.text,
        snags=tuple(snags),
        notes=(*notes, *rewritten),
    )


def _target(git: Git, config: Config, ui: Ui, here: Ground, wishes: Wishes) -> tuple[Nightly, list[str]]:
    """The commit to move to, with its date, and what there is to say about the choice."""
    if wishes.stay:
        return standing(git, config, here.base, here.date), []
    if wishes.onto is not None:
        return _onto(git, config, here, wishes.onto)
    if wishes.nightly is not None:
        listed = list(nightlies.entries(git, config))
        chosen, note = choose([nightly for nightly, _ in listed], wishes.nightly)
        remote = Remote(git, config.remotes.upstream, ui)
        if wishes.fetch:
            others = nightlies.known(git, config, here.base, limit=20)
            nightlies.obtain(git, chosen, others, remote)
        why = nightlies.check(git, config, chosen, {n.nightly: tree for n, tree in listed}[chosen.nightly])
        if why:
            usable = newest_usable(nightlies.known(git, config, here.base, limit=20))
            hints = [f"git poolside sync --nightly {usable.date}   (the newest usable one)"] if usable else []
            raise Refused(
                f"the nightly of {chosen.date} ({chosen.commit[:12]}) cannot be used: {why}",
                hints=[*hints, "git poolside nightly   (lists them)"],
            )
        return chosen, [note] if note else []
    listed_new = nightlies.known(git, config, here.base, limit=60)
    newest = newest_usable(listed_new)
    if newest is not None:
        passed = [n for n in listed_new[: listed_new.index(newest)] if not n.usable]
        return newest, [_passed_over(n) for n in passed[:3]]
    notes = [_passed_over(n) for n in listed_new[:3]]
    return standing(git, config, here.base, here.date), notes


def standing(git: Git, config: Config, base: Oid, date: str | None) -> Nightly:
    """The nightly that the stack stands on, as far as one names its base; else the base itself."""
    named = nightlies.naming(git, config, base, date)
    if named is not None:
        return named
    return Nightly(date or utc_date(int(git.text("log", "-1", "--format=%ct", base))), base, base)


def _passed_over(nightly: Nightly) -> str:
    return f"the nightly of {nightly.date} is passed over: {nightly.why}"


def _onto(git: Git, config: Config, here: Ground, name: str) -> tuple[Nightly, list[str]]:
    commit = refs.resolve(git, name)
    if commit is None:
        raise Refused(
            f"'{name}' names no commit here",
            hints=[
                f"git fetch {config.remotes.upstream} {shlex.quote(name)}   (if upstream has it)",
                "git poolside nightly",
            ],
        )
    notes: list[str] = []
    for nightly, _ in nightlies.entries(git, config):
        if nightly.nightly == commit and nightly.commit != commit:
            notes.append(f"{name} is the nightly of {nightly.date} itself; going to what it names, "
                         f"{nightly.commit[:12]}")  # fmt: skip
            commit = nightly.commit
            break
    branch = f"{config.remotes.upstream}/{config.upstream.branch}"
    if not refs.is_ancestor(git, commit, here.upstream):
        raise Refused(
            f"{commit[:12]} is not on upstream's branch ({branch})",
            hints=[f"git branch -r --contains {commit[:12]}   (where it is)", "git poolside nightly"],
        )
    named = nightlies.naming(git, config, commit, None)
    date = named.date if named else utc_date(int(git.text("log", "-1", "--format=%ct", commit)))
    return Nightly(date, named.nightly if named else commit, commit), notes


def _older(git: Git, config: Config, here: Ground, chosen: Nightly) -> Snag | None:
    """The snag for a target that the stack or the snapshot branch is ahead of (edge cases N4, A8).

    Raises `Refused` for one that lies beside it: upstream's history is not always a line (edge case N1).
    """
    if chosen.commit == here.base and here.date is not None and chosen.date < here.date:
        message = (
            f"the nightly of {chosen.date} names the commit that the stack stands on, which has the date {here.date}"
        )
        return Snag("older-nightly", message, _ALLOW_OLDER.format(chosen.date))
    for what, standing in (("the stack stands on", here.base), ("snapshot", here.tips.chosen[Role.SNAPSHOT])):
        if standing is None or line.is_ancestor(git, standing, chosen.commit):
            continue
        if not refs.is_ancestor(git, chosen.commit, standing):
            if refs.is_ancestor(git, standing, here.upstream):
                where = (
                    f"the base of the stack, {standing[:12]}" if what != "snapshot" else f"'{config.branches.snapshot}'"
                )
                raise Refused(
                    f"{chosen.commit[:12]} does not descend from {where}, nor that from it",
                    hints=["git poolside nightly   (lists what can be used)"],
                )
            continue  # not on upstream any more: told by the snapshot's own snag
        commits = count(int(git.text("rev-list", "--count", f"{chosen.commit}..{standing}")), "commit")
        if what == "snapshot":
            message = (
                f"'{config.branches.snapshot}' is {commits} past the nightly of {chosen.date} "
                "(the forge's 'Sync fork' button does that)"
            )
        else:
            message = f"the nightly of {chosen.date} is {commits} older than the base of the stack"
        return Snag("older-nightly", message, _ALLOW_OLDER.format(chosen.date))
    return None


def _require_named(git: Git, config: Config, here: Ground) -> None:
    """Raises `Refused` for a branch that the configuration names and nobody has: a typo would shift the layers."""
    for role, tip in here.tips.chosen.items():
        name = layers.branch_of(config, role)
        if tip is None and config.names(role.value):
            there = [*refs.below(git, "refs/heads/"), *refs.below(git, config.fork_ref(""))]
            names = {ref.removeprefix("refs/heads/").removeprefix(config.fork_ref("")) for ref in there}
            near = get_close_matches(name, names, n=1)
            raise Refused(
                f"there is no branch '{name}', here or on '{config.remotes.fork}' "
                f"(branches.{role.value} in {config.where})",
                hints=[
                    *([f"is '{near[0]}' meant? Mend the file on the patches branch and commit it"] if near else []),
                    f"git branch {name} {here.base[:12]}   (makes it, with nothing in it)",
                ],
            )


def answered(git: Git, config: Config, objects: Objects, ordered: Order, wishes: Wishes) -> Order:
    """`ordered` with what ``--keep``, ``--drop`` and ``--allow`` add to it when it goes on."""
    carried = [oid for move in ordered.moves for oid in move.commits]
    names = _Names(git, config, objects, ordered.tips, ordered.upstream, carried)
    explain = names.find(wishes.explain) if wishes.explain is not None else ordered.explain
    return replace(ordered, choices=_choices(ordered.choices, names, wishes), explain=explain)


def _choices(before: Choices, patches: _Names, wishes: Wishes) -> Choices:
    keep = {patches.find(name): "kept as asked (--keep)" for name in wishes.keep}
    drop = {patches.find(name): "dropped as asked (--drop)" for name in wishes.drop}
    if both := [oid for oid in keep if oid in drop]:
        raise UsageError(
            f"{both[0][:9]} is to be kept and dropped: give --keep or --drop, not both",
            hints=[f"git log -1 {both[0][:9]}   (shows the patch)"],
        )
    return replace(
        before,
        keep={**{oid: why for oid, why in before.keep.items() if oid not in drop}, **keep},
        drop={**{oid: why for oid, why in before.drop.items() if oid not in keep}, **drop},
        allow=before.allow | frozenset(wishes.allow),
        adopt=before.adopt or wishes.adopt,
        strict=before.strict or wishes.strict,
        autosquash=before.autosquash or wishes.autosquash,
    )


class _Names:
    """Finds the patch that a person means, of the stack or dropped from it: by hash, or by words of its subject."""

    def __init__(
        self, git: Git, config: Config, objects: Objects, stack: Mapping[Role, Oid | None], upstream: Oid,
        carried: Sequence[Oid] = (),
    ) -> None:  # fmt: skip
        self._git = git
        self._objects = objects
        self._repository = config.github.upstream
        self._tips = [tip for tip in (stack[Role.PICKS], stack[Role.PATCHES]) if tip]
        self._carried = carried
        self._upstreams = layers.upstreams(git, config, upstream)

    @cached_property
    def _commits(self) -> list[Commit]:
        if self._carried:  # a pull judges nothing else
            return [self._objects.commit(oid) for oid in self._carried]
        limits = (f"^{oid}" for oid in self._upstreams)
        listing = self._git.lines("rev-list", *self._tips, *limits, "--") if self._tips else []
        return [self._objects.commit(Oid(oid)) for oid in listing]

    @cached_property
    def dropped(self) -> dict[Oid, Dropped]:
        return {entry.old: entry for entry in ledger.remembered(self._git, self._objects, self._commits)}

    def find(self, name: str) -> Oid:
        """Raises `Refused` when there is none, or more than one."""
        commits = named(name, self._commits, refs.resolve(self._git, name), self._repository)
        found = {commit.oid: commit.subject for commit in commits}
        gone = {oid: ledger.title(self._objects, entry) for oid, entry in self.dropped.items()}
        by_hash = {oid: title for oid, title in gone.items() if len(name) > 3 and oid.startswith(name)}
        by_words = {oid: title for oid, title in gone.items() if name.strip() and name.lower() in title.lower()}
        return the_one(name, by_hash or found or by_words)


def the_one(name: str, found: Mapping[Oid, str], what: str = "patch of the stack", plural: str = "") -> Oid:
    """The only one of those found by a name, each with its subject. Raises `Refused` for none, or more than one."""
    if len(found) == 1:
        return next(iter(found))
    several = plural or "patches of the stack"
    listing = "\n".join(f"  {oid[:9]} {title}" for oid, title in list(found.items())[:8])
    raise Refused(
        (f"several {several} are" if found else f"no {what} is")
        + f" called '{name}'"
        + (f":\n{listing}" if listing else ""),
        hints=["name it by its hash, or by words of its subject that no other has"],
    )


def with_choices(ordered: Order, **changes: object) -> Order:
    """`ordered` with other choices."""
    return replace(ordered, choices=replace(ordered.choices, **changes))
