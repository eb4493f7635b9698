"""Colour by git's rules, asked of git itself (git-config(1), ``color.ui`` and ``color.<command>.<slot>``)."""

from __future__ import annotations

from git_poolside.git.brief import ask


def wanted(terminal: bool) -> bool:
    """What ``color.poolside``, then ``color.ui`` say for this stdout."""
    return ask("config", "--get-colorbool", "color.poolside", "true" if terminal else "false").strip() == "true"


def code(slot: str, default: str) -> str:
    """What a terminal is sent for ``color.poolside.<slot>``."""
    return ask("config", "--get-color", f"color.poolside.{slot}", default)
