"""Every git process starts here.

Plumbing that answers in milliseconds goes through `subprocess`; what talks to the network or the user goes
through `sh`, which streams and passes signals on. Both get the same environment and options. Standard input
of plumbing is a pipe or nothing, never the terminal.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, Protocol

from git_poolside import actions, interrupt
from git_poolside.errors import GitFailed, NotARepository, Refused
from git_poolside.stack.model import Oid
from git_poolside.stack.values import frozen, replace
from git_poolside.terminal import Relay, by_line

PINNED = (
    # What decides a merge's result is fixed, so that a user's settings and git's defaults over time do not
    # (edge case S9). Recorded in each operation.
    "merge.renames=true",
    "merge.directoryRenames=conflict",
    "merge.renameLimit=7000",
    "merge.renormalize=false",
    "merge.default=text",
    "diff.renames=true",
    "diff.renameLimit=7000",
    "diff.algorithm=histogram",
    "diff.indentHeuristic=true",
    "diff.suppressBlankEmpty=false",
    # What would change what we parse.
    "core.quotePath=false",
    "color.ui=false",
    "log.showSignature=false",
    "core.commentChar=#",
    "i18n.logOutputEncoding=UTF-8",
    "advice.detachedHead=false",
    "advice.skippedCherryPicks=false",
)
_IMPARTIAL = (f"core.attributesFile={os.devnull}", "attr.tree=", "core.bigFileThreshold=512m")
DURABLE = ("core.fsync=added,reference,loose-object", "core.fsyncMethod=fsync")
"""Objects and refs reach the disk before anything relies on them (git-config(1), core.fsync)."""

MINIMUM = (2, 39)


@frozen
class Answer:
    """What a finished process said: its exit status and both streams as bytes."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        return self.stdout.decode("utf-8", "surrogateescape").strip()

    @property
    def complaint(self) -> str:
        return self.stderr.decode("utf-8", "replace").strip()


class NewObjects(Protocol):
    """Objects that are not written yet (`quarantine.Pending`), apart from the repository `real`."""

    real: Git

    def show(self, tips: Iterable[Oid] | None = None) -> None: ...
    def get(self, oid: Oid) -> bytes | None: ...
    def add(self, kind: int, data: bytes, like: Oid | None, new: Sequence[Oid], spots: Sequence[Any] | None) -> Oid: ...


