import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.ble import bthome
from drivers.ble.bthome import OBJECTS, Kind, LinkKey, decode
from drivers.ble.decoded import Decoded, ObjectValue
from drivers.refused import Refused, Why
from rules.errors import FrameError
from sim.air import bthome as sensor
from tests.drivers import oracle

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "bthome.json").read_text()
)
MAC = bytes.fromhex("5448E68F80A5")
KEY = bytes.fromhex("231D39C1D7CC1AB1AEE224CD096DB932")
PLAIN = b"\x40"


def refusal(service_data: bytes, key: LinkKey | None = None) -> Why:
    with pytest.raises(Refused) as refused:
        decode(service_data, key)
    return refused.value.why


# ---------------------------------------------------------------- the specification's examples


def expected(value: Any) -> ObjectValue:  # noqa: ANN401 -- JSON
    if isinstance(value, dict):
        return bytes.fromhex(value["bytes"])
    assert isinstance(value, bool | int | float | str)
    return value


@pytest.mark.parametrize("vector", VECTORS["objects"], ids=lambda vector: vector["hex"])
def test_every_example_of_the_specification(vector: dict[str, Any]) -> None:
    advert = decode(PLAIN + bytes.fromhex(vector["hex"]))
    assert advert.objects == ((int(vector["id"], 16), expected(vector["value"])),)
    assert type(advert.objects[0][1]) is type(expected(vector["value"])) or isinstance(
        vector["value"], int
    )
    assert not advert.undecoded


def test_the_specification_has_an_example_of_every_object_we_know() -> None:
    assert {int(vector["id"], 16) for vector in VECTORS["objects"]} | {0x00} == set(OBJECTS)


def test_the_whole_example_frame() -> None:
    vector = VECTORS["plain"]
    advert = decode(bytes.fromhex(vector["service_data"]))
    assert advert.objects == tuple((int(o["id"], 16), o["value"]) for o in vector["objects"])
    assert (advert.counter, advert.packet_id, advert.trigger) == (None, None, False)


def test_the_example_of_a_packet_id() -> None:
    advert = decode(PLAIN + bytes.fromhex(VECTORS["packet_id"]["hex"]))
    assert advert.packet_id == VECTORS["packet_id"]["value"]
    assert advert.objects == ()


def test_the_encrypted_example() -> None:
    vector = VECTORS["encrypted"]
    key = LinkKey(bytes.fromhex(vector["mac"]), bytes.fromhex(vector["key"]))
    advert = decode(bytes.fromhex(vector["service_data"]), key)
    assert advert.counter == vector["counter"]
    assert advert.objects == ((0x02, 25.06), (0x03, 50.55))


def test_the_encoder_makes_the_encrypted_example() -> None:
    vector = VECTORS["encrypted"]
    objects = sensor.encode([(0x03, 50.55), (0x02, 25.06)])
    assert objects == bytes.fromhex(vector["objects"])
    sealed = sensor.sealed(objects, MAC, bytes.fromhex(vector["key"]), vector["counter"])
    assert sealed == bytes.fromhex(vector["service_data"])


# ---------------------------------------------------------------- what is refused, what is not


@pytest.mark.parametrize("version", [0, 1, 3, 4, 7])
def test_only_version_2_is_spoken(version: int) -> None:
    assert refusal(bytes([version << 5]) + bytes.fromhex("02C409")) is Why.VERSION


def test_the_reason_for_version_1_is_clear() -> None:
    with pytest.raises(FrameError, match="BTHome version 1, only 2"):
        decode(b"\x20\x02\xc4\x09")


@pytest.mark.parametrize(
    "cut", ["", "42", "42A5808FE648", "4002C4", "4002", "4053", "4053054142", "405404", "403B0203"]
)
def test_a_frame_cut_short_is_malformed(cut: str) -> None:
    assert refusal(bytes.fromhex(cut)) is Why.MALFORMED


