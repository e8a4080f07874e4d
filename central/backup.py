"""Copies of the center's data, taken while it runs, and put back while it does not.

Gateways keep what was persisted for 30 days and send again what a restored center does not know;
what people did since the copy is lost. A copy holds the gateways' keys and the homes' addresses:
keep it sealed.
"""

import contextlib
import os
import sqlite3
from pathlib import Path

from central.sql.schema import connect
from rules.errors import ConfigError, phrase

_RIGHT = phrase("a file that `ongi center backup` wrote")


def back_up(database: Path, copy: Path) -> int:
    """Write a consistent copy, readable by its owner alone; its size in bytes.

    The file appears whole or not at all, and replaces an older one of its name.

    Raises:
        ConfigError: there is no center's database, or it is damaged.
        OSError: the copy cannot be written.

    """
    if not database.exists():
        right = phrase("the folder of a center's data (--data)")
        raise ConfigError(str(database), phrase("nothing"), right)
    part = copy.with_name(f"{copy.name}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    try:
        with (
            contextlib.closing(connect(database)) as source,
            contextlib.closing(sqlite3.connect(part)) as target,
        ):
            # In one step: a reader's snapshot that the running center does not wait for.
            source.backup(target)
            target.execute("pragma journal_mode = delete")
            # Logins that were ended since must not come back with the copy.
            target.execute("delete from sessions")
            target.commit()
            _check(target, part)
        _sync(part)
        part.replace(copy)
        _sync(copy.parent)
    except sqlite3.Error as error:
        raise OSError(f"{copy}: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return copy.stat().st_size


def restore(copy: Path, database: Path) -> Path | None:
    """Put a copy in the place of the database, and say where the old one was put aside.

    Only while no center runs on it.

    Raises:
        ConfigError: the copy is no center's, is damaged, or a newer program wrote it.
        OSError: it cannot be read or put in place.

    """
    if not copy.exists():
        raise ConfigError(str(copy), phrase("nothing"), _RIGHT)
    part = database.with_name(f"{database.name}.part")
    os.close(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_RDWR | os.O_CLOEXEC, 0o600))
    try:
        part.write_bytes(copy.read_bytes())
        with contextlib.closing(connect(part)) as restored:
            _check(restored, copy)
            restored.execute("pragma wal_checkpoint(truncate)")
        _sync(part)
        aside = _put_aside(database)
        part.replace(database)
        _sync(database.parent)
    finally:
        for name in (part, *_companions(part)):
            name.unlink(missing_ok=True)
    return aside


def _put_aside(database: Path) -> Path | None:
    if not database.exists():
        return None
    number = 1
    while (aside := database.with_name(f"{database.name}.before-restore-{number}")).exists():
        number += 1
    for name, new in zip(_companions(database), _companions(aside), strict=True):
        # The newest commits may stand in the log alone.
        if name.exists():
            name.rename(new)
    database.rename(aside)
    return aside


def _companions(database: Path) -> tuple[Path, Path]:
    return (
        database.with_name(f"{database.name}-wal"),
        database.with_name(f"{database.name}-shm"),
    )


def _check(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("pragma user_version").fetchone()[0] == 0:
        raise ConfigError(str(path), phrase("an empty database"), _RIGHT)
    found: str = connection.execute("pragma integrity_check(1)").fetchone()[0]
    if found != "ok":
        damaged = phrase("a damaged database ({error})", error=found)
        raise ConfigError(str(path), damaged, phrase("another copy"))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
