"""Names of hosts, looked up where nobody else waits for it.

The system's resolver keeps its thread for as long as it likes, half a minute and more where nobody
answers it, and no thread can be ended from outside. Among the event loop's own threads a few such
names would keep everything else that needs one waiting, and the process from ending.
"""

import asyncio
import socket
from contextlib import suppress
from threading import Thread


class Name:
    """One host; one lookup at a time, however often it is asked for."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._told: asyncio.Future[list[str] | Exception] | None = None

    async def addresses(self) -> list[str]:
        """Its IP addresses. Who gives up waiting finds the same lookup when asking again.

        Raises:
            OSError: it has none, or nobody knows.
            UnicodeError: it cannot be written as one.

        """
        told = self._told
        if told is None:
            told = self._told = asyncio.get_running_loop().create_future()
            # A daemon: nobody waits for it at the end.
            Thread(target=self._look, args=(told,), name=self._host, daemon=True).start()
        await asyncio.wait((told,))
        self._told = None
        answer = told.result()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _look(self, told: "asyncio.Future[list[str] | Exception]") -> None:
        answer: list[str] | Exception
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            answer = list(dict.fromkeys(str(address[0]) for *_, address in found))
        except (OSError, UnicodeError) as error:
            answer = error
        with suppress(RuntimeError):  # The event loop has ended meanwhile.
            told.get_loop().call_soon_threadsafe(told.set_result, answer)
