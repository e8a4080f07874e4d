"""Which records go out together, and what becomes of one that the center refuses.

A refused record is never given up: it goes out alone, ever more rarely, so that it blocks no other
and is taken once the center can.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from edge.outbox import OutboxRow
from protocol.records import BATCH_BYTES_MAX, BATCH_MAX

FIRST_RETRY_S = 60.0
LAST_RETRY_S = 900.0
"Often enough for an SOS that only a wrong setting of the center kept out."
_ROW_OVERHEAD = 3
"CBOR's head of a byte string of up to 64 KiB."


@dataclass(frozen=True, slots=True)
class _Refusal:
    retry_at_s: float
    wait_s: float


class Batches:
    """Seconds are those of any clock that only runs on."""

    def __init__(self) -> None:
        self._alone: set[bytes] = set()
        self._refused: dict[bytes, _Refusal] = {}

    @property
    def look_at(self) -> int:
        """How many pending rows must be looked at to find a full batch."""
        return BATCH_MAX + len(self._refused)

    @property
    def refused_count(self) -> int:
        """Records that the center does not take."""
        return len(self._refused)

    def choose(self, pending: Sequence[OutboxRow], at_s: float) -> list[OutboxRow]:
        """The next batch, in the order of `pending`; empty if nothing is due.

        `pending` are the first `look_at` rows that wait, or all if there are fewer.
        """
        batch: list[OutboxRow] = []
        size = 1
        for row in pending:
            refusal = self._refused.get(row.id)
            if refusal is not None and refusal.retry_at_s > at_s:
                continue
            alone = refusal is not None or row.id in self._alone
            size += _ROW_OVERHEAD + len(row.signed)
            if batch and (alone or size > BATCH_BYTES_MAX):
                break
            batch.append(row)
            if alone or len(batch) == BATCH_MAX:
                break
        if not batch:
            # All that waits is refused. What else was has left the outbox, and is not waited for.
            self._refused = {row.id: self._refused[row.id] for row in pending}
            self._alone.clear()
        return batch

    def refuse(self, batch: Sequence[OutboxRow], at_s: float) -> OutboxRow | None:
        """The center refused this batch for good.

        Returns the row if it was one alone that is refused for the first time.
        """
        if len(batch) > 1:
            # One of them; alone, each will show.
            self._alone.update(row.id for row in batch)
            return None
        (row,) = batch
        known = self._refused.get(row.id)
        wait_s = FIRST_RETRY_S if known is None else min(2 * known.wait_s, LAST_RETRY_S)
        self._refused[row.id] = _Refusal(at_s + wait_s, wait_s)
        self._alone.discard(row.id)
        return row if known is None else None

    def deliver(self, batch: Sequence[OutboxRow]) -> None:
        """The center has persisted this batch."""
        for row in batch:
            self._alone.discard(row.id)
            self._refused.pop(row.id, None)

    def next_retry_s(self) -> float | None:
        """When the next refused record is due again, if there is one."""
        return min((each.retry_at_s for each in self._refused.values()), default=None)
