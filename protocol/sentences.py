"""An alarm's explanation in a few bytes: keys and argument names as numbers.

A sentence is an array `[key, [name, value], [name, value], ...]`. A key or name is its number
below or, when it is newer than this table, its text; moments, spans and phenomena are pairs too.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import isfinite

from protocol import cbor
from rules.codec import moment_at, moment_us
from rules.errors import FrameError
from rules.observation import Phenomenon
from rules.sentence import Argument, Explanation, Say, Sentence

SENTENCES_MAX = 8
ARGUMENTS_MAX = 8
TEXT_MAX = 200
"Characters."

# The position is the number on the wire: append, never reorder or remove.
_KEYS = (
    "silent_since",
    "silent_from_start",
    "silence_limit",
    "prompt_unanswered",
    "prompt_impossible",
    "gateway_was_down",
    "sos_pressed",
    "sos_cancelled",
    "life_again",
    "leak",
    "smoke",
    "gas",
    "co",
    "co_ppm",
    "heat",
    "cold",
    "hazard_over",
    "still_active",
    "device_stale",
    "device_dead",
    "device_never_heard",
    "device_back",
    "home_blind",
    "home_sees_again",
    "mains_outage",
    "mains_back",
    "battery_low",
    "tampered",
    "command_failed",
    "driver_lost",
    "frames_refused",
    "journal_restored",
    "disk_failing",
    "registry_restored",
    "time_untrusted",
    "fault_over",
    "gateway_silent",
    "gateway_back",
    "drill",
    "closed_by_center",
    "went_out",
    "home_blind_beside_pet",
    "silence_usual",
    "no_morning",
    "morning_came",
    "night_door",
    "came_back",
    "left_on",
    "left_on_power",
    "no_life_since",
    "switched_off",
    "no_meal",
    "cooked_again",
    "less_life",
    "later_mornings",
    "more_night_life",
    "less_cooking",
    "lone_sign",
    "home_blind_by_machines",
    "radio_gone",
    "radio_silent",
    "proxy_lost",
    "proxy_refused",
)
_NAMES = (
    "at",
    "since",
    "silence",
    "room",
    "phenomenon",
    "limit",
    "level",
    "levels",
    "down",
    "value",
    "last",
    "device",
    "every",
    "dead",
    "devices",
    "lost",
    "driver",
    "reason",
    "detail",
    "missed",
    "usual",
    "signs",
    "before",
    "weeks",
    "later",
    "radio",
)
_KEY_NUMBERS = {key: number for number, key in enumerate(_KEYS)}
_NAME_NUMBERS = {name: number for number, name in enumerate(_NAMES)}
_NAME = re.compile(r"[a-z_]{1,32}")

_MOMENT, _SPAN, _PHENOMENON = range(3)
_MICROSECOND = timedelta(microseconds=1)
_SPAN_MAX_US = timedelta(days=36_525) // _MICROSECOND


def plain(explanation: Explanation) -> list[list[object]]:
    """CBOR-able values of an explanation."""
    return [_plain_sentence(sentence) for sentence in explanation]


def parse(value: object) -> Explanation:
    """Read what `plain` gives.

    Raises:
        FrameError: anything else.

    """
    return tuple(_sentence(item) for item in cbor.items(value, SENTENCES_MAX))


def clip(explanation: Explanation, sentences: int, characters: int) -> Explanation:
    """The first sentences, their texts cut to so many characters, with an ellipsis."""
    return tuple(
        Sentence(
            sentence.say,
            tuple(
                (name, _cut(value, characters))
                for name, value in sentence.arguments[:ARGUMENTS_MAX]
            ),
        )
        for sentence in explanation[:sentences]
    )


def cut(text: str, characters: int) -> str:
    """`text` in at most so many characters, the last an ellipsis where it was longer."""
    return text if len(text) <= characters else text[: characters - 1] + "…"


def _cut(value: Argument, characters: int) -> Argument:
    if isinstance(value, str) and not isinstance(value, Phenomenon):
        return cut(value, characters)
    return value


def _plain_sentence(sentence: Sentence) -> list[object]:
    key = sentence.say.value
    row: list[object] = [_KEY_NUMBERS.get(key, key)]
    for name, value in sentence.arguments:
        row.append([_NAME_NUMBERS.get(name, name), _plain_value(value)])
    return row


def _plain_value(value: Argument) -> object:
    match value:
        case Phenomenon():
            return [_PHENOMENON, value.value]
        case datetime():
            return [_MOMENT, moment_us(value)]
        case timedelta():
            return [_SPAN, value // _MICROSECOND]
        case _:
            return value


def _sentence(value: object) -> Sentence:
    key, *rest = cbor.items(value, 1 + ARGUMENTS_MAX) or (None,)
    arguments = tuple(_argument(each) for each in rest)
    if len({name for name, _ in arguments}) < len(arguments):
        raise FrameError("a sentence with a name twice")
    say = _term(key, _KEYS, _KEY_NUMBERS)
    try:
        return Sentence(Say(say), arguments)
    except ValueError as error:
        raise FrameError(f"no sentence {say!r:.40}") from error


def _argument(value: object) -> tuple[str, Argument]:
    match cbor.items(value, 2):
        case [name, argument]:
            return _term(name, _NAMES, _NAME_NUMBERS), _value(argument)
    raise FrameError(f"{value!r:.40} where a name and its value belong")


def _term(value: object, table: Sequence[str], numbers: dict[str, int]) -> str:
    if type(value) is int and 0 <= value < len(table):
        return table[value]
    if isinstance(value, str) and value not in numbers and _NAME.fullmatch(value):
        return value
    raise FrameError(f"{value!r:.40} where a number of the table belongs")


def _value(value: object) -> Argument:
    match value:
        case str():
            return cbor.text(value, TEXT_MAX)
        case int() if type(value) is int:
            return cbor.integer(value, -cbor.INTEGER_MAX, cbor.INTEGER_MAX)
        case float() if isfinite(value):
            return value
        case [0, microseconds]:
            return moment_at(cbor.integer(microseconds, -cbor.MOMENT_MAX_US, cbor.MOMENT_MAX_US))
        case [1, microseconds]:
            span = cbor.integer(microseconds, -_SPAN_MAX_US, _SPAN_MAX_US)
            return timedelta(microseconds=span)
        case [2, str(phenomenon)]:
            try:
                return Phenomenon(phenomenon)
            except ValueError as error:
                raise FrameError(f"no phenomenon {phenomenon!r:.40}") from error
    raise FrameError(f"{value!r:.40} where a sentence's value belongs")
