"""What sets one resident apart from another, drawn once for each person.

Means and spreads are for Koreans of 65 and over who live alone; the scale of a day (when it begins
and ends, how often one moves, how long one sits) is checked against recorded homes by
`sim.homes.compare`.

Ref: Statistics Korea, Time Use Survey 2019, aged 65 and over: up at 06:01 and to bed at 22:20 on
weekdays, 8 h 28 min of sleep, 2 h 1 min of meals, 3 h 50 min of media.
"""

from dataclasses import dataclass
from random import Random

from sim.homes.draw import normal, triangular, weighted, within


@dataclass(frozen=True, slots=True)
class Character:
    """One person. Clock times are minutes of the local day; shares and chances are 0 to 1."""

    # --- the day
    wake: float
    wake_sd: float
    bed: float
    bed_sd: float
    breakfast: float
    "Chance of it; so with the others."
    lunch: float
    dinner: float
    cooks: float
    "Chance that rice is cooked for a meal."
    keeps_warm: float
    "Chance that the cooker is left on afterwards."
    tea: float
    "Cups between meals in a day."
    nap: float
    nap_min: float
    television: float
    "Weight among the pastimes; so with the others."
    reading: float
    pottering: float
    resting: float
    background: bool
    "The television is on from breakfast to bed."
    # --- the body
    slowness: float
    "1: ten seconds from room to room."
    stillness: float
    "Minutes between two movements that a sensor sees of somebody who sits."
    toilet: float
    "Minutes between two visits by day."
    nights: float
    "Visits in a night."
    sleeps: float
    "Minutes in bed after which one gets up at the latest."
    turning: float
    "Movements seen in an hour of sleep."
    # --- the week
    outings: tuple[float, ...]
    "Chance to go out in the forenoon, Monday to Sunday."
    afternoons: float
    "Chance to go out in the afternoon."
    outing_at: float
    afternoon_at: float
    outing_min: float
    visits: float
    "Visitors in a week."
    carer: tuple[bool, ...]
    "Days on which a carer comes, Monday to Sunday."
    carer_at: float
    carer_min: float
    washes: float
    "Loads of laundry in a week."
    cleans: float
    "Cleanings in a week."
    # --- the year
    ills: float
    "Illnesses in a year; so with the others."
    hospitals: float
    trips: float
    announces: float
    "Chance that staff announce a trip or a stay in hospital."
    wanders: float
    whims: float
    "Chance that a day begins late, or that an outing takes most of the day."
    drift: float
    "How far habits move over months: 1 is about half an hour and a tenth of the liveliness."
    heats: float = 0.0
    "Chance that a heater is switched on with the next pastime of a cold day."
    forgets: float = 0.0
    "Chance that it stays on, going out or to bed."
    fasts: float = 0.0
    "Times in a year in which nothing is eaten for days; so with the next."
    declines: float = 0.0


