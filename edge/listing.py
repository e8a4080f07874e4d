"""A table where the terminal has room for it; where it has not, some lines for each row.

What somebody copies, a name or an address, is never broken in two by either.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_WORDS: Final = 14
"Cells that a column of words is to have at least; no word of ours is wider."
_GAP: Final = 3
"Cells between two columns."
_EDGES: Final = 2
_INDENT: Final = 2

Cell = str | Text


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    words: bool = False
    "Whether its cells may be wrapped between words; else they stay whole."


@dataclass(frozen=True, slots=True)
class Row:
    """What a table's row holds, and the same as lines."""

    cells: tuple[Cell, ...]
    first: tuple[Text, ...]
    "In one line, or in one each where one does not hold them."
    rest: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows, on whatever console they are printed."""

    columns: Sequence[Column]
    rows: Sequence[Row]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._needed() <= options.max_width:
            yield self._table()
        else:
            yield Text()
            for row in self.rows:
                yield from _lines(row, options.max_width)

    def _needed(self) -> int:
        """Cells without which a name would be broken, or words by the letter."""
        widths = [
            max(cell_len(column.name), *(_cells(row.cells[at]) for row in self.rows))
            for at, column in enumerate(self.columns)
        ]
        return (
            sum(
                min(width, _WORDS) if column.words else width
                for column, width in zip(self.columns, widths, strict=True)
            )
            + _GAP * (len(widths) - 1)
            + _EDGES
        )

    def _table(self) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in self.columns:
            table.add_column(column.name, overflow="fold", no_wrap=not column.words)
        for row in self.rows:
            table.add_row(*row.cells)
        return table


def joined(*parts: Cell) -> Text:
    """Parts with a dot between them, without the empty ones."""
    return Text(" · ").join([Text.assemble(part) for part in parts if part])


def _lines(row: Row, width: int) -> Iterator[RenderableType]:
    whole = Text("  ").join(row.first)
    if whole.cell_len <= width:
        yield whole
    else:
        first, *others = row.first
        first.overflow = "fold"
        yield first
        yield from (_indented(each) for each in others)
    yield from (_indented(each) for each in row.rest if each)


def _indented(line: Text) -> Padding:
    line.overflow = "fold"
    return Padding(line, (0, 0, 0, _INDENT), expand=False)


def _cells(cell: Cell) -> int:
    return cell.cell_len if isinstance(cell, Text) else cell_len(cell)
