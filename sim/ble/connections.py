"""Who is connected to what: calls to devices and to what they serve, answered when they answer."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Final

from dbus_fast import Message

from sim.ble.adapter import Adapter
from sim.ble.objects import CHARACTERISTIC, UNKNOWN_METHOD, Failed, Objects, failed
from sim.ble.remote import Remote

if TYPE_CHECKING:
    import asyncio

    # bumble is only loaded where something may be connected to.
    from sim.ble.gatt import Link

ANSWERED: Final = True
"Nothing is to be said to a call any more, or not yet."


class Connections:
    """All connections of one BlueZ."""

    def __init__(
        self, objects: Objects, send: Callable[[Message], None], link: "Link | None"
    ) -> None:
        """Answers go by `send`; without a `link` nothing can be connected to."""
        self.group: asyncio.TaskGroup | None = None
        "In which devices are waited for."
        self._objects = objects
        self._send = send
        self._link = link
        self._remotes: dict[str, Remote] = {}

    def hear(self, adapter: str, address: str) -> None:
        """An adapter hears a device that may be connected to."""
        if self._link is not None:
            self._link.hear(adapter, address)

    def lose(self, prefix: str) -> None:
        """End the connections to all devices whose paths begin so."""
        for path, remote in list(self._remotes.items()):
            if path.startswith(prefix):
                remote.lost()

    def call(self, call: Message, adapter: Adapter) -> bool:
        """Answer a call to a device of this adapter, or to what it serves, in time.

        Raises:
            Failed: the answer is an error.

        """
        assert self.group is not None
        path = call.path or ""
        device = "/".join(path.split("/")[:5])
        remote = self._remotes.get(device)
        work: Coroutine[None, None, Message]
        match call.member:
            case "Connect" if remote is None:
                remote = self._remote(device, adapter)
                work = remote.connect(call)
            case "Disconnect" if remote is not None:
                work = remote.disconnect(call)
            case "Connect" if remote is not None and not remote.connected:
                raise failed("Operation already in progress")
            case "Connect" | "Disconnect":
                self._send(Message.new_method_return(call))
                return ANSWERED
            case _ if remote is not None and call.interface == CHARACTERISTIC:
                work = remote.call(call)
            case _:
                raise Failed(UNKNOWN_METHOD, str(call.member))
        self.group.create_task(self._answer(call, work), name=f"bluez {call.member}")
        return ANSWERED

    def _remote(self, device: str, adapter: Adapter) -> Remote:
        address = adapter.address_of(device)
        if self._link is None or address is None:
            raise failed("le-connection-not-supported")
        if not adapter.powered:
            raise Failed("org.bluez.Error.NotReady", "Resource Not Ready")

        def over() -> None:
            self._remotes.pop(device, None)
            adapter.hold(address, connected=False)

        remote = Remote(self._objects, self._link, adapter.address, address, device, over)
        self._remotes[device] = remote
        adapter.hold(address, connected=True)
        return remote

    async def _answer(self, call: Message, work: Coroutine[None, None, Message]) -> None:
        try:
            answer = await work
        except Failed as error:
            answer = Message.new_error(call, error.name, error.text)
        self._send(answer)
