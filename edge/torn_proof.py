"""Files that are old or new after a crash, never torn; and TinyDB's storage made of them.

Ref: open(2), fsync(2), rename(2): a renamed file survives a power cut only if it was synced before
and its folder is synced after.
"""

import json
import os
from contextlib import suppress
from pathlib import Path

from tinydb.storages import Storage

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
        with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
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


class TornProofStorage(Storage):
    """TinyDB's storage in a file that does not tear, with a copy of what was last written.

    Until an unreadable file is written anew the copy is read; then it is kept as `NAME.broken`.
    """

    def __init__(self, path: Path, mode: int = 0o600) -> None:
        self._path = path
        self._good = path.with_name(path.name + ".good")
        self._mode = mode
        self.finding: str | None = None
        "What was wrong with the file when it was last read; None if nothing was."

    def read(self) -> Tables | None:
        """All tables; None if neither the file nor its copy was ever written."""
        self.finding = None
        try:
            return _parsed(self._path)
        except (OSError, ValueError) as error:
            reason = _reason(error)
        if not self._good.exists():
            if self._path.exists():
                self.finding = f"{self._path.name}: {reason}; there is no copy of it"
            return None
        try:
            tables = _parsed(self._good)
        except (OSError, ValueError) as error:
            self.finding = f"{self._path.name}: {reason}; its copy: {_reason(error)}"
            return None
        self.finding = f"{self._path.name}: {reason}; its copy is in use"
        return tables

    def write(self, data: Tables) -> None:
        """Replace all tables, then the copy.

        Raises:
            OSError: the disk would not take it; the old file stands.

        """
        if self.finding is not None:
            with suppress(FileNotFoundError):
                self._path.replace(self._path.with_name(self._path.name + ".broken"))
        text = json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n"
        replace(self._path, text, self._mode)
        replace(self._good, text, self._mode)
        self.finding = None


def _parsed(path: Path) -> Tables:
    tables = json.loads(path.read_bytes())
    if not isinstance(tables, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 -- the bytes are wrong, not a caller's type
    return tables


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return (error.strerror or "cannot be read").lower()
    return str(error)
