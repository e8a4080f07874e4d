"""A plug node does what the gateway says, and nothing that anybody else does."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.ble.node_frames import (
    Challenge,
    NodeKeys,
    NodeOrder,
    Op,
    Result,
    Sent,
    State,
    Status,
    decode_challenge,
    decode_result,
    encode_command,
    keys_of,
)
from sim.ble.node_rules import DONE, hmac_sha256, pads, same
from tests.sim.ble.plug import KEY, MAC, Flash, Plug, PowerCut

BUZZ = NodeOrder(Op.BUZZER, 1)
HINTS = (Status.TAG, Status.CHALLENGE, Status.FORM)


def command(plug: Plug, counter: int, order: NodeOrder = BUZZ) -> Sent:
    """What the gateway would write now."""
    return encode_command(
        order, counter, decode_challenge(plug.rules.challenge, plug.keys), plug.keys
    )


def connected(plug: Plug, at_ms: int = 0) -> Plug:
    plug.rules.connect(at_ms)
    return plug


def refused(plug: Plug, frame: bytes, at_ms: int = 0) -> bool:
    """Whether nothing is done for it, and nothing proven or told to whoever wrote it."""
    done = len(plug.done)
    said = plug.rules.write(frame, at_ms)
    return len(plug.done) == done and said[2] in HINTS and said[3:] == bytes(17)


def test_hmac_is_that_of_rfc_4231() -> None:
    assert hmac_sha256(pads(b"\x0b" * 20), b"Hi There").hex() == (
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    )
    assert hmac_sha256(pads(b"Jefe"), b"what do ya want for nothing?").hex() == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_tags_are_the_same_only_in_every_byte(one: bytes, other: bytes) -> None:
    length = min(len(one), len(other))
    assert same(one[:length], other[:length]) is (one[:length] == other[:length])


def test_what_the_gateway_says_is_done_and_answered() -> None:
    plug = connected(Plug())
    sent = command(plug, 1)
    said = plug.rules.write(sent.frame, 100)
    assert plug.done == [(3, 1)]
    assert said == plug.rules.result
    assert decode_result(said, sent, plug.keys) == Result(Status.DONE, State(5))


def test_a_stranger_without_the_key_is_refused() -> None:
    plug = connected(Plug())
    stranger = keys_of(b"another sixteen!", MAC)
    challenge = Challenge(plug.rules.challenge, 1, 1)
    assert refused(plug, encode_command(BUZZ, 1, challenge, stranger).frame)
    # Nor is a tag that came with an answer of the node's.
    challenge = Challenge(plug.rules.challenge, 1, 2)
    swapped = NodeKeys(MAC, plug.keys.answer, plug.keys.command)
    assert refused(plug, encode_command(BUZZ, 1, challenge, swapped).frame)


@pytest.mark.parametrize("seed", [1, None])
def test_what_was_recorded_is_of_no_use(seed: int | None) -> None:
    """In the same connection, in the next, after a restart; also on a board without entropy."""
    plug = connected(Plug(seed=seed))
    recorded = [command(plug, 1).frame]
    plug.rules.write(recorded[0], 0)
    recorded.append(command(plug, 2, NodeOrder(Op.RELAY, 0)).frame)  # Never arrived.
    for restart in (False, False, True, True):
        for frame in recorded:
            assert refused(plug, frame)
        plug.rules.disconnect()
        if restart:
            plug.restart()
        connected(plug)
    assert plug.done == [(3, 1)]


def test_each_bit_of_a_command_matters() -> None:
    """Another op, argument or counter, another version, another tag."""
    for bit in range(160):
        plug = connected(Plug())
        frame = bytearray(command(plug, 1).frame)
        frame[bit // 8] ^= 1 << bit % 8
        assert refused(plug, bytes(frame)), bit


def test_a_shorter_or_longer_tag_is_no_tag() -> None:
    for length in (*range(20), 21, 40):
        plug = connected(Plug())
        assert refused(plug, (command(plug, 1).frame + bytes(20))[:length])


def test_another_nodes_command_is_not_this_ones() -> None:
    """Even where somebody gave two nodes one key."""
    other = connected(Plug(mac=bytes.fromhex("c0decc000002")))
    plug = connected(Plug())
    challenge = Challenge(plug.rules.challenge, 1, 1)
    assert refused(plug, encode_command(BUZZ, 1, challenge, other.keys).frame)
    assert refused(plug, command(other, 1).frame)


def test_a_challenge_is_of_one_connection() -> None:
    plug = connected(Plug())
    held = command(plug, 1).frame
    plug.rules.disconnect()
    assert plug.rules.challenge == plug.rules.result == b""
    assert refused(plug, held)
    connected(plug)
    assert refused(plug, held)
    # Also where the stack did not tell that the one before has gone.
    held = command(plug, 1).frame
    connected(plug)
    assert refused(plug, held)


def test_a_challenge_is_spent_before_anything_is_done() -> None:
    """Whatever a board's own code may raise in the middle of it."""
    plug = connected(Plug(cut=True))
    with pytest.raises(PowerCut):
        plug.rules.write(command(plug, 1).frame, 0)
    assert plug.rules.challenge == b""