def character(random: Random, *, carer: bool | None = None) -> Character:
    """A person of a population of people who live alone.

    Args:
        random: draws everything.
        carer: whether a carer comes; None: as frail people have it.

    """
    # 0: goes about like anybody; 1: seldom leaves home, slow, often abed.
    frail = triangular(random, 0.0, 0.35, 1.0)
    # 0: up before five; 1: up at half past eight.
    late = triangular(random, 0.0, 0.3, 1.0)
    irregular = triangular(random, 0.4, 0.8, 2.0)
    wake = 280 + 200 * late + normal(random, 0, 12)
    heavy = random.random()
    comes = random.random() < 0.15 + 0.6 * frail if carer is None else carer
    return Character(
        wake=wake,
        wake_sd=16 * irregular,
        bed=within(random, 1277 + 140 * late, 25, 1200, 1460),
        bed_sd=20 * irregular,
        breakfast=within(random, 0.93 - 0.2 * late, 0.05, 0.4, 1.0),
        lunch=within(random, 0.92, 0.05, 0.6, 1.0),
        dinner=within(random, 0.95, 0.04, 0.7, 1.0),
        cooks=within(random, 0.55 - 0.25 * frail, 0.2, 0.1, 0.95),
        keeps_warm=random.random(),
        tea=within(random, 2.2, 0.9, 0.3, 5.0),
        nap=within(random, 0.25 + 0.45 * frail, 0.15, 0.0, 0.9),
        nap_min=within(random, 50 + 30 * frail, 15, 20, 120),
        television=0.2 + 0.5 * heavy * heavy,
        reading=within(random, 0.32, 0.2, 0.05, 1.0),
        pottering=within(random, 0.26 - 0.16 * frail, 0.08, 0.04, 0.7),
        resting=within(random, 0.1 + 0.25 * frail, 0.06, 0.02, 0.5),
        background=heavy > 0.9,
        slowness=1.0 + 1.6 * frail,
        stillness=within(random, 40 + 20 * frail, 13, 12, 95),
        toilet=within(random, 250 - 60 * frail, 30, 90, 320),
        nights=weighted(
            random, ((0.4, 0.15), (0.6, within(random, 0.5 + 1.0 * frail, 0.3, 0.2, 3.0)))
        ),
        sleeps=within(random, 560 - 180 * frail, 60, 240, 720),
        turning=weighted(random, ((0.65, 0.02), (0.35, random.uniform(0.1, 0.5)))),
        outings=_outings(random, frail),
        afternoons=within(random, 0.45 - 0.33 * frail, 0.1, 0.03, 0.7),
        outing_at=within(random, wake + 190, 35, 480, 700),
        afternoon_at=within(random, 880, 30, 820, 960),
        outing_min=within(random, 190 - 90 * frail, 40, 25, 300),
        visits=within(random, 0.9, 0.5, 0.1, 3.0),
        carer=_carer(random, frail) if comes else (False,) * 7,
        carer_at=float(random.randrange(9, 15) * 60 + random.randrange(0, 60, 10)),
        carer_min=170.0 if frail > 0.5 else 50.0,
        washes=within(random, 2.2, 0.7, 0.7, 5.0),
        cleans=within(random, 3.0 - 1.5 * frail, 0.8, 0.5, 6.0),
        ills=1.5 + 3.0 * frail,
        hospitals=0.15 + 0.9 * frail * frail,
        trips=within(random, 2.2 - 1.8 * frail, 0.6, 0.1, 4.0),
        announces=within(random, 0.6, 0.2, 0.0, 1.0),
        wanders=weighted(random, ((0.85, 0.3), (0.15, 6.0))),
        whims=triangular(random, 0.0, 0.03, 0.1),
        drift=triangular(random, 0.2, 0.8, 2.0),
    )


def _outings(random: Random, frail: float) -> tuple[float, ...]:
    """The senior center on some weekdays, church on Sunday, the market day."""
    daily = within(random, 0.58 - 0.46 * frail, 0.12, 0.03, 0.85)
    weekdays = [min(0.95, daily + 0.3 * (random.random() < 0.35)) for _ in range(5)]
    sunday = weighted(random, ((0.35, 0.85), (0.65, daily * 0.6)))
    return (*weekdays, daily * 0.8, sunday * (1 - 0.6 * frail))


def _carer(random: Random, frail: float) -> tuple[bool, ...]:
    """Daily for whom has long-term care; once or twice a week for a visit of the district."""
    if frail > 0.5:
        return (True,) * 5 + (False, False)
    first = random.randrange(5)
    second = random.randrange(5)
    return tuple(day in {first, second} for day in range(7))


def steady() -> Character:
    """Whom `ongi sim run` shows: up early, out before noon, seldom silent for five hours."""
    return Character(
        wake=385,
        wake_sd=10,
        bed=1340,
        bed_sd=12,
        breakfast=1.0,
        lunch=1.0,
        dinner=1.0,
        cooks=1.0,
        keeps_warm=0.0,
        tea=1.5,
        nap=0.0,
        nap_min=30,
        television=1.0,
        reading=0.5,
        pottering=0.4,
        resting=0.05,
        background=False,
        slowness=1.2,
        stillness=12,
        toilet=150,
        nights=1.4,
        sleeps=220,
        turning=0.3,
        outings=(0.7,) * 7,
        afternoons=0.3,
        outing_at=590,
        afternoon_at=985,
        outing_min=60,
        visits=0.0,
        carer=(False,) * 7,
        carer_at=600,
        carer_min=60,
        washes=0.0,
        cleans=2.0,
        ills=0.0,
        hospitals=0.0,
        trips=0.0,
        announces=0.0,
        wanders=0.0,
        whims=0.0,
        drift=0.0,
    )
