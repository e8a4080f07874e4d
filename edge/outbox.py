"""What the uplink needs of the journal: records that wait, and a sequence that never repeats."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class JournalFailing(OSError):  # noqa: N818 -- names what happened, as `LinkLost` does
    """The journal cannot make something durable now: the disk is full, read-only or broken."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One signed record on its way to the center."""

    id: bytes
    "UUIDv7, 16 bytes; the center knows a repeated record by it."
    seq: int
    "Serial of the event that it was made of."
    priority: int
    "0 leaves first."
    signed: bytes
    "COSE_Sign1, as it goes on the wire."


class Outbox(Protocol):
    """Records not yet persisted by the center, and what the exchange with it must remember."""

    def pending(self, limit: int) -> list[OutboxRow]:
        """At most `limit` records that wait: the most urgent first, then the oldest."""

    def delivered(self, ids: Sequence[bytes], now: datetime) -> None:
        """The center has persisted these. Unknown ids are ignored."""

    def send_again(self, first: int, last: int) -> int:
        """Let persisted records of this range of `seq` wait again; how many."""

    def retained(self) -> tuple[int, int]:
        """First and last `seq` of the persisted records still held; (0, 0) if none."""

    def depth(self) -> int:
        """How many records wait."""

    def reserve_sequence(self, upto: int) -> None:
        """Make it durable that OSCORE sender numbers below `upto` may be used.

        Raises:
            JournalFailing: it cannot be made durable; no new number may be used.

        """

    def sequence(self) -> int:
        """The highest `upto` reserved so far; after a restart the first number that is unused."""

    def news_seen(self) -> tuple[bytes, ...]:
        """Tokens of the center's news that are journaled here, to be echoed to it."""
