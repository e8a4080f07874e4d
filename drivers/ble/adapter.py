"""BLE adverts to observations: knows the home's devices, believes nothing else.

Frames of unknown addresses are counted and forgotten. Of a known device, keyed or not, only what
its registry entry lists is passed on. Which adapter or proxy heard a frame makes no difference.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from drivers.ble import bthome
from drivers.ble.advert import RawAdvert
from drivers.ble.decoded import Decoded
from drivers.ble.flood import Plain
from drivers.ble.formats import openers
from drivers.ble.news import News, Said
from drivers.guard import CounterGuard, Verdict, key_id
from drivers.refusals import Refusals
from drivers.refused import Refused, Why
from rules.device import Device
from rules.observation import URGENT, DeviceId, Phenomenon
from rules.wire import DriverFault, KeyedDevice, Observed

_log = logging.getLogger(__name__)

_QUALITY_EVERY_US: Final = 600_000_000
_QUALITY_PER_CONTRACT: Final = 3
"At least so many link qualities for each interval of the reporting contract."
_MICROSECONDS: Final = 1_000_000

_PRESSES: Final = frozenset({Phenomenon.SOS, Phenomenon.BUTTON})
"They count whenever they come; a state counts only until the next one."

_FAINT_DBM: Final = -100
_PERCENT_PER_DB: Final = 2.0


@dataclass(slots=True)
class Counts:
    """Frames of one device since the driver's start."""

    heard: int = 0
    passed: int = 0
    duplicates: int = 0
    late: int = 0
    "Behind newer ones; of these only presses are passed on."
    unsure: int = 0
    other_uuid: int = 0
    "Adverts of no format, or of another than its model has."
    without_objects: int = 0
    "Frames of the device's format that say nothing."
    unused_objects: int = 0
    undecoded: int = 0
    "Frames with an unknown object: what stood before it was used."
    refused: dict[Why, int] = field(default_factory=dict)


