"""A fast copy of an engine in the middle of its life.

A snapshot and its reading take milliseconds and are made a hundred thousand times here. This copy
shares what cannot change, and refuses what it does not know rather than share it by mistake.
"""

import copy
from array import array
from collections import deque
from dataclasses import is_dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")

_ATOMS = frozenset(
    {bool, int, float, str, bytes, type(None), date, datetime, timedelta, frozenset}
)
_FLAT = frozenset({bool, int, float, str, bytes, datetime, timedelta})


def cloned(thing: T) -> T:
    """A copy whose changes are not seen in `thing`.

    Raises:
        TypeError: it holds something of which it is not known how to copy it.

    """
    made: T = _cloned(thing)
    return made


def _cloned(thing: Any) -> Any:  # noqa: ANN401 -- walks objects of any type
    kind = type(thing)
    if kind in _ATOMS or isinstance(thing, Enum | tzinfo):
        return thing
    if kind is list:
        is_flat = set(map(type, thing)) <= _FLAT
        return thing.copy() if is_flat else [_cloned(one) for one in thing]
    if kind is dict:
        return {key: _cloned(value) for key, value in thing.items()}
    if isinstance(thing, dict):
        made = copy.copy(thing)
        made.update({key: _cloned(value) for key, value in thing.items()})
        return made
    if kind is tuple:
        return tuple(_cloned(one) for one in thing)
    if kind is set or kind is array or kind is bytearray:
        return copy.copy(thing)
    if kind is deque:
        return deque((_cloned(one) for one in thing), thing.maxlen)
    if is_dataclass(thing) and kind.__dataclass_params__.frozen:
        return thing
    return _object(thing, kind)


def _object(thing: Any, kind: type) -> Any:  # noqa: ANN401 -- any object of ours
    slots = [name for base in kind.__mro__ for name in getattr(base, "__slots__", ())]
    has_dict = hasattr(thing, "__dict__")
    if not kind.__module__.startswith("rules.") or not (slots or has_dict):
        raise TypeError(f"no copy of a {kind.__module__}.{kind.__qualname__} is known")
    made: Any = object.__new__(kind)
    for name in slots:
        if hasattr(thing, name):
            object.__setattr__(made, name, _cloned(getattr(thing, name)))
    if has_dict:
        made.__dict__.update({name: _cloned(value) for name, value in vars(thing).items()})
    return made
