"""Where it is looked at: a real bluetoothd on a real kernel, or the virtual one, by one face."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

from sim.ble.bluez import Bluez, Until
from sim.ble.bus import ENVIRONMENT, private_bus
from sim.ble.frame import Frame
from sim.ble.gatt import Link
from sim.ble.vm.controller import Plugged

HCI0: Final = "00:1A:7D:DA:71:11"

_STATE: Final = Path("/var/lib/bluetooth")
_CONFIGURATION: Final = "[General]\nExperimental = true\n[Policy]\nAutoEnable = true\n"
"What docs/technician.md has a technician write, and Debian's own file."


class Stage(Protocol):
    """A machine with Bluetooth, and what may befall it."""

    link: Link

    def hear(self, adapter: str, frame: Frame, rssi_dbm: int) -> None: ...

    async def restart(self, away_s: float) -> None:
        """End bluetoothd as its unit would, and start it again."""

    async def kill(self, away_s: float) -> None:
        """Kill bluetoothd, and start it again."""

    def unplug(self, adapter: str) -> None: ...

    def plug(self, adapter: str, index: int) -> None: ...

    def freeze(self, adapter: str, until: Until) -> None: ...

    def asked(self, adapter: str) -> str | None:
        """How the adapter was last asked to scan; None: nobody knows."""


class Virtual:
    """The virtual BlueZ."""

    def __init__(self, bluez: Bluez, link: Link) -> None:
        self.link = link
        self.hear = bluez.hear
        self.restart = self.kill = bluez.restart
        self.unplug = bluez.unplug
        self.plug = bluez.plug
        self.freeze = bluez.freeze

    def asked(self, adapter: str) -> str | None:
        """Nobody asks it: there is no controller."""
        del adapter
        return None


class Real:
    """bluetoothd as a child, and its adapters on `/dev/vhci`."""

    def __init__(self, program: Sequence[str], folder: Path) -> None:
        self.link = Link()
        self._program = program
        self._configuration = folder / "main.conf"
        self._configuration.write_text(_CONFIGURATION)
        self._log = folder / "bluetoothd.log"
        self._process: asyncio.subprocess.Process | None = None
        self._plugged: dict[str, Plugged] = {}

    def hear(self, adapter: str, frame: Frame, rssi_dbm: int) -> None:
        """An adapter, by its address, receives an advert."""
        plugged = self._plugged.get(adapter)
        if plugged is None:
            return
        plugged.hear(frame, rssi_dbm)
        if frame.connectable and plugged.ear.frozen is None:
            self.link.hear(adapter, frame.address)

    async def start(self) -> None:
        """Start bluetoothd."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._program,
                "--nodetach",
                f"--configfile={self._configuration}",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def stop(self, by: signal.Signals = signal.SIGTERM) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.send_signal(by)
            await process.wait()

    async def restart(self, away_s: float) -> None:
        """See `Stage`."""
        await self._again(signal.SIGTERM, away_s)

    async def kill(self, away_s: float) -> None:
        """See `Stage`."""
        await self._again(signal.SIGKILL, away_s)

    def unplug(self, adapter: str) -> None:
        """An adapter is pulled out."""
        self._plugged.pop(adapter).pull()

    def plug(self, adapter: str, index: int) -> None:
        """An adapter is put in; the kernel chooses its index, the lowest that is free."""
        del index
        self._plugged[adapter] = Plugged(adapter, self.link)

    def freeze(self, adapter: str, until: Until) -> None:
        """An adapter hears nothing any more and says so to nobody."""
        self._plugged[adapter].ear.frozen = until

    def asked(self, adapter: str) -> str | None:
        """How the kernel last had the adapter scan."""
        return self._plugged[adapter].ear.asked

    async def _again(self, by: signal.Signals, away_s: float) -> None:
        await self.stop(by)
        await asyncio.sleep(away_s)
        await self.start()


@asynccontextmanager
async def real(program: Sequence[str], folder: Path) -> AsyncIterator[Stage]:
    """Run this bluetoothd, with one adapter, on a bus of its own."""
    async with private_bus(folder) as bus:
        os.environ[ENVIRONMENT] = bus.address
        _STATE.mkdir(parents=True, exist_ok=True)
        stage = Real(program, folder)
        stage.plug(HCI0, 0)
        await stage.start()
        try:
            yield stage
        finally:
            await stage.stop()


@asynccontextmanager
async def virtual(folder: Path, *, numbers: bool) -> AsyncIterator[Stage]:
    """Run the virtual BlueZ, with one adapter, on a bus of its own."""
    async with private_bus(folder) as bus:
        os.environ[ENVIRONMENT] = bus.address
        link = Link()
        bluez = Bluez(bus.address, {HCI0: 0}, link, numbers=numbers)
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(bluez.run(), name="bluez")
            await bluez.up.wait()
            try:
                yield Virtual(bluez, link)
            finally:
                serving.cancel()
