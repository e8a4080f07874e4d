"""A home's machine among real processes: a crystal that drifts, and a date that may be wrong.

The launcher writes a small file; gateway and driver read it and so have the same boot time, as two
processes of one machine.
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from edge import torn_proof
from rules.codec import moment_us
from sim.clock import SharedClock

SWITCHED_ON_US = 25_000_000
"Of boot time when a gateway starts on a machine that was just switched on."
_US = timedelta(microseconds=1)
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Setting:
    """How a machine's clocks are."""

    since_us: int
    "True moment, microseconds since 1970, at which the boot time was `since_boot_us`."
    since_boot_us: int = SWITCHED_ON_US
    off_us: int = 0
    "The date less the true time."
    witness: str | None = "ntp"
    "Who vouches for the date."
    ppm: int = 0

    def boottime_us(self, at: datetime) -> int:
        """CLOCK_BOOTTIME at a true moment."""
        true_us = moment_us(at) - self.since_us
        return self.since_boot_us + true_us + true_us * self.ppm // _MILLION


class OddMachine(SharedClock):
    """`edge.clock.Machine` and `drivers.clock.Clock`, as the file says at each moment."""

    def __init__(self, clock: Path, machine: Path) -> None:
        """Read both files; they are there already."""
        super().__init__(clock)
        self._machine = machine
        self._file_seen = (0, 0)
        self._odd = self._setting_now()

    def now(self) -> datetime:
        """The date as this machine has it."""
        return super().now() + self._setting_now().off_us * _US

    def boottime_us(self) -> int:
        """By the crystal."""
        return self._setting_now().boottime_us(super().now())

    def synchronized(self) -> str | None:  # type: ignore[override]  # nobody may vouch
        """Who vouches for the date now."""
        return self._setting_now().witness

    async def sleep_until(self, moment: datetime) -> None:
        """Return when the date should be `moment`.

        Reckoned once, as by a real machine: a date that jumps meanwhile changes nothing.
        """
        setting, now = self._setting_now(), super().now()
        span = (moment - now) // _US - setting.off_us
        await super().sleep_until(now + span * _MILLION // (_MILLION + setting.ppm) * _US)

    def _setting_now(self) -> Setting:
        found = self._machine.stat()
        seen = (found.st_mtime_ns, found.st_ino)
        if seen != self._file_seen:
            self._odd = Setting(**json.loads(self._machine.read_bytes()))
            self._file_seen = seen
        return self._odd


class MachineFile:
    """The launcher's side of a machine."""

    def __init__(self, path: Path, at: datetime) -> None:
        """Switch it on at a true moment, with the right date."""
        self._path = path
        self._setting = Setting(moment_us(at))
        self._write()

    def boottime_us(self, at: datetime) -> int:
        """CLOCK_BOOTTIME at a true moment."""
        return self._setting.boottime_us(at)

    def boot(self, at: datetime) -> None:
        """Switch it off and on: boot time begins again; what the date is off stays."""
        self._change(since_us=moment_us(at), since_boot_us=SWITCHED_ON_US)

    def set_date(self, off: timedelta, witness: str | None) -> None:
        """The date is wrong by `off` from now on, and `witness` vouches for it, if anybody."""
        self._setting = replace(self._setting, off_us=off // _US, witness=witness)
        self._write()

    def drift(self, ppm: int, at: datetime) -> None:
        """The crystal runs fast by so many parts per million from `at` on."""
        self._change(since_us=moment_us(at), since_boot_us=self.boottime_us(at), ppm=ppm)

    def _change(self, **changes: int) -> None:
        self._setting = replace(self._setting, **changes)  # type: ignore[arg-type]  # numbers all
        self._write()

    def _write(self) -> None:
        torn_proof.replace(self._path, json.dumps(asdict(self._setting)).encode())
