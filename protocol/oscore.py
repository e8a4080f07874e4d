"""OSCORE contexts whose numbers live where ours are durable, for the gateway and for the center.

aiocoap does the cryptography; its own FilesystemSecurityContext does not fsync the folder after
its rename, so a power cut can bring used numbers back, and with them used nonces.

Ref: RFC 8613 (OSCORE): 3.2 derivation, 7.2 sequence numbers, 8.3 responses with a Partial IV of
their own, B.1.1 numbers reserved ahead, B.1.2 replay window recovered by Echo.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from aiocoap import oscore
from aiocoap.credentials import CredentialsMap
from aiocoap.message import Message
from aiocoap.oscore import ReplayWindow, RequestIdentifiers

from protocol.identity import CENTER_ID, GatewayEntry, GatewayIdentity

ID_CONTEXT_BYTES = 8
GATEWAY_CHUNK = 512
"One write in 8.5 hours of heartbeats."
CENTER_CHUNK = 65_536
"One write in days, even while every heartbeat comes after 5 s."
EMERGENCY_MAX = 64
"Contexts of gateways that cannot write, at one center."

_WINDOW = 32
_NUMBERS_PER_SECOND = 1_024
_BY_TIME_MAX = 2**40 - 2**36
_EPOCH = datetime(2025, 1, 1, tzinfo=UTC)


class Reservation:
    """Numbers that may be used because all below the limit are durably noted as used."""

    __slots__ = ("_chunk", "_limit", "_reserve")

    def __init__(self, start: int, reserve: Callable[[int], None], chunk: int) -> None:
        """Begin at `start`, the highest limit noted so far.

        `reserve(limit)` returns only when `limit` is durable, and raises where it cannot be.
        """
        self._limit = start
        self._reserve = reserve
        self._chunk = chunk

    def cover(self, upto: int) -> None:
        """Make sure that numbers below `upto` may be used.

        Raises:
            OSError: what `reserve` raises; then none beyond the old limit may be.

        """
        if upto > self._limit:
            limit = upto + self._chunk
            self._reserve(limit)
            self._limit = limit


@dataclass(frozen=True, slots=True)
class Parameters:
    """What both ends agree on (RFC 8613, 3.2); the algorithms are the default ones."""

    master_secret: bytes = field(repr=False)
    master_salt: bytes = field(repr=False)
    sender_id: bytes
    recipient_id: bytes
    id_context: bytes | None = None


class SecurityContext(oscore.CanProtect, oscore.CanUnprotect, oscore.SecurityContextUtils):
    """One end of an OSCORE association between a gateway and a center.

    `recipient_id` tells a center which gateway a request came from.
    """

    alg_aead: oscore.AeadAlgorithm | None = oscore.AES_CCM_16_64_128()
    hashfun = oscore.hashfunctions[oscore.DEFAULT_HASHFUNCTION]

    def __init__(
        self,
        parameters: Parameters,
        reservation: Reservation,
        start: int,
        echo: bytes | None = None,
        authentic: Callable[["SecurityContext"], None] | None = None,
    ) -> None:
        """Derive the keys. Numbers from `start` on are taken, each covered by `reservation`.

        With `echo`, a request that meets the unknown replay window is answered 4.01 and that
        value; `authentic` is told of every message that was decrypted.
        """
        self.sender_id = parameters.sender_id
        self.recipient_id = parameters.recipient_id
        self.id_context = parameters.id_context
        self.derive_keys(  # type: ignore[no-untyped-call]  # aiocoap
            parameters.master_salt, parameters.master_secret
        )
        self.sender_sequence_number = start
        self._reservation = reservation
        self.echo_recovery = echo
        self._authentic = authentic
        # Unknown: requests are refused until Echo has shown one to be fresh.
        self.recipient_replay_window = ReplayWindow(_WINDOW, lambda: None)

    def reserve(self, count: int) -> None:
        """Make sure that the next `count` numbers may be used.

        Raises:
            OSError: they could not be made durable; nothing may be sent with this context.

        """
        self._reservation.cover(self.sender_sequence_number + count)

    def post_seqnoincrease(self) -> None:
        """Called by aiocoap with the number just taken, before it is used."""
        self._reservation.cover(self.sender_sequence_number)

    def protect(
        self,
        message: Message,
        request_id: RequestIdentifiers | None = None,
        *,
        kid_context: bool | bytes = True,
    ) -> tuple[Message, RequestIdentifiers]:
        """As aiocoap's: the outer message, and what the response will be matched with."""
        protected, identifiers = super().protect(  # type: ignore[no-untyped-call]  # aiocoap
            message, request_id, kid_context=kid_context
        )
        return protected, identifiers

    def unprotect(
        self, protected_message: Message, request_id: RequestIdentifiers | None = None
    ) -> tuple[Message, RequestIdentifiers]:
        """As aiocoap's, but a response never takes the number of its request."""
        try:
            plain, request = super().unprotect(  # type: ignore[no-untyped-call]  # aiocoap
                protected_message, request_id
            )
        except oscore.ReplayErrorWithEcho:
            self._decrypted()
            raise
        self._decrypted()
        if request_id is None:
            # Two answers to one request, by a restarted process or by two, would share a nonce.
            request.can_reuse_nonce = False
        return plain, request

    def _decrypted(self) -> None:
        if self._authentic is not None:
            self._authentic(self)


