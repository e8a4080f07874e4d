"""The run told to whoever watches: a timeline with the hour of the virtual day under it.

On a terminal the progress stays at the bottom; elsewhere it is a plain line every six hours.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from types import TracebackType
from typing import Self

from rich.cells import set_cell_size
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

from rules.command import Signal
from sim.air.told import Told, What
from sim.demo.ends import Line, Weight, Who
from sim.homes.act import Scene
from texts import N_, Translator

_DAY = timedelta(days=1)
_PLAIN_EVERY_H = 6
_BAR_WIDTH = 40
_WHO_CELLS = 10

_SCENES = {
    Scene.WAKES: N_("gets up"),
    Scene.BREAKFAST: N_("cooks breakfast"),
    Scene.GOES_OUT: N_("goes out by the front door"),
    Scene.COMES_HOME: N_("comes home"),
    Scene.LUNCH: N_("has lunch"),
    Scene.TELEVISION: N_("watches television"),
    Scene.DINNER: N_("cooks dinner"),
    Scene.READS: N_("reads by the lamp"),
    Scene.GOES_TO_BED: N_("goes to bed"),
    Scene.TOILET_AT_NIGHT: N_("goes to the toilet at night"),
}


class Story:
    """Prints as it goes; a context manager, so that the terminal is given back as it was."""

    def __init__(self, say: Translator, zone: tzinfo, console: Console) -> None:
        self._say = say
        self._zone = zone
        self._console = console
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._plain_told: tuple[int, int] | None = None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.update("", refresh=True)
            self._live.stop()

    def say(self, message: str, **words: object) -> None:
        """A sentence outside the timeline, translated."""
        self._print(escape(self._say.text(message, **words)))

    def show(self, text: str) -> None:
        """Text as it is, such as a line of a log."""
        self._print(escape(text))

    def tell(self, lines: Iterable[Line]) -> None:
        """Lines of the timeline."""
        for line in lines:
            local = line.at.astimezone(self._zone)
            who = self._say.text(line.who.value) if line.who.value else ""
            cells = (
                f"[dim]{local:%m-%d %H:%M:%S}[/]",
                escape(set_cell_size(who, _WHO_CELLS)),
                f"[{line.weight.value}]{escape(line.text)}[/]",
            )
            if self._live is None:
                self._print("  ".join(cells))
            else:
                # A long sentence goes on under itself.
                row = Table.grid(padding=(0, 2))
                row.add_row(*cells)
                self._console.print(row, highlight=False)

    def home(self, told: Told, *, by_day: bool) -> None:
        """News of the home; `by_day` for a recording, whose events are only counted."""
        line = self._home(told, by_day=by_day)
        if line is not None:
            self.tell([line])

    def progress(self, now: datetime, rate: float, whole: float | None) -> None:
        """Where the virtual day is, and how fast it goes.

        Args:
            now: virtual time.
            rate: virtual seconds in a real one.
            whole: how much of a recording has been played. Its days go by in a second each: a bar
                of the day would only jump, and lines of the days tell enough where there is none.

        """
        local = now.astimezone(self._zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        share = (local - midnight) / _DAY
        if self._live is None:
            if whole is None:
                self._plain_progress(local, share)
            return
        share = share if whole is None else min(whole, 1.0)
        row = Table.grid(padding=(0, 2))
        row.add_row(
            f"[bold]{local:%Y-%m-%d %H:%M:%S}[/]",
            ProgressBar(total=1.0, completed=share, width=_BAR_WIDTH),
            escape(self._pace(rate)),
        )
        self._live.update(row, refresh=True)

    def _plain_progress(self, local: datetime, share: float) -> None:
        quarter = (local.toordinal(), local.hour // _PLAIN_EVERY_H)
        if quarter != self._plain_told:
            self._plain_told = quarter
            self._print(f"{local:%Y-%m-%d %H:%M}  {share:4.0%}")

    def _pace(self, rate: float) -> str:
        return self._say.text("real time") if rate == 1 else f"{rate:,.0f}x"

    def _home(self, told: Told, *, by_day: bool) -> Line | None:
        text = self._say.text
        match told.what:
            case What.SCENE:
                return Line(told.at, Who.RESIDENT, text(_SCENES[Scene(told.detail)]))
            case What.DAY if by_day:
                count = self._say.plural(
                    "{n} event of the resident on {day}",
                    "{n} events of the resident on {day}",
                    told.count,
                    day=told.detail,
                )
                return Line(told.at, Who.RESIDENT, count)
            case What.COLLAPSED:
                fallen = text("collapses; from now on only machines and periodic reports")
                return Line(told.at, Who.RESIDENT, fallen, Weight.ALARM)
            case What.WELL_AGAIN:
                return Line(told.at, Who.RESIDENT, text("is well again"), Weight.GOOD)
            case What.ANSWERED:
                answered = text("answers by pressing the button")
                return Line(told.at, Who.RESIDENT, answered, Weight.GOOD)
            case What.SIGNAL if told.detail == Signal.TAKEN:
                lit = text("the light in the home shows that help is coming")
                return Line(told.at, Who.RESIDENT, lit)
            case What.OVER:
                return Line(told.at, Who.LAUNCHER, text("the recording ends here"))
            case _:
                return None

    def _print(self, markup: str) -> None:
        # For a file or a pipe a line stays whole.
        self._console.print(markup, highlight=False, soft_wrap=self._live is None)
