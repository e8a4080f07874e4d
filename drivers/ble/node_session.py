"""One command to one node, from connecting to its result: what to do next, and no I/O.

Each fact that comes in gives the step to take. Facts of a connection that is over are for the
caller to drop. Whoever is at the other end may be anybody: a command is made only for a challenge
of the node's own, and only the node's own result ends the session well.

Ref: docs/protocol/node.md.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from drivers.ble.node_counters import Exhausted, SentCounters
from drivers.ble.node_frames import (
    Hint,
    NodeKeys,
    NodeOrder,
    Result,
    Sent,
    State,
    Status,
    decode_challenge,
    decode_result,
    encode_command,
)
from drivers.refused import Refused, Why
from rules.command import Refusal
from rules.observation import DeviceId

_TRIES_MAX: Final = 5
"Commands, and connections that brought none; each command has a counter of its own."
_PATIENCE_S: Final = 1.5
"For a notification; and again, once the result was asked for since none had come."
_REFUSED_MAX: Final = 3
"Of one connection: who says more rubbish than that is not the node."


@dataclass(frozen=True, slots=True)
class Unbelieved:
    """Somebody answered a command in the place of a device."""

    device: DeviceId
    why: Why


class Part(Enum):
    """What is read."""

    CHALLENGE = "challenge"
    RESULT = "result"
    PROGRESS = "progress"
    "Of what is written into `data`."


@dataclass(frozen=True, slots=True)
class Connect:
    """End the connection, if there is one; make a new one, and subscribe to results."""


@dataclass(frozen=True, slots=True)
class Read:
    """Read a characteristic."""

    part: Part


@dataclass(frozen=True, slots=True)
class Write:
    """Write a command, with response."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing until the next fact, or `next_deadline`."""


class Outcome(Enum):
    """How a session ended."""

    DONE = "done"
    UNSUPPORTED = "unsupported"
    REFUSED = "refused"
    "By the node, or busy."
    UNREACHABLE = "unreachable"
    "Nobody there, or nobody who could prove to be the node."
    EXPIRED = "expired"
    EXHAUSTED = "exhausted"
    "Of counters: the node needs a new key."


@dataclass(frozen=True, slots=True)
class Finished:
    """Disconnect. `DONE` and the node's own refusals are proven; the others may be anybody's work.

    Of a command that was not proven, the node may still do it within 5 s, and never later.
    """

    outcome: Outcome
    state: State | None
    refused: tuple[Why, ...]
    "Frames that were not believed, for the technician."


Step = Connect | Read | Write | Wait | Finished

REFUSALS: Final = {
    Outcome.DONE: None,
    Outcome.UNSUPPORTED: Refusal.UNSUPPORTED,
    Outcome.REFUSED: Refusal.REFUSED,
    Outcome.UNREACHABLE: Refusal.UNREACHABLE,
    # The driver's own patience; the command may still be in time.
    Outcome.EXPIRED: Refusal.UNREACHABLE,
    Outcome.EXHAUSTED: Refusal.REFUSED,
}
"What the gateway is told."

_ENDS: Final = {
    Status.DONE: Outcome.DONE,
    Status.UNSUPPORTED: Outcome.UNSUPPORTED,
    Status.BUSY: Outcome.REFUSED,
    Status.REFUSED: Outcome.REFUSED,
}


class _Stage(Enum):
    CONNECTING = 1
    ASKING = 2
    WAITING = 3
    LOOKING = 4
    "Still waiting, and the result was asked for."
    OVER = 5


_WRITTEN: Final = frozenset({_Stage.WAITING, _Stage.LOOKING})
"A command was written in this connection."


