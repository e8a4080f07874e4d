"""Seoul's year: how long the day is, how warm, how cloudy. Polynomials, no libm.

Ref: Korea Meteorological Administration, climatological normals 1991-2020, Seoul: about -2 °C in
January and 26 °C in August. Daylight at 37.6° north: 9 h 34 min at the winter solstice and
14 h 46 min at the summer one.
"""

from dataclasses import dataclass
from datetime import date
from random import Random

from sim.homes.draw import normal

_YEAR = 365.25
_SOLSTICE = 172
"21 June, as a day of the year."
_WARMEST = 211
_NOON = 752.0
"Minutes of the day: Seoul lies west of its zone's meridian."
_DAYLIGHT_MEAN, _DAYLIGHT_SWING = 730.0, 156.0
_WARMTH_MEAN_C, _WARMTH_SWING_C = 12.2, 14.1


def wave(share: float) -> float:
    """A smooth stand-in for the cosine of a whole turn: 1 at 0 and 1, -1 at a half."""
    share -= share // 1
    far = 2 * (share if share <= 0.5 else 1 - share)
    return 1 - 2 * far * far * (3 - 2 * far)


@dataclass(frozen=True, slots=True)
class Weather:
    """One day as it is outside."""

    day_of_year: int
    sunrise: float
    sunset: float
    "Minutes of the local day."
    mean_c: float
    cloud: float
    "0: a blue sky; 1: overcast."
    heat_wave: bool = False

    @property
    def is_cold(self) -> bool:
        """Whether one sleeps on an electric blanket."""
        return self.mean_c < 9.0

    @property
    def is_hot(self) -> bool:
        """Whether one wants a fan."""
        return self.mean_c > 23.0

    def sun(self, minute: float) -> float:
        """Height of the sun over the horizon as a share of its noon height in midsummer."""
        if not self.sunrise < minute < self.sunset:
            return 0.0
        share = (minute - self.sunrise) / (self.sunset - self.sunrise)
        high = 0.69 + 0.31 * wave((self.day_of_year - _SOLSTICE) / _YEAR)
        return 4 * share * (1 - share) * high


class Sky:
    """The weather, day after day: a warm day is followed by a warm one."""

    def __init__(self, random: Random, heat_waves_per_year: float) -> None:
        self._random = random
        self._rate = heat_waves_per_year / 62
        "Of the days from July to August."
        self._off_c = 0.0
        self._cloud = 0.5
        self._wave_left = 0

    def weather(self, day: date) -> Weather:
        """Of the day after the one that was asked for before."""
        random = self._random
        number = day.timetuple().tm_yday
        self._off_c = 0.7 * self._off_c + normal(random, 0, 2.0)
        self._cloud = 0.5 * self._cloud + 0.5 * random.random()
        self._wave_left -= 1
        if day.month in {7, 8} and random.random() < self._rate and self._wave_left < 0:
            self._wave_left = random.randrange(3, 9)
        half = (_DAYLIGHT_MEAN + _DAYLIGHT_SWING * wave((number - _SOLSTICE) / _YEAR)) / 2
        hot = self._wave_left > 0
        mean_c = _WARMTH_MEAN_C + _WARMTH_SWING_C * wave((number - _WARMEST) / _YEAR)
        return Weather(
            day_of_year=number,
            sunrise=_NOON - half,
            sunset=_NOON + half,
            mean_c=max(mean_c, 31.0) + 0.3 * self._off_c if hot else mean_c + self._off_c,
            cloud=0.0 if hot else self._cloud,
            heat_wave=hot,
        )
