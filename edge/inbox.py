"""The one queue in front of the gateway: calls for help first, and no peer ahead of another.

Urgent items are never dropped: each source has a lane of its own with a limit, and a source whose
lane is full is not read until there is room. Routine observations share one bounded lane that
drops the oldest of the same device and phenomenon and counts it.
"""

import asyncio
from collections import Counter, OrderedDict, deque

from rules.inputs import Input
from rules.observation import DeviceId, Observation, Phenomenon

URGENT_MAX = 64
"Urgent items of one source; more of them wait where they come from."
ROUTINE_MAX = 1024
"A second of a large home under a flood; the newest value of each phenomenon is always in it."
_URGENT_RUN = 8
"After so many urgent items one routine one, or a stuck button would hide all life in the home."

_TAKEN_IN_A_ROW = 32
"Then the sockets have their turn, or an SOS would wait in one for the whole backlog."

_Key = tuple[DeviceId, Phenomenon]


class Inbox:
    """Bounded, for one consumer, on one event loop."""

    def __init__(self, urgent_max: int = URGENT_MAX, routine_max: int = ROUTINE_MAX) -> None:
        self._urgent_max = urgent_max
        self._routine_max = routine_max
        self._urgent: OrderedDict[str, deque[Input]] = OrderedDict()
        "Only lanes that hold something; the first is served next."
        self._routine: OrderedDict[int, tuple[str, Observation]] = OrderedDict()
        self._queued: dict[_Key, deque[int]] = {}
        self._number = 0
        self._run = 0
        self._in_a_row = 0
        self._dropped: Counter[str] = Counter()
        self._arrived = asyncio.Event()
        self._room: dict[str, asyncio.Event] = {}

    @property
    def depth(self) -> int:
        """How many items wait."""
        return sum(map(len, self._urgent.values())) + len(self._routine)

    @property
    def dropped(self) -> int:
        """How many routine observations were dropped since the start."""
        return self._dropped.total()

    def dropped_of(self, source: str) -> int:
        """How many of them came from one source."""
        return self._dropped[source]

    def put(self, item: Input, *, urgent: bool, source: str = "gateway") -> bool:
        """Queue an item; False if the urgent lane of its source is full and nothing was queued.

        Only observations can be routine; anything else is urgent, whatever is asked.
        """
        if urgent or not isinstance(item, Observation):
            lane = self._urgent.setdefault(source, deque())
            if len(lane) >= self._urgent_max:
                return False
            lane.append(item)
        else:
            self._put_routine(item, source)
        self._arrived.set()
        return True

    async def put_waiting(self, item: Input, *, urgent: bool, source: str) -> None:
        """Queue an item as soon as its source's lane has room."""
        while not self.put(item, urgent=urgent, source=source):
            await self._room.setdefault(source, asyncio.Event()).wait()

    async def get(self) -> Input:
        """The next item. Cancelled while it waits, it has taken none."""
        self._in_a_row += 1
        if self._in_a_row > _TAKEN_IN_A_ROW:
            self._in_a_row = 0
            await asyncio.sleep(0)
        while not self._urgent and not self._routine:
            self._in_a_row = 0
            self._arrived.clear()
            await self._arrived.wait()
        if self._urgent and (self._run < _URGENT_RUN or not self._routine):
            self._run += 1
            return self._take_urgent()
        self._run = 0
        return self._take_routine()

    def _take_urgent(self) -> Input:
        source, lane = self._urgent.popitem(last=False)
        item = lane.popleft()
        if lane:
            self._urgent[source] = lane
        room = self._room.pop(source, None)
        if room is not None:
            room.set()
        return item

    def _take_routine(self) -> Observation:
        number, (_, item) = self._routine.popitem(last=False)
        self._forget(number, item)
        return item

    def _put_routine(self, item: Observation, source: str) -> None:
        key = (item.device, item.phenomenon)
        if len(self._routine) >= self._routine_max:
            same = self._queued.get(key)
            victim = same[0] if same else next(iter(self._routine))
            whose, oldest = self._routine.pop(victim)
            self._forget(victim, oldest)
            self._dropped[whose] += 1
        self._number += 1
        self._routine[self._number] = (source, item)
        self._queued.setdefault(key, deque()).append(self._number)

    def _forget(self, number: int, item: Observation) -> None:
        key = (item.device, item.phenomenon)
        same = self._queued[key]
        # Both orders are by number, so the oldest of all is the oldest of its key.
        assert same[0] == number
        same.popleft()
        if not same:
            del self._queued[key]
