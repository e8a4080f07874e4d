"""The OSCORE contexts of gateway and center, against RFC 8613's vectors and against each other."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

import pytest
from aiocoap import oscore
from aiocoap.message import Direction, Message
from aiocoap.numbers.codes import CHANGED, POST
from hypothesis import given
from hypothesis import strategies as st

from protocol.identity import GatewayEntry, new_identity
from protocol.oscore import (
    EMERGENCY_MAX,
    CenterContexts,
    Parameters,
    Reservation,
    SecurityContext,
    center_sequence,
    emergency_context,
    gateway_context,
)

VECTORS = json.loads(
    (Path(__file__).parent.parent / "vectors" / "oscore_rfc8613_c.json").read_text()
)


class Derivation(TypedDict):
    section: str
    master_secret: str
    master_salt: str
    sender_id: str
    recipient_id: str
    id_context: str | None
    sender_key: str
    recipient_key: str
    common_iv: str


class Request(TypedDict):
    section: str
    client: str
    server: str
    sequence: int
    plain: str
    protected: str


DERIVATIONS: list[Derivation] = VECTORS["derivation"]
REQUESTS: list[Request] = VECTORS["requests"]
C7, C8 = VECTORS["responses"]
IDENTITY = new_identity("home-1", b"\0\0\0\x01", bytes)


def context(section: str, start: int = 0) -> SecurityContext:
    vector = next(each for each in DERIVATIONS if each["section"] == section)
    id_context = vector["id_context"]
    return SecurityContext(
        Parameters(
            bytes.fromhex(vector["master_secret"]),
            bytes.fromhex(vector["master_salt"]),
            sender_id=bytes.fromhex(vector["sender_id"]),
            recipient_id=bytes.fromhex(vector["recipient_id"]),
            id_context=None if id_context is None else bytes.fromhex(id_context),
        ),
        Reservation(start, lambda _: None, 16),
        start,
    )


def outgoing(wire: str) -> Message:
    message: Message = Message.decode(bytes.fromhex(wire))
    message.direction = Direction.OUTGOING
    return message


def on_the_wire(protected: Message, like: Message) -> bytes:
    protected.mtype, protected.mid, protected.token = like.mtype, like.mid, like.token
    wire: bytes = protected.encode()
    return wire


@pytest.mark.parametrize("vector", DERIVATIONS, ids=lambda each: each["section"])
def test_keys_are_those_of_the_standard(vector: Derivation) -> None:
    derived = context(vector["section"])
    assert derived.sender_key.hex() == vector["sender_key"]
    assert derived.recipient_key.hex() == vector["recipient_key"]
    assert derived.common_iv.hex() == vector["common_iv"]


@pytest.mark.parametrize("vector", REQUESTS, ids=lambda each: each["section"])
def test_a_request_has_the_bytes_of_the_standard_and_is_read_back(vector: Request) -> None:
    plain = outgoing(vector["plain"])
    protected, _ = context(vector["client"], vector["sequence"]).protect(plain)
    assert on_the_wire(protected, plain).hex() == vector["protected"]

    server = context(vector["server"])
    server.recipient_replay_window.initialize_empty()
    read, _ = server.unprotect(Message.decode(bytes.fromhex(vector["protected"])))
    assert read.code == plain.code
    assert read.opt.uri_path == ("tv1",)


def test_a_response_under_the_requests_number_is_understood_and_never_sent() -> None:
    client = context("C.1.1", 20)
    request, request_id = client.protect(outgoing(REQUESTS[0]["plain"]))
    read, _ = client.unprotect(Message.decode(bytes.fromhex(C7["protected"])), request_id)
    assert read.payload == b"Hello World!"

    server = context("C.1.2")
    server.recipient_replay_window.initialize_empty()
    _, received = server.unprotect(Message.decode(bytes.fromhex(REQUESTS[0]["protected"])))
    plain = outgoing(C8["plain"])
    protected, _ = server.protect(plain, received)
    assert on_the_wire(protected, plain).hex() == C8["protected"]
    again, _ = server.protect(plain, received)
    assert again.opt.oscore == b"\x01\x01"
    assert request.opt.oscore == b"\x09\x14"


# --- gateway and center against each other ---------------------------------------------------


class Noted:
    """Where a sequence is durably noted: the value survives, the process does not."""

    def __init__(self) -> None:
        self.value = 0
        self.writes = 0
        self.broken = False

    def __call__(self, upto: int) -> None:
        if self.broken:
            raise OSError("disk full")
        self.value = upto
        self.writes += 1


def center(*entries: GatewayEntry, sequence: int = 0, echo: bytes = b"echo-one") -> CenterContexts:
    known = {entry.kid: entry for entry in entries or [IDENTITY.entry()]}
    return CenterContexts(known.get, sequence, Noted(), echo)


def post(echo: bytes | None = None) -> Message:
    message = Message(code=POST, payload=b"record")
    message.opt.uri_path = ("e",)
    if echo is not None:
        message.opt.echo = echo
    return message


def received(message: Message) -> Message:
    message.direction = Direction.INCOMING
    return message


def numbers(protected: Message) -> int:
    return int.from_bytes(oscore.verify_start(protected)[oscore.COSE_PIV], "big")


def arrive(contexts: CenterContexts, protected: Message) -> tuple[Message, Message]:
    """What a center makes of a request, and its protected 2.04."""
    incoming = received(protected)
    found = contexts.find_oscore(oscore.verify_start(incoming))
    plain, request_id = found.unprotect(incoming)
    answer, _ = found.protect(Message(code=CHANGED, payload=b"ok"), request_id)
    return plain, answer


def meet(gateway: SecurityContext, contexts: CenterContexts) -> None:
    """One exchange through the Echo of an unknown window."""
    first, first_id = gateway.protect(post())
    with pytest.raises(oscore.ReplayErrorWithEcho) as refusal:
        arrive(contexts, first)
    challenge, _ = gateway.unprotect(received(refusal.value.to_message()), first_id)
    second, second_id = gateway.protect(post(challenge.opt.echo))
    plain, answer = arrive(contexts, second)
    assert plain.payload == b"record"
    read, _ = gateway.unprotect(received(answer), second_id)
    assert read.payload == b"ok"


def test_an_unknown_window_is_recovered_by_echo_and_then_refuses_replays() -> None:
    gateway = gateway_context(IDENTITY, 0, Noted())
    contexts = center()
    meet(gateway, contexts)
    third, _ = gateway.protect(post())
    arrive(contexts, third)
    with pytest.raises(oscore.ReplayError):
        arrive(contexts, third)


def test_a_restarted_center_refuses_what_the_old_one_accepted() -> None:
    gateway = gateway_context(IDENTITY, 0, Noted())
    contexts = center()
    meet(gateway, contexts)
    accepted, _ = gateway.protect(post(b"echo-one"))
    arrive(contexts, accepted)
    with pytest.raises(oscore.ReplayErrorWithEcho):
        arrive(center(echo=b"echo-two"), accepted)


def test_each_response_has_a_number_of_its_own_even_to_the_same_request() -> None:
    gateway = gateway_context(IDENTITY, 0, Noted())
    contexts = center()
    meet(gateway, contexts)
    request, _ = gateway.protect(post())
    found = contexts.find_oscore(oscore.verify_start(received(request)))
    _, request_id = found.unprotect(request)
    answers = [found.protect(Message(code=CHANGED), request_id)[0] for _ in range(5)]
    assert len({numbers(answer) for answer in answers}) == 5


def test_strangers_are_unknown() -> None:
    contexts = center()
    with pytest.raises(KeyError):
        contexts.find_oscore({oscore.COSE_KID: b"nobody"})
    with pytest.raises(KeyError):
        contexts.find_oscore({})
    with pytest.raises(KeyError):
        contexts.find_oscore({oscore.COSE_KID: b"nobody", oscore.COSE_KID_CONTEXT: bytes(8)})


def test_keys_of_another_gateway_open_nothing() -> None:
    other = new_identity("home-2", b"\0\0\0\x01", lambda count: b"\x07" * count)
    forged, _ = gateway_context(other, 0, Noted()).protect(post())
    with pytest.raises(oscore.ProtectionInvalid):
        arrive(center(), forged)


def test_a_forgotten_gateway_comes_back_with_new_keys() -> None:
    entries = {IDENTITY.sender_id: IDENTITY.entry()}
    contexts = CenterContexts(entries.get, 0, Noted(), b"echo-one")
    meet(gateway_context(IDENTITY, 0, Noted()), contexts)
    fresh = new_identity("home-1", IDENTITY.sender_id, lambda count: b"\x07" * count)
    entries[fresh.sender_id] = fresh.entry()
    contexts.forget(fresh.sender_id)
    meet(gateway_context(fresh, 0, Noted()), contexts)


def test_a_forgotten_gateway_with_its_old_keys_is_answered_under_new_numbers() -> None:
    gateway = gateway_context(IDENTITY, 0, Noted())
    contexts = center()
    meet(gateway, contexts)
    used = numbers(arrive(contexts, gateway.protect(post())[0])[1])
    contexts.forget(IDENTITY.sender_id)
    with pytest.raises(oscore.ReplayErrorWithEcho) as refusal:
        arrive(contexts, gateway.protect(post())[0])
    assert numbers(refusal.value.to_message()) > used


# --- no number twice -------------------------------------------------------------------------


@given(runs=st.lists(st.integers(0, 40), min_size=1, max_size=8), chunk=st.integers(1, 16))
def test_a_gateway_never_uses_a_number_twice_wherever_it_is_killed(
    runs: list[int], chunk: int
) -> None:
    noted = Noted()
    used: list[int] = []
    for sent in runs:
        gateway = gateway_context(IDENTITY, noted.value, noted, chunk)
        used += [numbers(gateway.protect(post())[0]) for _ in range(sent)]
        # Killed here: only what was noted is left.
    assert len(set(used)) == len(used)
    assert noted.value <= max(used, default=0) + 1 + chunk


@given(runs=st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=8))
def test_a_number_that_could_not_be_noted_is_not_used(runs: list[tuple[int, bool]]) -> None:
    noted = Noted()
    used: list[int] = []
    for count, broken in runs:
        noted.broken = broken
        gateway = gateway_context(IDENTITY, noted.value, noted, 8)
        for _ in range(count):
            before = noted.value
            try:
                used.append(numbers(gateway.protect(post())[0]))
            except OSError:
                assert broken
            assert not used or used[-1] < max(noted.value, before)
    assert len(set(used)) == len(used)


def test_reserving_ahead_says_so_before_anything_is_sent() -> None:
    noted = Noted()
    gateway = gateway_context(IDENTITY, 0, noted, 8)
    gateway.reserve(2)
    noted.broken = True
    gateway.protect(post())
    gateway.protect(post())
    with pytest.raises(OSError, match="disk full"):
        gateway.reserve(16)


def test_a_chunk_costs_one_write() -> None:
    noted = Noted()
    gateway = gateway_context(IDENTITY, 0, noted)
    for _ in range(513):
        gateway.protect(post())
    assert noted.writes == 1


MOMENT = datetime(2026, 11, 22, tzinfo=UTC)


def test_a_center_restored_from_an_old_backup_begins_beyond_what_it_used() -> None:
    gateway = gateway_context(IDENTITY, 0, Noted())
    before = center(sequence=center_sequence(0, MOMENT))
    meet(gateway, before)
    _, answer = arrive(before, gateway.protect(post())[0])
    restored = center_sequence(0, MOMENT.replace(hour=1))
    assert restored > numbers(answer)
    # Killed and restarted within the second, with its own file: what it noted counts.
    noted = Noted()
    contexts = CenterContexts(
        {IDENTITY.sender_id: IDENTITY.entry()}.get, center_sequence(0, MOMENT), noted, b"echo-one"
    )
    meet(gateway, contexts)
    assert center_sequence(noted.value, MOMENT) > numbers(
        arrive(contexts, gateway.protect(post())[0])[1]
    )


@pytest.mark.parametrize("year", [1970, 2012, 2024, 2060, 9999])
def test_a_clock_gone_wild_leaves_the_center_numbers(year: int) -> None:
    sequence = center_sequence(5, MOMENT.replace(year=year))
    assert 5 <= sequence < oscore.MAX_SEQNO - 2**35


# --- a gateway that can write nothing --------------------------------------------------------


def test_an_emergency_context_is_derived_on_demand_and_needs_an_echo() -> None:
    contexts = center()
    ordinary = gateway_context(IDENTITY, 0, Noted())
    meet(ordinary, contexts)
    for run in range(3):
        emergency = emergency_context(IDENTITY, bytes([run] * 8))
        meet(emergency, contexts)
        arrive(contexts, emergency.protect(post())[0])
    arrive(contexts, ordinary.protect(post())[0])


def test_an_emergency_message_of_an_earlier_run_is_no_news() -> None:
    gateway = emergency_context(IDENTITY, b"\1" * 8)
    contexts = center()
    meet(gateway, contexts)
    old, _ = gateway.protect(post())
    arrive(contexts, old)
    with pytest.raises(oscore.ReplayErrorWithEcho):
        arrive(center(echo=b"echo-two"), old)


def test_who_only_knows_a_kid_pushes_no_emergency_out() -> None:
    contexts = center()
    gateway = emergency_context(IDENTITY, b"\1" * 8)
    meet(gateway, contexts)
    other = new_identity("home-2", IDENTITY.sender_id, lambda count: b"\x07" * count)
    for number in range(EMERGENCY_MAX + 1):
        forged, _ = emergency_context(other, number.to_bytes(8, "big")).protect(post())
        with pytest.raises(oscore.ProtectionInvalid):
            arrive(contexts, forged)
    arrive(contexts, gateway.protect(post())[0])


def emergencies() -> Iterator[SecurityContext]:
    for number in range(EMERGENCY_MAX + 1):
        yield emergency_context(IDENTITY, number.to_bytes(8, "big"))


def test_emergency_contexts_are_bounded_and_a_dropped_one_repeats_no_number() -> None:
    contexts = center()
    first, *others = emergencies()
    meet(first, contexts)
    used = [numbers(arrive(contexts, first.protect(post())[0])[1]) for _ in range(3)]
    for other in others:
        meet(other, contexts)
    with pytest.raises(oscore.ReplayErrorWithEcho) as refusal:
        arrive(contexts, first.protect(post())[0])
    assert numbers(refusal.value.to_message()) > max(used)


def test_an_id_context_of_another_length_is_unknown() -> None:
    with pytest.raises(KeyError):
        center().find_oscore(
            {oscore.COSE_KID: IDENTITY.sender_id, oscore.COSE_KID_CONTEXT: b"short"}
        )


def test_a_context_shows_no_secret() -> None:
    identity = new_identity("home-1", b"\1", lambda count: b"\x5e" * count)
    shown = repr(gateway_context(identity, 0, Noted())) + repr(identity) + repr(identity.entry())
    assert "5e5e" not in shown
    assert "^^" not in shown
