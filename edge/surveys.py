"""Whoever looks around through the radios: each gets the newest of every sender, or less of it.

A survey lasts while somebody asks for it again and again; nothing here waits, keeps time or keeps
what was sighted. So a terminal that hangs, a technician who forgets it and a gateway that dies all
end it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from rules.air import Sighting

LASTS: Final = timedelta(seconds=30)
"From each time that it is asked for."
BEHIND_MAX: Final = 1_024
"Senders at one source each. Of one who reads slowly the oldest are dropped, and counted."


class Surveyor:
    """One reader's view."""

    def __init__(self) -> None:
        self._newest: OrderedDict[tuple[str, str], Sighting] = OrderedDict()
        self._some = asyncio.Event()
        self.dropped = 0

    def tell(self, sighting: Sighting) -> None:
        """Keep what is newest of a sender."""
        key = sighting.address, sighting.source
        if self._newest.pop(key, None) is not None:
            self.dropped += 1
        elif len(self._newest) >= BEHIND_MAX:
            self._newest.popitem(last=False)
            self.dropped += 1
        self._newest[key] = sighting
        self._some.set()

    async def next(self) -> Sighting:
        """What has waited longest."""
        while not self._newest:
            self._some.clear()
            await self._some.wait()
        return self._newest.popitem(last=False)[1]


class Surveys:
    """All of them."""

    def __init__(self, ask: Callable[[timedelta], None]) -> None:
        """`ask` tells all drivers to survey for so long from now; for no time: no more."""
        self._ask = ask
        self._surveyors: set[Surveyor] = set()

    def tell(self, sighting: Sighting) -> None:
        """Tell everybody who looks around; what comes late is told to nobody."""
        for surveyor in self._surveyors:
            surveyor.tell(sighting)

    def renew(self) -> None:
        """Somebody still looks."""
        self._ask(LASTS)

    @contextmanager
    def watch(self) -> Iterator[Surveyor]:
        """Look around within the block, `renew`ing it meanwhile."""
        surveyor = Surveyor()
        self._surveyors.add(surveyor)
        self.renew()
        try:
            yield surveyor
        finally:
            self._surveyors.discard(surveyor)
            if not self._surveyors:
                self._ask(timedelta())
