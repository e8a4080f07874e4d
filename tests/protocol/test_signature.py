"""COSE_Sign1: the bytes of the standard's examples, and only the signer's own words pass."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from protocol import cbor
from protocol.signature import sign, to_be_signed, verify
from rules.errors import FrameError

# RFC 8032, 7.1, test 1; the same key signs cose-wg/Examples eddsa-examples/eddsa-sig-01.json.
KEY = Ed25519PrivateKey.from_private_bytes(
    bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
)
PUBLIC = KEY.public_key()
KID = b"\0\0\0\x01"


def find(kid: bytes) -> Ed25519PublicKey | None:
    return PUBLIC if kid == KID else None


def test_what_is_signed_is_the_sig_structure_of_the_working_groups_example() -> None:
    assert (
        PUBLIC.public_bytes_raw().hex()
        == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    )
    signed = to_be_signed(bytes.fromhex("a201270300"), b"This is the content.")
    assert signed.hex() == (
        "846a5369676e61747572653145a2012703004054546869732069732074686520636f6e74656e742e"
    )
    assert KEY.sign(signed).hex() == (
        "7142fd2ff96d56db85bee905a76ba1d0b7321a95c8c4d3607c5781932b7afb87"
        "11497dfa751bf40b58b3bcc32300b1487f3db34085eef013bf08f4a44d6fef0d"
    )


def test_the_message_has_the_bytes_it_had() -> None:
    assert sign(b"This is the content.", KEY, KID).hex() == (
        "d28448a20127044400000001a054546869732069732074686520636f6e74656e742e5840"
        + KEY.sign(
            to_be_signed(bytes.fromhex("a20127044400000001"), b"This is the content.")
        ).hex()
    ).replace("d28448", "d28449")


@given(payload=st.binary(max_size=860))
def test_a_signed_payload_is_verified(payload: bytes) -> None:
    assert verify(sign(payload, KEY, KID), find) == (KID, payload)


@given(data=st.data())
def test_no_changed_byte_passes(data: st.DataObject) -> None:
    signed = bytearray(sign(b"record", KEY, KID))
    at = data.draw(st.integers(0, len(signed) - 1))
    signed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FrameError):
        verify(bytes(signed), find)


@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_frame_error(data: bytes) -> None:
    with pytest.raises(FrameError):
        verify(data, find)


PROTECTED = cbor.dumps({1: -8, 4: KID})
SIGNATURE = KEY.sign(to_be_signed(PROTECTED, b"record"))


def message(*parts: object, tag: int = 18) -> bytes:
    return bytes([0xC0 | tag]) + cbor.dumps(list(parts))


def test_a_message_put_together_by_hand_passes() -> None:
    assert verify(message(PROTECTED, {}, b"record", SIGNATURE), find) == (KID, b"record")


def protected(header: object) -> tuple[bytes, dict[int, int], bytes, bytes]:
    written = cbor.dumps(header)
    return written, {}, b"record", KEY.sign(to_be_signed(written, b"record"))


@pytest.mark.parametrize(
    "signed",
    [
        message(PROTECTED, {}, b"record", SIGNATURE, tag=17),
        message(PROTECTED, {4: KID}, b"record", SIGNATURE),
        message(PROTECTED, {}, None, SIGNATURE),
        message(PROTECTED, {}, b"record", SIGNATURE[:63]),
        message(PROTECTED, {}, b"record"),
        message(PROTECTED, [], b"record", SIGNATURE),
        message(*protected({1: -7, 4: KID})),
        message(*protected({4: KID})),
        message(*protected({1: -8})),
        message(*protected({1: -8, 4: b""})),
        message(*protected({1: -8, 4: b"stranger"})),
        message(*protected({1: -8, 4: b"unknown"})),
        message(*protected({1: -8, 3: 0, 4: KID})),
        message(*protected([])),
        message(b"", {}, b"record", KEY.sign(to_be_signed(b"", b"record"))),
    ],
    ids=range(15),
)
def test_only_our_one_form_of_a_signature_is_taken(signed: bytes) -> None:
    with pytest.raises(FrameError):
        verify(signed, find)


def test_the_key_of_another_gateway_does_not_pass() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    with pytest.raises(FrameError, match="does not fit"):
        verify(sign(b"record", other, KID), find)
