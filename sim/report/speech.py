"""How the report writes moments, delays, plights and faults."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from sim.faults.fault import Fault
from sim.report.groups import UNITS
from sim.world.chronicle import Chronicle, HomeChronicle, Trouble
from texts import Translator

_TENTHS_UNDER = timedelta(seconds=10)
NIGHT_FROM_H = 22
NIGHT_UNTIL_H = 6


@dataclass(frozen=True, slots=True)
class Speech:
    """The reader's words, the site's zone, and the run that is spoken of."""

    words: Translator
    zone: tzinfo
    chronicle: Chronicle
    not_due: tuple[Trouble, ...] = ()
    "Plights of which nobody need have been told yet when the run ended."

    def is_due(self, trouble: Trouble) -> bool:
        """Whether somebody must have been told of a plight, or was."""
        return not any(one is trouble for one in self.not_due)

    def at(self, moment: datetime) -> str:
        """`2026-03-01 14:05`: the same in both languages, and sorts."""
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M}"

    def exact(self, moment: datetime) -> str:
        """As `at`, to the second."""
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M:%S}"

    def day(self, moment: datetime) -> str:
        """`2026-03-01`."""
        return f"{moment.astimezone(self.zone):%Y-%m-%d}"

    def clock(self, moment: datetime) -> str:
        """`03-01 14:05:09`."""
        return f"{moment.astimezone(self.zone):%m-%d %H:%M:%S}"

    def span(self, length: timedelta | None) -> str:
        """`7 h 20 min`; tenths of a second where it is short; a dash for None."""
        if length is None:
            return "\N{EN DASH}"
        if length < _TENTHS_UNDER:
            tenths = max(length.total_seconds(), 0.0)
            return self.words.text("span.seconds", n=f"{tenths:.1f}".removesuffix(".0"))
        return self.words.span(length)

    def night(self, moment: datetime) -> bool:
        """Whether it is between ten in the evening and six."""
        return not NIGHT_UNTIL_H <= moment.astimezone(self.zone).hour < NIGHT_FROM_H

    def found(self, trouble: Trouble) -> str:
        """What became of a plight."""
        if not self.is_due(trouble):
            return self.words.text("not due yet when the run ended")
        if trouble.found is None:
            return self.words.text("never found")
        return self.words.text("found after {span}", span=self.span(trouble.found - trouble.at))

    def plight(self, trouble: Trouble) -> str:
        """One line about it."""
        kind = self.words.name(trouble.kind)
        return f"{self.at(trouble.at)} {kind}, {self.found(trouble)}"

    def faults_of(self, home: HomeChronicle) -> tuple[Fault, ...]:
        """Those of the home, and those of the center, which befall every home."""
        both = (*home.faults, *self.chronicle.center_faults)
        return tuple(sorted(both, key=lambda fault: (fault.begin, fault.number)))

    def amount(self, fault: Fault) -> str:
        """How much, with its unit; nothing where the kind measures nothing."""
        unit = UNITS.get(fault.kind)
        if unit is None:
            return f"{fault.amount:.3g}" if fault.amount else ""
        if unit == "%":
            return f"{100 * fault.amount:.3g} %"
        if unit == "s" and abs(fault.amount) >= 120:
            sign = "\N{MINUS SIGN}" if fault.amount < 0 else ""
            return sign + self.words.span(timedelta(seconds=abs(fault.amount)))
        return f"{fault.amount:.3g} {unit}".strip()

    def fault(self, fault: Fault) -> str:
        """One line about it."""
        begin = self.chronicle.start + fault.begin
        parts = (
            f"#{fault.number}",
            self.words.name(fault.kind),
            fault.device or "",
            self.amount(fault),
            f"{self.at(begin)},",
            self.words.span(fault.lasting),
        )
        return " ".join(part for part in parts if part)
