"""A home with one device of every known model, and a stranger who sends whatever he can.

He has recorded frames, knows the formats and the addresses, and has no key.
"""

from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from xiaomi_ble.devices import DEVICE_TYPES

from drivers.ble import RawAdvert
from drivers.ble.bthome import UUID16 as BTHOME
from drivers.ble.formats import patterns
from drivers.ble.mibeacon import UUID16 as MIBEACON
from drivers.ble.switchbot import COMPANY
from drivers.refused import Why
from rules.models import FORGEABLE, MODELS, Format, Model
from rules.observation import URGENT, DeviceId, Phenomenon, Value
from rules.wire import DriverFault, Observed
from sim.air import bthome, mibeacon
from tests.drivers.home import HOUR_US, MINUTE_US, NOW, SECOND_US, Ear, Sensor

if TYPE_CHECKING:
    from collections.abc import Callable

P = Phenomenon
OTHER_KEY = b"a stranger's key"
UUID16S, COMPANIES = patterns()
_SAID: dict[Phenomenon, tuple[Value, bytes]] = {
    # What each kind of device says when something happens: in the vocabulary, and by MiBeacon.
    P.SOS: (True, b""),
    P.CONTACT_OPEN: (True, mibeacon.encode_object(0x1019, b"\0")),
    P.MOTION: (True, mibeacon.encode_object(0x000F, (1).to_bytes(3, "little"))),
    P.LEAK: (True, mibeacon.encode_object(0x1014, b"\1")),
    P.SMOKE: (True, mibeacon.encode_object(0x1015, b"\1")),
    P.TEMPERATURE_C: (21.5, b""),
    P.POWER_W: (100.0, b""),
}


@dataclass
class Sent:
    """What a device sends, and whoever speaks in its name."""

    model: Model
    sensor: Sensor
    recorded: list[bytes] = field(default_factory=list)
    "Frames that arrived."

    @property
    def keyed(self) -> bool:
        return self.sensor.key is not None

    @property
    def what(self) -> Phenomenon:
        return next(phenomenon for phenomenon in _SAID if phenomenon in self.model.phenomena)

    @property
    def unprotected_bits(self) -> int:
        """At the beginning of a frame: MiBeacon's control word, which changes no value."""
        return 16 if self.model.format is Format.MIBEACON else 0

    @property
    def _product(self) -> int:
        name = self.model.name.removeprefix("Xiaomi ")
        return next(number for number, one in DEVICE_TYPES.items() if one.model == name)

    def next(self, key: bytes | None = None) -> bytes:
        """Its next frame; with another `key`, somebody else's."""
        value, objects = _SAID[self.what]
        self.sensor.counter += 1
        counter, key = self.sensor.counter, key or self.sensor.key
        if key is None:
            return self.sensor.mac + bytes([counter % 256]) + b"\x9c\x00\x17\x00\x51\x44"
        if self.model.format is Format.MIBEACON:
            return mibeacon.sealed(self._product, counter, objects, self.sensor.mac, key)
        said = bthome.encode([bthome.carrying(self.what, value)], counter % 256)
        return bthome.sealed(said, self.sensor.mac, key, counter)

    def plain(self) -> bytes:
        """The same without encryption."""
        value, objects = _SAID[self.what]
        if self.model.format is Format.MIBEACON:
            return mibeacon.plain(self._product, self.sensor.counter % 256, objects)
        return bthome.plain(bthome.encode([bthome.carrying(self.what, value)]))

    def advert(self, data: bytes, at_us: int = 0) -> RawAdvert:
        """In the place where its format has it."""
        company = COMPANY if self.model.format is Format.SWITCHBOT else None
        uuid16 = {Format.BTHOME: BTHOME, Format.MIBEACON: MIBEACON}.get(self.model.format, 0)
        return RawAdvert(self.sensor.address, uuid16, data, -60, at_us, company)


def home() -> list[Sent]:
    return [
        Sent(
            model,
            Sensor(
                f"{number:02}{model.name}",
                model.phenomena,
                key=None if model.format in FORGEABLE else bytes([number]) * 16,
                model=model.name,
            ),
        )
        for number, model in enumerate(MODELS)
        if not model.name.startswith("SwitchBot") or model.library_name == "WoContact"
    ]


