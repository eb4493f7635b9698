"""The changes file: its section made anew, people's words where they were, edits that never conflict."""

from __future__ import annotations

import random
import re

import pytest

from git_poolside.stack.bullets import Entry
from git_poolside.stack.changes import BEGIN, END, TITLE, BrokenMarkers, ChangesFile, combined, section, written
from git_poolside.stack.dates import Style, style_of
from git_poolside.stack.model import Commit, Oid, Role
from git_poolside.stack.values import replace

FORK, UPSTREAM = "poolsideai/pytorch", "pytorch/pytorch"
DEC_16 = 1_734_303_600  # 2024-12-15T23:00:00Z
A = Oid("a" * 40)


def commit(subject: str, day: int = 0, body: str = "", author: str = "Pat Cher") -> Commit:
    message = f"{subject}\n\n{body}\n" if body else f"{subject}\n"
    return Commit(A, A, (), f"{author} <pat@x> {DEC_16 + 86400 * day} +0200".encode(), b"", message.encode())


def own(subject: str, day: int = 0, body: str = "", author: str = "Pat Cher") -> Entry:
    return Entry.of(commit(subject, day, body, author), Role.PATCHES, FORK, UPSTREAM)


def pick(subject: str, day: int = 0, body: str = "", verdict: str = "") -> Entry:
    return Entry.of(commit(subject, day, body, "Ann Author"), Role.PICKS, FORK, UPSTREAM, verdict)


def seen(text: bytes) -> str:
    """The text as a reader of the rendered page sees it."""
    return re.sub(r" ?<!-- poolside [0-9a-f]{8} .*? -->", "", text.decode())


ENTRIES = [
    own("Add READMEs (#1)"),
    own("Use our index", 1, "Poolside-Upstream-Pull: 77"),
    pick("Speed up relu (#11)", 2, f"(cherry picked from commit {'c' * 40})"),
]
EXPECTED = f"""{TITLE}
{BEGIN}
* [16th Dec 2024] Add READMEs (Pat Cher). [PR](https://github.com/poolsideai/pytorch/pull/1).
* [17th Dec 2024] Use our index (Pat Cher). [Upstream PR](https://github.com/pytorch/pytorch/pull/77).
* [18th Dec 2024] Speed up relu (Ann Author), picked from upstream ccccccccc. \
[Upstream PR](https://github.com/pytorch/pytorch/pull/11). Not in the snapshot yet.
{END}
"""


def test_a_new_file_has_a_bullet_for_each_patch_with_its_links_and_for_each_pick_with_its_state() -> None:
    made = written(None, ENTRIES)
    assert seen(made) == EXPECTED
    assert written(made, ENTRIES) == made


def test_an_existing_file_is_adopted_and_not_overwritten() -> None:
    theirs = (
        f"{TITLE}\n"
        "* [16th Dec 2024] Added READMEs describing this fork. [PR](https://github.com/poolsideai/pytorch/pull/1).\n"
        "* [17th Dec 2024] Added build Github Actions forkflow. TODO: commit here\n"
    )
    made = written(theirs.encode(), ENTRIES)
    assert seen(made) == (
        f"{TITLE}\n{BEGIN}\n"
        "* [16th Dec 2024] Added READMEs describing this fork. [PR](https://github.com/poolsideai/pytorch/pull/1).\n"
        + "".join(EXPECTED.splitlines(True)[3:5])
        + "* [17th Dec 2024] Added build Github Actions forkflow. TODO: commit here\n"
        f"{END}\n"
    )
    assert written(made, ENTRIES) == made


def test_the_list_is_adopted_where_it_stands_among_prose() -> None:
    text = b"# Title\n\nWe keep:\n- plain\n\n- [2024-12-16] Use our index\n  because\n\n# More\n- [2024-12-17] x\n"
    made = written(text, ENTRIES[1:2])
    assert seen(made) == (
        f"# Title\n\nWe keep:\n- plain\n\n{BEGIN}\n- [2024-12-16] Use our index\n  because\n{END}\n\n"
        "# More\n- [2024-12-17] x\n"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("* [1st Jul 2026] Hand", "* [16th Dec 2024] "),
        ("- [1 Jul 2026] Hand", "- [16 Dec 2024] "),
        ("+ [2026-07-01] Hand", "+ [2024-12-16] "),
        ("* [1st July 2026] Hand", "* [16th December 2024] "),
        ("* [Jul 1, 2026] Hand", "* [Dec 16, 2024] "),
        ("* [July 1st, 2026] Hand", "* [December 16th, 2024] "),
        ("- undated", "- [16th Dec 2024] "),
        ("* [a link](https://x)\n- [2026-07-01] Hand", "- [2024-12-16] "),
        ("nothing", "* [16th Dec 2024] "),
    ],
)
@pytest.mark.parametrize("eol", ["\n", "\r\n"])
def test_bullets_keep_the_style_of_the_file(old: str, new: str, eol: str) -> None:
    text = f"{TITLE}\n{old}\n".replace("\n", eol).encode()
    made = written(text, [own("Our own")])
    assert f"{new}Our own (Pat Cher).".encode() in made
    assert made.count(b"\n") == made.count(eol.encode()) == text.count(b"\n") + 3
    assert [line for line in text.splitlines(True) if line not in made.splitlines(True)] == []


