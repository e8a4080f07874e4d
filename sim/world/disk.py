"""The memory card of a simulated gateway: a journal's medium that can be cut off at any write.

What was written stays, what was not is gone; so it is for SQLite with `synchronous=FULL`, which
tests of the real journal prove. Damage is done to real files, out of which the production recovery
saves what it can.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

from edge.journal import (
    Change,
    Contents,
    Files,
    Found,
    Put,
    deflated,
    inflated,
    recover,
    undamaged,
)
from edge.journal import Disk as RealDisk
from sim.faults.fault import FaultKind
from sim.world.history import TracedEngine, is_position
from sim.world.switches import Switches

BALLAST_BYTES = 1024 * 1024
_ROW_BYTES = 64
"What a row takes beside its own bytes, about."
_NO_SPACE = 28
_IO_ERROR = 5


class PowerCut(BaseException):
    """The power is gone in the middle of a decision. No program can catch it."""


class Disk:
    """An `edge.journal.Medium`; it outlives the runs of its gateway."""

    name = "journal.sqlite"

    def __init__(self, faults: Switches, random: Random) -> None:
        self._faults = faults
        self._random = random
        self._durable = Contents()
        self._good: Contents | None = None
        self._noted = 0
        self._attached = False
        self._room: int | None = None
        "Bytes left of the room that was given up; None while it is reserved or was never."
        self._reserved = False
        self._cut_in: int | None = None
        self.engine: TracedEngine | None = None
        "Whose positions stand in the states."
        self.spent = timedelta()
        "What a slow card has kept its writer waiting; the world takes it from here."

    # ------------------------------------------------------------------------------ the world's

    def cut_at(self, write: int | None) -> None:
        """Let the power go at the so-manieth write from now, before it or after it."""
        self._cut_in = write

    def found(self) -> Found:
        """What a start finds. States are real ones from here on."""
        self._settle()
        self._attached = False
        self._cut_in = None
        return undamaged(_copy(self._durable), self._noted)

    def damaged(self) -> Found:
        """What a start finds after bits have flipped in the files."""
        self._settle()
        self._attached = False
        self._cut_in = None
        with tempfile.TemporaryDirectory(prefix="ongi-sim-") as folder:
            files = Files(Path(folder) / self.name)
            real = RealDisk(files)
            real.place(_copy(self._durable), self._noted, keep_old=False)
            if self._good is not None:
                real.keep_good(self._good)
            real.close(self._noted)
            self._spoil(files.main)
            return recover(files)

    @property
    def rows(self) -> int:
        """How many rows lie on it."""
        return sum(1 for _ in self._durable.puts())

    @property
    def size(self) -> int:
        """How much the rows take, about; a state that is only a position counts as nothing."""
        return sum(_size(put) for put in self._durable.puts())

    def _settle(self) -> None:
        """Make real states of positions: the engine that knows them is about to be gone."""
        for contents in (self._durable, self._good):
            if contents is None or contents.state is None:
                continue
            position = inflated(contents)
            if position is not None and is_position(position):
                assert self.engine is not None
                body = deflated(self.engine.state_at(position))
                contents.states[1] = contents.state._replace(body=body)
        self.engine = None

    def _spoil(self, main: Path) -> None:
        """Flip a byte of some rows, or cut the file short."""
        if self._random.random() < 0.25:
            whole = main.read_bytes()
            main.write_bytes(whole[: len(whole) * self._random.randint(0, 9) // 10])
            return
        database = sqlite3.connect(main, isolation_level=None)
        for table, column in (("state", "body"), ("entry", "body"), ("outbox", "signed")):
            if self._random.random() < 0.5:
                continue
            rows = database.execute(
                f"SELECT rowid, {column} FROM {table} ORDER BY rowid"  # noqa: S608 -- names of ours
            ).fetchall()
            if rows:
                number, body = rows[self._random.randrange(len(rows))]
                at = self._random.randrange(len(body))
                flipped = body[:at] + bytes([body[at] ^ 0x10]) + body[at + 1 :]
                database.execute(
                    f"UPDATE {table} SET {column} = ? WHERE rowid = ?",  # noqa: S608 -- as above
                    (flipped, number),
                )
        database.close()

    # ------------------------------------------------------------------------------- the medium

    @property
    def attached(self) -> bool:
        """Every change so far is on it."""
        return self._attached

    def attach(self, sequence: int) -> None:
        """Begin to write on what lies there."""
        self._need(_ROW_BYTES)

        def note() -> None:
            self._noted = max(self._noted, sequence)

        self._write(note)
        self._attached = True

    def place(self, contents: Contents, sequence: int, *, keep_old: bool) -> None:
        """Put a whole journal in the old one's place."""
        del keep_old  # Nobody looks at what is kept aside.
        self._attached = False
        self._need(sum(_size(put) for put in contents.puts()))

        def put() -> None:
            self._durable = _copy(contents)

        self._write(put)
        self.attach(sequence)

    def write(self, changes: Sequence[Change]) -> None:
        """Make the changes durable."""
        size = sum(_size(change) for change in changes if isinstance(change, Put))
        self._need(size, database=True)
        self._write(lambda: self._durable.make(changes))

    def detach(self) -> None:
        """Leave what lies there."""
        self._attached = False

    def close(self, sequence: int) -> None:
        """Leave it in good order."""
        del sequence
        self._attached = False

    def present(self) -> bool:
        """It always is."""
        return True

    def keep_good(self, contents: Contents) -> None:
        """Renew the good copy."""
        self._need(sum(_size(put) for put in contents.puts()))

        def keep() -> None:
            self._good = _copy(contents)

        self._write(keep)
        self._forget()

    def note_sequence(self, sequence: int) -> None:
        """Note a sequence beside the journal."""
        self._need(_ROW_BYTES)

        def note() -> None:
            self._noted = sequence

        self._write(note)

    def reserve_room(self) -> None:
        """Occupy the room, unless the card is full or refuses."""
        if self._faults.on(FaultKind.DISK_FULL):
            raise OSError(_NO_SPACE, "No space left on device")
        if self._faults.on(FaultKind.DISK_REFUSING):
            raise OSError(_IO_ERROR, "Input/output error")
        self._reserved, self._room = True, None

    def give_room(self) -> bool:
        """Give the room up."""
        had, self._reserved = self._reserved, False
        if had:
            self._room = BALLAST_BYTES
        return had

    def _need(self, size: int, *, database: bool = False) -> None:
        """Refuse what the card has no room for, or refuses."""
        if self._faults.on(FaultKind.DISK_REFUSING):
            if database:
                raise sqlite3.OperationalError("disk I/O error")
            raise OSError(_IO_ERROR, "Input/output error")
        if not self._faults.on(FaultKind.DISK_FULL):
            return
        if self._room is None or self._room < size:
            if database:
                raise sqlite3.OperationalError("database or disk is full")
            raise OSError(_NO_SPACE, "No space left on device")
        self._room -= size

    def _write(self, change: Callable[[], None]) -> None:
        """A write boundary: the power may go before it or after it."""
        if self._faults.on(FaultKind.DISK_SLOW):
            self.spent += timedelta(seconds=self._faults.amount(FaultKind.DISK_SLOW))
        if self._cut_in is not None:
            self._cut_in -= 1
            if self._cut_in <= 0:
                self._cut_in = None
                if self._random.random() < 0.5:
                    change()
                raise PowerCut
        change()

    def _forget(self) -> None:
        """Let go of history that no state on the card needs."""
        if self.engine is None:
            return
        needed = [
            position
            for contents in (self._durable, self._good)
            if contents is not None
            and (position := inflated(contents)) is not None
            and is_position(position)
        ]
        if needed:
            self.engine.forget(min(needed))


def _copy(contents: Contents) -> Contents:
    return replace(
        contents,
        entries=dict(contents.entries),
        states=dict(contents.states),
        outbox=dict(contents.outbox),
        facts=dict(contents.facts),
    )


def _size(put: Put) -> int:
    return _ROW_BYTES + sum(len(value) for value in put.row if isinstance(value, bytes))
