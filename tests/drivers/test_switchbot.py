import json
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from switchbot import SwitchbotModel

from drivers.ble import RawAdvert
from drivers.ble.bthome import mac_of
from drivers.ble.decoded import Decoded
from drivers.ble.switchbot import COMPANY, UUID16, decode
from drivers.refused import Refused, Why
from rules.errors import FrameError
from rules.models import MODELS, Format, model_of
from rules.observation import DeviceId, Phenomenon, Value
from rules.wire import DriverFault, Observed
from tests.drivers.home import NOW, SECOND_US, Ear, Sensor

P = Phenomenon
VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "switchbot.json").read_text()
)
ADDRESS = "CB:39:CD:C4:3D:46"
MAC = bytes.fromhex("CB39CDC43D46")
CONTACT, MOTION, PLUG = "WoContact", "WoPresence", "WoPlugJP"
LIBRARY_NAMES = [model.library_name for model in MODELS if model.format is Format.SWITCHBOT]
# Sequence, state, and what the contact sensor counts.
OPENED = b"\x84\x9c\x00\x17\x00\x51\x44"
SHUT = b"\x89\x8c\x00\x2b\x00\x19\x84"


def makers(data: bytes, at_us: int = 0, source: str = "", address: str = ADDRESS) -> RawAdvert:
    return RawAdvert(address, 0, data, -60, at_us, COMPANY, source)


def service(data: bytes) -> RawAdvert:
    return RawAdvert(ADDRESS, UUID16, data, -60, 0)


def objects(frame: Decoded | None) -> list[tuple[str, object]]:
    assert frame is not None
    return [(f"{id_:02X}", value) for id_, value in frame.objects]


def refusal(advert: RawAdvert, library_name: str = CONTACT) -> Why:
    with pytest.raises(Refused) as refused:
        decode(advert, library_name)
    return refused.value.why


# ---------------------------------------------------------------- adverts of real devices


@pytest.mark.parametrize("vector", VECTORS["adverts"], ids=lambda vector: vector["from"])
def test_adverts_of_real_devices(vector: dict[str, Any]) -> None:
    model = model_of(vector["model"])
    assert model is not None
    frame = decode(makers(bytes.fromhex(vector["makers_data"])), model.library_name)
    assert objects(frame) == [(each["id"], each["value"]) for each in vector["objects"]]
    assert frame is not None
    assert frame.mac == bytes.fromhex(vector["mac"])
    assert (frame.counter, frame.packet_id) == (None, None)
    if vector["service_data"] is not None:
        answered = decode(service(bytes.fromhex(vector["service_data"])), model.library_name)
        assert objects(answered) == [
            (each["id"], each["value"]) for each in vector["service_objects"]
        ]


def test_the_library_knows_every_model_of_the_table() -> None:
    assert len(LIBRARY_NAMES) >= 3
    for name in LIBRARY_NAMES:
        assert SwitchbotModel(name) is not SwitchbotModel.PLUG_MINI  # Which it does not parse.


def test_a_plug_that_says_nothing_in_its_service_data_is_no_fault() -> None:
    assert decode(service(b"g\0d"), PLUG) is None
    assert decode(service(b""), PLUG) is None


def test_what_is_cut_short_or_of_another_model_is_refused() -> None:
    assert refusal(makers(b"")) is Why.MALFORMED
    assert refusal(makers(MAC)) is Why.MALFORMED
    assert refusal(makers(MAC + b"\x84\x9c")) is Why.MALFORMED
    assert refusal(makers(MAC + b"\x01\x80\x10"), PLUG) is Why.MALFORMED
    assert refusal(makers(MAC + b"\x84"), MOTION) is Why.MALFORMED
    assert refusal(service(b"s@\xe2\x008\x01"), CONTACT) is Why.WRONG_MODEL


