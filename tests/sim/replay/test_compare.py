"""What is assumed of the people around a home: they answer, fall, are helped, and close cases."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from rules.alarm import AlarmKey, AlarmKind
from rules.device import Device, Link, Output
from rules.events import AwayReason
from rules.inputs import Away
from rules.observation import DeviceId, Phenomenon, Value
from rules.rulebook import Hazard, Inactivity, Preset, Rulebook
from sim.homes.act import Act, Announced, Plight, PlightKind
from sim.replay.beside import Mark, beside
from sim.replay.homes import Happens, Replayed
from sim.replay.replay import Compared, compare
from sim.replay.verdict import Raised, Verdict, percentile, together

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
LAMP, LEAK, BUTTON = DeviceId("lamp"), DeviceId("leak"), DeviceId("sos")
NODE = DeviceId("node")
OLD = Rulebook()
NEW = Rulebook(inactivity=Inactivity(limits=(8 * HOUR,)))


def _device(name: DeviceId, *phenomena: Phenomenon, outputs: frozenset[Output]) -> Device:
    address = f"02:00:00:00:00:{len(name):02X}"
    every = timedelta(hours=6)
    return Device(
        name, Link.BLE, address, "test", "hall", frozenset(phenomena), every, outputs=outputs
    )


NOTHING: frozenset[Output] = frozenset()
DEVICES = (
    _device(LAMP, Phenomenon.OCCUPANCY, outputs=NOTHING),
    _device(LEAK, Phenomenon.LEAK, outputs=NOTHING),
    _device(BUTTON, Phenomenon.SOS, outputs=NOTHING),
    _device(NODE, Phenomenon.BUTTON, outputs=frozenset({Output.LIGHT})),
)


def _at(hours: float) -> datetime:
    return BEGIN + timedelta(hours=hours)


def _act(
    hours: float, device: DeviceId, phenomenon: Phenomenon, value: Value, *, by_hand: bool = True
) -> Act:
    at = _at(hours)
    return Act(at, device, phenomenon, value, at if by_hand else None)


def _lamp(*hours: float) -> list[Act]:
    return [
        _act(hour, LAMP, Phenomenon.OCCUPANCY, number % 2 == 0)
        for number, hour in enumerate(hours)
    ]


def _replay(
    happenings: Sequence[Happens],
    hours: float,
    old: Rulebook = OLD,
    new: Rulebook = NEW,
    hears: Callable[[datetime], bool] | None = None,
) -> Compared:
    def lived() -> Iterator[Happens]:
        yield from sorted(happenings, key=lambda happening: happening.at)

    home = Replayed(
        zone=UTC,
        preset=Preset.LIVING_ALONE,
        book=None,
        devices=DEVICES,
        first=((LAMP, Phenomenon.OCCUPANCY, False), (LEAK, Phenomenon.LEAK, False)),
        begin=BEGIN,
        end=_at(hours),
        happenings=lived,
        report_every=timedelta(hours=6),
        hears=hears,
    )
    return compare(home, old, new, None)


def test_who_lies_on_the_floor_does_nothing_until_somebody_came() -> None:
    life = _lamp(*range(1, 100))
    found = _replay([*life, Plight(_at(20.5), PlightKind.COLLAPSE)], 99.5)
    assert found.new.found == (timedelta(hours=7, minutes=30),)
    assert found.old.found == (timedelta(hours=23, minutes=30),)
    assert found.old.raised == found.new.raised == ((AlarmKind.INACTIVITY, 1),)
    assert (found.old.vain, found.new.vain, found.new.missed) == (0, 0, 0)
    # The same silence: the new rules end it sooner.
    (moment,) = found.moments
    assert moment.mark is Mark.BOTH
    assert moment.new is not None
    # Help comes an hour after the alarm, and the day goes on as planned.
    assert moment.new.until == _at(29)


def test_what_goes_on_by_itself_goes_on_while_somebody_lies_there() -> None:
    flood = [
        _act(hour, LEAK, Phenomenon.LEAK, value, by_hand=False)
        for hour, value in ((21, True), (21.5, False))
    ]
    found = _replay([*_lamp(*range(1, 20)), Plight(_at(20), PlightKind.FALL), *flood], 40)
    # The flood brings somebody, an hour before whom nobody knew.
    assert found.new.found == found.old.found == (timedelta(hours=1, seconds=5),)
    assert dict(found.new.raised)[AlarmKind.LEAK] == 1


def test_who_fell_may_still_reach_the_button() -> None:
    press = (_act(20.25, BUTTON, Phenomenon.SOS, value=True),)
    found = _replay([*_lamp(*range(1, 50)), Plight(_at(20), PlightKind.FALL, press)], 49)
    assert found.new.found == (timedelta(minutes=15),)
    assert found.new.raised == ((AlarmKind.SOS, 1),)


def test_nobody_comes_without_an_alarm_for_three_days() -> None:
    never = Rulebook(inactivity=Inactivity(enabled=False))
    found = _replay([*_lamp(*range(1, 200)), Plight(_at(20), PlightKind.COLLAPSE)], 199, new=never)
    assert (found.new.collapses, found.new.found, found.new.missed) == (1, (), 1)
    assert found.new.raised == ()
    assert (found.old.missed, len(found.old.found)) == (0, 1)


def test_a_collapse_in_a_silence_that_was_raised_before_has_no_delay() -> None:
    found = _replay([*_lamp(1, 50), Plight(_at(12), PlightKind.COLLAPSE)], 60)
    assert (found.new.collapses, found.new.known, found.new.found) == (1, 1, ())
    assert (found.old.known, len(found.old.found)) == (0, 1)


def test_a_silence_that_is_over_says_nothing_of_a_later_collapse() -> None:
    found = _replay([*_lamp(1, 12, *range(13, 30)), Plight(_at(29.5), PlightKind.COLLAPSE)], 60)
    assert found.new.vain == 1
    assert (found.new.known, found.new.found) == (0, (timedelta(hours=7, minutes=30),))


def test_who_moves_on_the_floor_after_the_alarm_was_in_danger_all_the_same() -> None:
    moves = (_act(28.5, LAMP, Phenomenon.OCCUPANCY, value=True),)
    found = _replay([*_lamp(*range(1, 21)), Plight(_at(20.5), PlightKind.FALL, moves)], 40)
    assert (len(found.new.found), found.new.vain) == (1, 0)
    assert found.moments[0].new is not None
    assert found.moments[0].new.until == _at(28.5)


def test_a_resident_at_home_answers_the_prompt_within_a_minute() -> None:
    found = _replay(_lamp(1, 30), 31, hears=lambda _at: True)
    # 08:50, and then eight hours less ten minutes after each answer.
    assert (found.new.asked, found.new.answered) == (3, 3)
    assert found.new.raised == ()
    lies = _replay([Plight(_at(2), PlightKind.COLLAPSE), *_lamp(1)], 12, hears=lambda _at: True)
    assert (lies.new.asked, lies.new.answered) == (1, 0)
    assert lies.new.raised == ((AlarmKind.INACTIVITY, 1),)


def test_a_case_is_closed_when_it_is_over_so_the_next_is_another() -> None:
    leaks = [
        _act(hour, LEAK, Phenomenon.LEAK, value, by_hand=False)
        for hour, value in ((2, True), (3, False), (5, True), (6, False))
    ]
    calls = [
        _act(hour, BUTTON, Phenomenon.SOS, value)
        for hour, value in ((2, True), (2.1, False), (2.5, True), (2.6, False), (4, True))
    ]
    found = _replay([*_lamp(1, 4), *leaks, *calls], 7)
    assert dict(found.new.raised) == {AlarmKind.LEAK: 2, AlarmKind.SOS: 2}
    sos = [one.raised for one in found.moments if one.raised.key.kind is AlarmKind.SOS]
    # Pressed again within the hour it is the same call, and more urgent.
    assert [one.level for one in sos] == [4, 3]
    assert sos[0].until == _at(3)


def test_an_announced_trip_is_no_silence() -> None:
    trip = Announced(_at(1.5), Away(AwayReason.TRIP, "daughter", _at(80)))
    found = _replay([*_lamp(1, 100), trip], 70)
    assert found.old.raised == found.new.raised == ()
    assert _replay(_lamp(1, 100), 70).new.raised != ()


def test_a_rule_that_waits_longer_raises_less() -> None:
    drip = [
        _act(2, LEAK, Phenomenon.LEAK, value=True, by_hand=False),
        _act(2.01, LEAK, Phenomenon.LEAK, value=False, by_hand=False),
    ]
    slow = Rulebook(hazard=Hazard(leak_hold=timedelta(minutes=1)))
    found = _replay([*_lamp(1, 3), *drip], 4, new=slow)
    assert found.marks == ((AlarmKind.LEAK, Mark.ONLY_OLD, 1),)


def test_partners_are_of_one_kind_and_scope_and_stand_at_the_same_time() -> None:
    def raised(begin: float, end: float | None, scope: DeviceId = LEAK) -> Raised:
        until = None if end is None else _at(end)
        key = AlarmKey(AlarmKind.LEAK, scope)
        return Raised(key, _at(begin), until, 3, "", (), None, needed=False)

    old = [raised(1, 5), raised(8, 9), raised(2, 3, LAMP)]
    new = [raised(2, 3), raised(4, 4.5), raised(20, None)]
    assert [(moment.mark, moment.at) for moment in beside(old, new)] == [
        (Mark.BOTH, _at(1)),
        (Mark.ONLY_OLD, _at(2)),
        (Mark.ONLY_NEW, _at(4)),
        (Mark.ONLY_OLD, _at(8)),
        (Mark.ONLY_NEW, _at(20)),
    ]


def test_figures_add_up_in_the_order_of_homes() -> None:
    one = Verdict(raised=((AlarmKind.LEAK, 2),), asked=1, silences=(HOUR,), collapses=1)
    two = Verdict(raised=((AlarmKind.GAS, 1), (AlarmKind.LEAK, 1)), silences=(3 * HOUR,), vain=1)
    both = together([one, two])
    assert dict(both.raised) == {AlarmKind.GAS: 1, AlarmKind.LEAK: 3}
    assert both.silences == (HOUR, 3 * HOUR)
    assert (both.asked, both.vain, both.collapses) == (1, 1, 1)
    assert percentile([], 50) is None
    spans = [timedelta(hours=hours) for hours in range(1, 11)]
    assert (percentile(spans, 50), percentile(spans, 90)) == (5 * HOUR, 9 * HOUR)
    assert percentile([HOUR], 90) == HOUR
