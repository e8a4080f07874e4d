"""An outbox in memory that outlives the uplink it is given to, as the journal does."""

from collections.abc import Sequence
from datetime import UTC, datetime

from edge.outbox import JournalFailing, OutboxRow
from protocol.identity import GatewayIdentity
from protocol.records import Record, RecordKind, encode, uuid7
from protocol.signature import sign
from rules.alarm import AlarmKind
from rules.sentence import Say, sentence

MOMENT = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)


class HeldOutbox:
    """`edge.outbox.Outbox` without a disk. `full` makes it refuse to note numbers."""

    def __init__(self) -> None:
        self.rows: dict[bytes, OutboxRow] = {}
        self.done: dict[bytes, datetime] = {}
        self.full = False
        self.reserved = 0
        self.seen: tuple[bytes, ...] = ()

    def add(self, *rows: OutboxRow) -> None:
        """Put rows in, as a transaction would."""
        self.rows.update((row.id, row) for row in rows)

    def pending(self, limit: int) -> list[OutboxRow]:
        rows = [row for row in self.rows.values() if row.id not in self.done]
        return sorted(rows, key=lambda row: (row.priority, row.seq))[:limit]

    def delivered(self, ids: Sequence[bytes], now: datetime) -> None:
        self.done.update(dict.fromkeys(ids, now))

    def send_again(self, first: int, last: int) -> int:
        again = [row.id for row in self.rows.values() if first <= row.seq <= last]
        return sum(self.done.pop(each, None) is not None for each in again)

    def retained(self) -> tuple[int, int]:
        numbers = [self.rows[each].seq for each in self.done]
        return (min(numbers), max(numbers)) if numbers else (0, 0)

    def depth(self) -> int:
        return len(self.rows) - len(self.done)

    def reserve_sequence(self, upto: int) -> None:
        if self.full:
            raise JournalFailing("no space left")
        self.reserved = upto

    def sequence(self) -> int:
        return self.reserved

    def news_seen(self) -> tuple[bytes, ...]:
        return self.seen


def record(seq: int, gateway: str = "home-1", **changes: object) -> Record:
    """A record as an SOS makes it."""
    fields: dict[str, object] = {
        "id": uuid7(1_800_000_000_000 + seq, seq.to_bytes(10, "big")),
        "kind": RecordKind.ESCALATION,
        "gateway": gateway,
        "seq": seq,
        "boot": 3,
        "monotonic_ms": 1000 * seq,
        "wall": MOMENT,
        "time_trusted": True,
        "alarm": AlarmKind.SOS,
        "scope": "bath-button",
        "level": 1,
        "explanation": (sentence(Say.SOS_PRESSED, at=MOMENT, room="화장실"),),
        "room": "화장실",
        "activity": b"",
        "drill": False,
        "refers": None,
        "stage": None,
    }
    return Record(**(fields | changes))  # type: ignore[arg-type]  # a test names the fields


def row(identity: GatewayIdentity, seq: int, priority: int = 1) -> OutboxRow:
    """The outbox row of `record(seq)`."""
    made = record(seq, identity.gateway)
    signed = sign(encode(made), identity.private_key(), identity.sender_id)
    return OutboxRow(made.id, seq, priority, signed)
