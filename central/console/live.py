"""One stream of events per open page: that something changed, and what time it is.

The page fetches itself anew when told; what it shows, and in which language, is decided in one
place. Ref: WHATWG HTML, section 9.2, server-sent events.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from central.console.moments import Clock, milliseconds
from central.console.visits import Door, Visit
from central.store import Store

MOST: Final = 512
"Streams at once; a center has some dozens of screens."
_BEAT_S: Final = 5.0
"A page that hears nothing for three of these says that it is cut off."
_CALM_S: Final = 0.3
"A burst of changes is told once."
_ENDED: Final = "event: ended\ndata: \n\n"


class Live:
    """The streams of all open pages."""

    def __init__(self, store: Store, clock: Clock, door: Door) -> None:
        self._store = store
        self._clock = clock
        self._door = door
        self._streams = 0
        self._waiting: set[asyncio.Timeout] = set()
        self._closing = False

    def close(self) -> None:
        """End all streams; the pages find the next process by themselves."""
        self._closing = True
        for patience in self._waiting:
            patience.reschedule(0)

    async def follow(self, request: Request) -> Response:
        """Begin a stream. `after` names the version that the page shows already."""
        if self._streams >= MOST:
            return Response(status_code=503, headers={"Retry-After": "5"})
        visit = await self._door.visit(request)
        if visit is None:
            return Response(_ENDED, media_type="text/event-stream")
        return StreamingResponse(
            self._events(visit, _version(request.query_params.get("after", ""))),
            media_type="text/event-stream",
            # A proxy that gathers the answer would hold an alarm back.
            headers={"X-Accel-Buffering": "no"},
        )

    async def _events(self, visit: Visit, shown: int) -> AsyncIterator[str]:
        self._streams += 1
        self._door.page_opened(visit)
        try:
            while not self._closing:
                if await self._door.visit(visit.request) is None:
                    yield _ENDED
                    return
                now, rate = milliseconds(self._clock.now()), self._clock.rate()
                yield f"event: time\ndata: {now} {rate}\n\n"
                before, shown = shown, await self._beat(shown)
                if shown != before:
                    yield f"event: changed\ndata: {shown}\n\n"
                    await asyncio.sleep(_CALM_S)
        finally:
            self._door.page_shut(visit)
            self._streams -= 1

    async def _beat(self, shown: int) -> int:
        """Wait for a change, for the length of a beat at most; the store's version then."""
        try:
            async with asyncio.timeout(0 if self._closing else _BEAT_S) as patience:
                self._waiting.add(patience)
                try:
                    return await self._store.changed(shown)
                finally:
                    self._waiting.discard(patience)
        except TimeoutError:
            return shown


def _version(written: str) -> int:
    """A version, or one that no store has, so that the page is told at once."""
    return int(written) if written.isdecimal() and len(written) < 16 else -1
