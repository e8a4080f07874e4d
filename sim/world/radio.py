"""From what a device truly says to what its gateway is handed: the air, sensors and radios.

A frame's fate is worked out of the seed, the fault, the device and the moment alone: no draw
depends on another, so that a run without one of its faults meets the others as before.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from rules.command import Command
from rules.inputs import CommandResult, Technical
from rules.observation import DeviceId, Phenomenon, Quality, Value
from sim.faults.fault import Fault
from sim.homes.dwelling import Installed


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


class Driven(NamedTuple):
    """What a driver says of itself or of its frames."""

    at: datetime
    technical: Technical


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
        raise NotImplementedError

    def says(
        self, at: datetime, device: DeviceId, phenomenon: Phenomenon, value: Value
    ) -> Sequence[Heard]:
        """A device notices something and says so; mostly heard once, at once."""
        raise NotImplementedError

    def due(self) -> datetime:
        """When the earliest device reports next; far off where there is none."""
        raise NotImplementedError

    def report(self) -> Sequence[Heard]:
        """Let the device report that is due: all it reads in one frame; and plan its next one."""
        raise NotImplementedError

    def driver_due(self) -> datetime | None:
        """When a driver says the next thing, as far as is known now."""
        raise NotImplementedError

    def driver_items(self, upto: datetime) -> Sequence[Driven]:
        """What drivers say up to and with `upto`, in order; each is handed out once.

        Scopes are `driver:ble` (its adapter is gone) or a device (its frames are refused). The
        sentences hold true time.
        """
        raise NotImplementedError

    def performs(self, at: datetime, command: Command) -> Performed | None:
        """A driver's answer, about a second later; None: the command is lost."""
        raise NotImplementedError

    @property
    def refused(self) -> int:
        """Frames that were refused because their bits had flipped."""
        raise NotImplementedError
