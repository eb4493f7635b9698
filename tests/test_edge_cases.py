"""Every edge case that is written down has a test that names it, and no test names another one."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import edge_cases, named

TESTS = Path(__file__).parent
_TEST = re.compile(r"^ *def (test_\w+)", re.MULTILINE)


def test_each_edge_case_is_named_by_a_test_and_no_other_is() -> None:
    names = [name for path in TESTS.rglob("test_*.py") for name in _TEST.findall(path.read_text())]
    assert named(names) == set(edge_cases())
