import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.guard import LATE_BY, CounterGuard, Verdict, key_id
from drivers.marks import Mark, MarkFile
from tests.drivers.home import MINUTE_US, SECOND_US

ID = b"sensor"


def admit(guard: CounterGuard, counter: int, *, urgent: bool = False, at_us: int = 0) -> Verdict:
    return guard.admit(ID, counter, at_us, urgent=urgent)


def path(folder: Path) -> Path:
    return folder / "drivers" / "ble.state"


def test_only_what_is_greater_than_all_before_is_new(tmp_path: Path) -> None:
    guard = CounterGuard(path(tmp_path))
    assert admit(guard, 100) is Verdict.NEW
    assert admit(guard, 100) is Verdict.DUPLICATE
    assert admit(guard, 99) is Verdict.REPLAY
    assert admit(guard, 105) is Verdict.NEW
    assert admit(guard, 103) is Verdict.LATE
    assert admit(guard, 103) is Verdict.DUPLICATE
    assert admit(guard, 100) is Verdict.DUPLICATE
    assert admit(guard, 106 + LATE_BY) is Verdict.NEW
    assert admit(guard, 106) is Verdict.LATE
    assert admit(guard, 105) is Verdict.REPLAY
    assert admit(guard, 0, urgent=True) is Verdict.REPLAY


def test_a_slower_receiver_right_after_a_start_is_no_attack(tmp_path: Path) -> None:
    guard = CounterGuard(path(tmp_path))
    admit(guard, 100)
    guard.close()
    guard = CounterGuard(path(tmp_path))
    assert admit(guard, 105) is Verdict.NEW
    assert admit(guard, 104) is Verdict.LATE
    assert admit(guard, 104) is Verdict.DUPLICATE
    assert admit(guard, 100) is Verdict.REPLAY


def test_a_late_press_is_passed_on_once_whatever_ends_suddenly(tmp_path: Path) -> None:
    guard = CounterGuard(path(tmp_path))
    for counter in range(100, 120):
        admit(guard, counter)
    written = path(tmp_path).stat().st_ino
    admit(guard, 122)
    assert path(tmp_path).stat().st_ino == written, "it was reserved"
    assert admit(guard, 121, urgent=True) is Verdict.LATE  # And is passed on.
    for then in (123, 125, 130):
        again = CounterGuard(path(tmp_path))
        assert admit(again, 121, urgent=True) is Verdict.REPLAY
        admit(again, then, urgent=True)
        assert admit(again, 121, urgent=True) is Verdict.REPLAY


@given(st.lists(st.tuples(st.integers(0, 60), st.booleans(), st.booleans()), max_size=60))
def test_no_urgent_counter_passes_twice_however_often_it_ends(
    heard: list[tuple[int, bool, bool]],
) -> None:
    """A counter is of one frame: urgent or not, and the same when it is played back."""
    with TemporaryDirectory() as folder:
        guard, passed = CounterGuard(path(Path(folder))), set[int]()
        for counter, ends, cleanly in heard:
            if ends:
                if cleanly:
                    guard.close()
                guard = CounterGuard(path(Path(folder)))
            urgent = counter % 3 == 0
            verdict = admit(guard, counter, urgent=urgent)
            accepted = {Verdict.NEW, Verdict.UNSURE, Verdict.LATE} if urgent else {Verdict.NEW}
            if verdict in accepted:
                assert counter not in passed
                passed.add(counter)


def test_the_first_frame_of_all_may_have_counter_0(tmp_path: Path) -> None:
    guard = CounterGuard(path(tmp_path))
    assert admit(guard, 0) is Verdict.NEW
    assert admit(guard, 0) is Verdict.DUPLICATE
    assert admit(guard, 2**32 - 1) is Verdict.NEW


@given(st.lists(st.integers(0, 60), max_size=60))
def test_no_counter_is_ever_new_twice(counters: list[int]) -> None:
    guard = CounterGuard(Path("/proc/no/such/place"))  # The disk fails: memory still holds.
    new = [counter for counter in counters if admit(guard, counter) is Verdict.NEW]
    assert new == sorted(set(new))


def test_after_a_clean_end_the_next_counter_is_new(tmp_path: Path) -> None:
    guard = CounterGuard(path(tmp_path))
    for counter in range(100, 140):
        assert admit(guard, counter) is Verdict.NEW
    guard.close()
    guard = CounterGuard(path(tmp_path))
    assert guard.finding is None
    assert admit(guard, 139) is Verdict.DUPLICATE
    assert admit(guard, 138) is Verdict.REPLAY
    assert admit(guard, 140) is Verdict.NEW


def test_after_a_sudden_end_ordinary_frames_wait_and_urgent_ones_do_not(tmp_path: Path) -> None:
    guard = CounterGuard(path(tmp_path))
    admit(guard, 100, urgent=True)
    admit(guard, 101)
    for counter in range(102, 120):
        admit(guard, counter)
    # No close: the process was killed, and 119 was passed on.
    guard = CounterGuard(path(tmp_path))
    assert admit(guard, 119) is not Verdict.NEW
    assert admit(guard, 120) is Verdict.UNSURE
    assert admit(guard, 121, urgent=True) is Verdict.UNSURE  # And is passed on.
    assert admit(guard, 121, urgent=True) is Verdict.DUPLICATE
    assert admit(guard, 122) is Verdict.UNSURE
    assert admit(guard, 200) is Verdict.NEW


