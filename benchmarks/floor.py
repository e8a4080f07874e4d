"""The floor: the least that anything in Python can do with the same frames.

A frame is unpacked, looked up in a dict and held against a limit; its timer is a moment in a dict.
No quality, no evidence, no journal: what a rule engine costs is what lies above this.
"""

import struct
from collections.abc import Callable

_FRAME = struct.Struct("<Hi")


class Floor:
    """`rules` limits and timers on half as many sensors."""

    def __init__(self, rules: int) -> None:
        self._handlers: dict[int, Callable[[int, float], bool]] = {}
        self._due: dict[int, float] = {}
        for sensor in range(rules // 2):
            self._handlers[sensor] = self._handler(sensor)

    def decide(self, frame: bytes, now: float) -> bool:
        """Whether the value is past its limit; the sensor's timer is re-armed."""
        sensor, value = _FRAME.unpack(frame)
        return self._handlers[sensor](value, now)

    @staticmethod
    def frame(sensor: int, centi: int) -> bytes:
        """The bytes that `decide` takes."""
        return _FRAME.pack(sensor, centi)

    def _handler(self, sensor: int) -> Callable[[int, float], bool]:
        due = self._due

        def handle(value: int, now: float) -> bool:
            due[sensor] = now + 1800.0
            return value > 3500

        return handle
