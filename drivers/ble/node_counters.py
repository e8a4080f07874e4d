"""Counters of the commands that are sent to nodes: none is used twice, wherever this is killed.

Some are reserved ahead, so that the disk is written once in many commands. A node says how far
its own mark is when a counter was too low: an older copy of this file, another gateway before this
one, or a disk that takes nothing cost one more write over the air, and nothing else.
"""

from pathlib import Path
from typing import Final

from drivers.ble.node_frames import COUNTER_MAX
from drivers.marks import Mark, MarkFile

_AHEAD: Final = 64


class Exhausted(Exception):  # noqa: N818 -- names what became of the counter
    """All counters of this key are used up: the node needs a new key."""


class SentCounters:
    """The next counter of each node, by the id of its key (`drivers.guard.key_id`)."""

    def __init__(self, path: Path) -> None:
        """Go on behind whatever an earlier run may have used; see `finding`."""
        self._file = MarkFile(path)
        marks, self.finding = self._file.load()
        "What was wrong with the file at the start, for the technician."
        self.failing: str | None = None
        "Why counters cannot be made durable at present."
        self._used = {id_: mark.reserved for id_, mark in marks.items()}
        self._reserved = dict(self._used)

    def take(self, id_: bytes) -> int:
        """A counter above all before; durable as used, unless `failing` says why not.

        Raises:
            Exhausted: there is none left.

        """
        counter = self._used.get(id_, 0) + 1
        if counter > COUNTER_MAX:
            raise Exhausted
        self._used[id_] = counter
        if counter > self._reserved.get(id_, 0):
            self._reserve(id_, min(counter + _AHEAD - 1, COUNTER_MAX))
        return counter

    def learn(self, id_: bytes, mark: int) -> None:
        """The node has seen counters up to `mark`, by its own authenticated word."""
        self._used[id_] = max(mark, self._used.get(id_, 0))

    def close(self) -> None:
        """Write what was used exactly: a clean end wastes none."""
        self._write({id_: Mark(min(n, COUNTER_MAX), n) for id_, n in self._used.items()})

    def _reserve(self, id_: bytes, up_to: int) -> None:
        reserved = self._reserved | {id_: up_to}
        if self._write({one: Mark(min(n, self._used[one]), n) for one, n in reserved.items()}):
            self._reserved = reserved

    def _write(self, marks: dict[bytes, Mark]) -> bool:
        try:
            self._file.save(marks)
        except OSError as error:
            self.failing = f"counters of commands cannot be written: {error.strerror}"
            return False
        self.failing = None
        return True
