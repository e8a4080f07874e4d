"""How a plug node treats commands: the reference that its firmware is held against.

Written for MicroPython as for CPython: no hmac module, no dataclasses, no typing at run time. Who
uses it serves `challenge` and `result` as they stand, and calls `tick` about once a second.
One central at a time: a node does not advertise as connectable while it has one.

Ref: docs/protocol/node.md; RFC 2104 (HMAC).
"""

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


_VERSION = 1
_DONE_WITHIN_MS = 5_000
"Within which a central has to prove itself, and answers a challenge."
_WRONG_MAX = 3
_AHEAD = 64
_DRAWN = 0x80000000
"Boot numbers from here on were drawn: the one before is not known."
_LAST = 0xFFFFFFFF

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
        self.challenge = b""
        "The value to serve; nothing has to notice that it is read."
        self.result = b""
        self.connected = False
        self.refused = 0
        "Frames that were not believed since the boot."

    def connect(self, at_ms: int) -> None:
        """A central has connected."""
        self.connected = True
        self.result = b""
        self._wrong = 0
        self._since_ms = at_ms
        self._ask(at_ms)

    def disconnect(self) -> None:
        """It is gone, and what it was asked with it."""
        self.connected = False
        self.challenge = self.result = b""

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

    def _judge(self, frame: bytes, challenge: bytes, at_ms: int) -> bytes:
        if len(frame) != 20 or frame[0] != _VERSION:
            return self._hint(FORM, frame)
        if not challenge or at_ms - self._issued_ms > _DONE_WITHIN_MS:
            return self._hint(CHALLENGE, frame)
        right = hmac_sha256(self._command_key, b"\x01" + self._mac + challenge + frame[:8])
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
        status = self._act(frame[1], int.from_bytes(frame[2:4], "little"))
        return self._say(status, counter, frame, challenge)

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
