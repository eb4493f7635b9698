"""A stopped operation: a real ``git cherry-pick`` in the worktree, and what is needed to go on, skip or abort."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from git_poolside.errors import Refused
from git_poolside.git import refs, unsaved, worktree
from git_poolside.git.diff import change_to
from git_poolside.git.objects import Committer, Objects
from git_poolside.git.process import Git
from git_poolside.operation import lock
from git_poolside.operation.journal import BroughtAlong, checking_out, durable
from git_poolside.operation.order import ORDER, Order
from git_poolside.stack.model import EMPTY_TREE, Commit, Oid, RefChange, Role
from git_poolside.stack.shape import MAYBE, OID, ROLE, TEXT, Either, Misshapen, Shape, require
from git_poolside.stack.values import frozen, replace

CONFLICT, EXEC = "conflict", "exec"


STATE: Shape = {
    "order": ORDER, "kind": re.compile(f"{CONFLICT}|{EXEC}"), "worktree": TEXT, "head": Either((TEXT, None)),
    "head_oid": OID, "role": ROLE, "patch": OID, "subject": TEXT, "partial": OID, "paths": [TEXT],
    "touched": [TEXT], "origin?": MAYBE, "place?": TEXT,
}  # fmt: skip
"""What `Stopped.from_json` can read."""


@frozen
class Stopped:
    """The state of a stop. `partial` is the tip made so far, on which `patch` has to be resolved.

    `head` is the branch that was checked out (None: HEAD was detached at `head_oid`). `paths` were in conflict,
    `touched` is every path that the cherry-pick changed. `origin` is upstream's commit that `patch` is made from, in
    an edit that adds it. `place` is what git knows the worktree by (`worktree.place`).
    """

    order: Order
    kind: str
    worktree: str
    head: str | None
    head_oid: Oid
    role: Role
    patch: Oid
    subject: str
    partial: Oid
    paths: tuple[str, ...]
    touched: tuple[str, ...] = ()
    origin: Oid | None = None
    place: str = ""

    @property
    def known_as(self) -> Oid:
        """The name by which a person knows the patch."""
        return self.origin or self.patch

    @property
    def action(self) -> str:
        """What the reflogs say of the movements of a stop."""
        return f"poolside {self.order.kind} (stopped)"

    @property
    def go_on(self) -> str:
        return f"{self.order.program} --continue"

    @property
    def back(self) -> str:
        return f"{self.order.program} --abort   (restores every branch)"

    @property
    def stands_at(self) -> Oid:
        """Where HEAD was put: on the partial tip, or on the commit at which ``--exec`` failed."""
        if self.kind == CONFLICT:
            return self.partial
        if resolved := self.order.choices.resolutions.get(self.patch):
            return resolved[-1]
        return self.order.choices.made.get(f"{self.patch} {self.partial}", self.patch)

    def to_json(self) -> dict[str, Any]:
        return {
            "order": self.order.to_json(),
            "kind": self.kind,
            "worktree": self.worktree,
            "head": self.head,
            "head_oid": self.head_oid,
            "role": self.role.value,
            "patch": self.patch,
            "subject": self.subject,
            "partial": self.partial,
            "paths": list(self.paths),
            "touched": list(self.touched),
            "origin": self.origin,
            "place": self.place,
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Stopped:
        """Raises `Misshapen` where something in it is not what `to_json` writes."""
        require(raw, STATE)
        return cls(
            Order.from_json(raw["order"]),
            raw["kind"],
            raw["worktree"],
            raw["head"],
            raw["head_oid"],
            Role(raw["role"]),
            raw["patch"],
            raw["subject"],
            raw["partial"],
            tuple(raw["paths"]),
            tuple(raw["touched"]),
            raw.get("origin"),
            raw.get("place", ""),
        )

    def require_commits(self, git: Git) -> None:
        """Raises `Misshapen` unless all that it goes on from and goes back to is here."""
        named = [self.head_oid, self.patch, self.partial, self.order.target, self.order.upstream]
        named += filter(None, (*self.order.tips.values(), *self.order.refs.values()))
        asked = "".join(f"{oid}\n" for oid in named).encode()
        for line in git.lines("cat-file", "--batch-check=%(objectname) %(objecttype)", input=asked):
            oid, _, kind = line.partition(" ")
            if kind != "commit":
                raise Misshapen(f"{oid}, which is no commit of this clone,")

    def save(self, git: Git) -> None:
        durable(_path(git), json.dumps(self.to_json(), indent=1), private=self.order.exec is not None)


def _path(git: Git) -> Path:
    return git.state_dir / "stopped.json"


def load(git: Git) -> Stopped | None:
    """The stopped operation of this repository, if there is one.

    Raises `Refused`, with the way out, where its file is damaged or names commits that this clone does not have.
    """
    path = _path(git)
    try:
        stopped = Stopped.from_json(json.loads(path.read_text()))
        stopped.require_commits(git)
        place = worktree.found_again(git, stopped.worktree, stopped.place, stopped.partial)
        return replace(stopped, worktree=place)
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError, Misshapen) as error:
        why = "it is no JSON" if isinstance(error, ValueError) else str(error)
        forgets = f"rm {shlex.quote(str(path))}   (forgets the stop; no branch has moved)"
        leads_back = "git reset --merge && git checkout BRANCH   (leads back from where it stands)"
        raise Refused(f"{path} cannot be read: {why}", hints=[forgets, leads_back]) from error


def recorded_config(git: Git) -> str | None:
    """The text of the configuration that the stopped operation began with."""
    stopped = load(git)
    return stopped.order.config if stopped is not None and stopped.order.config else None


def refuse_if_stopped(git: Git) -> None:
    """Raises `Refused` while an operation waits for a resolution."""
    stopped = load(git)
    if stopped is not None:
        raise Refused(
            f"'git poolside {' '.join(stopped.order.command)}' is stopped at {stopped.known_as[:9]} {stopped.subject}",
            hints=[
                f"{stopped.go_on}   (after resolving it)",
                f"{stopped.order.program} --skip   (leaves the patch out)",
                stopped.back,
            ],
        )


def refuse_elsewhere(git: Git, stopped: Stopped, going: str) -> None:
    """Raises `Refused` in any worktree but the one of the stop, and there while git is in the middle of a thing."""
    if git.worktree is None or str(git.worktree) != stopped.worktree:
        gone = not Path(stopped.worktree).is_dir()
        raise Refused(
            "the operation was stopped in another worktree" + (", which is gone" if gone else ""),
            hints=[stopped.back if gone else f"cd {shlex.quote(stopped.worktree)} && {stopped.order.program} {going}"],
        )
    worktree.refuse_in_progress(git, but="CHERRY_PICK_HEAD")


def forget(git: Git) -> None:
    """The operation is over: its state and the ref that kept its commits."""

    def step() -> None:
        _path(git).unlink(missing_ok=True)
        kept = refs.read_one(git, refs.STOPPED)
        if kept is not None:
            git.run("update-ref", "-d", refs.STOPPED, kept)

    lock.surely(git, step)


def check_worktree(git: Git, partial: Oid, paths: Iterable[bytes]) -> None:
    """Raises `Refused` (snag ``dirty-for-stop``) if a stop here would meet anything of the user's."""
    current = worktree.head(git)
    if current is None:
        raise Refused("HEAD is on an unborn branch, so a conflict cannot be resolved here", snag="dirty-for-stop",
                      hints=["git switch BRANCH   (one that has a commit)"])  # fmt: skip
    unsaved.refuse_staged(git)
    found = unsaved.overlap(git, current, partial, paths)
    if found:
        raise Refused(
            "local changes or untracked files are in the way of resolving it here:\n"
            + "\n".join(f"  {path}" for path in found[:10]),
            snag="dirty-for-stop",
            hints=unsaved.aside(git, found),
        )


