"""A cable to a git daemon on loopback that can be cut after any number of bytes, and what has to hold after that.

The cable is a process of its own, so that the commands that use it can be forked from one without threads.
"""

from __future__ import annotations

import mmap
import os
import re
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock, Thread

from tests.crash.judge import Report, tell
from tests.crash.scenes import Stage, ours
from tests.crash.tracer import Act, Step
from tests.scenario import Repo

UP, DOWN = "to the server", "from the server"
NEVER = 2**62


class Cable:
    """Carries connections to git daemons that serve the repositories below a folder; counts the bytes each way."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._shared = mmap.mmap(-1, 56)  # six numbers of what is carried, and how many daemons run
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.whole()
        self._process = os.fork()
        if self._process == 0:
            try:
                _carry(self._listening, self._shared, folder, dict(environment))
            finally:
                os._exit(0)
        self._listening.close()

    def cut(self, way: str, after: int, *, once: bool = False) -> None:
        """From now on every connection breaks when `after` more bytes have gone this way, or `once` the first alone."""
        limits = (after, NEVER) if way == UP else (NEVER, after)
        self._shared[:48] = struct.pack("<6q", *limits, 0, 0, once, 0)

    def whole(self) -> None:
        """Carry everything, and count it anew."""
        self.cut(UP, NEVER)

    def slow(self, pause: int) -> None:
        """From now on carry 256 bytes at a time and then pause, for so many milliseconds, each way."""
        self._shared[:48] = struct.pack("<6q", NEVER, NEVER, 0, 0, 0, pause)

    @property
    def carried(self) -> dict[str, int]:
        """The bytes that went each way since."""
        _, _, up, down, _, _ = struct.unpack("<6q", self._shared[:48])
        return {UP: up, DOWN: down}

    def still(self) -> None:
        """Wait until the daemons have ended: one that heard everything goes on when its line is cut."""
        while struct.unpack_from("<q", self._shared, 48)[0]:
            time.sleep(0.005)

    def close(self) -> None:
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)


def _carry(listening: socket.socket, shared: mmap.mmap, folder: Path, environment: dict[str, str]) -> None:
    guard = Lock()
    words = ["git", "daemon", "--inetd", "--export-all", "--enable=receive-pack", f"--base-path={folder}"]
    while True:
        near, _ = listening.accept()
        far, inside = socket.socketpair()
        with inside:
            child = subprocess.Popen(
                words, stdin=inside.fileno(), stdout=inside.fileno(), stderr=subprocess.DEVNULL, env=environment
            )
        with guard:
            struct.pack_into("<q", shared, 48, struct.unpack_from("<q", shared, 48)[0] + 1)
        Thread(target=_until_it_ends, args=(child, shared, guard), daemon=True).start()
        for source, target, way in ((near, far, 0), (far, near, 1)):
            Thread(target=_relay, args=(source, target, way, shared, guard), daemon=True).start()


def _until_it_ends(child: subprocess.Popen[bytes], shared: mmap.mmap, guard: Lock) -> None:
    child.wait()
    with guard:
        struct.pack_into("<q", shared, 48, struct.unpack_from("<q", shared, 48)[0] - 1)


def _relay(source: socket.socket, target: socket.socket, way: int, shared: mmap.mmap, guard: Lock) -> None:
    with suppress(OSError):
        while data := source.recv(256 if (pause := struct.unpack_from("<q", shared, 40)[0]) else 4096):
            time.sleep(pause / 1000)
            with guard:
                words = list(struct.unpack("<6q", shared[:48]))
                room = words[way] - words[2 + way]
                words[2 + way] += len(data)
                if room <= len(data) and words[4]:
                    words[way] = NEVER
                shared[:48] = struct.pack("<6q", *words)
            target.sendall(data[: max(room, 0)])
            if room <= len(data):
                break
        else:
            target.shutdown(socket.SHUT_WR)
            return
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


@contextmanager
def cabled(stage: Stage) -> Iterator[Cable]:
    """A cable to the fork's server and to upstream's."""
    cable = Cable(stage.root, stage.environment)
    try:
        yield cable
    finally:
        cable.close()


def plug(stage: Stage, cable: Cable) -> Repo:
    """The clone as before the command, with both its remotes at the end of the cable."""
    stage.set_up()
    clone = stage.clone
    for remote, name in (("origin", "fork.git"), ("upstream", "upstream.git")):
        clone.git("config", f"remote.{remote}.url", f"git://127.0.0.1:{cable.port}/{name}")
    return clone


def measured(stage: Stage, cable: Cable) -> dict[str, int]:
    """The bytes that the stage's command sends and gets when nothing is cut."""
    clone = plug(stage, cable)
    cable.whole()
    result = ours(clone, *stage.scene.command)
    assert result.status == 0, result.err
    return cable.carried


