"""Requests that the ingress did not accept: counted by reason, and logged within bounds."""

import logging
from collections import Counter
from collections.abc import Callable
from enum import StrEnum

from central.udp import Peer

_EVERY_S = 10.0
"One line per reason in this time: a flood must not fill the disk with its log."

_log = logging.getLogger(__name__)


class Reason(StrEnum):
    """Why a request was refused."""

    UNPARSABLE = "no CoAP message"
    UNPROTECTED = "not protected by OSCORE"
    MALFORMED = "malformed"
    STRANGER = "no gateway has this kid"
    FORGED = "does not decrypt"
    REPLAYED = "number used before"
    FOREIGN = "record not of its sender"
    CLASH = "record known with other contents"
    BUSY = "too many at once"
    UNSTORED = "could not be stored"
    DEFECT = "this program failed on it"


class Refusals:
    """Keeps count. `seconds` is the event loop's time."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self.counts: Counter[Reason] = Counter()
        self._seconds = seconds
        self._logged: dict[Reason, tuple[float, int]] = {}

    def note(self, reason: Reason, peer: Peer, kid: bytes | None = None, why: str = "") -> None:
        """Count one, and log it unless its reason was logged a moment ago.

        Within an `except` clause a defect is logged with its traceback.
        """
        self.counts[reason] += 1
        now = self._seconds()
        last, count = self._logged.get(reason, (-_EVERY_S, 0))
        if now - last < _EVERY_S:
            return
        silent = self.counts[reason] - count - 1
        self._logged[reason] = (now, self.counts[reason])
        _log.warning(
            "refused, %s: from %s, kid %s%s%s",
            reason.value,
            peer,
            "none" if kid is None else kid[:8].hex(),
            f", {why}" if why else "",
            f" ({silent} more since the last such line)" if silent else "",
            exc_info=reason is Reason.DEFECT,
        )
