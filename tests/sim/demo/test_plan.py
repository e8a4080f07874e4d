"""What a run shows, worked out from what was asked for."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rules.errors import ConfigError
from rules.rulebook import Preset
from sim.demo.plan import Asked, plan
from texts import Language

SEOUL = ZoneInfo("Asia/Seoul")
TODAY = date(2026, 11, 22)
ASKED = Asked(
    data=Path("data"),
    language=Language.KO,
    seed=1,
    web_port=8080,
    coap_port=5683,
    home_csv=None,
    day=None,
    collapse=None,
    speed=None,
)


def _recording(path: Path, days: int) -> Path:
    lines = ["timestamp,sensor,kind,value"]
    for day in range(days):
        at = datetime(2026, 3, 1, 7, tzinfo=UTC).replace(tzinfo=None) + timedelta(days=day)
        for minutes, word in ((0, "ON"), (10, "OFF")):
            lines.append(f"{(at + timedelta(minutes=minutes)).isoformat()},Bed,pressure,{word}")
    path.write_text("\n".join([*lines, ""]))
    return path


def test_a_simulated_day_begins_the_evening_before() -> None:
    planned = plan(ASKED, TODAY)
    assert planned.start == datetime(2026, 11, 21, 21, tzinfo=SEOUL)
    assert planned.collapse == datetime(2026, 11, 22, 13, 40, tzinfo=SEOUL)
    assert planned.preset is Preset.LIVING_ALONE_HIGH_RISK


def test_day_hour_and_speed_as_asked() -> None:
    planned = plan(replace(ASKED, day="2027-01-05", collapse="8:05", speed=100.0), TODAY)
    assert planned.collapse == datetime(2027, 1, 5, 8, 5, tzinfo=SEOUL)
    assert planned.speed == 100.0
    planned = plan(replace(ASKED, collapse="none"), TODAY)
    assert planned.collapse is None
    assert planned.told == datetime(2026, 11, 23, tzinfo=SEOUL)


@pytest.mark.parametrize("collapse", ["24:00", "12:60", "noon", "12.30", ""])
def test_an_hour_that_cannot_be(collapse: str) -> None:
    with pytest.raises(ConfigError, match=r"--collapse: found .* write an hour such as 14:20"):
        plan(replace(ASKED, collapse=collapse), TODAY)


@pytest.mark.parametrize("day", ["2026-02-30", "tomorrow", "22.11.2026", ""])
def test_a_day_that_cannot_be(day: str) -> None:
    with pytest.raises(ConfigError, match=r"--day: found .* write a day such as 2026-11-22"):
        plan(replace(ASKED, day=day), TODAY)


def test_a_recording_begins_28_days_before_its_last_full_day(tmp_path: Path) -> None:
    path = _recording(tmp_path / "home.csv", 40)
    planned = plan(replace(ASKED, home_csv=path), TODAY)
    assert planned.day == date(2026, 4, 8)
    assert planned.start == datetime(2026, 3, 11, tzinfo=SEOUL)
    # In the middle of the only thing that is done there.
    assert planned.collapse == datetime(2026, 4, 8, 7, 1, tzinfo=SEOUL)
    assert planned.played is not None
    assert not planned.played.short


def test_a_short_recording_begins_at_its_start(tmp_path: Path) -> None:
    path = _recording(tmp_path / "home.csv", 10)
    planned = plan(replace(ASKED, home_csv=path, day="2026-03-08", collapse="12:00"), TODAY)
    assert planned.start == datetime(2026, 3, 1, 7, tzinfo=SEOUL)
    assert planned.collapse == datetime(2026, 3, 8, 12, tzinfo=SEOUL)
    assert planned.played is not None
    assert planned.played.short


def test_a_day_without_events_is_refused(tmp_path: Path) -> None:
    path = _recording(tmp_path / "home.csv", 10)
    with pytest.raises(ConfigError, match=r"has none.*from 2026-03-01 to 2026-03-10"):
        plan(replace(ASKED, home_csv=path, day="2026-05-08"), TODAY)


def test_the_same_seed_collapses_at_the_same_moment(tmp_path: Path) -> None:
    path = tmp_path / "home.csv"
    lines = [f"2026-03-0{d}T{h:02}:00:00,Bed,pressure,ON" for d in (1, 2, 3) for h in range(24)]
    path.write_text("\n".join(["timestamp,sensor,kind,value", *lines, ""]))
    asked = replace(ASKED, home_csv=path)
    moments = [plan(replace(asked, seed=seed), TODAY).collapse for seed in (1, 1, 2, 3, 4, 5)]
    assert moments[0] == moments[1]
    assert len(set(moments)) > 1
