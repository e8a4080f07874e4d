"""Of how long a silence an alarm of inactivity speaks."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from rules.events import Escalated
from rules.sentence import Say

_SINCE: Final = {Say.SILENCE_USUAL: "since", Say.LONE_SIGN: "at"}
"Sentences of what was learnt, and the argument from when on it counts."


def claimed(event: Escalated, limits: Sequence[timedelta]) -> timedelta:
    """By its gateway's clock: all of the silence if habits brought it forward, else its limit."""
    for each in event.explanation:
        if each.say in _SINCE:
            since = dict(each.arguments)[_SINCE[each.say]]
            assert isinstance(since, datetime)
            return event.at - since
    return limits[min(event.level, len(limits)) - 1]
