"""A command from the gateway to a node, with whoever may be between them or in their place."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.ble.node_counters import SentCounters
from drivers.ble.node_frames import COUNTER_MAX, NodeOrder, Op, State, keys_of
from drivers.ble.node_session import (
    REFUSALS,
    Connect,
    Finished,
    NodeSession,
    Outcome,
    Part,
    Read,
    Step,
    Wait,
    Write,
)
from drivers.refused import Why
from rules.errors import LinkLost
from tests.sim.ble.plug import KEY, MAC, Plug, PowerCut

ID = b"plug"
PROMPT, QUIET = NodeOrder(Op.BUZZER, 1), NodeOrder(Op.BUZZER, 0)


@dataclass
class Peer:
    """Whoever answers at the node's address: here the node itself, faithfully."""

    plug: Plug = field(default_factory=Plug)
    written: list[bytes] = field(default_factory=list)

    def connect(self, at_ms: int) -> None:
        self.disconnect()
        self.plug.rules.connect(at_ms)

    def disconnect(self) -> None:
        self.plug.rules.disconnect()

    def challenge(self) -> bytes:
        return self.plug.rules.challenge

    def result(self) -> bytes:
        return self.plug.rules.result

    def write(self, frame: bytes, at_ms: int) -> bytes:
        """What is notified; nothing if nothing is."""
        self.written.append(frame)
        return self.plug.rules.write(frame, at_ms)


@pytest.fixture
def counters(tmp_path: Path) -> SentCounters:
    return SentCounters(tmp_path / "ble.sent.state")


def session(counters: SentCounters, order: NodeOrder = PROMPT, until_s: float = 10) -> NodeSession:
    return NodeSession(keys_of(KEY, MAC), order, counters, ID, until_s)


def carry(session: NodeSession, peer: Peer, at_s: float = 0.0) -> Finished:
    """Do what the session says, as a driver would, until it has ended."""
    step = session.start(at_s)
    for _ in range(200):
        if isinstance(step, Finished):
            return step
        at_s += 0.01
        try:
            step, at_s = _carried(session, step, peer, at_s)
        except (LinkLost, PowerCut):
            step = session.disconnected(at_s)
    raise AssertionError("it never ends")


def _carried(session: NodeSession, step: Step, peer: Peer, at_s: float) -> tuple[Step, float]:
    match step:
        case Connect():
            at_s += 0.1
            peer.connect(int(at_s * 1000))
            return session.connected(at_s), at_s
        case Read(Part.CHALLENGE):
            return session.challenge_read(peer.challenge(), at_s), at_s
        case Read():
            return session.result_came(peer.result(), at_s), at_s
        case Write(frame):
            return session.result_came(peer.write(frame, int(at_s * 1000)), at_s), at_s
    due = session.next_deadline()
    assert due is not None
    return session.passed(due), due


def test_a_command_is_done_once(counters: SentCounters) -> None:
    peer = Peer()
    assert carry(session(counters), peer) == Finished(Outcome.DONE, State(5), ())
    assert peer.plug.done == [(3, 1)]
    assert len(peer.written) == 1


def test_each_outcome_has_a_word_for_the_gateway() -> None:
    assert set(REFUSALS) == set(Outcome)
    assert [outcome for outcome, refusal in REFUSALS.items() if refusal is None] == [Outcome.DONE]


# ---------------------------------------------------------------- false nodes


@dataclass
class FalseNode(Peer):
    """Has recorded a challenge and a result of the node's, and hears what the gateway says."""

    made_up: Callable[[bytes], bytes] = bytes
    recorded: tuple[bytes, bytes] = (bytes(20), bytes(20))

    def challenge(self) -> bytes:
        return self.recorded[0]

    def result(self) -> bytes:
        return self.recorded[1]

    def write(self, frame: bytes, at_ms: int) -> bytes:
        del at_ms
        self.written.append(frame)
        return self.made_up(frame)


