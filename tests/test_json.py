"""What programs read: ``--json`` and ``--porcelain`` hold what gitpoolside-json(7) says, key by key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TEN, Run, copied
from tests.scenario import World

PAGE = Path(__file__).parent.parent / "man/src/gitpoolside-json.7.md"
KINDS = {str: "string", int: "number", bool: "boolean", type(None): "null", list: "list", dict: "object"}
Types = dict[str, set[str]]


def documented(title: str) -> Types:
    """The keys in the table of a section, each with the types that it may have."""
    text = PAGE.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| ([a-z, ]+) \|", text, re.MULTILINE)
    return {key: set(types.split(", ")) for key, types in rows}


def found(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """Each key inside, with the type of what it holds; ``[]`` stands for each of a list, ``*`` for any name."""
    if isinstance(value, dict):
        for name, one in value.items():
            name = "*" if name.startswith("refs/") else name
            yield from found(f"{key}.{name}" if key else name, one)
        return
    if isinstance(value, list):
        if not value:
            yield f"{key}[]", "nothing"
        for one in value:
            yield from found(f"{key}[]", one)
        return
    yield key, KINDS[type(value)]


def observed(*outputs: str) -> Types:
    types: Types = {}
    for output in outputs:
        for key, kind in found("", json.loads(output)):
            types.setdefault(key, set()).add(kind)
    return types


def _world(world: World) -> None:
    world.land({"version.txt": "2.9.0a0\n", "a.py": TEN}, "Begin", 1)
    world.nightly("2026-07-03")
    world.fork_at()
    landed = world.land({"b.py": "b\n"}, "Add b", 11)
    reverted = world.land({"c.py": "c\n"}, "Add c", 12)
    for commit in (landed, reverted):
        world.pick(commit)
    world.patch({"a.py": TEN.replace("line 5\n", "line five\n")}, "Tune line five\n")
    world.patch({"own.txt": "own\n", ".poolside.toml": '[changes]\nfile = "changes.md"\n'}, "Add a file\n")
    world.land({"c.py": None}, f'Revert "Add c (#12)"\n\nThis reverts commit {reverted}.\n')
    world.land({"a.py": TEN.replace("line 5\n", "line 5, rewritten\n")}, "Rewrite line five", 21)
    world.nightly("2026-07-10")
    message = f"2026-07-11 nightly release ({'0' * 40})"
    lost = world.upstream.git("commit-tree", "-p", "nightly", "-m", message, "nightly^{tree}")
    world.upstream.git("update-ref", "refs/heads/nightly", lost)


@pytest.fixture
def outputs(request: pytest.FixtureRequest, tmp_path: Path, poolside: Run) -> Mapping[str, list[str]]:
    """What each reading command says in a fork that is behind, in a stop, and in one that is synced."""
    clone = copied(request, _world, tmp_path / "world").clone()
    said: dict[str, list[str]] = {}

    def ask(*words: str) -> None:
        name = " ".join(words[:2]) if words[0] == "cherry-pick" or "--published" in words else words[0]
        said.setdefault(name, []).append(poolside(clone, *words, "--json").out)

    reading = (("status",), ("nightly", "--no-fetch"), ("doctor", "--no-fetch"), ("cherry-pick", "list"), ("changes",))
    for words in reading:
        ask(*words)
    assert poolside(clone, "sync").status == 3
    ask("status")
    assert poolside(clone, "sync", "--skip").status == 0
    assert poolside(clone, "push").status == 0
    for words in (*reading, ("log",), ("log", "--published"), ("range-diff",), ("changes", "--check")):
        ask(*words)
    clone.git("branch", "-D", "poolside-cherry-picks")
    clone.git("update-ref", "-d", "refs/remotes/origin/poolside-cherry-picks")
    ask("status")
    return said


def test_every_key_is_in_the_manual_and_the_manual_has_no_other(outputs: Mapping[str, list[str]]) -> None:
    """A key that goes or changes its type fails here: programs rely on it. A new one has to be described."""
    wrong: list[str] = []
    for command, said in outputs.items():
        known, seen = documented(f"git poolside {command}"), observed(*said)
        wrong += [f"{command}: {key} is not described" for key in seen.keys() - known.keys()]
        wrong += [f"{command}: {key} never comes" for key in known.keys() - seen.keys()]
        wrong += [
            f"{command}: {key} is {kind}, the manual says {' or '.join(known[key])}"
            for key in known.keys() & seen.keys()
            for kind in seen[key] - known[key] - {"nothing"}
        ]
    assert wrong == []
    sections = re.findall(r"^## git poolside (.*)$", PAGE.read_text(), re.MULTILINE)
    assert sorted(sections) == sorted(outputs)


def test_porcelain_is_the_same_a_line_each(simple: World, poolside: Run) -> None:
    simple.patch({"x": "x\n"}, 'A\x1b[31m "quoted" back\\\\slash \ttab 日本\n')
    clone = simple.clone()
    assert poolside(clone, "sync").status == 0
    tip = clone.rev("poolside-main~1")
    lines = poolside(clone, "range-diff", "--porcelain").out.splitlines()
    assert lines[0] == "schema\t1"
    assert [line.partition("\t")[2] for line in lines if re.match(r"pairs\.\d\.new", line) and tip in line] == [tip]
    [subject] = [line.partition("\t")[2] for line in lines if "quoted" in line]
    assert json.loads(f'"{subject}"') == 'A\x1b[31m "quoted" back\\\\slash \ttab 日本'
    whole = json.loads(poolside(clone, "status", "--json").out)
    shown = dict(line.split("\t") for line in poolside(clone, "status", "--porcelain").out.splitlines())
    assert (shown["layers.2.tip"], shown["stopped"]) == (whole["layers"][2]["tip"], "")
    assert shown["behind.commits"] == str(whole["behind"]["commits"])


def test_the_two_forms_exclude_each_other(simple: World, poolside: Run) -> None:
    assert poolside(simple.clone(), "status", "--json", "--porcelain").status == 129
