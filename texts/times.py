"""Moments and spans as a caller reads them out.

A moment of today is its time alone; yesterday and tomorrow are named; any other day has its date,
and its year where that is another one. Without `now` the date is always said.
"""

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo

_DAY = timedelta(days=1)
_DAYS_FROM = timedelta(hours=72)
"The services' limits are spoken of in hours (24, 36, 50), so days begin after them."
_SECONDS_UNTIL = timedelta(minutes=10)

Say = Callable[..., str]
"Translates a message id and fills in its words."


def moment(at: datetime, zone: tzinfo, now: datetime | None, text: Say) -> str:
    """`14시 20분`, `어제 14시 20분`, `7월 3일 14시 20분`; ISO form at the calendar's edges."""
    try:
        local = at.astimezone(zone)
        today = None if now is None else now.astimezone(zone).date()
        apart = None if today is None else local.date() - today
    except (OverflowError, ValueError):
        return at.isoformat(sep=" ", timespec="minutes")
    time = _time(local, text)
    if apart == timedelta():
        return time
    if apart == -_DAY:
        return text("moment.yesterday", time=time)
    if apart == _DAY:
        return text("moment.tomorrow", time=time)
    words = {
        "year": str(local.year),
        "month": str(local.month),
        "month_name": text(f"month.{local.month}"),
        "day": str(local.day),
        "time": time,
    }
    if today is None or today.year == local.year:
        return text("moment.date", **words)
    return text("moment.date_year", **words)


def _time(local: datetime, text: Say) -> str:
    words = {
        "hour": str(local.hour),
        "minute": str(local.minute),
        "hour_padded": f"{local.hour:02}",
        "minute_padded": f"{local.minute:02}",
    }
    return text("moment.time", **words) if local.minute else text("moment.hour", **words)


def span(length: timedelta, text: Say) -> str:
    """`7시간 20분`: at most two units, the rest cut off; a negative span is no time at all."""
    seconds = max(int(length.total_seconds()), 0)
    days, hours, minutes = seconds // 86_400, seconds // 3_600, seconds // 60
    if length >= _DAYS_FROM:
        return _units("span.days", days, "span.hours", hours - 24 * days, text)
    if hours:
        return _units("span.hours", hours, "span.minutes", minutes - 60 * hours, text)
    if length >= _SECONDS_UNTIL:
        return text("span.minutes", n=str(minutes))
    if minutes:
        return _units("span.minutes", minutes, "span.seconds", seconds - 60 * minutes, text)
    return text("span.seconds", n=str(seconds))


def _units(large: str, many: int, small: str, few: int, text: Say) -> str:
    whole = text(large, n=str(many))
    return f"{whole} {text(small, n=str(few))}" if few else whole
