"""The launcher's processes: started, listened to, and stopped by their own ids.

A child writes messages of `sim.told` to its standard output and its log to its standard error,
which is kept in a bounded file. It ends when its standard input does, so that no orphan is left
even if the launcher is killed.
"""

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import sim
from rules.errors import FrameError
from sim.act import Absence
from sim.told import Ask, Message, Ready, from_line, to_line

_LOG_BYTES = 2_000_000
"A log is begun anew after this; the one before it is kept beside it."
_LINE_BYTES = 1_000_000
_TAIL = 12
_STOP_S = 8.0
"The center finishes its last commits; after this it is killed."


class ChildDied(RuntimeError):  # noqa: N818 -- names what happened
    """A process ended by itself; carries its last words."""

    def __init__(self, name: str, status: int, tail: Sequence[str]) -> None:
        super().__init__(f"{name} ended with status {status}")
        self.name = name
        self.status = status
        self.tail = tuple(tail)


class Child:
    """One process."""

    def __init__(
        self, name: str, process: asyncio.subprocess.Process, hear: Callable[[Message], None]
    ) -> None:
        self.name = name
        self._process = process
        self._hear = hear
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._stopping = False
        self.ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
        "Done when the process takes requests."

    @classmethod
    async def start(
        cls, name: str, arguments: Sequence[str], hear: Callable[[Message], None]
    ) -> "Child":
        """Start `python -m sim NAME ARGUMENTS`; `watch` must run from then on."""
        root = Path(sim.__file__).parent.parent
        paths = (str(root), os.environ.get("PYTHONPATH", ""))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "sim",
            name,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        )
        return cls(name, process, hear)

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: Absence | Ask) -> None:
        """Tell the process something; nothing if it is gone, which `watch` reports."""
        assert self._process.stdin is not None
        if not self._process.stdin.is_closing():
            self._process.stdin.write(to_line(message))

    async def watch(self, log: Path) -> None:
        """Read what the process says until it ends; its log goes to `log`.

        Raises:
            ChildDied: in a group; it ended though nobody stopped it.

        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._keep_log(log))
            status = await self._process.wait()
        if not self._stopping:
            raise ChildDied(self.name, status, self._tail)

    async def stop(self) -> None:
        """Let the process end, and kill it if it does not. `watch` must still run."""
        self._stopping = True
        try:
            self._process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(_STOP_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        except ProcessLookupError:
            return

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            try:
                message = from_line(line)
            except FrameError:
                # A library that prints: for the log, not for the story.
                self._tail.append(line.decode(errors="replace").rstrip())
                continue
            if isinstance(message, Ready):
                if not self.ready.done():
                    self.ready.set_result(message)
            else:
                self._hear(message)

    async def _keep_log(self, path: Path) -> None:
        assert self._process.stderr is not None
        log = _Log(path)
        try:
            while line := await _line(self._process.stderr):
                self._tail.append(line.decode(errors="replace").rstrip())
                log.write(line)
        finally:
            log.close()


class _Log:
    """A file that is begun anew when it is full."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb")
        self._written = 0

    def write(self, line: bytes) -> None:
        if self._written + len(line) > _LOG_BYTES:
            self._file.close()
            self._path.replace(self._path.with_suffix(".1.log"))
            self._file = self._path.open("wb")
            self._written = 0
        self._file.write(line)
        self._file.flush()
        self._written += len(line)

    def close(self) -> None:
        self._file.close()


async def _line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readline()
    except ValueError:
        return b"(a line that is too long)\n"
