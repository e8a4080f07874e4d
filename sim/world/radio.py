"""From what a device truly says to what its gateway is handed: the air, sensors and radios.

A frame's fate is worked out of the seed, the fault, the device and the moment alone (see
`sim.faults.fate`), so that a run without one of its faults meets the others as before. What BLE
drivers do to every frame (repetitions of the same advert, counters) is left out: an event is one
frame here, however many copies of it are on the air.
"""

import heapq
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Final, NamedTuple

from drivers.refused import Why
from rules.command import Command, Refusal
from rules.inputs import CommandResult
from rules.observation import DeviceId, Phenomenon, Quality, Value
from sim.faults.fate import chance, key, moment_us
from sim.faults.fault import OF_RADIO, Fault, FaultKind
from sim.faults.sensing import ZERO_EVERY, Values
from sim.homes.dwelling import Installed
from sim.world.driver_words import Driven, DriverWords
from sim.world.station import NEVER, STEPS, Acting, Station

__all__ = ["Driven", "Heard", "Performed", "Radio"]

_MS: Final = timedelta(milliseconds=1)
_FIRST_WITHIN: Final = timedelta(minutes=5)
"All are heard within the first minutes, as after an installer's walk test."

_COPIES: Final = 3
"How often a device adverts a change; a periodic report is sent once."
_COPY: Final = timedelta(milliseconds=100)
_SOS_TRIES: Final = (timedelta(), timedelta(milliseconds=500), timedelta(seconds=1))
"A call for help is sent so often, each time in all its copies."
_OVERTAKEN_S: Final = (5.0, 30.0)
_TWICE_S: Final = (0.1, 3.0)
_ANSWER: Final = timedelta(seconds=1)

_SALT_HOLD: Final = 1
_SALT_BITS: Final = 16
"A copy of a frame has so many draws of its own."


class Heard(NamedTuple):
    """An observation on its way. A tuple: a year has a million of them."""

    at: datetime
    "True time at which it reaches the gateway."
    device: DeviceId
    phenomenon: Phenomenon
    value: Value
    said: datetime
    "True time at which the device said it."
    quality: Quality = Quality.GOOD


class Performed(NamedTuple):
    """A driver's answer to a command."""

    at: datetime
    "True time at which it reaches the gateway."
    result: CommandResult


