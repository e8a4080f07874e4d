import json
import logging
import math
import struct
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from habluetooth import BluetoothServiceInfo
from hypothesis import given
from hypothesis import strategies as st
from xiaomi_ble.devices import DEVICE_TYPES
from xiaomi_ble.parser import XiaomiBluetoothDeviceData, xiaomi_dataobject_dict

from drivers.ble import RawAdvert
from drivers.ble.decoded import Decoded
from drivers.ble.mibeacon import UUID16, BindKey, decode
from drivers.refused import Refused, Why
from rules.errors import FrameError
from rules.observation import DeviceId, Phenomenon
from rules.wire import Observed
from sim.air import mibeacon
from sim.air.mibeacon import DOOR, LEAK, MOTION, encode_object
from tests.drivers.home import NOW, SECOND_US, Ear, Sensor

P = Phenomenon
VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "mibeacon.json").read_text()
)
MAC = bytes.fromhex("E4AAEC8121AE")
KEY = bytes(range(16))
BIND_KEY = BindKey(MAC, KEY)
OPENING, LEAKING, IDLE, BATTERY = 0x1019, 0x1014, 0x1017, 0x100A
OPEN = encode_object(OPENING, b"\0")
CLOSED = encode_object(OPENING, b"\1")


def refusal(service_data: bytes, key: BindKey | None = None) -> Why:
    with pytest.raises(Refused) as refused:
        decode(service_data, key)
    return refused.value.why


def sealed(objects: bytes, counter: int = 1, product: int = DOOR) -> bytes:
    return mibeacon.sealed(product, counter, objects, MAC, KEY)


def read(service_data: bytes, key: BindKey | None = BIND_KEY) -> Decoded:
    frame = decode(service_data, key)
    assert frame is not None
    return frame


# ---------------------------------------------------------------- frames of real devices


@pytest.mark.parametrize("vector", VECTORS["frames"], ids=lambda vector: vector["from"])
def test_frames_of_real_devices(vector: dict[str, Any]) -> None:
    mac = bytes.fromhex(vector["mac"])
    key = None if vector["key"] is None else BindKey(mac, bytes.fromhex(vector["key"]))
    frame = read(bytes.fromhex(vector["service_data"]), key)
    assert [*frame.objects] == [(int(each["id"], 16), each["value"]) for each in vector["objects"]]
    assert frame.counter == vector["counter"]
    assert frame.packet_id == vector["packet_id"]
    assert frame.dropped == vector["dropped"]
    assert frame.undecoded == b""
    assert frame.mac in (None, mac)


def test_a_real_frame_under_another_key_is_refused() -> None:
    vector = VECTORS["wrong_key"]
    key = BindKey(bytes.fromhex(vector["mac"]), bytes.fromhex(vector["key"]))
    assert refusal(bytes.fromhex(vector["service_data"]), key) is Why.WRONG_KEY


def test_encryption_without_a_tag_is_refused() -> None:
    frame = bytes.fromhex(VECTORS["without_tag"]["service_data"])
    assert refusal(frame) is Why.VERSION
    assert refusal(frame, BIND_KEY) is Why.VERSION


@pytest.mark.parametrize(
    ("product", "type_", "value", "objects"),
    [
        (DOOR, OPENING, b"\0", [(0x11, True)]),
        (DOOR, OPENING, b"\1", [(0x11, False)]),
        (DOOR, OPENING, b"\2", [(0x11, True)]),  # Left open.
        (DOOR, 0x1018, b"\1", [(0x1E, True)]),
        (DOOR, BATTERY, b"\x60", [(0x01, 96)]),  # And no voltage that nobody measured.
        (MOTION, 0x000F, b"\0\1\0", [(0x21, True), (0x1E, True)]),
        (MOTION, 0x1018, b"\0", [(0x1E, False)]),
        (MOTION, IDLE, struct.pack("<I", 120), [(0x21, False)]),
        (LEAK, LEAKING, b"\1", [(0x20, True)]),
        (LEAK, LEAKING, b"\0", [(0x20, False)]),
        (LEAK, 0x1001, b"\0\0\0", [(0x3A, 1)]),
    ],
)
def test_objects_of_the_products_that_are_enrolled(
    product: int, type_: int, value: bytes, objects: list[tuple[int, Any]]
) -> None:
    frame = read(sealed(encode_object(type_, value), 700, product))
    assert [*frame.objects] == objects
    assert frame.counter == 700
    assert frame.dropped == (product == DOOR and value in (b"\1", b"\2") and type_ == OPENING)


