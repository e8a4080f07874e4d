"""The people of a recorded home, from a chosen moment on."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from itertools import pairwise
from pathlib import Path
from random import Random

from sim.homes.act import Act
from sim.homes.ahead import Ahead
from sim.recordings.occupants import Replay, is_outside_door
from sim.recordings.recorded import Kind, Row, Survey, rows

_HEARS_WITHIN = timedelta(hours=12)
"Who does something within this is taken to be at home."
_BUSY_WITHIN = timedelta(minutes=30)
_MINUTE = timedelta(minutes=1)


class Recording:
    """An `Occupant` out of a file."""

    def __init__(self, path: Path, zone: tzinfo, survey: Survey, random: Random) -> None:
        """Play the file of which `survey` was made; `zone` is its fixed offset."""
        self._path = path
        self._zone = zone
        self._replay = Replay(survey.sensors, random)
        self._ahead = Ahead(self._replay.acts(rows(path, zone)))
        self.installed = self._replay.installed

    def acts(self) -> Iterator[Act]:
        """All of the recording, in order of time.

        Raises:
            ConfigError: the file has been changed since the survey, and is malformed now.

        """
        return self._ahead.acts()

    def at_home(self, moment: datetime) -> bool:
        """Nobody was asked when it was recorded: whoever acts within half a day would answer."""
        coming = self.next_by_hand(moment)
        return coming is not None and coming <= moment + _HEARS_WITHIN

    def next_by_hand(self, moment: datetime) -> datetime | None:
        return self._ahead.next_by_hand(moment)


def just_active(path: Path, zone: tzinfo, day: date, random: Random) -> datetime | None:
    """A moment of `day` just after the person did something at home, drawn from `random`.

    Preferably in the middle of doing more; None if the day has no sign of a person.
    """
    today = [row for row in rows(path, zone) if row.at.date() == day and _by_hand(row)]
    busy = [
        row
        for row, following in pairwise(today)
        if _MINUTE < following.at - row.at < _BUSY_WITHIN and not is_outside_door(row.sensor)
    ]
    return random.choice(busy or today).at + _MINUTE if today else None


def _by_hand(row: Row) -> bool:
    return row.kind is not Kind.HOUR_MEAN_W
