"""bluetoothd on the system bus: which adapters there are, and switching one off and on.

Ref: BlueZ 5.66, doc/adapter-api.txt; D-Bus Specification 0.43, org.freedesktop.DBus.ObjectManager.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError

from drivers.ble.keeper import Policy
from rules.errors import LinkLost

_log = logging.getLogger(__name__)

_BLUEZ: Final = "org.bluez"
_ADAPTER: Final = "org.bluez.Adapter1"
_MONITORS: Final = "org.bluez.AdvertisementMonitorManager1"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_OBJECTS: Final = "org.freedesktop.DBus.ObjectManager"
_DBUS: Final = "org.freedesktop.DBus"
_OFF_S: Final = 0.3
"Some adapters do not notice a shorter one."

ADAPTERS_MAX: Final = 16
"hci0 to hci15; each has rules of its own, so that nothing comes of the devices around."

_PATHS: Final = [f"/org/bluez/hci{index}" for index in range(ADAPTERS_MAX)]
_RULES: Final = (
    f"type='signal',sender='{_DBUS}',member='NameOwnerChanged',arg0='{_BLUEZ}'",
    *(f"type='signal',sender='{_BLUEZ}',interface='{_OBJECTS}',arg0path='{p}'" for p in _PATHS),
    *(f"type='signal',sender='{_BLUEZ}',interface='{_PROPERTIES}',path='{p}'" for p in _PATHS),
)


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter that is plugged in."""

    address: str
    name: str
    "hci0 and so on: another one when it is put in again."
    passive: bool
    "It can scan passively: bluetoothd runs with `Experimental = true`."
    serial: int
    "Changes when it has gone and come back between two looks."


Table = Mapping[str, Adapter]
"By address."


class Bus:
    """A connection of our own to the system bus, made again whenever it is lost."""

    def __init__(self, policy: Policy, switched_off: Callable[[str], None]) -> None:
        """`switched_off` is told the name of an adapter that is powered no more."""
        self._policy = policy
        self._switched_off = switched_off
        self._bus: MessageBus | None = None
        self._changed = asyncio.Event()
        self._serial = 0
        self._serials: dict[str, int] = {}

    async def watch(self, told: Callable[[Table], None]) -> None:
        """Tell of the adapters at first and whenever they change; of none without a bus."""
        said = ""
        while True:
            try:
                await self._watch(told)
            except (OSError, EOFError, DBusFastError) as error:
                if said != (said := repr(error)):
                    _log.info("the system bus: %s", said)
            else:
                said = ""
            finally:
                await self._disconnect()
            told({})
            # No backoff: it is a socket of this machine, and an SOS may be waiting.
            await asyncio.sleep(self._policy.retry_s)

    async def power_cycle(self, adapter: str) -> None:
        """Switch an adapter off and on.

        Raises:
            LinkLost: it is not there, or bluetoothd says no.

        """
        await self._power(adapter, on=False)
        await asyncio.sleep(_OFF_S)
        await self._power(adapter, on=True)

    async def _disconnect(self) -> None:
        bus, self._bus = self._bus, None
        if bus is not None and bus.connected:
            bus.disconnect()
            with suppress(OSError, EOFError, TimeoutError, DBusFastError):
                async with asyncio.timeout(self._policy.start_s):
                    await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    async def _watch(self, told: Callable[[Table], None]) -> None:
        bus = self._bus = MessageBus(bus_type=BusType.SYSTEM)
        async with asyncio.timeout(self._policy.start_s):
            await bus.connect()
        bus.add_message_handler(self._noticed)
        for rule in _RULES:
            await self._call(_DBUS, "/org/freedesktop/DBus", _DBUS, "AddMatch", "s", [rule])
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(self._look(told), name="look for adapters")
            try:
                # Also without an error it is an end.
                await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
            except (OSError, EOFError, DBusFastError) as error:
                _log.info("the system bus: %r", error)
            finally:
                looking.cancel()

    async def _look(self, told: Callable[[Table], None]) -> None:
        while True:
            self._changed.clear()
            table = await self._adapters()
            told(table)
            # None is also what a bluetoothd that does not answer looks like: ask again.
            patience_s = None if table else self._policy.retry_s_max
            with suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._changed.wait()
            # One adapter is several messages, and its interfaces need not come in one of them.
            await asyncio.sleep(self._policy.settle_s)

    def _noticed(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        match message.member, message.body:
            case "NameOwnerChanged", [name, *_] if name == _BLUEZ:
                self._serials.clear()
            case "InterfacesAdded" | "InterfacesRemoved", [str(path), *_]:
                self._serials.pop(path, None)
            case "PropertiesChanged", [str(interface), {"Powered": Variant(value=False)}, _]:
                if interface == _ADAPTER:
                    self._switched_off(_name(message.path or ""))
                return
            case _:
                return
        self._changed.set()

    async def _adapters(self) -> Table:
        """Those of this moment; none where there is no bluetoothd."""
        try:
            (objects,) = await self._call(_BLUEZ, "/", _OBJECTS, "GetManagedObjects")
        except LinkLost as error:
            _log.info("bluetoothd: %s", error)
            return {}
        found = (self._adapter(path, interfaces) for path, interfaces in objects.items())
        return {adapter.address: adapter for adapter in found if adapter is not None}

    def _adapter(
        self, path: str, interfaces: Mapping[str, Mapping[str, Variant]]
    ) -> Adapter | None:
        properties = interfaces.get(_ADAPTER)
        if properties is None or "Address" not in properties:
            return None
        if path not in self._serials:
            self._serial += 1
            self._serials[path] = self._serial
        address = str(properties["Address"].value).upper()
        return Adapter(address, _name(path), _MONITORS in interfaces, self._serials[path])

    async def _power(self, adapter: str, *, on: bool) -> None:
        path, body = f"/org/bluez/{adapter}", [_ADAPTER, "Powered", Variant("b", on)]
        await self._call(_BLUEZ, path, _PROPERTIES, "Set", "ssv", body)

    async def _call(
        self,
        destination: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: Iterable[object] = (),
    ) -> list[Any]:
        """What is answered.

        Raises:
            LinkLost: nothing within time, or an error.

        """
        if self._bus is None or not self._bus.connected:
            raise LinkLost("there is no system bus")
        call = Message(
            destination=destination,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        try:
            async with asyncio.timeout(self._policy.start_s):
                answer = await self._bus.call(call)
        except (OSError, EOFError, TimeoutError, DBusFastError) as error:
            raise LinkLost(f"{member}: {error!r}") from error
        if answer.message_type is MessageType.ERROR:
            raise LinkLost(f"{member}: {answer.error_name}")
        return answer.body


def _name(path: str) -> str:
    return path.rpartition("/")[2]
