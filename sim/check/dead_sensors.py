"""No inactivity alarm from dead sensors.

For each escalation of inactivity there is one watching device (`rules.evidence.watches`) that was
truly heard over the whole silence that the alarm claims (`sim.check.claim`): from so long before
the alarm until the alarm, or until the prompt that nobody answered, never unheard for
`health.stale_after` periods of its contract, in listening time, a reporting period and two minutes
for what a power cut takes apart. Some watching device was over all of the prompt's wait; not
always the same. Not asked of a silence whose length is only a false date's (`sim.check.dates`).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from rules.alarm import Move
from rules.codec import moment_us
from rules.device import Device
from rules.errors import phrase
from rules.events import AlarmMoved, Escalated
from sim.check.claim import claimed
from sim.check.dates import Dates
from sim.check.forgetting import forgettings, unknown
from sim.check.listening import (
    HEARD_KEPT_AFTER,
    ROUGHLY,
    Listening,
    Stretch,
    clock_error,
    late_at_most,
    stale_after,
    stretches,
    watching,
)
from sim.check.silence import INACTIVITY
from sim.check.violation import Violation, lasting
from sim.world.chronicle import Chronicle, Decided, HomeChronicle

NAME: Final = "no-alarm-from-dead-sensors"


def check(chronicle: Chronicle) -> Iterator[Violation]:
    """Inactivity that no living sensor vouches for."""
    for home in chronicle.homes:
        alarms = [
            (decided, decided.event)
            for decided in home.decided
            if isinstance(decided.event, Escalated) and decided.event.alarm == INACTIVITY
        ]
        if alarms:
            yield from _check(chronicle, home, alarms)


def _check(
    chronicle: Chronicle, home: HomeChronicle, alarms: list[tuple[Decided, Escalated]]
) -> Iterator[Violation]:
    listening = Listening(unknown(forgettings(chronicle, home), HEARD_KEPT_AFTER))
    limits = home.book.inactivity.limits
    lives = [
        stretches(
            home.heard.get(device.id, ()),
            listening,
            (stale_after(home, device) + late_at_most(home, device) + ROUGHLY)
            // timedelta(microseconds=1),
        )
        for device in watching(home)
    ]
    dates = Dates(chronicle, home)
    for decided, event in alarms:
        silence = claimed(event, limits)
        error = ROUGHLY + clock_error(chronicle, home, decided.at)
        first = max(decided.at - silence + error, chronicle.start + error)
        begin, end = moment_us(first), moment_us(decided.at)
        if dates.deceived(decided.at, first):
            continue
        asked = moment_us(_asked(home, decided))
        whole = [(low, high) for each in lives for low, high in each]
        # Whoever was asked on good grounds is called for, though the device that vouched for the
        # silence is held for dead within the wait: others would have heard an answer.
        vouched = any(low <= begin and asked <= high for low, high in whole)
        if not vouched or not _within(asked, end, whole):
            yield Violation(
                NAME,
                home.number,
                decided.at,
                phrase(
                    "Inactivity of {claimed} was raised, and of {count} watching devices none was"
                    " heard over all of it.",
                    claimed=lasting(silence),
                    count=len(lives),
                ),
                tuple(_line(home, device, begin, end) for device in watching(home)),
            )


def _asked(home: HomeChronicle, alarm: Decided) -> datetime:
    """When the prompt was given that the alarm follows; the alarm's own moment without one."""
    asked = None
    for one in home.decided:
        if one.at > alarm.at or one.event is alarm.event:
            break
        if isinstance(one.event, AlarmMoved) and one.event.alarm == INACTIVITY:
            if one.event.move is Move.PROMPT:
                asked = one.at
            elif one.event.move is not Move.RAISE:
                asked = None
    return alarm.at if asked is None else asked


def _within(begin: int, end: int, lives: list[Stretch]) -> bool:
    """Whether at each moment of it some device was live."""
    for low, high in sorted(lives):
        if low <= begin:
            begin = max(begin, high)
    return begin >= end


def _line(home: HomeChronicle, device: Device, begin: int, end: int) -> str:
    inside = [at for at in home.heard.get(device.id, ()) if begin <= at <= end]
    gap = max((b - a for a, b in pairwise((begin, *inside, end))), default=0)
    longest = timedelta(microseconds=gap)
    return phrase(
        "{device}: heard {count} times, unheard for {span} at most",
        device=device.id,
        count=len(inside),
        span=lasting(longest),
    )
