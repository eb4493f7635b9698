"""Runs a program under ptrace(2), counts the steps that could be its last, and does something at one of them.

A step is what changes a watched folder (a file made, written, flushed, renamed or deleted), or a git process that
begins or ends. It is met before it happens, so the step after it is the moment after. A seccomp(2) filter lets every
other system call run at full speed. Linux on x86_64 alone.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
import signal
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache
from pathlib import Path

SEIZE, CONT, LISTEN, GETEVENTMSG, GETREGS, SETREGS, SYSCALL_INFO = 0x4206, 7, 0x4208, 0x4201, 12, 13, 0x420E
FORK, VFORK, CLONE, EXEC, SECCOMP, STOP = 1, 2, 3, 4, 7, 128
OPTIONS = 1 << FORK | 1 << VFORK | 1 << CLONE | 1 << EXEC | 1 << SECCOMP | 1 << 20  # 1 << 20: EXITKILL
WALL = 0x40000000
CREATES = os.O_CREAT | os.O_TRUNC

# System calls of x86_64, by what their arguments are: a path; a folder and a path; two of either; a file.
PATH = {76: "truncate", 83: "mkdir", 84: "rmdir", 87: "unlink", 88: "symlink"}
AT = {257: "open", 258: "mkdir", 263: "unlink"}
PATHS = {82: "rename", 86: "link"}
ATS = {264: "rename", 265: "link", 316: "rename"}
FILE = {1: "write", 18: "write", 20: "write", 74: "fsync", 75: "fsync", 77: "truncate", 285: "write"}
COPY = {40: "write", 326: "write"}
OPEN, OPENAT, SYMLINKAT, EXIT_GROUP = 2, 257, 266, 231


class Act(Enum):
    """What is done at a step: to whom."""

    KILL = "SIGKILL to all at once"
    ALONE = "SIGKILL to poolside alone"
    CHILD = "SIGKILL to the git process alone"
    INT = "SIGINT to all"
    TERM = "SIGTERM to poolside"
    HUP = "SIGHUP to all"
    FULL = "the disk is full from here on"
    SYNC = "fsync fails here"
    READ_ONLY = "the file system is read-only from here on"


SIGNALS = {Act.KILL: signal.SIGKILL, Act.ALONE: signal.SIGKILL, Act.CHILD: signal.SIGKILL, Act.INT: signal.SIGINT,
           Act.TERM: signal.SIGTERM, Act.HUP: signal.SIGHUP}  # fmt: skip
ERRORS = {Act.FULL: 28, Act.SYNC: 5, Act.READ_ONLY: 30}
WRITES = {"write", "open", "mkdir", "link", "symlink"}
REFUSED = {Act.FULL: WRITES, Act.SYNC: {"fsync"}, Act.READ_ONLY: WRITES | {"rename", "unlink", "rmdir", "truncate"}}
"""What fails with each of them."""


@dataclass(frozen=True)
class Step:
    """Number and name of a step: ``17 git update-ref: rename .git/refs/heads/main.lock``."""

    number: int
    who: str
    what: str

    def __str__(self) -> str:
        return f"{self.number} {self.who}: {self.what}"

    def can(self, act: Act) -> bool:
        """Whether `act` makes a difference here: an error of the machine's does where something is written."""
        if act is Act.CHILD:
            return self.who != "poolside"
        return act not in REFUSED or self.what.partition(" ")[0] in REFUSED[act]


@dataclass
class Run:
    """What came of a traced run: all its steps up to where it was ended, the program's exit status, its words.

    `hit` is the step at which something was done; `left` are the processes of ours that outlived the program.
    """

    status: int = 0
    out: str = ""
    err: str = ""
    steps: list[Step] = field(default_factory=list)
    hit: Step | None = None
    left: list[str] = field(default_factory=list)


@dataclass
class _Process:
    """A traced process: `name` as a person would call it; `far` for the server's side, which is let alone."""

    name: str
    far: bool = False
    git: bool = False


NAMELESS = _Process("?")
"""One of which nobody has told yet."""


