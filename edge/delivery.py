"""Which records go out and when, and what the center's answer to them means.

Sans-I/O: the caller asks `due_s`, calls `next` by then, has the batch carried to the center and
hands back what came of it with `answered`. Seconds (`at_s`) are those of any clock that only runs
on, the same one in every call.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from aiocoap.numbers.codes import (
    BAD_REQUEST,
    CHANGED,
    CONFLICT,
    CREATED,
    FORBIDDEN,
    REQUEST_ENTITY_TOO_LARGE,
)

from edge.answer import Answer, NoAnswer
from edge.batches import Batches
from edge.outbox import Outbox, OutboxRow

_DELIVERED = (CREATED, CHANGED)
_REFUSED = (BAD_REQUEST, FORBIDDEN, CONFLICT, REQUEST_ENTITY_TOO_LARGE)
"Said of the record itself. Everything else may pass, and is tried again soon."

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
SHORTEST_GAP_S = 0.25
"Between two attempts, even where each new alarm asks for one."


class Delivery:
    """Empties the outbox, at most one exchange at a time.

    A new one does nothing until the first `notify`.
    """

    def __init__(
        self,
        outbox: Outbox,
        between: Callable[[float, float], float],
        *,
        refused: Callable[[OutboxRow, str], None],
        delivered: Callable[[Sequence[OutboxRow]], None],
    ) -> None:
        """Both calls may lead to `notify`.

        Args:
            outbox: where the records wait; what the center has persisted is noted there.
            between: for a least and a most a number from there to there, by chance.
            refused: the center does not take this record, for this reason; once for each. It
                stays in the outbox and is tried again.
            delivered: the center has persisted these; the outbox knows it already.

        """
        self.failures = 0
        "Exchanges in a row that brought nothing."
        self.why = ""
        "What went wrong last; empty while all is well."
        self._outbox = outbox
        self._between = between
        self._report_refused = refused
        self._report_delivered = delivered
        self._batches = Batches()
        self._under_way: list[OutboxRow] = []
        self._hurried = False
        "`notify` came while an exchange was under way: the batch may lack what it was about."
        self._due_s: float | None = None
        self._not_before_s: float | None = None
        "The end of the gap after the last failure."

    @property
    def refused_count(self) -> int:
        """Records that the center does not take."""
        return self._batches.refused_count

    def notify(self, at_s: float) -> None:
        """The outbox has grown or the link is back: a pause ends, but for the shortest gap."""
        if self._under_way:
            self._hurried = True
            return
        soon_s = at_s if self._not_before_s is None else max(at_s, self._not_before_s)
        self._due_s = soon_s if self._due_s is None else min(self._due_s, soon_s)

    def due_s(self) -> float | None:
        """When `next` is to be called; it may be past, then at once.

        None while an exchange is under way, and when only `notify` can bring something to do.
        """
        return self._due_s

    def next(self, at_s: float) -> list[OutboxRow]:
        """The batch that goes out now, in one request; then an exchange is under way.

        Empty, and nothing is under way, if nothing is pending or it is not yet time.
        """
        if self._due_s is None or at_s < self._due_s:
            return []
        batch = self._batches.choose(self._outbox.pending(self._batches.look_at), at_s)
        self._due_s = None if batch else self._batches.next_retry_s()
        self._under_way = batch
        self._hurried = False
        return batch

    def answered(self, answer: Answer | NoAnswer, at_s: float, now: datetime) -> None:
        """What came of the exchange under way; `now` is the moment that the outbox notes."""
        batch, self._under_way = self._under_way, []
        assert batch, "an answer without an exchange"
        wrong = _what_is_wrong(answer, batch)
        if not wrong:
            self._persisted(batch, at_s, now)
        elif isinstance(answer, Answer) and answer.code in _REFUSED:
            self._refused(batch, answer, at_s)
        else:
            self._failed(wrong, at_s)

    # The calls out come last: what they lead to finds the state as it is.

    def _persisted(self, batch: Sequence[OutboxRow], at_s: float, now: datetime) -> None:
        self._worked(at_s)
        self._batches.deliver(batch)
        self._outbox.delivered([row.id for row in batch], now)
        self._report_delivered(batch)

    def _refused(self, batch: Sequence[OutboxRow], answer: Answer, at_s: float) -> None:
        self._worked(at_s)
        first_time = self._batches.refuse(batch, at_s)
        if first_time is not None:
            self._report_refused(first_time, str(answer.code))

    def _worked(self, at_s: float) -> None:
        self.failures = 0
        self.why = ""
        self._due_s = at_s

    def _failed(self, why: str, at_s: float) -> None:
        self.failures += 1
        self.why = why
        longest_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self.failures - 1, 10))
        pause_s = longest_s * self._between(0.5, 1.0)
        self._not_before_s = at_s + min(SHORTEST_GAP_S, pause_s)
        self._due_s = self._not_before_s if self._hurried else at_s + pause_s


def _what_is_wrong(answer: Answer | NoAnswer, batch: Sequence[OutboxRow]) -> str:
    if isinstance(answer, NoAnswer):
        return answer.why
    if answer.code not in _DELIVERED:
        return str(answer.code)
    if answer.payload != b"".join(row.id for row in batch):
        return f"{answer.code} for other records"
    return ""
