"""Of how long a silence an alarm of inactivity speaks."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from rules.events import Escalated
from rules.sentence import Say


def claimed(event: Escalated, limits: Sequence[timedelta]) -> timedelta:
    """By its gateway's clock: all of the silence if habits brought it forward, else its limit."""
    for each in event.explanation:
        if each.say is Say.SILENCE_USUAL:
            since = dict(each.arguments)["since"]
            assert isinstance(since, datetime)
            return event.at - since
    return limits[min(event.level, len(limits)) - 1]
