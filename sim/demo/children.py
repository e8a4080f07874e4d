"""The launcher's processes: started, listened to, and stopped by their own ids.

A child writes messages of `sim.air.told` to its standard output and its log to its standard error,
which is kept in a bounded file. It ends when its standard input does, so that no orphan is left
even if the launcher is killed.
"""

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sim
from rules.errors import FrameError
from sim.air.told import Ask, Message, Ready, from_line, to_line
from sim.homes.act import Absence

_LOG_BYTES = 2_000_000
"A log is begun anew after this; the one before it is kept beside it."
_LINE_BYTES = 1_000_000
_TAIL = 12
_STOP_S = 8.0
"The center finishes its last commits; after this it is killed."


@dataclass(frozen=True, slots=True)
class Died:
    """A process ended by itself."""

    name: str
    status: int
    "Of the process; negative: the signal that killed it."
    tail: tuple[str, ...]
    "Its last words."


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

    async def watch(self, log: Path) -> Died | None:
        """Read what the process says until it ends, its log to `log`; None if it was stopped."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(), name=f"{self.name} speaks")
            group.create_task(self._keep_log(log), name=f"{self.name} logs")
            status = await self._process.wait()
        return None if self._stopping else Died(self.name, status, tuple(self._tail))

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


class Crew:
    """All processes of a run."""

    def __init__(self, logs: Path, group: asyncio.TaskGroup) -> None:
        """`group` must outlast `stop`."""
        self._logs = logs
        self._group = group
        self._children: list[Child] = []
        self.died: asyncio.Future[Died] = asyncio.get_running_loop().create_future()
        "Done when one of them ends by itself."

    async def start(
        self, name: str, arguments: Sequence[str], hear: Callable[[Message], None]
    ) -> Child:
        """Start one; its future `ready` tells when it takes requests."""
        child = await Child.start(name, arguments, hear)
        self._children.append(child)
        self._group.create_task(self._watch(child), name=f"{name} lives")
        return child

    async def stop(self) -> None:
        """End all of them, the newest first."""
        for child in reversed(self._children):
            await child.stop()

    async def _watch(self, child: Child) -> None:
        died = await child.watch(self._logs / f"{child.name}.log")
        if died is not None and not self.died.done():
            self.died.set_result(died)


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
