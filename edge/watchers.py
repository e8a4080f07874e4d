"""Whoever watches what happens at home: each gets every happening, or is cut off."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from edge.happening import Happening

BEHIND_MAX = 1024
"A watcher that lags by more is cut off: the home does not wait for it."


class Lagging(Exception):  # noqa: N818 -- names what happened
    """A watcher fell too far behind."""


class Watcher:
    """One reader's view."""

    def __init__(self) -> None:
        self._happenings: asyncio.Queue[Happening] = asyncio.Queue(BEHIND_MAX)
        self._lagging = False

    @property
    def behind(self) -> int:
        """How many happenings wait to be read."""
        return self._happenings.qsize()

    def tell(self, happening: Happening) -> None:
        """Keep a happening for the reader; once one was lost there are no more."""
        if self._lagging:
            return
        try:
            self._happenings.put_nowait(happening)
        except asyncio.QueueFull:
            self._lagging = True

    async def next(self) -> Happening:
        """The next happening.

        Raises:
            Lagging: one was lost; those before it have all been read.

        """
        if self._lagging and self._happenings.empty():
            raise Lagging
        return await self._happenings.get()


class Watchers:
    """All of them."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()

    def tell(self, happening: Happening) -> None:
        """Tell everybody; costs nothing while nobody watches."""
        for watcher in self._watchers:
            watcher.tell(happening)

    @contextmanager
    def watch(self) -> Iterator[Watcher]:
        """Hear everything that happens within the block."""
        watcher = Watcher()
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
