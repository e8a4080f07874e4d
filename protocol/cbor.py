"""Deterministic CBOR: one value has one encoding, and any other encoding of it is refused.

Ref: RFC 8949, 4.2 (deterministically encoded CBOR), with the short integer keys that this protocol
uses.
"""

from datetime import datetime

import cbor2

from rules.codec import moment_at
from rules.errors import FrameError

INTEGER_MAX = 2**53
"No count or level of this protocol is larger; any reader holds it exactly."
MOMENT_MAX_US = 2**58
"Past the year 9999, microseconds from 1970."


def dumps(value: object) -> bytes:
    """The one encoding of plain CBOR values."""
    return cbor2.dumps(value, canonical=True)


def loads(data: bytes, limit: int) -> object:
    """Read one value of at most `limit` bytes.

    Raises:
        FrameError: too long, no CBOR, bytes after the value, a key twice, or not its one encoding.

    """
    if len(data) > limit:
        raise FrameError(f"{len(data)} bytes, at most {limit}")
    try:
        value: object = cbor2.loads(data)
        same = dumps(value) == data
    except (cbor2.CBORError, ValueError, OverflowError, RecursionError, TypeError) as error:
        raise FrameError(f"no CBOR: {error!r:.80}") from error
    if not same:
        raise FrameError("not the deterministic encoding of its value")
    return value


class Fields:
    """A map with integer keys, read strictly: what is amiss raises `FrameError`."""

    __slots__ = ("_table",)

    def __init__(self, value: object, required: frozenset[int], optional: frozenset[int]) -> None:
        if not isinstance(value, dict):
            raise FrameError(f"{value!r:.40} where a map belongs")
        missing = required - value.keys()
        unknown = value.keys() - required - optional
        if missing or unknown:
            raise FrameError(f"keys missing: {sorted(missing)}, unknown: {unknown!r:.60}")
        self._table: dict[int, object] = value

    def __contains__(self, key: int) -> bool:
        """Whether the map has the optional key."""
        return key in self._table

    def get(self, key: int) -> object:
        """The value as it stands."""
        return self._table[key]

    def integer(self, key: int, least: int = 0, most: int = INTEGER_MAX) -> int:
        """An integer within its bounds."""
        return integer(self._table[key], least, most)

    def flag(self, key: int) -> bool:
        """True or false."""
        value = self._table[key]
        if not isinstance(value, bool):
            raise FrameError(f"key {key}: {value!r:.40} where true or false belongs")
        return value

    def text(self, key: int, most: int) -> str:
        """Text of at most `most` characters."""
        return text(self._table[key], most)

    def octets(self, key: int, least: int, most: int) -> bytes:
        """A byte string within its bounds."""
        return octets(self._table[key], least, most)

    def moment(self, key: int) -> datetime:
        """A moment, in microseconds since 1970 UTC."""
        return moment_at(self.integer(key, -MOMENT_MAX_US, MOMENT_MAX_US))

    def items(self, key: int, most: int) -> list[object]:
        """An array of at most `most` items."""
        return items(self._table[key], most)


def integer(value: object, least: int, most: int) -> int:
    """An integer within its bounds.

    Raises:
        FrameError: another type, or out of bounds.

    """
    if type(value) is not int or not least <= value <= most:
        raise FrameError(f"{value!r:.40} where an integer from {least} to {most} belongs")
    return value


def text(value: object, most: int) -> str:
    """Text of at most `most` characters.

    Raises:
        FrameError: another type, or too long.

    """
    if not isinstance(value, str) or len(value) > most:
        raise FrameError(f"{value!r:.40} where at most {most} characters belong")
    return value


def octets(value: object, least: int, most: int) -> bytes:
    """A byte string within its bounds.

    Raises:
        FrameError: another type, or another length.

    """
    if not isinstance(value, bytes) or not least <= len(value) <= most:
        raise FrameError(f"{value!r:.40} where {least} to {most} bytes belong")
    return value


def items(value: object, most: int) -> list[object]:
    """An array of at most `most` items.

    Raises:
        FrameError: another type, or too many.

    """
    if not isinstance(value, list) or len(value) > most:
        raise FrameError(f"{value!r:.40} where an array of at most {most} belongs")
    return value