def keep_reachable(
    git: Git, objects: Objects, committer: Committer, order: Order, stands: tuple[Oid, Oid]
) -> RefChange:
    """A commit for ``refs/poolside/stopped``: it holds every old tip, the new snapshot, and what comes in, is put back
    or resolved.

    `stands` are the partial tip and the patch that is to be resolved on it.
    """
    incoming = order.plan.incoming if order.plan is not None else ()
    parents = [oid for oid in (*stands, order.target, *order.tips.values(), *order.refs.values(), *incoming) if oid]
    parents += [*order.choices.keep, *(oid for commits in order.taken.values() for oid in commits)]
    parents += [oid for made in order.choices.resolutions.values() for oid in made]
    message = f"stopped: {' '.join(order.command)}\n".encode("utf-8", "surrogateescape")
    empty = objects.write_tree({}) if not objects.exists(EMPTY_TREE) else EMPTY_TREE
    new = Committer(objects, committer.identity, signing=False).commit(empty, dict.fromkeys(parents), message)
    return RefChange(refs.STOPPED, refs.read_one(git, refs.STOPPED), new)


def resolved_by_rerere(git: Git, stopped: Stopped) -> tuple[str, ...]:
    """Those of the paths in conflict that git-rerere(1) put an earlier resolution into (edge case C12)."""
    told = git.setting("rerere.enabled") is not None
    enabled = git.switch("rerere.enabled") if told else (git.common_dir / "rr-cache").is_dir()
    if stopped.kind == EXEC or not enabled:
        return ()
    left = set(git.lines("rerere", "remaining"))
    return tuple(path for path in stopped.paths if path not in left)


