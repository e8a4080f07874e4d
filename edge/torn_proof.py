"""Files that are old or new after a crash, never torn; and TinyDB's storage made of them.

Ref: open(2), fsync(2), rename(2): a renamed file survives a power cut only if it was synced before
and its folder is synced after.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import cast

from tinydb.storages import Storage

from rules.errors import Phrase, phrase, unreadable

_PIECE = 4096
"""Bytes of one write. Written at once, a file is cached as one large piece, and each small change
later costs the whole of it: a commit to the journal's log took 0.48 ms instead of 0.08."""

Tables = dict[str, dict[str, dict[str, object]]]
"What TinyDB stores: tables of documents by number."


def replace(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write the whole file anew; whoever looks sees all of the old or all of the new.

    Raises:
        OSError: the disk would not take it; the old file stands.

    """
    written = path.with_name(path.name + ".tmp")
    # What an earlier crash left may have another mode.
    written.unlink(missing_ok=True)
    try:
        descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb", buffering=_PIECE) as file:
            for start in range(0, len(data), _PIECE):
                file.write(data[start : start + _PIECE])
            file.flush()
            os.fsync(descriptor)
        written.replace(path)
    except OSError:
        with suppress(OSError):
            written.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable.

    Raises:
        OSError: the disk would not take it.

    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class TornProofFile:
    """A JSON object in a file that does not tear, with a copy of what was last written.

    Until an unreadable file is written anew the copy is read; then it is kept as `NAME.broken`.
    """

    def __init__(self, path: Path, mode: int = 0o600) -> None:
        self.path = path
        self._good = path.with_name(path.name + ".good")
        self._mode = mode
        self.finding: str | None = None
        "What was wrong with the file when it was last read; None if nothing was."
        self.reason = phrase("nothing")
        "The same without the file's name."

    @property
    def has_copy(self) -> bool:
        """Whether it was ever written by this program."""
        return self._good.exists()

    def read(self) -> dict[str, object] | None:
        """The object; None if neither the file nor its copy can be read."""
        self.finding = None
        try:
            return _parsed(self.path)
        except (OSError, ValueError) as error:
            reason = self.reason = _reason(error)
        if not self.has_copy:
            if self.path.exists():
                self.finding = f"{self.path.name}: {reason}"
            return None
        try:
            content = _parsed(self._good)
        except (OSError, ValueError) as error:
            self.finding = f"{self.path.name}: {reason}; its copy: {_reason(error)}"
            return None
        self.finding = f"{self.path.name}: {reason}; its copy is in use"
        return content

    def write(self, content: Mapping[str, object]) -> None:
        """Replace the object, then the copy.

        Raises:
            OSError: the disk would not take it; the old object stands.

        """
        if self.finding is not None:
            with suppress(FileNotFoundError):
                self.path.replace(self.path.with_name(self.path.name + ".broken"))
        text = json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n"
        replace(self.path, text, self._mode)
        replace(self._good, text, self._mode)
        self.finding = None


class TornProofStorage(Storage):
    """TinyDB's storage in such a file; its own tears when the power goes."""

    def __init__(self, file: TornProofFile) -> None:
        self._file = file

    def read(self) -> Tables | None:
        """All tables. Whoever wrote the file by hand is answered for by who parses it."""
        return cast("Tables | None", self._file.read())

    def write(self, data: Mapping[str, object]) -> None:
        """Replace all tables.

        Raises:
            OSError: the disk would not take it; the old ones stand.

        """
        self._file.write(data)


def _parsed(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_bytes())
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(content, dict):
        raise ValueError("not an object")  # noqa: TRY004 -- the bytes are wrong, not a caller's type
    return content


def _reason(error: OSError | ValueError) -> Phrase:
    if isinstance(error, OSError):
        return unreadable(error)
    return phrase("no JSON: {error}", error=error)
