"""A launcher's processes: started, listened to, killed and stopped by their own ids.

A child says `sim.air.told.Ready` and whatever else it has to say in lines on its standard output;
its log, on its standard error, is kept in a bounded file. It ends when its standard input does, so
that no orphan is left even if the launcher is killed.
"""

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sim
from rules.errors import FrameError
from sim.air.told import Message, Ready, from_line

_LOG_BYTES = 2_000_000
"A log is begun anew after this; the one before it is kept beside it."
_LINE_BYTES = 1_000_000
_TAIL = 12
_STOP_S = 8.0
"The center finishes its last commits; after this it is killed."


Hear = Callable[[bytes], bool]
"""Takes a line of a child's standard output; False if it is in no language of its own: a library
that prints, for the log."""


def messages(hear: Callable[[Message], None]) -> Hear:
    """Hear what is said in `sim.air.told`'s messages."""

    def hear_line(line: bytes) -> bool:
        try:
            hear(from_line(line))
        except FrameError:
            return False
        return True

    return hear_line


@dataclass(frozen=True, slots=True)
class Program:
    """What a child runs."""

    arguments: Sequence[str]
    "Of `python -m`: a module and what follows."
    prefix: Sequence[str] = ()
    "A command that runs the rest in its own place, such as one that enters a namespace."
    environment: Mapping[str, str] = field(default_factory=dict)
    "Beside the launcher's own."


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

    def __init__(self, name: str, process: asyncio.subprocess.Process, hear: Hear) -> None:
        self.name = name
        self._process = process
        self._hear = hear
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._stopping = False
        self.stubborn = False
        "It did not end when it was told to."
        self.ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
        "Done when the process takes requests."

    @classmethod
    async def start(cls, name: str, program: Program, hear: Hear) -> "Child":
        """Start it; `watch` must run from then on."""
        root = Path(sim.__file__).parent.parent
        paths = (str(root), os.environ.get("PYTHONPATH", ""))
        process = await asyncio.create_subprocess_exec(
            *program.prefix,
            sys.executable,
            "-m",
            *program.arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, paths)),
                **program.environment,
            },
        )
        return cls(name, process, hear)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    def send(self, line: bytes) -> None:
        """Tell the process something; nothing if it is gone, which `watch` reports."""
        assert self._process.stdin is not None
        if self.alive and not self._process.stdin.is_closing():
            self._process.stdin.write(line)

    async def watch(self, log: Path) -> Died | None:
        """Read what the process says until it ends, its log to `log`; None if it was stopped."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(), name=f"{self.name} speaks")
            group.create_task(self._keep_log(log), name=f"{self.name} logs")
            status = await self._process.wait()
        return None if self._stopping else Died(self.name, status, tuple(self._tail))

    async def kill(self) -> None:
        """End it without a chance to tidy up. `watch` must still run."""
        self._stopping = True
        if self.alive:
            self._process.send_signal(signal.SIGKILL)
        await self._process.wait()

    async def stop(self) -> None:
        """Let the process end, and kill it if it does not. `watch` must still run."""
        self._stopping = True
        try:
            self._process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(_STOP_S):
                await self._process.wait()
        except TimeoutError:
            self.stubborn = True
            self._process.kill()
            await self._process.wait()
        except ProcessLookupError:
            return

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            ready = None if self.ready.done() else _ready(line)
            if ready is not None:
                self.ready.set_result(ready)
            elif not self._hear(line):
                self._tail.append(line.decode(errors="replace").rstrip())

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
        self._children: dict[str, Child] = {}
        self.died: asyncio.Future[Died] = asyncio.get_running_loop().create_future()
        "Done when one of them ends by itself."

    async def start(
        self,
        name: str,
        program: Program,
        hear: Hear,
        *,
        died: Callable[[Died], None] | None = None,
    ) -> Child:
        """Start one, the first of its name or after the last one ended.

        Its future `ready` tells when it takes requests. Without `died` its end is that of all.
        """
        child = await Child.start(name, program, hear)
        # Started anew it is the newest.
        self._children.pop(name, None)
        self._children[name] = child
        self._group.create_task(self._watch(child, died), name=f"{name} lives")
        return child

    @property
    def alive(self) -> int:
        """How many run."""
        return sum(child.alive for child in self._children.values())

    async def stop(self) -> None:
        """End all of them, the newest first."""
        for child in reversed(self._children.values()):
            await child.stop()

    async def _watch(self, child: Child, tell: Callable[[Died], None] | None) -> None:
        died = await child.watch(self._logs / f"{child.name}.log")
        if died is None:
            return
        if tell is not None:
            tell(died)
        elif not self.died.done():
            self.died.set_result(died)


class _Log:
    """A file that is begun anew when it is full; a process started again goes on in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab")
        self._written = self._file.tell()

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


def _ready(line: bytes) -> Ready | None:
    try:
        message = from_line(line)
    except FrameError:
        return None
    return message if isinstance(message, Ready) else None
