"""ESPHome proxies in the home's files: read strictly, their keys shown to nobody."""

import base64
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edge import packets
from edge.check import check
from edge.config import PROXY_NAME, ProxyPlace, Site, problems
from edge.driver_socket import DriverSocket
from edge.inbox import Inbox
from edge.proxies import keyed, removed
from protocol.identity import new_identity
from rules.air import Proxy, Settings
from rules.alarm import AlarmKey, AlarmKind
from rules.device import Link
from rules.errors import ConfigError
from rules.observation import DeviceId
from rules.wire import MAX_BYTES, Devices, decode, encode
from sim.clock import ManualClock
from tests.edge.peers import Driver, running

AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
SITE = """
[site]
id = "center-7"
name = "7 경로당"
preset = "living-alone-high-risk"

[center]
host = "192.0.2.7"
"""
PROXIES = """
[[ble.proxies]]
name = "hall"
host = "192.168.0.21"

[[ble.proxies]]
name = "kitchen-2"
host = "kitchen.lan"
port = 16053
"""
KEY = bytes(range(1, 33))
WRITTEN = base64.b64encode(KEY).decode()
HALL = ProxyPlace("hall", "192.168.0.21", 6053)
KITCHEN = ProxyPlace("kitchen-2", "kitchen.lan", 16053)


def home(folder: Path, proxies: str = PROXIES, keys: str | None = None) -> Path:
    (folder / "site.toml").write_text(SITE + proxies, encoding="utf-8")
    (folder / "keys").mkdir(mode=0o700, exist_ok=True)
    path = folder / "keys" / "proxies.toml"
    if keys is not None:
        path.touch(mode=0o600)
        path.write_text(keys, encoding="utf-8")
    return folder


def test_places_and_keys_stand_in_two_files(tmp_path: Path) -> None:
    home(tmp_path, keys=f'hall = "{WRITTEN}"\nkitchen-2 = "{WRITTEN}"\n')
    site = Site.load(tmp_path)
    assert site.proxies == (HALL, KITCHEN)
    assert keyed(tmp_path, site.proxies) == (
        Proxy("hall", "192.168.0.21", 6053, KEY),
        Proxy("kitchen-2", "kitchen.lan", 16053, KEY),
    )


def test_a_home_without_proxies_needs_no_keys(tmp_path: Path) -> None:
    assert keyed(tmp_path, Site.load(home(tmp_path, "")).proxies) == ()
    assert Site.load(home(tmp_path, "[ble]\n")).proxies == ()


@pytest.mark.parametrize(
    ("old", "new", "where", "right"),
    [
        ("proxies]]", "proxys]]", "site.toml: ble.proxys", "did you mean 'proxies'"),
        ('"hall"', '"Hall"', "site.toml: ble.proxies[0].name", "lower-case letters"),
        ('"hall"', '"hci0"', "site.toml: ble.proxies[0].name", "in ESPHome"),
        ('"hall"', '"kitchen-2"', "site.toml: ble.proxies[1].name", "its own name"),
        ('name = "hall"\n', "", "site.toml: ble.proxies[0].name", "needed"),
        ("192.168.0.21", "192.168.0.210.1", "site.toml: ble.proxies[0].host", "IP address"),
        ("16053", "0", "site.toml: ble.proxies[1].port", "1 to 65535"),
        ("port", "prot", "site.toml: ble.proxies[1].prot", "did you mean 'port'"),
        ("port = 16053", f'key = "{WRITTEN}"', "site.toml: ble.proxies[1].key", "known"),
        (PROXIES, '[ble]\nproxies = "hall"', "site.toml: ble.proxies", "[[ble.proxies]]"),
        (PROXIES, "[ble]\nproxies = [7]", "site.toml: ble.proxies[0]", "object"),
        (PROXIES, PROXIES * 17, "site.toml: ble.proxies", "at most 32 proxies"),
    ],
)
def test_what_is_wrong_is_named_with_what_would_be_right(
    tmp_path: Path, old: str, new: str, where: str, right: str
) -> None:
    assert old in PROXIES
    home(tmp_path, PROXIES.replace(old, new, 1))
    with pytest.raises(ConfigError) as refused:
        Site.load(tmp_path)
    assert refused.value.where == where
    assert right in refused.value.right
    assert WRITTEN not in str(refused.value)


def test_a_wrong_proxy_does_not_hide_what_else_is_wrong(tmp_path: Path) -> None:
    home(tmp_path, PROXIES.replace('"hall"', '"Hall"') + "[rules.inactvity]\n")
    assert [error.where for error in problems(tmp_path)] == [
        "site.toml: ble.proxies[0].name",
        "site.toml: rules.inactvity",
    ]


