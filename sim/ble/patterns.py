"""What a client wants to hear: patterns of a monitor, and filters of a discovery.

Ref: BlueZ 5.66, doc/advertisement-monitor-api.txt, doc/adapter-api.txt (SetDiscoveryFilter) and
src/adapter.c, is_filter_match.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from dbus_fast import Variant

from sim.ble.frame import Element, Said, elements
from sim.ble.objects import Failed

PATTERNS_MAX: Final = 7
"Of one monitor; with more it is released, and bluetoothd writes past a buffer: it may die."

_NUMBERED: Final = frozenset({Element.SERVICE_DATA16, Element.MANUFACTURER})
_KEYS: Final = frozenset(
    {"UUIDs", "RSSI", "Pathloss", "Transport", "DuplicateData", "Discoverable", "Pattern"}
)
_UUID: Final = re.compile(
    "(0x)?(?:[0-9a-f]{4}){1,2}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE
)
_TRANSPORTS: Final = frozenset({"auto", "bredr", "le"})
_NUMBER_BYTES: Final = 2
"Of a service or a maker, before its data."


class Pattern(NamedTuple):
    """Bytes at a place within an element's data."""

    offset: int
    kind: int
    value: bytes

    def fits(self, kind: int, data: bytes, *, numbers: bool = True) -> bool:
        """Whether it is in an element; without `numbers` those of their kind are passed over."""
        if kind != self.kind:
            return False
        skipped = 0 if numbers or kind not in _NUMBERED else _NUMBER_BYTES
        return data.startswith(self.value, skipped + self.offset)


def patterns(interface: Mapping[str, Variant]) -> tuple[Pattern, ...] | None:
    """What a client's monitor asks for; None if bluetoothd would release it."""
    kind, wanted = interface.get("Type"), interface.get("Patterns")
    if kind is None or kind.value != "or_patterns" or wanted is None:
        return None
    read = tuple(Pattern(offset, kind, bytes(value)) for offset, kind, value in wanted.value)
    return read if 0 < len(read) <= PATTERNS_MAX else None


def any_fits(wanted: Iterable[Sequence[Pattern]], data: bytes, *, numbers: bool = True) -> bool:
    """Whether an advert fits one pattern of one monitor."""
    return any(
        pattern.fits(kind, value, numbers=numbers)
        for kind, value in elements(data)
        for one in wanted
        for pattern in one
    )


@dataclass(frozen=True, slots=True)
class Filter:
    """What a discovery asks for. Without a filter of its own it hears everything, coarsely."""

    own: bool = False
    uuids: frozenset[str] = frozenset()
    rssi_dbm: int | None = None
    pattern: str = ""
    "Begin of a name or of an address."
    duplicates: bool = False
    "Data are told again that are as they were."

    def passes(self, address: str, said: Said, rssi_dbm: int) -> bool:
        if self.rssi_dbm is not None and rssi_dbm < self.rssi_dbm:
            return False
        if self.uuids and self.uuids.isdisjoint(said.uuids):
            return False
        return (said.name or "").startswith(self.pattern) or address.startswith(self.pattern)


def discovery_filter(asked: Mapping[str, Variant]) -> Filter:
    """The filter that a client sets; what is not listed in `Filter` is passed over.

    Raises:
        Failed: bluetoothd would not have it.

    """
    values = {name: variant.value for name, variant in asked.items()}
    known = values.keys() <= _KEYS and values.get("Transport", "le") in _TRANSPORTS
    if not known or not all(map(_UUID.fullmatch, values.get("UUIDs", ()))):
        raise Failed("org.bluez.Error.InvalidArguments", "Invalid arguments in method call")
    return Filter(
        own=bool(values),
        uuids=frozenset(str(uuid).lower() for uuid in values.get("UUIDs", ())),
        rssi_dbm=values.get("RSSI"),
        pattern=values.get("Pattern", ""),
        duplicates=bool(values.get("DuplicateData", False)),
    )
