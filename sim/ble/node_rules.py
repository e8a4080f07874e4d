"""How a plug node treats commands: the reference that its firmware is held against.

Written for MicroPython as for CPython: no hmac module, no dataclasses, no typing at run time. Who
uses it serves `challenge`, `result` and `progress` as they stand, and calls `tick` about once a
second. One central at a time: a node does not advertise as connectable while it has one.

Ref: docs/protocol/node.md; RFC 2104 (HMAC).
"""

import binascii
import hashlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Marks(Protocol):
        """The two numbers that outlive a power cut, in one small file."""

        def load(self) -> tuple[int, int] | None:
            """Boot and reserved counter; None when there are none, or none that is whole."""

        def save(self, boot: int, reserved: int) -> None:
            """Durable when this returns; raises OSError."""

    class Store(Protocol):
        """Where a configuration or an update is put until it is committed."""

        def room(self, op: int) -> int:
            """Bytes for what this op announces; 0: the node has no such thing."""

        def put(self, op: int, offset: int, piece: bytes) -> None:
            """Keep a piece of it; raises OSError."""


_VERSION = 1
_DONE_WITHIN_MS = 5_000
"Within which a central has to prove itself, and answers a challenge."
_WRONG_MAX = 3
_AHEAD = 64
_DRAWN = 0x80000000
"Boot numbers from here on were drawn: the one before is not known."
_LAST = 0xFFFFFFFF

CONFIGURE, UPDATE = 0x10, 0x20
"They announce what will be written into `data`; the op behind each commits it."
_KIB = 1024

DONE, UNSUPPORTED, TAG, CHALLENGE, COUNTER, BUSY, REFUSED, FORM = range(8)
MARKS_LOST = 16


class NodeRules:
    """One node. Times are milliseconds since its boot and do not wrap."""

    def __init__(
        self,
        link_key: bytes,
        mac: bytes,
        marks: "Marks",
        act: "Callable[[int, int], int]",
        state: "Callable[[], int]",
        entropy: "Callable[[int], bytes]",
        store: "Store | None" = None,
    ) -> None:
        """`act(op, argument)` does it, and gives a status; `state()` is how the node stands."""
        self._mac = mac
        link = pads(link_key)
        self._command_key = pads(hmac_sha256(link, b"ongi node command 1" + mac))
        self._answer_key = pads(hmac_sha256(link, b"ongi node answer 1" + mac))
        self._marks = marks
        self._act = act
        self._state = state
        self._entropy = entropy
        self._boot = -1
        self._sequence = 0
        self._used = 0
        self._reserved = 0
        self._lost = False
        self._since_ms = 0
        self._issued_ms = 0
        self._wrong = 0
        self._data = _Data(store)
        self.challenge = b""
        "The value to serve; nothing has to notice that it is read."
        self.result = b""
        self.connected = False
        self.refused = 0
        "Frames that were not believed since the boot."

    @property
    def progress(self) -> bytes:
        """The value to serve for `data`."""
        return self._data.progress()

    def connect(self, at_ms: int) -> None:
        """A central has connected."""
        self.connected = True
        self.result = b""
        self._data.open = False
        self._wrong = 0
        self._since_ms = at_ms
        self._ask(at_ms)

    def disconnect(self) -> None:
        """It is gone, and what it was asked with it."""
        self.connected = False
        self.challenge = self.result = b""
        self._data.open = False

    def tick(self, at_ms: int) -> bool:
        """Whether the central is to be dropped: it only holds the place, or talks rubbish."""
        late = at_ms - self._since_ms > _DONE_WITHIN_MS
        return self.connected and (late or self._wrong >= _WRONG_MAX)

    def write(self, frame: bytes, at_ms: int) -> bytes:
        """A central has written a command: the result, to be served and notified."""
        challenge = self.challenge
        # It dies on use, whatever it was used for.
        self.challenge = b""
        self.result = self._judge(bytes(frame), challenge, at_ms)
        if self.connected:
            self._ask(at_ms)
        return self.result

    def write_data(self, piece: bytes, at_ms: int) -> None:
        """A central has written a piece of what it announced, in the same connection."""
        if not self._data.open:
            self._wrong += 1
            self.refused += 1
        elif self._data.take(bytes(piece)):
            self._since_ms = at_ms

    def _judge(self, frame: bytes, challenge: bytes, at_ms: int) -> bytes:
        if len(frame) != 20 or frame[0] != _VERSION:
            return self._hint(FORM, frame)
        if not challenge or at_ms - self._issued_ms > _DONE_WITHIN_MS:
            return self._hint(CHALLENGE, frame)
        message = b"\x01" + self._mac + challenge + frame[:8] + self._data.digest_for(frame[1])
        right = hmac_sha256(self._command_key, message)
        if not same(right[:12], frame[8:]):
            return self._hint(TAG, frame)
        self._since_ms = at_ms
        counter = int.from_bytes(frame[4:8], "little")
        if counter <= self._used:
            return self._say(COUNTER, self._used, frame, challenge)
        # Durable before anything is done: after a cut it is not done again.
        if counter > self._reserved:
            self._reserved = min(counter + _AHEAD - 1, _LAST)
            self._save()
        self._used = counter
        status = self._do(frame[1], int.from_bytes(frame[2:4], "little"))
        return self._say(status, counter, frame, challenge)

    def _do(self, op: int, argument: int) -> int:
        if op in (CONFIGURE, UPDATE):
            return self._data.announce(op, argument)
        if op in (CONFIGURE + 1, UPDATE + 1):
            # The tag covers it: it is whole, and what was meant. It is committed once.
            self._data.open = False
            self._data.op = 0
        return self._act(op, argument)

    def _say(self, status: int, counter: int, frame: bytes, challenge: bytes) -> bytes:
        state = self._state() | (MARKS_LOST if self._lost else 0)
        body = bytes((_VERSION, frame[1], status, state)) + counter.to_bytes(4, "little")
        message = b"\x02" + self._mac + challenge + frame + body
        return body + hmac_sha256(self._answer_key, message)[:12]

    def _hint(self, status: int, frame: bytes) -> bytes:
        """Why not, without proof and without state: who asks has proved nothing."""
        self._wrong += 1
        self.refused += 1
        return bytes((_VERSION, frame[1] if len(frame) > 1 else 0, status)) + bytes(17)

    def _ask(self, at_ms: int) -> None:
        """Make a challenge: it never was there before, and nobody without the key foresees it."""
        if self._boot < 0 or self._sequence == _LAST:
            self._begin()
        self._sequence += 1
        nonce = self._boot.to_bytes(4, "little") + self._sequence.to_bytes(4, "little")
        nonce += self._entropy(4)
        self.challenge = nonce + hmac_sha256(self._answer_key, b"\x03" + self._mac + nonce)[:8]
        self._issued_ms = at_ms

    def _begin(self) -> None:
        """Take a boot number, at the first connection: a node that only restarts wears nothing."""
        kept = self._marks.load()
        self._sequence = 0
        if kept is None or kept[0] >= _LAST:
            self._lost = True
        else:
            self._boot = kept[0] + 1
            self._used = self._reserved = max(kept[1], self._used)
        if self._lost:
            self._draw()
        self._save()

    def _save(self) -> None:
        try:
            self._marks.save(self._boot, self._reserved)
        except OSError:
            # A prompt has to sound from a failing flash, too: chance takes the place of marks.
            if not self._lost:
                self._lost = True
                self._draw()

    def _draw(self) -> None:
        self._boot = _DRAWN | int.from_bytes(self._entropy(4), "little")


