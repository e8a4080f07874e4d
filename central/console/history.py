"""What happened to a case, line by line, as a page tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from central.cases import Case, Condition, HistoryEntry, HistoryWhat
from central.console.pages import Pages, Reader
from rules.sentence import Explanation
from texts import Translator, translator

_OVER: Final = frozenset({HistoryWhat.CLEARED, HistoryWhat.CANCELLED})
_BY_PEOPLE: Final = frozenset({HistoryWhat.TAKEN, HistoryWhat.NOTE, HistoryWhat.CLOSED})


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a case's history."""

    at: datetime
    what: str
    by: str = ""
    words: str = ""
    hint: str = ""
    person: bool = False


def steps(
    case: Case, reader: Reader, pages: Pages, instead: Mapping[Enum, str] | None = None
) -> list[Step]:
    """All lines, oldest first; `instead` has other words (texts of the source) for some."""
    words = translator(reader.language)
    sent = Step(
        case.wall,
        words.text("Sent"),
        hint=words.text("by the gateway's clock")
        if case.time_trusted
        else words.text("by the gateway's clock, which is not confirmed"),
    )
    lines = [_step(entry, case, reader, pages, instead or {}) for entry in case.history]
    return [sent, *lines] if _from_gateway(case) else lines


def why_over(case: Case) -> Explanation:
    """Why the alarm is over, if it is."""
    if case.condition is Condition.ACTIVE:
        return ()
    said = [entry for entry in case.history if entry.what in _OVER]
    return said[-1].explanation if said else ()


def _step(
    entry: HistoryEntry,
    case: Case,
    reader: Reader,
    pages: Pages,
    instead: Mapping[Enum, str],
) -> Step:
    words = translator(reader.language)
    said = pages.sentences(entry.explanation, reader, case)
    if entry.what is HistoryWhat.PERSISTED:
        # The case says the same in large letters above.
        said = []
    outcome = case.outcome if entry.what is HistoryWhat.CLOSED else None
    parts = ("" if outcome is None else _word(outcome, instead, words), entry.text, *said)
    return Step(
        entry.at,
        _word(entry.what, instead, words),
        by=entry.by if entry.what in _BY_PEOPLE else "",
        words="\n".join(part for part in parts if part),
        hint=words.text("arrived late") if entry.late else "",
        person=entry.what in _BY_PEOPLE,
    )


def _word(member: Enum, instead: Mapping[Enum, str], words: Translator) -> str:
    return words.text(instead[member]) if member in instead else words.name(member)


def _from_gateway(case: Case) -> bool:
    """Whether a gateway sent it; the center's own cases say nobody's name."""
    return any(entry.by for entry in case.history if entry.what is HistoryWhat.PERSISTED)