@given(st.binary(max_size=40), st.sampled_from(LIBRARY_NAMES), st.sampled_from((COMPANY, None)))
def test_any_bytes_give_a_frame_nothing_or_a_frame_error(
    data: bytes, library_name: str, company: int | None
) -> None:
    advert = RawAdvert(ADDRESS, UUID16, data, -60, 0, company)
    with suppress(FrameError):
        decode(advert, library_name)


# ---------------------------------------------------------------- in a home


def contact(model: str = "SwitchBot Contact Sensor") -> Sensor:
    sensor = Sensor("contact", frozenset(Phenomenon), key=None, model=model)
    sensor.address = ADDRESS
    assert mac_of(sensor.address) == MAC
    return sensor


def states(ear: Ear, advert: RawAdvert) -> list[tuple[Phenomenon, Value]]:
    return [
        (message.phenomenon, message.value)
        for message in ear.adapter.receive(advert, NOW)
        if isinstance(message, Observed) and message.phenomenon is not P.LINK_QUALITY
    ]


def reasons(ear: Ear, advert: RawAdvert) -> list[str]:
    return [
        str(dict(message.sentence.arguments)["reason"])
        for message in ear.adapter.receive(advert, NOW)
        if isinstance(message, DriverFault)
    ]


def test_a_door_is_opened_and_shut(tmp_path: Path) -> None:
    ear = Ear(tmp_path / "state", contact())
    assert states(ear, makers(MAC + OPENED)) == [(P.MOTION, True), (P.CONTACT_OPEN, True)]
    shut = makers(MAC + SHUT, SECOND_US)
    assert states(ear, shut) == [(P.MOTION, True), (P.CONTACT_OPEN, False)]


def test_the_same_advert_through_two_proxies_is_one(tmp_path: Path) -> None:
    ear = Ear(tmp_path / "state", contact())
    assert states(ear, makers(MAC + OPENED, 0, "hci0"))
    assert states(ear, makers(MAC + OPENED, 300_000, "proxy-hall")) == []


def test_another_model_in_the_registry_is_told(tmp_path: Path) -> None:
    for model in ("some door sensor", "SwitchBot Plug Mini (EU)"):
        ear = Ear(tmp_path / model, contact(model))
        assert reasons(ear, makers(MAC + OPENED)) == [Why.WRONG_MODEL]


def test_a_corrected_model_is_used_at_once(tmp_path: Path) -> None:
    ear = Ear(tmp_path / "state", contact("typo"))
    assert states(ear, makers(MAC + OPENED)) == []
    ear.know(contact())
    assert states(ear, makers(MAC + OPENED)) != []


def test_an_advert_that_names_another_device_is_refused(tmp_path: Path) -> None:
    ear = Ear(tmp_path / "state", contact())
    assert reasons(ear, makers(bytes(6) + OPENED)) == [Why.WRONG_MAC]


def test_no_advert_of_a_known_model_calls_for_help(tmp_path: Path) -> None:
    ear = Ear(tmp_path / "state", contact())
    # Plain BTHome, from somebody who borrows the sensor's address.
    forged = RawAdvert(ADDRESS, 0xFCD2, b"\x40\x3a\x01", -60, 0)
    assert states(ear, forged) == []
    assert ear.adapter.counts[DeviceId("contact")].other_uuid == 1


def test_a_hundred_thousand_random_adverts_never_call_nor_crash(tmp_path: Path) -> None:
    # Without a tag some pass for a sensor's. What they may say is bounded by its model.
    ear = Ear(tmp_path / "state", contact())
    random = Random(13)
    said = set()
    for number in range(100_000):
        data = random.randbytes(random.randrange(24))
        advert = makers(data if number % 4 else MAC + data, number * 10_000)
        if number % 2:
            advert = RawAdvert(ADDRESS, UUID16, data, -60, number * 10_000)
        said |= {phenomenon for phenomenon, _ in states(ear, advert)}
    assert said <= {P.CONTACT_OPEN, P.MOTION, P.BATTERY_PCT}
    counts = ear.adapter.counts[DeviceId("contact")]
    assert counts.heard == 100_000
    assert counts.refused[Why.WRONG_MAC] > 1_000
