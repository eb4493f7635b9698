"""Whether decoded JSON is shaped as it was written: a file that we read back may have been damaged or edited."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from git_poolside.stack.model import Role

Shape = Any
"""A type; None; a pattern for the whole of a string; ``[shape]`` for a list of any length; a mapping from each key to
its shape, one that ends in ``?`` may be absent, or from a single pattern for all keys; `Either`; `Row`.
"""

OID = re.compile(r"[0-9a-f]{40}")
ROLE = re.compile("|".join(role.value for role in Role))
TEXT = re.compile(r".*", re.DOTALL)


class Either(tuple[Shape, ...]):
    """Any one of these shapes."""


class Row(tuple[Shape, ...]):
    """A list that has one value for each of these."""


class Misshapen(Exception):
    """What is `at` some place is of another shape."""

    def __init__(self, at: str) -> None:
        super().__init__(f"{at or 'the whole of it'} is not what it should be")


MAYBE = Either((OID, None))
"""An object's name, or none."""


def require(value: Any, shape: Shape, at: str = "") -> None:
    """Raises `Misshapen` where `value` has another shape."""
    if isinstance(shape, Either):
        if not any(_fits(value, one, at) for one in shape):
            raise Misshapen(at)
    elif isinstance(shape, Row):
        if not isinstance(value, list) or len(value) != len(shape):
            raise Misshapen(at)
        for number, (one, inside) in enumerate(zip(value, shape, strict=True)):
            require(one, inside, f"{at}[{number}]")
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise Misshapen(at)
        for number, one in enumerate(value):
            require(one, shape[0], f"{at}[{number}]")
    elif isinstance(shape, Mapping):
        _require_object(value, shape, at)
    elif isinstance(shape, re.Pattern):
        if not isinstance(value, str) or shape.fullmatch(value) is None:
            raise Misshapen(at)
    elif shape is None:
        if value is not None:
            raise Misshapen(at)
    elif not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool):
        raise Misshapen(at)


def _require_object(value: Any, shape: Mapping[Any, Shape], at: str) -> None:
    if not isinstance(value, dict):
        raise Misshapen(at)
    for key, inside in shape.items():
        if isinstance(key, re.Pattern):
            for name, one in value.items():
                require(name, key, f"a name in {at}")
                require(one, inside, f"{at}.{name}")
        elif key.removesuffix("?") in value:
            require(value[key.removesuffix("?")], inside, f"{at}.{key.removesuffix('?')}".lstrip("."))
        elif not key.endswith("?"):
            raise Misshapen(f"{at}.{key}".lstrip("."))


def _fits(value: Any, shape: Shape, at: str) -> bool:
    try:
        require(value, shape, at)
    except Misshapen:
        return False
    return True
