"""Connections over bumble: a real attribute protocol between whoever connects and a peripheral.

Only connections are bumble's. Adverts come from our ether: bumble's own have one strength for all
distances, repeat themselves as scan responses, and know no non-connectable kind. So its link lets
no advert through; a central that wants to connect does so when the ether brings it one.

Ref: Bluetooth Core Specification 5.4, Vol 3, Parts F and G; bumble 0.0.236, link.py and
controller.py.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from bumble import hci, ll
from bumble.att import ATT_Error
from bumble.controller import Controller
from bumble.core import UUID, ProtocolError
from bumble.core import TimeoutError as BumbleTimeoutError
from bumble.device import Connection, Device
from bumble.device import Peer as BumblePeer
from bumble.gatt import Characteristic
from bumble.host import Host
from bumble.link import LocalLink

from rules.errors import LinkLost
from sim.ble.att import AttError, Part, Whole

if TYPE_CHECKING:
    from bumble.gatt_client import CharacteristicProxy

MTU: Final = 517
"What BlueZ asks for; the smaller of both ends is used."

_CONNECTS_WITHIN_S: Final = 20.0
_MEETS_AFTER_S: Final = 0.01
_ADVERTISES_EVERY_MS: Final = 10_240
"Of the timer in bumble's advertiser, whose adverts go nowhere."

_FLAGS: Final = {
    Characteristic.Properties.READ: "read",
    Characteristic.Properties.WRITE_WITHOUT_RESPONSE: "write-without-response",
    Characteristic.Properties.WRITE: "write",
    Characteristic.Properties.NOTIFY: "notify",
    Characteristic.Properties.INDICATE: "indicate",
}


_Kind = TypeVar("_Kind", bound="LinkController")


class Link:
    """The connections of everything around: adapters, peripherals, strangers."""

    def __init__(self) -> None:
        self._link = _Silent()
        self._controllers: dict[str, LinkController] = {}
        self._centrals: dict[str, Device] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        "A controller makes one connection after the other."
        self._waiting: dict[tuple[str, str], asyncio.Event] = {}
        "Who waits for whose advert."

    async def device(self, address: str) -> Device:
        """A device of bumble's on this link, powered on: an end of a connection, any role.

        `address` is its only one. Add services, then `open` it for connections.
        """
        controller = self.controller(address, LinkController)
        host = Host()
        # bumble annotates less than it takes.
        host.controller = controller
        device = Device(name=address, address=hci.Address(address), host=host)
        await device.power_on()
        return device

    def controller(self, address: str, kind: type[_Kind]) -> _Kind:
        """An end of connections that is left to its maker to drive."""
        made = kind(address, self._link)
        self._controllers[address] = made
        return made

    async def open(self, device: Device) -> None:
        """Let whoever hears its adverts connect to a device, one at a time."""
        every = float(_ADVERTISES_EVERY_MS)
        await device.start_advertising(
            auto_restart=True, advertising_interval_min=every, advertising_interval_max=every
        )

    def remove(self, address: str) -> None:
        """A device is switched off; its connections are lost."""
        controller = self._controllers.pop(address, None)
        self._centrals.pop(address, None)
        if controller is None:
            return
        for other in [
            one.to_string(with_type_qualifier=False) for one in controller.le_connections
        ]:
            self._end(controller, other)
            self._end(self._controllers.get(other), address)
        self._link.remove_controller(controller)

    def cut(self, one: str, other: str) -> None:
        """A connection breaks off, as when two ends are carried out of each other's range."""
        self._end(self._controllers.get(one), other)
        self._end(self._controllers.get(other), one)

    @staticmethod
    def _end(controller: "LinkController | None", other: str) -> None:
        if controller is None:
            return
        connection = controller.le_connections.get(hci.Address(other))
        if connection is not None:
            reason = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR
            controller.on_le_disconnected(connection, reason)

    def hear(self, receiver: str, sender: str) -> None:
        """A receiver hears a connectable advert: it connects now if it has waited for it."""
        heard = self._waiting.get((receiver, sender))
        if heard is not None:
            heard.set()
        self._meet(receiver, sender)

    def _meet(self, receiver: str, sender: str) -> None:
        waiting = self._controllers.get(receiver)
        peripheral = self._controllers.get(sender)
        if waiting is None or peripheral is None or waiting.pending_le_connection is None:
            return
        address = peripheral.open_at()
        if address is not None:
            waiting.on_ll_advertising_pdu(ll.AdvInd(address, b""))

    async def connect(
        self, adapter: str, peripheral: str, within_s: float = _CONNECTS_WITHIN_S
    ) -> "Peer":
        """Connect an adapter, or a stranger's telephone, to a peripheral, once it is heard.

        As a kernel does it, one may wait for several peripherals at once.

        Raises:
            LinkLost: it was not heard in time, or was lost again at once.

        """
        turn = self._turns.setdefault(adapter, asyncio.Lock())
        heard = self._waiting.setdefault((adapter, peripheral), asyncio.Event())
        try:
            async with asyncio.timeout(within_s):
                while True:
                    await heard.wait()
                    heard.clear()
                    async with turn:
                        sender = self._controllers.get(peripheral)
                        if sender is not None and sender.open_at() is not None:
                            return await self._connect(adapter, peripheral)
        except TimeoutError as error:
            raise LinkLost(f"{peripheral}: not heard") from error
        finally:
            self._waiting.pop((adapter, peripheral), None)

    async def _connect(self, adapter: str, peripheral: str) -> "Peer":
        central = self._centrals.get(adapter)
        if central is None:
            central = self._centrals[adapter] = await self.device(adapter)
        # As soon as the controller was told to; should that take longer, by the next advert.
        asyncio.get_running_loop().call_later(_MEETS_AFTER_S, self._meet, adapter, peripheral)
        try:
            connection = await central.connect(hci.Address(peripheral))
        except (ProtocolError, BumbleTimeoutError) as error:
            raise LinkLost(f"{peripheral}: {error}") from error
        except asyncio.CancelledError as error:
            self._controllers[adapter].pending_le_connection = None
            if not _cancelled():
                raise LinkLost(f"{peripheral}: lost at once") from error
            raise
        return Peer(connection)


