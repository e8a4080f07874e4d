"""Who is about, as `ongi devices scan` shows it: a table that keeps up, or a line each time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from edge.jsonable import Json, jsonable
from edge.words import Strength, reading_in_words, refusal_in_words, strength_in_words
from rules.air import Sighting
from rules.device import Device
from texts import N_, Translator

ADDRESSES_MAX: Final = 2_000
"Whoever was not heard for longest is forgotten first."
_SILENT_S: Final = 10.0
"From then on it is shown as gone quiet."
_GONE_S: Final = 60.0
"From then on it is not shown any more."
_WIDE: Final = 132
"Columns from which on there is a row for each, in a table."
_ROOMY: Final = 60
"And for every unit."
_TINY: Final = 40
"And for bars beside the words."
_SMOOTH: Final = 0.3
"Of the newest strength: rows that change their places with every advert cannot be read."
_SOURCES_SHOWN: Final = 3

_FORMATS: Final = {"bthome": "BTHome", "mibeacon": "MiBeacon", "switchbot": "SwitchBot"}
_ENCRYPTED: Final = "no_key"


@dataclass(slots=True)
class _Heard:
    sighting: Sighting
    rssi_dbm: float
    at_s: float


class Around:
    """What was sighted of late, by address and source."""

    def __init__(self, devices: Sequence[Device]) -> None:
        self.devices: Mapping[str, Device] = {each.id: each for each in devices}
        self._heard: dict[str, dict[str, _Heard]] = {}

    def take(self, sighting: Sighting, at_s: float) -> None:
        """Somebody was sighted, at a moment of a steady clock."""
        sources = self._heard.pop(sighting.address, None) or {}
        before = sources.get(sighting.source)
        rssi_dbm = float(sighting.rssi_dbm)
        if before is not None:
            rssi_dbm = before.rssi_dbm + _SMOOTH * (rssi_dbm - before.rssi_dbm)
        sources[sighting.source] = _Heard(sighting, rssi_dbm, at_s)
        self._heard[sighting.address] = sources
        if len(self._heard) > ADDRESSES_MAX:
            del self._heard[next(iter(self._heard))]

    def rows(self, at_s: float) -> tuple[list["Row"], list["Row"]]:
        """The home's own and the others, the strongest first."""
        for address in [*self._heard]:
            sources = self._heard[address]
            for source in [name for name, one in sources.items() if at_s - one.at_s > _GONE_S]:
                del sources[source]
            if not sources:
                del self._heard[address]
        found = [self._row(sources, at_s) for sources in self._heard.values()]
        found.sort(key=lambda row: (-row.rssi_dbm, row.best.address))
        ours = [row for row in found if row.device is not None]
        return ours, [row for row in found if row.device is None]

    def _row(self, sources: dict[str, _Heard], at_s: float) -> "Row":
        by_strength = sorted(sources.values(), key=lambda one: (-one.rssi_dbm, one.at_s))
        best, newest_s = by_strength[0], max(one.at_s for one in by_strength)
        id_ = best.sighting.device
        return Row(
            best.sighting,
            best.rssi_dbm,
            at_s - newest_s,
            tuple((one.sighting.source, one.rssi_dbm) for one in by_strength),
            None if id_ is None else self.devices.get(id_),
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One sender."""

    best: Sighting
    "As it is heard where it is heard best."
    rssi_dbm: float
    "Smoothed."
    silent_s: float
    sources: tuple[tuple[str, float], ...]
    device: Device | None


class AroundScreen:
    """Renders in one language, with the home's local times."""

    def __init__(self, say: Translator, zone: tzinfo) -> None:
        self._say = say
        self._zone = zone

    def line(self, seen: Sighting, device: Device | None, at: datetime) -> str:
        """One sighting, for a pipe."""
        words = (
            f"{at.astimezone(self._zone):%H:%M:%S}",
            strength_in_words(self._say, seen.rssi_dbm),
            seen.address,
            self._who(seen, device),
            self._format(seen, device),
            self._says(seen),
            seen.source,
        )
        return "  ".join(filter(None, words))

    def table(self, around: Around, at_s: float, lasting_s: float) -> RenderableType:
        """Everybody, as far as there is room, on whatever console it is printed."""
        return _Fitted(self, *around.rows(at_s), lasting_s)

    # --------------------------------------------------------------------------------- parts

    def head(self, ours: int, others: int, lasting_s: float) -> Text:
        """What is shown and how it ends."""
        _ = self._say.text
        words = (
            _("{n} s", n=f"{lasting_s:.0f}"),
            _("{n} of this home", n=ours),
            _("{n} unknown", n=others),
            _("end: Ctrl-C"),
        )
        return Text(" · ".join(words), style="bold", no_wrap=True, overflow="ellipsis")

    def columns(self) -> Table:
        """The wide table, without rows."""
        _ = self._say.text
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True)
        for name, ratio, width in (
            (_("Reception"), None, 24),
            (_("Address"), None, 17),
            (_("Who"), 3, None),
            (_("Model"), 2, None),
            (_("Says"), 4, None),
            (_("Heard by"), 2, None),
            (_("Last heard"), None, 10),
        ):
            table.add_column(name, ratio=ratio, width=width, no_wrap=True, overflow="ellipsis")
        return table

    def cells(self, row: Row) -> tuple[RenderableType, ...]:
        """The cells of a row of the wide table."""
        seen = row.best
        return (
            self.strength(row),
            seen.address,
            Text(self._who(seen, row.device), style="bold" if row.device else ""),
            self._format(seen, row.device),
            self._says(seen),
            self._sources(row),
            self._ago(row.silent_s),
        )

    def card(self, row: Row, width: int) -> list[Text]:
        """A row on a narrow screen, as lines that are each cut at its edge."""
        seen = row.best
        # Before the address, which whoever enters a device needs whole, there is no room to lose.
        first = Text.assemble(self.strength(row, width), " ", seen.address)
        who = Text(self._who(seen, row.device), style="bold" if row.device else "")
        says = self._says(seen)
        rest = (
            says,
            self._format(seen, row.device),
            self._ago(row.silent_s),
            self._sources(row),
        )
        told = Text(" · ".join(filter(None, rest)), style="" if says else "dim")
        if width < _ROOMY and first.cell_len + 2 + who.cell_len > width:
            lines = [first, Text.assemble("  ", who), Text.assemble("  ", told)]
        elif says:
            lines = [Text.assemble(first, "  ", who), Text.assemble("  ", told)]
        else:
            lines = [Text.assemble(first, "  ", who, "  ", told)]
        for line in lines:
            line.no_wrap, line.overflow = True, "ellipsis"
        return lines

    def strength(self, row: Row, width: int = _WIDE) -> Text:
        """Bars, dBm and a word, each as wide as any other; less where there is no room."""
        strength = Strength.of(row.rssi_dbm)
        style = "dim" if row.silent_s > _SILENT_S else strength.colour
        bars = strength.bars if width >= _TINY else ""
        dbm = f" {row.rssi_dbm:4.0f} dBm " if width >= _ROOMY else f"{row.rssi_dbm:4.0f} "
        word = self._say.text(strength.word)
        gap = " " * (
            max(cell_len(self._say.text(each.word)) for each in Strength) - cell_len(word)
        )
        return Text.assemble((bars, style), dbm, (word, style), gap)

    def more(self, number: int) -> Text:
        """So many were not shown."""
        told = self._say.plural("and {n} weaker one", "and {n} weaker ones", number)
        return Text(told, style="dim", no_wrap=True, overflow="ellipsis")

    def _who(self, seen: Sighting, device: Device | None) -> str:
        if device is not None:
            return f"{device.id} · {device.room}"
        if seen.device is not None:
            return seen.device
        known = " · ".join(filter(None, (seen.name, seen.maker)))
        return known or self._say.text("unknown")

    def _format(self, seen: Sighting, device: Device | None) -> str:
        model = "" if device is None else device.model
        return model or _FORMATS.get(seen.format, seen.format)

    def _says(self, seen: Sighting) -> str:
        say = self._say
        said = [reading_in_words(say, one.phenomenon, one.value) for one in seen.said]
        if seen.refused == _ENCRYPTED and seen.device is None:
            said.append(say.text("encrypted"))
        elif seen.refused:
            said.append(say.text("refused: {why}", why=refusal_in_words(say, seen.refused)))
        return ", ".join(said)

    def _sources(self, row: Row) -> str:
        if len(row.sources) == 1:
            return row.sources[0][0]
        told = [f"{name} {rssi_dbm:.0f}" for name, rssi_dbm in row.sources[:_SOURCES_SHOWN]]
        more = len(row.sources) - len(told)
        return ", ".join(told) + (f" +{more}" if more else "")

    def _ago(self, silent_s: float) -> str:
        if silent_s < 2:
            return self._say.text(_NOW)
        return self._say.text("{n} s ago", n=f"{silent_s:.0f}")


