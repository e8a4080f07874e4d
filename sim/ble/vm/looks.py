"""What a client of BlueZ sees, step by step: everything that `sim.ble` claims of bluetoothd.

Each look is a line with a name and what was seen, told in words that are equal wherever bluetoothd
does the same. Ref: BlueZ 5.66, doc/adapter-api.txt, doc/device-api.txt, doc/gatt-api.txt,
doc/advertisement-monitor-api.txt.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from typing import Final

from dbus_fast import Variant

from sim.ble.frame import Element, Frame, flags, manufacturer, name, service_data
from sim.ble.objects import ADAPTER, DEVICE, MONITORS, PROPERTIES
from sim.ble.vm.client import BLUEZ, HCI, Client, Event
from sim.ble.vm.record import Book
from sim.ble.vm.stage import HCI0, Stage

SENSOR: Final = "C0:DE:CC:00:00:01"
OTHER: Final = "C0:DE:CC:00:00:02"
DEVICE_PATH: Final = f"{HCI}/dev_C0_DE_CC_00_00_01"
MONITOR_PATH: Final = "/org/ongi/look/1"
BTHOME: Final = (0, int(Element.SERVICE_DATA16), bytes.fromhex("d2fc"))
MANY: Final = 17

_SETTLES_S: Final = 0.6
"So long after something was done nothing further is expected of it."
_FORGOTTEN_WITHIN_S: Final = 60.0
_APPEARS_WITHIN_S: Final = 30.0
_DBM: Final = -60
_ON: Final = Variant("b", True)  # noqa: FBT003 -- that is the value
_OFF: Final = Variant("b", False)  # noqa: FBT003 -- likewise


class Look:
    """One client that looks at one stage."""

    def __init__(self, stage: Stage, client: Client, book: Book) -> None:
        self.stage = stage
        self.client = client
        self.book = book

    async def carry_out(self) -> None:
        """Look at everything."""
        await self.appears()
        await self.properties()
        await self.refusals()
        await self.monitor()
        await self.passive()
        await self.active()
        await self.ends()
        await self.off()

    async def appears(self) -> None:
        """Wait for the adapter to be there and switched on."""

        async def powered() -> bool:
            adapter = (await self.client.objects()).get(HCI, {}).get(ADAPTER, {})
            return "Powered" in adapter and adapter["Powered"].value is True

        async with asyncio.timeout(_APPEARS_WITHIN_S):
            while not await powered():  # noqa: ASYNC110 -- asked, since nobody listens yet
                await asyncio.sleep(0.05)
        for path in await self.client.objects():
            if path.startswith(f"{HCI}/dev_") and path.count("/") == HCI.count("/") + 1:
                # Somebody else's, of before.
                await self.client.adapter("RemoveDevice", "o", path)
        await asyncio.sleep(_SETTLES_S)

    # ------------------------------------------------------------------------- what is there

    async def properties(self) -> None:
        """The adapter's interfaces and properties."""
        objects = await self.client.objects()
        self.book.look("objects", ", ".join(sorted(objects)))
        interfaces = objects[HCI]
        self.book.look("adapter: interfaces", ", ".join(sorted(map(_short, interfaces))))
        for interface in (ADAPTER, MONITORS):
            self.book.look(f"adapter: {_short(interface)}", typed(interfaces[interface]))
        for property_ in ("AddressType", "Roles", "Discovering", "Class"):
            value = interfaces[ADAPTER][property_].value
            self.book.look(f"adapter: {property_}", str(value))
        for property_ in ("SupportedMonitorTypes", "SupportedFeatures"):
            value = interfaces[MONITORS][property_].value
            self.book.look(f"monitors: {property_}", str(value))

    async def refusals(self) -> None:
        """Calls that are wrong, or at the wrong moment."""
        client, book = self.client, self.book
        book.look("StopDiscovery, none started", await client.adapter("StopDiscovery"))
        book.look("StartDiscovery", await client.adapter("StartDiscovery"))
        book.look("StartDiscovery, again", await client.adapter("StartDiscovery"))
        book.look("StopDiscovery", await client.adapter("StopDiscovery"))
        book.look("StopDiscovery, again", await client.adapter("StopDiscovery"))
        for title, asked in (
            ("Transport", {"Transport": Variant("s", "pigeon")}),
            ("UUIDs", {"UUIDs": Variant("as", ["no uuid"])}),
            ("an unknown key", {"Wings": _ON}),
            ("nothing", {}),
        ):
            said = await client.adapter("SetDiscoveryFilter", "a{sv}", asked)
            book.look(f"SetDiscoveryFilter, {title}", said)
        book.look("RemoveDevice, unknown", await client.adapter("RemoveDevice", "o", DEVICE_PATH))
        said, _ = await client.call(DEVICE_PATH, DEVICE, "Connect")
        book.look("Connect, unknown", said)
        book.look("a method that is not", await client.adapter("Fly"))
        said, _ = await client.call(HCI, f"{BLUEZ}.Wings1", "Fly")
        book.look("an interface that is not", said)
        said, _ = await client.call(HCI, PROPERTIES, "Get", "ss", ADAPTER, "Wings")
        book.look("Get, unknown", said)
        said, _ = await client.call(DEVICE_PATH, PROPERTIES, "GetAll", "s", DEVICE)
        book.look("GetAll, no such object", said)
        said = await client.put(ADAPTER, "Address", Variant("s", OTHER))
        book.look("Set, read only", said)
        book.look("Set, unknown", await client.put(ADAPTER, "Wings", _ON))
        book.look("Set, another type", await client.put(ADAPTER, "Powered", Variant("s", "on")))
        book.look("UnregisterMonitor, unknown", await client.unregister("/org/ongi/look/no"))

    # ----------------------------------------------------------------------------- monitors

    async def monitor(self) -> None:
        """A monitor is registered, shown, taken or released."""
        client, book = self.client, self.book
        said, told = await self.told_of(client.register(MONITOR_PATH, [BTHOME]))
        book.look("RegisterMonitor", said)
        book.look("RegisterMonitor: told", listed(told))
        book.look("RegisterMonitor, again", await client.register(MONITOR_PATH, [BTHOME]))
        self._asked("RegisterMonitor")
        said, told = await self.told_of(client.unregister(MONITOR_PATH))
        book.look("UnregisterMonitor", said)
        book.look("UnregisterMonitor: told", listed(told))

    async def limits(self) -> None:
        """Monitors that ask for much, or for nothing. bluetoothd need not survive it."""
        client, book = self.client, self.book
        many = [(0, int(Element.SERVICE_DATA16), bytes([n, 0xFC])) for n in range(MANY)]
        for number, (title, patterns) in enumerate(
            (
                ("7 patterns", many[:7]),
                ("no pattern", []),
                ("8 patterns", many[:8]),
                ("17 patterns", many),
            )
        ):
            path = f"/org/ongi/look/limits/{number}"
            said, told = await self.told_of(client.register(path, patterns))
            book.look(f"RegisterMonitor, {title}", f"{said}; {listed(told)}")
            book.look(f"UnregisterMonitor, {title}", await client.unregister(path))

    # ------------------------------------------------------------------------------ passive

    async def passive(self) -> None:
        """What is told while a monitor listens and nobody discovers."""
        client, book = self.client, self.book
        await client.register(MONITOR_PATH, [BTHOME])
        await asyncio.sleep(_SETTLES_S)
        first = flags() + service_data(0xFCD2, b"\x40\x01")
        told = await self._heard("passive: first", Frame(SENSOR, first, connectable=True))
        for event in told:
            if event.what == "InterfacesAdded":
                book.look("passive: Device1", typed(event.body[0][DEVICE]))
                for kept, value in sorted(event.body[0][DEVICE].items()):
                    if kept not in {"Address", "Adapter"}:
                        book.look(f"passive: Device1.{kept}", _value(value))
        await self._heard("passive: the same again", Frame(SENSOR, first, connectable=True))
        await self._heard("passive: the same, 3 dB weaker", Frame(SENSOR, first), -63)
        await self._heard("passive: the same, 8 dB weaker", Frame(SENSOR, first), -71)
        await self._heard("passive: the same, 7 dB stronger", Frame(SENSOR, first), -64)
        other = flags() + service_data(0xFCD2, b"\x40\x02")
        await self._heard("passive: other data", Frame(SENSOR, other), -64)
        mixed = flags() + service_data(0xFE95, b"\x30") + service_data(0xFCD2, b"\x40\x02")
        await self._heard("passive: another element beside it", Frame(SENSOR, mixed), -64)
        await self._heard("passive: without that element", Frame(SENSOR, other), -64)
        named = flags() + service_data(0xFCD2, b"\x40\x03") + name("lamp")
        await self._heard("passive: with a name", Frame(SENSOR, named), -64)
        strange = flags() + service_data(0xFE95, b"\x30\x31")
        await self._heard("passive: of ours, no pattern", Frame(SENSOR, strange), -64)
        await self._heard("passive: of a stranger, no pattern", Frame(OTHER, strange))
        silent = service_data(0xFCD2, b"\x40\x05")
        await self._heard("passive: not connectable, no flags", Frame(OTHER, silent))
        response = Frame(OTHER, flags() + service_data(0xFCD2, b"\x40\x06"), response=name("x"))
        await self._heard("passive: scannable", response)
        maker = flags() + manufacturer(0x0969, b"\x01\x02") + service_data(0xFCD2, b"\x40\x07")
        await self._heard("passive: maker's data", Frame(OTHER, maker))
        _, told = await self.told_of(client.unregister(MONITOR_PATH))
        book.look("passive: UnregisterMonitor with devices", listed(told))
        await self._forgotten("passive")

    async def _forgotten(self, title: str) -> None:
        """After how long devices are forgotten that are not heard any more."""
        begin_s = asyncio.get_running_loop().time()
        seen = len(self.client.events)
        deadline_s = begin_s + _FORGOTTEN_WITHIN_S
        while any("/dev_" in path for path in await self.client.objects()):
            if asyncio.get_running_loop().time() > deadline_s:
                break
            await asyncio.sleep(0.2)
        await asyncio.sleep(0.2)
        lasted_s = asyncio.get_running_loop().time() - begin_s
        self.book.look(f"{title}: forgotten", listed(self.client.events[seen:]), seconds=lasted_s)

    # ------------------------------------------------------------------------------- active

    async def active(self) -> None:
        """What is told to whoever discovers."""
        client, book = self.client, self.book
        for title, asked in (
            ("coarse", {}),
            ("fine", {"Transport": Variant("s", "le")}),
            (
                "duplicates",
                {"Transport": Variant("s", "le"), "DuplicateData": _ON},
            ),
        ):
            await client.adapter("SetDiscoveryFilter", "a{sv}", asked)
            said, told = await self.told_of(client.adapter("StartDiscovery"))
            book.look(f"{title}: StartDiscovery", f"{said}; {listed(told)}")
            self._asked(title)
            frame = Frame(
                SENSOR, flags() + service_data(0xFCD2, b"\x40\x01"), response=name("plug")
            )
            await self._heard(f"{title}: first", frame)
            await self._heard(f"{title}: the same again", frame)
            await self._heard(f"{title}: the same, 3 dB weaker", frame, _DBM - 3)
            await self._heard(f"{title}: the same, 11 dB weaker", frame, _DBM - 11)
            other = Frame(
                SENSOR, flags() + service_data(0xFCD2, b"\x40\x02"), response=name("plug")
            )
            await self._heard(f"{title}: other data", other, _DBM - 11)
            said, told = await self.told_of(client.adapter("StopDiscovery"))
            book.look(f"{title}: StopDiscovery", f"{said}; {listed(told)}")
            said, told = await self.told_of(client.adapter("RemoveDevice", "o", DEVICE_PATH))
            book.look(f"{title}: RemoveDevice", f"{said}; {listed(told)}")

    async def ends(self) -> None:
        """A discovery ends, where somebody can be connected to and somebody cannot."""
        client, book = self.client, self.book
        await client.adapter("SetDiscoveryFilter", "a{sv}", {"Transport": Variant("s", "le")})
        await client.adapter("StartDiscovery")
        await self._heard("end: connectable", Frame(SENSOR, flags() + name("a"), connectable=True))
        await self._heard("end: not connectable", Frame(OTHER, flags() + name("b")))
        said, told = await self.told_of(client.adapter("StopDiscovery"))
        book.look("end: StopDiscovery", f"{said}; {listed(told)}")
        await client.adapter("RemoveDevice", "o", DEVICE_PATH)
        await self.settle()

    async def off(self) -> None:
        """Switched off and on."""
        client, book = self.client, self.book
        await self.told_of(client.register(MONITOR_PATH, [BTHOME]))
        frame = Frame(SENSOR, flags() + service_data(0xFCD2, b"\x40\x01"))
        await self._heard("off: before", frame)
        said, told = await self.told_of(client.put(ADAPTER, "Powered", _OFF))
        book.look("off: Powered false", f"{said}; {listed(told)}")
        await self._heard("off: heard", frame)
        book.look("off: StartDiscovery", await client.adapter("StartDiscovery"))
        path = "/org/ongi/look/off"
        said, told = await self.told_of(client.register(path, [BTHOME]))
        book.look("off: RegisterMonitor", f"{said}; {listed(told)}")
        book.look("off: UnregisterMonitor", await client.unregister(path))
        said, told = await self.told_of(client.put(ADAPTER, "Powered", _ON))
        book.look("off: Powered true", f"{said}; {listed(told)}")
        other = Frame(SENSOR, flags() + service_data(0xFCD2, b"\x40\x02"))
        await self._heard("off: on again, the monitor hears", other)
        await client.unregister(MONITOR_PATH)

    # ------------------------------------------------------------------------------ seeing

    async def _heard(self, title: str, frame: Frame, rssi_dbm: int = _DBM) -> list[Event]:
        """An advert is on the air; what the client is told of it."""
        begin = len(self.client.events)
        self.stage.hear(HCI0, frame, rssi_dbm)
        await asyncio.sleep(_SETTLES_S)
        told = self.client.events[begin:]
        self.book.look(title, listed(told))
        return told

    def _asked(self, title: str) -> None:
        """How the controller scans, where there is one."""
        asked = self.stage.asked(HCI0)
        if asked is not None:
            self.book.look(f"scan, {title}", asked)

    async def settle(self) -> None:
        """Wait until what was done has been told of."""
        await asyncio.sleep(_SETTLES_S)

    async def told_of(self, done: Awaitable[str]) -> tuple[str, list[Event]]:
        """Wait for what is done; what it was answered, and what else was told."""
        begin = len(self.client.events)
        said = await done
        await asyncio.sleep(_SETTLES_S)
        return said, self.client.events[begin:]


