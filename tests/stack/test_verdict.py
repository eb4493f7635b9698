"""When a patch may be dropped: upstream's events about it, and the table of verdicts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from git_poolside.stack.model import Commit, Fate, Oid, Role, Verdict
from git_poolside.stack.verdict import (
    Content,
    Decision,
    Evidence,
    History,
    Identity,
    State,
    UpstreamCommit,
    aftermath,
    identify,
    judge,
)

REPO = "pytorch/pytorch"
PULL = "\n\nPull Request resolved: https://github.com/pytorch/pytorch/pull/"


def oid(number: int) -> Oid:
    return Oid(f"{number:x}".rjust(4, "0") * 10)


def history(*messages: str, after: Sequence[str] = ()) -> History:
    """Upstream's commits 1, 2, … up to the target, then those after it."""
    commits = [
        UpstreamCommit.of(oid(number), number, message, REPO) for number, message in enumerate([*messages, *after], 1)
    ]
    return History.of(commits, len(messages))


def patch(message: str) -> Commit:
    return Commit(oid(99), oid(98), (oid(97),), b"A <a> 1 +0000", b"A <a> 1 +0000", message.encode())


def found(
    message: str, upstream: History, same: Sequence[Oid] = (), role: Role = Role.PICKS
) -> tuple[State, list[int], list[int], tuple[str, ...]]:
    """The state, and the landings and reverts by number."""
    identity = identify(patch(message), role, upstream, same, REPO)
    numbers = [[one.time for one in group] for group in (identity.landings, identity.reverts)]
    return identity.state, numbers[0], numbers[1], identity.signals


def revert(number: int, title: str, why: str = "") -> str:
    return f'Revert "{title}"\n\nThis reverts commit {oid(number)}.\n{why}'


def test_nothing_of_upstreams_is_about_the_patch() -> None:
    assert found("X (#5)", history("Y (#6)", "Z")) == (State.NONE, [], [], ())


@pytest.mark.parametrize(
    ("message", "same", "signals"),
    [
        ("X (#5)", [], ("pull",)),
        ("Another title" + PULL + "5\n", [], ("pull",)),
        (f"X\n\n(cherry picked from commit {oid(2)})\n", [], ("trailer",)),
        ("Wholly different", [oid(2)], ("patch-id",)),
        (f"X (#5)\n\n(cherry picked from commit {oid(2)})\n", [oid(2)], ("trailer", "pull", "patch-id")),
    ],
)
def test_L1_each_signal_alone_names_the_landing(message: str, same: list[Oid], signals: tuple[str, ...]) -> None:
    assert found(message, history("W (#4)", "X (#5)"), same) == (State.LANDED, [2], [], signals)


@pytest.mark.parametrize(
    "upstream",
    ["X (#50)", "X (#15)", "X (#5) (#6)", "Y (#6)\n\nfollows X (#5)", "X", "Y (#6)\n\nPull Request resolved: #5"],
)
def test_L9_numbers_and_titles_alone_match_nothing(upstream: str) -> None:
    assert found("X (#5)", history(upstream))[0] is State.NONE


def test_L9_a_bare_number_in_a_picks_subject_counts_with_its_title_alone() -> None:
    """The fork's own patch, merged there as its #12, was moved to the picks: upstream's #12 is something else."""
    upstream = history(f"Add a launcher (#12){PULL}12")
    assert found("Tune the loader (#12)", upstream) == (State.NONE, [], [], ())
    assert found("Add a launcher (#12)", upstream) == (State.LANDED, [1], [], ("pull",))
    assert found("Tune the loader (#12)\n\nPoolside-Pull: 12\n", upstream) == (State.LANDED, [1], [], ("pull",))


def test_L9_an_own_patchs_number_is_the_forks() -> None:
    assert found("X (#5)", history("Y (#5)"), role=Role.PATCHES)[0] is State.NONE


def test_a_trailer_that_names_a_commit_nobody_has_is_no_landing() -> None:
    assert found(f"X\n\n(cherry picked from commit {oid(77)})\n", history("X"))[0] is State.NONE


@pytest.mark.parametrize(
    "taking_back",
    [
        revert(1, "X (#5)"),
        'Revert "X (#5)" (#9)\n\nReverts pytorch/pytorch#5\n',
        f"Revert {oid(1)[:10]}, which broke iOS (#9)\n",
        'Revert "X (#5)" (#9)\n',
        'Back out "X" (#9)\n',
    ],
)
def test_L6_landed_then_reverted_in_every_form(taking_back: str) -> None:
    assert found("X (#5)", history("X (#5)", taking_back))[:3] == (State.REVERTED, [1], [2])


