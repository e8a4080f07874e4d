"""The unit files: known to systemd, and closed enough."""

import re
import shutil
import subprocess
from ipaddress import ip_network
from pathlib import Path

import pytest

UNITS = sorted((Path(__file__).parent.parent / "systemd").glob("*.service"))
EXPOSURE_MAX = 1.5
"design.md, budgets."


@pytest.mark.parametrize("unit", UNITS, ids=[unit.stem for unit in UNITS])
def test_a_unit_is_exposed_no_more_than_agreed(unit: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze here")
    command = [analyze, "security", "--offline=true", "--no-pager", str(unit)]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(rf"exposure level for {unit.name}: ([0-9.]+)", told)
    assert found is not None, told
    assert float(found[1]) <= EXPOSURE_MAX


def test_the_bluetooth_driver_has_no_right_over_the_radio_but_bluetoothds() -> None:
    """With NET_ADMIN its library takes the adverts from the kernel, past the path tested here."""
    unit = next(unit for unit in UNITS if unit.name == "ongi-driver-ble.service").read_text()
    assert re.search(r"^CapabilityBoundingSet=$", unit, re.MULTILINE)
    assert re.search(r"^AmbientCapabilities=$", unit, re.MULTILINE)
    assert re.search(r"^SupplementaryGroups=bluetooth$", unit, re.MULTILINE)


def test_the_bluetooth_driver_reaches_the_house_and_nothing_beyond() -> None:
    """Its proxies are ESPHome devices on the local network."""
    unit = next(unit for unit in UNITS if unit.name == "ongi-driver-ble.service").read_text()
    assert re.search(r"^IPAddressDeny=any$", unit, re.MULTILINE)
    assert re.search(r"^SocketBindDeny=any$", unit, re.MULTILINE)
    assert not re.search(r"^PrivateNetwork=yes$", unit, re.MULTILINE)
    allowed = re.search(r"^IPAddressAllow=localhost (.*)$", unit, re.MULTILINE)
    assert allowed is not None
    networks = [ip_network(written) for written in allowed[1].split()]
    assert all(network.is_private or network.is_link_local for network in networks)
