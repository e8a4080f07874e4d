"""The file of `ongi export`: read as it was written, and refused by file and line."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.evidence_export import Export, Head, dumped, read
from edge.evidence_line import Missed
from rules.alarm import AlarmKey, AlarmKind, Move
from rules.device import Liveness, Output, Use
from rules.errors import ConfigError
from rules.events import (
    OUTSIDE,
    AlarmMoved,
    AwayBegan,
    AwayEnded,
    AwayReason,
    CaseClosed,
    CaseTaken,
    DevicesChanged,
    Escalated,
    LifeSeen,
    LivenessChanged,
    Outcome,
    Stage,
    Started,
    TimeMoved,
    Updated,
)
from rules.observation import DeviceId, Observation, Phenomenon, Press, Quality
from rules.rulebook import PRESETS, Preset, rulebook
from tests.edge.peers import device

AT = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
KETTLE = device("kettle", Phenomenon.POWER_W, outputs=frozenset({Output.LIGHT}))
BELL = device("bell", Phenomenon.SOS, Phenomenon.BUTTON)
LEAK = AlarmKey(AlarmKind.LEAK, BELL.id)
DRILL = AlarmKey(AlarmKind.SOS, DeviceId("drill"))
NO_DRIVER = AlarmKey(AlarmKind.DRIVER_LOST, DeviceId("driver:ble"))
NO_ADAPTER = AlarmKey(AlarmKind.RADIO_LOST, DeviceId("driver:ble:hci0"))
NO_PROXY = AlarmKey(AlarmKind.RADIO_LOST, DeviceId("driver:ble:mrs-kim"))
HEAD = Head(
    program="0.1.0",
    redacted=False,
    gateway="seongdong-42",
    zone=ZoneInfo("Asia/Seoul"),
    preset=Preset.SEMI_BASEMENT,
    book=rulebook(Preset.SEMI_BASEMENT, {"inactivity": {"limits": ["7.5 h", "601.5 min"]}}, "x"),
    trusted=True,
    devices=(KETTLE,),
)
EVENTS = (
    Started(AT, 3, timedelta(minutes=2)),
    TimeMoved(AT, trusted=True, source="ntp", shift=-SECOND),
    DevicesChanged(AT, (replace(KETTLE, use=Use.COOKING), replace(BELL, outside_door=True))),
    Observation(KETTLE.id, Phenomenon.POWER_W, 1803.25, AT, AT + 0.25 * SECOND),
    Observation(BELL.id, Phenomenon.BUTTON, Press.LONG, AT + SECOND, AT + SECOND),
    Observation(BELL.id, Phenomenon.SOS, True, AT + SECOND, AT + SECOND, Quality.UNCERTAIN),
    LifeSeen(AT + SECOND, DeviceId(OUTSIDE + "telecom"), Phenomenon.LIFE_SIGN, counted=True),
    LivenessChanged(AT + SECOND, KETTLE.id, Liveness.STALE),
    AwayBegan(AT + SECOND, AwayReason.TRIP, AT + 90 * SECOND, "김수진"),
    AwayBegan(AT + SECOND, AwayReason.OUTING, None, ""),
    AwayEnded(AT + 2 * SECOND),
    AlarmMoved(AT + 2 * SECOND, LEAK, Move.SHELVE, AT + 3600 * SECOND),
    AlarmMoved(AT + 2 * SECOND, NO_DRIVER, Move.RAISE),
    AlarmMoved(AT + 2 * SECOND, NO_ADAPTER, Move.RAISE),
    AlarmMoved(AT + 2 * SECOND, NO_PROXY, Move.RAISE),
    Escalated(AT + 2 * SECOND, 7, LEAK, 3, (), "", b""),
    Escalated(AT + 2 * SECOND, 8, DRILL, 3, (), "", b"", True),
    Updated(AT + 3 * SECOND, 9, 7, LEAK, Stage.LEVEL, 2, ()),
    CaseTaken(AT + 4 * SECOND, 7, "operator 3"),
    CaseClosed(AT + 5 * SECOND, 7, Outcome.NO_CONTACT),
    Missed(AT + 5 * SECOND, 12),
)
EXPORT = Export(HEAD, EVENTS)


def test_all_that_is_told_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "evidence.jsonl"
    path.write_bytes(dumped(EXPORT))
    assert read(path) == EXPORT


@pytest.mark.parametrize("kind", Preset)
def test_every_setting_of_every_preset_is_told(kind: Preset, tmp_path: Path) -> None:
    path = tmp_path / "evidence.jsonl"
    export = Export(replace(HEAD, preset=kind, book=PRESETS[kind]), ())
    path.write_bytes(dumped(export))
    # With nothing but what stands in the file: a later version's presets may differ.
    told = json.loads(path.read_bytes())["rules"]
    assert {table: len(settings) for table, settings in told.items()} == {
        table: len(getattr(PRESETS[kind], table).__slots__) for table in told
    }
    assert read(path) == export


def test_it_is_one_json_object_a_line() -> None:
    lines = [json.loads(line) for line in dumped(EXPORT).decode().splitlines()]
    assert lines[0]["ongi"] == "evidence"
    assert lines[4] == {
        "at": "2026-01-05T08:30:00.250Z",
        "is": "seen",
        "device": "kettle",
        "what": "power_w",
        "value": 1803.25,
        "ago_s": 0.25,
    }


@pytest.mark.parametrize(
    ("line", "wrong", "said"),
    [
        (1, b"", "no JSON"),
        (1, b'{"ongi":"backup"}', "another kind of file"),
        (5, b"[]", "where an object belongs"),
        (5, b'{"at":"2026-01-05T08:30:00Z"}', "is: nothing"),
        (5, b'{"at":"2026-01-05T08:30:00","is":"home"}', "where a moment"),
        (5, b'{"at":"2026-01-05T08:30:00Z","is":"hom"}', "'hom', which nothing is"),
        (5, b'{"at":"2026-01-05T08:30:00Z","is":"home","x":1}', "'x': an unknown key"),
        (5, b'{"at":"2026-01-05T08:29:59Z","is":"home"}', "an earlier moment"),
        (6, b'{"at":"2026-01-05T08:30:09Z","is":"liveness","device":"A"}', "a device's name"),
        (9, b'{"at":NaN}', "NaN"),
    ],
)
def test_a_wrong_line_is_named(line: int, wrong: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "evidence.jsonl"
    lines = dumped(EXPORT).splitlines()
    lines[line - 1] = wrong
    path.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(ConfigError) as refused:
        read(path)
    assert refused.value.where == f"{path}:{line}"
    assert said in str(refused.value)


def test_a_wrong_setting_is_named_by_its_key(tmp_path: Path) -> None:
    path = tmp_path / "evidence.jsonl"
    path.write_bytes(dumped(EXPORT).replace(b'"leak_hold":"0 s"', b'"leak_hold":"2 d"'))
    with pytest.raises(ConfigError, match=r"jsonl:1: rules\.hazard\.leak_hold: found '2 d'"):
        read(path)


def test_no_file_no_evidence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read(tmp_path / "evidence.jsonl")
    (tmp_path / "empty").touch()
    with pytest.raises(ConfigError, match="empty:1: found no JSON"):
        read(tmp_path / "empty")


LINES = dumped(EXPORT).splitlines()
one_path = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@one_path
@given(content=st.binary())
def test_any_bytes_give_evidence_or_a_config_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any"
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        read(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(one_path, max_examples=400)
@given(data=st.data())
def test_any_value_in_any_field_gives_evidence_or_a_config_error(
    data: st.DataObject, tmp_path: Path
) -> None:
    number = data.draw(st.integers(0, len(LINES) - 1))
    document = json.loads(LINES[number])
    table = document
    if "devices" in document and data.draw(st.booleans()):
        table = document["devices"][0]
    elif "rules" in document and data.draw(st.booleans()):
        table = document["rules"]["inactivity"]
    table[data.draw(st.sampled_from(sorted(table)) | st.text(max_size=5))] = data.draw(json_values)
    lines = [*LINES[:number], json.dumps(document).encode(), *LINES[number + 1 :]]
    path = tmp_path / "any"
    path.write_bytes(b"\n".join(lines))
    try:
        found = read(path)
    except ConfigError as error:
        assert error.where.startswith(str(path))  # noqa: PT017 -- either is right
    else:
        assert len(found.events) == len(EVENTS)


@settings(one_path, max_examples=300)
@given(at=st.integers(0, len(dumped(EXPORT)) - 1), bit=st.integers(0, 7))
def test_any_flipped_bit_gives_evidence_or_a_config_error(
    at: int, bit: int, tmp_path: Path
) -> None:
    content = bytearray(dumped(EXPORT))
    content[at] ^= 1 << bit
    path = tmp_path / "any"
    path.write_bytes(content)
    try:
        assert len(read(path).events) == len(EVENTS)
    except ConfigError as error:
        assert str(path) in error.where  # noqa: PT017 -- either is right
