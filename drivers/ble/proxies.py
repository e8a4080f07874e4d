"""The ESPHome proxies of a home: further ears, one `ProxyLink` each.

Their library is only loaded where there are any: it costs as much memory as the rest of the radio.
Time here is the event loop's: a network is silent in real seconds, whatever the process's clock.
"""

import asyncio
import importlib
import logging
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from bleak.backends.scanner import AdvertisementData
from habluetooth import BluetoothManager

from drivers.ble.keeper import RadioState, Trouble
from rules.air import Proxy

_log = logging.getLogger(__name__)

_LINK: Final = "drivers.ble.proxy"


@dataclass(frozen=True, slots=True)
class ProxyPolicy:
    """How long to wait for what, in seconds."""

    tell_s: float = 60.0
    "Lost for so long, and it is told: a proxy that starts anew, or finds its Wi-Fi, is no fault."
    retry_s: float = 1.0
    "After a failed attempt; doubled at each further one."
    retry_s_max: float = 10.0
    "It is a host of the same house."
    refused_s: float = 30.0
    "After a refusal, which only people put right."
    connect_s: float = 20.0
    "An attempt that takes longer has failed."
    keepalive_s: float = 5.0
    "It is asked so often whether it is there, and lost after five and a half times as long."
    subscribe_s: float = 5.0
    "It gives adverts to one only, and does not say when it gives them to another: asked again."


@dataclass(frozen=True, slots=True)
class Ears:
    """Whom a proxy hears for."""

    listens_to: Callable[[str], bool]
    "Whether adverts of a sender are wanted at all; what is not costs next to nothing."
    hear: Callable[[str, str, AdvertisementData], tuple[bool, bool]]
    """Takes source, sender and advert; whether it is in one of our formats, and may be connected
    to."""


class Proxies:
    """Listens by all proxies of the home, for as long as it runs."""

    def __init__(
        self,
        ears: Ears,
        tell: Callable[[RadioState], None],
        policy: ProxyPolicy,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """No proxies at first.

        Args:
            ears: take what is heard.
            tell: is told of troubles as they come and go.
            policy: how long to wait for what.
            jitter: gives random numbers from 0 to 1.

        """
        self._ears = ears
        self._tell = tell
        self._policy = policy
        self._jitter = jitter
        self._wanted: dict[str, Proxy] = {}
        self._links: dict[str, tuple[Proxy, asyncio.Task[None]]] = {}
        self._changed = asyncio.Event()

    def set(self, proxies: Iterable[Proxy]) -> None:
        """Listen by these from now on; what has not changed stays connected."""
        self._wanted = {proxy.name: proxy for proxy in proxies}
        self._changed.set()

    async def run(self, library: BluetoothManager) -> None:
        """Listen until cancelled; devices are connected to by scanners put into `library`."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._changed.wait()
                self._changed.clear()
                for name, (proxy, task) in list(self._links.items()):
                    if self._wanted.get(name) != proxy:
                        task.cancel()
                        await asyncio.wait((task,))
                        del self._links[name]
                    if name not in self._wanted:
                        self._tell(RadioState(name, None))
                for name, proxy in self._wanted.items():
                    if name not in self._links:
                        work = self._listen(proxy, library)
                        task = group.create_task(work, name=f"proxy {name}")
                        self._links[name] = proxy, task

    async def _listen(self, proxy: Proxy, library: BluetoothManager) -> None:
        try:
            link = importlib.import_module(_LINK)
        except ModuleNotFoundError as missing:
            _log.error("%s: the package %s is missing: ongi[proxies]", proxy.name, missing.name)
            self._tell(RadioState(proxy.name, Trouble.LOST))
            return
        await link.ProxyLink(
            proxy, library, self._ears, self._tell, self._policy, self._jitter
        ).run()
