"""What a gateway decided, from what its process wrote down and from its journal after its end."""

import shutil
from array import array
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from edge.happening import Delivered, Happening
from edge.journal import Files, Found, inflated, recover
from rules.codec import moment_us
from rules.errors import phrase
from rules.events import (
    CaseClosed,
    CaseTaken,
    Commanded,
    CommandEnded,
    Escalated,
    Event,
    LifeSeen,
    Started,
    TimeMoved,
    Updated,
)
from rules.observation import DeviceId, Observation
from rules.signals import COMMAND_WITHIN
from sim.check.violation import Violation
from sim.world.chronicle import Decided, Gauge, HomeChronicle, Moved, Queued, Run

_US = timedelta(microseconds=1)
_MINUTE_US = 60_000_000
COMMAND_REACHES = "command-reaches-device"
"Within its ten seconds a command is not given up before a device was asked."
_COMMAND_LASTS = COMMAND_WITHIN - timedelta(seconds=1)
_COMMAND_AT_MOST = timedelta(seconds=20)
_OF_CASES = (Escalated, Updated, CaseTaken, CaseClosed)

Name = tuple[int, int, datetime]
"""Boot, serial, and the gateway's own moment of a record's decision. Not even the first two name
it for ever: a start on a disk that takes nothing counts no boot, and the next has the same."""


