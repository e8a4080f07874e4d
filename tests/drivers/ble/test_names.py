"""Names of hosts while the resolver answers, refuses, and keeps silent."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from drivers.ble.names import Name

ROOT = Path(__file__).parents[3]
DEADLINE_S = 20.0


async def test_a_name_has_addresses_and_what_is_none_has_not() -> None:
    assert "127.0.0.1" in await Name("localhost", 6053).addresses()
    with pytest.raises(UnicodeError):
        await Name("no name..at all", 6053).addresses()


async def test_who_asks_again_waits_for_the_same_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, asked = Event(), []

    def slow(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        assert answers.wait(DEADLINE_S)
        return [(0, 0, 0, "", ("10.0.0.7", port)), (0, 0, 0, "", ("10.0.0.7", port))]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    name = Name("hall.lan", 6053)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await name.addresses()
    answers.set()
    async with asyncio.timeout(DEADLINE_S):
        assert await name.addresses() == ["10.0.0.7"]
        assert asked == ["hall.lan"]
        assert await name.addresses() == ["10.0.0.7"]
        assert asked == ["hall.lan"] * 2


async def test_names_that_nobody_answers_for_keep_no_thread_from_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers.wait(DEADLINE_S) and [])
    asking = [asyncio.ensure_future(Name(f"p{n}.lan", 1).addresses()) for n in range(32)]
    await asyncio.sleep(0.01)
    async with asyncio.timeout(DEADLINE_S / 2):
        assert await asyncio.to_thread(int) == 0
    answers.set()
    assert await asyncio.gather(*asking) == [[]] * 32


_ENDS = """
import asyncio, socket, time
from drivers.ble.names import Name

async def main():
    try:
        async with asyncio.timeout(0.1):
            await Name("hall.lan", 6053).addresses()
    except TimeoutError:
        pass

socket.getaddrinfo = lambda *_, **__: time.sleep(300)
asyncio.run(main())
"""


def test_a_process_ends_while_a_name_is_still_looked_up() -> None:
    subprocess.run([sys.executable, "-c", _ENDS], check=True, cwd=ROOT, timeout=60)