def listed(events: Iterable[Event | str]) -> str:
    """Events in words, in their order."""
    return ", ".join(one if isinstance(one, str) else _text(one) for one in events) or "nothing"


def _text(event: Event) -> str:
    if "/dev_" in event.path:
        where = f"device{event.path.partition('/dev_')[2][17:]}"
    else:
        where = event.path.rpartition("/")[2] if event.path.startswith("/org/bluez") else "monitor"
    match event.what:
        case "InterfacesAdded":
            return f"{where} appears"
        case "InterfacesRemoved":
            return f"{where} disappears"
        case "PropertiesChanged":
            changed = sorted(event.body[1])
            gone = sorted(event.body[2])
            return f"{where}: {' '.join([*changed, *(f'-{one}' for one in gone)])}"
    return f"{event.what} on {where if where == 'monitor' else event.path}"


def typed(properties: Mapping[str, Variant]) -> str:
    return " ".join(sorted(f"{key}={value.signature}" for key, value in properties.items()))


def _value(variant: Variant) -> str:
    value = variant.value
    if isinstance(value, dict):
        return ", ".join(f"{key}={_value(one)}" for key, one in value.items())
    return value.hex() if isinstance(value, bytes) else str(value)


def _short(interface: str) -> str:
    return interface.rpartition(".")[2]