@pytest.mark.parametrize(
    ("keys", "where", "right"),
    [
        ("", "keys/proxies.toml: hall", "api: encryption:"),
        ('hall = ""', "keys/proxies.toml: hall", "api: encryption:"),
        ("hall = 7", "keys/proxies.toml: hall", "api: encryption:"),
        (f'hall = "{WRITTEN[:-4]}"', "keys/proxies.toml: hall", "api: encryption:"),
        (f'hall = "{WRITTEN}A"', "keys/proxies.toml: hall", "api: encryption:"),
        (f'hall = "{"A" * 43}="', "keys/proxies.toml: hall", "api: encryption:"),
        (f'hall = "{WRITTEN}"\nhal = "x"', "keys/proxies.toml: hal", "did you mean 'hall'"),
        (f'"{WRITTEN}" = "hall"', "keys/proxies.toml", "known: hall"),
        (f"hall = {WRITTEN}", "keys/proxies.toml", "mend that line"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_and_not_shown(
    tmp_path: Path, keys: str, where: str, right: str
) -> None:
    home(tmp_path, keys=keys)
    with pytest.raises(ConfigError) as refused:
        keyed(tmp_path, (HALL,))
    assert refused.value.where == where
    assert right in refused.value.right
    assert WRITTEN[:6] not in str(refused.value)


def test_a_missing_or_garbled_file_of_keys_is_said_so(tmp_path: Path) -> None:
    home(tmp_path)
    with pytest.raises(ConfigError, match="no such file"):
        keyed(tmp_path, (HALL,))
    (tmp_path / "keys" / "proxies.toml").write_bytes(b'hall = "\xb0\xb0"')
    with pytest.raises(ConfigError, match="UTF-8"):
        keyed(tmp_path, (HALL,))


def said_of(written: str) -> str:
    """What is said of a file of keys; empty: it is taken."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            keyed(home(Path(folder), keys=written), (HALL,))
        except ConfigError as error:
            return str(error)
    return ""


@given(
    st.sampled_from(['hall = "{}"', "hall = {}", "{} = 1", '"{}" = "hall"', "[{}]", "{}"]),
    st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=12),
)
def test_no_message_holds_a_key_wherever_it_stands(where: str, written: str) -> None:
    assume(not PROXY_NAME.fullmatch(written))
    assert written not in said_of(where.format(written))


def test_check_config_says_all_of_it(tmp_path: Path) -> None:
    home(tmp_path, keys='hall = "x"\n')
    new_identity("center-7", b"\x01", lambda n: bytes(range(n))).save(
        tmp_path / "keys" / "uplink.toml"
    )
    (error,) = check(tmp_path).errors
    assert error.where == "keys/proxies.toml: hall"
    home(tmp_path, keys=f'hall = "{WRITTEN}"\nkitchen-2 = "{WRITTEN}"\n')
    assert not check(tmp_path).errors
    assert not any("proxies" in one.where for one in check(tmp_path).warnings)
    (tmp_path / "keys" / "proxies.toml").chmod(0o640)
    assert "keys/proxies.toml" in {one.where for one in check(tmp_path).warnings}


async def test_the_bluetooth_driver_is_told_before_its_devices_and_no_other(
    tmp_path: Path,
) -> None:
    path = tmp_path / "driver.sock"
    settings = Settings((Proxy("hall", "192.168.0.21", 6053, KEY),))
    socket = DriverSocket(
        packets.listen(path, 0o660), Inbox(), ManualClock(AT), (), {Link.BLE: settings}
    )
    async with running(socket.run()):
        for link, told in ((Link.BLE, [settings, Devices(())]), (Link.ZIGBEE, [Devices(())])):
            peer = await Driver.of(path, link)
            assert [decode(await peer.receive()) for _ in told] == told
            peer.close()


def test_as_many_proxies_as_there_may_be_fit_into_a_packet() -> None:
    proxy = Proxy("n" * 31, "h" * 253, 65535, KEY)
    assert len(encode(Settings((proxy,) * 32))) < MAX_BYTES


def test_the_fault_of_a_proxy_that_is_no_more_ends() -> None:
    lost = AlarmKind.RADIO_LOST
    alarms = [
        AlarmKey(lost, DeviceId("driver:ble:hall")),
        AlarmKey(lost, DeviceId("driver:ble:attic")),
        AlarmKey(lost, DeviceId("driver:ble:hci0")),
        AlarmKey(lost, DeviceId("driver:zigbee:attic")),
        AlarmKey(AlarmKind.FRAMES_REFUSED, DeviceId("driver:ble:attic")),
        AlarmKey(lost),
    ]
    (ended,) = removed(alarms, (HALL, replace(KITCHEN, name="hci")), AT)
    assert (ended.kind, ended.scope, ended.present) == (lost, "driver:ble:attic", False)
