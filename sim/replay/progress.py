"""How far a fleet has come: a bar on a terminal, a line now and then elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from sim.replay.fleet import Result
from sim.replay.replay import Compared
from sim.terminal import Screen
from texts import Translator

_YEAR = timedelta(days=365)
_LINES = 20
"So many lines for a whole fleet where no bar can move."


class Told(Protocol):
    """Is told of each home as it is done."""

    def __call__(self, result: Result, /) -> None: ...


@contextmanager
def progress(homes: int, say: Translator) -> Iterator[Told]:
    """Show on the standard error how many of `homes` are done."""
    if homes == 1:
        yield lambda _result: None
    elif sys.stderr.isatty():
        with Progress(
            TextColumn(say.text("homes")),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[years]} " + say.text("home-years")),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Screen(stderr=True),
        ) as bar:
            task = bar.add_task("", total=homes, years="0.0")
            years = _Years()

            def moved(result: Result) -> None:
                years.add(result)
                bar.update(task, advance=1, years=f"{years.sum:.1f}")

            yield moved
    else:
        years = _Years()

        def line(result: Result) -> None:
            years.add(result)
            if years.homes * _LINES // homes != (years.homes - 1) * _LINES // homes:
                print(
                    say.text(
                        "{done} of {homes} homes, {years} home-years",
                        done=years.homes,
                        homes=homes,
                        years=f"{years.sum:.1f}",
                    ),
                    file=sys.stderr,
                    flush=True,
                )

        yield line


class _Years:
    def __init__(self) -> None:
        self.homes = 0
        self.sum = 0.0

    def add(self, result: Result) -> None:
        self.homes += 1
        if isinstance(result, Compared):
            self.sum += result.span / _YEAR
