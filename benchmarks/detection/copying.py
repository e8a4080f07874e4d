"""A fast copy of an engine in the middle of its life.

A snapshot and its reading take milliseconds and are made a hundred thousand times here. This copy
shares what cannot change, and refuses what it does not know rather than share it by mistake.
"""

import copy
from array import array
from collections import deque
from datetime import date, datetime, timedelta, tzinfo
from enum import Enum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")

_FLAT = frozenset({bool, int, float, str, bytes, type(None), date, datetime, timedelta, frozenset})
_PACKED = frozenset({set, array, bytearray})
_MUTABLE = _PACKED | {list, dict, deque}


def cloned(thing: T) -> T:
    """A copy whose changes are not seen in `thing`.

    Raises:
        TypeError: it holds something of which it is not known how to copy it.

    """
    made: T = _cloned(thing)
    return made


def _cloned(thing: Any) -> Any:  # noqa: ANN401 -- walks objects of any type
    kind = type(thing)
    if kind in _FLAT or isinstance(thing, Enum | tzinfo):
        return thing
    if isinstance(thing, list | dict | tuple | set | array | bytearray | deque):
        return _container(thing, kind)
    if _is_frozen(kind) and not _holds_mutable(thing):
        return thing
    return _object(thing, kind)


def _container(thing: Any, kind: type[object]) -> Any:  # noqa: ANN401 -- of any type
    if kind in _PACKED:
        return copy.copy(thing)
    if isinstance(thing, dict):
        made = {} if kind is dict else copy.copy(thing)
        made.update({key: _cloned(value) for key, value in thing.items()})
        return made
    is_flat = set(map(type, thing)) <= _FLAT
    if is_flat:
        return thing if kind is tuple else copy.copy(thing)
    if isinstance(thing, deque):
        return deque(map(_cloned, thing), thing.maxlen)
    copies = map(_cloned, thing)
    return tuple(copies) if isinstance(thing, tuple) else list(copies)


def _object(thing: Any, kind: type[object]) -> Any:  # noqa: ANN401 -- any object of ours
    slots = _slots(kind)  # type: ignore[arg-type]  # A class is hashable.
    has_dict = hasattr(thing, "__dict__")
    if not kind.__module__.startswith("rules.") or not (slots or has_dict):
        raise TypeError(f"no copy of a {kind.__module__}.{kind.__qualname__} is known")
    made: Any = object.__new__(kind)
    shared = _reckoned(kind)  # type: ignore[arg-type]  # A class is hashable.
    for name in slots:
        if hasattr(thing, name):
            value = getattr(thing, name)
            object.__setattr__(made, name, value if name in shared else _cloned(value))
    if has_dict:
        made.__dict__.update({name: _cloned(value) for name, value in vars(thing).items()})
    return made


def _holds_mutable(thing: object) -> bool:
    """Whether something that is called frozen holds what is not."""
    names = _field_names(type(thing))  # type: ignore[arg-type]  # A class is hashable.
    return any(type(getattr(thing, name)) in _MUTABLE for name in names)


def _is_frozen(kind: type[object]) -> bool:
    params = getattr(kind, "__dataclass_params__", None)
    return params is not None and bool(params.frozen)


@cache
def _field_names(kind: type[object]) -> tuple[str, ...]:
    return tuple(getattr(kind, "__dataclass_fields__", ()))


@cache
def _slots(kind: type[object]) -> tuple[str, ...]:
    return tuple(name for base in kind.__mro__ for name in getattr(base, "__slots__", ()))


@cache
def _reckoned(kind: type[object]) -> frozenset[str]:
    """Fields that are not compared: what was reckoned from the others, right for both."""
    known = getattr(kind, "__dataclass_fields__", {})
    return frozenset(name for name, each in known.items() if not each.compare)
