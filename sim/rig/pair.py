"""The gateway and the driver of one home: two processes of one machine."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from edge.caller import RequestRefused, called
from edge.status import Status
from rules.errors import LinkLost
from rules.inputs import Away, Drill
from sim.processes.answering import answering, driven
from sim.processes.children import Child, Crew, Died, Hear, Program
from sim.rig import disk, tracer

READY_S: Final = 60.0
_READ_S: Final = 0.05
"Real seconds in which the last lines of a process that ended have been read."


class Pair:
    """Started, killed, and made to suffer at their writes."""

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        clock: Path,
        crew: Crew,
        prefix: Callable[[], Sequence[str]],
        hear: tuple[Hear, Hear],
        fell: Callable[[Died], None],
    ) -> None:
        """Nothing is started before `start`.

        Args:
            name: of the gateway.
            folder: its home.
            clock: the file of the shared clock.
            crew: that they belong to.
            prefix: what runs the gateway on its side of the way.
            hear: takes the lines of the gateway and of the driver.
            fell: told when the gateway ends by itself.

        """
        self.machine = folder.with_name(f"{folder.name}.machine")
        self.kills = 0
        self.starts = 0
        self.missed: list[str] = []
        "What could not be done to it, and why."
        self.stubborn: list[str] = []
        "What did not end when it was told to."
        self._name = name
        self._folder = folder
        self._clock = clock
        self._crew = crew
        self._prefix = prefix
        self._hear = hear
        self._fell = fell
        self._gateway: Child | None = None
        self._driver: Child | None = None
        self._tracer = tracer.Tracer()
        self._injected: tuple[str, ...] = ()

    @property
    def running(self) -> bool:
        """Whether the gateway runs."""
        return self._gateway is not None and self._gateway.alive

    @property
    def driving(self) -> bool:
        """Whether the driver runs."""
        return self._driver is not None and self._driver.alive

    async def start_gateway(self) -> None:
        """Start it and wait until it answers.

        Raises:
            TimeoutError: it does not.

        """
        self._gateway = await self._crew.start(
            f"{self._name}-gateway",
            self._program("gateway", self._prefix()),
            self._hear[0],
            died=self._fell,
        )
        self.starts += 1
        async with answering(self._control, READY_S):
            return

    async def start_driver(self) -> None:
        """Start it and wait until it listens.

        Raises:
            TimeoutError: it does not.

        """
        self._driver = await self._crew.start(
            f"{self._name}-driver", self._program("driver"), self._hear[1]
        )
        async with asyncio.timeout(READY_S):
            await self._driver.ready

    async def met(self) -> None:
        """Wait until they have met, if both run.

        Raises:
            TimeoutError: they do not.

        """
        if self.running and self.driving:
            async with answering(self._control, READY_S) as caller:
                await driven(caller, READY_S)

    async def kill_gateway(self) -> None:
        """Kill it; its last lines have been heard."""
        if self._gateway is not None:
            self.kills += self._gateway.alive
            await self._gateway.kill()
        await self.gone()

    async def gone(self) -> None:
        """Its gateway has ended: leave it alone, and hear its last lines."""
        await self.inject(())
        await asyncio.sleep(_READ_S)

    async def kill_driver(self) -> None:
        """Kill it."""
        if self._driver is not None:
            self.kills += self._driver.alive
            await self._driver.kill()

    async def stop(self) -> None:
        """Stop both in good order."""
        await self.inject(())
        for child in (self._driver, self._gateway):
            if child is not None:
                await child.stop()
                if child.stubborn:
                    self.stubborn.append(child.name)

    async def inject(self, injections: Sequence[str]) -> None:
        """Let only these be done to the writes of the gateway from now on."""
        wanted = tuple(injections)
        if self._gateway is None or not self.running or not wanted:
            self._injected = ()
            await self._tracer.lift()
        elif wanted != self._injected:
            self._injected = wanted
            why = await self._tracer.put(self._gateway.pid, wanted)
            if why:
                self.missed.append(why)

    def limit(self, *, full: bool) -> None:
        """Let the gateway write not one byte more; or as it likes."""
        if self._gateway is not None and self.running:
            disk.limit(self._gateway.pid, full=full)

    def tell_driver(self, line: bytes) -> None:
        """Say something to the driver, if it runs."""
        if self._driver is not None:
            self._driver.send(line)

    async def status(self) -> Status | None:
        """How the gateway is; None if it does not say."""
        if not self.running:
            return None
        with suppress(LinkLost, OSError):
            async with called(self._control) as caller:
                return await caller.status()
        return None

    async def put(self, item: Away | Drill) -> None:
        """Have the gateway decide on something, if it runs."""
        if self.running:
            with suppress(LinkLost, OSError, RequestRefused):
                async with called(self._control) as caller:
                    await caller.put(item)

    @property
    def _control(self) -> Path:
        return self._folder / "run" / "control.sock"

    def _program(self, kind: str, prefix: Sequence[str] = ()) -> Program:
        return Program(
            (
                *("sim.rig.child", kind, str(self._folder)),
                *("--clock", str(self._clock), "--machine", str(self.machine)),
            ),
            prefix,
            # As systemd gives it; else a gateway that was killed would leave a folder in memory.
            {"RUNTIME_DIRECTORY": str(self._folder.parent / "memory")},
        )
