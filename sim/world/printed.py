"""What `ongi sim` prints: progress, figures or JSON, violations and how to see them again."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta, timezone
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from sim.check import Violation
from sim.check.command import Asked
from sim.check.figures import Figures, HomeFigures, SlowFigures, home_figures, slow_figures
from sim.check.shrink import Attempt
from sim.homes.compare import Comparison, render
from sim.terminal import Screen
from sim.world.chronicle import Chronicle
from sim.world.run import HEALING
from texts import Translator

_ZONE = timezone(timedelta(hours=9))
_DIGEST_SHOWN = 16
_PIPE_WIDTH = 120
_HOMES_SHOWN = 20
_VIOLATIONS_SHOWN = 20
_LINES_A_RUN = 10
"Where there is no terminal to draw a bar on."


class Printed:
    """Figures go to standard output, all else to standard error where they are JSON."""

    def __init__(self, say: Translator, *, as_json: bool) -> None:
        self._say = say
        self._as_json = as_json
        self._out = Screen(soft_wrap=True, highlight=False)
        if not self._out.is_terminal:
            # For a file or a pipe, whose width nobody knows.
            self._out = Screen(soft_wrap=True, highlight=False, width=_PIPE_WIDTH)
        self._err = Screen(stderr=True, soft_wrap=True, highlight=False)

    def show(self, table: Table) -> None:
        """Print a table."""
        self._out.print(table)

    def compared(self, comparison: Comparison) -> None:
        """Print residents beside recorded homes."""
        render(comparison, self._out, self._say)

    def written(self, paths: Sequence[Path]) -> None:
        """Say where the report is."""
        for path in paths:
            self._err.print(self._say.text("Report: {path}", path=path), markup=False)

    @contextmanager
    def progress(self, days: int) -> Iterator[Callable[[timedelta], None]]:
        """A bar over the simulated days; a few lines where nobody watches a terminal."""
        total = timedelta(days=days) + HEALING
        if not self._err.is_terminal:
            yield self._lines(total)
            return
        with self._bar(self._say.text("Simulating")) as bar:
            task = bar.add_task("", total=total / timedelta(days=1))
            yield lambda passed: bar.update(task, completed=passed / timedelta(days=1))

    @contextmanager
    def shrinking(self, most: int) -> Iterator[Callable[[int, int, Attempt], None]]:
        """A bar over the runs that look for a smaller failure."""
        if not self._err.is_terminal:
            yield lambda _spent, _most, _attempt: None
            return
        with self._bar(self._say.text("Looking for a smaller run that fails")) as bar:
            task = bar.add_task("", total=most)
            yield lambda spent, _most, _attempt: bar.update(task, completed=spent)

    def outcome(self, chronicle: Chronicle, found: Figures, smallest: Asked | None) -> None:
        """The figures, what went wrong, and how to see it again."""
        replay = None if smallest is None else smallest.line()
        if self._as_json:
            plain = asdict(found)
            plain["violations"] = [_plain(each) for each in found.violations]
            print(json.dumps(plain, ensure_ascii=False))
            if replay is not None:
                print(replay, file=sys.stderr)
            return
        rows = home_figures(chronicle, found.violations)
        self._figures(chronicle, found, sum(row.not_due for row in rows))
        self._homes(rows)
        for violation in found.violations[:_VIOLATIONS_SHOWN]:
            self._violation(violation)
        left = len(found.violations) - _VIOLATIONS_SHOWN
        if left > 0:
            self._out.print(self._say.text("… and {count} more.", count=left), markup=False)
        if replay is not None:
            print(replay)

    # ----------------------------------------------------------------------------------------

    def _figures(self, chronicle: Chronicle, found: Figures, not_due: int) -> None:
        text = self._say.text
        years = len(chronicle.homes) * (chronicle.end - chronicle.start) / timedelta(days=365)
        rows = [
            (text("Seed"), str(found.seed)),
            (text("Digest"), found.digest[:_DIGEST_SHOWN]),
            (text("Home-years"), f"{years:.2f}"),
            (text("Observations"), f"{chronicle.observations:,}"),
            (text("Real time"), f"{found.wall_s:.1f} s"),
            (text("Escalations"), str(found.escalations)),
            (text("Lost / doubled"), f"{found.lost} / {found.doubled}"),
            (text("Collapses found"), f"{found.found} / {found.collapses}"),
            *([(text("Not due yet at the end"), f"[cyan]{not_due}[/]")] if not_due else []),
            (text("Hours until found (median, 90 %)"), _hours(found)),
            *self._slow(slow_figures(chronicle)),
            (text("Blind, and said so"), str(found.blind)),
            (text("False alarms in 30 days"), f"{found.false_per_30d:.2f}"),
        ]
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(overflow="fold")
        table.add_column(overflow="fold")
        for name, value in rows:
            table.add_row(name, value)
        self._out.print(table)

    def _slow(self, kinds: Sequence[SlowFigures]) -> Iterator[tuple[str, str]]:
        """As the report has them: all of them, then each kind."""
        if not kinds:
            return
        raised, count = sum(one.raised for one in kinds), sum(one.count for one in kinds)
        yield self._say.text("Slow harms raised before they were over"), f"{raised} / {count}"
        for one in kinds:
            yield f"  {self._say.name(one.kind)}", f"{one.raised} / {one.count}"

    def _homes(self, rows: Sequence[HomeFigures]) -> None:
        if len(rows) < 2:
            return
        text = self._say.text
        waiting = any(row.not_due for row in rows)
        table = Table(box=None, padding=(0, 2, 0, 0))
        for name in (
            text("Home"),
            text("Observations"),
            text("Escalations"),
            text("Collapses"),
            text("Found"),
            *([text("Not due yet")] if waiting else []),
            text("Median h"),
            text("Blind"),
            text("False in 30 days"),
            text("Violations"),
        ):
            table.add_column(name, justify="right", overflow="fold")
        worst = sorted(rows, key=lambda row: (-row.violations, row.home))[:_HOMES_SHOWN]
        for row in sorted(worst, key=lambda row: row.home):
            table.add_row(
                str(row.home),
                f"{row.observations:,}",
                str(row.escalations),
                str(row.collapses),
                str(row.found),
                *([f"[cyan]{row.not_due}[/]"] if waiting else []),
                "-" if row.found_p50_h is None else f"{row.found_p50_h:.1f}",
                str(row.blind),
                f"{row.false_per_30d:.2f}",
                str(row.violations),
            )
        self._out.print(table)

    def _violation(self, violation: Violation) -> None:
        where = "" if violation.home is None else self._say.text("home {n}", n=violation.home)
        at = violation.at.astimezone(_ZONE)
        self._out.print(
            f"[{violation.checker}] {where} {at:%Y-%m-%d %H:%M:%S}:"
            f" {self._say.said(violation.what)}",
            style="red",
            markup=False,
        )
        for line in violation.evidence:
            self._out.print(f"    {self._say.said(line)}", markup=False)

    def _bar(self, what: str) -> Progress:
        return Progress(
            TextColumn(what),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TimeRemainingColumn(),
            console=self._err,
            transient=True,
        )

    def _lines(self, total: timedelta) -> Callable[[timedelta], None]:
        told = 0

        def passed(span: timedelta) -> None:
            nonlocal told
            tenth = int(_LINES_A_RUN * (span / total))
            if tenth > told and total > timedelta(days=60):
                told = tenth
                self._err.print(f"{10 * tenth} %", markup=False)

        return passed


def _hours(found: Figures) -> str:
    if found.found_p50_h is None or found.found_p90_h is None:
        return "-"
    return f"{found.found_p50_h:.2f}, {found.found_p90_h:.2f}"


def _plain(violation: Violation) -> dict[str, object]:
    return {
        "checker": violation.checker,
        "home": violation.home,
        "at": violation.at.isoformat(),
        "what": violation.what,
        "evidence": list(violation.evidence),
    }
