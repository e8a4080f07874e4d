"""The registry gives what was put in, and refuses what cannot be with a message that helps."""

import json
import stat
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.registry import Registry, Resident
from rules.alarm import AlarmKind
from rules.device import Device, EvidenceRole, Link, Output, Use
from rules.errors import ConfigError
from rules.observation import DeviceId, Phenomenon
from tests.edge.registries import DOOR, KEY, PLUG


def document(**changes: object) -> dict[str, object]:
    """A device as a technician writes it."""
    written: dict[str, object] = {
        "id": "front-door",
        "link": "zigbee",
        "address": "00:12:4B:00:24:C1:9A:7E",
        "model": "SNZB-04P",
        "room": "현관",
        "phenomena": ["contact_open"],
        "report_every": "2 h",
        "outside_door": True,
    }
    return written | changes


def switchbot(**changes: object) -> dict[str, object]:
    """A device whose adverts anybody can make up."""
    model = "switchbot contact sensor"
    return document(link="ble", address="CB:39:CD:C4:3D:46", model=model, **changes)


def write(home: Path, *devices: object, **tables: object) -> None:
    rows = {str(number): device for number, device in enumerate(devices, 1)}
    (home / "registry.json").write_text(json.dumps({"devices": rows, **tables}))


def write_keys(home: Path, keys: object) -> None:
    (home / "keys").mkdir()
    (home / "keys" / "devices.json").write_text(json.dumps(keys))


def refusal(home: Path) -> str:
    with pytest.raises(ConfigError) as refused:
        Registry.load(home)
    return str(refused.value)


def test_a_home_without_a_registry_has_no_devices(tmp_path: Path) -> None:
    registry = Registry.load(tmp_path)
    assert (registry.devices, registry.rooms, registry.residents) == ((), (), ())
    assert registry.findings == ()
    assert list(tmp_path.iterdir()) == []


def test_devices_are_there_after_a_restart(tmp_path: Path) -> None:
    registry = Registry.load(tmp_path)
    registry.add_device(PLUG, KEY)
    registry.add_device(DOOR, None)
    for found in (registry, Registry.load(tmp_path)):
        assert found.devices == (PLUG, DOOR)
        assert found.keys == {PLUG.id: KEY}
        assert found.rooms == ("부엌", "현관")
        assert [keyed.key for keyed in found.keyed()] == [KEY, None]
        assert found.findings == ()


def test_a_technician_can_read_it(tmp_path: Path) -> None:
    Registry.load(tmp_path).add_device(PLUG, KEY)
    text = (tmp_path / "registry.json").read_text()
    assert '"room": "부엌"' in text
    assert '"report_every": "10 min"' in text
    assert KEY.hex() not in text
    assert json.loads((tmp_path / "keys" / "devices.json").read_text()) == {
        "kitchen-plug": KEY.hex()
    }


def test_a_technician_can_write_it(tmp_path: Path) -> None:
    write(
        tmp_path,
        document(),
        rooms={"1": {"name": "현관"}, "2": {"name": "안방"}},
        residents={"1": {"name": "관제석1", "note": "귀가 어두우심"}, "2": {"name": "관제석2"}},
    )
    registry = Registry.load(tmp_path)
    assert registry.devices == (DOOR,)
    assert registry.rooms == ("현관", "안방")
    assert registry.residents == (
        Resident("관제석1", note="귀가 어두우심"),
        Resident("관제석2"),
    )
    registry.add_device(PLUG, KEY)
    assert Registry.load(tmp_path).residents == registry.residents


def test_what_a_plug_is_for_is_there_after_a_restart(tmp_path: Path) -> None:
    used = replace(PLUG, use=Use.COOKING)
    Registry.load(tmp_path).add_device(used, KEY)
    assert '"use": "cooking"' in (tmp_path / "registry.json").read_text()
    assert Registry.load(tmp_path).devices == (used,)


def test_a_device_without_a_use_is_written_as_before(tmp_path: Path) -> None:
    Registry.load(tmp_path).add_device(PLUG, KEY)
    assert "use" not in json.loads((tmp_path / "registry.json").read_text())["devices"]["1"]


