"""P13: nothing that a terminal would obey is printed, whatever commits, branches, files and servers are called."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

import pytest

from git_poolside.git.process import open_repository
from git_poolside.ui import Ui
from tests.conftest import TEN, Run
from tests.scenario import Repo, Result, World

EVIL = "\x1b[2J\x1b]0;owned\x07\x1b[8mhidden\x9b31m\u202eevif\r\x08"
OBEYED = {*map(chr, range(0x09)), *map(chr, range(0x0B, 0x20)), *map(chr, range(0x7F, 0xA0)), "\u202e", "\u2066"}

READING = (
    ("status",), ("status", "--short"), ("log",), ("nightly",), ("doctor",), ("cherry-pick", "list"), ("changes",),
    ("range-diff",), ("sync", "-n"), ("push", "-n"), ("log", "--published"), ("changes", "--check"),
)  # fmt: skip


def harmless(results: Sequence[tuple[Sequence[str], Result]]) -> str:
    """Asserts that no output holds what a terminal would obey; all of it."""
    for words, result in results:
        for stream in (result.out, result.err):
            assert not OBEYED & set(stream), (words, stream)
            assert "Traceback" not in stream, (words, stream)
        assert result.status != 70, (words, result)
    return "".join(result.out + result.err for _, result in results)


@pytest.fixture
def evil(world: World) -> World:
    """A fork in which all that people can name is hostile."""
    world.land({"version.txt": "2.9.0a0\n", "a.py": TEN, f"d/{EVIL.replace('/', '')}.py": TEN}, f"Begin {EVIL}", 1)
    world.nightly("2026-07-03")
    world.fork_at()
    author = f"Evil {EVIL.replace(chr(13), '')} <e@x.example>"
    landed = world.land({"a.py": TEN.replace("line 2\n", "line two\n")}, f"Speed {EVIL}", 11)
    world.pick(landed)
    world.commit(world.fork, "poolside-main", {"b.py": TEN}, f"Own {EVIL}\n\nBody {EVIL}\n", author)
    world.commit(world.fork, "poolside-main", {"a.py": TEN.replace("line 9\n", "IX\n")}, f"Clash {EVIL}\n", author)
    world.land({"a.py": TEN.replace("line 9\n", "nine\n").replace("line 2\n", "line two\n")}, f"Up {EVIL}", 12)
    world.nightly("2026-07-10")
    return world


def test_P13_no_command_prints_an_escape_sequence(evil: World, poolside: Run) -> None:
    clone = evil.clone()
    seen: list[tuple[Sequence[str], Result]] = []

    def run(*words: str) -> Result:
        seen.append((words, poolside(clone, *words)))
        return seen[-1][1]

    for look in READING:
        run(*look)
    assert run("sync").status == 3
    for words in ("status", "sync", "sync --continue", "undo", "sync --explain Own", *map(" ".join, READING)):
        run(*words.split())
    (clone.path / "a.py").write_text(TEN)
    clone.git("add", "a.py")
    assert run("sync", "--continue").status == 0
    for words in ("push", "changes --write", "cherry-pick drop Own", "undo --push", *map(" ".join, READING)):
        run(*words.split())
    said = harmless(seen)
    assert "^[" in said and "<202E>" in said  # shown, not left out


def test_P13_colours_are_ours_alone(evil: World, poolside: Run) -> None:
    clone = evil.clone()
    for words in (("status",), ("log",), ("nightly",), ("sync", "-n"), ("cherry-pick", "list")):
        result = poolside(clone, *words, "--color=always")
        for piece in result.out.split("\x1b[")[1:]:
            assert piece.partition("m")[0] in ("", "1", "2", "31", "32", "33", "34", "36"), piece
        assert not (OBEYED - {"\x1b"}) & set(result.out + result.err)


def test_P13_json_is_ascii_and_whole(evil: World, poolside: Run) -> None:
    clone = evil.clone()
    for words in (("status",), ("sync", "-n"), ("cherry-pick", "list"), ("log",), ("nightly",)):
        result = poolside(clone, *words, "--json")
        assert result.out.isascii()
        assert json.loads(result.out)["schema"] == 1
        assert not OBEYED & set(result.out + result.err)


@pytest.mark.parametrize(
    "words",
    [
        ("sync", "--nightly", EVIL), ("sync", "--onto", EVIL), ("sync", "--keep", EVIL), ("sync", "--allow", EVIL),
        ("sync", EVIL), ("cherry-pick", "add", EVIL), ("cherry-pick", "drop", EVIL), ("undo", EVIL), ("push", EVIL),
        ("cherry-pick", "move", EVIL, "--to", EVIL), ("range-diff", EVIL), ("status", "--config", EVIL),
        ("cherry-pick", EVIL), ("log", "-n", EVIL), ("init", "--upstream", EVIL), ("init", "--patches", EVIL),
    ],
    ids=lambda words: " ".join(word if word != EVIL else "EVIL" for word in words),
)  # fmt: skip
def test_P13_what_is_typed_is_not_echoed_raw(simple: World, poolside: Run, words: tuple[str, ...]) -> None:
    result = poolside(simple.clone(), *words)
    assert result.status in (1, 129)
    harmless([(words, result)])


def test_P13_what_a_server_says_is_made_visible(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    hook = simple.fork.path / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nprintf '\\033[2J\\033]0;owned\\007no\\n' >&2\nexit 1\n")
    hook.chmod(0o755)
    results = [(words, poolside(clone, *words)) for words in (("sync", "--push"), ("push",), ("push", "--json"))]
    assert [result.status for _, result in results] == [1, 1, 1]
    assert "remote: ^[[2J^[]0;owned^Gno" in harmless(results)


def test_P13_hostile_configuration_is_shown_harmless(simple: World, poolside: Run) -> None:
    word = json.dumps(EVIL)
    texts = [f"[{word}]", f"[sync]\n{word} = 1", f"x = \x07{EVIL}", f"[nightly]\npattern = {json.dumps('(' + EVIL)}"]
    texts += [
        f"[{key}]\n{name} = {word}" for key, name in (("branches", "picks"), ("changes", "file"), ("github", "fork"))
    ]
    for text in texts:
        path = simple.root / "evil.toml"
        path.write_text(text)
        results = [((word,), poolside(simple.clone(word + str(hash(text))), word, "--config", str(path)))
                   for word in ("status", "sync")]  # fmt: skip
        harmless(results)
        assert results[1][1].status == 1


def test_P13_a_forgotten_clean_is_made_up_for(capsys: pytest.CaptureFixture[str]) -> None:
    for coloured in (False, True):
        ui = Ui(colour=lambda shown=coloured: shown, slot=lambda slot, default: "\x1b[31m")  # type: ignore[misc]
        painted = ui.paint("red", "bad")
        for write in (ui.print, ui.talk, ui.complain, ui.warn, ui.hint, ui.complain_end):
            write(f"{painted}\x1b[2J\x07\u202e")
        out, err = capsys.readouterr()
        assert not (OBEYED - {"\x1b"}) & set(out + err)
        assert "\x1b[2J" not in out + err
        assert ("\x1b[31m" in out) is coloured


def test_P13_a_relayed_line_is_whole_before_it_is_shown(simple: World, capfd: pytest.CaptureFixture[str]) -> None:
    """git's words come in pieces of any size; a password or a sequence in two of them would slip through."""
    clone = simple.clone()
    script = "x" * 250 + "https://user:pass" + "word@host.example/x " + "\\033" + "[2J end"
    clone.git("config", "alias.say", f"!printf '{script}' >&2")
    open_repository(clone.path, os.environ).talk("say")
    said = capfd.readouterr().err
    assert said.endswith("https://host.example/x ^[[2J end")


def test_P13_a_worktree_whose_path_is_hostile(simple: World, poolside: Run) -> None:
    clone = Repo(simple.root / f"e\x1b[31mvil{chr(0x202E)}", simple.env)
    simple.clone("plain").path.rename(clone.path)
    results = [(words, poolside(clone, *words)) for words in (*READING, ("sync",), ("push",), ("undo",))]
    harmless(results)
