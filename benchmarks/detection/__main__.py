"""The command; what it does is told in the package's docstring."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.detection import figures, report
from benchmarks.detection.asked import Asked, Method
from benchmarks.detection.progress import progress
from benchmarks.detection.scored import Home
from benchmarks.detection.study import study
from benchmarks.detection.table import printed
from rules.errors import ConfigError, phrase
from sim.homes.population import POPULATIONS
from sim.pool import cores
from sim.replay.fleet import RECORDING, Drawn, FromFile
from sim.replay.options import START
from sim.terminal import carried_out
from texts import Translator, translator
from texts.parser import Parser, default, language, language_option, one_of, whole

_MOMENTS: Final = 6_000
_WIDTH: Final = 170
_FAILED: Final = 1
_USAGE_ERROR: Final = 2
_INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Score, print, and return the exit status: 2 where something cannot be read."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    say = translator(language(arguments))
    return carried_out(lambda: _carry_out(arguments, say), say)


def _carry_out(arguments: Sequence[str], say: Translator) -> int:
    asked = parser(say)
    options = asked.parse_args(arguments)
    if options.homes is None and options.population is None:
        asked.error(say.text("name a folder with --homes, or --population"))
    try:
        return _score(options, say)
    except ConfigError as error:
        print(_explained(error, say), file=sys.stderr)
        return _USAGE_ERROR
    except BrokenProcessPool:
        print(say.text("A worker died: give it more memory, or fewer --workers."), file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED


def parser(say: Translator) -> Parser:
    """What it can be asked, with help in the reader's language."""
    _, end = say.text, default(say)
    asked = Parser(
        "python -m benchmarks.detection",
        _("How soon a person who needs help is found, and how often it is said for nothing."),
        say,
        epilog=_("How it is measured, and what the figures mean: docs/detection.md."),
    )
    asked.add_argument("--homes", type=Path, metavar="DIR", help=_("a folder of recordings (CSV)"))
    asked.add_argument("--population", choices=POPULATIONS, metavar="NAME", help=_population(say))
    for option, most, standard, what in (
        ("--count", 10_000, 4, _("how many homes are simulated")),
        ("--days", 3_650, 365, _("of each simulated home")),
        ("--seeds", 1_000, 1, _("so many times as many moments")),
        ("--moments", 1_000_000, _MOMENTS, _("of collapse, for each home and seed")),
    ):
        asked.add_argument(
            option, type=whole(1, most, say), default=standard, metavar="N", help=what + end
        )
    asked.add_argument(
        "--seed", type=int, default=1, metavar="N", help=_("another seed, other homes") + end
    )
    asked.add_argument(
        "--answers",
        type=_share(say),
        default=0.9,
        metavar="P",
        help=_("chance that a healthy resident at home answers a prompt") + end,
    )
    asked.add_argument(
        "--methods",
        nargs="+",
        type=one_of(Method, say),
        default=list(Method),
        metavar="NAME",
        help=_("of {names} (default: all)", names=", ".join(Method)),
    )
    asked.add_argument(
        "--workers",
        type=whole(1, 256, say),
        metavar="N",
        help=_("processes (default: one for each core)"),
    )
    asked.add_argument("--json", action="store_true", help=_("the figures as JSON, nothing else"))
    asked.add_argument(
        "--report", type=Path, metavar="DIR", help=_("write a page with a picture there as well")
    )
    language_option(asked, say)
    return asked


def _population(say: Translator) -> str:
    what = say.text("simulated homes instead of files")
    return f"{what}: {', '.join(POPULATIONS)}"


def _explained(error: ConfigError, say: Translator) -> str:
    return say.text(
        "{where}\n  found: {found}\n  right: {right}",
        where=error.where,
        found=say.said(error.found),
        right=say.said(error.right),
    )


def _score(options: argparse.Namespace, say: Translator) -> int:
    asked = Asked(
        seed=options.seed,
        moments=options.moments * options.seeds,
        answers=options.answers,
        methods=tuple(one for one in Method if one in options.methods),
    )
    homes = [*_recorded(options.homes), *_drawn(options)]
    with progress(say) as told:
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
        right = phrase("a folder of recordings (CSV)")
        raise ConfigError(str(folder), phrase("no folder"), right)
    files = sorted(one for one in folder.iterdir() if one.suffix == RECORDING and one.is_file())
    if not files:
        right = phrase("a folder of recordings (CSV)")
        raise ConfigError(str(folder), phrase("no recording"), right)
    return [FromFile(one) for one in files]


def _drawn(options: argparse.Namespace) -> list[Home]:
    if options.population is None:
        return []
    return [
        Drawn(options.population, options.seed, number, START, options.days)
        for number in range(1, options.count + 1)
    ]


def _share(say: Translator) -> Callable[[str], float]:
    def read(written: str) -> float:
        try:
            share = float(written)
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            right = say.text("write a number from 0 to 1")
            raise argparse.ArgumentTypeError(f"{written!r}: {right}")
        return share

    return read


if __name__ == "__main__":
    raise SystemExit(main())
