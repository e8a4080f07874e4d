"""A bumble peripheral with one characteristic."""

from bumble.att import ATT_Error, ErrorCode
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service

from sim.ble.gatt import Link
from tests.sim.ble.clients import SENSOR

SERVICE = "7d1e0001-2c55-4b6a-9a50-7e00c0ffee01"
RELAY = "7d1e0002-2c55-4b6a-9a50-7e00c0ffee01"


class Plug:
    """A relay that may be read, written and listened to."""

    def __init__(self) -> None:
        self.on = b"\0"
        kinds = Characteristic.Properties
        self.relay: Characteristic[bytes] = Characteristic(
            RELAY,
            kinds.READ | kinds.WRITE | kinds.NOTIFY,
            Characteristic.READABLE | Characteristic.WRITEABLE,
            CharacteristicValue(read=self._read, write=self._write),
        )
        self.device: Device | None = None

    async def start(self, link: Link) -> None:
        self.device = await link.device(SENSOR)
        self.device.add_service(Service(SERVICE, [self.relay]))
        await link.open(self.device)

    def _read(self, _: Connection) -> bytes:
        return self.on

    async def _write(self, _: Connection, value: bytes) -> None:
        if value == b"locked":
            raise ATT_Error(ErrorCode.INSUFFICIENT_AUTHENTICATION)
        if len(value) != 1:
            raise ATT_Error(ErrorCode.INVALID_ATTRIBUTE_LENGTH)
        self.on = value
        assert self.device is not None
        await self.device.notify_subscribers(self.relay, value)
