"""One person who lives alone, from one seed: meals, television, outings, sleep, and their traces.

A plausible day for looking at the whole system, not a model of a population: up at half past six,
dinner at six, to bed after ten, and seldom a silence of more than five hours.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from random import Random

from rules.observation import DeviceId, Phenomenon, Value
from sim.homes.act import Act, Scene

FRONT_DOOR = DeviceId("front-door")
FRIDGE_DOOR = DeviceId("fridge-door")
KETTLE = DeviceId("kettle")
RICE_COOKER = DeviceId("rice-cooker")
TELEVISION = DeviceId("television")
FRIDGE = DeviceId("fridge")
BLANKET = DeviceId("electric-blanket")
LIVING_MOTION = DeviceId("living-motion")
BEDROOM_MOTION = DeviceId("bedroom-motion")
BATHROOM_MOTION = DeviceId("bathroom-motion")
LIVING_NODE = DeviceId("living-node")
"A plug node: a reading lamp is plugged in; it has a light sensor, a button, a LED and a buzzer."

KETTLE_W = 1_850.0
COOKING_W = 640.0
KEEPING_WARM_W = 38.0
TELEVISION_W = 92.0
TELEVISION_STANDBY_W = 0.4
BLANKET_W = 110.0
LAMP_W = 14.0

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


class Resident:
    """A person's days, one after the other; every draw comes from `random`, in order."""

    def __init__(self, random: Random, zone: tzinfo, first: date) -> None:
        """Begin to live here on `first`, with getting up."""
        self._random = random
        self._first = first
        self._zone = zone
        self._acts: list[Act] = []
        self._midnight = datetime.min.replace(tzinfo=zone)
        self._outings: list[tuple[datetime, datetime]] = []

    def acts(self) -> Iterator[Act]:
        """What the person's hands lead to, day after day, without end."""
        day = self._first
        while True:
            yield from self._live(day)
            day += _DAY

    def at_home(self, moment: datetime) -> bool:
        return not any(begin <= moment < end for begin, end in self._outings)

    def next_by_hand(self, moment: datetime) -> datetime | None:
        """Of the day that is lived now: a silence over two of them does not happen."""
        return next((act.at for act in self._acts if act.at >= moment and act.hand), None)

    def _live(self, day: date) -> list[Act]:
        """One day, from getting up to the end of the night after it, in order of time."""
        self._acts = []
        self._outings = self._outings[-2:]
        self._midnight = datetime.combine(day, time(), self._zone)
        draw = self._random.gauss
        self._morning(draw(6 * 60 + 25, 12))
        self._forenoon(draw(9 * 60 + 50, 15))
        self._noon(draw(12 * 60 + 20, 12))
        self._afternoon(draw(14 * 60, 10))
        self._evening(draw(18 * 60, 12))
        self._night(draw(22 * 60 + 20, 15))
        self._acts.sort(key=lambda act: act.at)
        return self._acts

    # ------------------------------------------------------------------------- parts of the day

    def _morning(self, up: float) -> None:
        self._walk(up, BEDROOM_MOTION, Scene.WAKES)
        self._hand(up + 0.5, BLANKET, Phenomenon.POWER_W, 0.0)
        self._walk(up + 2, BATHROOM_MOTION)
        self._lamp(up + 12, up + 75)
        self._walk(up + 12, LIVING_MOTION)
        self._boil(up + 16)
        breakfast = up + 40
        self._cook(breakfast - 32, Scene.BREAKFAST)
        self._open(FRIDGE_DOOR, breakfast)
        self._open(FRIDGE_DOOR, breakfast + 4)
        self._walk(breakfast + 25, LIVING_MOTION)
        self._walk(breakfast + 55, BATHROOM_MOTION)

    def _forenoon(self, begin: float) -> None:
        if self._random.random() < 0.7:
            self._go_out(begin, self._random.uniform(40, 110))
        else:
            self._watch(begin, begin + self._random.uniform(60, 110))

    def _noon(self, begin: float) -> None:
        self._open(FRIDGE_DOOR, begin, Scene.LUNCH)
        self._boil(begin + 3)
        self._open(FRIDGE_DOOR, begin + 31)
        self._walk(begin + 38, LIVING_MOTION)
        self._walk(begin + 60, BATHROOM_MOTION)

    def _afternoon(self, begin: float) -> None:
        self._watch(begin, begin + self._random.uniform(70, 120))
        self._walk(begin + 128, BATHROOM_MOTION)
        if self._random.random() < 0.3:
            self._go_out(begin + 140, self._random.uniform(20, 55))
        else:
            self._walk(begin + self._random.uniform(150, 180), BEDROOM_MOTION)
            self._open(FRIDGE_DOOR, begin + self._random.uniform(195, 215))

    def _evening(self, begin: float) -> None:
        self._cook(begin - 35, Scene.DINNER)
        self._open(FRIDGE_DOOR, begin - 20)
        self._open(FRIDGE_DOOR, begin)
        self._boil(begin + 5)
        self._watch(begin + 45, begin + self._random.uniform(150, 180))
        reading = begin + 185
        self._lamp(reading, reading + self._random.uniform(35, 50), Scene.READS)
        self._walk(reading + 18, LIVING_MOTION)

    def _night(self, bed: float) -> None:
        self._walk(bed - 9, BATHROOM_MOTION)
        self._hand(bed - 2, BLANKET, Phenomenon.POWER_W, BLANKET_W)
        self._walk(bed, BEDROOM_MOTION, Scene.GOES_TO_BED)
        first = bed + self._random.uniform(150, 230)
        self._visit_at_night(first)
        if self._random.random() < 0.4:
            self._visit_at_night(first + self._random.uniform(90, 130))

    # ----------------------------------------------------------------------------- what one does

    def _visit_at_night(self, minute: float) -> None:
        self._walk(minute, BEDROOM_MOTION, Scene.TOILET_AT_NIGHT)
        self._walk(minute + 1.5, BATHROOM_MOTION)
        self._walk(minute + 5.5, BEDROOM_MOTION)

    def _boil(self, minute: float) -> None:
        self._walk(minute - 1, LIVING_MOTION)
        lasting = self._random.uniform(3, 5)
        self._hand(minute, KETTLE, Phenomenon.POWER_W, KETTLE_W, lasting, 0.0)

    def _cook(self, minute: float, scene: Scene) -> None:
        self._hand(minute, RICE_COOKER, Phenomenon.POWER_W, COOKING_W, 31, KEEPING_WARM_W, scene)
        self._hand(minute + 70, RICE_COOKER, Phenomenon.POWER_W, 0.0)

    def _watch(self, begin: float, end: float) -> None:
        self._hand(begin, TELEVISION, Phenomenon.POWER_W, TELEVISION_W, scene=Scene.TELEVISION)
        minute = begin + self._random.uniform(10, 25)
        while minute < end:
            self._walk(minute, LIVING_MOTION)
            minute += self._random.uniform(15, 35)
        self._hand(end, TELEVISION, Phenomenon.POWER_W, TELEVISION_STANDBY_W)

    def _lamp(self, begin: float, end: float, scene: Scene | None = None) -> None:
        self._hand(begin, LIVING_NODE, Phenomenon.POWER_W, LAMP_W, scene=scene)
        self._hand(end, LIVING_NODE, Phenomenon.POWER_W, 0.0)

    def _go_out(self, minute: float, lasting: float) -> None:
        self._walk(minute - 2, LIVING_MOTION)
        self._open(FRONT_DOOR, minute, Scene.GOES_OUT)
        self._open(FRONT_DOOR, minute + lasting, Scene.COMES_HOME)
        self._walk(minute + lasting + 1, LIVING_MOTION)
        self._outings.append((self._moment(minute), self._moment(minute + lasting)))

    def _open(self, door: DeviceId, minute: float, scene: Scene | None = None) -> None:
        lasting = self._random.uniform(0.15, 0.5)
        self._hand(minute, door, Phenomenon.CONTACT_OPEN, value=True, scene=scene)
        self._hand(minute + lasting, door, Phenomenon.CONTACT_OPEN, value=False)

    def _walk(self, minute: float, sensor: DeviceId, scene: Scene | None = None) -> None:
        self._hand(
            minute,
            sensor,
            Phenomenon.MOTION,
            value=True,
            lasting=1,
            afterwards=False,
            scene=scene,
        )

    def _hand(
        self,
        minute: float,
        device: DeviceId,
        phenomenon: Phenomenon,
        value: Value,
        lasting: float | None = None,
        afterwards: Value = 0.0,
        scene: Scene | None = None,
    ) -> None:
        """Do something by hand; after `lasting` minutes it ends by itself."""
        at = self._moment(minute)
        self._acts.append(Act(at, device, phenomenon, value, at, scene))
        if lasting is not None:
            end = at + lasting * _MINUTE
            self._acts.append(Act(end, device, phenomenon, afterwards, at))

    def _moment(self, minute: float) -> datetime:
        return (self._midnight + minute * _MINUTE).astimezone(UTC)


def spurious_pairs(random: Random, first: datetime, sensors: list[DeviceId]) -> Iterator[Act]:
    """Motion that nobody made, about once a day: warm air, a passing light, an insect."""
    at = first
    while True:
        at += random.expovariate(1) * _DAY
        sensor = random.choice(sensors)
        yield Act(at, sensor, Phenomenon.MOTION, value=True, hand=None)
        yield Act(at + _MINUTE, sensor, Phenomenon.MOTION, value=False, hand=None)


def fridge_cycles(random: Random, first: datetime) -> Iterator[Act]:
    """The compressor of a fridge: about 18 minutes on, 36 off."""
    at = first
    while True:
        at += random.uniform(30, 42) * _MINUTE
        yield Act(at, FRIDGE, Phenomenon.POWER_W, random.uniform(78, 92), None)
        at += random.uniform(14, 22) * _MINUTE
        yield Act(at, FRIDGE, Phenomenon.POWER_W, 1.2, None)
