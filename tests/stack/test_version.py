"""The version variable: found as text, changed in its date (and base) alone."""

from __future__ import annotations

import pytest

from git_poolside.stack import version
from git_poolside.stack.version import Ambiguous, base_version, carry, find, impose
from tests.scenario import workflow

NAME = "PYTORCH_BUILD_VERSION_PREFIX"
VALUE = "2.6.0.dev20241210+cu126.poolside"


@pytest.mark.parametrize(
    "line",
    [
        f'  {NAME}: "{VALUE}"',
        f"  {NAME}: {VALUE}",
        f"  {NAME}: '{VALUE}'  # keep 20200101 out",
        f'  "{NAME}": "{VALUE}"',
        f"  - {NAME}={VALUE}",
        f"export {NAME}={VALUE}",
        f"\t{NAME}={VALUE}",
        f"{NAME} : {VALUE}",
        f"{NAME}: 2.6.0.dev20241210",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_S6_P12_one_assignment_is_found_and_nothing_else_changes(line: str, end: str) -> None:
    before = f"# {NAME}: 2.5.0.dev20230101\nenv:\n" if end != "\r\n" else "env:\r\n"
    text = f"{before}{line}{end}".encode()
    at = find(text, NAME)
    assert at is not None
    assert (at.date, at.base, at.line) == (b"20241210", b"2.6.0", text[: at.date_at.start].count(b"\n") + 1)
    assert impose(text, at, b"20260710", None) == text.replace(b"20241210", b"20260710")
    assert impose(text, at, b"20260710", b"2.10.0") == text.replace(b"2.6.0.dev20241210", b"2.10.0.dev20260710")


@pytest.mark.parametrize(
    "line",
    [
        f"# {NAME}: {VALUE}",
        f"OLD_{NAME}: {VALUE}",
        f"{NAME}_2: {VALUE}",
        f"{NAME}: ${{{{ inputs.version }}}}",
        f"{NAME}: 2.6.0.dev20241310",
        f"{NAME}: 2.6.0.dev20241200",
        f"{NAME}: 2.6.0.dev202412101",
        f"{NAME}: 2.6.0.dev1202412101",
        f"{NAME}: stable  # was {VALUE}",
        f"run: echo ${NAME} {VALUE}",
        "",
    ],
)
def test_P12_what_is_no_assignment_with_a_date_is_not_found(line: str) -> None:
    assert find(line.encode() + b"\n", NAME) is None


def test_S6_two_assignments_with_a_date_are_ambiguous_and_named_by_line() -> None:
    text = f"a: 1\n{NAME}: {VALUE}\nb: 2\n{NAME}: {VALUE}\n".encode()
    with pytest.raises(Ambiguous) as found:
        find(text, NAME)
    assert (found.value.lines, str(found.value)) == ((2, 4), "2, 4")


def test_a_second_assignment_without_a_date_is_none() -> None:
    text = f"{NAME}: {VALUE}\n{NAME}: ${{OVERRIDE}}\n".encode()
    found = find(text, NAME)
    assert found is not None and found.line == 1


def test_a_value_without_a_base_keeps_none() -> None:
    text = f"{NAME}: nightly-20241210\n".encode()
    at = find(text, NAME)
    assert at is not None and at.base is None
    assert impose(text, at, b"20260710", b"9.9.9") == f"{NAME}: nightly-20260710\n".encode()


def test_carry_takes_the_generated_parts_and_nothing_else() -> None:
    text, source = workflow("20260703", "2.9.0", "cu128").encode(), workflow("20260710", "2.10.0", "cu126").encode()
    assert carry(text, source, NAME) == workflow("20260710", "2.10.0", "cu128").encode()


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (b"no variable\n", workflow().encode()),
        (workflow("20260703").encode(), b"no variable\n"),
        (workflow("20260703").encode() + workflow("20260704").encode(), workflow("20260710").encode()),
        (workflow("20260703").encode(), workflow("20260710").encode() * 2),
    ],
)
def test_carry_leaves_text_alone_where_either_side_has_no_one_date(text: bytes, source: bytes) -> None:
    assert carry(text, source, NAME) == text


@pytest.mark.parametrize(
    ("text", "base"),
    [
        (b"2.6.0a0\n", b"2.6.0"),
        (b"2.6.0a0+git1a2b3c", b"2.6.0"),
        (b"v1.2\n", b"1.2"),
        (b"\n 3.0.1\r\n", b"3.0.1"),
        (b"unknown\n", None),
        (b"", None),
    ],
)
def test_the_base_version_of_a_version_file(text: bytes, base: bytes | None) -> None:
    assert base_version(text) == base


def test_the_module_keeps_bytes_that_are_no_utf8() -> None:
    text = b"# caf\xe9\n" + workflow("20260703").encode()
    at = find(text, NAME)
    assert at is not None
    assert version.impose(text, at, b"20260710", None) == b"# caf\xe9\n" + workflow("20260710").encode()