def gateway_context(
    identity: GatewayIdentity,
    sequence: int,
    reserve: Callable[[int], None],
    chunk: int = GATEWAY_CHUNK,
) -> SecurityContext:
    """The gateway's end. `sequence` is the highest number that `reserve` was ever called with."""
    reservation = Reservation(sequence, reserve, chunk)
    return SecurityContext(_of_gateway(identity), reservation, start=sequence)


def emergency_context(identity: GatewayIdentity, id_context: bytes) -> SecurityContext:
    """The end of a gateway that can make nothing durable: fresh keys for this run.

    `id_context` is eight fresh random bytes; a new one makes new keys, so numbers begin at 0.
    """
    assert len(id_context) == ID_CONTEXT_BYTES
    parameters = replace(_of_gateway(identity), id_context=id_context)
    return SecurityContext(parameters, Reservation(0, lambda _: None, 2**32), start=0)


def _of_gateway(identity: GatewayIdentity) -> Parameters:
    return Parameters(
        identity.master_secret,
        identity.master_salt,
        sender_id=identity.sender_id,
        recipient_id=identity.recipient_id,
    )


def center_sequence(stored: int, now: datetime) -> int:
    """Where a center's numbers begin in this run.

    At least `stored`, the last limit it noted, and at least what the time gives: a center restored
    from a backup has forgotten numbers that it used since. 1,024 a second and context are more
    than it answers, and last until 2056 within the 40 bits of a number; a clock gone wild stops
    there.
    """
    seconds = int((now - _EPOCH).total_seconds())
    return max(stored, min(seconds * _NUMBERS_PER_SECOND, _BY_TIME_MAX))


class CenterContexts(CredentialsMap):
    """All contexts of a center, found by kid in one step; aiocoap's own map searches linearly.

    Every window is unknown at first and recovered by Echo, also after a restart.
    """

    def __init__(
        self,
        find: Callable[[bytes], GatewayEntry | None],
        sequence: int,
        reserve: Callable[[int], None],
        echo: bytes,
    ) -> None:
        """`find` gives the entry of a kid, or None for a stranger; `echo` is eight random bytes.

        `sequence` comes from `center_sequence`; `reserve(limit)` durably notes what `stored` will
        be at the next start.
        """
        super().__init__()
        self._find = find
        self._reservation = Reservation(sequence, reserve, CENTER_CHUNK)
        self._start = sequence
        self._echo = echo
        self._contexts: dict[bytes, SecurityContext] = {}
        self._emergency: dict[tuple[bytes, bytes], SecurityContext] = {}

    def find_oscore(self, unprotected: Mapping[int, bytes]) -> SecurityContext:
        """The context of a request's COSE header.

        Raises:
            KeyError: a stranger; aiocoap answers 4.01.

        """
        kid = unprotected[oscore.COSE_KID]
        id_context = unprotected.get(oscore.COSE_KID_CONTEXT)
        if id_context is not None:
            return self._emergency_of(kid, id_context)
        context = self._contexts.get(kid)
        if context is None:
            context = self._contexts[kid] = self._derive(self._entry(kid), None)
        return context

    def forget(self, kid: bytes) -> None:
        """Drop what was derived for a gateway that was retired or has new keys."""
        gone = [self._contexts.pop(kid, None)]
        gone += [self._emergency.pop(key) for key in [*self._emergency] if key[0] == kid]
        for context in gone:
            self._retire(context)

    def find_all_used_contextless_oscore_kid(self) -> set[bytes]:
        """Kids that EDHOC must not give out."""
        return set(self._contexts)

    def _entry(self, kid: bytes) -> GatewayEntry:
        entry = self._find(kid)
        if entry is None:
            raise KeyError(kid)
        return entry

    def _derive(self, entry: GatewayEntry, id_context: bytes | None) -> SecurityContext:
        parameters = Parameters(
            entry.master_secret,
            entry.master_salt,
            sender_id=CENTER_ID,
            recipient_id=entry.kid,
            id_context=id_context,
        )
        keep = None if id_context is None else self._keep
        return SecurityContext(parameters, self._reservation, self._start, self._echo, keep)

    def _emergency_of(self, kid: bytes, id_context: bytes) -> SecurityContext:
        known = self._emergency.get((kid, id_context))
        if known is not None:
            return known
        if len(id_context) != ID_CONTEXT_BYTES:
            raise KeyError(id_context)
        # Kept when it has decrypted something: who only knows a kid cannot push others out.
        return self._derive(self._entry(kid), id_context)

    def _keep(self, context: SecurityContext) -> None:
        assert context.id_context is not None
        key = (context.recipient_id, context.id_context)
        self._emergency.pop(key, None)
        self._emergency[key] = context
        if len(self._emergency) > EMERGENCY_MAX:
            # The one not heard for longest. It starts again with Echo when it is heard.
            self._retire(self._emergency.pop(next(iter(self._emergency))))

    def _retire(self, context: SecurityContext | None) -> None:
        # Should its keys come back, their numbers begin beyond those it used.
        if context is not None:
            self._start = max(self._start, context.sender_sequence_number)
