"""How fast virtual time may run: quiet stretches fast, and slow before anybody is asked.

Time is granted on lease: the clock stands still at the end of a grant, so that nothing falls due
while a process is behind or the launcher itself is held up.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

REAL = 1.0
"Virtual seconds per real second while a person may act."
CAREFUL = 12.0
"While a well resident is asked: the ten seconds a command may take are most of a real one."

_LEASE_S = 0.4
"Real seconds granted at a time."
_BEHIND_S = 0.3
"Real seconds that the home may be behind before time waits for it."
_BEFORE = timedelta(seconds=2)
"The last fast moment before a prompt or an alarm falls due."


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the pace depends on."""

    now: datetime
    caught_up: datetime
    "Until when the home has put everything on the air."
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
    slow = min(speed, CAREFUL if outlook.well else REAL)
    near = outlook.due is not None and outlook.now >= outlook.due - _BEFORE
    if outlook.watched or near:
        return slow, None if slow == REAL else outlook.now + _grant(slow)
    until = outlook.now + _grant(speed)
    if outlook.due is not None:
        until = min(until, outlook.due - _BEFORE)
    if outlook.now - outlook.caught_up > timedelta(seconds=_BEHIND_S * speed):
        until = outlook.now
    return speed, until


def _grant(rate: float) -> timedelta:
    return timedelta(seconds=_LEASE_S * rate)
