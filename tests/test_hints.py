"""Each error says what, why, and the next command to type; what it says can be typed."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

import git_poolside
from git_poolside.errors import in_full
from tests.hints import problem

KINDS = ("Refused", "LeaseLost", "FarSideFailed", "Bug", "NotARepository", "NotAFork", "UsageError")
VALUES = {
    "program": "git poolside sync",
    "go_on": "git poolside sync --continue",
    "again": "git poolside push",
    "_AGAIN": "git poolside upstream PATCH",
    "move": "git poolside cherry-pick move PATCH --to",
    "elsewhere": "cd DIR && ",
    "get": "git fetch REMOTE BRANCH",
    "finish": "git merge --continue",
    "abort": "git merge --abort",
    "going": "--continue",
    "only": "",
    "RUNNING": "running-build",
    "shell": "bash",
    "command": "sync",
}
"""What stands for the values that a hint is made of, where it is more than one word or a known one."""
COMMANDS = {"undo.py": "undo", "upstream.py": "upstream PATCH", "adopt.py": "init"}
"""The commands that alone get to a module; every other one's hints are for sync too."""


@cache
def calls() -> list[tuple[Path, ast.Call, str]]:
    """Every call in the program, with its module and the name that is called."""
    return [
        (path, node, node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func))
        for path in sorted(Path(git_poolside.__file__).parent.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    ]


def hints(node: ast.Call, called: str) -> list[ast.expr]:
    """What a call says is to be typed: an error's `hints`, a doubt's `hint`, a finding's cure, a hint that is shown."""
    found = [word.value for word in node.keywords if word.arg in ("hint", "hints", "cure")]
    place = {"Snag": 2, "Finding": 3}.get(called)
    return found + (node.args if called == "hint" else node.args[place : place + 1] if place else [])


def texts(node: ast.expr) -> list[str]:
    """The lines that an expression can be, a word in place of each value; what is nothing but a value has none."""
    match node:
        case ast.List(elts=inside):
            return [text for one in inside for text in texts(one)]
        case ast.Starred(value=inside):
            return texts(inside)
        case ast.IfExp(body=one, orelse=other):
            return [*texts(one), *texts(other)]
        case ast.Constant(value=str(text)):
            return text.split("\n")
        case ast.JoinedStr(values=parts):
            words = [part.value if isinstance(part, ast.Constant) else _value(ast.unparse(part)) for part in parts]
            return "".join(map(str, words)).split("\n")
    return []


def _value(expression: str) -> str:
    """A word for what stands in the braces of an f-string."""
    return VALUES.get(expression.strip("f'\"{}").rpartition(".")[2], "VALUE")


def test_every_error_says_what_to_do() -> None:
    """Each place that raises one of our errors gives it hints."""
    silent: list[str] = []
    for path, node, called in calls():
        if called in KINDS:
            given = next((word.value for word in node.keywords if word.arg == "hints"), None)
            if given is None or (isinstance(given, ast.List) and not given.elts):
                silent.append(f"{path.name}:{node.lineno}")
    assert silent == []


def test_every_hint_can_be_typed() -> None:
    """By our own parsers, or as a command that git has. Those that tests meet are checked with their values too."""
    found = [
        (f"{path.name}:{node.lineno}", in_full(text, f"git poolside {COMMANDS.get(path.name, 'sync')}"))
        for path, node, called in calls()
        for one in hints(node, called)
        for text in texts(one)
        if text and text != "VALUE"
    ]
    assert len(found) > 200
    assert [f"{where}: {hint}: {why}" for where, hint in found if (why := problem(hint))] == []


@pytest.mark.parametrize(
    ("hint", "why"),
    [
        ("git poolside sync -n   (shows what a sync would do)", ""),
        ("git poolside cherry-pick add '#N'", ""),
        ("cd 'a b' && git poolside sync --continue", ""),
        ("git -C DIR poolside status", ""),
        ("mend the file, commit it on the patches branch", ""),
        ("--keep PATCH", "an option without its command"),
        ("edit the files, then git add them", "words with a command in them: git add"),
        ("git add PATH or git rm PATH", "words in a command: or"),
        ("git checkout PATH, then go on", "words in a command: PATH,"),
        ("git poolside sync --skip or --abort", "words in a command: or"),
        ("git poolside sync --keep", "argument --keep: expected one argument"),
        ("git poolside snyc", "git poolside has no snyc"),
        ("git stash <name>", "a shell would take <"),
        ("git unstash", "git has no unstash"),
        ("rm 'it", "No closing quotation"),
    ],
)
def test_what_cannot_be_typed_is_found(hint: str, why: str) -> None:
    assert problem(hint) == why
