"""The arguments of every sentence, as the comments of `rules.sentence.Say` state them."""

import inspect
import re
from datetime import UTC, datetime, timedelta

from rules.observation import Phenomenon
from rules.sentence import Argument, Say

_MEMBER = re.compile(r'^    [A-Z_0-9]+ = "(?P<key>\w+)"(?:  # (?P<arguments>.+))?$', re.MULTILINE)
NOW = datetime(2026, 7, 4, 12, 40, tzinfo=UTC)
_TYPICAL: dict[str, Argument] = {
    "datetime": NOW - timedelta(hours=7, minutes=20),
    "timedelta": timedelta(hours=7, minutes=20),
    "int": 3,
    "float": 31.5,
}
_WORDS: dict[str, Argument] = {"room": "거실", "phenomenon": Phenomenon.MOTION}


def documented() -> dict[Say, dict[str, str]]:
    """Per sentence the names of its arguments and their types, `str` where none is stated."""
    members = _MEMBER.finditer(inspect.getsource(Say))
    return {Say(one["key"]): dict(_arguments(one["arguments"] or "")) for one in members}


def typical(say: Say) -> dict[str, Argument]:
    """Arguments of one sentence as a home would send them."""
    return {
        name: _TYPICAL.get(type_, _WORDS.get(name, f"{name}-1"))
        for name, type_ in documented()[say].items()
    }


def _arguments(written: str) -> list[tuple[str, str]]:
    pairs = [one.partition(":") for one in written.split(",") if one.strip()]
    return [(name.strip(), type_.strip() or "str") for name, _, type_ in pairs]
