"""Who else is at work here, as far as proc(5) tells; without it nobody is known."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from git_poolside.stack.values import frozen

_PROC = Path("/proc")


@frozen
class Process:
    """A living process: its number, its command line's first words, and when it began, in seconds since the epoch."""

    pid: int
    words: tuple[str, ...]
    began: float

    def __str__(self) -> str:
        return f"'{' '.join(self.words)}' (process {self.pid})"


def boot() -> str:
    """What tells this run of the machine's kernel from every other, "" if it does not say (random(4))."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def known() -> bool:
    """Whether processes can be looked at on this machine."""
    return (_PROC / "self" / "stat").exists()


def lives(pid: int) -> bool:
    """Whether a process of this machine lives; a zombie does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    fields = _fields(pid)
    return fields is None or fields[0] not in ("Z", "X")


def having_open(path: Path) -> list[Process]:
    """The processes, of those that we may look at, that have a file open."""
    wanted = str(path.resolve())
    return [process for process in _others() if wanted in _open_files(process.pid)]


def of_git_in(folders: list[Path]) -> list[Process]:
    """The git processes that work in one of `folders`, without those that we were begun by, or have begun."""
    tops = [str(folder.resolve()) for folder in folders]
    found: list[Process] = []
    above = _ancestors(os.getpid())
    for process in _others():
        if process.pid in above or not process.words or not process.words[0].rpartition("/")[2].startswith("git"):
            continue
        try:
            here = str((_PROC / str(process.pid) / "cwd").readlink())
        except OSError:
            continue
        if any(here == top or here.startswith(f"{top}/") for top in tops) and os.getpid() not in _ancestors(
            process.pid
        ):
            found.append(process)
    return found


def _others() -> Iterator[Process]:
    try:
        up = float((_PROC / "uptime").read_text().split()[0])
        numbers = [int(folder.name) for folder in _PROC.iterdir() if folder.name.isdigit()]
    except OSError:
        return
    booted = time.time() - up
    ticks = os.sysconf("SC_CLK_TCK")
    for pid in numbers:
        fields = _fields(pid)
        if pid == os.getpid() or fields is None or fields[0] in ("Z", "X"):
            continue
        try:
            line = (_PROC / str(pid) / "cmdline").read_bytes()
        except OSError:
            continue
        words = [word for word in os.fsdecode(line).split("\0") if word]
        yield Process(pid, _short(words), booted + int(fields[19]) / ticks)


def _short(words: list[str]) -> tuple[str, ...]:
    """A command line without what poolside pins, two words of it."""
    said: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "-c" and said:
            next(rest, None)
        else:
            said.append(word)
    return tuple(said[:2])


def _fields(pid: int) -> list[str] | None:
    """The fields of ``/proc/PID/stat`` from the state on, which stands after the name in brackets (proc(5))."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _open_files(pid: int) -> set[str]:
    found: set[str] = set()
    with suppress(OSError):
        for file in (_PROC / str(pid) / "fd").iterdir():
            found.add(str(file.readlink()))
    return found


def _ancestors(pid: int) -> set[int]:
    found: set[int] = set()
    while pid > 1 and (fields := _fields(pid)) is not None:
        pid = int(fields[1])
        found.add(pid)
    return found
