from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiocoap.message import Message
from aiocoap.numbers.codes import Code
from aiocoap.numbers.types import Type

from central.app import Serving
from central.cases import Home
from central.refusals import Reason
from protocol.identity import GatewayIdentity
from protocol.oscore import emergency_context
from protocol.records import RecordKind
from rules.events import Stage
from tests.central.receiving import (
    NOW,
    Sender,
    enrol,
    identity,
    opened,
    record,
    serving,
    signed,
)

HOME, OTHER = identity("home-1"), identity("home-2")


@pytest.fixture
async def center(tmp_path: Path) -> AsyncIterator[Serving]:
    await enrol(tmp_path, HOME, OTHER)
    async with serving(tmp_path) as center:
        yield center


@pytest.fixture
def sender(center: Serving) -> Iterator[Sender]:
    sender = Sender(HOME, center.coap_port)
    yield sender
    sender.close()


async def stored(data: Path) -> set[str]:
    async with opened(data) as store:
        return {case.id for case in await store.cases()}


async def test_a_record_is_stored_before_it_is_acknowledged_by_its_id(
    sender: Sender, tmp_path: Path
) -> None:
    made = record("home-1", 1)
    answer = await sender.post(made)
    assert (answer.code, answer.payload) == (Code.CREATED, made.id)
    assert answer.protected
    assert answer.kind is Type.ACK
    assert await stored(tmp_path) == {made.id.hex()}


async def test_a_known_record_is_acknowledged_again_and_stored_once(
    sender: Sender, tmp_path: Path
) -> None:
    made = record("home-1", 1)
    await sender.post(made)
    answer = await sender.post(made)
    assert (answer.code, answer.payload) == (Code.CHANGED, made.id)
    assert await stored(tmp_path) == {made.id.hex()}


async def test_a_batch_of_six_is_acknowledged_in_its_order(sender: Sender, tmp_path: Path) -> None:
    opening = record("home-1", 1)
    rest = [
        record("home-1", seq, RecordKind.UPDATE, refers=opening.id, stage=Stage.LEVEL, level=seq)
        for seq in range(2, 5)
    ]
    batch = [opening, *rest]
    answer = await sender.post(*batch)
    assert answer.payload == b"".join(each.id for each in batch)
    assert await stored(tmp_path) == {opening.id.hex()}


async def test_a_repeated_datagram_gets_the_same_answer_and_is_not_handled_again(
    sender: Sender, center: Serving
) -> None:
    await sender.beat()
    datagram, identifiers = sender.request("e", signed(record("home-1", 1), HOME))
    first = await sender.exchange(datagram)
    again = await sender.exchange(datagram)
    assert first is not None
    assert again is not None
    assert (first.payload, first.opt.oscore) == (again.payload, again.opt.oscore)
    assert sender.open(again, identifiers)[0].code is Code.CREATED
    assert not center.refusals.counts


async def test_unprotected_requests_are_refused(
    sender: Sender, center: Serving, tmp_path: Path
) -> None:
    for path in ("e", "h", "", ".well-known/core"):
        plain = Message(code=Code.POST, payload=signed(record("home-1", 1), HOME))
        plain.opt.uri_path = tuple(path.split("/"))
        answer = await sender.exchange(sender.frame(plain))
        assert answer is not None
        assert (answer.code, answer.payload) == (Code.UNAUTHORIZED, b"")
    assert center.refusals.counts == {Reason.UNPROTECTED: 4}
    assert await stored(tmp_path) == set()


async def test_a_request_sent_again_under_another_message_id_is_a_replay(
    sender: Sender, center: Serving, tmp_path: Path
) -> None:
    await sender.beat()
    datagram, _ = sender.request("e", signed(record("home-1", 1), HOME))
    await sender.exchange(datagram)
    async with opened(tmp_path) as store:
        (case,) = await store.cases()
    replayed = bytearray(datagram)
    replayed[3] ^= 0x80
    answer = await sender.exchange(bytes(replayed))
    assert answer is not None
    assert (answer.code, answer.opt.oscore) == (Code.UNAUTHORIZED, None)
    assert center.refusals.counts == {Reason.REPLAYED: 1}
    async with opened(tmp_path) as store:
        assert await store.cases() == [case]