def test_what_the_library_does_not_know_is_told_apart() -> None:
    unknown = encode_object(0x7777, b"\1\2")
    assert read(sealed(unknown)) == Decoded((), 1, 1, mac=MAC, undecoded=unknown)
    assert read(sealed(OPEN, product=0x0001)).undecoded == OPEN


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e30, -1e30])
@pytest.mark.parametrize("type_", [0x4C01, 0x4C08, 0x4805])
def test_a_number_that_no_sensor_measures_is_dropped(type_: int, value: float) -> None:
    """The gateway would take the packet for rubbish, and hang up on the driver after a few."""
    frame = read(sealed(encode_object(type_, struct.pack("<f", value)) + OPEN))
    assert [*frame.objects] == [(0x11, True)]
    assert frame.dropped == 1
    (measured,) = read(sealed(encode_object(type_, struct.pack("<f", 20.0)))).objects
    assert measured[1] == 20.0


def test_the_library_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """At the driver's own level, where it had a line for every frame that it does not know."""
    caplog.set_level(logging.INFO)
    for product, type_ in ((0xFFFF, 0x1019), (DOOR, 0x7777)):
        read(mibeacon.plain(product, 1, encode_object(type_, b"\0")), None)
    assert not caplog.records


# ---------------------------------------------------------------- what is refused or ignored


@pytest.mark.parametrize("size", range(5))
def test_a_frame_cut_short_is_malformed(size: int) -> None:
    assert refusal(sealed(OPEN)[:size], BIND_KEY) is Why.MALFORMED


def test_a_header_or_an_object_cut_short_is_malformed() -> None:
    assert refusal(sealed(OPEN)[:9], BIND_KEY) is Why.MALFORMED
    assert refusal(sealed(OPEN)[:16], BIND_KEY) is Why.MALFORMED
    assert refusal(sealed(OPEN + b"\x19\x10"), BIND_KEY) is Why.MALFORMED
    assert refusal(sealed(OPEN[:-1]), BIND_KEY) is Why.MALFORMED
    assert refusal(mibeacon.plain(DOOR, 1, OPEN[:-1])) is Why.MALFORMED


def test_plain_with_a_key_and_encrypted_without_are_refused() -> None:
    assert refusal(mibeacon.plain(DOOR, 1, OPEN), BIND_KEY) is Why.PLAINTEXT
    assert refusal(sealed(OPEN)) is Why.NO_KEY


def test_a_frame_without_objects_says_nothing_and_is_no_attack() -> None:
    assert decode(mibeacon.plain(DOOR, 1), BIND_KEY) is None
    assert decode(mibeacon.plain(DOOR, 1, mac=MAC)) is None


def test_a_frame_of_the_mesh_is_none_for_us() -> None:
    frame = bytearray(mibeacon.plain(DOOR, 1, OPEN))
    frame[0] |= 0x80
    assert decode(bytes(frame)) is None


