"""Whether a hint can be typed as it stands: by our own parsers, or as a command that git has."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
from contextlib import redirect_stderr
from functools import cache
from importlib import import_module

from git_poolside.commands import COMMANDS

PROGRAMS = ("cd", "curl", "exec", "export", "gh", "git", "man", "rm")
_GIT = frozenset(subprocess.run(["git", "--list-cmds=main"], capture_output=True, text=True, check=True).stdout.split())
_GLOBAL = re.compile(r"(?:-c [\w.]+=\S+|-C \S+) ")
_LINKS = ("or", "then", "and", "again", "…")


@cache
def problem(hint: str) -> str:
    """Why `hint` cannot be typed; empty where it can, or is words with no command in them (`PoolsideError`)."""
    command = hint.partition("   (")[0]
    if command.split(" ")[0] not in PROGRAMS:
        if command.startswith("-"):
            return "an option without its command"
        inside = re.search(r"\bgit (?!poolside is)[a-z][a-z-]+", command)
        return f"words with a command in them: {inside.group()}" if inside else ""
    words = shlex.shlex(command, posix=True, punctuation_chars=True)
    words.whitespace_split, words.commenters = True, ""
    try:
        typed = list(words)
    except ValueError as error:
        return str(error)
    found = [""]
    for word in typed:
        if word == "&&":
            found.append("")
        elif re.fullmatch(r"[();<>|&]+", word):
            return f"a shell would take {word}"
        else:
            found[-1] += f" {shlex.quote(word)}"
    return "; ".join(filter(None, map(_problem, found)))


def _problem(command: str) -> str:
    words = shlex.split(command)
    if not words or words[0] not in PROGRAMS:
        return f"'{command.strip()}' begins with no program"
    if link := next((word for word in words if word in _LINKS or word.endswith(",")), None):
        return f"words in a command: {link}"
    if words[0] != "git":
        return ""
    words = shlex.split(_GLOBAL.sub("", shlex.join(words)))
    if words[1:2] != ["poolside"]:
        return "" if words[1] in _GIT else f"git has no {words[1]}"
    if words[2] not in COMMANDS:
        return f"git poolside has no {words[2]}"
    parser = import_module(f"git_poolside.commands.{words[2].replace('-', '_')}").parser()
    with redirect_stderr(io.StringIO()) as said:
        try:
            parser.parse_args(words[3:])
        except SystemExit:
            return said.getvalue().strip().rpartition("error: ")[2]
    return ""


def untypeable(err: str) -> list[str]:
    """The hints of a command's talk that cannot be typed, each with the reason."""
    hints = [line.removeprefix("hint: ") for line in err.splitlines() if line.startswith("hint: ")]
    return [f"{hint}: {why}" for hint in hints if (why := problem(hint))]