def test_a_false_node_hears_no_command_at_all(counters: SentCounters) -> None:
    """A challenge of its own making, fixed or foreseen, is answered with nothing."""
    false = FalseNode(recorded=(bytes(range(20)), b""))
    end = carry(session(counters), false)
    assert end.outcome is Outcome.UNREACHABLE
    assert set(end.refused) == {Why.WRONG_KEY}
    assert false.written == []


def test_so_does_a_node_with_another_key(counters: SentCounters) -> None:
    end = carry(session(counters), Peer(Plug(key=b"another sixteen!")))
    assert end == Finished(Outcome.UNREACHABLE, None, (Why.WRONG_KEY,) * 5)


def recorded_talk(counters: SentCounters, plug: Plug) -> tuple[bytes, bytes, bytes]:
    """One true command, as a stranger would record it."""
    peer = Peer(plug)
    plug.rules.connect(0)
    challenge = peer.challenge()
    sent = session(counters)
    sent.start(0)
    sent.connected(0)
    step = sent.challenge_read(challenge, 0)
    assert isinstance(step, Write)
    return challenge, step.frame, peer.write(step.frame, 0)


def head(status: int) -> Callable[[bytes], bytes]:
    """A result without proof: the command's own head, and any status."""
    return lambda frame: bytes([1, frame[1], status, 5]) + frame[4:8] + bytes(12)


@pytest.mark.parametrize("status", range(9))
def test_no_made_up_result_is_believed(counters: SentCounters, status: int) -> None:
    challenge, _, result = recorded_talk(counters, Plug())
    for made_up in (
        head(status),
        lambda frame: bytes([1, frame[1], status]) + bytes(17),
        lambda _: result,
        lambda frame: frame,
        lambda _: b"rubbish",
        lambda _: b"",
    ):
        false = FalseNode(made_up=made_up, recorded=(challenge, result))
        end = carry(session(counters), false)
        assert end.outcome in (Outcome.UNREACHABLE, Outcome.EXPIRED)
        assert end.state is None
        assert len(false.written) <= 5
        # And what it could entice is of no use at the node.
        plug = Plug()
        plug.flash.kept = (1, 64)
        plug.rules.connect(0)
        for frame in false.written:
            plug.rules.write(frame, 0)
        assert plug.done == []


def test_a_forged_result_does_not_hide_the_nodes_own(counters: SentCounters) -> None:
    peer = Peer()
    peer.connect(0)
    running = session(counters)
    running.start(0)
    running.connected(0)
    step = running.challenge_read(peer.challenge(), 0)
    assert isinstance(step, Write)
    assert isinstance(running.result_came(bytes([1, 3, 6, 0]) + bytes(16), 0.1), Wait)
    end = running.result_came(peer.write(step.frame, 100), 0.2)
    assert end == Finished(Outcome.DONE, State(5), (Why.FALSE_NODE,))


def test_who_says_three_times_rubbish_is_left(counters: SentCounters) -> None:
    peer = Peer()
    peer.connect(0)
    running = session(counters)
    running.start(0)
    running.connected(0)
    assert isinstance(running.challenge_read(peer.challenge(), 0), Write)
    said = [running.result_came(bytes([1, 3, 0, 0]) + bytes(16), 0.1) for _ in range(3)]
    assert said == [Wait(), Wait(), Connect()]
    # And begins anew with the next.
    running.connected(0.2)
    peer.connect(200)
    assert isinstance(running.challenge_read(peer.challenge(), 0.2), Write)
    assert running.result_came(b"rubbish", 0.3) == Wait()


def random_answer(random: Random, sent: bytes) -> bytes:
    """Any bytes; with a right head; or a bit of what the node would say."""
    kind = random.randrange(4)
    if kind == 0:
        return random.randbytes(random.randrange(1, 40))
    if kind == 1:
        return random.randbytes(20)
    head = bytes([1, sent[1], random.randrange(9), random.randrange(256)])
    counter = sent[4:8] if kind == 2 else random.randbytes(4)
    return head + counter + random.randbytes(12)