async def test_a_replay_to_a_restarted_center_is_refused(tmp_path: Path) -> None:
    await enrol(tmp_path, HOME)
    made = record("home-1", 1)
    async with serving(tmp_path) as center:
        sender = Sender(HOME, center.coap_port)
        await sender.beat()
        datagram, _ = sender.request("e", signed(made, HOME))
        await sender.exchange(datagram)
        sender.close()
    async with serving(tmp_path) as center:
        replaying = Sender(HOME, center.coap_port)
        answer = await replaying.exchange(datagram)
        replaying.close()
        assert answer is not None
        # It asks whether this is fresh; only who has the keys can answer that.
        assert (answer.code, bool(answer.opt.oscore)) == (Code.CHANGED, True)
        again = Sender(HOME, center.coap_port, start=100)
        assert (await again.post(record("home-1", 2))).code is Code.CREATED
        again.close()
    assert len(await stored(tmp_path)) == 2


@pytest.mark.parametrize("at", [-1, -20])
async def test_a_changed_byte_is_noticed(
    at: int, sender: Sender, center: Serving, tmp_path: Path
) -> None:
    await sender.beat()
    datagram, _ = sender.request("e", signed(record("home-1", 1), HOME))
    forged = bytearray(datagram)
    forged[at] ^= 1
    answer = await sender.exchange(bytes(forged))
    assert answer is not None
    assert (answer.code, answer.opt.oscore) == (Code.BAD_REQUEST, None)
    assert center.refusals.counts == {Reason.FORGED: 1}
    assert await stored(tmp_path) == set()


@pytest.mark.parametrize("flags", [0x29, 0x20, 0x89, 0x19, 0x08, 0x0F, 0x00])
async def test_other_oscore_headers_are_refused(
    flags: int, sender: Sender, center: Serving, tmp_path: Path
) -> None:
    await sender.beat()
    plain = Message(code=Code.POST, payload=bytes(40))
    plain.opt.oscore = bytes([flags, 1]) + HOME.sender_id
    answer = await sender.exchange(sender.frame(plain))
    assert answer is not None
    assert answer.code in {Code.BAD_OPTION, Code.UNAUTHORIZED, Code.BAD_REQUEST}
    assert center.refusals.counts.total() == 1
    assert Reason.DEFECT not in center.refusals.counts
    assert await stored(tmp_path) == set()


async def test_a_stranger_is_refused(center: Serving, tmp_path: Path) -> None:
    stranger = Sender(identity("home-3"), center.coap_port)
    answer = await stranger.post(record("home-3", 1))
    stranger.close()
    assert (answer.code, answer.protected) == (Code.UNAUTHORIZED, False)
    assert center.refusals.counts == {Reason.STRANGER: 1}
    assert await stored(tmp_path) == set()


def _impostor() -> GatewayIdentity:
    """Knows the signing key of home-1, and is home-2 to OSCORE."""
    return replace(OTHER, gateway="home-1", signing_key=HOME.signing_key)


@pytest.mark.parametrize("name", ["home-1", "home-2"])
@pytest.mark.parametrize("key", [HOME, _impostor()])
async def test_a_gateway_cannot_bring_records_of_another(
    name: str, key: GatewayIdentity, center: Serving, tmp_path: Path
) -> None:
    other = Sender(OTHER, center.coap_port)
    answer = await other.post_signed([signed(record(name, 1), key)])
    other.close()
    assert (answer.code, answer.protected) == (Code.FORBIDDEN, True)
    assert center.refusals.counts == {Reason.FOREIGN: 1}
    assert await stored(tmp_path) == set()


async def test_a_gateway_cannot_speak_in_the_name_of_another(
    sender: Sender, tmp_path: Path
) -> None:
    answer = await sender.post(record("home-2", 1))
    assert answer.code is Code.FORBIDDEN
    assert await stored(tmp_path) == set()


async def test_a_signature_must_name_its_sender(sender: Sender, tmp_path: Path) -> None:
    renamed = replace(HOME, sender_id=OTHER.sender_id)
    answer = await sender.post_signed([signed(record("home-1", 1), renamed)])
    assert answer.code is Code.FORBIDDEN
    assert await stored(tmp_path) == set()


