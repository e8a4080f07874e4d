"""ESPHome Bluetooth proxies: the native API's server, and what may befall it.

Ref: esphome 2025.9, components/api/api.proto, api_connection.cpp, and
components/bluetooth_proxy/bluetooth_proxy.cpp. aioesphomeapi and bleak-esphome connect to one
unmodified. Left out: everything of ESPHome but its Bluetooth.

The faults are methods: `kill`, `revive`, `half_open`, `babble`, `scan`.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from aioesphomeapi import api_pb2 as pb
from aioesphomeapi.core import MESSAGE_TYPE_TO_PROTO
from google.protobuf.message import DecodeError, Message

from rules.errors import LinkLost
from sim.ble.esphome_frames import Encrypted, Plain
from sim.ble.esphome_gatt import Connections
from sim.ble.frame import Frame

if TYPE_CHECKING:
    # bumble is only loaded where something may be connected to.
    from sim.ble.gatt import Link

_NUMBERS: Final = {kind: number for number, kind in MESSAGE_TYPE_TO_PROTO.items()}
FEATURES: Final = 1 | 2 | 4 | 32 | 64
"Passive scanning, connections, services kept by the client, raw adverts, state and mode."
_BATCH_MAX: Final = 16
_BATCH_S: Final = 0.1
_BATCHES_MAX: Final = 64
"Adverts past so many batches are dropped, as a chip without room does."
_RUNNING: Final = 2
_STOPPED: Final = 5
_SLOTS: Final = 3
_REAPED_S: Final = 150.0
"Two and a half of its keep-alives: so long does a connection that is dead keep its place."


class FakeProxy:
    """One proxy, listening on this machine. `run` must run."""

    def __init__(
        self,
        name: str,
        address: str,
        key: bytes | None,
        link: "Link | None" = None,
        *,
        reaped_s: float = _REAPED_S,
    ) -> None:
        """Make one that is off.

        Args:
            name: as its configuration has it.
            address: of its radio, by which the ether and the link know it.
            key: 32 bytes; None: without encryption.
            link: to whom may be connected.
            reaped_s: after so long it notices that a connection is dead.

        """
        self.name = name
        self.address = address
        self.key = key
        self.up = asyncio.Event()
        "Set while it listens."
        self.port = 0
        "Known when it is up for the first time, and kept."
        self.dropped = 0
        "Adverts for which there was no room."
        self.features = FEATURES
        self.served = 0
        "Connections so far."
        self.refused = 0
        "Connections with another key or without encryption."
        self._link = link
        self._reaped_s = reaped_s
        self._server: asyncio.Server | None = None
        self._group: asyncio.TaskGroup | None = None
        self._sessions: set[_Session] = set()
        self._subscriber: _Session | None = None
        self._adverts: list[Message] = []
        self._scanning = True

    @property
    def subscribed(self) -> bool:
        """Whether anybody gets what it hears."""
        return self._subscriber is not None

    async def run(self) -> None:
        """Serve until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                await self.revive()
                while True:
                    await asyncio.sleep(_BATCH_S)
                    self._flush()
        finally:
            self._group = None
            self._off()

    def hear(self, frame: Frame, rssi_dbm: int) -> None:
        """Receive an advert; a scan response goes with it, as the chip puts both together."""
        if frame.connectable and self._link is not None:
            self._link.hear(self.address, frame.address)
        if self._subscriber is None or not self._scanning:
            return
        if len(self._adverts) >= _BATCH_MAX * _BATCHES_MAX:
            self.dropped += 1
            return
        self._adverts.append(
            pb.BluetoothLERawAdvertisement(
                address=int(frame.address.replace(":", ""), 16),
                rssi=rssi_dbm,
                address_type=int(not frame.public),
                data=frame.data + frame.response,
            )
        )
        if len(self._adverts) >= _BATCH_MAX:
            self._flush()

    # -------------------------------------------------------------------------------- faults

    def kill(self) -> None:
        """Pull its plug: nobody answers at its address any more."""
        self._off()

    async def revive(self) -> None:
        """Put the plug in again."""
        if self._server is None:
            self._server = await asyncio.start_server(
                self._accept, "127.0.0.1", self.port, reuse_address=True
            )
            self.port = self._server.sockets[0].getsockname()[1]
            self.up.set()

    def half_open(self) -> None:
        """Lose the way between the two ends: what is connected is dead, and neither knows."""
        for session in self._sessions:
            session.dead = True
            asyncio.get_running_loop().call_later(self._reaped_s, session.close)

    def babble(self) -> None:
        """Send a message that is none, as a chip whose memory is spoilt."""
        for session in self._sessions:
            session.babble()

    def scan(self, *, on: bool) -> None:
        """Stop or start scanning, and say so."""
        self._scanning = on
        if self._subscriber is not None:
            self._subscriber.tell_scanning(on=on)

    # ------------------------------------------------------------------------------ sessions

    def subscribe(self, session: "_Session") -> None:
        """Send adverts there; refused without a word while another has them."""
        if self._subscriber in {None, session}:
            self._subscriber = session
            session.tell_scanning(on=self._scanning)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._group is None:
            writer.transport.abort()
            return
        connection = (
            Plain(reader, writer)
            if self.key is None
            else Encrypted(reader, writer, self.key, self.name, self.address)
        )
        session = _Session(self, connection, self._link, self._group)
        self._group.create_task(self._serve(session), name=f"client of {self.name}")

    async def _serve(self, session: "_Session") -> None:
        self.served += 1
        self._sessions.add(session)
        try:
            await session.run()
        finally:
            self.refused += session.refused
            self._sessions.discard(session)
            if self._subscriber is session:
                self._subscriber = None
                self._adverts.clear()

    def _off(self) -> None:
        self.up.clear()
        self._adverts.clear()
        if self._server is not None:
            self._server.close()
            self._server = None
        for session in list(self._sessions):
            session.close()

    def _flush(self) -> None:
        session = self._subscriber
        while self._adverts and session is not None:
            batch, self._adverts = self._adverts[:_BATCH_MAX], self._adverts[_BATCH_MAX:]
            session.send(pb.BluetoothLERawAdvertisementsResponse(advertisements=batch))


