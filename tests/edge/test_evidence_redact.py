"""What a redacted export no longer says, and what it still does."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge.evidence_export import Export, dumped, read
from edge.evidence_line import moment
from edge.evidence_redact import WEEKS, redacted
from rules.alarm import AlarmKey, AlarmKind, Move
from rules.engine import Engine
from rules.events import (
    AlarmMoved,
    AwayBegan,
    AwayReason,
    CaseTaken,
    DevicesChanged,
    Escalated,
    Stage,
    Updated,
)
from rules.inputs import Boot, DeviceChanged
from rules.observation import DeviceId, Observation, Phenomenon
from rules.rulebook import PRESETS, Preset
from tests.edge.peers import device
from tests.edge.test_evidence_export import AT, EVENTS, HEAD, LEAK, SECOND

SEOUL = ZoneInfo("Asia/Seoul")
HOME = (
    replace(device("kims-kettle", Phenomenon.POWER_W), room="수진이 방", model="Dawon PM-B530"),
    replace(device("front-door", Phenomenon.CONTACT_OPEN), room="현관", model="Aqara MCCGQ11LM"),
    replace(device("bed", Phenomenon.MOTION), room="수진이 방", model="Aqara RTCGQ11LM"),
    replace(device("bell", Phenomenon.SOS), room="욕실", model="SOS-7"),
)
GONE = replace(device("old-lamp-of-suna", Phenomenon.ILLUMINANCE_LX), room="다락")
EXPORT = Export(
    replace(HEAD, devices=(*HOME, GONE)),
    (
        *EVENTS,
        DevicesChanged(AT + 10 * SECOND, HOME),
        AwayBegan(AT + 11 * SECOND, AwayReason.HOSPITAL, AT + timedelta(days=9), "딸 김수진"),
        Escalated(AT + 12 * SECOND, 4711, AlarmKey(AlarmKind.SOS, HOME[3].id), 3, (), "", b""),
        Updated(AT + 13 * SECOND, 4712, 4711, LEAK, Stage.CLEARED, 3, ()),
        CaseTaken(AT + 14 * SECOND, 4711, "상담원 박철수"),
    ),
)


def test_nothing_of_the_home_stands_in_it() -> None:
    written = dumped(redacted(EXPORT, 60)).decode()
    named = {HEAD.gateway, "telecom", "김수진", "operator 3", "딸 김수진", "상담원 박철수"}
    for one in (*HOME, GONE):
        named |= {one.id, one.room, one.model, one.address}
    named |= {"4711", "4712", "2026-01", *re.findall("[가-힣]+", dumped(EXPORT).decode())}
    whole = dumped(EXPORT).decode()
    for name in named:
        assert name in whole
        # As a whole word: the kind of a device may be part of its name.
        assert not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", written), name
    # Nothing that is not ASCII but the units of the rulebook.
    assert set(re.findall(r"[^ -~\n]", written)) == {"°"}


def test_it_says_that_it_is_redacted_and_can_be_read(tmp_path: Path) -> None:
    export = redacted(EXPORT, 60)
    (tmp_path / "file").write_bytes(dumped(export))
    found = read(tmp_path / "file")
    assert found == export
    assert found.head.redacted
    assert found.head.shifted
    assert not redacted(EXPORT, 0).head.shifted


def test_devices_keep_their_kind_and_who_shares_a_room() -> None:
    devices = redacted(EXPORT, 60).head.devices
    assert [(one.id, one.room) for one in devices] == [
        ("plug-1", "room-1"),
        ("door-1", "room-2"),
        ("motion-1", "room-1"),
        ("sos-1", "room-3"),
        ("light-1", "room-4"),
    ]
    assert [one.phenomena for one in devices] == [one.phenomena for one in EXPORT.head.devices]


def test_what_belongs_together_still_does() -> None:
    events = redacted(EXPORT, 60).events
    *_, escalated, updated, taken = events
    assert isinstance(escalated, Escalated)
    assert isinstance(updated, Updated)
    assert isinstance(taken, CaseTaken)
    assert updated.refers == taken.serial == escalated.serial
    assert escalated.alarm == AlarmKey(AlarmKind.SOS, DeviceId("sos-1"))


@pytest.mark.parametrize("weeks", [0, WEEKS.start, WEEKS.stop - 1])
@pytest.mark.parametrize("zone", ["Asia/Seoul", "Europe/Berlin"])
def test_weekday_and_time_of_day_are_kept(weeks: int, zone: str) -> None:
    head = replace(HEAD, zone=ZoneInfo(zone), devices=HOME)
    start = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
    times = [start + n * timedelta(days=3, hours=1) for n in range(110)]
    passed = [Observation(HOME[1].id, Phenomenon.CONTACT_OPEN, True, at, at) for at in times]
    moved = [moment(event) for event in redacted(Export(head, tuple(passed)), weeks).events]
    clock = "%a %H:%M:%S"
    assert [at.astimezone(head.zone).strftime(clock) for at in moved] == [
        at.astimezone(head.zone).strftime(clock) for at in times
    ]
    assert (times[0].date() - moved[0].date()).days == 7 * weeks


def test_where_clocks_change_lines_stay_in_order(tmp_path: Path) -> None:
    head = replace(HEAD, zone=ZoneInfo("Europe/Berlin"), devices=HOME)
    start = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
    times = [start + n * timedelta(minutes=7) for n in range(60)]
    passed = [Observation(HOME[1].id, Phenomenon.CONTACT_OPEN, True, at, at) for at in times]
    (tmp_path / "file").write_bytes(dumped(redacted(Export(head, tuple(passed)), 100)))
    assert len(read(tmp_path / "file").events) == 60


def test_the_rules_decide_alike_on_redacted_evidence() -> None:
    day = timedelta(days=1)
    passed = tuple(
        Observation(
            HOME[1].id, Phenomenon.CONTACT_OPEN, n % 2 == 1, AT + n * day / 4, AT + n * day / 4
        )
        for n in range(30)
    )
    whole = Export(replace(HEAD, devices=HOME), passed)

    def decided(export: Export) -> list[tuple[str, timedelta]]:
        first = moment(export.events[0])
        engine = Engine(PRESETS[Preset.LIVING_ALONE_HIGH_RISK])
        engine.handle(Boot(1, timedelta(), trusted=True), first)
        engine.handle(DeviceChanged(export.head.devices), first)
        return [
            (type(event).__name__, getattr(event, "at", first) - first)
            for each in export.events
            if isinstance(each, Observation)
            for event in engine.handle(each, each.result_time)
        ]

    assert decided(whole) == decided(redacted(whole, 77))


def test_adapters_keep_their_names_and_proxies_which_people_name_get_numbers() -> None:
    scopes = ["driver:ble", "driver:ble:hci0", "driver:ble:mrs-kim", "driver:ble:hall"]
    alarms = [AlarmKey(AlarmKind.RADIO_LOST, DeviceId(scope)) for scope in scopes]
    moved = [AlarmMoved(AT, alarm, Move.RAISE) for alarm in (*alarms, alarms[2])]
    left = [
        event.alarm.scope
        for event in redacted(Export(HEAD, tuple(moved)), 0).events
        if isinstance(event, AlarmMoved)
    ]
    assert left == [*scopes[:2], "driver:ble:proxy-1", "driver:ble:proxy-2", "driver:ble:proxy-1"]