def _dying(pid: int) -> bool:
    """Whether a process has a signal that ends it, and merely has not had its turn yet (proc(5), status)."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True
    pending = [int(line.split()[1], 16) for line in text.splitlines() if line.startswith(("SigPnd:", "ShdPnd:"))]
    return "State:\tZ" in text or any(mask >> (one - 1) & 1 for mask in pending for one in SIGNALS.values())


def available() -> bool:
    """Whether this machine lets a program trace another."""
    return sys.platform == "linux" and platform.machine() == "x86_64" and hasattr(_libc(), "ptrace")


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _ptrace(request: int, pid: int, address: int = 0, data: object = 0) -> int:
    answer: int = _libc().ptrace(
        ctypes.c_long(request), ctypes.c_long(pid), ctypes.c_void_p(address),
        ctypes.c_void_p(data) if isinstance(data, int) else data,
    )  # fmt: skip
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer


def _filter() -> bytes:
    """A program for seccomp(2) that stops at the system calls of interest: at ``open`` only if it makes a file."""

    def statement(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("HBBI", code, yes, no, value)

    load, equal, flags, give = 0x20, 0x15, 0x45, 0x06
    allow, trace = 0x7FFF0000, 0x7FF00000
    words = [statement(load, 0)]
    for number, argument in ((OPENAT, 2), (OPEN, 1)):
        words += [statement(equal, number, 0, 4), statement(load, 16 + 8 * argument),
                  statement(flags, CREATES, 0, 1), statement(give, trace), statement(give, allow)]  # fmt: skip
    for number in {*PATH, *AT, *PATHS, *ATS, *FILE, *COPY, SYMLINKAT, EXIT_GROUP} - {OPENAT}:
        words += [statement(equal, number, 0, 1), statement(give, trace)]
    return b"".join([*words, statement(give, allow)])


def _install(program: bytes) -> None:
    """In the child: no new privileges, then the filter, which its own children inherit."""
    buffer = ctypes.create_string_buffer(program, len(program))
    handle = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    if _libc().prctl(38, 1, 0, 0, 0) or _libc().prctl(22, 2, handle, 0, 0):
        raise OSError(ctypes.get_errno(), "no filter for system calls")


class Tracer:
    """One traced run of `main`, called in a child process in the folder `cwd`, with changes below `root` watched.

    At the step `at`, by its number or the first that a pattern finds, `act` is done. With `Act.ALONE` the rest is held
    there while `meanwhile` is called.
    """

    def __init__(
        self,
        root: Path,
        cwd: Path,
        environment: Mapping[str, str],
        *,
        at: int | str = 0,
        act: Act = Act.KILL,
        meanwhile: Callable[[], None] | None = None,
        far: Sequence[str] = ("git-receive-pack", "git-upload-pack", "receive-pack", "upload-pack"),
    ) -> None:
        self.root = str(root.resolve()) + "/"
        self.cwd = cwd
        self.environment = dict(environment)
        self.at = at
        self.act = act
        self.meanwhile = meanwhile
        self.far = far
        self.run = Run()
        self.processes: dict[int, _Process] = {}
        self.ended: set[int] = set()
        self.held: int | None = None
        self.broken = False

    def __call__(self, main: Callable[[], int]) -> Run:
        go, ready = os.pipe()

        def begin() -> int:
            os.close(ready)
            os.read(go, 1)
            os.close(go)
            _install(_filter())
            return main()

        self.child, outputs = forked(begin, self.cwd, self.environment)
        os.close(go)
        self.processes[self.child] = _Process("poolside")
        _ptrace(SEIZE, self.child, 0, OPTIONS)
        os.write(ready, b"x")
        os.close(ready)
        self._loop()
        self.run.out, self.run.err = map(read, outputs)
        return self.run

    def _loop(self) -> None:
        while self.processes:
            try:
                pid, status = os.waitpid(-1, WALL)
            except ChildProcessError:
                return
            if os.WIFEXITED(status) or os.WIFSIGNALED(status):
                if self.processes.pop(pid, NAMELESS).name == NAMELESS.name:
                    self.ended.add(pid)
                if pid == self.child:
                    self.run.status = os.waitstatus_to_exitcode(status)
                    self.run.left = [one.name for pid, one in self.processes.items() if not one.far and not _dying(pid)]
                    self._let_go()
            elif os.WIFSTOPPED(status):
                self._stopped(pid, status)

    def _let_go(self) -> None:
        """poolside is dead: what was held goes on."""
        if self.meanwhile is not None and self.run.hit is not None:
            self.meanwhile()
        held, self.held = self.held, None
        if held is not None:
            self._continue(held, CONT)

    def _stopped(self, pid: int, status: int) -> None:
        event, number = status >> 16, os.WSTOPSIG(status)
        passed = 0
        process = self.processes.setdefault(pid, replace(NAMELESS))
        if event in (FORK, VFORK, CLONE):
            self._began(self._message(pid), process)
        elif event == EXEC:
            self._executed(pid, process)
        elif event == SECCOMP:
            self._called(pid, process)
        elif event == STOP and number in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
            self._continue(pid, LISTEN)
            return
        elif event == 0:
            passed = number
        if pid != self.held:
            self._continue(pid, CONT, passed)

    def _began(self, pid: int, parent: _Process) -> None:
        """A new process or thread may be met, begin another program, or be over, before its parent tells of it."""
        if pid in self.ended:
            self.ended.remove(pid)
            return
        process = self.processes.setdefault(pid, replace(NAMELESS))
        process.far = process.far or parent.far
        if process.name == NAMELESS.name:
            process.name = parent.name

    def _continue(self, pid: int, how: int, number: int = 0) -> None:
        try:
            _ptrace(how, pid, 0, number)
        except ProcessLookupError:
            self.processes.pop(pid, None)
        except OSError as error:
            if error.errno != 3:
                raise

    def _message(self, pid: int) -> int:
        word = ctypes.c_ulong()
        _ptrace(GETEVENTMSG, pid, 0, ctypes.byref(word))
        return word.value

    def _executed(self, pid: int, process: _Process) -> None:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")[:-1]
        program = words[0].rpartition("/")[2] if words else "?"
        process.far = process.far or any(word.rpartition("/")[2] in self.far for word in words[:2])
        if program == "git":
            verbs = iter(words[1:])
            verb = next((w for w in verbs if not (w in ("-c", "-C") and next(verbs, "")) and not w.startswith("-")), "")
            process.name, process.git = f"git {verb}", True
        else:
            process.name, process.git = program, False
        if process.git and not process.far:
            self._step(pid, process, "begins")

    def _called(self, pid: int, process: _Process) -> None:
        if process.far:
            return
        data = ctypes.create_string_buffer(88)
        _ptrace(SYSCALL_INFO, pid, 88, data)
        number, *arguments = struct.unpack_from("<Q6Q", data.raw, 24)
        if number == EXIT_GROUP:
            if process.git:
                self._step(pid, process, "ends")
            return
        what, path = self._path(pid, number, arguments)
        if path.startswith(self.root):
            self._step(pid, process, f"{what} {path.removeprefix(self.root)}", what)

    def _path(self, pid: int, number: int, arguments: Sequence[int]) -> tuple[str, str]:
        """What a system call does, and the absolute path that it does it to (where it comes from, of two)."""
        here = 0
        if number in FILE or number in COPY:
            what = FILE.get(number) or COPY[number]
            try:
                handle = arguments[2] if number == 326 else arguments[0]
                return what, str(Path(f"/proc/{pid}/fd/{handle & 0xFFFFFFFF}").readlink())
            except OSError:
                return what, ""
        if number in PATH or number in PATHS or number == OPEN:
            what = PATH.get(number) or PATHS.get(number) or "open"
            text = self._text(pid, arguments[1 if number == 88 else 0])
        elif number == SYMLINKAT:
            what, here, text = "symlink", 1, self._text(pid, arguments[2])
        else:
            what, text = AT.get(number) or ATS[number], self._text(pid, arguments[1])
        folder = struct.unpack("<i", struct.pack("<I", arguments[here] & 0xFFFFFFFF))[0]
        relative = number in AT or number in ATS or number == SYMLINKAT
        base = f"/proc/{pid}/fd/{folder}" if relative and folder >= 0 else f"/proc/{pid}/cwd"
        return what, os.path.normpath(Path(base).readlink() / text)

    def _text(self, pid: int, address: int) -> str:
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            memory.seek(address)
            data = memory.read(4096 - address % 4096)
            if b"\0" not in data:
                data += memory.read(4096)
        return os.fsdecode(data.partition(b"\0")[0])

    def _step(self, pid: int, process: _Process, what: str, kind: str = "") -> None:
        step = Step(len(self.run.steps) + 1, process.name, what)
        self.run.steps.append(step)
        if self.broken and kind in REFUSED[self.act]:
            self._fail(pid)
        if self.run.hit or not (step.number == self.at if isinstance(self.at, int) else re.search(self.at, str(step))):
            return
        self.run.hit = step
        if self.act in ERRORS:
            self.broken = self.act is not Act.SYNC
            if kind in REFUSED[self.act]:
                self._fail(pid)
            return
        if self.act is Act.ALONE and process.name != "poolside":
            self.held = pid
        if self.act in (Act.ALONE, Act.TERM):
            self._signal([self.child])
        elif self.act is Act.CHILD:
            self._signal([pid])
        else:
            self._signal([one for one, other in self.processes.items() if not other.far])

    def _signal(self, pids: Sequence[int]) -> None:
        for pid in pids:
            try:
                os.kill(pid, SIGNALS[self.act])
            except ProcessLookupError:
                continue

    def _fail(self, pid: int) -> None:
        """Let the system call fail instead of being made: its number becomes none, its result the error."""
        registers = ctypes.create_string_buffer(27 * 8)
        _ptrace(GETREGS, pid, 0, registers)
        words = list(struct.unpack("<27Q", registers.raw))
        words[15], words[10] = 2**64 - 1, 2**64 - ERRORS[self.act]
        _ptrace(SETREGS, pid, 0, ctypes.create_string_buffer(struct.pack("<27Q", *words), 27 * 8))


def forked(main: Callable[[], int], cwd: Path, environment: Mapping[str, str]) -> tuple[int, list[int]]:
    """Begin `main` in a child process, as if it had been started there; its number and where its words go."""
    outputs = [os.memfd_create("out"), os.memfd_create("err")]
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child, outputs
    status = 70
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # where this was begun it may be ignored
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        os.setpgid(0, 0)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for stream, handle in enumerate(outputs, 1):
            os.dup2(handle, stream)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(environment)
        sys.stdin, sys.stdout, sys.stderr = (os.fdopen(n, "w" if n else "r", closefd=False) for n in range(3))
        status = main()
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def read(handle: int) -> str:
    """What a program has said into `handle`, which is closed."""
    data = os.pread(handle, os.fstat(handle).st_size, 0)
    os.close(handle)
    return data.decode("utf-8", "surrogateescape")
