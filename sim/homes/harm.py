"""Harm that comes to a home: people who fall, water, smoke, gas, calls for help.

Each kind has a `Random` of its own: one more flood is no other fall.
"""

from collections.abc import Callable
from dataclasses import astuple, dataclass
from random import Random

from rules.observation import DeviceId, Phenomenon, Press, Value
from sim.homes import names
from sim.homes.act import Plight, PlightKind
from sim.homes.draw import exponential
from sim.homes.ledger import DAY, HOUR, MINUTE, SECOND, Ledger
from sim.homes.season import Weather

_YEAR = 365.25 * DAY
_APART = 3 * DAY
"Between two plights: whoever was helped is looked after for a while."

_BOTH = 0.15
"Share of what befalls one of two that befalls both, or while the other is of no help."


@dataclass(frozen=True, slots=True)
class Rates:
    """How often, in a year of one home."""

    collapses: float = 7.0
    "A little more than six a year of those who are at home then."
    falls: float = 1.5
    floods: float = 0.4
    drips: float = 0.6
    "A sink that runs over, a washing machine's hose."
    cooking_smokes: float = 3.0
    fires: float = 0.1
    gas_leaks: float = 0.3
    co: float = 0.1
    calls: float = 1.0
    "Real calls for help."
    mistaken_calls: float = 2.5
    heat_waves: float = 0.8

    def times(self, factor: float) -> "Rates":
        """So many times as often."""
        return Rates(*(factor * rate for rate in astuple(self)))


NONE = Rates(**dict.fromkeys(Rates.__slots__, 0.0))
"Nothing ever happens."


class _Due:
    """When something falls due: a Poisson process."""

    def __init__(self, random: Random, per_year: float) -> None:
        self.random = random
        self._mean = _YEAR / per_year if per_year else 0.0
        self.at = 0
        self._put_off(0)

    def before(self, end: int) -> list[int]:
        """All moments before `end` that were not yet told."""
        moments = []
        while self._mean and self.at < end:
            moments.append(self.at)
            self._put_off(self.at)
        return moments

    def _put_off(self, now: int) -> None:
        if self._mean:
            self.at = now + int(exponential(self.random, self._mean))


