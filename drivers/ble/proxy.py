"""One ESPHome proxy: its adverts, and connections to devices that it is nearer to.

The proxy is known by its key: without one there is no connection, and its name is checked under
it. Nothing reaches the library but adverts of devices that are connected to.

Ref: ESPHome native API, esphome 2025.9, components/api and components/bluetooth_proxy; what
`bleak_esphome.connect_scanner` does, but for its taking all adverts there are.
"""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_address
from typing import Final

from aioesphomeapi.api_pb2 import BluetoothLERawAdvertisementsResponse
from aioesphomeapi.client import APIClient
from aioesphomeapi.core import (
    APIConnectionError,
    BadNameAPIError,
    EncryptionErrorAPIError,
    EncryptionPlaintextAPIError,
    InvalidAuthAPIError,
    InvalidEncryptionKeyAPIError,
    RequiresEncryptionAPIError,
)
from aioesphomeapi.model import (
    BluetoothProxyFeature,
    BluetoothScannerState,
    BluetoothScannerStateResponse,
    DeviceInfo,
)
from bleak.backends.scanner import AdvertisementData
from bleak_esphome.backend.client import ESPHomeClient, ESPHomeClientData
from bleak_esphome.backend.device import ESPHomeBluetoothDevice
from bleak_esphome.backend.scanner import ESPHomeScanner
from bluetooth_data_tools import int_to_bluetooth_address, parse_advertisement_data_bytes
from habluetooth import BluetoothManager, HaBluetoothConnector

from drivers.ble.keeper import RadioState
from drivers.ble.names import Name
from drivers.ble.proxies import Ears, ProxyPolicy
from drivers.ble.proxy_presence import Presence
from rules.air import Proxy
from rules.errors import LinkLost

_log = logging.getLogger(__name__)

_REFUSALS: Final = (
    BadNameAPIError,
    EncryptionPlaintextAPIError,
    InvalidAuthAPIError,
    InvalidEncryptionKeyAPIError,
    RequiresEncryptionAPIError,
)
"Another key, another name, no encryption at all: nothing that passes by itself."
_LOST: Final = (LinkLost, APIConnectionError, OSError, TimeoutError, UnicodeError)
"The last is what Python makes of a host name that it cannot write."
_HEARS: Final = BluetoothProxyFeature.PASSIVE_SCAN | BluetoothProxyFeature.RAW_ADVERTISEMENTS
_ADVERT_BYTES_MAX: Final = 62
"An advert and its scan response; extended ones are not in any format of ours."

# What it makes of a connection's end is told here; what it makes of a defect of ours is not.
for _library in ("aioesphomeapi", "bleak_esphome"):
    logging.getLogger(_library).setLevel(logging.ERROR)


class UnfitError(Exception):
    """The proxy answers, and is set up otherwise than the home's files say."""


