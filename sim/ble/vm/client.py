"""A client of BlueZ that writes down everything it is told, in the order it was told."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from dbus_fast import BusType, Message, MessageFlag, MessageType, Variant
from dbus_fast.aio import MessageBus

from sim.ble.objects import ADAPTER, MONITOR, MONITORS, OBJECT_MANAGER, PROPERTIES

HCI: Final = "/org/bluez/hci0"
BLUEZ: Final = "org.bluez"
OK: Final = "ok"

_DBUS: Final = "org.freedesktop.DBus"
_ANSWERS_WITHIN_S: Final = 60.0
_Pattern = tuple[int, int, bytes]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the client was told."""

    at_s: float
    what: str
    path: str
    body: Sequence[Any]


class Client:
    """One connection to the bus."""

    def __init__(self, bus: MessageBus) -> None:
        self.events: list[Event] = []
        self._bus = bus
        self._shown: dict[str, Mapping[str, Variant]] = {}
        bus.add_message_handler(self._take)

    async def call(
        self, path: str, interface: str, member: str, signature: str = "", *body: object
    ) -> tuple[str, Sequence[Any]]:
        """What a call is answered: OK, or an error with its text; and the answer's body."""
        call = Message(
            destination=_DBUS if interface == _DBUS else BLUEZ,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        async with asyncio.timeout(_ANSWERS_WITHIN_S):
            answer = await self._bus.call(call)
        assert answer is not None
        if answer.message_type is MessageType.ERROR:
            text = " ".join(str(one) for one in answer.body)
            return f"{answer.error_name}: {text}", ()
        return OK, answer.body

    async def adapter(self, member: str, signature: str = "", *body: object) -> str:
        """Call a method of hci0."""
        return (await self.call(HCI, ADAPTER, member, signature, *body))[0]

    async def put(self, interface: str, name: str, value: Variant) -> str:
        """Set a property of hci0."""
        return (await self.call(HCI, PROPERTIES, "Set", "ssv", interface, name, value))[0]

    async def objects(self) -> Mapping[str, Mapping[str, Mapping[str, Variant]]]:
        """All there are; none where there is no bluetoothd."""
        said, body = await self.call("/", OBJECT_MANAGER, "GetManagedObjects")
        return body[0] if said == OK else {}

    async def register(self, path: str, patterns: Iterable[_Pattern]) -> str:
        """Register a monitor, then show it, as bleak does."""
        said = (await self.call(HCI, MONITORS, "RegisterMonitor", "o", path))[0]
        if said == OK:
            self.show(path, patterns)
        return said

    def show(self, path: str, patterns: Iterable[_Pattern]) -> None:
        """Export a monitor, as a root of its own: bluetoothd asks there for what is below."""
        self._shown[path] = {
            "Type": Variant("s", "or_patterns"),
            "Patterns": Variant("a(yyay)", [list(one) for one in patterns]),
        }
        _ = self._bus.send(
            Message(
                message_type=MessageType.SIGNAL,
                path=path,
                interface=OBJECT_MANAGER,
                member="InterfacesAdded",
                signature="oa{sa{sv}}",
                body=[path, {MONITOR: self._shown[path]}],
            )
        )

    async def unregister(self, path: str) -> str:
        """Take a monitor back."""
        self._shown.pop(path, None)
        return (await self.call(HCI, MONITORS, "UnregisterMonitor", "o", path))[0]

    def _take(self, message: Message) -> Message | bool | None:
        at_s = asyncio.get_running_loop().time()
        path, member = message.path or "", message.member or ""
        if message.message_type is MessageType.SIGNAL:
            if member in {"InterfacesAdded", "InterfacesRemoved"}:
                self.events.append(Event(at_s, member, message.body[0], message.body[1:]))
            elif member == "PropertiesChanged":
                self.events.append(Event(at_s, member, path, message.body))
            return None
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        self.events.append(Event(at_s, f"call {member}", path, message.body))
        if member == "GetManagedObjects":
            shown = {path: {MONITOR: one} for path, one in self._shown.items()}
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [shown])
        if message.interface == MONITOR:
            # bluetoothd wants no answer to these, and the bus lets none through.
            quiet = message.flags & MessageFlag.NO_REPLY_EXPECTED
            return True if quiet else Message.new_method_return(message)
        return None


@asynccontextmanager
async def client() -> AsyncIterator[Client]:
    """Connect, and be told of everything that is BlueZ's."""
    bus = MessageBus(bus_type=BusType.SYSTEM)
    await bus.connect()
    one = Client(bus)
    rule = f"type='signal',sender='{BLUEZ}'"
    await one.call("/org/freedesktop/DBus", _DBUS, "AddMatch", "s", rule)
    try:
        yield one
    finally:
        bus.disconnect()
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