@frozen
class Git:
    """One repository as git sees it, with the environment that every process for it gets.

    `worktree` is None in a bare repository; paths are absolute, so that the caller's folder and relative
    `GIT_*` variables do not matter (edge case P7). `pending` are a quarantine's objects: every process sees them.
    """

    git_dir: Path
    common_dir: Path
    object_dir: Path
    worktree: Path | None
    environment: Mapping[str, str]
    options: tuple[str, ...] = ()
    pending: NewObjects | None = None
    shallow: bool = False

    @property
    def state_dir(self) -> Path:
        """Where the journal, a stopped operation and the lock live."""
        return self.common_dir / "poolside"

    @property
    def folder(self) -> Path:
        return self.worktree or self.git_dir

    @property
    def alone(self) -> Git:
        """The repository without what is pending, for questions about what was there before."""
        return self if self.pending is None else self.pending.real

    def with_environment(self, **extra: str) -> Git:
        return replace(self, environment={**self.environment, **extra})

    def with_options(self, *options: str) -> Git:
        return replace(self, options=(*self.options, *options))

    def impartial(self) -> Git:
        """The same repository without the user's and the machine's attributes, for merges and diffs.

        Checkouts have to honour those; a result may not depend on them (gitattributes(5), edge case S9).
        """
        environment = {k: v for k, v in self.environment.items() if k != "GIT_ATTR_SOURCE"}
        environment["GIT_ATTR_NOSYSTEM"] = "1"
        return replace(self, environment=environment).with_options(*_IMPARTIAL)

    def at(self, folder: Path) -> Git:
        """The same repository seen from another of its worktrees."""
        environment = {k: v for k, v in self.environment.items() if k not in _LOCAL_VARIABLES}
        return replace(open_repository(folder, environment), options=self.options)

    def command(self, arguments: Sequence[str]) -> list[str]:
        if self.pending is not None:
            self.pending.show()
        pins = [word for option in (*PINNED, *self.options) for word in ("-c", option)]
        return ["git", *pins, *arguments]

    def run(
        self, *arguments: str, input: bytes | None = None, ok: Sequence[int] = (0,), cwd: Path | None = None
    ) -> Answer:
        """Run a plumbing command to its end. Raises `GitFailed` if its exit status is not one of `ok`."""
        answer = self.try_run(*arguments, input=input, cwd=cwd)
        if answer.status not in ok:
            raise GitFailed(arguments, answer.status, answer.complaint)
        return answer

    def try_run(self, *arguments: str, input: bytes | None = None, cwd: Path | None = None) -> Answer:
        """Like `run`, for a command whose failure is an answer; raises `GitFailed` for one that was killed."""
        if arguments[:1] == ("config",) and not any(word.startswith("--get") for word in arguments):
            _SETTINGS.clear()
        done = _ask(self.command(arguments), self.environment, cwd or self.folder, input)
        if done.status < 0:
            raise GitFailed(arguments, done.status, done.complaint)
        return done

    def settled(self, *arguments: str, ok: Sequence[int] = (0,)) -> Answer:
        """`run` for a question that names objects alone: its answer stays so, and it is asked once."""
        key = (self.common_dir, arguments)
        if key not in _SETTLED:
            _SETTLED[key] = self.run(*arguments, ok=ok)
        return _SETTLED[key]

    def setting(self, name: str) -> str | None:
        """The last value that the user's git-config(1) has for `name`, ``true`` for one without; all are read in one
        process.
        """
        if self.git_dir not in _SETTINGS:
            listing = _ask(["git", "config", "--list", "-z"], self.environment, self.folder).stdout
            pairs = (entry.partition("\n") for entry in listing.decode("utf-8", "surrogateescape").split("\0"))
            _SETTINGS[self.git_dir] = {key: value if said else "true" for key, said, value in pairs}
        section, _, rest = name.partition(".")
        middle, dot, key = rest.rpartition(".")
        return _SETTINGS[self.git_dir].get(f"{section.lower()}.{middle}{dot}{key.lower()}")

    def switch(self, name: str) -> bool:
        """Whether a setting is on, as git-config(1) reads booleans."""
        value = (self.setting(name) or "").lower()
        return value in ("true", "yes", "on") or (value.lstrip("+-").isdigit() and int(value) != 0)

    def text(self, *arguments: str) -> str:
        """The output of a command, stripped."""
        return self.run(*arguments).text

    def lines(self, *arguments: str, input: bytes | None = None) -> list[str]:
        """The output of a command, by line."""
        return by_line(self.run(*arguments, input=input).stdout.decode("utf-8", "surrogateescape"))

    def pipe(self, first: Sequence[str], second: Sequence[str], input: bytes) -> bytes:
        """The output of ``git first | git second`` with `input` given to the first."""
        from tempfile import TemporaryFile

        with TemporaryFile() as asked, TemporaryFile() as said:
            asked.write(input)
            asked.seek(0)
            with _child(self.command(first), self.environment, self.folder, stdin=asked, stderr=said) as source:
                done = _ask(self.command(second), self.environment, self.folder, source.stdout)
                assert source.stdout
                source.stdout.close()
                source.wait()
            said.seek(0)
            for arguments, answer in ((second, done), (first, Answer(source.returncode, b"", said.read()))):
                if answer.status:
                    raise GitFailed(arguments, answer.status, answer.complaint)
        return done.stdout

    @contextmanager
    def conversation(
        self, *arguments: str, unbuffered: bool = False, apart: bool = False, cwd: Path | None = None
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A process that lives beside ours, to be asked or waited for; ended when the block is left.

        One that is kept `apart` has no terminal.
        """
        command = self.command(arguments)
        if unbuffered:
            command = ["stdbuf", "-o0", *command]
        folder = cwd or self.folder
        with _child(command, self.environment, folder, stdin=subprocess.PIPE, start_new_session=apart) as process:
            yield process

    def talk(
        self,
        *arguments: str,
        ok: Sequence[int] = (0,),
        quiet: bool = False,
        environment: Mapping[str, str] = {},
        input: str = "",
    ) -> Answer:
        """Run what talks to the network or the user, or takes time: stderr streams to ours as it comes."""
        import sh

        relay = Relay(None if quiet else sys.stderr, actions.harmless if actions.running() else str)
        options: dict[str, Any] = {
            "_env": {**self.environment, **environment},
            "_cwd": str(self.folder),
            "_err": relay.hear,
            "_err_bufsize": 256,
            "_in": input,
            "_ok_code": list(range(-64, 256)),
            "_return_cmd": True,
            "_tty_out": False,
            "_new_session": False,
            "_decode_errors": "surrogateescape",
            "_pass_fds": set(INHERITED),
        }
        done: Any = None
        try:
            with interrupt.held_back():
                done = sh.Command("git")(*self.command(arguments)[1:], **options, _bg=True, _bg_exc=False)
            done.wait()
        except BaseException:
            with suppress(OSError, AttributeError):  # it may have ended already, or not begun
                done.terminate()
                done.wait()
            raise
        relay.end()
        answer = Answer(int(done.exit_code), bytes(done.stdout), relay.heard.encode("utf-8", "surrogateescape"))
        if answer.status not in ok:
            raise GitFailed(arguments, answer.status, answer.complaint)
        return answer


@contextmanager
def _child(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path | None,
    *,
    stderr: Any = subprocess.PIPE,
    **more: Any,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does not outlive the block, not even where a signal comes in the instant of its beginning."""
    process: subprocess.Popen[bytes] | None = None
    try:
        with interrupt.held_back():
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=stderr, env=dict(environment), cwd=folder,
                pass_fds=INHERITED, **more,
            )  # fmt: skip
        yield process
    finally:
        if process is not None:
            process.terminate()  # first: somebody may be reading what it says
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    with suppress(BrokenPipeError):
                        stream.close()


