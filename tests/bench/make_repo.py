"""Makes the benchmark's repositories in a folder: upstream.git, fork.git and the clone `work`.

The same shape gives the same hashes. Everything goes through ``git fast-import``; a folder that has been made
is used again by those who ask for the same shape.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from tests.bench import content
from tests.bench.content import Text
from tests.bench.plan import Dice, History, Op, Patch, Shape, StackPlan, UpstreamCommit, plan
from tests.scenario import PATTERN_FILE, workflow

VERSION = 2
"""Of what is made from a shape: a folder made by another version is made anew."""
NOTE = "bench.json"
_SECONDS = 864
_END = 1_785_000_000
_URL = "https://github.com/pytorch/pytorch/pull"
CONFIG = '[branches]\nsnapshot = "main"\npicks = "poolside-cherry-picks"\npatches = "poolside-main"\n'
_FIXED = {
    "version.txt": "2.9.0a0\n",
    ".gitattributes": "*.bat\ttext eol=crlf\n*.bin binary\n",
    ".gitignore": "__pycache__\n*.pyc\nbuild/\n",
}
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name == "GIT_EXEC_PATH"},
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_EDITOR": "true",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
}
"""No configuration but git's own defaults, and that of the repositories made here."""


@dataclass(frozen=True)
class Stack:
    """A made stack of `size` patches; the first ones, up to `picks`, are the picks. All but names are hashes."""

    name: str
    size: int
    base: str
    target: str
    picks: str
    tip: str


@dataclass(frozen=True)
class Made:
    """A folder with its repositories and stacks."""

    folder: Path
    stacks: tuple[Stack, ...]

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def stack(self, name: str, size: int) -> Stack:
        """Raises `KeyError` for one that was not made."""
        for stack in self.stacks:
            if (stack.name, stack.size) == (name, size):
                return stack
        raise KeyError(f"{name}-{size}")


def git(folder: Path, *arguments: str, input: bytes | None = None) -> str:
    """The stripped output of a git command. Raises `CalledProcessError`; git's words went to stderr."""
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, input=input, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def make(folder: Path, shape: Shape) -> Made:
    """The repositories of a shape in `folder`: those that are there, if they are of this shape, else new ones."""
    note = {"version": VERSION, "shape": asdict(shape) | {"stacks": list(shape.stacks)}}
    made = ready(folder, note)
    if made is None:
        made = write_note(folder, note, _Writer(folder.resolve(), plan(shape)).write())
    return made


def load(folder: Path) -> Made:
    """What is in a folder that was made."""
    known = json.loads((folder / NOTE).read_text())
    return Made(folder.resolve(), tuple(Stack(**stack) for stack in known["stacks"]))


def _path(path: str) -> bytes:
    return path.encode()


def _blob(text: str) -> bytes:
    data = text.encode()
    return b"data %d\n%b\n" % (len(data), data)


def _modify(path: str, text: str) -> bytes:
    return b"M 100644 inline " + _path(path) + b"\n" + _blob(text)


