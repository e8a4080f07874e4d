"""Where the sockets are: reached as `home/run`, and in memory where that is possible.

A socket needs a name in a file system that can be written. On a disk that went read-only a gateway
that is started again would have none, and nobody could call for help: so `home/run` is a link into
memory, made while the disk is well.
"""

import errno
import hashlib
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 -- whose folder it is is looked at
_MODE = 0o750
_WRITABLE_BY_OTHERS = 0o022

_log = logging.getLogger(__name__)


@contextmanager
def run_folder(home: Path) -> Iterator[Path]:
    """`home/run`, for the time that this process serves sockets in it."""
    run = home / "run"
    target = _in_memory(home)
    if target is not None:
        try:
            _lead(run, target)
        except OSError as error:
            _log.warning("the sockets stay on the disk: %s", error)
    try:
        yield run
    finally:
        if target is not None:
            with suppress(OSError):
                target.rmdir()


def _in_memory(home: Path) -> Path | None:
    """A folder of this home's own; systemd's RuntimeDirectory first."""
    name = hashlib.sha256(os.fsencode(home.absolute())).hexdigest()[:12]
    given = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    for base in (Path(given) if given else None, _MEMORY):
        if base is None:
            continue
        folder = base / f"ongi-{os.geteuid()}-{name}"
        with suppress(OSError):
            folder.mkdir(mode=_MODE, exist_ok=True)
            if _ours_alone(folder):
                return folder
    return None


def _ours_alone(folder: Path) -> bool:
    """Whether it was not put there by somebody else: everybody may make folders in memory."""
    found = folder.lstat()
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == os.geteuid()
        and not found.st_mode & _WRITABLE_BY_OTHERS
    )


def _lead(run: Path, target: Path) -> None:
    """Make `run` a link to `target`.

    Raises:
        OSError: the disk does not take it, or `run` holds more than sockets that a kill left.

    """
    if run.is_symlink():
        if run.readlink() == target:
            return
    elif run.is_dir():
        for left in run.iterdir():
            if left.is_socket():
                left.unlink()
        run.rmdir()
    elif run.exists():
        raise FileExistsError(errno.EEXIST, "a file where a folder belongs", str(run))
    fresh = run.with_name("run.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(run)
