"""A system bus of our own: dbus-daemon as a child, on a socket in a folder of ours.

Ref: dbus-daemon(1), CONFIGURATION FILE. A bus of type `system` without its policies: whoever may
open the folder may own any name, so the folder must be private.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from rules.errors import ConfigError, phrase

ENVIRONMENT: Final = "DBUS_SYSTEM_BUS_ADDRESS"
"Where every client of a system bus looks first."

INSTALL: Final = "sudo apt-get install -y --no-install-recommends dbus-daemon"
"What a person must do who has no bus."

_SOCKET_BYTES_MAX: Final = 107
"Of `sun_path`, without its closing zero."
_STARTS_WITHIN_S: Final = 10.0
_LOOK_EVERY_S: Final = 0.02

_DIES_WITH_US: Final = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
"A launcher that is killed leaves no daemon behind."

_CONFIGURATION: Final = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"""


def installed() -> bool:
    """Whether there is a dbus-daemon to start."""
    return shutil.which("dbus-daemon") is not None


class PrivateBus:
    """A dbus-daemon that may be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        """Put the socket and the configuration into `folder`, which is there.

        Raises:
            ConfigError: the path of the folder is too long for a socket.

        """
        self._socket = folder / "bus"
        self._configuration = folder / "bus.conf"
        self._log = folder / "bus.log"
        self._process: asyncio.subprocess.Process | None = None
        length = len(os.fsencode(self._socket))
        if length > _SOCKET_BYTES_MAX:
            found = phrase("a path of {count} bytes", count=length)
            right = phrase(
                "a socket's path may have {most}; choose a folder with a shorter one",
                most=_SOCKET_BYTES_MAX,
            )
            raise ConfigError(str(self._socket), found, right)
        self._configuration.write_text(_CONFIGURATION.format(socket=self._socket))

    @property
    def address(self) -> str:
        """What `DBUS_SYSTEM_BUS_ADDRESS` must say."""
        return f"unix:path={self._socket}"

    async def start(self) -> None:
        """Start the daemon and return when it takes clients.

        Raises:
            ConfigError: dbus-daemon is not installed, or did not come up.

        """
        program = shutil.which("dbus-daemon")
        if program is None:
            found = phrase("no such program, and the virtual Bluetooth needs it")
            raise ConfigError("dbus-daemon", found, INSTALL)
        self._socket.unlink(missing_ok=True)
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *_DIES_WITH_US,
                program,
                f"--config-file={self._configuration}",
                "--nofork",
                "--nopidfile",
                stdin=asyncio.subprocess.DEVNULL,
                stderr=log,
                # Ctrl-C reaches every process of the terminal, and others need the bus to end.
                start_new_session=True,
            )
        with suppress(TimeoutError):
            async with asyncio.timeout(_STARTS_WITHIN_S):
                while self._process.returncode is None:
                    if await self._answers():
                        return
                    await asyncio.sleep(_LOOK_EVERY_S)
        await self.kill()
        said = self._log.read_text(errors="replace").strip()
        right = phrase("it should listen on {socket}", socket=self._socket)
        raise ConfigError("dbus-daemon", said, right)

    async def gone(self) -> None:
        """Return when it has ended, by itself or by somebody else."""
        assert self._process is not None
        await self._process.wait()

    def tidy(self) -> None:
        """Take away the socket that a killed daemon leaves behind."""
        self._socket.unlink(missing_ok=True)

    async def kill(self) -> None:
        """End it at once, by its id: every client loses its connection."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_unix_connection(str(self._socket))
        except OSError:
            return False
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return True


@asynccontextmanager
async def private_bus(folder: Path) -> AsyncIterator[PrivateBus]:
    """Run a bus of our own whose socket lies in `folder`, a private one with a short path.

    Raises:
        ConfigError: there is no dbus-daemon, or the folder's path is too long.

    """
    bus = PrivateBus(folder)
    await bus.start()
    try:
        yield bus
    finally:
        await bus.kill()
        bus.tidy()
