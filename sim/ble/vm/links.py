"""What a client of BlueZ sees of a connection: to a peripheral of bumble's, near and far."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from bumble.att import Attribute
from bumble.device import Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from dbus_fast import Variant

from sim.ble.frame import Frame, flags, name, service_data
from sim.ble.objects import CHARACTERISTIC, DEVICE, SERVICE
from sim.ble.vm.client import OK, Event
from sim.ble.vm.looks import DEVICE_PATH, SENSOR, Look, listed, typed
from sim.ble.vm.stage import HCI0

_SERVICE: Final = "6f6e6769-0000-4000-8000-000000000001"
_BOTH: Final = "6f6e6769-0000-4000-8000-000000000002"
_WRITE: Final = "6f6e6769-0000-4000-8000-000000000003"
_ADVERT_EVERY_S: Final = 0.05
_FAR_S: Final = 3.0
_RESOLVED_WITHIN_S: Final = 30.0
_DBM: Final = -60


class Links:
    """A peripheral that may be connected to, and a client that does."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._client = look.client
        self._stage = look.stage
        self._book = look.book
        self._value = b"\x2a"
        self._device: Device | None = None

    async def carry_out(self) -> None:
        """Connect, read, write, subscribe, lose the connection; fail to connect."""
        client, book = self._client, self._book
        device = await self._peripheral()
        await client.adapter("SetDiscoveryFilter", "a{sv}", {"Transport": Variant("s", "le")})
        await client.adapter("StartDiscovery")
        async with self._near():
            await self._look.settle()
            said, told = await self._look.told_of(self._method("Connect"))
            book.look("connect: answer", said)
            resolved_s = await self._resolved()
            told += client.events[client.events.index(told[-1]) + 1 :] if told else []
            book.look("connect: told", _listed(told), seconds=resolved_s)
            if resolved_s is not None:
                await self._shown()
                await self._used()
            again = await self._method("Connect")
            book.look("connect: again", again)
            said, told = await self._look.told_of(self._method("Disconnect"))
            book.look("disconnect", f"{said}; {_listed(told)}")
            book.look("disconnect: again", await self._method("Disconnect"))
            await self._method("Connect")
            await self._resolved()
            connection = next(iter(device.connections.values()))

            async def leave() -> str:
                await connection.disconnect()
                return OK

            _, told = await self._look.told_of(leave())
            book.look("disconnect: by the peripheral", _listed(told))
        await self._far()
        await client.adapter("StopDiscovery")

    async def _peripheral(self) -> Device:
        device = await self._stage.link.device(SENSOR)
        access = Attribute.Permissions
        both = Characteristic[bytes](
            _BOTH,
            Characteristic.Properties.READ
            | Characteristic.Properties.WRITE
            | Characteristic.Properties.NOTIFY,
            access.READABLE | access.WRITEABLE,
            CharacteristicValue(read=lambda _: self._value, write=self._take),
        )
        write = Characteristic[bytes](
            _WRITE,
            Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
            access.WRITEABLE,
            # bumble's server does not survive a question that nobody answers.
            CharacteristicValue(read=lambda _: b"", write=self._take),
        )
        self._both = both
        self._device = device
        device.add_service(Service(_SERVICE, [both, write]))
        await self._stage.link.open(device)
        return device

    def _take(self, _: object, value: bytes) -> None:
        self._value = value

    async def _resolved(self) -> float | None:
        """How long until the services are known; None: they are not in time."""
        loop = asyncio.get_running_loop()
        begin_s = loop.time()
        while True:
            device = (await self._client.objects()).get(DEVICE_PATH, {}).get(DEVICE, {})
            if "ServicesResolved" in device and device["ServicesResolved"].value:
                await self._look.settle()
                return loop.time() - begin_s
            if loop.time() > begin_s + _RESOLVED_WITHIN_S:
                return None
            await asyncio.sleep(0.05)

    async def _method(self, member: str) -> str:
        return (await self._client.call(DEVICE_PATH, DEVICE, member))[0]

    async def _shown(self) -> None:
        """Services and characteristics as objects."""
        for path, interfaces in sorted((await self._client.objects()).items()):
            below = path.removeprefix(DEVICE_PATH)
            if below == path:
                continue
            if not below:
                self._book.look("connected: Device1", typed(interfaces[DEVICE]))
                self._book.look("connected: UUIDs", str(interfaces[DEVICE]["UUIDs"].value))
            for interface in (SERVICE, CHARACTERISTIC):
                if interface in interfaces:
                    uuid = interfaces[interface]["UUID"].value
                    self._book.look(
                        f"connected: {uuid}", f"{below} {typed(interfaces[interface])}"
                    )
            if (one := interfaces.get(CHARACTERISTIC)) is not None:
                uuid = one["UUID"].value
                self._book.look(f"connected: {uuid} flags", " ".join(one["Flags"].value))
                self._book.look(f"connected: {uuid} MTU", str(one["MTU"].value))

    async def _used(self) -> None:
        """Reading, writing, notifications, and what is refused."""
        client, book, look = self._client, self._book, self._look
        objects = await client.objects()
        path = {
            interfaces[CHARACTERISTIC]["UUID"].value: path
            for path, interfaces in objects.items()
            if CHARACTERISTIC in interfaces
        }
        both, write = path[_BOTH], path[_WRITE]

        async def put(where: str, value: bytes, kind: str) -> str:
            options = {"type": Variant("s", kind)} if kind else {}
            said, _ = await client.call(
                where, CHARACTERISTIC, "WriteValue", "aya{sv}", value, options
            )
            return said

        async def method(where: str, member: str) -> str:
            return (await client.call(where, CHARACTERISTIC, member))[0]

        async def read(where: str) -> str:
            said, body = await client.call(where, CHARACTERISTIC, "ReadValue", "a{sv}", {})
            return bytes(body[0]).hex() if said == OK else said

        value, told = await look.told_of(read(both))
        book.look("ReadValue", f"{value}; {_listed(told)}")
        for kind in ("request", "command", ""):
            said, told = await look.told_of(put(both, b"\x01\x02", kind))
            book.look(f"WriteValue, {kind or 'no type'}", f"{said}; {_listed(told)}")
        book.look("WriteValue, request, no response there", await put(write, b"\x03", "request"))
        book.look("WriteValue, command there", await put(write, b"\x04", "command"))
        book.look("StartNotify, not there", await method(write, "StartNotify"))
        said, told = await look.told_of(method(both, "StartNotify"))
        book.look("StartNotify", f"{said}; {_listed(told)}")
        book.look("StartNotify, again", await method(both, "StartNotify"))
        _, told = await look.told_of(self._notify(b"\x05"))
        book.look("notified", _listed(told))
        _, told = await look.told_of(self._notify(b"\x05"))
        book.look("notified of the same", _listed(told))
        said, told = await look.told_of(method(both, "StopNotify"))
        book.look("StopNotify", f"{said}; {_listed(told)}")
        book.look("StopNotify, again", await method(both, "StopNotify"))

    async def _notify(self, value: bytes) -> str:
        assert self._device is not None
        await self._device.notify_subscribers(self._both, value)
        return OK

    async def _far(self) -> None:
        """Connect to what is known and is not heard any more."""
        book = self._book
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            connecting = group.create_task(self._method("Connect"))
            await asyncio.sleep(_FAR_S)
            book.look("connect: meanwhile again", await self._method("Connect"))
            said, told = await self._look.told_of(self._method("Disconnect"))
            book.look("connect: given up", f"{said}; {_listed(told)}")
            book.look("connect: given up, its answer", await connecting)
        begin_s = loop.time()
        said, told = await self._look.told_of(self._method("Connect"))
        book.look("connect: out of range", f"{said}; {_listed(told)}", loop.time() - begin_s)

    @asynccontextmanager
    async def _near(self) -> AsyncIterator[None]:
        """The peripheral is in range, and heard again and again."""
        data = flags() + service_data(0xFCD2, b"\x40\x01")
        frame = Frame(SENSOR, data, response=name("node"), connectable=True)

        async def advert() -> None:
            while True:
                if self._device is None or self._device.connections:
                    await asyncio.sleep(_ADVERT_EVERY_S)
                    continue
                self._stage.hear(HCI0, frame, _DBM)
                await asyncio.sleep(_ADVERT_EVERY_S)

        async with asyncio.TaskGroup() as group:
            adverting = group.create_task(advert(), name="adverts")
            try:
                yield
            finally:
                adverting.cancel()


def _listed(events: Iterable[Event]) -> str:
    """Without what adverts say, which go on meanwhile."""
    return listed(one for one in events if not _advert(one))


def _advert(event: Event) -> bool:
    return event.what == "PropertiesChanged" and not {"RSSI", "ServiceData"}.isdisjoint(
        event.body[1]
    )
