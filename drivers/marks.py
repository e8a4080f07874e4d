"""The file that holds how far each device's counter has come, through power cuts.

Written to a temporary file, synced, renamed over the old one, and the folder synced: a cut leaves
the old file or the new one, never a torn one. The old one stays as `NAME.good`. A digest finds
what the disk itself spoilt; such a file is kept aside as `NAME.broken-N`.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

import cbor2

_MAGIC: Final = b"ongi marks 1\n"
_DIGEST_BYTES: Final = 16
_BROKEN_KEPT: Final = 5
_COUNTERS: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Mark:
    """How far one key's counter has come."""

    exact: int
    "Frames up to here were passed on or may never be."
    reserved: int
    "Ordinary frames up to here may have been passed on before a sudden end."


class _Broken(Exception):  # noqa: N818 -- never leaves this module
    pass


class MarkFile:
    """One state file and its last good copy."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._good = path.with_name(path.name + ".good")
        self._temporary = path.with_name(path.name + ".new")

    def load(self) -> tuple[dict[bytes, Mark], str | None]:
        """Marks by key id, and what was wrong with the file, if anything. Never raises."""
        try:
            return _parse(self._path.read_bytes()), None
        except FileNotFoundError:
            if not self._good.exists():
                return {}, None  # The first start.
            problem = f"{self._path.name} is missing"
        except OSError as error:
            problem = f"{self._path.name} cannot be read: {error.strerror}"
        except _Broken as error:
            problem = f"{self._path.name} is damaged ({error}), kept as {self._keep_aside()}"
        try:
            return _parse(self._good.read_bytes()), f"{problem}; the copy before it is used"
        except (OSError, _Broken):
            return (
                {},
                f"{problem}; no good copy, old frames are not recognised until new ones came",
            )

    def save(self, marks: Mapping[bytes, Mark]) -> None:
        """Replace the file's contents, durable when this returns.

        Raises:
            OSError: the old contents still stand.

        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        payload = cbor2.dumps({id_: [mark.exact, mark.reserved] for id_, mark in marks.items()})
        descriptor = os.open(
            self._temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600
        )
        with os.fdopen(descriptor, "wb") as file:
            file.write(_MAGIC + _digest(payload) + payload)
            file.flush()
            os.fsync(descriptor)
        self._link_good()
        self._temporary.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _link_good(self) -> None:
        """Let the present file live on under its second name; costs no data."""
        # A file system without hard links has no second copy; the first cannot tear.
        with suppress(OSError):
            linked = self._good.with_name(self._good.name + ".new")
            linked.unlink(missing_ok=True)
            linked.hardlink_to(self._path)
            linked.replace(self._good)

    def _keep_aside(self) -> str:
        names = [
            self._path.with_name(f"{self._path.name}.broken-{number}")
            for number in range(1, _BROKEN_KEPT + 1)
        ]
        aside = next((name for name in names if not name.exists()), names[-1])
        try:
            self._path.replace(aside)
        except OSError:
            return self._path.name
        return aside.name


def _digest(payload: bytes) -> bytes:
    return blake2b(payload, digest_size=_DIGEST_BYTES).digest()


def _parse(contents: bytes) -> dict[bytes, Mark]:
    payload = contents[len(_MAGIC) + _DIGEST_BYTES :]
    if not contents.startswith(_MAGIC):
        raise _Broken("not a file of counter marks")
    if contents[len(_MAGIC) : len(_MAGIC) + _DIGEST_BYTES] != _digest(payload):
        raise _Broken("its digest does not fit")
    marks: dict[bytes, Mark] = {}
    rows = cbor2.loads(payload)  # As it was written: the digest fits.
    for id_, (exact, reserved) in rows.items():
        if not (0 <= exact <= reserved and exact < _COUNTERS):
            raise _Broken("a counter out of range")
        marks[id_] = Mark(exact, reserved)
    return marks
