"""How fast virtual time may run: quiet stretches fast, and slow before anybody is asked.

Time is granted only a little way past what the gateway is known to have taken in, and stands still
there: so nothing falls due because a process is behind, however fast time runs.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

REAL = 1.0
"Virtual seconds per real second while a person may act."
CAREFUL = 12.0
"While a well resident is asked: the ten seconds a command may take are most of a real one."

_BEFORE = timedelta(seconds=2)
"The last fast moment before a prompt or an alarm falls due."
_LOOKS = 3
"What the home had sent so many looks ago has gone through driver, socket and inbox by now."


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the pace depends on."""

    now: datetime
    confirmed: datetime
    "Until when the gateway has taken in all that happened."
    ahead: timedelta
    "How far time may run past that; shorter than the patience with any device."
    due: datetime | None
    "When somebody is asked or an alarm goes out, if nothing more is seen."
    watched: bool
    "Somebody is being asked, or a case waits for people."
    well: bool
    "The resident can answer; nobody needs to look."
    over: bool
    "The story is told."


def pace(outlook: Outlook, speed: float) -> tuple[float, datetime | None]:
    """Rate, and the moment at which time stands still (None: nowhere)."""
    if outlook.over:
        return REAL, None
    last = None if outlook.due is None else outlook.due - _BEFORE
    near = last is not None and last <= min(outlook.now, outlook.confirmed)
    if outlook.watched or near:
        rate = min(speed, CAREFUL if outlook.well else REAL)
        return rate, None if rate == REAL else outlook.confirmed + outlook.ahead
    until = outlook.confirmed + outlook.ahead
    return speed, until if last is None else min(until, last)


class Confirmed:
    """Until when the gateway has taken in all that happened, from what it and the home say."""

    def __init__(self, start: datetime) -> None:
        self._moment = start
        self._sent = deque([start] * _LOOKS, maxlen=_LOOKS)

    def look(self, sent: datetime, taken_in: Iterable[datetime | None]) -> datetime:
        """One more look.

        Args:
            sent: until when the home had sent everything, before the gateway was asked.
            taken_in: moments of observations that the gateway then had; it takes them in order.

        """
        moments = [moment for moment in taken_in if moment is not None]
        self._moment = max(self._moment, self._sent[0], *moments)
        self._sent.append(sent)
        return self._moment
