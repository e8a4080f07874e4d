"""A plug node of the tests: the node's rules on a flash that can fail, and what it did."""

from dataclasses import dataclass, field
from random import Random

from drivers.ble.node_frames import (
    NodeKeys,
    NodeOrder,
    decode_challenge,
    encode_command,
    keys_of,
)
from drivers.ble.node_transfer import CONFIGURATION_MAX
from sim.ble.node_rules import CONFIGURE, DONE, UNSUPPORTED, NodeRules

KEY = b"sixteen bytes ok"
MAC = bytes.fromhex("c0decc000001")


class PowerCut(Exception):  # noqa: N818 -- what happens
    pass


@dataclass
class Flash:
    """The file of marks."""

    kept: tuple[int, int] | None = (0, 0)
    saves: int = 0
    full: bool = False

    def load(self) -> tuple[int, int] | None:
        return self.kept

    def save(self, boot: int, reserved: int) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.saves += 1
        self.kept = (boot, reserved)


@dataclass
class Plug:
    """A node; `restart` it as often as needed."""

    key: bytes = KEY
    mac: bytes = MAC
    flash: Flash = field(default_factory=Flash)
    seed: int | None = 1
    "None: no entropy at all."
    done: list[tuple[int, int]] = field(default_factory=list)
    cut: bool = False
    "The power is cut before the next thing is done."
    rules: NodeRules = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        random = None if self.seed is None else Random(self.seed)
        self.rules = NodeRules(
            self.key,
            self.mac,
            self.flash,
            self._act,
            lambda: 5,
            lambda count: bytes(count) if random is None else random.randbytes(count),
        )

    @property
    def keys(self) -> NodeKeys:
        return keys_of(self.key, self.mac)

    def _act(self, op: int, argument: int) -> int:
        if self.cut:
            self.cut = False
            raise PowerCut
        if op not in (1, 2, 3, 4):
            return UNSUPPORTED
        self.done.append((op, argument))
        return DONE


@dataclass
class Board:
    """A node that keeps what is written, and commits it; `restart` forgets what it has not."""

    kept: bytearray = field(default_factory=bytearray)
    committed: list[tuple[int, bytes]] = field(default_factory=list)
    full: bool = False
    counter: int = 0
    flash: Flash = field(default_factory=Flash)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        random = Random(1)
        self.rules = NodeRules(KEY, MAC, self.flash, self._act, lambda: 0, random.randbytes, self)
        self.rules.connect(0)

    def room(self, op: int) -> int:
        return CONFIGURATION_MAX if op == CONFIGURE else 64 * 1024

    def put(self, op: int, offset: int, piece: bytes) -> None:
        del op
        if self.full:
            raise OSError(28, "No space left on device")
        self.kept[offset:] = piece

    def _act(self, op: int, argument: int) -> int:
        del argument
        self.committed.append((op, bytes(self.kept)))
        return 0

    def ask(self, order: NodeOrder, at_ms: int = 0) -> int:
        """A command of the gateway's; its status."""
        self.counter = max(self.counter, self.flash.kept[1] if self.flash.kept else 0) + 1
        keys = keys_of(KEY, MAC)
        challenge = decode_challenge(self.rules.challenge, keys)
        frame = encode_command(order, self.counter, challenge, keys).frame
        return self.rules.write(frame, at_ms)[2]
