"""Where the story stands, and what that means for the pace."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from edge.status import About, AlarmStatus, Plumbing, Status, UplinkStatus
from rules.alarm import AlarmKey, AlarmKind, AlarmState
from sim.demo.pace import Outlook
from sim.demo.plan import PROMPT_WAIT, Asked, plan
from sim.demo.plot import ENCORE, RECOVERY, Plot, Stage
from sim.homes.act import Absence
from texts import Language

ASKED = Asked(
    data=Path("data"),
    language=Language.EN,
    seed=1,
    web_port=0,
    coap_port=0,
    home_csv=None,
    day="2026-11-22",
    collapse="13:40",
    speed=None,
)
PLAN = plan(ASKED, date(2026, 11, 22))
COLLAPSE = datetime(2026, 11, 22, 4, 40, tzinfo=UTC)
BEFORE = COLLAPSE - timedelta(hours=1)
AFTER = COLLAPSE + timedelta(hours=8)
AHEAD = timedelta(minutes=12)


def _alarm(state: AlarmState, since: datetime) -> AlarmStatus:
    return AlarmStatus(
        key=AlarmKey(AlarmKind.INACTIVITY),
        state=state,
        since=since,
        until=None,
        level=1,
        serial=1,
        record=None,
        delivered=True,
        drill=False,
    )


def _status(*alarms: AlarmStatus, due: datetime | None = None) -> Status:
    return Status(
        about=About("demo", "demo", "Asia/Seoul", "0"),
        now=AFTER,
        boot=1,
        started=BEFORE,
        time_trusted=True,
        alarm_time_if_silent=due,
        away=None,
        life=None,
        devices=(),
        alarms=alarms,
        plumbing=Plumbing("ntp", 0, UplinkStatus(None, 0, 2, ""), (), 0, True, ()),
    )


def _outlook(plot: Plot, status: Status, *, held: bool = False) -> Outlook:
    return plot.outlook(status, AFTER, AFTER, coming=AFTER + AHEAD, sounded=False, held=held)


def _stage(plot: Plot) -> Stage:
    return plot.stage


def test_from_daily_life_to_the_end() -> None:
    plot = Plot(PLAN, AHEAD)
    assert plot.fates() == [Absence(COLLAPSE)]
    assert plot.go_on(BEFORE, []) is None
    assert _stage(plot) is Stage.DAILY
    plot.go_on(COLLAPSE, [])
    assert _stage(plot) is Stage.FALLEN

    for state in (AlarmState.PROMPTED, AlarmState.RAISED, AlarmState.ACKNOWLEDGED):
        assert plot.go_on(AFTER, [_alarm(state, AFTER)]) is None
        outlook = _outlook(plot, _status(_alarm(state, AFTER)))
        assert outlook.watched
        assert not outlook.well
    helped = plot.go_on(AFTER, [])
    assert helped == Absence(COLLAPSE, AFTER + RECOVERY)
    assert _stage(plot) is Stage.HELPED
    assert plot.go_on(AFTER, []) is None
    plot.go_on(AFTER + ENCORE, [])
    assert _stage(plot) is Stage.TOLD
    assert _outlook(plot, _status()).over


def test_the_prompt_comes_before_the_alarm_that_the_gateway_plans() -> None:
    plot = Plot(PLAN, AHEAD)
    due = AFTER + timedelta(hours=1)
    assert _outlook(plot, _status(due=due)).due == due - PROMPT_WAIT
    prompted = _alarm(AlarmState.PROMPTED, AFTER)
    assert _outlook(plot, _status(prompted, due=due)).due == due
    assert not _outlook(plot, _status(prompted, due=due)).sounding
    assert _outlook(plot, _status(due=due)).sounding


def test_an_alarm_of_the_days_before_holds_nobody_up() -> None:
    plot = Plot(PLAN, AHEAD)
    raised = _status(_alarm(AlarmState.RAISED, BEFORE))
    assert not _outlook(plot, raised).watched
    # Its end is slow: the lights in the home go out.
    assert _outlook(plot, raised).due == AFTER + AHEAD
    cleared = _status(_alarm(AlarmState.CLEARED, BEFORE))
    assert _outlook(plot, cleared).watched
    assert not _outlook(plot, cleared, held=True).watched


def test_a_case_from_before_the_collapse_is_not_the_story() -> None:
    plot = Plot(PLAN, AHEAD)
    plot.go_on(COLLAPSE, [])
    old = _alarm(AlarmState.CLEARED, BEFORE)
    assert not _outlook(plot, _status(old)).watched
    plot.go_on(AFTER, [old])
    plot.go_on(AFTER, [])
    assert _stage(plot) is Stage.FALLEN
    assert plot.is_told_of(AFTER)
    assert not plot.is_told_of(BEFORE)


@pytest.mark.parametrize("fallen", [True, False])
def test_the_end_of_a_recording_ends_the_story_unless_somebody_lies_there(fallen: bool) -> None:  # noqa: FBT001
    plot = Plot(PLAN, AHEAD)
    if fallen:
        plot.go_on(COLLAPSE, [])
    plot.recording_is_over()
    assert (_stage(plot) is Stage.TOLD) is not fallen


def test_without_a_collapse_the_story_ends_with_its_day() -> None:
    uneventful = plan(replace(ASKED, collapse="none"), date(2026, 11, 22))
    plot = Plot(uneventful, AHEAD)
    assert plot.fates() == []
    plot.go_on(AFTER, [])
    assert _stage(plot) is Stage.DAILY
    plot.go_on(uneventful.told, [])
    assert _stage(plot) is Stage.TOLD