async def test_one_foreign_record_keeps_its_whole_batch_out(
    sender: Sender, tmp_path: Path
) -> None:
    mine, foreign = record("home-1", 1), record("home-2", 1)
    answer = await sender.post_signed([signed(mine, HOME), signed(foreign, OTHER)])
    assert answer.code is Code.FORBIDDEN
    assert await stored(tmp_path) == set()


async def test_an_id_with_other_contents_is_refused(sender: Sender, tmp_path: Path) -> None:
    made = record("home-1", 1)
    await sender.post(made)
    answer = await sender.post(replace(made, level=5))
    assert answer.code is Code.FORBIDDEN
    async with opened(tmp_path) as store:
        (case,) = await store.cases()
    assert case.level == 1


@pytest.mark.parametrize("body", [b"", b"\x80", b"\xff", b"rubbish" * 20])
async def test_rubbish_in_a_proven_request_is_refused(
    body: bytes, sender: Sender, center: Serving
) -> None:
    for path in ("e", "h"):
        answer = await sender.ask(path, body)
        assert (answer.code, answer.protected) in {
            (Code.BAD_REQUEST, True),
            (Code.FORBIDDEN, True),
        }
    assert center.refusals.counts.total() == 2


async def test_what_does_not_exist_is_not_found(sender: Sender) -> None:
    assert (await sender.ask("x", b"")).code is Code.NOT_FOUND


async def test_blocks_are_not_put_together(sender: Sender) -> None:
    await sender.beat()
    plain = Message(code=Code.POST, payload=bytes(512))
    plain.opt.uri_path = ("e",)
    plain.opt.block1 = (0, True, 5)
    protected, identifiers = sender.context.protect(plain)
    outer = await sender.exchange(sender.frame(protected))
    assert outer is not None
    assert sender.open(outer, identifiers)[0].code is Code.REQUEST_ENTITY_TOO_LARGE


async def test_more_than_one_frame_is_too_large(sender: Sender) -> None:
    plain = Message(code=Code.POST, payload=bytes(3000))
    answer = await sender.exchange(sender.frame(plain))
    assert answer is not None
    assert answer.code is Code.REQUEST_ENTITY_TOO_LARGE


async def test_a_ping_is_answered_by_a_reset(sender: Sender) -> None:
    sender.send(bytes([0x40, 0, 0x12, 0x34]))
    answer = await sender.receive()
    assert answer is not None
    assert (answer.mtype, answer.mid) == (Type.RST, 0x1234)


async def test_a_gateway_that_cannot_write_is_served_under_fresh_keys(
    center: Serving, tmp_path: Path
) -> None:
    for run in range(1, 3):
        sender = Sender(HOME, center.coap_port)
        sender.context = emergency_context(HOME, run.to_bytes(8, "big"))
        answer = await sender.post(record("home-1", run))
        sender.close()
        assert (answer.code, answer.protected) == (Code.CREATED, True)
    assert len(await stored(tmp_path)) == 2


async def test_a_newly_enrolled_gateway_is_noticed_while_the_center_runs(
    center: Serving, tmp_path: Path
) -> None:
    new = identity("home-9")
    await enrol(tmp_path, new)
    sender = Sender(new, center.coap_port)
    await sender.post_until_taken(record("home-9", 1))
    sender.close()


async def test_replaced_keys_stop_working_while_the_center_runs(
    sender: Sender, center: Serving, tmp_path: Path
) -> None:
    assert (await sender.post(record("home-1", 1))).code is Code.CREATED
    again = identity("home-1")
    async with opened(tmp_path) as store:
        await store.enrol(again.entry(), Home("home-1"), "test", NOW, replace_keys=True)
    renewed = Sender(again, center.coap_port)
    await renewed.post_until_taken(record("home-1", 2))
    renewed.close()
    answer = await sender.post(record("home-1", 3))
    assert (answer.code, answer.protected) == (Code.UNAUTHORIZED, False)
    assert len(await stored(tmp_path)) == 2
