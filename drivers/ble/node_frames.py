"""Frames of our plug node's commands: its challenge, the gateway's command, the node's result.

Each is 20 bytes, what one write carries without a larger MTU. Who holds the node's link key can
make them, nobody else; nothing in them is secret.

Ref: docs/protocol/node.md; RFC 2104 (HMAC), section 5 (truncated output).
"""

import hmac
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Final

from drivers.refused import Refused, Why
from rules.command import Command, Signal
from rules.device import Output

VERSION: Final = 1
FRAME_BYTES: Final = 20
COUNTER_MAX: Final = (1 << 32) - 1

SERVICE: Final = "c56d0001-310e-4a14-8c02-9e61a8a4a3bd"
CHALLENGE: Final = "c56d0002-310e-4a14-8c02-9e61a8a4a3bd"
COMMAND: Final = "c56d0003-310e-4a14-8c02-9e61a8a4a3bd"
RESULT: Final = "c56d0004-310e-4a14-8c02-9e61a8a4a3bd"
DATA: Final = "c56d0005-310e-4a14-8c02-9e61a8a4a3bd"

_BODY_BYTES: Final = 8
_TAG_BYTES: Final = FRAME_BYTES - _BODY_BYTES
_NONCE_BYTES: Final = 12
_NO_TAG: Final = bytes(_TAG_BYTES)
_KEY_BYTES: Final = 16
_MAC_BYTES: Final = 6


class Op(IntEnum):
    """What a command asks for. All are absolute: done twice is done once."""

    RELAY = 0x01
    LIGHT = 0x02
    BUZZER = 0x03
    IDENTIFY = 0x04
    CONFIGURE = 0x10
    "So many bytes of a configuration will be written into `data`."
    CONFIGURE_COMMIT = 0x11
    UPDATE = 0x20
    "So many KiB of a program will be."
    UPDATE_COMMIT = 0x21
    UPDATE_CONFIRM = 0x22
    "The new program is well: it is not given up for the one before."


class Status(IntEnum):
    """What became of a command."""

    DONE = 0
    UNSUPPORTED = 1
    TAG = 2
    CHALLENGE = 3
    "Used, too old, or of another connection."
    COUNTER = 4
    "Not above the node's mark, which the result has in place of the counter."
    BUSY = 5
    REFUSED = 6
    FORM = 7
    "No command of this version."


class State(IntFlag):
    """How the node stands after a command."""

    RELAY_ON = 1
    LIGHT_ON = 2
    BUZZER_ON = 4
    ON_BATTERY = 8
    MARKS_LOST = 16
    "Its flash is failing or was damaged: chance alone keeps recorded commands out."


_HINTS: Final = frozenset({Status.TAG, Status.CHALLENGE, Status.FORM})
"The node proves nothing to whom has proved nothing: these come without a tag."

_SIGNALS: Final = {
    Signal.OFF: 0,
    Signal.PROMPT: 1,
    Signal.SOS_SENT: 2,
    Signal.HAZARD: 3,
    Signal.TAKEN: 4,
}
_IDENTIFY_S: Final = 15
_OUTPUTS: Final = {Output.LIGHT: Op.LIGHT, Output.BUZZER: Op.BUZZER}


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """One node's keys and the address that they belong to."""

    mac: bytes
    command: bytes = field(repr=False)
    "Of what the gateway says."
    answer: bytes = field(repr=False)
    "Of what the node says."


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a node wants answered; `frame` as it was read, `boot` and `sequence` out of it."""

    frame: bytes
    boot: int
    sequence: int


@dataclass(frozen=True, slots=True)
class NodeOrder:
    """What a node shall do: `argument` is 0 to 65,535, its meaning that of the `op`."""

    op: Op
    argument: int
    digest: bytes = b""
    "SHA-256 of what lies in `data`, where the op commits that."


@dataclass(frozen=True, slots=True)
class Sent:
    """A command as it was written, and the challenge that it answers."""

    frame: bytes
    challenge: bytes
    op: Op
    counter: int


@dataclass(frozen=True, slots=True)
class Result:
    """The node's own word on the command it is compared with. `mark` with `COUNTER` only."""

    status: Status
    state: State
    mark: int | None = None


