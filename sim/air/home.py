"""A home on the air: turns what happens in it into encrypted BTHome frames, and obeys commands.

It stands where a Bluetooth adapter would: the driver process above it is the production one. Each
device adverts every change several times as beacons do, reports periodically as its contract says,
and the air may lose any frame.
"""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from random import Random
from typing import Protocol

from drivers.ble import RawAdvert
from drivers.ble.bthome import UUID16
from rules.command import Command, Refusal, Signal
from rules.device import Device
from rules.observation import DeviceId, Phenomenon, Press, Value
from rules.wire import KeyedDevice
from sim.air.told import Told, What
from sim.air.transmitter import Air, Transmitter
from sim.homes.act import Absence, Act, Occupant
from sim.homes.dwelling import Installed

_DAY = timedelta(days=1)
_REPORT_EARLY = 0.93
"A device reports a little more often than its contract asks."
_ANSWER_S = (4.0, 9.0)
"A prompt is heard, the resident gets up and presses the button."
_FIRST_WITHIN = timedelta(minutes=5)


class Clock(Protocol):
    """Virtual time."""

    def now(self) -> datetime: ...

    def boottime_us(self) -> int: ...

    async def sleep_until(self, moment: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class _Report:
    """A periodic report is due."""

    device: DeviceId


@dataclass(frozen=True, slots=True)
class _Pressed:
    """The resident answers a prompt at this device."""

    device: DeviceId


@dataclass(frozen=True, slots=True)
class _Fate:
    """The person collapses, or is well again."""

    what: What


@dataclass(frozen=True, slots=True)
class _Midnight:
    """A local day is over."""

    day: date


_Item = Act | _Report | _Pressed | _Fate | _Midnight


class VirtualHome:
    """The `Radio` of the driver process, with a home behind it."""

    def __init__(
        self,
        installed: Iterable[Installed],
        occupant: Occupant,
        *,
        clock: Clock,
        random: Random,
        zone: tzinfo,
        tell: Callable[[Told], None],
        air: Air,
    ) -> None:
        """Put a home on the air from the clock's present moment on.

        Args:
            installed: its devices.
            occupant: who lives in it.
            clock: virtual time.
            random: draws losses, phases and answers, in the order in which they happen.
            zone: of the home's days.
            tell: takes the news; must not block.
            air: losses.

        """
        self._transmitters = {one.device.id: Transmitter(one, random) for one in installed}
        self._occupant = occupant
        self._clock = clock
        self._random = random
        self._zone = zone
        self._tell = tell
        self._air = air
        self._absences: dict[datetime, Absence] = {}
        self._answering = False
        self._signs = 0
        self._order = itertools.count()
        self._agenda: list[tuple[datetime, int, _Item]] = []
        self._acts = occupant.acts()
        self._sleeping: asyncio.Task[None] | None = None
        self._caught_up = clock.now()
        self._plan()

    def caught_up(self) -> Told:
        """Until when everything is on the air."""
        if self._sleeping is not None:
            self._caught_up = min(self._clock.now(), self._agenda[0][0])
        coming = self._occupant.next_by_hand(self._caught_up)
        return Told(self._caught_up, What.CAUGHT_UP, coming=coming)

    def befall(self, absence: Absence) -> None:
        """The person collapses at `absence.begin`, and with its `end` is well again then."""
        known = self._absences.get(absence.begin)
        self._absences[absence.begin] = absence
        if known is None:
            self._put(absence.begin, _Fate(What.COLLAPSED))
        if absence.end is not None and (known is None or known.end is None):
            self._put(absence.end, _Fate(What.WELL_AGAIN))

    # ----------------------------------------------------------------------------- drivers.Radio

    async def adverts(self) -> AsyncIterator[RawAdvert]:
        """Every frame that the adapter receives, at its moment, for ever."""
        while True:
            at, _, item = self._agenda[0]
            if at > self._clock.now():
                await self._sleep(at)
                continue
            heapq.heappop(self._agenda)
            for advert in self._happen(at, item):
                yield advert
            self._caught_up = at

    def set_devices(self, devices: Iterable[KeyedDevice]) -> None:
        """Take the table: it makes no difference, there is nobody else about."""

    async def perform(self, command: Command, device: Device) -> Refusal | None:
        """Light, buzz or stop; the resident may answer a prompt."""
        now = self._clock.now()
        if device.id not in self._transmitters:
            return Refusal.UNREACHABLE
        if command.output not in device.outputs:
            return Refusal.UNSUPPORTED
        self._tell(Told(now, What.SIGNAL, command.signal.value))
        if command.signal is Signal.PROMPT and not self._answering and self._hears(now):
            self._answering = True
            wait = timedelta(seconds=self._random.uniform(*_ANSWER_S))
            self._put(now + wait, _Pressed(device.id))
        return None

    # ------------------------------------------------------------------------------- the agenda

    def _plan(self) -> None:
        now = self._clock.now()
        for name, transmitter in self._transmitters.items():
            every = transmitter.device.report_every
            # All are heard within the first minutes, as after an installer's walk test.
            first = now + min(every, _FIRST_WITHIN) * self._random.random()
            self._put(first, _Report(name))
        today = now.astimezone(self._zone).date()
        self._put(datetime.combine(today + _DAY, time(), self._zone), _Midnight(today))
        for act in self._acts:
            if act.at >= now:
                self._put(act.at, act)
                break
            # It happened before anybody listened, and left the device as it is now.
            self._transmitters[act.device].read(act)

    def _next_act(self) -> None:
        act = next(self._acts, None)
        if act is None:
            self._tell(Told(self._caught_up, What.OVER))
        else:
            self._put(act.at, act)

    def _put(self, at: datetime, item: _Item) -> None:
        heapq.heappush(self._agenda, (at, next(self._order), item))
        if self._sleeping is not None and self._agenda[0][2] is item:
            self._sleeping.cancel()

    async def _sleep(self, moment: datetime) -> None:
        """Sleep until the moment, or until something earlier is put on the agenda."""
        async with asyncio.TaskGroup() as group:
            self._sleeping = group.create_task(self._clock.sleep_until(moment))
        self._sleeping = None

    def _happen(self, at: datetime, item: _Item) -> Iterator[RawAdvert]:
        match item:
            case Act():
                self._next_act()
                yield from self._act(item)
            case _Report(name):
                transmitter = self._transmitters[name]
                every = transmitter.device.report_every * _REPORT_EARLY
                self._put(at + every * self._random.uniform(0.98, 1.02), item)
                if transmitter.readings:
                    yield from self._send(at, transmitter, transmitter.report(), 1)
            case _Pressed(name):
                self._answering = False
                if self._hears(at):
                    self._tell(Told(at, What.ANSWERED))
                    press = ((Phenomenon.BUTTON, Press.SINGLE),)
                    yield from self._send(at, self._transmitters[name], press, self._air.copies)
            case _Fate(what):
                self._tell(Told(at, what))
            case _Midnight(day):
                self._tell(Told(at, What.DAY, day.isoformat(), self._signs))
                self._signs = 0
                self._put(at + _DAY, _Midnight(day + _DAY))

    def _act(self, act: Act) -> Iterator[RawAdvert]:
        if act.hand is not None:
            if self._absent(act.hand):
                return
            self._signs += act.hand == act.at
        if act.scene is not None:
            self._tell(Told(act.at, What.SCENE, act.scene.value))
        transmitter = self._transmitters[act.device]
        transmitter.read(act)
        yield from self._send(
            act.at, transmitter, ((act.phenomenon, act.value),), self._air.copies
        )

    def _send(
        self,
        at: datetime,
        transmitter: Transmitter,
        values: tuple[tuple[Phenomenon, Value], ...],
        copies: int,
    ) -> Iterator[RawAdvert]:
        data = transmitter.frame(values, event=copies > 1)
        # Stamped with its own moment, however fast time runs.
        ago_us = (self._clock.now() - at) // timedelta(microseconds=1)
        sent_us = self._clock.boottime_us() - ago_us
        for _ in range(copies):
            if self._random.random() >= self._air.loss:
                yield RawAdvert(
                    transmitter.device.address,
                    UUID16,
                    data,
                    transmitter.rssi_dbm + self._random.randrange(-3, 4),
                    sent_us,
                )

    # ------------------------------------------------------------------------------- the person

    def _absent(self, moment: datetime) -> bool:
        return any(absence.covers(moment) for absence in self._absences.values())

    def _hears(self, moment: datetime) -> bool:
        return not self._absent(moment) and self._occupant.at_home(moment)