def test_keys_are_nobody_elses(tmp_path: Path) -> None:
    Registry.load(tmp_path).add_device(PLUG, KEY)
    keys = tmp_path / "keys" / "devices.json"
    for path in (tmp_path / "keys", keys, keys.with_name("devices.json.good")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.name
    keys.chmod(0o644)
    Registry.load(tmp_path)
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600


def test_a_removed_device_takes_its_key_with_it(tmp_path: Path) -> None:
    registry = Registry.load(tmp_path)
    registry.add_device(PLUG, KEY)
    registry.add_device(DOOR, None)
    registry.remove_device(PLUG.id)
    for found in (registry, Registry.load(tmp_path)):
        assert found.devices == (DOOR,)
        assert found.keys == {}
    assert KEY.hex() not in (tmp_path / "keys" / "devices.json").read_text()
    assert KEY.hex() not in (tmp_path / "keys" / "devices.json.good").read_text()
    with pytest.raises(ConfigError) as refused:
        registry.remove_device(PLUG.id)
    assert str(refused.value) == (
        "registry.json: found no device 'kitchen-plug'; devices are: front-door"
    )


def test_a_key_left_over_from_a_crash_does_no_harm(tmp_path: Path) -> None:
    write(tmp_path, document())
    write_keys(tmp_path, {"kitchen-plug": KEY.hex()})
    registry = Registry.load(tmp_path)
    assert registry.keys == {}
    plain = Device(PLUG.id, Link.BLE, PLUG.address, "x", "부엌", PLUG.phenomena, PLUG.report_every)
    registry.add_device(plain, None)
    assert Registry.load(tmp_path).devices == (DOOR, plain)


KNOWN = (
    "known: id, link, address, model, room, phenomena, report_every, evidence, outputs,"
    " outside_door, mains_powered, use, keyed"
)
MESSAGES = {
    "unknown key": (
        document(colour="red"),
        f"registry.json: devices.1.colour: found an unknown key; {KNOWN}",
    ),
    "nearly a key": (
        document(rom="현관"),
        f"registry.json: devices.1.rom: found an unknown key; did you mean 'room'? {KNOWN}",
    ),
    "missing key": (
        {key: value for key, value in document().items() if key != "room"},
        "registry.json: devices.1.room: found nothing; write the device's room",
    ),
    "bad id": (
        document(id="Front Door"),
        (
            "registry.json: devices.1.id: found 'Front Door';"
            " write lower-case letters, digits and hyphens, at most 64: kitchen-plug"
        ),
    ),
    "bad EUI-64": (
        document(address="00:12:4b:00:24:c1:9a:7e"),
        (
            "registry.json: devices.1.address: found '00:12:4b:00:24:c1:9a:7e';"
            " write an EUI-64 in upper case, such as 00:12:4B:00:24:C1:9A:7E"
        ),
    ),
    "bad MAC": (
        document(link="ble"),
        (
            "registry.json: devices.1.address: found '00:12:4B:00:24:C1:9A:7E';"
            " write a MAC in upper case, such as A4:C1:38:0B:1E:2F"
        ),
    ),
    "a call for help that anybody can imitate": (
        switchbot(phenomena=["contact_open", "sos"]),
        (
            "registry.json: devices.1.phenomena: found 'sos';"
            " leave it out: anybody nearby can imitate a SwitchBot Contact Sensor"
        ),
    ),
    "a relay behind what anybody can imitate": (
        switchbot(outputs=["relay"]),
        (
            "registry.json: devices.1.outputs: found 'relay';"
            " leave it out: anybody nearby can imitate a SwitchBot Contact Sensor"
        ),
    ),
    "a key of what has none": (
        switchbot(keyed=True),
        (
            "registry.json: devices.1.keyed: found true;"
            " write false: a SwitchBot Contact Sensor encrypts nothing"
        ),
    ),
    "unknown link": (
        document(link="zigbe"),
        (
            "registry.json: devices.1.link: found 'zigbe';"
            " did you mean 'zigbee'? one of ble, zigbee, video, serial"
        ),
    ),
    "wrong unit": (
        document(report_every="10 minutes"),
        (
            "registry.json: devices.1.report_every: found the unit 'minutes'; write a span from"
            ' 1 s to 7 d, such as "8 h"; units are s, min, h and d'
        ),
    ),
    "no unit": (
        document(report_every=600),
        (
            "registry.json: devices.1.report_every: found 600; write a span from 1 s to 7 d,"
            ' such as "8 h"'
        ),
    ),
    "too long": (
        document(report_every="9 d"),
        (
            "registry.json: devices.1.report_every: found '9 d'; write a span from 1 s to 7 d,"
            ' such as "8 h"'
        ),
    ),
    "no phenomenon": (
        document(phenomena=[]),
        (
            "registry.json: devices.1.phenomena: found nothing in the list;"
            ' name what it reports, such as ["power_w"]'
        ),
    ),
    "no list": (
        document(phenomena="contact_open"),
        "registry.json: devices.1.phenomena: found 'contact_open'; write a list: [...]",
    ),
    "twice": (
        document(outputs=["siren", "siren"]),
        "registry.json: devices.1.outputs: found 'siren' twice; write it once",
    ),
    "unknown output": (
        document(outputs=["bell"]),
        (
            "registry.json: devices.1.outputs[0]: found 'bell';"
            " one of light, buzzer, voice, siren, relay"
        ),
    ),
    "no flag": (
        document(outside_door="yes"),
        "registry.json: devices.1.outside_door: found 'yes'; write true or false",
    ),
    "unknown use": (
        document(phenomena=["relay_on"], use="cook"),
        (
            "registry.json: devices.1.use: found 'cook';"
            " did you mean 'cooking'? one of cooking, heating, light"
        ),
    ),
    "use of what tells no load": (
        document(use="heating"),
        (
            "registry.json: devices.1.use: found 'heating';"
            " leave it out: only what reports power_w or relay_on can have a use"
        ),
    ),
    "empty room": (
        document(room=" "),
        "registry.json: devices.1.room: found ' '; write a text of 1 to 40 characters",
    ),
    "no object": (
        ["front-door"],
        "registry.json: devices.1: found ['front-door']; write an object: {...}",
    ),
    "key missing": (
        document(keyed=True),
        (
            "registry.json: devices.1.keyed: found true, but keys/devices.json has no key for"
            " 'front-door'; add its key, or write false"
        ),
    ),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_what_cannot_be_is_refused_with_what_would_be_right(case: str, tmp_path: Path) -> None:
    written, message = MESSAGES[case]
    write(tmp_path, written)
    assert refusal(tmp_path) == message


def test_two_devices_with_one_address_are_refused(tmp_path: Path) -> None:
    write(tmp_path, document(), document(id="back-door"))
    message = (
        "registry.json: devices.2.address: found '00:12:4B:00:24:C1:9A:7E', the address of"
        " 'front-door' too; remove the one that is not there"
    )
    assert refusal(tmp_path) == message


def test_two_devices_with_one_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path, document(), document(address="00:12:4B:00:24:C1:9A:7F"))
    assert refusal(tmp_path) == (
        "registry.json: devices.2.id: found 'front-door', which devices.1 has too;"
        " give each its own name"
    )


def test_an_added_device_is_checked_too(tmp_path: Path) -> None:
    registry = Registry.load(tmp_path)
    registry.add_device(DOOR, None)
    before = (tmp_path / "registry.json").read_bytes()
    same_address = Device(
        DeviceId("other"), Link.ZIGBEE, DOOR.address, "x", "방", DOOR.phenomena, DOOR.report_every
    )
    for device, key, message in (
        (same_address, None, "other.address: found '00:12:4B:00:24:C1:9A:7E', the address of"),
        (PLUG, None, "kitchen-plug.keyed: found true, but"),
        (PLUG, b"short", "devices.json: kitchen-plug: found 10 digits; write 32 hex digits"),
        (DOOR, None, "front-door.id: found 'front-door', which devices.front-door has too"),
    ):
        with pytest.raises(ConfigError, match=message):
            registry.add_device(device, key)
    assert registry.devices == (DOOR,)
    assert (tmp_path / "registry.json").read_bytes() == before


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"Door": KEY.hex()}, "found 'Door'; write lower-case letters"),
        ({"front-door": "00ff"}, "keys/devices.json: front-door: found 4 digits; write 32 hex"),
        ({"front-door": "zz" * 16}, "front-door: found characters that are no hex digits; write"),
        ({"front-door": 7}, "keys/devices.json: front-door: found no text; write 32 hex digits"),
        ({"front-door": KEY.hex()}, "devices.1.keyed: found false, but keys/devices.json has a"),
    ],
)
def test_wrong_keys_are_refused_and_not_repeated(
    keys: dict[str, object], message: str, tmp_path: Path
) -> None:
    write(tmp_path, document())
    write_keys(tmp_path, keys)
    told = refusal(tmp_path)
    assert message in told
    assert KEY.hex() not in told


