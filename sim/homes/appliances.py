"""Loads as a plug sees them: what a hand switches on, and how it goes on and ends by itself.

While a program runs its load stays over `rules.evidence.ON_W`, so that one use is one rise past
it. All that follows from a switch carries the hand that moved it.
"""

from collections import deque
from random import Random

from rules.observation import DeviceId, Phenomenon
from sim.homes import names
from sim.homes.act import Scene
from sim.homes.dwelling import TELEVISION_STANDBY_W
from sim.homes.ledger import HOUR, MINUTE, SECOND, Ledger

_W = Phenomenon.POWER_W
_HEATER_W = 1_200.0
_RUNS = 40
"More than two days have of one appliance."


class Appliances:
    """What is plugged in, of a home."""

    def __init__(self, random: Random, ledger: Ledger) -> None:
        """Draw the ratings of this home's appliances."""
        self._random = random
        self._ledger = ledger
        self._runs: dict[DeviceId, deque[tuple[int, int]]] = {}
        self._kettle_w = random.uniform(1_700, 2_000)
        self._rice_w = random.uniform(560, 1_080)
        self._warm_w = random.uniform(28, 48)
        self._microwave_w = random.uniform(1_000, 1_250)
        self._television_w = random.uniform(55, 140)
        self._lamp_w = random.uniform(11, 24)
        self._blanket_w = random.uniform(70, 150)
        self._fan_w = random.uniform(32, 52)
        self._cooling_w = random.uniform(650, 1_400)

    def boil(self, at: int) -> None:
        """The kettle: short, and it ends by itself."""
        lasting = self._random.randrange(100, 260) * SECOND
        if self._begins(names.KETTLE, at, at + lasting):
            self._power(at, names.KETTLE, self._around(self._kettle_w), at)
            self._power(at + lasting, names.KETTLE, 0.0, at)

    def heat(self, at: int) -> None:
        """The microwave oven."""
        lasting = self._random.randrange(60, 300) * SECOND
        if self._begins(names.MICROWAVE, at, at + lasting):
            self._power(at, names.MICROWAVE, self._around(self._microwave_w), at)
            self._power(at + lasting, names.MICROWAVE, 0.0, at)

    def cook_rice(self, at: int, until: int | None, scene: Scene | None = None) -> None:
        """Rice, then keep-warm, until a hand ends it; None: until it ends by itself."""
        random = self._random
        cooked = at + random.randrange(27 * 60, 43 * 60) * SECOND
        off = cooked + random.randrange(5 * 60, 12 * 60) * MINUTE if until is None else until
        assert off > cooked
        if not self._begins(names.RICE_COOKER, at, off):
            return
        self._power(at, names.RICE_COOKER, self._around(self._rice_w), at, scene)
        simmer = at + (cooked - at) * 6 // 10
        while simmer < cooked:
            # A triac holds it at the boil.
            share = random.uniform(0.45, 0.95)
            self._power(simmer, names.RICE_COOKER, self._around(share * self._rice_w), at)
            simmer += random.randrange(120, 300) * SECOND
        self._power(cooked, names.RICE_COOKER, self._around(self._warm_w), at)
        self._power(off, names.RICE_COOKER, 0.0, at if until is None else off)

    def watch(self, at: int, off: int, scene: Scene | None = None) -> None:
        """The television, from hand to hand; its standby load never goes."""
        if self._begins(names.TELEVISION, at, off):
            self._power(at, names.TELEVISION, self._around(self._television_w), at, scene)
            self._power(off, names.TELEVISION, TELEVISION_STANDBY_W, off)

    def warm_bed(self, at: int, off: int) -> None:
        """The electric blanket: its thermostat goes on until a hand, or its timer, ends it."""
        if not self._begins(names.BLANKET, at, off):
            return
        random, then, heating = self._random, at, random_minutes(self._random, 16, 26)
        while then < off:
            self._power(then, names.BLANKET, self._around(self._blanket_w), at)
            then += heating
            if then >= off:
                break
            self._power(then, names.BLANKET, 0.0, at)
            then += random_minutes(random, 8, 17)
            heating = random_minutes(random, 5, 10)
        self._power(off, names.BLANKET, 0.0, off)

    def wash(self, at: int) -> int:
        """A load of laundry; returns when it is done."""
        random, then = self._random, at
        for rounds, low_w, high_w in ((5, 150, 340), (3, 120, 300), (3, 120, 300), (1, 380, 560)):
            # It fills, and then turns the drum one way and the other.
            self._power(then, names.WASHING_MACHINE, self._around(16.0), at)
            then += random_minutes(random, 2, 4)
            for _ in range(rounds):
                power_w = random.uniform(low_w, high_w)
                self._power(then, names.WASHING_MACHINE, self._around(power_w), at)
                then += random_minutes(random, 2, 5)
        self._power(then, names.WASHING_MACHINE, 0.0, at)
        return then

    def fan(self, at: int, off: int) -> None:
        """The electric fan."""
        if self._begins(names.FAN, at, off):
            self._power(at, names.FAN, self._around(self._fan_w), at)
            self._power(off, names.FAN, 0.0, off)

    def cool(self, at: int, off: int) -> None:
        """The air conditioner: a compressor that comes and goes over a fan that stays."""
        if not self._begins(names.AIR_CONDITIONER, at, off):
            return
        random, then = self._random, at
        while then < off:
            self._power(then, names.AIR_CONDITIONER, self._around(self._cooling_w), at)
            then += random_minutes(random, 9, 25)
            if then < off:
                self._power(then, names.AIR_CONDITIONER, self._around(36.0), at)
                then += random_minutes(random, 5, 14)
        self._power(off, names.AIR_CONDITIONER, 0.0, off)

    def heat_room(self, at: int, *, on: bool) -> None:
        """The heater, from hand to hand."""
        self._power(at, names.HEATER, self._around(_HEATER_W) if on else 0.0, at)

    @property
    def lamp_w(self) -> float:
        """What the reading lamp takes."""
        return round(self._lamp_w, 1)

    def _begins(self, device: DeviceId, at: int, off: int) -> bool:
        """Whether nobody else has it on between `at` and `off`."""
        runs = self._runs.setdefault(device, deque(maxlen=_RUNS))
        if off <= at or any(begin <= off and at <= end for begin, end in runs):
            return False
        runs.append((at, off))
        return True

    def _around(self, power_w: float) -> float:
        return round(power_w * self._random.uniform(0.96, 1.04), 1)

    def _power(
        self, at: int, device: DeviceId, power_w: float, hand: int, scene: Scene | None = None
    ) -> None:
        self._ledger.act(at, device, _W, power_w, hand, scene)


def random_minutes(random: Random, low: int, high: int) -> int:
    """A whole number of seconds between so many minutes, in milliseconds."""
    assert high * MINUTE < HOUR
    return random.randrange(low * 60, high * 60) * SECOND