def names(listing: bytes) -> list[str]:
    """The paths of a listing that ``-z`` has made."""
    return listing.decode("utf-8", "surrogateescape").split("\0")[:-1]


def unmerged(git: Git) -> list[str]:
    """The paths that are in conflict now."""
    return names(git.run("diff", "--name-only", "--diff-filter=U", "-z").stdout)


def resolution(git: Git, objects: Objects, committer: Committer, stopped: Stopped) -> tuple[Oid, ...]:
    """The commits that the user made of the patch, from what stands in the worktree (design: The stop).

    Empty when it was resolved to nothing. Raises `Refused` for anything that could be a mistake (C10, C11).
    """
    refuse_elsewhere(git, stopped, "--continue")
    patch = objects.commit(stopped.patch)
    current = worktree.head(git)
    if current == stopped.partial:
        if (why := unclear(git, stopped)) is not None:
            raise why
        return _from_index(git, objects, committer, stopped, patch)
    made = _own_commits(git, objects, stopped, current)
    if _staged_or_changed(git, stopped):
        raise Refused(
            "there are commits and uncommitted changes on top of them",
            hints=["git commit --amend   (puts them into the last)", "git stash   (puts them aside)", stopped.go_on],
        )
    _refuse_markers(objects, stopped)
    return _with_own_message(committer, patch, made)


def unclear(git: Git, stopped: Stopped) -> Refused | None:
    """Why nothing in the worktree of the stop tells how it is to be resolved, if nothing does (C11)."""
    if worktree.head(git) != stopped.partial:
        return None
    what = "HEAD is on the commit before the patch"
    if stopped.kind == CONFLICT:
        if git.try_run("rev-parse", "-q", "--verify", "CHERRY_PICK_HEAD").text == stopped.patch:
            return None
        what = "the cherry-pick is gone: skipped, aborted or reset"
    patch = stopped.patch[:12]
    changed = _staged_or_changed(git, stopped)  # a resolution that was stashed and is back, say
    commits = f"git add PATH && git commit -C {patch}   (makes the patch of what stands here)"
    return Refused(
        f"nothing tells how {stopped.known_as[:9]} {stopped.subject} is to be resolved: {what}",
        hints=[
            commits if changed else f"git cherry-pick {patch}   (tries it again)",
            f"{stopped.order.program} --skip   (leaves the patch out)",
            stopped.back,
        ],
    )


def _from_index(git: Git, objects: Objects, committer: Committer, stopped: Stopped, patch: Commit) -> tuple[Oid, ...]:
    if left := unmerged(git):
        listing = "\n".join(f"  {path}" for path in left)
        raise Refused(
            f"these paths are still unmerged:\n{listing}",
            hints=["git add PATH   (keeps it)", "git rm PATH   (deletes it)", stopped.go_on],
        )
    _refuse_markers(objects, stopped)
    if unstaged := _unstaged(git, stopped):
        raise Refused(
            "these paths have changes that are not added:\n" + "\n".join(f"  {path}" for path in unstaged),
            hints=["git add PATH", stopped.go_on],
        )
    git.try_run("rerere")  # learns the resolution, as git commit would have made it
    tree = Oid(git.text("write-tree"))
    if tree == objects.commit(stopped.partial).tree:
        return ()
    return (committer.commit(tree, [stopped.partial], patch.message, patch.author, patch.encoding),)


