"""An evidence log from the field as what happened in a home, for any rulebook.

What people did is taken from the log: words of absence, shelvings, cases closed. What rules
decided is left out, since the rules on trial decide anew. So are the gateway's own faults (a
driver lost, a failing disk), by which no rule decides. The log keeps no periodic reports: they are
made up for as long as it says that a device was live, so that a device falls silent here when it
did there.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from heapq import merge
from pathlib import Path

from edge.evidence_export import Head, read
from edge.evidence_line import Evidence, Missed, moment
from rules.alarm import AlarmKey, Move
from rules.device import Device, Liveness
from rules.errors import ConfigError, phrase
from rules.events import (
    OUTSIDE,
    AlarmMoved,
    AwayBegan,
    AwayEnded,
    AwayReason,
    CaseClosed,
    DevicesChanged,
    Escalated,
    LifeSeen,
    LivenessChanged,
    Started,
    TimeMoved,
)
from rules.inputs import Away, Boot, DeviceChanged, LifeSign, Shelve, TimeTrust
from rules.observation import DeviceId, Observation
from sim.replay.homes import CaseOver, Happens, Replayed, Told, present


def exported(path: Path) -> Replayed:
    """The home of an evidence log.

    Raises:
        ConfigError: it cannot be read; the message names file and line.

    """
    export = read(path)
    head, events = export.head, export.events
    if not events:
        right = phrase("export it again after some minutes")
        raise ConfigError(str(path), phrase("no evidence"), right)
    begin, end = moment(events[0]), moment(events[-1])
    left_out: Counter[str] = Counter()
    for event in events:
        if isinstance(event, Missed):
            left_out["missed"] += event.lines
    log = _Log(head, events)
    return Replayed(
        zone=head.zone,
        preset=head.preset,
        book=head.book,
        devices=head.devices,
        first=(),
        begin=begin,
        end=end,
        happenings=log.happenings,
        report_every=None,
        trusted=head.trusted,
        left_out=left_out,
    )


class _Log:
    """The events of a log, and when each device was live in it."""

    def __init__(self, head: Head, events: Sequence[Evidence]) -> None:
        self._events = events
        self._stale_after = head.book.health.stale_after
        self._trusted = head.trusted
        self._begin, self._end = moment(events[0]), moment(events[-1])
        self._down = [
            (event.at - event.down, event.at) for event in events if isinstance(event, Started)
        ]
        self._devices = {device.id: device for device in head.devices}
        for event in events:
            if isinstance(event, DevicesChanged):
                self._devices.update((device.id, device) for device in event.devices)

    def happenings(self) -> Iterator[Happens]:
        """All of it in order of time; a device says that it is there after what it said itself."""
        reports = (self._reports(device, live) for device, live in self._live().items())
        return merge(self._told(), *reports, key=lambda happening: happening.at)

    def _told(self) -> Iterator[Happens]:  # noqa: C901, PLR0912 -- one case a kind
        cases: dict[int, AlarmKey] = {}
        away: AwayReason | None = None
        sure = self._trusted
        for event in self._events:
            match event:
                case Observation():
                    yield Told(event.result_time, event)
                case LifeSeen(at=at, device=device):
                    yield Told(at, LifeSign(device.removeprefix(OUTSIDE), at))
                case DevicesChanged(at=at, devices=devices):
                    yield Told(at, DeviceChanged(devices))
                case TimeMoved(at=at, trusted=trusted, source=source):
                    # Moments of the log are true already: only the trust is news.
                    yield Told(at, TimeTrust(trusted, source))
                    sure = trusted
                case Started(at=at, boot=boot, down=down) if at > self._begin:
                    yield Told(at, Boot(boot, down, trusted=sure))
                case AwayBegan(at=at, reason=reason, until=until, who=who):
                    away = None if reason is AwayReason.OUTING else reason
                    if away is not None:
                        yield Told(at, Away(away, who, until))
                case AwayEnded(at=at) if away is not None:
                    yield Told(at, Away(away, "", ends=True))
                    away = None
                case AlarmMoved(at=at, alarm=alarm, move=Move.SHELVE, until=until) if until:
                    yield Told(at, Shelve(alarm, until))
                case AlarmMoved(at=at, alarm=alarm, move=Move.UNSHELVE):
                    yield Told(at, Shelve(alarm, at))
                case Escalated(serial=serial, alarm=alarm, drill=False):
                    cases[serial] = alarm
                case CaseClosed(at=at, serial=serial, outcome=outcome) if serial in cases:
                    yield CaseOver(at, cases[serial], outcome)
                case _:
                    pass

    def _live(self) -> dict[Device, list[tuple[datetime, datetime]]]:
        """When each device was heard at all, as far as its contract tells."""
        facts: dict[DeviceId, list[LivenessChanged]] = defaultdict(list)
        for event in self._events:
            if isinstance(event, LivenessChanged):
                facts[event.device].append(event)
        return {device: self._spans(device, facts[id_]) for id_, device in self._devices.items()}

    def _spans(
        self, device: Device, facts: Sequence[LivenessChanged]
    ) -> list[tuple[datetime, datetime]]:
        spans: list[tuple[datetime, datetime]] = []
        # The log begins with who was not live; who falls silent later, or never, was so then.
        known = not facts or (facts[0].liveness is Liveness.STALE and facts[0].at > self._begin)
        since = self._begin if known else None
        for fact in facts:
            if fact.liveness is Liveness.LIVE:
                since = since or fact.at
            elif since is not None:
                spans.append((since, max(since, self._last_heard(device, fact.at))))
                since = None
        if since is not None:
            spans.append((since, self._end))
        return spans

    def _last_heard(self, device: Device, stale: datetime) -> datetime:
        """A contract counts only while somebody listens."""
        heard = stale - self._stale_after * device.report_every
        for off, on in reversed(self._down):
            if heard < on <= stale:
                heard -= on - off
        return heard

    def _reports(
        self, device: Device, spans: Sequence[tuple[datetime, datetime]]
    ) -> Iterator[Happens]:
        for since, until in spans:
            at = since
            while at < until:
                if not any(off < at < on for off, on in self._down):
                    yield Told(at, present(device.id, at))
                at += device.report_every
            yield Told(until, present(device.id, until))
