"""What a gateway decided, what waits for the center, and what else outlives a restart."""

import fcntl
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nsmallest
from pathlib import Path
from typing import Self

import cbor2

from edge.finding import Finding
from edge.journal._disk import Disk
from edge.journal._files import Files
from edge.journal._recovery import LOST, Found, deflated, inflated, next_serial, recover
from edge.journal._rows import Change, Contents, Drop, Entry, Fact, Held, Put, State, Value
from edge.journal._store import Store
from edge.outbox import JournalFailing, OutboxRow
from rules.codec import moment_at, moment_us, plain
from rules.errors import ConfigError, phrase
from rules.events import SOFT, Event

RETAINED = timedelta(days=30)
"How long persisted records are kept for a center that is restored from a backup."
RETAINED_MAX = 5_000
ENTRIES_MAX = 10_000
"Entries that the state includes kept for the good copy's sake, should it not be renewed for long."
NEWS_MAX = 8
"Tokens echoed: as many as one reply of the center has news."
_TOKEN_BYTES = 8
_SERIALS_A_SECOND = 10
"More than a gateway uses, over any time that begins with a start."
_CHANCE_BYTES = 4


@dataclass(frozen=True, slots=True)
class Recovery:
    """How the journal was found at the start."""

    what: tuple[Finding, ...]
    "Empty if all is well."
    durable: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """What outlived the restart."""

    snapshot: bytes | None
    events: list[Event]
    "Hard events after the snapshot, in order, and the soft ones beside them."
    boot: int
    last_moment: datetime | None
    "Of the newest `append` or `save`, by the clock of then."
    next_serial: int
    lost: timedelta = timedelta()
    "Of the time before `last_moment`: what `save` took in then went with a damaged file."


