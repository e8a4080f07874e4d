"""Makes what is known of a home before it is known: `rules/habits_prior_data.py`.

`python -m sim.prior --homes 24 --days 240` lives so many homes of the populations `rooms` and
`plugs` through the gateway's own rules, without harm, and counts their silences. Their prices are
found as a gateway finds them, day by day, each home with the tables of the other half of homes
before its own. Equal arguments make equal bytes; where they are not those, `--out` says where to
write, so that a trial changes nothing. Seeds from 100,000 on are kept for this, so that
no home of it is ever one that is scored.
"""

import argparse
import struct
import sys
import zlib
from base64 import b85encode
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from textwrap import wrap

from rules import habits_prior_data
from rules.engine import Engine
from rules.habits import SHORTEST, Habits
from rules.inputs import Boot, DeviceChanged, Tick
from rules.observation import Observation
from rules.rulebook import Rulebook
from rules.silences import CONTEXTS, Context, Ended
from rules.survival import CELLS, Counts, count
from sim.homes import population
from sim.homes.act import Act
from sim.homes.harm import NONE
from sim.terminal import Screen

FIRST_SEED = 100_000
_START = datetime(2026, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_PRICES = habits_prior_data.PRICES
_BOOK = Rulebook()
_EARLY_D = 27
"Before it too little is known to tell prices."
_HOMES, _DAYS = 24, 240
"Those of the file."
_HOMES_MAX, _DAYS_MAX, _WORKERS_MAX = 10_000, 3_650, 256
_FILE = Path(habits_prior_data.__file__)


@dataclass(frozen=True, slots=True)
class Lull:
    """What lay between two signs of life, as `Habits.end` was told."""

    begin: datetime
    end: datetime
    context: Context

    @property
    def minutes(self) -> int:
        """How long it was."""
        return (self.end - self.begin) // timedelta(minutes=1)


class _Told(Habits):
    """Habits that note what they are told."""

    __slots__ = ("lulls",)
    lulls: list[Lull]

    def end(self, begin: datetime, end: datetime, ended: Ended, **how: bool) -> None:
        self.lulls.append(Lull(begin, end, self.began))
        super().end(begin, end, ended, **how)


def lulls(name: str, seed: int, days: int) -> list[Lull]:
    """All of a harmless life, as the gateway notes them."""
    drawn = population.home(seed, 1, _START, name)
    home = replace(drawn, nature=replace(drawn.nature, rates=NONE))
    rule = replace(_BOOK.inactivity, limits=(6 * _DAY,), prompt=False, learn=False)
    engine = Engine(replace(_BOOK, inactivity=rule))
    engine.state.habits = habits = _Told()
    habits.lulls = []
    devices = tuple(one.device for one in home.installed)
    patient = tuple(replace(device, report_every=timedelta(days=400)) for device in devices)
    engine.handle(Boot(1, timedelta(), trusted=True), _START)
    engine.handle(DeviceChanged(patient), _START)
    for one in home.installed:
        for phenomenon, value in one.readings:
            engine.handle(Observation(one.device.id, phenomenon, value, _START, _START), _START)
    for act in home.happenings():
        if act.at > _START + days * _DAY:
            break
        if not isinstance(act, Act):
            continue
        while (due := engine.next_deadline()) is not None and due <= act.at:
            engine.handle(Tick(), due)
        engine.handle(Observation(act.device, act.phenomenon, act.value, act.at, act.at), act.at)
    return habits.lulls


def counted(every: Sequence[Lull], days: float) -> list[Counts]:
    """Their tables by context, for one day."""
    tables = [([0.0] * CELLS, [0.0] * CELLS) for _ in Context]
    for one in every:
        if one.end - one.begin < SHORTEST:
            continue
        begin = one.begin.astimezone(UTC)
        count(*tables[one.context], begin.hour * 60 + begin.minute, one.minutes)
    return [
        Counts([each / days for each in ends], [each / days for each in minutes])
        for ends, minutes in tables
    ]


def packed(tables: Sequence[Counts], prices: Sequence[Sequence[float]]) -> bytes:
    """As `rules.habits_prior` reads them."""
    values = [value for each in tables for part in (each.ends, each.minutes) for value in part]
    values += [value for each in prices for value in each]
    return b85encode(zlib.compress(struct.pack(f"<{len(values)}e", *values), 9))


class _Made(Habits):
    """Habits beside those of given homes."""

    __slots__ = ("others",)
    others: Sequence[Counts]

    def prior(self, context: Context) -> Counts:
        others, days = self.others[context], 30.0
        return Counts(
            [days * each for each in others.ends], [days * each for each in others.minutes]
        )


def prices(home: Sequence[Lull], days: int, others: Sequence[Counts]) -> list[list[float]]:
    """How often a day each number of price came, by context, after four weeks."""
    habits = _Made()
    habits.others = others
    by_day = {
        day: list(these)
        for day, these in groupby(
            sorted(home, key=lambda one: one.end), key=lambda one: (one.end - _START) // _DAY
        )
    }
    early: list[Sequence[int]] = []
    for day in range(days):
        for one in by_day.get(day, []):
            # Beyond doubt: how much doubts make dearer differs widely from home to home.
            habits.began = one.context
            habits.end(one.begin, one.end, Ended.LIFE, sure=True)
        habits.learn(_START + (day + 1) * _DAY, 1.0)
        if day == _EARLY_D:
            early = habits.price_counts()
    counts = habits.price_counts()
    listened = days - 1 - _EARLY_D
    return [
        [(late - before) / listened for late, before in zip(counts[at], early[at], strict=True)]
        for at in range(CONTEXTS)
    ]


def _job(job: tuple[str, int, int]) -> list[Lull]:
    return lulls(*job)


def _priced(job: tuple[list[Lull], int, list[Counts]]) -> list[list[float]]:
    return prices(*job)


def make(name: str, homes: int, days: int, workers: int) -> bytes:
    """The figures of one population."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        jobs = [(name, FIRST_SEED + number, days) for number in range(homes)]
        lives = list(pool.map(_job, jobs))
        every = [counted(life, days * 1.0) for life in lives]
        halves = [_mean(every[side::2]) for side in range(2)]
        priced = list(
            pool.map(_priced, [(life, days, halves[1 - at % 2]) for at, life in enumerate(lives)])
        )
    means = [
        [sum(home[at][number] for home in priced) / homes for number in range(_PRICES)]
        for at in range(CONTEXTS)
    ]
    tables = _mean(every)
    if not any(tables[Context.AFTER_DOOR].ends):
        # A home known by its plugs has no such door here: one that has begins like any silence.
        tables[Context.AFTER_DOOR] = tables[Context.INSIDE]
    return packed(tables, means)


def _mean(homes: Sequence[Sequence[Counts]]) -> list[Counts]:
    return [
        Counts(
            [sum(cell) / len(homes) for cell in zip(*(h[at].ends for h in homes), strict=True)],
            [sum(cell) / len(homes) for cell in zip(*(h[at].minutes for h in homes), strict=True)],
        )
        for at in range(CONTEXTS)
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Make the file anew."""
    parser = argparse.ArgumentParser(prog="python -m sim.prior", description=__doc__)
    parser.add_argument("--homes", type=int, default=_HOMES, metavar="N", help="of each kind")
    parser.add_argument("--days", type=int, default=_DAYS, metavar="N", help="each of them lives")
    parser.add_argument("--workers", type=int, default=cpu_count() or 1, metavar="N")
    parser.add_argument("--out", type=Path, metavar="FILE", help="instead of the rules' own")
    options = parser.parse_args(argv)
    for name, value, least, most in (
        ("--homes", options.homes, 2, _HOMES_MAX),
        ("--days", options.days, _EARLY_D + 2, _DAYS_MAX),
        ("--workers", options.workers, 1, _WORKERS_MAX),
    ):
        if not least <= value <= most:
            parser.error(f"{name}: found {value}; a whole number from {least} to {most}")
    if options.out is None and (options.homes, options.days) != (_HOMES, _DAYS):
        parser.error("a trial with other numbers writes to a file of its own: give --out")
    lines = [
        (
            f'"""Of {options.homes} simulated homes of each kind, {options.days} days; '
            'see `sim.prior`, which makes this file."""'
        ),
        "",
        f"PRICES = {_PRICES}",
    ]
    for kind, name in (("ROOMS", "rooms"), ("PLUGS", "plugs")):
        made = make(name, options.homes, options.days, options.workers).decode()
        lines += ["", f"{kind} = (", *(f'    b"{part}"' for part in wrap(made, 90)), ")"]
        Screen(stderr=True).print(f"{name}: {len(made)} characters")
    (options.out or _FILE).write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
