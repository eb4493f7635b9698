"""P13: no pattern and no text can hang the tool."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_poolside.config import Config, parse
from git_poolside.errors import PoolsideError, Refused
from git_poolside.git.subjects import Subjects
from git_poolside.live import answer
from git_poolside.stack import changes, names, nightly, proposal, provenance, source, version
from git_poolside.terminal import without_passwords
from tests.conftest import Run
from tests.scenario import World

FOR_EVER = r"^(?P<commit>(a+)+)$"
SLOW = (
    FOR_EVER,
    r"^(?P<commit>(a|a)*)$",
    r"^(?P<commit>(.*)*)b$",
    r"(?P<commit>(?:a?){99}a{99})",
    r"(?P<commit>x)|(a*)*b",
)


@pytest.mark.parametrize("pattern", SLOW)
def test_P13_a_pattern_that_takes_for_ever_is_ended(pattern: str) -> None:
    subjects = Subjects(pattern, 0.03)
    began = process_time()
    with pytest.raises(Refused) as error:
        for length in range(1, 400):
            subjects.parse("a" * length + "!", 0)
        raise Refused("fast enough", hints=[])
    assert process_time() - began < 2
    assert error.value.message in (
        "nightly.pattern takes too long to match the subjects of the nightly branch",
        "fast enough",
    )


def test_P13_the_time_is_for_all_subjects_together() -> None:
    subjects = Subjects(r"^(?P<commit>(a+)+)$", 0.03)
    began = process_time()
    with pytest.raises(Refused):
        for _ in range(10_000):
            subjects.parse("a" * 17 + "!", 0)
    assert process_time() - began < 2


def test_P13_the_timer_is_put_away_and_no_thread_needs_one() -> None:
    import signal

    subjects = Subjects(Config().nightly.pattern)
    subject = f"2026-07-03 nightly release ({'1' * 40})"
    assert subjects.parse(subject, 0) == ("2026-07-03", "1" * 40)
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGVTALRM) is signal.SIG_DFL
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(subjects.parse(subject, 0)))
    thread.start()
    thread.join()
    assert found == [("2026-07-03", "1" * 40)]


def test_P13_commands_refuse_a_pattern_that_takes_for_ever(
    simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("git_poolside.git.subjects._SECONDS", 0.05)
    monkeypatch.setattr(Subjects.__init__, "__defaults__", (0.05,))
    simple.patch({".poolside.toml": f"[nightly]\npattern = '{FOR_EVER}'\n"}, "Configure\n")
    simple.commit(simple.upstream, "nightly", {}, "a" * 300 + "!\n")
    clone = simple.clone()
    for words in (("sync",), ("nightly",), ("status",)):
        began = process_time()
        result = poolside(clone, *words)
        assert process_time() - began < 3
        assert result.status == 1
        assert result.err.startswith(
            "error: nightly.pattern takes too long to match the subjects of the nightly branch\nhint: "
        )
    monkeypatch.chdir(clone.path)
    assert answer(["nightlies"]) == 0


@pytest.mark.parametrize(
    "pattern", ["(", "(" * 900, "a{99999999999999999999}", "(?P<commit>x" + ")" * 2, "x" * 2000, "[z-a]"]
)
def test_P13_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(Refused, match=r"x:2: nightly\.pattern "):
        parse(f"[nightly]\npattern = '{pattern}'\n", "x")


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000, "a = 2026-02-30", "a = ", "\x00"])
def test_P13_toml_that_no_reader_likes_is_refused(text: str) -> None:
    with pytest.raises(Refused, match=r"^x: "):
        parse(text, "x")


LONG = 20_000
HEAVY = st.builds(
    lambda unit, end, front: front + unit * (LONG // max(len(unit), 1)) + end,
    st.sampled_from(
        [" ", "(#1", "(#1) ", "a", "a ", '"', 'Revert "', "\t", "\n", "://", "://a:", "@", ":", ".lock", "/a",
         "reland ", "reland #1, ", "* [", "<!-- poolside ", "1", "- ", "Poolside-", "Poolside-X: a\n", "é"]
    ),
    st.sampled_from(["", "!", "\x00", ")", '"', "@", "…"]),
    st.sampled_from(["", 'Revert "', "reland ", "Poolside-Picks: ", "* [", "https://", "Reverted ", "#"]),
)  # fmt: skip


@given(HEAVY)
def test_P13_no_text_makes_our_own_patterns_slow(text: str) -> None:
    """20,000 characters of what a pattern repeats: what is quadratic takes seconds, what is exponential for ever."""
    readers: tuple[Callable[[str], object], ...] = (
        provenance.Provenance.of, provenance.bare_title, provenance.revert_reason, provenance.cherry_origin,
        names.is_branch, names.is_url, names.is_path, without_passwords,
        lambda text: provenance.pull_number(text, "o/r"), lambda text: provenance.undoing(text, "o/r"),
        lambda text: source.parse(text, "o/r"), lambda text: nightly.choose([], text), lambda text: parse(text, "x"),
        lambda text: changes.written(text.encode(), []), lambda text: version.find(text.encode(), "X"),
        lambda text: proposal.offered_message(text.encode(), picked=True),
    )  # fmt: skip
    for reader in readers:
        began = process_time()
        with suppress(PoolsideError, changes.BrokenMarkers):
            reader(text)
        assert process_time() - began < 1, reader
