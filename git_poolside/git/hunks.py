"""The hunks of a patch, told apart by what they take out and put in, wherever they stand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from git_poolside.git.process import Git
from git_poolside.stack.model import Oid
from git_poolside.stack.values import frozen

_HEAD = re.compile(rb"@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@")


@frozen
class Hunk:
    """Lines out and in, at one place of a file; `line` is where it stood before."""

    path: bytes
    line: int
    lines: tuple[bytes, ...]

    def __str__(self) -> str:
        out = sum(line.startswith(b"-") for line in self.lines)
        counts = " ".join(f"{sign}{n}" for sign, n in (("+", len(self.lines) - out), ("-", out)) if n)
        return f"{self.path.decode('utf-8', 'replace')}:{self.line} ({counts})"


def hunks(git: Git, commits: Sequence[Oid]) -> dict[Oid, list[Hunk]]:
    """The hunks of each commit, without context, asked in one process (git-diff-tree(1), ``-U0``)."""
    found: dict[Oid, list[Hunk]] = {oid: [] for oid in commits}
    if not commits:
        return found
    asked = "".join(f"{oid}\n" for oid in commits).encode()
    # With renames, or a moved file would be all its lines out and in (git-diff(1), -M; -l0 looks at every pair).
    options = ["--root", "-r", "-p", "-U0", "-M", "-l0", "--no-ext-diff", "--no-textconv", "--no-color",
               "--src-prefix=a/", "--dst-prefix=b/", "--full-index"]  # fmt: skip
    out = git.impartial().run("-c", "core.quotePath=false", "diff-tree", "--stdin", *options, input=asked).stdout
    current: list[Hunk] = []
    path, line, lines, left = b"", 0, [b""], 0
    for text in out.split(b"\n"):
        if left and text[:1] in (b"-", b"+"):
            lines.append(text)
            left -= 1
            if not left:
                current.append(Hunk(path, line, tuple(lines)))
        elif left:
            continue  # "\\ No newline at end of file" inside a hunk
        elif head := _HEAD.match(text):
            line, lines, left = int(head.group(1)), [], _length(text)
        elif text.startswith((b"--- a/", b'--- "a/', b"+++ b/", b'+++ "b/')):
            path = _unquoted(text[4:].removesuffix(b"\t"))[2:]
        elif len(text) == 40 and Oid(text.decode("ascii", "replace")) in found:
            current = found[Oid(text.decode())]
    return found


def _unquoted(name: bytes) -> bytes:
    """A path as it is: git quotes one with control characters, quotes or backslashes (core.quotePath)."""
    return name[1:-1].decode("unicode_escape").encode("latin-1") if name.startswith(b'"') else name


def _length(head: bytes) -> int:
    """How many lines the hunk with this head has, out and in together."""
    numbers = re.match(rb"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@", head)
    assert numbers is not None
    return sum(int(n) if n is not None else 1 for n in numbers.groups())


def gone(before: Sequence[Hunk], after: Sequence[Hunk]) -> list[Hunk]:
    """Those of `before` that `after` has not, in any file: a patch may follow a rename.

    Hunks that only ran together or came apart, because something between them changed, are not gone.
    """
    left = Counter(hunk.lines for hunk in after)
    missing: list[Hunk] = []
    for hunk in before:
        if left[hunk.lines]:
            left[hunk.lines] -= 1
        else:
            missing.append(hunk)
    lines = Counter(line for hunk, count in left.items() for line in hunk * count)
    found: list[Hunk] = []
    for hunk in missing:
        wanted = Counter(hunk.lines)
        if wanted <= lines:
            lines -= wanted
        else:
            found.append(hunk)
    return found