@dataclass(slots=True)
class NodeSession:
    """Begin with `start`; times are seconds of any clock that does not jump."""

    keys: NodeKeys
    order: NodeOrder
    counters: SentCounters
    id_: bytes
    "Of the node's key, as `counters` knows it."
    until_s: float
    _stage: _Stage = field(default=_Stage.CONNECTING, init=False)
    _sent: Sent | None = field(default=None, init=False)
    _due_s: float = field(default=0.0, init=False)
    _tries: int = field(default=0, init=False)
    _wrong: int = field(default=0, init=False)
    _refused: list[Why] = field(default_factory=list, init=False)

    def start(self, at_s: float) -> Step:
        """Begin."""
        return self._again(at_s)

    def connected(self, at_s: float) -> Step:
        """Connected, and subscribed to results."""
        if self._stage is not _Stage.CONNECTING:
            return self.passed(at_s)
        self._wrong = 0
        self._tries -= 1  # Connecting was this try.
        return self._ask(at_s)

    def challenge_read(self, value: bytes, at_s: float) -> Step:
        """The challenge, as it was read."""
        if self._stage is not _Stage.ASKING or at_s >= self.until_s:
            return self.passed(at_s)
        try:
            challenge = decode_challenge(value, self.keys)
            counter = self.counters.take(self.id_)
        except Refused as refused:
            self._refused.append(refused.why)
            return self._again(at_s)
        except Exhausted:
            return self._finish(Outcome.EXHAUSTED)
        self._sent = encode_command(self.order, counter, challenge, self.keys)
        self._due_s = at_s + _PATIENCE_S
        self._stage = _Stage.WAITING
        return Write(self._sent.frame)

    def result_came(self, value: bytes, at_s: float) -> Step:
        """A result, notified or read; empty if the node has none yet."""
        if self._stage not in _WRITTEN or not value:
            return self.passed(at_s)
        assert self._sent is not None
        try:
            result = decode_result(value, self._sent, self.keys)
        except Refused as refused:
            self._refused.append(refused.why)
            self._wrong += 1
            # Perhaps the node's own is still to come, behind somebody else's.
            return self._again(at_s) if self._wrong >= _REFUSED_MAX else self.passed(at_s)
        match result:
            case Hint(Status.CHALLENGE):
                return self._ask(at_s)
            case Hint():
                # Anybody may say so. If it is the node, the next challenge tells.
                return self._again(at_s)
            case Result(Status.COUNTER, _, int(mark)):
                self.counters.learn(self.id_, mark)
                return self._ask(at_s)
        return self._finish(_ENDS[result.status], result.state)

    def disconnected(self, at_s: float) -> Step:
        """The connection is lost, or none could be made."""
        return self.passed(at_s) if self._stage is _Stage.OVER else self._again(at_s)

    def passed(self, at_s: float) -> Step:
        """Time has passed; also what to do when a fact changes nothing."""
        if self._stage is _Stage.OVER:
            return Wait()
        if at_s >= self.until_s:
            return self._finish(Outcome.EXPIRED)
        if self._stage not in _WRITTEN or at_s < self._due_s:
            return Wait()
        if self._stage is _Stage.LOOKING:
            return self._again(at_s)
        self._stage = _Stage.LOOKING
        self._due_s = at_s + _PATIENCE_S
        return Read(Part.RESULT)

    def next_deadline(self) -> float | None:
        """When `passed` is due at the latest."""
        if self._stage is _Stage.OVER:
            return None
        return min(self._due_s, self.until_s) if self._stage in _WRITTEN else self.until_s

    def _again(self, at_s: float) -> Step:
        return self._try(_Stage.CONNECTING, Connect(), at_s)

    def _ask(self, at_s: float) -> Step:
        return self._try(_Stage.ASKING, Read(Part.CHALLENGE), at_s)

    def _try(self, stage: _Stage, step: Step, at_s: float) -> Step:
        if at_s >= self.until_s:
            return self._finish(Outcome.EXPIRED)
        if self._tries >= _TRIES_MAX:
            return self._finish(Outcome.UNREACHABLE)
        self._tries += 1
        self._stage = stage
        return step

    def _finish(self, outcome: Outcome, state: State | None = None) -> Step:
        self._stage = _Stage.OVER
        return Finished(outcome, state, tuple(self._refused))
