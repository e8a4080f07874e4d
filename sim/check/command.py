"""The command that runs a simulation again, and its options: the one place that knows both."""

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rules.errors import ConfigError, phrase
from sim.check.shrink import Attempt
from sim.faults import kept
from sim.faults.fault import FaultKind
from sim.homes.population import POPULATIONS
from texts import Translator
from texts.parser import default

_PROGRAM: Final = ("ongi", "sim")
DAYS_MAX: Final = 3_650
HOMES_MAX: Final = 10_000
POPULATION: Final = "mixed"
_DIGITS_MOST: Final = 9


@dataclass(frozen=True, slots=True)
class Asked:
    """What decides about a run; equal ones give equal digests."""

    seed: int
    homes: int
    "How many there are, from number 1."
    days: int
    faults: str = "none"
    "A profile, or the path of a file."
    only: tuple[int, ...] | None = None
    "The homes that are run, by number; None: all."
    keep: tuple[int, ...] | None = None
    "The faults that are kept, by number; None: all."
    drawn_for: int | None = None
    "The days that faults are drawn for, where it is not `days`: a run that was cut keeps its own."
    population: str = POPULATION

    @property
    def numbers(self) -> tuple[int, ...]:
        """The homes that are run."""
        return tuple(range(1, self.homes + 1)) if self.only is None else self.only

    def narrowed(self, attempt: Attempt, faults: Sequence[int]) -> "Asked":
        """This run with only what an attempt keeps; `faults` are the numbers of all."""
        everything = tuple(range(1, self.homes + 1))
        cut = attempt.days != self.days
        drawn_for = (self.drawn_for or self.days) if cut else self.drawn_for
        return Asked(
            self.seed,
            self.homes,
            attempt.days,
            self.faults if attempt.faults else "none",
            None if attempt.homes == everything else attempt.homes,
            None if attempt.faults == tuple(faults) else attempt.faults or None,
            drawn_for if attempt.faults else None,
            self.population,
        )

    def line(self) -> str:
        """`replay: ongi sim --seed 41 ...`."""
        return f"replay: {self.command()}"

    def command(self) -> str:
        """`ongi sim --seed 41 ...`."""
        return shlex.join((*_PROGRAM, *self.words()))

    def words(self) -> list[str]:
        """The arguments, without what is said by leaving it out."""
        words = ["--seed", str(self.seed), "--homes", str(self.homes)]
        if self.only is not None:
            words += ["--only", kept.written(self.only)]
        words += ["--days", str(self.days), "--faults", self.faults]
        if self.drawn_for is not None:
            words += ["--drawn-for", str(self.drawn_for)]
        if self.keep is not None:
            words += ["--keep", kept.written(self.keep)]
        if self.population != POPULATION:
            words += ["--population", self.population]
        return words


def add_options(parser: argparse.ArgumentParser, say: Translator) -> None:
    """The options that `words` writes."""
    _, end = say.text, default(say)
    parser.add_argument(
        "--seed", default="1", metavar="N", help=_("the same seed, the same run") + end
    )
    parser.add_argument(
        "--homes", default="1", metavar="N", help=_("how many homes there are") + end
    )
    parser.add_argument("--only", metavar="N,N", help=_("run only these homes, by number"))
    parser.add_argument("--days", default="30", metavar="N", help=_("how long they live") + end)
    kinds = ", ".join(kind.value for kind in FaultKind)
    parser.add_argument(
        "--faults",
        default="none",
        metavar="none|calm|storm|FILE",
        help=_(
            "what goes wrong: drawn, or listed in a file; `help` explains all kinds: {kinds}",
            kinds=kinds,
        )
        + end,
    )
    parser.add_argument(
        "--drawn-for",
        metavar="DAYS",
        help=_("draw faults as for a run of so many days, of which this one is the beginning"),
    )
    parser.add_argument("--keep", metavar="N,N", help=_("keep only these faults, by number"))
    parser.add_argument(
        "--population",
        default=POPULATION,
        metavar="NAME",
        help=_("who lives there: {names}", names=", ".join(POPULATIONS)) + end,
    )


def asked(options: argparse.Namespace) -> Asked:
    """What the options ask for.

    Raises:
        ConfigError: a number that cannot be.

    """
    homes = _count(options.homes, "--homes", 1, HOMES_MAX)
    days = _count(options.days, "--days", 1, DAYS_MAX)
    only = None if options.only is None else kept.numbers(options.only)
    if options.only is not None and (not only or only[-1] > homes):
        right = phrase("write numbers of homes from 1 to {most}", most=homes)
        raise ConfigError("--only", repr(options.only), right)
    return Asked(
        _count(options.seed, "--seed", 0, 10**_DIGITS_MOST - 1),
        homes,
        days,
        options.faults,
        only,
        None if options.keep is None else kept.parse(options.keep),
        None
        if options.drawn_for is None
        else _count(options.drawn_for, "--drawn-for", days, DAYS_MAX),
        options.population,
    )


def _count(written: str, where: str, low: int, high: int) -> int:
    digits = written.strip()
    if digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS_MOST:
        number = int(digits)
        if low <= number <= high:
            return number
    right = phrase("write a whole number from {low} to {high}", low=low, high=high)
    raise ConfigError(where, repr(written), right)
