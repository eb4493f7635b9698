"""What git says of changes, and where it cannot."""

from __future__ import annotations

import pytest

from git_poolside.errors import GitFailed
from git_poolside.git.diff import changes, patch_ids
from git_poolside.git.process import open_repository
from git_poolside.stack.model import EMPTY_TREE, Oid
from tests.scenario import World


def test_a_tree_that_is_missing_is_no_change_but_an_error(world: World) -> None:
    tree = Oid(world.upstream.tree({"a": "a\n"}))
    git = open_repository(world.upstream.path)
    with pytest.raises(GitFailed):
        changes(git, [(EMPTY_TREE, tree), (tree, Oid("1" * 40))])


def test_a_patch_id_that_could_not_be_had_is_asked_for_again(world: World) -> None:
    repo = world.upstream
    begun = world.commit(repo, "main", {"a": "one\n"}, "Begin\n")
    edit = Oid(world.commit(repo, "main", {"a": "two\n"}, "Edit\n", parents=[begun]))
    blob = repo.rev(f"{edit}:a")
    there = repo.path / f"objects/{blob[:2]}/{blob[2:]}"
    away = there.replace(repo.path / "away")
    git = open_repository(repo.path)
    with pytest.raises(GitFailed):
        patch_ids(git, [edit])
    away.replace(there)
    expected = repo.git("patch-id", "--stable", input=repo.git("diff-tree", "-p", edit) + "\n").partition(" ")[0]
    assert patch_ids(git, [edit]) == {edit: expected}
