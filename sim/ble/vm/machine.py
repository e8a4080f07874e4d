"""A virtual machine that does one thing, says what it sees on its console, and ends.

It is emulated, so that it runs the same wherever it runs: in containers and in virtual machines
there is no /dev/kvm, or one that does not work. It has no network.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final

from sim.ble.vm.image import ENDED, HOST, initial, modules
from sim.ble.vm.packages import Machine
from sim.ble.vm.shell import DIES_WITH_US

MEMORY_MIB: Final = 1024
_PROCESSOR: Final = "Nehalem"
"As little as Debian and the compiled libraries need: what is newer is emulated less well."
_KERNEL: Final = "console=ttyS0 quiet loglevel=1 panic=-1 oops=panic"
_ENDS_WITHIN_S: Final = 10.0
_LINE_BYTES_MAX: Final = 1 << 20


class Broken(Exception):  # noqa: N818 -- what became of it
    """It ended without having done what it was asked; what it said last."""


async def console(
    made_of: Machine, project: Path, command: Sequence[str], within_s: float
) -> AsyncIterator[str]:
    """Start it, and hand on each line that it says; it is ended in any case.

    Raises:
        Broken: it did not do its work to the end, or not in time.

    """
    with tempfile.TemporaryDirectory(prefix="ongi-vm-") as folder:
        image = Path(folder) / "initial"
        busybox = made_of.busybox.read_bytes()
        image.write_bytes(initial(busybox, modules(made_of.modules), project, command))
        process = await asyncio.create_subprocess_exec(
            *DIES_WITH_US,
            *options(made_of, image),
            env={**os.environ, **made_of.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=_LINE_BYTES_MAX,
        )
        assert process.stdout is not None
        said: list[str] = []
        try:
            async with asyncio.timeout(within_s), aclosing(_lines(process.stdout)) as lines:
                async for line in lines:
                    said = [*said[-30:], line]
                    if line.startswith(ENDED):
                        if line.removeprefix(ENDED) != "0":
                            raise Broken("\n".join(said))
                        return
                    yield line
            raise Broken("\n".join(said))
        except TimeoutError as error:
            raise Broken("\n".join(said)) from error
        finally:
            await _end(process)


def options(made_of: Machine, image: Path) -> list[str]:
    """How it is started."""
    return [
        *made_of.qemu,
        *("-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", _PROCESSOR),
        *("-smp", "2", "-m", str(MEMORY_MIB)),
        *("-nodefaults", "-no-user-config", "-display", "none", "-nic", "none", "-no-reboot"),
        *("-kernel", str(made_of.kernel), "-initrd", str(image), "-append", _KERNEL),
        *("-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"),
        *("-device", "virtio-rng-pci"),
        "-virtfs",
        f"local,path=/,mount_tag={HOST},security_model=none,readonly=on,multidevs=remap",
    ]


async def _lines(stream: asyncio.StreamReader) -> AsyncGenerator[str, None]:
    while line := await stream.readline():
        yield line.decode(errors="replace").strip()


async def _end(process: asyncio.subprocess.Process) -> None:
    """By its id: nobody else's machine."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_ENDS_WITHIN_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
