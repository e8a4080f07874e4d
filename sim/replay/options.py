"""`ongi sim replay`: what a rulebook would have raised in homes, recorded or drawn."""

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from rules.errors import ConfigError, LinkLost, phrase
from sim.homes.population import POPULATIONS
from sim.pool import cores
from sim.replay import cluster, rulefile
from sim.replay.fleet import (
    EVIDENCE,
    RECORDING,
    Drawn,
    Failed,
    FromFile,
    Job,
    Result,
    local,
)
from sim.replay.progress import Told, progress
from sim.replay.table import Printed
from sim.replay.totals import as_json
from sim.terminal import Screen
from texts import Translator, translator
from texts.parser import default, language_option, whole

START: Final = datetime(2026, 1, 5, tzinfo=timezone(timedelta(hours=9)))
"Of simulated homes: a Monday, local midnight."
_LIMIT: Final = 50
_LIMIT_MAX: Final = 10_000_000
_DAYS_MAX: Final = 36_500
_HOMES_MAX: Final = 100_000
_WORKERS_MAX: Final = 1_024
_PIPE_WIDTH: Final = 160
_FAILED: Final = 1
_USAGE_ERROR: Final = 2
_INTERRUPTED: Final = 130
_SUFFIXES: Final = (RECORDING, EVIDENCE)


def add_options(parser: argparse.ArgumentParser, say: Translator) -> None:
    """Describe the command to its parser."""
    _, end = say.text, default(say)
    parser.add_argument(
        "path",
        nargs="?",
        type=Path,
        metavar="FILE",
        help=_("a recorded home (CSV), an evidence log (`ongi export`), or a folder of them"),
    )
    parser.add_argument(
        "--rules", type=Path, required=True, metavar="NEW.toml", help=_("the rules to be tried")
    )
    parser.add_argument(
        "--old",
        type=Path,
        metavar="OLD.toml",
        help=_("rules to compare with (default: those the home had; for a CSV its preset's)"),
    )
    parser.add_argument(
        "--population", choices=POPULATIONS, help=_("simulated homes instead of files")
    )
    parser.add_argument(
        "--workers",
        type=whole(1, _WORKERS_MAX, say),
        metavar="N",
        help=_("processes (default: one for each core)"),
    )
    for option, most, standard, what in (
        ("--homes", _HOMES_MAX, 10, _("how many homes are simulated")),
        ("--days", _DAYS_MAX, 365, _("of each simulated home")),
    ):
        parser.add_argument(
            option,
            type=whole(1, most, say),
            default=standard,
            metavar="N",
            help=what + end,
        )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help=_("another seed, other homes") + end
    )
    parser.add_argument(
        "--engine",
        metavar="dask://HOST:PORT",
        help=_("run on the workers of a Dask cluster instead"),
    )
    parser.add_argument("--json", action="store_true", help=_("the figures as JSON, nothing else"))
    parser.add_argument(
        "--limit",
        type=whole(0, _LIMIT_MAX, say),
        default=_LIMIT,
        metavar="N",
        help=_("moments to print") + end,
    )
    language_option(parser, say)


def carry_out(options: argparse.Namespace) -> int:
    """Replay, print, and return the exit status: 1 where a home could not be read."""
    say = translator(options.language)
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
        Screen(width=width, markup=False, emoji=False, highlight=False).print(printed)
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


def _explained(error: ConfigError, say: Translator) -> str:
    return say.text(
        "{where}\n  found: {found}\n  right: {right}",
        where=error.where,
        found=say.said(error.found),
        right=say.said(error.right),
    )
