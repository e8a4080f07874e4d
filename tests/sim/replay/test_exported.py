"""Evidence logs from the field: what people and devices did there holds for any rulebook."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from edge.evidence_export import Export, Head, dumped
from edge.evidence_line import Evidence, Missed, moment
from rules.alarm import AlarmKey, AlarmKind, Move
from rules.device import Device, Link, Liveness, Output
from rules.events import (
    OUTSIDE,
    AlarmMoved,
    AwayBegan,
    AwayEnded,
    AwayReason,
    CaseClosed,
    Escalated,
    LifeSeen,
    LivenessChanged,
    Outcome,
    Started,
    TimeMoved,
)
from rules.observation import DeviceId, Observation, Phenomenon
from rules.rulebook import Inactivity, Preset, Rulebook
from tests.sim.replay.door import main

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
LAMP, NODE = DeviceId("lamp"), DeviceId("node")
INACTIVITY = AlarmKey(AlarmKind.INACTIVITY)
EVERY = timedelta(minutes=20)


def _device(name: DeviceId, phenomenon: Phenomenon, outputs: frozenset[Output]) -> Device:
    address = f"02:00:00:00:00:{ord(name[0]):02X}"
    return Device(
        name, Link.BLE, address, "x", "hall", frozenset({phenomenon}), EVERY, outputs=outputs
    )


DEVICES = (
    _device(LAMP, Phenomenon.OCCUPANCY, frozenset()),
    _device(NODE, Phenomenon.BUTTON, frozenset({Output.LIGHT})),
)
Run = Callable[..., Any]


def _at(hours: float) -> datetime:
    return BEGIN + timedelta(hours=hours)


def _lamp(*hours: float) -> list[Evidence]:
    return [
        Observation(LAMP, Phenomenon.OCCUPANCY, number % 2 == 0, _at(hour), _at(hour))
        for number, hour in enumerate(hours)
    ]


def _live(hours: float = 0.1) -> list[Evidence]:
    return [LivenessChanged(_at(hours), device.id, Liveness.LIVE) for device in DEVICES]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Replays events under rules of eight hours; the home had twelve."""
    rules = tmp_path / "new.toml"
    rules.write_text('[rules.inactivity]\nlimits = ["8 h"]\n')

    def replayed(events: Sequence[Evidence], *, trusted: bool = True) -> Any:  # noqa: ANN401 -- JSON
        head = Head(
            program="0",
            redacted=False,
            gateway="home",
            zone=ZoneInfo("Asia/Seoul"),
            preset=Preset.LIVING_ALONE,
            book=Rulebook(inactivity=Inactivity(limits=(12 * HOUR,))),
            trusted=trusted,
            devices=DEVICES,
        )
        path = tmp_path / "evidence.jsonl"
        path.write_bytes(dumped(Export(head, tuple(sorted(events, key=moment)))))
        assert main([str(path), "--rules", str(rules), "--json", "--language", "en"]) == 0
        return json.loads(capsys.readouterr().out)

    return replayed


def test_the_old_rules_are_those_of_the_export(run: Run) -> None:
    found = run([Started(BEGIN, 1, timedelta()), *_live(), *_lamp(1, 2, 11, 25, 26)])
    assert found["marks"] == {"inactivity": {"only-old": 0, "only-new": 1, "both": 1}}
    assert found["moments"][0]["new"]["at"] == "2026-03-02T19:00:00+09:00"
    assert found["moments"][1]["old"]["at"] == "2026-03-03T08:00:00+09:00"
    assert "12 h (level 1 of 1)" in found["moments"][1]["old"]["explanation"]


def test_devices_that_fell_silent_there_fall_silent_here(run: Run) -> None:
    # Last heard at 03:00, stale after three periods of twenty minutes, dead after twelve.
    dead: list[Evidence] = [
        LivenessChanged(_at(4), LAMP, Liveness.STALE),
        LivenessChanged(_at(7), LAMP, Liveness.DEAD),
        LivenessChanged(_at(40), LAMP, Liveness.LIVE),
    ]
    found = run([*_live(), *_lamp(1, 2, 3), *dead, *_lamp(40.5, 41)])
    assert found["old"] == found["new"]
    assert found["old"]["raised"] == {"home_blind": 1, "device": 1}
    times = {one["alarm"]: (one["old"]["at"], one["old"]["until"]) for one in found["moments"]}
    assert times["home_blind"] == ("2026-03-02T13:00:00+09:00", "2026-03-04T01:00:00+09:00")
    assert times["device:lamp"] == ("2026-03-02T16:00:00+09:00", "2026-03-04T01:00:00+09:00")


