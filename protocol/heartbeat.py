"""The heartbeat and its reply: proof of life one way, time and news the other.

Both are CBOR maps with integer keys (`docs/protocol/uplink.cddl`), each in one datagram.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from protocol import cbor
from protocol.records import ID_BYTES
from protocol.sentences import cut
from rules.codec import moment_us
from rules.errors import FrameError
from rules.events import Outcome

TOKEN_BYTES = 8
NEWS_MAX = 8
"News of one reply, fewer if names are long; the rest waits for the next one."
SEEN_MAX = 32
MISSING_MAX = 16
BY_MAX = 40
"Characters of a person's name."
INTERVAL_S_MAX = 3_600
DEFAULT_INTERVAL_S = 60

_BYTES_MAX = 1_000
_VERSION_MAX = 40


class NewsKind(StrEnum):
    """What happened to a case at the center."""

    TAKEN = "taken"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class News:
    """A case was taken or closed. Told in every reply until its token comes back."""

    token: bytes
    "Eight random bytes of the center's."
    record: bytes
    "Id of the record that opened the case."
    what: NewsKind
    by: str
    outcome: Outcome | None
    "Of a closed case."
    at: datetime


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a gateway says of itself, about once a minute."""

    boot: int
    monotonic_ms: int
    wall: datetime
    time_trusted: bool
    outbox_depth: int
    first_seq: int
    last_seq: int
    "The gateway still holds records of `first_seq` to `last_seq` that were persisted; 0, 0: none."
    news_seen: tuple[bytes, ...]
    "Tokens that are journaled here: the center need not tell them again."
    version: str


@dataclass(frozen=True, slots=True)
class HeartbeatReply:
    """What the center answers."""

    now: datetime
    interval_s: int
    "1 to 3,600: when to send the next heartbeat."
    news: tuple[News, ...]
    missing: tuple[tuple[int, int], ...]
    "Ranges of seq, both ends included, that the center should know but does not."


def encode_heartbeat(beat: Heartbeat) -> bytes:
    """One datagram's payload; of too many tokens the first 32."""
    return cbor.dumps(
        {
            1: beat.boot,
            2: beat.monotonic_ms,
            3: moment_us(beat.wall),
            4: beat.time_trusted,
            5: beat.outbox_depth,
            6: beat.first_seq,
            7: beat.last_seq,
            8: list(beat.news_seen[:SEEN_MAX]),
            9: beat.version[:_VERSION_MAX],
        }
    )


def decode_heartbeat(payload: bytes) -> Heartbeat:
    """Read a heartbeat.

    Raises:
        FrameError: anything but what `encode_heartbeat` gives.

    """
    fields = cbor.Fields(cbor.loads(payload, _BYTES_MAX), frozenset(range(1, 10)), frozenset())
    seen = fields.items(8, SEEN_MAX)
    beat = Heartbeat(
        boot=fields.integer(1),
        monotonic_ms=fields.integer(2),
        wall=fields.moment(3),
        time_trusted=fields.flag(4),
        outbox_depth=fields.integer(5),
        first_seq=fields.integer(6),
        last_seq=fields.integer(7),
        news_seen=tuple(cbor.octets(token, TOKEN_BYTES, TOKEN_BYTES) for token in seen),
        version=fields.text(9, _VERSION_MAX),
    )
    if beat.first_seq > beat.last_seq:
        raise FrameError(f"records held from {beat.first_seq} to {beat.last_seq}")
    return beat


def encode_reply(reply: HeartbeatReply) -> bytes:
    """One datagram's payload; of too many news or ranges the first that fit, names cut to 40."""
    news = [_plain_news(each) for each in reply.news[:NEWS_MAX]]
    table: dict[int, object] = {
        1: moment_us(reply.now),
        2: reply.interval_s,
        3: news,
        4: [list(span) for span in reply.missing[:MISSING_MAX]],
    }
    while len(payload := cbor.dumps(table)) > _BYTES_MAX:
        news.pop()
    return payload


def decode_reply(payload: bytes) -> HeartbeatReply:
    """Read a reply.

    Raises:
        FrameError: anything but what `encode_reply` gives.

    """
    fields = cbor.Fields(cbor.loads(payload, _BYTES_MAX), frozenset(range(1, 5)), frozenset())
    return HeartbeatReply(
        now=fields.moment(1),
        interval_s=fields.integer(2, 1, INTERVAL_S_MAX),
        news=tuple(_news(item) for item in fields.items(3, NEWS_MAX)),
        missing=tuple(_span(item) for item in fields.items(4, MISSING_MAX)),
    )


def _plain_news(news: News) -> dict[int, object]:
    table: dict[int, object] = {
        1: news.token,
        2: news.record,
        3: news.what.value,
        4: cut(news.by, BY_MAX),
        6: moment_us(news.at),
    }
    if news.outcome is not None:
        table[5] = news.outcome.value
    return table


def _news(value: object) -> News:
    fields = cbor.Fields(value, frozenset({1, 2, 3, 4, 6}), frozenset({5}))
    try:
        what = NewsKind(fields.text(3, BY_MAX))
        outcome = Outcome(fields.text(5, BY_MAX)) if 5 in fields else None
    except FrameError:
        raise
    except ValueError as error:
        raise FrameError(str(error)) from error
    if (what is NewsKind.CLOSED) != (outcome is not None):
        raise FrameError(f"{what.value} with the outcome {outcome}")
    return News(
        token=fields.octets(1, TOKEN_BYTES, TOKEN_BYTES),
        record=fields.octets(2, ID_BYTES, ID_BYTES),
        what=what,
        by=fields.text(4, BY_MAX),
        outcome=outcome,
        at=fields.moment(6),
    )


def _span(value: object) -> tuple[int, int]:
    match cbor.items(value, 2):
        case [first, last]:
            least = cbor.integer(first, 0, cbor.INTEGER_MAX)
            return least, cbor.integer(last, least, cbor.INTEGER_MAX)
    raise FrameError(f"{value!r:.40} where a range belongs")
