"""What every format's decoder returns: objects in the words of BTHome, the richest of them."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from drivers.ble.advert import RawAdvert

ObjectValue = bool | int | float | str | bytes
"Flag, whole number or event code, measurement, text or version, raw bytes."


class Decoded(NamedTuple):
    """One decoded frame. A tuple, since making a frozen dataclass takes as long as decrypting."""

    objects: tuple[tuple[int, ObjectValue], ...]
    "BTHome object id and value in the unit of its specification, in the order sent."
    packet_id: int | None = None
    "The same in each repetition of a frame, another in the next."
    counter: int | None = None
    "Of a frame whose tag fitted; 32 bits."
    trigger: bool = False
    "The device sends when something happens, not at intervals."
    mac: bytes | None = None
    "In the order it is written, if the frame carries it."
    undecoded: bytes = b""
    "From the first object on that is not known."
    dropped: int = 0
    "Values that have no object in BTHome."


Opener: TypeAlias = Callable[[RawAdvert], Decoded | None]
"""What decodes the adverts of one device: None for one with nothing to believe or to refuse.

Raises:
    Refused: a `FrameError`.

"""