class Radio:
    """All devices of one home and the radio that hears them.

    Moments that it is asked about never go back.
    """

    def __init__(
        self,
        installed: Sequence[Installed],
        faults: Sequence[Fault],
        start: datetime,
        seed: int,
        number: int,
    ) -> None:
        """Put home `number` on the air; of `faults` it takes what is this home's and a radio's."""
        ours = [one for one in faults if one.home == number and one.kind in OF_RADIO]
        start = start.astimezone(UTC)
        self._stations: dict[DeviceId, Station] = {}
        self._random: list[Random] = []
        zeroes: list[tuple[Station, Acting]] = []
        for one in installed:
            name = one.device.id
            met = [
                Acting(
                    fault,
                    start + fault.begin,
                    start + fault.begin + fault.lasting,
                    key(f"{seed}/{number}/fault/{fault.number}/{name}"),
                )
                for fault in ours
                if fault.device in (None, name)
            ]
            self._stations[name] = station = Station(one, met)
            zeroes += [(station, zero) for zero in met if zero.fault.kind is FaultKind.FALSE_ZERO]
            self._random.append(Random(f"{seed}/{number}/air/{name}"))
        self._speakers = list(self._stations.values())
        self._zeroes = zeroes
        self._agenda = self._first(start)
        self._driver = DriverWords(sorted({one.device.link for one in installed}), ours, start)
        self.refused = 0
        "Frames that were refused because their bits had flipped."

    # ------------------------------------------------------------------------------ observations

    def says(
        self, at: datetime, device: DeviceId, phenomenon: Phenomenon, value: Value
    ) -> Sequence[Heard]:
        """A device notices something and says so; mostly heard once, at once."""
        station = self._stations[device]
        if at >= station.changes:
            station.look(at)
        if phenomenon in station.readings:
            station.readings[phenomenon] = value
        losses = station.losses
        if losses is not None and phenomenon is not Phenomenon.SOS:
            if losses and _lost(losses, at):
                return ()
            return (Heard(at, device, phenomenon, value, at),)
        if station.frozen is not None:
            return ()
        values = station.told(at, ((phenomenon, value),))
        tries = _SOS_TRIES if phenomenon is Phenomenon.SOS else _SOS_TRIES[:1]
        for wait in tries:
            heard = self._sent(station, at + wait, at, values, _COPIES)
            if heard:
                return heard
        return ()

    def due(self) -> datetime:
        """When the earliest device reports next; far off where there is none."""
        return self._agenda[0][0] if self._agenda else NEVER

    def report(self) -> Sequence[Heard]:
        """Let the device report that is due: all it reads in one frame; and plan its next one."""
        at, index = self._agenda[0]
        if index >= len(self._speakers):
            return self._false_zero(at, index)
        station = self._speakers[index]
        step = station.steps[int(self._random[index].random() * STEPS)]
        heapq.heapreplace(self._agenda, (at + step, index))
        if at >= station.changes:
            station.look(at)
        losses = station.losses
        if losses is not None:
            if losses and _lost(losses, at):
                return ()
            name = station.id
            return [Heard(at, name, what, value, at) for what, value in station.readings.items()]
        values = station.frozen or tuple(station.readings.items())
        return self._sent(station, at, at, station.told(at, values), 1)

    # --------------------------------------------------------------------------------- the driver

    def driver_due(self) -> datetime | None:
        """When a driver says the next thing, as far as is known now."""
        return self._driver.due()

    def driver_items(self, upto: datetime) -> Sequence[Driven]:
        """What drivers say up to and with `upto`, in order; each is handed out once.

        Scopes are `driver:ble` (its adapter is gone) or a device (its frames are refused). The
        sentences hold true time.
        """
        return self._driver.items(upto)

    def performs(self, at: datetime, command: Command) -> Performed | None:
        """A driver's answer, about a second later; None: the command is lost."""
        station = self._stations.get(command.device)
        refusal = None
        if station is None:
            refusal = Refusal.UNREACHABLE
        elif command.output not in station.device.outputs:
            refusal = Refusal.UNSUPPORTED
        else:
            if at >= station.changes:
                station.look(at)
            if station.mute(at):
                return None
        return Performed(at + _ANSWER, CommandResult(command.id, refusal))

    # -------------------------------------------------------------------------------- under faults

    def _sent(
        self, station: Station, at: datetime, said: datetime, values: Values, copies: int
    ) -> list[Heard]:
        """What becomes of one frame, sent at `at` in `copies`."""
        if not values or station.mute(at):
            return []
        at_us = moment_us(at)
        losses = station.of(FaultKind.FRAME_LOSS)
        if losses and any(chance(one.key, at_us) < one.fault.amount for one in losses):
            return []
        arrived = self._first_good_copy(station, at, values, copies)
        if arrived is None:
            return []
        first, values = arrived
        first += _held(station, at_us)
        again = [
            first + _between(_TWICE_S, chance(one.key, at_us, _SALT_HOLD))
            for one in station.of(FaultKind.DUPLICATES)
            if chance(one.key, at_us) < one.fault.amount
        ]
        return [
            Heard(moment, station.id, phenomenon, value, said)
            for moment in sorted([first, *again])
            for phenomenon, value in values
        ]

    def _first_good_copy(
        self, station: Station, at: datetime, values: Values, copies: int
    ) -> tuple[datetime, Values] | None:
        """When a frame is first understood, and what it says; None if no copy of it is."""
        at_us = moment_us(at)
        for copy in range(copies):
            moment = at + copy * _COPY
            for one in station.of(FaultKind.BIT_ERRORS):
                salt = copy * _SALT_BITS
                if chance(one.key, at_us, salt) >= one.fault.amount:
                    continue
                draw = partial(_salted, one.key, at_us, salt + 1)
                counter = (at_us // 1_000 + copy) % (1 << 32)
                found = station.spoiler.spoil(values, counter, draw, event=copies > 1)
                if isinstance(found, Why):
                    self.refused += 1
                    self._driver.refuse(station.id, found, moment)
                    break
                values = found
            else:
                return moment, values
        return None

    # --------------------------------------------------------------------------------- the agenda

    def _first(self, start: datetime) -> list[tuple[datetime, int]]:
        agenda = []
        for index, (station, random) in enumerate(zip(self._speakers, self._random, strict=True)):
            within_ms = min(station.device.report_every, _FIRST_WITHIN) // _MS
            if station.readings:
                agenda.append((start + int(random.random() * within_ms) * _MS, index))
        many = len(self._speakers)
        agenda += [
            (one.begin + _between((0.0, ZERO_EVERY.total_seconds()), chance(one.key, 0)), many + n)
            for n, (_, one) in enumerate(self._zeroes)
        ]
        heapq.heapify(agenda)
        return agenda

    def _false_zero(self, at: datetime, index: int) -> Sequence[Heard]:
        station, one = self._zeroes[index - len(self._speakers)]
        if at >= one.end:
            heapq.heappop(self._agenda)
            return ()
        heapq.heapreplace(self._agenda, (at + ZERO_EVERY, index))
        if at >= station.changes:
            station.look(at)
        return self._sent(station, at, at, ((Phenomenon.POWER_W, 0.0),), 1)


def _held(station: Station, at_us: int) -> timedelta:
    """How long a frame is held back on its way."""
    held = timedelta()
    for one in station.of(FaultKind.DELAY):
        held += int(chance(one.key, at_us) * one.fault.amount * 1_000) * _MS
    for one in station.of(FaultKind.REORDERING):
        if chance(one.key, at_us) < one.fault.amount:
            held += _between(_OVERTAKEN_S, chance(one.key, at_us, _SALT_HOLD))
    return held


def _lost(losses: tuple[tuple[int, float], ...], at: datetime) -> bool:
    at_us = moment_us(at)
    for key_, share in losses:  # noqa: SIM110 -- a generator would cost as much as the draw
        if chance(key_, at_us) < share:
            return True
    return False


def _salted(key_: int, at_us: int, first: int, salt: int) -> float:
    return chance(key_, at_us, first + salt)


def _between(limits_s: tuple[float, float], drawn: float) -> timedelta:
    low, high = limits_s
    return int((low + (high - low) * drawn) * 1_000) * _MS
