"""The command; what it does is told in the package's docstring."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import benchmarks.detection
from benchmarks.detection import figures, report
from benchmarks.detection.asked import Asked, Method
from benchmarks.detection.scored import Home
from benchmarks.detection.study import Told, study
from benchmarks.detection.table import printed
from rules.errors import ConfigError
from sim.homes.population import POPULATIONS
from sim.pool import cores
from sim.replay.fleet import RECORDING, Drawn, FromFile
from sim.replay.options import START

_MOMENTS: Final = 6_000
_WIDTH: Final = 170
_FAILED: Final = 1
_USAGE_ERROR: Final = 2
_INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Score, print, and return the exit status: 2 where something cannot be read."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.homes is None and options.population is None:
        parser.error("name a folder with --homes, or --population")
    try:
        return _score(options)
    except ConfigError as error:
        print(f"{error.where}\n  found: {error.found}\n  right: {error.right}", file=sys.stderr)
        return _USAGE_ERROR
    except BrokenProcessPool:
        print("A worker died: give it more memory, or fewer --workers.", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.detection",
        description=benchmarks.detection.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--homes", type=Path, metavar="DIR", help="a folder of recordings (CSV)")
    parser.add_argument(
        "--seeds",
        type=_whole(1, 1_000),
        default=1,
        metavar="N",
        help="so many times as many moments (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--moments",
        type=_whole(1, 1_000_000),
        default=_MOMENTS,
        metavar="N",
        help="of collapse, for each home and seed (default: %(default)s)",
    )
    parser.add_argument(
        "--answers",
        type=_share,
        default=0.9,
        metavar="P",
        help="chance that a healthy resident at home answers a prompt (default: %(default)s)",
    )
    parser.add_argument("--population", choices=POPULATIONS, help="simulated homes")
    parser.add_argument(
        "--count", type=_whole(1, 10_000), default=4, metavar="N", help="of those (default: 4)"
    )
    parser.add_argument(
        "--days", type=_whole(1, 3_650), default=365, metavar="D", help="of each (default: 365)"
    )
    parser.add_argument(
        "--methods",
        nargs="+",
        type=Method,
        choices=list(Method),
        default=list(Method),
        metavar="NAME",
        help=f"of {', '.join(Method)} (default: all)",
    )
    parser.add_argument(
        "--workers", type=_whole(1, 256), metavar="N", help="processes (default: one a core)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="write a page with a picture there as well"
    )
    return parser


def _score(options: argparse.Namespace) -> int:
    asked = Asked(
        seed=options.seed,
        moments=options.moments * options.seeds,
        answers=options.answers,
        methods=tuple(one for one in Method if one in options.methods),
    )
    homes = [*_recorded(options.homes), *_drawn(options)]
    with _progress() as told:
        found = study(homes, asked, options.workers or cores(), told)
    rows = figures.tell(found)
    if options.report is not None:
        print(report.write(options.report, found, rows), file=sys.stderr)
    if options.json:
        print(json.dumps(figures.as_json(found, rows), ensure_ascii=False, indent=2))
    else:
        width = None if sys.stdout.isatty() else _WIDTH
        Console(width=width, markup=False, emoji=False, highlight=False).print(
            printed(found, rows)
        )
    return 0


def _recorded(folder: Path | None) -> list[Home]:
    if folder is None:
        return []
    if not folder.is_dir():
        raise ConfigError(str(folder), "no folder", "a folder of recordings (CSV)")
    files = sorted(one for one in folder.iterdir() if one.suffix == RECORDING and one.is_file())
    if not files:
        raise ConfigError(str(folder), "no recording", f"a folder of recordings: {RECORDING}")
    return [FromFile(one) for one in files]


def _drawn(options: argparse.Namespace) -> list[Home]:
    if options.population is None:
        return []
    return [
        Drawn(options.population, options.seed, number, START, options.days)
        for number in range(1, options.count + 1)
    ]


@contextmanager
def _progress() -> Iterator[Told]:
    """A bar on a terminal; elsewhere a line for each stage."""
    if not sys.stderr.isatty():

        def line(stage: str, works: int) -> Callable[[object], None]:
            print(f"{stage}: {works}", file=sys.stderr, flush=True)
            return lambda _: None

        yield line
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:

        def begin(stage: str, works: int) -> Callable[[object], None]:
            task = bar.add_task(stage, total=works)
            return lambda _: bar.advance(task)

        yield begin


def _share(written: str) -> float:
    try:
        share = float(written)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{written!r}: write a number from 0 to 1")
    return share


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


if __name__ == "__main__":
    raise SystemExit(main())
