"""Every test runs in a home of its own, with no system configuration, a fixed identity and a fixed clock."""

from __future__ import annotations

import compileall
import gc
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.hints import untypeable
from tests.scenario import NOT_INHERITED, PATTERN_FILE, Repo, Result, World, hermetic_environment, workflow

if TYPE_CHECKING:
    from tests.forge.fake import FakeGitHub

Run = Callable[..., Result]
BIN = Path(__file__).parent.parent / "bin"
EDGE_CASES = Path(__file__).parent / "EDGE_CASES.md"
MEMORY = "/dev/shm"
INHERITED = ("PATH", "HOME", "TMPDIR", "TERM", "LANG", "LC_", "LD_", "PYTHON", "PYTEST_", "PIP_", "POOLSIDE_")
ROOM = 2 << 30


def pytest_configure() -> None:
    """Thousands of repositories are written and thrown away: in memory, where there is room to run them.

    Our modules are compiled before the first process of ours begins: those that tests start would do it each time.
    Of the caller's environment stays what programs need to run: each of thousands of processes gets a copy. Where git
    lies is the first place that is looked at.
    Nothing that hypothesis generates depends on how fast the machine is.
    """
    for name in list(os.environ):
        if not name.startswith(INHERITED):
            del os.environ[name]
    if git := shutil.which("git"):
        os.environ["PATH"] = f"{Path(git).parent}{os.pathsep}{os.environ['PATH']}"
    if "PYTEST_XDIST_WORKER" not in os.environ:
        compileall.compile_dir(BIN.parent / "git_poolside", quiet=2)
    if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK | os.X_OK):
        found = os.statvfs(MEMORY)
        if found.f_bavail * found.f_frsize > ROOM and not found.f_flag & os.ST_NOEXEC:
            os.environ["TMPDIR"], tempfile.tempdir = MEMORY, None
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Of two workers one begins to compile the suite's modules at its end, and each finds what the other compiled."""
    sys.dont_write_bytecode = False
    if os.environ.get("PYTEST_XDIST_WORKER") == "gw1" and session.config.args == session.config.getini("testpaths"):
        for file in sorted(Path(__file__).parent.rglob("test_*.py"), reverse=True):
            import_module(".".join(file.relative_to(BIN.parent).with_suffix("").parts))


def pytest_collection_finish() -> None:
    """What was made up to here stays to the end: no collection has to look at it again."""
    sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in os.environ
    gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-examples", action="store_true", help="put what the manual's examples print into man/src")


def edge_cases() -> list[str]:
    """The ids of the table, in order."""
    return re.findall(r"^\| ([A-Z]\d+) \|", EDGE_CASES.read_text(), re.MULTILINE)


def named(nodeids: Iterable[str]) -> set[str]:
    """The ids that stand in the names of tests."""
    return {found for nodeid in nodeids for found in re.findall(r"_([NLSACP]\d+)(?=_|\[|$)", nodeid)}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Which edge cases have a test that passed; after the whole suite also which have none."""
    passed = named(report.nodeid for report in terminalreporter.getreports("passed"))
    known = edge_cases()
    if passed:
        terminalreporter.write_line(f"edge cases: {len(passed)} of {len(known)} have a test that passed")
    if config.args == config.getini("testpaths") and (without := [case for case in known if case not in passed]):
        terminalreporter.write_line(f"edge cases without one: {' '.join(without)}", yellow=True)


@pytest.fixture(autouse=True)
def hermetic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's git configuration or of the caller's environment reaches a test.

    Nor does what a script's background or nohup(1) ignores.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    for name in list(os.environ):
        if name.startswith(NOT_INHERITED) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in hermetic_environment(tmp_path / "home").items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty upstream and an empty fork."""
    return World(tmp_path / "world", os.environ)


@pytest.fixture
def poolside(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run a command of ours in a repository, as its executable would: ``poolside(clone, "sync", "-n")``.

    Whatever it hints at has to be something that can be typed.
    """
    from git_poolside.cli import main

    def run(where: Repo | Path, command: str, *arguments: str) -> Result:
        monkeypatch.chdir(where.path if isinstance(where, Repo) else where)
        capfd.readouterr()
        status = main(command, list(arguments))
        out, err = capfd.readouterr()
        assert untypeable(err) == []
        return Result(status, out, err)

    yield run


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on PATH with the executables, as an installation makes them: their first line names this Python."""
    folder = tmp_path / "installed"
    folder.mkdir()
    for script in BIN.iterdir():
        target = folder / script.name
        target.write_text(script.read_text().replace("#!python", f"#!{sys.executable}", 1))
        target.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(BIN.parent))
    return folder


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    """A GitHub of its own, which the environment names and has a token for; waiting moves its clock alone.

    Every request that it got, and every answer that it gave, has to be right by GitHub's own description.
    """
    from tests.forge.fake import FakeGitHub

    with FakeGitHub() as fake:
        monkeypatch.setenv("GITHUB_API_URL", fake.url)
        monkeypatch.setenv("GH_TOKEN", fake.token)
        monkeypatch.setattr("git_poolside.ui.sleep", fake.sleep)
        yield fake
        assert fake.wrong == []


