"""P13: no name becomes an option, runs a helper, leaves the worktree or goes through a link."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from git_poolside.errors import Refused
from git_poolside.stack import names
from tests.conftest import Run
from tests.scenario import PATTERN_FILE, Link, World

HELPERS = (
    "ext::sh -c touch% pwned", "fd::3", "file::/tmp/x", "--upload-pack=touch pwned", "-oProxyCommand=touch:x",
    "ssh://-oProxyCommand=touch/x", "ssh://user@-oProxyCommand=touch/x", "-x:path", "user@-x:path", "",
)  # fmt: skip
ELSEWHERE = (
    "../x", "a/../../x", "/etc/x", ".git/hooks/post-checkout", ".GIT/config", "a/.Git/x", ".git./x", ".git /x",
    ".git\u200c/x", ".g\u200dit/config", "git~1/config", "GIT~1/x", ".git::$INDEX_ALLOCATION/x", "a\\..\\x", "a//b",
    "a/", "./a", "-x", ":(top)x", ":!x", "a\0b", "a\nb", "\x1b[2J", "",
)  # fmt: skip


@pytest.mark.parametrize("url", HELPERS)
def test_P13_no_helper_runs_from_a_url_of_the_configuration(simple: World, poolside: Run, url: str) -> None:
    simple.patch({".poolside.toml": f"[remotes]\nupstream-url = {json.dumps(url)}\n"}, "Configure\n")
    clone = simple.clone()
    clone.git("config", "--remove-section", "remote.upstream")
    for words in (["init"], ["sync"], ["status"], ["init", f"--upstream={url}"]):
        assert poolside(clone, *words).status in (1, 129), words
    assert clone.git("config", "--get", "remote.upstream.url", check=False) == ""
    assert not list(simple.root.rglob("pwned"))


@pytest.mark.parametrize(
    "name", ["-x", "--upload-pack=touch pwned", "ext::sh", "../fork.git", "a b", "a\nb", ".x", "@"]
)
def test_P13_no_name_of_the_configuration_becomes_an_option(simple: World, poolside: Run, name: str) -> None:
    clone = simple.clone()
    for key in ("remotes.fork", "remotes.upstream", "branches.patches", "branches.picks", "upstream.branch",
                "nightly.branch"):  # fmt: skip
        table, _, word = key.partition(".")
        (simple.root / "evil.toml").write_text(f"[{table}]\n{word} = {json.dumps(name)}\n")
        result = poolside(clone, "sync", "--config", str(simple.root / "evil.toml"))
        assert (result.status, f":2: {key} is no valid name" in result.err) == (1, True), result.err
    assert not list(simple.root.rglob("pwned"))


def test_P13_a_branch_and_a_tag_that_look_like_options_are_left_alone(simple: World, poolside: Run) -> None:
    """git makes no such ref by command, but takes one from a server or a file."""
    clone = simple.clone()
    for repo in (simple.fork, simple.upstream, clone):
        for kind in ("heads", "tags"):
            ref = repo.path / (".git" if (repo.path / ".git").exists() else "") / f"refs/{kind}/--output=pwned"
            ref.write_text(repo.rev("HEAD") + "\n")
    for look in ("status", "sync", "push", "undo", "doctor", "cherry-pick list", "log"):
        assert poolside(clone, *look.split()).status in (0, 1), look
    for word in ("--output=pwned", "-x", "--", "-"):
        for words in (
            ["sync", f"--onto={word}"],
            ["sync", f"--keep={word}"],
            ["cherry-pick", "drop", "--", word],
            ["cherry-pick", "add", "--", word],
            ["undo", "--", word],
            ["range-diff", "--", word],
        ):
            assert poolside(clone, *words).status in (0, 1, 129), words
    assert not list(simple.root.rglob("pwned"))


@pytest.mark.parametrize("path", ELSEWHERE)
def test_P13_no_file_of_the_configuration_lies_elsewhere(simple: World, poolside: Run, path: str) -> None:
    clone = simple.clone()
    for key in ("version.file", "version.base-file", "changes.file"):
        table, _, word = key.partition(".")
        (simple.root / "evil.toml").write_text(f"[{table}]\n{word} = {json.dumps(path)}\n")
        result = poolside(clone, "sync", "--config", str(simple.root / "evil.toml"))
        said = f":2: {key} has to be a path inside the repository, not {path!r}"
        assert (result.status, said in result.err) == (1, True), result.err


@pytest.mark.parametrize("linked", ["folder", "file", "git"])
def test_P13_nothing_is_written_through_a_link_of_the_tree(simple: World, poolside: Run, linked: str) -> None:
    outside = simple.root / "outside"
    outside.mkdir()
    (outside / "changes.md").write_text("mine\n")
    target = {"folder": str(outside), "file": str(outside / "changes.md"), "git": ".git"}[linked]
    where = "notes" if linked != "file" else "notes/changes.md"
    text = '[changes]\nfile = "notes/changes.md"\n[version]\nfile = "notes/version.yaml"\n'
    simple.patch({where: Link(target), ".poolside.toml": text}, "Link\n")
    clone = simple.clone()
    before = sorted(path.name for path in (clone.path / ".git").iterdir())
    for words in (("changes", "--write"), ("sync",), ("init",)):
        assert poolside(clone, *words).status in (0, 1)
    assert (outside / "changes.md").read_text() == "mine\n"
    assert [path.name for path in outside.iterdir()] == ["changes.md"]
    assert {path.name for path in (clone.path / ".git").iterdir()} - set(before) <= {"poolside", "ORIG_HEAD", "logs"}


def test_P13_init_does_not_write_through_a_link(simple: World, poolside: Run) -> None:
    clone = simple.clone()
    for target in (simple.root / "elsewhere.toml", clone.path / ".git/hooks/post-checkout"):
        (clone.path / ".poolside.toml").unlink(missing_ok=True)
        (clone.path / ".poolside.toml").symlink_to(target)
        poolside(clone, "init", "--nightly-branch", "nightly", "--snapshot", "main")
        assert not target.exists()


def test_P13_a_link_where_the_version_file_is_stays_a_link(simple: World, poolside: Run) -> None:
    (simple.root / "theirs.yaml").write_text('PYTORCH_BUILD_VERSION_PREFIX: "2.9.0.dev20260703+cu126.poolside"\n')
    simple.patch({PATTERN_FILE: Link(str(simple.root / "theirs.yaml"))}, "Link\n")
    clone = simple.clone()
    assert poolside(clone, "sync").status == 0
    assert "20260703" in (simple.root / "theirs.yaml").read_text()
    assert os.readlink(clone.path / PATTERN_FILE) == str(simple.root / "theirs.yaml")  # noqa: PTH115


PIECES = [*"a-.:/\\ @{}~^*?[\x00\x1b\n\u200c", "..", ".git", ".lock", "//", "::"]
ODD = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@given(ODD)
@example("a/.b")
def test_P13_what_may_be_a_branch_is_one_to_git_and_no_option(name: str) -> None:
    if names.is_branch(name):
        assert git_takes_the_ref(f"refs/heads/{name}") and not name.startswith("-")


def git_takes_the_ref(ref: str) -> bool:
    """The rules of git-check-ref-format(1), one by one."""
    parts = ref.split("/")
    wrong = any(part.startswith(".") or part.endswith(".lock") or not part for part in parts) or ".." in ref
    wrong = wrong or any(ord(c) < 0x21 or c in "\x7f~^:?*[\\" for c in ref)
    return not (wrong or ref.endswith(("/", ".")) or "@{" in ref or ref == "@")


@given(ODD)
def test_P13_what_may_be_a_path_stays_inside(path: str) -> None:
    if names.is_path(path):
        inside = Path("/root/of/it") / path
        assert os.path.normpath(inside) == str(inside)
        assert not {".git", ".."} & set(path.lower().split("/"))
        assert path[0] not in "-:/"


@given(st.text(max_size=60) | st.from_regex(r"\A[a-z]{0,6}(::|://|:|@)?[-a-z@:/.]{0,20}\Z"))
def test_P13_what_may_be_a_url_runs_nothing(url: str) -> None:
    if names.is_url(url):
        assert "::" not in url and not url.startswith("-") and "//-" not in url and "@-" not in url
        assert url.isprintable() or not any(ord(c) < 0x21 for c in url)


def test_refused_names_say_what_is_wrong() -> None:
    from git_poolside.config import parse

    with pytest.raises(
        Refused, match=r"x:2: remotes.upstream-url may hold no password: git asks its credential helpers"
    ):
        parse('[remotes]\nupstream-url = "https://u:p@h/x"\n', "x")
