"""The soak, as short as a test has to be and always the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.soak.machine import Soak


class Short(Soak):
    """Kills at exact moments, so that a failure repeats."""

    exact = True


def test_nothing_is_lost_whatever_people_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    here = Path.cwd()
    try:
        run_state_machine_as_test(
            Short,
            settings=settings(
                max_examples=3, stateful_step_count=25, derandomize=True, database=None, deadline=None,
                phases=[Phase.generate], suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip
    finally:
        os.chdir(here)