class _Data:
    """What is written into `data`, piece by piece from the beginning on, until it is committed.

    It outlasts a connection, not a boot.
    """

    def __init__(self, store: "Store | None") -> None:
        self._store = store
        self._size = 0
        self._got = 0
        self._crc = 0
        self._hash = hashlib.sha256()
        self._digest = b""
        self.op = 0
        "That announced it; 0: none did."
        self.open = False
        "It was announced in this connection."

    def announce(self, op: int, argument: int) -> int:
        """Go on where the same was broken off; else begin."""
        size = argument * _KIB if op == UPDATE else argument
        room = 0 if self._store is None else self._store.room(op)
        if not room:
            return UNSUPPORTED
        if not 0 < size <= room:
            return REFUSED
        if (op, size) != (self.op, self._size):
            self.op = op
            self._size = size
            self._restart()
        self.open = True
        return DONE

    def take(self, piece: bytes) -> bool:
        """Keep a piece if it is the next one, or the first one again."""
        offset, piece = int.from_bytes(piece[:4], "little"), piece[4:]
        if offset == 0 and self._got:
            self._restart()
        if not piece or offset != self._got or offset + len(piece) > self._size:
            return False
        try:
            self._store.put(self.op, offset, piece)  # type: ignore[union-attr]
        except OSError:
            self.open = False
            return False
        self._got += len(piece)
        self._crc = binascii.crc32(piece, self._crc)
        self._hash.update(piece)
        if self._got == self._size:
            self._digest = self._hash.digest()
        return True

    def progress(self) -> bytes:
        """How many bytes there are, and their CRC-32: whether they are of what is being sent."""
        if not self.open:
            return b""
        return self._got.to_bytes(4, "little") + self._crc.to_bytes(4, "little")

    def digest_for(self, op: int) -> bytes:
        """What the tag of an op covers besides; empty while it is not whole."""
        return self._digest if self.op and op == self.op + 1 else b""

    def _restart(self) -> None:
        self._got = self._crc = 0
        self._hash = hashlib.sha256()
        self._digest = b""


def pads(key: bytes) -> tuple[bytes, bytes]:
    """A key of at most 64 bytes as HMAC needs it, made once: half of the work."""
    key = key + bytes(64 - len(key))
    return bytes(byte ^ 0x36 for byte in key), bytes(byte ^ 0x5C for byte in key)


def hmac_sha256(key: tuple[bytes, bytes], message: bytes) -> bytes:
    """HMAC under the `pads` of a key."""
    return hashlib.sha256(key[1] + hashlib.sha256(key[0] + message).digest()).digest()


def same(one: bytes, other: bytes) -> bool:
    """Whether two tags of one length are equal, in a time that does not tell where they differ."""
    difference = 0
    for a, b in zip(one, other):  # noqa: B905 -- MicroPython's zip has no `strict`
        difference |= a ^ b
    return difference == 0
