"""What the store asks of a database, and the center's own: one file, one writer, a few readers."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from typing import Protocol, TypeVar

from central.cases import StoreFailing
from central.readers import Readers
from central.sql.schema import connect
from central.writer import Writer

T = TypeVar("T")

_BLOCKED_S = 5
"A change that takes longer has failed for whoever stands still meanwhile."


class Database(Protocol):
    """Takes questions and changes, each a function on a connection.

    Whoever asks need not run in an event loop if the database answers at once: then no coroutine
    of it, nor of the store over it, is ever suspended.
    """

    def tell(self, committed: Callable[[], None]) -> None:
        """Call `committed` after each commit that changed something.

        Where the askers are, and before whoever asked for the change is told.
        """

    async def ask(self, question: Callable[[Connection], T]) -> T:
        """Answer a question from the last commit, all its statements from the same one.

        Raises:
            StoreFailing: nothing can be read.

        """

    async def change(self, change: Callable[[Connection], T]) -> T:
        """Carry out a change, durably or not at all. It may be tried twice, and is kept once.

        What `change` raises undoes it and is raised here.

        Raises:
            StoreFailing: nothing could be made durable.

        """

    def submit(self, change: Callable[[Connection], object]) -> None:
        """Ask for a change in its turn; what becomes of it nobody waits for."""

    def insist(self, change: Callable[[Connection], T]) -> T:
        """Carry out a change while the caller stands still, for some seconds at most.

        Raises:
            StoreFailing: nothing was made durable in that time.

        """

    async def aclose(self) -> None:
        """Finish what was asked for, and let go of the data."""


class ThreadedDatabase:
    """A `Database` in one file, on threads of its own. Made and used on one event loop."""

    def __init__(self, path: Path) -> None:
        """Work on the file at `path`, which `create` has made."""
        self._loop = asyncio.get_running_loop()
        self._committed: Callable[[], None] = _nothing
        self._writer = Writer(partial(connect, path), self._pass_on)
        self._readers = Readers(partial(connect, path))

    def tell(self, committed: Callable[[], None]) -> None:
        self._committed = committed

    async def ask(self, question: Callable[[Connection], T]) -> T:
        return await self._readers.ask(question)

    async def change(self, change: Callable[[Connection], T]) -> T:
        return await asyncio.wrap_future(self._writer.submit(change))

    def submit(self, change: Callable[[Connection], object]) -> None:
        self._writer.submit(change)

    def insist(self, change: Callable[[Connection], T]) -> T:
        try:
            return self._writer.submit(change).result(_BLOCKED_S)
        except TimeoutError as error:
            raise StoreFailing(f"nothing written within {_BLOCKED_S} s") from error

    async def aclose(self) -> None:
        await asyncio.to_thread(self._writer.close)
        await asyncio.to_thread(self._readers.close)

    def _pass_on(self) -> None:
        """Tell of a commit, out of the writer's thread."""
        self._loop.call_soon_threadsafe(self._committed)


def _nothing() -> None:
    return
