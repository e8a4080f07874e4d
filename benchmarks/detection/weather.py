"""What fails in the outage stream: the gateway for hours, a device for days."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from rules import evidence
from rules.device import Device
from rules.observation import DeviceId

_BETWEEN = timedelta(days=10)
_MONTH = timedelta(days=30)
_UNTIL_STALE = timedelta(hours=20)
"A device that is silent for three reports of six hours is no longer live; and a margin."

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Weather:
    """Spans, each in order of time."""

    off: tuple[Span, ...] = ()
    "The gateway is off."
    dead: Mapping[DeviceId, tuple[Span, ...]] = field(default_factory=dict)

    def hears(self, device: DeviceId, at: datetime) -> bool:
        """Whether the device works."""
        spans = self.dead.get(device)
        return spans is None or not any(a <= at < b for a, b in spans)

    def waits(self, at: datetime) -> datetime:
        """When something that falls due at `at` is done: once the gateway runs again."""
        place = bisect_right(self.off, at, key=lambda span: span[0]) - 1
        return self.off[place][1] if place >= 0 and at < self.off[place][1] else at

    def calm(self, begin: datetime, end: datetime) -> bool:
        """Whether nothing fails, comes back or is found missing between these moments."""
        return not any(a <= end and b > begin for a, b in self.off) and not any(
            begin - _UNTIL_STALE <= a <= end or begin <= b <= end
            for spans in self.dead.values()
            for a, b in spans
        )


CALM = Weather()


def drawn(devices: Sequence[Device], begin: datetime, end: datetime, random: Random) -> Weather:
    """The outages of one home between two moments."""
    off = []
    at = begin + random.expovariate(1.0) * _BETWEEN
    while at < end:
        until = at + timedelta(hours=random.uniform(1, 12))
        off.append((at, until))
        at = until + random.expovariate(1.0) * _BETWEEN
    mortal = [one.id for one in devices if evidence.watches(one, pet=False)]
    dead: dict[DeviceId, tuple[Span, ...]] = {}
    month = begin
    while month < end and mortal:
        falls = month + random.random() * _MONTH
        name = random.choice(mortal)
        span = falls, falls + timedelta(days=random.uniform(3, 20))
        dead[name] = (*dead.get(name, ()), span)
        month += _MONTH
    return Weather(tuple(off), dead)
