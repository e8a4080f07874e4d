"""Questions to the store, on threads of their own, so that no question stops the ingress."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from central.cases import StoreFailing

T = TypeVar("T")

_THREADS = 2
"As many as a small machine has cores to spare; a question takes a millisecond."


class Readers:
    """A few read-only connections. WAL lets them see the last commit while the next is written."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._pool = ThreadPoolExecutor(_THREADS, "store reader")

    async def ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Answer a question from the last commit.

        Raises:
            StoreFailing: the file cannot be read.

        """
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._ask, question)

    def close(self) -> None:
        """Finish what was asked, then let go of the file."""
        self._pool.shutdown()
        for connection in self._connections:
            connection.close()

    def _ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        try:
            connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
            if connection is None:
                connection = self._connect()
                connection.execute("pragma query_only = on")
                self._local.connection = connection
                self._connections.append(connection)
            # One snapshot for all statements of the question.
            connection.execute("begin")
            try:
                return question(connection)
            finally:
                connection.execute("rollback")
        except sqlite3.Error as error:
            raise StoreFailing(str(error)) from error
