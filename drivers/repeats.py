"""Tells a frame sent several times over from a new one that says the same.

Sensors repeat each advert for some seconds so that one arrives, many with a new counter each time,
and not all give it a packet id. A press must count once; a state that is only confirmed must still
be passed on now and then, or its sensor would look dead.
"""

from collections.abc import Hashable
from typing import Final

_SECOND_US: Final = 1_000_000

STATE_US: Final = 5 * _SECOND_US
"The same states are passed on again after this."

PRESS_WITH_ID_US: Final = 60 * _SECOND_US
"A press with the same packet id is the same press, unless none was heard for so long: then the\
 battery was changed, and the count began anew."

PRESS_PLAIN_US: Final = 5 * _SECOND_US
"A plain frame without a packet id: a burst has no larger gaps."

PRESS_COUNTED_US: Final = _SECOND_US
"An encrypted one without a packet id: the counter rises within a burst too; no hand is faster."

_KEPT: Final = 8
"Signatures remembered: a node rotates between two adverts, a burst may overlap the next."


class Repeats:
    """What one device has sent of late."""

    __slots__ = ("_passed_us", "_press_us")

    def __init__(self) -> None:
        self._passed_us: dict[Hashable, int] = {}
        self._press_us: dict[Hashable, int] = {}

    def state(self, signature: Hashable, at_us: int) -> bool:
        """Whether states with this signature were passed on just now."""
        passed = self._passed_us.get(signature)
        return passed is not None and at_us - passed < STATE_US

    def press(self, signature: Hashable, at_us: int, window_us: int) -> bool:
        """Whether a press with this signature was heard within `window_us`."""
        heard = self._press_us.get(signature)
        return heard is not None and at_us - heard < window_us

    def passed(self, signature: Hashable, at_us: int) -> None:
        """States with this signature go to the gateway."""
        _note(self._passed_us, signature, at_us)

    def pressed(self, signature: Hashable, at_us: int) -> None:
        """A press with this signature was heard, again or for the first time."""
        _note(self._press_us, signature, at_us)


def _note(times: dict[Hashable, int], signature: Hashable, at_us: int) -> None:
    times.pop(signature, None)
    times[signature] = at_us
    if len(times) > _KEPT:
        del times[next(iter(times))]
