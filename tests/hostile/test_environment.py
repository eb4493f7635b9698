"""P7, P13: variables of git change no result; what they would break is refused in words."""

from __future__ import annotations

import json

import pytest

from tests.conftest import TEN, Run
from tests.scenario import World

HARMLESS = {
    "GIT_EXTERNAL_DIFF": "touch pwned;false", "GIT_PAGER": "touch pwned", "GIT_DIFF_OPTS": "--unified=0",
    "GIT_LITERAL_PATHSPECS": "1", "GIT_ICASE_PATHSPECS": "1", "GIT_TRACE": "1", "GIT_TRACE2": "1",
    "GIT_REFLOG_ACTION": "-x\nevil", "GIT_CONFIG_PARAMETERS": "'color.ui=always' 'core.quotePath=true'",
    "GIT_CHERRY_PICK_HELP": "help", "GIT_SEQUENCE_EDITOR": "touch pwned", "GIT_EDITOR": "touch pwned",
    "GIT_MERGE_VERBOSITY": "5", "GIT_DEFAULT_HASH": "sha256", "GIT_ATTR_SOURCE": "HEAD", "GIT_OPTIONAL_LOCKS": "0",
    "GIT_REPLACE_REF_BASE": "refs/elsewhere/", "GIT_PREFIX": "../../x/", "GIT_ADVICE": "0", "GIT_FLUSH": "0",
    "GIT_ASKPASS": "touch pwned", "LC_ALL": "de_DE.UTF-8", "GIT_POOLSIDE_CONFIG": "",
}  # fmt: skip


@pytest.mark.parametrize("name", HARMLESS)
def test_P7_a_variable_of_git_changes_no_result(
    simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    plain, clone = simple.clone("plain"), simple.clone()
    assert poolside(plain, "sync").status == 0
    with monkeypatch.context() as within:
        within.setenv(name, HARMLESS[name])
        result = poolside(clone, "sync")
        assert result.status == 0, result
    assert clone.refs("refs/heads") == plain.refs("refs/heads")
    assert clone.git("status", "--porcelain") == ""
    assert not list(simple.root.rglob("pwned"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("GIT_DIR", "/nowhere"), ("GIT_WORK_TREE", "/nowhere"), ("GIT_OBJECT_DIRECTORY", "/nowhere"),
     ("GIT_COMMON_DIR", "/nowhere"), ("GIT_NAMESPACE", "../x"), ("GIT_COMMITTER_NAME", "<\x1b[2J>"),
     ("GIT_COMMITTER_DATE", "\x1b[2J"), ("GIT_CONFIG_PARAMETERS", "\x1b[2J"), ("GIT_CONFIG_COUNT", "x"),
     ("GIT_CONFIG_GLOBAL", "/nowhere"), ("GIT_INDEX_FILE", "/nowhere/index"), ("PATH", "/nowhere")],
)  # fmt: skip
def test_P7_a_variable_that_breaks_git_is_refused_in_words(
    simple: World, poolside: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    clone = simple.clone()
    before = clone.refs()
    with monkeypatch.context() as within:
        within.setenv(name, value)
        results = [poolside(clone, *words) for words in (["status"], ["sync", "-n"])]
    for result in results:
        assert result.status in (0, 1, 5, 128), result
        assert not {"\x1b", "\r"} & set(result.err) and "Traceback" not in result.err
        assert result.status == 0 or "hint: " in result.err
    assert clone.refs() == before


def test_P7_L18_literal_pathspecs_hide_no_commit(world: World, poolside: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who touched the path is asked where upstream undid a change without a word about it."""
    world.land({"a.py": TEN}, "Begin", 1)
    world.nightly("2026-07-03")
    world.fork_at()
    patch = {"a.py": TEN.replace("line 2\n", "line two\n")}
    world.patch(patch, "Speed up relu (#11)\n")
    world.land(patch, "Speed up relu", 11)
    world.land({"a.py": TEN}, "Clean up", 12)
    world.land({"a.py": TEN.replace("line 2\n", "line zwei\n")}, "Edit on", 13)
    world.nightly("2026-07-10")
    clone = world.clone()
    with monkeypatch.context() as within:
        within.setenv("GIT_LITERAL_PATHSPECS", "1")
        result = poolside(clone, "sync", "-n", "--json")
    assert (result.status, [snag["name"] for snag in json.loads(result.out)["snags"]]) == (1, ["undone-silently"])


@pytest.mark.parametrize("word", ["--abort", "--skip"])
@pytest.mark.parametrize("name", ["GIT_GLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"])
def test_P7_a_variable_about_pathspecs_keeps_nobody_in_a_stop(
    stopped: World, poolside: Run, monkeypatch: pytest.MonkeyPatch, name: str, word: str
) -> None:
    clone = stopped.there()
    with monkeypatch.context() as within:
        within.setenv(name, "1")
        result = poolside(clone, "sync", word)
    assert result.status == 0, result
    assert not clone.refs("refs/poolside/stopped")
    assert clone.git("status", "--porcelain") == ""
