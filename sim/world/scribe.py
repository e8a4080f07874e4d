"""Writes down what is seen of one home: its chronicle, and the digest of what was decided."""

from array import array
from collections.abc import Sequence
from datetime import datetime, timedelta

import cbor2

from edge.journal import Found
from edge.outbox import OutboxRow
from rules.codec import parse
from rules.events import SOFT, Escalated, Event, TimeMoved
from rules.observation import DeviceId, Phenomenon, Value
from sim.world.chronicle import Alert, Decided, Gauge, HomeChronicle, Known, Moved, Queued, Run
from sim.world.digest import Digest
from sim.world.timeline import Timeline

_US = timedelta(microseconds=1)
_MINUTE_US = 60_000_000
_ALARMING = frozenset(
    {Phenomenon.LEAK, Phenomenon.SMOKE, Phenomenon.GAS, Phenomenon.CO, Phenomenon.SOS}
)


class Scribe:
    """Knows the true time, and notes everything by it."""

    def __init__(self, timeline: Timeline, chronicle: HomeChronicle) -> None:
        self.chronicle = chronicle
        self.digest = Digest()
        self._timeline = timeline
        self._boot = 0
        self._alerts: dict[tuple[DeviceId, Phenomenon], int] = {}
        "Those that the gateway was not handed yet, by their place in the chronicle."
        self._queued: set[bytes] = set()
        self._out_since: datetime | None = None

    # ------------------------------------------------------------------------------- the gateway

    def started(self, boot: int, found: Found) -> None:
        """A run begins. What a power cut kept from being told was on the card all the same."""
        self._decided_at_the_cut(found)
        self._boot = boot
        self.chronicle.runs.append(Run(boot, self._timeline.now, None))
        for seq, held in sorted(found.contents.outbox.items()):
            if held.id not in self._queued:
                self.queued([OutboxRow(held.id, seq, held.priority, held.signed)], durable=True)
        serials = tuple(one.serial for one in found.events if isinstance(one, Escalated))
        if serials:
            self.chronicle.known.append(Known(self._timeline.now, serials))

    def ended(self) -> None:
        """The run of the gateway is over."""
        runs = self.chronicle.runs
        if runs and runs[-1].ended is None:
            runs[-1] = Run(runs[-1].boot, runs[-1].began, self._timeline.now)

    def decided(self, event: Event) -> None:
        """A hard event."""
        self._decided(event, self._timeline.now)

    def _decided(self, event: Event, at: datetime) -> None:
        self.chronicle.decided.append(Decided(at, event, self._boot))
        self.digest.decided(at, event)
        if isinstance(event, TimeMoved):
            shift_us = event.shift // _US
            self.chronicle.moved.append(Moved(at, shift_us, event.trusted, event.source))

    def _decided_at_the_cut(self, found: Found) -> None:
        """The decision in which the power went, if it was written: nobody was told of it."""
        entries, runs = found.contents.entries, self.chronicle.runs
        cut = runs[-1].ended if runs else None
        if cut is None or not entries:
            return
        values = cbor2.loads(entries[max(entries)].body)
        events: list[Event] = [parse(value, Event) for value in values]  # type: ignore[arg-type]  # a union is no type
        hard = [event for event in events if not isinstance(event, SOFT)]
        if not any(one.event == hard[-1] for one in reversed(self.chronicle.decided)):
            for event in hard:
                self._decided(event, cut)

    def queued(self, rows: Sequence[OutboxRow], *, durable: bool) -> None:
        """Records were put into the outbox."""
        for row in rows:
            self._queued.add(row.id)
            self.chronicle.queued.append(
                Queued(self._timeline.now, row.id, row.seq, self._boot, durable, row.signed)
            )

    def sign(self, age: timedelta) -> None:
        """The engine counted a sign of life that is so old by the gateway's clock."""
        now_us = self._timeline.us() - max(age, timedelta()) // _US
        _note(self.chronicle.signs, now_us)

    def reached(self) -> None:
        """A request of the gateway came to a center that is up."""
        _note(self.chronicle.contacts, self._timeline.us())

    def gauge(self, gauge: Gauge) -> None:
        """How much the gateway holds."""
        self.chronicle.gauges.append(gauge)

    # ---------------------------------------------------------------------------------- the home

    def lived(self) -> None:
        """Somebody did something that a device noticed."""
        self.chronicle.life.append(self._timeline.us())

    def noticed(self, device: DeviceId, phenomenon: Phenomenon, value: Value) -> None:
        """A device noticed something; of what alarms, whether the gateway was handed it counts."""
        if phenomenon not in _ALARMING:
            return
        self._alerts.pop((device, phenomenon), None)
        if value:
            self._alerts[device, phenomenon] = len(self.chronicle.alerts)
            alert = Alert(self._timeline.now, device, phenomenon, value, heard=None)
            self.chronicle.alerts.append(alert)

    def heard(self, device: DeviceId, phenomenon: Phenomenon, value: Value) -> None:
        """The gateway is handed something of a device."""
        chronicle = self.chronicle
        chronicle.observations += 1
        moments = chronicle.heard.get(device)
        if moments is None:
            moments = chronicle.heard[device] = array("q")
        _note(moments, self._timeline.us())
        if self._alerts and value and (device, phenomenon) in self._alerts:
            number = self._alerts.pop((device, phenomenon))
            alert = chronicle.alerts[number]
            chronicle.alerts[number] = Alert(
                alert.at, alert.device, alert.phenomenon, alert.value, self._timeline.now
            )

    def presence(self, *, out: bool) -> None:
        """Whether the resident is out."""
        now = self._timeline.now
        if out and self._out_since is None:
            self._out_since = now
        elif not out and self._out_since is not None:
            self.chronicle.absences.append((self._out_since, now))
            self._out_since = None


def _note(moments: "array[int]", now_us: int) -> None:
    """Of many within a minute the first and the last."""
    if len(moments) > 1 and now_us - moments[-2] < _MINUTE_US:
        moments[-1] = now_us
    else:
        moments.append(now_us)