class _Import:
    """A ``git fast-import`` that is written to, and asked for the hashes of marks."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None and process.stdout is not None
        self.write = process.stdin.write
        self._flush = process.stdin.flush
        self._answers = process.stdout

    def commit(self, ref: str, mark: int, when: int, author: str, message: str, start: str = "") -> None:
        """Begin a commit; its changes follow. `start` is the parent where the ref has none yet."""
        who = f"{author} <{author.lower().replace(' ', '.')}@example.com> {when} +0000"
        self.write(f"commit {ref}\nmark :{mark}\nauthor {who}\ncommitter {who}\n".encode() + _blob(message))
        if start:
            self.write(f"from {start}\n".encode())

    def hash(self, mark: int) -> str:
        self.write(b"get-mark :%d\n" % mark)
        self._flush()
        return self._answers.readline().decode().strip()


@contextmanager
def _importing(repository: Path) -> Iterator[_Import]:
    command = ["git", "-c", "fastimport.unpackLimit=0", "fast-import", "--quiet", "--force", "--done"]
    with subprocess.Popen(
        command, cwd=repository, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield _Import(process)
        assert process.stdin is not None
        process.stdin.write(b"done\n")
        process.stdin.close()
    if process.returncode:
        raise SystemExit(f"git fast-import failed in {repository}")


class _Writer:
    """Writes a planned history."""

    def __init__(self, folder: Path, history: History) -> None:
        self.folder = folder
        self.history = history
        self.shape = history.shape
        self.upstream = folder / "upstream.git"
        self.fork = folder / "fork.git"
        self.texts: dict[int, Text] = {}
        self.paths = list(history.paths)
        self.at_base: dict[str, dict[int, tuple[str, Text]]] = {}
        self.hashes: dict[int, str] = {}

    def write(self) -> list[Stack]:
        self._write_upstream()
        self._write_nightlies()
        git(self.upstream, "repack", "-adfq", "--window=10", "--depth=50")
        git(self.upstream, "commit-graph", "write", "--reachable")
        git(self.folder, "clone", "-q", "--bare", "--no-tags", "upstream.git", "fork.git")
        stacks = [stack for planned in self.history.stacks for stack in self._write_stack(planned)]
        self._finish_fork(stacks[0])
        clone_fork(self.folder)
        return stacks

    def _when(self, index: int) -> int:
        return _END - (self.shape.commits - index) * _SECONDS

    def _text(self, file: int) -> Text:
        if file not in self.texts:
            return content.fresh(self.shape.seed, file)
        return self.texts[file]

    def _write_upstream(self) -> None:
        git(self.folder, "init", "-q", "--bare", "-b", "main", "upstream.git")
        needed = {self.shape.target, *range(self.shape.target, 0, -self.shape.nightly)}
        for stack in self.history.stacks:
            needed |= {stack.base, *(p.landing for p in stack.patches if p.landing is not None)}
        reverted = {commit.reverts for commit in self.history.commits if commit.reverts is not None}
        before: dict[int, dict[int, Text]] = {}
        bases = {stack.base: stack for stack in self.history.stacks}
        with _importing(self.upstream) as out:
            for commit in self.history.commits:
                if commit.index in reverted:
                    before[commit.index] = {op.file: self._text(op.file) for op in commit.ops if op.what == "edit"}
                named = out.hash(commit.reverts + 1) if commit.reverts is not None else ""
                author = f"Upstream Author {commit.index % 97}"
                message = self._message(commit, named)
                out.commit("refs/heads/main", commit.index + 1, self._when(commit.index), author, message)
                if not commit.index:
                    for path, text in _FIXED.items():
                        out.write(_modify(path, text))
                self._apply(out, commit, before)
                out.write(b"\n")
                if commit.index in bases:
                    self._remember(bases[commit.index])
                if commit.index in needed:
                    self.hashes[commit.index] = out.hash(commit.index + 1)

    def _message(self, commit: UpstreamCommit, reverted: str) -> str:
        number = self._number(commit.index)
        if commit.reverts is None:
            said = content.message(commit.index, f"{commit.title} (#{number})")
            return f"{said}\nPull Request resolved: {_URL}/{number}\nApproved by: https://github.com/reviewer\n"
        old = self._number(commit.reverts)
        return (
            f'{commit.title} (#{old})"\n\nThis reverts commit {reverted}.\n\n'
            f"Reverted {_URL}/{old} on behalf of https://github.com/reviewer due to failing tests\n"
        )

    def _number(self, index: int) -> int:
        return 10_000 + index

    def _apply(self, out: _Import, commit: UpstreamCommit, before: dict[int, dict[int, Text]]) -> None:
        old = before.pop(commit.reverts, None) if commit.reverts is not None else None
        for op in commit.ops:
            path = self.paths[op.file]
            if op.what == "delete":
                out.write(b"D " + _path(path) + b"\n")
            elif op.what == "move":
                out.write(b"R " + _path(path) + b" " + _path(op.path) + b"\n")
                self.paths[op.file] = op.path
            elif op.what == "add":
                out.write(_modify(path, str(self._text(op.file))))
            else:
                self.texts[op.file] = self._new_text(op, old)
                out.write(_modify(path, str(self.texts[op.file])))

    def _new_text(self, op: Op, old: dict[int, Text] | None) -> Text:
        text = self._text(op.file)
        if op.what == "edit":
            return old[op.file] if old is not None else content.edited(text, op.salt)
        if op.undo:
            return text.with_own(self._first_own(op.file))
        return content.patched(text, op.number)

    def _first_own(self, file: int) -> str:
        first = content.fresh(self.shape.seed, file)
        return first.sections[first.own]

    def _remember(self, stack: StackPlan) -> None:
        files = {file for patch in stack.patches for file in patch.files}
        files |= {patch.removes for patch in stack.patches if patch.removes is not None}
        self.at_base[stack.name] = {file: (self.paths[file], self._text(file)) for file in sorted(files)}

    def _write_nightlies(self) -> None:
        named = sorted(range(self.shape.target, 0, -self.shape.nightly))
        asked = "".join(f"{self.hashes[index]}^{{tree}}\n" for index in named).encode()
        trees = git(self.upstream, "cat-file", "--batch-check=%(objectname)", input=asked).split()
        with _importing(self.upstream) as out:
            for mark, (index, tree) in enumerate(zip(named, trees, strict=True), 1):
                when = self._when(index) + _SECONDS * self.shape.nightly // 2
                words = f"{date_of(when)} nightly release ({self.hashes[index]})\n"
                out.commit("refs/heads/nightly", mark, when, "Nightly Bot", words)
                out.write(f'M 040000 {tree} ""\n\n'.encode())

    def _write_stack(self, planned: StackPlan) -> list[Stack]:
        state = dict(self.at_base[planned.name])
        base = self.hashes[planned.base]
        made: list[Stack] = []
        ref = f"refs/heads/bench/{planned.name}"
        picks = base
        with _importing(self.fork) as out:
            for index, patch in enumerate(planned.patches, 1):
                when = self._when(planned.base) + 60 * index
                start = base if index == 1 else ""
                out.commit(ref, index, when, "Fork Author", self._patch_message(patch), start)
                self._apply_patch(out, patch, state)
                if index == planned.picks + 1:
                    out.write(_modify(".poolside.toml", CONFIG))
                    date = date_of(self._when(planned.base)).replace("-", "")
                    out.write(_modify(PATTERN_FILE, workflow(date)))
                out.write(b"\n")
                if index == planned.picks:
                    picks = out.hash(index)
                if index in planned.sizes:
                    tip = out.hash(index)
                    target = self.hashes[planned.target]
                    made.append(Stack(planned.name, index, base, target, picks, tip))
                    out.write(f"reset {ref}-{index}\nfrom :{index}\n\n".encode())
        git(self.fork, "update-ref", "-d", ref)
        return made

    def _patch_message(self, patch: Patch) -> str:
        if not patch.pick or patch.landing is None:
            return content.message(patch.number, patch.title)
        landing = self.history.commits[patch.landing]
        return f"{self._message(landing, '')}\n(cherry picked from commit {self.hashes[patch.landing]})\n"

    def _apply_patch(self, out: _Import, patch: Patch, state: dict[int, tuple[str, Text]]) -> None:
        for file in patch.files:
            path, text = state[file]
            state[file] = (path, content.patched(text, patch.number))
            out.write(_modify(path, str(state[file][1])))
        if patch.adds:
            out.write(_modify(patch.adds, content.added(patch.number)))
        if patch.removes is not None:
            out.write(b"D " + _path(state[patch.removes][0]) + b"\n")

    def _finish_fork(self, stack: Stack) -> None:
        """The three branches on the first stack, and others at random places; no nightly branch is here."""
        dice = Dice(self.shape.seed, "refs")
        known = sorted(self.hashes.values())
        lines = [
            "delete refs/heads/nightly",
            f"update refs/heads/main {stack.base}",
            f"create refs/heads/poolside-cherry-picks {stack.picks}",
            f"create refs/heads/poolside-main {stack.tip}",
            *(f"create refs/heads/topic/{n:05} {known[dice.below(len(known))]}" for n in range(self.shape.refs)),
        ]
        git(self.fork, "update-ref", "--stdin", input="".join(f"{line}\n" for line in lines).encode())
        git(self.fork, "symbolic-ref", "HEAD", "refs/heads/poolside-main")
        git(self.fork, "remote", "remove", "origin")
        git(self.fork, "pack-refs", "--all")


def clone_fork(folder: Path, *, shared: bool = False) -> None:
    """The clone `work` of fork.git, with what ``git poolside init`` sets up.

    A `shared` one borrows all objects, and nothing is checked out or fetched: some may be missing.
    """
    git(folder, "clone", "-q", *(["--shared", "--no-checkout"] if shared else []), "fork.git", "work")
    work = folder / "work"
    settings = {
        "user.name": "Fork Author",
        "user.email": "fork.author@example.com",
        "gc.auto": "0",
        "maintenance.auto": "false",
        "rerere.enabled": "true",
        "poolside.branch": "poolside-main",
        "remote.upstream.url": str(folder / "upstream.git"),
        "remote.upstream.pushurl": "DISABLE",
        "remote.upstream.tagOpt": "--no-tags",
    }
    for name, value in settings.items():
        git(work, "config", name, value)
    for branch in ("main", "nightly"):
        line = f"+refs/heads/{branch}:refs/remotes/upstream/{branch}"
        git(work, "config", "--add", "remote.upstream.fetch", line)
    if shared:
        with (work / ".git/objects/info/alternates").open("a") as alternates:
            alternates.write(f"{folder}/upstream.git/objects\n")
        for branch in ("main", "nightly"):
            git(
                work, "update-ref", f"refs/remotes/upstream/{branch}", git(folder / "upstream.git", "rev-parse", branch)
            )
    git(work, "fetch", "-q", "upstream")
    for branch in ("main", "poolside-cherry-picks"):
        git(work, "branch", "-q", branch, f"origin/{branch}")
    git(work, "pack-refs", "--all")
    git(work, "commit-graph", "write", "--reachable")


def write_note(folder: Path, note: Mapping[str, object], stacks: Sequence[Stack]) -> Made:
    """Say in the folder what was made, so that it is used again."""
    (folder / NOTE).write_text(json.dumps({**note, "stacks": [asdict(stack) for stack in stacks]}, indent=1))
    return load(folder)


def ready(folder: Path, note: Mapping[str, object]) -> Made | None:
    """What was made before with the same note; else None, and the folder is cleared for making it."""
    file = folder / NOTE
    if file.exists():
        known = json.loads(file.read_text())
        if {key: known.get(key) for key in note} == note:
            return load(folder)
        file.unlink()
    elif folder.exists() and any(folder.iterdir()):
        raise SystemExit(f"{folder} is not empty and no benchmark's: name another folder")
    for name in ("upstream.git", "fork.git", "work", "run"):
        shutil.rmtree(folder / name, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    return None


def date_of(when: int) -> str:
    """The date in UTC, YYYY-MM-DD."""
    return time.strftime("%Y-%m-%d", time.gmtime(when))


def main(words: Sequence[str] | None = None) -> int:
    """``python -m tests.bench.make_repo FOLDER``: makes the repositories, prints what there is."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.make_repo", description=__doc__)
    parser.add_argument("folder", type=Path)
    default = Shape()
    for field in fields(Shape):
        value = getattr(default, field.name)
        count = "+" if field.name == "stacks" else None
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=int, default=value, nargs=count)
    given = vars(parser.parse_args(words))
    folder = given.pop("folder")
    given["stacks"] = tuple(given["stacks"])
    made = make(folder, Shape(**given))
    for stack in made.stacks:
        print(f"bench/{stack.name}-{stack.size}  {stack.base[:12]}..{stack.tip[:12]} onto {stack.target[:12]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
