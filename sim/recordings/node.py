"""The one device that a recorded home never had: a node of ours that can ask its people."""

from collections.abc import Container
from datetime import timedelta

from rules.device import Device, EvidenceRole, Link, Output
from rules.observation import DeviceId, Phenomenon

_NAMES = (DeviceId("ongi-node"), DeviceId("ongi-prompt-node"), DeviceId("ongi-own-node"))


def asking_node(taken: Container[DeviceId], room: str) -> Device:
    """The node, in `room`, under a name that is not `taken`."""
    return Device(
        id=next(name for name in _NAMES if name not in taken),
        link=Link.BLE,
        address="",
        model="Ongi plug node",
        room=room,
        # Nothing is plugged into it: its load only shows that it is there.
        phenomena=frozenset({Phenomenon.BUTTON, Phenomenon.POWER_W}),
        evidence=EvidenceRole.NONE,
        report_every=timedelta(hours=2),
        outputs=frozenset({Output.LIGHT, Output.BUZZER}),
        mains_powered=True,
    )
