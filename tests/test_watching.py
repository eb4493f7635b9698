"""The table of a run's jobs: what it shows at which width and height, and how it is drawn over on a terminal."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest

from git_poolside.forge.github import Job, Repository, Run, Step
from git_poolside.forge.http import Client
from git_poolside.forge.tokens import Forge, Token
from git_poolside.ui import Ui
from git_poolside.watching import failed, picture, since, watch
from tests.forge.fake import FakeGitHub

BEGAN = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)


def run(status: str = "in_progress", conclusion: str | None = None) -> Run:
    return Run(
        1001, 12, status, conclusion, "workflow_dispatch", "poolside-main", "0" * 40, "pat", BEGAN, BEGAN, "https://x"
    )


def job(name: str, status: str, conclusion: str | None = None, *steps: Step, minutes: int = 0) -> Job:
    ended = BEGAN + timedelta(minutes=minutes) if minutes else None
    return Job(1, name, status, conclusion, BEGAN, ended, steps, "https://x")


def step(name: str, status: str, conclusion: str | None = None) -> Step:
    return Step(name, status, conclusion, BEGAN + timedelta(seconds=50), None)


JOBS = [
    job("build (3.11)", "completed", "success", minutes=2),
    job("build (3.12)", "in_progress", None, step("Check out", "completed"), step("Build the wheel", "in_progress")),
    job("build (3.13)", "queued"),
    job("lint\x1b[31m", "completed", "failure", step("ruff", "completed", "failure"), minutes=1),
]


def plain(text: str, *styles: str) -> str:
    return text


def test_what_goes_on_comes_first() -> None:
    assert picture(run(), JOBS, BEGAN + timedelta(seconds=182), 100, 24, plain) == [
        "Run 12: in progress, 3m 02s, on poolside-main (000000000)",
        "  in progress   3m 02s  build (3.12)",
        "                2m 12s    2/2 Build the wheel",
        "  queued                build (3.13)",
        "  success       2m 00s  build (3.11)",
        "  failure       1m 00s  lint^[[31m",
    ]


def test_it_fits_a_narrow_and_low_terminal() -> None:
    assert picture(run(), JOBS, BEGAN + timedelta(seconds=182), 40, 24, plain)[:3] == [
        "Run 12: in progress, 3m 02s, on poolsid…",
        "  in progress   3m 02s  build (3.12)",
        "                2m 12s    2/2 Build the…",
    ]
    assert picture(run(), JOBS, BEGAN + timedelta(seconds=182), 40, 5, plain) == [
        "Run 12: in progress, 3m 02s, on poolsid…",
        "  in progress   3m 02s  build (3.12)",
        "  queued                build (3.13)",
        "  and 2 more",
    ]


def test_states_have_colours() -> None:
    painted = picture(run(), JOBS, BEGAN, 100, 24, lambda text, *styles: f"<{styles[0]}>{text}")
    assert [line.partition("<")[2].partition(" ")[0] for line in painted[1:]] == [
        "kept>in", "", "", "good>success", "bad>failure",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "said"), [(-5, "0s"), (0, "0s"), (59, "59s"), (60, "1m 00s"), (3599, "59m 59s"), (7500, "2h 05m")]
)
def test_time_that_has_passed(seconds: int, said: str) -> None:
    assert since(BEGAN, BEGAN + timedelta(seconds=seconds)) == said


def test_what_failed_is_named_with_its_step() -> None:
    assert failed([*JOBS[:1], JOBS[3], job("gone", "completed", "timed_out")]) == [
        "lint^[[31m: failure at 'ruff'",
        "gone: timed out",
    ]


class Terminal(io.StringIO):
    """A stream that takes itself for a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_picture_is_drawn_over_the_one_before() -> None:
    import pyte

    stream = Terminal()
    ui = Ui(err=stream)
    ui.redraw(["one", "two, which is longer", "three"])
    ui.redraw(["one", "two"])
    ui.pause(0, "nothing")
    ui.redraw(["1", "2", "3", "4"])
    screen = pyte.Screen(40, 8)
    pyte.Stream(screen).feed(stream.getvalue().replace("\n", "\r\n"))
    assert [line.rstrip() for line in screen.display] == ["1", "2", "3", "4", "", "", "", ""]


WIDE = """\
Run 1: success, 1m 45s, on main (aaaaaaaaa)
  success   1m 40s  build
"""
NARROW = """\
Run 1: success, 1m 45s, on main (aaaaaa…
  success   1m 40s  build
"""


@pytest.mark.parametrize(("columns", "end"), [(100, WIDE), (40, NARROW)])
def test_a_run_is_followed_in_one_place_of_the_terminal(
    github: FakeGitHub, monkeypatch: pytest.MonkeyPatch, columns: int, end: str
) -> None:
    """Drawn every second, with GitHub asked every tenth; what was drawn before is gone, and nothing else moves."""
    import pyte

    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    fork = github.repository("o/r")
    fork.refs, fork.files = {"main": "a" * 40}, {".github/workflows/build.yaml": "on: workflow_dispatch\n"}
    begun = fork.begin("build.yaml", "main", "pat", github)
    stream, screen = Terminal(), pyte.Screen(columns, 24)
    client = Client(Forge("github.com", github.url), Token(github.token, "GH_TOKEN"), lambda *_: None)
    stream.write("before\n")
    ended, jobs = watch(Repository(client, "o/r"), begun.id, Ui(err=stream))
    stream.write("after\n")
    pyte.Stream(screen).feed(stream.getvalue().replace("\n", "\r\n"))
    assert [line.rstrip() for line in screen.display][:5] == ["before", *end.splitlines(), "after", ""]
    assert (ended.conclusion, [job.name for job in jobs], max(github.slept)) == ("success", ["build"], 1)
    pictures = [part.replace("\x1b[K", "").replace("\r", "") for part in stream.getvalue().split("\x1b[J")]
    assert any("1m 01s, on main" in one and "46s    2/2 Build the" in one for one in pictures)
    assert len(github.asked("GET")) == 2 * 12


def test_a_wait_counts_down_on_a_terminal_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyte

    slept: list[float] = []
    monkeypatch.setattr("git_poolside.ui.sleep", slept.append)
    stream = Terminal()
    Ui(err=stream).pause(3, "github.com limits how often it is asked")
    assert slept == [1.0, 1.0, 1.0]
    assert "github.com limits how often it is asked: waiting 2 s" in stream.getvalue()
    screen = pyte.Screen(80, 2)
    pyte.Stream(screen).feed(stream.getvalue())
    assert [line.rstrip() for line in screen.display] == ["", ""]