@pytest.mark.parametrize(
    ("table", "content", "message"),
    [
        ("gadgets", {}, "registry.json: gadgets: found an unknown key; known: _default, devices"),
        ("devices", [], "registry.json: devices: found []; write an object: {...}"),
        ("rooms", {"1": {"name": 5}}, "rooms.1.name: found 5; write a text of 1 to 40 characters"),
        ("rooms", {"1": {"nam": "x"}}, "rooms.1.nam: found an unknown key; did you mean 'name'?"),
        ("residents", {"1": {}}, "residents.1.name: found None; write a text of 1 to 60"),
    ],
)
def test_other_tables_are_checked_too(
    table: str, content: object, message: str, tmp_path: Path
) -> None:
    (tmp_path / "registry.json").write_text(json.dumps({table: content}))
    assert message in refusal(tmp_path)


def test_a_file_that_is_no_json_is_refused_where_there_is_no_copy(tmp_path: Path) -> None:
    (tmp_path / "registry.json").write_text('{"devices": {')
    told = refusal(tmp_path)
    assert told.startswith("registry.json: found no JSON: ")
    assert "line 1 column 14" in told
    assert told.endswith("; correct it, or delete it and add the devices anew")


@pytest.mark.parametrize("broken", [b"", b'{"devices": {"1"', b"\xff\xfe\0", b"[]", None])
def test_a_broken_file_is_made_up_for_by_its_copy(tmp_path: Path, broken: bytes | None) -> None:
    Registry.load(tmp_path).add_device(PLUG, KEY)
    for name in ("registry.json", "keys/devices.json"):
        if broken is None:
            (tmp_path / name).unlink()
        else:
            (tmp_path / name).write_bytes(broken)
    registry = Registry.load(tmp_path)
    assert registry.devices == (PLUG,)
    assert registry.keys == {PLUG.id: KEY}
    assert [found.kind for found in registry.findings] == [AlarmKind.REGISTRY_RESTORED] * 2
    assert all(found.present for found in registry.findings)
    assert registry.findings[0].detail.startswith("registry.json: ")
    assert registry.findings[0].detail.endswith("; its copy is in use")
    registry.add_device(DOOR, None)
    again = Registry.load(tmp_path)
    assert again.devices == (PLUG, DOOR)
    assert len(again.findings) == 1, "the key file was not written anew"
    kept = tmp_path / "registry.json.broken"
    assert kept.read_bytes() == broken if broken is not None else not kept.exists()


