"""What tests put into a journal, and how they look at what comes out."""

import random
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge.journal import Journal
from edge.outbox import OutboxRow
from rules.alarm import AlarmKey, AlarmKind, Move
from rules.events import AlarmMoved, Escalated, Event
from rules.observation import DeviceId
from rules.sentence import Say, sentence

NOW = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def escalation(serial: int) -> list[Event]:
    """The two events of a raised alarm."""
    moment = at(serial)
    alarm = AlarmKey(AlarmKind.LEAK, DeviceId(f"leak-{serial}"))
    told = (sentence(Say.LEAK, at=moment, room="욕실"),)
    return [
        AlarmMoved(moment, alarm, Move.RAISE),
        Escalated(moment, serial, alarm, 1, told, "욕실", b""),
    ]


def record(serial: int, priority: int = 1) -> OutboxRow:
    """A record whose bytes are drawn from its serial."""
    draw = random.Random(serial)
    return OutboxRow(draw.randbytes(16), serial, priority, draw.randbytes(190))


def snapshot(number: int, size: int = 6000) -> bytes:
    """A state of an engine's size, half of it compressible; no two are equal."""
    draw = random.Random(-number)
    return b"%d " % number + bytes(size // 2) + draw.randbytes(size // 2)


@dataclass(frozen=True)
class Seen:
    """All that a journal gives."""

    snapshot: bytes | None
    events: tuple[Event, ...]
    waiting: frozenset[OutboxRow]
    retained: tuple[int, int]
    news: tuple[bytes, ...]


def seen(journal: Journal) -> Seen:
    """All that outlives a restart, save numbers that may skip ahead."""
    stored = journal.load()
    return Seen(
        stored.snapshot,
        tuple(stored.events),
        frozenset(journal.pending(10_000)),
        journal.retained(),
        journal.news_seen(),
    )


def reopened(folder: Path, into: Path) -> Journal:
    """The journal as it would be found if the gateway were killed now."""
    shutil.rmtree(into, ignore_errors=True)
    shutil.copytree(folder, into)
    return Journal.open(into / "journal.sqlite", NOW)
