"""The formats that are spoken, and by what an advert of each is known."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from drivers.ble import bthome, mibeacon, switchbot
from drivers.ble.decoded import Opener
from rules.device import Device
from rules.models import Format, model_of


@dataclass(frozen=True, slots=True)
class FormatRow:
    """One format."""

    format: Format
    uuid16s: tuple[int, ...]
    "Of its service data."
    companies: tuple[int, ...]
    "Of its makers' own data."
    opener: Callable[[Device, bytes, bytes | None], Opener]
    "Of a device with its MAC in the order written and its key of 16 bytes."


FORMATS: Final = (
    FormatRow(Format.BTHOME, (bthome.UUID16, *bthome.UUID16_V1), (), bthome.opener),
    FormatRow(Format.MIBEACON, (mibeacon.UUID16,), (), mibeacon.opener),
    FormatRow(Format.SWITCHBOT, (switchbot.UUID16,), (switchbot.COMPANY,), switchbot.opener),
)


class Openers(NamedTuple):
    """What opens the adverts of one device."""

    by_uuid16: Mapping[int, Opener]
    by_company: Mapping[int, Opener]


def openers(device: Device, mac: bytes, key: bytes | None) -> Openers:
    """Of a known model its own format only, of another whatever it sends."""
    model = model_of(device.model)
    spoken = [row for row in FORMATS if model is None or row.format is model.format]
    made = [(row, row.opener(device, mac, key)) for row in spoken]
    return Openers(
        {uuid16: open_ for row, open_ in made for uuid16 in row.uuid16s},
        {company: open_ for row, open_ in made for company in row.companies},
    )


def patterns() -> tuple[Iterable[int], Iterable[int]]:
    """UUIDs of service data and company ids that a radio should listen for."""
    return (
        [uuid16 for row in FORMATS for uuid16 in row.uuid16s],
        [company for row in FORMATS for company in row.companies],
    )