def test_nothing_left_is_told_and_does_not_stop_the_start(tmp_path: Path) -> None:
    Registry.load(tmp_path).add_device(DOOR, None)
    for name in ("registry.json", "registry.json.good"):
        (tmp_path / name).write_bytes(b"\0" * 50)
    registry = Registry.load(tmp_path)
    assert registry.devices == ()
    assert [found.kind for found in registry.findings] == [AlarmKind.REGISTRY_RESTORED]


def addresses(link: Link) -> st.SearchStrategy[str]:
    pair = st.integers(0, 255).map("{:02X}".format)
    if link is Link.SERIAL:
        return st.from_regex(r"[!-~]{1,100}", fullmatch=True)
    length = 8 if link is Link.ZIGBEE else 6
    return st.lists(pair, min_size=length, max_size=length).map(":".join)


words = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)


@st.composite
def devices(draw: st.DrawFn) -> tuple[Device, bytes | None]:
    link = draw(st.sampled_from(Link))
    key = draw(st.none() | st.binary(min_size=16, max_size=16))
    return Device(
        id=DeviceId(draw(st.from_regex(r"[a-z0-9]{1,20}(-[a-z0-9]{1,20}){0,2}", fullmatch=True))),
        link=link,
        address=draw(addresses(link)),
        model=draw(words),
        room=draw(words),
        phenomena=draw(st.frozensets(st.sampled_from(Phenomenon), min_size=1)),
        report_every=timedelta(seconds=draw(st.integers(1, 7 * 86_400))),
        evidence=draw(st.sampled_from(EvidenceRole)),
        outputs=draw(st.frozensets(st.sampled_from(Output))),
        outside_door=draw(st.booleans()),
        mains_powered=draw(st.booleans()),
        keyed=key is not None,
    ), key


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        devices(),
        max_size=4,
        unique_by=(lambda pair: pair[0].id, lambda pair: pair[0].address),
    )
)
def test_any_devices_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, added: list[tuple[Device, bytes | None]]
) -> None:
    home = tmp_path_factory.mktemp("home")
    registry = Registry.load(home)
    for device, key in added:
        registry.add_device(device, key)
    found = Registry.load(home)
    assert found.devices == tuple(device for device, _ in added)
    assert found.keys == {device.id: key for device, key in added if key is not None}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.sampled_from(["devices", "rooms", "residents"]) | st.text(), json_values)
    | st.builds(
        lambda key, value: {"devices": {"1": document(**{key: value})}},
        st.sampled_from(list(document())),
        json_values,
    )
)
def test_any_json_is_a_registry_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: object
) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / "registry.json").write_text(json.dumps(content))
    with suppress(ConfigError):
        assert Registry.load(home).findings == ()