@pytest.mark.parametrize("size", range(1, 9))
def test_an_encrypted_frame_cut_short_is_malformed(size: int) -> None:
    assert refusal((b"\x41" + bytes(8))[:size], LinkKey(MAC, KEY)) is Why.MALFORMED


def test_what_stands_before_an_unknown_object_is_kept() -> None:
    advert = decode(PLAIN + bytes.fromhex("2901 66 0102 2001"))
    assert advert.objects == ((0x29, True),)
    assert advert.undecoded == bytes.fromhex("66 0102 2001")


def test_objects_out_of_order_are_decoded() -> None:
    advert = decode(PLAIN + bytes.fromhex("2901 02C409 0007"))
    assert advert.objects == ((0x29, True), (0x02, 25.0))
    assert advert.packet_id == 7


def test_a_flag_that_is_neither_0_nor_1_is_set() -> None:
    assert decode(PLAIN + b"\x29\xff").objects == ((0x29, True),)


def test_the_upper_bits_of_a_commands_length_say_nothing_of_it() -> None:
    advert = decode(PLAIN + bytes.fromhex("3BE10305 2901"))
    assert advert.objects == ((0x3B, bytes.fromhex("0305")), (0x29, True))


def test_bad_text_does_not_cost_the_smoke_beside_it() -> None:
    advert = decode(PLAIN + bytes.fromhex("5302FFFE 2901"))
    assert advert.objects[1] == (0x29, True)


def test_trigger_and_address_are_read() -> None:
    advert = decode(sensor.plain(b"\x3a\x01", trigger=True, mac=MAC))
    assert (advert.trigger, advert.mac) == (True, MAC)
    advert = decode(
        sensor.sealed(b"\x3a\x01", MAC, KEY, 5, trigger=True, include_mac=True), LinkKey(MAC, KEY)
    )
    assert (advert.trigger, advert.mac, advert.counter) == (True, MAC, 5)
    assert advert.objects == ((0x3A, 1),)


def test_plain_with_a_key_and_encrypted_without_are_refused() -> None:
    assert refusal(sensor.plain(b"\x29\x01"), LinkKey(MAC, KEY)) is Why.PLAINTEXT
    assert refusal(sensor.sealed(b"\x29\x01", MAC, KEY, 1)) is Why.NO_KEY


@pytest.mark.parametrize("place", range(1, 15))
def test_one_changed_bit_is_found(place: int) -> None:
    sealed = bytearray(sensor.sealed(bytes.fromhex("02CA0903BF13"), MAC, KEY, 1))
    sealed[place] ^= 0x10
    assert refusal(bytes(sealed), LinkKey(MAC, KEY)) is Why.WRONG_KEY


def test_the_header_is_authenticated_too() -> None:
    sealed = sensor.sealed(b"\x3a\x01", MAC, KEY, 1)
    assert refusal(b"\x45" + sealed[1:], LinkKey(MAC, KEY)) is Why.WRONG_KEY


def test_an_address_is_six_pairs_of_hex_digits() -> None:
    assert bthome.mac_of("54:48:E6:8F:80:A5") == MAC
    for wrong in ("", "54:48:E6:8F:80", "54:48:E6:8F:80:+5", "5448E68F80A5", "54:48:E6:8F:80:A5 "):
        assert bthome.mac_of(wrong) is None


# ---------------------------------------------------------------- any bytes


@given(st.binary(max_size=64))
def test_any_bytes_give_an_advert_or_a_frame_error(service_data: bytes) -> None:
    for key in (None, LinkKey(MAC, KEY)):
        with suppress(FrameError):
            assert isinstance(decode(service_data, key), Decoded)


@given(st.binary(max_size=48))
def test_any_objects_give_an_advert_or_a_frame_error(objects: bytes) -> None:
    """Behind a valid head, and behind a valid seal: a device with a broken firmware."""
    for service_data, key in (
        (PLAIN + objects, None),
        (sensor.sealed(objects, MAC, KEY, 7), LinkKey(MAC, KEY)),
    ):
        try:
            advert = decode(service_data, key)
        except FrameError:
            continue
        # Nothing is lost: what was decoded and what was not make up the whole.
        again = b"".join(sensor.encode_object(id_, value) for id_, value in advert.objects)
        assert len(again) <= len(objects)


