"""What runs inside the virtual machine, or beside it on the virtual BlueZ; it tells by lines.

`python -m sim.ble.vm.inside real PROGRAM ...`: bluetoothd with all that it is started by, and the
kernel's own adapters. `python -m sim.ble.vm.inside virtual VERSION`: the virtual BlueZ as that
version of bluetoothd, which is only looked at.
"""

import asyncio
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sim.ble.vm.client import client
from sim.ble.vm.links import Links
from sim.ble.vm.looks import Look
from sim.ble.vm.proofs import prove
from sim.ble.vm.record import Book, Seen, encode
from sim.ble.vm.stage import Stage, real, virtual

REAL: Final = "real"
VIRTUAL: Final = "virtual"

_LATER: Final = (5, 69)


def main(argv: Sequence[str] | None = None) -> int:
    """Look, prove, and tell."""
    what, *words = sys.argv[1:] if argv is None else argv
    logging.getLogger().addHandler(logging.NullHandler())
    # Short, as a socket's path must be.
    with tempfile.TemporaryDirectory(prefix="ongi-") as folder:
        if what == VIRTUAL:
            asyncio.run(_virtual(Book(_tell), words[0], Path(folder)))
        else:
            asyncio.run(_real(Book(_tell), words, Path(folder)))
    return 0


def _tell(seen: Seen) -> None:
    print(encode(seen), flush=True)


def is_later(version: str) -> bool:
    """Whether it is one of those that pass over the numbers in patterns, from 5.69 on."""
    major, minor = (int(number) for number in version.split(".")[:2])
    return (major, minor) >= _LATER


async def _virtual(book: Book, version: str, folder: Path) -> None:
    async with virtual(folder, numbers=not is_later(version)) as stage:
        await _look(stage, book)


async def _real(book: Book, program: Sequence[str], folder: Path) -> None:
    try:
        async with real(program, folder) as stage:
            await prove(stage, book, folder)
            await _look(stage, book)
    except BaseException:
        print((folder / "bluetoothd.log").read_text(errors="replace"), flush=True)
        raise


async def _look(stage: Stage, book: Book) -> None:
    async with client() as one:
        look = Look(stage, one, book)
        await look.carry_out()
        await Links(look).carry_out()
        await look.limits()


if __name__ == "__main__":
    sys.exit(main())
