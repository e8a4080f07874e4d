"""A plug node of the tests: the node's rules on a flash that can fail, and what it did."""

from dataclasses import dataclass, field
from random import Random

from drivers.ble.node_frames import NodeKeys, keys_of
from sim.ble.node_rules import DONE, UNSUPPORTED, NodeRules

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
