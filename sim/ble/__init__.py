"""Bluetooth without a radio: a bus, a BlueZ on it, an ether, and what is on the air around.

bleak's BlueZ backend and habluetooth run unmodified against it, in this process or another one,
when `DBUS_SYSTEM_BUS_ADDRESS` names its bus. See docs/decisions/0015-virtual-bluetooth.md.
"""
