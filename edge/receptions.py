"""How the radios receive the home's devices, as their drivers told last."""

from collections.abc import Collection, Iterable
from typing import Final

from rules.air import Reception
from rules.observation import DeviceId

_OLD_US: Final = 25 * 60_000_000
"A driver tells every ten minutes; what is older says nothing of now."
_SOURCES_MAX: Final = 16
"Of one device: adapters and proxies."


class Receptions:
    """In memory alone: after a start the drivers tell anew."""

    def __init__(self) -> None:
        self._told: dict[DeviceId, dict[str, tuple[int, Reception]]] = {}

    def take(self, receptions: Iterable[Reception], at_us: int) -> None:
        """A driver tells of its devices, at that boot time."""
        for one in receptions:
            sources = self._told.setdefault(one.device, {})
            if one.source in sources or len(sources) < _SOURCES_MAX:
                sources[one.source] = at_us, one

    def retain(self, devices: Collection[DeviceId]) -> None:
        """Forget devices that are none of these."""
        for device in self._told.keys() - set(devices):
            del self._told[device]

    def best(self, at_us: int) -> dict[DeviceId, Reception]:
        """Of each device the strongest that is not too old at that boot time."""
        found: dict[DeviceId, Reception] = {}
        for device, sources in self._told.items():
            fresh = [one for told_us, one in sources.values() if at_us - told_us < _OLD_US]
            if fresh:
                found[device] = max(fresh, key=lambda one: (one.rssi_dbm, one.source))
        return found
