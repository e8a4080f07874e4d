"""When all faults are over, nothing waits anywhere.

At `Chronicle.healed`: every gateway runs, its outbox is empty, the center does not hold it for
silent, and no condition stands whose cause is over: `DRIVER_LOST` five minutes after it,
`DISK_FAILING` and `TIME_UNTRUSTED` an hour after it, and what devices told by their silence
(`DEVICE`, `HOME_BLIND`, `MAINS_OUTAGE`) after two reports of the slowest of them. A condition is
only asked about if the run lasts that long after its last fault, and if the gateway had not to
forget that it began. That every record is there at last says `nothing-lost`.

Nor does anything wait on the way back, or stand on at any time after its cause: see
`sim.check.news` and `sim.check.endings`.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from rules.alarm import AlarmKey, AlarmKind
from rules.errors import Phrase, phrase
from sim.check.blindness import silent
from sim.check.bounds import seen
from sim.check.conditions import conditions
from sim.check.endings import unended
from sim.check.forgetting import forgettings
from sim.check.listening import watching
from sim.check.news import unheard
from sim.check.violation import Violation, lasting
from sim.world.chronicle import Chronicle, HomeChronicle

NAME: Final = "nothing-waits"
_PATIENCE: Final = {
    AlarmKind.DRIVER_LOST: timedelta(minutes=5),
    AlarmKind.DISK_FAILING: timedelta(hours=1),
    AlarmKind.TIME_UNTRUSTED: timedelta(hours=1),
}
_BY_SILENCE: Final = frozenset({AlarmKind.DEVICE, AlarmKind.HOME_BLIND, AlarmKind.MAINS_OUTAGE})
_MARGIN: Final = timedelta(minutes=10)


def check(chronicle: Chronicle) -> Iterator[Violation]:
    """What still waits at the end."""
    for home in chronicle.homes:
        for what, line in (
            *_gateway(chronicle, home),
            *_standing(chronicle, home),
            *unheard(chronicle, home),
        ):
            yield Violation(NAME, home.number, chronicle.healed, what, (line,))
        for at, what, line in unended(chronicle, home):
            yield Violation(NAME, home.number, at, what, (line,))


def _gateway(chronicle: Chronicle, home: HomeChronicle) -> Iterator[tuple[Phrase, Phrase]]:
    last = home.runs[-1] if home.runs else None
    if last is None or (last.ended is not None and last.ended < chronicle.healed):
        since = chronicle.start if last is None or last.ended is None else last.ended
        yield (
            phrase(
                "The gateway does not run at the end, for {span}.",
                span=lasting(chronicle.healed - since),
            ),
            phrase("its last run ended {at}", at=since.isoformat()),
        )
    elif home.gauges and home.gauges[-1].outbox:
        gauge = home.gauges[-1]
        what = phrase("Records that wait in the outbox at the end: {count}.", count=gauge.outbox)
        yield what, seen(gauge)
    held = silent(chronicle, home)
    if held and held[-1][1] >= chronicle.healed:
        since = held[-1][0]
        yield (
            phrase(
                "The center holds the gateway for silent at the end, for {span}.",
                span=lasting(chronicle.healed - since),
            ),
            phrase("silent since {at}", at=since.isoformat()),
        )


def _standing(chronicle: Chronicle, home: HomeChronicle) -> Iterator[tuple[Phrase, Phrase]]:
    never = max(chronicle.healed, chronicle.end)
    ends = [fault.begin + fault.lasting for fault in (*home.faults, *chronicle.center_faults)]
    over = max(chronicle.end, chronicle.start + max(ends, default=timedelta()))
    restarts = [each for each in forgettings(chronicle, home) if each.cut < chronicle.healed]
    for key, spans in conditions(home, never).items():
        patience = _patience(home, key)
        begin, end = spans[-1] if spans else (never, chronicle.start)
        if patience is None or end < never or over + patience > chronicle.healed:
            continue
        if any(begin <= each.cut and (each.damaged or begin >= each.since) for each in restarts):
            continue
        yield (
            phrase(
                "{alarm} stands at the end, {span} after the last fault.",
                alarm=key,
                span=lasting(chronicle.healed - over),
            ),
            phrase("{alarm} since {at}", alarm=key, at=begin.isoformat()),
        )


def _patience(home: HomeChronicle, key: AlarmKey) -> timedelta | None:
    """How long after its cause a condition may stand; None: for good."""
    if key.kind is AlarmKind.HOME_BLIND and not watching(home):
        return None  # Nothing there can see, however well it is.
    if key.kind in _BY_SILENCE:
        every = [device.report_every for device in home.devices if key.scope in {None, device.id}]
        return 2 * max(every, default=timedelta()) + _MARGIN
    return _PATIENCE.get(key.kind)
