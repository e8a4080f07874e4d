"""Who is still there: a session that nobody uses for half a day ends.

An open page counts as use. A control room's screen that logged itself out in the night would be
silent, and silence looks like peace.
"""

from collections import OrderedDict
from dataclasses import dataclass

_SESSIONS = 10_000


@dataclass(slots=True)
class _Seen:
    at_s: float
    pages: int = 0


class Presence:
    """Last use of each session, in seconds of real time, as the event loop counts them.

    In memory: a session that is not known here (after a restart) is as good as just used; the
    store bounds it all the same.
    """

    def __init__(self, idle_s: float) -> None:
        self._idle_s = idle_s
        self._seen: OrderedDict[bytes, _Seen] = OrderedDict()

    def use(self, token: bytes, at_s: float) -> bool:
        """Note a use; False if the last one is too long ago."""
        seen = self._seen.setdefault(token, _Seen(at_s))
        if not seen.pages and at_s - seen.at_s > self._idle_s:
            return False
        seen.at_s = at_s
        self._seen.move_to_end(token)
        if len(self._seen) > _SESSIONS:
            self._seen.popitem(last=False)
        return True

    def open_page(self, token: bytes, at_s: float) -> None:
        """A page of this session is open from now on."""
        self._seen.setdefault(token, _Seen(at_s)).pages += 1

    def shut_page(self, token: bytes, at_s: float) -> None:
        """One page of this session is open no more."""
        seen = self._seen.setdefault(token, _Seen(at_s, 1))
        seen.pages = max(seen.pages - 1, 0)
        seen.at_s = at_s

    def forget(self, token: bytes) -> None:
        """The session is over."""
        self._seen.pop(token, None)