class ProxyLink:
    """Stays connected to one proxy."""

    def __init__(
        self,
        proxy: Proxy,
        library: BluetoothManager,
        ears: Ears,
        tell: Callable[[RadioState], None],
        policy: ProxyPolicy,
        jitter: Callable[[], float],
    ) -> None:
        """See `drivers.ble.proxies.Proxies`."""
        self._proxy = proxy
        self._name = Name(proxy.host, proxy.port)
        self._library = library
        self._ears = ears
        self._policy = policy
        self._jitter = jitter
        self._presence = Presence(proxy.name, policy.tell_s, tell)
        self._scanner: ESPHomeScanner | None = None
        self._failures = 0

    async def run(self) -> None:
        """Stay connected until cancelled."""
        name, policy = self._proxy.name, self._policy
        try:
            while True:
                wait_s = policy.refused_s
                try:
                    await self._attempt()
                except _LOST as error:
                    _log.info("%s: %s", name, _reason(error))
                    self._presence.missed()
                    wait_s = min(policy.retry_s * 2**self._failures, policy.retry_s_max)
                    self._failures = min(self._failures + 1, 10)
                except UnfitError as error:
                    _log.warning("%s: %s", name, error)
                    self._presence.refused()
                await asyncio.sleep(wait_s * (0.5 + self._jitter() / 2))
        finally:
            self._presence.close()

    # ---------------------------------------------------------------------------- a connection

    async def _attempt(self) -> None:
        """One connection, to its end.

        Raises:
            _LOST: there is none, or no more.
            UnfitError: the proxy is another, or is set up otherwise.

        """
        ended: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(self._policy.connect_s):
            client = self._client(await self._resolved())
        client.add_connection_closed_callback(lambda event: _end(ended, event.error))
        try:
            async with asyncio.timeout(self._policy.connect_s):
                await client.connect(log_errors=False)
                info = await client.device_info()
            await self._listen(client, info, ended)
        except EncryptionErrorAPIError:
            raise  # A frame was spoilt; the key had fitted.
        except _REFUSALS as error:
            raise UnfitError(_reason(error)) from error
        finally:
            client.force_disconnect()

    async def _resolved(self) -> list[str]:
        """The proxy's IP addresses; the library would ask for some names over multicast."""
        try:
            ip_address(self._proxy.host)
        except ValueError:
            return await self._name.addresses()
        return [self._proxy.host]

    def _client(self, addresses: list[str]) -> APIClient:
        return APIClient(
            addresses[0],
            self._proxy.port,
            addresses=addresses,
            client_info="ongi",
            keepalive=self._policy.keepalive_s,
            noise_psk=base64.b64encode(self._proxy.key).decode(),
            expected_name=self._proxy.name,
            provide_time=False,
        )

    async def _listen(
        self, client: APIClient, info: DeviceInfo, ended: asyncio.Future[Exception]
    ) -> None:
        """Hear until the connection has ended.

        Raises:
            LinkLost, APIConnectionError: it has.
            UnfitError: it is no proxy, or one of long ago.

        """
        assert client.api_version is not None
        features = info.bluetooth_proxy_feature_flags_compat(client.api_version)
        if features & _HEARS != _HEARS:
            raise UnfitError("no bluetooth_proxy in its configuration, or an old ESPHome")
        tells = bool(features & BluetoothProxyFeature.FEATURE_STATE_AND_MODE)
        _log.info("%s: connected, ESPHome %s", self._proxy.name, info.esphome_version)
        take = partial(self._take, ended)

        def scanning(state: BluetoothScannerStateResponse) -> None:
            if state.state == BluetoothScannerState.RUNNING:
                self._found()
            else:
                self._presence.missed()
            if self._scanner is not None:
                self._scanner.async_update_scanner_state(state)

        async with self._connecting(client, info, features):
            if tells:
                client.subscribe_bluetooth_scanner_state(scanning)
            while not ended.done():
                client.subscribe_bluetooth_le_raw_advertisements(take)
                if not tells:
                    self._found()
                await asyncio.wait((ended,), timeout=self._policy.subscribe_s)
                if self._presence.there:
                    break
            raise await ended

    def _found(self) -> None:
        self._failures = 0
        self._presence.found()

    def _take(
        self, ended: asyncio.Future[Exception], message: BluetoothLERawAdvertisementsResponse
    ) -> None:
        """Hear what a message brings; the library would log a defect of ours and go on."""
        try:
            self._hear(message)
        except Exception as error:
            if not ended.done():
                ended.set_result(error)
            raise

    def _hear(self, message: BluetoothLERawAdvertisementsResponse) -> None:
        ears, source = self._ears, self._proxy.name
        adverts = message.advertisements
        connectable = []
        # By index: the end of an iteration over these is expensive, says bleak-esphome.
        for at in range(len(adverts)):
            advert = adverts[at]
            address = int_to_bluetooth_address(advert.address)
            if not ears.listens_to(address) or len(advert.data) > _ADVERT_BYTES_MAX:
                continue
            name, uuids, services, makers, power = parse_advertisement_data_bytes(advert.data)
            _, connects = ears.hear(
                source,
                address,
                AdvertisementData(name, makers, services, uuids, power, advert.rssi, ()),
            )
            if connects:
                connectable.append(advert)
        if connectable and self._scanner is not None:
            self._scanner.async_on_raw_advertisements(
                BluetoothLERawAdvertisementsResponse(advertisements=connectable)
            )

    # ------------------------------------------------------------------------ for connecting

    @asynccontextmanager
    async def _connecting(
        self, client: APIClient, info: DeviceInfo, features: int
    ) -> AsyncIterator[None]:
        """Let the library connect to devices by this proxy, if it does such a thing."""
        if not features & BluetoothProxyFeature.ACTIVE_CONNECTIONS:
            yield
            return
        source = info.bluetooth_mac_address or info.mac_address
        device = ESPHomeBluetoothDevice(info.name, source, available=True)
        device.async_subscribe_connection_slots(self._library.async_on_allocation_changed)
        assert client.api_version is not None
        data = ESPHomeClientData(device, client, info, client.api_version, info.name, None)
        connector = HaBluetoothConnector(
            client=partial(ESPHomeClient, client_data=data),  # type: ignore[arg-type]
            source=source,
            can_connect=lambda: bool(device.available and device.ble_connections_free),
        )
        scanner = ESPHomeScanner(source, info.name, connector, connectable=True)
        scanner.set_bluetooth_device(device)
        data.scanner = scanner
        undo = [scanner.async_setup(), self._library.async_register_scanner(scanner)]
        client.subscribe_bluetooth_connections_free(device.async_update_ble_connection_limits)
        self._scanner = scanner
        try:
            yield
        finally:
            self._scanner = None
            device.async_set_unavailable()
            for disconnected in list(data.disconnect_callbacks):
                disconnected()
            for step in reversed(undo):
                step()


def _end(ended: asyncio.Future[Exception], error: Exception | None) -> None:
    """Whatever the library makes of what the other end sent: a lost link, and no defect here."""
    if not ended.done():
        ended.set_result(LinkLost("closed by the proxy" if error is None else _reason(error)))


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
