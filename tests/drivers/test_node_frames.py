"""Frames between gateway and node, against vectors that the firmware is held against, too."""

import hashlib
import hmac
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drivers.ble.node_frames import (
    Challenge,
    Hint,
    NodeOrder,
    Op,
    Result,
    State,
    Status,
    decode_challenge,
    decode_result,
    encode_command,
    keys_of,
    order_of,
)
from drivers.ble.node_transfer import configuration
from drivers.refused import Refused, Why
from rules.command import Command, Signal
from rules.device import Output
from rules.errors import FrameError
from rules.observation import DeviceId
from sim.ble.node_rules import NodeRules
from tests.drivers.home import NOW
from tests.sim.ble.plug import Board, Flash

VECTORS = json.loads(
    (Path(__file__).parent.parent / "vectors" / "node_commands.json").read_text(encoding="utf-8")
)
LINK_KEY, MAC = bytes.fromhex(VECTORS["link_key"]), bytes.fromhex(VECTORS["mac"])
KEYS = keys_of(LINK_KEY, MAC)
STEPS = VECTORS["steps"]
STATE = VECTORS["state"]


def in_full(vectors: dict[str, Any]) -> dict[str, Any]:
    """The vectors once more, from what is given, by the words of docs/protocol/node.md alone."""

    def tag(key: bytes, *parts: bytes) -> bytes:
        return hmac.new(key, b"".join(parts), hashlib.sha256).digest()

    link, mac = bytes.fromhex(vectors["link_key"]), bytes.fromhex(vectors["mac"])
    kc, ka = (tag(link, b"ongi node %s 1" % word, mac) for word in (b"command", b"answer"))
    made = vectors | {"command_key": kc.hex(), "answer_key": ka.hex()}

    def told(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for number, step in enumerate(steps, 1):
            nonce = b"".join(n.to_bytes(4, "little") for n in (vectors["boot"], number))
            nonce += bytes.fromhex(vectors["random"])
            challenge = nonce + tag(ka, b"\x03", mac, nonce)[:8]
            body = bytes([1, step["op"]]) + step["argument"].to_bytes(2, "little")
            body += step["counter"].to_bytes(4, "little")
            covered = bytes.fromhex(step.get("covers", ""))
            digest = hashlib.sha256(covered).digest() if covered else b""
            frame = body + tag(kc, b"\x01", mac, challenge, body, digest)[:12]
            frame = bytes.fromhex(step["spoilt"]) + frame[len(step["spoilt"]) // 2 :]
            said = bytes([1, frame[1], step["status"]])
            if step["status"] in (2, 3, 7):
                result = said + bytes(17)
            else:
                said += bytes([vectors["state"]]) + step["says"].to_bytes(4, "little")
                result = said + tag(ka, b"\x02", mac, challenge, frame, said)[:12]
            hexed = {"challenge": challenge.hex(), "command": frame.hex(), "result": result.hex()}
            yield step | hexed

    made["steps"] = list(told(vectors["steps"]))
    content, room = bytes.fromhex(vectors["data"]["content"]), vectors["data"]["room"] - 4
    made["data"] = vectors["data"] | {
        "pieces": [
            (at.to_bytes(4, "little") + content[at : at + room]).hex()
            for at in range(0, len(content), room)
        ],
        "progress": b"".join(
            n.to_bytes(4, "little") for n in (len(content), zlib.crc32(content))
        ).hex(),
        "steps": list(told(vectors["data"]["steps"])),
    }
    return made


def test_the_vectors_are_what_the_document_says() -> None:
    assert in_full(VECTORS) == VECTORS


def test_the_first_vector_is_spelt_out_in_the_document() -> None:
    document = Path(__file__).parents[2] / "docs" / "protocol" / "node.md"
    text = document.read_text(encoding="utf-8").replace(" ", "")
    assert all(STEPS[0][name] in text for name in ("challenge", "command", "result"))


def test_a_node_answers_the_vectors_one_after_the_other() -> None:
    node = NodeRules(
        LINK_KEY,
        MAC,
        Flash((VECTORS["boot"] - 1, VECTORS["reserved"])),
        lambda op, _: 0 if op in (1, 2, 3, 4) else 1,
        lambda: int(STATE),
        lambda _: bytes.fromhex(VECTORS["random"]),
    )
    node.connect(0)
    for at_ms, step in enumerate(STEPS):
        assert node.challenge.hex() == step["challenge"]
        assert node.write(bytes.fromhex(step["command"]), at_ms).hex() == step["result"]


def test_a_configuration_by_the_vectors() -> None:
    data, store = VECTORS["data"], Board()
    node = NodeRules(
        LINK_KEY,
        MAC,
        Flash((VECTORS["boot"] - 1, VECTORS["reserved"])),
        lambda _op, _: 0,
        lambda: int(STATE),
        lambda _: bytes.fromhex(VECTORS["random"]),
        store,
    )
    node.connect(0)
    content = bytes.fromhex(data["content"])
    transfer = configuration(content)
    for number, step in enumerate(data["steps"]):
        if number == 1:
            pieces = transfer.pieces(data["room"], 100)
            assert [piece.hex() for piece in pieces] == data["pieces"]
            for piece in pieces:
                node.write_data(piece, 0)
            assert node.progress.hex() == data["progress"]
            assert store.kept == content
        challenge = decode_challenge(bytes.fromhex(step["challenge"]), KEYS)
        assert node.challenge == challenge.frame
        order = transfer.commitment if number else transfer.announcement
        assert (order.op, order.argument) == (step["op"], step["argument"])
        sent = encode_command(order, step["counter"], challenge, KEYS)
        assert sent.frame.hex() == step["command"]
        assert node.write(sent.frame, 0).hex() == step["result"]


@pytest.mark.parametrize("step", STEPS)
def test_the_gateway_asks_and_understands_as_the_vectors_have_it(step: dict[str, Any]) -> None:
    assert KEYS.command.hex() == VECTORS["command_key"]
    assert KEYS.answer.hex() == VECTORS["answer_key"]
    challenge = decode_challenge(bytes.fromhex(step["challenge"]), KEYS)
    assert challenge.boot == VECTORS["boot"]
    if step["spoilt"] or step["op"] not in set(Op):
        return
    order = NodeOrder(Op(step["op"]), step["argument"])
    sent = encode_command(order, step["counter"], challenge, KEYS)
    assert sent.frame.hex() == step["command"]
    mark = step["says"] if step["status"] == Status.COUNTER else None
    assert decode_result(bytes.fromhex(step["result"]), sent, KEYS) == Result(
        Status(step["status"]), State(STATE), mark
    )


CHALLENGE = decode_challenge(bytes.fromhex(STEPS[0]["challenge"]), KEYS)
SENT = encode_command(NodeOrder(Op(STEPS[0]["op"]), STEPS[0]["argument"]), 65, CHALLENGE, KEYS)
RESULT = bytes.fromhex(STEPS[0]["result"])


@given(st.binary(max_size=40) | st.binary(min_size=20, max_size=20))
def test_any_bytes_are_no_challenge(value: bytes) -> None:
    with pytest.raises(FrameError):
        decode_challenge(value, KEYS)


@given(
    st.binary(max_size=40)
    | st.builds(
        lambda head, tail: bytes([1, 3]) + head + tail, st.binary(max_size=18), st.just(bytes(17))
    )
)
@example(bytes([1, 3, 2]) + bytes(17))
def test_any_bytes_are_a_hint_or_refused(value: bytes) -> None:
    try:
        said = decode_result(value, SENT, KEYS)
    except FrameError:
        return
    assert isinstance(said, Hint)
    assert said.status in (Status.TAG, Status.CHALLENGE, Status.FORM)


def test_each_bit_of_a_result_matters() -> None:
    assert decode_result(RESULT, SENT, KEYS) == Result(Status.DONE, State(STATE))
    for bit in range(160):
        spoilt = bytearray(RESULT)
        spoilt[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Refused):
            decode_result(bytes(spoilt), SENT, KEYS)


def test_a_shorter_tag_is_no_tag() -> None:
    """However short a tag somebody offers, all of it is compared."""
    for length in range(20):
        with pytest.raises(Refused) as caught:
            decode_result(RESULT[:length], SENT, KEYS)
        assert caught.value.why is Why.MALFORMED
        with pytest.raises(Refused) as caught:
            decode_challenge(CHALLENGE.frame[:length], KEYS)
        assert caught.value.why is Why.MALFORMED


def test_each_bit_of_a_challenge_matters() -> None:
    for bit in range(160):
        spoilt = bytearray(CHALLENGE.frame)
        spoilt[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Refused) as caught:
            decode_challenge(bytes(spoilt), KEYS)
        assert caught.value.why is Why.WRONG_KEY


def test_a_result_is_of_one_command_only() -> None:
    """Of the same order and counter under another challenge, or with another argument."""
    other = Challenge(bytes.fromhex(STEPS[1]["challenge"]), 7, 2)
    for sent in (
        encode_command(NodeOrder(Op.BUZZER, 1), 65, other, KEYS),
        encode_command(NodeOrder(Op.BUZZER, 0), 65, CHALLENGE, KEYS),
        encode_command(NodeOrder(Op.BUZZER, 1), 66, CHALLENGE, KEYS),
    ):
        with pytest.raises(Refused):
            decode_result(RESULT, sent, KEYS)


def test_nothing_the_gateway_says_is_taken_for_the_nodes_word() -> None:
    """A reflected command is no result and no challenge."""
    with pytest.raises(Refused):
        decode_result(SENT.frame, SENT, KEYS)
    with pytest.raises(Refused):
        decode_challenge(SENT.frame, KEYS)


def test_keys_are_not_shown() -> None:
    assert KEYS.command.hex() not in repr(KEYS)
    assert repr(KEYS.command) not in repr(KEYS)
    assert repr(KEYS.answer) not in repr(KEYS)


@pytest.mark.parametrize(
    ("output", "signal", "order"),
    [
        (Output.RELAY, Signal.PROMPT, NodeOrder(Op.RELAY, 1)),
        (Output.RELAY, Signal.OFF, NodeOrder(Op.RELAY, 0)),
        (Output.LIGHT, Signal.HAZARD, NodeOrder(Op.LIGHT, 3)),
        (Output.BUZZER, Signal.OFF, NodeOrder(Op.BUZZER, 0)),
        (Output.VOICE, Signal.PROMPT, None),
        (Output.SIREN, Signal.OFF, None),
    ],
)
def test_what_a_command_means_to_a_node(
    output: Output, signal: Signal, order: NodeOrder | None
) -> None:
    assert order_of(Command(1, DeviceId("plug"), output, signal, NOW)) == order