def _ask(
    command: Sequence[str], environment: Mapping[str, str], folder: Path | None, input: bytes | IO[bytes] | None = None
) -> Answer:
    """What a process said that was given `input`, bytes or what a stream has, and has ended."""
    given = subprocess.PIPE if isinstance(input, bytes) else subprocess.DEVNULL if input is None else input
    with _child(command, environment, folder, stdin=given) as process:
        stdout, stderr = process.communicate(input if isinstance(input, bytes) else None)
    return Answer(process.returncode, stdout, stderr)


PATIENCE = 20.0  # seconds that another program than git has for its answer
INHERITED: list[int] = []  # the open files that every process here gets
_SETTLED: dict[tuple[Path, tuple[str, ...]], Answer] = {}
_SETTINGS: dict[Path, dict[str, str]] = {}
_ALWAYS = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": f"{os.devnull}/none", "LC_ALL": "C.UTF-8"}
"""History is what the commits say (edge case N10). No file is named: of an empty one git says that it is deprecated."""
_LEFT_OUT = {"GIT_CHERRY_PICK_HELP", "GIT_DIFF_OPTS",
             "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"}  # fmt: skip
"""The first would delete CHERRY_PICK_HEAD at a stop, the others change what our diffs and pathspecs hold (git(1))."""
_LOCAL_VARIABLES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


def version() -> tuple[int, ...]:
    """The version of the git on PATH, as numbers."""
    return _version_on(os.environ.get("PATH", ""))


