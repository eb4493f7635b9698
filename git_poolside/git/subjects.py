"""The subjects of nightlies, read by a pattern that may come from anybody: it cannot take longer than it is given."""

from __future__ import annotations

import re
import signal
import threading
from types import FrameType

from git_poolside.errors import Refused
from git_poolside.stack.model import Oid
from git_poolside.stack.nightly import parse

_SECONDS = 2.0


class Subjects:
    """A pattern with the processor time, in seconds, that all its matches may take together.

    `re` may take exponential time, but looks for signals meanwhile, so a timer ends it; only a process's main thread
    can have one.
    """

    def __init__(self, pattern: str, seconds: float = _SECONDS) -> None:
        self._pattern = re.compile(pattern)
        self._left = seconds

    def parse(self, subject: str, commit_time: int) -> tuple[str, Oid] | None:
        """As `nightly.parse`. Raises `Refused` when the time is up."""
        if threading.current_thread() is not threading.main_thread():
            return parse(subject, self._pattern, commit_time)
        before = signal.signal(signal.SIGVTALRM, self._late)
        signal.setitimer(signal.ITIMER_VIRTUAL, max(self._left, 0.001))
        try:
            return parse(subject, self._pattern, commit_time)
        finally:
            self._left, _ = signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before)

    def _late(self, number: int, frame: FrameType | None) -> None:
        raise Refused(
            "nightly.pattern takes too long to match the subjects of the nightly branch",
            hints=["mend it in .poolside.toml: nested repetitions, like (a+)+, take for ever", "git poolside doctor"],
        )
