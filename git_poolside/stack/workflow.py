"""What a workflow file says of running it by hand: whether it can be, and with which inputs.

The file is read as YAML with every scalar as text, so that ``true`` stays the word that GitHub compares, and is never
written. The rules are those of "Events that trigger workflows: workflow_dispatch" (docs.github.com).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from git_poolside.stack.values import field, frozen

TRIGGER = "workflow_dispatch"


_DEEP = re.compile(rb"(?:[\[{]\s*){100}")
"""So much in a row is no workflow, and takes the YAML reader seconds before it gives up."""


class Unreadable(ValueError):
    """The file is no workflow: no YAML, or not shaped as one."""


@frozen
class Input:
    """One input; `options` are those of a choice, and ``true`` and ``false`` for a boolean, else empty."""

    required: bool
    default: str | None
    options: tuple[str, ...] = ()


@frozen
class Dispatch:
    """How a workflow can be run by hand."""

    inputs: Mapping[str, Input] = field(default_factory=dict)

    def problems(self, given: Mapping[str, str]) -> list[str]:
        """What GitHub would refuse about the inputs `given`."""
        known = ", ".join(self.inputs) or "none"
        found = [f"it has no input '{name}' (it has: {known})" for name in given if name not in self.inputs]
        for name, one in self.inputs.items():
            value = given.get(name)
            if value is None and one.required and one.default is None:
                found.append(f"its input '{name}' has to be given")
            elif value is not None and one.options and value not in one.options:
                found.append(f"its input '{name}' has to be one of: {', '.join(one.options)}")
        return found


def read(text: bytes) -> Dispatch | None:
    """How the workflow can be run by hand; None if it cannot be. Raises `Unreadable`."""
    import yaml

    if _DEEP.search(text):
        raise Unreadable("it is nested too deep")
    try:
        whole = yaml.load(text, yaml.BaseLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(str(error).replace("\n", " ")) from error
    if not isinstance(whole, dict):
        raise Unreadable("it is no mapping")
    triggers = whole.get("on")
    if isinstance(triggers, str | list):
        return Dispatch() if TRIGGER in (triggers if isinstance(triggers, list) else [triggers]) else None
    if not isinstance(triggers, dict) or TRIGGER not in triggers:
        return None
    described = triggers[TRIGGER]
    inputs = described.get("inputs") if isinstance(described, dict) else None
    if not isinstance(inputs, dict):
        return Dispatch()
    return Dispatch({str(name): _input(one if isinstance(one, dict) else {}) for name, one in inputs.items()})


def _input(one: Mapping[str, Any]) -> Input:
    default, options = one.get("default"), one.get("options")
    choices = tuple(map(str, options)) if one.get("type") == "choice" and isinstance(options, list) else ()
    if one.get("type") == "boolean":
        choices = ("true", "false")
    return Input(one.get("required") == "true", default if isinstance(default, str) else None, choices)
