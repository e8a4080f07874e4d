"""The files of the evidence log: lines with a checksum each, in numbered files of a day or so.

Only the newest is written to, and always at its end; whole old ones are deleted. Nothing has to be
repaired: a line that a power cut tore, or that lost a bit, does not prove itself and is passed
over by who reads. Ref: docs/decisions/0010-evidence-log.md.
"""

import errno
import logging
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from edge.evidence_line import LINE_MAX, decode, loaded, moment
from rules.errors import FrameError

FOLDER = "evidence"
FILE_BYTES = 1024 * 1024
"At which a file is full."
ALL_BYTES = 24 * 1024 * 1024
"Of all files: 90 days of three times the evidence of a home of 40 devices."
FILES_MAX = 256
"A gateway that tears a file at each of its starts must not fill the folder with files."
SPARED_BYTES = 8 * 1024 * 1024
"So much is left to the journal, which gives up room of its own for alarms when a disk is full."
_NAME = re.compile(r"(\d{6,})\.log")
_SUM_BYTES = 9
"Eight hex digits and a blank."
_TAIL_BYTES = 16 * 1024


_log = logging.getLogger(__name__)


class EvidenceFiles:
    """The files in one folder, made if need be."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path: Path | None = None
        "The file that is written to."
        self._size = 0
        self._torn = False
        self._newest: dict[Path, datetime | None] = {}
        "Of files that are complete: the moment of the last line."

    def go_on(self) -> datetime | None:
        """Go on in the newest file; the moment of its first line.

        None where a new one is to be begun: there is none, or its end is damaged; then it stays as
        it is, for what proves itself in it.

        Raises:
            OSError: the folder cannot be read.

        """
        found = files(self._folder)
        if not found:
            return None
        lines = found[-1].read_bytes().splitlines(keepends=True)
        first = proven(lines[0]) if lines else None
        last = proven(lines[-1]) if lines else None
        if first is None or last is None:
            if lines:
                _log.warning("%s is damaged: a new file of evidence is begun", found[-1].name)
            return None
        self._path, self._size = found[-1], found[-1].stat().st_size
        return _moment(first)

    @property
    def full(self) -> bool:
        """Whether a new file is to be begun."""
        return self._path is None or self._size >= FILE_BYTES

    def begin(self) -> None:
        """Write to a new file from now on; delete the oldest ones where there is too much.

        Raises:
            OSError: the disk does not let it be made, or has little room left.

        """
        self._spare()
        self._folder.mkdir(mode=0o700, exist_ok=True)
        found = files(self._folder)
        number = int(found[-1].stem) + 1 if found else 1
        path = self._folder / f"{number:06}.log"
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        self._path, self._size, self._torn = path, 0, False
        sizes = {old: old.stat().st_size for old in found}
        while found and (
            len(found) >= FILES_MAX or sum(sizes[old] for old in found) > ALL_BYTES - FILE_BYTES
        ):
            self._delete(found.pop(0))

    def append(self, lines: list[bytes]) -> None:
        """Write lines at the end. They are safe from a kill, and from a power cut soon after.

        Raises:
            OSError: the disk would not take them, or has little room left; none of them counts
                as written.

        """
        assert self._path is not None, "no file was begun"
        self._spare()
        content = b"".join(map(_proof, lines))
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        try:
            # What could not be taken back stands on a line of its own.
            whole = b"\n" + content if self._torn else content
            done = 0
            try:
                while done < len(whole):
                    done += os.write(descriptor, whole[done:])
            except OSError:
                self._take_back(descriptor)
                raise
        finally:
            os.close(descriptor)
        self._torn = False
        self._size += len(whole)

    def prune(self, before: datetime) -> None:
        """Delete files that end before a moment, but for the one that is written to."""
        with suppress(OSError):
            for path in files(self._folder):
                if path == self._path:
                    continue
                if path not in self._newest:
                    self._newest[path] = _last_moment(path)
                newest = self._newest[path]
                if newest is not None and newest < before:
                    self._delete(path)

    def _spare(self) -> None:
        room = os.statvfs(self._folder.parent)
        if room.f_bavail * room.f_frsize < SPARED_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _take_back(self, descriptor: int) -> None:
        try:
            os.ftruncate(descriptor, self._size)
        except OSError:
            self._torn = True

    def _delete(self, path: Path) -> None:
        self._newest.pop(path, None)
        with suppress(OSError):
            path.unlink()


def files(folder: Path) -> list[Path]:
    """The files in a folder, the oldest first; none where there is no folder.

    Raises:
        OSError: it may not be read.

    """
    try:
        found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    except FileNotFoundError:
        return []
    return sorted(found, key=lambda path: int(path.stem))


def lines(path: Path) -> Iterator[bytes | None]:
    """The lines of one file; None in place of each that does not prove itself.

    A line without an end, which is being written or was torn, is none.

    Raises:
        OSError: it cannot be read.

    """
    with path.open("rb") as file:
        while line := file.readline(LINE_MAX):
            if line != b"\n" and (line.endswith(b"\n") or len(line) == LINE_MAX):
                yield proven(line)


def proven(line: bytes) -> bytes | None:
    """What a line of a file says; None if it is torn or damaged."""
    content = line[_SUM_BYTES:-1]
    return content if line == _proof(content) else None


def _proof(content: bytes) -> bytes:
    return b"%08x %s\n" % (zlib.crc32(content), content)


def _moment(line: bytes) -> datetime | None:
    try:
        return moment(decode(loaded(line)))
    except FrameError:
        return None


def _last_moment(path: Path) -> datetime | None:
    """The moment of the last line that tells one; None if none near the end does."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        for line in reversed(file.read().splitlines(keepends=True)):
            content = proven(line)
            if content is not None and (at := _moment(content)) is not None:
                return at
    return None
