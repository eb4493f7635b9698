"""The manual pages: options from the parsers, the rest from ``man/src/<page>.md``.

A page of a command is NAME, SYNOPSIS, DESCRIPTION, WORDS and OPTIONS from its parser, then the sections of its
source in their order, EXIT STATUS and SEE ALSO. A section "Description" or "See also" of the source takes the
place of the generated one. A line ``<!-- include: FILE -->`` or ``<!-- include: FILE#Section -->`` brings in a file
as it is, or a section of another Markdown file.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from git_poolside import __version__
from git_poolside.commands import COMMANDS, GENERAL, Parser
from git_poolside.docs.roff import escaped, folded, prose, sections
from git_poolside.stack.verdict import SIGNALS

ROOT = Path(__file__).parent.parent.parent
SOURCES = ROOT / "man" / "src"
_EPOCH = "1793491200"
_OVERVIEW = "git-poolside.1"
_ALIASES = {"git-poolside.7": "gitpoolside.7"}
"""Other names that a page is looked for under, which git's pages of words have not (gitglossary(7))."""
_INCLUDE = re.compile(r"^<!-- include: ([^#\s]+)(?:#(.+?))? -->$", re.MULTILINE)
_TITLE = re.compile(r"# (\S+)\((\d)\)(?:: (.+))?\n")
_SEE = (
    "git-poolside.1",
    "gitpoolside-workflow.7",
    "poolside.toml.5",
    "gitpoolside.7",
    "gitpoolside-json.7",
    "gitpoolside-security.7",
)


def pages() -> dict[str, str]:
    """Every page by its path below the project's root."""
    os.environ["SOURCE_DATE_EPOCH"] = _EPOCH
    made = {f"git-poolside-{command}.1": _command(command) for command in COMMANDS}
    for source in sorted(SOURCES.glob("*.md")):
        if source.stem not in made:
            made[source.stem] = _plain_page(source.stem)
    made |= {alias: made[page] for alias, page in _ALIASES.items()}
    return {f"man/man{name[-1]}/{name}": text for name, text in made.items()}


def source(page: str) -> str:
    """What is written by hand of a page, with what it includes; empty if there is nothing."""
    file = SOURCES / f"{page}.md"
    text = _INCLUDE.sub(_included, file.read_text()) if file.exists() else ""
    return text.replace(
        "<!-- signals -->", "\n".join(["|||", "|---|---|", *(f"| `{k}` | {v} |" for k, v in SIGNALS.items())])
    )


def _included(found: re.Match[str]) -> str:
    name, title = found.groups()
    text = (ROOT / name).read_text()
    if title is None:
        return f"```{Path(name).suffix[1:]}\n{text.rstrip()}\n```"
    _, head, rest = text.partition(f"\n## {title}\n")
    if not head:
        raise ValueError(f"{name} has no section '{title}'")
    return rest.partition("\n## ")[0].strip()


def _plain_page(page: str) -> str:
    text = source(page)
    title = _TITLE.match(text)
    if title is None or f"{title[1]}.{title[2]}" != page or not title[3]:
        raise ValueError(f"man/src/{page}.md has to begin with '# NAME(SECTION): what it is'")
    found = sections(text)
    if page == _OVERVIEW:
        rows = (line for name, what in COMMANDS.items() for line in (".TP", f"\\fBgit\\-poolside\\-{escaped(name)}\\fR(1)", prose(what)))  # fmt: skip  # noqa: E501
        found["Commands"] = [*found.get("Commands", []), *rows]
    return _joined(page, title[3], found)


def _command(command: str) -> str:
    parser = _parser(command)
    page = f"git-poolside-{command}.1"
    written = sections(source(page))
    found = {"Synopsis": list(_synopsis(parser)), "Description": written.pop("Description", prose_of(parser))}
    words = _words(parser)
    if words:
        found["Words"] = [line for word in words.values() for line in _word(word)]
    found["Options"] = list(_options(parser))
    found |= written
    found.setdefault("Exit status", sections(source(_OVERVIEW))["Exit status"])
    return _joined(page, COMMANDS[command], found)