@pytest.mark.parametrize(
    ("day", "written_as"), [(0, "16th"), (-15, "1st"), (-14, "2nd"), (-13, "3rd"), (-5, "11th"), (6, "22nd")]
)
def test_a_day_has_its_ordinal(day: int, written_as: str) -> None:
    assert Style().date(DEC_16 + 86400 * day, "+0200").split()[0] == written_as


def test_S8_odd_times_and_zones_are_written_somehow() -> None:
    assert Style(iso=True).date(DEC_16, "+0000") == "2024-12-15"
    assert Style(iso=True).date(DEC_16, "-9999") == "1970-01-01"
    assert Style(iso=True).date(1 << 60, "+0000") == "1970-01-01"
    assert style_of([]) == Style()


def test_words_on_a_bullet_and_around_it_survive() -> None:
    text = written(None, ENTRIES).decode()
    lines = text.splitlines()
    lines[2] += " Ask Jo first.\n  More on it.\n\n  And more."
    lines[3] = lines[3].replace("Use our index", "Use our own index, always")
    lines.insert(4, "### Picks\n")
    lines.insert(0, "Read this.")
    edited = ("\n".join(lines) + "\n").encode()
    assert written(edited, ENTRIES) == edited
    moved = [ENTRIES[0], ENTRIES[1], pick("Speed up relu (#11)", 2, verdict="reverted-upstream")]
    made = written(edited, moved)
    assert "Taken back upstream." in seen(made)
    assert [line[:33] for line in edited.splitlines() if line not in made.splitlines()] == [
        b"* [18th Dec 2024] Speed up relu ("
    ]


def test_a_state_stays_until_something_new_is_known() -> None:
    reverted = [pick("Speed up relu (#11)", 2, verdict="reverted-upstream")]
    text = written(None, reverted)
    plain = [pick("Speed up relu (#11)", 2, verdict="carried")]
    assert written(text, plain) == text
    assert "in part" in seen(written(text, [pick("Speed up relu (#11)", 2, verdict="landed-partly")]))


def test_the_bullet_of_a_patch_that_is_gone_leaves_only_what_people_wrote() -> None:
    text = written(None, ENTRIES).decode().splitlines()
    text[3] += " Ask Jo first."
    text[4] = text[4].replace("Speed up relu", "Relu, quickly")
    made = written("\n".join(text).encode(), [])
    assert made.decode().splitlines() == [
        TITLE,
        BEGIN,
        "* [17th Dec 2024] Use our index (Pat Cher). [Upstream PR](https://github.com/pytorch/pytorch/pull/77). "
        "Ask Jo first.",
        seen(text[4].encode()),
        END,
    ]


def test_a_bullet_wrapped_by_an_editor_is_still_ours() -> None:
    entries = [own("Use our index", 1)]
    text = written(None, entries)
    wrapped = text.replace(b"index (Pat", b"index\n  (Pat")
    assert written(wrapped, entries) == text


def test_S5_two_patches_with_one_subject_and_two_of_one_moment_are_told_apart() -> None:
    entries = [own("Fix", 0), own("Fix", 1), own("Split one", 2), own("Split two", 2), own("Twin", 3), own("Twin", 3)]
    text = written(None, entries)
    assert len(section(text) or ()) == 6
    assert written(text, entries) == text
    lines = text.decode().splitlines()
    lines[5] += " About two."
    edited = ("\n".join(lines) + "\n").encode()
    assert written(edited, entries) == edited
    assert b"Split two (Pat Cher). <!-- poolside" in written(edited, [entries[1], entries[3]])
    assert b"About two." in written(edited, [entries[1], entries[3]])


def test_a_patch_that_was_reworded_keeps_its_bullet_and_its_words() -> None:
    text = written(None, [own("Use our index")])
    text = text.replace(b" -->\n<!-- poolside changes: end", b" --> Ask Jo.\n<!-- poolside changes: end")
    made = written(text, [own("Use the inner index")])
    assert seen(made).splitlines()[2] == "* [16th Dec 2024] Use the inner index (Pat Cher). Ask Jo."


def test_new_bullets_stand_behind_the_patch_below_them_or_on_top_where_the_newest_is_first() -> None:
    a, b, c = own("One", 0), own("Two", 1), own("Three", 2)
    made = section(written(written(None, [a, c]), [a, b, c]))
    assert made is not None and [line.split()[4] for line in made] == ["One", "Two", "Three"]
    lines = written(None, [a, b]).decode().splitlines()
    lines[2], lines[3] = lines[3], lines[2]
    made = section(written("\n".join(lines).encode(), [a, b, c]))
    assert made is not None and [line.split()[4] for line in made] == ["Three", "Two", "One"]


