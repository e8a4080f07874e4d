"""The clock was set: moments that were reckoned by it move along."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from rules.alarm import AlarmState
from rules.events import Commanded, TimeMoved
from rules.known import WHOLE, Known
from rules.registers import LONG_AGO


def redate(known: Known, event: TimeMoved) -> None:
    """Move every moment of the present anchor; older ones are true already.

    Unless this run would then have begun before the one before it ended: then one of the two
    dates is false, and nobody in the home can tell which. So the older moments go back too,
    just so far that the one run follows upon the other, and move along from then on: a silence
    stays as long as it was heard to be, whichever date was the lie and whatever is said next.
    """
    shift, anchored, now = event.shift, known.anchored, event.at
    back = min(known.down + shift, timedelta())

    def moved(moment: datetime) -> datetime:
        if moment == LONG_AGO:
            return moment
        return min(moment + (shift if moment >= anchored else back), now)

    def perhaps(moment: datetime | None) -> datetime | None:
        return None if moment is None else moved(moment)

    for heard in known.devices.values():
        # A contract counts listening time only: it moves whole, whenever it began.
        heard.since = min(heard.since + shift, now)
        heard.heard = None if heard.heard is None else min(heard.heard + shift, now)
        heard.last_seen = perhaps(heard.last_seen)
        heard.live_since, heard.hands_from = perhaps(heard.live_since), perhaps(heard.hands_from)
        for reading in heard.readings.values():
            reading.at, reading.since = moved(reading.at), moved(reading.since)
            reading.fell, reading.flickered = moved(reading.fell), moved(reading.flickered)
        for switching in heard.switchings:
            switching.move(moved)
    _redate_alarms(known, moved)
    for id_, sent in known.commands.items():
        command = replace(sent.command, expires=sent.command.expires + shift)
        known.commands[id_] = Commanded(moved(sent.at), command)
    known.life = None if known.life is None else replace(known.life, at=moved(known.life.at))
    known.weak = None if known.weak is None else replace(known.weak, at=moved(known.weak.at))
    known.other = None if known.other is None else replace(known.other, at=moved(known.other.at))
    known.away = None if known.away is None else replace(known.away, at=moved(known.away.at))
    known.tally.move(anchored, shift, back, now)
    known.habits.move(moved)
    known.runs.move(moved)
    known.routine.move(moved, shift, now)
    known.away_ended, known.door_shut = perhaps(known.away_ended), perhaps(known.door_shut)
    known.reached, known.unreached = perhaps(known.reached), perhaps(known.unreached)
    known.installed, known.started = perhaps(known.installed), moved(known.started)
    # The whole run moves with every further setting: what passed within it stays as long.
    known.trusted, known.trust_changed = event.trusted, now
    if back or anchored == WHOLE:
        known.anchored, known.down = WHOLE, timedelta()
    else:
        known.anchored, known.down = moved(anchored), known.down + shift


def _redate_alarms(known: Known, moved: Callable[[datetime], datetime]) -> None:
    for alarm in known.alarms.values():
        since = moved(alarm.since)
        # A prompt lasts as long as it was to; a shelving's end is a date that a person gave.
        if alarm.until is not None and alarm.state is AlarmState.PROMPTED:
            alarm.until += since - alarm.since
        alarm.since, alarm.changed_at = since, moved(alarm.changed_at)
        alarm.raised_at = None if alarm.raised_at is None else moved(alarm.raised_at)
        alarm.closed_at = None if alarm.closed_at is None else moved(alarm.closed_at)
