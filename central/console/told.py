"""Moments and spans out of an explanation: numbers for a caller, and marks for the day's picture.

A gateway that is newer or older may send other arguments: what does not fit is left out here, and
stands in the sentences all the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from rules.sentence import Argument, Explanation, Say, Sentence
from texts import N_


class Look(StrEnum):
    """How something is drawn; the names are those of the style sheet."""

    LIFE = "life"
    WATCH = "watch"
    DOOR = "door"
    DUE = "due"
    PROMPT = "prompt"
    RAISED = "raised"
    OVER = "over"
    LONG = "long"
    "What lasts too long."
    USUAL = "usual"
    "What it is measured by."


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at one moment."""

    word: str
    "A text of the source; translated where it is shown."
    at: datetime
    look: Look
    room: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Something that lasted, or may last."""

    word: str
    length: timedelta
    begin: datetime | None
    "None for a limit, whose beginning nobody said."
    look: Look

    @property
    def end(self) -> datetime | None:
        """When it ended, or would have; None if nobody can say."""
        try:
            return None if self.begin is None else self.begin + self.length
        except OverflowError:
            return None


SILENT: Final = N_("Silent for")
USUAL: Final = N_("Usually at most")
LIMIT: Final = N_("Limit")
LAST_SIGN: Final = N_("Last sign of life")

_HAPPENED: Final = {
    Say.SILENT_SINCE: (LAST_SIGN, "since", Look.LIFE),
    Say.SILENT_FROM_START: (N_("Watched since"), "since", Look.WATCH),
    Say.LONE_SIGN: (N_("Sign before"), "since", Look.LIFE),
    Say.WENT_OUT: (N_("Probably out"), "at", Look.DOOR),
    Say.PROMPT_UNANSWERED: (N_("Asked, no answer"), "at", Look.PROMPT),
    Say.NO_MORNING: (N_("Usually up by"), "usual", Look.DUE),
    Say.NIGHT_DOOR: (N_("Door opened"), "at", Look.DOOR),
    Say.LEFT_ON: (N_("On since"), "since", Look.DOOR),
    Say.NO_LIFE_SINCE: (LAST_SIGN, "since", Look.LIFE),
    Say.NO_MEAL: (N_("Kitchen last used"), "since", Look.LIFE),
    Say.LIFE_AGAIN: (N_("Life again"), "at", Look.OVER),
    Say.MORNING_CAME: (N_("Up again"), "at", Look.OVER),
    Say.CAME_BACK: (N_("Back again"), "at", Look.OVER),
    Say.SWITCHED_OFF: (N_("Switched off"), "at", Look.OVER),
    Say.COOKED_AGAIN: (N_("Kitchen used again"), "at", Look.OVER),
}
"For each key: the word, the argument that holds the moment, and the look."

_LASTED: Final = {
    Say.SILENT_SINCE: ((SILENT, "since", "silence", Look.LONG),),
    Say.SILENT_FROM_START: ((SILENT, "since", "silence", Look.LONG),),
    Say.SILENCE_LIMIT: ((LIMIT, "", "limit", Look.USUAL),),
    Say.SILENCE_USUAL: ((USUAL, "since", "usual", Look.USUAL),),
    Say.NIGHT_DOOR: ((N_("Not back for"), "", "silence", Look.LONG),),
    Say.LEFT_ON: (
        (N_("On for"), "since", "", Look.LONG),
        (USUAL, "since", "usual", Look.USUAL),
        (LIMIT, "since", "limit", Look.USUAL),
    ),
    Say.NO_LIFE_SINCE: ((SILENT, "since", "silence", Look.LONG),),
    Say.NO_MEAL: (
        (N_("Kitchen unused for"), "since", "silence", Look.LONG),
        (USUAL, "since", "usual", Look.USUAL),
        (LIMIT, "since", "limit", Look.USUAL),
    ),
}
"""For each key: word, arguments that hold begin and length, look.

Without one for the length it lasts up to the alarm; without one for its begin, what is long began
so long before the alarm, and what is usual has none.
"""


def told(explanation: Explanation, at: datetime) -> tuple[Mark | Stretch, ...]:
    """All that is said of moments and spans, in the order of the sentences.

    Args:
        explanation: the sentences.
        at: when they were said.

    """
    items: list[Mark | Stretch] = []
    for one in explanation:
        for item in _told(one, at):
            # A home that was not watched all the time says two silences: the first is the longer.
            known = isinstance(item, Stretch) and any(
                isinstance(other, Stretch) and other.word == item.word for other in items
            )
            if item not in items and not known:
                items.append(item)
    return tuple(items)


def _told(sentence: Sentence, at: datetime) -> Iterator[Mark | Stretch]:
    given = dict(sentence.arguments)
    if sentence.say in _HAPPENED:
        word, name, look = _HAPPENED[sentence.say]
        moment = _moment(given.get(name))
        room = given.get("room")
        if moment is not None:
            yield Mark(word, moment, look, room if type(room) is str else "")
    for word, begins, lasts, look in _LASTED.get(sentence.say, ()):
        begin = _moment(given.get(begins))
        length = given.get(lasts)
        if not lasts and begin is not None:
            length = at - begin
        if not isinstance(length, timedelta) or length < timedelta():
            continue
        if not begins and look is Look.LONG:
            begin = _before(at, length)
        yield Stretch(word, length, begin, look)


def _before(at: datetime, length: timedelta) -> datetime | None:
    try:
        return at - length
    except OverflowError:
        return None


def _moment(value: Argument | None) -> datetime | None:
    return value if isinstance(value, datetime) else None
