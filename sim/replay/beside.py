"""Old and new alarms side by side: which of them are the same one."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from rules.alarm import AlarmKey
from sim.replay.verdict import Raised


class Mark(StrEnum):
    """Which rules raised an alarm."""

    ONLY_OLD = "only-old"
    ONLY_NEW = "only-new"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Moment:
    """An alarm of either rulebook, or the same one of both."""

    old: Raised | None
    new: Raised | None

    @property
    def raised(self) -> Raised:
        """The one to be told of: the new rules' where there is one."""
        found = self.new or self.old
        assert found is not None
        return found

    @property
    def at(self) -> datetime:
        """When the first of the two was raised."""
        return min(one.at for one in (self.old, self.new) if one is not None)

    @property
    def mark(self) -> Mark:
        if self.old is None:
            return Mark.ONLY_NEW
        return Mark.ONLY_OLD if self.new is None else Mark.BOTH


def beside(old: Iterable[Raised], new: Iterable[Raised]) -> list[Moment]:
    """Pair alarms of one kind and scope that stood at the same time, in order of time.

    Alarms of inactivity are one when they are of the same silence: whoever came after eight hours
    has ended what the other rules would have raised after a day.
    One alarm has one partner at most, so that the marks add up to the totals: where a rulebook
    raised twice while the other's alarm stood all the time, the second is one more.
    """
    old_by, new_by = _by_key(old), _by_key(new)
    moments = [
        moment
        for key in sorted(old_by.keys() | new_by.keys(), key=str)
        for moment in _paired(old_by[key], new_by[key])
    ]
    return sorted(moments, key=lambda moment: (moment.at, str(moment.raised.key)))


def _by_key(alarms: Iterable[Raised]) -> dict[AlarmKey, list[Raised]]:
    found: dict[AlarmKey, list[Raised]] = defaultdict(list)
    for one in alarms:
        found[one.key].append(one)
    return found


def _paired(old: list[Raised], new: list[Raised]) -> Iterator[Moment]:
    left, right = iter(old), iter(new)
    one, other = next(left, None), next(right, None)
    while one is not None or other is not None:
        if other is None or (one is not None and _end(one) < _begin(other)):
            yield Moment(one, None)
            one = next(left, None)
        elif one is None or _end(other) < _begin(one):
            yield Moment(None, other)
            other = next(right, None)
        else:
            yield Moment(one, other)
            one, other = next(left, None), next(right, None)


def _begin(alarm: Raised) -> datetime:
    if alarm.silence is None:
        return alarm.at
    # The sign of life that ended one silence begins the next, which is another.
    return alarm.at - alarm.silence + timedelta.resolution


def _end(alarm: Raised) -> datetime:
    return alarm.until or _NEVER


_NEVER = datetime.max.replace(tzinfo=UTC)
