"""The connections that an ESPHome proxy holds for its client, over bumble.

Ref: esphome 2025.9, components/bluetooth_proxy/bluetooth_connection.cpp; Bluetooth Core
Specification 5.4, Vol 3, Part G, table 3.5 for the properties.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from aioesphomeapi import api_pb2 as pb
from google.protobuf.message import Message

from rules.errors import LinkLost
from sim.ble.att import AttError, Part

if TYPE_CHECKING:
    # bumble is only loaded where something may be connected to.
    from sim.ble.gatt import Link, Peer

_PROPERTIES: Final = {
    "read": 0x02,
    "write-without-response": 0x04,
    "write": 0x08,
    "notify": 0x10,
    "indicate": 0x20,
}
_NOTIFYING: Final = 0x30
_CCCD: Final = 0x2902
_DISCONNECT: Final = 1
_CONNECTS: Final = (4, 5)
"With and without the services kept by the client; what came before them is supported no more."
_TIMED_OUT: Final = 0x08
_ESTABLISH_FAILED: Final = 0x3E
_NOT_CONNECTED: Final = -1
_BASE: Final = 0x0000_0000_0000_1000_8000_00805F9B34FB


class Connections:
    """Those of one client; `handle` runs as a task for each message."""

    def __init__(
        self, address: str, link: "Link | None", slots: int, send: Callable[[Message], None]
    ) -> None:
        """Connect from `address` over `link`, to so many at a time as there are slots."""
        self._address = address
        self._link = link
        self._slots = slots
        self._send = send
        self._peers: dict[int, Peer | None] = {}
        "By the number of their addresses; None while it is on the way."
        self._one = asyncio.Lock()

    async def answer(self, message: Message) -> None:
        """Do what a message asks, and answer it."""
        if isinstance(message, pb.BluetoothDeviceRequest):
            await self._device(message)
            return
        number = message.address
        handle = getattr(message, "handle", 0)
        try:
            await self._ask(message, number, handle, self._peer(number))
        except AttError as error:
            self._send(
                pb.BluetoothGATTErrorResponse(address=number, handle=handle, error=error.code)
            )
        except LinkLost:
            failed = pb.BluetoothGATTErrorResponse(
                address=number, handle=handle, error=_NOT_CONNECTED
            )
            self._send(failed)

    def tell_free(self) -> None:
        """Tell how many more there may be."""
        free = self._slots - len(self._peers)
        taken = list(self._peers)
        self._send(
            pb.BluetoothConnectionsFreeResponse(free=free, limit=self._slots, allocated=taken)
        )

    def drop(self) -> None:
        """The client is gone, and with it what it was connected to."""
        for number in list(self._peers):
            self._cut(number)
        self._peers.clear()

    # ------------------------------------------------------------------------- coming, going

    async def _device(self, asked: Message) -> None:
        number, kind = asked.address, asked.request_type
        if kind in _CONNECTS:
            await self._connect(number)
        elif kind == _DISCONNECT:
            self._cut(number)
            self._over(number, 0)

    async def _connect(self, number: int) -> None:
        link = self._link
        if link is None or number in self._peers or len(self._peers) >= self._slots:
            self._state(number, error=_ESTABLISH_FAILED)
            return
        self._peers[number] = None
        self.tell_free()
        try:
            async with self._one:  # The radio looks for one device at a time.
                peer = await link.connect(self._address, _text(number))
            peer.on_lost(lambda: self._over(number, _TIMED_OUT))
            await peer.discover()
        except LinkLost:
            self._over(number, _ESTABLISH_FAILED)
            return
        if number in self._peers:
            self._peers[number] = peer
            self._state(number, connected=True, mtu=peer.mtu)

    def _cut(self, number: int) -> None:
        if self._link is not None:
            self._link.cut(self._address, _text(number))

    def _over(self, number: int, error: int) -> None:
        if number in self._peers:
            del self._peers[number]
            self.tell_free()
            self._state(number, error=error)

    def _state(
        self, number: int, *, connected: bool = False, mtu: int = 0, error: int = 0
    ) -> None:
        self._send(
            pb.BluetoothDeviceConnectionResponse(
                address=number, connected=connected, mtu=mtu, error=error
            )
        )

    # ------------------------------------------------------------------------ what it serves

    def _peer(self, number: int) -> "Peer":
        peer = self._peers.get(number)
        if peer is None:
            raise LinkLost("not connected")
        return peer

    async def _ask(self, asked: Message, number: int, handle: int, peer: "Peer") -> None:
        match type(asked).__name__:
            case "BluetoothGATTGetServicesRequest":
                for service in _services(peer):
                    self._send(
                        pb.BluetoothGATTGetServicesResponse(address=number, services=[service])
                    )
                answer = pb.BluetoothGATTGetServicesDoneResponse(address=number)
            case "BluetoothGATTReadRequest":
                value = await peer.read(handle)
                answer = pb.BluetoothGATTReadResponse(address=number, handle=handle, data=value)
            case "BluetoothGATTWriteRequest":
                response = asked.response
                await peer.write(handle, asked.data, response=response)
                if not response:
                    return
                answer = pb.BluetoothGATTWriteResponse(address=number, handle=handle)
            case "BluetoothGATTWriteDescriptorRequest":
                await self._listen(number, handle - 1, peer, on=any(asked.data))
                answer = pb.BluetoothGATTWriteResponse(address=number, handle=handle)
            case "BluetoothGATTNotifyRequest":
                # The chip passes them on from now on; the client asks the device for them itself.
                answer = pb.BluetoothGATTNotifyResponse(address=number, handle=handle)
            case _:
                return
        self._send(answer)

    async def _listen(self, number: int, handle: int, peer: "Peer", *, on: bool) -> None:
        def tell(value: bytes) -> None:
            self._send(
                pb.BluetoothGATTNotifyDataResponse(address=number, handle=handle, data=value)
            )

        await (peer.subscribe(handle, tell) if on else peer.unsubscribe(handle))


def _services(peer: "Peer") -> Iterator[Message]:
    for service in peer.services:
        yield pb.BluetoothGATTService(
            uuid=_halves(int(service.uuid.replace("-", ""), 16)),
            handle=service.handle,
            characteristics=[_characteristic(part) for part in service.parts],
        )


def _characteristic(part: Part) -> Message:
    properties = sum(_PROPERTIES[flag] for flag in part.flags)
    # Its switch for notifications is taken to be the next handle; bumble finds the real one.
    cccd = pb.BluetoothGATTDescriptor(uuid=_halves(_BASE | _CCCD << 96), handle=part.handle + 1)
    return pb.BluetoothGATTCharacteristic(
        uuid=_halves(int(part.uuid.replace("-", ""), 16)),
        handle=part.handle,
        properties=properties,
        descriptors=[cccd] if properties & _NOTIFYING else [],
    )


def _halves(uuid: int) -> list[int]:
    return [uuid >> 64, uuid & (1 << 64) - 1]


def _text(number: int) -> str:
    return number.to_bytes(6, "big").hex(":").upper()
