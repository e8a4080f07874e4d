"""What tests on a bus of their own need."""

import pytest

from sim.ble.bus import INSTALL, installed

NEEDS_DBUS = pytest.mark.skipif(not installed(), reason=f"no dbus-daemon: {INSTALL}")
