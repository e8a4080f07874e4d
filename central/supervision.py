"""Is every home still there? Three missed heartbeats are a fault that the center raises itself.

Silence is counted in real seconds, in small steps: a clock that runs faster, slower or jumps does
not make a gateway silent, nor does a center that was itself stopped or suspended.

Ref: EN 50136-1 (supervision of alarm transmission) for the idea; the interval is ours.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from central.cases import StoreFailing
from central.clock import Clock
from central.store import Store
from rules.sentence import Say, sentence

MISSED = 3
_MARGIN_S = 1.0
"What the last of them may take on its way."
_STEP_S = 1.0
_STEP_S_MAX = 5.0
"A longer step was no silence of the gateways: this process did not run."
_KEEP_STEPS = 60
"After so many steps the last heartbeats are written down."
_SLOWEST = 1e-3
"A clock that stands still is looked at again all the same."

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Watched:
    silence_s: float = 0.0
    promised_s: int = 0
    silent: bool = False
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Turn:
    """A gateway fell silent, or is back."""

    gateway: str
    silent: bool
    at: datetime
    last: datetime | None


class Supervision:
    """Watches all gateways that were ever heard. After a start all have a full grace."""

    def __init__(self, store: Store, clock: Clock, interval: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._interval = interval
        self._watched: dict[str, _Watched] = {}
        self._turns: dict[str, _Turn] = {}
        self._turned = asyncio.Event()

    def heard(self, gateway: str) -> None:
        """A request was proven to be this gateway's."""
        watched = self._watched.setdefault(gateway, _Watched())
        watched.silence_s = 0.0
        # Until the next one is due it goes by what it was told now.
        watched.promised_s = self._interval()
        watched.last = self._clock.now()
        if watched.silent:
            self._turn(gateway, watched, silent=False)

    async def load(self) -> None:
        """Learn whom to watch from what was written down. Before anyone is heard."""
        for row in await self._store.gateways():
            if row.last_heartbeat is not None:
                watched = self._watched.setdefault(row.gateway, _Watched())
                watched.silent = row.silent
                watched.promised_s = row.interval_s
                watched.last = row.last_heartbeat

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
                self._pass(passed_s)

    async def _step(self, seconds: float) -> None:
        """Sleep by the clock, but never much longer than so many real seconds."""
        try:
            async with asyncio.timeout(2 * seconds):
                span = timedelta(seconds=seconds * max(self._clock.rate(), _SLOWEST))
                await self._clock.sleep_until(self._clock.now() + span)
        except TimeoutError:
            # It runs slower by now; what has passed is reckoned by the caller.
            return

    def _pass(self, seconds: float) -> None:
        for gateway, watched in self._watched.items():
            watched.silence_s += seconds
            patience_s = MISSED * max(watched.promised_s, self._interval()) + _MARGIN_S
            if watched.silence_s > patience_s and not watched.silent:
                self._turn(gateway, watched, silent=True)

    def _turn(self, gateway: str, watched: _Watched, *, silent: bool) -> None:
        watched.silent = silent
        self._turns[gateway] = _Turn(gateway, silent, self._clock.now(), watched.last)
        self._turned.set()

    async def _write(self) -> None:
        while True:
            await self._turned.wait()
            self._turned.clear()
            for turn in list(self._turns.values()):
                try:
                    await self._note(turn)
                except StoreFailing as failing:
                    _log.warning("%s: %s", turn.gateway, failing)
                    # Another attempt with the next turn, or when things are tidied.
                    continue
                if self._turns.get(turn.gateway) is turn:
                    del self._turns[turn.gateway]

    async def _note(self, turn: _Turn) -> None:
        if turn.silent:
            last = turn.last or turn.at
            why = sentence(Say.GATEWAY_SILENT, last=last, missed=MISSED)
            if await self._store.gateway_silent(turn.gateway, (why,), turn.at):
                _log.warning("%s: silent, last heard %s", turn.gateway, last.isoformat())
        else:
            why = sentence(Say.GATEWAY_BACK, at=turn.at)
            if await self._store.gateway_back(turn.gateway, (why,), turn.at):
                _log.info("%s: heard again", turn.gateway)

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
