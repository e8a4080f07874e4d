"""Time waits for what is on its way, and runs slowly where somebody is to speak up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sim.rig.agenda import Agenda
from sim.rig.pace import CAREFUL, Need, pace

NOW = datetime(2026, 1, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)
QUIET = Need(unconfirmed=None, urgent=False, busy=False, due=())


def test_quiet_time_runs_to_what_is_planned() -> None:
    assert pace([QUIET], NOW, 600, NOW + 90 * SECOND) == (600, NOW + 90 * SECOND)
    assert pace([], NOW, 600, None) == (600, None)


def test_time_waits_for_a_frame_and_not_at_all_past_a_call_for_help() -> None:
    frame = replace(QUIET, unconfirmed=NOW)
    assert pace([QUIET, frame], NOW, 600, NOW + 90 * SECOND) == (600, NOW + 10 * SECOND)
    assert pace([replace(frame, urgent=True)], NOW, 600, None) == (600, NOW)


def test_whoever_is_busy_slows_all_down() -> None:
    assert pace([QUIET, replace(QUIET, busy=True)], NOW, 600, None) == (CAREFUL, None)
    assert pace([replace(QUIET, busy=True)], NOW, 5, None) == (5, None)


def test_time_runs_slowly_around_a_due_alarm() -> None:
    need = replace(QUIET, due=(NOW + 60 * SECOND,))
    assert pace([need], NOW, 600, None) == (600, NOW + 50 * SECOND)
    assert pace([need], NOW + 50 * SECOND, 600, None) == (CAREFUL, None)
    assert pace([need], NOW + 81 * SECOND, 600, None) == (600, None)


def test_the_agenda_stops_where_real_work_is_to_be_done() -> None:
    agenda = Agenda(NOW)
    done: list[datetime] = []
    for seconds in (3, 1, 2):
        agenda.at(NOW + seconds * SECOND, lambda: done.append(agenda.now))
    assert agenda.due() == NOW + SECOND
    agenda.happen(NOW + 5 * SECOND, lambda: len(done) == 2)
    assert done == [NOW + SECOND, NOW + 2 * SECOND]
    assert agenda.now == NOW + 2 * SECOND, "what is next is not past yet"
    agenda.happen(NOW + 5 * SECOND, lambda: False)
    assert done[2:] == [NOW + 3 * SECOND]
    assert (agenda.now, agenda.due()) == (NOW + 5 * SECOND, None)
