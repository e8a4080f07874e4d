"""How well each device is received, and whether that changes.

Two averages are kept for each device at each adapter or proxy: one of the last minutes and one of
the last day. The difference of the strengths is a trend: a cabinet moved, a battery going. Adverts
that become fewer at the same strength are drowned out: Wi-Fi on the same band, mostly.
"""

import math
from collections.abc import Container
from dataclasses import dataclass
from typing import Final

_FAST_S: Final = 600.0
_SLOW_S: Final = 86_400.0
_TRENDS_AFTER: Final = 50
"Adverts, before averages are compared."
_SAME_DB: Final = 4.0
_FEWER: Final = 2.0
_FREQUENT_S: Final = 60.0
"Of a device that is quiet for longer, it is not known how often it should be heard."
_SOURCES_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class Reception:
    """One device at one adapter or proxy."""

    address: str
    source: str
    rssi_dbm: float
    "Of the last minutes."
    trend_db: float
    "Against the last day; negative: it becomes weaker. 0 while too little is known."
    heard: int
    every_s: float
    "Between adverts that are told apart, in the last minutes."
    last_s: float
    drowned: bool
    "Heard half as often as in the last day or less, and not weaker."


class _Averages:
    """Exponential averages by time, not by number: devices send at any rate."""

    __slots__ = ("fast_db", "fast_gap_s", "heard", "last_s", "slow_db", "slow_gap_s")

    def __init__(self, rssi_dbm: float, at_s: float) -> None:
        self.fast_db = self.slow_db = rssi_dbm
        self.fast_gap_s = self.slow_gap_s = 0.0
        self.last_s = at_s
        self.heard = 1

    def take(self, rssi_dbm: float, at_s: float) -> None:
        gap_s = at_s - self.last_s
        self.last_s = at_s
        self.heard += 1
        # The first ones count alike, or the very first would stay for a day.
        first = 1.0 / self.heard
        fast = max(-math.expm1(-gap_s / _FAST_S), first)
        slow = max(-math.expm1(-gap_s / _SLOW_S), first)
        self.fast_db += fast * (rssi_dbm - self.fast_db)
        self.slow_db += slow * (rssi_dbm - self.slow_db)
        self.fast_gap_s += fast * (gap_s - self.fast_gap_s)
        self.slow_gap_s += slow * (gap_s - self.slow_gap_s)


class Signals:
    """Of the home's own devices; of others nothing is kept."""

    def __init__(self) -> None:
        self._averages: dict[str, dict[str, _Averages]] = {}

    def take(self, address: str, source: str, rssi_dbm: int, at_s: float) -> None:
        """An advert of `address` was heard at `source`; moments are of one steady clock."""
        sources = self._averages.setdefault(address, {})
        averages = sources.get(source)
        if averages is not None:
            averages.take(rssi_dbm, at_s)
        elif len(sources) < _SOURCES_MAX:
            sources[source] = _Averages(rssi_dbm, at_s)

    def retain(self, addresses: Container[str]) -> None:
        """Forget devices that are none of these."""
        for address in [one for one in self._averages if one not in addresses]:
            del self._averages[address]

    def receptions(self) -> list[Reception]:
        """Every device at every source, the best source of each first."""
        found = [
            _reception(address, source, averages)
            for address, sources in self._averages.items()
            for source, averages in sources.items()
        ]
        return sorted(found, key=lambda one: (one.address, -one.rssi_dbm, one.source))


def _reception(address: str, source: str, averages: _Averages) -> Reception:
    trusted = averages.heard >= _TRENDS_AFTER
    trend_db = averages.fast_db - averages.slow_db if trusted else 0.0
    drowned = (
        trusted
        and trend_db > -_SAME_DB
        and averages.slow_gap_s < _FREQUENT_S
        and averages.fast_gap_s > _FEWER * averages.slow_gap_s
    )
    return Reception(
        address,
        source,
        averages.fast_db,
        trend_db,
        averages.heard,
        averages.fast_gap_s,
        averages.last_s,
        drowned,
    )
