"""Asking both servers at once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.scenario import Repo, World

_SSH = """#!{python}
import os, sys, time
folder = {folder!r}
server, command = sys.argv[-2:]
nobody = "GIT_ASKPASS" in os.environ
with open(folder + "/" + server + (".unasked" if nobody else ".asked"), "w") as file:
    file.write("")
end = time.monotonic() + 20
while server == "fork" and not os.path.exists(folder + "/up.unasked") and time.monotonic() < end:
    time.sleep(0.01)
if not os.path.exists(folder + "/up.unasked") or (nobody and os.path.exists(folder + "/password")):
    sys.exit("Permission denied")
sys.exit(os.system(command) >> 8)
"""


@pytest.fixture
def over_ssh(simple: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """A clone whose servers are reached through a stand-in for ssh, which lets nobody in before upstream is asked."""
    clone = simple.clone()
    for name, server, repo in (("origin", "fork", simple.fork), ("upstream", "up", simple.upstream)):
        clone.git("config", f"remote.{name}.url", f"ssh://{server}{repo.path}")
    script = tmp_path / "ssh"
    script.write_text(_SSH.format(python=sys.executable, folder=str(tmp_path)))
    script.chmod(0o755)
    monkeypatch.setenv("GIT_SSH", str(script))
    monkeypatch.setenv("GIT_SSH_VARIANT", "simple")
    return clone


def test_both_servers_are_asked_at_once(over_ssh: Repo, tmp_path: Path, poolside: Run) -> None:
    assert poolside(over_ssh, "sync", "-n").status == 0
    assert sorted(path.name for path in tmp_path.glob("*asked")) == ["fork.asked", "up.unasked"]


def test_who_has_to_be_asked_for_a_password_is_asked_alone(over_ssh: Repo, tmp_path: Path, poolside: Run) -> None:
    (tmp_path / "password").touch()
    assert poolside(over_ssh, "sync", "-n").status == 0
    assert sorted(path.name for path in tmp_path.glob("*asked")) == ["fork.asked", "up.asked", "up.unasked"]
