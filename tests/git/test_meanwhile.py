"""Work that is done beside other work."""

from __future__ import annotations

import subprocess
import sys
from threading import Event

import pytest

from git_poolside.git.meanwhile import meanwhile


def test_it_is_begun_at_once_and_waited_for_where_it_is_needed() -> None:
    go_on = Event()
    answer = meanwhile(lambda: go_on.wait() and "done")
    go_on.set()
    assert answer() == answer() == "done"


def test_what_went_wrong_comes_where_the_answer_is_needed() -> None:
    def fail() -> None:
        raise ValueError("of all things")

    answer = meanwhile(fail)
    with pytest.raises(ValueError, match="of all things"):
        answer()


@pytest.mark.parametrize("waiting", ["", "signal.setitimer(signal.ITIMER_REAL, 0.01)\n    answer()"])
def test_a_process_does_not_end_before_it(waiting: str) -> None:
    """Not even one that a signal ends while it waits for the answer."""
    script = (
        "import signal, sys\n"
        "from git_poolside.git.meanwhile import meanwhile\n"
        "signal.signal(signal.SIGALRM, signal.default_int_handler)\n"
        "answer = meanwhile(lambda: print(sys.stdin.read()))\n"
        f"try:\n    {waiting}\n    raise KeyboardInterrupt\n"
        "except KeyboardInterrupt:\n    sys.exit('the end')\n"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stderr and process.stderr.readline() == "the end\n"
        assert process.communicate("was done") == ("was done\n", "")
