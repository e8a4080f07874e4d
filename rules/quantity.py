"""Quantities as people write them in TOML: a number and its unit in one string."""

import re
from datetime import timedelta

from rules.errors import ConfigError, Phrase, phrase

_SPAN = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_WRITTEN = re.compile(r"(-?\d+(?:\.\d+)?) ?([^\d\s.,]\S*)?")
"A unit never begins as a number goes on, or the end of a bare number were its unit."


def span(written: object, where: str, low: timedelta, high: timedelta) -> timedelta:
    """`"8 h"` as a span.

    Raises:
        ConfigError: no string of a number and s, min, h or d, or outside `low` to `high`.

    """
    right = phrase(
        'write a span from {low} to {high}, such as "8 h"',
        low=format_span(low),
        high=format_span(high),
    )
    number, unit = _split(written, where, right)
    if unit not in _SPAN:
        raise ConfigError(
            where,
            _found(written, unit),
            phrase("{right}; units are s, min, h and d", right=right),
        )
    try:
        length = number * _SPAN[unit]
    except OverflowError:
        raise ConfigError(where, repr(written), right) from None
    if not low <= length <= high:
        raise ConfigError(where, repr(written), right)
    return length


def measure(written: object, where: str, unit: str, low: float, high: float) -> float:
    """`"250 ppm"` as a number of `unit`.

    Raises:
        ConfigError: another unit or none, or outside `low` to `high`.

    """
    right = phrase(
        'write a value from {low} to {high} with its unit, such as "{high} {unit}"',
        low=f"{low:g}",
        high=f"{high:g}",
        unit=unit,
    )
    number, found = _split(written, where, right)
    if found != unit:
        raise ConfigError(
            where,
            _found(written, found),
            phrase("the unit here is {unit}; {right}", unit=unit, right=right),
        )
    if not low <= number <= high:
        raise ConfigError(where, repr(written), right)
    return number


def format_span(length: timedelta) -> str:
    """A span as `span` reads it, in its largest whole unit."""
    for unit in ("d", "h", "min"):
        if length and not length % _SPAN[unit]:
            return f"{length // _SPAN[unit]} {unit}"
    return f"{length.total_seconds():g} s"


def _split(written: object, where: str, right: Phrase) -> tuple[float, str]:
    if not isinstance(written, str):
        raise ConfigError(where, repr(written), right)
    matched = _WRITTEN.fullmatch(written.strip())
    if matched is None:
        raise ConfigError(where, repr(written), right)
    return float(matched[1]), matched[2] or ""


def _found(written: object, unit: str) -> Phrase:
    """What stands there in place of the right unit."""
    if unit:
        return phrase("the unit {unit}", unit=repr(unit))
    return phrase("{written} without a unit", written=repr(written))