@pytest.mark.parametrize(
    "bringing_back",
    [
        "X (#5)",
        "[reland] X (#9)",
        "[Reland2] X (#9)",
        'Reland "X" (#9)',
        'Reapply "X (#5)" (#9)',
        "X, mended (#9)\n\nReland of #5\n",
        'Revert "Revert "X (#5)"" (#9)\n\n' + f"This reverts commit {oid(2)}.\n",
        'Revert "Revert "X (#5)"" (#9)',
        f'Back out "Revert X"\n\nThis reverts commit {oid(2)}.',
    ],
)
def test_L7_reverted_then_relanded_in_every_form(bringing_back: str) -> None:
    upstream = history("X (#5)", revert(1, "X (#5)"), bringing_back)
    assert found("X (#5)", upstream)[:3] == (State.LANDED, [1, 3], [2])


def test_L7_a_title_that_the_forge_has_cut_is_known_by_its_beginning() -> None:
    title = "Add a number of options, and default to those that are used most"
    upstream = history(f"{title} (#5)", f'Revert "{title[:40]}… (#9)', f"[Reland] {title[:45]}…")
    assert found(f"{title} (#5)", upstream)[:3] == (State.LANDED, [1, 3], [2])
    short = history(f"{title} (#5)", f'Revert "{title[:12]}… (#9)')
    assert found(f"{title} (#5)", short)[:3] == (State.LANDED, [1], [])


def test_L7_the_last_event_decides() -> None:
    events = ["X (#5)", revert(1, "X (#5)"), "[reland] X (#9)", revert(3, "[reland] X (#9)")]
    assert found("X (#5)", history(*events))[:3] == (State.REVERTED, [1, 3], [2, 4])
    events.append("[Reland2] X (#12)")
    assert found("X (#5)", history(*events))[:3] == (State.LANDED, [1, 3, 5], [2, 4])


def test_L7_the_signals_are_those_of_the_landing_that_stands() -> None:
    upstream = history("X (#5)", revert(1, "X (#5)"), "[reland] X (#9)")
    assert found("X (#5)", upstream, [oid(1)]) == (State.LANDED, [1, 3], [2], ("reland",))


def test_a_revert_of_something_else_with_the_same_title_takes_nothing_back() -> None:
    upstream = history("Y (#4)", "X (#5)", revert(1, "X"))
    assert found("X (#5)", upstream)[:3] == (State.LANDED, [2], [])


def test_a_revert_before_any_landing_is_about_something_else() -> None:
    assert found("X", history('Revert "X"'))[0] is State.NONE


def test_a_pick_whose_origin_landed_before_the_base_and_is_reverted_since() -> None:
    picked = f"X (#5)\n\n(cherry picked from commit {oid(77)})\n"
    assert found(picked, history(revert(77, "X (#5)")))[:3] == (State.REVERTED, [], [1])


def test_L8_events_after_the_target_only_give_a_note() -> None:
    def later(*messages: str) -> int | None:
        identity = identify(patch("X (#5)"), Role.PICKS, history("Y", after=messages), (), REPO)
        assert identity.state is State.NONE
        return identity.later.time if identity.later else None

    assert later("Z", "X (#5)") == 3
    assert later("X (#5)", revert(2, "X (#5)")) is None
    assert later("X (#5)", revert(2, "X (#5)"), "[reland] X (#6)") == 4
    upstream = history("X (#5)", after=[revert(1, "X (#5)")])
    assert found("X (#5)", upstream)[:3] == (State.LANDED, [1], [])


def test_a_landing_that_is_taken_back_after_the_target_is_known() -> None:
    identity = identify(patch("X (#5)"), Role.PICKS, history("X (#5)", after=[revert(1, "X (#5)")]), (), REPO)
    assert (identity.state, identity.undone_later and identity.undone_later.time) == (State.LANDED, 2)


@pytest.mark.parametrize(
    ("upstream", "state"),
    [
        (history("Y"), State.LANDED),
        (history("Y", revert(77, "X (#5)")), State.REVERTED),
        (history('Revert "X (#5)" (#9)\n\nReverts pytorch/pytorch#5\n'), State.REVERTED),
        (history(revert(77, "X (#5)"), "[reland] X (#9)"), State.LANDED),
        (history(revert(77, "X (#5)"), "X (#5)"), State.LANDED),
        (history(revert(77, "X (#5)"), "X (#5)", revert(2, "X (#5)")), State.REVERTED),
        (history("Y", after=[revert(77, "X (#5)")]), State.LANDED),
    ],
)
def test_L16_what_became_of_a_landing_from_before(upstream: History, state: State) -> None:
    assert aftermath(oid(77), "X (#5)", upstream, REPO).state is state


