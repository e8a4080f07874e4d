"""Bounds what an address that floods the air can make of it.

Which frames to let through: every one whose tag fits, however many they are. To see that a tag
does not fit takes 4 us of the 30 that such a frame costs in all (`benchmarks.ble`), so no frame of
a device with a key is left unread: a forger cannot crowd out its call for help. What he sends is
counted, told once an hour, and goes no further.

A device without a key has nothing to be told from its forger by. There the limit is on news that
go to the gateway, and urgent news are counted apart, each kind for itself: neither a flood of
measurements nor one of presses hides a call for help, and the gateway's disk is spared.
"""

from collections.abc import Iterable
from typing import Final

from rules.observation import Phenomenon, Value

Kind = tuple[Phenomenon, Value | None]
"An urgent phenomenon; with its value, if that is a state or a press."

_SECOND_US: Final = 1_000_000

_FRAMES_PER_S: Final = 200
"Four times as many as the shortest interval of advertising allows, 20 ms, heard by four radios."
_URGENT_PER_S: Final = 5
"No hand presses faster for long, and no disk is worn out by it in a night."
_URGENT_AT_ONCE: Final = 20
_KINDS_MAX: Final = 32
"More than there are."


class Budget:
    """So many a second, and so many at once after a rest."""

    __slots__ = ("_ahead_us", "_due_us", "_every_us")

    def __init__(self, per_s: int, at_once: int) -> None:
        self._every_us = _SECOND_US // per_s
        self._ahead_us = (at_once - 1) * self._every_us
        self._due_us: int | None = None

    def take(self, at_us: int) -> bool:
        """Whether there is one left at this moment; then it is taken."""
        due_us = at_us if self._due_us is None else max(self._due_us, at_us)
        if due_us - at_us > self._ahead_us:
            return False
        self._due_us = due_us + self._every_us
        return True


class Plain:
    """The budgets of one device that sends in the clear."""

    __slots__ = ("_frames", "_urgent")

    def __init__(self) -> None:
        self._frames = Budget(_FRAMES_PER_S, _FRAMES_PER_S)
        self._urgent: dict[Kind, Budget] = {}

    def take(self, urgent: Iterable[Kind], at_us: int) -> bool:
        """Whether a frame's news may go on; `urgent` are those of them that are."""
        kinds = list(urgent)
        if not kinds:
            return self._frames.take(at_us)
        taken = [self._budget(kind).take(at_us) for kind in kinds]
        return any(taken)

    def _budget(self, kind: Kind) -> Budget:
        budget = self._urgent.get(kind)
        if budget is None:
            assert len(self._urgent) < _KINDS_MAX
            budget = self._urgent[kind] = Budget(_URGENT_PER_S, _URGENT_AT_ONCE)
        return budget
