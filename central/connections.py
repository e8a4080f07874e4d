"""Browsers' connections, none of which is kept for a request that never becomes whole.

uvicorn waits without end for the rest of a header: a few hundred such connections, made by mistake
or on purpose, would use up the process's files, and no operator could log in any more.
"""

import asyncio
from typing import ClassVar, Final, cast

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

_PATIENCE_S: Final = 15.0
"A request is one packet, as a rule. uvicorn itself ends a connection that was quiet for 5 s."


class PatientConnection(H11Protocol):
    """One connection. It ends when no whole header came for `patience_s`, up to twice that."""

    patience_s: ClassVar[float] = _PATIENCE_S
    _watch: asyncio.TimerHandle | None = None
    _before: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch = self.loop.call_later(self.patience_s, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        # None before the first request, whatever uvicorn's annotation says.
        cycle = cast("RequestResponseCycle | None", self.cycle)
        answering = cycle is not None and not cycle.response_complete
        if not answering and cycle is self._before:
            self.transport.close()
            return
        self._before = cycle
        self._watch = self.loop.call_later(self.patience_s, self._look)
