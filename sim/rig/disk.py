"""The memory card of a gateway of the rig: small if it may be, filled, limited or damaged."""

import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Final

_CARD_MIB: Final = 24
"A journal with its log, its copy and the room it reserves takes 6."
_NAME: Final = "ongi-rig-"
_UNLIMITED: Final = resource.RLIM_INFINITY


def may_mount() -> bool:
    """Whether a small card can be made here: root, in a kernel that lets it mount."""
    return os.geteuid() == 0 and shutil.which("mount") is not None


@contextmanager
def small_card(folder: Path) -> Iterator[bool]:
    """A file system of its own at `folder`, in memory; False where none can be made."""
    made = _run("mount", "-t", "tmpfs", "-o", f"size={_CARD_MIB}m", _mine(), str(folder))
    try:
        yield made
    finally:
        if made:
            _run("umount", "-l", str(folder))


def remove_left_over() -> None:
    """Unmount the cards of rigs that are gone."""
    with suppress(OSError):
        for line in Path("/proc/self/mounts").read_text().splitlines():
            source, folder = line.split(" ")[:2]
            pid = source.removeprefix(_NAME)
            if source.startswith(_NAME) and not (pid.isdecimal() and _runs(int(pid))):
                _run("umount", "-l", folder.encode().decode("unicode_escape"))


def fill(folder: Path) -> None:
    """Take all the room there is."""
    with (folder / "filler").open("ab", buffering=0) as file:
        for size in (65_536, 4_096, 512):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))


def make_room(folder: Path) -> None:
    """Give the room back."""
    (folder / "filler").unlink(missing_ok=True)


def limit(pid: int, *, full: bool) -> None:
    """Let a process write not one byte more to any file; or as it likes."""
    with suppress(ProcessLookupError, PermissionError):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0 if full else _UNLIMITED, _UNLIMITED))


def damage(journal: Path, random: Random) -> None:
    """Flip a bit of some rows of a journal that nobody uses, or cut the file short."""
    if random.random() < 0.25:
        whole = journal.read_bytes()
        journal.write_bytes(whole[: len(whole) * random.randint(0, 9) // 10])
        return
    with suppress(sqlite3.Error), closing(sqlite3.connect(journal, isolation_level=None)) as rows:
        for table, column in (("state", "body"), ("entry", "body"), ("outbox", "signed")):
            if random.random() < 0.5:
                continue
            found = rows.execute(
                f"SELECT rowid, {column} FROM {table} ORDER BY rowid"  # noqa: S608 -- names of ours
            ).fetchall()
            if found:
                number, body = found[random.randrange(len(found))]
                at = random.randrange(len(body))
                flipped = body[:at] + bytes([body[at] ^ 0x10]) + body[at + 1 :]
                rows.execute(
                    f"UPDATE {table} SET {column} = ? WHERE rowid = ?",  # noqa: S608 -- as above
                    (flipped, number),
                )


def _mine() -> str:
    return f"{_NAME}{os.getpid()}"


def _runs(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _run(*command: str) -> bool:
    done = subprocess.run(command, capture_output=True, check=False, timeout=20)
    return done.returncode == 0
