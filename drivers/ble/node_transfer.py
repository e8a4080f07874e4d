"""What is written into a node piece by piece: a configuration, or an update.

The node is told how much will come, then takes pieces in their order, and does nothing with them
until a command says so whose tag covers all of them. Of pieces that were written without response
some may be lost: the node tells how far it has come, and by a checksum of what. So does the next
connection go on where one was cut. No I/O here.

Ref: docs/protocol/node.md.
"""

import hashlib
import zlib
from dataclasses import dataclass, field
from typing import Final

from drivers.ble.node_frames import NodeOrder, Op

CONFIGURATION_MAX: Final = 512
UPDATE_KIB_MAX: Final = 0xFFFF

_KIB: Final = 1024
_PROGRESS_BYTES: Final = 8
_OFFSET_BYTES: Final = 4
_PADDING: Final = b"\xff"
"As an erased flash."


@dataclass(slots=True)
class Transfer:
    """One configuration or update on its way into one node."""

    content: bytes
    announcement: NodeOrder
    commitment: NodeOrder
    at: int = field(default=0, init=False)
    "So many bytes the node has, by its own word."
    _anew: bool = field(default=False, init=False)
    "What is there is not to be relied upon."

    @property
    def whole(self) -> bool:
        """Whether everything is there, and may be committed."""
        return self.at == len(self.content)

    def doubted(self) -> None:
        """The node did not take the commitment: something else is there, so all is sent again."""
        self._anew = True
        self.at = 0

    def seen(self, progress: bytes) -> None:
        """The node's word on how far it has come; rubbish, or of other content: from the start."""
        got = int.from_bytes(progress[:_OFFSET_BYTES], "little")
        crc = int.from_bytes(progress[_OFFSET_BYTES:], "little")
        right = len(progress) == _PROGRESS_BYTES and got <= len(self.content)
        if self._anew or not right or crc != zlib.crc32(self.content[:got]):
            got = 0
        self._anew = False
        self.at = got

    def pieces(self, room: int, count: int) -> list[bytes]:
        """The next `count` writes of at most `room` bytes each."""
        step = room - _OFFSET_BYTES
        assert step > 0
        ends = min(self.at + count * step, len(self.content))
        return [
            at.to_bytes(_OFFSET_BYTES, "little") + self.content[at : min(at + step, ends)]
            for at in range(self.at, ends, step)
        ]


def configuration(content: bytes) -> Transfer:
    """A node's configuration, 1 to `CONFIGURATION_MAX` bytes."""
    assert 0 < len(content) <= CONFIGURATION_MAX
    return _transfer(content, Op.CONFIGURE, Op.CONFIGURE_COMMIT, len(content))


def update(image: bytes) -> Transfer:
    """A node's program, padded to whole KiB."""
    kib = -(-len(image) // _KIB)
    assert 0 < kib <= UPDATE_KIB_MAX
    return _transfer(image.ljust(kib * _KIB, _PADDING), Op.UPDATE, Op.UPDATE_COMMIT, kib)


def _transfer(content: bytes, announce: Op, commit: Op, size: int) -> Transfer:
    digest = hashlib.sha256(content).digest()
    return Transfer(content, NodeOrder(announce, size), NodeOrder(commit, size, digest))
