"""`ongi devices scan`, `watch`, `identify` with a real gateway: on a pipe and on a terminal."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from rules.air import Reception, Receptions, Said, Sighting, Survey
from rules.alarm import AlarmKind
from rules.command import Refusal, Signal
from rules.device import Link
from rules.inputs import CommandResult
from rules.observation import Phenomenon
from rules.wire import MAX_BYTES, Hello, Message, Observed, Order, decode, encode
from tests.edge.test_cli import DEADLINE_S, Typed, daemon
from tests.edge.test_config import KETTLE, LAMP, SIREN, SITE, home_with

pytestmark = pytest.mark.wall

P = Phenomenon
KETTLE_SEEN = Sighting(
    KETTLE.address, "hci0", -58, 7, KETTLE.id, "", "", "bthome", (Said(P.POWER_W, 31.5),), "", 3
)
NEW_SEEN = Sighting(
    *("7C:C6:B6:11:22:33", "hci0", -47, 7, None, "SBDW-002C", "Shelly", "bthome"),
    (Said(P.CONTACT_OPEN, True), Said(P.BATTERY_PCT, 99.0)),
    "",
    1,
)
LOCKED_SEEN = Sighting(
    "A4:C1:38:77:66:55", "attic", -88, 7, None, "", "", "mibeacon", (), "no_key", 1
)
LAMP_SEEN = Sighting(LAMP.address, "hci0", -70, 7, LAMP.id, "", "", "bthome", (), "wrong_key", 1)
WEAKER = Reception(KETTLE.id, "hci0", -84.6, -7.2, 2.5, drowned=True)
CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Radio:
    """A driver in a thread of its own: sees who is about, and obeys as it was told."""

    path: Path
    seen: list[Sighting] = field(default_factory=list)
    says: list[Observed] = field(default_factory=list)
    refusal: Refusal | None = None
    every_s: float = 0.1
    surveys: list[Survey] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
            peer.connect(str(self.path))
            peer.settimeout(0.02)
            peer.send(encode(Hello("ble", Link.BLE)))
            peer.send(encode(Receptions((WEAKER,))))
            due_s, looking = 0.0, False
            while not self._end.is_set():
                with suppress(TimeoutError):
                    match decode(peer.recv(MAX_BYTES)):
                        case Survey() as survey:
                            self.surveys.append(survey)
                            looking = survey.until_boottime_us > _boottime_us()
                        case Order() as order:
                            self.orders.append(order)
                            self._tell(peer, CommandResult(order.command.id, self.refusal))
                if time.monotonic() >= due_s:
                    due_s = time.monotonic() + self.every_s
                    for message in [*(self.seen if looking else ()), *self.says]:
                        self._tell(peer, message)

    @staticmethod
    def _tell(peer: socket.socket, message: Message) -> None:
        with suppress(TimeoutError):
            peer.send(encode(message))


def _boottime_us() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    site = SITE.replace('"192.0.2.7"', '"127.0.0.1"\nport = 9')
    found = home_with(tmp_path_factory.mktemp("home"), KETTLE, LAMP, SIREN, site=site)
    with daemon(found):
        yield found


@pytest.fixture
def typed(home: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    return Typed(home, capsys)


@pytest.fixture
def radio(home: Path, typed: Typed) -> Iterator[Radio]:
    """A driver that the gateway listens to, and no other."""
    made = Radio(home / "run" / "driver.sock")
    try:
        wait_until(lambda: connected(typed))
        yield made
    finally:
        made.stop()
        wait_until(lambda: not connected(typed))


def connected(typed: Typed) -> bool:
    return any(one["connected"] for one in typed.status()["plumbing"]["drivers"])


def wait_until(condition: Any) -> None:  # noqa: ANN401 -- anything that can be called
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def ongi(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "ongi", *words, "--home", str(home)]


# ------------------------------------------------------------------------------------- on a pipe


def test_in_a_pipe_there_is_a_line_for_each(typed: Typed, radio: Radio) -> None:
    radio.seen = [KETTLE_SEEN, NEW_SEEN, LOCKED_SEEN, LAMP_SEEN]
    lines = typed("devices", "scan", "--for", "1 s").splitlines()
    ours = next(line for line in lines if KETTLE.address in line)
    assert re.match(r"\d\d:\d\d:\d\d  -58 dBm strong  ", ours)
    assert "kettle · 거실  plug  Power 31.5 W  hci0" in ours
    new = next(line for line in lines if NEW_SEEN.address in line)
    assert "SBDW-002C · Shelly  BTHome  Contact open, Battery level 99 %  hci0" in new
    locked = next(line for line in lines if LOCKED_SEEN.address in line)
    assert "very weak" in locked
    assert "unknown  MiBeacon  encrypted  attic" in locked
    lamp = next(line for line in lines if LAMP.address in line)
    assert "refused: " in lamp
    assert "wrong_key" not in lamp
    wait_until(lambda: radio.surveys[-1].until_boottime_us <= _boottime_us())


def test_for_programs_there_is_a_json_line_for_each(typed: Typed, radio: Radio) -> None:
    radio.seen = [KETTLE_SEEN, NEW_SEEN]
    told = [
        json.loads(line)
        for line in typed("devices", "scan", "--json", "--for", "1 s").split("\n")
        if line
    ]
    ours = next(one for one in told if one["device"] == KETTLE.id)
    assert set(ours) == {
        *("at", "address", "source", "rssi_dbm", "boottime_us", "device", "name", "maker"),
        *("format", "said", "refused", "heard", "room", "model"),
    }
    assert (ours["room"], ours["said"]) == ("거실", {"power_w": 31.5})
    new = next(one for one in told if one["device"] is None)
    assert (new["room"], new["said"]["contact_open"]) == (None, True)


def test_a_reader_that_has_seen_enough_ends_it_quietly(home: Path, radio: Radio) -> None:
    radio.seen = [KETTLE_SEEN]
    with subprocess.Popen(
        ongi(home, "devices", "scan", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as looking:
        assert looking.stdout is not None
        assert looking.stderr is not None
        looking.stdout.readline()
        looking.stdout.close()
        assert looking.wait(DEADLINE_S) == 0
        assert looking.stderr.read() == ""


def test_a_reader_that_does_not_read_keeps_nobody_waiting(
    home: Path, typed: Typed, radio: Radio
) -> None:
    numbers = (number.to_bytes(6, "big").hex(":").upper() for number in range(200))
    radio.seen = [
        Sighting(number, "hci0", -60, 7, None, "n" * 40, "m" * 40, "", (), "", 1)
        for number in numbers
    ]
    radio.every_s = 0.05
    with subprocess.Popen(
        ongi(home, "devices", "scan", "--json"), stdout=subprocess.PIPE
    ) as looking:
        wait_until(lambda: radio.surveys)
        begin_s = time.monotonic()
        for _ in range(20):
            typed.status()
        assert time.monotonic() - begin_s < DEADLINE_S
        assert typed.status()["plumbing"]["drivers"][0]["dropped"] == 0
        looking.kill()
    wait_until(lambda: radio.surveys[-1].until_boottime_us <= _boottime_us())


def test_without_a_driver_there_is_nobody_who_could_look(typed: Typed) -> None:
    assert "no radio driver is connected" in typed.fails("devices", "scan", "--for", "1 s")


@pytest.mark.parametrize("length", ["2 h", "soon", "0 s"])
def test_how_long_it_may_last_is_said(typed: Typed, length: str) -> None:
    assert "--for" in typed.fails("devices", "scan", "--for", length)


# ---------------------------------------------------------------------------------- on a terminal


def on_terminal(argv: list[str], columns: int, rows: int, until: str) -> tuple[str, int]:
    """All that a command writes to a terminal, ended by Ctrl-C once it shows `until`."""
    pid, terminal = pty.fork()
    if pid == 0:
        # What runs the tests in the background has it ignore Ctrl-C; a technician's shell has not.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        # Not the C library's environment, in which readline has put a size of its own.
        os.execve(argv[0], argv, {**os.environ, "TERM": "xterm-256color"})  # noqa: S606 -- no shell
    size = struct.pack("HHHH", rows, columns, 0, 0)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)
    written, pressed, ended, end = b"", False, False, time.monotonic() + DEADLINE_S
    while not ended and time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                written += os.read(terminal, 65_536)
            except OSError:
                ended = True
        if not pressed and until in written.decode(errors="replace"):
            pressed = True
            os.write(terminal, b"\x03")
    if not ended:
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    return written.decode(errors="replace"), status


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("columns", [36, 80, 150])
def test_the_table_fits_and_ctrl_c_ends_it_cleanly(
    home: Path, radio: Radio, language: str, columns: int
) -> None:
    others = [
        Sighting(
            f"7C:00:00:00:00:{number:02X}",
            "hci0",
            -60 - number,
            7,
            None,
            "이름" * 9,
            "",
            "",
            (),
            "",
            1,
        )
        for number in range(30)
    ]
    radio.seen = [KETTLE_SEEN, NEW_SEEN, LAMP_SEEN, *others]
    argv = ongi(home, "devices", "scan", "--language", language)
    written, status = on_terminal(argv, columns, 20, NEW_SEEN.address)
    assert status == 0
    assert "Traceback" not in written
    assert written.rfind("\x1b[?25h") > written.rfind("\x1b[?25l"), "the cursor is shown again"
    lines = CONTROLS.sub("", written).replace("\r", "\n").split("\n")
    assert max(cell_len(line) for line in lines) <= columns
    assert any("거실" in line for line in lines)
    ours = max(at for at, line in enumerate(lines) if KETTLE.address in line)
    assert ours < max(at for at, line in enumerate(lines) if NEW_SEEN.address in line)
    assert ("dBm" in written) is (columns > 60)


@pytest.mark.parametrize("columns", [40, 60, 132])
def test_the_ctrl_c_that_the_terminal_shows_does_not_wrap(
    home: Path, radio: Radio, columns: int
) -> None:
    radio.seen = [KETTLE_SEEN, replace(NEW_SEEN, name="a name " * 20)]
    written, _ = on_terminal(ongi(home, "devices", "scan"), columns, 20, NEW_SEEN.address)
    before, pressed, _ = written.partition("^C")
    assert pressed
    last = re.split("[\r\n]", CONTROLS.sub("", before))[-1]
    assert cell_len(last) + len("^C") < columns


@pytest.mark.parametrize("columns", [60, 120])
@pytest.mark.parametrize("command", [("status",), ("devices", "list")])
@pytest.mark.usefixtures("radio")
def test_names_and_addresses_stay_whole_on_a_terminal(
    home: Path, command: tuple[str, ...], columns: int
) -> None:
    written, status = on_terminal(ongi(home, *command), columns, 40, "never")
    assert status == 0
    lines = CONTROLS.sub("", written).replace("\r", "").split("\n")
    assert max(map(cell_len, lines)) <= columns
    words = [word for line in lines for word in line.split()]
    for device in (KETTLE, LAMP, SIREN):
        assert words.count(device.id) == 1
        assert words.count(device.address) == (command != ("status",))


def test_what_is_watched_ends_by_ctrl_c(home: Path, radio: Radio) -> None:
    radio.says = [Observed(KETTLE.id, P.POWER_W, 1500.0, 7)]
    written, status = on_terminal(ongi(home, "devices", "watch"), 60, 20, "1500 W")
    assert status == 0
    assert "Traceback" not in written


# ----------------------------------------------------------------------------------------- watch


def test_what_the_homes_devices_say_comes_with_how_they_are_received(
    typed: Typed, radio: Radio
) -> None:
    radio.says = [
        Observed(KETTLE.id, P.POWER_W, 31.5, 7),
        Observed(KETTLE.id, P.LINK_QUALITY, 76.0, 7),
        Observed(LAMP.id, P.ILLUMINANCE_LX, 12.0, 7),
    ]
    lines = typed("devices", "watch", "kettle", "--for", "1 s").splitlines()
    assert not [line for line in lines if "lamp" in line]
    power = next(line for line in lines if "31.5 W" in line)
    assert re.match(r"\d\d:\d\d:\d\d  거실  kettle  Power 31.5 W  ▂", power)
    assert "7 dB weaker than yesterday; drowned out by other radio, Wi-Fi mostly" in power
    assert any("-62 dBm good" in line for line in lines), "as it was heard last"
    told = [
        json.loads(line)
        for line in typed("devices", "watch", "--json", "--for", "1 s").split("\n")
        if line
    ]
    assert {one["device"] for one in told} == {"kettle", "lamp"}
    kettle = next(one for one in told if one["device"] == "kettle")
    assert kettle["reception"]["drowned"] is True
    assert kettle["room"] == "거실"


def test_only_devices_of_the_home_can_be_watched(typed: Typed) -> None:
    assert "no device of this name" in typed.fails("devices", "watch", "oven", "--for", "1 s")


# -------------------------------------------------------------------------------------- identify


def test_a_device_shows_itself(typed: Typed, radio: Radio) -> None:
    assert "kettle in 거실: it shows itself" in typed("devices", "identify", "kettle")
    (order,) = radio.orders
    assert order.command.signal is Signal.IDENTIFY


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (Refusal.UNREACHABLE, "not reached"),
        (Refusal.UNSUPPORTED, "cannot show itself"),
        (Refusal.EXPIRED, "no answer in time"),
        (Refusal.REFUSED, "try again"),
    ],
)
def test_what_came_of_it_is_told_honestly(
    typed: Typed, radio: Radio, refusal: Refusal, words: str
) -> None:
    radio.refusal = refusal
    typed("devices", "identify", "kettle", status=1)
    assert words in typed.err
    raised = {one["key"] for one in typed.status()["alarms"]}
    assert not [key for key in raised if key.startswith(AlarmKind.COMMAND_FAILED)]


@pytest.mark.parametrize(
    ("id_", "words"), [("siren", "neither a light nor a buzzer"), ("oven", "no such device")]
)
def test_what_cannot_show_itself_is_refused(
    typed: Typed, radio: Radio, id_: str, words: str
) -> None:
    assert words in typed.fails("devices", "identify", id_)
    assert not radio.orders


def test_without_its_driver_a_device_is_not_asked(typed: Typed) -> None:
    assert "driver of its radio is not connected" in typed.fails("devices", "identify", "kettle")


# ------------------------------------------------------------------------------------ receptions


@pytest.mark.usefixtures("radio")
def test_how_devices_are_received_is_shown(typed: Typed) -> None:
    words = "-85 dBm very weak; 7 dB weaker than yesterday; drowned out by other radio"
    for command in (("status",), ("devices", "list")):
        wait_until(lambda command=command: words in " ".join(typed(*command).split()))
    (kettle,) = (one for one in typed.status()["devices"] if one["id"] == "kettle")
    assert kettle["reception"]["rssi_dbm"] == -84.6
    listed = {one["id"]: one for one in json.loads(typed("devices", "list", "--json"))}
    assert listed["kettle"]["reception"]["drowned"] is True
    assert listed["lamp"]["reception"] is None
