"""`ongi sim replay`: what a rulebook would have raised in homes, recorded or drawn."""

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from rich.console import Console

from rules.errors import ConfigError, LinkLost, phrase
from sim.homes.population import POPULATIONS
from sim.replay import cluster, rulefile
from sim.replay.fleet import (
    EVIDENCE,
    RECORDING,
    Drawn,
    Failed,
    FromFile,
    Job,
    Result,
    cores,
    local,
)
from sim.replay.progress import Told, progress
from sim.replay.table import Printed
from sim.replay.totals import as_json
from texts import Language, Translator, translator

START: Final = datetime(2026, 1, 5, tzinfo=timezone(timedelta(hours=9)))
"Of simulated homes: a Monday, local midnight."
_LIMIT: Final = 50
_DAYS_MAX: Final = 36_500
_HOMES_MAX: Final = 100_000
_WORKERS_MAX: Final = 1_024
_PIPE_WIDTH: Final = 160
_FAILED: Final = 1
_USAGE_ERROR: Final = 2
_INTERRUPTED: Final = 130
_SUFFIXES: Final = (RECORDING, EVIDENCE)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the command to its parser."""
    parser.add_argument(
        "path",
        nargs="?",
        type=Path,
        metavar="FILE",
        help="a recorded home (CSV), an evidence log (`ongi export`), or a folder of them",
    )
    parser.add_argument(
        "--rules", type=Path, required=True, metavar="NEW.toml", help="the rules to be tried"
    )
    parser.add_argument(
        "--old",
        type=Path,
        metavar="OLD.toml",
        help="rules to compare with (default: those the home had; for a CSV its preset's)",
    )
    parser.add_argument(
        "--population", choices=POPULATIONS, help="simulated homes instead of files"
    )
    parser.add_argument(
        "--homes",
        type=_whole(1, _HOMES_MAX),
        default=10,
        metavar="N",
        help="how many are simulated (default: %(default)s)",
    )
    parser.add_argument(
        "--days",
        type=_whole(1, _DAYS_MAX),
        default=365,
        metavar="D",
        help="of each simulated home (default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="another seed, other homes (default: 1)"
    )
    parser.add_argument(
        "--workers",
        type=_whole(1, _WORKERS_MAX),
        metavar="N",
        help="processes (default: one for each core)",
    )
    parser.add_argument(
        "--engine", metavar="dask://HOST:PORT", help="run on the workers of a Dask cluster instead"
    )
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument(
        "--limit",
        type=_whole(0, 10_000_000),
        default=_LIMIT,
        metavar="N",
        help="moments to print (default: %(default)s)",
    )
    parser.add_argument(
        "--language",
        type=Language,
        choices=list(Language),
        default=Language.KO,
        help="of what is printed (default: ko)",
    )


def carry_out(options: argparse.Namespace) -> int:
    """Replay, print, and return the exit status: 1 where a home could not be read."""
    try:
        say = translator(options.language)
    except ConfigError as error:
        print(f"ongi sim: {error}", file=sys.stderr)
        return _USAGE_ERROR
    try:
        return _replay(options, say)
    except ConfigError as error:
        print(_explained(error, say), file=sys.stderr)
        return _USAGE_ERROR
    except BrokenProcessPool:
        print(say.text("A worker died: give it more memory, or fewer --workers."), file=sys.stderr)
        return _FAILED
    except LinkLost as error:
        print(say.text("The cluster was lost: {why}", why=error), file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED


def main(argv: Sequence[str]) -> int:
    """`carry_out` of arguments."""
    parser = argparse.ArgumentParser(prog="ongi sim replay", description=__doc__)
    add_options(parser)
    return carry_out(parser.parse_args(argv))


def _replay(options: argparse.Namespace, say: Translator) -> int:
    new = rulefile.read(options.rules)
    old = None if options.old is None else rulefile.read(options.old)
    jobs = [Job(home, new, old, options.limit) for home in _homes(options)]
    names = [job.home.name for job in jobs]
    with progress(len(jobs), say) as told:
        results = _results(options, jobs, told)
    if isinstance(results[0], Failed) and len(results) == 1:
        raise ConfigError(results[0].where, results[0].found, results[0].right)
    if options.json:
        found = as_json(names, results, options.limit, say)
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        width = None if sys.stdout.isatty() else _PIPE_WIDTH
        printed = Printed(say).all(names, results, options.limit)
        Console(width=width, markup=False, emoji=False, highlight=False).print(printed)
    return _FAILED if any(isinstance(one, Failed) for one in results) else 0


def _results(options: argparse.Namespace, jobs: Sequence[Job], told: Told) -> list[Result]:
    if options.engine is not None:
        return cluster.remote(jobs, options.engine, told)
    return local(jobs, options.workers or cores(), told)


def _homes(options: argparse.Namespace) -> list[FromFile | Drawn]:
    path, population = options.path, options.population
    if (path is None) == (population is None):
        found = phrase("nothing") if path is None else phrase("both a file and a population")
        right = phrase("name a file, a folder, or --population")
        raise ConfigError("FILE", found, right)
    if path is None:
        numbers = range(1, options.homes + 1)
        return [Drawn(population, options.seed, n, START, options.days) for n in numbers]
    if not path.is_dir():
        return [FromFile(path)]
    files = sorted(one for one in path.iterdir() if one.suffix in _SUFFIXES and one.is_file())
    if not files:
        right = phrase("a folder of recordings: {suffixes}", suffixes=", ".join(_SUFFIXES))
        raise ConfigError(str(path), phrase("no recording"), right)
    return [FromFile(one) for one in files]


class _whole:  # noqa: N801 -- reads as a type of argparse
    """A whole number of a range, from an option."""

    def __init__(self, low: int, high: int) -> None:
        self._range = range(low, high + 1)

    def __call__(self, written: str) -> int:
        try:
            number = int(written)
        except ValueError:
            number = -1
        if number not in self._range:
            low, high = self._range[0], self._range[-1]
            right = f"{written!r}: write a whole number from {low} to {high}"
            raise argparse.ArgumentTypeError(right)
        return number


def _explained(error: ConfigError, say: Translator) -> str:
    return say.text(
        "{where}\n  found: {found}\n  right: {right}",
        where=error.where,
        found=say.said(error.found),
        right=say.said(error.right),
    )
