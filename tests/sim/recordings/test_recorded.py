"""Recorded homes: the strict reader, and what becomes of each kind of row."""

from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import devices
from rules.device import EvidenceRole
from rules.errors import ConfigError
from rules.observation import Phenomenon
from sim.homes.act import Act
from sim.recordings.occupants import Replay
from sim.recordings.recorded import HEADER, Kind, Row, rows, survey
from sim.recordings.recording import Recording, just_active

KST = timezone(timedelta(hours=9))
DAY = "2026-11-22T"


def _write(path: Path, *lines: str, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    return path


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return tmp_path / "home.csv"


def test_every_kind_of_the_readme(csv: Path) -> None:
    lines = [
        "06:00:00,sleeping,episode,begin",
        "07:00:00,sleeping,episode,end",
        "07:00:01,Bedroom,motion,ON",
        "07:00:02,Basin/Bathroom,pir,OFF",
        "07:01:00,Fridge,door,OPEN",
        "07:01:00,Fridge,door,CLOSE",
        "07:02:00,Maindoor/Entrance,magnetic,ON",
        "07:02:00,Bed/Bedroom,pressure,ON",
        "07:02:00,Toilet/Bathroom,flush,OFF",
        "07:02:00,Toaster/Kitchen,electric,ON",
        "07:02:00,Sofa,switch,OFF",
        "07:03:00,Kettle,plug_on,1950.5",
        "07:05:00,Kettle,plug_off,0.0",
        "07:06:00,Mains,step,-866.0",
        "08:00:00,Mains,hour_mean_W,513",
    ]
    _write(csv, *(DAY + line for line in lines))
    found = list(rows(csv, KST))
    assert {row.kind for row in found} == set(Kind)
    assert found[0] == Row(
        datetime(2026, 11, 21, 21, tzinfo=UTC), "sleeping", Kind.EPISODE, value=True
    )
    assert found[-2].value == -866.0
    assert found[4].value is True
    assert found[5].value is False


@pytest.mark.parametrize(
    ("line", "found", "right"),
    [
        (DAY + "07:00:00,Bed,pressure", "3 columns", "four"),
        (DAY + "07:00:00,Bed,pressure,ON,1", "5 columns", "four"),
        (DAY + "07:00:00,Bed,pressure,on", "'on'", "ON, OFF"),
        (DAY + "07:00:00,Fridge,door,AJAR", "'AJAR'", "OPEN, CLOSE"),
        (DAY + "07:00:00,sleep,episode,BEGIN", "'BEGIN'", "begin, end"),
        (DAY + "07:00:00,Kettle,plug_on,nan", "'nan'", "number of watts"),
        (DAY + "07:00:00,Kettle,plug_on,1_0", "'1_0'", "number of watts"),
        (DAY + "07:00:00,Kettle,plug_on,-5", "'-5'", "number of watts"),
        (DAY + "07:00:00,Mains,step,1e9", "'1e9'", "number of watts"),
        ("22.11.2026 07:00,Bed,pressure,ON", "'22.11.2026 07:00'", "2026-11-22T07:30:00"),
        ("2026-11-22,Bed,pressure,ON", "'2026-11-22'", "local time"),
        (DAY + "07:00:00+09:00,Bed,pressure,ON", "+09:00", "without zone"),
        ("2026-11-21T23:00:00,Bed,pressure,ON", "after 2026-11-22T06:00:00", "sort"),
        (DAY + "07:00:00,,pressure,ON", "no sensor", "second column"),
        (DAY + '07:00:00,"Bed,pressure,ON', "", "quotation"),
        ("", "1 columns", "four"),
    ],
)
def test_a_malformed_line_is_named_with_what_is_right(
    csv: Path, line: str, found: str, right: str
) -> None:
    good = DAY + "06:00:00,Bed,pressure,ON"
    _write(csv, good, line, good)
    with pytest.raises(ConfigError) as error:
        list(rows(csv, KST))
    assert error.value.where == f"{csv}:3"
    assert found in error.value.found
    assert right in error.value.right


def test_a_wrong_header_bad_bytes_an_empty_and_a_missing_file(csv: Path) -> None:
    _write(csv, header="time,sensor,kind,value")
    with pytest.raises(ConfigError, match=r"home\.csv:1: .*the first line is timestamp"):
        list(rows(csv, KST))
    csv.write_bytes(HEADER.encode() + b"\n\xff\xfe\n")
    with pytest.raises(ConfigError, match=r"home\.csv:2: .*UTF-8"):
        list(rows(csv, KST))
    csv.write_bytes(b"")
    with pytest.raises(ConfigError, match="empty"):
        list(rows(csv, KST))
    csv.write_bytes(HEADER.encode() + b"\n" + b"x" * 5_000_000)
    with pytest.raises(ConfigError, match="longer line"):
        list(rows(csv, KST))
    with pytest.raises(ConfigError, match="no such file"):
        list(rows(csv.with_name("none.csv"), KST))


def test_byte_order_mark_carriage_returns_and_quotes_are_fine(csv: Path) -> None:
    line = f'{DAY}07:00:00,"Bed, left",pressure,ON'
    csv.write_bytes(b"\xef\xbb\xbf" + f"{HEADER}\r\n{line}\r\n".encode())
    (row,) = rows(csv, KST)
    assert row.sensor == "Bed, left"


def test_unknown_kinds_are_counted_and_left_out(csv: Path) -> None:
    _write(
        csv,
        DAY + "07:00:00,Scale,weight,61.2",
        DAY + "07:00:01,Bed,pressure,ON",
        DAY + "07:00:02,Scale,weight,61.3",
        DAY + "07:00:03,Phone,call,begin",
    )
    unknown: Counter[str] = Counter()
    assert len(list(rows(csv, KST, unknown))) == 1
    assert unknown == {"weight": 2, "call": 1}
    assert survey(csv, KST).unknown == unknown


def test_a_file_without_any_sign_of_a_person_cannot_be_played(csv: Path) -> None:
    _write(csv, DAY + "07:00:00,Mains,hour_mean_W,500", DAY + "08:00:00,Scale,weight,61")
    with pytest.raises(ConfigError, match="no event of a person"):
        survey(csv, KST)


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, tail: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(HEADER.encode() + b"\n" + tail)
    found: list[Row] = []
    with suppress(ConfigError):
        found.extend(rows(path, KST))
    assert all(row.at.utcoffset() == timedelta(hours=9) for row in found)


def test_the_last_full_day(csv: Path) -> None:
    _write(
        csv,
        "2026-11-20T07:00:00,Bed,pressure,ON",
        "2026-11-21T07:00:00,Mains,hour_mean_W,500",
        "2026-11-22T07:00:00,Bed,pressure,OFF",
    )
    found = survey(csv, KST)
    assert found.last_full_day() == date(2026, 11, 20)
    _write(csv, "2026-11-20T07:00:00,Bed,pressure,ON")
    assert survey(csv, KST).last_full_day() == date(2026, 11, 20)


def _acts(*told: tuple[str, str, Kind, bool | float]) -> tuple[Replay, list[Act]]:
    sensors: dict[str, set[Kind]] = {}
    lines = []
    for at, sensor, kind, value in told:
        sensors.setdefault(sensor, set()).add(kind)
        lines.append(
            Row(datetime.fromisoformat(DAY + at).replace(tzinfo=KST), sensor, kind, value)
        )
    replay = Replay(sensors, Random(1))
    return replay, list(replay.acts(lines))


def test_roles_and_phenomena_of_the_readme() -> None:
    replay, acts = _acts(
        ("07:00", "Mains", Kind.STEP, 1018.0),
        ("07:01", "Mains", Kind.STEP, -866.0),
        ("08:00", "Mains", Kind.HOUR_MEAN_W, 513.0),
        ("09:00", "Dishwasher", Kind.PLUG_ON, 2000.0),
        ("10:00", "Dishwasher", Kind.PLUG_OFF, 0.0),
        ("11:00", "Front_Door", Kind.MAGNETIC, True),
        ("11:00", "Fridge/Kitchen", Kind.MAGNETIC, True),
        ("11:01", "Front_Door/Hall", Kind.PIR, True),
    )
    found = {one.device.id: one.device for one in replay.installed}
    assert {name: device.evidence for name, device in found.items()} == {
        "mains-step": EvidenceRole.WEAK,
        "mains-mean": EvidenceRole.NONE,
        "dishwasher": EvidenceRole.HAND,
        "front-door": EvidenceRole.HAND,
        "fridge-kitchen": EvidenceRole.HAND,
        "front-door-hall": EvidenceRole.HAND,
    }
    assert [name for name, device in found.items() if device.outside_door] == ["front-door"]
    assert found[acts[7].device].room == "Front_Door"
    assert found[acts[8].device].room == "Kitchen"
    assert [(act.phenomenon, act.value) for act in acts[:7]] == [
        (Phenomenon.POWER_W, 1018.0),
        (Phenomenon.POWER_W, 0.0),
        (Phenomenon.POWER_W, 866.0),
        (Phenomenon.POWER_W, 0.0),
        (Phenomenon.POWER_W, 513.0),
        (Phenomenon.POWER_W, 2000.0),
        (Phenomenon.POWER_W, 0.0),
    ]
    assert acts[4].hand is None  # Goes on after a collapse.
    assert acts[0].hand == acts[0].at
    assert len({one.device.address for one in replay.installed}) == len(replay.installed)


def test_names_that_would_collide_or_vanish_become_devices_of_their_own() -> None:
    replay, _ = _acts(
        ("07:00", "Bed/Room", Kind.PRESSURE, True),
        ("07:00", "bed room", Kind.PRESSURE, True),
        ("07:00", "침대", Kind.PRESSURE, True),
        ("07:00", "소파", Kind.PRESSURE, True),
        ("07:00", "Bed/Room", Kind.PIR, True),
    )
    names = [one.device.id for one in replay.installed]
    assert len(set(names)) == 5
    assert all(name.isascii() for name in names)


def test_any_sensor_has_a_name_and_a_room_that_a_registry_takes() -> None:
    replay, _ = _acts(
        ("07:00", "x" * 200 + "/" + "y" * 200, Kind.PRESSURE, True),
        ("07:00", "Bed/", Kind.PRESSURE, True),
        ("07:00", "/", Kind.PRESSURE, True),
        ("07:00", "a\x07b/\x1b", Kind.PRESSURE, True),
    )
    for one in replay.installed:
        read = devices.device(devices.document(one.device), "here")
        assert read == one.device


def test_leaving_and_entering_pass_an_outside_door() -> None:
    replay, acts = _acts(
        ("07:00", "Leave_Home", Kind.EPISODE, True),
        ("07:01", "Leave_Home", Kind.EPISODE, False),
        ("09:00", "Enter_Home", Kind.EPISODE, True),
        ("09:01", "Enter_Home", Kind.EPISODE, False),
    )
    (door,) = [one.device for one in replay.installed]
    assert door.outside_door
    assert [(act.at.hour, act.value) for act in acts] == [
        (22, True),
        (22, False),
        (0, True),
        (0, False),
    ]
    assert all(act.phenomenon is Phenomenon.CONTACT_OPEN for act in acts)


def test_leaving_alone_ends_with_the_return() -> None:
    _, acts = _acts(
        ("07:00", "leave_home", Kind.EPISODE, True), ("09:00", "leave_home", Kind.EPISODE, False)
    )
    assert [(act.at.hour, act.value) for act in acts] == [
        (22, True),
        (22, False),
        (0, True),
        (0, False),
    ]


def test_an_episode_within_sleep_says_nothing() -> None:
    replay, acts = _acts(
        ("01:00", "sleeping", Kind.EPISODE, True),
        ("03:00", "cook", Kind.EPISODE, True),
        ("07:00", "sleeping", Kind.EPISODE, False),
        ("07:30", "cook", Kind.EPISODE, False),
    )
    assert [act.device for act in acts] == [
        "sleeping-episode",
        "sleeping-episode",
        "cook-episode",
    ]
    assert replay.left_out == {"cook": 1}


def test_the_people_of_a_recording_hear_a_prompt_if_they_act_soon(csv: Path) -> None:
    _write(
        csv,
        "2026-11-20T07:00:00,Bed,pressure,ON",
        "2026-11-20T07:00:00,Mains,hour_mean_W,500",
        "2026-11-20T08:00:00,Bed,pressure,OFF",
        "2026-11-22T07:00:00,Bed,pressure,ON",
    )
    recording = Recording(csv, KST, survey(csv, KST), Random(1))
    acts = recording.acts()
    first = next(acts)
    assert recording.at_home(first.at + timedelta(minutes=1))
    assert not recording.at_home(first.at + timedelta(hours=2))
    assert recording.next_by_hand(first.at + timedelta(hours=2)) == first.at + timedelta(days=2)
    rest = list(acts)
    assert len(rest) == 3
    assert recording.at_home(rest[-1].at - timedelta(hours=1))
    assert not recording.at_home(rest[-1].at + timedelta(hours=1))


def test_a_collapse_comes_just_after_an_activity_at_home(csv: Path) -> None:
    _write(
        csv,
        "2026-11-20T06:00:00,Frontdoor,magnetic,ON",
        "2026-11-20T06:05:00,Bed,pressure,ON",
        "2026-11-20T06:20:00,Bed,pressure,OFF",
        "2026-11-20T19:00:00,Frontdoor,magnetic,ON",
        "2026-11-21T06:00:00,Mains,hour_mean_W,400",
    )
    for seed in range(20):
        moment = just_active(csv, KST, date(2026, 11, 20), Random(seed))
        assert moment == datetime(2026, 11, 20, 6, 6, tzinfo=KST)
    assert just_active(csv, KST, date(2026, 11, 21), Random(1)) is None
