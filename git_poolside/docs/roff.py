"""Markdown to man(7): the hand-written parts of the pages, which also read well where they are.

Markdown is read by markdown-it-py. What the pages use of it is what is known here; anything else is an error, since
a page that lost something would be worse than none.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.token import Token

_WIDTH = 78
_PAGE = re.compile(r"\b([A-Za-z][\w.-]*[\w])\(([1578])\)")
_OURS = re.compile(r"(?:^|/)([\w.-]+)\.([157])\.md(?:#.*)?$")


def escaped(text: str) -> str:
    """Plain text as roff shows it: hyphens are minus signs, so that what is shown can be typed."""
    quoted = text.replace("\\", "\\e").replace("-", "\\-").replace("^", "\\(ha").replace("~", "\\(ti")
    return quoted.replace("'", "\\(aq").replace("`", "\\(ga").replace("…", "\\[u2026]")


def prose(text: str) -> str:
    """Text of a sentence, with the names of manual pages in bold."""
    out, end = [], 0
    for found in _PAGE.finditer(text):
        out += [escaped(text[end : found.start()]), f"\\fB{escaped(found[1])}\\fR({found[2]})"]
        end = found.end()
    return "".join([*out, escaped(text[end:])])


def verbatim(text: str) -> list[str]:
    """Lines that keep their breaks, set in."""
    lines = [escaped(line) for line in text.rstrip("\n").split("\n")]
    return [".RS 4", ".nf", *(guarded(line) for line in lines), ".fi", ".RE"]


def guarded(line: str) -> str:
    """A line of text that roff does not take for a request."""
    return f"\\&{line}" if line.startswith((".", "'")) else line


def folded(lines: Iterable[str]) -> Iterator[str]:
    """Roff with its running text folded to 78 columns, as mandoc's linter wants it."""
    filling, tag = True, False
    text: list[str] = []

    def flush() -> Iterator[str]:
        folded_text = textwrap.wrap(" ".join(text), _WIDTH, break_long_words=False, break_on_hyphens=False)
        yield from (guarded(line) for line in folded_text)
        text.clear()

    for line in lines:
        request = line.startswith(".")
        if request or tag or not filling:
            yield from flush()
            yield line
        elif line:
            text.append(line)
        tag = line == ".TP"
        filling = False if line == ".nf" else line == ".fi" or filling
    yield from flush()


def sections(markdown: str) -> dict[str, list[str]]:
    """The sections of a page by their titles, in order, each as lines of roff; a ``# title`` above them is left out."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    found: dict[str, list[Token]] = {}
    title = ""
    for at, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag == "h2":
            title = tokens[at + 1].content
            found[title] = []
        elif title:
            found[title].append(token)
    return {title: _Blocks(inside[2:]).lines() for title, inside in found.items()}


class _Blocks:
    """Block tokens to lines; `first` says that a paragraph needs no request in front."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = list(tokens)
        self._first = True
        self._out: list[str] = []

    def lines(self) -> list[str]:
        while self._tokens:
            self._block()
        return self._out

    def _take(self) -> Token:
        return self._tokens.pop(0)

    def _inside(self, closing: str) -> list[Token]:
        """The tokens up to the one that closes what was just opened."""
        depth = 1
        taken: list[Token] = []
        opening = closing.replace("_close", "_open")
        while True:
            token = self._take()
            depth += (token.type == opening) - (token.type == closing)
            if not depth:
                return taken
            taken.append(token)

    def _block(self) -> None:
        token = self._take()
        kind = token.type
        if kind == "paragraph_open":
            [inline] = self._inside("paragraph_close")
            self._out += [*([] if self._first else [".PP"]), *_inline(inline)]
        elif kind == "heading_open" and token.tag == "h3":
            [inline] = self._inside("heading_close")
            self._out += [f".SS {' '.join(_inline(inline))}"]
            self._first = True
            return
        elif kind == "fence":
            self._out += [*([] if self._first else [".PP"]), *verbatim(token.content)]
        elif kind in ("bullet_list_open", "ordered_list_open"):
            self._list(token)
        elif kind == "table_open":
            self._table(self._inside("table_close"))
        elif kind != "html_block" or not token.content.startswith("<!--"):
            raise ValueError(f"the manual has no {kind}: {token.content!r}")
        self._first = self._first and kind == "html_block"

    def _list(self, opened: Token) -> None:
        ordered = opened.type == "ordered_list_open"
        self._tokens, after = self._inside(opened.type.replace("_open", "_close")), self._tokens
        number = 0
        while self._tokens:
            self._take()
            number += 1
            inside = _Blocks(self._inside("list_item_close")).lines()
            head = f".IP {number}. 4" if ordered else ".IP \\(bu 2"
            self._out += [head, *(".IP" if line == ".PP" else line for line in inside)]
        self._tokens = after

    def _table(self, tokens: list[Token]) -> None:
        """A tagged paragraph for each row; further cells follow the second, after their column's name."""
        rows: list[list[list[str]]] = []
        for token in tokens:
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(_inline(token))
        names, *entries = rows
        for tag, meaning, *more in entries:
            self._out += [".TP", guarded(" ".join(tag)), *meaning]
            for name, cell in zip(names[2:], more, strict=True):
                self._out += [".br", f"{' '.join(name)}: {' '.join(cell)}"]


def _inline(inline: Token) -> list[str]:
    """Running text; a line break of the source is one here."""
    out: list[str] = []
    children = list(inline.children or ())
    while children:
        token = children.pop(0)
        kind = token.type
        if kind == "text":
            out.append(prose(token.content))
        elif kind == "code_inline":
            out.append(f"\\fB{escaped(token.content)}\\fR")
        elif kind in ("em_open", "strong_open"):
            out.append("\\fI" if kind == "em_open" else "\\fB")
        elif kind in ("em_close", "strong_close"):
            out.append("\\fR")
        elif kind in ("softbreak", "hardbreak"):
            out.append("\n")
        elif kind == "link_open":
            out.append(_link(str(token.attrs["href"]), children))
        else:
            raise ValueError(f"the manual has no {kind}: {inline.content!r}")
    return [guarded(line.strip()) for line in "".join(out).split("\n")]


def _link(target: str, children: list[Token]) -> str:
    """A link's words with where it leads; one to another page is that page's name."""
    words = ""
    while (token := children.pop(0)).type != "link_close":
        words += token.content
    if found := _OURS.search(target):
        return f"\\fB{escaped(found[1])}\\fR({found[2]})"
    return prose(words) if words == target or target.startswith("#") else f"{prose(words)} ({escaped(target)})"
