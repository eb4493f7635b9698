"""What people see: it fits narrow terminals, and its colours are those that git's configuration says."""

from __future__ import annotations

import io
import json

import pytest

from git_poolside.terminal import columns
from git_poolside.ui import Ui
from tests.conftest import TEN, Run
from tests.scenario import World


@pytest.mark.parametrize("width", ["40", "60"])
def test_a_narrow_terminal_is_kept_to(stuck: World, poolside: Run, monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    """But for a word that is longer, and for what is to be copied: hints, cures, messages of git's."""
    monkeypatch.setenv("COLUMNS", width)
    stuck.patch({"w.txt": "w\n"}, "日本語の長い件名がここにあります、とても長いので切られます\n")
    clone = stuck.clone()
    commands = (("status",), ("sync", "-n"), ("nightly", "--no-fetch"), ("doctor", "--no-fetch"), ("sync",),
                ("status",), ("sync", "--abort"), ("sync", "--nightly", "2026-07-10", "--drop", "Tune line five"),
                ("push", "-n"), ("undo",), ("log",), ("cherry-pick", "list"))  # fmt: skip
    wide = [
        (words, line)
        for words in commands
        for line in poolside(clone, *words).out.splitlines()
        if columns(line) > int(width) and len(line.split()) > 1 and not line.lstrip().startswith("cure: ")
    ]
    assert wide == []


def test_status_in_a_narrow_terminal(simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = simple.clone()
    monkeypatch.setenv("COLUMNS", "40")
    tips = {name: clone.rev(f"origin/{name}")[:9] for name in ("main", "poolside-main", "poolside-cherry-picks")}
    assert poolside(clone, "status").out == (
        "On the nightly of 2026-07-03: 2 commits,\n"
        "  7 days and 1 nightly behind 2026-07-10\n"
        "\n"
        f"  poolside-main  {tips['poolside-main']}\n"
        "    2 patches, pushed\n"
        f"  poolside-cherry-picks  {tips['poolside-cherry-picks']}\n"
        "    1 pick, 1 landed, pushed\n"
        f"  main  {tips['main']}\n"
        "    snapshot, pushed\n"
    )


def test_status_says_what_a_sync_would_drop(simple: World, poolside: Run) -> None:
    """As far as upstream's messages go: what was taken back again is not counted, nor what no nightly has yet."""
    simple.patch({"own.txt": "own\n"}, "Add a file\n\nPoolside-Pull: 13\n")
    clone = simple.clone()

    def landed() -> list[int]:
        return [layer["landed"] for layer in json.loads(poolside(clone, "status", "--fetch", "--json").out)["layers"]]

    assert landed() == [0, 1, 0]
    pick = simple.upstream.rev("main~1")
    simple.revert(pick, 11)
    assert landed() == [0, 1, 0]
    simple.nightly("2026-07-11")
    assert landed() == [0, 0, 0]
    simple.land({"a.py": TEN.replace("line 2\n", "line two\n")}, "Speed up relu", 11)
    simple.land({"own.txt": "own\n"}, "Add a file", 13)
    simple.nightly("2026-07-12")
    assert landed() == [0, 1, 1]
    fates = json.loads(poolside(clone, "sync", "-n", "--json").out)["layers"]
    assert [sum(one["fate"] == "dropped" for one in layer["patches"]) for layer in fates] == [0, 1, 1]


def test_color_poolside_and_its_slots_are_gits(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    clone.git("config", "color.ui", "never")
    clone.git("config", "color.poolside", "always")
    clone.git("config", "color.poolside.title", "bold blue reverse")
    shown = poolside(clone, "status").out
    tip = clone.rev("poolside-main")[:9]
    assert shown.startswith("On the nightly of \x1b[1;7;34m2026-07-03\x1b[m: ")
    assert f"\x1b[33m{tip}\x1b[m" in shown
    clone.git("config", "color.poolside", "never")
    clone.git("config", "color.ui", "always")
    assert "\x1b" not in poolside(clone, "status").out


def test_signs_are_ascii_where_the_locale_is_not_utf_8(
    stuck: World, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = stuck.clone()
    monkeypatch.setenv("LC_ALL", "C")
    done = poolside(clone, "sync", "-n")
    assert done.out.isascii() and done.err.isascii()
    assert " -> ...  " in done.out


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://github.com/pytorch/pytorch", "https://github.com/pytorch/pytorch"),
        ("git@github.com:pytorch/pytorch.git", "https://github.com/pytorch/pytorch"),
        ("ssh://git@ghe.example/pytorch/pytorch", "https://ghe.example/pytorch/pytorch"),
        ("https://elsewhere.example/pytorch/pytorch", ""),
        ("https://evil.example\x1b/github.com:a/b", ""),
    ],
)
def test_hashes_and_pull_requests_are_links_where_the_host_is_known(
    simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch, url: str, page: str
) -> None:
    clone = simple.clone()
    clone.git("config", "remote.upstream.url", url)
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://ghe.example")
    monkeypatch.setenv("FORCE_HYPERLINK", "1")
    pick, landed = clone.rev("poolside-main~2"), clone.rev("upstream/main~1")

    def link(text: str, way: str) -> str:
        return f"\x1b]8;;{page}/{way}\x1b\\{text}\x1b]8;;\x1b\\" if page else text

    listed = poolside(clone, "cherry-pick", "list").out.splitlines()[1]
    assert listed.startswith(f"  1  {pick[:9]}  {link('#11', 'pull/11')}  ")
    assert f"landed as {link(landed[:9], f'commit/{landed}')} " in poolside(clone, "sync", "-n", "--no-fetch").out
    newest = clone.rev("upstream/main")
    shown = poolside(clone, "nightly", "--no-fetch").out
    assert shown == f"2026-07-10  {link(newest[:9], f'commit/{newest}')}  +2  Extend c (#12)\n"
    onto, back = link("2026-07-10", f"commit/{newest}"), clone.rev("origin/main")
    tips = {name: clone.rev(name)[:9] for name in ("origin/main", "poolside-main")}
    assert (
        f"  main                   {link(tips['origin/main'], f'commit/{back}')}  snapshot"
        in poolside(clone, "status").out
    )
    assert (
        f"  {tips['poolside-main']}  2 patches" in poolside(clone, "status").out
    )  # the fork is no repository of GitHub's
    assert poolside(clone, "sync", "--no-fetch").status == 0
    assert f"onto the nightly of {onto}: " in poolside(clone, "log").out
    assert f"  main                   {link(newest[:9], f'commit/{newest}')} -> none\n" in poolside(clone, "undo").out
    monkeypatch.delenv("FORCE_HYPERLINK")
    assert "\x1b" not in poolside(clone, "nightly", "--no-fetch").out


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (
            "100",
            "hint: git poolside undo --carry   (replays what came later on top)\n"
            "hint: mend the file on the patches branch and commit it\n",
        ),
        (
            "40",
            "hint: git poolside undo --carry\n"
            "hint:   (replays what came later on top)\n"
            "hint: mend the file on the patches\n"
            "hint: branch and commit it\n",
        ),
    ],
)
def test_a_hint_is_folded_on_a_narrow_terminal_but_not_what_is_typed(
    monkeypatch: pytest.MonkeyPatch, width: str, shown: str
) -> None:
    hints = ("git poolside undo --carry   (replays what came later on top)",
             "mend the file on the patches branch and commit it")  # fmt: skip
    monkeypatch.setenv("COLUMNS", width)
    terminal, file = Terminal(), io.StringIO()
    Ui(err=terminal).talk("note: what is said is broken between its words, too")
    said = "note: what is said is broken between its\n  words, too\n"
    assert terminal.getvalue() == (said if width == "40" else said.replace("\n  ", " "))
    terminal = Terminal()
    Ui(err=terminal).hint(*hints)
    assert terminal.getvalue() == shown
    Ui(err=file).hint(*hints)
    assert file.getvalue() == "".join(f"hint: {hint}\n" for hint in hints)


def test_progress_says_how_fast_and_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.5, 2.0, 2.05, 4.0, 5.0])
    monkeypatch.setattr("git_poolside.ui.monotonic", lambda: next(clock))
    shown = Terminal()
    with Ui(err=shown).progress("Replaying patches", 200) as step:
        for done in (10, 40, 41, 120):
            step(done)
    assert shown.getvalue() == (
        "\rReplaying patches:  20% (40/200), 20/s, 8 s left\x1b[K"
        "\rReplaying patches:  60% (120/200), 30/s, 3 s left\x1b[K"
        "\rReplaying patches: 100% (200/200), 5.0 s, done.\x1b[K\n"
    )
