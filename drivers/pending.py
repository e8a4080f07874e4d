"""What a driver has still to tell the gateway: bounded, and urgent news are the last to go."""

import asyncio
from collections import deque
from typing import Final

from rules.air import Receptions, Sighting
from rules.inputs import CommandResult
from rules.observation import URGENT
from rules.wire import DriverFault, Observed

Outgoing = Observed | DriverFault | CommandResult | Sighting | Receptions

LIMIT: Final = 1_024
"Messages in all, about a quarter of an hour of a home of 60 sensors."

URGENT_LIMIT: Final = 4_096
"Hazards, calls for help, faults and results take the places of periodic reports, and when there\
 are none left go past `LIMIT` up to this. Only then the oldest of them goes."


CURIOUS_LIMIT: Final = 512
"What only technicians look at has places of its own, and waits for everything else."


class Pending:
    """Urgent messages overtake periodic reports, and both what is for curious eyes only."""

    def __init__(self) -> None:
        self._urgent: deque[Outgoing] = deque()
        self._periodic: deque[Outgoing] = deque()
        self._curious: deque[Outgoing] = deque(maxlen=CURIOUS_LIMIT)
        self._filled = asyncio.Event()
        self.dropped = 0
        "Periodic reports that found no place, since the start."
        self.urgent_dropped = 0

    def __len__(self) -> int:
        """How many messages wait, but for those that the rules do without."""
        return len(self._urgent) + len(self._periodic)

    def put(self, message: Outgoing) -> None:
        """Take a message in; never blocks, the oldest periodic report makes room."""
        if isinstance(message, Sighting | Receptions):
            self._curious.append(message)
            self._filled.set()
            return
        urgent = is_urgent(message)
        if len(self) >= LIMIT:
            if self._periodic:
                self._periodic.popleft()
                self.dropped += 1
            elif not urgent:
                self.dropped += 1
                return
            elif len(self._urgent) >= URGENT_LIMIT:
                self._urgent.popleft()
                self.urgent_dropped += 1
        (self._urgent if urgent else self._periodic).append(message)
        self._filled.set()

    def put_back(self, message: Outgoing) -> None:
        """Return a message that was taken and could not be sent: it is the next again."""
        if isinstance(message, Sighting | Receptions):
            return  # Stale by the time that there is another connection.
        (self._urgent if is_urgent(message) else self._periodic).appendleft(message)
        self._filled.set()

    async def take(self) -> Outgoing:
        """The next message, as soon as there is one."""
        while not (len(self) or self._curious):
            self._filled.clear()
            await self._filled.wait()
        return (self._urgent or self._periodic or self._curious).popleft()


def is_urgent(message: Outgoing) -> bool:
    """Everything but a periodic observation and what is for curious eyes only."""
    if isinstance(message, Observed):
        return message.phenomenon in URGENT
    return not isinstance(message, Sighting | Receptions)
