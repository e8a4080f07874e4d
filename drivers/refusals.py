"""Tells the technician of refused frames: once for a device and hour, however many there are."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from drivers.refused import Why
from rules.alarm import AlarmKind
from rules.observation import DeviceId
from rules.sentence import Say, sentence
from rules.wire import DriverFault

_HOUR_US: Final = 3_600_000_000

_WORTH_TELLING: Final = {
    Why.REPLAY: 1,
    Why.PLAINTEXT: 1,
    Why.WRONG_MAC: 1,
    Why.FALSE_NODE: 1,
    Why.WRONG_MODEL: 1,
    Why.NEEDS_XIAOMI: 1,
    Why.NEEDS_SWITCHBOT: 1,
}
_OTHERWISE: Final = 3
"Within an hour: one spoilt frame is noise, three are a wrong key or a wrong firmware."


@dataclass(slots=True)
class _Refused:
    since_us: int
    last_us: int
    counts: dict[Why, int] = field(default_factory=dict)
    told: bool = False
    "In this hour."
    present: bool = False


class Refusals:
    """Which devices' frames were refused of late."""

    def __init__(self) -> None:
        self._devices: dict[DeviceId, _Refused] = {}
        self._unsure: set[DeviceId] = set()
        "Of them the gateway may know something that is no longer so."

    def refuse(self, device: DeviceId, why: Why, at_us: int, now: datetime) -> DriverFault | None:
        """Note one refused frame; a fault when it is time to tell."""
        refused = self._devices.setdefault(device, _Refused(at_us, at_us))
        if at_us - refused.since_us >= _HOUR_US:
            refused.since_us = at_us
            refused.counts.clear()
            refused.told = False
        refused.last_us = at_us
        count = refused.counts[why] = refused.counts.get(why, 0) + 1
        if refused.told or count < _WORTH_TELLING.get(why, _OTHERWISE):
            return None
        refused.told = refused.present = True
        said = sentence(Say.FRAMES_REFUSED, at=now, device=device, reason=why.value)
        return DriverFault(AlarmKind.FRAMES_REFUSED, device, present=True, sentence=said)

    def over(self, at_us: int, now: datetime) -> list[DriverFault]:
        """The faults of devices that had no frame refused for an hour, also since the table."""
        for device in sorted(self._unsure):
            self._devices.setdefault(device, _Refused(at_us, at_us)).present = True
        self._unsure.clear()
        quiet = [
            device
            for device, refused in self._devices.items()
            if at_us - refused.last_us >= _HOUR_US
        ]
        return [
            DriverFault(
                AlarmKind.FRAMES_REFUSED,
                device,
                present=False,
                sentence=sentence(Say.FAULT_OVER, at=now),
            )
            for device in quiet
            if self._devices.pop(device).present
        ]

    def set_devices(self, known: set[DeviceId]) -> None:
        """These are the home's devices from now on.

        The gateway says so also when it comes back: an earlier run of this driver, or its own
        journal if that was damaged, may have told it what nobody took back.
        """
        for device in self._devices.keys() - known:
            del self._devices[device]
        self._unsure = set(known)
