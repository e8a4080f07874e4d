"""Faults at the writes of a running process, by strace: refused, slow, or its last one.

Ref: strace(1), `-e inject`. It attaches to a process that runs; that takes root, or a kernel whose
`kernel.yama.ptrace_scope` is 0.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_WRITES: Final = "pwrite64,fsync,fdatasync"
_SCOPE: Final = Path("/proc/sys/kernel/yama/ptrace_scope")
_ATTACHED_S: Final = 10.0


def possible() -> bool:
    """Whether a process of ours can be traced here."""
    if shutil.which("strace") is None:
        return False
    try:
        scope = _SCOPE.read_text().strip()
    except OSError:
        return True
    return scope == "0" or (os.geteuid() == 0 and scope != "3")


def refusing(errno: str) -> str:
    """Every write fails with this error."""
    return f"inject={_WRITES}:error={errno}"


def slow(seconds: float) -> str:
    """Every write takes so many real seconds longer."""
    return f"inject={_WRITES}:delay_exit={max(1, round(seconds * 1e6))}"


def cut_at(write: int) -> str:
    """The process is killed instead of making its so-manieth write from now."""
    return f"inject={_WRITES}:signal=KILL:when={write}"


class Tracer:
    """Traces one process at a time."""

    def __init__(self) -> None:
        self._strace: asyncio.subprocess.Process | None = None

    async def put(self, pid: int, injections: Sequence[str]) -> str:
        """Let only these be done to the writes of `pid` from now on; why not, if it cannot be."""
        await self.lift()
        if not injections:
            return ""
        arguments = [part for one in injections for part in ("-e", one)]
        self._strace = await asyncio.create_subprocess_exec(
            "strace",
            "-f",
            "-o",
            "/dev/null",
            "-e",
            f"trace={_WRITES}",
            *arguments,
            "-p",
            str(pid),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        assert self._strace.stderr is not None
        try:
            async with asyncio.timeout(_ATTACHED_S):
                said = (await self._strace.stderr.readline()).decode(errors="replace").strip()
        except TimeoutError:
            said = "strace says nothing"
        if "attached" in said and "strace: Process" in said:
            return ""
        await self.lift()
        return said

    async def lift(self) -> None:
        """Leave the process alone."""
        strace, self._strace = self._strace, None
        if strace is None:
            return
        if strace.returncode is None:
            strace.send_signal(signal.SIGTERM)
        await strace.communicate()
