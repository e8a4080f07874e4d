"""Records and heartbeats by hand: what goes out when, without a loop, a clock or a link."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, islice, pairwise

import pytest
from aiocoap.numbers.codes import (
    BAD_REQUEST,
    CHANGED,
    CREATED,
    INTERNAL_SERVER_ERROR,
    SERVICE_UNAVAILABLE,
    Code,
)
from hypothesis import given
from hypothesis import strategies as st

from edge.answer import Answer, NoAnswer
from edge.batches import FIRST_RETRY_S, LAST_RETRY_S
from edge.delivery import FIRST_PAUSE_S, LONGEST_PAUSE_S, SHORTEST_GAP_S, Delivery
from edge.heartbeats import BEAT_GAP_S, Heartbeats, Origin
from edge.outbox import OutboxRow
from protocol.heartbeat import HeartbeatReply, News, NewsKind, encode_reply
from rules.events import Outcome
from tests.support.outbox import HeldOutbox

NOW = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
LOST = NoAnswer("no answer in time")
NEWS = News(b"token--1", bytes(16), NewsKind.CLOSED, "관제석1", Outcome.REAL, NOW)


def row(seq: int, priority: int = 1) -> OutboxRow:
    # Signed records begin with tag 18; nobody here reads further.
    return OutboxRow(seq.to_bytes(16, "big"), seq, priority, b"\xd2" + bytes(199))


def stored(batch: Sequence[OutboxRow], code: Code = CREATED) -> Answer:
    return Answer(code, b"".join(each.id for each in batch))


class Posting:
    """A delivery with an outbox, and what it reports. Every report asks for more at once."""

    def __init__(
        self, between: Callable[[float, float], float] = max, first: int = 1, last: int = 1
    ) -> None:
        self.at_s = 1_000.0
        self.outbox = HeldOutbox()
        self.delivered: list[int] = []
        self.refused: list[int] = []
        self.why: list[str] = []
        self.delivery = Delivery(
            self.outbox, between, refused=self._refused, delivered=self._delivered
        )
        self.outbox.add(*[row(seq) for seq in range(first, last + 1)])

    def _refused(self, row: OutboxRow, why: str) -> None:
        # The house puts a fault into the outbox; `notify` comes while `answered` still runs.
        self.refused.append(row.seq)
        self.why.append(why)
        self.delivery.notify(self.at_s)

    def _delivered(self, rows: Sequence[OutboxRow]) -> None:
        self.delivered += [row.seq for row in rows]
        self.delivery.notify(self.at_s)

    def wait(self) -> float:
        """Until something is due; returns the seconds."""
        due_s = self.delivery.due_s()
        assert due_s is not None
        before, self.at_s = self.at_s, max(self.at_s, due_s)
        return self.at_s - before

    def send(self) -> list[OutboxRow]:
        """What goes out now; while it is under way, nothing else does."""
        batch = self.delivery.next(self.at_s)
        if batch:
            assert self.delivery.due_s() is None
            assert self.delivery.next(self.at_s + 3_600) == []
        return batch

    def answer(self, answer: Answer | NoAnswer, trip_s: float = 0.0) -> None:
        self.at_s += trip_s
        self.delivery.answered(answer, self.at_s, NOW)


def test_a_new_one_waits_to_be_told_and_then_sends_at_once() -> None:
    posting = Posting(last=9)
    assert posting.delivery.due_s() is None
    assert posting.delivery.next(posting.at_s) == []
    posting.delivery.notify(posting.at_s)
    assert posting.wait() == 0
    while batch := posting.send():
        posting.answer(stored(batch), trip_s=0.1)
    assert posting.delivered == list(range(1, 10))
    assert posting.outbox.depth() == 0
    assert posting.delivery.due_s() is None


def test_what_a_restart_of_the_center_knows_already_is_delivered() -> None:
    posting = Posting(last=3)
    posting.delivery.notify(posting.at_s)
    posting.answer(stored(posting.send(), CHANGED))
    assert posting.delivered == [1, 2, 3]


@pytest.mark.parametrize(("between", "share"), [(max, 1.0), (min, 0.5)], ids=["most", "least"])
def test_pauses_double_up_to_the_longest(
    between: Callable[[float, float], float], share: float
) -> None:
    posting = Posting(between)
    posting.delivery.notify(posting.at_s)
    pauses = []
    for failures in range(1, 21):
        assert len(posting.send()) == 1
        posting.answer(LOST, trip_s=10.5)
        assert posting.delivery.failures == failures
        assert posting.delivery.why == LOST.why
        pauses.append(posting.wait())
    assert pauses[:7] == [share * FIRST_PAUSE_S * 2**n for n in range(6)] + [
        share * LONGEST_PAUSE_S
    ]
    assert set(pauses[7:]) == {share * LONGEST_PAUSE_S}
    posting.answer(stored(posting.send()))
    assert (posting.delivery.failures, posting.delivery.why) == (0, "")
    posting.outbox.add(row(2))
    posting.delivery.notify(posting.at_s)
    posting.send()
    posting.answer(LOST)
    assert posting.wait() == share * FIRST_PAUSE_S


@pytest.mark.parametrize(
    ("after_s", "waited_s"),
    [(0.0, SHORTEST_GAP_S), (0.1, SHORTEST_GAP_S - 0.1), (1.0, 0.0), (3.9, 0.0)],
)
def test_an_alarm_ends_a_pause_but_for_the_shortest_gap(after_s: float, waited_s: float) -> None:
    posting = Posting()
    posting.delivery.notify(posting.at_s)
    for _ in range(4):
        posting.wait()
        posting.send()
        posting.answer(LOST)
    posting.at_s += after_s
    posting.outbox.add(row(2, priority=0))
    posting.delivery.notify(posting.at_s)
    assert posting.wait() == pytest.approx(waited_s)
    assert [each.seq for each in posting.send()] == [2, 1]


def test_an_alarm_during_an_exchange_that_fails_goes_out_after_the_shortest_gap() -> None:
    posting = Posting()
    posting.delivery.notify(posting.at_s)
    for pause_s in (SHORTEST_GAP_S, 2 * FIRST_PAUSE_S):
        posting.send()
        if pause_s == SHORTEST_GAP_S:
            posting.outbox.add(row(2, priority=0))
            posting.delivery.notify(posting.at_s)
            assert posting.delivery.due_s() is None
        posting.answer(LOST, trip_s=10.5)
        assert posting.wait() == pause_s


def test_asked_too_early_it_sends_nothing_and_stays_as_it_is() -> None:
    posting = Posting()
    posting.delivery.notify(posting.at_s)
    posting.send()
    posting.answer(LOST)
    assert posting.delivery.next(posting.at_s + FIRST_PAUSE_S - 0.001) == []
    assert posting.wait() == FIRST_PAUSE_S
    assert len(posting.send()) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(CREATED, row(2).id),
        Answer(CREATED, b""),
        Answer(SERVICE_UNAVAILABLE, row(1).id),
        Answer(INTERNAL_SERVER_ERROR, b""),
    ],
    ids=["another", "none", "busy", "broken"],
)
def test_an_answer_that_does_not_name_the_records_delivers_nothing(answer: Answer) -> None:
    posting = Posting()
    posting.delivery.notify(posting.at_s)
    posting.send()
    posting.answer(answer)
    assert str(answer.code) in posting.delivery.why
    assert (posting.delivered, posting.refused, posting.outbox.depth()) == ([], [], 1)
    assert posting.wait() == FIRST_PAUSE_S


def test_a_refused_record_is_told_once_and_waits_while_the_others_go() -> None:
    posting = Posting(last=3)
    posting.delivery.notify(posting.at_s)
    began_s = posting.at_s
    while batch := posting.send():
        bad = any(each.seq == 2 for each in batch)
        posting.answer(Answer(BAD_REQUEST, b"") if bad else stored(batch))
    assert posting.delivered == [1, 3]
    assert (posting.refused, posting.why) == ([2], [str(BAD_REQUEST)])
    assert posting.delivery.refused_count == 1
    assert posting.delivery.failures == 0
    assert posting.delivery.due_s() == began_s + FIRST_RETRY_S
    # Something new does not wait for it, nor it for something new.
    posting.at_s += 10
    posting.outbox.add(row(4))
    posting.delivery.notify(posting.at_s)
    posting.answer(stored(posting.send()))
    assert posting.send() == []
    posting.wait()
    assert posting.at_s == began_s + FIRST_RETRY_S
    posting.answer(stored(posting.send()))
    assert posting.delivered == [1, 3, 4, 2]
    assert posting.delivery.refused_count == 0


def test_a_refused_record_that_left_the_outbox_keeps_nobody_busy() -> None:
    posting = Posting()
    posting.delivery.notify(posting.at_s)
    posting.send()
    posting.answer(Answer(BAD_REQUEST, b""))
    assert posting.send() == []
    posting.outbox.delivered([row(1).id], NOW)
    posting.wait()
    assert posting.send() == []
    assert posting.delivery.due_s() is None
    assert posting.delivery.refused_count == 0


@pytest.mark.parametrize("notified_s", [None, 0.05], ids=["quiet", "an alarm 20 times a second"])
def test_an_hour_without_an_answer_is_no_storm(notified_s: float | None) -> None:
    posting = Posting(min)
    posting.delivery.notify(posting.at_s)
    notices = count(posting.at_s, notified_s or 1_000_000)
    sent = asked = 0
    notice_s = next(notices)
    while posting.at_s < 4_600:
        due_s = posting.delivery.due_s()
        assert due_s is not None
        if notice_s < due_s:
            posting.at_s = notice_s
            posting.delivery.notify(notice_s)
            notice_s = next(notices)
            continue
        posting.at_s = max(posting.at_s, due_s)
        asked += 1
        if posting.send():
            sent += 1
            posting.answer(LOST)
    assert asked == sent
    assert sent <= (3_600 / (LONGEST_PAUSE_S / 2) + 10 if notified_s is None else 3_600 * 4 + 10)


@dataclass(frozen=True)
class Step:
    """After a while some records come, and the exchange that is due ends in this way."""

    after_s: float
    new: int
    told: bool
    meanwhile: int
    "Records that come while the exchange is under way."
    ends: str


STEPS = st.builds(
    Step,
    after_s=st.sampled_from([0.0, 0.1, 0.3, 5.0, 61.0, 1_000.0]),
    new=st.integers(0, 8),
    told=st.booleans(),
    meanwhile=st.integers(0, 2),
    ends=st.sampled_from(["well", "known", "lost", "refused", "others", "busy", "halved"]),
)


def ending(how: str, batch: Sequence[OutboxRow]) -> Answer | NoAnswer:
    answers: dict[str, Answer | NoAnswer] = {
        "well": stored(batch),
        "known": stored(batch, CHANGED),
        "lost": LOST,
        "refused": Answer(BAD_REQUEST, b""),
        "others": stored([row(99_999)]),
        "busy": Answer(SERVICE_UNAVAILABLE, b""),
        "halved": Answer(CREATED, stored(batch).payload[:-1]),
    }
    return answers[how]


def grow(posting: Posting, numbers: Iterator[int], new: int) -> None:
    posting.outbox.add(*[row(seq, seq % 3) for seq in islice(numbers, new)])


@given(
    steps=st.lists(STEPS, max_size=40),
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=9),
)
def test_whatever_came_before_a_good_link_delivers_each_record_once(
    steps: list[Step], shares: list[float]
) -> None:
    drawn = count()

    def between(least: float, most: float) -> float:
        return least + (most - least) * shares[next(drawn) % len(shares)]

    posting = Posting(between, last=0)
    numbers = count(1)
    sent_s: list[tuple[float, bool]] = []
    for step in steps:
        posting.at_s += step.after_s
        grow(posting, numbers, step.new)
        if step.told:
            posting.delivery.notify(posting.at_s)
        batch = posting.send()
        if not batch:
            continue
        sent_s.append((posting.at_s, step.ends in {"lost", "others", "busy", "halved"}))
        grow(posting, numbers, step.meanwhile)
        if step.meanwhile:
            posting.delivery.notify(posting.at_s)
        posting.answer(ending(step.ends, batch))
    assert all(
        later - before >= SHORTEST_GAP_S
        for (before, failed), (later, _) in pairwise(sent_s)
        if failed
    )

    posting.delivery.notify(posting.at_s)
    healed_s = posting.at_s
    for _ in range(2 * posting.outbox.depth() + 40):
        if posting.delivery.due_s() is None:
            break
        posting.wait()
        if batch := posting.send():
            posting.answer(stored(batch))
    assert posting.delivery.due_s() is None
    assert posting.at_s - healed_s <= LAST_RETRY_S + LONGEST_PAUSE_S
    assert posting.outbox.depth() == 0
    assert sorted(posting.delivered) == list(range(1, next(numbers)))
    assert len(set(posting.refused)) == len(posting.refused)
    assert (posting.delivery.failures, posting.delivery.refused_count) == (0, 0)


# --- heartbeats ------------------------------------------------------------------------------


@dataclass
class Beating:
    """Heartbeats with an outbox, and what they report."""

    between: Callable[[float, float], float] = max
    at_s: float = 1_000.0
    outbox: HeldOutbox = field(default_factory=HeldOutbox)
    news: list[News] = field(default_factory=list)
    times: list[tuple[datetime, timedelta]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.beats = Heartbeats(
            self.outbox,
            Origin(3, "0.1.0", lambda: True),
            self.between,
            news=self.news.extend,
            center_time=lambda moment, trip: self.times.append((moment, trip)),
        )

    def exchange(self, answer: Answer | NoAnswer, trip_s: float = 0.0) -> bool:
        """A heartbeat when it is due, and its answer."""
        self.wait()
        self.beats.beat(NOW, round(self.at_s * 1_000_000))
        assert self.beats.due_s() is None
        self.at_s += trip_s
        return self.beats.answered(answer, self.at_s, timedelta(seconds=trip_s))

    def wait(self) -> float:
        due_s = self.beats.due_s()
        assert due_s is not None
        before, self.at_s = self.at_s, max(self.at_s, due_s)
        return self.at_s - before


def reply(
    interval_s: int = 60,
    news: tuple[News, ...] = (),
    missing: tuple[tuple[int, int], ...] = (),
) -> Answer:
    return Answer(CHANGED, encode_reply(HeartbeatReply(NOW, interval_s, news, missing)))


def test_a_heartbeat_says_how_the_gateway_stands() -> None:
    beating = Beating()
    beating.outbox.add(*[row(seq) for seq in range(5, 9)])
    beating.outbox.delivered([row(seq).id for seq in (5, 6)], NOW)
    beating.outbox.seen = (b"token--1",)
    assert beating.beats.due_s() is None
    beating.beats.soon(beating.at_s)
    assert beating.wait() == 0
    beat = beating.beats.beat(NOW, 7_654_321)
    assert (beat.boot, beat.version, beat.time_trusted) == (3, "0.1.0", True)
    assert (beat.wall, beat.monotonic_ms) == (NOW, 7_654)
    assert (beat.first_seq, beat.last_seq, beat.outbox_depth) == (5, 6, 2)
    assert beat.news_seen == (b"token--1",)


def test_the_reply_brings_time_news_and_the_interval() -> None:
    beating = Beating()
    beating.beats.soon(beating.at_s)
    assert not beating.exchange(reply(5, (NEWS,)), trip_s=0.2)
    assert beating.times == [(NOW, timedelta(seconds=0.2))]
    assert beating.news == [NEWS]
    assert beating.beats.interval_s == 5
    assert beating.wait() == pytest.approx(5)


def test_unanswered_heartbeats_come_sooner_four_times_and_the_first_answer_is_told() -> None:
    beating = Beating()
    beating.beats.soon(beating.at_s)
    pauses = []
    for failures in range(1, 7):
        assert not beating.exchange(LOST, trip_s=5)
        assert beating.beats.failures == failures
        assert beating.beats.why == f"heartbeat: {LOST.why}"
        pauses.append(beating.wait())
    assert pauses == [2, 4, 8, 15, 60, 60]
    assert beating.exchange(reply())
    assert (beating.beats.failures, beating.beats.why) == (0, "")
    assert not beating.exchange(reply())


def test_what_the_center_lost_is_pending_again_and_told() -> None:
    beating = Beating()
    beating.outbox.add(*[row(seq) for seq in range(1, 9)])
    beating.outbox.delivered([row(seq).id for seq in range(1, 9)], NOW)
    beating.beats.soon(beating.at_s)
    assert not beating.exchange(reply(missing=((20, 30),)))
    assert beating.exchange(reply(missing=((2, 3), (8, 8))))
    assert [each.seq for each in beating.outbox.pending(9)] == [2, 3, 8]
    # Also in the first reply after a silence.
    assert not beating.exchange(LOST)
    assert beating.exchange(reply(missing=((5, 5),)))
    assert [each.seq for each in beating.outbox.pending(9)] == [2, 3, 5, 8]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(CHANGED, b"\xff"),
        Answer(CHANGED, bytes(64)),
        Answer(BAD_REQUEST, reply(5, (NEWS,)).payload),
    ],
    ids=["no CBOR", "zeros", "an error"],
)
def test_a_rubbish_reply_changes_nothing(answer: Answer) -> None:
    beating = Beating()
    beating.beats.soon(beating.at_s)
    assert not beating.exchange(answer)
    assert (beating.times, beating.news, beating.beats.interval_s) == ([], [], 60)
    assert beating.beats.failures == 1
    assert beating.beats.why.startswith("heartbeat: ")


@pytest.mark.parametrize(
    ("after_s", "waited_s"), [(0.0, BEAT_GAP_S), (0.25, BEAT_GAP_S - 0.25), (30.0, 0.0)]
)
def test_a_delivery_brings_the_next_one_forward_but_for_the_gap(
    after_s: float, waited_s: float
) -> None:
    beating = Beating()
    beating.beats.soon(beating.at_s)
    beating.exchange(reply())
    beating.at_s += after_s
    beating.beats.soon(beating.at_s)
    assert beating.wait() == waited_s


def test_a_delivery_while_one_is_under_way_is_followed_by_another() -> None:
    beating = Beating()
    beating.beats.soon(beating.at_s)
    beating.beats.beat(NOW, 0)
    beating.beats.soon(beating.at_s)
    assert beating.beats.due_s() is None
    beating.beats.answered(reply(), beating.at_s, timedelta())
    assert beating.wait() == BEAT_GAP_S
    beating.exchange(reply())
    assert beating.wait() == 60


def test_a_gap_is_never_longer_than_the_interval() -> None:
    beating = Beating(min)
    beating.beats.soon(beating.at_s)
    beating.beats.beat(NOW, 0)
    beating.beats.soon(beating.at_s)
    beating.beats.answered(reply(interval_s=1), beating.at_s, timedelta())
    assert beating.wait() == pytest.approx(0.9)


@pytest.mark.parametrize("hurried", [False, True], ids=["quiet", "always a delivery"])
def test_an_hour_of_heartbeats_without_an_answer_is_no_storm(hurried: bool) -> None:  # noqa: FBT001 -- parametrized
    beating = Beating(min)
    beating.beats.soon(beating.at_s)
    beats = 0
    while beating.at_s < 4_600:
        beating.exchange(LOST)
        if hurried:
            beating.beats.soon(beating.at_s)
        beats += 1
    assert beats <= (3_601 if hurried else 3_600 / (0.9 * 60) + 6)
