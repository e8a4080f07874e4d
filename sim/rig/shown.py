"""What `ongi sim rig` shows: a bar while it runs, and what came of it."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta, timezone
from typing import Final

from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from sim.check import CHECKERS, Violation, remembering, supervision
from sim.check.figures import Figures, home_figures
from sim.rig.gateway_end import COMMAND_REACHES
from sim.rig.outcome import ENDS, Outcome
from sim.rig.outcome import Progress as Glance
from sim.rig.plan import Plan
from sim.terminal import Screen
from texts import Translator

_BLIND_HERE: Final = {remembering.NAME, supervision.NAME}
"They look at what the rig does not note: contacts, and what a start finds."
_CHECKERS: Final = (*(name for name in CHECKERS if name not in _BLIND_HERE), COMMAND_REACHES, ENDS)
_ZONE: Final = timezone(timedelta(hours=9))
_PLAIN_EVERY: Final = timedelta(hours=6)
_VIOLATIONS_SHOWN: Final = 20
_DAY: Final = timedelta(days=1)


class Shown:
    """Figures go to standard output, all else to standard error where they are JSON."""

    def __init__(self, say: Translator, *, as_json: bool) -> None:
        self._say = say
        self._as_json = as_json
        self._out = Screen(soft_wrap=True, highlight=False)
        self._err = Screen(stderr=True, soft_wrap=True, highlight=False)

    def show(self, table: Table) -> None:
        """A table in place of a run."""
        self._out.print(table)

    def tell(self, text: str) -> None:
        """A sentence beside the figures."""
        (self._err if self._as_json else self._out).print(escape(text))

    @contextmanager
    def progress(self, plan: Plan) -> Iterator[Callable[[Glance], None]]:
        """A bar over the virtual days; a line every six hours where nobody watches a terminal."""
        if not self._err.is_terminal:
            lines = _Lines(plan, lambda now: self._err.print(escape(self._glance(plan, now))))
            yield lines.show
            lines.end()
            return
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            console=self._err,
            transient=True,
        )
        with bar:
            task = bar.add_task("", total=plan.lasting / _DAY)

            def show(now: Glance) -> None:
                done = (now.now - plan.start) / _DAY
                bar.update(task, completed=done, description=escape(self._glance(plan, now)))

            yield show

    def outcome(self, plan: Plan, outcome: Outcome, found: Figures) -> None:
        """The figures and what went wrong."""
        tally = outcome.tally
        if self._as_json:
            plain = asdict(found)
            # Real time decides with, so no two runs have one.
            del plain["digest"]
            plain["violations"] = [_plain(each) for each in found.violations]
            plain["rig"] = asdict(tally) | {
                "checkers": _CHECKERS,
                "virtual_days": round((outcome.chronicle.healed - plan.start) / _DAY, 3),
            }
            print(json.dumps(plain, ensure_ascii=False))
            return
        self._out.print(self._table(outcome, found))
        for what in tally.refused:
            self._out.print(escape(self._say.text("Could not be done: {what}", what=what)))
        for violation in found.violations[:_VIOLATIONS_SHOWN]:
            self._violation(violation)
        left = len(found.violations) - _VIOLATIONS_SHOWN
        if left > 0:
            self._out.print(escape(self._say.text("… and {count} more.", count=left)))

    def _table(self, outcome: Outcome, found: Figures) -> Table:
        text, tally, chronicle = self._say.text, outcome.tally, outcome.chronicle
        low, high = tally.latency_ms
        not_due = sum(row.not_due for row in home_figures(chronicle, found.violations))
        urgent = "-" if tally.urgent_ms is None else f"{tally.urgent_ms:.0f} ms"
        rows = [
            (text("Seed"), str(found.seed)),
            (text("Network"), tally.network.value),
            (text("Observations"), f"{chronicle.observations:,}"),
            (text("Real time"), f"{found.wall_s:.1f} s"),
            (text("Starts / kills"), f"{tally.starts} / {tally.kills}"),
            (text("Frame to decision (median, 99 %)"), f"{low:.1f} / {high:.1f} ms"),
            (text("Slowest hazard or call for help"), urgent),
            (text("Escalations"), str(found.escalations)),
            (text("Lost / doubled"), f"{found.lost} / {found.doubled}"),
            (text("Collapses found"), f"{found.found} / {found.collapses}"),
            *([(text("Not due yet at the end"), f"[cyan]{not_due}[/]")] if not_due else []),
            (text("Blind, and said so"), str(found.blind)),
            (text("Checkers"), ", ".join(_CHECKERS)),
            (text("Violations"), str(len(found.violations))),
        ]
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(overflow="fold")
        table.add_column(overflow="fold")
        for name, value in rows:
            table.add_row(name, value)
        return table

    def _violation(self, violation: Violation) -> None:
        local = violation.at.astimezone(_ZONE)
        home = violation.home
        where = "" if home is None else f" {self._say.text('home {n}', n=home)}"
        what = self._say.said(violation.what)
        self._out.print(
            escape(f"{violation.checker}{where} {local:%Y-%m-%d %H:%M:%S}: {what}"),
            style="bold red",
        )
        for line in violation.evidence:
            self._out.print(escape(f"    {self._say.said(line)}"))

    def _glance(self, plan: Plan, now: Glance) -> str:
        return self._say.text(
            "day {day} {time}  {rate}x  {up} up, {down} down, {kills} killed, {count} escalations",
            day=(now.now - plan.start) // _DAY + 1,
            time=f"{now.now.astimezone(_ZONE):%H:%M}",
            rate=round(now.rate),
            up=now.up,
            down=now.down,
            kills=now.kills,
            count=now.escalations,
        )


class _Lines:
    """A line every six hours, and one at the end, which the figures then agree with."""

    def __init__(self, plan: Plan, told: Callable[[Glance], None]) -> None:
        self._plan = plan
        self._print = told
        self._part = 0
        self._last: Glance | None = None

    def show(self, now: Glance) -> None:
        part = (now.now - self._plan.start) // _PLAIN_EVERY
        self._last = now
        if part > self._part:
            self._part, self._last = part, None
            self._print(now)

    def end(self) -> None:
        if self._last is not None:
            self._print(self._last)


def notes(shown: Shown, sentences: Sequence[str]) -> None:
    """Say what is left out."""
    for sentence in sentences:
        shown.tell(sentence)


def _plain(violation: Violation) -> dict[str, object]:
    return asdict(violation) | {"at": violation.at.isoformat()}
