"""A device's side of the air: its readings, its key and its counter."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from random import Random

from drivers.bthome import mac_of
from rules.observation import Phenomenon, Value
from sim.air import bthome
from sim.homes.act import Act
from sim.homes.dwelling import Installed

_LAMP_LX = 180.0
_SKY_LX = 300.0


@dataclass(frozen=True, slots=True)
class Air:
    """What becomes of a frame between the device and the adapter."""

    loss: float = 0.02
    "Chance that one copy of a frame is not received."
    copies: int = 3
    "How often a device adverts a change; a periodic report is sent once."


class Transmitter:
    """One device's radio. Its counter rises with every frame of the whole run."""

    def __init__(self, installed: Installed, random: Random) -> None:
        device = installed.device
        mac = mac_of(device.address)
        assert mac is not None
        self.device = device
        self.readings = dict(installed.readings)
        self.rssi_dbm = random.randrange(-84, -48)
        self._mac = mac
        self._key = installed.key
        self._counter = random.randrange(1, 10_000)
        self._packet_id = random.randrange(256)

    @property
    def sees_light(self) -> bool:
        """Whether it has a light sensor, beside the lamp that is plugged into it."""
        return Phenomenon.ILLUMINANCE_LX in self.readings

    def read(self, act: Act) -> None:
        """Take a new value over; a press is over at once."""
        if act.phenomenon in self.readings:
            self.readings[act.phenomenon] = act.value

    def report(self, at: datetime, zone: tzinfo) -> tuple[tuple[Phenomenon, Value], ...]:
        """All that it reads at a moment."""
        if self.sees_light:
            lit = self.readings.get(Phenomenon.POWER_W, 0.0) != 0
            light = daylight_lx(at, zone) + (_LAMP_LX if lit else 0.0)
            self.readings[Phenomenon.ILLUMINANCE_LX] = light
        return tuple(self.readings.items())

    def frame(self, values: Iterable[tuple[Phenomenon, Value]], *, event: bool) -> bytes:
        """Service data of a new frame; `event`: something happened, it is no periodic report."""
        self._counter += 1
        self._packet_id = (self._packet_id + 1) % 256
        objects = bthome.encode(
            (bthome.carrying(phenomenon, value) for phenomenon, value in values), self._packet_id
        )
        return bthome.sealed(objects, self._mac, self._key, self._counter, trigger=event)


def daylight_lx(at: datetime, zone: tzinfo) -> float:
    """Light of the sky at a window's far side: a smooth hump from six to six, no weather."""
    local = at.astimezone(zone)
    hours = local.hour + local.minute / 60 - 6
    return round(_SKY_LX * max(0.0, math.sin(math.pi * hours / 12)), 1)
