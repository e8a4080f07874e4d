"""Where gateways come in: only OSCORE requests, proven to be a gateway's and fresh.

Anything else is refused, counted, and goes no further.

Ref: RFC 8613, 8.2 (verifying a request); docs/protocol.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from aiocoap.error import Error
from aiocoap.message import Message
from aiocoap.numbers.codes import Code
from aiocoap.oscore import (
    COSE_KID,
    COSE_KID_CONTEXT,
    COSE_PIV,
    DecodeError,
    ReplayError,
    ReplayErrorWithEcho,
    RequestIdentifiers,
    verify_start,
)

from central.cases import StoreFailing
from central.refusals import Reason, Refusals
from central.requests import Requests
from central.udp import Peer
from protocol.identity import GatewayEntry
from protocol.oscore import CenterContexts, SecurityContext

_BAD_BYTES = (Error, ValueError, IndexError, KeyError, TypeError, struct.error)
"What aiocoap raises for a stranger's bytes."
_HEADER = {COSE_KID, COSE_KID_CONTEXT, COSE_PIV}
"aiocoap fails on the group flag with a context that is none of a group."


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that its OSCORE context has proven to be the gateway's, and fresh."""

    plain: Message
    identifiers: RequestIdentifiers
    context: SecurityContext
    entry: GatewayEntry
    peer: Peer


class Ingress:
    """Answers requests by gateways that `find` knows by their kid.

    `heard` is told of each gateway that was proven to be alive.
    """

    def __init__(
        self,
        find: Callable[[bytes], GatewayEntry | None],
        contexts: CenterContexts,
        requests: Requests,
        *,
        heard: Callable[[str], None],
        refusals: Refusals,
    ) -> None:
        self._find = find
        self._contexts = contexts
        self._requests = requests
        self._heard = heard
        self._refusals = refusals
        self._entries: dict[bytes, GatewayEntry] = {}

    async def respond(self, request: Message, peer: Peer) -> Message | None:
        """The datagram that answers a request, or None if nothing can be said safely.

        A request that meets a defect of ours, or of aiocoap, is logged with its traceback and not
        answered. It must not end the process: whoever found the one datagram that does could keep
        every home from being heard.
        """
        try:
            asked = self._prove(request, peer)
            self._heard(asked.entry.gateway)
            response = await self._answer(asked)
            answer: Message
            answer, _ = asked.context.protect(response, asked.identifiers)
        except _RefusedError as refused:
            return refused.answer
        except StoreFailing as failing:
            # No sender number is left that is durably noted: better silent than a nonce twice.
            self._refusals.note(Reason.UNSTORED, peer, None, str(failing)[:80])
            return None
        except Exception as defect:  # noqa: BLE001 -- supervises one request, see above
            self._refusals.note(Reason.DEFECT, peer, None, repr(defect)[:80])
            return None
        return answer

    # ------------------------------------------------------------------ OSCORE

    def _prove(self, request: Message, peer: Peer) -> _Asked:
        """Find whose request it is, decrypt it, and check that it is fresh.

        Raises:
            _RefusedError: it is not; with what to answer.
            StoreFailing: the answer would need a sender number, and none can be reserved.

        """
        if request.opt.oscore is None:
            self._refusals.note(Reason.UNPROTECTED, peer)
            raise _RefusedError(Message(code=Code.UNAUTHORIZED))
        entry, context = self._identify(request, peer)
        try:
            plain, identifiers = context.unprotect(request)
        except ReplayErrorWithEcho as unknown:
            # Nothing wrong: this process has not seen the gateway yet.
            raise _RefusedError(unknown.to_message()) from unknown
        except ReplayError as error:
            self._refusals.note(Reason.REPLAYED, peer, entry.kid)
            raise _RefusedError(Message(code=Code.UNAUTHORIZED, max_age=0)) from error
        except DecodeError as error:
            self._refusals.note(Reason.MALFORMED, peer, entry.kid, repr(error)[:80])
            raise _RefusedError(Message(code=Code.BAD_OPTION)) from error
        except _BAD_BYTES as error:
            self._refusals.note(Reason.FORGED, peer, entry.kid)
            raise _RefusedError(Message(code=Code.BAD_REQUEST)) from error
        return _Asked(plain, identifiers, context, entry, peer)

    def _identify(self, request: Message, peer: Peer) -> tuple[GatewayEntry, SecurityContext]:
        kid: bytes | None = None
        try:
            header = verify_start(request)
            kid = header[COSE_KID]
            if not header.keys() <= _HEADER:
                raise DecodeError("a header of group OSCORE")
            entry = self._entry(kid)
            context = self._contexts.find_oscore(header)
        except KeyError as error:
            self._refusals.note(Reason.STRANGER, peer, kid)
            raise _RefusedError(Message(code=Code.UNAUTHORIZED)) from error
        except _BAD_BYTES as error:
            self._refusals.note(Reason.MALFORMED, peer, kid, repr(error)[:80])
            raise _RefusedError(Message(code=Code.BAD_OPTION)) from error
        if request.code is not Code.POST:
            self._refusals.note(Reason.MALFORMED, peer, kid, str(request.code))
            raise _RefusedError(Message(code=Code.METHOD_NOT_ALLOWED))
        return entry, context

    def _entry(self, kid: bytes) -> GatewayEntry:
        """The gateway's entry; contexts of older keys are forgotten.

        Raises:
            KeyError: no gateway has this kid.

        """
        entry = self._find(kid)
        if self._entries.get(kid) != entry:
            self._contexts.forget(kid)
            self._entries.pop(kid, None)
        if entry is None:
            raise KeyError(kid)
        self._entries[kid] = entry
        return entry

    # ------------------------------------------------------------------ what is asked

    async def _answer(self, asked: _Asked) -> Message:
        plain = asked.plain
        if plain.code is not Code.POST:
            return Message(code=Code.METHOD_NOT_ALLOWED)
        if plain.opt.block1 is not None:
            return Message(code=Code.REQUEST_ENTITY_TOO_LARGE)
        code, payload = await self._requests.answer(
            asked.entry, plain.opt.uri_path, plain.payload, asked.peer
        )
        return Message(code=code, payload=payload)


class _RefusedError(Exception):
    """A request goes no further; `answer` is sent, if there is one."""

    def __init__(self, answer: Message | None) -> None:
        super().__init__()
        self.answer = answer