def test_of_a_hundred_thousand_random_answers_none_is_believed() -> None:
    random, counters = Random(6), SentCounters(Path("/proc/no/such/place"))
    plug = Plug()
    plug.rules.connect(0)
    answers = refusals = 0
    sent = b""
    while answers < 100_000:
        running = session(counters)
        running.start(0.0)
        step = running.connected(0.0)
        while not isinstance(step, Finished):
            match step:
                case Read():
                    challenge = random.randbytes(20) if random.random() < 0.1 else None
                    step = running.challenge_read(challenge or plug.rules.challenge, 0.0)
                case Write(frame):
                    step, sent = Wait(), frame
                case Connect():
                    step = running.connected(0.0)
                case Wait():
                    answers += 1
                    step = running.result_came(random_answer(random, sent), 0.0)
        assert step.outcome is Outcome.UNREACHABLE
        assert step.state is None
        refusals += len(step.refused)
    assert refusals > 90_000
    assert plug.done == []


@dataclass
class Between(Peer):
    """Relays between the gateway and the node, and changes what the gateway says."""

    change: Callable[[bytes], bytes] = bytes

    def write(self, frame: bytes, at_ms: int) -> bytes:
        return Peer.write(self, self.change(frame), at_ms)


@pytest.mark.parametrize("place", range(20))
def test_who_relays_delivers_what_was_meant_or_nothing(counters: SentCounters, place: int) -> None:
    def change(frame: bytes) -> bytes:
        return frame[:place] + bytes([frame[place] ^ 1]) + frame[place + 1 :]

    faithful = Between()
    assert carry(session(counters), faithful).outcome is Outcome.DONE
    between = Between(change=change)
    end = carry(session(counters), between)
    assert end.outcome is not Outcome.DONE
    assert between.plug.done == []


def enticed(counters: SentCounters, order: NodeOrder, challenge: bytes) -> bytes:
    """The command that the gateway makes for whoever presents a challenge of the node's."""
    asked = session(counters, order)
    asked.start(0)
    asked.connected(0)
    step = asked.challenge_read(challenge, 0)
    assert isinstance(step, Write)
    return step.frame


@pytest.mark.parametrize("order", [(QUIET, PROMPT), (PROMPT, QUIET)])
def test_of_what_is_held_back_only_one_is_done_and_soon(
    counters: SentCounters, order: tuple[NodeOrder, NodeOrder]
) -> None:
    """An OFF that a stranger keeps for later silences no prompt that came after it."""
    plug = Plug()
    plug.rules.connect(0)
    first, second = (enticed(counters, one, plug.rules.challenge) for one in order)
    plug.rules.write(second, 4_900)
    assert plug.done == [(3, order[1].argument)]
    plug.rules.write(first, 4_950)
    assert plug.done == [(3, order[1].argument)]


def test_nothing_is_held_back_for_longer_than_five_seconds(counters: SentCounters) -> None:
    plug = Plug()
    plug.rules.connect(0)
    held = enticed(counters, QUIET, plug.rules.challenge)
    assert plug.rules.tick(5_001)
    plug.rules.write(held, 5_001)
    assert plug.done == []


# ---------------------------------------------------------------- what is lost on the way


def test_a_power_cut_between_mark_and_act_costs_a_second_command(counters: SentCounters) -> None:
    @dataclass
    class Cut(Peer):
        def write(self, frame: bytes, at_ms: int) -> bytes:
            try:
                return Peer.write(self, frame, at_ms)
            except PowerCut:
                self.plug.restart()
                raise

    peer = Cut(Plug(cut=True))
    assert carry(session(counters), peer).outcome is Outcome.DONE
    assert peer.plug.done == [(3, 1)]
    # The second was below the mark that the node had reserved, the third above it.
    assert [int.from_bytes(frame[4:8], "little") for frame in peer.written] == [1, 2, 65]