def observed(messages: list[Observed | DriverFault]) -> list[tuple[Phenomenon, Value]]:
    return [
        (one.phenomenon, one.value)
        for one in messages
        if isinstance(one, Observed) and one.phenomenon is not P.LINK_QUALITY
    ]


def reasons(messages: list[Observed | DriverFault]) -> list[object]:
    return [
        dict(one.sentence.arguments)["reason"] for one in messages if isinstance(one, DriverFault)
    ]


KEYED = [sent for sent in home() if sent.keyed]


@pytest.fixture(params=[sent.model.name for sent in KEYED])
def sent(request: pytest.FixtureRequest) -> Sent:
    return next(one for one in home() if one.model.name == request.param)


@pytest.fixture
def ear(tmp_path: Path, sent: Sent) -> Ear:
    return Ear(tmp_path / "state", sent.sensor)


# ---------------------------------------------------------------- each model with a key


def replayed(ear: Ear, sent: Sent, frames: list[bytes]) -> list[Observed | DriverFault]:
    return [
        message
        for at, frame in enumerate(frames)
        for message in ear.adapter.receive(sent.advert(frame, HOUR_US + at * SECOND_US), NOW)
    ]


def test_a_recorded_frame_is_believed_once(ear: Ear, sent: Sent, tmp_path: Path) -> None:
    frames = [sent.next() for _ in range(30)]
    for number, frame in enumerate(frames):
        assert ear.adapter.receive(sent.advert(frame, number * MINUTE_US), NOW)
    assert not observed(replayed(ear, sent, frames))
    assert ear.adapter.counts[DeviceId(sent.sensor.name)].refused[Why.REPLAY] >= 10
    ear.guard.close()
    said = replayed(Ear(tmp_path / "state", sent.sensor), sent, frames)
    assert (observed(said), reasons(said)) == ([], [Why.REPLAY])


def test_nor_after_a_sudden_end_of_the_driver(ear: Ear, sent: Sent, tmp_path: Path) -> None:
    """Save that a hazard that stood then may be said again, until its device is heard."""
    frames = [sent.next() for _ in range(30)]
    for number, frame in enumerate(frames):
        assert ear.adapter.receive(sent.advert(frame, number * MINUTE_US), NOW)
    again = Ear(tmp_path / "state", sent.sensor)
    stood = [(sent.what, True)] if sent.what in {P.LEAK, P.SMOKE} else []
    assert observed(replayed(again, sent, frames)) == stood
    again = Ear(tmp_path / "state", sent.sensor)
    assert again.adapter.receive(sent.advert(sent.next()), NOW)
    assert not observed(replayed(again, sent, frames))


def test_what_it_says_is_not_believed_in_the_clear(ear: Ear, sent: Sent) -> None:
    said = ear.adapter.receive(sent.advert(sent.plain()), NOW)
    assert (observed(said), reasons(said)) == ([], [Why.PLAINTEXT])
    assert observed(ear.adapter.receive(sent.advert(sent.next(), SECOND_US), NOW))


def test_what_another_key_made_is_not_believed(ear: Ear, sent: Sent) -> None:
    said = [
        ear.adapter.receive(sent.advert(sent.next(OTHER_KEY), at * SECOND_US), NOW)
        for at in range(4)
    ]
    assert not any(map(observed, said))
    assert [reason for each in said for reason in reasons(each)] == [Why.WRONG_KEY]
    # Their counters have not used up its own.
    sent.sensor.counter -= 4
    assert observed(ear.adapter.receive(sent.advert(sent.next(), MINUTE_US), NOW))