class _Session:
    """One client."""

    def __init__(
        self,
        proxy: FakeProxy,
        connection: Plain,
        link: "Link | None",
        group: asyncio.TaskGroup,
    ) -> None:
        self.dead = False
        "Nothing comes through in either direction."
        self.refused = False
        self._proxy = proxy
        self._connection = connection
        self._group = group
        self._closed = asyncio.Event()
        self._connections = Connections(proxy.address, link, _SLOTS, self.send)

    async def run(self) -> None:
        """Serve to the end."""
        begun = False
        try:
            await self._connection.begin()
            begun = True
            while True:
                number, body = await self._connection.read()
                if not self.dead:
                    self._handle(number, body)
        except (LinkLost, DecodeError):
            self.refused = not begun
            if self.dead:
                await self._closed.wait()  # The other end's goodbye does not come through either.
        finally:
            self._connections.drop()
            self._connection.close()

    def send(self, message: Message) -> None:
        if not self.dead:
            self._connection.send(_NUMBERS[type(message)], message.SerializeToString())

    def babble(self) -> None:
        kind = _NUMBERS[pb.BluetoothLERawAdvertisementsResponse]
        self._connection.send(kind, b"\xff\xff")

    def tell_scanning(self, *, on: bool) -> None:
        state = _RUNNING if on else _STOPPED
        self.send(pb.BluetoothScannerStateResponse(state=state, mode=0, configured_mode=0))

    def close(self) -> None:
        self._closed.set()
        self._connection.close(rudely=True)

    def _handle(self, number: int, body: bytes) -> None:
        kind = MESSAGE_TYPE_TO_PROTO.get(number)
        if kind is None:
            return
        message = kind()
        message.ParseFromString(body)
        name = kind.__name__
        match name:
            case "HelloRequest":
                self.send(
                    pb.HelloResponse(
                        api_version_major=1,
                        api_version_minor=12,
                        server_info="esphome (simulated)",
                        name=self._proxy.name,
                    )
                )
            case "DeviceInfoRequest":
                self.send(self._info())
            case "PingRequest":
                self.send(pb.PingResponse())
            case "DisconnectRequest":
                self.send(pb.DisconnectResponse())
                self._connection.close()
            case "SubscribeBluetoothLEAdvertisementsRequest":
                self._proxy.subscribe(self)
            case "SubscribeBluetoothConnectionsFreeRequest":
                self._connections.tell_free()
            case _ if name.startswith(("BluetoothDevice", "BluetoothGATT")):
                work = self._connections.answer(message)
                self._group.create_task(work, name=f"{self._proxy.name}: {name}")

    def _info(self) -> Message:
        return pb.DeviceInfoResponse(
            name=self._proxy.name,
            mac_address=self._proxy.address,
            bluetooth_mac_address=self._proxy.address,
            esphome_version="2025.9.0",
            model="esp32",
            bluetooth_proxy_feature_flags=self._proxy.features,
            api_encryption_supported=self._proxy.key is not None,
        )
