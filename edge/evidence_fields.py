"""The fields of one line of evidence, each read strictly."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TypeVar

from edge.devices import device_id
from rules.alarm import AlarmKey
from rules.device import Link
from rules.errors import ConfigError, FrameError
from rules.observation import DeviceId

_YEARS = range(2000, 2200)
"Of a moment that some clock had; the edges of the calendar cannot be reckoned with."
_SECONDS_MAX = 1e10
_COUNT_MAX = 1 << 62
_TEXT_MAX = 200
_DRIVER = re.compile(r"driver:([a-z]+)(?::([a-z0-9-]{1,31}))?")
"A driver, or a radio of it: an adapter or a proxy."
_ADAPTER = re.compile(r"hci\d+")
_OWN = frozenset({"drill", "uplink"})
"With the drivers: what a gateway's own alarms are about; no device can be called so."
Kind = TypeVar("Kind", bound=Enum)


class Fields:
    """What stands in one document; every key has to be asked for.

    All methods raise `FrameError`, which names the key, where there is nothing or nonsense.
    """

    def __init__(self, document: Mapping[str, object]) -> None:
        self._document = document
        self._asked: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._document

    def needed(self, key: str) -> object:
        """Whatever stands there."""
        self._asked.add(key)
        if key not in self._document:
            raise FrameError(f"{key}: nothing")
        return self._document[key]

    def nothing_else(self) -> None:
        """No key is left that nobody asked for."""
        for key in self._document:
            if key not in self._asked:
                raise FrameError(f"{key!r:.40}: an unknown key")

    def word(self, key: str, default: str | None = None) -> str:
        if default is not None and key not in self:
            return default
        value = self.needed(key)
        if isinstance(value, str) and value.isprintable() and len(value) <= _TEXT_MAX:
            return value
        raise _wrong(key, value, "a text on one line")

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        if default is not None and key not in self:
            return default
        value = self.needed(key)
        if isinstance(value, bool):
            return value
        raise _wrong(key, value, "true or false")

    def count(self, key: str) -> int:
        value = self.needed(key)
        if type(value) is int and 0 <= value <= _COUNT_MAX:
            return value
        raise _wrong(key, value, "a whole number")

    def number(self, key: str) -> float:
        value = self.needed(key)
        # Compared before it is converted: an integer of JSON may be larger than any float.
        if type(value) in (int, float) and -_SECONDS_MAX <= value <= _SECONDS_MAX:  # type: ignore[operator]  # both are numbers
            return float(value)  # type: ignore[arg-type]  # as above
        raise _wrong(key, value, "a number")

    def span(self, key: str, *, back: bool = False) -> timedelta:
        """Seconds; with `back` they may be negative."""
        seconds = self.number(key)
        if seconds < 0 and not back:
            raise _wrong(key, seconds, "a span")
        return timedelta(seconds=seconds)

    def moment(self, key: str) -> datetime:
        """Written with its offset from UTC."""
        value = self.needed(key)
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None or moment.year not in _YEARS:
            raise _wrong(key, value, "a moment such as 2026-01-05T07:30:00.000Z")
        return moment.astimezone(UTC)

    def one(self, kind: type[Kind], key: str) -> Kind:
        """A word of a vocabulary."""
        value = self.needed(key)
        try:
            return kind(value)
        except ValueError:
            raise _wrong(key, value, f"one of {', '.join(word.value for word in kind)}") from None

    def device(self, key: str) -> DeviceId:
        return _device(key, self.needed(key))

    def alarm(self, key: str) -> AlarmKey:
        value = self.needed(key)
        try:
            alarm = AlarmKey.read(value if isinstance(value, str) else "")
        except ValueError:
            raise _wrong(key, value, "an alarm: its kind, or kind:device") from None
        if alarm.scope is not None and not (own_scope(alarm.scope) or proxy_of(alarm.scope)):
            _device(key, alarm.scope)
        return alarm


def one_line(text: str) -> str:
    """What somebody typed, as `Fields.text` reads it."""
    return "".join(each if each.isprintable() else " " for each in text[:_TEXT_MAX])


def own_scope(scope: str) -> bool:
    """Whether an alarm's scope is a part of every gateway, and no name that somebody gave."""
    found = _DRIVER.fullmatch(scope)
    if found is None or found[1] not in set(Link):
        return scope in _OWN
    return found[2] is None or _ADAPTER.fullmatch(found[2]) is not None


def proxy_of(scope: str) -> str:
    """The driver whose proxy an alarm's scope is, as `driver:ble`; empty: it is none."""
    found = _DRIVER.fullmatch(scope)
    if found is None or found[1] not in set(Link) or own_scope(scope):
        return ""
    return scope.rpartition(":")[0]


def _device(key: str, value: object) -> DeviceId:
    try:
        return device_id(value, key)
    except ConfigError as error:
        raise _wrong(key, value, "a device's name") from error


def _wrong(key: str, value: object, right: str) -> FrameError:
    return FrameError(f"{key}: {value!r:.60}, where {right} belongs")