@dataclass(frozen=True, slots=True)
class Hint:
    """Why the node did not listen; whoever is at the other end may have said so."""

    status: Status


def keys_of(link_key: bytes, mac: bytes) -> NodeKeys:
    """The keys of the node with this link key (16 bytes) and address (6, as it is written)."""
    assert len(link_key) == _KEY_BYTES
    assert len(mac) == _MAC_BYTES
    return NodeKeys(
        mac,
        _hmac(link_key, b"ongi node command 1" + mac),
        _hmac(link_key, b"ongi node answer 1" + mac),
    )


def order_of(command: Command) -> NodeOrder | None:
    """What a node has to do for a command; None when no node of ours can."""
    if command.signal is Signal.IDENTIFY:
        return NodeOrder(Op.IDENTIFY, _IDENTIFY_S)
    signal = _SIGNALS.get(command.signal)
    if signal is None:
        return None
    if command.output is Output.RELAY:
        return NodeOrder(Op.RELAY, int(command.signal is not Signal.OFF))
    op = _OUTPUTS.get(command.output)
    return None if op is None else NodeOrder(op, signal)


def decode_challenge(value: bytes, keys: NodeKeys) -> Challenge:
    """Check a challenge: only the node can have made it.

    Raises:
        Refused: another length, or a tag that does not fit.

    """
    if len(value) != FRAME_BYTES:
        raise Refused(Why.MALFORMED, f"a challenge of {len(value)} bytes")
    nonce = value[:_NONCE_BYTES]
    tag = _hmac(keys.answer, b"\x03" + keys.mac + nonce)[: FRAME_BYTES - _NONCE_BYTES]
    if not hmac.compare_digest(tag, value[_NONCE_BYTES:]):
        raise Refused(Why.WRONG_KEY, "a challenge that the node did not make")
    return Challenge(bytes(value), _u32(nonce[:4]), _u32(nonce[4:8]))


def encode_command(order: NodeOrder, counter: int, challenge: Challenge, keys: NodeKeys) -> Sent:
    """The command that answers a challenge; `counter` is above all that were sent before."""
    assert 0 < counter <= COUNTER_MAX
    body = (
        bytes((VERSION, order.op))
        + order.argument.to_bytes(2, "little")
        + counter.to_bytes(4, "little")
    )
    tag = _hmac(keys.command, b"\x01" + keys.mac + challenge.frame + body + order.digest)
    return Sent(body + tag[:_TAG_BYTES], challenge.frame, order.op, counter)


def decode_result(value: bytes, sent: Sent, keys: NodeKeys) -> Result | Hint:
    """Check the answer to this very command.

    Raises:
        Refused: no result of this version, one of another command, or a tag that does not fit.

    """
    if len(value) != FRAME_BYTES or value[0] != VERSION:
        raise Refused(Why.MALFORMED, f"no result of version {VERSION}, {len(value)} bytes")
    try:
        status = Status(value[2])
    except ValueError:
        raise Refused(Why.MALFORMED, f"status {value[2]}") from None
    body, tag = value[:_BODY_BYTES], value[_BODY_BYTES:]
    if status in _HINTS and hmac.compare_digest(tag, _NO_TAG):
        return Hint(status)
    right = _hmac(keys.answer, b"\x02" + keys.mac + sent.challenge + sent.frame + body)
    if not hmac.compare_digest(right[:_TAG_BYTES], tag):
        raise Refused(Why.FALSE_NODE, "a result that the node did not make")
    counter = _u32(body[4:])
    fits = counter >= sent.counter if status is Status.COUNTER else counter == sent.counter
    if value[1] != sent.op or not fits or status in _HINTS:
        raise Refused(Why.MALFORMED, f"op {value[1]}, counter {counter}: not what was asked")
    mark = counter if status is Status.COUNTER else None
    return Result(status, State(value[3]), mark)


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _u32(field_: bytes) -> int:
    return int.from_bytes(field_, "little")
