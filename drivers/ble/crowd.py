"""Who is about, while a survey lasts: the home's own devices, and of strangers the last heard.

What is read here is read without trust, for a technician's eyes: the home's own with their keys,
others where they send in the clear. Nothing of it is an observation, and nothing is remembered of
counters: a frame that was shown here counts where it counts, once, and not before.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from bleak.backends.scanner import AdvertisementData

from drivers.ble import bthome, mibeacon
from drivers.ble.advert import RawAdvert
from drivers.ble.decoded import Decoded, Opener
from drivers.ble.formats import FORMATS, Openers, openers
from drivers.ble.makers import Makers, printable
from drivers.ble.meaning import read
from drivers.ble.scanner import Element
from drivers.refused import Refused, Why
from rules.air import Said, Sighting
from rules.device import Device
from rules.models import Format, model_of
from rules.observation import DeviceId, Phenomenon
from rules.wire import KeyedDevice

STRANGERS_MAX: Final = 512
"Addresses at one source count each; whoever was not heard for longest goes."
TOLD_MAX: Final = 256
"At once, which is about once a second. Others have their turn the next time."
_ELEMENTS_MAX: Final = 4
_ELEMENT_BYTES_MAX: Final = 255
_NAME_MAX: Final = 64

_ANYTHING: Final = frozenset(Phenomenon) - {Phenomenon.SOS}
"A stranger's button calls nobody."
_BY_UUID16: Final = {uuid16: row.format for row in FORMATS for uuid16 in row.uuid16s}
_BY_COMPANY: Final = {company: row.format for row in FORMATS for company in row.companies}


@dataclass(frozen=True, slots=True)
class _Ours:
    """A device of the home."""

    device: Device
    mac: bytes
    openers: Openers


class _Seen:
    """A sender at one source."""

    __slots__ = ("at_us", "companies", "elements", "heard", "name", "rssi_dbm", "told", "turn")

    def __init__(self) -> None:
        self.name = ""
        self.companies: tuple[int, ...] = ()
        self.elements: tuple[Element, ...] = ()
        self.rssi_dbm = 0
        self.at_us = 0
        self.heard = 0
        self.told = 0
        "How often it had been heard when it was last told of."
        self.turn = 0
        "In which it was."


_Key = tuple[str, str]
"Address and source."


class Crowd:
    """Takes all that is heard while a survey lasts."""

    def __init__(self, makers: Makers) -> None:
        """`makers` are loaded before anybody is told of."""
        self._makers = makers
        self._ours: dict[str, _Ours] = {}
        self._xiaomi = False
        self._home: dict[_Key, _Seen] = {}
        self._strangers: OrderedDict[_Key, _Seen] = OrderedDict()
        self._turn = 0

    def set_devices(self, devices: Iterable[KeyedDevice]) -> None:
        """These are the home's."""
        self._ours = {}
        for keyed in devices:
            mac = bthome.mac_of(keyed.device.address)
            if mac is not None:
                key = keyed.key if keyed.key and len(keyed.key) == bthome.KEY_BYTES else None
                made = openers(keyed.device, mac, key)
                self._ours[keyed.device.address.upper()] = _Ours(keyed.device, mac, made)
        models = (model_of(ours.device.model) for ours in self._ours.values())
        self._xiaomi = any(
            model is not None and model.format is Format.MIBEACON for model in models
        )
        # Who has become one of ours, or is none any more, is heard again soon.
        self.forget()

    def forget(self) -> None:
        """The survey is over: nothing is kept of anybody."""
        self._home.clear()
        self._strangers.clear()

    def hear(
        self,
        source: str,
        address: str,
        heard: AdvertisementData,
        elements: Iterable[Element],
        at_us: int,
    ) -> None:
        """Take an advert; `elements` is what of it is in a format of ours."""
        key = address, source
        if address in self._ours:
            seen = self._home.setdefault(key, _Seen())
        else:
            seen = self._strangers.setdefault(key, _Seen())
            self._strangers.move_to_end(key)
            if len(self._strangers) > STRANGERS_MAX:
                self._strangers.popitem(last=False)
        if heard.local_name:
            seen.name = heard.local_name[:_NAME_MAX]
        if heard.manufacturer_data:
            seen.companies = tuple(heard.manufacturer_data)[:_ELEMENTS_MAX]
        found = tuple(one for one in elements if len(one.data) <= _ELEMENT_BYTES_MAX)
        if found:
            seen.elements = found[:_ELEMENTS_MAX]
        seen.rssi_dbm, seen.at_us = heard.rssi, at_us
        seen.heard += 1

    def sightings(self) -> list[Sighting]:
        """Whoever was heard since it was last told: ours first, then who has waited longest."""
        due = [item for item in self._home.items() if item[1].heard > item[1].told]
        others = [item for item in self._strangers.items() if item[1].heard > item[1].told]
        others.sort(key=lambda item: item[1].turn)
        self._turn += 1
        told = []
        for key, seen in (*due, *others)[:TOLD_MAX]:
            seen.told, seen.turn = seen.heard, self._turn
            told.append(self._sighting(*key, seen))
        return told

    def _sighting(self, address: str, source: str, seen: _Seen) -> Sighting:
        ours = self._ours.get(address)
        format_ = next(filter(None, map(_format, seen.elements)), None)
        said: dict[Phenomenon, Said] = {}
        refused = ""
        for element in seen.elements:
            try:
                for one in self._said(ours, address, element):
                    said[one.phenomenon] = one
            except Refused as error:
                refused = error.why.value
        return Sighting(
            address,
            source,
            seen.rssi_dbm,
            seen.at_us,
            None if ours is None else DeviceId(ours.device.id),
            printable(seen.name),
            self._makers.maker(address, seen.companies, format_),
            "" if format_ is None else format_.value,
            tuple(said.values()),
            refused,
            seen.heard,
        )

    def _said(self, ours: _Ours | None, address: str, element: Element) -> Iterator[Said]:
        """What an element says.

        Raises:
            Refused: it would not be believed, or cannot be read.

        """
        advert = RawAdvert(address, element.uuid16, element.data, 0, 0, element.company)
        frame = self._strangers_own(element) if ours is None else _of_ours(ours, advert)
        if frame is None:
            return
        meaning = read(frame.objects, _ANYTHING if ours is None else ours.device.phenomena)
        for phenomenon, (value, _) in meaning.states.items():
            yield Said(phenomenon, value)
        for phenomenon, value in meaning.presses:
            yield Said(phenomenon, value)

    def _strangers_own(self, element: Element) -> Decoded | None:
        """What a stranger sends in the clear.

        Raises:
            Refused: it is encrypted, or cannot be read.

        """
        if element.uuid16 == bthome.UUID16:
            return bthome.decode(element.data)
        if element.uuid16 in bthome.UUID16_V1:
            raise Refused(Why.VERSION, "BTHome version 1")
        if element.uuid16 == mibeacon.UUID16 and (
            self._xiaomi or mibeacon.is_encrypted(element.data)
        ):
            # What is in the clear needs a library that a home without such devices does without.
            return mibeacon.decode(element.data)
        return None


def _of_ours(ours: _Ours, advert: RawAdvert) -> Decoded | None:
    """What a device of the home says.

    Raises:
        Refused: it would not be believed, whatever its counter.

    """
    open_: Opener | None
    if advert.company is None:
        open_ = ours.openers.by_uuid16.get(advert.uuid16)
    else:
        open_ = ours.openers.by_company.get(advert.company)
    frame = None if open_ is None else open_(advert)
    if frame is None:
        return None
    if frame.counter is None and ours.device.keyed:
        raise Refused(Why.PLAINTEXT, "plain, though the device is keyed")
    if frame.mac is not None and frame.mac != ours.mac:
        raise Refused(Why.WRONG_MAC, "names another device")
    return frame


def _format(element: Element) -> Format | None:
    if element.company is None:
        return _BY_UUID16.get(element.uuid16)
    return _BY_COMPANY.get(element.company)