def _joined(page: str, what: str, found: Mapping[str, list[str]]) -> str:
    name, _, section = page.rpartition(".")
    see = found.get("See also") or [", ".join(_reference(other) for other in _SEE if other != page)]
    title = f'"{escaped(name.upper())}" "{section}" "{datetime.fromtimestamp(int(_EPOCH), UTC):%Y-%m-%d}"'
    lines = [
        '.\\" Made by python -m git_poolside.docs; the text is in man/src.',
        f'.TH {title} "git\\-poolside {__version__}" "Git Poolside Manual"',
        ".nh",
        ".ad l",
        ".SH NAME",
        f"{escaped(name)} \\- {escaped(what)}",
    ]
    for title, inside in {**{k: v for k, v in found.items() if k != "See also"}, "See also": see}.items():
        lines += [f".SH {escaped(title).upper()}", *inside]
    return "\n".join(folded(lines)) + "\n"


def _reference(page: str) -> str:
    name, _, section = page.rpartition(".")
    return f"\\fB{escaped(name)}\\fR({section})"


def _parser(command: str) -> Parser:
    made: Parser = import_module(f"git_poolside.commands.{command.replace('-', '_')}").parser()
    made.prog = f"git poolside {command}"
    return made


def prose_of(parser: argparse.ArgumentParser) -> list[str]:
    """A parser's description in paragraphs."""
    paragraphs = (parser.description or "").strip().split("\n\n")
    return "\n.PP\n".join(prose(" ".join(paragraph.split())) for paragraph in paragraphs).split("\n")


def _words(parser: argparse.ArgumentParser) -> dict[str, Parser]:
    """The parsers of a command's words (``cherry-pick add``)."""
    found = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return {name: word for action in found for name, word in action.choices.items()}


def _usage(parser: Parser) -> Iterator[str]:
    """One usage, its options in bold and what they take in italics; general options are not repeated."""
    general = next(group for group in parser._action_groups if group.title == GENERAL)
    kept = [action for action in parser._actions if action not in general._group_actions]
    shown, parser._actions = parser._actions, kept
    try:
        usage = parser.format_usage().partition(": ")[2].split()
    finally:
        parser._actions = shown
    program = parser.prog.split()
    yield f"\\fB{escaped(' '.join(program))}\\fR " + " ".join(map(_marked, usage[len(program) :]))


def _marked(word: str) -> str:
    """An option in bold, what has to be replaced in italics."""
    bold = re.sub(r"(?<![\w-])--?[a-z][a-z-]*", lambda found: f"\\fB{found[0]}\\fR", word)
    return re.sub(r"\b[A-Z]{1,}\b(?!\))", lambda found: f"\\fI{found[0]}\\fR", bold).replace("-", "\\-")


def _synopsis(parser: Parser) -> Iterator[str]:
    for at, each in enumerate([*_words(parser).values(), parser]):
        yield from ([".br"] if at else [])
        yield from _usage(each)


def _word(parser: Parser) -> list[str]:
    parser.prog = parser.prog.replace("git-poolside-", "git poolside ")
    return [f".SS {parser.prog.split()[-1]}", *prose_of(parser), *_options(parser, general=False)]


def _options(parser: Parser, general: bool = True) -> Iterator[str]:
    """The arguments and options in their groups, as argparse-manpage writes them."""
    from argparse_manpage.manpage import Manpage

    parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=10_000)  # we fold ourselves
    parser._positionals.title, parser._optionals.title = "arguments", "options"
    groups = parser._action_groups
    parser._action_groups = [
        group
        for group in sorted(groups, key=lambda group: group.title == GENERAL)
        if (general or group.title != GENERAL)
        and not any(isinstance(action, argparse._SubParsersAction) for action in group._group_actions)
    ]
    try:
        made = str(Manpage(parser, _data={"project_name": "git-poolside", "manual_section": "1"}))
    finally:
        parser._action_groups = groups
    known = ("NAME", "SYNOPSIS", "DESCRIPTION")
    for part in made.split("\n.SH ")[1:]:
        title, _, inside = part.partition("\n")
        if title in known:
            continue
        if title not in ("OPTIONS", "ARGUMENTS"):
            yield f".SS {escaped(title.capitalize())}"
        yield from (line for line in inside.split("\n") if line)