@pytest.fixture
def simple(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """Upstream with five files and two nightlies, a fork on the first with one pick and two patches.

    The pick is upstream's ``Speed up relu (#11)``, which the second nightly has; nothing conflicts.
    """
    return copied(request, simple_world, tmp_path / "world")


@pytest.fixture
def stuck(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A fork with four patches; the second, ``Tune line five``, conflicts with the second nightly in a.py.

    Upstream's ``Rewrite line five (#21)`` is the reason. The patch also changes b.py, where nothing conflicts.
    """
    return copied(request, stuck_world, tmp_path / "world")


@pytest.fixture
def synced(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """The world of `simple` with a clone that has been synced: it stands on the second nightly; nothing is pushed."""
    return copied(request, synced_world, tmp_path / "world")


@pytest.fixture
def stopped(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """The world of `stuck` with a clone in which a sync has stopped at the patch that conflicts."""
    return copied(request, stopped_world, tmp_path / "world")


def copied(request: pytest.FixtureRequest, build: Callable[[World], None], root: Path) -> World:
    """A copy of the world that `build` makes; it is built once in a test process."""
    factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
    if build not in _BUILT:
        made = World(factory.mktemp(build.__name__) / "world", os.environ)
        build(made)
        made.prepare()
        _BUILT[build] = made
    return _BUILT[build].copied(root, os.environ)


_BUILT: dict[Callable[[World], None], World] = {}
TEN = "".join(f"line {n}\n" for n in range(1, 11))


def simple_world(world: World) -> None:
    world.land({"version.txt": "2.9.0a0\n", "README.md": "upstream\n"}, "Begin", 1)
    world.land({"a.py": TEN, "b.py": TEN, "lib/c.py": TEN}, "Add the library", 2)
    world.nightly("2026-07-03")
    world.fork_at()
    landed = world.land({"a.py": TEN.replace("line 2\n", "line two\n")}, "Speed up relu", 11)
    world.pick(landed)
    world.patch({PATTERN_FILE: workflow()}, "Add the build workflow\n")
    world.patch({"b.py": TEN.replace("line 9\n", "line nine\n")}, "Use our index\n")
    world.land({"lib/c.py": TEN + "more\n"}, "Extend c", 12)
    world.nightly("2026-07-10")


def synced_world(world: World) -> None:
    simple_world(world)
    assert ends_with(world.clone(), "sync") == 0


def stopped_world(world: World) -> None:
    stuck_world(world)
    assert ends_with(world.clone(), "sync") == 3


def ends_with(where: Repo, command: str, *arguments: str) -> int:
    """What a command of ours ends with, for a world that is built: what it says nobody reads."""
    from git_poolside.cli import main

    with chdir(where.path), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        return main(command, list(arguments))


def stuck_world(world: World) -> None:
    world.land({"version.txt": "2.9.0a0\n", "README.md": "upstream\n"}, "Begin", 1)
    world.land({"a.py": TEN, "b.py": TEN, "lib/c.py": TEN}, "Add the library", 2)
    world.nightly("2026-07-03")
    world.fork_at()
    world.patch({PATTERN_FILE: workflow()}, "Add the build workflow\n")
    tuned = {"a.py": TEN.replace("line 5\n", "line five, tuned\n"), "b.py": TEN.replace("line 1\n", "line one\n")}
    world.patch(tuned, "Tune line five\n\nIt is slow.\n")
    world.patch({"own.txt": "own\n"}, "Add a file of our own\n")
    world.patch({"a.py": tuned["a.py"].replace("line 10\n", "line ten\n")}, "Tune line ten\n")
    world.land({"a.py": TEN.replace("line 5\n", "line 5, rewritten\n")}, "Rewrite line five", 21)
    world.land({"lib/c.py": TEN + "more\n"}, "Extend c", 22)
    world.nightly("2026-07-10")
