"""The engine over a home, in true time: with fixed limits, so that all can be told."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from benchmarks.detection import noise, ours, rivals, weather
from benchmarks.detection.asked import Budget, Method, Noise
from benchmarks.detection.copying import cloned
from benchmarks.detection.noise import Spurious
from benchmarks.detection.passes import evidence
from benchmarks.detection.record import Record
from benchmarks.detection.run import Run
from benchmarks.detection.stream import Stream, opened
from benchmarks.detection.weather import Weather
from rules.observation import DeviceId, Observation, Phenomenon
from rules.rulebook import PRESETS, Preset, Rulebook
from sim.replay.fleet import FromFile

Home = Callable[..., Path]
H = timedelta(hours=1)
KETTLE = DeviceId("kettle")
HALL = DeviceId("hall")


def book(*, prompt: bool = False) -> Rulebook:
    base = PRESETS[Preset.LIVING_ALONE]
    return replace(base, inactivity=replace(base.inactivity, learn=False, prompt=prompt))


def kettle(hours: Sequence[float]) -> list[tuple[float, str, str, str]]:
    return [
        row
        for hour in hours
        for row in ((hour, "Kettle", "plug_on", "1500"), (hour + 0.05, "Kettle", "plug_off", "0"))
    ]


@pytest.fixture
def quiet(home: Home) -> Stream:
    """A kettle at 7 and 19 h for ten days; from the seventh day 19 h to the ninth 19 h nothing.

    On some days a little later: what goes on by the minute each day is a timer.
    """
    hours = [
        24.0 * day + hour + (0.0 if day % 3 == 0 else 0.3 * (day % 4))
        for day in range(10)
        for hour in (7, 19)
        if not 163 < 24 * day + hour < 211
    ]
    return opened(FromFile(home("quiet", [], kettle(hours))))


def lived(run: Run, stream: Stream, until: datetime) -> Run:
    for at, item in stream.told:
        if at > until:
            break
        run.hear(item, at)
    run.until(until)
    return run


def hour(stream: Stream, hours: float) -> datetime:
    return stream.zero + hours * H


def test_the_alarm_of_a_silence_goes_out_as_the_rule_says(quiet: Stream) -> None:
    run = lived(Run(book(), quiet), quiet, quiet.end)
    [alarm] = run.alarms
    assert alarm == hour(quiet, 24 * 6 + 19 + 24)
    assert not run.is_raised


def test_who_collapses_is_found_when_the_rule_says_so_and_the_run_goes_on(quiet: Stream) -> None:
    at = hour(quiet, 24 * 3 + 12)
    run = lived(Run(book(), quiet), quiet, at)
    before = run.engine.snapshot()
    assert run.alarm_if_silent(at, at + 72 * H) == hour(quiet, 24 * 3 + 7 + 24)
    assert run.alarm_if_silent(at, at + 18 * H) is None
    pulse = Spurious(hour(quiet, 24 * 3 + 20), KETTLE, Phenomenon.POWER_W)
    # Its end, ten seconds later, is no second sign.
    assert run.fallen().first_alarm([pulse], at, at + 72 * H) == pulse.at + 24 * H
    late = Spurious(hour(quiet, 24 * 4 + 8), KETTLE, Phenomenon.POWER_W)
    assert run.fallen().first_alarm([late], at, at + 72 * H) == hour(quiet, 24 * 3 + 7 + 24)
    assert run.fallen().first_alarm([pulse], at, at + 25 * H) is None
    assert run.fallen().counted([pulse]) == [pulse.at]
    assert run.engine.snapshot() == before


def test_an_alarm_waits_for_the_gateway(quiet: Stream) -> None:
    at = hour(quiet, 24 * 3 + 12)
    sky = Weather(off=((hour(quiet, 24 * 4 + 6), hour(quiet, 24 * 4 + 9.5)),))
    run = lived(Run(book(), quiet, sky), quiet, at)
    assert run.alarm_if_silent(at, at + 72 * H) == hour(quiet, 24 * 4 + 9.5)
    off = hour(quiet, 24 * 4 + 7)
    run = lived(Run(book(), quiet, sky), quiet, off)
    # What happened at 7 h nobody heard: the last sign is that of the evening.
    assert run.alarm_if_silent(off, off + 72 * H) == hour(quiet, 24 * 3 + 19 + 24)


def test_a_home_whose_only_sensor_died_raises_nothing(quiet: Stream) -> None:
    begin = hour(quiet, 24 * 3 + 8)
    sky = Weather(dead={KETTLE: ((begin, begin + 10 * 24 * H),)})
    at = hour(quiet, 24 * 3 + 12)
    run = lived(Run(book(), quiet, sky), quiet, at)
    assert run.alarm_if_silent(at, at + 72 * H) is None
    run = lived(run, quiet, quiet.end)
    assert run.signs[-1] < begin


def test_a_prompt_is_answered_a_minute_later_at_the_node(quiet: Stream) -> None:
    def willing(at: datetime) -> bool:
        return at < hour(quiet, 24 * 7 + 20)

    run = lived(Run(book(prompt=True), quiet, answers=willing), quiet, quiet.end)
    asked = hour(quiet, 24 * 7 + 19) - timedelta(minutes=10)
    # The press is a sign of life, after which the limit begins anew; the second goes unanswered.
    again = asked + timedelta(minutes=1) + 24 * H - timedelta(minutes=10)
    assert run.prompts == [(asked, True), (again, False)]
    assert run.alarms == [again + timedelta(minutes=10)]


def test_who_falls_between_the_prompt_and_the_answer_is_found_by_the_prompt(quiet: Stream) -> None:
    asked = hour(quiet, 24 * 7 + 19) - timedelta(minutes=10)
    at = asked + timedelta(seconds=30)
    # A gateway that is off within the wait cannot foretell.
    sky = Weather(off=((asked + timedelta(minutes=5), asked + timedelta(minutes=6)),))
    run = lived(Run(book(prompt=True), quiet, sky, answers=lambda _: True), quiet, at)
    assert run.alarm_if_silent(at, at + 72 * H) == asked + timedelta(minutes=10)


def test_nobody_answers_who_is_away_or_unwilling(quiet: Stream) -> None:
    record = Record(
        "quiet", 0.0, 1e6, [0.0, 3_600.0, 200_000.0], [], has_door=False, has_motion=False
    )
    always = ours.answers(record, quiet, 1.0, Random(1))
    assert always(hour(quiet, 0.5))
    assert not always(hour(quiet, 30))  # An absence.
    never = ours.answers(record, quiet, 0.0, Random(1))
    assert not never(hour(quiet, 0.5))
    often = ours.answers(record, quiet, 0.9, Random(1))
    assert 850 < sum(often(hour(quiet, 0.5)) for _ in range(1_000)) < 950


def test_engine_and_rival_say_the_same_of_the_same_limit(home: Home) -> None:
    random = Random(4)
    hours = [0.0]
    while hours[-1] < 24 * 80:
        hours.append(hours[-1] + random.choice([0.5, 2, 5, 11, 23, 26, 30]) + random.random())
    path = FromFile(home("odd", hours))
    stream, record = opened(path), evidence(path)
    assert isinstance(record, Record)
    run = lived(Run(book(), stream), stream, stream.end)
    raised = rivals.alarms(rivals.Fixed(24 * 3_600.0), record.signs)
    assert [stream.seconds(at) for at in run.alarms] == pytest.approx(raised)
    assert record.for_nothing(map(stream.seconds, run.alarms)) == record.for_nothing(raised)


def test_ours_learn_and_only_one_of_them_asks(quiet: Stream) -> None:
    for budget, days in ((Budget.MONTH, 30), (Budget.HALF_YEAR, 180)):
        alone = ours.book(Method.ONGI, budget, quiet.book).inactivity
        asking = ours.book(Method.ONGI_PROMPT, budget, quiet.book).inactivity
        assert alone.learn
        assert asking.learn
        assert alone.false_call_every == asking.false_call_every == timedelta(days=days)
        assert asking.ask_every == timedelta(days=3.5)
        assert (alone.prompt, asking.prompt) == (False, True)


def test_a_copy_shares_nothing_that_changes(quiet: Stream) -> None:
    run = lived(Run(book(), quiet), quiet, hour(quiet, 40))
    other = cloned(run.engine)
    assert other.snapshot() == run.engine.snapshot()
    at = hour(quiet, 41)
    other.handle(Observation(KETTLE, Phenomenon.POWER_W, 1_000.0, at, at), at)
    assert other.snapshot() != run.engine.snapshot()
    with pytest.raises(TypeError, match="no copy of a random"):
        cloned([Random(1)])


@pytest.mark.parametrize("kind", Noise)
def test_spurious_events_come_so_often_a_day(kind: Noise) -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    sources = [(HALL, Phenomenon.MOTION)]
    drawn = [list(noise.drawn(sources, kind, at, Random(n))) for n in range(1_000)]
    assert sum(map(len, drawn)) / 3_000 == pytest.approx(kind.per_day, rel=0.05)
    assert all(at <= one.at <= at + 72 * H for events in drawn for one in events)
    assert drawn[7] == list(noise.drawn(sources, kind, at, Random(7)))


def test_only_motion_sensors_misfire_where_there_are_any(home: Home, quiet: Stream) -> None:
    moving = [(1.0, "Hall", "motion", "ON"), (2.0, "Hall", "motion", "OFF")]
    stream = opened(FromFile(home("both", [3.0, 4.0], moving)))
    assert noise.sources(stream.devices) == [(HALL, Phenomenon.MOTION)]
    assert noise.sources(quiet.devices) == [(KETTLE, Phenomenon.POWER_W)]


def test_a_spurious_event_ends_where_it_began(quiet: Stream) -> None:
    run = lived(Run(book(), quiet), quiet, hour(quiet, 7.01))
    pulse = Spurious(hour(quiet, 7.02), KETTLE, Phenomenon.POWER_W)
    begin, end = pulse.observations(run.engine.state)
    assert (begin.value, end.value) == (0.0, 1_500.0)  # It was on.
    assert end.result_time - begin.result_time == timedelta(seconds=10)


def test_outages_are_as_the_protocol_has_them(quiet: Stream) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    end = begin + timedelta(days=3_000)
    sky = weather.drawn(quiet.devices, begin, end, Random(1))
    assert sky == weather.drawn(quiet.devices, begin, end, Random(1))
    assert len(sky.off) == pytest.approx(300, abs=60)
    assert all(H <= b - a <= 12 * H for a, b in sky.off)
    assert set(sky.dead) == {KETTLE}
    assert len(sky.dead[KETTLE]) == 100
    assert all(timedelta(days=3) <= b - a <= timedelta(days=20) for a, b in sky.dead[KETTLE])
    a, b = sky.off[0]
    assert sky.waits(a) == sky.waits(b - H / 60) == b
    assert sky.waits(b) == b
    assert sky.waits(a - H) == a - H
