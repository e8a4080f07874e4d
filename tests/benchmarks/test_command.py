"""The command, on small homes whose figures can be told in advance."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.detection.__main__ import main
from benchmarks.detection.progress import progress
from texts import Language, translator

Home = Callable[..., Path]
RIVALS = ("--methods", "constant", "cuddihy", "fixed24", "fixed36", "fixed50")

KEYS = {
    "median_h", "p90_h", "p95_h", "median_day_h", "median_night_h", "median_just_active_h",
    "median_noisy1_h", "median_noisy3_h", "median_outage_h", "realised_per_30d",
    "realised_home_per_30d", "interval", "already",
}  # fmt: skip


DEADLINE_S = 10.0


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")


def regular(days: int, without: Sequence[int] = ()) -> list[float]:
    """Switched every two hours from 07:00 to 21:00, but on some days: ten hours of night."""
    return [
        24.0 * day + hour for day in range(days) if day not in without for hour in range(7, 22, 2)
    ]


def found(capsys: pytest.CaptureFixture[str], homes: Path, *more: str) -> dict[str, Any]:
    status = main(["--homes", str(homes), "--json", "--workers", "1", "--moments", "100", *more])
    out = capsys.readouterr()
    assert status == 0, out.err
    answer: dict[str, Any] = json.loads(out.out)
    return answer


def test_figures_of_a_regular_home(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    # A day without a sign is a silence of 34 h; two are one of 58 h, an absence.
    homes = home("regular", regular(88, without=(40, 60, 70, 71))).parent
    home("beside", regular(88))
    told = found(capsys, homes, *RIVALS)
    assert set(told) == {"parameters", "homes", "methods"}
    assert told["parameters"] == {"seed": 1, "moments": 100, "answers": 0.9}
    for name in RIVALS[1:]:
        for budget in ("per_30d_1", "per_180d_1"):
            figures = told["methods"][name][budget]
            assert set(figures) >= KEYS
            assert all(set(one) >= KEYS for one in figures["homes"].values())
    here = told["homes"]["regular"]
    assert here["scored"] is True
    # From 07:00 of the first day to the last sign, less 28 days.
    assert here["scored_days"] == pytest.approx(87 + 14 / 24 - 28, abs=0.1)
    assert here["long_absences"]["count"] == 1
    assert here["long_absences"]["days"] == pytest.approx(58 / 24, abs=0.1)
    assert here["long_absences"]["alarms"]["fixed24.per_30d_1"] == 1
    fixed = told["methods"]["fixed24"]["per_30d_1"]
    assert fixed["homes"]["regular"]["false_alarms"] == 2
    assert fixed["homes"]["regular"]["realised_per_30d"] == pytest.approx(2 / 59.6 * 30, abs=0.01)
    assert fixed["realised_per_30d"] == pytest.approx(2 / 119.2 * 30, abs=0.01)
    assert fixed["realised_home_per_30d"] == fixed["realised_per_30d"]
    assert fixed["with_absences_per_30d"] == pytest.approx(3 / 119.2 * 30, abs=0.01)
    assert fixed["interval"] == pytest.approx([0.2422 / 119.2 * 30, 7.2247 / 119.2 * 30], abs=0.01)
    without_knob = told["methods"]["fixed24"]["per_180d_1"]
    assert without_knob["median_h"] == fixed["median_h"]
    assert without_knob["realised_per_30d"] == fixed["realised_per_30d"]


def test_ours_stand_beside_the_others(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    homes = home("regular", regular(62, without=(50,))).parent
    ours = ("--methods", "ongi", "ongi_prompt", "fixed24", "--moments", "40")
    methods = found(capsys, homes, *ours)["methods"]
    for budget in ("per_30d_1", "per_180d_1"):
        alone, asking = methods["ongi"][budget], methods["ongi_prompt"][budget]
        # What is learned never calls later than the fixed limit.
        assert alone["median_h"] <= methods["fixed24"][budget]["median_h"]
        assert asking["median_h"] <= methods["fixed24"][budget]["median_h"]
        assert set(asking) - set(alone) == {"prompts_per_7d", "unanswered_per_7d"}
        assert alone["median_noisy3_h"] is not None
        assert alone["median_outage_h"] is not None


def test_delays_of_a_fixed_limit(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    homes = home("regular", regular(62)).parent
    fixed = found(capsys, homes, "--methods", "fixed24")["methods"]["fixed24"]["per_30d_1"]
    # No silence outlasts ten hours, so the delay is 24 h less at most ten.
    assert 14 < fixed["median_night_h"] < fixed["median_day_h"] < 24
    assert fixed["median_just_active_h"] == pytest.approx(24, abs=0.05)
    assert fixed["already"] == 0
    assert fixed["p90_h"] <= fixed["p95_h"] <= 24
    # A switch that is not there flickers: each time the 24 h begin anew.
    assert fixed["median_noisy3_h"] > fixed["median_noisy1_h"] >= fixed["median_h"]


def test_moments_whose_alarm_is_out_are_left_out(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    # Every second day has no sign: silences of 34 h, of which ten are past the 24th.
    homes = home("rare", regular(90, without=range(1, 89, 2))).parent
    fixed = found(capsys, homes, "--methods", "fixed24")["methods"]["fixed24"]["per_30d_1"]
    assert fixed["already"] / fixed["moments"] == pytest.approx(10 / 48, abs=0.09)
    assert fixed["realised_per_30d"] == pytest.approx(15, abs=0.6)


def test_the_same_seed_gives_the_same_figures(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    homes = home("regular", regular(62, without=(50,))).parent
    few = ("--methods", "fixed24")
    assert found(capsys, homes, *few) == found(capsys, homes, *few)


def test_short_homes_are_listed_and_not_scored(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    homes = home("short", regular(20)).parent
    told = found(capsys, homes, *RIVALS)
    assert told["homes"]["short"]["scored"] is False
    assert told["methods"] == {}
    assert main(["--homes", str(homes), "--workers", "1"]) == 0
    assert "too short" in capsys.readouterr().out


def test_unknown_kinds_are_told_by_name(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(5.0, "Hall", "smell", "9"), (6.0, "Hall", "smell", "8")]
    homes = home("odd", regular(20), rows).parent
    assert found(capsys, homes)["homes"]["odd"]["left_out"] == {"smell": 2}


def test_a_malformed_file_is_refused_by_line(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home("bad", [1.0, 2.0])
    path.write_text(path.read_text(encoding="utf-8") + "2026-03-09T07:00:00,Lamp,switch,MAYBE\n")
    assert main(["--homes", str(path.parent), "--workers", "1"]) == 2
    said = capsys.readouterr().err
    assert "bad.csv:4" in said
    assert "'MAYBE'" in said


def test_an_empty_or_missing_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--homes", str(tmp_path)]) == 2
    assert "no recording" in capsys.readouterr().err
    assert main(["--homes", str(tmp_path / "none")]) == 2
    assert "no folder" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([])


def test_the_report_is_one_page_that_needs_nothing_else(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    homes = home("regular", regular(62, without=(50,))).parent
    found(capsys, homes, "--methods", "cuddihy", "--report", str(tmp_path / "report"))
    page = (tmp_path / "report" / "detection.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 1
    assert "cuddihy, per_180d_1: median" in page
    assert "http" not in page.replace("http-equiv", "")


def test_without_a_terminal_each_finished_part_is_told(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    homes = home("regular", regular(62)).parent
    few = ("--methods", "fixed24", "--moments", "50")
    assert main(["--homes", str(homes), "--json", "--workers", "1", *few]) == 0
    told = [line.partition(",")[0] for line in capsys.readouterr().err.splitlines()]
    assert told == [
        *("homes: 0 of 1", "homes: 1 of 1"),
        *("streams: 0 of 2", "streams: 1 of 2", "streams: 2 of 2"),
    ]


def test_a_part_that_takes_long_is_told_of_meanwhile(capsys: pytest.CaptureFixture[str]) -> None:
    said, end = "", time.monotonic() + DEADLINE_S
    with progress(translator(Language.KO), every_s=0.01) as told:
        told("streams", 2)
        while said.count("2개 중 0개") < 3:
            assert time.monotonic() < end
            time.sleep(0.01)
            said += capsys.readouterr().err


def test_simulated_homes_are_scored_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--population", "plugs", "--count", "1", "--days", "61", "--moments", "50"]
    assert main([*arguments, "--methods", "fixed24", "--json", "--workers", "1"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["homes"]) == {"plugs-1-1"}
    assert set(told["methods"]["fixed24"]["per_30d_1"]["homes"]) == set(told["homes"])
