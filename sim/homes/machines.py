"""What needs no hand in a home: machines that cycle or are timed, warmth, false motion, a pet."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from rules.observation import DeviceId, Phenomenon
from sim.homes import names
from sim.homes.draw import exponential, weighted
from sim.homes.dwelling import FRIDGE_IDLE_W, URN_IDLE_W
from sim.homes.flat import ROOM_C
from sim.homes.ledger import DAY, HOUR, MINUTE, SECOND, Ledger
from sim.homes.season import Weather, wave

_SPURIOUS_EVERY = DAY
"Ref: detection.md: an empty house really produces about one a day."


class Fridge:
    """The compressor: about 18 minutes on, 36 off; more in summer. A defrosting a day."""

    def __init__(self, random: Random, ledger: Ledger) -> None:
        self._random = random
        self._ledger = ledger
        self._at = int(random.random() * 40 * MINUTE)
        self._running_w = random.uniform(70, 115)
        self._cycles = 0

    def pass_day(self, midnight: int, weather: Weather) -> None:
        random, end = self._random, midnight + DAY
        warm = max(0.0, weather.mean_c - 10) / 20
        while self._at < end:
            self._cycles += 1
            defrosts = self._cycles % 27 == 0
            power_w = 165.0 if defrosts else random.uniform(0.93, 1.07) * self._running_w
            self._tell(power_w)
            self._at += int(random.uniform(14, 21 + 7 * warm) * 60) * SECOND
            self._tell(FRIDGE_IDLE_W)
            self._at += int(random.uniform(29 - 9 * warm, 43 - 9 * warm) * 60) * SECOND

    def _tell(self, power_w: float) -> None:
        value = round(power_w, 1)
        self._ledger.act(self._at, names.FRIDGE, Phenomenon.POWER_W, value, None)


class Urn:
    """A thermos pot: it keeps its water hot by day and by night, sooner when it is low."""

    def __init__(self, random: Random, ledger: Ledger) -> None:
        self._random = random
        self._ledger = ledger
        self._at = int(random.random() * 30 * MINUTE)
        self._heating_w = random.uniform(650, 900)
        self._rests_min = random.uniform(22, 55)

    def pass_day(self, midnight: int, _: Weather) -> None:
        random = self._random
        while self._at < midnight + DAY:
            self._tell(round(self._heating_w * random.uniform(0.98, 1.02), 1))
            self._at += int(random.uniform(1.5, 2.5) * 60) * SECOND
            self._tell(URN_IDLE_W)
            self._at += int(self._rests_min * random.uniform(0.92, 1.08) * 60) * SECOND

    def _tell(self, power_w: float) -> None:
        self._ledger.act(self._at, names.URN, Phenomenon.POWER_W, power_w, None)


class Timer:
    """A lamp that comes on at a minute of the evening, and goes out at one of the night."""

    _LAMP_W = 14.0

    def __init__(self, random: Random, ledger: Ledger) -> None:
        self._random = random
        self._ledger = ledger
        self._on = random.randrange(17 * 60, 20 * 60) * MINUTE
        self._off = random.randrange(22 * 60, 24 * 60 - 1) * MINUTE

    def pass_day(self, midnight: int, _: Weather) -> None:
        for minute, power_w in ((self._on, self._LAMP_W), (self._off, 0.0)):
            at = midnight + minute + self._random.randrange(20) * SECOND
            self._ledger.act(at, names.PORCH_LAMP, Phenomenon.POWER_W, power_w, None)


@dataclass(frozen=True, slots=True)
class Walls:
    """How a flat keeps its warmth."""

    heated_c: float
    "What the floor heating holds in winter."
    gains_c: float
    "By so much it is warmer inside in summer."
    cooled: bool
    "There is an air conditioner."


class Warmth:
    """The rooms' temperatures."""

    _ROOMS = ((names.LIVING_AIR, 0.0), (names.BEDROOM_AIR, -0.6), (names.KITCHEN_AIR, 0.5))
    _TOLD_C = 0.4
    _STEP = 30
    _HOLDS_C = 34.2
    "Short of the rules' limit but for a heat wave: a flat is aired."

    def __init__(self, random: Random, ledger: Ledger, walls: Walls) -> None:
        self._random = random
        self._ledger = ledger
        self._walls = walls
        self._inside_c = walls.heated_c
        self._told: dict[DeviceId, float] = dict.fromkeys(
            (sensor for sensor, _ in self._ROOMS), ROOM_C
        )

    def pass_day(self, midnight: int, weather: Weather) -> None:
        walls = self._walls
        aim = max(walls.heated_c, weather.mean_c + walls.gains_c)
        if walls.cooled:
            aim = min(aim, 28.5)
        # Walls take two days to follow.
        self._inside_c += 0.45 * (aim - self._inside_c)
        swing = 0.5 + 0.9 * (weather.mean_c > 15)
        for minute in range(0, 1440, self._STEP):
            inside_c = self._inside_c + swing * wave((minute - 1_000) / 1440)
            if not weather.heat_wave:
                inside_c = min(inside_c, self._HOLDS_C)
            for sensor, off_c in self._ROOMS:
                value = round(inside_c + off_c + (self._random.random() - 0.5) * 0.2, 1)
                if abs(value - self._told[sensor]) >= self._TOLD_C:
                    self._told[sensor] = value
                    at = midnight + minute * MINUTE + self._random.randrange(600) * SECOND
                    self._ledger.act(at, sensor, Phenomenon.TEMPERATURE_C, value, None)


class Spurious:
    """Motion that nobody made: warm air, a passing light, an insect. Some sensors see more."""

    def __init__(self, random: Random, ledger: Ledger, sensors: Sequence[DeviceId]) -> None:
        self._random = random
        self._ledger = ledger
        # One of the home's sensors is worse than the others: it faces the window.
        self._sensors = tuple((0.1 + random.random(), sensor) for sensor in sensors)
        if sensors:
            self._sensors += ((2.0, random.choice(sensors)),)
        self._at = int(exponential(random, _SPURIOUS_EVERY))

    def pass_day(self, midnight: int, _: Weather) -> None:
        while self._sensors and self._at < midnight + DAY:
            self._ledger.hit(self._at, weighted(self._random, self._sensors), None)
            self._at += int(exponential(self._random, _SPURIOUS_EVERY))


class Pet:
    """A cat or a small dog: most about at dawn and dusk, and when nobody is at home."""

    _ROOMS = (
        (0.5, names.LIVING_MOTION),
        (0.2, names.KITCHEN_MOTION),
        (0.2, names.BEDROOM_MOTION),
        (0.1, names.HALL_MOTION),
    )

    def __init__(self, random: Random, ledger: Ledger) -> None:
        self._random = random
        self._ledger = ledger
        self._mean = random.uniform(35, 80) * MINUTE
        self._at = HOUR

    def pass_day(self, midnight: int, _: Weather) -> None:
        random = self._random
        while self._at < midnight + DAY:
            hour = self._at // HOUR % 24
            # A bout of running about, seen once or several times.
            for _bout in range(random.randrange(1, 4)):
                self._ledger.hit(self._at, weighted(random, self._ROOMS), None)
                self._at += random.randrange(4, 90) * SECOND
            busy = 1.8 if hour in {4, 5, 6, 18, 19, 20, 21} else 0.8
            self._at += int(exponential(random, self._mean / busy))
