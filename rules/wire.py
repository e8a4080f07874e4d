"""Messages between a driver process and the gateway, and their codec.

One message is one packet of an AF_UNIX SOCK_SEQPACKET socket: CBOR `[version, type, body...]`.
The driver connects and sends `Hello`; the gateway answers `Devices` and sends it again whenever
the registry changes; `Settings` go before the first of them. Times are CLOCK_BOOTTIME microseconds
of the machine that both run on.
"""

from dataclasses import dataclass, field
from enum import IntEnum

import cbor2

from rules.air import Receptions, Settings, Sighting, Survey
from rules.alarm import AlarmKind
from rules.codec import parse, plain
from rules.command import Command
from rules.device import Device, Link
from rules.errors import FrameError
from rules.inputs import CommandResult
from rules.observation import BOOLEAN, DeviceId, Phenomenon, Press, Quality, Value
from rules.sentence import Sentence

VERSION = 1
MAX_BYTES = 65_536
"A packet past this is refused; a registry of 200 devices is about 50,000 bytes."

_PHENOMENA = {phenomenon.value: phenomenon for phenomenon in Phenomenon}
_PRESSES = {press.value: press for press in Press}
_QUALITIES = tuple(Quality)
_LARGEST = 1e12
"No sensor of a home measures more; this also keeps infinities and NaN out."


class Type(IntEnum):
    """What a packet carries."""

    HELLO = 1
    DEVICES = 2
    OBSERVED = 3
    FAULT = 4
    COMMAND = 5
    COMMAND_RESULT = 6
    SETTINGS = 7
    SURVEY = 8
    SIGHTING = 9
    RECEPTIONS = 10


@dataclass(frozen=True, slots=True)
class Hello:
    """A driver says who it is; the first packet of a connection."""

    driver: str
    link: Link


@dataclass(frozen=True, slots=True)
class KeyedDevice:
    """A device with its link key; keys go nowhere but to the driver of that link."""

    device: Device
    key: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Devices:
    """All devices of the driver's link."""

    devices: tuple[KeyedDevice, ...]


@dataclass(frozen=True, slots=True)
class Observed:
    """An observation as a driver has it: stamped with the machine's boot time."""

    device: DeviceId
    phenomenon: Phenomenon
    value: Value
    boottime_us: int
    quality: Quality = Quality.GOOD


@dataclass(frozen=True, slots=True)
class DriverFault:
    """A technical condition at the driver, now present or over."""

    kind: AlarmKind
    scope: DeviceId | None
    present: bool
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class Order:
    """A command as a driver gets it: its own moment is of a clock that only the gateway has."""

    command: Command
    until_boottime_us: int
    "Not to be carried out from then on."


_Body = (
    Hello
    | Devices
    | DriverFault
    | Order
    | CommandResult
    | Settings
    | Survey
    | Sighting
    | Receptions
)
Message = Observed | _Body

_BODIES: dict[Type, type[_Body]] = {
    Type.HELLO: Hello,
    Type.DEVICES: Devices,
    Type.FAULT: DriverFault,
    Type.COMMAND: Order,
    Type.COMMAND_RESULT: CommandResult,
    Type.SETTINGS: Settings,
    Type.SURVEY: Survey,
    Type.SIGHTING: Sighting,
    Type.RECEPTIONS: Receptions,
}
_TYPES = {body: type_ for type_, body in _BODIES.items()}


def encode(message: Message) -> bytes:
    """One packet."""
    if isinstance(message, Observed):
        # Spelt out: this is the path that a thousand packets a second take.
        return cbor2.dumps(
            [
                VERSION,
                int(Type.OBSERVED),
                message.device,
                message.phenomenon.value,
                message.value.value if isinstance(message.value, Press) else message.value,
                message.boottime_us,
                _QUALITIES.index(message.quality),
            ]
        )
    return cbor2.dumps([VERSION, int(_TYPES[type(message)]), plain(message)])


def decode(packet: bytes) -> Message:
    """Parse one packet.

    Raises:
        FrameError: not CBOR, another version, an unknown type, or fields that do not fit.

    """
    if len(packet) > MAX_BYTES:
        raise FrameError(f"a packet of {len(packet)} bytes, at most {MAX_BYTES}")
    match _loads(packet):
        case [1, 3, str(device), str(phenomenon), value, int(boottime_us), int(quality)]:
            return _observed(device, phenomenon, value, boottime_us, quality)
        case [1, int(number), body] if number in _BODIES:
            message = parse(body, _BODIES[Type(number)])
            if isinstance(message, Sighting):
                _check(message)
            return message
        case [int(version), *_] if version != VERSION:
            raise FrameError(f"version {version}, this side speaks {VERSION}")
        case _:
            raise FrameError("no packet of this protocol")


def _check(seen: Sighting) -> None:
    """Refuse what would not be shown as it stands: somebody else has chosen the names.

    Raises:
        FrameError: a value of another kind, or a name that could steer a terminal.

    """
    for said in seen.said:
        value_of(said.phenomenon, said.value)
    words = (seen.address, seen.source, seen.name, seen.maker, seen.format, seen.refused)
    if not all(map(str.isprintable, words)):
        raise FrameError("a sighting with a name that cannot be printed")


def _loads(packet: bytes) -> object:
    try:
        return cbor2.loads(packet)
    except (cbor2.CBORError, ValueError, OverflowError, RecursionError, TypeError) as error:
        raise FrameError(f"no CBOR: {error!r:.80}") from error


def _observed(
    device: str, phenomenon: str, value: object, boottime_us: int, quality: int
) -> Observed:
    known = _PHENOMENA.get(phenomenon)
    if known is None:
        raise FrameError(f"unknown phenomenon {phenomenon!r:.40}")
    if not 0 <= quality < len(_QUALITIES) or boottime_us < 0:
        raise FrameError(f"quality {quality}, boot time {boottime_us}")
    return Observed(
        DeviceId(device), known, value_of(known, value), boottime_us, _QUALITIES[quality]
    )


def value_of(phenomenon: Phenomenon, value: object) -> Value:
    """The value as its phenomenon has it: bool, float or `Press`.

    Raises:
        FrameError: a value of another kind, or no finite number.

    """
    if phenomenon in BOOLEAN:
        if type(value) is bool:
            return value
    elif phenomenon is Phenomenon.BUTTON:
        if isinstance(value, str) and value in _PRESSES:
            return _PRESSES[value]
    elif isinstance(value, int | float) and type(value) is not bool and abs(value) < _LARGEST:
        return float(value)
    raise FrameError(f"{value!r:.40} is no value of {phenomenon.value}")
