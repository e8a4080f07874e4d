"""What a gateway's proven request asks for, and the answer: its code and its payload.

`e` brings one to six signed records; the answer, 2.01 or 2.04, names their ids and is given
after the commit. `h` is a heartbeat; its answer carries the time, news and what to send again.
Anything else is refused, counted, and stores nothing.

Ref: docs/protocol.
"""

from collections.abc import Callable

from aiocoap.numbers.codes import Code

from central.cases import StoreFailing
from central.clock import Calendar
from central.refusals import Reason, Refusals
from central.sql.records import RecordClash
from central.store import Store
from central.udp import Peer
from protocol.heartbeat import HeartbeatReply, decode_heartbeat, encode_reply
from protocol.identity import GatewayEntry
from protocol.records import Record, decode, decode_batch, verify
from rules.errors import FrameError

INTERVAL_HOT_S = 5
"While people may act on a case, or more is to be told, so that taken and closed arrive soon."
_WHY_MAX = 80
"Characters of an error that are logged or sent."


class Requests:
    """Answers what gateways ask, once it is proven that it is they who ask.

    `interval` gives the seconds that heartbeats shall be apart, `hot_s` the most of them while
    people may act on a case of the gateway, or one reply cannot tell it all that they did.
    """

    def __init__(
        self,
        store: Store,
        clock: Calendar,
        *,
        interval: Callable[[], int],
        refusals: Refusals,
        hot_s: int = INTERVAL_HOT_S,
    ) -> None:
        self._store = store
        self._clock = clock
        self._interval = interval
        self._refusals = refusals
        self._hot_s = hot_s

    async def answer(
        self, entry: GatewayEntry, path: tuple[str, ...], payload: bytes, peer: Peer
    ) -> tuple[Code, bytes]:
        """Do what the gateway of `entry` posts to `path`; the answer's code and payload."""
        try:
            match path:
                case ("e",):
                    return await self._records(entry, payload, peer)
                case ("h",):
                    return await self._heartbeat(entry, payload)
        except FrameError as error:
            why = str(error)[:_WHY_MAX]
            self._refusals.note(Reason.MALFORMED, peer, entry.kid, why)
            return Code.BAD_REQUEST, why.encode()
        except StoreFailing as failing:
            self._refusals.note(Reason.UNSTORED, peer, entry.kid, str(failing)[:_WHY_MAX])
            return Code.SERVICE_UNAVAILABLE, b""
        return Code.NOT_FOUND, b""

    async def _records(
        self, entry: GatewayEntry, payload: bytes, peer: Peer
    ) -> tuple[Code, bytes]:
        signed = decode_batch(payload)
        try:
            records = [(_record(each, entry), each) for each in signed]
        except _ForeignError as error:
            self._refusals.note(Reason.FOREIGN, peer, entry.kid, str(error)[:_WHY_MAX])
            return Code.FORBIDDEN, b""
        try:
            new = await self._store.persist(entry.gateway, records, self._clock.now())
        except RecordClash as clash:
            self._refusals.note(Reason.CLASH, peer, entry.kid, str(clash))
            return Code.FORBIDDEN, b""
        ids = b"".join(record.id for record, _ in records)
        return Code.CREATED if any(new) else Code.CHANGED, ids

    async def _heartbeat(self, entry: GatewayEntry, payload: bytes) -> tuple[Code, bytes]:
        heartbeat = decode_heartbeat(payload)
        due = await self._store.due(entry.gateway, heartbeat, self._clock.now())
        interval_s = self._interval()
        if due.waits_for_people or due.more_news:
            interval_s = min(interval_s, self._hot_s)
        now = self._clock.now()
        self._store.heartbeat(entry.gateway, heartbeat, interval_s, now)
        reply = HeartbeatReply(now, interval_s, due.news, due.missing)
        return Code.CHANGED, encode_reply(reply)


class _ForeignError(ValueError):
    """A record that another gateway made, or pretends to have made."""


def _record(signed: bytes, entry: GatewayEntry) -> Record:
    """Check who made a record, and read it.

    Raises:
        FrameError: the signature does not fit, or it is no record.
        _ForeignError: it was not made by the gateway that sends it.

    """
    key = entry.verifying_key()
    try:
        _, payload = verify(signed, lambda kid: key if kid == entry.kid else None)
    except FrameError as error:
        raise _ForeignError(str(error)) from error
    record = decode(payload)
    if record.gateway != entry.gateway:
        raise _ForeignError(f"a record of {record.gateway}")
    return record