@pytest.mark.parametrize("bit", range(len(sealed(OPEN)) * 8))
def test_one_changed_bit_says_nothing_that_is_believed(bit: int) -> None:
    frame = bytearray(sealed(OPEN))
    frame[bit // 8] ^= 1 << bit % 8
    with suppress(Refused):
        found = decode(bytes(frame), BIND_KEY)
        # The frame control is not under the tag. What says no more, or names another, is harmless.
        assert found is None or found.mac != MAC or found == read(sealed(OPEN))


def test_both_parts_of_the_counter_are_authenticated() -> None:
    frame = sealed(OPEN, 0x01020304)
    assert read(frame).counter == 0x01020304
    assert refusal(frame[:4] + b"\5" + frame[5:], BIND_KEY) is Why.WRONG_KEY
    assert refusal(frame[:-7] + b"\4" + frame[-6:], BIND_KEY) is Why.WRONG_KEY


def test_a_refused_frame_leaves_nothing_behind() -> None:
    read(sealed(OPEN, 1))
    spoilt = sealed(CLOSED, 2)
    assert refusal(spoilt[:-1] + bytes([spoilt[-1] ^ 1]), BIND_KEY) is Why.WRONG_KEY
    assert read(sealed(encode_object(BATTERY, b"\x50"), 3)).objects == ((0x01, 80),)


@given(st.binary(max_size=40), st.sampled_from((BIND_KEY, None)))
def test_any_bytes_give_a_frame_nothing_or_a_frame_error(
    service_data: bytes, key: BindKey | None
) -> None:
    with suppress(FrameError):
        decode(service_data, key)


@given(
    st.sampled_from(sorted(DEVICE_TYPES)),
    st.lists(
        st.builds(
            encode_object, st.sampled_from(sorted(xiaomi_dataobject_dict)), st.binary(max_size=20)
        ),
        min_size=1,
        max_size=3,
    ).map(b"".join),
)
def test_any_objects_of_any_product_give_a_frame_or_a_frame_error(
    product: int, objects: bytes
) -> None:
    # Some of the library's readers raise a KeyError at values that they do not know.
    with suppress(FrameError):
        decode(sealed(objects, 1, product), BIND_KEY)


def test_what_the_library_stumbles_over_is_refused() -> None:
    wall_switch = next(id_ for id_, product in DEVICE_TYPES.items() if product.model == "KS1")
    frame = sealed(encode_object(0x560D, b"\xff"), product=wall_switch)
    assert refusal(frame, BIND_KEY) is Why.MALFORMED


# ---------------------------------------------------------------- the library as the oracle


def oracle(service_data: bytes) -> tuple[bool, list[object]]:
    uuid = "0000fe95-0000-1000-8000-00805f9b34fb"
    info = BluetoothServiceInfo(
        name="",
        address=":".join(f"{byte:02X}" for byte in MAC),
        rssi=-60,
        manufacturer_data={},
        service_data={uuid: service_data},
        service_uuids=[uuid],
        source="",
    )
    parser = XiaomiBluetoothDeviceData(bindkey=KEY)
    update = parser.update(info)
    values: list[object] = [
        value.native_value
        for key, value in update.binary_entity_values.items()
        if key.key in ("opening", "motion", "light", "moisture", "smoke")
    ]
    values += [
        value.native_value
        for key, value in update.entity_values.items()
        if key.key in ("battery", "illuminance")
    ]
    return parser.bindkey_verified, values


@given(
    st.sampled_from((DOOR, MOTION, LEAK)),
    st.sampled_from((OPENING, LEAKING, BATTERY, 0x1018, 0x000F)),
    st.integers(0, 255),
    st.integers(0, 2**32 - 1),
)
def test_the_library_reads_the_same_out_of_the_encrypted_frame(
    product: int, type_: int, value: int, counter: int
) -> None:
    size = 3 if type_ == 0x000F else 1
    objects = encode_object(type_, value.to_bytes(size, "little"))
    frame = mibeacon.sealed(product, counter, objects, MAC, KEY, named=counter % 2 == 0)
    verified, values = oracle(frame)
    assert verified
    assert [value for _, value in read(frame).objects] == values
    assert read(frame).counter == counter


@given(
    st.integers(2, 5),
    st.sampled_from((0x00, 0x10)),
    st.one_of(st.none(), st.integers(0, 255)),
    st.integers(0, 255),
)
def test_the_library_finds_the_objects_at_the_same_place(
    version: int, named: int, capability: int | None, more: int
) -> None:
    control = version << 12 | 0x40 | named | (0 if capability is None else 0x20)
    header = control.to_bytes(2, "little") + DOOR.to_bytes(2, "little") + b"\7"
    header += MAC[::-1] if named else b""
    if capability is not None:
        header += bytes([capability, more]) if capability & 0x20 else bytes([capability])
    _, values = oracle(header + OPEN)
    assert values == [True]
    assert [value for _, value in read(header + OPEN, None).objects] == values
    assert refusal(header[:-1]) is Why.MALFORMED


# ---------------------------------------------------------------- in a home


class Door(Sensor):
    """A MCCGQ02HL."""

    def said(self, objects: bytes, counter: int) -> bytes:
        assert self.key is not None
        return mibeacon.sealed(DOOR, counter, objects, self.mac, self.key)

    def advert(
        self, service_data: bytes, at_us: int = 0, uuid16: int = UUID16, rssi_dbm: int = -60
    ) -> RawAdvert:
        return super().advert(service_data, at_us, uuid16, rssi_dbm)


@pytest.fixture
def door() -> Door:
    return Door("door", frozenset({P.CONTACT_OPEN, P.LEAK}), model="Xiaomi MCCGQ02HL")


@pytest.fixture
def ear(tmp_path: Path, door: Door) -> Ear:
    return Ear(tmp_path / "state", door)


def counts(ear: Ear) -> Any:  # noqa: ANN401 -- one line for its fields
    return ear.adapter.counts[DeviceId("door")]


def test_a_door_is_opened_and_closed(ear: Ear, door: Door) -> None:
    assert ear.hears(door, door.said(OPEN, 5)) == [(P.CONTACT_OPEN, True)]
    assert ear.hears(door, door.said(CLOSED, 6)) == [(P.CONTACT_OPEN, False)]
    # That it is not left open any more has no object in BTHome.
    assert counts(ear).unused_objects == 1


def test_what_was_recorded_is_not_believed_again(ear: Ear, door: Door, tmp_path: Path) -> None:
    recorded = [door.said(OPEN if n % 2 else CLOSED, n) for n in range(250, 300)]
    for n, frame in enumerate(recorded):
        assert ear.hears(door, frame, n * SECOND_US)
    for frame in recorded:
        assert ear.hears(door, frame, 100 * SECOND_US) == []
    assert counts(ear).refused[Why.REPLAY] == 33  # The rest is late, or there twice.
    ear.guard.close()
    again = Ear(tmp_path / "state", door)
    for frame in recorded:
        assert again.hears(door, frame) == []
    assert again.hears(door, door.said(OPEN, 300)) == [(P.CONTACT_OPEN, True)]


def test_a_counter_whose_lower_byte_begins_anew_goes_on(ear: Ear, door: Door) -> None:
    assert ear.hears(door, door.said(OPEN, 0x1FF))
    assert ear.hears(door, door.said(CLOSED, 0x200)) == [(P.CONTACT_OPEN, False)]
    assert ear.hears(door, door.said(OPEN, 0x0FF)) == []


def test_plain_objects_of_a_keyed_device_are_refused_and_told(ear: Ear, door: Door) -> None:
    leak = encode_object(LEAKING, b"\1")
    assert ear.faults(door, mibeacon.plain(LEAK, 9, leak)) == [Why.PLAINTEXT]
    assert ear.hears(door, mibeacon.plain(DOOR, 9, OPEN, door.mac)) == []
    assert counts(ear).refused == {Why.PLAINTEXT: 2}


def test_frames_without_objects_are_counted_and_prove_nothing(ear: Ear, door: Door) -> None:
    # Anybody can send them: told of the link's quality, a dead door would seem live.
    assert ear.all(door, mibeacon.plain(DOOR, 7, mac=door.mac)) == []
    assert (counts(ear).without_objects, counts(ear).refused) == (1, {})
    # They use up counters of the device.
    assert ear.hears(door, door.said(OPEN, 7)) == [(P.CONTACT_OPEN, True)]


def test_a_wrong_key_is_refused(ear: Ear, door: Door) -> None:
    frame = mibeacon.sealed(DOOR, 5, OPEN, door.mac, bytes(16))
    assert [ear.faults(door, frame) for _ in range(3)] == [[], [], [Why.WRONG_KEY]]


def test_a_frame_that_names_another_device_is_refused(ear: Ear, door: Door) -> None:
    assert door.key is not None
    frame = bytearray(door.said(OPEN, 5))
    frame[5] ^= 1
    assert ear.faults(door, bytes(frame)) == [Why.WRONG_MAC]


def test_the_same_frame_through_two_proxies_is_one(ear: Ear, door: Door) -> None:
    frame = door.said(OPEN, 5)
    heard = [
        RawAdvert(door.address, UUID16, frame, rssi, at, source=source)
        for at, (source, rssi) in enumerate([("hci0", -80), ("proxy-hall", -50), ("hci1", -70)])
    ]
    told = [m for advert in heard for m in ear.adapter.receive(advert, NOW)]
    assert [m.value for m in told if isinstance(m, Observed) and m.phenomenon in BOTH] == [True]
    assert counts(ear).duplicates == 2


BOTH = frozenset({P.CONTACT_OPEN, P.LEAK})


def test_a_device_without_a_key_counts_a_press_heard_twice_once(tmp_path: Path) -> None:
    flood = Door("flood", frozenset({P.BUTTON, P.LEAK}), key=None, model="Xiaomi SJWS01LM")
    ear = Ear(tmp_path / "state", flood)
    pressed = encode_object(0x1001, b"\0\0\0")
    assert len(ear.hears(flood, mibeacon.plain(LEAK, 1, pressed))) == 1
    assert ear.hears(flood, mibeacon.plain(LEAK, 1, pressed), SECOND_US) == []
    assert len(ear.hears(flood, mibeacon.plain(LEAK, 2, pressed), 2 * SECOND_US)) == 1


def test_a_hundred_thousand_random_frames_are_never_acted_upon(ear: Ear, door: Door) -> None:
    random = Random(11)
    head = mibeacon.sealed(DOOR, 1, OPEN, door.mac, KEY)
    for number in range(100_000):
        frame = random.randbytes(random.randrange(28))
        if number % 2:  # Half of them begin like a frame of this door.
            frame = head[: random.randrange(12)] + frame
        heard = ear.all(door, frame, number * 10_000)
        assert not any(isinstance(message, Observed) for message in heard)
    found = counts(ear)
    assert sum(found.refused.values()) + found.without_objects == found.heard == 100_000
    assert found.refused[Why.WRONG_KEY] > 1_000
    assert ear.hears(door, door.said(OPEN, 5)) == [(P.CONTACT_OPEN, True)]