class _Known:
    """A device and what is remembered of it."""

    __slots__ = (
        "_quality_us",
        "counts",
        "device",
        "key",
        "key_id",
        "last",
        "mac",
        "openers",
        "plain",
        "said",
    )

    def __init__(self, device: Device, mac: bytes, key: bytes | None) -> None:
        self.device = device
        self.mac = mac
        self.openers = openers(device, mac, key)
        self.key_id = b"" if key is None else key_id(mac, key)
        self.counts = Counts()
        self.last: bytes | None = None
        "The last authenticated frame: its repetitions need no decoding."
        self.said = Said()
        self.plain = Plain()
        self._quality_us: int | None = None

    def quality_due(self, at_us: int) -> bool:
        """Whether to tell the link quality now: often enough to keep a quiet device live."""
        contract_us = int(self.device.report_every.total_seconds() * _MICROSECONDS)
        every_us = min(_QUALITY_EVERY_US, contract_us // _QUALITY_PER_CONTRACT)
        if self._quality_us is not None and at_us - self._quality_us < every_us:
            return False
        self._quality_us = at_us
        return True


class BleAdapter:
    """The devices of one home behind one radio."""

    def __init__(self, guard: CounterGuard) -> None:
        self._guard = guard
        self._known: dict[str, _Known] = {}
        self._refusals = Refusals()
        self.unknown = 0
        "Adverts of addresses that are not this home's; the addresses are not kept."

    @property
    def counts(self) -> Mapping[DeviceId, Counts]:
        """Frames by device."""
        return {known.device.id: known.counts for known in self._known.values()}

    def device(self, id_: DeviceId) -> Device | None:
        """The device of this name, if it is one of ours."""
        return next(
            (known.device for known in self._known.values() if known.device.id == id_), None
        )

    def set_devices(self, devices: Iterable[KeyedDevice]) -> None:
        """Take over the gateway's table. A changed key starts a new counter, by its own mark."""
        before = self._known
        self._known = {}
        for keyed in devices:
            device = keyed.device
            mac = bthome.mac_of(device.address)
            if mac is None:
                _log.warning("%s: %r is no BLE address", device.id, device.address)
                continue
            key = keyed.key if keyed.key and len(keyed.key) == bthome.KEY_BYTES else None
            known = before.get(device.address)
            id_ = b"" if key is None else key_id(mac, key)
            if known is None or known.key_id != id_ or known.device.id != device.id:
                known = _Known(device, mac, key)
            elif known.device.model != device.model:
                known.openers = openers(device, mac, key)
            known.device = device
            self._known[device.address] = known
        self._guard.retain({known.key_id for known in self._known.values()})
        self._refusals.set_devices({known.device.id for known in self._known.values()})

    def receive(self, advert: RawAdvert, now: datetime) -> list[Observed | DriverFault]:
        """What one advert tells the gateway; mostly nothing, since adverts are repeated."""
        known = self._known.get(advert.address) or self._known.get(advert.address.upper())
        if known is None:
            self.unknown += 1
            return []
        known.counts.heard += 1
        if advert.service_data == known.last:
            known.counts.duplicates += 1
            return []
        try:
            frame = _open(known, advert)
            return [] if frame is None else [*self._pass_on(known, advert, frame)]
        except Refused as refused:
            counts = known.counts.refused
            counts[refused.why] = counts.get(refused.why, 0) + 1
            _log.debug("%s: refused: %s", known.device.id, refused)
            fault = self._refusals.refuse(known.device.id, refused.why, advert.boottime_us, now)
            return [] if fault is None else [fault]

    def refuse(self, device: DeviceId, why: Why, at_us: int, now: datetime) -> DriverFault | None:
        """A frame of a device was refused elsewhere; a fault when it is time to tell."""
        return self._refusals.refuse(device, why, at_us, now)

    def over(self, at_us: int, now: datetime) -> list[DriverFault]:
        """Faults of refused frames that have ended; to be asked every few minutes."""
        return self._refusals.over(at_us, now)

    def _judge(self, known: _Known, frame: Decoded, news: News, at_us: int) -> Verdict:
        """Whether a frame is new: by its counter, or, in the clear, within what is plausible.

        Raises:
            Refused: it is not to be believed.

        """
        if frame.counter is None:
            if news.tells and not known.plain.take(news.kinds(), at_us):
                raise Refused(Why.FLOOD, "more in the clear than any device sends")
            return Verdict.NEW
        verdict = self._guard.admit(known.key_id, frame.counter, at_us, urgent=news.urgent)
        if verdict is Verdict.REPLAY:
            raise Refused(Why.REPLAY, f"counter {frame.counter} was used long ago")
        return verdict

    def _pass_on(self, known: _Known, advert: RawAdvert, frame: Decoded) -> list[Observed]:
        """Judge a decoded frame and turn it into observations.

        Raises:
            Refused: its counter was used long ago, or there are too many that nothing vouches for.

        """
        at_us, counts = advert.boottime_us, known.counts
        news = News(known.device, known.said, frame, at_us)
        passes = None
        match self._judge(known, frame, news, at_us):
            case Verdict.DUPLICATE:
                counts.duplicates += 1
                return []
            case Verdict.LATE:
                counts.late += 1
                if not news.meaning.presses:
                    return []
                passes = _PRESSES
            case Verdict.UNSURE:
                counts.unsure += 1
                if not news.urgent:
                    return []
                passes = URGENT
        if frame.counter is not None:
            known.last = advert.service_data
        counts.unused_objects += news.meaning.unused + frame.dropped
        counts.undecoded += bool(frame.undecoded)
        observed = news.take(at_us, passes)
        if observed:
            counts.passed += 1
        else:
            counts.duplicates += news.repeated
        if passes is None and known.quality_due(at_us):
            observed.append(_quality(known.device.id, advert))
        return observed


def _open(known: _Known, advert: RawAdvert) -> Decoded | None:
    """The decoded frame; None, and counted, if there is nothing in it for us.

    Raises:
        Refused: there is, and it may not be believed.

    """
    if advert.company is None:
        open_ = known.openers.by_uuid16.get(advert.uuid16)
    else:
        open_ = known.openers.by_company.get(advert.company)
    if open_ is None:
        known.counts.other_uuid += 1
        return None
    frame = open_(advert)
    if frame is None:
        known.counts.without_objects += 1
        return None
    if frame.counter is None and known.device.keyed:
        raise Refused(Why.PLAINTEXT, "plain, though the device is keyed")
    if frame.mac is not None and frame.mac != known.mac:
        raise Refused(Why.WRONG_MAC, f"sent by {advert.address}, names {frame.mac.hex(':')}")
    return frame


def _quality(device: DeviceId, advert: RawAdvert) -> Observed:
    """Link quality in percent: -100 dBm is 0, -50 dBm and better is 100."""
    percent = min(max((advert.rssi_dbm - _FAINT_DBM) * _PERCENT_PER_DB, 0.0), 100.0)
    return Observed(device, Phenomenon.LINK_QUALITY, percent, advert.boottime_us)
