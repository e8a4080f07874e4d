"""Records: what leaves the house, one alarm or one change of it each, signed once.

A record is a CBOR map with integer keys (`docs/protocol/uplink.cddl`), deterministic, so that the
same record has the same bytes wherever it is encoded. It carries the alarm's sentences and, of
silences, half-hour classes of activity: no sensor's values.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum

from protocol import cbor, sentences
from protocol.signature import sign, verify
from rules.alarm import AlarmKind, Category
from rules.codec import moment_us
from rules.errors import FrameError
from rules.events import Escalated, Stage, Updated
from rules.sentence import Explanation

__all__ = [
    "BATCH_BYTES_MAX",
    "BATCH_MAX",
    "Key",
    "Record",
    "RecordKind",
    "decode",
    "decode_batch",
    "encode",
    "encode_batch",
    "record_of",
    "sign",
    "uuid7",
    "verify",
]

VERSION = 1
ID_BYTES = 16
ACTIVITY_MAX = 48
"Half hours of a day."
ACTIVITY_CLASSES = 6
"none, little, some, much, away, unknown"
PAYLOAD_MAX = 860
"Bytes of a record, so that it travels in one datagram when it is signed."
BATCH_MAX = 6
BATCH_BYTES_MAX = 1_000
"With OSCORE's own bytes this stays under the 1,024 of one CoAP message without blocks."

_NAME_MAX = 64
_LEVEL_MAX = 99


class RecordKind(IntEnum):
    """What a record is."""

    ESCALATION = 1
    FAULT = 2
    NOTE = 3
    UPDATE = 4
    "News of a case that an earlier record opened."


@dataclass(frozen=True, slots=True)
class Record:
    """One record: `id` names it for ever, `seq` orders those of a gateway, `wall` is advisory."""

    id: bytes
    "UUIDv7. Never order by it: the gateway's clock may be wrong."
    kind: RecordKind
    gateway: str
    seq: int
    boot: int
    monotonic_ms: int
    wall: datetime
    time_trusted: bool
    alarm: AlarmKind
    scope: str | None
    level: int
    explanation: Explanation
    room: str
    activity: bytes
    "At most 48 classes 0 to 5, oldest first."
    drill: bool
    refers: bytes | None
    "For an update: the id of the record that opened the case."
    stage: Stage | None


class Key(IntEnum):
    """The integer keys of a record's map."""

    VERSION = 0
    ID = 1
    KIND = 2
    GATEWAY = 3
    SEQ = 4
    BOOT = 5
    MONOTONIC_MS = 6
    WALL = 7
    TIME_TRUSTED = 8
    ALARM = 9
    LEVEL = 10
    EXPLANATION = 11
    SCOPE = 12
    ROOM = 13
    ACTIVITY = 14
    DRILL = 15
    REFERS = 16
    STAGE = 17


_OPTIONAL = frozenset(
    {Key.SCOPE, Key.ROOM, Key.ACTIVITY, Key.DRILL, Key.REFERS, Key.STAGE},
)
_REQUIRED = frozenset(Key) - _OPTIONAL
_KINDS = {
    Category.ESCALATION: RecordKind.ESCALATION,
    Category.FAULT: RecordKind.FAULT,
    Category.NOTE: RecordKind.NOTE,
}


def encode(record: Record) -> bytes:
    """The record's one encoding. Texts must be within bounds, as `record_of` makes them."""
    table: dict[int, object] = {
        Key.VERSION: VERSION,
        Key.ID: record.id,
        Key.KIND: int(record.kind),
        Key.GATEWAY: record.gateway,
        Key.SEQ: record.seq,
        Key.BOOT: record.boot,
        Key.MONOTONIC_MS: record.monotonic_ms,
        Key.WALL: moment_us(record.wall),
        Key.TIME_TRUSTED: record.time_trusted,
        Key.ALARM: record.alarm.value,
        Key.LEVEL: record.level,
        Key.EXPLANATION: sentences.plain(record.explanation),
    }
    if record.scope is not None:
        table[Key.SCOPE] = record.scope
    if record.room:
        table[Key.ROOM] = record.room
    if record.activity:
        table[Key.ACTIVITY] = record.activity
    if record.drill:
        table[Key.DRILL] = True
    if record.refers is not None:
        table[Key.REFERS] = record.refers
    if record.stage is not None:
        table[Key.STAGE] = record.stage.value
    return cbor.dumps({int(key): value for key, value in table.items()})


