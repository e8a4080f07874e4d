"""Keeps the vigil over all homes: tells it of the time, and writes down what it finds.

Silence is counted in real seconds, in small steps: a clock that runs faster, slower or jumps does
not make a gateway silent, nor does a center that was itself stopped or suspended.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable
from datetime import timedelta

from central.cases import StoreFailing
from central.clock import Clock
from central.store import Store
from central.vigil import MISSED, Turn, Vigil
from rules.sentence import Say, sentence

_STEP_S = 1.0
_STEP_S_MAX = 5.0
"A longer step was no silence of the gateways: this process did not run."
_KEEP_STEPS = 60
"After so many steps the last heartbeats are written down."
_SLOWEST = 1e-3
"A clock that stands still is looked at again all the same."

_log = logging.getLogger(__name__)


class Supervision:
    """Watches all gateways that were ever heard. After a start all have a full grace."""

    def __init__(self, store: Store, clock: Clock, interval: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._vigil = Vigil(interval)
        self._turns: dict[str, Turn] = {}
        "Those not yet written down, the last of each gateway."
        self._turned = asyncio.Event()

    def heard(self, gateway: str) -> None:
        """A request was proven to be this gateway's."""
        self._vigil.heard(gateway, self._clock.now())
        self._collect()

    async def load(self) -> None:
        """Learn whom to watch from what was written down. Before anyone is heard."""
        self._vigil.load(await self._store.gateways())

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch(), name="supervision watches")
            tasks.create_task(self._write(), name="supervision writes")
            tasks.create_task(self._tidy(), name="supervision tidies")

    async def _watch(self) -> None:
        before_us, rate_before = self._clock.boottime_us(), self._clock.rate()
        while True:
            await self._step(_STEP_S)
            now_us, rate = self._clock.boottime_us(), self._clock.rate()
            fastest = max(rate, rate_before)
            passed_s = (now_us - before_us) / 1e6 / fastest if fastest > 0 else 0.0
            before_us, rate_before = now_us, rate
            if passed_s <= _STEP_S_MAX:
                self._vigil.passed(passed_s, self._clock.now())
                self._collect()

    async def _step(self, seconds: float) -> None:
        """Sleep by the clock, but never much longer than so many real seconds."""
        try:
            async with asyncio.timeout(2 * seconds):
                span = timedelta(seconds=seconds * max(self._clock.rate(), _SLOWEST))
                await self._clock.sleep_until(self._clock.now() + span)
        except TimeoutError:
            # It runs slower by now; what has passed is reckoned by the caller.
            return

    def _collect(self) -> None:
        for turn in self._vigil.turns():
            self._turns[turn.gateway] = turn
            self._turned.set()

    async def _write(self) -> None:
        while True:
            await self._turned.wait()
            self._turned.clear()
            for turn in list(self._turns.values()):
                try:
                    await write_down(turn, self._store)
                except StoreFailing as failing:
                    _log.warning("%s: %s", turn.gateway, failing)
                    # Another attempt with the next turn, or when things are tidied.
                    continue
                if self._turns.get(turn.gateway) is turn:
                    del self._turns[turn.gateway]

    async def _tidy(self) -> None:
        """Notice newly enrolled gateways, and write heartbeats down from time to time."""
        for step in itertools.count(1):
            await asyncio.sleep(_STEP_S)
            if self._turns:
                self._turned.set()
            try:
                await self._store.refresh()
                if step % _KEEP_STEPS == 0:
                    await self._store.keep_pulses()
            except StoreFailing as failing:
                _log.warning("%s", failing)


async def write_down(turn: Turn, store: Store) -> None:
    """Raise the center's own fault for a silent gateway, or clear it.

    Raises:
        StoreFailing: it is not written down.

    """
    if turn.silent:
        last = turn.last or turn.at
        why = sentence(Say.GATEWAY_SILENT, last=last, missed=MISSED)
        if await store.gateway_silent(turn.gateway, (why,), turn.at):
            _log.warning("%s: silent, last heard %s", turn.gateway, last.isoformat())
    else:
        why = sentence(Say.GATEWAY_BACK, at=turn.at)
        if await store.gateway_back(turn.gateway, (why,), turn.at):
            _log.info("%s: heard again", turn.gateway)
