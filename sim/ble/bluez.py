"""An `org.bluez` that bleak and habluetooth take for bluetoothd, and what may befall it.

Ref: BlueZ 5.66, doc/adapter-api.txt, doc/device-api.txt, doc/gatt-api.txt and
doc/advertisement-monitor-api.txt. Left out: classic Bluetooth, pairing, advertising, profiles.

The faults are methods: `restart`, `unplug`, `plug`, `freeze`, `in_progress`, `hang`. When the bus
itself dies, everything is forgotten, and the service comes back as soon as there is a bus again.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from dbus_fast import Message, MessageFlag, MessageType, NameFlag
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError

from sim.ble.adapter import Adapter, Until
from sim.ble.connections import ANSWERED, Connections
from sim.ble.frame import Frame
from sim.ble.objects import (
    ADAPTER,
    CHARACTERISTIC,
    DEVICE,
    MONITOR,
    MONITORS,
    OBJECT_MANAGER,
    PROPERTIES,
    UNKNOWN_METHOD,
    Failed,
    Objects,
)
from sim.ble.outbox import DBUS, DBUS_PATH, Outbox
from sim.ble.patterns import patterns

if TYPE_CHECKING:
    # bumble is only loaded where something may be connected to.
    from sim.ble.gatt import Link

__all__ = ["Bluez", "Until"]

_NAME: Final = "org.bluez"
_TEMPORARY_S: Final = 30.0
"Ref: bluetoothd's main.conf, TemporaryTimeout."
_TRY_AGAIN_S: Final = 0.1
_OURS: Final = frozenset(
    {
        OBJECT_MANAGER,
        PROPERTIES,
        ADAPTER,
        MONITORS,
        DEVICE,
        CHARACTERISTIC,
        f"{_NAME}.GattService1",
    }
)
_STARTS: Final = frozenset({"StartDiscovery", "RegisterMonitor"})


class Bluez:
    """bluetoothd with the adapters of one machine. `run` must run."""

    def __init__(
        self,
        bus: str,
        adapters: Mapping[str, int],
        link: "Link | None" = None,
        *,
        experimental: bool = True,
        numbers: bool = True,
        temporary_s: float = _TEMPORARY_S,
    ) -> None:
        """Serve on a bus.

        Args:
            bus: its address.
            adapters: their own addresses, each with its index: 0 is hci0.
            link: to whom may be connected.
            experimental: as bluetoothd's switch; without it there is no passive scanning.
            numbers: a pattern may name the service or the maker, as until 5.68; from 5.69 on it
                is looked for in what comes behind that number.
            temporary_s: after so long a silence a device is forgotten.

        """
        self.up = asyncio.Event()
        "Set while the service answers."
        self.overheard = 0
        "Adverts that came while more was to be told than could be."
        self._address = bus
        self._plugged = dict(adapters)
        self._experimental = experimental
        self._numbers = numbers
        self._temporary_s = temporary_s
        self._bus: MessageBus | None = None
        self._outbox: Outbox | None = None
        self._objects = Objects(self._send)
        self._adapters: dict[str, Adapter] = {}
        self._connections = Connections(self._objects, self._send, link)
        self._away_s = 0.0
        self._in_progress = 0
        self._hanging = 0

    async def run(self) -> None:
        """Serve until cancelled; come back after a restart, or when the bus is there again."""
        try:
            while True:
                async with asyncio.TaskGroup() as group:
                    self._connections.group = group
                    self._bus = await self._attached()
                    assert self._outbox is not None
                    tidying = group.create_task(self._tidy(), name="bluez forgets")
                    telling = group.create_task(self._outbox.run(), name="bluez tells")
                    self.up.set()
                    # However it ends: the daemon was killed, or this service is to restart.
                    with suppress(OSError, EOFError, DBusFastError):
                        await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
                    self._forget()
                    tidying.cancel()
                    telling.cancel()
                await asyncio.sleep(self._away_s)
                self._away_s = 0.0
        finally:
            self._forget()

    # ------------------------------------------------------------------------------- the air

    def hear(self, adapter: str, frame: Frame, rssi_dbm: int) -> None:
        """An adapter, by its address, receives an advert."""
        one = self._adapters.get(adapter)
        if one is None or self._outbox is None:
            return
        if self._outbox.behind:
            self.overheard += 1
            return
        one.hear(frame, rssi_dbm, asyncio.get_running_loop().time())
        if frame.connectable and one.frozen is None:
            self._connections.hear(adapter, frame.address)

    def scanning(self, adapter: str) -> bool:
        """Whether anybody would be told of what an adapter hears."""
        one = self._adapters.get(adapter)
        return one is not None and bool(one.scans.discoveries or any(one.scans.monitors.values()))

    # -------------------------------------------------------------------------------- faults

    async def restart(self, away_s: float = 1.0) -> None:
        """Bluetoothd ends and comes back; returns when it is there again."""
        self._away_s = away_s
        self.up.clear()
        if self._bus is not None:
            self._bus.disconnect()
        await self.up.wait()

    def unplug(self, adapter: str) -> None:
        """An adapter is pulled out, with all that it knew."""
        self._plugged.pop(adapter, None)
        gone = self._adapters.pop(adapter, None)
        if gone is None:
            return
        self._connections.lose(f"{gone.path}/")
        self._objects.remove(gone.path)

    def plug(self, adapter: str, index: int) -> None:
        """An adapter is put in, and becomes hci`index`."""
        assert index not in self._plugged.values(), f"hci{index} is there"
        self._plugged[adapter] = index
        if self.up.is_set():
            self._appear(adapter, index)

    def freeze(self, adapter: str, until: Until) -> None:
        """An adapter hears nothing any more and says so to nobody."""
        self._adapters[adapter].frozen = until

    def in_progress(self, times: int) -> None:
        """The next attempts to start a scan fail with InProgress."""
        self._in_progress = times

    def hang(self, times: int = 1) -> None:
        """The next monitors that are registered get no answer."""
        self._hanging = times

    # --------------------------------------------------------------------------- on the bus

    async def _attached(self) -> MessageBus:
        while True:
            bus = MessageBus(self._address)
            try:
                await bus.connect()
                bus.add_message_handler(self._handle)
                self._bus, self._outbox = bus, Outbox(bus)
                await self._match(
                    "AddMatch", f"type='signal',sender='{DBUS}',member='NameOwnerChanged'"
                )
                await bus.request_name(_NAME, NameFlag.DO_NOT_QUEUE)
            except (OSError, EOFError, DBusFastError):
                bus.disconnect()
                await asyncio.sleep(_TRY_AGAIN_S)
                continue
            for adapter, index in self._plugged.items():
                self._appear(adapter, index)
            return bus

    def _appear(self, address: str, index: int) -> None:
        self._adapters[address] = Adapter(
            address,
            index,
            self._objects,
            self._found,
            experimental=self._experimental,
            numbers=self._numbers,
        )

    def _forget(self) -> None:
        """The service is gone: so are its connections, its scans and its devices."""
        self.up.clear()
        if self._bus is not None:
            self._bus.disconnect()
            self._bus = self._outbox = None
        self._connections.lose("")
        self._adapters.clear()
        self._objects.forget()

    async def _tidy(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._temporary_s / 10)
            for adapter in self._adapters.values():
                adapter.forget(loop.time() - self._temporary_s)

    def _send(self, message: Message) -> None:
        if self._outbox is not None:
            self._outbox.put(message)

    async def _match(self, member: str, rule: str) -> None:
        assert self._bus is not None
        await self._bus.call(self._to_daemon(member, rule))

    @staticmethod
    def _to_daemon(member: str, rule: str) -> Message:
        return Message(
            destination=DBUS,
            path=DBUS_PATH,
            interface=DBUS,
            member=member,
            signature="s",
            body=[rule],
        )

    def _handle(self, message: Message) -> bool | None:
        """Take what comes from the bus; None leaves it to dbus-fast."""
        if message.message_type is MessageType.SIGNAL:
            self._noticed(message)
            return None
        if message.message_type is not MessageType.METHOD_CALL or message.interface not in _OURS:
            return None
        try:
            answer = self._call(message)
        except Failed as error:
            answer = Message.new_error(message, error.name, error.text)
        if isinstance(answer, Message):
            # Not by dbus-fast, which would have it overtake what was told before.
            self._send(answer)
        return ANSWERED

    def _noticed(self, signal: Message) -> None:
        match signal.member, signal.body:
            case "NameOwnerChanged", [name, _, ""]:
                for adapter in self._adapters.values():
                    adapter.leave(name)
            case "InterfacesAdded", [path, {**interfaces}] if MONITOR in interfaces:
                self._show(signal.sender or "", path, signal)

    def _show(self, sender: str, path: str, signal: Message) -> None:
        """A client exports the monitor that it has registered."""
        for adapter in self._adapters.values():
            if (sender, path) not in adapter.scans.monitors:
                continue
            wanted = patterns(signal.body[1][MONITOR])
            adapter.scans.monitors[sender, path] = wanted or ()
            self._to_monitor(sender, path, "Release" if wanted is None else "Activate")

    def _found(self, client: str, monitor: str, device: str) -> None:
        self._to_monitor(client, monitor, "DeviceFound", device)

    def _to_monitor(self, client: str, monitor: str, member: str, *body: str) -> None:
        """Call a client's monitor; no answer is waited for."""
        self._send(
            Message(
                destination=client,
                path=monitor,
                interface=MONITOR,
                member=member,
                flags=MessageFlag.NO_REPLY_EXPECTED,
                signature="o" * len(body),
                body=list(body),
            )
        )

    def _call(self, call: Message) -> Message | bool:
        """Answer a call, now or later.

        Raises:
            Failed: the answer is an error.

        """
        path = call.path or ""
        match call.interface, call.member:
            case (str(), "GetManagedObjects"):
                return self._objects.managed(call)
            case (str(interface), "Get" | "GetAll") if interface == PROPERTIES:
                return self._objects.got(call)
            case (str(interface), "Set") if interface == PROPERTIES:
                return self._set(call)
        self._objects.of(path, call.interface or "")
        if call.member in _STARTS and self._in_progress > 0:
            self._in_progress -= 1
            raise Failed("org.bluez.Error.InProgress", "Operation already in progress")
        if call.interface == ADAPTER:
            if call.member == "RemoveDevice":
                self._connections.lose(call.body[0])
            return self._adapter(path).call(call)
        if call.interface == MONITORS:
            return self._monitor(call)
        return self._connections.call(call, self._adapter(path))

    def _adapter(self, path: str) -> Adapter:
        hci = "/".join(path.split("/")[:4])
        return next(one for one in self._adapters.values() if one.path == hci)

    def _set(self, call: Message) -> Message:
        interface, name, value = call.body
        path = call.path or ""
        self._objects.of(path, interface)
        if interface == ADAPTER:
            adapter = self._adapter(path)
            adapter.set(name, value)
            if not adapter.powered:
                self._connections.lose(f"{path}/")
        else:
            self._objects.change(path, interface, {name: value.value})
        return Message.new_method_return(call)

    def _monitor(self, call: Message) -> Message | bool:
        sender, path = call.sender or "", call.body[0]
        adapter = self._adapter(call.path or "")
        rule = f"type='signal',sender='{sender}',member='InterfacesAdded',arg0path='{path}'"
        match call.member:
            case "RegisterMonitor":
                if self._hanging > 0:
                    self._hanging -= 1
                    return ANSWERED
                adapter.register(sender, path)
                # Before the answer: the client shows its monitor as soon as it has that.
                self._send(self._to_daemon("AddMatch", rule))
                # What is exported before the answer is not looked for in it: bleak exports after.
                ask = Message(
                    destination=sender,
                    path=path,
                    interface=OBJECT_MANAGER,
                    member="GetManagedObjects",
                )
                asyncio.get_running_loop().call_soon(self._send, ask)
            case "UnregisterMonitor":
                adapter.unregister(sender, path)
                self._to_monitor(sender, path, "Release")
                self._send(self._to_daemon("RemoveMatch", rule))
            case _:
                raise Failed(UNKNOWN_METHOD, str(call.member))
        return Message.new_method_return(call)
