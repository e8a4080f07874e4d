"""Frames with flipped bits, put before the production decoder."""

from collections.abc import Callable
from typing import Final

from drivers.ble import bthome
from drivers.ble.bthome import LinkKey
from drivers.ble.meaning import read
from drivers.refused import Refused, Why
from sim.air import bthome as senders
from sim.faults.sensing import Values
from sim.homes.dwelling import Installed

_FLIPPED_MOST: Final = 3


class Spoiler:
    """One device's frames as they arrive with bits flipped."""

    def __init__(self, installed: Installed) -> None:
        self._device = installed.device
        self._key = installed.key
        self._mac = bthome.mac_of(installed.device.address)
        self._open = None if self._mac is None else LinkKey(self._mac, installed.key)

    def spoil(
        self, values: Values, counter: int, draw: Callable[[int], float], *, event: bool
    ) -> Values | Why:
        """What the gateway's driver makes of it: values, which are wrong then, or a refusal.

        Args:
            values: what the frame says.
            counter: of the frame.
            draw: numbers from 0 to 1, each by its salt.
            event: whether the device sends it because something happened.

        """
        if self._mac is None or self._open is None:
            # Another link's: its checksum does not let it through.
            return Why.MALFORMED
        objects = []
        for phenomenon, value in values:
            try:
                objects.append(senders.carrying(phenomenon, value))
            except KeyError:
                continue  # BTHome has no object for it.
        plain = senders.encode(objects, counter % 256)
        sent = senders.sealed(plain, self._mac, self._key, counter, trigger=event)
        try:
            frame = bthome.decode(_flipped(sent, draw), self._open)
        except Refused as refused:
            return refused.why
        if frame.mac is not None and frame.mac != self._mac:
            return Why.WRONG_MAC
        meaning = read(frame.objects, self._device.phenomena)
        states = ((phenomenon, value) for phenomenon, (value, _) in meaning.states.items())
        return (*meaning.presses, *states)


def _flipped(frame: bytes, draw: Callable[[int], float]) -> bytes:
    spoilt = bytearray(frame)
    wanted = 1 + int(draw(0) * _FLIPPED_MOST)
    places = {int(draw(salt) * len(frame) * 8) for salt in range(1, wanted + 1)}
    for place in sorted(places):
        spoilt[place // 8] ^= 1 << place % 8
    return bytes(spoilt)
