"""What ``--explain`` says: the keys, the events, the checks, the rule, and what could change it."""

from __future__ import annotations

from git_poolside.stack.explanation import Grounds, Searched, explain, explain_dropped, explain_plainly
from git_poolside.stack.model import Commit, Conflict, Dropped, Fate, Oid, PatchResult, Role, Verdict
from git_poolside.stack.verdict import (
    Content,
    Evidence,
    Identity,
    State,
    UpstreamCommit,
    aftermath,
    identify,
    judge,
)
from tests.stack.test_verdict import REPO, history, oid, patch, revert

DAY = 86400


def grounds(commit: Commit, role: Role, identity: Identity, evidence: Evidence, result: Oid | Conflict) -> Grounds:
    decision = judge(role, identity.state, evidence)
    return Grounds(role, commit, identity, evidence, result, decision, decision)


def account(found: Grounds, reason: str) -> PatchResult:
    decided = found.decided
    return PatchResult(
        found.role, found.commit.oid, None, found.commit.subject, decided.fate, decided.verdict, reason
    )  # fmt: skip


def test_a_landed_pick_with_all_that_is_known() -> None:
    title = "A subject that goes on and on, about all the things that it does, so that it has to be wrapped"
    pick = patch(f"{title} (#5)\n\n(cherry picked from commit {oid(2)})\n")
    identity = identify(pick, Role.PICKS, history("W (#4)", f"{title} (#5)"), [oid(2)], REPO)
    found = grounds(pick, Role.PICKS, identity, Evidence(Content.EMPTY, True, True), oid(1))
    searched = Searched(2, ["a.py", "b.py", "c.py", "d.py", "e.py"], [oid(2)], {oid(2): "in the nightly of 2026-07-10"})
    assert explain(found, account(found, "landed as told"), searched) == [
        "006300630 A subject that goes on and on, about all the things that it does, so that it has to be",
        "  wrapped (#5)",
        "  what it is known by",
        "    layer         picks",
        "    origin        picked from 000200020",
        "    number        pull request #5",
        "    patch-id      the same as of 000200020",
        "    paths         a.py, b.py, c.py, d.py and 1 more",
        "  upstream's commits about it, of 2 searched",
        "    landed        000200020 A subject that goes on and on, about all the things that it does, so",
        "                  that it has to be wrapped (#5) (1970-01-01), in the nightly of 2026-07-10",
        "    named by      trailer, pull, patch-id",
        "  content",
        "    replay        empty: nothing of it is left to do",
        "    same-result   yes: it gives the landing's files on the parent of it",
        "    reverse-apply yes: it can be taken back from the snapshot",
        "  rule",
        "    landed, and it is empty -> dropped",
        "  verdict",
        "    landed: dropped",
        "    landed as told",
        "  what could change it",
        "    a revert of the landing by upstream: a later sync asks whether to put it back",
    ]


def test_an_own_patch_in_conflict_whose_landing_differs() -> None:
    own = patch("X\n\nPoolside-Pull: 5\n")
    identity = identify(own, Role.PATCHES, history("X (#5)"), [], REPO)
    found = grounds(own, Role.PATCHES, identity, Evidence(Content.CONFLICT), Conflict(("a.py",)))
    assert explain(found, account(found, ""), Searched(1, ["a.py"]))[9:] == [
        "    named by      pull",
        "  content",
        "    replay        conflict in a.py",
        "    same-result   no (yes would be: it gives the landing's files on the parent of it)",
        "    undone since  no (yes would be: at a later commit it applied anew)",
        "    elsewhere     no (yes would be: it touches paths that no landing does)",
        "  rule",
        "    landed in another form, an own patch in conflict -> asked",
        "  verdict",
        "    landed-tweaked: unresolved",
        "  what could change it",
        "    --keep 006300630 keeps it, with a stop to resolve the conflict",
        "    --drop 006300630 drops it",
        "    --allow landed-tweaked answers for all such patches",
    ]


def test_reverts_are_told_with_upstreams_words_and_answers_with_the_rule() -> None:
    pick = patch("X (#5)")
    why = "Reverted https://github.com/a/b/pull/5 on behalf of c due to it broke iOS"
    identity = identify(pick, Role.PICKS, history("X (#5)", revert(1, "X (#5)", why), after=["X (#5)"]), [], REPO)
    found = grounds(pick, Role.PICKS, identity, Evidence(Content.CLEAN), oid(1))
    lines = explain(found, account(found, ""), Searched(3))
    assert lines[7:17] == [
        "  upstream's commits about it, of 3 searched",
        "    landed        000100010 X (#5) (1970-01-01)",
        '    taken back    000200020 Revert "X (#5)" (1970-01-01): it broke iOS',
        "    lands later   000300030 X (#5) (1970-01-01)",
        "  content",
        "    replay        clean: it applies",
        "  rule",
        "    reverted upstream, and it is not empty -> kept (a conflict stops)",
        "  verdict",
        "    reverted-upstream: kept",
    ]


def test_L16_a_remembered_patch() -> None:
    entry = Dropped(oid(9), oid(77), Role.PICKS)
    landed = UpstreamCommit.of(oid(77), 30 * DAY, "X (#5)", REPO)
    since = aftermath(oid(77), "X (#5)", history("Y", revert(77, "X (#5)")), REPO)
    assert since.state is State.REVERTED
    assert explain_dropped(entry, "X (#5)", landed, since, "was dropped, and …") == [
        "000900090 X (#5)",
        "  what it is known by",
        "    remembered    dropped from the picks as it had landed",
        "  upstream's commits about it",
        "    landed        004d004d0 X (#5) (1970-01-31)",
        '    taken back    000200020 Revert "X (#5)" (1970-01-01)',
        "  rule",
        "    recorded as dropped at an earlier sync, its landing reverted since -> returned: asked",
        "      (dropped-then-reverted)",
        "  what could change it",
        "    --keep 000900090 puts it back",
        "    --drop 000900090 leaves it out for good",
    ]
    assert explain_dropped(entry, "X (#5)", landed, aftermath(oid(77), "X", history(), REPO), "")[-1:] == [
        "    --keep 000900090 puts it back"
    ]


def test_what_no_table_was_asked_about() -> None:
    stamp = PatchResult(Role.PATCHES, oid(9), oid(9), "Set the version", Fate.KEPT, Verdict.STAMP)
    assert explain_plainly(stamp) == ["000900090 Set the version", "  verdict", "    stamp: kept"]
