"""git's own merge, merge-ort, asked through one long-lived ``git merge-tree --stdin``.

Two things that the command leaves open are settled here. The merge base is given by three crafted commits, so
that every git from 2.39 on merges the same three trees. And since merge-tree reads ``.gitattributes`` from the
worktree and the index, it gets a private worktree with just the attribute files of the tree replayed onto, and
no index: what is checked out does not change a result.
"""

from __future__ import annotations

import shutil
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from git_poolside.git.objects import COMMIT, Objects, format_commit
from git_poolside.git.process import Git, version
from git_poolside.stack.model import Conflict, Oid

_NOBODY = b"poolside <> 0 +0000"
_FLUSHES = (2, 49)
ATTRIBUTES = b".gitattributes"


@dataclass(frozen=True)
class Merged:
    """A merge's result: the tree (with conflict markers in it if there is a conflict), and the conflict."""

    tree: Oid
    conflict: Conflict | None


class MergeCrashed(Exception):
    """git died over this merge; git cherry-pick would have too."""


class MergeOrt:
    """Merges trees as merge-ort does. A context manager; the process starts with the first merge."""

    def __init__(self, objects: Objects, folder: Path) -> None:
        self._objects = objects
        self._worktree = folder / "attributes"
        self._git: Git = objects.git.impartial().with_environment(
            GIT_DIR=str(objects.git.git_dir),
            GIT_WORK_TREE=str(self._worktree),
            GIT_INDEX_FILE=str(folder / "no-index"),
        )
        self._attributes: Oid | None = None
        self._running: ExitStack | None = None
        self._process: subprocess.Popen[bytes] | None = None
        flushes = version() >= _FLUSHES
        self._unbuffered = not flushes and shutil.which("stdbuf") is not None
        self._dialogue = flushes or self._unbuffered

    def __enter__(self) -> MergeOrt:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        if self._running is not None:
            self._running.close()
        self._running = self._process = None

    def attributes_of(self, tree: Oid) -> None:
        """Merge from now on under the attribute files of `tree` (gitattributes(5))."""
        if self._attributes == tree:
            return
        self.stop()
        shutil.rmtree(self._worktree, ignore_errors=True)
        self._worktree.mkdir(parents=True)
        listing = self._objects.git.run("ls-tree", "-r", "-z", tree).stdout
        for line in listing.split(b"\0"):
            meta, _, path = line.partition(b"\t")
            if path.rpartition(b"/")[2] != ATTRIBUTES or not meta.startswith(b"100"):
                continue
            target = self._worktree / Path(path.decode("utf-8", "surrogateescape"))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self._objects.read(Oid(meta.split()[2].decode())))
        self._attributes = tree

    def merge(self, base: Oid, ours: Oid, theirs: Oid) -> Merged:
        """Merge three trees. Raises `MergeCrashed`."""
        if self._attributes is None:
            self.attributes_of(ours)
        root = self._craft(base, ())
        question = f"{self._craft(ours, (root,))} {self._craft(theirs, (root,))}\n".encode()
        try:
            return self._ask(question)
        except (OSError, MergeCrashed) as error:
            complaint = str(error)
            if self._process is not None and self._process.stderr is not None:
                self._process.wait()
                complaint = self._process.stderr.read().decode("utf-8", "replace").strip() or complaint
            self.stop()
            raise MergeCrashed(complaint) from error

    def _craft(self, tree: Oid, parents: tuple[Oid, ...]) -> Oid:
        return self._objects.write(COMMIT, format_commit(tree, parents, _NOBODY, _NOBODY, b"", None))

    def _ask(self, question: bytes) -> Merged:
        if self._process is None:
            self._running = ExitStack()
            self._process = self._running.enter_context(
                self._git.conversation(
                    "merge-tree",
                    "--write-tree",
                    "--stdin",
                    "-z",
                    "--allow-unrelated-histories",
                    unbuffered=self._unbuffered,
                    cwd=self._worktree,
                )
            )
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(question)
        stdin.flush()
        if not self._dialogue:
            stdin.close()
        try:
            return self._answer()
        finally:
            if not self._dialogue:
                self.stop()

    def _answer(self) -> Merged:
        clean = self._field() == b"1"
        tree = Oid(self._field().decode())
        paths: list[bytes] = []
        messages: list[bytes] = []
        if not clean:
            while entry := self._field():
                path = entry.partition(b"\t")[2]
                if path not in paths:
                    paths.append(path)
            while count := self._field():
                if not count.isdigit():
                    break  # git's advice about submodules, which stands before the closing NUL
                for _ in range(int(count)):
                    self._field()
                kind = self._field()
                message = self._field()
                if kind != b"Auto-merging":
                    messages.append(message.strip())
        # A closing NUL follows; with messages it was the empty field that ended them.
        if clean and self._field():
            raise MergeCrashed("git merge-tree gave an answer in an unknown form")
        if clean:
            return Merged(tree, None)
        show = tuple(path.decode("utf-8", "surrogateescape") for path in paths)
        return Merged(tree, Conflict(show, tuple(m.decode("utf-8", "replace") for m in messages)))

    def _field(self) -> bytes:
        assert self._process is not None and self._process.stdout is not None
        stream = self._process.stdout
        collected = bytearray()
        while (byte := stream.read(1)) != b"\0":
            if not byte:
                raise MergeCrashed("git merge-tree ended in the middle of an answer")
            collected += byte
        return bytes(collected)
