"""Which adapters there are, asked of a bluetoothd that says it and of one that does not."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from drivers.ble.bus import Bus, Table
from sim.ble.bus import ENVIRONMENT, private_bus
from tests.drivers.ble.air import DEADLINE_S, HCI0, QUICK
from tests.support.dbus import NEEDS_DBUS

pytestmark = [NEEDS_DBUS, pytest.mark.wall]

ONE = {"/org/bluez/hci0": {"org.bluez.Adapter1": {"Address": Variant("s", HCI0)}}}
Answer = Callable[[Message], Message | bool]


def objects(call: Message, found: object) -> Message:
    return Message.new_method_return(call, "a{oa{sa{sv}}}", [found])


def an_error(call: Message) -> Message:
    return Message.new_error(call, "org.freedesktop.DBus.Error.LimitsExceeded", "too much")


def no_adapter(call: Message) -> Message:
    return objects(call, {})


def nothing(_: Message) -> bool:
    return True


def one(call: Message) -> Message:
    return objects(call, ONE)


class Daemon:
    """Answers in turn, the last for ever, and never says by itself that anything has changed."""

    def __init__(self, bus: MessageBus, *answers: Answer) -> None:
        self.bus = bus
        self.asked_by = ""
        self._answers = list(answers)
        bus.add_message_handler(self._handle)

    def _handle(self, message: Message) -> Message | bool | None:
        if message.member != "GetManagedObjects":
            return None
        self.asked_by = message.sender or ""
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return answer(message)

    async def knows(self, name: str) -> bool:
        """Whether there is such a connection."""
        call = Message(
            destination="org.freedesktop.DBus",
            path="/org/freedesktop/DBus",
            interface="org.freedesktop.DBus",
            member="NameHasOwner",
            signature="s",
            body=[name],
        )
        answer = await self.bus.call(call)
        assert answer.message_type is MessageType.METHOD_RETURN
        return bool(answer.body[0])


@asynccontextmanager
async def daemon(monkeypatch: pytest.MonkeyPatch, *answers: Answer) -> AsyncIterator[Daemon]:
    with tempfile.TemporaryDirectory(prefix="ongi-") as folder:
        async with private_bus(Path(folder)) as private, asyncio.timeout(DEADLINE_S):
            monkeypatch.setenv(ENVIRONMENT, private.address)
            bus = MessageBus(private.address)
            await bus.connect()
            made = Daemon(bus, *answers)
            await bus.request_name("org.bluez")
            try:
                yield made
            finally:
                bus.disconnect()
                await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def watching() -> AsyncIterator[asyncio.Queue[Table]]:
    told: asyncio.Queue[Table] = asyncio.Queue()
    watch = asyncio.get_running_loop().create_task(
        Bus(QUICK, lambda _: None).watch(told.put_nowait)
    )
    try:
        yield told
    finally:
        watch.cancel()
        await asyncio.wait((watch,))


@pytest.mark.parametrize("at_first", [an_error, no_adapter, nothing])
async def test_where_there_is_none_it_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, at_first: Answer
) -> None:
    async with daemon(monkeypatch, at_first, at_first, one), watching() as told:
        tables = [await told.get() for _ in range(3)]
    assert [list(table) for table in tables] == [[], [], [HCI0]]


async def test_nothing_stays_connected_that_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with daemon(monkeypatch, one) as bluetoothd:
        async with watching() as told:
            await told.get()
            name = bluetoothd.asked_by
            assert await bluetoothd.knows(name)
        while await bluetoothd.knows(name):  # noqa: ASYNC110 -- no event; there is a deadline
            await asyncio.sleep(0.01)
