"""Refs are read from files as git reads them; what is odd there is asked of git, and whoever moves one is seen."""

from __future__ import annotations

import pytest

from git_poolside.errors import Refused
from git_poolside.git import ref_files, refs
from git_poolside.git.process import Git, open_repository
from git_poolside.stack.model import NULL_OID, Oid, RefChange
from tests.scenario import World

MAIN, PATCHES, ALIAS, GONE = (f"refs/heads/{name}" for name in ("main", "poolside-main", "alias", "gone"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What git processes are asked, in order."""
    words: list[str] = []
    lines = Git.lines

    def listen(self: Git, *arguments: str, input: bytes | None = None) -> list[str]:
        words.append(" ".join(arguments[3:]))
        return lines(self, *arguments, input=input)

    monkeypatch.setattr(Git, "lines", listen)
    return words


ODD = {
    "refs/heads/round": "ref: refs/heads/round\n",
    "refs/heads/dangling": "ref: refs/heads/gone\n",
    "refs/heads/empty": "",
    "refs/heads/null": f"{NULL_OID}\n",
    "refs/heads/words": "no value\n",
    "refs/heads/two..dots": "main",
    "refs/heads/short": "main",
}
"""What stands in files that git has something of its own to say about; ``main`` is replaced by a value."""


@pytest.mark.parametrize("packed", [False, True])
def test_files_are_read_as_git_reads_them(simple: World, asked: list[str], packed: bool) -> None:
    fork = simple.fork
    names = "a/b/c", "-x", "grün", "n-2", "n-10", "n-010", "n-07", "n-7", "n.1", "n1", "n", "z,(1)"
    fork.git("update-ref", "--stdin", input="".join(f"create refs/heads/{name} {fork.rev(MAIN)}\n" for name in names))
    if packed:
        fork.git("tag", "-a", "-m", "words", "v1", MAIN)
        fork.git("pack-refs", "--all")
        fork.git("update-ref", PATCHES, MAIN)
        fork.git("update-ref", "-d", "refs/heads/n-7")
    fork.git("symbolic-ref", ALIAS, MAIN)
    (fork.path / "refs/heads/main.lock").write_text("")
    (fork.path / "refs/heads/nothing/in/it").mkdir(parents=True)
    git = open_repository(fork.path)
    for prefix in ("refs/heads/", "refs/heads/a/", "refs/tags/", "refs/none/", "refs/heads/main/"):
        listed = fork.git("for-each-ref", "--sort=version:refname", "--format=%(refname) %(objectname)", prefix)
        assert list(refs.below(git, prefix).items()) == [tuple(line.split(" ")) for line in listed.splitlines()]
    for name in (*names, "main", "alias", "poolside-main", "a", "a/b", "nothing", "main.lock", "gone"):
        said = fork.git("rev-parse", "-q", "--verify", f"refs/heads/{name}", check=False)
        assert refs.read_one(git, f"refs/heads/{name}") == (said or None)
    assert asked == ["refs/none/", "refs/heads/main.lock"]  # neither a kind of ref that is known, nor a ref's name


@pytest.mark.parametrize("ref", ODD)
def test_what_is_odd_is_asked_of_git(simple: World, asked: list[str], ref: str) -> None:
    fork = simple.fork
    (fork.path / ref).write_text(ODD[ref].replace("main", fork.rev(MAIN)) if ODD[ref] == "main" else ODD[ref])
    git = open_repository(fork.path)
    listed = fork.git("for-each-ref", "--sort=version:refname", "--format=%(refname) %(objectname)", "refs/heads")
    assert list(refs.below(git, "refs/heads/").items()) == [tuple(line.split(" ")) for line in listed.splitlines()]
    there = dict(line.split(" ") for line in listed.splitlines())
    assert refs.read(git, [MAIN, ref, PATCHES]) == {MAIN: there[MAIN], ref: there.get(ref), PATCHES: there[PATCHES]}
    assert asked == ["refs/heads/", ref]


@pytest.mark.parametrize("packed", [False, True])
def test_whoever_moves_deletes_or_makes_one_is_seen(simple: World, packed: bool) -> None:
    fork = simple.fork
    git, old, new = open_repository(fork.path), fork.rev(MAIN), fork.rev(PATCHES)
    if packed:
        fork.git("pack-refs", "--all")
    assert refs.read_one(git, MAIN) == old
    fork.git("update-ref", MAIN, new)
    assert refs.read_one(git, MAIN) == new
    fork.git("pack-refs", "--all")
    assert refs.read_one(git, MAIN) == new
    fork.git("update-ref", "-d", MAIN)
    assert refs.read_one(git, MAIN) is None
    fork.git("branch", "main", old)
    assert refs.read_one(git, MAIN) == old


@pytest.mark.parametrize("packed", [False, True])
def test_whoever_moves_deletes_or_makes_one_below_a_prefix_is_seen(simple: World, packed: bool) -> None:
    fork = simple.fork
    git, old, new = open_repository(fork.path), fork.rev(MAIN), fork.rev(PATCHES)
    one, other = "refs/poolside/published/one", "refs/poolside/published/deep/other"
    assert refs.below(git, "refs/poolside/published/") == {}
    fork.git("update-ref", one, old)
    if packed:
        fork.git("pack-refs", "--all")
    assert refs.below(git, "refs/poolside/published/") == {one: old}
    fork.git("update-ref", other, old)
    assert refs.below(git, "refs/poolside/published/") == {other: old, one: old}
    fork.git("update-ref", one, new)
    assert refs.below(git, "refs/poolside/published/") == {other: old, one: new}
    fork.git("symbolic-ref", one, MAIN)
    assert refs.below(git, "refs/poolside/published/") == {other: old, one: old}
    fork.git("update-ref", MAIN, new)
    assert refs.below(git, "refs/poolside/published/") == {other: old, one: new}
    fork.git("update-ref", "-d", other)
    assert refs.below(git, "refs/poolside/published/") == {one: new}


def test_one_that_stands_for_another_goes_with_it(simple: World) -> None:
    fork = simple.fork
    git, new = open_repository(fork.path), fork.rev(PATCHES)
    fork.git("symbolic-ref", ALIAS, MAIN)
    assert refs.read_one(git, ALIAS) == fork.rev(MAIN)
    fork.git("update-ref", MAIN, new)
    assert refs.read_one(git, ALIAS) == new


def test_each_worktree_has_its_own_bisection(simple: World) -> None:
    clone = simple.clone()
    clone.git("worktree", "add", "-q", "--detach", "../other")
    clone.git("update-ref", "refs/bisect/bad", "HEAD")
    here, there = open_repository(clone.path), open_repository(clone.path.parent / "other")
    assert refs.read_one(here, "refs/bisect/bad") == clone.rev("HEAD")
    assert refs.read_one(there, "refs/bisect/bad") is None


def test_nothing_is_read_where_refs_may_be_kept_otherwise_than_in_files(simple: World) -> None:
    git = open_repository(simple.fork.path)
    assert ref_files.in_use(git)
    assert not ref_files.in_use(git.with_environment(GIT_REFERENCE_BACKEND="reftable:///somewhere"))
    setting = {"COUNT": "1", "KEY_0": "extensions.refStorage", "VALUE_0": "reftable:///somewhere"}
    other = open_repository(simple.upstream.path)
    assert not ref_files.in_use(
        other.with_environment(**{f"GIT_CONFIG_{name}": value for name, value in setting.items()})
    )


@pytest.mark.parametrize("ref, before", [(PATCHES, MAIN), (PATCHES, None), (GONE, MAIN)])
def test_none_moves_where_one_is_not_where_it_was_expected(simple: World, ref: str, before: str | None) -> None:
    """Somebody was faster than the transaction, after all questions were asked."""
    fork = simple.fork
    git, one, all_refs = open_repository(fork.path), Oid(fork.rev(MAIN)), fork.git("for-each-ref")
    moves = [RefChange(ALIAS, None, one), RefChange(ref, Oid(fork.rev(before)) if before else None, one)]
    with pytest.raises(Refused) as refused:
        refs.move(git, moves, "move")
    assert str(refused.value) == f"'{ref.removeprefix('refs/heads/')}' was moved by somebody else while poolside worked"
    assert (refused.value.snag, fork.git("for-each-ref")) == ("moved-since", all_refs)
