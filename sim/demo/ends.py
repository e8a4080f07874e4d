"""The story as both ends tell it: what has changed at the gateway, and at the center."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import Enum

from central.cases import Case, CaseState, HistoryWhat
from edge.status import AlarmStatus
from rules.alarm import OPEN, AlarmKey, AlarmKind, AlarmState, Category
from texts import N_, Translator


class Who(Enum):
    """Who tells a line."""

    RESIDENT = N_("resident")
    GATEWAY = N_("gateway")
    CENTER = N_("center")
    LAUNCHER = ""


class Weight(Enum):
    """How a line stands out."""

    DAILY = "dim"
    NOTABLE = "bold"
    ALARM = "bold red"
    GOOD = "bold green"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline."""

    at: datetime
    who: Who
    text: str
    weight: Weight = Weight.DAILY


class GatewayEnd:
    """Notices what becomes of the alarms in one status after the other."""

    def __init__(self, say: Translator) -> None:
        self._say = say
        self._known: dict[AlarmKey, AlarmStatus] = {}

    def see(self, alarms: Iterable[AlarmStatus], now: datetime) -> Iterator[Line]:
        """Lines for what is new."""
        before, self._known = self._known, {alarm.key: alarm for alarm in alarms}
        for key, alarm in self._known.items():
            yield from self._changes(before.get(key), alarm, now)
        for key, alarm in before.items():
            if key not in self._known:
                yield self._at_rest(alarm, now)

    def _changes(
        self, before: AlarmStatus | None, alarm: AlarmStatus, now: datetime
    ) -> Iterator[Line]:
        state = None if before is None else before.state
        if alarm.state is not state:
            yield Line(alarm.since, Who.GATEWAY, self._moved(alarm, state), _weight(alarm))
        elif before is not None and alarm.level > before.level:
            text = self._say.text("still no answer: level {level}", level=alarm.level)
            yield Line(now, Who.GATEWAY, text, Weight.ALARM)
        was_delivered = before is not None and before.delivered and before.serial == alarm.serial
        if alarm.delivered and not was_delivered and alarm.state in OPEN:
            text = self._say.text("the center confirms that it has stored it")
            yield Line(now, Who.GATEWAY, text, Weight.NOTABLE)

    def _moved(self, alarm: AlarmStatus, before: AlarmState | None) -> str:
        name = self._say.name(alarm.key.kind)
        match alarm.state:
            case AlarmState.PROMPTED:
                return self._say.text("asks whether all is well, by light and buzzer")
            case AlarmState.RAISED if before is AlarmState.PROMPTED:
                return self._say.text("no answer: sends an escalation, {alarm}", alarm=name)
            case AlarmState.RAISED if alarm.key.kind.category is Category.ESCALATION:
                return self._say.text("sends an escalation, {alarm}", alarm=name)
            case AlarmState.RAISED:
                return self._say.text("reports a fault, {alarm}", alarm=name)
            case AlarmState.ACKNOWLEDGED:
                return self._say.text("learns that a person has taken the case")
            case AlarmState.CLEARED:
                return self._say.text("{alarm}: the cause is over", alarm=name)
            case _:
                return f"{name}: {self._say.name(alarm.state)}"

    def _at_rest(self, before: AlarmStatus, now: datetime) -> Line:
        if before.state is AlarmState.PROMPTED:
            text = self._say.text("the answer is evidence of life: all is well")
            return Line(now, Who.GATEWAY, text, Weight.GOOD)
        name = self._say.name(before.key.kind)
        text = self._say.text("learns that the case is closed; {alarm} is at rest", alarm=name)
        return Line(now, Who.GATEWAY, text, Weight.GOOD)


class CenterEnd:
    """Notices what becomes of the cases in one list after the other."""

    def __init__(self, say: Translator, zone: tzinfo) -> None:
        self._say = say
        self._zone = zone
        self._told: dict[str, int] = {}

    def see(self, cases: Iterable[Case], now: datetime) -> Iterator[Line]:
        """Lines for what is new in the histories."""
        for case in cases:
            told = self._told.get(case.id, 0)
            self._told[case.id] = len(case.history)
            for entry in case.history[told:]:
                yield from self._line(case, entry.what, entry.by, entry.at, now)

    def _line(
        self, case: Case, what: HistoryWhat, by: str, at: datetime, now: datetime
    ) -> Iterator[Line]:
        match what:
            case HistoryWhat.PERSISTED:
                said = self._say.explain(case.explanation, self._zone, now, case.alarm)
                alarm = self._say.name(case.alarm)
                text = self._say.text("stored, waiting to be taken: {alarm}", alarm=alarm)
                yield Line(at, Who.CENTER, f"{text}. {said}", _case_weight(case))
            case HistoryWhat.TAKEN:
                text = self._say.text("{who} took the case", who=by)
                yield Line(at, Who.CENTER, text, Weight.NOTABLE)
            case HistoryWhat.CLOSED:
                outcome = "" if case.outcome is None else self._say.name(case.outcome)
                text = self._say.text("{who} closed the case: {outcome}", who=by, outcome=outcome)
                yield Line(at, Who.CENTER, text, Weight.GOOD)
            case HistoryWhat.NOTE:
                yield Line(at, Who.CENTER, self._say.text("{who} left a note", who=by))
            case HistoryWhat.LEVEL | HistoryWhat.AGAIN:
                text = self._say.text("more urgent now: level {level}", level=case.level)
                yield Line(at, Who.CENTER, text, Weight.ALARM)
            case _:
                alarm = self._say.name(case.alarm)
                text = self._say.text("{alarm}: the cause is over", alarm=alarm)
                yield Line(at, Who.CENTER, text)


def waiting(cases: Iterable[Case], alarm: AlarmKind) -> list[Case]:
    """The cases of this alarm that wait to be taken."""
    return [case for case in cases if case.alarm is alarm and case.state is CaseState.WAITING]


def _weight(alarm: AlarmStatus) -> Weight:
    match alarm.state:
        case AlarmState.RAISED if alarm.key.kind.category is Category.ESCALATION:
            return Weight.ALARM
        case AlarmState.PROMPTED | AlarmState.RAISED | AlarmState.ACKNOWLEDGED:
            return Weight.NOTABLE
        case _:
            return Weight.DAILY


def _case_weight(case: Case) -> Weight:
    return Weight.ALARM if case.category is Category.ESCALATION else Weight.NOTABLE