def test_a_second_sudden_end_forgets_nothing_of_the_first(tmp_path: Path) -> None:
    guard = CounterGuard(path(tmp_path))
    for counter in range(100, 120):
        admit(guard, counter)
    guard = CounterGuard(path(tmp_path))
    barrier = next(c for c in range(119, 400) if admit(guard, c) is Verdict.NEW) - 1
    guard = CounterGuard(path(tmp_path))
    assert admit(guard, barrier) is not Verdict.NEW
    guard.close()


def test_nor_does_an_urgent_frame_between_two_sudden_ends(tmp_path: Path) -> None:
    guard = CounterGuard(path(tmp_path))
    for counter in range(100, 120):
        admit(guard, counter)
    guard = CounterGuard(path(tmp_path))
    urgent = next(c for c in range(100, 120) if admit(guard, c, urgent=True) is Verdict.UNSURE)
    guard = CounterGuard(path(tmp_path))
    assert urgent < 118
    for counter in range(urgent, 120):
        assert admit(guard, counter) is not Verdict.NEW


def test_a_clean_end_forgets_nothing_of_a_sudden_one(tmp_path: Path) -> None:
    guard = CounterGuard(path(tmp_path))
    for counter in range(100, 120):
        admit(guard, counter)
    CounterGuard(path(tmp_path)).close()
    guard = CounterGuard(path(tmp_path))
    assert admit(guard, 119) is not Verdict.NEW
    assert admit(guard, 400) is Verdict.NEW


def test_urgent_counters_are_durable_at_once(tmp_path: Path) -> None:
    guard = CounterGuard(path(tmp_path))
    for counter in range(100, 200):
        assert admit(guard, counter, urgent=True) is Verdict.NEW
        assert admit(CounterGuard(path(tmp_path)), counter, urgent=True) is Verdict.DUPLICATE


def test_a_slow_sensor_is_not_silenced_for_long_by_a_sudden_end(tmp_path: Path) -> None:
    guard = CounterGuard(path(tmp_path))
    for number in range(50):
        admit(guard, 100 + number, at_us=number * 10 * MINUTE_US)
    guard = CounterGuard(path(tmp_path))
    verdicts = [admit(guard, 150 + number) for number in range(3)]
    assert verdicts[-1] is Verdict.NEW


