"""`ongi` as a technician types it, against a real gateway in a process of its own."""

import asyncio
import json
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from edge import cli, packets
from edge.caller import NotRunning, called
from edge.config import CONTROL_SOCKET
from edge.evidence_export import read
from edge.evidence_line import moment
from edge.registry import Registry
from edge.screen import Screen
from edge.status import Status
from rules.device import EvidenceRole, Output, Use
from rules.events import Escalated, Started
from rules.observation import Phenomenon
from tests.edge.peers import device
from tests.edge.test_config import KETTLE, SITE, home_with
from texts import Language, translator

ADD = [
    "devices",
    "add",
    *("--id", "washer", "--link", "ble", "--address", "a4:c1:38:00:00:77"),
    *("--model", "Ongi plug node", "--room", "세탁실", "--phenomena", "power_w, relay_on"),
    *("--report-every", "10 min"),
]
KEY = "00112233445566778899aabbccddeeff"
DEADLINE_S = 20.0


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")


class Typed:
    """Types commands for one home and keeps what came out."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *words: str, status: int = 0) -> str:
        """Standard output of a command that ends with `status`."""
        found = cli.main([*words, "--home", str(self.home)])
        self.out, self.err = self._capsys.readouterr()
        assert found == status, self.out + self.err
        assert "Traceback" not in self.err
        return self.out

    def fails(self, *words: str) -> str:
        """What a command that is refused says."""
        self(*words, status=1)
        assert self.err.startswith("ongi: ")
        return self.err

    def status(self) -> dict[str, Any]:
        """What the gateway tells programs."""
        found: dict[str, Any] = json.loads(self("status", "--json"))
        return found


@contextmanager
def daemon(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A gateway that answers."""
    command = [sys.executable, "-m", "ongi", "gateway", "--home", str(home)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            await_gateway(process, home / CONTROL_SOCKET)
            yield process
        finally:
            process.kill()


def await_gateway(process: subprocess.Popen[str], path: Path) -> None:
    async def ask() -> None:
        async with called(path) as gateway:
            await gateway.status()

    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        assert process.poll() is None, process.stderr and process.stderr.read()
        try:
            asyncio.run(ask())
        except NotRunning:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError("the gateway did not start")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a running gateway, whose center cannot be reached."""
    site = SITE.replace('"192.0.2.7"', '"127.0.0.1"\nport = 9')
    found = home_with(tmp_path_factory.mktemp("home"), KETTLE, site=site)
    with daemon(found):
        yield found


@pytest.fixture
def typed(home: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    return Typed(home, capsys)


@pytest.fixture
def idle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Commands for a home whose gateway does not run."""
    return Typed(home_with(tmp_path, KETTLE), capsys)


# ---- a running gateway


def test_the_status_is_shown(typed: Typed) -> None:
    shown = typed("status")
    assert "성동구 42호" in shown
    assert "kettle" in shown
    assert "has not answered yet" in shown
    assert "Driver ble" in shown


def test_korean_is_spoken_where_nothing_else_is_asked_for(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "C.UTF-8")
    assert "아직 신호 없음" in typed("status")
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    assert "아직 신호 없음" in typed("status", "--language", "ko")
    assert "아직 신호 없음" not in typed("status")


@pytest.mark.parametrize(
    ("language", "said"),
    [(Language.KO, "확인: 센터"), (Language.EN, "confirmed by the center")],
)
def test_who_confirmed_the_time_is_named_in_the_readers_language(
    home: Path, language: Language, said: str
) -> None:
    async def ask() -> Status:
        async with called(home / CONTROL_SOCKET) as gateway:
            return await gateway.status()

    status = asyncio.run(ask())
    parts = replace(status.plumbing, time_source="center")
    console = Console(file=StringIO(), width=160)
    shown = replace(status, time_trusted=True, plumbing=parts)
    console.print(Screen(translator(language), UTC).status(shown))
    assert isinstance(console.file, StringIO)
    assert said in console.file.getvalue()


def test_the_status_for_programs_has_stable_keys(typed: Typed) -> None:
    status = typed.status()
    assert set(status) == {
        "about",
        "now",
        "boot",
        "started",
        "time_trusted",
        "alarm_time_if_silent",
        "away",
        "life",
        "devices",
        "alarms",
        "plumbing",
    }
    assert status["plumbing"].keys() == {
        "time_source",
        "outbox_depth",
        "uplink",
        "drivers",
        "inbox_dropped",
        "journal_durable",
        "findings",
    }
    (kettle,) = status["devices"]
    assert set(kettle) == {
        "id",
        "room",
        "model",
        "link",
        "liveness",
        "last_seen",
        "quality",
        "battery_pct",
        "readings",
        "machine",
        "reception",
    }
    assert datetime.fromisoformat(status["now"]).tzinfo is not None


def test_of_a_known_model_its_row_says_the_rest(typed: Typed) -> None:
    about = ("--id", "smoke", "--link", "ble", "--address", "54:EF:44:E3:9C:BC", "--room", "부엌")
    typed("devices", "add", *about, "--model", "xiaomi jtyjgd03mi", "--key", KEY)
    smoke = next(one for one in Registry.load(typed.home).devices if one.id == "smoke")
    assert smoke.model == "Xiaomi JTYJGD03MI"
    assert smoke.phenomena == {Phenomenon.SMOKE, Phenomenon.BATTERY_PCT}
    assert smoke.report_every == timedelta(hours=26)
    typed("devices", "remove", "smoke")


def test_what_is_said_counts_more_than_the_row(typed: Typed) -> None:
    said = ("--model", "Shelly BLU Button", "--phenomena", "button", "--report-every", "7 d")
    about = ("--id", "bell", "--link", "ble", "--address", "54:EF:44:E3:9C:BD", "--room", "현관")
    typed("devices", "add", *about, *said)
    bell = next(one for one in Registry.load(typed.home).devices if one.id == "bell")
    assert bell.phenomena == {Phenomenon.BUTTON}
    assert bell.report_every == timedelta(days=7)
    typed("devices", "remove", "bell")


@pytest.mark.parametrize(
    ("model", "outputs", "key", "where", "right"),
    [
        ("Shelly BLU Button", "light", KEY, "outputs found: 'light'", "Ongi plug node"),
        ("SwitchBot Plug Mini (US)", "relay", None, "outputs found: 'relay'", "leave it out"),
        ("no row", "buzzer", KEY, "outputs found: 'buzzer'", "Ongi plug node"),
        ("Ongi plug node", "light,siren", KEY, "outputs found: 'siren'", "buzzer, light, relay"),
        ("Ongi plug node", "light", None, "key found: nothing", "link key"),
    ],
)
def test_what_cannot_prove_itself_is_not_entered_as_taking_commands(
    typed: Typed, model: str, outputs: str, key: str | None, where: str, right: str
) -> None:
    about = ("--id", "x", "--link", "ble", "--address", "54:EF:44:E3:9C:BE", "--room", "현관")
    more = ("--phenomena", "button", "--report-every", "1 h", "--outputs", outputs)
    keyed = () if key is None else ("--key", key)
    told = typed.fails("devices", "add", *about, *more, "--model", model, *keyed)
    refused = " ".join(told.split())
    assert f"devices add.{where}" in refused
    assert right in refused


def test_a_plug_node_with_its_key_takes_commands_also_for_its_relay(typed: Typed) -> None:
    about = ("--id", "node", "--link", "ble", "--address", "54:EF:44:E3:9C:BE", "--room", "현관")
    more = ("--outputs", "light,buzzer,relay", "--key", KEY)
    typed("devices", "add", *about, "--model", "ongi plug node", *more)
    node = next(one for one in Registry.load(typed.home).devices if one.id == "node")
    assert node.outputs == {Output.LIGHT, Output.BUZZER, Output.RELAY}
    assert node.phenomena == {Phenomenon.POWER_W, Phenomenon.RELAY_ON, Phenomenon.BUTTON}
    typed("devices", "remove", "node")


def test_of_any_other_model_everything_must_be_said(typed: Typed) -> None:
    about = ("--id", "x", "--link", "ble", "--address", "54:EF:44:E3:9C:BE", "--room", "현관")
    refused = typed.fails("devices", "add", *about, "--model", "no row")
    assert "devices add.phenomena" in refused
    assert "write the device's phenomena" in refused


def test_a_device_is_entered_listed_and_removed(typed: Typed) -> None:
    assert "washer" in typed(*ADD, "--key", KEY, "--outputs", "light", "--evidence", "weak")
    washer = next(one for one in Registry.load(typed.home).devices if one.id == "washer")
    assert washer.address == "A4:C1:38:00:00:77"
    assert washer.phenomena == {Phenomenon.POWER_W, Phenomenon.RELAY_ON}
    assert washer.outputs == {Output.LIGHT}
    assert washer.evidence is EvidenceRole.WEAK
    assert washer.keyed
    assert stat.S_IMODE((typed.home / "keys" / "devices.json").stat().st_mode) == 0o600
    assert "세탁실" in typed("devices", "list")
    listed = typed("devices", "list", "--json")
    assert [one["id"] for one in json.loads(listed)] == ["kettle", "washer"]
    assert KEY not in listed
    assert "washer" in typed("status")
    typed("devices", "remove", "washer")
    assert "washer" not in typed("devices", "list")
    assert "washer" in typed.fails("devices", "remove", "washer")


def test_a_device_that_is_there_already_is_refused(typed: Typed) -> None:
    again = [word.replace("washer", "kettle") for word in ADD]
    assert "kettle" in typed.fails(*again)
    same_address = [word.replace("a4:c1:38:00:00:77", KETTLE.address.lower()) for word in ADD]
    assert KETTLE.address in typed.fails(*same_address)


def test_an_absence_is_announced_in_local_time_and_ended(typed: Typed) -> None:
    shown = typed("away", "--reason", "hospital", "--until", "2037-12-01 18:00", "--who", "복지사")
    assert "18:00" in shown
    away = typed.status()["away"]
    assert (away["reason"], away["who"]) == ("hospital", "복지사")
    assert datetime.fromisoformat(away["until"]) == datetime(2037, 12, 1, 9, tzinfo=UTC)
    assert "복지사" in typed("status")
    typed("away", "--end")
    assert typed.status()["away"] is None
    assert "nobody is announced" in typed.fails("away", "--end")


def test_an_absence_may_end_with_the_first_sign_of_life(typed: Typed) -> None:
    typed("away", "--reason", "trip")
    away = typed.status()["away"]
    assert away["until"] is None
    typed("away", "--end")


@pytest.mark.parametrize(
    ("until", "why"),
    [
        ("2020-01-01 10:00", "passed"),
        ("tomorrow", "2026-12-01 18:00"),
        ("2037-12-01", "without a time"),
        ("0001-01-01 00:00", "2026-12-01 18:00"),
        ("9999-12-31T23:59-05:00", "2026-12-01 18:00"),
    ],
)
def test_an_absence_needs_a_moment_to_come(typed: Typed, until: str, why: str) -> None:
    assert why in typed.fails("away", "--reason", "trip", "--until", until)


def test_an_alarm_is_held_back_and_taken_up_again(typed: Typed) -> None:
    typed("shelve", "device:kettle", "--for", "2 h")
    (alarm,) = typed.status()["alarms"]
    assert (alarm["key"], alarm["state"]) == ("device:kettle", "shelved")
    shown = typed("status")
    assert "device:kettle" in shown
    typed("shelve", "device:kettle", "--end")
    assert typed.status()["alarms"] == []


@pytest.mark.parametrize(
    ("alarm", "length", "why"),
    [
        ("fire", "2 h", "inactivity"),
        ("leak", "2 h", "no such alarm"),
        ("leak:oven", "2 h", "no such alarm"),
        ("sos:kettle", "2 h", "never"),
        ("device:kettle", "2 days", "units are"),
        ("device:kettle", "25 h", "1 min to 1 d"),
    ],
)
def test_what_cannot_be_held_back_is_said(typed: Typed, alarm: str, length: str, why: str) -> None:
    assert why in typed.fails("shelve", alarm, "--for", length)


def test_a_drill_is_sent_once(typed: Typed) -> None:
    typed("drill", "--who", "설치기사")
    (alarm,) = typed.status()["alarms"]
    assert alarm["drill"]
    assert alarm["raised_at"] == alarm["since"]
    assert not alarm["delivered"]
    assert "(drill)" in typed("status")
    assert "still open" in typed.fails("drill")


def test_a_second_gateway_of_a_home_is_refused(typed: Typed) -> None:
    assert str(typed.home) in typed.fails("gateway")


# ---- no gateway


def test_who_asks_a_gateway_that_does_not_run_is_told_what_to_do(idle: Typed) -> None:
    for words in (["status"], ["drill"], ["away", "--end"], ["shelve", "leak", "--for", "1 h"]):
        assert "systemctl start ongi-gateway" in idle.fails(*words)


def test_the_registry_is_changed_without_a_gateway_and_that_is_said(idle: Typed) -> None:
    assert "does not run" in idle(*ADD)
    assert [one.id for one in Registry.load(idle.home).devices] == ["kettle", "washer"]
    assert "washer" in idle("devices", "list")
    assert "does not run" in idle("devices", "remove", "washer")
    assert [one.id for one in Registry.load(idle.home).devices] == ["kettle"]


def test_a_gateway_that_does_not_answer_is_no_leave_to_change_its_files(
    idle: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.caller.ANSWER_WITHIN_S", 0.05)
    listener = packets.listen(idle.home / CONTROL_SOCKET, 0o600)
    assert "journalctl" in idle.fails(*ADD)
    assert len(Registry.load(idle.home).devices) == 1
    packets.unlisten(listener)


def test_a_key_can_be_kept_out_of_the_command_line(
    idle: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO(f"{KEY}\n"))
    idle(*ADD, "--key", "-")
    assert Registry.load(idle.home).keyed()[1].key == bytes.fromhex(KEY)


@pytest.mark.parametrize(
    ("old", "new", "right"),
    [
        ("a4:c1:38:00:00:77", "a4:c1:38", "A4:C1:38:0B:1E:2F"),
        ("power_w, relay_on", "power", "did you mean 'power_w'"),
        ("power_w, relay_on", ",", "power_w"),
        ("10 min", "10", "10 min"),
        ("10 min", "10 m", "units are"),
        ("washer", "Washer", "lower-case"),
    ],
)
def test_what_is_wrong_with_a_device_is_said_with_what_is_right(
    idle: Typed, old: str, new: str, right: str
) -> None:
    said = idle.fails(*[word.replace(old, new) for word in ADD])
    # As an example or a limit: "10 min" is neither, but its unit is.
    assert right in said or right.partition(" ")[2] in said
    assert len(Registry.load(idle.home).devices) == 1


def test_a_key_that_is_none_is_not_repeated(idle: Typed) -> None:
    said = idle.fails(*ADD, "--key", KEY[:-1])
    assert "31 digits" in said
    assert KEY[:-1] not in said


def test_what_a_plug_is_for_is_entered_and_shown(idle: Typed) -> None:
    idle(*ADD, "--use", "heating")
    assert Registry.load(idle.home).devices[-1].use is Use.HEATING
    assert "heating" in idle("devices", "list")
    assert "난방" in idle("devices", "list", "--language", "ko")
    assert json.loads(idle("devices", "list", "--json"))[-1]["use"] == "heating"


def test_a_home_that_is_not_there_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "--home" in Typed(tmp_path / "nowhere", capsys).fails("devices", "list")


@pytest.mark.parametrize(
    "words",
    [
        ["status", "--verbose"],
        ["devices"],
        ["devices", "add"],
        ["away"],
        ["away", "--reason", "outing"],
        ["shelve", "leak:kettle"],
        ["status", "--language", "fr"],
        ["acknowledge"],
    ],
)
def test_a_wrong_command_line_ends_with_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "usage: ongi" in said
    assert said.count("usage: ") == 1


def test_the_home_comes_from_the_environment(
    idle: Typed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ONGI_HOME", str(idle.home))
    assert cli.main(["devices", "list"]) == 0
    assert "kettle" in capsys.readouterr().out


# ---- files


def test_a_home_in_order_is_said_to_be(idle: Typed) -> None:
    assert "in order" in idle("check-config")
    assert cli.main(["check-config", str(idle.home)]) == 0


def test_a_warning_does_not_fail_the_check(idle: Typed) -> None:
    Registry.load(idle.home).remove_device(KETTLE.id)
    assert "Warning: registry.json" in idle("check-config")


def spoil_site(home: Path) -> None:
    (home / "site.toml").write_text(SITE.replace("residents", "residnets"))


def spoil_registry(home: Path) -> None:
    text = (home / "registry.json").read_text().replace('"power_w"', '"power"')
    (home / "registry.json").write_text(text)


def spoil_identity(home: Path) -> None:
    (home / "keys" / "uplink.toml").unlink()


@pytest.mark.parametrize(
    ("spoil", "where", "right"),
    [
        (spoil_site, "site.toml: site.residnets", "did you mean 'residents'"),
        (spoil_registry, "registry.json: devices", "did you mean 'power_w'"),
        (spoil_identity, "uplink.toml", "gateway enrol"),
    ],
)
def test_the_gateway_refuses_to_start_with_what_the_check_says(
    idle: Typed, spoil: Callable[[Path], None], where: str, right: str
) -> None:
    spoil(idle.home)
    idle("check-config", status=1)
    checked = idle.out
    assert where in checked
    assert right in checked
    assert "would not start" in idle.err
    assert idle.fails("gateway").removeprefix("ongi: ") == checked
    assert not (idle.home / "journal.sqlite").exists()


def test_the_gateway_says_all_that_is_wrong_at_once(idle: Typed) -> None:
    spoil_site(idle.home)
    spoil_registry(idle.home)
    said = idle.fails("gateway")
    assert "site.toml" in said
    assert "registry.json" in said


# ---- evidence


def test_the_evidence_of_a_running_gateway_is_exported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "taken.jsonl"
    typed = Typed(home_with(tmp_path, KETTLE), capsys)
    with daemon(typed.home):
        typed("drill")
        assert f"events in {out}" in typed("export", "--out", str(out))
        assert "keep it where nobody else can read it" in typed.err
        found = read(out)
        # Exported again, the older file is replaced.
        typed("export", "--redact", "--out", str(out))
        assert typed.err == ""
    assert (found.head.gateway, found.head.redacted) == ("seongdong-0042", False)
    assert [device.id for device in found.head.devices] == ["kettle"]
    assert any(isinstance(event, Escalated) and event.drill for event in found.events)
    assert out.stat().st_mode & 0o777 == 0o600
    redacted = read(out)
    assert redacted.head.redacted
    assert datetime.now(UTC) - moment(redacted.events[-1]) > timedelta(days=365)
    text = out.read_text()
    for name in ("seongdong", "kettle", "거실", "A4:C1"):
        assert name not in text
    # The gateway is stopped by now.
    typed("export", "--redact", "--keep-dates", "--out", str(out))
    assert not read(out).head.shifted


def test_evidence_outlives_the_gateway_and_its_kill(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    typed = Typed(home_with(tmp_path / "home", KETTLE), capsys)
    assert "no evidence" in typed.fails("export")
    for _ in range(3):
        with daemon(typed.home) as process:
            process.kill()
    with daemon(typed.home) as process:
        process.terminate()
        process.wait(timeout=DEADLINE_S)
    typed("export", "--language", "ko")
    found = read(tmp_path / "evidence.jsonl")
    assert [event.boot for event in found.events if isinstance(event, Started)] == [1, 2, 3, 4]
    assert found.head.devices == Registry.load(typed.home).devices
    typed("export", "--since", "2026-01-01")
    assert "earlier moment" in typed.fails("export", "--since", "2199-01-01 10:00")
    assert "--since found: 'soon'" in " ".join(typed.fails("export", "--since", "soon").split())


@pytest.mark.parametrize("out", ["missing/taken", "folder"])
def test_an_export_that_cannot_be_written_is_refused(
    home: Path, out: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    said = Typed(home, capsys).fails("export", "--out", str(tmp_path / out))
    assert "--out" in said
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_an_export_that_the_disk_has_no_room_for_leaves_the_old_file(
    home: Path, tmp_path: Path
) -> None:
    out = tmp_path / "taken"
    out.write_text("an older one")
    command = f"ulimit -f 1; exec {sys.executable} -m ongi export --home {home} --out {out}"
    run = subprocess.run(
        ["sh", "-c", command], timeout=DEADLINE_S, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "file too large" in run.stderr
    assert "Traceback" not in run.stderr
    assert out.read_text() == "an older one"
    assert list(tmp_path.iterdir()) == [out]


# ---- the process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_gateway_that_is_told_to_stop_leaves_its_files_in_order(
    tmp_path: Path, number: signal.Signals
) -> None:
    home = home_with(tmp_path, KETTLE)
    with daemon(home) as process:
        process.send_signal(number)
        _, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert "Traceback" not in err, err[err.index("Traceback") - 600 :]
    # The folder is in memory and gone, or on the disk and empty.
    assert list((home / "run").glob("*")) == []
    with daemon(home) as process:
        process.kill()
    with daemon(home):
        pass  # A socket that a killed gateway left is in nobody's way.


@pytest.mark.root
def test_what_root_enters_stays_readable_for_the_gateway(tmp_path: Path) -> None:
    home = home_with(tmp_path, device("kettle"))
    for path in (home, *home.rglob("*")):
        shutil.chown(path, 65534, 65534)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    command = [sys.executable, "-m", "ongi", *ADD, "--home", str(home)]
    subprocess.run(command, check=True, timeout=DEADLINE_S, capture_output=True)
    assert {path.stat().st_uid for path in home.rglob("*")} == {65534}


# ---- in Korean


def test_what_is_wrong_is_told_in_korean_first(
    idle: Typed, capsys: pytest.CaptureFixture[str]
) -> None:
    site = idle.home / "site.toml"
    site.write_text(site.read_text().replace("residents = 1", "residnts = 1"))
    assert cli.main(["check-config", "--language", "ko", "--home", str(idle.home)]) == 1
    told = capsys.readouterr().out
    assert "알 수 없는 항목" in told
    assert "혹시 'residents' 아닌가요? 쓸 수 있는 항목: id, name" in told
    assert "known" not in told


def test_a_refusal_of_the_running_gateway_is_told_in_korean(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["devices", "remove", "oven", "--language", "ko", "--home", str(home)]
    assert cli.main(given) == 1
    told = capsys.readouterr().err
    assert "그런 기기가 없음: 'oven'" in told
    assert "등록된 기기: kettle" in told
    assert "no device" not in told
