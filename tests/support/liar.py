"""A UDP server that knows CoAP's header and no key: what anybody on the way could answer."""

import asyncio
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Self

from aiocoap.message import Message

_ACK, _RST = 0x60, 0x70
_ACK_WITH_TOKEN = 0x60


class Lie(Enum):
    """What is answered."""

    SILENCE = "nothing"
    EMPTY_ACK = "an empty ACK, and then nothing"
    RESET = "RST"
    CREATED = "unprotected 2.01 with a payload of our choice"
    UNAUTHORIZED = "unprotected 4.01, as a replayed request is answered"
    GARBAGE = "an OSCORE option that cannot be parsed"
    NOISE = "no CoAP"


@dataclass
class Liar(asyncio.DatagramProtocol):
    """Use as `async with`."""

    lie: Lie
    payload: bytes = b""
    got: list[bytes] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    at_s: list[float] = field(default_factory=list)
    port: int = 0

    async def __aenter__(self) -> Self:
        """Listen."""
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        self.port = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self._transport.close()

    @property
    def messages(self) -> list[Message]:
        """What came, parsed."""
        return [Message.decode(datagram) for datagram in self.got]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer at once."""
        self.got.append(data)
        self.ports.append(addr[1])
        self.at_s.append(asyncio.get_running_loop().time())
        token_length = data[0] & 0x0F
        mid, token = data[2:4], data[4 : 4 + token_length]
        head = bytes([_ACK_WITH_TOKEN | token_length])
        answer = {
            Lie.SILENCE: b"",
            Lie.EMPTY_ACK: bytes([_ACK, 0]) + mid,
            Lie.RESET: bytes([_RST, 0]) + mid,
            Lie.CREATED: head + b"\x41" + mid + token + b"\xff" + self.payload,
            Lie.UNAUTHORIZED: head + b"\x81" + mid + token + b"\xffReplay detected",
            # Option 9 of one byte: a kid context is announced and nothing follows.
            Lie.GARBAGE: head + b"\x44" + mid + token + b"\x91\x10\xff" + bytes(20),
            Lie.NOISE: b"\xff" * 40,
        }[self.lie]
        if answer:
            self._transport.sendto(answer, addr)
