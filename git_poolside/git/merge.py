"""git's own merge, merge-ort, asked through one long-lived ``git merge-tree --stdin``.

Two things that the command leaves open are settled here. The merge base is given by three crafted commits, so
that every git from 2.39 on merges the same three trees. And since merge-tree reads ``.gitattributes`` from the
worktree and the index, it gets a private worktree with just the attribute files of the tree replayed onto, and
no index: what is checked out does not change a result.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Lock
from types import TracebackType

from git_poolside.git.meanwhile import meanwhile
from git_poolside.git.objects import COMMIT, FILES, Objects, folders, format_commit
from git_poolside.git.process import Git, version
from git_poolside.stack.model import EMPTY_TREE, NULL_OID, Conflict, Oid
from git_poolside.stack.values import frozen, replace

_NOBODY = b"poolside <> 0 +0000"
_FLUSHES = (2, 49)
_RULING = ("merge", "conflict-marker-size", "text", "eol", "crlf", "ident", "filter", "working-tree-encoding")
"""The attributes that can change what a merge makes of a file (gitattributes(5))."""
ATTRIBUTES = b".gitattributes"


@frozen
class Merged:
    """A merge's result: the tree (with conflict markers in it if there is a conflict), and the conflict.

    `kinds` are git's own names for what it says about the conflict (git-merge-tree(1), OUTPUT), `label` is what its
    markers call ours.
    """

    tree: Oid
    conflict: Conflict | None
    kinds: frozenset[bytes] = frozenset()
    label: Oid = NULL_OID


class MergeCrashed(Exception):
    """git died over this merge; git cherry-pick would have too."""


class MergeOrt:
    """Merges trees as merge-ort does. A context manager; the process starts with the first merge."""

    def __init__(self, objects: Objects, folder: Path) -> None:
        self._objects = objects
        self._folder = folder
        self._worktree = folder / "attributes"
        self._git: Git = replace(objects.git.impartial(), pending=None).with_environment(
            GIT_DIR=str(objects.git.git_dir),
            GIT_WORK_TREE=str(self._worktree),
            GIT_INDEX_FILE=str(folder / "no-index"),
            GIT_LITERAL_PATHSPECS="0",
            GIT_ICASE_PATHSPECS="0",
        )
        self._attributes: Oid | None = None
        self._foreseen: tuple[Oid, Callable[[], dict[bytes, Oid]]] | None = None
        self._plain: MergeOrt | None = None
        self._running: ExitStack | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._guard, self._asking = Lock(), Lock()
        self._ended = False
        self._version = meanwhile(version)
        self._unbuffered = self._dialogue = False

    def __enter__(self) -> MergeOrt:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """No merge is asked any more, by no thread."""
        with self._guard:
            self._ended = True
        self.stop()
        if self._plain is not None:
            self._plain.end()

    def stop(self) -> None:
        """End the process, which may be answering another thread; the next merge starts one."""
        with self._guard:
            running, self._running, self._process = self._running, None, None
        if running is not None:
            running.close()

    @property
    def plain(self) -> MergeOrt:
        """Another one, for trees without attributes, that is stopped with this one."""
        with self._guard:
            if self._plain is None:
                self._plain = MergeOrt(self._objects, self._folder / "plain")
                self._plain.attributes_of(EMPTY_TREE)
                self._plain._ended = self._ended
            return self._plain

    def attributes_of(self, tree: Oid) -> None:
        """Merge from now on under the attribute files of `tree` (gitattributes(5))."""
        if self._attributes == tree:
            return
        if self._foreseen is None or self._foreseen[0] != tree:
            self.foresee(tree)
        assert self._foreseen is not None
        files = self._foreseen[1]()
        self.stop()
        self._stand(self._worktree, files)
        self._attributes = tree

    def foresee(self, tree: Oid) -> None:
        """Look for the attribute files of `tree` meanwhile: it is going to be asked for."""
        if tree != EMPTY_TREE:
            self._show(tree)
        self._foreseen = tree, meanwhile(lambda: self._files(tree))

    def _files(self, tree: Oid) -> dict[bytes, Oid]:
        """The attribute files of a tree."""
        if tree == EMPTY_TREE:
            return {}
        words = ("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", EMPTY_TREE, tree)
        which = b":(glob)**/" + ATTRIBUTES
        listing = self._git.run(*words, "--", which.decode(), cwd=self._git.git_dir).stdout
        files: dict[bytes, Oid] = {}
        fields = iter(listing.split(b"\0")[:-1])
        for meta in fields:
            _, mode, _, oid, _ = meta.split(b" ")
            path = next(fields)
            if mode.startswith(b"100"):
                files[path] = Oid(oid.decode())
        return files

    def ruled(self, tree: Oid, paths: Iterable[bytes]) -> frozenset[bytes]:
        """Those of `paths` that have an attribute in `tree` which rules merges."""
        asked = list(paths)
        if _has_content(self._git.common_dir / "info" / "attributes"):
            return frozenset(asked)
        files: dict[bytes, Oid] = {}
        for above in {b""}.union(*(folders(path) for path in asked)):
            name = above + b"/" + ATTRIBUTES if above else ATTRIBUTES
            entry = self._objects.lookup(tree, name)
            if entry is not None and entry.mode in FILES:
                files[name] = entry.oid
        if not files:
            return frozenset()
        folder = self._folder / "asked"
        self._stand(folder, files)
        git = self._git.with_environment(GIT_WORK_TREE=str(folder))
        names = b"".join(path + b"\0" for path in asked)
        out = git.run("check-attr", "--stdin", "-z", *_RULING, input=names, cwd=folder).stdout.split(b"\0")
        return frozenset(path for path, value in zip(out[0::3], out[2::3], strict=False) if value != b"unspecified")

    def _stand(self, folder: Path, files: Mapping[bytes, Oid]) -> None:
        """Make a private worktree anew, with just these files; none whose path leads out of it (edge case P13)."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for path, oid in files.items():
            if not {b"", b".", b".."}.isdisjoint(path.split(b"/")):
                continue
            target = folder / Path(path.decode("utf-8", "surrogateescape"))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self._objects.read(oid))

    def merge(self, base: Oid, ours: Oid, theirs: Oid) -> Merged:
        """Merge three trees. Raises `MergeCrashed`."""
        if self._attributes is None:
            self.attributes_of(ours)
        root = self._craft(base, ())
        sides = self._craft(ours, (root,)), self._craft(theirs, (root,))
        self._show(*sides)
        try:
            with self._asking:  # one question at a time, whichever thread has it
                merged = self._ask(f"{sides[0]} {sides[1]}\n".encode())
            conflict = None if merged.conflict is None else _in_words(merged.conflict, *sides)
            return replace(merged, conflict=conflict, label=sides[0])
        except (OSError, ValueError, MergeCrashed) as error:  # ValueError: its pipes were closed, by `stop`
            complaint = str(error)
            process = self._process
            if process is not None and process.stderr is not None:
                process.wait()
                with suppress(ValueError):
                    complaint = process.stderr.read().decode("utf-8", "replace").strip() or complaint
            self.stop()
            raise MergeCrashed(complaint) from error

    def _show(self, *tips: Oid) -> None:
        if self._objects.git.pending is not None:
            self._objects.git.pending.show(tips)

    def _craft(self, tree: Oid, parents: tuple[Oid, ...]) -> Oid:
        return self._objects.write(COMMIT, format_commit(tree, parents, _NOBODY, _NOBODY, b"", None))

    def _start(self) -> subprocess.Popen[bytes]:
        words = ("merge-tree", "--write-tree", "--stdin", "-z", "--allow-unrelated-histories")
        with self._guard:
            if self._ended:
                raise MergeCrashed("asked after the end")
            if self._process is None:
                flushes = self._version() >= _FLUSHES
                self._unbuffered = not flushes and shutil.which("stdbuf") is not None
                self._dialogue = flushes or self._unbuffered
                self._running = ExitStack()
                conversation = self._git.conversation(*words, unbuffered=self._unbuffered, cwd=self._worktree)
                self._process = self._running.enter_context(conversation)
            return self._process

    def _ask(self, question: bytes) -> Merged:
        process = self._start()
        assert process.stdin is not None
        process.stdin.write(question)
        process.stdin.flush()
        if not self._dialogue:
            process.stdin.close()
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
        kinds: set[bytes] = set()
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
                kinds.add(kind)
                if kind != b"Auto-merging":
                    messages.append(message.strip())
        # A closing NUL follows; with messages it was the empty field that ended them.
        if clean and self._field():
            raise MergeCrashed("git merge-tree gave an answer in an unknown form")
        if clean:
            return Merged(tree, None)
        show = tuple(path.decode("utf-8", "surrogateescape") for path in paths)
        return Merged(tree, Conflict(show, tuple(m.decode("utf-8", "replace") for m in messages)), frozenset(kinds))

    def _field(self) -> bytes:
        process = self._process
        if process is None or process.stdout is None:
            raise MergeCrashed("git merge-tree was stopped in the middle of an answer")
        collected = bytearray()
        while not collected.endswith(b"\0"):
            said: bytes = process.stdout.peek(1)  # type: ignore[attr-defined]
            if not said:
                raise MergeCrashed("git merge-tree ended in the middle of an answer")
            collected += process.stdout.read(said.find(b"\0") + 1 or len(said))
        return bytes(collected[:-1])


def _in_words(conflict: Conflict, ours: Oid, theirs: Oid) -> Conflict:
    """What git says, with names for the crafted commits, and without what it left in a worktree that nobody sees."""
    either = f"(?:{ours}|{theirs})"
    beside = re.compile(rf"~{either}(?:_\d+)?")
    left = re.compile(rf"(?:\.\s+Version {either} of .*|; moving it to .*~{either}.*)$", re.DOTALL)
    said = (left.sub("", text).replace(ours, "the new base").replace(theirs, "the patch") for text in conflict.messages)
    return Conflict(tuple(dict.fromkeys(beside.sub("", path) for path in conflict.paths)), tuple(said))


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False