class Harm:
    """What happens to one home."""

    def __init__(
        self,
        seed: str,
        rates: Rates,
        ledger: Ledger,
        is_home: Callable[[int], bool],
        is_alone: Callable[[int], bool],
    ) -> None:
        """Draw from `seed` and the names of what happens.

        Args:
            seed: of this home's harm.
            rates: how often.
            ledger: takes it.
            is_home: whether somebody is at home at a moment of the day that is over.
            is_alone: whether who falls is found by nobody.

        """
        self._ledger = ledger
        self._is_home = is_home
        self._is_alone = is_alone
        self._last_plight = -_APART

        def due(name: str, per_year: float) -> _Due:
            return _Due(Random(f"{seed}/{name}"), per_year)

        self._plights = (
            (PlightKind.COLLAPSE, due("collapse", rates.collapses)),
            (PlightKind.FALL, due("fall", rates.falls)),
        )
        self._calls = due("call", rates.calls)
        self._mistaken = due("mistaken call", rates.mistaken_calls)
        self._smokes = due("cooking smoke", rates.cooking_smokes)
        self._fires = due("fire", rates.fires)
        self._gas = due("gas", rates.gas_leaks)
        self._co = due("co", rates.co)
        # They come in the months of rain: three times as many in a third of the year.
        self._floods = due("flood", 3 * rates.floods)
        self._drips = due("drip", rates.drips)

    def pass_day(self, midnight: int, weather: Weather, cooking: list[int]) -> None:
        """What happens on a day whose people have been lived to its end; `cooking`: when."""
        end = midnight + DAY
        for kind, plights in self._plights:
            for at in plights.before(end):
                self._befall(kind, at, plights.random)
        self._press(end)
        for at in self._smokes.before(end):
            self._smoke(at, cooking)
        for at in self._fires.before(end):
            self._last(at, names.KITCHEN_SMOKE, Phenomenon.SMOKE, self._fires.random, 20, 60)
            self._last(at + 4 * MINUTE, names.LIVING_SMOKE, Phenomenon.SMOKE, self._fires.random)
        for at in self._gas.before(end):
            self._last(at, names.KITCHEN_GAS, Phenomenon.GAS, self._gas.random, 4, 30)
        for at in self._co.before(end):
            self._last(at, names.BOILER_CO, Phenomenon.CO, self._co.random, 20, 120)
        for at in self._drips.before(end):
            random = self._drips.random
            sensor = random.choice((names.BATHROOM_LEAK, names.KITCHEN_LEAK))
            self._last(at, sensor, Phenomenon.LEAK, random, 5, 60)
        for at in self._floods.before(end):
            if 152 <= weather.day_of_year < 274:
                self._last(at, names.FLOOR_LEAK, Phenomenon.LEAK, self._floods.random, 90, 600)

    # ------------------------------------------------------------------------------------- people

    def _befall(self, kind: PlightKind, at: int, random: Random) -> None:
        if at - self._last_plight < _APART or not self._is_home(at):
            return
        if not self._is_alone(at) and random.random() >= _BOTH:
            return
        self._last_plight = at
        ledger = self._ledger
        ledger.cut(at)
        acts = ledger.acts(_struggle(random, at)) if kind is PlightKind.FALL else ()
        ledger.put(at, Plight(ledger.moment(at), kind, acts))

    def _press(self, end: int) -> None:
        for at in self._calls.before(end):
            random = self._calls.random
            if self._is_home(at):
                button = random.choice((names.SOS_BUTTON, names.BATHROOM_SOS, names.PENDANT))
                for press in range(random.randrange(1, 3)):
                    then = at + press * random.randrange(5, 40) * SECOND
                    self._ledger.act(then, button, Phenomenon.SOS, True, then)  # noqa: FBT003 -- a value
        for at in self._mistaken.before(end):
            random = self._mistaken.random
            hour = at // HOUR % 24
            if not (self._is_home(at) and 7 <= hour < 22):
                continue
            button = random.choice((names.SOS_BUTTON, names.BATHROOM_SOS, names.PENDANT))
            self._ledger.act(at, button, Phenomenon.SOS, True, at)  # noqa: FBT003
            if random.random() < 0.7:
                then = at + random.randrange(10, 120) * SECOND
                self._ledger.act(then, button, Phenomenon.BUTTON, Press.LONG, then)

    # -------------------------------------------------------------------------------------- things

    def _smoke(self, at: int, cooking: list[int]) -> None:
        """A pan that was forgotten for a minute: at the cooking nearest to the moment drawn."""
        if not cooking:
            return
        random = self._smokes.random
        stove = min(cooking, key=lambda one: (abs(one - at), one))
        begin = stove + random.randrange(3 * 60, 18 * 60) * SECOND
        end = begin + random.randrange(15, 240) * SECOND
        for then, value in ((begin, True), (end, False)):
            self._ledger.act(then, names.KITCHEN_SMOKE, Phenomenon.SMOKE, value, stove)

    def _last(
        self,
        at: int,
        sensor: DeviceId,
        phenomenon: Phenomenon,
        random: Random,
        low: int = 10,
        high: int = 40,
    ) -> None:
        """A hazard that nobody made, and that ends after so many minutes."""
        end = at + random.randrange(low * 60, high * 60) * SECOND
        for then, value in ((at, True), (end, False)):
            self._ledger.act(then, sensor, phenomenon, value, None)


def _struggle(
    random: Random, at: int
) -> list[tuple[int, DeviceId, Phenomenon, Value, int | None]]:
    """Movements of somebody who lies in one room and cannot get up: ever fewer, then none."""
    room = random.choice(
        (names.BATHROOM_MOTION, names.BEDROOM_MOTION, names.LIVING_MOTION, names.KITCHEN_MOTION)
    )
    end = at + random.randrange(1, 12) * HOUR
    mean, then = 6.0 * MINUTE, at
    acts: list[tuple[int, DeviceId, Phenomenon, Value, int | None]] = []
    while True:
        then += 61 * SECOND + int(exponential(random, mean))
        if then >= end:
            return acts
        acts.append((then, room, Phenomenon.MOTION, True, then))
        acts.append((then + MINUTE, room, Phenomenon.MOTION, False, then))
        mean *= 1.12