def test_L16_the_landing_may_lie_in_the_history_itself() -> None:
    upstream = history("W", "X (#5)", revert(2, "X (#5)"))
    assert aftermath(oid(2), "X (#5)", upstream, REPO).state is State.REVERTED


def test_L5_several_commits_can_land_one_patch() -> None:
    assert found("X (#5)", history("X, first half (#5)", "X, the rest (#5)"))[:2] == (State.LANDED, [1, 2])


# The table of design's "Verdicts"

LANDED = Decision(Verdict.LANDED, Fate.DROPPED)
SILENTLY = Decision(Verdict.UNDONE_SILENTLY, Fate.UNRESOLVED, "undone-silently")
TWEAKED = Decision(Verdict.LANDED_TWEAKED, Fate.DROPPED)
TWEAKED_ASKED = Decision(Verdict.LANDED_TWEAKED, Fate.UNRESOLVED, "landed-tweaked")
RELAND = UpstreamCommit.of(oid(5), 5, "[reland] X (#9)", REPO)
RELANDED = Decision(Verdict.REVERTED_UPSTREAM, Fate.UNRESOLVED, "undone-silently")
EMPTY, CLEAN, CONFLICT = Content.EMPTY, Content.CLEAN, Content.CONFLICT


@pytest.mark.parametrize(
    ("state", "evidence", "pick", "own"),
    [
        (State.LANDED, Evidence(EMPTY), LANDED, LANDED),
        (State.LANDED, Evidence(CONFLICT, same_change=True), LANDED, LANDED),
        (State.LANDED, Evidence(CLEAN, same_change=True, reverse_applies=True), LANDED, LANDED),
        (State.LANDED, Evidence(CLEAN, same_change=True), SILENTLY, SILENTLY),
        (State.LANDED, Evidence(CONFLICT, same_change=True, undone=True), SILENTLY, SILENTLY),
        (State.LANDED, Evidence(CONFLICT, undone=True), SILENTLY, SILENTLY),
        (State.LANDED, Evidence(CONFLICT, held=True), LANDED, LANDED),
        (State.LANDED, Evidence(CONFLICT, held=True, undone=True), SILENTLY, SILENTLY),
        (State.NONE, Evidence(CLEAN, relanded=RELAND), RELANDED, RELANDED),
        (State.REVERTED, Evidence(CONFLICT, relanded=RELAND), RELANDED, RELANDED),
        (State.NONE, Evidence(EMPTY, relanded=RELAND), Decision(Verdict.EMPTIED, Fate.DROPPED), None),
        (State.LANDED, Evidence(CONFLICT), TWEAKED, TWEAKED_ASKED),
        (State.LANDED, Evidence(CLEAN, lines_gone=True), Decision(Verdict.LANDED_PARTLY, Fate.KEPT), None),
        (State.LANDED, Evidence(CLEAN), Decision(Verdict.CHANGED, Fate.KEPT), None),
        (State.REVERTED, Evidence(EMPTY), LANDED, LANDED),
        (State.REVERTED, Evidence(CLEAN), Decision(Verdict.REVERTED_UPSTREAM, Fate.KEPT), None),
        (State.REVERTED, Evidence(CONFLICT), Decision(Verdict.REVERTED_UPSTREAM, Fate.UNRESOLVED), None),
        (State.NONE, Evidence(EMPTY), Decision(Verdict.EMPTIED, Fate.DROPPED), None),
        (State.NONE, Evidence(EMPTY, born_empty=True), Decision(Verdict.CHANGED, Fate.KEPT), None),
        (State.REVERTED, Evidence(EMPTY, born_empty=True), Decision(Verdict.REVERTED_UPSTREAM, Fate.KEPT), None),
        (State.NONE, Evidence(CLEAN, same_patch_id=True), Decision(Verdict.CARRIED, Fate.KEPT), None),
        (State.NONE, Evidence(CLEAN), Decision(Verdict.CHANGED, Fate.KEPT), None),
        (State.NONE, Evidence(CONFLICT), Decision(Verdict.CONFLICT, Fate.UNRESOLVED), None),
    ],
)
def test_the_table(state: State, evidence: Evidence, pick: Decision, own: Decision | None) -> None:
    assert judge(Role.PICKS, state, evidence) == pick
    assert judge(Role.PATCHES, state, evidence) == (own or pick)


def test_without_events_an_identity_is_empty() -> None:
    assert identify(patch("X"), Role.PICKS, history(), (), REPO) == Identity(State.NONE)
