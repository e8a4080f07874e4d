"""The launcher: the whole chain on one clock, as whoever types `make run` sees it."""

import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2 as httpx
import pytest

pytestmark = pytest.mark.processes

RUN = (sys.executable, "-m", "sim", "run", "--language", "en", "--port", "0", "--coap-port", "0")
DEADLINE_S = 90.0


class Watched:
    """A launcher and what it has said so far."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.process = process
        self.said = ""
        self._descriptor = descriptor

    def until(self, pattern: str) -> re.Match[str]:
        """Read on until the pattern is found; the match."""
        deadline = time.monotonic() + DEADLINE_S
        while (found := re.search(pattern, self.said)) is None:
            left = deadline - time.monotonic()
            readable, _, _ = select.select([self._descriptor], [], [], max(0.0, left))
            assert readable, f"no {pattern!r} in:\n{self.said}"
            assert self._more(), f"ended without {pattern!r}:\n{self.said}"
        return found

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal to it, as the terminal does to all of its group, and read to the end."""
        os.killpg(self.process.pid, number)
        return self.end()

    def end(self) -> int:
        while self._more():
            pass
        return self.process.wait(30)

    def _more(self) -> bool:
        try:
            data = os.read(self._descriptor, 65_536)
        except OSError:
            data = b""  # The other end of a terminal is gone.
        self.said += data.decode(errors="replace")
        return bool(data)


