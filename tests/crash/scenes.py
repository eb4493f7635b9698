"""What is killed: each command that changes something, in a clone that has work of its user's lying about."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from git_poolside.cli import main
from tests.conftest import TEN, simple_world, stuck_world
from tests.crash.tracer import forked, read
from tests.operation.test_stopped import RESOLVED
from tests.scenario import NOT_INHERITED, Repo, Result, World, hermetic_environment

WORK = {"README.md": "upstream, and what I have not committed\n", "notes.txt": "untracked\n", "built.log": "ignored\n"}
"""A changed, an untracked and an ignored file of the user's, which nobody may touch."""


@dataclass(frozen=True)
class Scene:
    """A command and what goes before it. `linked` puts the patches branch into a worktree of its own.

    A command that is two in one has `halves`: it may end between them, and the second is typed then.
    """

    name: str
    world: Callable[[World], None]
    command: tuple[str, ...]
    before: tuple[tuple[str, ...] | Callable[[World, Repo], None], ...] = ()
    linked: bool = False
    halves: tuple[tuple[str, ...], ...] = ()


def _resolve(world: World, clone: Repo) -> None:
    (clone.path / "a.py").write_text(RESOLVED)
    clone.git("add", "a.py")


def _later(world: World) -> None:
    """The simple world, with two commits upstream that can be picked."""
    simple_world(world)
    world.land({"d.py": TEN}, "Add d", 31)


def _stand(world: World, clone: Repo) -> None:
    clone.git("checkout", "-q", "--detach")
    clone.git("worktree", "add", "-q", str(world.root / "linked"), "poolside-main")


def _meanwhile_synced(world: World, clone: Repo) -> None:
    """A commit here that nobody has, and a teammate's sync on the server."""
    (clone.path / "mine.txt").write_text("mine\n")
    clone.git("add", "mine.txt")
    clone.git("commit", "-q", "-m", "My patch")
    mate = world.clone("mate")
    for words in ("sync", "push"):
        assert ours(mate, words).status == 0


def _detach(world: World, clone: Repo) -> None:
    clone.git("checkout", "-q", "--detach", "origin/main")


def ours(clone: Repo, *command: str) -> Result:
    """A command of ours in a process of its own, undisturbed."""
    child, outputs = forked(lambda: main(command[0], list(command[1:])), clone.path, clone.env)
    _, status = os.waitpid(child, 0)
    out, err = map(read, outputs)
    return Result(os.waitstatus_to_exitcode(status), out, err)


SCENES = {
    scene.name: scene
    for scene in (
        Scene("sync", simple_world, ("sync",)),
        Scene("sync in a linked worktree", simple_world, ("sync",), (_stand,), linked=True),
        Scene("sync that stops", stuck_world, ("sync",)),
        Scene("sync --continue", stuck_world, ("sync", "--continue"), (("sync",), _resolve)),
        Scene("sync --skip", stuck_world, ("sync", "--skip"), (("sync",),)),
        Scene("sync --abort", stuck_world, ("sync", "--abort"), (("sync",),)),
        Scene("sync --abort, HEAD detached", stuck_world, ("sync", "--abort"), (_detach, ("sync",))),
        Scene("sync --exec", simple_world, ("sync", "--exec", "test -e a.py")),
        Scene("cherry-pick add", _later, ("cherry-pick", "add", "#31")),
        Scene("cherry-pick drop", simple_world, ("cherry-pick", "drop", "relu")),
        Scene("changes --write", simple_world, ("changes", "--write")),
        Scene("push", simple_world, ("push",), (("sync",),)),
        Scene("sync --push", simple_world, ("sync", "--push"), halves=(("sync",), ("push",))),
        Scene(
            "undo --push",
            simple_world,
            ("undo", "--push"),
            (("sync", "--push"),),
            halves=(("undo",), ("push",)),
        ),
        Scene("undo", simple_world, ("undo",), (("sync",),)),
        Scene("pull", simple_world, ("pull",), (_meanwhile_synced,)),
        Scene("upstream", simple_world, ("upstream", "Use our index")),
    )
}


@dataclass(frozen=True)
class State:
    """All that a person can tell apart: the refs, HEAD, whether it is stopped, the files, the server."""

    refs: tuple[tuple[str, str], ...]
    head: str
    picking: str
    stopped: bool
    status: str
    files: tuple[tuple[str, str], ...]
    server: tuple[tuple[str, str], ...]

    def without(self, ref: str) -> State:
        """This state, whatever a ref's value is."""
        return replace(self, refs=tuple(pair for pair in self.refs if pair[0] != ref))

    def differs(self, other: State) -> list[str]:
        """In what two states differ."""
        return [
            f"{name}: {getattr(self, name)!r} instead of {getattr(other, name)!r}"
            for name in self.__dataclass_fields__
            if getattr(self, name) != getattr(other, name)
        ]


class Stage:
    """A scene set up in a folder, again and again from the same copy; `refs` is git's way to keep them there."""

    def __init__(self, scene: Scene, folder: Path, refs: str = "files") -> None:
        self.scene = scene
        self.folder = folder
        self.kept = folder / "kept"
        self.root = folder / "world"
        folder.mkdir(exist_ok=True)
        home = folder / "home"
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(NOT_INHERITED) or name == "GIT_EXEC_PATH"
        }
        self.environment = {**inherited, **hermetic_environment(home)}
        del self.environment["GIT_TEST_FSYNC"]
        self.environment["GIT_DEFAULT_REF_FORMAT"] = refs
        world = World(self.root, self.environment)
        scene.world(world)
        clone = world.clone()
        (clone.path / ".git/info").mkdir(exist_ok=True)
        (clone.path / ".git/info/exclude").write_text("*.log\n")
        for name, text in WORK.items():
            (clone.path / name).write_text(text)
        for step in scene.before:
            if callable(step):
                step(world, clone)
            else:
                self.run(*step)
        self.root.rename(self.kept)

    @property
    def clone(self) -> Repo:
        return Repo(self.root / "clone", self.environment)

    @property
    def server(self) -> Repo:
        return Repo(self.root / "fork.git", self.environment)

    def set_up(self) -> None:
        """Everything as it was before the command."""
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self.kept, self.root, symlinks=True)
        # The copied files have other inodes than the index knows.
        self.clone.git("update-index", "-q", "--refresh", check=False)
        if self.scene.linked:
            Repo(self.root / "linked", self.environment).git("update-index", "-q", "--refresh", check=False)

    def run(self, *command: str) -> Result:
        """A command of ours, undisturbed."""
        return ours(self.clone, *command)

    def state(self) -> State:
        clone = self.clone
        tops = [clone, *([Repo(self.root / "linked", self.environment)] if self.scene.linked else [])]
        refs = {**clone.refs("refs/heads"), **clone.refs("refs/poolside")}
        return State(
            tuple(refs.items()),
            " ".join(_head(top) for top in tops),
            clone.git("rev-parse", "-q", "--verify", "CHERRY_PICK_HEAD", check=False),
            (clone.path / ".git/poolside/stopped.json").exists(),
            "\n".join(top.git("status", "--porcelain", "--ignored") for top in tops),
            tuple((str(path), path.read_text()) for top in tops for path in _files(top.path)),
            tuple(self.server.refs("refs").items()),
        )


def _head(top: Repo) -> str:
    return top.git("symbolic-ref", "-q", "HEAD", check=False) or top.rev("HEAD")


def _files(top: Path) -> Iterator[Path]:
    for path in sorted(top.rglob("*")):
        if ".git" not in path.relative_to(top).parts and path.is_file():
            yield path
