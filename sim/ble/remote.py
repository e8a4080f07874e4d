"""A device that is connected, or on the way: its services as objects on the bus.

Ref: BlueZ 5.66, doc/gatt-api.txt; src/gatt-client.c, create_gatt_dbus_error, for the errors.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from dbus_fast import Message

from rules.errors import LinkLost
from sim.ble.att import AttError, Part, Whole
from sim.ble.objects import (
    CHARACTERISTIC,
    DEVICE,
    SERVICE,
    UNKNOWN_METHOD,
    Failed,
    Objects,
    Properties,
    failed,
)

if TYPE_CHECKING:
    # bumble is only loaded where something may be connected to.
    from sim.ble.gatt import Link, Peer

_KEPT: Final = ("00001800-", "00001801-")
"Generic access and generic attribute: bluetoothd shows them to nobody."
_ABORTED: Final = "le-connection-abort-by-local"
_ERRORS: Final = {
    0x02: ("org.bluez.Error.NotPermitted", "Read not permitted"),
    0x03: ("org.bluez.Error.NotPermitted", "Write not permitted"),
    0x05: ("org.bluez.Error.NotPermitted", "Not paired"),
    0x06: ("org.bluez.Error.NotSupported", "Operation is not supported"),
    0x07: ("org.bluez.Error.InvalidArguments", "Invalid offset"),
    0x08: ("org.bluez.Error.NotAuthorized", "Not authorized"),
    0x0D: ("org.bluez.Error.InvalidArguments", "Invalid Length"),
    0x0F: ("org.bluez.Error.NotPermitted", "Not paired"),
}


class Remote:
    """One device's connection over one adapter."""

    def __init__(
        self,
        objects: Objects,
        link: "Link",
        adapter: str,
        address: str,
        path: str,
        over: Callable[[], None],
    ) -> None:
        """Not connected yet; `over` is called once, when it is no more."""
        self._objects = objects
        self._link = link
        self._adapter = adapter
        self._address = address
        self._path = path
        self._over = over
        self._peer: Peer | None = None
        self._connecting: asyncio.Task[object] | None = None
        self._parts: dict[str, Part] = {}
        self._ended = False

    @property
    def connected(self) -> bool:
        return self._peer is not None

    async def connect(self, call: Message) -> Message:
        """Answer to Connect, when the device is connected and its services are known.

        Raises:
            Failed: it was not heard in time, went away, or somebody thought better of it.

        """
        self._connecting = asyncio.current_task()
        try:
            peer = await self._link.connect(self._adapter, self._address)
            self._peer = peer
            peer.on_lost(self.lost)
            self._objects.change(self._path, DEVICE, {"Connected": True})
            await peer.discover()
        except LinkLost as error:
            self.lost()
            raise failed(_ABORTED) from error
        except asyncio.CancelledError:
            task = self._connecting
            if not self._ended or task is None:
                raise
            # It was `lost`, not the service: the caller still gets an answer.
            task.uncancel()
            raise failed(_ABORTED) from None
        finally:
            self._connecting = None
        if self._ended:
            raise failed(_ABORTED)
        for service in peer.services:
            if not service.uuid.startswith(_KEPT):
                self._show(service, peer.mtu)
        uuids = sorted(service.uuid for service in peer.services)
        self._objects.change(self._path, DEVICE, {"UUIDs": uuids, "ServicesResolved": True})
        return Message.new_method_return(call)

    async def disconnect(self, call: Message) -> Message:
        """Answer to Disconnect; it also ends an attempt to connect."""
        self.lost()
        return Message.new_method_return(call)

    def lost(self) -> None:
        """The connection is over, by whichever end, or there will be none."""
        if self._ended:
            return
        self._ended = True
        if self._connecting is not None:
            self._connecting.cancel()
        self._link.cut(self._adapter, self._address)
        if self._path in self._objects:
            for path in {path.rsplit("/", 1)[0] for path in self._parts}:
                self._objects.remove(path)
            changed: Properties = {"ServicesResolved": False, "Connected": False}
            self._objects.change(self._path, DEVICE, changed)
        self._over()

    async def call(self, call: Message) -> Message:
        """Answer to a method of a characteristic.

        Raises:
            Failed: the device refuses, or has gone.

        """
        path = call.path or ""
        peer, part = self._peer, self._parts.get(path)
        if peer is None or part is None:
            raise failed("Not connected")
        try:
            return await self._do(call, path, peer, part)
        except AttError as error:
            text = f"Operation failed with ATT error: 0x{error.code:02x}"
            raise Failed(*_ERRORS.get(error.code, ("org.bluez.Error.Failed", text))) from error
        except LinkLost as error:
            raise failed("Not connected") from error

    async def _do(self, call: Message, path: str, peer: "Peer", part: Part) -> Message:
        match call.member:
            case "ReadValue":
                value = await peer.read(part.handle)
                # BlueZ tells of it as of a notification, and clients must live with both.
                self._tell(path, value)
                return Message.new_method_return(call, "ay", [value])
            case "WriteValue":
                value, options = call.body
                kind = options["type"].value if "type" in options else "request"
                response = kind != "command"
                if ("write" if response else "write-without-response") not in part.flags:
                    raise Failed("org.bluez.Error.NotSupported", "Operation is not supported")
                await peer.write(part.handle, bytes(value), response=response)
            case "StartNotify":
                if {"notify", "indicate"}.isdisjoint(part.flags):
                    raise Failed("org.bluez.Error.NotSupported", "Operation is not supported")
                await peer.subscribe(part.handle, lambda value: self._tell(path, value))
                self._objects.change(path, CHARACTERISTIC, {"Notifying": True})
            case "StopNotify":
                await peer.unsubscribe(part.handle)
                self._objects.change(path, CHARACTERISTIC, {"Notifying": False})
            case _:
                raise Failed(UNKNOWN_METHOD, str(call.member))
        return Message.new_method_return(call)

    def _tell(self, path: str, value: bytes) -> None:
        if path in self._objects:
            self._objects.change(path, CHARACTERISTIC, {"Value": value})

    def _show(self, service: Whole, mtu: int) -> None:
        path = f"{self._path}/service{service.handle:04x}"
        described: Properties = {"UUID": service.uuid, "Device": self._path, "Primary": True}
        self._objects.add(path, {SERVICE: described})
        for part in service.parts:
            below = f"{path}/char{part.handle:04x}"
            self._parts[below] = part
            self._objects.add(
                below,
                {
                    CHARACTERISTIC: {
                        "UUID": part.uuid,
                        "Service": path,
                        "Value": b"",
                        "Flags": list(part.flags),
                        "Notifying": False,
                        "MTU": mtu,
                    }
                },
            )
