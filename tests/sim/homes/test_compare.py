"""Simulated homes beside recorded ones: what is compared, and how far apart it is."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from random import Random

import pytest
from rich.console import Console

from rules.errors import ConfigError
from sim.homes import names
from sim.homes.compare import Beside, compare, render
from sim.homes.population import DEMO, ZONE, home
from sim.homes.profile import Tally, hours_apart, silences_apart
from texts import Language, translator

START = datetime(2026, 1, 5, tzinfo=ZONE)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def _write(folder: Path, name: str, lines: Iterable[tuple[datetime, str, str, str]]) -> None:
    text = "".join(f"{at:%Y-%m-%dT%H:%M:%S},{','.join(cells)}\n" for at, *cells in lines)
    (folder / f"{name}.csv").write_text(f"timestamp,sensor,kind,value\n{text}")


def _plugs(days: int) -> list[tuple[datetime, str, str, str]]:
    """A kettle at seven, at noon and at eight; the mains tell their mean every hour."""
    lines = []
    for day in range(days):
        for hour in range(24):
            at = START.replace(tzinfo=None) + day * DAY + hour * HOUR
            lines.append((at, "Mains", "hour_mean_W", "200.0"))
            if hour in {7, 12, 20}:
                lines.append((at, "Kettle", "plug_on", "1800.0"))
                lines.append((at + 3 * MINUTE, "Kettle", "plug_off", "0.0"))
    return lines


def _rooms(days: int) -> list[tuple[datetime, str, str, str]]:
    lines = []
    for day in range(days):
        for hour in range(7, 23):
            at = START.replace(tzinfo=None) + day * DAY + hour * HOUR
            lines.append((at, "Fridge/Kitchen", "door", "OPEN"))
            lines.append((at + MINUTE, "Fridge/Kitchen", "door", "CLOSE"))
            lines.append((at + 2 * MINUTE, "Door/Kitchen", "pir", "ON"))
            lines.append((at + 3 * MINUTE, "Door/Kitchen", "pir", "OFF"))
            lines.append((at + 4 * MINUTE, "Maindoor", "magnetic", "ON"))
            lines.append((at + 5 * MINUTE, "Xylophone", "switch", "ON"))
    return lines


def _beside(folder: Path, population: str, days: int = 30) -> Beside:
    homes = [home(7, number, START, population) for number in (1, 2)]
    (one,) = compare(homes, days, folder).beside
    return one


def test_plugs_are_beside_plugs_and_reports_are_no_life(tmp_path: Path) -> None:
    _write(tmp_path, "kettle", _plugs(20))
    one = _beside(tmp_path, "plugs")
    assert one.name == "kettle"
    assert one.recorded.daily == (3.0, 3.0, 3.0)
    # From seven to twelve, to eight, and to seven.
    assert one.recorded.silences[0] == 8 * 60
    assert one.recorded.silences[-1] == one.recorded.weekly == 11 * 60
    assert [hour for hour, share in enumerate(one.recorded.hours) if share] == [7, 12, 20]
    assert names.KETTLE in one.devices
    assert names.FRIDGE not in one.devices
    assert one.simulated.days == 60
    assert 2 < one.simulated.daily[1] < 25
    assert 0 < one.silences_apart < 1
    assert one.without == ()


def test_rooms_are_seen_through_the_sensors_of_the_recording_alone(tmp_path: Path) -> None:
    _write(tmp_path, "flat", _rooms(20))
    one = _beside(tmp_path, "rooms")
    assert one.devices == (names.FRIDGE_DOOR, names.FRONT_DOOR, names.KITCHEN_MOTION)
    assert one.without == ("Xylophone",)
    assert one.recorded.daily == (64.0, 64.0, 64.0)
    assert one.homes == 2
    assert 10 < one.simulated.daily[1] < 200


def test_homes_that_lack_such_sensors_are_left_out(tmp_path: Path) -> None:
    _write(tmp_path, "flat", _rooms(9))
    one = _beside(tmp_path, "plugs")
    assert (one.homes, one.simulated.days, one.devices) == (0, 0, ())
    shown = StringIO()
    homes = [home(7, 1, START, "plugs")]
    console = Console(file=shown, width=160)
    render(compare(homes, 9, tmp_path), console, translator(Language.EN))
    assert "No simulated home has sensors like these." in shown.getvalue()


def test_a_home_that_lacks_half_of_them_is_left_out(tmp_path: Path) -> None:
    at = START.replace(tzinfo=None)
    places = ("Living", "Kitchen", "Hall", "Bed", "Sofa")
    _write(
        tmp_path,
        "flat",
        [
            (at + n * HOUR, place, "pressure" if place in {"Bed", "Sofa"} else "pir", "ON")
            for n, place in enumerate(places)
        ],
    )
    homes = [home(7, 1, START, "rooms"), home(7, 1, START, DEMO)]
    (one,) = compare(homes, 3, tmp_path).beside
    assert (one.homes, len(one.devices)) == (1, 5)


def test_the_table_shows_both_sides(tmp_path: Path) -> None:
    _write(tmp_path, "a [b]", _plugs(9))
    _write(tmp_path, "flat", _rooms(9))
    shown = StringIO()
    homes = [home(7, 1, START, "rooms")]
    render(compare(homes, 9, tmp_path), Console(file=shown, width=160), translator(Language.EN))
    text = shown.getvalue()
    assert "a [b]" in text
    assert "Left out of flat: Xylophone." in text
    assert "8 h" in text
    assert "█" in text


def test_what_is_no_folder_of_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--compare"):
        compare([], 9, tmp_path / "none")
    with pytest.raises(ConfigError, match="NAME"):
        compare([], 9, tmp_path)
    (tmp_path / "bad.csv").write_text("timestamp,sensor,kind,value\nyesterday,a,pir,ON\n")
    with pytest.raises(ConfigError, match=r"bad\.csv:2"):
        compare([], 9, tmp_path)


def test_like_homes_are_near_and_unlike_ones_are_far() -> None:
    def profile(seed: int, mean_min: float, shift_h: int) -> Tally:
        random, tally, at = Random(seed), Tally(ZONE), START + shift_h * HOUR
        events = []
        for _day in range(200):
            for _event in range(12):
                events.append(at)
                at += random.uniform(0.5, 1.5) * mean_min * MINUTE
            at = START + (_day + 1) * DAY + shift_h * HOUR
        tally.add(events)
        return tally

    one, alike = profile(1, 40, 8).profile(), profile(2, 40, 8).profile()
    slower, later = profile(3, 70, 8).profile(), profile(4, 40, 12).profile()
    assert silences_apart(one, one) == hours_apart(one, one) == 0
    assert silences_apart(one, alike) < 0.05
    assert silences_apart(one, slower) > 0.3
    assert hours_apart(one, alike) < 0.2
    assert hours_apart(one, later) == pytest.approx(4, abs=0.1)
    # On a dial there are two ways: some of them go back by six, the others on by ten.
    assert 7 < hours_apart(one, profile(5, 40, 22).profile()) < 9


def test_midnight_is_beside_the_hour_before_it() -> None:
    late, early = Tally(ZONE), Tally(ZONE)
    late.add(START + day * DAY + 23 * HOUR for day in range(9))
    early.add(START + day * DAY + HOUR for day in range(9))
    assert hours_apart(late.profile(), early.profile()) == pytest.approx(2)


def test_days_without_an_event_count() -> None:
    tally = Tally(ZONE)
    tally.add([START + 12 * HOUR, START + 5 * DAY], START + 8 * DAY)
    profile = tally.profile()
    assert profile.days == 8
    assert profile.daily == (0.0, 0.0, 1.0)
    assert profile.weekly == 4.5 * 24 * 60
