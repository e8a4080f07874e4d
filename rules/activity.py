"""The day in half hours: how much life each of the last 48 showed."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum

SLOT = timedelta(minutes=30)
SLOTS = 48
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AWAY, _UNHEARD = -1, -2
_SOME, _MUCH = 3, 10
"Counted signs of life in a half hour from which it is called so."


class ActivityClass(IntEnum):
    """What one half hour showed; the numbers are those of the uplink."""

    NONE = 0
    LITTLE = 1
    SOME = 2
    MUCH = 3
    AWAY = 4
    UNKNOWN = 5


def slot_of(moment: datetime) -> int:
    """Number of the half hour since 1970 UTC that `moment` lies in."""
    return (moment - _EPOCH) // SLOT


@dataclass(slots=True)
class Tally:
    """Counted signs of life by half hour, for two days at most."""

    counts: dict[int, int] = field(default_factory=dict)

    def count(self, at: datetime) -> None:
        """Note one sign of life."""
        slot = slot_of(at)
        if slot in self.counts:
            self.counts[slot] = max(self.counts[slot], 0) + 1
        else:
            self.counts[slot] = 1
            self._trim()

    def away(self, begin: datetime, end: datetime) -> None:
        """Note that nobody was home; half hours with life keep it."""
        self._mark(slot_of(begin), slot_of(end), _AWAY)

    def unheard(self, begin: datetime, end: datetime) -> None:
        """Note that nobody listened, in the half hours that lie in between as a whole."""
        self._mark(slot_of(begin + SLOT - timedelta.resolution), slot_of(end), _UNHEARD)

    def _mark(self, first: int, last: int, what: int) -> None:
        for slot in range(max(first, last - 2 * SLOTS), last):
            self.counts.setdefault(slot, what)
        self._trim()

    def move(self, anchored: datetime, shift: timedelta, back: timedelta, now: datetime) -> None:
        """Move what was counted since `anchored` by `shift` and the rest by `back`.

        To the nearest half hour; what would then lie ahead of `now` is forgotten.
        """
        first, last = slot_of(anchored), slot_of(now)
        by, before = round(shift / SLOT), round(back / SLOT)
        moved: dict[int, int] = {}
        for slot, count in self.counts.items():
            target = slot + (by if slot >= first else before)
            if target <= last:
                moved[target] = max(count, moved.get(target, _UNHEARD))
        self.counts = moved

    def classes(
        self, at: datetime, seen_from: datetime | None, away_since: datetime | None
    ) -> bytes:
        """One `ActivityClass` per half hour up to `at`, oldest first.

        Args:
            at: the moment whose half hour is the last.
            seen_from: since when the home is watched; quiet half hours before are unknown.
            away_since: since when nobody is home, None if somebody may be.

        """
        last = slot_of(at)
        watched = None if seen_from is None else slot_of(seen_from)
        gone = None if away_since is None else slot_of(away_since)
        return bytes(
            self._class(slot, watched, gone) for slot in range(last - SLOTS + 1, last + 1)
        )

    def shown(
        self, first: int, last: int, seen_from: datetime | None, away_since: datetime | None
    ) -> dict[int, int | None]:
        """Signs of life by half hour, of all from `first` to before `last`.

        None where nobody listened, and where nobody was at home.
        """
        watched = last if seen_from is None else slot_of(seen_from) + 1
        gone = last if away_since is None else slot_of(away_since)
        shown: dict[int, int | None] = {}
        for slot in range(first, last):
            count = self.counts.get(slot, 0)
            unknown = count < 0 or (count == 0 and (slot < watched or slot >= gone))
            shown[slot] = None if unknown else count
        return shown

    def gaps(self, begin: datetime, end: datetime) -> bool:
        """Whether in some half hour in between nobody listened, or nobody was at home."""
        slots = range(slot_of(begin), slot_of(end) + 1)
        return any(self.counts.get(slot, 0) < 0 for slot in slots)

    def signs(self, begin: datetime, end: datetime) -> int:
        """How many there were, from the half hour of `begin` to that of `end`."""
        slots = range(slot_of(begin), slot_of(end) + 1)
        return sum(max(self.counts.get(slot, 0), 0) for slot in slots)

    def _class(self, slot: int, watched: int | None, gone: int | None) -> ActivityClass:
        count = self.counts.get(slot, 0)
        if count > 0:
            if count >= _MUCH:
                return ActivityClass.MUCH
            return ActivityClass.SOME if count >= _SOME else ActivityClass.LITTLE
        if count == _UNHEARD:
            return ActivityClass.UNKNOWN
        if count == _AWAY or (gone is not None and slot > gone):
            return ActivityClass.AWAY
        if watched is None or slot < watched:
            return ActivityClass.UNKNOWN
        return ActivityClass.NONE

    def _trim(self) -> None:
        while len(self.counts) > 2 * SLOTS:
            del self.counts[min(self.counts)]
