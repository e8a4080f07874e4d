"""What a driver is told of the home's devices, and what it may tell of each."""

from collections.abc import Sequence
from dataclasses import replace

from rules.device import Device, Link
from rules.errors import ConfigError, phrase
from rules.observation import Phenomenon
from rules.wire import MAX_BYTES, Devices, KeyedDevice, encode

_OF_ANY = frozenset({Phenomenon.LINK_QUALITY, Phenomenon.BATTERY_PCT, Phenomenon.BATTERY_V})
"What every device may say of itself."


def may_say(device: Device, phenomenon: Phenomenon) -> bool:
    """Whether the registry lets this device say that: a plug must not raise a gas alarm."""
    if phenomenon is Phenomenon.BUTTON and Phenomenon.SOS in device.phenomena:
        return True  # The long press that takes a call back.
    return phenomenon in device.phenomena or phenomenon in _OF_ANY


def table(link: Link, devices: Sequence[KeyedDevice]) -> Devices:
    """All devices of a link, as its driver gets them.

    Raises:
        ConfigError: they do not fit into a packet.

    """
    # What a plug is for is nothing to a driver, and an older one would not know the word.
    told = Devices(
        tuple(
            replace(keyed, device=replace(keyed.device, use=None))
            for keyed in devices
            if keyed.device.link is link
        )
    )
    size = len(encode(told))
    if size > MAX_BYTES:
        raise ConfigError(
            "registry.json",
            phrase(
                "{count} {link} devices, {size} bytes as a table",
                count=len(told.devices),
                link=link,
                size=size,
            ),
            phrase(
                "one link's devices have {most} bytes at most: use fewer or shorter names",
                most=MAX_BYTES,
            ),
        )
    return told
