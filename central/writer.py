"""One thread that writes: many changes in one durable transaction.

While a commit waits for the medium, the next changes gather; they then share one flush. A change
that fails takes nobody with it, and no one hears of success before the medium has the data.
"""

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from central.cases import StoreFailing
from rules.errors import ConfigError

T = TypeVar("T")

_QUEUE = 4096
"Changes that may wait; a gateway whose change finds no room sends it again."
_AT_ONCE = 500
"Changes of one transaction, so that the first does not wait for a flood behind it."

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Change(Generic[T]):
    carry_out: Callable[[sqlite3.Connection], T]
    done: Future[T]
    result: T | None = None
    error: BaseException | None = None

    def attempt(self, connection: sqlite3.Connection) -> None:
        """Carry it out inside a savepoint; an error that is not the database's stays its own."""
        self.error = None
        connection.execute("savepoint change")
        try:
            self.result = self.carry_out(connection)
        except sqlite3.Error:
            raise
        except BaseException as error:  # noqa: BLE001 -- belongs to whoever asked, as in a pool
            connection.execute("rollback to change")
            self.error = error
        connection.execute("release change")

    def tell(self) -> None:
        if self.error is not None:
            self.done.set_exception(self.error)
        else:
            self.done.set_result(self.result)  # type: ignore[arg-type]  # set by attempt


class Writer:
    """Carries out changes in the order they were asked for.

    `committed` is called on the writer's thread after each transaction that changed something,
    before those who asked are told.
    """

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], committed: Callable[[], None]
    ) -> None:
        self._connect = connect
        self._committed = committed
        self._changes: queue.Queue[_Change[object] | None] = queue.Queue(_QUEUE)
        self._closing = False
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="store writer", daemon=True)
        self._thread.start()

    def submit(self, carry_out: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Ask for a change. It may be carried out twice; only the last time is kept.

        The future resolves after the commit, or fails with what `carry_out` raised, or with
        `StoreFailing` if nothing could be made durable.
        """
        done: Future[T] = Future()
        try:
            self._changes.put_nowait(_Change(carry_out, done))  # type: ignore[arg-type]
        except queue.Full:
            done.set_exception(StoreFailing(f"{_QUEUE} changes are waiting already"))
        return done

    def close(self) -> None:
        """Finish what was asked for, then stop."""
        self._changes.put(None)
        self._thread.join()

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while not self._closing:
            batch = [
                change for change in self._gather() if change.done.set_running_or_notify_cancel()
            ]
            try:
                connection = connection or self._connect()
                self._transact(connection, batch)
            except (sqlite3.Error, OSError, ConfigError) as error:
                # It cannot even be rolled back: the next change gets a new connection.
                for change in batch:
                    if not change.done.done():
                        self._fail(change, error)
                if connection is not None:
                    connection.close()
                    connection = None
        if connection is not None:
            connection.close()

    def _gather(self) -> list[_Change[object]]:
        batch: list[_Change[object]] = []
        change = self._changes.get()
        while change is not None:
            batch.append(change)
            if len(batch) == _AT_ONCE:
                return batch
            try:
                change = self._changes.get_nowait()
            except queue.Empty:
                return batch
        self._closing = True
        return batch

    def _transact(self, connection: sqlite3.Connection, batch: list[_Change[object]]) -> None:
        before = connection.total_changes
        try:
            connection.execute("begin immediate")
            for change in batch:
                change.attempt(connection)
            connection.execute("commit")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("rollback")
            if len(batch) > 1:
                # One of them may be the cause: each gets a transaction of its own.
                for change in batch:
                    self._transact(connection, [change])
            else:
                self._fail(batch[0], error)
            return
        if self._failing:
            self._failing = False
            _log.warning("store: writes again")
        if connection.total_changes != before:
            self._committed()
        for change in batch:
            change.tell()

    def _fail(self, change: _Change[object], error: Exception) -> None:
        if not self._failing:
            # Once, not for every gateway that tries again.
            self._failing = True
            _log.error("store: cannot write, nothing is acknowledged: %s", error)
        failing = StoreFailing(str(error))
        failing.__cause__ = error
        change.done.set_exception(failing)
