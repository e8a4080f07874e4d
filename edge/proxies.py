"""The home's ESPHome proxies with their keys, which stand in `keys/proxies.toml`, one a line.

    hall = "the key of 32 bytes as ESPHome writes it, in base64"

A proxy without a key is refused: what it hears could be anybody's, and so could be what is sent
through it. No message holds anything of a key, not even of a wrong one.
"""

import binascii
import tomllib
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from edge.config import PROXY_NAME, SITE_FILE, ProxyPlace
from edge.devices import known
from rules.air import Proxy
from rules.alarm import AlarmKey, AlarmKind
from rules.device import Link
from rules.errors import ConfigError, phrase, unreadable
from rules.inputs import Technical
from rules.observation import DeviceId
from rules.sentence import Say, sentence

KEYS_FILE = Path("keys") / "proxies.toml"
_KEY_BYTES = 32
_RIGHT = phrase("write the key that stands under api: encryption: in its ESPHome file")


def keyed(home: Path, places: Sequence[ProxyPlace]) -> tuple[Proxy, ...]:
    """The proxies of `site.toml` with their keys; without proxies no file is read.

    Raises:
        ConfigError: the file is missing or wrong, or a key is.

    """
    if not places:
        return ()
    keys = _read(home)
    for name in keys:
        # What is no name may be a key: the two are easily confused.
        where = f"{KEYS_FILE}: {name}" if PROXY_NAME.fullmatch(name) else str(KEYS_FILE)
        known(name, [place.name for place in places], where)
    return tuple(
        Proxy(place.name, place.host, place.port, _key(keys, place.name)) for place in places
    )


def removed(
    alarms: Iterable[AlarmKey], places: Sequence[ProxyPlace], now: datetime
) -> Iterator[Technical]:
    """The end of faults of proxies that the home has no more: nobody else would tell of it.

    Args:
        alarms: those whose condition is there.
        places: the home's proxies.
        now: the moment.

    """
    part = f"driver:{Link.BLE}:"
    names = {place.name for place in places}
    for key in alarms:
        scope = key.scope or DeviceId("")
        name = scope.removeprefix(part)
        if key.kind is not AlarmKind.RADIO_LOST or name == scope or name in names:
            continue
        # An adapter's fault is ended by the driver, which tries all names there are.
        if PROXY_NAME.fullmatch(name):
            said = sentence(Say.FAULT_OVER, at=now)
            yield Technical(key.kind, scope, present=False, sentence=said)


def _read(home: Path) -> Mapping[str, object]:
    where = str(KEYS_FILE)
    try:
        return tomllib.loads((home / KEYS_FILE).read_text(encoding="utf-8-sig"))
    except OSError as error:
        right = phrase("write the key of each proxy of {file} into it", file=SITE_FILE)
        raise ConfigError(where, unreadable(error), right) from error
    except UnicodeDecodeError:
        # Not from it: it shows what it could not decode.
        found = phrase("bytes that are no UTF-8")
        raise ConfigError(where, found, phrase("save it as UTF-8")) from None
    except tomllib.TOMLDecodeError as error:
        found = phrase("no TOML ({error})", error=error)
        raise ConfigError(where, found, phrase("mend that line")) from None


def _key(keys: Mapping[str, object], name: str) -> bytes:
    where = f"{KEYS_FILE}: {name}"
    if name not in keys:
        raise ConfigError(where, phrase("nothing"), _RIGHT)
    written = keys[name]
    try:
        key = b64decode(written, validate=True) if isinstance(written, str) else b""
    except (binascii.Error, ValueError):
        key = b""
    # ESPHome takes a key of zeros for a device that has none yet.
    if len(key) != _KEY_BYTES or not any(key):
        found = phrase("no key of {count} bytes in base64", count=_KEY_BYTES)
        raise ConfigError(where, found, _RIGHT)
    return key