class GatewayEnd:
    """Fills the chronicle of one home."""

    def __init__(
        self, chronicle: HomeChronicle, heard: Callable[[datetime, Observation], None]
    ) -> None:
        """`heard` is told of every observation as the gateway is handed it."""
        self.reached: set[int] = set()
        "Commands that a device was asked to carry out."
        self.violations: list[Violation] = []
        "Of what no checker of chronicles can know."
        self._chronicle = chronicle
        self._heard = heard
        self.boot = 0
        self.off = timedelta()
        "The gateway's clock less the true time, as of its start or its last correction."
        self._told: dict[Name, datetime] = {}
        "When a record was decided."
        self._waiting: dict[Name, datetime] = {}
        self._written: set[Name] = set()
        self._commands: dict[int, datetime] = {}
        self._queued: set[bytes] = set()

    # ------------------------------------------------------------------------ while it runs

    def take(self, at: datetime, happening: Happening) -> None:
        """Something happened at a true moment."""
        match happening:
            case Observation():
                self._observed(at, happening)
            case LifeSeen():
                if happening.counted:
                    age = at + self.off - happening.at
                    sign = at - max(age, timedelta())
                    _note_moment(self._chronicle.signs, moment_us(sign))
            case Delivered(_, serial):
                for name in [name for name in self._waiting if name[1] == serial]:
                    del self._waiting[name]
            case _:
                self._decided(at, happening)

    def waiting_since(self) -> datetime | None:
        """Since when the oldest record waits for the center."""
        return min(self._waiting.values(), default=None)

    def commanding(self, now: datetime) -> bool:
        """Whether a command is under way."""
        return any(now - at < _COMMAND_AT_MOST for at in self._commands.values())

    def decided_at(self, record: Name) -> datetime | None:
        """When a record was decided, as far as is known by now."""
        return self._told.get(record)

    def _observed(self, at: datetime, seen: Observation) -> None:
        chronicle = self._chronicle
        chronicle.observations += 1
        moments = chronicle.heard.setdefault(DeviceId(seen.device), array("q"))
        _note_moment(moments, moment_us(at))
        self._heard(at, seen)

    def _decided(self, at: datetime, event: Event) -> None:
        match event:
            case Started(own, boot):
                self.boot = boot
                self.off = own - at
                self._commands.clear()
                self._chronicle.runs.append(Run(boot, at, None))
            case TimeMoved(own, trusted, source, shift):
                self.off = own - at
                self._chronicle.moved.append(Moved(at, shift // _US, trusted, source))
            case Commanded(_, command):
                self._commands[command.id] = at
            case CommandEnded(_, number, ok):
                self._command_ended(at, number, ok=ok)
            case Escalated() | Updated():
                self._told[self.boot, event.serial, event.at] = at
                self._waiting[self.boot, event.serial, event.at] = at
            case _:
                pass
        self._chronicle.decided.append(Decided(at, event, self.boot))

    def gauge(self, path: Path, at: datetime) -> None:
        """Look at a copy of the journal of a gateway that has nothing to do at this moment."""
        with _copied(path) as copy:
            found = recover(copy)
            if not found.damage:
                # Else it wrote just then.
                self._gauge(found, copy, at)

    def all_at(self, path: Path, stored: AbstractSet[bytes]) -> bool:
        """Whether the center has stored every record in the journal of a gateway that runs.

        An empty outbox does not say so: a center that was restored asks for what it misses with
        a later heartbeat. False where the gateway wrote just then.
        """
        with _copied(path) as copy:
            found = recover(copy)
            return not found.damage and stored >= {
                held.id for held in found.contents.outbox.values()
            }

    def _command_ended(self, at: datetime, number: int, *, ok: bool) -> None:
        commanded = self._commands.pop(number, None)
        reached = number in self.reached
        self.reached.discard(number)
        if ok or reached or commanded is None or at - commanded >= _COMMAND_LASTS:
            return
        took_s = (at - commanded).total_seconds()
        what = phrase(
            "Command {number} was refused after {seconds} s, and no device was asked.",
            number=number,
            seconds=f"{took_s:.1f}",
        )
        self.violations.append(Violation(COMMAND_REACHES, self._chronicle.number, at, what))

    # ------------------------------------------------------------------------- after its end

    def ended(self, at: datetime) -> None:
        """The process is gone."""
        runs = self._chronicle.runs
        if runs and runs[-1].ended is None:
            runs[-1] = Run(runs[-1].boot, runs[-1].began, at)

    def look_at_journal(self, path: Path, at: datetime) -> None:
        """Note what lies in the journal of a gateway that does not run at this moment."""
        files = Files(path)
        found = recover(files)
        known = {
            (type(one.event), one.event.serial, one.event.at)
            for one in self._chronicle.decided
            if isinstance(one.event, _OF_CASES)
        }
        for event in found.events:
            # A kill kept it from being told; it is in the journal all the same.
            if isinstance(event, _OF_CASES):
                if (type(event), event.serial, event.at) in known:
                    continue
                if isinstance(event, Escalated | Updated):
                    self._told[self.boot, event.serial, event.at] = at
                self._chronicle.decided.append(Decided(at, event, self.boot))
        for seq, held in sorted(found.contents.outbox.items()):
            if held.id in self._queued:
                continue
            self._queued.add(held.id)
            boot, decided = self._of(seq, at)
            self._chronicle.queued.append(
                Queued(decided, held.id, seq, boot, durable=True, signed=held.signed)
            )
        self._gauge(found, files, at)

    def note_unwritten(self, arrived: Mapping[Name, bytes]) -> None:
        """At the end: what was decided and is in no journal was queued in memory alone.

        Args:
            arrived: ids that the center has or had.

        """
        for name, at in sorted(self._told.items(), key=lambda one: one[1]):
            if name not in self._written:
                boot, seq, _ = name
                id_ = arrived.get(name, b"in memory, boot %d, number %d" % (boot, seq))
                queued = Queued(at, id_, seq, boot, durable=False, signed=b"")
                self._chronicle.queued.append(queued)
        self._chronicle.queued.sort(key=lambda one: one.at)

    def _of(self, seq: int, at: datetime) -> tuple[int, datetime]:
        """The boot and the moment in which the latest record of this number was decided."""
        found = [(moment, name) for name, moment in self._told.items() if name[1] == seq]
        if not found:
            return self.boot, at
        moment, name = max(found)
        self._written.add(name)
        return name[0], moment

    def _gauge(self, found: Found, files: Files, at: datetime) -> None:
        snapshot = inflated(found.contents)
        waiting = sum(held.delivered is None for held in found.contents.outbox.values())
        sizes = [each.stat().st_size for each in (files.main, files.wal) if each.exists()]
        self._chronicle.gauges.append(
            Gauge(
                at,
                waiting,
                sum(1 for _ in found.contents.puts()),
                sum(sizes),
                self.off // _US,
                0 if snapshot is None else len(snapshot),
            )
        )


@contextmanager
def _copied(path: Path) -> Iterator[Files]:
    """A copy of the journal of a gateway that runs."""
    files = Files(path)
    with TemporaryDirectory(prefix="ongi-rig-") as folder:
        copy = Files(Path(folder) / path.name)
        for ours, theirs in ((files.main, copy.main), (files.wal, copy.wal)):
            with suppress(FileNotFoundError):
                shutil.copyfile(ours, theirs)
        yield copy


def _note_moment(moments: "array[int]", now_us: int) -> None:
    """Of many within a minute the first and the last."""
    if len(moments) > 1 and now_us - moments[-2] < _MINUTE_US:
        moments[-1] = max(now_us, moments[-1])
    else:
        moments.append(now_us)
