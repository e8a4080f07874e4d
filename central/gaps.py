"""Which records of a gateway the center asks for again: those that it should know and does not.

A gateway tells with each heartbeat from which number to which it holds records that a center has
persisted. Of what a center does not know of them, a restored one has forgotten some, and some
numbers were never used: each start of a gateway leaves out as many as it might have used in
memory. So the numbers are looked through from the newest down, eight ranges a heartbeat, and what
was asked for in vain three times, since replies are lost, rests for an hour.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

Span = tuple[int, int]
"Of numbers, both ends included."

RANGES = 8
"Missing ranges in one reply."
WALKS = 3
"So often is it all looked through without a rest."
AGAIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Page:
    """What one look at the records found."""

    span: Span
    "Looked through."
    missing: tuple[Span, ...]
    "Of it, newest first."


class Gaps:
    """What was looked through of one gateway's numbers, and when to look again."""

    def __init__(self) -> None:
        self._done: Span | None = None
        "Looked through in this walk; grows at both ends."
        self._missed = False
        "In this walk something was missing."
        self._walks = 0
        "Ended in a row in which something was."
        self._ended: datetime | None = None

    def to_look_at(self, held: Span, now: datetime) -> tuple[Span, ...]:
        """What to look through now of the numbers held, newest first; mostly nothing."""
        first, last = held
        if not 0 < first <= last:
            return ()
        spans = self._left(held)
        if not spans and self._missed and not self._rests(now):
            self._done, self._missed = None, False
            spans = (held,)
        return spans

    def take(self, pages: list[Page], held: Span, now: datetime) -> tuple[Span, ...]:
        """Take in what a look found. Returns what to ask for, oldest first."""
        for page in pages:
            self._done = _joined(self._done, page.span)
            self._missed |= bool(page.missing)
        if pages and not self._left(held):
            self._walks = self._walks + 1 if self._missed else 0
            self._ended = now
        return tuple(sorted(span for page in pages for span in page.missing))

    def _left(self, held: Span) -> tuple[Span, ...]:
        if self._done is None:
            return (held,)
        (first, last), (low, high) = held, self._done
        above = max(first, high + 1), last
        below = first, min(last, low - 1)
        return tuple(span for span in (above, below) if span[0] <= span[1])

    def _rests(self, now: datetime) -> bool:
        if self._walks < WALKS or self._ended is None:
            return False
        # A clock that was set back must not make it a long rest.
        return timedelta() <= now - self._ended < AGAIN


def _joined(done: Span | None, more: Span) -> Span:
    """Both as one; if something lies between them, what was looked through last."""
    if done is None or more[0] > done[1] + 1 or more[1] < done[0] - 1:
        return more
    return min(done[0], more[0]), max(done[1], more[1])
