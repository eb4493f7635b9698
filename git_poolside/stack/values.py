"""Value classes like those of `dataclasses`, of which nothing is made before it is used.

A command imports a hundred of them before it does anything. `dataclasses` writes six functions for each, all from
text, and needs `inspect` for that: half a millisecond a class, which is a tenth of a sync. Here one `attrgetter`
compares, hashes and shows, and ``__init__`` is written when the first instance is made.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, NoReturn, TypeVar, dataclass_transform

_T = TypeVar("_T")


class _Field:
    """What stands in a class for a default: made anew for each instance, or left out of comparing or showing."""

    def __init__(self, default: Any, factory: Callable[[], Any] | None, compare: bool, show: bool) -> None:
        self.default, self.factory, self.compare, self.show = default, factory, compare, show


_REQUIRED = object()


def field(
    *,
    default: Any = _REQUIRED,
    default_factory: Callable[[], Any] | None = None,
    compare: bool = True,
    repr: bool = True,
) -> Any:
    """As in `dataclasses`."""
    return _Field(default, default_factory, compare, repr)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(kind: type[_T]) -> type[_T]:
    """A class whose instances are values: equal if of one class and all fields are, hashable, never changed."""
    return _made(kind, {"__hash__": _hash, "__setattr__": _refuse, "__delattr__": _refuse})


@dataclass_transform(field_specifiers=(field,))
def mutable(kind: type[_T]) -> type[_T]:
    """The same for instances that change, which have no hash."""
    return _made(kind, {"__hash__": None})


def replace(value: _T, **changes: Any) -> _T:
    """`value` with some fields changed."""
    return type(value)(**{**as_dict(value), **changes})


def as_dict(value: object) -> dict[str, Any]:
    """The fields of a value by name, in their order."""
    return {name: getattr(value, name) for name in fields(type(value))}


def fields(kind: type) -> tuple[str, ...]:
    """The names of a class' fields, in their order."""
    found: tuple[str, ...] = kind.__match_args__  # type: ignore[attr-defined]
    return found


def _made(kind: type[_T], more: dict[str, Any]) -> type[_T]:
    found: dict[str, _Field] = {}
    for name in kind.__annotations__:
        default = kind.__dict__.get(name, _REQUIRED)
        found[name] = default if isinstance(default, _Field) else _Field(default, None, True, True)
        if isinstance(default, _Field):
            delattr(kind, name)
            if default.default is not _REQUIRED:
                setattr(kind, name, default.default)
    compared = [name for name, one in found.items() if one.compare]
    own = {
        "__init__": _first(found, frozen="__setattr__" in more),
        "__repr__": _shown([name for name, one in found.items() if one.show]),
        "__eq__": _equal,
        "__match_args__": tuple(found),
        "_values": staticmethod(attrgetter(*compared)),
        **more,
    }
    for name, member in own.items():
        if name not in kind.__dict__ or kind.__dict__[name] is None:
            setattr(kind, name, member)
    return kind


def _first(fields: dict[str, _Field], *, frozen: bool) -> Callable[..., None]:
    """An ``__init__`` that puts the one written for these fields in its own place."""

    def __init__(self: Any, *given: Any, **named: Any) -> None:
        made: Callable[..., None] = _written(type(self).__qualname__, fields, frozen)
        type(self).__init__ = made
        made(self, *given, **named)

    return __init__


def _written(name: str, fields: dict[str, _Field], frozen: bool) -> Any:
    known: dict[str, Any] = {"_set": object.__setattr__, "_missing": _REQUIRED}
    head, body = [], []
    for at, (attribute, one) in enumerate(fields.items()):
        value = attribute
        if one.factory is not None:
            known[f"_factory{at}"] = one.factory
            head.append(f"{attribute}=_missing")
            value = f"_factory{at}() if {attribute} is _missing else {attribute}"
        elif one.default is not _REQUIRED:
            known[f"_default{at}"] = one.default
            head.append(f"{attribute}=_default{at}")
        else:
            head.append(attribute)
        body.append(f"_set(self,'{attribute}',{value})" if frozen else f"self.{attribute}={value}")
    exec(f"def __init__(self,{','.join(head)}):\n {';'.join(body)}\n", known)
    made = known["__init__"]
    made.__qualname__ = f"{name}.__init__"
    return made


def _shown(fields: list[str]) -> Callable[[Any], str]:
    def __repr__(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in fields)})"

    return __repr__


def _equal(self: Any, other: Any) -> bool:
    return bool(self._values(self) == self._values(other)) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(self._values(self))


def _refuse(self: Any, name: str, *value: object) -> NoReturn:
    raise AttributeError(f"{type(self).__qualname__}.{name} cannot be changed")
