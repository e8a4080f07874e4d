"""Batches: what goes out together, and how a refused record waits its turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.batches import FIRST_RETRY_S, LAST_RETRY_S, Batches
from edge.outbox import OutboxRow
from protocol.records import BATCH_BYTES_MAX, BATCH_MAX, decode_batch, encode_batch


def rows(*sizes: int) -> list[OutboxRow]:
    # Signed records begin with tag 18.
    return [
        OutboxRow(seq.to_bytes(16, "big"), seq, 1, b"\xd2" + bytes(size - 1))
        for seq, size in enumerate(sizes, start=1)
    ]


@given(sizes=st.lists(st.integers(100, 980), min_size=1, max_size=20))
def test_every_batch_fits_in_a_datagram_and_all_rows_get_their_turn(sizes: list[int]) -> None:
    pending = rows(*sizes)
    batches = Batches()
    while pending:
        batch = batches.choose(pending[: batches.look_at], 0.0)
        assert batch == pending[: len(batch)]
        assert 0 < len(batch) <= BATCH_MAX
        body = encode_batch([row.signed for row in batch])
        assert len(body) <= BATCH_BYTES_MAX
        assert decode_batch(body) == tuple(row.signed for row in batch)
        batches.deliver(batch)
        pending = pending[len(batch) :]


@given(count=st.integers(1, 14), bad=st.sets(st.integers(1, 14), max_size=6))
def test_only_the_refused_ones_stay_behind(count: int, bad: set[int]) -> None:
    bad = {seq for seq in bad if seq <= count}
    pending = rows(*[200] * count)
    batches = Batches()
    reported = []
    while batch := batches.choose(pending[: batches.look_at], 0.0):
        if any(row.seq in bad for row in batch):
            first_time = batches.refuse(batch, 0.0)
            reported += [first_time.seq] if first_time else []
        else:
            batches.deliver(batch)
            pending = [row for row in pending if row not in batch]
    assert {row.seq for row in pending} == bad
    assert sorted(reported) == sorted(bad)
    assert batches.refused_count == len(bad)


def test_a_refused_record_is_tried_alone_ever_more_rarely_and_never_given_up() -> None:
    pending = rows(200, 200)
    batches = Batches()
    assert len(batches.choose(pending, 0.0)) == 2
    batches.refuse(pending, 0.0)
    assert batches.choose(pending, 0.0) == pending[:1]
    assert batches.refuse(pending[:1], 0.0) == pending[0]
    batches.deliver(batches.choose(pending, 0.0))
    pending = pending[:1]

    at_s = 0.0
    waits = []
    for _ in range(12):
        retry_s = batches.next_retry_s()
        assert retry_s is not None
        assert batches.choose(pending, retry_s - 1) == []
        assert batches.choose(pending, retry_s) == pending
        assert batches.refuse(pending, retry_s) is None
        waits.append(retry_s - at_s)
        at_s = retry_s
    assert waits[:3] == [FIRST_RETRY_S, 2 * FIRST_RETRY_S, 4 * FIRST_RETRY_S]
    assert waits[-1] == LAST_RETRY_S

    batches.deliver(pending)
    assert batches.next_retry_s() is None


def test_a_refused_record_that_left_the_outbox_is_not_waited_for() -> None:
    first, second = rows(200, 200)
    batches = Batches()
    batches.refuse([first], 0.0)
    batches.refuse([second], 10.0)
    assert batches.choose([second], 61.0) == []
    assert batches.next_retry_s() == 10.0 + FIRST_RETRY_S
    assert batches.refused_count == 1


@pytest.mark.parametrize("count", [1, 6])
def test_nothing_pending_is_no_batch(count: int) -> None:
    batches = Batches()
    assert batches.choose([], 0.0) == []
    assert batches.look_at == 6
    (first, *_) = rows(*[200] * count)
    batches.refuse([first], 0.0)
    assert batches.look_at == 7
