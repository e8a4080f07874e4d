"""A center's store that answers at once, in memory, without event loop, thread or clock."""

import sqlite3
from collections.abc import Callable, Coroutine
from itertools import count
from sqlite3 import Connection
from typing import Any, TypeVar

from central.cases import Home, StoreFailing
from central.sql.schema import furnish
from central.store import Store
from protocol.identity import GatewayIdentity
from tests.central.receiving import NOW

T = TypeVar("T")


def done(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    raise AssertionError("it waits for something")


class DirectDatabase:
    """One connection in memory; while `failing`, it neither reads nor writes."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:")
        self.failing = False
        self._committed: Callable[[], None] = lambda: None
        furnish(self.connection)

    def tell(self, committed: Callable[[], None]) -> None:
        self._committed = committed

    async def ask(self, question: Callable[[Connection], T]) -> T:
        self._check()
        return question(self.connection)

    async def change(self, change: Callable[[Connection], T]) -> T:
        return self.insist(change)

    def submit(self, change: Callable[[Connection], object]) -> None:
        self.insist(change)

    def insist(self, change: Callable[[Connection], T]) -> T:
        self._check()
        before = self.connection.total_changes
        self.connection.execute("begin immediate")
        kept = False
        try:
            result = change(self.connection)
            kept = True
        finally:
            self.connection.execute("commit" if kept else "rollback")
        if self.connection.total_changes != before:
            self._committed()
        return result

    async def aclose(self) -> None:
        self.connection.close()

    def _check(self) -> None:
        if self.failing:
            raise StoreFailing("told to fail")


def counted() -> Callable[[int], bytes]:
    """Bytes that are never the same, and the same in each run."""
    numbers = count(1)
    return lambda size: next(numbers).to_bytes(size)


def direct_store(database: DirectDatabase, *identities: GatewayIdentity) -> Store:
    """A store with these gateways enrolled."""
    store = Store(database, counted())
    for each in identities:
        home = Home(each.gateway, name=f"{each.gateway} 님 댁")
        done(store.enrol(each.entry(), home, "test", NOW))
    return store
