"""The medium of a real gateway: an SQLite file with its log, and what lies beside it."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress

from edge.journal._files import Files, Mark
from edge.journal._pages import WAL_BYTES, on_disk
from edge.journal._rows import PAGE, Change, Contents, transact
from edge.torn_proof import replace

BALLAST_BYTES = 1024 * 1024
"Thousands of alarms, or several times a whole journal written anew."
_CHECKPOINT_PAGES = WAL_BYTES * 3 // 4 // PAGE
"Leaves room in the log for the transaction that crosses it."
_LOCK_S_MAX = 1.0


class Disk:
    """The journal's files: a `Medium`."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._database: sqlite3.Connection | None = None
        self._room_reserved = False

    @property
    def name(self) -> str:
        """The file's."""
        return self._files.main.name

    @property
    def attached(self) -> bool:
        """Every change so far is in the file."""
        return self._database is not None

    def attach(self, sequence: int) -> None:
        """Begin to write on the file as it stands.

        Raises:
            OSError, sqlite3.Error: the disk would not take it.

        """
        self._files.make_wal(WAL_BYTES)
        mark = Mark(sequence, in_use=True)
        if self._files.read_mark() != mark:
            self._files.write_mark(mark)
        database = sqlite3.connect(
            f"{self._files.main.absolute().as_uri()}?mode=rw",
            uri=True,
            isolation_level=None,
            timeout=_LOCK_S_MAX,
        )
        try:
            # Before anything is read: then the log's index is kept in memory, not in a third file.
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.execute("PRAGMA synchronous = FULL")
            database.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            database.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
            database.execute("PRAGMA cache_size = -128")
            # Recovers what a crash left, and begins a new run of the log: frames of a transaction
            # that was cut short would else stand behind the first ones written now.
            database.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
            database.execute("BEGIN IMMEDIATE")
            database.execute("COMMIT")
        except sqlite3.Error:
            self._abandon(database)
            raise
        self._database = database

    def place(self, contents: Contents, sequence: int, *, keep_old: bool) -> None:
        """Put a whole journal in the file's place and begin to write on it.

        Raises:
            OSError, sqlite3.Error: the disk would not take it.

        """
        self.detach()
        self._files.place(on_disk(contents.image()), keep_old=keep_old)
        self.attach(sequence)

    def write(self, changes: Sequence[Change]) -> None:
        """Make the changes durable, all or none.

        Raises:
            sqlite3.Error: the disk would not take it.

        """
        assert self._database is not None
        transact(self._database, changes)

    def detach(self) -> None:
        """Leave the file as it stands, with its log."""
        if self._database is not None:
            self._abandon(self._database)
            self._database = None

    def close(self, sequence: int) -> None:
        """Leave the file in good order."""
        if self._database is not None:
            with suppress(sqlite3.Error, OSError):
                _, frames, moved = self._database.execute("PRAGMA wal_checkpoint").fetchone()
                if frames == moved:
                    # From here on the log, which closing deletes, holds nothing that is needed.
                    self._files.write_mark(Mark(sequence, in_use=False))
                    self._database.close()
                    self._database = None
        self.detach()

    def present(self) -> bool:
        """Whether the file is still there."""
        return self._files.main.exists()

    def keep_good(self, contents: Contents) -> None:
        """Renew the copy that a damaged file is restored from.

        Raises:
            OSError: the disk would not take it; the old copy stands.

        """
        replace(self._files.good, contents.image())

    def note_sequence(self, sequence: int) -> None:
        """Renew the mark beside the file.

        Raises:
            OSError: the disk would not take it; the old mark stands.

        """
        self._files.write_mark(Mark(sequence, in_use=True))

    def reserve_room(self) -> None:
        """Occupy room that alarms can have when the disk is full.

        Raises:
            OSError: there is no such room.

        """
        ballast = self._files.ballast
        if not (ballast.exists() and ballast.stat().st_size == BALLAST_BYTES):
            room = os.statvfs(self._files.main.parent)
            if room.f_bavail * room.f_frsize < 2 * BALLAST_BYTES:
                raise OSError(28, os.strerror(28))
            self._files.make_ballast(BALLAST_BYTES)
        self._room_reserved = True

    def give_room(self) -> bool:
        """Give up the occupied room; whether there was any."""
        had = self._room_reserved
        self._files.drop_ballast()
        self._room_reserved = False
        return had

    def _abandon(self, database: sqlite3.Connection) -> None:
        """Close but keep the log, which SQLite would delete: a missing one is taken for damage."""
        self._files.hold_wal()
        database.close()
        self._files.release_wal()
