"""A folder for one run at a time, and only for runs."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rules.errors import ConfigError, phrase, unreadable

_LOCK = "run.lock"
"Marks a folder as a run's, and is held while the run lasts."


@contextmanager
def claimed(option: str, data: Path) -> Iterator[Path]:
    """A folder for this process alone; what an earlier run left there is the caller's to remove.

    Args:
        option: that named it, for errors.
        data: made if it is not there.

    Raises:
        ConfigError: the folder holds something else, cannot be written, or another run has it.

    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        if any(entry.name != _LOCK for entry in data.iterdir()) and not (data / _LOCK).exists():
            right = phrase("name an empty folder or a new one")
            found = phrase("files that no run has left there")
            raise ConfigError(f"{option} {data}", found, right)
        descriptor = os.open(data / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        right = phrase("name a folder that can be written")
        raise ConfigError(f"{option} {data}", unreadable(error), right) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            right = phrase("stop that one, or name another folder")
            found = phrase("a run that goes on there")
            raise ConfigError(f"{option} {data}", found, right) from None
        yield data.absolute()
    finally:
        os.close(descriptor)
