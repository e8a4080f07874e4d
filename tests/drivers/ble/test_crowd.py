"""Who is about while a survey lasts: bounded, read without trust, and remembered by nobody."""

import asyncio
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest
from bleak.backends.scanner import AdvertisementData
from hypothesis import given
from hypothesis import strategies as st

from drivers.ble import mibeacon
from drivers.ble.bthome import UUID16
from drivers.ble.crowd import STRANGERS_MAX, TOLD_MAX, Crowd
from drivers.ble.formats import patterns
from drivers.ble.makers import Makers, printable
from drivers.ble.scanner import Spoken
from drivers.refused import Why
from rules.air import Said, Sighting
from rules.observation import Phenomenon, Press
from rules.wire import decode, encode
from tests.drivers.home import Ear, Sensor, door

P = Phenomenon
OPEN, BUTTON, POWER, TEMPERATURE = 0x11, 0x3A, 0x0B, 0x02
ALLTERCO, SWITCHBOT, APPLE = 0x0BA9, 0x0969, 0x004C
SPOKEN = Spoken(*patterns())


@pytest.fixture(scope="module")
def makers() -> Makers:
    made = Makers()
    asyncio.run(made.load())
    return made


def crowd(makers: Makers, *sensors: Sensor) -> Crowd:
    made = Crowd(makers)
    made.set_devices([sensor.keyed for sensor in sensors])
    return made


def hear(
    there: Crowd,
    address: str,
    service_data: dict[int, bytes] | None = None,
    companies: dict[int, bytes] | None = None,
    name: str | None = None,
    rssi: int = -60,
    source: str = "hci0",
) -> None:
    advert = AdvertisementData(
        local_name=name,
        manufacturer_data=companies or {},
        service_data={
            f"0000{uuid16:04x}-0000-1000-8000-00805f9b34fb": data
            for uuid16, data in (service_data or {}).items()
        },
        service_uuids=[],
        tx_power=None,
        rssi=rssi,
        platform_data=(),
    )
    there.hear(source, address, advert, SPOKEN.elements(advert), 7)


def stranger(number: int) -> str:
    return (0x7C << 40 | number).to_bytes(6, "big").hex(":").upper()


def only(there: Crowd) -> Sighting:
    (seen,) = there.sightings()
    assert decode(encode(seen)) == seen
    return seen


# ------------------------------------------------------------------------------------- of ours


def test_one_of_ours_is_read_with_its_key(makers: Makers) -> None:
    sensor = Sensor("plug", frozenset({P.POWER_W}))
    there = crowd(makers, sensor)
    hear(there, sensor.address, {UUID16: sensor.frame((POWER, 31.5))}, rssi=-71)
    seen = only(there)
    assert (seen.device, seen.rssi_dbm, seen.refused) == (sensor.name, -71, "")
    assert seen.said == (Said(P.POWER_W, 31.5),)
    assert there.sightings() == [], "nothing new"


def test_what_is_shown_counts_all_the_same_and_once(makers: Makers, tmp_path: Path) -> None:
    sensor = Sensor("sos", frozenset({P.SOS}))
    there, ear = crowd(makers, sensor), Ear(tmp_path / "state", sensor)
    pressed, later = sensor.frame((BUTTON, 1)), sensor.frame((BUTTON, 2))
    for frame in (later, pressed, later):
        hear(there, sensor.address, {UUID16: frame})
        assert only(there).said == (Said(P.SOS, True),)
    assert ear.hears(sensor, pressed, 1) == [(P.SOS, True)]
    assert ear.hears(sensor, pressed, 5_000_000) == [], "and once"


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (lambda: Sensor("door", frozenset(), key=None).frame((OPEN, True)), Why.PLAINTEXT),
        (lambda: Sensor("door", frozenset(), key=b"another sixteen!").frame(), Why.WRONG_KEY),
        (lambda: b"\x41\x00", Why.MALFORMED),
    ],
)
def test_why_one_of_ours_is_not_believed_is_said(makers: Makers, frame: object, why: Why) -> None:
    sensor = door()
    there = crowd(makers, sensor)
    hear(there, sensor.address, {UUID16: frame()})  # type: ignore[operator]
    seen = only(there)
    assert (seen.device, seen.refused, seen.said) == (sensor.name, why, ())


# --------------------------------------------------------------------------------- of strangers


def test_a_stranger_in_the_clear_is_read_and_its_button_calls_nobody(makers: Makers) -> None:
    there = crowd(makers)
    sensor = Sensor("new", frozenset(), key=None)
    frame = sensor.frame((TEMPERATURE, 21.5), (BUTTON, 4))
    hear(there, stranger(1), {UUID16: frame}, {ALLTERCO: b"\x01"}, name="SBBT-002C")
    seen = only(there)
    assert (seen.device, seen.name, seen.maker, seen.format) == (
        None,
        "SBBT-002C",
        "Shelly",
        "bthome",
    )
    assert set(seen.said) == {Said(P.TEMPERATURE_C, 21.5), Said(P.BUTTON, Press.LONG)}


