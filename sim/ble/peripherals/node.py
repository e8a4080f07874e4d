"""Our own plug node, whole: adverts, commands, outputs, and a flash that outlasts its power.

Its rules are `sim.ble.node_rules`, as its firmware has them; its connections are bumble's. Adverts
and local sound go on whoever is connected. Moments of connections are real seconds.

Ref: docs/protocol/node.md.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from typing import Final

from bumble.core import ProtocolError
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service

from rules.errors import LinkLost
from rules.observation import Phenomenon
from sim.ble.frame import Frame
from sim.ble.gatt import Link
from sim.ble.node_rules import CONFIGURE, DONE, REFUSED, UNSUPPORTED, UPDATE, NodeRules
from sim.ble.peripherals.bthome import plug_node
from sim.ble.peripherals.sensor import Antenna, Reading, address_bytes

SERVICE: Final = "c56d0001-310e-4a14-8c02-9e61a8a4a3bd"
CHALLENGE: Final = "c56d0002-310e-4a14-8c02-9e61a8a4a3bd"
COMMAND: Final = "c56d0003-310e-4a14-8c02-9e61a8a4a3bd"
RESULT: Final = "c56d0004-310e-4a14-8c02-9e61a8a4a3bd"
DATA: Final = "c56d0005-310e-4a14-8c02-9e61a8a4a3bd"
INFORMATION: Final = "c56d0006-310e-4a14-8c02-9e61a8a4a3bd"

_SIGNALS: Final = 5
"Off, and what there is to express."
_LOOKS_EVERY_S: Final = 0.2
_RECORDED_MAX: Final = 64
_ROOM: Final = {CONFIGURE: 512, UPDATE: 512 * 1024}
_KINDS = Characteristic.Properties
_FLASH_FULL: Final = OSError(28, "No space left on device")


@dataclass(slots=True)
class Flash:
    """What outlasts a power cut."""

    marks: tuple[int, int] | None = (0, 0)
    "Boot and reserved; None: lost."
    saves: int = 0
    full: bool = False
    configuration: bytes = b""
    image: bytes = b""
    "That was committed, and runs."
    confirmed: bool = True

    def load(self) -> tuple[int, int] | None:
        """See `node_rules.Marks`."""
        return self.marks

    def save(self, boot: int, reserved: int) -> None:
        """See `node_rules.Marks`."""
        if self.full:
            raise _FLASH_FULL
        self.saves += 1
        self.marks = (boot, reserved)


@dataclass(slots=True)
class _Slot:
    """Where pieces of a configuration or of an update lie until they are committed."""

    flash: Flash
    pieces: bytearray = field(default_factory=bytearray)

    def room(self, op: int) -> int:
        return _ROOM[op]

    def put(self, _: int, offset: int, piece: bytes) -> None:
        if self.flash.full:
            raise _FLASH_FULL
        self.pieces[offset:] = piece


class PlugNode:
    """A node that is plugged in. `run` must run once it is `open`."""

    def __init__(
        self,
        address: str,
        key: bytes,
        antenna: Antenna,
        clock: Callable[[], datetime],
        *,
        random: Random,
        flash: Flash | None = None,
        readings: Sequence[Reading] = ((Phenomenon.POWER_W, 0.0), (Phenomenon.RELAY_ON, True)),
    ) -> None:
        """Begin to advertise now, by the world's clock."""
        self.address = address
        self.key = key
        self.flash = flash or Flash()
        self.relay = True
        self.light = self.buzzer = 0
        "The signals that they give."
        self.done: list[tuple[int, int]] = []
        "Ops with their arguments, since it was made."
        self.did: Callable[[int, int], None] = lambda _op, _argument: None
        "Is told of each."
        self.written: deque[bytes] = deque(maxlen=_RECORDED_MAX)
        "Commands, as whoever listens has them, too."
        self.answered: deque[bytes] = deque(maxlen=_RECORDED_MAX)
        "Their results, likewise."
        self.pieces = 0
        "Of configurations and updates, that were written."
        self.slow_s = 0.0
        "So long it takes before it looks at a command."
        self.centrals = 0
        "That have connected."
        self.dropped = 0
        "Of them, for holding the place or talking rubbish."
        self._clock = clock
        self._random = random
        self.sensor = plug_node(address, key, antenna, clock(), readings=readings)
        self._device: Device | None = None
        self._link: Link | None = None
        self._connection: Connection | None = None
        self._boot()

    # ------------------------------------------------------------------------------ adverts

    def next_due(self) -> datetime | None:
        """See `sim.ble.broadcast.Source`."""
        return self.sensor.next_due()

    def emit(self, now: datetime) -> list[Frame]:
        """See `sim.ble.broadcast.Source`; it takes one central at a time."""
        free = self._device is not None and self._connection is None
        return [replace(frame, connectable=free) for frame in self.sensor.emit(now)]

    # -------------------------------------------------------------------------- connections

    async def open(self, link: Link) -> None:
        """Take connections."""
        self._result = _part(RESULT, _KINDS.READ | _KINDS.NOTIFY, lambda: self.rules.result)
        written = _KINDS.WRITE | _KINDS.WRITE_WITHOUT_RESPONSE
        parts = [
            _part(CHALLENGE, _KINDS.READ, lambda: self.rules.challenge),
            _part(COMMAND, _KINDS.WRITE, None, self._command),
            self._result,
            _part(DATA, _KINDS.READ | written, lambda: self.rules.progress, self._piece),
            _part(INFORMATION, _KINDS.READ, self._information),
        ]
        self._link = link
        self._device = await link.device(self.address)
        self._device.add_service(Service(SERVICE, parts))
        self._device.on("connection", self._came)
        await link.open(self._device)

    async def run(self) -> None:
        """Drop who only holds the place, until cancelled."""
        while True:
            await asyncio.sleep(_LOOKS_EVERY_S)
            if self.rules.tick(_now_ms()) and self._connection is not None:
                self.dropped += 1
                with suppress(ProtocolError, LinkLost, asyncio.CancelledError):
                    await self._connection.disconnect()

    def cut_power(self) -> None:
        """The plug is pulled and put in again: what was not in its flash is gone."""
        connection = self._connection
        if connection is not None and self._link is not None:
            central = connection.peer_address.to_string(with_type_qualifier=False)
            self._link.cut(self.address, central)
        self._gone(0)
        self._boot()

    def _boot(self) -> None:
        self._slot = _Slot(self.flash)
        self.relay, self.light, self.buzzer = True, 0, 0
        self.rules = NodeRules(
            self.key,
            address_bytes(self.address),
            self.flash,
            self._act,
            lambda: self.relay | bool(self.light) << 1 | bool(self.buzzer) << 2,
            self._random.randbytes,
            self._slot,
        )

    def _came(self, connection: Connection) -> None:
        self._connection = connection
        self.centrals += 1
        connection.on("disconnection", self._gone)
        self.rules.connect(_now_ms())

    def _gone(self, _: int) -> None:
        self._connection = None
        self.rules.disconnect()

    async def _command(self, _: Connection, frame: bytes) -> None:
        self.written.append(bytes(frame))
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        result = self.rules.write(frame, _now_ms())
        self.answered.append(result)
        assert self._device is not None
        await self._device.notify_subscribers(self._result, result)

    async def _piece(self, _: Connection, piece: bytes) -> None:
        self.pieces += 1
        self.rules.write_data(piece, _now_ms())

    def _information(self) -> bytes:
        unconfirmed = not self.flash.confirmed
        return bytes([1, 1, 0, 1, 0, unconfirmed]) + self.rules.refused.to_bytes(4, "little")

    # ------------------------------------------------------------------------------ outputs

    def _act(self, op: int, argument: int) -> int:
        status = self._tried(op, argument)
        if status == DONE:
            self.done.append((op, argument))
            self.did(op, argument)
        return status

    def _tried(self, op: int, argument: int) -> int:
        match op:
            case 1 if argument <= 1:
                self.relay = bool(argument)
                self.sensor.say(self._clock(), (Phenomenon.RELAY_ON, self.relay))
            case 2 if argument < _SIGNALS:
                self.light = argument
            case 3 if argument < _SIGNALS:
                self.buzzer = argument
            case 1 | 2 | 3:
                return REFUSED
            case 4:
                pass  # It blinks.
            case 0x11:
                self.flash.configuration = bytes(self._slot.pieces)
            case 0x21:
                self.flash.image = bytes(self._slot.pieces)
                self.flash.confirmed = False
            case 0x22:
                self.flash.confirmed = True
            case _:
                return UNSUPPORTED
        return DONE


def _part(
    uuid: str,
    kinds: Characteristic.Properties,
    read: Callable[[], bytes] | None,
    write: Callable[[Connection, bytes], Awaitable[None]] | None = None,
) -> Characteristic[bytes]:
    may = Characteristic.READABLE if read is not None else Characteristic.Permissions(0)
    if write is not None:
        may |= Characteristic.WRITEABLE
    value = CharacteristicValue(read=None if read is None else lambda _: read(), write=write)
    return Characteristic(uuid, kinds, may, value)


def _now_ms() -> int:
    return int(asyncio.get_running_loop().time() * 1000)
