"""P13: every reader of what comes from elsewhere takes it or refuses it, whatever it is."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS, attempt

_BITS = re.compile(rb"\w+|\s+|[^\w\s]")
_ODD = (
    b"", b"-x", b"..", b"\x00", b"\x1b[2J", b"\xff", b"9" * 5000, b"[" * 1200, b"{", b'"', b"\n", b"null", b"-1",
    b"1e999", b"\xe2\x80\xa8", b"\xc2\x85", b"ext::sh", b"://a:b@", b"NaN", b"true", b"{}", b"[]", b'"\\ud800"',
)  # fmt: skip


@st.composite
def mangled(draw: st.DrawFn, name: str) -> bytes:
    """A seed with a few of its words taken out, doubled or replaced; or anything."""
    if draw(st.integers(0, 5)) == 0:
        return draw(st.binary(max_size=200))
    bits = _BITS.findall(draw(st.sampled_from(SEEDS[name])))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(bits)))
        bits[at : at + draw(st.integers(0, 2))] = draw(
            st.lists(
                st.one_of(st.sampled_from(_ODD), st.sampled_from(bits or [b""]), st.binary(max_size=4)), max_size=2
            )
        )
    return b"".join(bits)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_P13_a_reader_takes_it_or_refuses_it(name: str, data: st.DataObject) -> None:
    attempt(TARGETS[name], data.draw(mangled(name)))


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_well_formed_is_read(name: str) -> None:
    for seed in SEEDS[name]:
        attempt(TARGETS[name], seed)