def test_a_row_without_a_number_is_refused_at_the_start(tmp_path: Path) -> None:
    rows = {"front-door": document()}
    (tmp_path / "registry.json").write_text(json.dumps({"devices": rows}))
    assert "devices.front-door" in refusal(tmp_path)
    assert "number" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["drill", "uplink"])
def test_a_name_that_the_gateway_uses_itself_is_refused(name: str, tmp_path: Path) -> None:
    # Else a call for help from it would be one more of an open drill.
    write(tmp_path, document(id=name))
    assert "another name" in refusal(tmp_path)


def test_what_was_edited_by_hand_meanwhile_is_kept(tmp_path: Path) -> None:
    running = Registry.load(tmp_path)
    Registry.load(tmp_path).add_device(PLUG, KEY)
    other = replace(PLUG, id=DeviceId("hall-plug"), address="A4:C1:38:0B:1E:30")
    running.add_device(other, KEY[::-1])
    for found in (running, Registry.load(tmp_path)):
        assert found.devices == (PLUG, other)
        assert found.keys == {PLUG.id: KEY, other.id: KEY[::-1]}


def test_nothing_is_written_over_a_slip_made_meanwhile(tmp_path: Path) -> None:
    running = Registry.load(tmp_path)
    running.add_device(DOOR, None)
    write(tmp_path, document(), document(id="back-door", address="00:12:4B:00:24:C1:9A:7F", x=1))
    edited = (tmp_path / "registry.json").read_bytes()
    with pytest.raises(ConfigError, match="unknown key"):
        running.add_device(PLUG, KEY)
    with pytest.raises(ConfigError, match="unknown key"):
        running.remove_device(DOOR.id)
    assert (tmp_path / "registry.json").read_bytes() == edited
    assert not (tmp_path / "keys").exists()
    assert running.devices == (DOOR,)


def test_a_device_that_was_entered_by_hand_meanwhile_is_not_entered_twice(tmp_path: Path) -> None:
    running = Registry.load(tmp_path)
    write(tmp_path, document())
    edited = (tmp_path / "registry.json").read_bytes()
    with pytest.raises(ConfigError, match="front-door"):
        running.add_device(DOOR, None)
    assert (tmp_path / "registry.json").read_bytes() == edited