class Journal:
    """The journal and outbox of one gateway: its only writer, over one store.

    No method fails because of the disk, save `reserve_sequence`: see `durable`, `drain_findings`.
    """

    def __init__(self, store: Store, found: Found, lock: int | None = None) -> None:
        contents = found.contents
        self._store = store
        self._lock = lock
        self._entry = max(contents.entries, default=0)
        if contents.state:
            self._entry = max(self._entry, contents.state.upto)
        self._good_upto = 0
        self._boot = contents.number(Fact.BOOT) or 0
        self._stored = Stored(
            inflated(contents),
            list(found.events),
            self._boot,
            _last_moment(contents),
            next_serial(contents, found.events),
            _lost(contents) if found.damage else timedelta(),
        )
        self.recovery = Recovery(store.drain_findings(), store.durable)

    @classmethod
    def open(cls, path: Path, now: datetime) -> Self:
        """The journal in `path` with the files beside it, made if there never was one.

        Raises:
            ConfigError: another gateway runs on this folder.

        """
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
        lock = _locked(path.parent)
        files = Files(path)
        found = recover(files)
        return cls(Store(Disk(files), found, now), found, lock)

    def close(self) -> None:
        """Leave what it is kept on in good order."""
        self._store.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # What the gateway asks.

    @property
    def durable(self) -> bool:
        """Whether all that was written is on disk; false while the disk fails."""
        return self._store.durable

    def drain_findings(self) -> tuple[Finding, ...]:
        """What was found of journal and disk since the start or the last call."""
        return self._store.drain_findings()

    def load(self) -> Stored:
        """What was there at the start."""
        return self._stored

    def append(self, events: Sequence[Event], rows: Sequence[OutboxRow], now: datetime) -> None:
        """Events and their outbox rows in one transaction; soft ones alone are left to `save`."""
        changes: list[Change] = []
        if not all(isinstance(event, SOFT) for event in events):
            self._entry += 1
            body = cbor2.dumps([plain(event, Event) for event in events])
            changes.append(Put(self._entry, Entry(moment_us(now), body)))
        for row in rows:
            assert row.seq not in self._outbox, f"a second record {row.seq}"
            changes.append(Put(row.seq, Held(row.id, row.priority, None, row.signed)))
        self._store.write(changes, now)

    def save(self, snapshot: bytes, now: datetime) -> None:
        """The engine's state, which includes all events so far.

        Entries since the good copy stay: with its state they make up for a damaged state here.
        """
        state = State(self._entry, moment_us(now), deflated(snapshot))
        obsolete = max(self._good_upto, self._entry - ENTRIES_MAX)
        old = [n for n in self._store.contents.entries if n <= obsolete]
        self._store.write([Put(1, state), *(Drop(Entry, n) for n in old)], now)

    def keep_good_copy(self, now: datetime) -> None:
        """Renew the copy that a damaged journal is restored from."""
        state = self._store.contents.state
        if self._store.keep_good_copy(now) and state:
            self._good_upto = state.upto

    def new_boot(self) -> int:
        """Count one more start of the gateway."""
        self._boot += 1
        self._store.write([Put(Fact.BOOT, Value(self._boot))])
        return self._boot

    def first_serial(
        self, known: int, down: timedelta | None, random: Callable[[int], bytes]
    ) -> int:
        """The serial that this run begins with, to be asked after `new_boot`.

        Serials that runs used in memory, while the disk took nothing, are in no row, and the
        center knows them. So some are left out: ten for each second since the last write, which
        keeps the order of several such runs too; by chance where nobody knows the time and the
        disk still takes nothing.

        Args:
            known: the engine's next serial.
            down: since `Stored.last_moment`, None if no clock can tell.
            random: that many bytes by chance.

        """
        first = max(known, self._stored.next_serial)
        if down is not None:
            return first + int(down.total_seconds() * _SERIALS_A_SECOND)
        return first if self.durable else first + int.from_bytes(random(_CHANCE_BYTES))

    def prune(self, now: datetime, keep: Collection[int] = ()) -> None:
        """Drop records that the center has had for 30 days, but those of the serials to `keep`.

        Not to be called while time is untrusted. The newest record stays: serials go on from it.
        """
        long_ago = moment_us(now - RETAINED)
        persisted = [
            (seq, held.delivered)
            for seq, held in sorted(self._outbox.items())
            if held.delivered is not None
        ]
        newest = max(self._outbox, default=0)
        surplus = len(persisted) - RETAINED_MAX
        self._store.write(
            [
                Drop(Held, seq)
                for n, (seq, delivered) in enumerate(persisted)
                if (delivered < long_ago or n < surplus) and seq != newest and seq not in keep
            ],
            now,
        )

    def record_id(self, serial: int) -> bytes | None:
        """The id of the record with this serial, while its row is here."""
        held = self._outbox.get(serial)
        return held.id if held else None

    def serial_of(self, id_: bytes) -> int | None:
        """The serial of the record with this id, while its row is here."""
        return next((seq for seq, held in self._outbox.items() if held.id == id_), None)

    def remember_news(self, tokens: Sequence[bytes]) -> None:
        """What news said is journaled: echo its token, of all the newest eight."""
        seen = tuple(dict.fromkeys((*tokens, *self.news_seen())))[:NEWS_MAX]
        if seen != self.news_seen():
            self._store.write([Put(Fact.NEWS, Value(b"".join(seen)))])

    # What the uplink asks: `edge.outbox.Outbox`.

    def pending(self, limit: int) -> list[OutboxRow]:
        """At most `limit` rows that wait: the most urgent first, of these the oldest."""
        first = nsmallest(limit, ((held.priority, seq) for seq, held in self._waiting()))
        return [
            OutboxRow(self._outbox[seq].id, seq, priority, self._outbox[seq].signed)
            for priority, seq in first
        ]

    def depth(self) -> int:
        """How many rows wait."""
        return sum(1 for _ in self._waiting())

    def delivered(self, ids: Sequence[bytes], now: datetime) -> None:
        """The center has persisted these."""
        at = moment_us(now)
        told = frozenset(ids)
        self._store.write(
            [
                Put(seq, held._replace(delivered=at))
                for seq, held in self._waiting()
                if held.id in told
            ],
            now,
        )

    def send_again(self, first: int, last: int) -> int:
        """Let persisted rows of this range of seq wait again; how many."""
        again = [
            Put(seq, held._replace(delivered=None))
            for seq, held in self._outbox.items()
            if first <= seq <= last and held.delivered is not None
        ]
        self._store.write(again)
        return len(again)

    def retained(self) -> tuple[int, int]:
        """First and last seq of the persisted rows still here; (0, 0) if there are none."""
        persisted = [seq for seq, held in self._outbox.items() if held.delivered is not None]
        return (min(persisted), max(persisted)) if persisted else (0, 0)

    def sequence(self) -> int:
        """The highest OSCORE sender number reserved; those from it on are unused.

        0 also where it is not known, and then none can be reserved.
        """
        return max(0, self._store.sequence)

    def reserve_sequence(self, upto: int) -> None:
        """Let sender numbers below `upto` be used, now and after any crash.

        Raises:
            JournalFailing: that cannot be made durable, or which numbers were used is not known.

        """
        if self._store.sequence == LOST:
            raise JournalFailing("which sender numbers were used was lost with the journal")
        if upto > self._store.sequence:
            self._store.reserve_sequence(upto)

    def news_seen(self) -> tuple[bytes, ...]:
        """Tokens of the center's newest news, to be echoed."""
        tokens = self._store.contents.octets(Fact.NEWS)
        return tuple(tokens[n : n + _TOKEN_BYTES] for n in range(0, len(tokens), _TOKEN_BYTES))

    @property
    def _outbox(self) -> dict[int, Held]:
        return self._store.contents.outbox

    def _waiting(self) -> Iterator[tuple[int, Held]]:
        return ((seq, held) for seq, held in self._outbox.items() if held.delivered is None)


def _last_moment(contents: Contents) -> datetime | None:
    """That of the newest row, not the latest: a clock may have been set back since."""
    newest = max(contents.entries, default=0)
    if contents.state and contents.state.upto >= newest:
        return moment_at(contents.state.at)
    return moment_at(contents.entries[newest].at) if newest else None


def _lost(contents: Contents) -> timedelta:
    """How much later the newest row is than the state, which may be that of the good copy."""
    known = min((entry.at for entry in contents.entries.values()), default=None)
    if contents.state:
        known = contents.state.at
    last = _last_moment(contents)
    if known is None or last is None:
        return timedelta()
    return max(last - moment_at(known), timedelta())


def _locked(folder: Path) -> int | None:
    """Keep other gateways out of a folder; None where there is none to lock."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ConfigError(
            str(folder), phrase("a gateway that runs on it"), phrase("stop that one first")
        ) from None
    except OSError:
        # A file system without locks: better unguarded than silent.
        return descriptor
    return descriptor