def test_one_changed_bit_is_noticed_wherever_it_matters(ear: Ear, sent: Sent) -> None:
    frame = sent.next()
    for bit in range(sent.unprotected_bits, 8 * len(frame)):
        spoilt = bytearray(frame)
        spoilt[bit // 8] ^= 1 << bit % 8
        assert not observed(ear.adapter.receive(sent.advert(bytes(spoilt), bit), NOW)), bit
    assert observed(ear.adapter.receive(sent.advert(frame, SECOND_US), NOW))


def test_of_another_device_it_is_not_believed(tmp_path: Path, sent: Sent) -> None:
    """Two of the same model with, by mistake, the same key."""
    other = Sensor("zz" + sent.model.name, sent.model.phenomena, sent.sensor.key)
    other.model = sent.model.name
    ear = Ear(tmp_path / "both", sent.sensor, other)
    advert = sent.advert(sent.next())
    stolen = RawAdvert(other.address, advert.uuid16, advert.service_data, -60, 0)
    assert not observed(ear.adapter.receive(stolen, NOW))
    assert observed(ear.adapter.receive(advert, NOW))


# ---------------------------------------------------------------- all of them


def test_a_hundred_thousand_frames_of_a_stranger_are_refused_and_counted(tmp_path: Path) -> None:
    devices, random = home(), Random(17)
    ear = Ear(tmp_path / "state", *(one.sensor for one in devices))
    for one in devices:
        for at in range(20):
            one.recorded.append(one.next())
            ear.adapter.receive(one.advert(one.recorded[-1], at * SECOND_US), NOW)
    before = {name: counts.heard for name, counts in ear.adapter.counts.items()}
    told: list[str] = []
    for number in range(100_000):
        one = random.choice(devices)
        advert = _attack(random, devices, one, HOUR_US + number * 10_000)
        said = ear.adapter.receive(advert, NOW)
        told += [str(reason) for reason in reasons(said)]
        if one.keyed:
            assert not any(isinstance(message, Observed) for message in said), advert
        else:
            # Nothing vouches for what it says; it may say no more than its model can.
            phenomena = {phenomenon for phenomenon, _ in observed(said)}
            assert phenomena <= one.model.phenomena
            assert not phenomena & URGENT
    assert ear.adapter.unknown > 5_000
    assert len(told) <= len(devices)  # 1,000 seconds.
    heard = 0
    for one in devices:
        counts = ear.adapter.counts[DeviceId(one.sensor.name)]
        heard += counts.heard - before[DeviceId(one.sensor.name)]
        if one.keyed:
            assert counts.passed == 20
            nothing = counts.other_uuid + counts.without_objects
            behind = counts.duplicates + counts.late
            assert sum(counts.refused.values()) + nothing + behind + 20 == counts.heard
            assert {Why.WRONG_KEY, Why.PLAINTEXT, Why.REPLAY} <= counts.refused.keys()
        # And each is heard as ever.
        assert observed(ear.adapter.receive(one.advert(one.next(), 2 * HOUR_US), NOW))
    assert heard + ear.adapter.unknown == 100_000


def _attack(random: Random, devices: list[Sent], one: Sent, at_us: int) -> RawAdvert:
    """Anything that somebody without keys can send."""
    ways: list[Callable[[], bytes]] = [
        lambda: random.randbytes(random.randrange(28)),
        lambda: random.choice(one.recorded),
        lambda: random.choice(random.choice(devices).recorded),
        lambda: random.choice(one.recorded)[: random.randrange(12)] + random.randbytes(12),
        lambda: _spoilt(random, one),
    ]
    if one.keyed:
        ways += [one.plain, lambda: one.next(OTHER_KEY)]
    counter = one.sensor.counter
    advert = one.advert(random.choice(ways)(), at_us)
    one.sensor.counter = counter
    match random.randrange(10):
        case 0:
            address = random.randbytes(6).hex(":").upper()
            return RawAdvert(address, advert.uuid16, advert.service_data, -60, at_us)
        case 1:
            uuid16 = random.choice([*UUID16S, random.randrange(0x10000)])
            return RawAdvert(advert.address, uuid16, advert.service_data, -60, at_us)
        case 2:
            company = random.choice([*COMPANIES, random.randrange(0x10000)])
            return RawAdvert(advert.address, 0, advert.service_data, -60, at_us, company)
    return advert


def _spoilt(random: Random, one: Sent) -> bytes:
    """A frame that did not arrive, with one bit changed."""
    frame = bytearray(one.next())
    bit = random.randrange(one.unprotected_bits, 8 * len(frame))
    frame[bit // 8] ^= 1 << bit % 8
    return bytes(frame)
