"""What the console asks of a clock, and moments as a page writes them."""

from datetime import datetime, tzinfo
from typing import Protocol

from rules.codec import moment_us


class Clock(Protocol):
    """Tells the time; sessions, cases and the login's patience go by it."""

    def now(self) -> datetime:
        """Now, aware, UTC."""
        ...

    def rate(self) -> float:
        """Seconds of this clock per real second."""
        ...


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 UTC, as a script counts."""
    return moment_us(moment) // 1000


def short(moment: datetime, zone: tzinfo, now: datetime) -> str:
    """`14:20` today, `11-21 14:20` on another day, with the year when it is another one.

    The same in both languages: digits line up in a column and are read at a glance.
    """
    return _form("%H:%M", moment, zone, now)


def exact(moment: datetime, zone: tzinfo, now: datetime) -> str:
    """As `short`, to the second."""
    return _form("%H:%M:%S", moment, zone, now)


def dated(moment: datetime, zone: tzinfo) -> str:
    """`2026-11-21 14:20:05`: on paper no day is today."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _form(form: str, moment: datetime, zone: tzinfo, now: datetime) -> str:
    local, today = moment.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return f"{local:{form}}"
    if local.year == today.year:
        return f"{local:%m-%d {form}}"
    return f"{local:%Y-%m-%d {form}}"