# ---------------------------------------------------------------- bthome-ble says the same


def _raw(id_: int) -> st.SearchStrategy[bytes]:
    row = OBJECTS[id_]
    match row.kind:
        case Kind.TEXT:
            return st.text(min_size=1, max_size=12).map(
                lambda text: bytes([id_, len(text.encode())]) + text.encode()
            )
        case Kind.RAW:
            return st.binary(min_size=1, max_size=12).map(lambda raw: bytes([id_, len(raw)]) + raw)
        case Kind.COMMAND:
            return st.binary(min_size=1, max_size=9).map(
                lambda raw: bytes([id_, len(raw) - 1]) + raw
            )
        case _:
            return st.binary(min_size=row.size, max_size=row.size).map(
                lambda raw: bytes([id_]) + raw
            )


IDS = sorted(set(OBJECTS) - {0x00})
FRAMES = (
    # Of two objects with one meaning and another type the oracle keeps the last only.
    st.lists(st.sampled_from(IDS), min_size=1, max_size=8, unique_by=oracle.meaning_of)
    .map(sorted)
    .flatmap(lambda ids: st.tuples(st.just(ids), st.tuples(*map(_raw, ids)).map(b"".join)))
)


def _same(ids: list[int], advert: Decoded, theirs: list[Any]) -> None:
    assert [id_ for id_, _ in advert.objects] == ids
    for (id_, value), their in zip(advert.objects, theirs, strict=True):
        ours = oracle.in_its_words(id_, value)
        if isinstance(ours, float):
            # It rounds thirds of a degree to one place.
            places = 0.0501 if id_ == 0x58 else 0.0
            assert ours == pytest.approx(their, rel=1e-12, abs=places), f"object 0x{id_:02X}"
        else:
            assert ours == their, f"object 0x{id_:02X}"


@given(FRAMES)
def test_plain_frames_decode_as_the_oracle_decodes_them(frame: tuple[list[int], bytes]) -> None:
    ids, objects = frame
    _same(ids, decode(PLAIN + objects), oracle.decode(PLAIN + objects, ids))


@given(FRAMES, st.binary(min_size=16, max_size=16), st.integers(0, 2**32 - 1), st.booleans())
def test_encrypted_frames_decode_as_the_oracle_decodes_them(
    frame: tuple[list[int], bytes],
    key: bytes,
    counter: int,
    trigger: bool,  # noqa: FBT001 -- drawn
) -> None:
    ids, objects = frame
    sealed = sensor.sealed(objects, MAC, key, counter, trigger=trigger)
    advert = decode(sealed, LinkKey(MAC, key))
    assert (advert.counter, advert.trigger) == (counter, trigger)
    _same(ids, advert, oracle.decode(sealed, ids, key))


@pytest.mark.parametrize("id_", IDS)
def test_every_object_alone_as_the_oracle_has_it(id_: int) -> None:
    """Lowest, highest and middle raw values; among the two sign bits of every size."""
    row = OBJECTS[id_]
    if row.size == 0:
        return
    for number in (
        0,
        1,
        (1 << 8 * row.size - 1) - 1,
        1 << 8 * row.size - 1,
        (1 << 8 * row.size) - 1,
    ):
        frame = PLAIN + bytes([id_]) + number.to_bytes(row.size, "little")
        _same([id_], decode(frame), oracle.decode(frame, [id_]))


# ---------------------------------------------------------------- and the encoder


@given(FRAMES)
def test_the_encoder_gives_back_what_was_decoded(frame: tuple[list[int], bytes]) -> None:
    _, objects = frame
    advert = decode(PLAIN + objects)
    if any(OBJECTS[id_].kind is Kind.FLAG for id_, _ in advert.objects):
        return  # Any non-zero byte is a set flag.
    assert sensor.encode(advert.objects) == objects
