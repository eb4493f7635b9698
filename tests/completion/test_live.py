"""What the shells ask when TAB is pressed: ``git-poolside --complete KIND``."""

from __future__ import annotations

import os
import resource
import statistics
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_poolside import cli
from git_poolside.config import parse, render
from git_poolside.errors import ALLOWABLE_SNAGS, PoolsideError
from git_poolside.live import KINDS, plain
from tests.conftest import Run
from tests.scenario import Repo, World


class Complete:
    """Asks as the shells do, in a clone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capfd = monkeypatch, capfd

    def __call__(self, where: Repo | Path, *kinds: str) -> list[tuple[str, str]]:
        self._monkeypatch.chdir(where.path if isinstance(where, Repo) else where)
        self._monkeypatch.setattr(sys, "argv", ["git-poolside", "--complete", *kinds])
        self._capfd.readouterr()
        with pytest.raises(SystemExit) as leaving:
            cli.dispatch()
        out, err = self._capfd.readouterr()
        assert (leaving.value.code, err) == (0, "")
        return [(value, meaning) for value, _, meaning in (line.partition("\t") for line in out.split("\n")[:-1])]


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Complete:
    return Complete(monkeypatch, capfd)


def short(repo: Repo, name: str) -> str:
    return repo.rev(name)[:9]


def test_each_kind(simple: World, poolside: Run, complete: Complete) -> None:
    clone = simple.clone()
    assert complete(clone, "nightlies") == [("2026-07-10", "Extend c (#12)")]
    pick, patches = (short(clone, "poolside-main~2"), "Speed up relu (#11)"), [
        (short(clone, "poolside-main"), "Use our index"),
        (short(clone, "poolside-main~1"), "Add the build workflow"),
    ]  # fmt: skip
    assert complete(clone, "picks") == [pick]
    assert complete(clone, "patches", "picks") == [*patches, pick]
    assert complete(clone, "incoming") == [
        (short(clone, "upstream/main"), "Extend c (#12)"),
        (short(clone, "upstream/main~1"), "Speed up relu (#11)"),
    ]
    assert complete(clone, "branches") == [("poolside-main", "Use our index")]
    assert complete(clone, "snags") == list(ALLOWABLE_SNAGS.items())
    assert complete(clone, "operations", "published", "nonsense") == []
    assert poolside(clone, "sync", "--push").status == 0
    assert complete(clone, "nightlies") == []
    assert [meaning for _, meaning in complete(clone, "operations")] == ["sync --push", "sync --push"]
    assert complete(clone, "published") == [("2026-07-10-1", "Set the version to the nightly of 2026-07-10")]
    assert [meaning for _, meaning in complete(clone, "patches")] == ["Use our index", "Add the build workflow"]


def test_N10_a_graft_hides_no_patch(simple: World, complete: Complete) -> None:
    clone = simple.clone()
    (clone.path / ".git/info").mkdir(exist_ok=True)
    (clone.path / ".git/info/grafts").write_text(f"{clone.rev('poolside-main')} {clone.rev('poolside-main~2')}\n")
    assert [meaning for _, meaning in complete(clone, "patches")] == ["Use our index", "Add the build workflow"]


def test_an_operation_is_completed_by_the_id_that_undo_takes(simple: World, poolside: Run, complete: Complete) -> None:
    clone = simple.clone()
    assert poolside(clone, "sync", "-q").status == 0
    [(operation, _)] = complete(clone, "operations")
    assert poolside(clone, "undo", operation).status == 0


def test_it_is_silent_where_there_is_nothing(tmp_path: Path, world: World, complete: Complete) -> None:
    assert [complete(tmp_path, kind) for kind in KINDS if kind != "snags"] == [[]] * (len(KINDS) - 1)
    bare = world.fork
    assert [complete(bare, kind) for kind in KINDS if kind != "snags"] == [[]] * (len(KINDS) - 1)


@pytest.mark.parametrize(
    "file",
    [
        '[remotes]\nupstream = "up"\n[nightly]\nbranch = "builds"\npattern = \'^(?P<date>\\S+): (?P<commit>\\w+)$\'\n',
        '[remotes]\nupstream="""up"""\n[nightly]\nbranch="builds"\npattern="^(?P<date>\\\\S+): (?P<commit>\\\\w+)$"\n',
    ],
    ids=["plain", "with more of TOML"],
)  # fmt: skip
def test_the_configuration_is_that_of_the_patches_branch(
    simple: World, complete: Complete, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    clone = simple.clone()
    clone.git("remote", "rename", "upstream", "up")
    newest = clone.rev("up/main")
    commit = clone.git("commit-tree", "-m", f"2026-07-10: {newest}", f"{newest}^{{tree}}")
    clone.git("update-ref", "refs/remotes/up/builds", commit)
    tree = clone.tree({".poolside.toml": file}, "poolside-main")
    clone.git("update-ref", "refs/heads/poolside-main", clone.git("commit-tree", "-p", "HEAD", "-m", "Configure", tree))
    clone.git("checkout", "-q", "--detach", "up/main")
    assert complete(clone, "nightlies") == [("2026-07-10", "Extend c (#12)")]
    (clone.path / "given.toml").write_text(file.replace("builds", "none"))
    monkeypatch.setenv("GIT_POOLSIDE_CONFIG", "given.toml")
    assert complete(clone, "nightlies") == []


def test_no_line_holds_what_a_terminal_or_shell_would_obey_p13(simple: World, complete: Complete) -> None:
    simple.patch({"x": "x\n"}, "A\x1b]0;owned\x07 \x9b2J\ttab \u202e\x00".replace("\x00", "") + "\n")
    clone = simple.clone()
    [(_, meaning), *_] = complete(clone, "patches")
    assert meaning == "A^[]0;owned^G <9B>2J tab <202E>"


TOMLS = st.lists(
    st.sampled_from(
        """
        [remotes]|[branches] # c|[upstream]|[ nightly ]|fork = "a"|upstream = 'b'|patches = "p#q"|picks = "k" # c
        branch = 'x"y'|branch = "\u0061"|branch = "a\\b"|branch = "a\"b"|# c||push = true|x = [|]|a.b = 'c'
        snapshot = ''|upstream-url = 'https://x/y'|	branch	=	'z'	|branch = 'q' r|snapshot = '''s'''
        """.strip()
        .replace("\n        ", "|")
        .split("|")
    ),
    max_size=8,
)


@given(TOMLS)
def test_the_plain_reader_says_what_toml_says_or_nothing(lines: list[str]) -> None:
    text = "\n".join(lines)
    found = plain(text)
    if found is None:
        return
    try:
        config = parse(text)
    except PoolsideError:
        return  # what is wrong with it is for a command to say
    for name, value in found.items():
        table, _, key = name.partition(".")
        section = getattr(config, table, None)
        if hasattr(section, key.replace("-", "_")):
            assert getattr(section, key.replace("-", "_")) == value


def test_what_init_writes_is_plain() -> None:
    text = render(parse('[nightly]\npattern = "a (?P<commit>\\\\w+)"\n[branches]\npatches = "ours"\n'))
    assert plain(text) == {"branches.patches": "ours", "nightly.pattern": r"a (?P<commit>\w+)"}


@pytest.mark.parametrize("words", ["--version", "--complete nightlies", "--complete patches picks", "status --short"])
def test_it_takes_at_most_twice_what_python_takes(
    simple: World, installed: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    """By processor time, git's processes too, each at its best; the compiled modules are there, as pip leaves them."""
    clone = simple.clone()
    monkeypatch.chdir(clone.path)
    ours, bare = [str(installed / "git-poolside"), *words.split()], [sys.executable, "-c", "pass"]
    processor_time(ours)
    rounds = [(processor_time(ours), processor_time(bare)) for _ in range(9)]
    assert min(one for one, _ in rounds) < 2 * statistics.median(other for _, other in rounds)


def processor_time(words: list[str]) -> float:
    """Seconds that a process and its children take."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    process = os.posix_spawn(words[0], words, os.environ, file_actions=nowhere)
    assert os.waitpid(process, 0)[1] == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
