"""An engine that keeps the events of its run: a snapshot costs nothing until it is needed.

A gateway saves its state about once a minute, half a million times a year; a simulated one needs
only the states that a crash finds on the disk. State is the fold of the events, so a position
among them says as much.
"""

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Self

from rules.engine import Engine
from rules.events import Event
from rules.inputs import Input
from rules.rulebook import Rulebook
from rules.state import State

_CHECKPOINT_EVERY = 20_000
"Events folded at most to find a state again: a tenth of a second."

_POSITION_BYTES = 8


def is_position(snapshot: bytes) -> bool:
    """Whether this is a position; a real snapshot is longer."""
    return len(snapshot) == _POSITION_BYTES


class TracedEngine(Engine):
    """The production engine; only its snapshots are positions, until `state_at` makes one real."""

    def __init__(self, book: Rulebook, state: State | None = None) -> None:
        super().__init__(book, state)
        self._events: deque[Event] = deque()
        self._forgotten = 0
        self._checkpoints: deque[tuple[int, bytes]] = deque()

    @classmethod
    def restored(cls, book: Rulebook, saved: bytes | None, events: Iterable[Event]) -> Self:
        """An engine from a real snapshot and the events after it; its history begins with it."""
        engine = super().restored(book, saved, events)
        assert isinstance(engine, cls)
        engine.begin()
        return engine

    def begin(self) -> None:
        """Begin the history here."""
        self._events.clear()
        self._forgotten = 0
        self._checkpoints = deque([(0, super().snapshot())])

    def handle(self, item: Input, now: datetime) -> list[Event]:
        """Decide, and keep what was decided."""
        events = super().handle(item, now)
        self._events.extend(events)
        if self._position() - self._checkpoints[-1][0] >= _CHECKPOINT_EVERY:
            self._checkpoints.append((self._position(), super().snapshot()))
        return events

    def snapshot(self) -> bytes:
        """The present position, for `state_at`."""
        return self._position().to_bytes(_POSITION_BYTES, "big")

    def state_at(self, position: bytes) -> bytes:
        """The real snapshot of a position that `snapshot` gave and `forget` has not dropped."""
        number = int.from_bytes(position, "big")
        begin, saved = max(point for point in self._checkpoints if point[0] <= number)
        engine = Engine.restored(
            self.book,
            saved,
            islice(self._events, begin - self._forgotten, number - self._forgotten),
        )
        return engine.snapshot()

    def state_bytes(self) -> int:
        """How long a real snapshot would be now."""
        return len(super().snapshot())

    def forget(self, before: bytes) -> None:
        """No position before this one will be asked for any more."""
        number = int.from_bytes(before, "big")
        while len(self._checkpoints) > 1 and self._checkpoints[1][0] <= number:
            self._checkpoints.popleft()
        first = self._checkpoints[0][0]
        while self._forgotten < first:
            self._events.popleft()
            self._forgotten += 1

    def _position(self) -> int:
        return self._forgotten + len(self._events)
