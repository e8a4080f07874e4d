"""A rulebook as plain tables: what `rules.rulebook.rulebook` reads back to an equal one."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta

from rules.quantity import format_span
from rules.rulebook import Rulebook

_UNITS: Mapping[str, str] = {
    "co_limit": "ppm",
    "high": "°C",
    "low": "°C",
    "battery_low": "%",
    "heating_load": "W",
}
"Of the settings that are measures."


def tables(book: Rulebook) -> dict[str, object]:
    """Every setting, by table and key."""
    return {
        part.name: {
            setting.name: _written(setting.name, getattr(getattr(book, part.name), setting.name))
            for setting in fields(getattr(book, part.name))
        }
        for part in fields(book)
    }


def _written(key: str, value: object) -> object:
    match value:
        case timedelta():
            return _span(value)
        case tuple():
            return [_written(key, each) for each in value]
        case float():
            return f"{_number(value)} {_UNITS[key]}"
        case _:
            return value


def _span(length: timedelta) -> str:
    short = format_span(length)
    # For people `format_span` rounds a span that has more than six digits of seconds.
    return f"{_number(length.total_seconds())} s" if short.endswith(" s") else short


def _number(value: float) -> str:
    short = f"{value:g}"
    return short if float(short) == value else f"{value:.6f}"
