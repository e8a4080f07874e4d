"""What one rulebook made of a home: its alarms, its prompts, and how long they took."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.alarm import AlarmKey, AlarmKind
from rules.sentence import Explanation


@dataclass(frozen=True, slots=True)
class Raised:
    """One alarm that left the house."""

    key: AlarmKey
    at: datetime
    until: datetime | None
    "When it was over or taken back; None if it stood at the end."
    level: int
    "The highest that it reached."
    room: str
    explanation: Explanation
    "As it was when the alarm was raised."
    silence: timedelta | None
    "For inactivity: how long there had been no life."
    needed: bool
    "Somebody truly lay there; nobody knows that of a recording."


@dataclass(frozen=True, slots=True)
class Verdict:
    """Figures of one home, or of many together."""

    raised: tuple[tuple[AlarmKind, int], ...] = ()
    "Sorted by kind."
    asked: int = 0
    "Times the resident was asked."
    answered: int = 0
    silences: tuple[timedelta, ...] = ()
    "Without life, when inactivity was escalated."
    vain: int = 0
    "Of these: life came back by itself, so nobody was in danger."
    collapses: int = 0
    known: int = 0
    "Collapses in a silence that an operator was looking into already; they have no delay."
    missed: int = 0
    "Not escalated within `sim.replay.trial.FOUND_ANYWAY`."
    found: tuple[timedelta, ...] = ()
    "From collapse to escalation."

    def count(self, kind: AlarmKind) -> int:
        return dict(self.raised).get(kind, 0)


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """The sum of several homes, in their order."""
    every = list(verdicts)
    raised: Counter[AlarmKind] = Counter()
    for one in every:
        raised.update(dict(one.raised))
    return Verdict(
        raised=tuple(sorted(raised.items())),
        asked=sum(one.asked for one in every),
        answered=sum(one.answered for one in every),
        silences=tuple(span for one in every for span in one.silences),
        vain=sum(one.vain for one in every),
        collapses=sum(one.collapses for one in every),
        known=sum(one.known for one in every),
        missed=sum(one.missed for one in every),
        found=tuple(span for one in every for span in one.found),
    )


def percentile(spans: Iterable[timedelta], percent: int) -> timedelta | None:
    """The smallest span that so many percent of all do not exceed; None of none."""
    ordered = sorted(spans)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else None
