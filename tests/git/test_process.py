"""git processes and the signals that end a command: none is left behind (signal(7), subprocess)."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from git_poolside import cli, interrupt
from git_poolside.git import process
from git_poolside.git.process import Git, ask_program, open_repository
from tests.scenario import World


@pytest.fixture
def listening() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    interrupt.listen()
    yield
    interrupt.status()  # forgets what came
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def converse(git: Git) -> None:
    with git.conversation("cat-file", "--batch"):
        pytest.fail("the block began")


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize(
    "begin",
    [
        lambda git: git.run("status"),
        lambda git: git.run("stripspace", input=b"text"),
        lambda git: git.pipe(["status"], ["stripspace"], b""),
        lambda git: git.talk("fetch"),
        converse,
        lambda git: open_repository(git.folder),
    ],
    ids=["run", "with input", "pipe", "talk", "conversation", "open"],
)
def test_a_signal_in_the_instant_in_which_git_is_begun_leaves_no_process(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begin: Callable[[Git], object]
) -> None:
    git = open_repository(world.fork.path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text("#!/bin/sh\nexec sleep 600\n")
    (tmp_path / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    git = git.with_environment(PATH=os.environ["PATH"])
    begun: list[int] = []
    real = os.fork

    def fork() -> int:
        if pid := real():
            begun.append(pid)
            os.kill(os.getpid(), signal.SIGINT)
        return pid

    execute = subprocess.Popen._execute_child  # type: ignore[attr-defined]

    def spied(process: Any, *words: Any) -> None:
        execute(process, *words)
        begun.append(process.pid)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(os, "fork", fork)
    monkeypatch.setattr(subprocess.Popen, "_execute_child", spied)
    with pytest.raises(KeyboardInterrupt):
        begin(git)
    [pid] = begun
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.usefixtures("listening")
def test_one_wish_told_twice_ends_no_tidying_up() -> None:
    """The terminal tells us, and so does the git that began us."""
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)


def test_a_signal_before_anybody_listens_is_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as left:
        cli._begin(["sync"], interrupted)
    assert (left.value.code, capfd.readouterr()) == (130, ("", ""))


@pytest.mark.usefixtures("listening")
def test_another_thread_that_holds_signals_back_holds_none_of_the_main_threads() -> None:
    inside, go_on = Event(), Event()

    def hold() -> None:
        with interrupt.held_back():
            inside.set()
            go_on.wait()

    thread = Thread(target=hold)
    thread.start()
    inside.wait()
    try:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        go_on.set()
        thread.join()


def test_a_program_that_does_not_answer_is_ended_although_it_ignores_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PATIENCE", 0.1)
    stubborn = "trap '' TERM; echo ready; while :; do :; done"
    ended = Event()

    def ask() -> None:
        assert ask_program(["sh", "-c", stubborn], os.environ) is None
        ended.set()

    Thread(target=ask, daemon=True).start()
    assert ended.wait(10)
