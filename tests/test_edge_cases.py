"""Every edge case that is written down has a test that names it, and no test names another one."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.conftest import edge_cases, named

TESTS = Path(__file__).parent


def test_each_edge_case_is_named_by_a_test_and_no_other_is() -> None:
    names = [
        node.name
        for path in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert named(names) == set(edge_cases())
