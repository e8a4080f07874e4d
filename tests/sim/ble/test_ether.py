"""How far adverts carry in a home."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.ble.ether import BRICK_DB, OPEN_FIELD, Ether, Plan, Receiver, Wall
from sim.ble.frame import Frame, Point, elements, flags, manufacturer, name, read, service_data

HERE = "00:00:00:00:00:01"
THERE = "00:00:00:00:00:02"


def _strength(at: Point, plan: Plan = OPEN_FIELD) -> int | None:
    ether = Ether(Random(1), {HERE: Receiver()}, plan)
    return dict(ether.spread(Frame("C0:00:00:00:00:01", b"", at))).get(HERE)


def test_a_frame_loses_twenty_db_with_each_power_of_ten() -> None:
    assert [_strength(Point(x)) for x in (1.0, 10.0)] == [-59, -79]


def test_a_frame_from_too_far_is_not_heard() -> None:
    assert _strength(Point(1000.0)) is None


def test_a_wall_between_costs_and_one_beside_does_not() -> None:
    across = Wall(Point(2.0, -5.0), Point(2.0, 5.0))
    aside = Wall(Point(2.0, 1.0), Point(2.0, 5.0))
    free = _strength(Point(4.0))
    assert free is not None
    through = _strength(Point(4.0), Plan((across,), shadowing_db=0.0, fading_db=0.0))
    assert through == free - BRICK_DB
    assert _strength(Point(4.0), Plan((aside,), shadowing_db=0.0, fading_db=0.0)) == free


def test_a_ceiling_between_costs() -> None:
    below, above = _strength(Point(3.0, 0.0, 0.0)), _strength(Point(0.0, 0.0, 3.0))
    assert below is not None
    assert above == below - OPEN_FIELD.ceiling_db


def test_at_the_edge_of_range_some_frames_are_heard() -> None:
    ether = Ether(Random(1), {HERE: Receiver()})
    edge = Frame("C0:00:00:00:00:01", b"", Point(56.0))
    heard = sum(bool(ether.spread(edge)) for _ in range(1000))
    assert 400 < heard < 600


def test_loss_takes_its_share() -> None:
    plan = Plan(shadowing_db=0.0, fading_db=0.0, loss=0.3)
    ether = Ether(Random(1), {HERE: Receiver()}, plan)
    near = Frame("C0:00:00:00:00:01", b"", Point(1.0))
    assert 650 < sum(bool(ether.spread(near)) for _ in range(1000)) < 750


def test_the_same_seed_is_the_same_air() -> None:
    def heard() -> list[list[tuple[str, int]]]:
        ether = Ether(Random(7), {HERE: Receiver(), THERE: Receiver(Point(9.0))}, Plan(loss=0.1))
        return [
            ether.spread(Frame("C0:00:00:00:00:01", b"", Point(float(x)))) for x in range(1, 40)
        ]

    assert heard() == heard()


def test_receivers_come_move_and_go() -> None:
    ether = Ether(Random(1), {HERE: Receiver()})
    sent = Frame("C0:00:00:00:00:01", b"", Point(1.0))
    ether.place(THERE, Receiver(Point(11.0)))
    assert ether.spread(sent) == [(HERE, -59), (THERE, -79)]
    ether.place(THERE, Receiver(Point(2.0)))
    ether.remove(HERE)
    assert ether.spread(sent) == [(THERE, -59)]


def test_an_advert_reads_as_it_was_made() -> None:
    said = read(
        flags() + name("plug") + service_data(0xFCD2, b"\x40") + manufacturer(0x0969, b"ab")
    )
    assert (said.flags, said.name) == (b"\x06", "plug")
    assert said.service_data == {"0000fcd2-0000-1000-8000-00805f9b34fb": b"\x40"}
    assert said.manufacturer == {0x0969: b"ab"}


@given(st.binary(max_size=64))
def test_any_bytes_read_as_an_advert(data: bytes) -> None:
    read(data)
    assert sum(len(value) + 2 for _, value in elements(data)) <= len(data)


def test_an_advert_holds_thirty_one_bytes() -> None:
    with pytest.raises(AssertionError):
        Frame("C0:00:00:00:00:01", bytes(32))
