"""What the uplink needs of the outbox; the journal is it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class JournalFailing(OSError):  # noqa: N818 -- names what happened
    """The disk would not take it: nothing was made durable."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A signed record on its way to the center."""

    id: bytes
    "UUIDv7 of the record."
    seq: int
    priority: int
    "0 is the most urgent."
    signed: bytes
    "The COSE_Sign1 as it goes out."


class Outbox(Protocol):
    """Records until the center has persisted them, and for 30 days more."""

    def pending(self, limit: int) -> list[OutboxRow]:
        """Up to `limit` rows, the most urgent first, and of these the oldest."""

    def delivered(self, ids: Sequence[bytes], now: datetime) -> None:
        """The center has persisted these."""

    def send_again(self, first: int, last: int) -> int:
        """Persisted rows with a seq in this range become pending again; how many."""

    def retained(self) -> tuple[int, int]:
        """First and last seq of the rows persisted within 30 days; (0, 0) if there are none."""

    def depth(self) -> int:
        """How many rows are pending."""

    def reserve_sequence(self, upto: int) -> None:
        """Durably note that OSCORE numbers below `upto` may be used.

        Raises:
            JournalFailing: it could not be made durable; no new number may be used.

        """

    def sequence(self) -> int:
        """The highest number reserved so far, 0 at first; numbers from it on are unused."""

    def news_seen(self) -> tuple[bytes, ...]:
        """Tokens of news that are journaled, to be told to the center."""