def test_routine_frames_cost_few_writes(tmp_path: Path) -> None:
    """Twenty sensors once a minute and one each second, for an hour."""
    guard = CounterGuard(path(tmp_path))
    writes, inode = 0, 0
    for second in range(3600):
        guard.admit(b"fast", second, second * SECOND_US, urgent=False)
        guard.admit(b"slow %d" % (second % 60), second // 60, second * SECOND_US, urgent=False)
        now = path(tmp_path).stat().st_ino
        writes += now != inode
        inode = now
    assert writes < 200
    # And all the time what was passed on would not have been new after a sudden end.
    again = CounterGuard(path(tmp_path))
    assert again.admit(b"fast", 3599, 0, urgent=False) is not Verdict.NEW


def test_however_fast_a_device_counts_a_sudden_end_silences_it_for_so_many_only(
    tmp_path: Path,
) -> None:
    guard = CounterGuard(path(tmp_path))
    for counter in range(33_000):
        admit(guard, counter)
    assert admit(CounterGuard(path(tmp_path)), 33_000 + 4_096) is Verdict.NEW


@pytest.mark.processes
def test_killed_at_any_moment_no_frame_is_new_again(tmp_path: Path) -> None:
    random = Random(20)
    state = path(tmp_path)
    passed: set[int] = set()
    urgent: set[int] = set()
    first = 0
    for run in range(25):
        with subprocess.Popen(
            [sys.executable, "-m", "tests.drivers.admit", str(state), str(first), str(run)],
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            output = process.stdout.readline()
            for _ in range(random.randrange(60)):
                output += process.stdout.readline()
            process.kill()
            output += process.stdout.read()
        for line in output.decode().splitlines():
            counter, kind = line.split()
            assert int(counter) not in passed
            passed.add(int(counter))
            if kind == "u":
                urgent.add(int(counter))
        # Restarted: everything that was passed on is played back by someone who recorded it.
        guard = CounterGuard(state)
        assert guard.finding is None
        for old in sorted(passed, reverse=True):
            verdict = admit(guard, old, urgent=old in urgent)
            assert verdict is not Verdict.NEW
            assert old not in urgent or verdict is not Verdict.UNSURE
        # And a call for help behind it still counts. One frame may have been admitted and not yet
        # passed on.
        first = max(passed) + 2
        assert admit(guard, first, urgent=True) in (Verdict.NEW, Verdict.UNSURE)
        first += 1
        if random.random() < 0.5:
            guard.close()
    assert len(passed) > 500
    assert urgent


# ---------------------------------------------------------------- the file


def test_a_damaged_file_is_kept_aside_and_the_copy_before_it_used(tmp_path: Path) -> None:
    guard = CounterGuard(path(tmp_path))
    admit(guard, 100, urgent=True)
    admit(guard, 200, urgent=True)
    contents = bytearray(path(tmp_path).read_bytes())
    contents[-1] ^= 1
    path(tmp_path).write_bytes(contents)
    guard = CounterGuard(path(tmp_path))
    assert guard.finding is not None
    assert "ble.state is damaged" in guard.finding
    assert "ble.state.broken-1" in guard.finding
    assert path(tmp_path).with_name("ble.state.broken-1").read_bytes() == contents
    assert admit(guard, 100, urgent=True) is Verdict.DUPLICATE


@pytest.mark.parametrize("size", [0, 1, 12, 13, 28, 29, 40])
def test_a_cut_file_is_never_taken_for_a_whole_one(tmp_path: Path, size: int) -> None:
    guard = CounterGuard(path(tmp_path))
    admit(guard, 100, urgent=True)
    path(tmp_path).write_bytes(path(tmp_path).read_bytes()[:size])
    finding = CounterGuard(path(tmp_path)).finding
    assert finding is not None
    assert "no good copy" in finding


def test_a_missing_file_is_told_from_a_first_start(tmp_path: Path) -> None:
    guard = CounterGuard(path(tmp_path))
    assert guard.finding is None
    admit(guard, 100, urgent=True)
    admit(guard, 101, urgent=True)
    path(tmp_path).unlink()
    guard = CounterGuard(path(tmp_path))
    assert guard.finding is not None
    assert "is missing" in guard.finding
    assert admit(guard, 100, urgent=True) is Verdict.DUPLICATE


def test_broken_files_do_not_pile_up(tmp_path: Path) -> None:
    for _ in range(9):
        admit(CounterGuard(path(tmp_path)), 100, urgent=True)
        path(tmp_path).write_bytes(b"rubbish")
        assert CounterGuard(path(tmp_path)).finding
    assert len(list(path(tmp_path).parent.glob("*.broken-*"))) == 5


def test_the_file_is_nobody_elses(tmp_path: Path) -> None:
    admit(CounterGuard(path(tmp_path)), 100)
    assert path(tmp_path).stat().st_mode & 0o777 == 0o600


def test_a_failing_disk_does_not_silence_a_sensor(tmp_path: Path) -> None:
    state = path(tmp_path)
    state.parent.write_bytes(b"")  # Where the folder should be is a file.
    guard = CounterGuard(state)
    assert admit(guard, 100, urgent=True) is Verdict.NEW
    assert "cannot be written" in str(guard.failing)
    assert admit(guard, 100, urgent=True) is Verdict.DUPLICATE
    assert admit(guard, 101) is Verdict.NEW
    state.parent.unlink()
    # It is left alone for a while, but not when something urgent asks for it.
    assert admit(guard, 102, at_us=30 * SECOND_US) is Verdict.NEW
    assert not state.exists()
    assert admit(guard, 103, at_us=2 * MINUTE_US) is Verdict.NEW
    assert str(guard.failing) == "None"
    assert admit(CounterGuard(state), 103) is Verdict.DUPLICATE


@pytest.mark.parametrize("of", [stat.S_ISREG, stat.S_ISDIR], ids=["file", "folder"])
def test_a_disk_that_does_not_make_it_durable_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: Callable[[int], bool]
) -> None:
    def fsync(descriptor: int) -> None:
        if of(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "no")

    guard = CounterGuard(path(tmp_path))
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        assert admit(guard, 100, urgent=True) is Verdict.NEW
        assert "cannot be written" in str(guard.failing)
    assert admit(guard, 101, urgent=True) is Verdict.NEW
    assert str(guard.failing) == "None"


@pytest.mark.parametrize("mark", [Mark(5, 3), Mark(-1, 3), Mark(1 << 32, 1 << 32)])
def test_marks_that_cannot_be_are_not_taken(tmp_path: Path, mark: Mark) -> None:
    MarkFile(path(tmp_path)).save({ID: mark})
    assert "out of range" in str(CounterGuard(path(tmp_path)).finding)


def test_many_old_keys_do_not_fill_the_file(tmp_path: Path) -> None:
    path(tmp_path).parent.write_bytes(
        b""
    )  # No disk, so that a thousand writes are not waited for.
    guard = CounterGuard(path(tmp_path))
    ids = [key_id(bytes(6), number.to_bytes(16, "big")) for number in range(1_100)]
    for id_ in ids:
        assert guard.admit(id_, 7, 0, urgent=False) is Verdict.NEW
    guard.retain({ids[0]})
    assert guard.admit(ids[0], 7, 0, urgent=False) is Verdict.DUPLICATE
    assert guard.admit(ids[1], 7, 0, urgent=False) is Verdict.NEW
    assert guard.admit(ids[-1], 7, 0, urgent=False) is Verdict.DUPLICATE
