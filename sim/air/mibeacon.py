"""Builds MiBeacon service data as firmware would: the other side of `drivers.ble.mibeacon`.

Ref: as there.
"""

from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

_VERSION: Final = 5 << 12
_ENCRYPTED: Final = 0x0008
_MAC_INCLUDED: Final = 0x0010
_OBJECTS: Final = 0x0040

DOOR: Final = 0x098B
"MCCGQ02HL."
MOTION: Final = 0x0A8D
"RTCGQ02LM."
LEAK: Final = 0x0863
"SJWS01LM."


def encode_object(type_: int, value: bytes) -> bytes:
    """Type, length, value."""
    return type_.to_bytes(2, "little") + bytes([len(value)]) + value


def plain(product: int, counter: int, objects: bytes = b"", mac: bytes = b"") -> bytes:
    """A frame in the clear, with the MAC (in the order written) in it if it is given."""
    control = _VERSION | (_OBJECTS if objects else 0) | (_MAC_INCLUDED if mac else 0)
    return _header(control, product, counter) + mac[::-1] + objects


def sealed(
    product: int, counter: int, objects: bytes, mac: bytes, key: bytes, *, named: bool = True
) -> bytes:
    """A frame with its objects encrypted; `named` puts the MAC into it."""
    control = _VERSION | _OBJECTS | _ENCRYPTED | (_MAC_INCLUDED if named else 0)
    header = _header(control, product, counter)
    upper = (counter >> 8).to_bytes(3, "little")
    nonce = mac[::-1] + header[2:5] + upper
    cipher = AESCCM(key, tag_length=4).encrypt(nonce, objects, b"\x11")
    return header + (mac[::-1] if named else b"") + cipher[:-4] + upper + cipher[-4:]


def _header(control: int, product: int, counter: int) -> bytes:
    return control.to_bytes(2, "little") + product.to_bytes(2, "little") + bytes([counter & 0xFF])
