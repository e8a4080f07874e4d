"""Slow clients: a request that never becomes whole ends, an answer that takes long does not."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

from central.connections import PatientConnection

_DEADLINE_S = 10.0
_REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


class Hasty(PatientConnection):
    patience_s = 0.1


async def slow_answer(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    del scope, receive
    await asyncio.sleep(5 * Hasty.patience_s)
    await send({"type": "http.response.start", "status": 204, "headers": [], "trailers": False})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    config = uvicorn.Config(slow_answer, http=Hasty, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve([listener]))
            yield listener.getsockname()[1]
            server.should_exit = True


@pytest.mark.parametrize("begun", [b"", b"GET / HT", _REQUEST[:-2]])
async def test_a_request_that_never_becomes_whole_ends_the_connection(
    port: int, begun: bytes
) -> None:
    async with asyncio.timeout(_DEADLINE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)
        assert await reader.read() == b""
        writer.close()


async def test_drops_of_a_header_do_not_keep_it_open(port: int) -> None:
    async with asyncio.timeout(_DEADLINE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_REQUEST)
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 204")
        ends = asyncio.ensure_future(reader.read())
        writer.write(b"GET / HTTP/1.1\r\nX: ")
        while not ends.done():
            writer.write(b"x")
            await asyncio.sleep(Hasty.patience_s / 4)
        writer.close()


async def test_an_answer_may_take_its_time(port: int) -> None:
    async with asyncio.timeout(_DEADLINE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(_REQUEST)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 204")
        writer.close()
