"""Draws that depend on nothing but who asks and when: no draw takes another one's place.

A `Random` hands its numbers out in turn: one frame more, and every later frame meets another fate.
Here a fault, a device and a moment always meet the same one, whatever else the run holds, so that
a shorter list of faults still shows what the longer one showed.

Ref: G. Steele, D. Lea, C. Flood, Fast splittable pseudorandom number generators, 2014: the
finalizer of SplitMix64 (D. Stafford's variant 13).
"""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_US: Final = timedelta(microseconds=1)
_MASK: Final = (1 << 64) - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15
_STRIDE: Final = 0xD1342543DE82EF95
_UNIT: Final = 1.0 / (1 << 53)


def key(name: str) -> int:
    """The draws of this name."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")


def moment_us(at: datetime) -> int:
    """A moment as `chance` takes it: microseconds since 1970."""
    return (at - _EPOCH) // _US


def chance(key_: int, at_us: int, salt: int = 0) -> float:
    """From 0 up to 1, even; another `salt` is another draw of the same moment."""
    x = key_ + at_us * _GOLDEN + salt * _STRIDE & _MASK
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & _MASK
    return ((x ^ x >> 31) >> 11) * _UNIT
