"""What git says of changes, and where it cannot."""

from __future__ import annotations

import pytest

from git_poolside.errors import GitFailed
from git_poolside.git.diff import changes
from git_poolside.git.process import open_repository
from git_poolside.stack.model import EMPTY_TREE, Oid
from tests.scenario import World


def test_a_tree_that_is_missing_is_no_change_but_an_error(world: World) -> None:
    tree = Oid(world.upstream.tree({"a": "a\n"}))
    git = open_repository(world.upstream.path)
    with pytest.raises(GitFailed):
        changes(git, [(EMPTY_TREE, tree), (tree, Oid("1" * 40))])
