"""Pieces of a configuration or an update, from the gateway's side into the node's own rules."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.ble.node_frames import (
    NodeOrder,
    Op,
    Status,
)
from drivers.ble.node_transfer import CONFIGURATION_MAX, Transfer, configuration, update
from tests.sim.ble.plug import Board

KIB = 1024


def send(board: Board, transfer: Transfer, room: int, random: Random | None = None) -> None:
    """Write until it is whole; some pieces are lost on the way."""
    for _ in range(1000):
        transfer.seen(board.rules.progress)
        if transfer.whole:
            return
        for piece in transfer.pieces(room, 8):
            if random is None or random.random() > 0.2:
                board.rules.write_data(piece, 0)
    raise AssertionError("it never is")


@given(st.integers(1, CONFIGURATION_MAX), st.integers(20, 244), st.integers(0, 1 << 32))
def test_a_configuration_arrives_whole_whatever_is_lost(size: int, room: int, seed: int) -> None:
    random = Random(seed)
    content = random.randbytes(size)
    board, transfer = Board(), configuration(content)
    assert board.ask(transfer.announcement) == Status.DONE
    send(board, transfer, room, random)
    assert board.committed == []
    assert board.ask(transfer.commitment) == Status.DONE
    assert board.committed == [(Op.CONFIGURE_COMMIT, content)]
    # It is committed once, and takes no more.
    assert board.ask(transfer.commitment) == Status.TAG


def test_an_update_goes_on_where_it_was_cut_and_begins_anew_after_a_restart() -> None:
    image = Random(1).randbytes(3 * KIB + 5)
    board, transfer = Board(), update(image)
    assert board.ask(transfer.announcement) == Status.DONE
    for piece in transfer.pieces(20, 100):
        board.rules.write_data(piece, 0)
    board.rules.disconnect()
    assert board.rules.progress == b""
    board.rules.connect(0)
    assert board.rules.progress == b""  # Whoever has not announced it is told nothing.
    assert board.ask(transfer.announcement) == Status.DONE
    transfer.seen(board.rules.progress)
    assert transfer.at == 1600
    board.restart()
    assert board.ask(transfer.announcement) == Status.DONE
    transfer.seen(board.rules.progress)
    assert transfer.at == 0
    send(board, transfer, 244)
    assert board.ask(transfer.commitment) == Status.DONE
    assert board.committed == [(Op.UPDATE_COMMIT, image.ljust(4 * KIB, b"\xff"))]


def test_what_lies_there_of_another_image_is_written_over() -> None:
    first, second = update(b"a" * 2 * KIB), update(b"b" * 2 * KIB)
    board = Board()
    board.ask(first.announcement)
    for piece in first.pieces(100, 10):
        board.rules.write_data(piece, 0)
    board.ask(second.announcement)
    second.seen(board.rules.progress)
    assert second.at == 0
    send(board, second, 100)
    assert board.ask(second.commitment) == Status.DONE
    assert board.committed[0][1] == b"b" * 2 * KIB


@pytest.mark.parametrize("spoilt", [0, 700, 1023])
def test_what_is_not_what_was_meant_is_not_committed(spoilt: int) -> None:
    board, transfer = Board(), update(bytes(KIB))
    board.ask(transfer.announcement)
    for piece in transfer.pieces(104, 11):
        offset = int.from_bytes(piece[:4], "little")
        changed = bytearray(piece)
        if offset <= spoilt < offset + len(piece) - 4:
            changed[4 + spoilt - offset] ^= 1
        board.rules.write_data(bytes(changed), 0)
    transfer.seen(board.rules.progress)
    assert not transfer.whole
    assert board.ask(transfer.commitment) == Status.TAG
    assert board.committed == []


def test_half_of_it_is_not_committed() -> None:
    board, transfer = Board(), update(bytes(2 * KIB))
    board.ask(transfer.announcement)
    for piece in transfer.pieces(104, 10):
        board.rules.write_data(piece, 0)
    assert board.ask(transfer.commitment) == Status.TAG
    assert board.committed == []


def test_a_configuration_is_not_committed_as_an_update() -> None:
    board, transfer = Board(), configuration(bytes(100))
    board.ask(transfer.announcement)
    send(board, transfer, 20)
    other = NodeOrder(Op.UPDATE_COMMIT, 1, transfer.commitment.digest)
    assert board.ask(other) == Status.TAG
    assert board.ask(NodeOrder(Op.CONFIGURE_COMMIT, 100)) == Status.TAG
    assert board.committed == []


@pytest.mark.parametrize(
    ("order", "status"),
    [
        (NodeOrder(Op.CONFIGURE, 513), Status.REFUSED),
        (NodeOrder(Op.CONFIGURE, 0), Status.REFUSED),
        (NodeOrder(Op.UPDATE, 65), Status.REFUSED),
        (NodeOrder(Op.UPDATE, 64), Status.DONE),
    ],
)
def test_more_than_there_is_room_for_is_not_begun(order: NodeOrder, status: Status) -> None:
    board = Board()
    assert board.ask(order) == status
    assert (board.rules.progress == b"") == (status is Status.REFUSED)


def test_data_that_nobody_with_the_key_announced_is_refused_and_counted() -> None:
    board = Board()
    for _ in range(3):
        board.rules.write_data(bytes(20), 0)
    assert board.rules.refused == 3
    assert board.rules.tick(0)
    assert board.kept == b""


def test_who_sends_data_is_not_dropped_and_who_stops_is() -> None:
    board, transfer = Board(), update(bytes(64 * KIB))
    board.ask(transfer.announcement)
    for number, piece in enumerate(transfer.pieces(244, 20)):
        board.rules.write_data(piece, number * 1000)
        assert not board.rules.tick(number * 1000)
    for piece in transfer.pieces(244, 5):  # The same ones again are no progress, but the first.
        board.rules.write_data(piece, 23_000) if piece[:4] != bytes(4) else None
    assert board.rules.tick(24_001)


def test_a_flash_that_is_full_commits_nothing() -> None:
    board, transfer = Board(full=True), update(bytes(KIB))
    board.ask(transfer.announcement)
    for piece in transfer.pieces(244, 20):
        board.rules.write_data(piece, 0)
    assert board.rules.progress == b""
    assert board.ask(transfer.commitment) == Status.TAG
    assert board.committed == []


@given(st.lists(st.binary(max_size=40), max_size=50))
def test_any_data_in_an_announced_transfer_only_ever_fills_it(pieces: list[bytes]) -> None:
    board, transfer = Board(), configuration(bytes(64))
    board.ask(transfer.announcement)
    for piece in pieces:
        board.rules.write_data(piece, 0)
    assert len(board.kept) <= 64
    transfer.seen(board.rules.progress)
    assert board.committed == []


@given(st.binary(max_size=20))
def test_any_progress_is_taken_for_what_it_says_or_nothing(progress: bytes) -> None:
    transfer = update(bytes(2 * KIB))
    transfer.seen(progress)
    assert 0 <= transfer.at <= 2 * KIB
