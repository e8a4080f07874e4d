import sys
from datetime import timedelta
from pathlib import Path

import pytest

from drivers.ble import RawAdvert
from drivers.ble.formats import FORMATS, openers, patterns
from drivers.refused import Why
from rules.alarm import AlarmKind
from rules.device import Device, Link
from rules.models import MODELS, Format
from rules.observation import DeviceId, Phenomenon
from rules.sentence import Say
from rules.wire import DriverFault
from sim.air import mibeacon
from sim.air.mibeacon import DOOR, encode_object
from tests.drivers.home import NOW, SECOND_US, Ear, Sensor
from tests.drivers.test_switchbot import MAC, OPENED, contact, makers

OPEN = encode_object(0x1019, b"\0")


def device(model: str) -> Device:
    return Device(
        DeviceId("one"),
        Link.BLE,
        "AA:BB:CC:DD:EE:FF",
        model,
        "room",
        frozenset({Phenomenon.MOTION}),
        timedelta(minutes=5),
    )


def test_every_format_has_a_row_and_every_row_its_own_adverts() -> None:
    assert [row.format for row in FORMATS] == list(Format)
    uuid16s, companies = patterns()
    assert sorted(uuid16s) == sorted({0xFCD2, 0x181C, 0x181E, 0xFE95, 0xFD3D})
    assert list(companies) == [0x0969]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_known_model_is_heard_in_its_own_format_only(model: object) -> None:
    assert model in MODELS
    for one in MODELS:
        (row,) = (row for row in FORMATS if row.format is one.format)
        found = openers(device(one.name), bytes(6), None)
        assert set(found.by_uuid16) == set(row.uuid16s)
        assert set(found.by_company) == set(row.companies)


def test_any_other_is_heard_in_whatever_format_it_speaks() -> None:
    found = openers(device("no row"), bytes(6), None)
    assert len(found.by_uuid16) == 5
    assert len(found.by_company) == 1


# ---------------------------------------------------------------- an extra that is not installed


def without(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let its import fail as on a gateway where it was never installed; None does that."""
    monkeypatch.setitem(sys.modules, module, None)


def told(ear: Ear, advert: RawAdvert) -> list[str]:
    heard = ear.adapter.receive(advert, NOW)
    for message in heard:
        assert isinstance(message, DriverFault)
        assert (message.kind, message.sentence.say) == (
            AlarmKind.FRAMES_REFUSED,
            Say.FRAMES_REFUSED,
        )
    return [
        str(dict(message.sentence.arguments)["reason"])
        for message in heard
        if isinstance(message, DriverFault)
    ]


def test_without_xiaomi_ble_its_devices_are_refused_and_it_is_told_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Sensor("door", frozenset({Phenomenon.CONTACT_OPEN}), model="Xiaomi MCCGQ02HL")
    assert door.key is not None
    ear = Ear(tmp_path / "state", door)
    forged = mibeacon.sealed(DOOR, 1, OPEN, door.mac, bytes(16))
    real = mibeacon.sealed(DOOR, 1, OPEN, door.mac, door.key)
    with monkeypatch.context() as patched:
        without("xiaomi_ble.parser", patched)
        assert told(ear, door.advert(forged, uuid16=0xFE95)) == []  # The tag comes first.
        assert told(ear, door.advert(real, uuid16=0xFE95)) == [Why.NEEDS_XIAOMI]
        assert told(ear, door.advert(real, SECOND_US, uuid16=0xFE95)) == []
    # Its counter was not used up by what could not be read.
    assert ear.adapter.receive(door.advert(real, 2 * SECOND_US, uuid16=0xFE95), NOW)


def test_without_pyswitchbot_its_devices_are_refused_and_it_is_told_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear = Ear(tmp_path / "state", contact())
    with monkeypatch.context() as patched:
        without("switchbot", patched)
        assert told(ear, makers(MAC + OPENED)) == [Why.NEEDS_SWITCHBOT]
    assert ear.adapter.receive(makers(MAC + OPENED, SECOND_US), NOW)