def test_a_challenge_is_good_for_one_frame_and_five_seconds() -> None:
    plug = connected(Plug())
    frame = command(plug, 1).frame
    assert refused(plug, frame, 5_001)
    frame = command(plug, 1).frame
    assert refused(plug, bytes(20), 5_001)
    assert refused(plug, frame, 5_001)
    assert plug.rules.write(command(plug, 1).frame, 10_001)[2] == DONE


@pytest.mark.parametrize("seed", [1, None])
def test_no_challenge_is_ever_there_twice(seed: int | None) -> None:
    plug = Plug(seed=seed)
    seen = set()
    for _ in range(40):
        plug.restart()
        for _ in range(3):
            connected(plug)
            for _ in range(3):
                seen.add(plug.rules.challenge)
                plug.rules.write(b"", 0)
            plug.rules.disconnect()
    assert len(seen) == 40 * 9


def test_nobody_without_the_key_foresees_a_challenge_of_a_board_without_entropy() -> None:
    """Else a false node could have the gateway answer a challenge that is yet to come."""
    plug, other = connected(Plug(seed=None)), connected(Plug(key=b"another sixteen!", seed=None))
    assert plug.rules.challenge[:12] == other.rules.challenge[:12]
    assert plug.rules.challenge[12:] != other.rules.challenge[12:]


def test_a_counter_that_was_seen_is_refused_with_the_mark_and_proof() -> None:
    plug = connected(Plug())
    plug.rules.write(command(plug, 9).frame, 0)
    for counter in (1, 8, 9):
        sent = command(plug, counter)
        said = decode_result(plug.rules.write(sent.frame, 0), sent, plug.keys)
        assert said == Result(Status.COUNTER, State(5), 9)
    assert plug.done == [(3, 1)]


def test_the_mark_is_durable_before_anything_is_done() -> None:
    plug = connected(Plug(cut=True))
    with pytest.raises(PowerCut):
        plug.rules.write(command(plug, 1).frame, 0)
    plug.restart()
    connected(plug)
    sent = command(plug, 1)
    said = decode_result(plug.rules.write(sent.frame, 0), sent, plug.keys)
    assert said == Result(Status.COUNTER, State(5), 64)
    assert plug.done == []


@given(st.lists(st.integers(0, 40), max_size=30), st.randoms(use_true_random=False))
def test_no_counter_is_obeyed_twice_however_often_the_power_is_cut(
    counters: list[int], random: Random
) -> None:
    plug = connected(Plug(seed=None))
    obeyed = []
    for counter in counters:
        done = len(plug.done)
        plug.rules.write(command(plug, counter + 1).frame, 0)
        if len(plug.done) > done:
            obeyed.append(counter)
        if random.random() < 0.3:
            plug.restart()
            connected(plug)
    assert len(set(obeyed)) == len(obeyed)


def test_a_hundred_thousand_random_frames_do_nothing() -> None:
    """Any bytes, right heads, and true commands spoilt."""
    random = Random(5)
    plug = connected(Plug())
    saves = plug.flash.saves
    for number in range(100_000):
        kind = number % 3
        frame = random.randbytes(20 if kind else random.randrange(40))
        if kind == 1:
            frame = bytes([1, random.randrange(1, 5)]) + frame[2:]
        elif kind == 2 and number % 30 == 2:  # Making true ones is slow.
            spoilt = bytearray(command(plug, number + 1).frame)
            spoilt[random.randrange(20)] ^= random.randrange(1, 256)
            frame = bytes(spoilt)
        said = plug.rules.write(frame, 0)
        assert said[2] in HINTS
    assert plug.rules.refused == 100_000
    assert plug.done == []
    assert plug.flash.saves == saves


