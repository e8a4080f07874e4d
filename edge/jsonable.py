"""Vocabulary as JSON for programs.

Moments are ISO 8601 in UTC, spans seconds, members of enumerations and keys of alarms their words.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum

from rules.alarm import AlarmKey

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def jsonable(value: object) -> Json:  # noqa: PLR0911 -- one case a kind of value
    """A frozen dataclass of ours and all in it, as `json.dumps` takes it."""
    match value:
        case AlarmKey():
            return str(value)
        case Enum():
            return str(value.value)
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes():
            return value.hex()
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {str(key): jsonable(each) for key, each in value.items()}
        case frozenset():
            return [jsonable(each) for each in sorted(value, key=str)]
        case list() | tuple():
            return [jsonable(each) for each in value]
    assert is_dataclass(value), f"no JSON of {type(value)}"
    return {field.name: jsonable(getattr(value, field.name)) for field in fields(value)}
