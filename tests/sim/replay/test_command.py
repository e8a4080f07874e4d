"""`ongi sim replay` as a city types it."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from tests.sim.replay.door import main

ROOT = Path(__file__).resolve().parents[3]
EIGHT_HOURS = '[rules.inactivity]\nlimits = ["8 h"]\n'
Home = Callable[[str, Sequence[float]], Path]
Rules = Callable[[str], Path]
# Every four hours, but for a silence of ten and one of thirty.
TWO_SILENCES = (0, 4, 8, 18, 22, 26, 56, 60, 64)


def _json(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:  # noqa: ANN401 -- JSON
    assert main([*map(str, arguments), "--json", "--language", "en"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_lower_limit_adds_exactly_the_alarms_of_the_silences_that_reach_it(
    home: Home, rules: Rules, capsys: pytest.CaptureFixture[str]
) -> None:
    found = _json(capsys, home("a.csv", TWO_SILENCES), "--rules", rules(EIGHT_HOURS))
    assert found["old"]["raised"] == {"inactivity": 1}
    assert found["new"]["raised"] == {"inactivity": 2}
    # In 64 hours.
    assert found["new"]["per_30d"] == {"inactivity": 22.5}
    assert found["marks"] == {"inactivity": {"only-old": 0, "only-new": 1, "both": 1}}
    first, second = found["moments"]
    assert (first["mark"], first["old"]) == ("only-new", None)
    assert first["new"]["at"] == "2026-03-03T00:00:00+09:00"
    assert first["new"]["until"] == "2026-03-03T02:00:00+09:00"
    assert second["mark"] == "both"
    assert second["old"]["at"] == "2026-03-04T10:00:00+09:00"
    assert second["new"]["at"] == "2026-03-03T18:00:00+09:00"
    assert "No sign of life for 8 h" in second["new"]["explanation"]
    assert "(level 1 of 3)" in second["old"]["explanation"]
    # Each was asked before, and nobody knows an answer: life came back later by itself.
    assert (found["new"]["prompts"], found["new"]["prompts_answered"]) == (2, 0)
    assert (found["new"]["false"], found["new"]["silence_p90_h"]) == (2, 8.0)


def test_a_prompt_is_answered_by_what_was_done_anyway(
    home: Home, rules: Rules, capsys: pytest.CaptureFixture[str]
) -> None:
    # Ten minutes before the limit the resident is asked; five minutes later there is light.
    path = home("a.csv", (0, 4, 8, 15 + 55 / 60, 20))
    found = _json(capsys, path, "--rules", rules(EIGHT_HOURS))
    assert found["new"]["raised"] == {}
    assert (found["new"]["prompts"], found["new"]["prompts_answered"]) == (1, 1)
    assert found["old"]["prompts"] == 0


@pytest.mark.parametrize("other", ["", "[rules.hazard]\nsiren = false\n"])
def test_rules_that_decide_alike_differ_in_nothing(
    home: Home, rules: Rules, capsys: pytest.CaptureFixture[str], other: str
) -> None:
    path = home("a.csv", TWO_SILENCES)
    found = _json(capsys, path, "--rules", rules(EIGHT_HOURS + other), "--old", rules(EIGHT_HOURS))
    assert found["old"] == found["new"]
    assert found["marks"] == {"inactivity": {"only-old": 0, "only-new": 0, "both": 2}}
    assert all(moment["old"] == moment["new"] for moment in found["moments"])


def test_a_silence_that_goes_on_past_the_end_is_counted_up_to_it(
    home: Home, rules: Rules, capsys: pytest.CaptureFixture[str]
) -> None:
    # The last row ends the recording, so nobody knows what came after it.
    found = _json(capsys, home("a.csv", (0, 4, 11.9)), "--rules", rules(EIGHT_HOURS))
    assert found["new"]["raised"] == {}


def test_the_table_tells_when_what_and_why_in_korean_and_english(
    home: Home, rules: Rules, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(home("a.csv", TWO_SILENCES)), "--rules", str(rules(EIGHT_HOURS))]
    assert main([*arguments, "--language", "en"]) == 0
    english = capsys.readouterr().out
    assert "1 home," in english
    assert "2026-03-03 18:00" in english
    assert "both, 16 h sooner" in english
    assert "No sign of life for 8 h." in english
    assert main([*arguments, "--limit", "1"]) == 0
    korean = capsys.readouterr().out
    assert "무활동" in korean
    assert "8시간째 생활 반응이 없습니다" in korean
    assert "--limit 2" in korean


def test_a_fleet_is_the_same_for_any_number_of_workers(
    home: Home, rules: Rules, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home("fleet/a.csv", TWO_SILENCES).parent
    home("fleet/b.csv", (0, 10, 20, 50))
    home("fleet/c.csv", (0, 4))
    (folder / "README.md").write_text("no home")
    new = rules(EIGHT_HOURS)
    one = _json(capsys, folder, "--rules", new, "--workers", "1")
    two = _json(capsys, folder, "--rules", new, "--workers", "2")
    assert one == two
    assert one["homes"] == 3
    assert one["marks"] == {"inactivity": {"only-old": 0, "only-new": 3, "both": 2}}
    assert [moment["home"] for moment in one["moments"]] == ["a.csv"] * 2 + ["b.csv"] * 3


def test_simulated_homes_are_the_same_for_any_number_of_workers(
    rules: Rules, capsys: pytest.CaptureFixture[str]
) -> None:
    population = ["--population", "plugs", "--homes", "3", "--days", "30", "--seed", "41"]
    new = rules(EIGHT_HOURS)
    one = _json(capsys, *population, "--rules", new, "--workers", "1")
    two = _json(capsys, *population, "--rules", new, "--workers", "2")
    assert one == two
    assert one["homes"] == 3
    assert one["home_years"] == pytest.approx(90 / 365, abs=1e-3)
    assert one["new"]["prompts"] > one["old"]["prompts"]
    assert one["new"]["prompts_answered"] > 0


def test_a_home_that_cannot_be_read_is_told_of_and_the_others_go_on(
    home: Home, rules: Rules, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home("fleet/a.csv", TWO_SILENCES).parent
    bad = home("fleet/b.csv", TWO_SILENCES)
    lines = bad.read_text().splitlines()
    lines[6] = lines[6].replace("switch", "door").replace(",ON", ",AJAR").replace(",OFF", ",AJAR")
    bad.write_text("\n".join(lines))
    assert main([str(folder), "--rules", str(rules(EIGHT_HOURS)), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["homes"] == 1
    (failed,) = found["failed"]
    assert failed["home"] == "b.csv"
    assert failed["where"] == f"{bad}:7"
    assert "AJAR" in failed["found"]
    assert main([str(folder), "--rules", str(rules(EIGHT_HOURS)), "--language", "en"]) == 1
    assert "b.csv:7" in capsys.readouterr().out
    # Alone it is no fleet: nothing can be told of it.
    assert main([str(bad), "--rules", str(rules(EIGHT_HOURS)), "--language", "en"]) == 2
    assert "b.csv:7" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ('[rules.inactivity]\nlimts = ["8 h"]', ("rules.inactivity.limts", "limits")),
        ('[rules.inactivity]\nlimits = ["8 hours"]', ("rules.inactivity.limits[0]", "hours")),
        ("[rules.inactvity]", ("rules.inactvity", "inactivity")),
        ("[rule]", ("rule", "rules")),
        ("limits = 8 h", ("no TOML", "line 2")),
        ("rules = 3", ("rules", "write a table")),
    ],
)
def test_rules_that_cannot_be_are_refused_with_file_and_key(
    home: Home,
    rules: Rules,
    capsys: pytest.CaptureFixture[str],
    written: str,
    words: tuple[str, ...],
) -> None:
    new = rules(written)
    status = main([str(home("a.csv", TWO_SILENCES)), "--rules", str(new), "--language", "en"])
    told = capsys.readouterr().err
    assert status == 2
    assert str(new) in told
    assert all(word in told for word in words), told


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--population", "mixed", "--days", "-3"], "'-3': write a whole number from 1"),
        (["--population", "mixed", "--homes", "0"], "'0'"),
        (["--population", "mixd"], "mixd"),
        (["--workers", "none"], "'none'"),
    ],
)
def test_numbers_that_cannot_be_are_refused(
    rules: Rules, capsys: pytest.CaptureFixture[str], arguments: list[str], word: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--rules", str(rules("")), "--language", "en"])
    assert ended.value.code == 2
    assert word in capsys.readouterr().err


def test_what_is_to_be_replayed_has_to_be_named_once(
    home: Home, rules: Rules, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = str(rules(""))
    (tmp_path / "empty").mkdir()
    for arguments in (
        [],
        [str(home("a.csv", TWO_SILENCES)), "--population", "demo"],
        [str(tmp_path / "empty")],
        [str(tmp_path / "none.csv")],
        [str(tmp_path / "none.jsonl")],
    ):
        assert main([*arguments, "--rules", new, "--language", "en"]) == 2
        assert "right:" in capsys.readouterr().err


def test_kinds_that_nobody_knows_are_named(
    home: Home, rules: Rules, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home("a.csv", TWO_SILENCES)
    with path.open("a") as file:
        file.write("2026-03-06T00:00:00,Scale,weight,61\n2026-03-06T00:00:01,Scale,weight,61\n")
    found = _json(capsys, path, "--rules", rules(""))
    assert found["left_out"] == {"a.csv": {"weight": 2}}
    assert main([str(path), "--rules", str(rules("")), "--language", "en"]) == 0
    assert "a.csv: left out: weight (2)" in capsys.readouterr().out


def test_rules_without_a_preset_go_on_top_of_each_homes_own(
    tmp_path: Path, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    loose = tmp_path / "loose.toml"
    loose.write_text(EIGHT_HOURS)
    site = tmp_path / "site.toml"
    site.write_text(
        '[site]\nid = "a"\nname = "a"\npreset = "living-alone-high-risk"\n'
        '[center]\nhost = "127.0.0.1"\n'
    )
    path = home("a.csv", TWO_SILENCES)
    found = _json(capsys, path, "--rules", loose, "--old", site)
    assert found["old"]["raised"] == found["new"]["raised"] == {"inactivity": 2}
    levels = [(one["old"]["level"], one["new"]["level"]) for one in found["moments"]]
    assert levels == [(1, 1), (3, 1)]


def test_an_animal_stays_in_its_home_whatever_rules_are_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # This home is of the high-risk kind, whose preset knows of no animal.
    drawn = ("--population", "pet", "--seed", "1", "--homes", "1", "--days", "12")
    rules = tmp_path / "rules.toml"
    rules.write_text("[rules.hazard]\nsiren = false\n")
    found = _json(capsys, *drawn, "--rules", rules)
    assert found["old"] == found["new"]
    rules.write_text("[rules.evidence]\npet = false\n")
    found = _json(capsys, *drawn, "--rules", rules)
    assert found["new"]["prompts"] < found["old"]["prompts"]


def test_ctrl_c_ends_a_fleet_at_once(rules: Rules) -> None:
    arguments = ["--population", "rooms", "--homes", "40", "--days", "400", "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sim", "replay", *arguments, "--rules", str(rules(EIGHT_HOURS))],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    try:
        # The launcher, and two workers that are past loading.
        _until(lambda: sum(spent > 100 for spent in _running(process.pid)) >= 2)
        os.kill(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=30)
        assert process.returncode == 130, told.decode()
        assert b"Traceback" not in told
    finally:
        process.kill()
        process.communicate()
    _until(lambda: not _running(process.pid))


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)


def _running(session: int) -> list[int]:
    """Processor time, in ticks, of each process of a session that has not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # It has ended meanwhile.
            state, _, _, of, *rest = path.read_text().rpartition(")")[2].split()
            if int(of) == session and state != "Z":
                found.append(int(rest[7]))
    return found


@pytest.mark.parametrize("columns", ["70", "80", "90", "100", "120"])
def test_no_word_of_a_table_is_cut_on_a_narrow_terminal(
    home: Home,
    rules: Rules,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    columns: str,
) -> None:
    folder = home("fleet/a.csv", TWO_SILENCES).parent
    home("fleet/b.csv", (0, 10, 20, 50))
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main([str(folder), "--rules", str(rules(EIGHT_HOURS))]) == 0
    shown = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert "무활동" in shown
    assert "…" not in shown
    assert all(cell_len(line) <= int(columns) for line in shown.splitlines())
