"""What a gateway's process writes down at the moment of each decision: one line each.

Whoever watches over the control socket learns it a little later, and nothing of what was decided
before the socket was served: at a start that is what fell due meanwhile. So a gateway of the rig
has watchers that also write to its standard output, with the true moment.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from edge.control_wire import decode_news, encode_news
from edge.happening import Happening
from edge.status import Status
from edge.watchers import Watchers
from rules.air import Sighting
from rules.codec import moment_at, moment_us
from rules.errors import FrameError
from sim.clock import SharedClock

_MARK: Final = b"! "
_US: Final = timedelta(microseconds=1)


def to_line(at: datetime, happening: Happening) -> bytes:
    """A happening as one line."""
    return b"%s%d %s\n" % (_MARK, moment_us(at), encode_news(1, happening).hex().encode())


def from_line(line: bytes) -> tuple[datetime, Happening] | None:
    """The true moment and the happening of a line; None if it is none.

    Raises:
        FrameError: it says that it is one.

    """
    if not line.startswith(_MARK):
        return None
    at, _, packet = line[len(_MARK) :].strip().partition(b" ")
    try:
        news = decode_news(bytes.fromhex(packet.decode()))
        moment = moment_at(int(at))
    except ValueError as error:
        raise FrameError(f"no happening: {line[:60]!r}") from error
    if isinstance(news, Status | Sighting):
        raise FrameError("neither a status nor a sighting is a happening")
    return moment, news


def spoken(clock: SharedClock, say: Callable[[bytes], None]) -> type[Watchers]:
    """Watchers that also write down all that they are told.

    Each a microsecond later than the one before, at least: what is decided while virtual time
    stands still is not decided in the same breath.
    """
    last = clock.now()

    class Spoken(Watchers):
        def tell(self, happening: Happening) -> None:
            nonlocal last
            last = max(clock.now(), last + _US)
            say(to_line(last, happening))
            super().tell(happening)

    return Spoken
