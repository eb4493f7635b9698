"""What commit messages say: trailers of ours, pull request numbers, reverts and relands of upstream's.

Upstream's conventions are in the facts that the merge bot leaves: ``Pull Request resolved: URL``, a subject
that ends with ``(#N)``, ``This reverts commit HASH.``
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from git_poolside.stack.values import frozen

_TRAILER = re.compile(r"^(Poolside-[A-Za-z-]+): *(.*)$", re.MULTILINE)
_CHERRY = re.compile(r"^\(cherry picked from commit ([0-9a-f]{40})\)$", re.MULTILINE)
_RESOLVED = re.compile(
    r"^Pull[- ]Request(?:[- ]resolved)?: *https?://[^/\s]+/([\w.-]+/[\w.-]+)/pull/(\d{1,9})/?\s*$", re.MULTILINE
)
_TRAILER_LINE = re.compile(rb"\A(?:[A-Za-z0-9-]+ *: *\S.*|\(cherry picked from commit [0-9a-f]+\)|[ \t]+\S.*)\Z")
_LAST_NUMBER = re.compile(r"\(#(\d{1,9})\)\s*\Z")
_REVERTS = re.compile(r"\bThis reverts commit ([0-9a-f]{7,40})\b")
_REVERTS_NUMBER = re.compile(r"^Reverts ([\w.-]+/[\w.-]+)#(\d{1,9})\b", re.MULTILINE)
_REVERT_HASH = re.compile(r"\ARevert ([0-9a-f]{7,40})\b")
_REASON = re.compile(r"^Reverted \S+ on behalf of \S+ due to (.*)$", re.MULTILINE)
_TAKES_BACK = re.compile(r"\A(?:revert|back ?out)\b", re.I)
_LONG, _LONGEST = 200, 1000
_NUMBER = re.compile(r"[0-9]{1,18}")
_FORMULA = re.compile(
    r"^(?:[^\w\n]*This reverts commit [0-9a-f]{7,40}\b(?:, reversing\nchanges made to [0-9a-f]{7,40})?[.,]?"
    r"|Reverts (?:(?:, |,? ?& |,? and )?[\w.-]+/[\w.-]+#\d+)+[.,]?"
    r"|(?:Differential Revision|Pull[- ]Request\S*(?: resolved)?|Test Plan|Reviewed[- ]By|Approved by|Signed-off-by"
    r"|Co-authored-by|ghstack-\S+|Original commit changeset|Original Phabricator Diff|bypass-\S+|Privacy Context"
    r"|Rollback Plan|cc):?.*|Summary:?(?=\s)|#+ .*|[-=]{3,}.*|…\S*.*|\(.*\))[ \t]*",
    re.MULTILINE | re.I,
)
_QUOTED = re.compile(r"\A(?P<how>Revert|Back out|Reapply|Reland|Re-?apply|Re-?land)\s+\"(?P<what>.*)\"(?P<rest>.*)\Z", re.I)  # fmt: skip  # noqa: E501
_MARKED = re.compile(r"\A(?:\[(?:re-?land|re-?apply)[ \d]*\]\s*|(?:re-?land|re-?apply)(?:ing|s|ed|\d+)?\b:?\s+)(?P<what>.*)\Z", re.I)  # fmt: skip  # noqa: E501
_OF = re.compile(r"\b(?:re-?land(?:s|ing|ed)?|re-?appl(?:y|ies|ied))(?:\s+of)?\s+(?:https?://[^/\s]+/([\w.-]+/[\w.-]+)/pull/|#)(\d{1,9})\b((?:(?:,| and|, and) #\d{1,9}\b)*)", re.I)  # fmt: skip  # noqa: E501
_ABOUT_OTHERS = ("revert", "back out", "reland", "re-land", "reappl", "re-appl")
_TWO_NUMBERS = re.compile(r"\(#\d+\)\s*\(#\d+\)\Z")
_OPENS = re.compile(r"(?:^|\s)\"(?=\S)")
_PLAIN = re.compile(r"\ARevert(?:ing|s|ed)? [^\"]*\Z")
_CUT = re.compile(r"(?:\s*\(#?\d*)?…\Z")


@frozen
class Provenance:
    """The ``Poolside-`` trailers of a stamp."""

    nightly: str | None = None
    upstream: str | None = None
    picks: str | None = None
    dropped: tuple[tuple[str, str, str], ...] = ()

    @classmethod
    def of(cls, message: str) -> Provenance:
        """The trailers of a message; all None where it has none."""
        values: dict[str, list[str]] = {}
        if "Poolside-" in message:
            for name, value in _TRAILER.findall(message):
                values.setdefault(name, []).append(value.strip())
        dropped = [tuple(value.split()) for value in values.get("Poolside-Dropped", [])]
        return cls(
            values.get("Poolside-Nightly", [None])[-1],
            values.get("Poolside-Upstream", [None])[-1],
            values.get("Poolside-Picks", [None])[-1],
            tuple((one[0], one[1], one[2]) for one in dropped if len(one) == 3),
        )

    @property
    def is_stamp(self) -> bool:
        return self.nightly is not None and self.upstream is not None


STAMP_TRAILERS = ("Poolside-Nightly", "Poolside-Upstream", "Poolside-Picks", "Poolside-Dropped")


def without_stamp_trailers(message: bytes) -> bytes:
    """A message without the lines that mark a stamp, for work that somebody amended into one (edge case S6)."""
    names = b"|".join(name.encode() for name in STAMP_TRAILERS)
    kept = re.sub(rb"^(?:" + names + rb"):.*\n?", b"", message, flags=re.MULTILINE)
    return kept.rstrip(b"\n") + b"\n"


def cherry_origin(message: str) -> str | None:
    """The commit that a pick was made from: the last ``(cherry picked from commit …)`` line (git-cherry-pick(1))."""
    found = _CHERRY.findall(message)
    return str(found[-1]) if found else None


def with_origin(message: bytes, origin: str, pull: int | None) -> bytes:
    """A pick's message: the original's, and where it came from as trailers."""
    lines = [b"(cherry picked from commit %s)" % origin.encode()]
    lines += [b"Poolside-Pull: %d" % pull] if pull is not None else []
    return with_trailers(message, lines)


def with_trailers(message: bytes, lines: Sequence[bytes]) -> bytes:
    """A message with `lines` behind it, without those that it has.

    They join a block of trailers that ends the message, as ``git cherry-pick -x`` and git-interpret-trailers(1) do;
    all other bytes stay, whatever their encoding (edge case S8).
    """
    lines = [line for line in lines if line not in message.split(b"\n")]
    if not lines:
        return message
    body = message.rstrip(b"\r\n")
    head, _, last = body.replace(b"\r\n", b"\n").rpartition(b"\n\n")
    block = last.strip(b"\n").split(b"\n")
    trailers = sum(bool(_TRAILER_LINE.match(line)) for line in block)
    made_by_git = any(line.startswith((b"Signed-off-by: ", b"(cherry picked from commit ")) for line in block)
    enough = trailers == len(block) or (made_by_git and 3 * trailers >= len(block) - trailers)
    joins = bool(head.strip()) and enough
    return body + (b"\n" if joins or not body else b"\n\n") + b"\n".join(lines) + b"\n"


def _subject(message: str) -> str:
    """The first line, as far as a person would read it: no pattern shall have a longer one to go over again."""
    return message.lstrip("\n").partition("\n")[0][:_LONGEST]


def pull_number(message: str, repository: str, *, subject_counts: bool = True) -> int | None:
    """The pull request of `repository` that a commit landed as, or was taken from.

    The resolved line, when it names `repository`; else our own trailer; else the last number at the subject's
    end (``X (#A) (#B)`` is B), where `subject_counts`: in the fork's own patches it would be the fork's number.
    """
    named = [int(n) for repo, n in _RESOLVED.findall(message) if repo.lower() == repository.lower()]
    if named:
        return named[-1]
    trailers = _TRAILER.findall(message) if "Poolside-" in message else []
    ours = [value for name, value in trailers if name in ("Poolside-Pull", "Poolside-Upstream-Pull")]
    if ours and _NUMBER.fullmatch(ours[-1].strip()):
        return int(ours[-1])
    last = _LAST_NUMBER.search(_subject(message))
    return int(last.group(1)) if last and subject_counts else None


def pull_of(message: str, repository: str) -> int | None:
    """The pull request of the fork's `repository` that merged an own patch: the resolved line, else the subject's."""
    named = [int(n) for repo, n in _RESOLVED.findall(message) if repo.lower() == repository.lower()]
    last = _LAST_NUMBER.search(_subject(message))
    return named[-1] if named else int(last.group(1)) if last else None


@frozen
class Undoing:
    """What a commit says about earlier ones.

    `commits` and `pulls` are what it takes back by name (a hash; the number of a landing pull request). Where
    it names nothing, `sign` says whether the commit called `title`, or landed as one of `numbers`, is taken
    back (-1) or brought back (+1).
    """

    sign: int
    commits: tuple[str, ...]
    pulls: tuple[int, ...]
    title: str
    numbers: tuple[int, ...]


def undoing(message: str, repository: str) -> Undoing | None:
    """A revert's or reland's meaning, or None for an ordinary commit.

    The hash of "This reverts commit" goes before the words of the subject; ``Revert "Revert …"``,
    ``Back out "Revert …"`` and ``Reapply "…"`` bring back what the inner title names.
    """
    subject = _subject(message).strip()
    lower = message.lower()
    if not any(word in lower for word in _ABOUT_OTHERS) and not _TWO_NUMBERS.search(subject):
        return None
    commits = (*_REVERTS.findall(message), *_REVERT_HASH.findall(subject))
    pulls = [int(n) for repo, n in _REVERTS_NUMBER.findall(message) if repo.lower() == repository.lower()]
    if _PLAIN.match(bare := _LAST_NUMBER.sub("", subject)):
        pulls += [int(n) for n in re.findall(r"(?<![\w/])#(\d{1,9})\b", bare)]
    sign, title = 1, subject
    changed = False
    while True:
        title = _LAST_NUMBER.sub("", title).strip() if not changed else title.strip()
        if title.endswith("…"):  # the forge cuts long titles, closing quotes and all
            opened = len(_OPENS.findall(title))
            title = _CUT.sub("…", title) + '"' * (2 * opened - title.count('"'))
        if found := _QUOTED.match(title):
            if found["how"].lower() in ("revert", "back out"):
                sign = -sign
            title, changed = found["what"], True
        elif found := _MARKED.match(title):
            title, changed = found["what"], True
            if (inner := _QUOTED.match(title)) is None:
                title = title.strip("\"'")
            elif inner["how"].lower() in ("revert", "back out"):
                # "Reland 'Revert …'" is rare enough to be read literally: the revert comes back.
                continue
        else:
            break
    numbers: list[int] = []
    for repo, number, more in _OF.findall(message):
        if not repo or repo.lower() == repository.lower():
            numbers += [int(number), *map(int, re.findall(r"\d+", more))]
    if inner_number := _LAST_NUMBER.search(title):
        numbers.append(int(inner_number.group(1)))
        title = _LAST_NUMBER.sub("", title).strip()
    if commits or pulls or changed or numbers:
        return Undoing(sign, commits, tuple(pulls), title, tuple(dict.fromkeys(numbers)))
    return None


def bare_title(message: str) -> str:
    """The subject without its pull request numbers."""
    title = _subject(message).strip()
    while _LAST_NUMBER.search(title):
        title = _LAST_NUMBER.sub("", title).strip()
    return title


def revert_reason(message: str) -> str:
    """Why upstream took a change back, in its own words; empty where it did not say, or took nothing back.

    What the merge bot was told; else the first paragraph of the body that is no formula.
    """
    if found := _REASON.search(message):
        return found.group(1).strip()
    subject, _, body = message.lstrip("\n").replace("\r\n", "\n").partition("\n")
    if not _TAKES_BACK.match(subject):
        return ""
    said: list[str] = []
    for line in _FORMULA.sub("", body).split("\n"):
        if line.strip():
            said.append(line.strip())
        elif said:
            break
    reason = " ".join(said).lstrip("&, ")
    return reason if len(reason) <= _LONG else reason[:_LONG].rpartition(" ")[0] + " …"
