"""Questions to git that are asked before the answer is needed: git works meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from typing import TypeVar

_T = TypeVar("_T")


def meanwhile(work: Callable[[], _T]) -> Callable[[], _T]:
    """Do `work` beside what follows; who calls the answer waits for it, and gets what `work` raised.

    No process of ours ends before it: git would live on.
    """
    done: list[_T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:
            failed.append(error)
        finally:
            ended.set()

    ended = Event()
    Thread(target=run).start()

    def answer() -> _T:
        ended.wait()  # a signal that comes in Thread.join makes Python 3.11 forget the thread, and end before it
        if failed:
            raise failed[0]
        return done[0]

    return answer
