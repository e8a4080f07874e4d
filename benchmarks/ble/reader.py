"""The floor of `benchmarks.ble`: asks for a discovery, reads the signals, and does no more.

DBUS_SYSTEM_BUS_ADDRESS=... python -m benchmarks.ble.reader
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from dbus_fast import BusType, Message, Variant
from dbus_fast.aio import MessageBus

_BUS: Final = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
_ADAPTER: Final = ("org.bluez", "/org/bluez/hci0", "org.bluez.Adapter1")
_FILTER: Final = {"DuplicateData": Variant("b", True)}  # noqa: FBT003 -- as D-Bus has it
_CALLS: Final[Sequence[tuple[tuple[str, str, str], str, str, list[object]]]] = (
    (_BUS, "AddMatch", "s", ["type='signal',path_namespace='/org/bluez'"]),
    (_ADAPTER, "SetDiscoveryFilter", "a{sv}", [_FILTER]),
    (_ADAPTER, "StartDiscovery", "", []),
)


async def _read() -> None:
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    bus.add_message_handler(lambda _: None)
    for (destination, path, interface), member, signature, body in _CALLS:
        await bus.call(
            Message(
                destination=destination,
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=body,
            )
        )
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_read())