def decode(payload: bytes) -> Record:
    """Read one record.

    Raises:
        FrameError: anything but what `encode` gives.

    """
    fields = cbor.Fields(cbor.loads(payload, PAYLOAD_MAX), _REQUIRED, _OPTIONAL)
    fields.integer(Key.VERSION, VERSION, VERSION)
    try:
        kind = RecordKind(fields.integer(Key.KIND))
        alarm = AlarmKind(fields.text(Key.ALARM, _NAME_MAX))
        stage = Stage(fields.text(Key.STAGE, _NAME_MAX)) if Key.STAGE in fields else None
    except FrameError:
        raise
    except ValueError as error:
        raise FrameError(str(error)) from error
    refers = fields.octets(Key.REFERS, ID_BYTES, ID_BYTES) if Key.REFERS in fields else None
    is_update = kind is RecordKind.UPDATE
    if is_update != (stage is not None) or is_update != (refers is not None):
        raise FrameError(f"a {kind.name} with refers {refers!r}, stage {stage}")
    record = Record(
        id=fields.octets(Key.ID, ID_BYTES, ID_BYTES),
        kind=kind,
        gateway=fields.text(Key.GATEWAY, _NAME_MAX),
        seq=fields.integer(Key.SEQ),
        boot=fields.integer(Key.BOOT),
        monotonic_ms=fields.integer(Key.MONOTONIC_MS),
        wall=fields.moment(Key.WALL),
        time_trusted=fields.flag(Key.TIME_TRUSTED),
        alarm=alarm,
        scope=fields.text(Key.SCOPE, _NAME_MAX) if Key.SCOPE in fields else None,
        level=fields.integer(Key.LEVEL, 0, _LEVEL_MAX),
        explanation=sentences.parse(fields.get(Key.EXPLANATION)),
        room=fields.text(Key.ROOM, sentences.TEXT_MAX) if Key.ROOM in fields else "",
        activity=_activity(fields),
        drill=fields.flag(Key.DRILL) if Key.DRILL in fields else False,
        refers=refers,
        stage=stage,
    )
    if encode(record) != payload:
        # A default that is spelt out.
        raise FrameError("not the one encoding of its record")
    return record


def _activity(fields: cbor.Fields) -> bytes:
    if Key.ACTIVITY not in fields:
        return b""
    activity = fields.octets(Key.ACTIVITY, 1, ACTIVITY_MAX)
    if max(activity) >= ACTIVITY_CLASSES:
        raise FrameError(f"activity class {max(activity)}, at most {ACTIVITY_CLASSES - 1}")
    return activity


def record_of(
    event: Escalated | Updated,
    *,
    id: bytes,  # noqa: A002 -- the record's field of that name
    gateway: str,
    boot: int,
    monotonic_ms: int,
    time_trusted: bool,
    refers: bytes | None = None,
) -> Record:
    """The record of an engine's event, its texts cut until it fits in one datagram.

    `refers` is the id of the record that opened the case: needed for `Updated`, else None.
    """
    opening = event if isinstance(event, Escalated) else None
    update = event if isinstance(event, Updated) else None
    assert (update is None) == (refers is None)
    whole = Record(
        id=id,
        kind=RecordKind.UPDATE if update else _KINDS[event.alarm.kind.category],
        gateway=gateway,
        seq=event.serial,
        boot=boot,
        monotonic_ms=monotonic_ms,
        wall=event.at,
        time_trusted=time_trusted,
        alarm=event.alarm.kind,
        scope=event.alarm.scope,
        level=min(max(event.level, 0), _LEVEL_MAX),
        explanation=event.explanation,
        room=opening.room if opening else "",
        activity=opening.activity[-ACTIVITY_MAX:] if opening else b"",
        drill=opening.drill if opening else False,
        refers=refers,
        stage=update.stage if update else None,
    )
    return _fitted(whole)


def _fitted(record: Record) -> Record:
    # An alarm that the center would refuse for its length is worse than one with fewer words.
    for count, characters in ((8, 200), (8, 60), (4, 60), (2, 30), (1, 10), (0, 10)):
        fitted = replace(
            record,
            explanation=sentences.clip(record.explanation, count, characters),
            room=sentences.cut(record.room, characters),
        )
        if len(encode(fitted)) <= PAYLOAD_MAX:
            return fitted
    raise AssertionError("names of more than 64 characters")


def encode_batch(signed: Sequence[bytes]) -> bytes:
    """The body of one POST: a signed record alone, or an array of two to six of them."""
    assert 0 < len(signed) <= BATCH_MAX
    return signed[0] if len(signed) == 1 else cbor.dumps(list(signed))


def decode_batch(body: bytes) -> tuple[bytes, ...]:
    """The signed records of one POST, not looked into yet.

    Raises:
        FrameError: an array of anything else, too many, too long, or empty.

    """
    if not body or body[0] >> 5 != _ARRAY:
        return (cbor.octets(body, 1, BATCH_BYTES_MAX),)
    rows = cbor.items(cbor.loads(body, BATCH_BYTES_MAX), BATCH_MAX)
    if len(rows) < 2:
        raise FrameError("an array of less than two records")
    return tuple(cbor.octets(row, 1, BATCH_BYTES_MAX) for row in rows)


_ARRAY = 4
"Major type (RFC 8949, 3.1)."


def uuid7(unix_ms: int, random: bytes) -> bytes:
    """A UUIDv7 from Unix time and ten random bytes.

    Ref: RFC 9562, 5.7.
    """
    assert len(random) == 10
    value = bytearray((unix_ms & (2**48 - 1)).to_bytes(6, "big") + random)
    value[6] = 0x70 | value[6] & 0x0F
    value[8] = 0x80 | value[8] & 0x3F
    return bytes(value)
