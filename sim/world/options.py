"""`ongi sim`: the deterministic level on the command line."""

import argparse
import logging
import sys
from pathlib import Path
from typing import Final

from rules.errors import ConfigError, phrase, unreadable
from sim.check import Violation, check, command, figures
from sim.check.command import Asked
from sim.check.figures import Figures, home_figures
from sim.check.shrink import Attempt, shrink
from sim.clock import stopwatch
from sim.faults import words
from sim.world.asked import all_faults, all_homes, plan
from sim.world.chronicle import Chronicle
from sim.world.printed import Printed
from sim.world.run import run
from texts import Translator, translator
from texts.parser import language_option

_USAGE_ERROR: Final = 2
_VIOLATED: Final = 1
_INTERRUPTED: Final = 130
_SHRINK_RUNS: Final = 60
"As much time as so many runs like the first take, spent on as many smaller ones as that gives."


def add_options(parser: argparse.ArgumentParser, say: Translator) -> None:
    """The options of a run."""
    _ = say.text
    command.add_options(parser, say)
    parser.add_argument("--json", action="store_true", help=_("the figures as JSON, nothing else"))
    parser.add_argument("--report", type=Path, metavar="DIR", help=_("write the report there"))
    parser.add_argument(
        "--compare",
        type=Path,
        metavar="DIR",
        help=_("set the residents beside the recorded homes of a folder, and run nothing"),
    )
    language_option(parser, say)


def carry_out(options: argparse.Namespace) -> int:
    """Run, check and tell; the exit status."""
    # What a gateway logs of its simulated troubles is in the report, not on the terminal.
    logging.getLogger().addHandler(logging.NullHandler())
    say = translator(options.language)
    printed = Printed(say, as_json=options.json)
    if options.faults == "help":
        printed.show(words.table(say))
        return 0
    try:
        asked = command.asked(options)
        if options.compare is not None:
            return _compare(asked, options.compare, printed)
        return _run(asked, options.report, printed)
    except ConfigError as error:
        where, found, right = map(say.said, (error.where, error.found, error.right))
        print(f"ongi sim: {where}\n  {found}\n  {right}", file=sys.stderr)
        return _USAGE_ERROR
    except KeyboardInterrupt:
        return _INTERRUPTED


def _run(asked: Asked, report: Path | None, printed: Printed) -> int:
    planned = plan(asked)
    if report is not None:
        _make(report)
    seconds = stopwatch()
    with printed.progress(planned.days) as passed:
        chronicle = run(planned, passed)
    violations = check(chronicle)
    found = figures(chronicle, violations, seconds())
    smallest = _shrunk(asked, chronicle, violations[0], printed) if violations else None
    printed.outcome(chronicle, found, smallest)
    if report is not None:
        printed.written(_report(report, asked, chronicle, found, smallest))
    return _VIOLATED if violations else 0


def _shrunk(asked: Asked, chronicle: Chronicle, violation: Violation, printed: Printed) -> Asked:
    """The smallest run found that breaks the same promise."""
    groups = (chronicle.center_faults, *(home.faults for home in chronicle.homes))
    numbers = tuple(sorted(fault.number for group in groups for fault in group))
    first = Attempt(asked.numbers, asked.days, numbers)
    every = [fault.number for fault in all_faults(asked)]

    def again(attempt: Attempt) -> tuple[Violation, ...]:
        return check(run(plan(asked.narrowed(attempt, every))))

    cost_max = _SHRINK_RUNS * first.cost
    with printed.shrinking(cost_max) as progress:
        smallest = shrink(again, first, violation, cost_max=cost_max, progress=progress)
    return asked.narrowed(smallest, every)


def _compare(asked: Asked, folder: Path, printed: Printed) -> int:
    from sim.homes.compare import compare  # noqa: PLC0415 -- seldom asked for

    printed.compared(compare(all_homes(asked), asked.days, folder))
    return 0


def _report(
    folder: Path, asked: Asked, chronicle: Chronicle, found: Figures, smallest: Asked | None
) -> tuple[Path, ...]:
    from sim.report import Told, write  # noqa: PLC0415 -- its templates and plots take time to load

    told = Told(
        chronicle,
        found,
        home_figures(chronicle, found.violations),
        asked.command(),
        "" if smallest is None else smallest.command(),
    )
    try:
        return write(folder, told)
    except OSError as error:
        raise _unwritable(error) from error


def _make(folder: Path) -> None:
    """Make the folder before a run that may take hours is for nothing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(error) from error


def _unwritable(error: OSError) -> ConfigError:
    return ConfigError("--report", unreadable(error), phrase("name a folder that can be written"))
