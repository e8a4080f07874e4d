"""A device's side of the air: its readings, its key and its counter."""

from collections.abc import Iterable
from random import Random

from drivers.ble.bthome import mac_of
from rules.observation import Phenomenon, Value
from sim.air import bthome
from sim.homes.act import Act
from sim.homes.dwelling import Installed


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

    def read(self, act: Act) -> None:
        """Take a new value over; a press is over at once."""
        if act.phenomenon in self.readings:
            self.readings[act.phenomenon] = act.value

    def report(self) -> tuple[tuple[Phenomenon, Value], ...]:
        """All that it reads."""
        return tuple(self.readings.items())

    def frame(self, values: Iterable[tuple[Phenomenon, Value]], *, event: bool) -> bytes:
        """Service data of a new frame; `event`: something happened, it is no periodic report."""
        self._counter += 1
        self._packet_id = (self._packet_id + 1) % 256
        objects = bthome.encode(
            (bthome.carrying(phenomenon, value) for phenomenon, value in values), self._packet_id
        )
        return bthome.sealed(objects, self._mac, self._key, self._counter, trigger=event)