class Peer:
    """A peripheral that one is connected to."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._peer = BumblePeer(connection)
        self._parts: dict[int, CharacteristicProxy[bytes]] = {}
        self._listening: dict[int, Callable[[bytes], None]] = {}
        self.services: tuple[Whole, ...] = ()

    @property
    def mtu(self) -> int:
        return self._peer.gatt_client.mtu

    def on_lost(self, tell: Callable[[], None]) -> None:
        """Tell when the connection has ended, by whomever."""
        self._connection.on("disconnection", lambda _: tell())

    async def discover(self) -> None:
        """Learn what it serves.

        Raises:
            LinkLost: it went away, or did not answer.

        """
        try:
            with _Translated():
                await self._peer.request_mtu(MTU)
                await self._peer.discover_services()
                for service in self._peer.services:
                    await service.discover_characteristics()
        except AttError as error:
            raise LinkLost(str(error)) from error
        services = []
        for service in self._peer.services:
            parts = []
            for one in service.characteristics:
                self._parts[one.handle] = one
                named = tuple(name for bit, name in _FLAGS.items() if bit & one.properties)
                parts.append(Part(one.handle, _whole_uuid(one.uuid), named))
            services.append(Whole(service.handle, _whole_uuid(service.uuid), tuple(parts)))
        self.services = tuple(services)

    async def read(self, handle: int) -> bytes:
        """Read a characteristic.

        Raises:
            AttError: the peripheral refuses.
            LinkLost: it went away, or did not answer.

        """
        with _Translated():
            return bytes(await self._parts[handle].read_value())

    async def write(self, handle: int, value: bytes, *, response: bool) -> None:
        """Write a characteristic; without response nobody knows what became of it.

        Raises:
            AttError: the peripheral refuses.
            LinkLost: it went away, or did not answer.

        """
        with _Translated():
            await self._parts[handle].write_value(value, with_response=response)

    async def subscribe(self, handle: int, tell: Callable[[bytes], None]) -> None:
        """Be told of every notification, or indication, of a characteristic.

        Raises:
            AttError: the peripheral refuses.
            LinkLost: it went away, or did not answer.

        """
        self._listening[handle] = tell
        with _Translated():
            await self._parts[handle].subscribe(tell)

    async def unsubscribe(self, handle: int) -> None:
        """Be told no more.

        Raises:
            AttError: the peripheral refuses.
            LinkLost: it went away, or did not answer.

        """
        tell = self._listening.pop(handle, None)
        if tell is not None:
            with _Translated():
                await self._parts[handle].unsubscribe(tell)

    async def disconnect(self) -> None:
        """End the connection; nothing if it has ended."""
        with _Translated():
            await self._connection.disconnect()


class _Translated:
    """bumble's errors as ours."""

    def __enter__(self) -> None:
        return

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, ATT_Error):
            raise AttError(error.error_code) from error
        if isinstance(error, ProtocolError | BumbleTimeoutError | TimeoutError):
            raise LinkLost(str(error)) from error
        # bumble cancels what was asked when the connection ends.
        if isinstance(error, asyncio.CancelledError) and not _cancelled():
            raise LinkLost("disconnected") from error


class _Silent(LocalLink):
    """A link that carries connections and no adverts."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def send_advertising_pdu(
        self, sender_controller: Controller, packet: ll.AdvertisingPdu
    ) -> None:
        """Carry requests to connect, at once: a peripheral takes one central only."""
        if isinstance(packet, ll.ConnectInd):
            for controller in list(self.controllers):
                if controller is not sender_controller:
                    controller.on_ll_advertising_pdu(packet)


class LinkController(Controller):
    """bumble's controller, with a cancelled connection really cancelled."""

    def __init__(self, address: str, link: LocalLink) -> None:
        super().__init__(address, link=link)

    def open_at(self) -> hci.Address | None:
        """The address at which it takes a connection now, if it does."""
        if self.le_legacy_advertiser.enabled:
            return self.le_legacy_advertiser.address
        sets = self.advertising_sets.values()
        return next((one.address for one in sets if one.enabled), None)

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Ref: Core 5.4, Vol 4, Part E, 7.8.13: the pending connection completes with an error."""
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        asyncio.get_running_loop().call_soon(
            self.send_hci_packet,
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=pending.peer_address.address_type,
                peer_address=pending.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            ),
        )
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)


def _whole_uuid(uuid: UUID) -> str:
    text = uuid.to_hex_str("-").lower()
    return text if len(text) == 36 else f"0000{text}-0000-1000-8000-00805f9b34fb"


def _cancelled() -> bool:
    """Whether it is this task that was cancelled, and not what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
