"""Colour by git's rules, asked of git itself (git-config(1), ``color.ui`` and ``color.<command>.<slot>``)."""

from __future__ import annotations

from collections.abc import Callable

from git_poolside.git.brief import ask


def wanted(terminal: bool, setting: Callable[[str], str | None]) -> bool:
    """What ``color.poolside``, then ``color.ui`` say for this stdout; no other than ``always`` colours what is read by
    no terminal.
    """
    if terminal:
        return ask("config", "--get-colorbool", "color.poolside", "true").strip() == "true"
    own = setting("color.poolside")
    said = setting("color.ui") if own is None else own
    return said is not None and said.lower() == "always"


def code(slot: str, default: str) -> str:
    """What a terminal is sent for ``color.poolside.<slot>``."""
    return ask("config", "--get-color", f"color.poolside.{slot}", default)
