"""What waits in front of the gateway: order, limits, and what is dropped."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.inbox import ROUTINE_MAX, URGENT_MAX, Inbox
from rules.inputs import Input, Tick
from rules.observation import DeviceId, Observation, Phenomenon

AT = datetime(2026, 11, 22, 5, 20, tzinfo=UTC)


def power(watts: float, device: str = "kettle") -> Observation:
    return Observation(DeviceId(device), Phenomenon.POWER_W, watts, AT, AT)


def sos(device: str) -> Observation:
    return Observation(DeviceId(device), Phenomenon.SOS, True, AT, AT)


async def taken(inbox: Inbox, many: int) -> list[Input]:
    return [await inbox.get() for _ in range(many)]


async def test_what_is_urgent_comes_first() -> None:
    inbox = Inbox()
    inbox.put(power(1.0), urgent=False)
    inbox.put(power(2.0), urgent=False)
    inbox.put(sos("bell"), urgent=True)
    assert await taken(inbox, 3) == [sos("bell"), power(1.0), power(2.0)]


async def test_what_is_no_observation_is_urgent_whatever_is_asked() -> None:
    inbox = Inbox(routine_max=1)
    inbox.put(power(1.0), urgent=False)
    inbox.put(Tick(), urgent=False)
    assert inbox.dropped == 0
    assert await taken(inbox, 2) == [Tick(), power(1.0)]


async def test_a_full_lane_drops_the_oldest_of_the_same_device_and_phenomenon() -> None:
    inbox = Inbox(routine_max=3)
    for observation in (power(1.0, "lamp"), power(1.0), power(2.0), power(3.0)):
        inbox.put(observation, urgent=False, source="driver:ble")
    assert inbox.dropped == inbox.dropped_of("driver:ble") == 1
    assert await taken(inbox, 3) == [power(1.0, "lamp"), power(2.0), power(3.0)]


async def test_a_new_device_in_a_full_lane_drops_the_oldest_of_all() -> None:
    inbox = Inbox(routine_max=2)
    inbox.put(power(1.0), urgent=False, source="flood")
    inbox.put(power(2.0), urgent=False, source="flood")
    inbox.put(power(9.0, "lamp"), urgent=False, source="quiet")
    assert inbox.dropped_of("flood") == 1
    assert inbox.dropped_of("quiet") == 0
    assert await taken(inbox, 2) == [power(2.0), power(9.0, "lamp")]


async def test_a_full_urgent_lane_takes_no_more_of_its_source_only() -> None:
    inbox = Inbox(urgent_max=2)
    assert inbox.put(sos("a"), urgent=True, source="one")
    assert inbox.put(sos("b"), urgent=True, source="one")
    assert not inbox.put(sos("c"), urgent=True, source="one")
    assert inbox.put(sos("d"), urgent=True, source="other")
    assert inbox.depth == 3
    assert inbox.dropped == 0


async def test_sources_of_urgent_items_take_turns() -> None:
    inbox = Inbox()
    for source in ("one", "other"):
        for number in range(3):
            inbox.put(sos(f"{source}-{number}"), urgent=True, source=source)
    inbox.put(sos("late"), urgent=True, source="late")
    assert await taken(inbox, 7) == [
        sos("one-0"),
        sos("other-0"),
        sos("late"),
        sos("one-1"),
        sos("other-1"),
        sos("one-2"),
        sos("other-2"),
    ]


async def test_a_stuck_button_does_not_hide_all_life() -> None:
    inbox = Inbox(urgent_max=100)
    for _ in range(100):
        inbox.put(sos("stuck"), urgent=True)
    inbox.put(power(1500.0), urgent=False)
    assert power(1500.0) in await taken(inbox, 10)


async def test_a_source_waits_for_room_and_loses_nothing() -> None:
    inbox = Inbox(urgent_max=2)

    async def press(times: int) -> None:
        for number in range(times):
            await inbox.put_waiting(sos(str(number)), urgent=True, source="ble")

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(press(20))
        got = await taken(inbox, 20)
    assert got == [sos(str(number)) for number in range(20)]


async def test_waiting_is_cancelled_without_loss() -> None:
    inbox = Inbox()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await inbox.get()
    inbox.put(Tick(), urgent=True)
    assert await inbox.get() == Tick()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["put", "get"]),
            st.sampled_from(["kettle", "lamp", "bell"]),
            st.sampled_from(["ble", "zigbee"]),
            st.booleans(),
        ),
        max_size=80,
    )
)
def test_whatever_comes_the_limits_hold_and_every_item_is_accounted_for(
    steps: list[tuple[str, str, str, bool]],
) -> None:
    async def run() -> None:
        inbox = Inbox(urgent_max=3, routine_max=4)
        put = refused = got = 0
        for number, (what, device, source, urgent) in enumerate(steps):
            if what == "get":
                if inbox.depth:
                    await inbox.get()
                    got += 1
            else:
                item = sos(device) if urgent else power(float(number), device)
                put += 1
                refused += not inbox.put(item, urgent=urgent, source=source)
            assert inbox.depth <= 2 * 3 + 4
        while inbox.depth:
            await inbox.get()
            got += 1
        assert put == got + refused + inbox.dropped

    asyncio.run(run())


async def test_the_real_limits_bound_the_memory() -> None:
    inbox = Inbox()
    for number in range(3 * ROUTINE_MAX):
        inbox.put(power(float(number), str(number % 5)), urgent=False)
    while inbox.put(sos("bell"), urgent=True):
        pass
    assert inbox.depth == ROUTINE_MAX + URGENT_MAX
    assert inbox.dropped == 2 * ROUTINE_MAX
