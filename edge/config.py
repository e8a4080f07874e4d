"""`site.toml`: which home this is, where its center is, and its rules over the preset's.

`check` holds all files of a home against each other, as `ongi check-config` and the daemon do.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from edge.devices import known, mapping, shown, text
from edge.registry import Registry
from protocol.identity import GatewayIdentity
from rules import evidence
from rules.errors import ConfigError
from rules.observation import Phenomenon
from rules.rulebook import Preset, Rulebook, preset, rulebook

SITE_FILE = "site.toml"
IDENTITY_FILE = Path("keys") / "uplink.toml"
COAP_PORT = 5683
_ZONE = "Asia/Seoul"
_NAME_MAX = 60
_HOST_MAX = 253
_RESIDENTS_MAX = 200
_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{1,38}[A-Za-z0-9])")
_HOST = re.compile(r"[A-Za-z0-9._:%-]+")
T = TypeVar("T")
_TABLES = ("site", "center", "rules")
_SITE_KEYS = ("id", "name", "timezone", "preset", "residents")
_CENTER_KEYS = ("host", "port")


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
    center_port: int
    book: Rulebook

    @classmethod
    def load(cls, home: Path) -> "Site":
        """Read `site.toml` in folder `home`.

        Raises:
            ConfigError: it is missing or wrong; the message says what would be right.

        """
        path = home / SITE_FILE
        try:
            written = path.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise ConfigError(
                str(path), "no such file", "write one: see docs/installer.md"
            ) from error
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(str(path), f"{error}", "a readable file in UTF-8") from error
        return cls.parse(written, SITE_FILE)

    @classmethod
    def parse(cls, written: str, where: str = SITE_FILE) -> "Site":
        """Check the text of a `site.toml`; `where` is named in errors.

        Raises:
            ConfigError: as `load`.

        """
        try:
            tables = tomllib.loads(written)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(where, f"no TOML ({error})", "mend that line") from error
        for name in tables:
            known(name, _TABLES, where)
        site = _table(tables, "site", _SITE_KEYS, where)
        center = _table(tables, "center", _CENTER_KEYS, where)
        base = preset(_needed(site, "preset", f"{where}: site"), f"{where}: site.preset")
        return cls(
            id=_matching(site, "id", _ID, "3 to 40 letters, digits and hyphens", f"{where}: site"),
            name=text(_needed(site, "name", f"{where}: site"), f"{where}: site.name", _NAME_MAX),
            zone=_zone(site.get("timezone", _ZONE), f"{where}: site.timezone"),
            preset=base,
            residents=_whole(site, "residents", 1, _RESIDENTS_MAX, f"{where}: site"),
            center_host=_matching(
                center, "host", _HOST, "an IP address or a host name", f"{where}: center"
            ),
            center_port=_whole(center, "port", COAP_PORT, 65_535, f"{where}: center"),
            book=rulebook(base, tables.get("rules", {}), f"{where}: rules"),
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
    site = _tried(Site.load, home, errors)
    registry = _tried(Registry.load, home, errors)
    identity = _tried(GatewayIdentity.load, home / IDENTITY_FILE, errors)
    if site is not None and identity is not None and site.id != identity.gateway:
        errors.append(mismatch(site, identity))
    warnings = () if site is None or registry is None else _shortcomings(site, registry)
    return Report(tuple(errors), warnings)


def mismatch(site: Site, identity: GatewayIdentity) -> ConfigError:
    """The error of a home with the keys of another."""
    return ConfigError(
        f"{IDENTITY_FILE}: gateway",
        repr(identity.gateway),
        f"{SITE_FILE} says {site.id!r}: enrol this gateway under that name, or correct it",
    )


def _shortcomings(site: Site, registry: Registry) -> tuple[ConfigError, ...]:
    devices = registry.devices
    found: list[ConfigError] = []

    def miss(what: str, right: str) -> None:
        found.append(ConfigError("registry.json", what, right))

    if site.book.inactivity.enabled:
        if not any(evidence.watches(device) for device in devices):
            miss(
                "no device that shows life",
                "add a plug, door or motion sensor, or nobody is found",
            )
        if site.book.inactivity.prompt and not any(device.outputs for device in devices):
            miss("nothing that can ask the resident", "add a plug node with light or buzzer")
    if site.preset is Preset.SEMI_BASEMENT and not any(
        Phenomenon.LEAK in device.phenomena for device in devices
    ):
        miss("no leak sensor", "the preset semi-basement is for homes with one")
    return tuple(found)


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
        raise ConfigError(f"{where}: [{name}]", "nothing", f"the table with {', '.join(keys)}")
    table = mapping(tables[name], f"{where}: {name}")
    for key in table:
        known(key, keys, f"{where}: {name}")
    return table


def _needed(table: Mapping[str, object], key: str, where: str) -> object:
    if key not in table:
        raise ConfigError(f"{where}.{key}", "nothing", "it is needed")
    return table[key]


def _matching(
    table: Mapping[str, object], key: str, form: re.Pattern[str], right: str, where: str
) -> str:
    written = _needed(table, key, where)
    if not isinstance(written, str) or len(written) > _HOST_MAX or form.fullmatch(written) is None:
        raise ConfigError(f"{where}.{key}", shown(written), f"write {right}")
    return written


def _whole(table: Mapping[str, object], key: str, default: int, most: int, where: str) -> int:
    written = table.get(key, default)
    if type(written) is not int or not 1 <= written <= most:
        raise ConfigError(
            f"{where}.{key}", shown(written), f"write a whole number from 1 to {most}"
        )
    return written


def _zone(written: object, where: str) -> ZoneInfo:
    right = f'write the name of a time zone, such as "{_ZONE}"'
    if not isinstance(written, str):
        raise ConfigError(where, shown(written), right)
    try:
        return ZoneInfo(written)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(where, shown(written), right) from error
