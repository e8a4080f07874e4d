"""Devices that tests put into a registry."""

from datetime import timedelta

from rules.device import Device, Link, Output
from rules.observation import DeviceId, Phenomenon

KEY = bytes(range(16))
PLUG = Device(
    id=DeviceId("kitchen-plug"),
    link=Link.BLE,
    address="A4:C1:38:0B:1E:2F",
    model="Ongi plug node",
    room="부엌",
    phenomena=frozenset({Phenomenon.POWER_W, Phenomenon.RELAY_ON}),
    report_every=timedelta(minutes=10),
    outputs=frozenset({Output.LIGHT}),
    mains_powered=True,
    keyed=True,
)
DOOR = Device(
    id=DeviceId("front-door"),
    link=Link.ZIGBEE,
    address="00:12:4B:00:24:C1:9A:7E",
    model="SNZB-04P",
    room="현관",
    phenomena=frozenset({Phenomenon.CONTACT_OPEN}),
    report_every=timedelta(hours=2),
    outside_door=True,
)
