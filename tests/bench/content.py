"""Code-like text that a key determines: files of sections, one of them reserved for the fork's patches.

Upstream edits the other sections, so that patches merge cleanly; a landing edits the reserved one.
"""

from __future__ import annotations

from tests.bench.plan import WORDS, Dice

_MASK = (1 << 64) - 1
_COUNT = len(WORDS)
_SECTIONS = ((10, 2, 4), (30, 4, 7), (60, 7, 13), (80, 13, 26), (93, 26, 60), (99, 60, 140), (100, 140, 400))
"""Up to this per cent of the files: from so many sections to so many. A section has some 350 bytes."""
RESERVED_LINES = 10


class Text:
    """The content of a file at one moment. `own` is the index of the reserved section."""

    __slots__ = ("own", "sections")

    def __init__(self, sections: tuple[str, ...], own: int) -> None:
        self.sections = sections
        self.own = own

    def __str__(self) -> str:
        return "\n".join(self.sections)

    def with_own(self, section: str) -> Text:
        return Text((*self.sections[: self.own], section, *self.sections[self.own + 1 :]), self.own)


def fresh(seed: int, file: int) -> Text:
    """The first content of a file."""
    state = (seed * 1_000_003 + file) * 0x9E3779B97F4A7C15 & _MASK
    draw = _next(state)
    per_cent = draw % 100
    _, least, most = next(row for row in _SECTIONS if per_cent < row[0])
    count = least + (draw >> 20) % (most - least)
    own = 1 + (draw >> 40) % (count - 1)
    sections = [_section(state + index * 7919, RESERVED_LINES if index == own else 0) for index in range(count)]
    return Text(tuple(sections), own)


def edited(text: Text, salt: int) -> Text:
    """What upstream makes of a file: some lines changed, added, or a whole section added or taken away."""
    dice = Dice("edit", salt)
    at = dice.below(len(text.sections) - 1)
    at += at >= text.own  # never the reserved one
    sections = list(text.sections)
    how = dice.below(100)
    if how < 8:
        sections.insert(at, _section(salt, 0))
        return Text(tuple(sections), text.own + (at <= text.own))
    if how < 12 and len(sections) > 3:
        del sections[at]
        return Text(tuple(sections), text.own - (at < text.own))
    lines = sections[at].splitlines(keepends=True)
    line = 1 + dice.below(len(lines) - 1)
    new = [_line(_next(salt + n)) for n in range(1 + dice.below(3))]
    lines[line : line if how < 30 else line + len(new)] = new
    sections[at] = "".join(lines)
    return Text(tuple(sections), text.own)


def patched(text: Text, number: int) -> Text:
    """What patch `number` makes of a file: two lines in the middle of the reserved section."""
    lines = text.sections[text.own].splitlines(keepends=True)
    lines[4:6] = [f"    poolside_{number} = {_line(number * 31)[4:]}", _line(number * 37)]
    return text.with_own("".join(lines))


def added(number: int) -> str:
    """A new file of patch `number`."""
    return "\n".join(_section(number * 41 + index, 0) for index in range(4))


def message(key: int, title: str) -> str:
    """A title with some sentences below it, as long as upstream's messages are."""
    dice = Dice("message", key)
    words = [dice.word() for _ in range(40 + dice.below(80))]
    for end in range(7, len(words), 9):
        words[end] += ".\n" if end % 2 else ","
    return f"{title}\n\n{' '.join(words).replace(chr(10) + ' ', chr(10))}.\n"


def _next(state: int) -> int:
    return (state * 6364136223846793005 + 1442695040888963407 & _MASK) >> 11


def _line(draw: int) -> str:
    draw = _next(draw)
    one, two, three = draw % _COUNT, draw // 256 % _COUNT, draw // 65536 % _COUNT
    number = draw >> 24 & 0xFFFFF
    if number & 3:
        return f"    {WORDS[one]}_{WORDS[two]} = self.{WORDS[three]}({number}, {WORDS[number % _COUNT]})\n"
    return f"    if {WORDS[one]}.{WORDS[two]}() > {number}: return {WORDS[three]}\n"


def _section(state: int, lines: int) -> str:
    draw = _next(state & _MASK)
    count = lines or 5 + draw % 9
    head = f"def {WORDS[draw // 16 % _COUNT]}_{draw >> 30 & 0xFFFFFF:x}(self, {WORDS[draw // 4096 % _COUNT]}):\n"
    return head + "".join([_line(draw + index * 104729) for index in range(count - 1)])