def slowly(stage: Stage, cable: Cable, pause: int) -> Report:
    """The command on a slow line: it takes its time, and comes to what it comes to on a fast one."""
    clone = plug(stage, cable)
    cable.whole()
    ours(clone, *stage.scene.command)
    fast = stage.state()
    clone = plug(stage, cable)
    report = Report(Act.KILL, Step(pause, stage.scene.name, "slow"))
    cable.slow(pause)
    tell(report, " ".join(stage.scene.command), result := ours(clone, *stage.scene.command))
    report.need(result.status == 0, f"exit {result.status}")
    report.need(stage.state() == fast, f"it came to something else: {stage.state().differs(fast)}")
    return report


def cut(stage: Stage, cable: Cable, way: str, after: int, *, once: bool = False) -> Report:
    """The command with the cable cut there, then the same command again."""
    clone = plug(stage, cable)
    report = Report(Act.KILL, Step(after, stage.scene.name, f"cut {way}"))
    before, there = clone.refs("refs/heads"), stage.server.refs("refs")
    cable.cut(way, after, once=once)
    first = ours(clone, *stage.scene.command)
    cable.still()
    cable.whole()
    tell(report, f"{' '.join(stage.scene.command)}  (cut after {after} bytes {way})", first)
    report.need(first.status in (0, 5), f"exit {first.status}")
    now = stage.server.refs("refs")
    if stage.scene.command[0] == "push":
        tips = clone.refs("refs/heads")
        after_it = all(now[ref] == oid for ref, oid in tips.items() if ref in now) and len(now) == len(there) + 1
        report.need(now == there or after_it, f"half pushed: {now}")
        report.need(first.status == 5 or after_it, "it says that it pushed, and did not")
        told = way == DOWN and once and after_it  # the server was through when it answered
        report.need(first.status == 0 or not told, "it could have found out that it had pushed")
    else:
        report.need(now == there, "the server has changed")
        report.need(first.status == 0 or clone.refs("refs/heads") == before, "branches have moved")
    again = ours(clone, *stage.scene.command)
    tell(report, " ".join(stage.scene.command), again)
    report.need(again.status == 0, f"exit {again.status} when typed again")
    if stage.scene.command[0] == "push":
        now = stage.server.refs("refs")
        report.need(all(now.get(ref) == oid for ref, oid in clone.refs("refs/heads").items()), "not pushed")
        records = [ref for ref in now if ref.startswith("refs/poolside/published/")]
        report.need(len(records) == 1 and clone.refs("refs").get(records[0]) == now[records[0]], f"records: {records}")
        logged = ours(clone, "log")
        report.need(len(re.findall(r"  push$", logged.out, re.MULTILINE)) == 1, f"in the log:\n{logged.out}")
    report.need(not clone.git("fsck", "--strict", "--no-dangling", "--no-progress", check=False), "git fsck")
    report.need(not clone.git("status", "--porcelain", "--untracked-files=no").replace("M README.md", ""), "worktree")
    return report