def test_both_ends_restart_and_go_on(tmp_path: Path) -> None:
    plug = Plug()
    peer = Peer(plug)
    for run in range(12):
        counters = SentCounters(tmp_path / "state")
        assert carry(session(counters), peer).outcome is Outcome.DONE
        if run % 3:
            plug.restart()
    used = [int.from_bytes(frame[4:8], "little") for frame in peer.written]
    assert used == sorted(set(used))
    assert len(plug.done) == 12
    assert len(used) <= 24


def test_a_replaced_gateway_learns_the_mark_in_one_more_write(tmp_path: Path) -> None:
    plug = Plug()
    plug.flash.kept = (41, 7_000)
    peer = Peer(plug)
    for number in range(3):  # Three gateways with one key, one after the other and then again.
        counters = SentCounters(tmp_path / f"gateway {number}")
        assert carry(session(counters), peer).outcome is Outcome.DONE
        assert len(peer.written) == 2 * (number + 1)
    assert carry(session(SentCounters(tmp_path / "gateway 0")), peer).outcome is Outcome.DONE
    assert len(plug.done) == 4


def test_a_gateway_whose_disk_fails_still_prompts() -> None:
    peer = Peer()
    for _ in range(3):
        counters = SentCounters(Path("/proc/no/such/place"))
        assert carry(session(counters), peer).outcome is Outcome.DONE
    assert len(peer.plug.done) == 3


def test_a_lost_notification_is_read(counters: SentCounters) -> None:
    @dataclass
    class Silent(Peer):
        def write(self, frame: bytes, at_ms: int) -> bytes:
            Peer.write(self, frame, at_ms)
            return b""

    peer = Silent()
    assert carry(session(counters), peer).outcome is Outcome.DONE
    assert len(peer.written) == 1


def test_a_lost_result_is_asked_for_with_a_counter_of_its_own(counters: SentCounters) -> None:
    """What a command asks for is absolute: done again it is as it was."""

    @dataclass
    class Deaf(Peer):
        losses: int = 2

        def write(self, frame: bytes, at_ms: int) -> bytes:
            said = Peer.write(self, frame, at_ms)
            self.losses -= 1
            if self.losses >= 0:
                raise LinkLost("out of range")
            return said

    peer = Deaf()
    assert carry(session(counters), peer).outcome is Outcome.DONE
    assert peer.plug.done == [(3, 1)] * 3
    assert [frame[4] for frame in peer.written] == [1, 2, 3]


def test_a_place_held_by_a_stranger_delays_and_no_more(counters: SentCounters) -> None:
    @dataclass
    class Taken(Peer):
        """A stranger has connected at 0, floods it, and holds it as long as it may."""

        flooded: int = 0

        def connect(self, at_ms: int) -> None:
            if at_ms == 0:
                Peer.connect(self, 0)
                return
            if self.plug.rules.connected and not self.plug.rules.tick(at_ms):
                raise LinkLost("taken")
            Peer.connect(self, at_ms)

    peer = Taken()
    peer.connect(0)
    running = session(counters)
    step, at_s = running.start(0.0), 0.0
    while isinstance(step, Connect):
        at_s += 2.6  # A connection that is not made is given up.
        try:
            peer.connect(int(at_s * 1000))
        except LinkLost:
            step = running.disconnected(at_s)
        else:
            step = running.connected(at_s)
    assert at_s < 6
    assert isinstance(step, Read)
    step = running.challenge_read(peer.challenge(), at_s)
    assert isinstance(step, Write)
    end = running.result_came(peer.write(step.frame, int(at_s * 1000)), at_s)
    assert isinstance(end, Finished)
    assert end.outcome is Outcome.DONE


