"""`site.toml`: which home this is, where its center and its proxies are, and its own rules."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from edge.devices import known, mapping, shown, text
from protocol.identity import GatewayIdentity, valid_gateway
from rules.errors import ConfigError, meant, phrase, unreadable
from rules.rulebook import Preset, Rulebook, preset, rulebook

SITE_FILE = "site.toml"
IDENTITY_FILE = Path("keys") / "uplink.toml"
CONTROL_SOCKET = Path("run") / "control.sock"
"The longest name of the home's two sockets."
COAP_PORT = 5683
_PROXY_PORT = 6053
"Of ESPHome's native API."
_ZONE = "Asia/Seoul"
_NAME_MAX = 60
_HOST_MAX = 253
_RESIDENTS_MAX = 200
_PORT_MAX = 65_535
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
"Of a host name; the underscore is against RFC 952 and in use."
PROXY_NAME = re.compile(r"(?!hci\d)[a-z0-9](?:[a-z0-9-]{0,29}[a-z0-9])?")
"As ESPHome lets a device be named; hci0 and so on are adapters of this machine."
_PROXIES_MAX = 32
_TABLES = ("site", "center", "ble", "rules")
_SITE_KEYS = ("id", "name", "timezone", "preset", "residents")
_CENTER_KEYS = ("host", "port")
_BLE_KEYS = ("proxies",)
_PROXY_KEYS = ("name", "host", "port")
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
class ProxyPlace:
    """Where an ESPHome Bluetooth proxy is; its key is kept apart, see `edge.proxies`."""

    name: str
    "As ESPHome knows it."
    host: str
    "An IP address or a host name."
    port: int


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
    proxies: tuple[ProxyPlace, ...]
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
            proxies=_proxies(tables.get("ble", {}), f"{where}: ble"),
            book=rulebook(base, tables.get("rules", {}), f"{where}: rules"),
            own=_own(tables.get("rules", {}), f"{where}: rules"),
        )


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
        raise ConfigError(str(path), unreadable(error), right) from error
    except UnicodeDecodeError as error:
        found = phrase("bytes that are no UTF-8")
        raise ConfigError(str(path), found, phrase("save it as UTF-8")) from error
    except OSError as error:
        found = unreadable(error)
        raise ConfigError(str(path), found, phrase("a readable file")) from error
    except tomllib.TOMLDecodeError as error:
        found = phrase("no TOML ({error})", error=error)
        raise ConfigError(SITE_FILE, found, phrase("mend that line")) from error


def _mend(tables: dict[str, object], where: str) -> bool:
    """Take out or put right what an error names; False where there is nothing to mend."""
    path = re.sub(r"\[\d+\]", "", where.partition(": ")[2]).strip("[]")
    *parents, key = path.split(".")
    table = tables
    for name in parents:
        inner = table.get(name)
        if not isinstance(inner, dict):
            # One of a list: what comes after it is looked at without the list.
            return table.pop(name, None) is not None
        table = inner
    if path in _MENDED:
        value = _MENDED[path]
        table[key] = dict(value) if isinstance(value, dict) else value
        return True
    return table.pop(key, None) is not None


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


def _proxies(written: object, where: str) -> tuple[ProxyPlace, ...]:
    table = mapping(written, where)
    for key in table:
        known(key, _BLE_KEYS, f"{where}.{key}")
    proxies = table.get("proxies", [])
    where = f"{where}.proxies"
    if not isinstance(proxies, list):
        right = phrase("write a table {table} for each proxy", table="[[ble.proxies]]")
        raise ConfigError(where, shown(proxies), right)
    if len(proxies) > _PROXIES_MAX:
        found = phrase("{count} proxies", count=len(proxies))
        raise ConfigError(where, found, phrase("at most {most} proxies", most=_PROXIES_MAX))
    places: dict[str, ProxyPlace] = {}
    for number, proxy in enumerate(proxies):
        place = _proxy(proxy, f"{where}[{number}]")
        if place.name in places:
            right = phrase("give each proxy its own name")
            raise ConfigError(f"{where}[{number}].name", shown(place.name), right)
        places[place.name] = place
    return tuple(places.values())


def _proxy(written: object, where: str) -> ProxyPlace:
    table = mapping(written, where)
    for key in table:
        known(key, _PROXY_KEYS, f"{where}.{key}")
    name = _needed(table, "name", where)
    if not isinstance(name, str) or not PROXY_NAME.fullmatch(name):
        right = phrase("write its name in ESPHome: 1 to 31 lower-case letters, digits and hyphens")
        raise ConfigError(f"{where}.name", shown(name), right)
    host = _host(_needed(table, "host", where), f"{where}.host")
    return ProxyPlace(name, host, _whole(table, "port", _PROXY_PORT, _PORT_MAX, where))


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
