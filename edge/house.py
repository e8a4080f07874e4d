"""The gateway with its surroundings: each item is decided, then its effects are carried out."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from edge.finding import Finding
from edge.gateway import Gateway
from edge.happening import Delivered, Happening
from edge.outbox import OutboxRow
from protocol.heartbeat import News, NewsKind
from rules.alarm import AlarmKind
from rules.command import Command
from rules.events import SOFT, Commanded, CommandEnded, Escalated, Event, Outcome, Updated
from rules.inputs import Closed, Input, Taken, Technical, TimeTrust
from rules.observation import DeviceId
from rules.sentence import Say, sentence

_log = logging.getLogger(__name__)
_SAY = {
    AlarmKind.JOURNAL_RESTORED: Say.JOURNAL_RESTORED,
    AlarmKind.REGISTRY_RESTORED: Say.REGISTRY_RESTORED,
    AlarmKind.DISK_FAILING: Say.DISK_FAILING,
}


class Clock(Protocol):
    """What the house asks of the gateway's clock."""

    def now(self) -> datetime:
        """Aware UTC."""

    def boottime_us(self) -> int:
        """CLOCK_BOOTTIME in microseconds."""


class Journal(Protocol):
    """What the house asks of the journal beside what the gateway asks."""

    def drain_findings(self) -> Sequence[Finding]:
        """What was found of journal and disk since the last call."""

    def serial_of(self, id_: bytes) -> int | None:
        """The serial of the record with this id."""

    def remember_news(self, tokens: Sequence[bytes]) -> None:
        """What the news said is journaled."""


class Bell(Protocol):
    """What sees to it that a `Tick` comes; `edge.bell.Bell` is one, the simulator's another."""

    def set(self, deadline: datetime | None, *, anew: bool = False) -> None:
        """A `Tick` by `deadline`, and too early does no harm; none is needed for None.

        `anew`: the clock was set, so what was reckoned by it no longer holds.
        """


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where effects go. None of these may block."""

    send: Callable[[Command], bool]
    "To the device's driver; False if nobody takes it."
    notify: Callable[[], None]
    "The outbox has grown."
    tell: Callable[[Happening], None]
    "Whoever watches over the control socket."


class House:
    """Everything that comes in goes through `put`, one item after the other."""

    def __init__(
        self,
        gateway: Gateway,
        journal: Journal,
        clock: Clock,
        bell: Bell,
        surroundings: Surroundings,
    ) -> None:
        self._gateway = gateway
        self._journal = journal
        self._clock = clock
        self._bell = bell
        self._surroundings = surroundings
        self._putting = False
        self._waiting: deque[Input] = deque()
        self._unsent: dict[int, Command] = {}
        "Commands that no driver was there to take; they go out if one comes before they expire."

    def put(self, item: Input) -> list[Event]:
        """Decide on one item and carry out what follows."""
        assert not self._putting, "an effect may not call back"
        self._putting = True
        try:
            self._waiting.append(item)
            events: list[Event] = []
            while self._waiting:
                events += self._decide(self._waiting.popleft())
            return events
        finally:
            self._putting = False

    def news(self, news: Sequence[News]) -> None:
        """Take in what people at the center did; it is journaled before it is confirmed."""
        for one in news:
            serial = self._journal.serial_of(one.record)
            if serial is None:
                _log.warning("news of a record that is not ours: %s", one.record.hex())
            elif one.what is NewsKind.TAKEN:
                self.put(Taken(serial, one.by))
            else:
                self.put(Closed(serial, one.outcome or Outcome.TECHNICAL))
        self._journal.remember_news([one.token for one in news])

    def refused(self, row: OutboxRow, why: str) -> None:
        """The center does not take one record: a fault that a technician must see."""
        said = sentence(
            Say.FRAMES_REFUSED, at=self._clock.now(), device=f"record {row.seq}", reason=why
        )
        self.put(
            Technical(AlarmKind.FRAMES_REFUSED, DeviceId("uplink"), present=True, sentence=said)
        )

    def delivered(self, rows: Sequence[OutboxRow]) -> None:
        """The center has persisted these."""
        for row in rows:
            self._surroundings.tell(Delivered(self._clock.now(), row.seq))

    def found_at_start(self, findings: Sequence[Finding]) -> None:
        """How the files were found. A disk that is well ends the fault of an earlier run."""
        for finding in findings:
            self.put(self._technical(finding))
        disk = AlarmKind.DISK_FAILING
        if disk not in {finding.kind for finding in findings}:
            said = sentence(Say.FAULT_OVER, at=self._clock.now())
            self.put(Technical(disk, None, present=False, sentence=said))

    def _technical(self, finding: Finding) -> Technical:
        _log.error("%s: %s", finding.kind, finding.detail)
        now = self._clock.now()
        said = sentence(Say.FAULT_OVER, at=now)
        if finding.present:
            said = sentence(_SAY[finding.kind], at=now, detail=finding.detail)
        return Technical(finding.kind, None, finding.present, said)

    def _decide(self, item: Input) -> list[Event]:
        now = self._clock.now()
        events = self._gateway.handle(item, now, self._clock.boottime_us())
        for event in events:
            if isinstance(event, Commanded):
                self._send(event.command)
            elif isinstance(event, CommandEnded):
                self._unsent.pop(event.id, None)
            elif isinstance(event, Escalated | Updated):
                self._surroundings.notify()
            if not isinstance(event, SOFT):
                # No more than this: the registry and people's names are nobody's log.
                _log.info("%s %s", type(event).__name__, getattr(event, "alarm", ""))
            self._surroundings.tell(event)
        if isinstance(item, Technical) and item.kind is AlarmKind.DRIVER_LOST and not item.present:
            for command in list(self._unsent.values()):
                self._send(command)
        self._look_at_journal()
        self._bell.set(self._gateway.next_deadline(), anew=isinstance(item, TimeTrust))
        return events

    def _send(self, command: Command) -> None:
        if self._surroundings.send(command):
            self._unsent.pop(command.id, None)
        else:
            self._unsent[command.id] = command

    def _look_at_journal(self) -> None:
        """Turn what the journal found of itself into faults, after the item at hand."""
        self._waiting.extend(map(self._technical, self._journal.drain_findings()))
