"""What each of the last weeks in a home was like: how much life, when it began, what was cooked.

Only days that were listened to as a whole are summed, with all devices that tell of it live: a
sensor that died is no decline, nor is a trip.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from struct import Struct

from rules import evidence
from rules.activity import SLOTS
from rules.device import Device, Use
from rules.night import DAY_MIN

LENGTH = timedelta(days=7)
WEEKS_MAX = 13
"Kept; four are compared with the eight before."
_HALF_HOURS_MIN = 4 * SLOTS
"A week of which less was seen says nothing."
_MORNINGS_MAX = 10
_MORNINGS_MIN = 4
_ROW = Struct("<4H48s")
_MOST, _UNKNOWN = 65535, 65535
_EARLY_MIN = 180
"A day that begins by so much before it is awaited is not late: that hour moves with the habits."
_USE_LASTS = timedelta(minutes=30)
"Who switches a cooking device on again so soon goes on cooking; or it keeps warm by itself."


@dataclass(frozen=True, slots=True)
class Week:
    """Sums over the days of a week that were seen as a whole."""

    half_hours: int = 0
    "Listened to, with somebody at home as far as is known."
    signs: int = 0
    "Of life."
    cooked: int = 0
    "Uses of cooking devices."
    morning: int | None = None
    "Minute of the day (UTC) at which its days began; None if too few did."
    profile: bytes = bytes(SLOTS)
    "Signs by half hour of the day (UTC), 255 at most."

    @property
    def seen(self) -> bool:
        """Whether enough of it was."""
        return self.half_hours >= _HALF_HOURS_MIN

    def a_day(self, total: float) -> float:
        """A sum of it by the day."""
        return total * SLOTS / self.half_hours

    def late(self, wakes_min: int) -> int | None:
        """Minutes from that one of the day until its days began."""
        return None if self.morning is None else late(self.morning, wakes_min)


def late(minute: int, wakes_min: int) -> int:
    """Minutes of the day from `wakes_min` on; a little before it is none at all."""
    after = (minute - wakes_min) % DAY_MIN
    return 0 if after >= DAY_MIN - _EARLY_MIN else after


@dataclass(slots=True)
class Weeks:
    """One home's last weeks. Changed by `rules.state` alone."""

    packed: bytes = b""
    "56 bytes each, oldest first; weeks on end, those of which nothing is known as well."
    week: Week = Week()
    "The one that runs."
    mornings: tuple[int, ...] = ()
    "Minutes of the day (UTC) at which its days began."
    begun: datetime | None = None
    "When it did."
    uses: int = 0
    "Of cooking devices since they were summed last."
    used: datetime | None = None
    "When one was switched on last."

    @property
    def past(self) -> list[Week]:
        """Those that are over, oldest first."""
        return [
            Week(half_hours, signs, cooked, None if morning == _UNKNOWN else morning, profile)
            for half_hours, signs, cooked, morning, profile in _ROW.iter_unpack(self.packed)
        ]

    def cook(self, at: datetime) -> None:
        """Note that a cooking device was switched on."""
        if self.used is None or at - self.used >= _USE_LASTS:
            self.uses += 1
        self.used = at

    def day(self, showed: Mapping[int, int], morning: int | None) -> None:
        """Add a day that was seen as a whole.

        Args:
            showed: signs of life by half hour since 1970 (UTC), of those that were listened to.
            morning: minute of the day (UTC) at which it began, None if that is not known.

        """
        week, profile = self.week, list(self.week.profile)
        for slot, count in showed.items():
            profile[slot % SLOTS] = min(profile[slot % SLOTS] + count, 255)
        self.week = Week(
            week.half_hours + len(showed),
            week.signs + sum(showed.values()),
            week.cooked + self.uses,
            profile=bytes(profile),
        )
        if morning is not None:
            self.mornings = (*self.mornings, morning)[-_MORNINGS_MAX:]

    def close(self, at: datetime, wakes_min: int) -> None:
        """Begin a day, and a week if the last one is over.

        Args:
            at: now.
            wakes_min: minute of the day (UTC) from which on days may begin.

        """
        self.uses = 0
        if self.begun is None or at < self.begun:
            self.begun = at
        over = (at - self.begun) // LENGTH
        if over:
            week = self.week
            morning = _UNKNOWN
            if len(self.mornings) >= _MORNINGS_MIN:
                after = median(late(each, wakes_min) for each in self.mornings)
                morning = (wakes_min + int(after)) % DAY_MIN
            sums = (week.half_hours, week.signs, week.cooked)
            row = _ROW.pack(*(min(each, _MOST) for each in sums), morning, week.profile)
            unknown = _ROW.pack(0, 0, 0, _UNKNOWN, bytes(SLOTS)) * min(over - 1, WEEKS_MAX)
            self.packed = (self.packed + row + unknown)[-WEEKS_MAX * _ROW.size :]
            self.week, self.mornings, self.begun = Week(), (), self.begun + over * LENGTH

    def forget(self) -> None:
        """Begin anew: other devices see another home."""
        self.packed, self.week, self.mornings = b"", Week(), ()
        self.begun, self.uses = None, 0

    def forget_morning(self) -> None:
        """Leave the last morning out: who was in need then has no habits."""
        self.mornings = self.mornings[:-1]

    def move(self, moved: Callable[[datetime], datetime]) -> None:
        """Let the dates move with the clock."""
        self.begun = None if self.begun is None else moved(self.begun)
        self.used = None if self.used is None else moved(self.used)


def tells(device: Device) -> bool:
    """Whether a day is not seen as a whole without this device."""
    return device.use is Use.COOKING or evidence.watches(device, pet=False)


def told_by(devices: Iterable[Device]) -> frozenset[tuple[object, ...]]:
    """By what the days of a home are seen; those seen by other devices are not to be compared."""
    return frozenset(
        (each.id, each.address, each.evidence, each.use, each.phenomena)
        for each in devices
        if tells(each)
    )
