"""The catalogue of faults for a reader."""

from rich.table import Table

from sim.faults.catalogue import CATALOGUE, Row, number
from sim.faults.fault import OF_AIR, OF_CENTER, OF_DEVICE, FaultKind
from texts import Translator


def about(say: Translator, kind: FaultKind) -> str:
    """What a fault of this kind does, in a sentence."""
    return say.text(CATALOGUE[kind].about)


def table(say: Translator) -> Table:
    """All kinds, as `--faults help` shows them."""
    shown = Table(box=None, padding=(0, 2, 0, 0))
    shown.add_column(say.text("Kind"), no_wrap=True)
    for name in (say.text("Affects"), say.text("What it does"), say.text("Amount")):
        # Any other overflow cuts words of wide letters.
        shown.add_column(name, overflow="fold")
    for row in CATALOGUE.values():
        shown.add_row(row.kind.value, _of(say, row.kind), say.text(row.about), _amount(say, row))
    return shown


def _of(say: Translator, kind: FaultKind) -> str:
    if kind in OF_CENTER:
        return say.text("the center")
    if kind in OF_DEVICE:
        return say.text("a device")
    return say.text("a home or a device") if kind in OF_AIR else say.text("a home")


def _amount(say: Translator, row: Row) -> str:
    amount = row.amount
    if amount is None:
        return ""
    words = {"what": say.text(amount.what), "low": number(amount.low), "high": number(amount.high)}
    if amount.default is None:
        return say.text("{what}: {low} to {high}", **words)
    return say.text(
        "{what}: {low} to {high}, else {default}", **words, default=number(amount.default)
    )
