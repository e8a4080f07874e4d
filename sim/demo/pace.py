"""How fast virtual time may run: quiet stretches fast, and slow before anybody is asked.

Time is granted only a little way past what the gateway is known to have taken in, and stands still
there: so nothing falls due because a process is behind, however fast time runs.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.observation import DeviceId
from sim.air.told import CaughtUp

REAL = 1.0
"Virtual seconds per real second while a person may act."
CAREFUL = 4.0
"""While a well resident is asked, and commands of other kinds may be on their way: each has ten
seconds, and finding its device takes half a real one on a busy machine."""

_BEFORE = timedelta(seconds=2)
"The last fast moment before a prompt or an alarm falls due."
_CLAIMS_MAX = 25
"What the driver had heard so many looks ago is with the gateway by now, whatever it shows."
_SAME = timedelta(minutes=1)
"The gateway reckons moments anew by its own clocks, and time runs on between looks at them."


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
    sounding: bool
    "Nobody is being asked, or by light and sound already."
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
        rate = min(speed, CAREFUL if outlook.well and outlook.sounding else REAL)
        return rate, None if rate == REAL else outlook.confirmed + outlook.ahead
    until = outlook.confirmed + outlook.ahead
    return speed, until if last is None else min(until, last)


class Confirmed:
    """Until when the gateway has taken in all that happened, from what it and the home say.

    What the driver heard last of each device, the gateway must have, too: between them are
    queues, in which urgent news overtake reports.
    """

    def __init__(self, start: datetime) -> None:
        self._moment = start
        self._claims: deque[CaughtUp] = deque()

    def look(self, home: CaughtUp, taken_in: Mapping[DeviceId, datetime | None]) -> datetime:
        """One more look.

        Args:
            home: what the home had said before the gateway was asked.
            taken_in: when each device was last seen, as the gateway then had it.

        """
        self._claims.append(home)
        held = [number for number, one in enumerate(self._claims) if _holds(one, taken_in)]
        # What was heard and never seen, such as a press that is no news, is waited for no longer.
        over = max([len(self._claims) - _CLAIMS_MAX, *(number + 1 for number in held)])
        for _ in range(over):
            self._moment = max(self._moment, self._claims.popleft().at)
        return self._moment


def _holds(claim: CaughtUp, taken_in: Mapping[DeviceId, datetime | None]) -> bool:
    """Whether all that the driver had heard is with the gateway."""
    return all(
        (seen := taken_in.get(device)) is not None and seen >= at - _SAME
        for device, at in claim.heard.items()
    )
