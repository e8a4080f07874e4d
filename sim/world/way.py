"""The way between one home and the center: datagrams that are late, lost, or come twice.

What CoAP does with them is as in `edge.channel` and `central.coap`: a confirmable request is
repeated twice, a repetition is answered without being carried out again, and who waited in vain
for long enough has no answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from edge.answer import Answer, NoAnswer
from sim.faults.fault import FaultKind
from sim.world.switches import Switches
from sim.world.timeline import Timeline

_MS = timedelta(milliseconds=1)
_TRIP_MS = (15, 120)
"One way, over a mobile network on a good day."
_REFUSED_AFTER = 5 * _MS


@dataclass(frozen=True, slots=True)
class Manner:
    """How a request is sent, and how long an answer is waited for."""

    tries: tuple[timedelta, ...]
    patience: timedelta


CONFIRMABLE = Manner(
    (timedelta(), timedelta(seconds=1.2), timedelta(seconds=3.6)), timedelta(seconds=12)
)
ONCE = Manner((timedelta(),), timedelta(seconds=5))


class Way:
    """Carries exchanges, under the faults of the way and of the center."""

    def __init__(
        self, timeline: Timeline, random: Random, faults: Switches, center: Switches
    ) -> None:
        self._timeline = timeline
        self._random = random
        self._faults = faults
        self._center = center
        self._last: datetime | None = None

    def ask(
        self,
        manner: Manner,
        carry_out: Callable[[], Answer | None],
        answered: Callable[[Answer | NoAnswer], None],
    ) -> None:
        """Have a request carried out at the center, and its answer brought back.

        Args:
            manner: of the exchange.
            carry_out: done when the request arrives; None if nobody is there to take it.
            answered: told once, at the latest when patience ends.

        """
        begin = self._timeline.now
        arrival, back = self._course(manner)
        if arrival is not None:
            # What goes out takes a new port on the way, for the answers from then on.
            self._last = begin
        if arrival is None:
            self._fail(manner.patience, "no answer in time", answered)
            return
        if back is not None and back > manner.patience:
            back = None
        twice = self._drawn(self._faults, FaultKind.UPLINK_DUPLICATES)
        rubbish = self._drawn(self._center, FaultKind.CENTER_GARBAGE)
        kind = self._random.randrange(3) if rubbish else 0

        def arrive() -> None:
            answer = carry_out()
            if answer is None:
                self._fail(_REFUSED_AFTER, "connection refused", answered)
                return
            if twice:
                carry_out()
            if rubbish:
                answer = _spoilt(answer, kind)
            if back is None:
                left = begin + manner.patience - self._timeline.now
                self._fail(left, "no answer in time", answered)
                return
            self._last = begin + back
            brought = answer or NoAnswer("what came cannot be decrypted")
            self._timeline.at(begin + back, lambda: answered(brought))

        self._timeline.after(arrival, arrive)

    def _course(self, manner: Manner) -> tuple[timedelta | None, timedelta | None]:
        """When the first request arrives and the first reply is back, since the beginning."""
        if self._faults.on(FaultKind.UPLINK_DOWN):
            return None, None
        loss = self._faults.amount(FaultKind.UPLINK_LOSS)
        forgotten = self._forgotten()
        slow = timedelta(seconds=self._center.amount(FaultKind.CENTER_SLOW))
        arrival: timedelta | None = None
        for number, after in enumerate(manner.tries):
            there, back = self._trip(), self._trip()
            if self._random.random() < loss:
                continue
            if arrival is None:
                arrival = after + there
            if (forgotten and number == 0) or self._random.random() < loss:
                continue
            return arrival, max(after + there, arrival) + slow + back
        return arrival, None

    def _forgotten(self) -> bool:
        """Whether a NAT on the way has given the port to somebody else meanwhile."""
        idle_s = self._faults.amount(FaultKind.NAT_REBINDING)
        if not idle_s or self._last is None:
            return False
        return self._timeline.now - self._last > timedelta(seconds=idle_s)

    def _drawn(self, faults: Switches, kind: FaultKind) -> bool:
        share = faults.amount(kind)
        return share > 0 and self._random.random() < share

    def _trip(self) -> timedelta:
        return self._random.randint(*_TRIP_MS) * _MS

    def _fail(
        self, after: timedelta, why: str, answered: Callable[[Answer | NoAnswer], None]
    ) -> None:
        self._timeline.after(after, lambda: answered(NoAnswer(why)))


def _spoilt(answer: Answer, kind: int) -> Answer | None:
    """Rubbish: undecipherable, or of a center that answers something else."""
    if kind == 0:
        return None
    if kind == 1:
        return Answer(answer.code, answer.payload[:-1] + b"\x00")
    return Answer(answer.code, b"")
