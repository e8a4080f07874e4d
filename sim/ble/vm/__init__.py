"""The nightly rung: the driver's stack on a real kernel and bluetoothd, in a virtual machine.

Only adverts and peripherals are simulated; they reach the kernel through `/dev/vhci`, as from an
adapter. The same is looked at on the virtual BlueZ of `sim.ble`, and what differs is told.
`python -m sim.ble.vm` does it all.
"""