def test_who_talks_rubbish_or_nothing_is_dropped() -> None:
    plug = connected(Plug(), 1_000)
    assert not plug.rules.tick(6_000)
    assert plug.rules.tick(6_001)
    plug.rules.disconnect()
    assert not plug.rules.tick(9_000)
    connected(plug, 10_000)
    for wrong in range(3):
        assert plug.rules.tick(10_000) is False, wrong
        plug.rules.write(bytes(20), 10_000)
    assert plug.rules.tick(10_000)
    # The next one begins anew, at once: a flood gains no pause for anybody.
    plug.rules.disconnect()
    connected(plug, 10_001)
    assert not plug.rules.tick(10_001)
    assert plug.rules.write(command(plug, 1).frame, 10_001)[2] == DONE


def test_rubbish_does_not_prolong_a_connection_and_a_true_command_does() -> None:
    plug = connected(Plug())
    plug.rules.write(bytes(20), 2_000)
    plug.rules.write(bytes(20), 4_000)
    assert plug.rules.tick(5_001)
    plug = connected(Plug())
    plug.rules.write(command(plug, 1).frame, 4_000)
    assert not plug.rules.tick(9_000)
    assert plug.rules.tick(9_001)


def test_strangers_do_not_wear_the_flash_out() -> None:
    plug = Plug()
    for _ in range(100):
        connected(plug)
        for _ in range(10):
            plug.rules.write(bytes(20), 0)
        plug.rules.disconnect()
    assert plug.flash.saves == 1
    for _ in range(50):
        plug.restart()  # In a loop, and nobody connects.
    assert plug.flash.saves == 1


def test_commands_cost_one_write_in_64() -> None:
    plug = connected(Plug())
    for counter in range(1, 641):
        plug.rules.write(command(plug, counter).frame, 0)
    assert len(plug.done) == 640
    assert plug.flash.saves == 1 + 10


@pytest.mark.parametrize("kept", [None, (0, 0)])
def test_a_node_whose_flash_fails_still_sounds_and_says_so(kept: tuple[int, int] | None) -> None:
    plug = Plug(flash=Flash(kept, full=True))
    recorded: list[bytes] = []
    boots: set[bytes] = set()
    for _ in range(20):
        plug.restart()
        assert plug.seed is not None
        plug.seed += 1
        connected(plug)
        boots.add(plug.rules.challenge[:4])
        for frame in recorded:
            assert refused(plug, frame)
        sent = command(plug, 1)
        recorded.append(sent.frame)
        said = decode_result(plug.rules.write(sent.frame, 0), sent, plug.keys)
        assert said == Result(Status.DONE, State(5) | State.MARKS_LOST)
    assert len(plug.done) == 20
    assert len(boots) == 20


def test_a_flash_that_fails_later_is_told_too() -> None:
    plug = connected(Plug())
    plug.flash.full = True
    sent = command(plug, 1)
    said = decode_result(plug.rules.write(sent.frame, 0), sent, plug.keys)
    assert said == Result(Status.DONE, State(5) | State.MARKS_LOST)
    plug.restart()
    plug.flash.full = False
    connected(plug)
    assert refused(plug, sent.frame)


def test_lost_marks_are_made_anew_by_chance() -> None:
    plug = connected(Plug(flash=Flash(None)))
    first = plug.rules.challenge
    plug.flash.kept = None
    plug.seed = 2
    plug.restart()
    connected(plug)
    assert plug.rules.challenge[:4] != first[:4]
    # From then on they count again.
    sent = command(plug, 5)
    plug.rules.write(sent.frame, 0)
    plug.restart()
    connected(plug)
    sent = command(plug, 5)
    said = decode_result(plug.rules.write(sent.frame, 0), sent, plug.keys)
    assert said == Result(Status.COUNTER, State(5), 68)


def test_what_a_node_cannot_do_it_says() -> None:
    plug = connected(Plug())
    challenge = decode_challenge(plug.rules.challenge, plug.keys)
    body = bytes([1, 0x20, 0, 0, 1, 0, 0, 0])
    message = b"\x01" + MAC + challenge.frame + body
    tag = hmac_sha256(pads(plug.keys.command), message)[:12]
    assert plug.rules.write(body + tag, 0)[2] == Status.UNSUPPORTED
    assert plug.done == []
    assert KEY not in plug.rules.result