def _own_commits(git: Git, objects: Objects, stopped: Stopped, current: Oid | None) -> list[Commit]:
    if current is not None and refs.is_ancestor(git, stopped.partial, current) and worktree.branch(git) is None:
        listing = git.lines("rev-list", "--topo-order", "--reverse", current, f"^{stopped.partial}", "--")
        made = [objects.commit(Oid(oid)) for oid in listing]
        if all(len(commit.parents) == 1 for commit in made):
            return made
    raise Refused(
        f"HEAD is not on the tip that the patch goes onto, {stopped.partial[:12]}",
        hints=[
            f"git checkout --detach {stopped.partial[:12]} && git cherry-pick {stopped.patch[:12]}",
            stopped.back,
        ],
    )


def _with_own_message(committer: Committer, patch: Commit, made: list[Commit]) -> tuple[Oid, ...]:
    """The user's commits; the first gets the patch's own author and message if those were not changed.

    git's comment stripping and its ``# Conflicts:`` lines are no change.
    """
    first = made[0]
    if _essence(first.message) == _essence(patch.message) and first.message != patch.message:
        parent = committer.commit(first.tree, first.parents, patch.message, patch.author, patch.encoding)
        renewed = [parent]
        for commit in made[1:]:
            parent = committer.commit(commit.tree, [parent], commit.message, commit.author, commit.encoding)
            renewed.append(parent)
        return tuple(renewed)
    return tuple(commit.oid for commit in made)


def _essence(message: bytes) -> list[bytes]:
    return [line.strip() for line in message.splitlines() if line.strip() and not line.startswith(b"#")]


def _unstaged(git: Git, stopped: Stopped) -> list[str]:
    """Changed but not added, among the paths of the patch and of the conflict."""
    change = change_to(git, f"{stopped.patch}^", stopped.patch)
    ours = {path.decode("utf-8", "surrogateescape") for path in change.paths} | set(stopped.paths)
    git.try_run("update-index", "-q", "--refresh")  # a changed time alone is no change
    listing = git.run("diff-files", "--name-only", "-z", "--ignore-submodules=dirty").stdout
    return [name for name in names(listing) if name in ours]


def _staged_or_changed(git: Git, stopped: Stopped) -> bool:
    if git.run("diff-index", "--cached", "--name-only", "--ignore-submodules=dirty", "HEAD", "--").text:
        return True
    return bool(_unstaged(git, stopped))


def _refuse_markers(objects: Objects, stopped: Stopped) -> None:
    change = change_to(objects.git, f"{stopped.patch}^", stopped.patch)
    if marked := unsaved.with_markers(objects, stopped.paths, change, objects.commit(stopped.partial).tree):
        raise Refused(
            "conflict markers are left in:\n" + "\n".join(f"  {path}" for path in marked),
            hints=["git add PATH   (when you have edited it)", stopped.go_on],
        )


def clear(git: Git, stopped: Stopped) -> None:
    """Throw the unfinished resolution away: the index and the paths of the patch are HEAD's again, all else stays."""
    git.try_run("cherry-pick", "--quit")
    ours = {*stopped.touched, *stopped.paths, *unmerged(git), *_unstaged(git, stopped)}
    worktree.restore(git, sorted(os.fsencode(path) for path in ours))
    git.run("reset", "-q", "HEAD", ok=(0, 1))


def go_back(git: Git, stopped: Stopped) -> None:
    """HEAD, index and worktree as they were before the operation, which is over; a branch that has moved since, as it
    is now."""
    action = f"poolside {stopped.order.kind} --abort"
    here, branch = worktree.head_and_branch(git)
    tip = (refs.read_one(git, stopped.head) if stopped.head else None) or stopped.head_oid
    assert here is not None
    entry = BroughtAlong(stopped.worktree, branch, here, tip)
    with checking_out(git, action, entry, stop_ends=True):
        if stopped.head is not None:
            worktree.attach(git, stopped.head, tip, action)
