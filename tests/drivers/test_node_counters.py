from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drivers.ble.node_counters import Exhausted, SentCounters
from drivers.ble.node_frames import COUNTER_MAX

ID, OTHER = b"plug", b"other"


def path(folder: Path) -> Path:
    return folder / "ble.sent.state"


def test_counters_begin_at_one_and_go_up(tmp_path: Path) -> None:
    counters = SentCounters(path(tmp_path))
    assert counters.finding is None
    assert [counters.take(ID) for _ in range(3)] == [1, 2, 3]
    assert counters.take(OTHER) == 1


def test_a_clean_end_wastes_none_and_a_sudden_one_at_most_63(tmp_path: Path) -> None:
    counters = SentCounters(path(tmp_path))
    assert counters.take(ID) == 1
    counters.close()
    assert SentCounters(path(tmp_path)).take(ID) == 2
    assert SentCounters(path(tmp_path)).take(ID) == 66


@given(st.lists(st.sampled_from(["take", "other", "kill", "close", "learn"]), max_size=200))
@example(["take", "other", "kill", "take"])
def test_none_is_used_twice_wherever_it_ends(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str]
) -> None:
    file = path(tmp_path_factory.mktemp("state"))
    counters, taken = SentCounters(file), [0]
    for act in acts:
        match act:
            case "take":
                taken.append(counters.take(ID))
            case "other":
                counters.take(OTHER)
            case "learn":
                counters.learn(ID, max(taken) + 100)
            case "close":
                counters.close()
                counters = SentCounters(file)
            case _:
                counters = SentCounters(file)
    assert taken == sorted(set(taken))


def test_one_write_in_64(tmp_path: Path) -> None:
    counters = SentCounters(path(tmp_path))
    inodes = set()
    for _ in range(640):
        counters.take(ID)
        inodes.add(path(tmp_path).stat().st_mtime_ns)
    assert len(inodes) <= 10


def test_a_disk_that_takes_nothing_stops_no_command() -> None:
    counters = SentCounters(Path("/proc/no/such/place"))
    assert [counters.take(ID), counters.take(ID)] == [1, 2]
    assert counters.failing is not None
    assert "cannot be written" in counters.failing


def test_what_the_node_has_seen_is_passed_over(tmp_path: Path) -> None:
    counters = SentCounters(path(tmp_path))
    counters.learn(ID, 500)
    assert counters.take(ID) == 501
    counters.learn(ID, 20)
    assert counters.take(ID) == 502
    assert SentCounters(path(tmp_path)).take(ID) > 502


def test_past_the_last_one_there_is_none(tmp_path: Path) -> None:
    counters = SentCounters(path(tmp_path))
    counters.learn(ID, COUNTER_MAX - 1)
    assert counters.take(ID) == COUNTER_MAX
    with pytest.raises(Exhausted):
        counters.take(ID)
    counters.close()
    again = SentCounters(path(tmp_path))
    assert again.finding is None
    with pytest.raises(Exhausted):
        again.take(ID)
    assert again.take(OTHER) == 1
