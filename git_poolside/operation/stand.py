"""Standing the user where a replay has stopped: the partial tip, and a real ``git cherry-pick`` of the patch on it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from git_poolside.errors import GitFailed
from git_poolside.git import mending, unsaved, worktree
from git_poolside.git.diff import tree_of_parent
from git_poolside.git.merge import MergeOrt
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.git.quarantine import quarantine
from git_poolside.operation.journal import BroughtAlong, checking_out
from git_poolside.operation.stopped import CONFLICT, EXEC, Stopped, clear, names, unmerged
from git_poolside.stack.model import Oid
from git_poolside.stack.values import replace

_NAMED = 3
"""So many paths are named in a command to be typed."""
_WAYS = {
    "12": (("rm", "deletes {}, as the patch does"), ("add", "keeps {}, as without the patch")),
    "13": (("add", "keeps {}, as the patch does"), ("rm", "deletes {}, as without the patch")),
}
"""What to do with a file of these stages, which the patch deleted or what it goes onto."""


def stand(git: Git, stopped: Stopped) -> tuple[Stopped, str]:
    """Check the partial tip out and run the real ``git cherry-pick``.

    The stop with what the cherry-pick really did, and what there is to say if it did not conflict.
    """
    here, branch = worktree.head_and_branch(git)
    assert here is not None
    entry = BroughtAlong(stopped.worktree, branch, here, stopped.stands_at)
    with checking_out(git, stopped.action, entry, stopped.to_json()):
        stopped.save(git)
        said = _pick(git, stopped)
        stopped = _as_it_stands(git, stopped)
        stopped.save(git)
    return stopped, said


def to_mend(git: Git, stopped: Stopped) -> list[str]:
    """What to type when the files are edited, here or in the folder that is the caller's.

    ``git add`` keeps a file that the patch deletes, so where one side deletes it both ways are told (edge case C1).
    """
    if stopped.kind == EXEC:
        return ["git commit --amend   (when you have mended it)"]
    sparse = " --sparse" if git.switch("core.sparseCheckout") else ""  # one outside of it would be left out
    stages = _stages(git)
    groups: dict[str, list[str]] = {}
    for path in stopped.paths:
        found = stages.get(path, "")
        groups.setdefault(found if found in _WAYS else "", []).append(path)
    hints: list[str] = []
    for found, paths in sorted(groups.items()):
        named = len(paths) <= _NAMED and all(map(str.isprintable, paths))
        typed = shlex.join(unsaved.typed(git, path) for path in paths) if named else "PATH"
        them = "them" if named and len(paths) > 1 else "it"
        for word, why in _WAYS.get(found, (("add", f"{'' if named else 'each, '}when you have resolved {{}}"),)):
            hints.append(f"git {word}{sparse} {typed}   ({why.format(them)})")
    return hints


def _stages(git: Git) -> dict[str, str]:
    """The stages of each path in conflict: 1 is the base, 2 what is here, 3 the patch (git-merge(1))."""
    stages: dict[str, str] = {}
    for record in names(git.run("ls-files", "-u", "-z", "--full-name", cwd=git.worktree).stdout):
        entry, _, path = record.partition("\t")
        stages[path] = stages.get(path, "") + entry[-1]
    return stages


def begin_again(git: Git, raw: Mapping[str, Any], since: float) -> None:
    """A stop whose beginning was killed, after the checkout and after `since`: what the cherry-pick left is cleared
    away, and it is run again.

    Nothing is done where HEAD or a file of the patch is not as git can have left it: it stays as it stands.
    """
    stopped = Stopped.from_json(raw)
    stopped.save(git)
    if not Path(stopped.worktree).is_dir():
        return
    if str(git.worktree) != stopped.worktree:
        git = git.at(Path(stopped.worktree))
    if worktree.head_and_branch(git) != (stopped.stands_at, None):
        return
    if stopped.kind == CONFLICT:
        left = mending.look(git, stopped.partial, _merged(git, stopped), since, marked=True)
        if left.foreign:
            return
        written = (touch.path.decode("utf-8", "surrogateescape") for touch in left.touches)  # renamed ones among them
        clear(git, replace(stopped, touched=(*stopped.touched, *written)))
        _pick(git, stopped)
    _as_it_stands(git, stopped).save(git)


def _merged(git: Git, stopped: Stopped) -> Oid:
    """The tree that the cherry-pick writes, conflict markers and all."""
    with quarantine(git) as inner:
        objects = Objects(inner.git)
        commit = objects.commit(stopped.patch)
        sides = (tree_of_parent(objects, commit), objects.commit(stopped.partial).tree, commit.tree)
        with MergeOrt(objects, inner.git.object_dir) as merge:
            tree = merge.merge(*sides).tree
        inner.keep([tree])
        return tree


def _pick(git: Git, stopped: Stopped) -> str:
    if stopped.kind == EXEC:
        return ""
    environment = {"GIT_REFLOG_ACTION": stopped.action, "GIT_EDITOR": ":"}
    answer = git.talk(
        "-C", str(unsaved.typed_in(git) or git.folder), "-c", "advice.mergeConflict=false",
        "cherry-pick", "--allow-empty", "--keep-redundant-commits", stopped.patch,
        ok=range(-64, 256), quiet=True, environment=environment,
    )  # fmt: skip
    if answer.status == 0:
        return "git applied the patch here although poolside could not; look at it, then go on with --continue"
    if answer.status == 1:
        return ""
    if answer.status < 0:
        raise GitFailed(["cherry-pick"], answer.status, answer.complaint)
    said = (answer.complaint.splitlines() or ["it said nothing"])[0]
    return f"git cherry-pick itself failed (exit {answer.status}: {said}); make the commit by hand, then --continue"


def _as_it_stands(git: Git, stopped: Stopped) -> Stopped:
    """The stop with what the cherry-pick really did: git's own conflicts, and every path that it changed."""
    staged = names(git.run("diff-index", "--cached", "--name-only", "-z", "HEAD", "--").stdout)
    paths = (*stopped.paths, *unmerged(git))
    touched = (*stopped.touched, *staged, *paths)
    return replace(stopped, paths=tuple(dict.fromkeys(paths)), touched=tuple(dict.fromkeys(touched)))
