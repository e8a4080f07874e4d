"""A state as bytes, and back."""

import cbor2

from rules.codec import parse, plain
from rules.errors import FrameError
from rules.state import State

VERSION = 1


def encode(state: State) -> bytes:
    """The whole state; equal states have equal bytes."""
    return cbor2.dumps([VERSION, plain(state)])


def decode(snapshot: bytes) -> State:
    """The state that `encode` was given.

    Raises:
        FrameError: no snapshot, or one of another version.

    """
    try:
        version, body = cbor2.loads(snapshot)
    except (cbor2.CBORError, ValueError, TypeError) as error:
        raise FrameError(f"no snapshot: {error!r:.80}") from error
    if version != VERSION:
        raise FrameError(f"a snapshot of version {version}, this program reads {VERSION}")
    return parse(body, State)
