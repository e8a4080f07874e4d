"""Outbox, journal and engine hold no more than they may.

- Rows of the journal: as many delivered records as are kept (`RETAINED_MAX`), those that wait, as
  many entries as are kept for the good copy's sake (`ENTRIES_MAX`), one state, the single values,
  and records of open cases. While all is well (no date was false, nothing starts, the card takes
  all) no more records than were queued in 31 days and entries than were decided in two hours.
- Records that wait: as many as are kept of delivered ones; a gateway that tells more than that in
  30 days without an uplink tells nothing any more.
- Bytes: a record is one datagram; an entry a kilobyte; and the state, with room for a registry.
- The engine: a kilobyte and a half a device, and its open cases.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from protocol.records import BATCH_BYTES_MAX
from rules.alarm import AlarmKind
from rules.errors import Phrase, phrase
from rules.state import CASES_MAX
from sim.check.conditions import present
from sim.check.spans import touched
from sim.check.violation import Violation, lasting
from sim.world.chronicle import Chronicle, Gauge, HomeChronicle

NAME: Final = "bounded"
RETAINED_MAX: Final = 5_000
ENTRIES_MAX: Final = 10_000
"As in `edge.journal`: written again, since a limit that moves with what it bounds is none."
VALUES_MAX: Final = 8
_ENTRY_BYTES: Final = 1_024
_STATE_BYTES: Final = 256 * 1_024
_DEVICE_BYTES: Final = 1_536
_CASE_BYTES: Final = 256
_KEPT: Final = timedelta(days=31)
"`edge.journal.RETAINED`, and a day."
_SET_US: Final = 60_000_000
"A clock that is set by less is off by its crystal."
_RENEWED: Final = timedelta(hours=2)


def check(chronicle: Chronicle) -> Iterator[Violation]:
    """Gateways that hold more than they may."""
    for home in chronicle.homes:
        for gauge in home.gauges:
            for what, held, most in (*_limits(home, gauge), *_when_well(chronicle, home, gauge)):
                if held > most:
                    yield Violation(
                        NAME,
                        home.number,
                        gauge.at,
                        phrase(
                            "The gateway holds more than it may, {what}: {held}, at most {most}.",
                            what=what,
                            held=f"{held:,}",
                            most=f"{most:,}",
                        ),
                        (seen(gauge),),
                    )


def seen(gauge: Gauge) -> Phrase:
    """What a look at a gateway showed, as a line of evidence."""
    return phrase(
        "{at}: {outbox} records wait, {rows} rows of {bytes} B, state of {state} B,"
        " clock off by {off}",
        at=gauge.at.isoformat(),
        outbox=gauge.outbox,
        rows=gauge.rows,
        bytes=gauge.bytes,
        state=gauge.state,
        off=lasting(timedelta(microseconds=gauge.off_us)),
    )


def _limits(home: HomeChronicle, gauge: Gauge) -> Iterator[tuple[Phrase, int, int]]:
    """What is bounded, how much of it is there, and how much may be."""
    waiting = min(gauge.outbox, RETAINED_MAX)
    records = RETAINED_MAX + waiting + CASES_MAX
    yield phrase("records that wait"), gauge.outbox, RETAINED_MAX
    yield phrase("rows of the journal"), gauge.rows, records + ENTRIES_MAX + 1 + VALUES_MAX
    yield (
        phrase("bytes of the journal"),
        gauge.bytes,
        records * BATCH_BYTES_MAX + ENTRIES_MAX * _ENTRY_BYTES + _STATE_BYTES,
    )
    yield (
        phrase("bytes of the engine's state"),
        gauge.state,
        len(home.devices) * _DEVICE_BYTES + CASES_MAX * _CASE_BYTES,
    )


def _when_well(
    chronicle: Chronicle, home: HomeChronicle, gauge: Gauge
) -> Iterator[tuple[Phrase, int, int]]:
    """What is there at most if nothing hinders the gateway to renew its good copy, and to prune.

    It reckons by its own clock, so by nothing here if that was set.
    """
    never = max(chronicle.healed, chronicle.end)
    recent, old = gauge.at - _RENEWED, gauge.at - _KEPT
    failing = present(home, AlarmKind.DISK_FAILING, never)
    set_ = any(old <= one.at <= gauge.at and abs(one.shift_us) > _SET_US for one in home.moved)
    started = any(recent <= run.began <= gauge.at for run in home.runs)
    if set_ or started or touched(recent, gauge.at, failing):
        return
    records = sum(old <= one.at <= gauge.at for one in home.queued)
    entries = sum(recent <= one.at <= gauge.at for one in home.decided)
    most = records + gauge.outbox + CASES_MAX + entries + 1 + VALUES_MAX
    yield phrase("rows of the journal"), gauge.rows, most
