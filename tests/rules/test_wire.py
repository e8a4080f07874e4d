"""Packets between a driver and the gateway come through as they were, or are refused."""

import cbor2
import pytest

from rules.air import Proxy, Reception, Receptions, Said, Settings, Sighting, Survey
from rules.errors import FrameError
from rules.observation import DeviceId, Phenomenon, Press
from rules.wire import Devices, KeyedDevice, Message, decode, encode
from tests.rules.home import KETTLE

SIGHTING = Sighting(
    address="A4:C1:38:0B:1E:2F",
    source="hci0",
    rssi_dbm=-61,
    boottime_us=5,
    device=DeviceId("kettle"),
    name="Kettle",
    maker="Shelly",
    format="bthome",
    said=(Said(Phenomenon.POWER_W, 1800.0), Said(Phenomenon.BUTTON, Press.LONG)),
    refused="",
    heard=7,
)
MESSAGES: tuple[Message, ...] = (
    Settings((Proxy("hall", "127.0.0.1", 6053, bytes(32)),)),
    Settings(),
    Survey(7_000_000),
    SIGHTING,
    Receptions((Reception(DeviceId("kettle"), "hci0", -61.5, -4.0, 30.0, drowned=True),)),
)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_comes_through(message: Message) -> None:
    assert decode(encode(message)) == message


def test_no_key_stands_in_what_a_log_or_an_error_may_show() -> None:
    key, device = b"a key that nobody may see, 32 B.", KETTLE
    proxy, keyed = Proxy("hall", "127.0.0.1", 6053, key), KeyedDevice(device, key)
    for message in (Settings((proxy,)), Devices((keyed,))):
        assert "nobody" not in repr(message)
    version, number, body = cbor2.loads(encode(Devices((keyed,))))
    body["devices"][0]["key"] = key.decode()
    with pytest.raises(FrameError) as error:
        decode(cbor2.dumps([version, number, body]))
    assert "nobody" not in str(error.value)


@pytest.mark.parametrize(
    "said",
    [
        [{"phenomenon": "power_w", "value": True}],
        [{"phenomenon": "power_w", "value": float("nan")}],
        [{"phenomenon": "contact_open", "value": 1.0}],
        [{"phenomenon": "no_such", "value": 1.0}],
        [{"phenomenon": "power_w"}],
    ],
)
def test_a_sighting_says_only_what_its_phenomena_can(said: object) -> None:
    version, number, body = cbor2.loads(encode(SIGHTING))
    with pytest.raises(FrameError):
        decode(cbor2.dumps([version, number, body | {"said": said}]))
