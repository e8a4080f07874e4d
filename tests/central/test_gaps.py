"""What a center asks its gateways to send again, heartbeat by heartbeat."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.store import Store
from tests.central.direct import DirectDatabase, direct_store, done
from tests.central.receiving import NOW, heartbeat, identity, record, signed

HOME = identity("home-1")
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

Ranges = tuple[tuple[int, int], ...]


@pytest.fixture
def database() -> Iterator[DirectDatabase]:
    made = DirectDatabase()
    with closing(made.connection):
        yield made


def keep(store: Store, *numbers: int) -> None:
    rows = [(made := record("home-1", number), signed(made, HOME)) for number in numbers]
    done(store.persist("home-1", rows, NOW))


class Beats:
    """A gateway that holds `first` to `last`, and beats once a minute."""

    def __init__(self, store: Store, first: int, last: int) -> None:
        self.store = store
        self.first, self.last = first, last
        self.now = NOW

    def __call__(self) -> Ranges:
        """What the next reply asks for."""
        self.now += MINUTE
        return done(self.store.due("home-1", heartbeat(self.first, self.last), self.now)).missing


def test_numbers_that_were_never_used_are_asked_for_three_times_and_then_each_hour(
    database: DirectDatabase,
) -> None:
    store = direct_store(database, HOME)
    keep(store, 1, 2, 50, 51)
    beat = Beats(store, 1, 51)
    assert [beat() for _ in range(60)] == [((3, 49),)] * 3 + [()] * 57
    assert [beat() for _ in range(60)].count(((3, 49),)) == 1
    # Nor does it rest for long when the center's clock was set back.
    beat.now -= 5 * HOUR
    assert beat() == ((3, 49),)
    assert beat() == ()


def test_while_it_rests_no_record_is_looked_at(
    database: DirectDatabase,
) -> None:
    store = direct_store(database, HOME)
    keep(store, 1, 2, 50, 51)
    beat = Beats(store, 1, 51)
    for _ in range(3):
        assert beat()
    looked: list[str] = []
    database.connection.set_trace_callback(looked.append)
    for _ in range(30):
        assert beat() == ()
    assert looked
    assert not [each for each in looked if "records" in each]


def test_what_a_gateway_has_new_is_looked_at_alone_and_at_once(
    database: DirectDatabase,
) -> None:
    store = direct_store(database, HOME)
    keep(store, 1, 2, 50, 51)
    beat = Beats(store, 1, 51)
    while beat():
        pass
    keep(store, 90)
    beat.last = 90
    assert beat() == ((52, 89),)
    assert beat() == ()


def test_the_newest_come_first_and_thousands_of_gaps_hide_none(database: DirectDatabase) -> None:
    store = direct_store(database, HOME)
    keep(store, *range(2, 4_001, 2))
    beat = Beats(store, 1, 4_100)
    asked = [beat() for _ in range(251)]
    assert asked[0][-1] == (4_001, 4_100)
    assert max(map(len, asked)) == 8
    assert [each for page in asked[::-1] for each in page] == [
        *((odd, odd) for odd in range(1, 4_000, 2)),
        (4_001, 4_100),
    ]


def test_a_center_that_starts_anew_asks_anew(
    database: DirectDatabase,
) -> None:
    store = direct_store(database, HOME)
    keep(store, 1, 5)
    beat = Beats(store, 1, 5)
    while beat():
        pass
    beat.store = Store(database, bytes)
    assert beat() == ((2, 4),)


@settings(max_examples=40, deadline=None)
@given(
    used=st.sets(st.integers(1, 120), min_size=1),
    lost=st.sets(st.integers(1, 120)),
    seed=st.integers(0, 1_000),
)
def test_whatever_a_gateway_has_is_there_in_the_end(
    used: set[int], lost: set[int], seed: int
) -> None:
    """Half of the replies are lost; some numbers were never used."""
    draw = Random(seed)
    database = DirectDatabase()
    with closing(database.connection):
        store = direct_store(database, HOME)
        known = used - lost
        keep(store, *known)
        beat = Beats(store, min(used), max(used))
        # Within a day, whoever loses half of the replies.
        for _ in range(24 * 60):
            asked = {seq for first, last in beat() for seq in range(first, last + 1)}
            assert not asked & known
            if draw.random() < 0.5:
                keep(store, *(asked & used))
                known |= asked & used
            if known == used:
                break
        assert known == used