@contextmanager
def _launched(
    data: Path, *arguments: str, terminal: bool = False, path: str | None = None
) -> Iterator[Watched]:
    ours, theirs = pty.openpty() if terminal else os.pipe()
    with subprocess.Popen(
        [*RUN, "--data", str(data), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={
            **os.environ,
            "TERM": "xterm-256color",
            "COLUMNS": "120",
            "PATH": os.environ["PATH"] if path is None else path,
        },
        start_new_session=True,
    ) as process:
        os.close(theirs)
        try:
            yield Watched(process, ours)
        finally:
            if process.poll() is None:
                process.terminate()
            os.close(ours)
    assert _left(data) == []


def _left(data: Path) -> list[str]:
    """Processes that still have this run's folder on their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if os.fsencode(data) in line:
            found.append(line.decode().replace("\0", " "))
    return found


@contextmanager
def _operator(watched: Watched) -> Iterator[httpx.Client]:
    url = watched.until(r"http://127\.0\.0\.1:\d+")[0]
    password = watched.until(r"Password: (\S+)")[1]
    with httpx.Client(base_url=url, headers={"Origin": url}, follow_redirects=True) as browser:
        answer = _post(browser, "/login", "/login", name="operator", password=password)
        assert answer.url.path == "/"
        yield browser


def _post(browser: httpx.Client, page: str, path: str, **form: str) -> httpx.Response:
    csrf = re.search(r'name="csrf" value="([0-9a-f]+)"', browser.get(page).text)
    assert csrf is not None
    answer = browser.post(path, data={"csrf": csrf[1], **form})
    assert answer.is_success
    return answer


def _assert_all_heard(data: Path) -> None:
    """Of thousands of frames at most those are missing that were on their way at the end."""
    log = (data / "logs" / "home.log").read_text()
    tally = re.search(r"reached the adapter: (\d+); heard by the driver: (\d+); not.*: 0\n", log)
    assert tally is not None, log
    assert 0 <= int(tally[1]) - int(tally[2]) <= 32


@pytest.mark.once
def test_a_collapse_is_found_taken_and_closed(tmp_path: Path) -> None:
    with _launched(tmp_path / "run", "--speed", "20000") as watched:
        watched.until("goes to bed")
        watched.until("collapses")
        watched.until("gateway +asks whether all is well")
        watched.until("gateway +no answer: sends an escalation")
        watched.until("gateway +the center confirms that it has stored it")
        watched.until("center +stored, waiting to be taken: .*No sign of life for 8 h")
        watched.until("Waiting for a person")
        with _operator(watched) as browser:
            case = re.search(r"/cases/[0-9a-f]{32}", browser.get("/").text)
            assert case is not None
            _post(browser, case[0], f"{case[0]}/take")
            watched.until("center +operator took the case")
            watched.until("gateway +learns that a person has taken the case")
            watched.until("resident +the light in the home shows that help is coming")
            _post(browser, case[0], f"{case[0]}/close", outcome="real", text="was on the floor")
        watched.until("center +operator closed the case: ")
        watched.until("gateway +learns that the case is closed")
        watched.until("resident +is well again")
        watched.until("From here on time runs as it does outside")
        assert watched.stop() == 0
        assert watched.said.endswith("Stopped.\n")
    _assert_all_heard(tmp_path / "run")
    story = watched.said
    assert story.count("sends an escalation") == 1
    assert story.count("asks whether") == 1
    assert "reports a fault" not in story
    assert "Traceback" not in story


def test_a_terminal_is_given_back_as_it_was(tmp_path: Path) -> None:
    with _launched(tmp_path / "run", "--collapse", "none", terminal=True) as watched:
        watched.until("goes to bed")
        watched.until(r"4,800x")
        watched.until(r"\x1b\[\?25l")  # The cursor is hidden while the progress stands there ...
        assert watched.stop() == 0
        assert "\x1b[?25h" in watched.said  # ... and shown again.
        assert "Stopped." in watched.said
        assert "Traceback" not in watched.said


def test_a_process_that_dies_stops_the_rest(tmp_path: Path) -> None:
    data = tmp_path / "run"
    with _launched(data, "--collapse", "none") as watched:
        watched.until("goes to bed")
        ours = [
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and _is_gateway(entry, data)
        ]
        (gateway,) = ours
        os.kill(gateway, signal.SIGKILL)
        assert watched.end() == 1
        assert "gateway ended by itself (status -9)" in watched.said
        assert "edge.house" in watched.said
        assert "Traceback" not in watched.said


def _is_gateway(entry: Path, data: Path) -> bool:
    try:
        words = (entry / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"gateway" in words and os.fsencode(data) in words


def test_a_launcher_that_is_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    data = tmp_path / "run"
    with _launched(data, "--collapse", "none") as watched:
        watched.until("goes to bed")
        assert any("dbus-daemon" in line for line in _left(data))
        os.kill(watched.process.pid, signal.SIGKILL)
        deadline = time.monotonic() + DEADLINE_S
        while _left(data):
            assert time.monotonic() < deadline, _left(data)
            time.sleep(0.05)


def test_the_virtual_bluetooth_is_missed_when_its_bus_dies(tmp_path: Path) -> None:
    data = tmp_path / "run"
    with _launched(data, "--collapse", "none") as watched:
        watched.until("goes to bed")
        (bus,) = (
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and _is_bus(entry, data)
        )
        os.kill(bus, signal.SIGKILL)
        assert watched.end() == 1
        assert "The bus of the virtual Bluetooth has ended." in watched.said
        assert "Traceback" not in watched.said


def _is_bus(entry: Path, data: Path) -> bool:
    try:
        line = (entry / "cmdline").read_bytes()
    except OSError:
        return False
    return b"dbus-daemon" in line and os.fsencode(data) in line


def test_what_is_to_be_installed_is_said(tmp_path: Path) -> None:
    with _launched(tmp_path / "run", path=str(tmp_path)) as watched:
        assert watched.end() == 2
        assert "dbus-daemon" in watched.said
        assert "apt-get install -y --no-install-recommends dbus-daemon" in watched.said
        assert "Starting" not in watched.said


def test_stopped_while_it_starts(tmp_path: Path) -> None:
    with _launched(tmp_path / "run") as watched:
        watched.until("Starting the center")
        assert watched.stop(signal.SIGTERM) == 0
        assert "Stopped." in watched.said
        assert "Traceback" not in watched.said


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with _launched(tmp_path / "run", "--port", port) as watched:
            assert watched.end() == 2
            assert f"port {port}" in watched.said
            assert "choose another port with --port N" in watched.said


@pytest.mark.once
def test_a_recording_is_played_and_its_person_found(tmp_path: Path) -> None:
    path = tmp_path / "home.csv"
    lines = ["timestamp,sensor,kind,value"]
    for day in range(1, 13):
        for hour in (7, 12, 18, 22):
            at = f"2026-03-{day:02}T{hour:02}"
            lines += [
                f"{at}:00:00,Bed/Bedroom,pressure,ON",
                f"{at}:05:00,Fridge/Kitchen,door,OPEN",
                f"{at}:05:10,Fridge/Kitchen,door,CLOSE",
                f"{at}:20:00,Scale,weight,61",
                f"{at}:30:00,Bed/Bedroom,pressure,OFF",
            ]
    path.write_text("\n".join([*lines, ""]))
    arguments = ("--home-csv", str(path), "--collapse", "12:10")
    with _launched(tmp_path / "run", *arguments) as watched:
        watched.until("Left out: 48 rows of the unknown kind weight")
        watched.until("There are no 28 days before 2026-03-11")
        watched.until("16 events of the resident on 2026-03-10")
        watched.until("collapses")
        watched.until("gateway +asks whether all is well")
        watched.until("center +stored, waiting to be taken: .*No sign of life for")
        assert watched.stop() == 0
    assert "reports a fault" not in watched.said
    assert watched.said.count("asks whether") == 1


@pytest.mark.once
def test_a_prompt_that_is_answered_escalates_nothing(tmp_path: Path) -> None:
    path = tmp_path / "home.csv"
    lines = ["timestamp,sensor,kind,value"]
    for day in range(1, 14):
        for hour in (7, 18, 22) if day == 11 else (7, 12, 18, 22):
            at = f"2026-03-{day:02}T{hour:02}"
            lines += [
                f"{at}:00:00,Bed/Bedroom,pressure,ON",
                f"{at}:30:00,Bed/Bedroom,pressure,OFF",
            ]
    path.write_text("\n".join([*lines, ""]))
    arguments = ("--home-csv", str(path), "--day", "2026-03-13", "--collapse", "none")
    with _launched(tmp_path / "run", *arguments) as watched:
        watched.until("gateway +asks whether all is well")
        watched.until("resident +answers by pressing the button")
        watched.until("gateway +the answer is evidence of life: all is well")
        watched.until("events of the resident on 2026-03-12")
        assert watched.stop() == 0
    _assert_all_heard(tmp_path / "run")
    assert "sends an escalation" not in watched.said
    assert "reports a fault" not in watched.said


def test_a_malformed_recording_is_refused_before_anything_starts(tmp_path: Path) -> None:
    path = tmp_path / "home.csv"
    path.write_text("timestamp,sensor,kind,value\n2026-03-01T07:00:00,Bed,pressure,MAYBE\n")
    with _launched(tmp_path / "run", "--home-csv", str(path)) as watched:
        assert watched.end() == 2
    assert f"{path}:2\n  'MAYBE'\n  write one of ON, OFF" in watched.said
    assert "Starting" not in watched.said
