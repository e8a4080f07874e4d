"""One value, one encoding: everything else is refused, whatever the reader above would say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import cbor
from rules.errors import FrameError

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.text()
    | st.binary()
    | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 30), inner),
    max_leaves=12,
)


@given(value=values)
def test_what_is_written_is_read(value: object) -> None:
    assert cbor.loads(cbor.dumps(value), 10_000) == value


@given(data=st.binary(max_size=200))
def test_any_bytes_are_their_value_or_a_frame_error(data: bytes) -> None:
    try:
        value = cbor.loads(data, 200)
    except FrameError:
        return
    assert cbor.dumps(value) == data


@pytest.mark.parametrize(
    "data",
    [
        "1801",  # 1 in two bytes
        "1a00000001",  # 1 in five bytes
        "fb3ff0000000000000",  # 1.0 where half precision would do
        "9f01ff",  # an array of indefinite length
        "bf0102ff",  # a map of indefinite length
        "5f4101ff",  # a byte string in pieces
        "a2010201 02",  # a key twice
        "a202000100",  # keys out of order
        "0000",  # a second value
        "",
        "ff",
        "d81d00",  # a shared value that is not there
        "c11a00000000",  # a date of its own kind
        "81" * 500 + "00",
    ],
)
def test_another_encoding_is_refused(data: str) -> None:
    with pytest.raises(FrameError):
        cbor.loads(bytes.fromhex(data), 1_000)


def test_too_much_is_not_even_read() -> None:
    with pytest.raises(FrameError, match="at most 3"):
        cbor.loads(bytes(4), 3)