@cache
def _version_on(path: str) -> tuple[int, ...]:
    import re

    try:
        answer = _ask(["git", "version"], os.environ, None)
    except OSError:
        answer = Answer(127, b"", b"")
    if answer.status:
        raise NotARepository("git does not run here", hints=["install git 2.39 or newer and put it on PATH"])
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", answer.text)
    return tuple(int(n) for n in found.groups("0")) if found else (0, 0, 0)


def require_version() -> None:
    """Raises `Refused` where git is older than `MINIMUM`."""
    if version()[:2] < MINIMUM:
        raise Refused(
            f"git {'.'.join(map(str, version()))} is too old: poolside needs 2.39 or newer",
            hints=["update git"],
        )


def open_repository(folder: Path, environment: Mapping[str, str] | None = None) -> Git:
    """The repository that git itself would use from `folder`.

    Raises `NotARepository`, and `Refused` for one whose object names are not SHA-1's.
    """
    own = {k: v for k, v in (os.environ if environment is None else environment).items() if k not in _LEFT_OUT}
    own |= _ALWAYS
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty()):
        own.setdefault("GIT_TERMINAL_PROMPT", "0")
    # The worktree's root is asked last: where there is none git dies of the question, its answers so far said.
    asked = ["--absolute-git-dir", "--is-bare-repository", "--is-inside-work-tree", "--show-object-format",
             "--is-shallow-repository", "--path-format=absolute", "--git-common-dir", "--git-path", "objects",
             "--show-toplevel"]  # fmt: skip
    try:
        done = _ask(["git", "rev-parse", *asked], own, folder)
    except FileNotFoundError:
        version()  # raises `NotARepository` where git is what was not found
        raise
    answers = done.stdout.split(b"\n", 7)
    if len(answers) < 8:
        require_version()
        said = done.complaint.removeprefix("fatal: ") or "not a git repository"
        said, asks, trust = said.partition("\nTo add an exception for this directory, call:\n\n\t")
        hint = f"{trust}   (if you trust it)" if asks else "git -C DIR poolside …   (in a clone of the fork)"
        raise NotARepository(said, hints=[hint])
    if answers[3] != b"sha1":
        raise Refused(
            f"this repository uses {os.fsdecode(answers[3])} object names, which poolside cannot read",
            hints=["use a clone of the fork in git's default object format, sha1"],
        )
    git_dir, common, objects = (Path(os.fsdecode(answers[place])) for place in (0, 5, 6))
    bare, inside, shallow = (answers[place] == b"true" for place in (1, 2, 4))
    worktree: Path | None = None
    if inside or (not bare and "GIT_WORK_TREE" in own):
        worktree = Path(os.fsdecode(answers[7].removesuffix(b"\n")))
    elif not bare:
        worktree = git_dir.parent if git_dir.name == ".git" else None
    if "GIT_DIR" in own or "GIT_WORK_TREE" in own:
        own["GIT_DIR"] = str(git_dir)
        if worktree is not None:
            own["GIT_WORK_TREE"] = str(worktree)
    if "GIT_OBJECT_DIRECTORY" in own:
        own["GIT_OBJECT_DIRECTORY"] = str(objects)
    if "GIT_INDEX_FILE" in own:
        own["GIT_INDEX_FILE"] = str((folder / own["GIT_INDEX_FILE"]).absolute())
    if "GIT_COMMON_DIR" in own:
        own["GIT_COMMON_DIR"] = str(common)
    _SETTINGS.pop(git_dir, None)
    return Git(git_dir, common, objects, worktree, own, shallow=shallow)


def ask_program(words: Sequence[str], environment: Mapping[str, str]) -> Answer | None:
    """What another program than git answers soon, with nothing to read from; None where it is not installed."""
    with suppress(OSError), _child(words, environment, None, stdin=subprocess.DEVNULL) as process:
        try:
            stdout, stderr = process.communicate(timeout=PATIENCE)
            return Answer(process.returncode, stdout, stderr)
        except subprocess.TimeoutExpired:
            process.kill()  # it may not hear anything else
    return None
