"""When the gateway tells the center that it lives, and what the center's reply means.

Sans-I/O: the caller asks `due_s`, has a `beat` carried to the center by then and hands back what
came of it with `answered`. Seconds (`at_s`) are those of any clock that only runs on, the same one
in every call.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from edge.answer import Answer, NoAnswer
from edge.outbox import Outbox
from protocol.heartbeat import (
    DEFAULT_INTERVAL_S,
    Heartbeat,
    HeartbeatReply,
    News,
    decode_reply,
)
from rules.errors import FrameError

BEAT_GAP_S = 1.0
"From an answer, or its absence, to the next heartbeat, even where a delivery asks for one."
_HASTY_BEATS = 4
"Unanswered heartbeats that are repeated soon, after a quarter of the interval at most."


@dataclass(frozen=True, slots=True)
class Origin:
    """What a heartbeat says of the gateway itself."""

    boot: int
    version: str
    time_trusted: Callable[[], bool]


class Heartbeats:
    """At most one is under way. A new one does nothing until the first `soon`."""

    def __init__(
        self,
        outbox: Outbox,
        origin: Origin,
        between: Callable[[float, float], float],
        *,
        news: Callable[[Sequence[News]], None],
        center_time: Callable[[datetime, timedelta], None],
    ) -> None:
        """None of these may block.

        Args:
            outbox: what it holds is told, and what the center lost becomes pending there again.
            origin: what else a heartbeat says.
            between: for a least and a most a number from there to there, by chance.
            news: taken and closed cases; the same ones again until their tokens are in
                `Outbox.news_seen`.
            center_time: the center's authenticated time, and the round trip within which it was
                read.

        """
        self.failures = 0
        "Heartbeats in a row that brought nothing."
        self.why = ""
        "What went wrong last; empty while all is well."
        self.interval_s = DEFAULT_INTERVAL_S
        "From one heartbeat to the next, as the center asked for."
        self._outbox = outbox
        self._origin = origin
        self._between = between
        self._report_news = news
        self._report_center_time = center_time
        self._under_way = False
        self._hurried = False
        "`soon` came while a heartbeat was under way."
        self._due_s: float | None = None
        self._not_before_s: float | None = None
        "The end of the gap after the last one."

    def soon(self, at_s: float) -> None:
        """Beat now, but for the gap: the center has a new case, and its reply may ask for more.

        Also what begins it all.
        """
        if self._under_way:
            self._hurried = True
            return
        soon_s = at_s if self._not_before_s is None else max(at_s, self._not_before_s)
        self._due_s = soon_s if self._due_s is None else min(self._due_s, soon_s)

    def due_s(self) -> float | None:
        """When to `beat`; it may be past, then at once. None while one is under way."""
        return self._due_s

    def beat(self, now: datetime, boottime_us: int) -> Heartbeat:
        """What goes out now; then it is under way. Both times are the gateway's own."""
        assert not self._under_way, "one heartbeat at a time"
        self._under_way = True
        self._hurried = False
        self._due_s = None
        first, last = self._outbox.retained()
        return Heartbeat(
            boot=self._origin.boot,
            monotonic_ms=boottime_us // 1000,
            wall=now,
            time_trusted=self._origin.time_trusted(),
            outbox_depth=self._outbox.depth(),
            first_seq=first,
            last_seq=last,
            news_seen=self._outbox.news_seen(),
            version=self._origin.version,
        )

    def answered(self, answer: Answer | NoAnswer, at_s: float, trip: timedelta) -> bool:
        """What came of the one under way, after a round trip of `trip`.

        Returns whether records need not wait out their pause (`Delivery.notify`): the center is
        back, or something is to be sent again.
        """
        assert self._under_way, "an answer without a heartbeat"
        self._under_way = False
        try:
            reply = _reply(answer)
        except FrameError as error:
            self.failures += 1
            self.why = f"heartbeat: {error}"
            self._rest(at_s)
            return False
        back = self.failures > 0
        self.failures = 0
        self.why = ""
        self.interval_s = reply.interval_s
        self._rest(at_s)
        # The calls out come last: what they lead to finds the state as it is.
        return self._take_in(reply, trip) or back

    def _take_in(self, reply: HeartbeatReply, trip: timedelta) -> bool:
        self._report_center_time(reply.now, trip)
        if reply.news:
            self._report_news(reply.news)
        again = [self._outbox.send_again(first, last) for first, last in reply.missing]
        return any(again)

    def _rest(self, at_s: float) -> None:
        pause_s = self._pause_s() * self._between(0.9, 1.0)
        self._not_before_s = at_s + min(BEAT_GAP_S, pause_s)
        self._due_s = self._not_before_s if self._hurried else at_s + pause_s

    def _pause_s(self) -> float:
        if 0 < self.failures <= _HASTY_BEATS:
            # One datagram lost, or the network not up yet at boot: the center counts to three.
            return min(self.interval_s / 4, 2.0**self.failures)
        return self.interval_s


def _reply(answer: Answer | NoAnswer) -> HeartbeatReply:
    if isinstance(answer, NoAnswer):
        raise FrameError(answer.why)
    if not answer.code.is_successful():
        raise FrameError(str(answer.code))
    return decode_reply(answer.payload)