@pytest.mark.parametrize(
    "lines", [[BEGIN], [END], [END, BEGIN], [BEGIN, BEGIN, END], [BEGIN, END, END], [BEGIN, END, BEGIN, END]]
)
def test_markers_that_are_no_pair_are_left_alone(lines: list[str]) -> None:
    text = "\n".join(["# t", *lines, "x"]).encode()
    with pytest.raises(BrokenMarkers):
        written(text, ENTRIES)
    with pytest.raises(BrokenMarkers):
        section(text)
    assert ChangesFile(b"c").carried(text, text + b"\ny", text) == (text, text + b"\ny")


def test_P13_a_subject_cannot_break_out_of_its_bullet() -> None:
    hostile = own("x --> <!-- poolside 12345678 own --> \x1b[31m\nred", author="E <!-- vil")
    text = written(None, [hostile])
    assert b"\x1b" not in text and text.count(b"<!--") == 3
    assert written(text, [hostile]) == text


def test_S8_an_author_is_read_in_the_encoding_of_the_commit() -> None:
    author = "Jérôme <j@x> 1734303600 +0200".encode("latin-1")
    named = [replace(commit("Ours"), author=author, encoding=name) for name in (b"ISO-8859-1", None, b"no such")]
    fronts = [Entry.of(one, Role.PATCHES, FORK, UPSTREAM).author for one in named]
    assert fronts == ["Jérôme", "J�r�me", "J�r�me"]


def test_bytes_that_are_no_utf8_are_kept() -> None:
    text = b"# caf\xe9\n* [1st Jul 2026] \xff\n"
    made = written(text, [own("Ours")])
    assert b"# caf\xe9\n" in made and b"\xff\n" in made


# As generated text: patches that bring bullets along, hand edits, two people

FILE = ChangesFile(b"poolside-changes.md")
PLAIN = f"{TITLE}\n* one\n".encode()


def test_S6_a_bullet_that_a_patch_brings_along_never_conflicts() -> None:
    before, after = PLAIN + b"* two\n", PLAIN + b"* two\n* three\n"
    assert FILE.carried(before, after, PLAIN) == (PLAIN, PLAIN + b"* three\n")
    assert FILE.carried(before, after, None) == (None, b"* three\n")
    assert FILE.carried(None, PLAIN, PLAIN + b"* two\n") == (PLAIN + b"* two\n", PLAIN + b"* two\n")
    assert FILE.carried(None, PLAIN, None) == (None, PLAIN)
    assert FILE.carried(before, None, PLAIN) == (PLAIN, None)


def test_S6_the_section_is_no_content_of_a_patch() -> None:
    old, new = written(PLAIN, [own("Use our index")]), written(PLAIN, [own("Use our index"), own("More", 1)])
    assert FILE.same(old, new) and not FILE.same(old, new + b"x")
    edited = new.replace(b"Use our index", b"Use it") + b"Prose.\n"
    assert FILE.carried(new, edited, old) == (old, old + b"Prose.\n")
    assert FILE.carried(new, edited, PLAIN.replace(b"* one\n", b"")) == (
        f"{TITLE}\n".encode(),
        f"{TITLE}\nProse.\n".encode(),
    )
    assert FILE.carried(PLAIN, new, PLAIN) == (PLAIN, new)


def test_S6_words_that_two_people_put_on_one_bullet_both_survive() -> None:
    text = written(PLAIN, [own("Use our index")])
    mine, theirs = text.replace(b"index (", b"own index ("), text.replace(b"--> ", b"") + b"P\n"
    theirs = theirs.replace(b"Use our index", b"Use the index")
    both = combined(text, mine, theirs)
    assert b"own index" in both and b"the index" in both and both.endswith(b"P\n")


def test_S6_no_word_is_ever_lost() -> None:
    dice = random.Random(5)
    entries = [own(f"Patch {n}", n) for n in range(6)]
    for _ in range(200):
        text = written(PLAIN, entries[: dice.randrange(7)])
        said: list[bytes] = []
        for _ in range(dice.randrange(6)):
            word = b"w%dw" % len(said)
            lines = text.split(b"\n")
            at = dice.randrange(1, len(lines))
            if dice.random() < 0.5 and not lines[at].startswith(b"<!--"):
                lines[at] += b" " + word
            else:
                lines.insert(at, dice.choice([b"", b"  ", b"* ", b"## "]) + word)
            said.append(word)
            text = b"\n".join(lines)
            some = dice.sample(entries, dice.randrange(7))
            made = written(text, sorted(some, key=entries.index))
            assert written(made, sorted(some, key=entries.index)) == made
            assert [w for w in said if w not in made] == []
            text = made
