"""The air of one home: frames as its devices send them, under the faults of `sim.faults`.

What becomes of a frame is worked out as at the deterministic level (`sim.world.radio`); here it is
then a real one, encrypted by its device, and the production driver makes of it what it can. Bits
flip in real copies.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from random import Random
from typing import Final

from drivers.ble import RawAdvert
from drivers.ble.bthome import UUID16
from rules.command import Command
from rules.observation import URGENT, DeviceId, Phenomenon, Value
from sim.air import bthome
from sim.air.transmitter import Transmitter
from sim.faults.fate import chance, key, moment_us
from sim.faults.fault import Fault, FaultKind
from sim.homes.dwelling import Installed
from sim.world.radio import Heard, Performed, Radio

_COPIES: Final = 3
"How often a device adverts a change; a periodic report is sent once."
_FLIPS_MOST: Final = 3
_SALT: Final = 16
_OTHERWISE: Final = frozenset({FaultKind.BIT_ERRORS, FaultKind.RADIO_LOST})
"Done to real copies, and to the real driver."


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame on its way."""

    at: datetime
    "True moment at which it is on the air."
    device: DeviceId
    urgent: bool
    sure: bool
    "A driver that hears it can read it."
    copies: tuple[bytes, ...]
    address: str
    rssi_dbm: int

    def adverts(self, boottime_us: int) -> Iterable[RawAdvert]:
        """As an adapter hears it."""
        for data in self.copies:
            yield RawAdvert(self.address, UUID16, data, self.rssi_dbm, boottime_us)


class Air:
    """All devices of one home. Moments that it is asked about never go back."""

    def __init__(
        self,
        installed: Sequence[Installed],
        faults: Sequence[Fault],
        start: datetime,
        seed: int,
        number: int,
    ) -> None:
        """Put home `number` on the air."""
        usual = [fault for fault in faults if fault.kind not in _OTHERWISE]
        self._radio = Radio(installed, usual, start, seed, number)
        self._transmitters = {
            one.device.id: Transmitter(one, Random(f"{seed}/{number}/frames/{one.device.id}"))
            for one in installed
        }
        self._errors = [
            (start + fault.begin, start + fault.begin + fault.lasting, fault)
            for fault in faults
            if fault.home == number and fault.kind is FaultKind.BIT_ERRORS
        ]
        self._seed = f"{seed}/{number}/fault"

    def says(
        self, at: datetime, device: DeviceId, phenomenon: Phenomenon, value: Value
    ) -> list[Frame]:
        """A device notices something and says so."""
        return self._frames(self._radio.says(at, device, phenomenon, value), _COPIES)

    def due(self) -> datetime:
        """When the earliest device reports next."""
        return self._radio.due()

    def report(self) -> list[Frame]:
        """Let the device report that is due."""
        return self._frames(self._radio.report(), 1)

    def performs(self, at: datetime, command: Command) -> Performed | None:
        """What a device does about a command; None: it is not reached."""
        return self._radio.performs(at, command)

    def _frames(self, heard: Sequence[Heard], copies: int) -> list[Frame]:
        return [
            frame
            for (at, device), several in groupby(heard, key=lambda one: (one.at, one.device))
            for frame in self._frame(at, device, list(several), copies)
        ]

    def _frame(
        self, at: datetime, device: DeviceId, heard: Sequence[Heard], copies: int
    ) -> Iterable[Frame]:
        values = [
            (one.phenomenon, one.value) for one in heard if _carried(one.phenomenon, one.value)
        ]
        if not values:
            return
        transmitter = self._transmitters[device]
        data = transmitter.frame(values, event=copies > 1)
        sent = [self._spoilt(data, at, device, copy) for copy in range(copies)]
        yield Frame(
            at=at,
            device=device,
            urgent=any(what in URGENT and bool(value) for what, value in values),
            sure=data in sent,
            copies=tuple(sent),
            address=transmitter.device.address,
            rssi_dbm=transmitter.rssi_dbm,
        )

    def _spoilt(self, data: bytes, at: datetime, device: DeviceId, copy: int) -> bytes:
        at_us = moment_us(at)
        for begin, end, fault in self._errors:
            if not begin <= at < end or fault.device not in (None, device):
                continue
            name = key(f"{self._seed}/{fault.number}/{device}")
            if chance(name, at_us, copy * _SALT) >= fault.amount:
                continue
            spoilt = bytearray(data)
            for flip in range(1 + int(chance(name, at_us, copy * _SALT + 1) * _FLIPS_MOST)):
                place = int(chance(name, at_us, copy * _SALT + 2 + flip) * len(data) * 8)
                spoilt[place // 8] ^= 1 << place % 8
            return bytes(spoilt)
        return data


def _carried(phenomenon: Phenomenon, value: Value) -> bool:
    try:
        bthome.carrying(phenomenon, value)
    except KeyError:
        return False  # BTHome has no object for it.
    return True
