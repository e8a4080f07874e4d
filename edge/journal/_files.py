"""Names of a journal's files, and what is remembered beside it."""

import json
import os
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edge.torn_proof import replace, sync_folder

BROKEN_KEPT = 3
"Broken files kept aside for a technician; older ones are deleted."


@dataclass(frozen=True, slots=True)
class Mark:
    """What must be known even when the journal and its copy are gone."""

    sequence: int
    "OSCORE sender numbers below this may have been used; never lower than in the journal."
    in_use: bool
    "The journal was not closed: its log belongs to it."


class Files:
    """The files of one journal, all in one folder."""

    def __init__(self, main: Path) -> None:
        self.main = main
        self.wal = main.with_name(main.name + "-wal")
        self._held = main.with_name(main.name + "-wal.held")
        self.good = main.with_suffix(".good" + main.suffix)
        self.new = main.with_suffix(".new" + main.suffix)
        "A whole newer journal that has not yet taken the place of the old one."
        self.ballast = main.with_suffix(".ballast")
        # Not named after the journal: who deletes that must not make the gateway reuse a nonce.
        self.mark = main.with_name("sequence.json")

    def broken(self) -> list[Path]:
        """Files kept aside, the oldest first."""
        found = self.main.parent.glob(f"{self.main.stem}.broken-*{self.main.suffix}")
        numbered = {_number(path): path for path in found}
        return [numbered[number] for number in sorted(numbered) if number]

    def existed(self) -> bool:
        """Whether there was a journal in this folder before."""
        return self.good.exists() or self.mark.exists() or bool(self.broken())

    def read_mark(self) -> Mark | None:
        """The mark, None if there is none or it is damaged."""
        try:
            document = json.loads(self.mark.read_bytes())
            mark = Mark(document["sequence"], document["in_use"])
            return mark if document["sum"] == _sum(mark) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write_mark(self, mark: Mark) -> None:
        """Make the mark durable.

        Raises:
            OSError: the disk would not take it.

        """
        document = {"sequence": mark.sequence, "in_use": mark.in_use, "sum": _sum(mark)}
        replace(self.mark, json.dumps(document).encode() + b"\n")

    def place(self, image: bytes, *, keep_old: bool) -> None:
        """Put a whole new journal in the place of the old one, which is kept aside or dropped.

        A crash leaves the old one, or `new` to be placed at the next start.

        Raises:
            OSError: the disk would not take it.

        """
        replace(self.new, image)
        if keep_old:
            self._set_aside()
        # The old log must be gone first: SQLite would play it over the new file.
        self.wal.unlink(missing_ok=True)
        self.new.replace(self.main)
        sync_folder(self.main.parent)

    def make_wal(self, size: int) -> None:
        """Make the log of a journal that has none, at its full size.

        Commits then never wait for the file system to grow it, need no free space, and a log that
        was cut off can be told.

        Raises:
            OSError: the disk would not take it.

        """
        if not self.wal.exists():
            replace(self.wal, bytes(size))

    def hold_wal(self) -> None:
        """Keep the log from being deleted by SQLite as it closes, until `release_wal`."""
        with suppress(OSError):
            self._held.unlink(missing_ok=True)
            self._held.hardlink_to(self.wal)

    def release_wal(self) -> None:
        """Let the log be where it was."""
        with suppress(OSError):
            if self.wal.exists():
                self._held.unlink(missing_ok=True)
            else:
                self._held.replace(self.wal)

    def make_ballast(self, size: int) -> None:
        """Occupy room that is given up when the disk is full.

        Raises:
            OSError: there is no such room.

        """
        descriptor = os.open(self.ballast, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError:
            self.drop_ballast()
            raise
        finally:
            os.close(descriptor)

    def drop_ballast(self) -> None:
        """Give up the occupied room, if there is any."""
        with suppress(OSError):
            self.ballast.unlink(missing_ok=True)

    def _set_aside(self) -> None:
        kept = self.broken()
        number = _number(kept[-1]) + 1 if kept else 1
        aside = self.main.with_suffix(f".broken-{number}{self.main.suffix}")
        with suppress(FileNotFoundError):
            self.wal.replace(aside.with_name(aside.name + "-wal"))
        with suppress(FileNotFoundError):
            self.main.replace(aside)
        for old in self.broken()[:-BROKEN_KEPT]:
            old.unlink()
            old.with_name(old.name + "-wal").unlink(missing_ok=True)


def _number(broken: Path) -> int:
    """The number of a file kept aside; 0 if it is none of ours."""
    text = broken.stem.rpartition(".broken-")[2]
    return int(text) if text.isdecimal() else 0


def _sum(mark: Mark) -> int:
    return zlib.crc32(repr((mark.sequence, mark.in_use)).encode())