_NOW: Final = N_("just now")


@dataclass(frozen=True, slots=True)
class _Fitted:
    """As many rows as the console has room for; it never scrolls and never wraps."""

    screen: AroundScreen
    ours: list[Row]
    others: list[Row]
    lasting_s: float

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = options.height or console.height
        rows = [*self.ours, *self.others]
        head = self.screen.head(len(self.ours), len(self.others), self.lasting_s)
        wide = options.max_width >= _WIDE
        yield (
            self._wide(head, rows, height)
            if wide
            else self._narrow(head, rows, height, options.max_width)
        )
        # The cursor waits on a line of its own: on a full one the terminal's `^C` would wrap, and
        # the last picture would be drawn a line below the one it replaces.
        yield Text()

    def _wide(self, head: Text, rows: list[Row], height: int) -> Group:
        # The head, the table's own head of three lines and its foot, what is left out, the cursor.
        room = max(height - 8, 1)
        table = self.screen.columns()
        for number, row in enumerate(rows[:room]):
            last_of_ours = number + 1 == len(self.ours) and bool(self.others)
            table.add_row(*self.screen.cells(row), end_section=last_of_ours)
        left_out = len(rows) - room
        return Group(head, table, *([self.screen.more(left_out)] if left_out > 0 else []))

    def _narrow(self, head: Text, rows: list[Row], height: int, width: int) -> Group:
        room = height - 4  # The head, what is left out, the cursor, and its line at the end.
        lines: list[Text] = []
        shown = 0
        for number, row in enumerate(rows):
            card = self.screen.card(row, width)
            if self.ours and number == len(self.ours):
                card.insert(0, Text())  # The home's own stand apart.
            if len(lines) + len(card) > room:
                break
            lines += card
            shown += 1
        left_out = len(rows) - shown
        return Group(head, *lines, *([self.screen.more(left_out)] if left_out > 0 else []))


def sighting_json(seen: Sighting, device: Device | None, at: datetime) -> Json:
    """One sighting for programs."""
    told = jsonable(seen)
    assert isinstance(told, dict)
    said: Json = {one.phenomenon.value: jsonable(one.value) for one in seen.said}
    return {
        "at": at.isoformat(timespec="milliseconds"),
        **told,
        "said": said,
        "room": None if device is None else device.room,
        "model": None if device is None else device.model,
    }
