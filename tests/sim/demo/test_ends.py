"""The lines that both ends contribute to the story."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from central.cases import Case, CaseState, Condition, HistoryEntry, HistoryWhat, Home
from edge.status import AlarmStatus
from rules.alarm import AlarmKey, AlarmKind, AlarmState, Category
from rules.events import Outcome
from rules.sentence import Say, sentence
from sim.demo.ends import CenterEnd, GatewayEnd, Weight, waiting
from texts import Language, translator

NOW = datetime(2026, 11, 22, 12, 40, tzinfo=UTC)
KST = timezone(timedelta(hours=9))
ENGLISH = translator(Language.EN)

PROMPTED = AlarmStatus(
    key=AlarmKey(AlarmKind.INACTIVITY),
    state=AlarmState.PROMPTED,
    since=NOW,
    until=NOW + timedelta(seconds=20),
    level=0,
    serial=0,
    record=None,
    delivered=False,
    drill=False,
)
RAISED = replace(PROMPTED, state=AlarmState.RAISED, level=1, serial=7, record="ab")


def _texts(end: GatewayEnd, *statuses: Iterable[AlarmStatus]) -> list[str]:
    return [line.text for status in statuses for line in end.see(status, NOW)]


def test_the_gateway_side_from_prompt_to_close() -> None:
    end = GatewayEnd(ENGLISH)
    delivered = replace(RAISED, delivered=True)
    taken = replace(delivered, state=AlarmState.ACKNOWLEDGED)
    texts = _texts(end, [PROMPTED], [PROMPTED], [RAISED], [delivered], [taken], [])
    assert [text.partition(",")[0] for text in texts] == [
        "asks whether all is well",
        "no answer: sends an escalation",
        "the center confirms that it has stored it",
        "learns that a person has taken the case",
        "learns that the case is closed; " + ENGLISH.name(AlarmKind.INACTIVITY) + " is at rest",
    ]


def test_what_happened_between_two_looks_is_not_left_out() -> None:
    end = GatewayEnd(ENGLISH)
    texts = _texts(end, [replace(RAISED, delivered=True)])
    assert len(texts) == 2
    assert "stored" in texts[1]


def test_a_prompt_after_an_older_case_is_not_called_stored() -> None:
    (line,) = GatewayEnd(ENGLISH).see([replace(PROMPTED, serial=7, delivered=True)], NOW)
    assert "asks" in line.text


def test_an_answered_prompt_is_good_news() -> None:
    end = GatewayEnd(ENGLISH)
    list(end.see([PROMPTED], NOW))
    (line,) = end.see([], NOW)
    assert line.weight is Weight.GOOD
    assert "evidence of life" in line.text


def test_a_fault_is_no_escalation() -> None:
    fault = replace(RAISED, key=AlarmKey(AlarmKind.DRIVER_LOST))
    (line,) = GatewayEnd(ENGLISH).see([fault], NOW)
    assert line.text.startswith("reports a fault")
    assert line.weight is Weight.NOTABLE


def _entry(what: HistoryWhat, by: str) -> HistoryEntry:
    return HistoryEntry(NOW, what, by, "", ())


CASE = Case(
    id="ab",
    gateway="demo-0001",
    home=Home("demo-0001"),
    category=Category.ESCALATION,
    alarm=AlarmKind.INACTIVITY,
    scope=None,
    level=1,
    explanation=(sentence(Say.SILENT_FROM_START, since=NOW, silence=timedelta(hours=8)),),
    room="",
    activity=b"",
    drill=False,
    wall=NOW,
    time_trusted=True,
    persisted_at=NOW,
    state=CaseState.WAITING,
    taken_by=None,
    taken_at=None,
    closed_by=None,
    closed_at=None,
    outcome=None,
    condition=Condition.ACTIVE,
    history=(_entry(HistoryWhat.PERSISTED, "demo-0001"),),
)


def test_the_center_side_from_stored_to_closed() -> None:
    end = CenterEnd(ENGLISH, KST)
    (stored,) = end.see([CASE], NOW)
    assert stored.weight is Weight.ALARM
    assert ENGLISH.explain(CASE.explanation, KST, NOW) in stored.text
    assert waiting([CASE], AlarmKind.INACTIVITY) == [CASE]

    taken = replace(
        CASE,
        state=CaseState.TAKEN,
        history=(*CASE.history, _entry(HistoryWhat.TAKEN, "kim")),
    )
    assert [line.text for line in end.see([taken], NOW)] == ["kim took the case"]
    assert waiting([taken], AlarmKind.INACTIVITY) == []
    assert list(end.see([taken], NOW)) == []

    closed = replace(
        taken,
        state=CaseState.CLOSED,
        outcome=Outcome.REAL,
        history=(*taken.history, _entry(HistoryWhat.CLOSED, "kim")),
    )
    (line,) = end.see([closed], NOW)
    assert line.text == f"kim closed the case: {ENGLISH.name(Outcome.REAL)}"
