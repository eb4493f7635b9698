"""Makes the manual pages from the parsers, at build time: ``python -m git_poolside.docs [--check | --session]``.

The pages are committed; ``--check`` fails when they are not what the parsers say. They carry no day's date, so
that they do not drift. ``--session`` puts what the demo prints into the README instead; a test compares it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from git_poolside import __version__
from git_poolside.commands import COMMANDS, GENERAL, Parser
from git_poolside.stack.model import Verdict
from git_poolside.stack.verdict import SIGNALS

FOLDER = Path(__file__).parent.parent / "man"
_EPOCH = "1793491200"

_EXIT = """
.SH EXIT STATUS
.TP
.B 0
done, or nothing to do
.TP
.B 1
refused: a precondition does not hold, nothing was changed
.TP
.B 3
stopped on a conflict or a failed \\fB--exec\\fR; the state is saved
.TP
.B 4
the fork's server has commits that this stack does not account for
.TP
.B 5
the far side failed: network or server
.TP
.B 70
a bug of poolside; the details are in a file that the message names
.TP
.B 128, 129, 130, 141
as git does: git died or no repository, usage, interrupted, closed pipe
"""


_VERDICTS = {
    Verdict.LANDED: "upstream has it: dropped, with what agreed on that (SIGNALS)",
    Verdict.LANDED_TWEAKED: "upstream has it in another form, and it conflicts: a pick gives way, an own patch is "
    "asked about",
    Verdict.LANDED_PARTLY: "some of its hunks are upstream: they are listed, the rest is kept",
    Verdict.UNDONE_SILENTLY: "upstream had it and undid it without saying so: asked",
    Verdict.REVERTED_UPSTREAM: "upstream had it and took it back: kept, with upstream's reason; asked if it is a "
    "revert of something that upstream landed again",
    Verdict.RETURNED: "an earlier sync dropped it as landed, and upstream took it back since: asked",
    Verdict.EMPTIED: "nothing of it is left on the new base: dropped, with what brought it",
    Verdict.CARRIED: "kept as it was",
    Verdict.CHANGED: "kept; its surroundings changed, or it was resolved",
    Verdict.CONFLICT: "it does not apply: the operation stops there",
    Verdict.SKIPPED: "left out, because a person said so",
}


def _words(title: str, meanings: Mapping[str, str]) -> str:
    rows = "\n".join(f".TP\n.B {word}\n{meaning}" for word, meaning in meanings.items())
    return f"\n.SH {title}\n{rows}".replace("-", "\\-")


def _more(command: str) -> str:
    """What the page of a command says beyond its options."""
    if command != "sync":
        return ""
    verdicts = {verdict.value: meaning for verdict, meaning in _VERDICTS.items()}
    return _words("VERDICTS", verdicts) + _words("SIGNALS", SIGNALS)


def page(command: str) -> str:
    """One command's page, roff."""
    os.environ["SOURCE_DATE_EPOCH"] = _EPOCH
    from argparse_manpage.manpage import Manpage

    parser: Parser = import_module(f"git_poolside.commands.{command.replace('-', '_')}").parser()
    parser.prog = f"git-poolside-{command}"
    _plain(parser)
    others = [f"\\fBgit-poolside-{name}\\fR(1)" for name in COMMANDS if name != command]
    see = "\n.SH SEE ALSO\n" + ", ".join(others) + "\n"
    made = Manpage(
        parser,
        _data={
            "project_name": "git-poolside",
            "version": __version__,
            "manual_section": "1",
            "manual_title": "Git Poolside Manual",
            "description": COMMANDS[command],
        },
        format="pretty",
    )
    return str(made).rstrip("\n") + _more(command) + "\n" + _EXIT.strip("\n") + see


def overview() -> str:
    """The page that ``git poolside --help`` opens."""
    rows = (f".TP\n\\fBgit-poolside-{name}\\fR(1)\n{what}" for name, what in COMMANDS.items())
    commands = "\n".join(rows).replace("-", "\\-")
    day = datetime.fromtimestamp(int(_EPOCH), UTC).strftime("%Y\\-%m\\-%d")
    return f""".TH GIT\\-POOLSIDE "1" "{day}" "git\\-poolside {__version__}" "Git Poolside Manual"
.SH NAME
git\\-poolside \\- keep a fork as a stack of patches on a fast upstream
.SH SYNOPSIS
.B git poolside
<command> [<options>]
.SH DESCRIPTION
The fork has three layers, each a branch on the one below: the snapshot, a commit of upstream's that a nightly
names; the picks, upstream's commits wanted earlier; the patches, the fork's own commits.
\\fBgit poolside sync\\fR moves all three onto a nightly in one operation.
.PP
A word that is no command of these is looked for as \\fBgit\\-poolside\\-\\fR\\fIword\\fR on PATH.
.SH COMMANDS
{commands}
{_EXIT.strip()}
"""


def _plain(parser: argparse.ArgumentParser) -> None:
    """argparse would show a default that is the reader's own folder or terminal; there is none of those here.

    The general options are those of a command; its words have them too, but the page says so once.
    """
    parser.formatter_class = argparse.HelpFormatter
    for words in (action for action in parser._actions if isinstance(action, argparse._SubParsersAction)):
        for name, word in words.choices.items():
            word.prog = f"{parser.prog} {name}"
            general = next(group for group in word._action_groups if group.title == GENERAL)
            word._action_groups.remove(general)
            word._actions = [action for action in word._actions if action not in general._group_actions]


def with_session(readme: str, printed: str) -> str:
    """A README whose session, below its marker, shows under each of its commands what the demo printed there."""
    head, marker, rest = readme.partition("<!-- from the demo -->\n```console\n")
    shown, fence, tail = rest.partition("```\n")
    left = printed
    blocks: list[str] = []
    for command in (line for line in shown.splitlines(keepends=True) if line.startswith("$ ")):
        _, found, left = left.partition("\n" + command)
        lines = left.splitlines(keepends=True)
        end = next((n for n, line in enumerate(lines) if line.startswith(("# ", "$ "))), len(lines))
        blocks.append("".join([found.lstrip("\n"), *lines[:end]]).rstrip("\n") + "\n")
    return head + marker + "\n".join(blocks) + fence + tail


def _session() -> None:
    """Run the demo, put its output into the README."""
    import subprocess
    from tempfile import TemporaryDirectory

    readme = FOLDER.parent / "README.md"
    code = "from git_poolside.cli import run; run('demo')"
    with TemporaryDirectory() as folder:
        words = [sys.executable, "-c", code, "--color=never", folder]
        environment = {**os.environ, "COLUMNS": "100"}
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, env=environment, check=True)
    readme.write_text(with_session(readme.read_text(), done.stdout))


def main() -> int:
    """Write the pages, or compare them with ``--check``."""
    if "--session" in sys.argv[1:]:
        _session()
        return 0
    check = "--check" in sys.argv[1:]
    drifted: list[str] = []
    pages = {"git-poolside.1": overview(), **{f"git-poolside-{name}.1": page(name) for name in COMMANDS}}
    for name, text in pages.items():
        path = FOLDER / name
        if check and (not path.exists() or path.read_text() != text):
            drifted.append(path.name)
        elif not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    for name in drifted:
        print(f"man/{name} is not what its parser says: python -m git_poolside.docs", file=sys.stderr)
    return 1 if drifted else 0


if __name__ == "__main__":
    sys.exit(main())
