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
_STOPS_WITHIN_S: Final = 5.0
_LOOK_EVERY_S: Final = 0.02

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
        arguments = (f"--config-file={self._configuration}", "--nofork", "--nopidfile")
        self._process = await asyncio.create_subprocess_exec(
            program, *arguments, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(_STARTS_WITHIN_S):
                while self._process.returncode is None:
                    if self._socket.exists() and await self._answers():
                        return
                    await asyncio.sleep(_LOOK_EVERY_S)
        said = await self._end()
        right = phrase("it should listen on {socket}", socket=self._socket)
        raise ConfigError("dbus-daemon", said, right)

    async def kill(self) -> None:
        """End it at once: every client loses its connection."""
        await self._end()

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_unix_connection(str(self._socket))
        except OSError:
            return False
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return True

    async def _end(self) -> str:
        """Stop it by its id; its last words."""
        process, self._process = self._process, None
        if process is None:
            return "not started"
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        assert process.stderr is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOPS_WITHIN_S):
                said = await process.stderr.read()
                await process.wait()
                return said.decode(errors="replace").strip()
        return "it does not end"


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
