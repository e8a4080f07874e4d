"""`ongi check-config`: all files of a home, held against their rules and against each other.

The daemon holds them so, too, before it starts.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias, TypeVar

from edge import packets
from edge.config import CONTROL_SOCKET, IDENTITY_FILE, Site, mismatch, problems
from edge.proxies import KEYS_FILE, keyed
from edge.registry import Registry
from protocol.identity import GatewayIdentity
from rules import evidence
from rules.device import ASKING, Device, Use
from rules.errors import ConfigError, Phrase, phrase
from rules.observation import Phenomenon
from rules.rulebook import Preset

T = TypeVar("T")
_PROXIES_NEED = ("aioesphomeapi", "bleak_esphome")
"What the Bluetooth driver loads for them; it has its packages with the gateway's."
_Lack: TypeAlias = tuple[Phrase, Phrase]
"What a home has none of, and what would be right."
_SERVING: Mapping[str, tuple[Use, ...]] = {
    "cooking": (Use.COOKING,),
    "heating": (Use.HEATING,),
    "heating_load": (Use.HEATING, Use.COOKING),
    "light": (Use.LIGHT,),
}
"Which uses give a key of [rules.left_on] something to say; the first is the one to add."


@dataclass(frozen=True, slots=True)
class Report:
    """What `check` found."""

    errors: tuple[ConfigError, ...]
    "The daemon does not start with one of these."
    warnings: tuple[ConfigError, ...]
    "It starts, but the home is not watched as its preset promises."


def check(home: Path) -> Report:
    """Hold all files of a home against their rules and against each other."""
    errors: list[ConfigError] = []
    warnings = _open_keys(home)
    _tried(packets.check_name, home / CONTROL_SOCKET, errors)
    site = _tried(Site.load, home, errors)
    if site is None:
        errors[:] = problems(home)
    registry = _tried(Registry.load, home, errors)
    identity = _tried(GatewayIdentity.load, home / IDENTITY_FILE, errors)
    if site is not None:
        _tried(lambda folder: keyed(folder, site.proxies), home, errors)
        warnings += _unheard(site)
    if site is not None and identity is not None and site.id != identity.gateway:
        errors.append(mismatch(site, identity))
    if site is not None and registry is not None:
        warnings += _shortcomings(site, registry)
    return Report(tuple(errors), tuple(warnings))


def _shortcomings(site: Site, registry: Registry) -> list[ConfigError]:
    devices = registry.devices
    found: list[ConfigError] = [
        ConfigError(
            "registry.json", finding.detail, phrase("save the file anew, or it is lost next")
        )
        for finding in registry.findings
    ]

    lacks = (*_unseen(site, devices), *_unasked(site, devices), *_unused(site, devices))
    return found + [ConfigError("registry.json", what, right) for what, right in lacks]


def _unseen(site: Site, devices: Sequence[Device]) -> Iterator[_Lack]:
    """What rules wait for that no device can see."""
    book, pet = site.book, site.book.evidence.pet
    looks = book.inactivity.enabled or book.morning.enabled
    if looks and not any(evidence.watches(device, pet=pet) for device in devices):
        right = phrase("add a plug, door or motion sensor, or nobody is found")
        if pet:
            right = phrase(
                "add a plug or door sensor, or nobody is found: an animal lives there, and"
                " moves before motion sensors too"
            )
        yield phrase("no device that shows life"), right
    if book.wandering.enabled:
        if not any(
            device.outside_door and Phenomenon.CONTACT_OPEN in device.phenomena
            for device in devices
        ):
            yield (
                phrase("no outside door with contact_open"),
                phrase(
                    "add a door sensor with --outside-door, or nobody is told who goes out by"
                    " night: [rules.wandering] is on"
                ),
            )
        if not any(evidence.sees_people(device, pet=pet) for device in devices):
            right = phrase(
                "add a motion sensor, or nobody is told who goes out by night: [rules.wandering]"
                " is on"
            )
            if pet:
                right = phrase(
                    "add a motion sensor that overlooks the animal, with --evidence person, or"
                    " nobody is told who goes out by night: [rules.wandering] is on"
                )
            yield phrase("no sensor that sees people move"), right
    if site.preset is Preset.SEMI_BASEMENT and not any(
        Phenomenon.LEAK in device.phenomena for device in devices
    ):
        yield (
            phrase("no leak sensor"),
            phrase("add one: the preset semi-basement is for homes with one"),
        )


def _unasked(site: Site, devices: Sequence[Device]) -> Iterator[_Lack]:
    rule = site.book.inactivity
    if rule.enabled and rule.prompt and all(one.outputs.isdisjoint(ASKING) for one in devices):
        yield (
            phrase("nothing that can ask the resident"),
            phrase("add a plug node with light or buzzer: each prompt answered spares a call"),
        )


def _unused(site: Site, devices: Sequence[Device]) -> Iterator[_Lack]:
    """The rules of some use that the site writes itself, though no device has it."""
    uses = {device.use for device in devices if device.use is not None}
    if "eating" in site.own and site.book.eating.enabled and Use.COOKING not in uses:
        yield _lacking(Use.COOKING, "[rules.eating]")
    if "left_on" not in site.own or not site.book.left_on.enabled:
        return
    named = [serving for key, serving in _SERVING.items() if f"left_on.{key}" in site.own]
    for use in dict.fromkeys(serving[0] for serving in named if uses.isdisjoint(serving)):
        yield _lacking(use, "[rules.left_on]")
    if not named and not uses:
        yield (
            phrase("no device with a use, though {table} is set", table="[rules.left_on]"),
            phrase(
                'write "use" for the plugs of heaters, cookers and lamps: one of {names}',
                names=", ".join(use.value for use in Use),
            ),
        )


def _lacking(use: Use, table: str) -> _Lack:
    match use:
        case Use.COOKING:
            return (
                phrase("no device for cooking, though {table} is set", table=table),
                phrase('write "use": "cooking" for the plug of a rice cooker or a kettle'),
            )
        case Use.HEATING:
            return (
                phrase("no device for heating, though {table} is set", table=table),
                phrase('write "use": "heating" for the plug of a heater or an electric blanket'),
            )
        case Use.LIGHT:
            return (
                phrase("no device for lighting, though {table} is set", table=table),
                phrase('write "use": "light" for the plug of a lamp'),
            )


def _unheard(site: Site) -> list[ConfigError]:
    if site.proxies and any(find_spec(name) is None for name in _PROXIES_NEED):
        found = phrase("proxies, and no program for them")
        right = phrase("install {extra}, or nothing is heard by them", extra="ongi[proxies]")
        return [ConfigError("site.toml: ble.proxies", found, right)]
    return []


def _open_keys(home: Path) -> list[ConfigError]:
    """Key files that others than their user may read."""
    found: list[ConfigError] = []
    for path in (home / IDENTITY_FILE, home / "keys" / "devices.json", home / KEYS_FILE):
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if mode & 0o077:
            found.append(
                ConfigError(
                    f"keys/{path.name}",
                    phrase("a file of keys that other users may read"),
                    f"chmod 600 {path}",
                )
            )
    return found


def _tried(read: Callable[[Path], T], path: Path, errors: list[ConfigError]) -> T | None:
    try:
        return read(path)
    except ConfigError as error:
        errors.append(error)
        return None
