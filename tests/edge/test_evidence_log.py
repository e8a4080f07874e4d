"""The log on disk: batched, bounded, read again after kills and damage, and never in the way."""

import logging
import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.evidence_files import ALL_BYTES, FILE_BYTES, FILES_MAX, EvidenceFiles, files
from edge.evidence_history import History, history
from edge.evidence_line import Evidence, Missed, moment
from edge.evidence_log import KEPT, EvidenceLog, Standing
from edge.happening import Delivered
from rules.alarm import AlarmKey, AlarmKind
from rules.device import Liveness
from rules.events import (
    OUTSIDE,
    CaseTaken,
    DevicesChanged,
    Escalated,
    LifeSeen,
    LivenessChanged,
    Started,
    TimeMoved,
)
from rules.observation import DeviceId, Observation, Phenomenon
from rules.sentence import Say, sentence
from tests.edge.peers import device
from tests.edge.test_journal_disk import in_own_mounts

AT = datetime(2026, 1, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
DOOR = device("front-door", Phenomenon.CONTACT_OPEN)
LEAK = AlarmKey(AlarmKind.LEAK, DOOR.id)


class Home:
    """A log and the clock by which it is fed."""

    def __init__(self, folder: Path, *, trusted: bool = True, now: datetime = AT) -> None:
        self.folder = folder / "evidence"
        self.now = now
        self.standing = Standing((DOOR,), trusted)
        self.log = EvidenceLog(EvidenceFiles(self.folder), lambda: self.standing)
        self.open = False

    def passes(self, after: timedelta) -> None:
        """The door opens or shuts after a while."""
        self.now += after
        self.open = not self.open
        self.log.tell(Observation(DOOR.id, Phenomenon.CONTACT_OPEN, self.open, self.now, self.now))
        self.log.tend(self.now)

    def size(self) -> int:
        return sum(path.stat().st_size for path in files(self.folder))

    def read(self) -> History:
        return history(self.folder)


def opened(events: tuple[Evidence, ...]) -> list[datetime]:
    return [event.result_time for event in events if isinstance(event, Observation)]


def test_lines_are_written_together_once_a_minute(tmp_path: Path) -> None:
    home = Home(tmp_path)
    sizes = []
    for _ in range(600):
        home.passes(5 * SECOND)
        sizes.append(home.size() if home.folder.exists() else 0)
    assert len(set(sizes)) <= 600 * 5 / 60 + 1
    home.log.write(home.now)
    # One hour keeps 120 of a contact that chatters.
    assert len(opened(home.read().events)) == 120


def test_nothing_is_written_where_nothing_new_is_said(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.passes(SECOND)
    home.log.write(home.now)
    before = home.size()
    for n in range(1000):
        at = home.now + n * SECOND
        home.log.tell(Observation(DOOR.id, Phenomenon.CONTACT_OPEN, True, at, at))
        home.log.tend(at)
    home.log.write(home.now + DAY)
    assert home.size() == before


def test_an_escalation_is_on_disk_after_its_decision_and_explains_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path)
    said = (sentence(Say.LEAK, at=AT, room="욕실"),)
    home.log.tell(Escalated(AT, 7, LEAK, 3, said, "욕실", b"\1\2"))
    home.log.tell(Delivered(AT, 7))
    home.log.tend(AT)
    assert home.read().events == (Escalated(AT, 7, LEAK, 3, (), "", b""),)


def test_of_life_only_what_came_from_outside_is_logged(tmp_path: Path) -> None:
    home = Home(tmp_path)
    outside = LifeSeen(AT, DeviceId(OUTSIDE + "telecom"), Phenomenon.LIFE_SIGN, counted=True)
    home.log.tell(LifeSeen(AT, DOOR.id, Phenomenon.CONTACT_OPEN, counted=True))
    home.log.tell(outside)
    home.log.write(AT)
    assert home.read().events == (outside,)


def test_each_file_says_what_held_when_it_began(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for _ in range(50):
        home.passes(DAY / 10)
    home.log.write(home.now)
    found = files(home.folder)
    assert len(found) == 5
    found[0].unlink()
    later = home.read()
    assert later.trusted
    assert later.devices == (DOOR,)
    # And it is told but once.
    assert not any(isinstance(event, DevicesChanged | TimeMoved) for event in later.events)


def test_a_new_run_goes_on_in_the_same_file(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for run in range(5):
        home = Home(tmp_path, now=AT + run * 600 * SECOND)
        home.log.tell(Started(home.now, run, SECOND))
        home.passes(SECOND)
        home.log.write(home.now)
    assert len(files(home.folder)) == 1
    assert [event.boot for event in home.read().events if isinstance(event, Started)] == [
        *range(5)
    ]


def test_each_file_says_what_every_device_last_said(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for n in range(40):
        at = AT + n * DAY / 10
        home.log.tell(Observation(DOOR.id, Phenomenon.CONTACT_OPEN, False, at, at))
        home.log.tell(Observation(DOOR.id, Phenomenon.TAMPER, n % 2 == 1, at, at))
        home.log.tend(at + 60 * SECOND)
    for path in files(home.folder)[:-1]:
        assert DOOR.id.encode() + b'","what":"contact_open","value":false' in path.read_bytes()


def test_who_was_silent_when_evidence_begins_is_told(tmp_path: Path) -> None:
    lamp = device("lamp")
    home = Home(tmp_path)
    home.standing = Standing((DOOR, lamp), trusted=True, silent={lamp.id: Liveness.DEAD})
    for _ in range(12):
        home.passes(DAY / 4)
    home.log.tell(LivenessChanged(home.now, lamp.id, Liveness.LIVE))
    home.standing = replace(home.standing, silent={})
    for _ in range(12):
        home.passes(DAY / 4)
    home.log.write(home.now)

    def told(since: datetime) -> list[tuple[timedelta, Liveness]]:
        events = history(home.folder, since).events
        return [
            (event.at - AT, event.liveness)
            for event in events
            if isinstance(event, LivenessChanged)
        ]

    assert told(AT) == [(DAY / 4, Liveness.DEAD), (3 * DAY, Liveness.LIVE)]
    assert told(AT + DAY) == [(DAY, Liveness.DEAD), (3 * DAY, Liveness.LIVE)]
    assert told(AT + 4 * DAY) == []
    files(home.folder)[0].unlink()
    assert [how for _, how in told(AT)] == [Liveness.DEAD, Liveness.LIVE]


# ---- bounds


def test_evidence_older_than_90_days_is_deleted(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for _ in range(120):
        home.passes(DAY)
    home.log.write(home.now)
    kept = opened(home.read().events)
    assert home.now - KEPT - 2 * DAY <= kept[0] <= home.now - KEPT + DAY
    assert len(kept) >= KEPT / DAY


def test_nothing_is_deleted_by_a_clock_that_nobody_vouches_for(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for _ in range(5):
        home.passes(DAY)
    home.log.write(home.now)
    wrong = Home(tmp_path, trusted=False, now=home.now + 1000 * DAY)
    wrong.passes(SECOND)
    wrong.log.write(wrong.now)
    assert len(opened(home.read().events)) == 6
    right = Home(tmp_path, now=home.now + 1001 * DAY)
    right.passes(SECOND)
    right.log.write(right.now)
    assert opened(home.read().events) == [wrong.now, right.now]


def test_a_clock_that_is_set_back_puts_nothing_off(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.passes(SECOND)
    home.log.tend(AT - 14 * DAY)
    assert len(home.read().events) == 1
    for n in range(20):
        home.now = AT - 14 * DAY if n % 2 else AT
        home.passes(SECOND)
    home.log.write(home.now)
    assert len(opened(home.read().events)) == 21
    assert len(files(home.folder)) < 5


def test_all_files_together_are_bounded(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    log = EvidenceFiles(folder)
    line = b'{"at":"2026-01-05T00:00:00Z","is":"home"}' + b" " * 60_000
    for _ in range(40):
        log.begin()
        for _ in range(FILE_BYTES // len(line)):
            log.append([line])
        assert sum(path.stat().st_size for path in files(folder)) <= ALL_BYTES
    assert files(folder)[-1].name == "000040.log"
    for _ in range(FILES_MAX):
        log.begin()
    assert len(files(folder)) == FILES_MAX


# ---- damage


def test_killed_at_any_moment_it_has_all_but_the_last_lines(tmp_path: Path) -> None:
    script = """
import sys
from datetime import timedelta
from pathlib import Path
from tests.edge.test_evidence_log import AT, Home
home = Home(Path(sys.argv[1]), now=AT + int(sys.argv[2]) * timedelta(days=1))
while True:
    home.passes(timedelta(seconds=31))
    print((home.now - AT) // timedelta(seconds=1), flush=True)
"""
    draw = random.Random(20261122)
    folder = tmp_path / "evidence"
    found = history(folder)
    for run in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), str(run)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout
            last = 0
            for _ in range(draw.randrange(50, 400)):
                last = int(writer.stdout.readline())
            os.kill(writer.pid, signal.SIGKILL)
        found = history(folder)
        assert found.damaged <= run + 1
        newest = opened(found.events)[-1]
        assert newest >= AT + last * SECOND - 70 * SECOND
        assert [*found.events] == sorted(found.events, key=moment)
    assert len({at.date() for at in opened(found.events)}) == 6


@pytest.mark.parametrize("cut", [1, 17, 60])
def test_a_torn_file_is_kept_and_a_new_one_is_begun(
    cut: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = Home(tmp_path)
    for _ in range(10):
        home.passes(30 * SECOND)
    home.log.write(home.now)
    (path,) = files(home.folder)
    torn = path.read_bytes()[:-cut]
    path.write_bytes(torn)
    again = Home(tmp_path, now=home.now)
    with caplog.at_level(logging.WARNING):
        again.passes(30 * SECOND)
        again.log.write(again.now)
    assert "000001.log is damaged" in caplog.text
    assert path.read_bytes() == torn
    found = again.read()
    assert len(opened(found.events)) == 10


def test_a_flipped_bit_costs_one_line(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for _ in range(10):
        home.passes(30 * SECOND)
    home.log.write(home.now)
    (path,) = files(home.folder)
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        damaged = bytearray(whole)
        damaged[at] ^= 4
        path.write_bytes(damaged)
        found = home.read()
        # One of the two that say what held, or one that the door wrote.
        assert len(opened(found.events)) >= 9
        assert found.damaged <= 2


def test_while_the_disk_fails_lines_are_dropped_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = Home(tmp_path)
    home.passes(SECOND)
    home.log.write(home.now)
    (path,) = files(home.folder)
    path.rename(path.with_suffix(".well"))
    # Every write to it finds no room.
    path.symlink_to("/dev/full")
    with caplog.at_level(logging.WARNING):
        for _ in range(10):
            home.passes(2 * 60 * SECOND)
        assert caplog.text.count("cannot be written: No space left on device") == 1
        assert home.log.missed == 10
        path.unlink()
        path.with_suffix(".well").rename(path)
        home.passes(120 * SECOND)
        home.log.write(home.now)
        assert "10 lines are missing" in caplog.text
    found = home.read()
    assert found.damaged == 0
    assert len(opened(found.events)) == 2
    assert [event.lines for event in found.events if isinstance(event, Missed)] == [10]
    assert len(files(home.folder)) == 1


def test_a_line_that_was_written_in_part_is_taken_back(tmp_path: Path) -> None:
    script = """
import resource, sys
from datetime import timedelta
from pathlib import Path
from tests.edge.test_evidence_log import Home, files
home = Home(Path(sys.argv[1]))
for n in range(6):
    home.passes(timedelta(minutes=2))
    full = home.size() + 50 if n % 2 else resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_FSIZE, (full, resource.RLIM_INFINITY))
    home.log.write(home.now)
    assert all(path.read_bytes().endswith(b"}" + bytes([10])) for path in files(home.folder))
found = home.read()
assert (home.log.missed, found.damaged) == (1, 0), found
assert len(found.events) == 5, found
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert "File too large" in done.stderr


def test_a_folder_that_cannot_be_made_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_bytes(b"in the way")
    home = Home(tmp_path)
    for _ in range(10):
        home.passes(120 * SECOND)
    assert home.log.missed >= 9
    (tmp_path / "evidence").unlink()
    home.passes(120 * SECOND)
    home.log.write(home.now)
    found = home.read()
    assert found.devices == (DOOR,)
    assert any(isinstance(event, Missed) for event in found.events)


def test_the_last_room_on_a_disk_is_left_to_the_journal(tmp_path: Path) -> None:
    script = """
import sys
from datetime import timedelta
from pathlib import Path
from tests.edge.test_evidence_log import Home
home = Home(Path(sys.argv[1]))
for _ in range(10):
    home.passes(timedelta(minutes=2))
assert home.log.missed == 10, home.log.missed
assert not list(Path(sys.argv[1]).rglob("*"))
"""
    command = in_own_mounts(tmp_path, sys.executable, "-c", script, str(tmp_path))
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert "No space left on device" in done.stderr


def test_what_somebody_typed_stays_on_one_line(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.log.tell(CaseTaken(AT, 7, "a\nb\u2028" + 500 * "c"))
    home.log.write(AT)
    (taken,) = home.read().events
    assert isinstance(taken, CaseTaken)
    assert taken.by == "a b " + 196 * "c"


def test_only_the_gateways_user_may_read_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.passes(SECOND)
    home.log.write(home.now)
    (path,) = files(home.folder)
    assert path.stat().st_mode & 0o777 == 0o600
    assert home.folder.stat().st_mode & 0o777 == 0o700


# ---- time


def test_moments_of_a_wrong_clock_are_put_right(tmp_path: Path) -> None:
    home = Home(tmp_path, trusted=False)
    shift = 30 * DAY
    home.log.tell(Started(home.now, 1, timedelta()))
    for _ in range(4):
        home.passes(600 * SECOND)
    told = [home.now - n * 600 * SECOND + shift for n in reversed(range(4))]
    home.now += shift
    home.standing = replace(home.standing, trusted=True)
    home.log.tell(TimeMoved(home.now, trusted=True, source="ntp", shift=shift))
    home.log.tell(LivenessChanged(home.now, DOOR.id, Liveness.STALE))
    home.log.write(home.now)
    # A later run, trusted from its start, moves nothing that was right.
    home.now += 3600 * SECOND
    home.log.tell(Started(home.now, 2, timedelta()))
    home.passes(600 * SECOND)
    back = -600 * SECOND
    home.now += back
    home.log.tell(TimeMoved(home.now, trusted=True, source="center", shift=back))
    home.log.write(home.now)
    found = home.read()
    assert not found.trusted
    assert opened(found.events)[:4] == told
    assert opened(found.events)[4] <= home.now
    kinds = [type(event) for event in found.events[:7]]
    assert kinds == [Started, *4 * [Observation], TimeMoved, LivenessChanged]


def test_runs_whose_time_nobody_knew_are_put_right_together(tmp_path: Path) -> None:
    home = Home(tmp_path, trusted=False)
    told = []
    for boot in range(3):
        home.log.tell(Started(home.now, boot, timedelta()))
        home.passes(600 * SECOND)
        told.append(home.now + 30 * DAY)
    home.now += 30 * DAY + 600 * SECOND
    home.log.tell(TimeMoved(home.now, trusted=True, source="ntp", shift=30 * DAY))
    home.log.write(home.now)
    assert opened(home.read().events) == told


def test_since_a_moment_what_held_then_is_told(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for _ in range(30):
        home.passes(DAY / 3)
    lamp = device("lamp")
    home.standing = Standing((DOOR, lamp), trusted=True)
    home.log.tell(DevicesChanged(home.now, home.standing.devices))
    for _ in range(30):
        home.passes(DAY / 3)
    home.log.write(home.now)
    early, late = history(home.folder, AT + 5 * DAY), history(home.folder, AT + 15 * DAY)
    assert early.devices == (DOOR,)
    assert late.devices == (DOOR, lamp)
    assert opened(early.events)[0] == AT + 5 * DAY
    assert len(opened(late.events)) == 16
    assert history(home.folder, home.now + DAY).events == ()
