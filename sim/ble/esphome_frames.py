"""How ESPHome's native API goes over a connection: plain, or encrypted; the server's end.

Plain: 00, the length and the type as varints, the message. Encrypted: 01, a length of 16 bits and
so much of Noise_NNpsk0_25519_ChaChaPoly_SHA256, in which a message has its type and its length
before it, 16 bits each.

Ref: esphome 2025.9, components/api/api_frame_helper_plaintext.cpp and api_frame_helper_noise.cpp.
"""

import asyncio
from typing import Final

from cryptography.exceptions import InvalidTag
from noise.connection import NoiseConnection
from noise.exceptions import NoiseInvalidMessage

from rules.errors import LinkLost

_PROTOCOL: Final = b"Noise_NNpsk0_25519_ChaChaPoly_SHA256"
_BEHIND_MAX: Final = 1 << 20
"Bytes that wait for a reader; a real proxy has far less room, and drops too."


class Plain:
    """A connection without encryption."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def begin(self) -> None:
        """There is nothing to agree upon."""

    async def read(self) -> tuple[int, bytes]:
        """Type and body of the next message.

        Raises:
            LinkLost: the connection has ended, or is no longer understood.

        """
        if await self._exactly(1) != b"\0":
            self._write(b"\0Bad indicator byte")
            raise LinkLost("the other end encrypts")
        length, kind = await self._varint(), await self._varint()
        return kind, await self._exactly(length)

    def send(self, kind: int, body: bytes) -> None:
        """Send a message; nothing of it when the other end does not read."""
        self._write(b"\0" + _varint(len(body)) + _varint(kind) + body)

    def close(self, *, rudely: bool = False) -> None:
        """End the connection, rudely without what is still to be sent."""
        if rudely:
            self._writer.transport.abort()
        else:
            self._writer.close()

    async def _exactly(self, length: int) -> bytes:
        try:
            return await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise LinkLost(str(error)) from error

    async def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = (await self._exactly(1))[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def _write(self, frame: bytes) -> None:
        transport = self._writer.transport
        if not transport.is_closing() and transport.get_write_buffer_size() < _BEHIND_MAX:
            self._writer.write(frame)


class Encrypted(Plain):
    """A connection under a key that both ends have."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        key: bytes,
        name: str,
        address: str,
    ) -> None:
        super().__init__(reader, writer)
        self._hello = name.encode() + b"\0" + address.replace(":", "").lower().encode() + b"\0"
        self._noise = NoiseConnection.from_name(_PROTOCOL)
        self._noise.set_as_responder()
        self._noise.set_psks(key)

    async def begin(self) -> None:
        """Agree upon the keys of this connection.

        Raises:
            LinkLost: the other end has another key or none.

        """
        theirs = await self._frame()
        self._write_frame(b"\x01" + self._hello)
        self._noise.set_prologue(b"NoiseAPIInit" + len(theirs).to_bytes(2, "big") + theirs)
        self._noise.start_handshake()
        offer = await self._frame()
        try:
            self._noise.read_message(offer[1:])
        except (InvalidTag, ValueError) as error:
            self._write_frame(b"\x01Handshake MAC failure")
            raise LinkLost("another key") from error
        self._write_frame(b"\0" + bytes(self._noise.write_message()))

    async def read(self) -> tuple[int, bytes]:
        """See `Plain`."""
        try:
            message = bytes(self._noise.decrypt(await self._frame()))
        except NoiseInvalidMessage as error:
            raise LinkLost("a frame of somebody else's") from error
        return int.from_bytes(message[:2], "big"), message[4:]

    def send(self, kind: int, body: bytes) -> None:
        """See `Plain`."""
        head = kind.to_bytes(2, "big") + len(body).to_bytes(2, "big")
        self._write_frame(bytes(self._noise.encrypt(head + body)))

    async def _frame(self) -> bytes:
        head = await self._exactly(3)
        if head[0] != 1:
            self._write_frame(b"\x01Bad indicator byte")
            raise LinkLost("the other end does not encrypt")
        return await self._exactly(int.from_bytes(head[1:], "big"))

    def _write_frame(self, frame: bytes) -> None:
        self._write(b"\x01" + len(frame).to_bytes(2, "big") + frame)


def _varint(number: int) -> bytes:
    """Seven bits at a time, the lowest first."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])