def test_a_contract_counts_only_while_the_gateway_listens(run: Run) -> None:
    # Last heard at 03:00; stale after an hour of listening, seven hours of which nobody did.
    down = Started(_at(10.2), 2, 7 * HOUR)
    stale = LivenessChanged(_at(11), LAMP, Liveness.STALE)
    found = run([*_live(), *_lamp(1, 2, 3), down, stale, *_live(12), *_lamp(12, 13)])
    (one,) = found["moments"]
    assert (one["alarm"], one["old"]["at"]) == ("home_blind", "2026-03-02T20:00:00+09:00")


def test_who_was_live_before_the_log_begins_is_live_in_it(run: Run) -> None:
    stale = LivenessChanged(_at(7), LAMP, Liveness.STALE)
    back = LivenessChanged(_at(9), LAMP, Liveness.LIVE)
    found = run([*_lamp(0, 0.5), stale, back, *_lamp(9, 10)])
    (one,) = found["moments"]
    assert (one["alarm"], one["new"]["at"]) == ("home_blind", "2026-03-02T16:00:00+09:00")


def test_while_the_gateway_was_down_nothing_fell_due(run: Run) -> None:
    down = Started(_at(20), 2, 15 * HOUR)
    found = run([Started(BEGIN, 1, timedelta()), *_live(), *_lamp(1, 4), down, *_lamp(30, 31)])
    # It comes up at 20:00 with both limits long past, asks, and raises ten minutes later.
    (one,) = found["moments"]
    assert one["old"]["at"] == one["new"]["at"] == "2026-03-03T05:10:00+09:00"
    assert set(found["new"]["raised"]) == {"inactivity"}


def test_words_of_absence_hold_and_outings_are_decided_anew(run: Run) -> None:
    trip = [AwayBegan(_at(2), AwayReason.TRIP, None, "x"), AwayEnded(_at(50))]
    outing = [AwayBegan(_at(2), AwayReason.OUTING, None, ""), AwayEnded(_at(50))]
    life = [*_live(), *_lamp(0.5, 1, 70)]
    # Eight hours after staff said that the resident is home again.
    (one,) = run([*life, *trip])["moments"]
    assert one["new"]["at"] == "2026-03-04T19:00:00+09:00"
    # No door was seen, so the rules on trial know of no outing.
    (one,) = run([*life, *outing])["moments"]
    assert one["new"]["at"] == "2026-03-02T18:00:00+09:00"


def test_a_closed_case_and_a_life_sign_from_outside_begin_a_new_silence(run: Run) -> None:
    case: list[Evidence] = [
        Escalated(_at(13), 7, INACTIVITY, 1, (), "", b""),
        CaseClosed(_at(14), 7, Outcome.FALSE),
    ]
    found = run([*_live(), *_lamp(0.5, 1, 30), *case])
    assert [one["new"]["at"][11:16] for one in found["moments"]] == ["18:00", "07:00"]
    assert [one["mark"] for one in found["moments"]] == ["both", "both"]
    phone = LifeSeen(_at(8), DeviceId(OUTSIDE + "phone"), Phenomenon.LIFE_SIGN, counted=True)
    found = run([*_live(), *_lamp(0.5, 1, 17), phone])
    assert [one["new"]["at"][11:16] for one in found["moments"]] == ["01:00"]


def test_what_a_person_held_back_stays_held_back(run: Run) -> None:
    shelved = AlarmMoved(_at(2), INACTIVITY, Move.SHELVE, _at(20))
    freed = AlarmMoved(_at(15), INACTIVITY, Move.UNSHELVE)
    found = run([*_live(), *_lamp(1, 30), shelved, freed])
    assert {one["new"]["at"][11:16] for one in found["moments"]} == {"00:10"}


def test_a_clock_that_nobody_confirmed_is_a_fault_here_too(run: Run) -> None:
    trust = TimeMoved(_at(3), trusted=True, source="ntp", shift=timedelta())
    # A start leaves the trust as it was, if nothing else is told.
    again = Started(_at(4), 2, timedelta())
    found = run([*_live(), *_lamp(1, 2, 4, 6), trust, again], trusted=False)
    assert found["old"]["raised"] == {"time_untrusted": 1}


def test_lines_that_a_disk_did_not_take_are_told(run: Run) -> None:
    found = run([*_live(), *_lamp(1, 2), Missed(_at(1.5), 12)])
    assert found["left_out"] == {"evidence.jsonl": {"missed": 12}}


def test_an_export_without_evidence_and_a_broken_line_are_refused(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(_lamp(1, 2))
    path, rules = tmp_path / "evidence.jsonl", str(tmp_path / "new.toml")
    head, first, *_ = path.read_bytes().splitlines()
    path.write_bytes(head + b"\n")
    assert main([str(path), "--rules", rules, "--language", "en"]) == 2
    assert "no evidence" in capsys.readouterr().err
    path.write_bytes(head + b"\n" + first + b"\n{}\n")
    assert main([str(path), "--rules", rules, "--language", "en"]) == 2
    assert f"{path}:3" in capsys.readouterr().err