@pytest.mark.parametrize(
    ("uuid16", "data", "why"),
    [
        (UUID16, door().frame((OPEN, True)), Why.NO_KEY),
        (0x181C, b"\x02\x00", Why.VERSION),
        (mibeacon.UUID16, bytes.fromhex("58585b05") + bytes(17), Why.NO_KEY),
    ],
)
def test_what_cannot_be_read_says_why(makers: Makers, uuid16: int, data: bytes, why: Why) -> None:
    there = crowd(makers)
    hear(there, stranger(1), {uuid16: data})
    assert only(there).refused == why


def test_the_library_for_xiaomi_is_not_loaded_for_a_strangers_sake(
    makers: Makers, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    monkeypatch.setattr(mibeacon, "decode", asked.append)
    there = crowd(makers)
    hear(there, stranger(1), {mibeacon.UUID16: bytes.fromhex("50505b0501") + bytes(9)})
    seen = only(there)
    assert (seen.format, seen.maker, seen.said, asked) == ("mibeacon", "Xiaomi", (), [])


@pytest.mark.parametrize(
    ("address", "companies", "maker"),
    [
        ("A4:C1:38:00:00:01", {}, "Telink Semiconductor (Taipei) Co. Ltd."),
        (stranger(1), {APPLE: b"\x10"}, "Apple, Inc."),
        (stranger(1), {SWITCHBOT: bytes(12)}, "SwitchBot"),
        ("7C:10:C9:FF:FF:FF", {0xABCD: b""}, "ASUSTek COMPUTER INC."),
        ("00:00:00:00:00:00", {}, "XEROX CORPORATION"),
        ("02:00:00:00:00:00", {}, ""),
    ],
)
def test_makers_are_known_by_what_is_sent_or_by_the_address(
    makers: Makers, address: str, companies: dict[int, bytes], maker: str
) -> None:
    there = crowd(makers)
    hear(there, address, companies=companies)
    assert only(there).maker == maker


def test_two_sources_are_told_apart(makers: Makers) -> None:
    there = crowd(makers)
    for source, rssi in (("hci0", -60), ("attic", -80), ("hci0", -62)):
        hear(there, stranger(1), rssi=rssi, source=source)
    told = {(one.source, one.rssi_dbm, one.heard) for one in there.sightings()}
    assert told == {("hci0", -62, 2), ("attic", -80, 1)}


@given(
    name=st.none() | st.text(max_size=60),
    service_data=st.dictionaries(
        st.sampled_from([*patterns()[0]]), st.binary(max_size=40), max_size=3
    ),
    companies=st.dictionaries(
        st.sampled_from([*patterns()[1], APPLE, 0xFFFF]), st.binary(max_size=40), max_size=3
    ),
    ours=st.booleans(),
)
def test_whatever_is_sent_there_is_a_sighting_that_can_be_told(
    makers: Makers,
    name: str | None,
    service_data: dict[int, bytes],
    companies: dict[int, bytes],
    ours: bool,  # noqa: FBT001 -- drawn
) -> None:
    sensor = door()
    there = crowd(makers, sensor)
    hear(there, sensor.address if ours else stranger(1), service_data, companies, name)
    only(there)


@given(st.text())
def test_names_do_not_steer_a_terminal(name: str) -> None:
    assert printable(name).isprintable()
    assert len(printable(name)) <= 40


# -------------------------------------------------------------------------------------- bounds


def flood(there: Crowd, numbers: Sequence[int]) -> None:
    for number in numbers:
        hear(there, stranger(number), {UUID16: b"\x40" + bytes(20)}, {APPLE: bytes(20)}, "n" * 200)


def test_of_five_thousand_strangers_the_last_are_kept(makers: Makers) -> None:
    sensor = door()
    there = crowd(makers, sensor)
    hear(there, sensor.address, {UUID16: sensor.frame((OPEN, True))})
    tracemalloc.start()
    sizes = []
    for _ in range(3):
        flood(there, range(5000))
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert sizes[0] < 1_000_000
    assert sizes[2] < sizes[0] + 20_000
    told = there.sightings()
    assert len(told) == TOLD_MAX
    assert told[0].device == sensor.name, "the home's own come first"
    told += there.sightings() + there.sightings()
    assert len({one.address for one in told}) == len(told) == STRANGERS_MAX + 1
    assert there.sightings() == []


def test_whoever_waits_is_told_before_who_was_told_already(makers: Makers) -> None:
    there = crowd(makers)
    everybody = range(2 * TOLD_MAX)
    flood(there, everybody)
    first = {one.address for one in there.sightings()}
    flood(there, everybody)
    second = {one.address for one in there.sightings()}
    assert len(first | second) == 2 * TOLD_MAX


def test_after_the_survey_nobody_is_known(makers: Makers) -> None:
    there = crowd(makers, door())
    flood(there, range(5))
    there.forget()
    assert there.sightings() == []
    flood(there, [3])
    assert only(there).heard == 1
