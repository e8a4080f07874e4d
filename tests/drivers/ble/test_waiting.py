"""The queue between the radio and its driver: who floods it pushes out only himself."""

from hypothesis import given
from hypothesis import strategies as st

from drivers.ble import RawAdvert
from drivers.ble.waiting import Waiting

AT_MOST, OF_ONE = 40, 8
ADDRESSES = "abcde"


def advert(address: str, number: int) -> RawAdvert:
    return RawAdvert(address, 0xFCD2, b"", -60, number)


def taken(waiting: Waiting) -> list[RawAdvert]:
    return [waiting.take() for _ in range(len(waiting))]


def test_within_its_bounds_everything_comes_in_its_order() -> None:
    waiting = Waiting(AT_MOST, OF_ONE)
    sent = [advert(ADDRESSES[number % 5], number) for number in range(40)]
    for one in sent:
        waiting.put(one)
    assert taken(waiting) == sent
    assert waiting.dropped == 0


def test_a_flood_under_one_address_costs_no_other_an_advert() -> None:
    waiting = Waiting(AT_MOST, OF_ONE)
    call = advert("b", 0)
    waiting.put(call)
    for number in range(1, 100_000):
        waiting.put(advert("a", number))
    found = taken(waiting)
    assert found[0] == call
    assert [one.boottime_us for one in found[1:]] == list(range(100_000 - OF_ONE, 100_000))
    assert waiting.dropped == 100_000 - 1 - OF_ONE


def test_of_addresses_without_number_the_oldest_go() -> None:
    waiting = Waiting(AT_MOST, OF_ONE)
    sent = [advert(str(number), number) for number in range(1000)]
    for one in sent:
        waiting.put(one)
    assert taken(waiting) == sent[-AT_MOST:]


@given(st.lists(st.one_of(st.sampled_from(ADDRESSES), st.none()), max_size=300))
def test_of_each_address_the_newest_are_there_in_their_order(order: list[str | None]) -> None:
    """None: one is taken. There is room for all addresses, so each is served by itself."""
    waiting = Waiting(AT_MOST, OF_ONE)
    model: dict[str, list[int]] = {address: [] for address in ADDRESSES}
    lost = 0
    for number, address in enumerate(order):
        if address is not None:
            waiting.put(advert(address, number))
            lost += len(model[address]) >= OF_ONE
            model[address] = [*model[address], number][-OF_ONE:]
        elif len(waiting):
            one = waiting.take()
            assert model[one.address].pop(0) == one.boottime_us
    assert len(waiting) == sum(map(len, model.values()))
    assert waiting.dropped == lost
    for one in taken(waiting):
        assert model[one.address].pop(0) == one.boottime_us
