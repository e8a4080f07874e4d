"""How fast virtual time may run, so that nothing falls due because a process is behind.

See the package for the reasons. Pure: moments and spans are handed in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

CAREFUL: Final = 12.0
"The ten seconds that a command may take are most of a real one."

_SLACK: Final = timedelta(seconds=10)
"How far time runs past a frame on its way: 17 ms at 600 times as fast, three of which it needs."
_BEFORE: Final = timedelta(seconds=10)
_AFTER: Final = timedelta(seconds=20)
"Around the moment at which a gateway is to ask or to call."


@dataclass(frozen=True, slots=True)
class Need:
    """What one home needs of the pace."""

    unconfirmed: datetime | None
    "The moment of the oldest frame that the gateway has not taken in."
    urgent: bool
    "It calls for help, or tells of a hazard."
    busy: bool
    "A danger or a command is dealt with, or a record waits that a sound way should carry."
    due: tuple[datetime, ...]
    "When the gateway is to ask or to call, if nothing more is seen; by the true time."


def pace(
    needs: Iterable[Need], now: datetime, speed: float, planned: datetime | None
) -> tuple[float, datetime | None]:
    """Rate, and the moment at which time stands still until it is looked at again.

    Args:
        needs: of all homes.
        now: the true moment.
        speed: the fastest.
        planned: when something is planned to happen.

    """
    rate = speed
    until = [] if planned is None else [planned]
    for need in needs:
        if need.unconfirmed is not None:
            until.append(need.unconfirmed + (timedelta() if need.urgent else _SLACK))
        if need.busy:
            rate = min(speed, CAREFUL)
        for due in need.due:
            if now < due - _BEFORE:
                until.append(due - _BEFORE)
            elif now < due + _AFTER:
                rate = min(speed, CAREFUL)
    return rate, min(until, default=None)
