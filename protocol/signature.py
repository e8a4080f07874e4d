"""COSE_Sign1 with Ed25519: who made a record can be proven long after the session's keys are gone.

Ref: RFC 9052, 4.2 and 4.4 (COSE_Sign1, Sig_structure); RFC 9053, 2.2 (EdDSA, algorithm -8).
"""

from collections.abc import Callable

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol import cbor
from protocol.identity import KID_BYTES_MAX
from rules.errors import FrameError

_SIGN1 = 18
_ALGORITHM, _KID = 1, 4
_EDDSA = -8
_SIGNED_MAX = 1_000
_SIGNATURE_BYTES = 64


def sign(payload: bytes, key: Ed25519PrivateKey, kid: bytes) -> bytes:
    """A tagged COSE_Sign1 of `payload`; algorithm and kid stand in the protected header."""
    protected = cbor.dumps({_ALGORITHM: _EDDSA, _KID: kid})
    signature = key.sign(to_be_signed(protected, payload))
    return cbor.dumps(cbor2.CBORTag(_SIGN1, [protected, {}, payload, signature]))


def verify(
    signed: bytes, find_key: Callable[[bytes], Ed25519PublicKey | None]
) -> tuple[bytes, bytes]:
    """The kid and the payload of what `sign` made with the key that `find_key` gives for the kid.

    Raises:
        FrameError: not of that form, an unknown kid, or a signature that does not fit.

    """
    message = cbor.loads(signed, _SIGNED_MAX)
    if not isinstance(message, cbor2.CBORTag) or message.tag != _SIGN1:
        raise FrameError("no COSE_Sign1")
    match message.value:
        case [bytes(protected), {**unprotected}, bytes(payload), bytes(signature)]:
            pass
        case _:
            raise FrameError("no COSE_Sign1 with its payload")
    if unprotected or len(signature) != _SIGNATURE_BYTES:
        raise FrameError("an unprotected header, or no Ed25519 signature")
    header = cbor.Fields(cbor.loads(protected, 32), frozenset({_ALGORITHM, _KID}), frozenset())
    header.integer(_ALGORITHM, _EDDSA, _EDDSA)
    kid = header.octets(_KID, 1, KID_BYTES_MAX)
    key = find_key(kid)
    if key is None:
        raise FrameError(f"unknown kid {kid.hex()}")
    try:
        key.verify(signature, to_be_signed(protected, payload))
    except InvalidSignature as error:
        raise FrameError(f"the signature of kid {kid.hex()} does not fit") from error
    return kid, payload


def to_be_signed(protected: bytes, payload: bytes) -> bytes:
    """The Sig_structure: what the signature is made over."""
    return cbor.dumps(["Signature1", protected, b"", payload])
