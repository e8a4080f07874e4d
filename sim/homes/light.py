"""What a light sensor at the far side of the living room sees: the sky, and the lamp beside it."""

from random import Random

from rules.observation import Phenomenon, Value
from sim.homes import names
from sim.homes.draw import normal
from sim.homes.ledger import MINUTE, SECOND, Ledger
from sim.homes.season import Weather

_SKY_LX = 420.0
"A blue midsummer noon, behind a window."
_LOOKS_EVERY = 5
"Minutes between two looks of the sensor."
_TOLD_SHARE, _TOLD_LX = 0.12, 6.0
"It tells a change of more than both."


class Light:
    """The living room's light."""

    def __init__(self, random: Random, ledger: Ledger, lamp_w: float) -> None:
        self._random = random
        self._ledger = ledger
        self._lamp_w = lamp_w
        self._lamp_lx = random.uniform(90, 260)
        self._sky_share = random.uniform(0.25, 1.0)
        self._switched: list[tuple[int, bool]] = []
        "Hands on the lamp since the last day that was seen."
        self._lit = False
        self._hand: int | None = None
        self._veil = 0.5
        self._told_lx = 0.0

    def switch(self, at: int, *, lit: bool) -> None:
        """A hand on the lamp, in order of time."""
        if self._switched[-1:] and (self._switched[-1][1] is lit or at <= self._switched[-1][0]):
            return
        if not self._switched and self._lit is lit:
            return
        self._switched.append((at, lit))
        power_w = self._lamp_w if lit else 0.0
        self._ledger.act(at, names.LIVING_NODE, Phenomenon.POWER_W, power_w, at)

    def pass_day(self, midnight: int, weather: Weather) -> None:
        """Tell the light of one local day. Hands on the lamp until its end are known."""
        draw = self._random.random
        switched = [one for one in self._switched if one[0] < midnight + 1440 * MINUTE]
        self._switched = self._switched[len(switched) :]
        switched.reverse()
        # Later than the sunset, it tells that the sky is dark.
        first = int(weather.sunrise) // _LOOKS_EVERY * _LOOKS_EVERY
        last = int(weather.sunset) // _LOOKS_EVERY * _LOOKS_EVERY + _LOOKS_EVERY
        for minute in range(first, last + 1, _LOOKS_EVERY):
            at = midnight + minute * MINUTE + int(draw() * 20 * SECOND)
            while switched and switched[-1][0] <= at:
                self._turn(*switched.pop(), weather, midnight)
            # Clouds: mostly what they were, now and then all others.
            if draw() < 0.06 + 0.1 * weather.cloud * (1 - weather.cloud):
                self._veil = min(1.0, max(0.0, weather.cloud + normal(self._random, 0, 0.3)))
            lx = self._lx(minute, weather)
            if abs(lx - self._told_lx) > max(_TOLD_LX, _TOLD_SHARE * self._told_lx):
                self._tell(at, lx, self._hand)
        while switched:
            self._turn(*switched.pop(), weather, midnight)

    def _turn(self, at: int, lit: bool, weather: Weather, midnight: int) -> None:  # noqa: FBT001 -- of a pair
        self._lit, self._hand = lit, at
        # The lamp is seen within a second: what it gives is the hand's.
        self._tell(at + SECOND, self._lx((at - midnight) / MINUTE, weather), at)

    def _lx(self, minute: float, weather: Weather) -> float:
        sky_lx = _SKY_LX * self._sky_share * weather.sun(minute) * (1 - 0.75 * self._veil)
        return round(sky_lx + (self._lamp_lx if self._lit else 0.0), 1)

    def _tell(self, at: int, lx: Value, hand: int | None) -> None:
        """Carries the last hand on the lamp: without that hand it would have read otherwise."""
        self._told_lx = float(lx)
        self._ledger.act(at, names.LIVING_NODE, Phenomenon.ILLUMINANCE_LX, lx, hand)
