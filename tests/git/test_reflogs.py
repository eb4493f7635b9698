"""Reflogs, read where git writes them, as git itself reads them."""

from __future__ import annotations

from git_poolside.git.process import open_repository
from git_poolside.git.reflogs import reflog, said
from tests.scenario import World

MAIN = "refs/heads/poolside-main"


def test_what_a_branch_was_and_why_is_what_git_tells(simple: World) -> None:
    clone = simple.clone()
    git, first = open_repository(clone.path), clone.rev(MAIN)
    assert reflog(git, MAIN) == [first]
    clone.git("reset", "-q", "--hard", "HEAD~1")
    clone.git("update-ref", "-m", "as  it\twas \x1b> 1 +0000\tö", MAIN, first)
    clone.git("update-ref", "-m", "as <x> 5 +0000", MAIN, f"{first}~1")
    clone.git("update-ref", MAIN, "refs/remotes/origin/main")
    told = clone.git("log", "-g", "--format=%H %gs", MAIN).splitlines()
    assert [line.rstrip() for line in said(git, MAIN)] == [line.rstrip() for line in told]
    assert reflog(git, MAIN) == [
        clone.rev("origin/main"),
        clone.rev(f"{first}~1"),
        first,
        clone.rev(f"{first}~1"),
        first,
    ]


def test_it_goes_back_to_what_the_oldest_entry_moved_away_from(simple: World) -> None:
    clone = simple.clone()
    git, first = open_repository(clone.path), clone.rev(MAIN)
    clone.git("reset", "-q", "--hard", "HEAD~1")
    clone.git("reflog", "delete", f"{MAIN}@{{1}}")
    assert reflog(git, MAIN) == [clone.rev("HEAD"), first] == [clone.rev("HEAD"), clone.rev(f"{MAIN}@{{1}}")]


def test_a_ref_without_one_has_had_no_values(simple: World) -> None:
    git = open_repository(simple.fork.path)
    assert (reflog(git, MAIN), said(git, MAIN)) == ([], [])