def test_a_flood_of_wrong_tags_delays_and_no_more(counters: SentCounters) -> None:
    plug = Plug()
    for at_ms in range(0, 500, 10):
        plug.rules.connect(at_ms)
        while not plug.rules.tick(at_ms):
            plug.rules.write(bytes([1, 3, 0, 0]) + bytes(16), at_ms)
        plug.rules.disconnect()
    assert carry(session(counters), Peer(plug), 0.6).outcome is Outcome.DONE
    assert plug.done == [(3, 1)]


def test_where_nobody_is_it_ends_in_time(counters: SentCounters) -> None:
    @dataclass
    class Nobody(Peer):
        slow_s: float = 0.0

        def connect(self, at_ms: int) -> None:
            raise LinkLost(str(at_ms))

    assert carry(session(counters), Nobody()).outcome is Outcome.UNREACHABLE
    running = session(counters)
    assert running.start(0) == Connect()
    assert running.next_deadline() == 10
    assert running.disconnected(10.0) == Finished(Outcome.EXPIRED, None, ())
    assert running.next_deadline() is None
    assert running.result_came(b"late", 11) == Wait()
    assert running.disconnected(12) == Wait()


def test_nothing_is_written_when_it_is_too_late(counters: SentCounters) -> None:
    peer = Peer()
    running = session(counters, until_s=3)
    running.start(0)
    running.connected(0)
    peer.connect(0)
    assert running.challenge_read(peer.challenge(), 3.0) == Finished(Outcome.EXPIRED, None, ())


def test_a_key_whose_counters_are_used_up_is_told(counters: SentCounters) -> None:
    plug = Plug()
    plug.flash.kept = (1, COUNTER_MAX)
    end = carry(session(counters), Peer(plug))
    assert end.outcome is Outcome.EXHAUSTED
    assert plug.done == []


def test_what_the_node_cannot_do_is_not_tried_again(counters: SentCounters) -> None:
    class Bare(Plug):
        def _act(self, op: int, argument: int) -> int:
            del op, argument
            return 1

    peer = Peer(Bare())
    assert carry(session(counters), peer).outcome is Outcome.UNSUPPORTED
    assert len(peer.written) == 1


def happened(running: NodeSession, plug: Plug, fact: str, stale: bytes, at_s: float) -> Step:
    match fact:
        case "connected":
            return running.connected(at_s)
        case "challenge":
            return running.challenge_read(plug.rules.challenge, at_s)
        case "stale":
            return running.challenge_read(stale, at_s)
        case "rubbish":
            return running.result_came(bytes(20), at_s)
        case "empty":
            return running.result_came(b"", at_s)
        case "hint":
            return running.result_came(bytes([1, 3, 3]) + bytes(17), at_s)
        case "lost":
            return running.disconnected(at_s)
    return running.passed(at_s)


FACTS = ["connected", "challenge", "stale", "rubbish", "empty", "hint", "lost", "passed"]


@given(st.lists(st.tuples(st.sampled_from(FACTS), st.floats(0, 3)), max_size=60))
def test_whatever_happens_it_writes_five_times_at_most_and_believes_nobody(
    facts: list[tuple[str, float]],
) -> None:
    counters = SentCounters(Path("/proc/no/such/place"))
    plug = Plug()
    running = session(counters)
    at_s = 0.0
    plug.rules.connect(0)
    stale = plug.rules.challenge
    steps = [running.start(0.0)]
    for fact, after_s in facts:
        at_s += after_s
        plug.rules.connect(int(at_s * 1000))
        step = happened(running, plug, fact, stale, at_s)
        steps.append(step)
        due = running.next_deadline()
        assert (due is None) == any(isinstance(one, Finished) for one in steps)
        assert due is None or due > at_s
    written = [step.frame[4:8] for step in steps if isinstance(step, Write)]
    assert len(written) == len(set(written)) <= 5
    ends = [step for step in steps if isinstance(step, Finished)]
    assert len(ends) <= 1
    assert all(end.outcome in (Outcome.EXPIRED, Outcome.UNREACHABLE) for end in ends)
