"""`site.toml`: which home this is, where its center is, and its rules over the preset's.

`check` holds all files of a home against each other, as `ongi check-config` and the daemon do.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TypeAlias, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from edge import packets
from edge.devices import known, mapping, shown, text
from edge.registry import Registry
from protocol.identity import GatewayIdentity, valid_gateway
from rules import evidence
from rules.device import ASKING, Device, Use
from rules.errors import ConfigError, Phrase, meant, phrase, unreadable
from rules.observation import Phenomenon
from rules.rulebook import Preset, Rulebook, preset, rulebook

SITE_FILE = "site.toml"
IDENTITY_FILE = Path("keys") / "uplink.toml"
CONTROL_SOCKET = Path("run") / "control.sock"
"The longest name of the home's two sockets."
COAP_PORT = 5683
_ZONE = "Asia/Seoul"
_NAME_MAX = 60
_HOST_MAX = 253
_RESIDENTS_MAX = 200
_PORT_MAX = 65_535
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
"Of a host name; the underscore is against RFC 952 and in use."
T = TypeVar("T")
_Lack: TypeAlias = tuple[Phrase, Phrase]
"What a home has none of, and what would be right."
_SERVING: Mapping[str, tuple[Use, ...]] = {
    "cooking": (Use.COOKING,),
    "heating": (Use.HEATING,),
    "heating_load": (Use.HEATING, Use.COOKING),
    "light": (Use.LIGHT,),
}
"Which uses give a key of [rules.left_on] something to say; the first is the one to add."
_TABLES = ("site", "center", "rules")
_SITE_KEYS = ("id", "name", "timezone", "preset", "residents")
_CENTER_KEYS = ("host", "port")
_MENDED: Mapping[str, object] = {
    "site": {},
    "center": {},
    "site.id": "mended",
    "site.name": "mended",
    "site.preset": Preset.LIVING_ALONE.value,
    "center.host": "127.0.0.1",
}
"What `problems` puts in place of a value that is needed, to look at what comes after it."


@dataclass(frozen=True, slots=True)
class Site:
    """One home."""

    id: str
    "As the center knows it; the same as in `keys/uplink.toml`."
    name: str
    zone: ZoneInfo
    preset: Preset
    residents: int
    center_host: str
    "An IP address or a host name."
    center_port: int
    book: Rulebook
    own: frozenset[str]
    "The tables and keys that stand under [rules], as `left_on` and `left_on.heating`."

    @classmethod
    def load(cls, home: Path) -> "Site":
        """Read `site.toml` in folder `home`.

        Raises:
            ConfigError: it is missing or wrong; the message says what would be right.

        """
        return cls.of(_tables(home))

    @classmethod
    def of(cls, tables: Mapping[str, object], where: str = SITE_FILE) -> "Site":
        """Check the tables of a `site.toml`; `where` is named in errors.

        Raises:
            ConfigError: the first thing that is wrong.

        """
        for name in tables:
            known(name, _TABLES, f"{where}: {name}")
        site = _table(tables, "site", _SITE_KEYS, where)
        center = _table(tables, "center", _CENTER_KEYS, where)
        base = preset(_needed(site, "preset", f"{where}: site"), f"{where}: site.preset")
        return cls(
            id=_id(_needed(site, "id", f"{where}: site"), f"{where}: site.id"),
            name=text(_needed(site, "name", f"{where}: site"), f"{where}: site.name", _NAME_MAX),
            zone=_zone(site.get("timezone", _ZONE), f"{where}: site.timezone"),
            preset=base,
            residents=_whole(site, "residents", 1, _RESIDENTS_MAX, f"{where}: site"),
            center_host=_host(
                _needed(center, "host", f"{where}: center"), f"{where}: center.host"
            ),
            center_port=_whole(center, "port", COAP_PORT, _PORT_MAX, f"{where}: center"),
            book=rulebook(base, tables.get("rules", {}), f"{where}: rules"),
            own=_own(tables.get("rules", {}), f"{where}: rules"),
        )


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
    identity = _tried(_identity, home / IDENTITY_FILE, errors)
    if site is not None and identity is not None and site.id != identity.gateway:
        errors.append(mismatch(site, identity))
    if site is not None and registry is not None:
        warnings += _shortcomings(site, registry)
    return Report(tuple(errors), tuple(warnings))


def problems(home: Path) -> list[ConfigError]:
    """All that is wrong with `site.toml`, as far as one fault does not hide the next."""
    try:
        tables = _tables(home)
    except ConfigError as error:
        return [error]
    found: dict[str, ConfigError] = {}
    while True:
        try:
            Site.of(tables)
        except ConfigError as error:
            if error.where in found:
                return list(found.values())  # The echo of what was mended.
            found[error.where] = error
            if not _mend(tables, error.where):
                return list(found.values())
        else:
            return list(found.values())


def mismatch(site: Site, identity: GatewayIdentity) -> ConfigError:
    """The error of a home with the keys of another."""
    return ConfigError(
        f"{IDENTITY_FILE}: gateway",
        repr(identity.gateway),
        phrase(
            "{file} says {name}: enrol this gateway under that name, or correct it",
            file=SITE_FILE,
            name=repr(site.id),
        ),
    )


def _tables(home: Path) -> dict[str, object]:
    path = home / SITE_FILE
    try:
        # Some editors begin a file with a mark of its encoding, which is no TOML.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        right = phrase("write one: see docs/technician.md")
        raise ConfigError(str(path), phrase("no such file"), right) from error
    except UnicodeDecodeError as error:
        found = phrase("bytes that are no UTF-8")
        raise ConfigError(str(path), found, phrase("save it as UTF-8")) from error
    except OSError as error:
        found = unreadable(error)
        raise ConfigError(str(path), found, phrase("a readable file")) from error
    except tomllib.TOMLDecodeError as error:
        found = phrase("no TOML ({error})", error=error)
        raise ConfigError(SITE_FILE, found, phrase("mend that line")) from error


def _identity(path: Path) -> GatewayIdentity:
    try:
        return GatewayIdentity.load(path)
    except ConfigError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        # As of site.toml: the system's own words for it are no phrase, and English everywhere.
        raise ConfigError(error.where, phrase("no such file"), error.right) from error


def _mend(tables: dict[str, object], where: str) -> bool:
    """Take out or put right what an error names; False where there is nothing to mend."""
    path = re.sub(r"\[\d+\]", "", where.partition(": ")[2]).strip("[]")
    *parents, key = path.split(".")
    table = tables
    for parent in parents:
        inner = table.get(parent)
        if not isinstance(inner, dict):
            return False
        table = inner
    if path in _MENDED:
        value = _MENDED[path]
        table[key] = dict(value) if isinstance(value, dict) else value
        return True
    return table.pop(key, None) is not None


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


def _open_keys(home: Path) -> list[ConfigError]:
    """Key files that others than their user may read."""
    found: list[ConfigError] = []
    for path in (home / IDENTITY_FILE, home / "keys" / "devices.json"):
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


def _table(
    tables: Mapping[str, object], name: str, keys: tuple[str, ...], where: str
) -> Mapping[str, object]:
    if name not in tables:
        right = phrase("the table with {names}", names=", ".join(keys))
        raise ConfigError(f"{where}: [{name}]", phrase("nothing"), right)
    table = mapping(tables[name], f"{where}: {name}")
    for key in table:
        known(key, keys, f"{where}: {name}.{key}")
    return table


def _own(tables: object, where: str) -> frozenset[str]:
    found: set[str] = set()
    for name, table in mapping(tables, where).items():
        found |= {name, *(f"{name}.{key}" for key in mapping(table, f"{where}.{name}"))}
    return frozenset(found)


def _needed(table: Mapping[str, object], key: str, where: str) -> object:
    if key not in table:
        raise ConfigError(f"{where}.{key}", phrase("nothing"), phrase("it is needed"))
    return table[key]


def _id(written: object, where: str) -> str:
    if isinstance(written, str) and valid_gateway(written):
        return written
    right = phrase(
        "write the name it was enrolled by: 1 to 40 lower-case letters, digits, dots and hyphens"
    )
    raise ConfigError(where, shown(written), right)


def _host(written: object, where: str) -> str:
    if isinstance(written, str) and len(written) <= _HOST_MAX:
        try:
            ip_address(written)
        except ValueError:
            labels = written.removesuffix(".").split(".")
            # All digits at the end: an IPv4 address with a slip in it, never a name.
            if all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit():
                return written
        else:
            return written
    raise ConfigError(where, shown(written), phrase("write an IP address or a host name"))


def _whole(table: Mapping[str, object], key: str, default: int, most: int, where: str) -> int:
    written = table.get(key, default)
    if type(written) is not int or not 1 <= written <= most:
        right = phrase("write a whole number from {low} to {high}", low=1, high=most)
        raise ConfigError(f"{where}.{key}", shown(written), right)
    return written


def _zone(written: object, where: str) -> ZoneInfo:
    right = phrase('write the name of a time zone, such as "{zone}"', zone=_ZONE)
    if not isinstance(written, str):
        raise ConfigError(where, shown(written), right)
    try:
        return ZoneInfo(written)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        right = meant(written, available_timezones(), right)
        raise ConfigError(where, shown(written), right) from error
