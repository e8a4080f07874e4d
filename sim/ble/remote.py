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

_KEPT: Final = "00001800-"
"Generic access: bluetoothd shows it to nobody."
_ABORTED: Final = "le-connection-abort-by-local"
_GIVEN_UP: Final = "br-connection-canceled"
"What bluetoothd says of any radio."
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
        self._notifying: set[str] = set()
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
            raise failed(_GIVEN_UP) from None
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
        if self._path in self._objects and self._peer is not None:
            # Services stay where they are: with the device they go.
            for path in self._notifying:
                self._objects.change(path, CHARACTERISTIC, {"Notifying": False})
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
                # Whatever its flags say: the device decides.
                await peer.write(part.handle, bytes(value), response=kind != "command")
            case "StartNotify":
                if {"notify", "indicate"}.isdisjoint(part.flags):
                    raise Failed("org.bluez.Error.NotSupported", "Operation is not supported")
                if path in self._notifying:
                    return Message.new_method_return(call)
                self._notifying.add(path)
                await peer.subscribe(part.handle, lambda value: self._tell(path, value))
                self._objects.change(path, CHARACTERISTIC, {"Notifying": True})
            case "StopNotify":
                if path not in self._notifying:
                    raise failed("No notify session started")
                self._notifying.discard(path)
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
        described: Properties = {
            "UUID": service.uuid,
            "Device": self._path,
            "Primary": True,
            "Includes": [],
        }
        if path not in self._objects:
            self._objects.add(path, {SERVICE: described})
        for part in service.parts:
            # Named by its declaration, which stands before its value.
            below = f"{path}/char{part.handle - 1:04x}"
            self._parts[below] = part
            if below not in self._objects:
                self._objects.add(below, {CHARACTERISTIC: _characteristic(path, part, mtu)})


def _characteristic(service: str, part: Part, mtu: int) -> Properties:
    properties: Properties = {
        "UUID": part.uuid,
        "Service": service,
        "Value": b"",
        "Flags": list(part.flags),
        "MTU": mtu,
    }
    if not {"notify", "indicate"}.isdisjoint(part.flags):
        properties["Notifying"] = False
    if "notify" in part.flags:
        properties["NotifyAcquired"] = False
    if "write-without-response" in part.flags:
        properties["WriteAcquired"] = False
    return properties
