"""Keeps recorded radio frames from being played back, also after a restart.

A frame's counter must be greater than any before it. Before a frame with urgent news is passed on,
its counter is durable. For ordinary frames that would wear the disk out: a few counters are
reserved ahead instead, as many as the device uses in about two minutes. After a sudden end nobody
knows which of the reserved ones were used: ordinary frames among them are refused, urgent ones are
accepted, since an urgent one that had been passed on would be below the exact mark.

Ref: RFC 8613 appendix B.1.1 reserves a sender's numbers in the same way.
"""

from collections.abc import Collection
from enum import Enum
from hashlib import blake2b
from pathlib import Path
from typing import Final

from drivers.marks import Mark, MarkFile

LATE_BY: Final = 16
"A frame so many counters behind may have come through a slower receiver."

_WINDOW: Final = (1 << (LATE_BY + 1)) - 1
_MINUTE_US: Final = 60_000_000
_AHEAD_MAX: Final = 4_096
_RETRY_US: Final = _MINUTE_US
_MARKS_MAX: Final = 1_024
_MAC_BYTES: Final = 6


class Verdict(Enum):
    """What a counter says of its frame."""

    NEW = "new"
    UNSURE = "unsure"
    "Reserved by a run that ended suddenly: only urgent news in it counts."
    DUPLICATE = "duplicate"
    LATE = "late"
    "A little behind newer frames, and not heard before: its states may be so no more, but a press\
 in it is one that nobody has told of."
    REPLAY = "replay"


class _Track:
    """One key's counter."""

    __slots__ = ("advance", "barrier", "began", "mark", "pace", "reserved", "seen")

    def __init__(self, mark: int, barrier: int) -> None:
        self.mark = mark
        self.began = mark
        "The mark of the runs before: urgent news above it were passed on by none of them."
        self.barrier = barrier
        "Reserved by a run that did not end cleanly."
        self.reserved = mark
        "Durable: what this run may use up without writing."
        self.seen = 1
        "Bit n: the counter n below the mark was seen."
        self.advance = 0
        self.pace = 0


class CounterGuard:
    """Judges counters and keeps the marks. Ids are those of `key_id`."""

    def __init__(self, path: Path) -> None:
        """Load the marks of earlier runs; see `finding`."""
        self._file = MarkFile(path)
        marks, self.finding = self._file.load()
        "What was wrong with the file at the start, for the technician."
        self.failing: str | None = None
        "Why marks cannot be made durable at present."
        self._tracks = {id_: _Track(mark.exact, mark.reserved) for id_, mark in marks.items()}
        self.macs = frozenset(id_[:_MAC_BYTES] for id_ in marks)
        "Whose marks earlier runs have kept: devices of this home, as far as was known then."
        self._saved_us = 0
        self._failed_us: int | None = None

    def admit(self, id_: bytes, counter: int, at_us: int, *, urgent: bool) -> Verdict:
        """Judge an authenticated frame; when `NEW`, or urgent and `UNSURE` or `LATE`, pass it on.

        What must be durable before that is durable when this returns, unless the disk fails: then
        the frame counts all the same, and `failing` says why.
        """
        track = self._tracks.get(id_)
        if track is None:
            track = _Track(
                counter - 1, -1
            )  # What lies before it was used, or was not: never mind.
        if counter <= track.mark:
            verdict = _behind(track, counter)
            if urgent and verdict is Verdict.LATE:
                self._save(at_us)  # The mark, which is above it.
            return verdict
        unsure = counter <= track.barrier
        if unsure and not urgent:
            return Verdict.UNSURE
        self._tracks[id_] = track
        step = counter - track.mark
        track.seen = (track.seen << min(step, LATE_BY + 1) | 1) & _WINDOW
        # A device that was out of reach for a week is no faster for it.
        track.advance += 1 if track.mark == track.began else min(step, LATE_BY)
        track.mark = counter
        if urgent or (counter > track.reserved and not self._resting(at_us)):
            self._save(at_us)
        return Verdict.UNSURE if unsure else Verdict.NEW

    def retain(self, known: Collection[bytes]) -> None:
        """Forget the oldest marks of keys not among `known`, when there are too many."""
        spare = len(self._tracks) - _MARKS_MAX
        for id_ in [id_ for id_ in self._tracks if id_ not in known][: max(spare, 0)]:
            del self._tracks[id_]

    def close(self) -> None:
        """Write exact marks: after a clean end the very next counter of each device counts."""
        self._write({id_: Mark(t.mark, max(t.mark, t.barrier)) for id_, t in self._tracks.items()})

    def _resting(self, at_us: int) -> bool:
        """Whether a failing disk is left alone for now."""
        return self._failed_us is not None and at_us - self._failed_us < _RETRY_US

    def _save(self, at_us: int) -> None:
        span = at_us - self._saved_us
        for track in self._tracks.values():
            used = 2 * track.advance
            track.pace = used * _MINUTE_US // span if span >= _MINUTE_US else max(track.pace, used)
        marks = {
            id_: Mark(
                track.mark,
                max(track.mark + min(max(track.pace, 1), _AHEAD_MAX), track.barrier),
            )
            for id_, track in self._tracks.items()
        }
        if not self._write(marks):
            self._failed_us = at_us
            return
        self._failed_us = None
        self._saved_us = at_us
        for id_, mark in marks.items():
            self._tracks[id_].reserved = mark.reserved
            self._tracks[id_].advance = 0

    def _write(self, marks: dict[bytes, Mark]) -> bool:
        try:
            self._file.save(marks)
        except OSError as error:
            self.failing = f"counter marks cannot be written: {error.strerror}"
            return False
        self.failing = None
        return True


def _behind(track: _Track, counter: int) -> Verdict:
    lag = track.mark - counter
    if lag == 0:
        return Verdict.DUPLICATE
    if lag > LATE_BY or counter <= track.began:
        return Verdict.REPLAY
    if track.seen >> lag & 1:
        return Verdict.DUPLICATE
    track.seen |= 1 << lag
    return Verdict.LATE


def key_id(mac: bytes, key: bytes) -> bytes:
    """Names a device's counter: another key has another counter, an old key its old one again."""
    return mac + blake2b(key, digest_size=8, person=b"ongi marks").digest()
